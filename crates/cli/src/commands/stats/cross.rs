//! What features say of one another: correlations, and lift of labels.

use components::json_number as number;
use formats::metadata::cross_feature_statistics::CrossStats;
use formats::metadata::lift_series::lift_value::{XAndYCountValue, XCountValue, XValue};
use formats::metadata::lift_series::{YCountValue, YValue};
use formats::metadata::{
    CrossFeatureStatistics, DatasetFeatureStatistics, LiftSeries, NumericCrossStatistics, Path,
};
use serde_json::{Value, json};

use super::table::{cut, short};
use crate::output::table;

/// How many pairs are shown of each kind.
const SHOWN: usize = 20;
/// How much of a feature's name, or of one with its value.
const NAME_CHARS: usize = 40;

/// A value of a feature and a label.
struct Lifted<'a> {
    feature: String,
    label: String,
    value: String,
    of_label: String,
    lift: f64,
    num_examples: f64,
    num_together: f64,
    /// Whether examples count by their weight.
    is_weighted: bool,
    series: &'a LiftSeries,
}

impl Lifted<'_> {
    fn num_of_label(&self) -> f64 {
        match self.series.y_count_value {
            #[expect(clippy::cast_precision_loss, reason = "counts for the screen")]
            Some(YCountValue::YCount(count)) => count as f64,
            Some(YCountValue::WeightedYCount(weight)) => weight,
            None => 0.0,
        }
    }

    /// Returns how far the two are from being independent: their part of the chi-squared statistic, so that what is
    /// rare does not count for much.
    fn strength(&self, dataset: &DatasetFeatureStatistics) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts for the screen")]
        let total = if self.is_weighted {
            dataset.weighted_num_examples
        } else {
            dataset.num_examples as f64
        };
        let expected = self.num_examples * self.num_of_label() / total;
        let strength = (self.num_together - expected).powi(2) / expected;
        if strength.is_finite() { strength } else { 0.0 }
    }
}

/// Returns the pairs of numbers that go together most, and the values that tell most of a label, as tables.
pub(super) fn tables(dataset: &DatasetFeatureStatistics) -> Vec<String> {
    let mut parts = Vec::new();
    let mut pairs: Vec<_> = dataset.cross_features.iter().filter_map(pair).collect();
    pairs.sort_by(|(_, a), (_, b)| b.correlation.abs().total_cmp(&a.correlation.abs()));
    if !pairs.is_empty() {
        let rows = pairs.iter().take(SHOWN).map(|(cross, numbers)| {
            vec![
                cut(&name(&cross.path_x), NAME_CHARS),
                cut(&name(&cross.path_y), NAME_CHARS),
                short(f64::from(numbers.correlation)),
                short(f64::from(numbers.covariance)),
                cross.count.to_string(),
            ]
        });
        let header = ["feature", "feature", "correlation", "covariance", "examples"];
        parts.push(shown(table(&header, rows.collect(), &[2, 3, 4]), pairs.len()));
    }
    // Where examples have weights, these are what counts.
    let mut lifted = lifted(dataset);
    if lifted.iter().any(|lifted| lifted.is_weighted) {
        lifted.retain(|lifted| lifted.is_weighted);
    }
    lifted.sort_by(|a, b| b.strength(dataset).total_cmp(&a.strength(dataset)));
    if !lifted.is_empty() {
        let rows = lifted.iter().take(SHOWN).map(|lifted| {
            vec![
                cut(&format!("{} = {}", lifted.label, lifted.of_label), NAME_CHARS),
                cut(&format!("{} = {}", lifted.feature, lifted.value), NAME_CHARS),
                short(lifted.lift),
                short(lifted.num_together),
                short(lifted.num_examples),
            ]
        });
        let header = ["label", "goes with", "lift", "together", "of"];
        parts.push(shown(table(&header, rows.collect(), &[2, 3, 4]), lifted.len()));
    }
    parts
}

/// Returns the same as `--json` shows it, all of it.
pub(super) fn json(dataset: &DatasetFeatureStatistics) -> Vec<Value> {
    let pairs = dataset.cross_features.iter().filter_map(pair).map(|(cross, numbers)| {
        json!({
            "feature": name(&cross.path_x),
            "other_feature": name(&cross.path_y),
            "num_examples": cross.count,
            "correlation": number(f64::from(numbers.correlation)),
            "covariance": number(f64::from(numbers.covariance)),
        })
    });
    let lifts = lifted(dataset).into_iter().map(|lifted| {
        json!({
            "feature": lifted.feature,
            "value": lifted.value,
            "label": lifted.label,
            "label_value": lifted.of_label,
            "lift": number(lifted.lift),
            "is_weighted": lifted.is_weighted,
            "of_value": number(lifted.num_examples),
            "of_label": number(lifted.num_of_label()),
            "together": number(lifted.num_together),
        })
    });
    pairs.chain(lifts).collect()
}

fn shown(table: String, number: usize) -> String {
    if number > SHOWN { format!("{table}\nand {} more pairs", number - SHOWN) } else { table }
}

fn pair(
    cross: &CrossFeatureStatistics,
) -> Option<(&CrossFeatureStatistics, &NumericCrossStatistics)> {
    match &cross.cross_stats {
        Some(CrossStats::NumCrossStats(numbers)) => Some((cross, numbers)),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts for the screen")]
fn lifted(dataset: &DatasetFeatureStatistics) -> Vec<Lifted<'_>> {
    let mut found = Vec::new();
    for cross in &dataset.cross_features {
        let Some(CrossStats::CategoricalCrossStats(categorical)) = &cross.cross_stats else {
            continue;
        };
        for series in categorical.lift.iter().flat_map(|lift| &lift.lift_series) {
            for value in &series.lift_values {
                found.push(Lifted {
                    feature: name(&cross.path_x),
                    label: name(&cross.path_y),
                    value: match &value.x_value {
                        Some(XValue::XInt(number)) => number.to_string(),
                        Some(XValue::XString(text)) => format!("{text:?}"),
                        None => String::new(),
                    },
                    of_label: label(series),
                    lift: value.lift,
                    num_examples: match value.x_count_value {
                        Some(XCountValue::XCount(count)) => count as f64,
                        Some(XCountValue::WeightedXCount(weight)) => weight,
                        None => 0.0,
                    },
                    num_together: match value.x_and_y_count_value {
                        Some(XAndYCountValue::XAndYCount(count)) => count as f64,
                        Some(XAndYCountValue::WeightedXAndYCount(weight)) => weight,
                        None => 0.0,
                    },
                    is_weighted: matches!(
                        series.y_count_value,
                        Some(YCountValue::WeightedYCount(_))
                    ),
                    series,
                });
            }
        }
    }
    found
}

fn label(series: &LiftSeries) -> String {
    match &series.y_value {
        Some(YValue::YInt(number)) => number.to_string(),
        Some(YValue::YString(text)) => format!("{text:?}"),
        Some(YValue::YBucket(bucket)) => {
            format!("{} to {}", short(bucket.low_value), short(bucket.high_value))
        }
        None => String::new(),
    }
}

fn name(path: &Option<Path>) -> String {
    path.as_ref().map_or_else(String::new, |path| path.step.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_come_first_and_weights_count_where_there_are_any() {
        let dataset: DatasetFeatureStatistics = formats::text::parse(
            "num_examples: 8 weighted_num_examples: 10
             cross_features { path_x { step: 'a' } path_y { step: 'b' } count: 5
               num_cross_stats { correlation: 0.5 covariance: 2 } }
             cross_features { path_x { step: 'a' } path_y { step: 'c' } count: 4
               num_cross_stats { correlation: -0.9 covariance: -1 } }
             cross_features { path_x { step: 'paid' } path_y { step: 'tip' } categorical_cross_stats { lift {
               lift_series { y_int: 1 y_count: 3
                 lift_values { x_string: 'Cash' lift: 0.5 x_count: 4 x_and_y_count: 1 } }
               lift_series { y_int: 1 weighted_y_count: 3.5
                 lift_values { x_string: 'Cash' lift: 0.25 weighted_x_count: 4.5 weighted_x_and_y_count: 1.5 }
                 lift_values { x_string: 'Card' lift: 8 weighted_x_count: 2 weighted_x_and_y_count: 2 } } } } }",
        )
        .unwrap();
        let [pairs, lifts] = &tables(&dataset)[..] else { panic!() };
        let lines: Vec<&str> = pairs.lines().map(str::trim).collect();
        assert!(lines[1].starts_with("a") && lines[1].contains("-0.9"), "{pairs}");
        assert!(lines[2].contains("0.5"), "{pairs}");
        let lines: Vec<&str> = lifts.lines().collect();
        assert_eq!(lines.len(), 3, "{lifts}");
        assert!(lines[1].contains("tip = 1") && lines[1].contains("paid = \"Card\""), "{lifts}");
        assert!(lines[2].contains("0.25"), "{lifts}");
        let json = json(&dataset);
        assert_eq!(json.len(), 5);
        assert_eq!((&json[2]["is_weighted"], &json[3]["of_label"]), (&json!(false), &json!(3.5)));
        assert_eq!(tables(&DatasetFeatureStatistics::default()), Vec::<String>::new());
    }
}
