//! Statistics as inference and validation look at them: by path, and weighted if all of them are.

use std::collections::{BTreeMap, BTreeSet};

use formats::metadata::feature_name_statistics::{FieldId, Stats, Type};
use formats::metadata::{
    CommonStatistics, CustomStatistic, DatasetFeatureStatistics, FeatureNameStatistics,
    FeatureType, Histogram, NumericStatistics, StringStatistics, histogram, histogram_selection,
};

use crate::SchemaError;
use crate::text::serialize_path;

/// One dataset's statistics, its features found by path.
pub(crate) struct DatasetView<'a> {
    /// The features that have any statistics, in the order of the message.
    pub(crate) features: Vec<FeatureView<'a>>,
    /// The number of examples, weighted if the statistics are.
    pub(crate) num_examples: f64,
    by_path: BTreeMap<Vec<&'a str>, usize>,
}

/// One feature's statistics.
pub(crate) struct FeatureView<'a> {
    /// The feature's path.
    pub(crate) path: Vec<&'a str>,
    /// The indices of the features directly below this one, ordered by path.
    pub(crate) children: Vec<usize>,
    /// Whether no other feature is the parent of this one.
    pub(crate) is_root: bool,
    /// The counts that features of any type have; composite features have none.
    pub(crate) common: Option<&'a CommonStatistics>,
    data: &'a FeatureNameStatistics,
    num_examples: f64,
    by_weight: bool,
}

/// Returns whether weighted statistics exist and are complete, so that they are looked at instead.
pub(crate) fn is_weighted(data: &DatasetFeatureStatistics) -> bool {
    data.weighted_num_examples != 0.0
        && data.features.iter().filter(|feature| feature.stats.is_some()).all(|feature| {
            feature.common_stats().is_some_and(|common| {
                common.weighted_common_stats.is_some()
                    && common.presence_and_valency_stats.len()
                        == common.weighted_presence_and_valency_stats.len()
            })
        })
}

impl<'a> DatasetView<'a> {
    /// Returns a view of some statistics, of their weighted twins if `by_weight`.
    pub(crate) fn new(
        data: &'a DatasetFeatureStatistics,
        by_weight: bool,
    ) -> Result<Self, SchemaError> {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let unweighted = data.num_examples as f64;
        let num_examples = if by_weight { data.weighted_num_examples } else { unweighted };

        let structs = named_structs(data);
        let mut features = Vec::with_capacity(data.features.len());
        let mut by_path = BTreeMap::new();
        for feature in &data.features {
            if feature.stats.is_none() && feature.custom_stats.is_empty() {
                continue;
            }
            let path = path(feature, &structs);
            if by_path.insert(path.clone(), features.len()).is_some() {
                let feature = serialize_path(&path);
                return Err(SchemaError::DuplicateStatistics { feature });
            }
            features.push(FeatureView {
                path,
                children: Vec::new(),
                is_root: true,
                common: feature.common_stats(),
                data: feature,
                num_examples,
                by_weight,
            });
        }
        for (path, &index) in &by_path {
            let parent = path.split_last().and_then(|(_, parent)| by_path.get(parent));
            if let Some(&parent) = parent {
                features[parent].children.push(index);
                features[index].is_root = false;
            }
        }
        Ok(Self { features, num_examples, by_path })
    }

    /// Returns the feature of a path.
    pub(crate) fn get(&self, path: &[&str]) -> Option<&FeatureView<'a>> {
        self.by_path.get(path).map(|&index| &self.features[index])
    }
}

impl<'a> FeatureView<'a> {
    /// Returns the type of the values that were seen.
    pub(crate) fn data_type(&self) -> Type {
        self.data.r#type()
    }

    /// Returns the schema's type for the values that were seen.
    pub(crate) fn feature_type(&self) -> FeatureType {
        match self.data_type() {
            Type::String | Type::Bytes => FeatureType::Bytes,
            Type::Int => FeatureType::Int,
            Type::Float => FeatureType::Float,
            Type::Struct => FeatureType::Struct,
        }
    }

    /// Returns the message itself.
    pub(crate) fn data(&self) -> &'a FeatureNameStatistics {
        self.data
    }

    /// Returns the statistics that only some features have.
    pub(crate) fn custom_stats(&self) -> &'a [CustomStatistic] {
        &self.data.custom_stats
    }

    /// Returns the number of examples that have the feature.
    pub(crate) fn num_present(&self) -> f64 {
        let Some(common) = self.common else { return 0.0 };
        match &common.weighted_common_stats {
            Some(weighted) if self.by_weight => weighted.num_non_missing,
            _ => count(common.num_non_missing),
        }
    }

    /// Returns the number of examples, or of parents, that lack the feature.
    pub(crate) fn num_missing(&self) -> f64 {
        let Some(common) = self.common else { return 0.0 };
        match &common.weighted_common_stats {
            Some(weighted) if self.by_weight => weighted.num_missing,
            _ => count(common.num_missing),
        }
    }

    /// Returns the fraction of all examples that have the feature, if there are examples.
    pub(crate) fn fraction_present(&self) -> Option<f64> {
        if self.num_examples <= 0.0 {
            return None;
        }
        // Exactly one, whatever the sums of weights were rounded to.
        if self.num_missing() == 0.0 {
            return Some(1.0);
        }
        Some(self.num_present() / self.num_examples)
    }

    /// Returns whether anything is missing, at any level of nesting.
    pub(crate) fn has_missing(&self) -> bool {
        let Some(common) = self.common else { return true };
        if common.presence_and_valency_stats.is_empty() {
            return self.num_missing() != 0.0;
        }
        if self.by_weight {
            common.weighted_presence_and_valency_stats.iter().any(|level| level.num_missing != 0.0)
        } else {
            common.presence_and_valency_stats.iter().any(|level| level.num_missing != 0)
        }
    }

    /// Returns the smallest and largest number of values, for each level of nesting; one level at least.
    pub(crate) fn value_counts(&self) -> Vec<(i64, i64)> {
        let clamp = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let Some(common) = self.common else { return vec![(0, 0)] };
        if common.presence_and_valency_stats.is_empty() {
            return vec![(clamp(common.min_num_values), clamp(common.max_num_values))];
        }
        let levels = common.presence_and_valency_stats.iter();
        levels.map(|level| (clamp(level.min_num_values), clamp(level.max_num_values))).collect()
    }

    /// Returns the total number of values in all examples.
    pub(crate) fn num_values(&self) -> f64 {
        let Some(common) = self.common else { return 0.0 };
        match &common.weighted_common_stats {
            Some(weighted) if self.by_weight => weighted.tot_num_values,
            // Old statistics lack the total.
            _ if common.tot_num_values == 0 => {
                count(common.num_non_missing) * f64::from(common.avg_num_values)
            }
            _ => count(common.tot_num_values),
        }
    }

    /// Returns the distinct values of a categorical feature and how often each was seen.
    pub(crate) fn values(&self) -> BTreeMap<&'a str, f64> {
        let Some(string) = self.string() else { return BTreeMap::new() };
        let histogram = if self.by_weight {
            string.weighted_string_stats.as_ref().and_then(|stats| stats.rank_histogram.as_ref())
        } else {
            string.rank_histogram.as_ref()
        };
        let mut values = BTreeMap::new();
        for bucket in histogram.iter().flat_map(|histogram| &histogram.buckets) {
            values.entry(bucket.label.as_str()).or_insert(bucket.sample_count);
        }
        values
    }

    /// Returns whether values were counted one by one, as those of categorical features are.
    pub(crate) fn has_counted_values(&self) -> bool {
        self.string().is_some()
    }

    /// Returns whether some values are not UTF-8.
    pub(crate) fn has_invalid_utf8(&self) -> bool {
        self.string().is_some_and(|string| string.invalid_utf8_count > 0)
    }

    /// Returns how many distinct values there are, where that was counted.
    pub(crate) fn num_unique(&self) -> Option<u64> {
        self.string().map(|string| string.unique)
    }

    /// Returns the numeric statistics of a numeric feature.
    pub(crate) fn numeric(&self) -> Option<&'a NumericStatistics> {
        match &self.data.stats {
            Some(Stats::NumStats(stats)) => Some(stats),
            _ => None,
        }
    }

    /// Returns the histogram of one type, `DEFAULT` being the standard one.
    pub(crate) fn histogram(&self, source: histogram_selection::Type) -> Option<&'a Histogram> {
        let wanted = match source {
            histogram_selection::Type::Quantiles => histogram::HistogramType::Quantiles,
            _ => histogram::HistogramType::Standard,
        };
        let numeric = self.numeric()?;
        let histograms = match &numeric.weighted_numeric_stats {
            Some(weighted) if self.by_weight => &weighted.histograms,
            None if self.by_weight => return None,
            _ => &numeric.histograms,
        };
        histograms.iter().find(|histogram| histogram.r#type() == wanted)
    }

    fn string(&self) -> Option<&'a StringStatistics> {
        match &self.data.stats {
            Some(Stats::StringStats(stats)) => Some(stats),
            _ => None,
        }
    }
}

/// Returns the structs that have a name instead of a path, as old statistics do.
fn named_structs(data: &DatasetFeatureStatistics) -> BTreeSet<&str> {
    let structs = data.features.iter().filter(|feature| feature.r#type() == Type::Struct);
    structs
        .filter_map(|feature| match &feature.field_id {
            Some(FieldId::Name(name)) => Some(name.as_str()),
            _ => None,
        })
        .collect()
}

/// Returns the path of a feature. In a name, what follows a struct's name and a dot is a step of its own.
fn path<'a>(feature: &'a FeatureNameStatistics, structs: &BTreeSet<&'a str>) -> Vec<&'a str> {
    let name = match &feature.field_id {
        Some(FieldId::Path(path)) => return path.step.iter().map(String::as_str).collect(),
        Some(FieldId::Name(name)) => name.as_str(),
        None => "",
    };
    let mut path = Vec::new();
    let mut start = 0;
    for (dot, _) in name.match_indices('.') {
        if structs.contains(&name[..dot]) {
            path.push(&name[start..dot]);
            start = dot + 1;
        }
    }
    path.push(&name[start..]);
    path
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn count(count: u64) -> f64 {
    count as f64
}
