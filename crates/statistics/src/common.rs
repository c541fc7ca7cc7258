//! What is said of every feature: presence, and how many values.

use formats::metadata::{CommonStatistics, PresenceAndValencyStatistics, WeightedCommonStatistics};
use sketch::{Count, Distribution, Summary, Weight, as_f64};

use crate::Config;
use crate::feature::{FeatureState, Level, Weighted};
use crate::histogram::{quantiles_histogram, with_floats};
use crate::part::Part;
use crate::pass::Feature;

/// Returns the common statistics of a feature; what is missing, is missing in an example, or in a struct.
pub(crate) fn common(
    feature: &Feature,
    state: &FeatureState,
    part: &Part,
    config: &Config,
) -> CommonStatistics {
    let (num_examples, weighted_num_examples) = match feature.parent {
        None => (part.num_examples, part.weight_of(feature.weight)),
        Some(parent) => {
            let parent = &part.features[parent];
            (parent.tot_num_values, parent.weighted.tot_num_values)
        }
    };
    let num_non_missing = state.num_non_missing;
    let mut common = CommonStatistics {
        num_non_missing,
        num_missing: num_examples.saturating_sub(num_non_missing),
        tot_num_values: state.tot_num_values,
        presence_and_valency_stats: levels(state, num_examples),
        ..CommonStatistics::default()
    };
    if feature.weight.is_some() {
        let weighted = weighted_levels(state, weighted_num_examples);
        common.weighted_common_stats = Some(of_weights(state.weighted, weighted_num_examples));
        common.weighted_presence_and_valency_stats = weighted;
    }
    if num_non_missing == 0 {
        return common;
    }
    let ranks = if feature.shape.num_levels > 0 {
        state.lengths.finish().ranks
    } else {
        Summary::exact(&[(1.0, num_non_missing)])
    };
    let [shortest, .., longest] = ranks.quantiles(2)[..] else { return common };
    common.min_num_values = as_length(shortest.0);
    common.max_num_values = as_length(longest.0);
    common.avg_num_values = ratio(state.tot_num_values, num_non_missing);
    let quantiles = ranks.quantiles(config.num_values_histogram_buckets.get() as usize);
    common.num_values_histogram = Some(quantiles_histogram(&with_floats(quantiles), 0));
    common
}

/// Returns the presence of every level of lists; a list is missing where the list around it has a null.
fn levels(state: &FeatureState, num_examples: u64) -> Vec<PresenceAndValencyStatistics> {
    let mut possible = num_examples;
    let mut message = |level: &Level| {
        let (min_num_values, max_num_values) = ends(&level.lengths).unwrap_or_default();
        let num_missing = possible.saturating_sub(level.num_non_missing);
        possible = level.tot_num_values;
        PresenceAndValencyStatistics {
            num_non_missing: level.num_non_missing,
            num_missing,
            min_num_values,
            max_num_values,
            tot_num_values: level.tot_num_values,
        }
    };
    state.levels.iter().map(&mut message).collect()
}

fn weighted_levels(state: &FeatureState, num_examples: Weight) -> Vec<WeightedCommonStatistics> {
    let mut possible = num_examples;
    let mut message = |level: &Level| {
        let message = of_weights(level.weighted, possible);
        possible = level.weighted.tot_num_values;
        message
    };
    state.levels.iter().map(&mut message).collect()
}

fn of_weights(weighted: Weighted, possible: Weight) -> WeightedCommonStatistics {
    let num_non_missing = weighted.num_non_missing.to_f64();
    let tot_num_values = weighted.tot_num_values.to_f64();
    WeightedCommonStatistics {
        num_non_missing,
        num_missing: possible.minus(weighted.num_non_missing).to_f64(),
        avg_num_values: if num_non_missing > 0.0 { tot_num_values / num_non_missing } else { 0.0 },
        tot_num_values,
    }
}

fn ends(lengths: &Distribution) -> Option<(u64, u64)> {
    let moments = lengths.finish().moments;
    (moments.count > 0).then(|| (as_length(moments.min()), as_length(moments.max())))
}

#[expect(clippy::cast_possible_truncation, reason = "the message has 32-bit floats for averages")]
pub(crate) fn ratio(total: u64, count: u64) -> f32 {
    if count == 0 { 0.0 } else { (as_f64(total) / as_f64(count)) as f32 }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths were whole and not negative when they were counted"
)]
fn as_length(length: f64) -> u64 {
    length as u64
}
