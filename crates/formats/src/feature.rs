//! What is read off a feature's statistics, whatever its type.

use crate::metadata::feature_name_statistics::{FieldId, Stats};
use crate::metadata::{CommonStatistics, FeatureNameStatistics};

impl FeatureNameStatistics {
    /// Returns the feature's name, the steps of its path joined by dots; empty where it has neither.
    pub fn dotted_name(&self) -> String {
        match &self.field_id {
            Some(FieldId::Name(name)) => name.clone(),
            Some(FieldId::Path(path)) => path.step.join("."),
            None => String::new(),
        }
    }

    /// Returns what features of every type have; `None` where there are no statistics.
    pub fn common_stats(&self) -> Option<&CommonStatistics> {
        match self.stats.as_ref()? {
            Stats::NumStats(stats) => stats.common_stats.as_ref(),
            Stats::StringStats(stats) => stats.common_stats.as_ref(),
            Stats::BytesStats(stats) => stats.common_stats.as_ref(),
            Stats::StructStats(stats) => stats.common_stats.as_ref(),
        }
    }
}
