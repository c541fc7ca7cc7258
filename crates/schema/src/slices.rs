//! Statistics of slices: parts of the data, such as the examples of one country.

use std::collections::BTreeSet;

use formats::metadata::feature_name_statistics::FieldId;
use formats::metadata::{
    Anomalies, DatasetFeatureStatistics, DatasetFeatureStatisticsList, Path, Schema,
};

use crate::{SchemaError, ValidateOptions, validate_statistics};

/// The name of the statistics of all examples, among those of slices.
pub const ALL_EXAMPLES: &str = "All Examples";

/// Returns the statistics of all examples: the only ones, or those of that name among several.
///
/// # Errors
///
/// [`SchemaError::NoDefaultSlice`] when there are none.
pub fn default_slice(
    statistics: &DatasetFeatureStatisticsList,
) -> Result<&DatasetFeatureStatistics, SchemaError> {
    match statistics.datasets.as_slice() {
        [only] => Ok(only),
        several => several.iter().find(|dataset| dataset.name == ALL_EXAMPLES).ok_or_else(|| {
            let found = several.iter().map(|dataset| dataset.name.clone()).collect();
            SchemaError::NoDefaultSlice { found }
        }),
    }
}

/// The slices that the slices of some data are compared with, each with the one of the same name.
#[derive(Clone, Copy, Debug, Default)]
pub struct SliceControls<'a> {
    /// Statistics of the data before, for drift.
    pub previous: Option<&'a DatasetFeatureStatisticsList>,
    /// Statistics of the data in serving, for skew.
    pub serving: Option<&'a DatasetFeatureStatisticsList>,
    /// Statistics of the version before of the same data; of all examples only.
    pub previous_version: Option<&'a DatasetFeatureStatisticsList>,
}

/// Returns what in any slice a schema does not allow.
///
/// Every slice is compared with the whole schema, and with the slice of the same name in the other datasets,
/// which replace those of the options. A feature of slice `x` is called `slice(x)::feature`. Slices that only
/// the other data has lack every feature; to those that only this data has, every comparison is missing.
/// Constraints on the dataset as a whole are those of all examples.
///
/// # Errors
///
/// [`SchemaError::NoDefaultSlice`], and as [`validate_statistics`].
///
/// # Source
///
/// As TensorFlow Data Validation's `validate_corresponding_slices`, which forgets environments and the
/// constraints on the dataset.
pub fn validate_slices(
    statistics: &DatasetFeatureStatisticsList,
    schema: &Schema,
    options: &ValidateOptions<'_>,
    controls: &SliceControls<'_>,
) -> Result<Anomalies, SchemaError> {
    let mut slices = BTreeSet::new();
    let mut flat = |list: &DatasetFeatureStatisticsList| {
        slices.extend(list.datasets.iter().map(|dataset| dataset.name.clone()));
        flatten(list)
    };
    let statistics = flat(statistics)?;
    let previous = controls.previous.map(&mut flat).transpose()?;
    let serving = controls.serving.map(&mut flat).transpose()?;
    let previous_version = controls.previous_version.map(default_slice).transpose()?;
    let options = ValidateOptions {
        previous: previous.as_ref(),
        serving: serving.as_ref(),
        previous_version,
        ..*options
    };
    validate_statistics(&statistics, &replicate(schema, &slices), &options)
}

/// Puts the features of all slices side by side, under names of their own.
fn flatten(list: &DatasetFeatureStatisticsList) -> Result<DatasetFeatureStatistics, SchemaError> {
    let all = default_slice(list)?;
    let mut features = Vec::new();
    for dataset in &list.datasets {
        for feature in &dataset.features {
            let mut feature = feature.clone();
            let mut path = match feature.field_id.take() {
                Some(FieldId::Path(path)) => path,
                Some(FieldId::Name(name)) => Path { step: vec![name] },
                None => Path { step: vec![String::new()] },
            };
            if let Some(step) = path.step.first_mut() {
                *step = name_in(&dataset.name, step);
            }
            feature.field_id = Some(FieldId::Path(path));
            features.push(feature);
        }
    }
    Ok(DatasetFeatureStatistics {
        name: all.name.clone(),
        num_examples: all.num_examples,
        weighted_num_examples: all.weighted_num_examples,
        features,
        cross_features: Vec::new(),
    })
}

/// Repeats the features of a schema for each slice.
fn replicate(schema: &Schema, slices: &BTreeSet<String>) -> Schema {
    let mut replica = Schema {
        feature: Vec::new(),
        sparse_feature: Vec::new(),
        weighted_feature: Vec::new(),
        ..schema.clone()
    };
    for slice in slices {
        let rename = |name: &mut Option<String>| {
            *name = name.as_ref().map(|name| name_in(slice, name));
        };
        let mut features = schema.feature.clone();
        features.iter_mut().for_each(|feature| rename(&mut feature.name));
        replica.feature.extend(features);
        let mut sparse = schema.sparse_feature.clone();
        sparse.iter_mut().for_each(|feature| rename(&mut feature.name));
        replica.sparse_feature.extend(sparse);
        let mut weighted = schema.weighted_feature.clone();
        weighted.iter_mut().for_each(|feature| rename(&mut feature.name));
        replica.weighted_feature.extend(weighted);
    }
    replica
}

fn name_in(slice: &str, feature: &str) -> String {
    format!("slice({slice})::{feature}")
}
