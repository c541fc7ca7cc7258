//! The comparison of two datasets' examples.

use std::collections::BTreeMap;

use arrow::datatypes::Schema;
use base::nearest;
use dataflow::{Accumulator, Engine, EngineError, Source};
use dataset::FeatureType;
use serde_json::Value as Json;

use crate::fingerprints::{FingerprintPass, Fingerprints};
use crate::join::Join;
use crate::layout::{KEY, Layout, MISSING, Range};
use crate::result::{ConfusionCount, FeatureSkew, SkewPair};
use crate::rows::RowsPass;
use crate::{Config, ExampleDiff, ExampleDiffError};

/// How many bytes of records, of both sides together, are looked at at once. While they are collected and sorted
/// there can be three times as many.
const RECORD_BYTES: u64 = 256 << 20;

/// One side of the comparison.
pub struct Examples<'a> {
    /// The examples.
    pub source: &'a dyn Source,
    /// How many there are. It decides how many ranges of keys are looked at one after the other, and nothing else.
    pub num_examples: u64,
}

/// Compares examples with those of a baseline that have the same identifiers.
///
/// A feature that both examples of a pair have matches if the values are equal: of one type, in one order, floats
/// rounded as the configuration says. NaN equals NaN. One value equals a list of just that value; a list without
/// values is there and equals only itself. A feature that both lack is not counted. A column that one dataset does
/// not have is missing in all its examples.
///
/// Reads each side once for every 256 MiB of records, a record being 24 bytes and 8 more for each feature, and
/// once again for the sample if any pair differs.
///
/// # Errors
///
/// [`ExampleDiffError`] when the identifier features do not make sense, a column holds what features do not, a
/// feature of `confusion_features` has too many values, or the examples cannot be read.
///
/// # Source
///
/// TensorFlow Data Validation's `feature_skew_detector`; for what is different see `docs/compatibility.md`.
pub fn diff_examples(
    examples: &Examples<'_>,
    baseline: &Examples<'_>,
    config: &Config,
    engine: &dyn Engine,
) -> Result<ExampleDiff, ExampleDiffError> {
    let (test, base) = (examples.source.schema(), baseline.source.schema());
    check_identifiers(&test, &base, config)?;
    let layout = Layout::new([&base, &test], config);
    let bytes_each = (layout.width() as u64 + 1) * 8;
    let num_examples = examples.num_examples.saturating_add(baseline.num_examples);
    let count = num_examples.saturating_mul(bytes_each).div_ceil(RECORD_BYTES).max(1);
    diff_in_ranges(examples.source, baseline.source, config, &layout, count, engine)
}

fn diff_in_ranges(
    examples: &dyn Source,
    baseline: &dyn Source,
    config: &Config,
    layout: &Layout,
    count: u64,
    engine: &dyn Engine,
) -> Result<ExampleDiff, ExampleDiffError> {
    let mut join = Join::new(layout, config.allow_duplicate_identifiers, config.skew_sample_size);
    for index in 0..count {
        let pass = FingerprintPass { layout: layout.clone(), range: Range { index, count } };
        let read = |source| -> Result<Fingerprints, ExampleDiffError> {
            dataflow::fold(engine, source, &pass).map_err(ExampleDiffError::Engine)
        };
        let (base, test) = (read(baseline)?, read(examples)?);
        join.match_stats.base_missing_id_count = base.num_missing;
        join.match_stats.test_missing_id_count = test.num_missing;
        join.add(&base, &test);
    }
    let (test, base) = (examples.schema(), baseline.schema());
    let kind = |schema: &Schema, name: &str| {
        let field = schema.field_with_name(name).ok()?;
        FeatureType::of(field.data_type())
    };
    let columns = layout.columns.iter();
    let features = columns.zip(&join.counts).map(|(column, counts)| FeatureSkew {
        feature_name: column.name.clone(),
        base_type: kind(&base, &column.name),
        test_type: kind(&test, &column.name),
        base_count: counts.base,
        test_count: counts.test,
        match_count: counts.matched,
        base_only: counts.base_only,
        test_only: counts.test_only,
        mismatch_count: counts.mismatched,
    });
    let mut confusion: Vec<ConfusionCount> = join
        .confusion
        .iter()
        .map(|((place, base, test), &count)| ConfusionCount {
            feature_name: layout.columns[*place].name.clone(),
            base: base.clone(),
            test: test.clone(),
            count,
        })
        .collect();
    confusion.sort_by(|a, b| {
        (&a.feature_name, &a.base, &a.test).cmp(&(&b.feature_name, &b.base, &b.test))
    });
    Ok(ExampleDiff {
        match_stats: join.match_stats,
        num_compared_pairs: join.num_compared,
        num_skewed_pairs: join.num_skewed,
        features: features.collect(),
        confusion,
        sample: sample(examples, baseline, layout, &join.sample, engine)?,
    })
}

fn check_identifiers(
    examples: &Schema,
    baseline: &Schema,
    config: &Config,
) -> Result<(), ExampleDiffError> {
    if config.identifier_features.is_empty() {
        return Err(ExampleDiffError::NoIdentifier);
    }
    for feature in &config.identifier_features {
        let find = |schema: &Schema, side: &'static str| match schema.field_with_name(feature) {
            Ok(field) => Ok(FeatureType::of(field.data_type())),
            Err(_) => {
                let names = schema.fields().iter().map(|field| field.name().as_str());
                let nearest = nearest(feature, names).map(str::to_owned);
                Err(ExampleDiffError::MissingIdentifier { feature: feature.clone(), side, nearest })
            }
        };
        let found = find(examples, "examples")?;
        let baseline = find(baseline, "baseline examples")?;
        if let (Some(found), Some(baseline)) = (found, baseline)
            && found != baseline
        {
            let feature = feature.clone();
            return Err(ExampleDiffError::IdentifierType { feature, found, baseline });
        }
    }
    Ok(())
}

/// Finds the examples behind pairs of records.
fn sample(
    examples: &dyn Source,
    baseline: &dyn Source,
    layout: &Layout,
    pairs: &[(Vec<u64>, Vec<u64>)],
    engine: &dyn Engine,
) -> Result<Vec<SkewPair>, ExampleDiffError> {
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let read = |source: &dyn Source, mut wanted: Vec<Vec<u64>>| {
        wanted.sort();
        wanted.dedup();
        let pass = RowsPass { layout: layout.clone(), wanted };
        let state = dataflow::fold(engine, source, &pass).map_err(ExampleDiffError::Engine)?;
        state.finish().map_err(|error| ExampleDiffError::Engine(EngineError::Work(error)))
    };
    let base = read(baseline, pairs.iter().map(|(base, _)| base.clone()).collect())?;
    let test = read(examples, pairs.iter().map(|(_, test)| test.clone()).collect())?;
    let find = |rows: &BTreeMap<Vec<u64>, Json>, record: &Vec<u64>| {
        rows.get(record).cloned().unwrap_or_default()
    };
    Ok(pairs
        .iter()
        .map(|(a, b)| {
            let mut pair = SkewPair {
                base: find(&base, a),
                test: find(&test, b),
                base_only_features: Vec::new(),
                test_only_features: Vec::new(),
                matched_features: Vec::new(),
                mismatched_features: Vec::new(),
            };
            for (place, column) in layout.columns[..layout.num_compared].iter().enumerate() {
                let list = match (a[KEY + place], b[KEY + place]) {
                    (MISSING, MISSING) => continue,
                    (_, MISSING) => &mut pair.base_only_features,
                    (MISSING, _) => &mut pair.test_only_features,
                    (a, b) if a == b => &mut pair.matched_features,
                    _ => &mut pair.mismatched_features,
                };
                list.push(column.name.clone());
            }
            pair
        })
        .collect())
}

#[cfg(test)]
mod tests;
