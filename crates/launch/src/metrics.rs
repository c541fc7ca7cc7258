//! What a program says about its training: JSON lines.

use std::fmt::Write;

use program::json;

/// One line of metrics, such as `{"step": 100, "loss": 0.31}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// The key `step`: how many steps are done.
    pub step: Option<u64>,
    /// Every other number, in the order of the line; it may be NaN or infinite.
    pub values: Vec<(String, f64)>,
    /// The key `warning`: what went wrong without ending the training.
    pub warning: Option<String>,
}

impl Metrics {
    /// Reads a line; nothing where it is no JSON object. Values that are neither numbers nor a warning are left out.
    pub fn read(line: &str) -> Option<Self> {
        let serde_json::Value::Object(object) = json::parse(line).ok()? else { return None };
        let mut metrics = Self::default();
        for (key, value) in object {
            match (key.as_str(), json::float(&value)) {
                ("step", Some(_)) => {
                    // Some programs count in floats.
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "a step below 0 or beyond all numbers is shown as the nearest one"
                    )]
                    let step = value.as_u64().or_else(|| value.as_f64().map(|step| step as u64));
                    metrics.step = step;
                }
                (_, Some(number)) => metrics.values.push((key, number)),
                ("warning", None) => metrics.warning = value.as_str().map(str::to_owned),
                (_, None) => {}
            }
        }
        Some(metrics)
    }

    /// Returns a metric by its name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// Takes over the numbers of a later line; what it does not say stays.
    pub fn update(&mut self, later: &Self) {
        self.step = later.step.or(self.step);
        for (key, value) in &later.values {
            match self.values.iter_mut().find(|(known, _)| known == key) {
                Some((_, known)) => *known = *value,
                None => self.values.push((key.clone(), *value)),
            }
        }
    }

    /// Returns a few words such as `loss 0.3100, auc 0.9000`.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.values.iter().take(4) {
            let separator = if text.is_empty() { "" } else { ", " };
            let is_plain = (1e-3..1e6).contains(&value.abs()) || !value.is_normal();
            let _ = if is_plain {
                write!(text, "{separator}{name} {value:.4}")
            } else {
                write!(text, "{separator}{name} {value:.3e}")
            };
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_its_numbers() {
        let metrics =
            Metrics::read(r#"{"step": 7, "loss": NaN, "phase": "train", "lr": 0.00001}"#).unwrap();
        assert_eq!(metrics.step, Some(7));
        assert_eq!(metrics.describe(), "loss NaN, lr 1.000e-5");
        assert!(Metrics::read("[1]").is_none());
        assert!(Metrics::read("Epoch 1/3").is_none());
        assert_eq!(Metrics::read(r#"{"step": 8.0}"#).unwrap().step, Some(8));
        let warned = Metrics::read(r#"{"warning": "no room"}"#).unwrap();
        assert_eq!((warned.warning.as_deref(), warned.values.len()), (Some("no room"), 0));
    }

    #[test]
    fn the_last_value_of_each_metric_counts() {
        let mut metrics = Metrics::read(r#"{"step": 1, "loss": 3}"#).unwrap();
        metrics.update(&Metrics::read(r#"{"auc": 0.5}"#).unwrap());
        metrics.update(&Metrics::read(r#"{"step": 2, "loss": 2}"#).unwrap());
        assert_eq!(
            (metrics.step, metrics.get("loss"), metrics.get("auc")),
            (Some(2), Some(2.0), Some(0.5))
        );
    }
}
