//! Measured distances: as a file beside the anomalies, and in one line.

use schema::{Comparison, Distance};
use serde_json::{Value, json};

/// Every distance that was measured, whether or not it is too large.
pub(crate) const FILE: &str = "distances.json";

/// The version of the file.
const VERSION: u64 = 1;

/// Returns the text of the file: one JSON object, in which each distance has its formula.
pub(crate) fn to_json(distances: &[Distance], num_examples_ratio: Option<f64>) -> String {
    let distances: Vec<Value> = distances.iter().map(distance_json).collect();
    let file = json!({
        "version": VERSION,
        "num_examples_ratio": num_examples_ratio.map(json_number),
        "distances": distances,
    });
    format!("{file:#}\n")
}

/// Returns a distance as JSON, in the file and wherever else it is shown.
pub fn distance_json(distance: &Distance) -> Value {
    json!({
        "feature": distance.path,
        "comparison": match distance.comparison {
            Comparison::Drift => "drift",
            Comparison::Skew => "skew",
        },
        "measure": distance.measure,
        "formula": distance.formula,
        "value": json_number(distance.value),
        "threshold": json_number(distance.threshold),
        "is_too_large": distance.is_too_large(),
    })
}

/// Returns a number as JSON, which has no infinities and no NaN: they are text.
pub fn json_number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!(value.to_string()) }
}

/// Returns the distance that is nearest to its threshold, or farthest above it, in a few words; none where nothing
/// was measured.
pub(crate) fn largest<'a>(distances: impl IntoIterator<Item = &'a Distance>) -> Option<String> {
    let share = |distance: &Distance| match distance.threshold {
        threshold if threshold > 0.0 => distance.value / threshold,
        _ if distance.value > 0.0 => f64::INFINITY,
        _ => 0.0,
    };
    let mut found: Vec<&Distance> = distances.into_iter().collect();
    // The first of several that are as large.
    found.sort_by(|a, b| share(b).total_cmp(&share(a)));
    let first = found.first()?;
    let distances =
        if found.len() == 1 { "1 distance" } else { &format!("{} distances", found.len()) };
    Some(format!(
        "{distances} measured, the largest for its threshold: `{}` {} {:.4} of {}",
        first.path, first.measure, first.value, first.threshold
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(path: &str, value: f64, threshold: f64) -> Distance {
        Distance {
            path: path.to_owned(),
            comparison: Comparison::Drift,
            measure: "L_INFTY",
            formula: "a - b",
            value,
            threshold,
        }
    }

    #[test]
    fn the_largest_is_so_for_its_threshold() {
        assert_eq!(largest(&[]), None);
        let found = [distance("a", 0.3, 0.9), distance("b", 0.1, 0.11), distance("c", 0.0, 0.0)];
        assert_eq!(
            largest(&found).as_deref(),
            Some("3 distances measured, the largest for its threshold: `b` L_INFTY 0.1000 of 0.11")
        );
        let text = largest(&[distance("a", 9.0, 9.5), distance("c", 0.1, 0.0)]).unwrap();
        assert!(text.ends_with("`c` L_INFTY 0.1000 of 0"), "{text}");
    }

    #[test]
    fn what_json_has_no_number_for_is_text() {
        let text = to_json(&[distance("a", f64::NAN, f64::INFINITY)], Some(f64::INFINITY));
        let file: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(file["num_examples_ratio"], "inf");
        assert_eq!(
            (&file["distances"][0]["value"], &file["distances"][0]["threshold"]),
            (&json!("NaN"), &json!("inf"))
        );
        let text = to_json(&[distance("a", 0.5, 1.0)], None);
        let file: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&file["num_examples_ratio"], &file["distances"][0]["value"]),
            (&Value::Null, &json!(0.5))
        );
    }
}
