//! How a configuration names slices: by features, and by values of features.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::SliceValue;
use crate::evaluation::SliceKey;

/// Which slices to look at: `["hour"]`, or `{ features = ["hour"], values = { company = "Flash Cab" } }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SliceSpec {
    /// Every combination of these features' values makes a slice; `[]` is all examples together.
    Features(Vec<String>),
    /// The same, but only where other features have the values that are given.
    Values(SliceValues),
}

/// Slices of which some features are fixed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SliceValues {
    /// The features of which every value makes a slice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// The features of which one value makes a slice.
    #[serde(default)]
    pub values: BTreeMap<String, Wanted>,
}

/// A value that a feature must have. A text also stands for the number that it spells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each is what it is called")]
pub enum Wanted {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl From<Vec<String>> for SliceSpec {
    fn from(features: Vec<String>) -> Self {
        Self::Features(features)
    }
}

impl SliceSpec {
    /// Returns every feature that is in the slices' keys, sorted, each once.
    pub fn features(&self) -> Vec<String> {
        let mut features = match self {
            Self::Features(features) => features.clone(),
            Self::Values(spec) => spec.features.iter().chain(spec.values.keys()).cloned().collect(),
        };
        features.sort_unstable();
        features.dedup();
        features
    }

    /// Returns the values that are fixed.
    pub fn values(&self) -> Option<&BTreeMap<String, Wanted>> {
        match self {
            Self::Features(_) => None,
            Self::Values(spec) => Some(&spec.values).filter(|values| !values.is_empty()),
        }
    }

    /// Returns whether a slice is one of these.
    pub(crate) fn has(&self, key: &SliceKey) -> bool {
        let is_by = key.iter().map(|(feature, _)| feature).eq(self.features().iter());
        is_by
            && self.values().is_none_or(|values| {
                key.iter().all(|(feature, value)| {
                    values.get(feature).is_none_or(|wanted| wanted.is(value))
                })
            })
    }
}

impl Wanted {
    /// Returns whether a feature's value is the wanted one.
    #[expect(
        clippy::float_cmp,
        clippy::cast_possible_truncation,
        reason = "a value is asked for by its exact number, of 32 or of 64 bits"
    )]
    pub fn is(&self, value: &SliceValue) -> bool {
        match (self, value) {
            (Self::Bool(wanted), SliceValue::Int(found)) => i64::from(*wanted) == *found,
            (Self::Int(wanted), SliceValue::Int(found)) => wanted == found,
            (Self::Int(wanted), SliceValue::Float(found)) => *wanted as f64 == *found,
            (Self::Float(wanted), SliceValue::Float(found)) => {
                wanted == found || f64::from(*wanted as f32) == *found
            }
            (Self::Float(wanted), SliceValue::Int(found)) => *wanted == *found as f64,
            (Self::Text(wanted), SliceValue::Text(found)) => wanted == found,
            (Self::Text(wanted), SliceValue::Int(found)) => wanted.parse() == Ok(*found),
            (Self::Text(wanted), SliceValue::Float(found)) => wanted
                .parse()
                .is_ok_and(|wanted| Self::Float(wanted).is(&SliceValue::Float(*found))),
            (other, SliceValue::Text(found)) => other.to_string() == *found,
            _ => false,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Text(value) => f.write_str(value),
        }
    }
}

/// As people read it: `country`, or `country: US, hour`.
impl fmt::Display for SliceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let features = self.features();
        if features.is_empty() {
            return f.write_str("overall");
        }
        for (place, name) in features.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            match self.values().and_then(|values| values.get(name)) {
                None => write!(f, "{separator}{name}")?,
                Some(value) => write!(f, "{separator}{name}: {value}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_for_the_number_that_it_spells() {
        let text = |text: &str| Wanted::Text(text.to_owned());
        assert!(text("7").is(&SliceValue::Int(7)));
        assert!(text("0.5").is(&SliceValue::Float(0.5)));
        assert!(text("7").is(&SliceValue::Text("7".to_owned())));
        assert!(Wanted::Int(7).is(&SliceValue::Text("7".to_owned())));
        assert!(Wanted::Float(0.1).is(&SliceValue::Float(f64::from(0.1f32))));
        assert!(Wanted::Bool(true).is(&SliceValue::Int(1)));
        assert!(!text("8").is(&SliceValue::Int(7)));
        assert!(!text("x").is(&SliceValue::Float(0.5)));
    }

    #[test]
    fn a_spec_names_its_slices() {
        let spec = SliceSpec::Values(SliceValues {
            features: vec!["hour".to_owned()],
            values: BTreeMap::from([("company".to_owned(), Wanted::Text("Flash".to_owned()))]),
        });
        let key = |company: &str| {
            vec![
                ("company".to_owned(), SliceValue::Text(company.to_owned())),
                ("hour".to_owned(), SliceValue::Int(3)),
            ]
        };
        assert!(spec.has(&key("Flash")));
        assert!(!spec.has(&key("Blue")));
        assert!(!spec.has(&key("Flash")[..1].to_vec()));
        assert_eq!(spec.to_string(), "company: Flash, hour");
        assert_eq!(SliceSpec::Features(vec![]).to_string(), "overall");
    }
}
