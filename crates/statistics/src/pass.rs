//! The description of the pass over examples.

use arrow::datatypes::{DataType, Schema};
use base::BoxError;
use dataflow::Pass;
use serde::{Deserialize, Serialize};

use crate::{Config, StatisticsError, StatisticsState};

/// Computes statistics of all features: plain data from which any worker can rebuild the pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatisticsPass {
    pub(crate) features: Vec<Feature>,
    pub(crate) config: Config,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Feature {
    pub(crate) name: String,
    pub(crate) shape: Shape,
}

/// What values a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    /// An example has a list of values, not at most one.
    pub(crate) is_list: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Kind {
    /// No values, and so no type.
    Unknown,
    Int,
    Float,
    String,
}

impl StatisticsPass {
    /// Returns a pass over the columns of `schema`, in its order.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::UnsupportedType`] for structs, lists of lists and other types than numbers,
    /// booleans, strings and bytes; [`StatisticsError::DuplicateFeature`] when two columns have one name;
    /// [`StatisticsError::TooMany`] when a histogram would have more than 10,000 buckets.
    pub fn new(schema: &Schema, config: &Config) -> Result<Self, StatisticsError> {
        config.check()?;
        let mut features: Vec<Feature> = Vec::with_capacity(schema.fields().len());
        let mut names = std::collections::BTreeSet::new();
        for field in schema.fields() {
            let name = field.name().clone();
            if !names.insert(name.clone()) {
                return Err(StatisticsError::DuplicateFeature { feature: name });
            }
            let Some(shape) = Shape::of(field.data_type()) else {
                let data_type = field.data_type().clone();
                return Err(StatisticsError::UnsupportedType { feature: name, data_type });
            };
            features.push(Feature { name, shape });
        }
        Ok(Self { features, config: config.clone() })
    }
}

impl Pass for StatisticsPass {
    type State = StatisticsState;

    fn columns(&self) -> Option<Vec<String>> {
        Some(self.features.iter().map(|feature| feature.name.clone()).collect())
    }

    fn start(&self) -> Result<StatisticsState, BoxError> {
        self.config.check()?;
        Ok(StatisticsState::new(self.clone()))
    }
}

impl Shape {
    /// Returns what a column of an Arrow type holds, or nothing when features do not hold that.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::List(item) | DataType::LargeList(item) => {
                Some(Self { kind: Kind::of(item.data_type())?, is_list: true })
            }
            _ => Some(Self { kind: Kind::of(data_type)?, is_list: false }),
        }
    }

    /// Returns whether a batch may hold `found` where this was declared: the same, or no values at all.
    pub(crate) fn admits(self, found: Self) -> bool {
        let no_values = found.kind == Kind::Unknown;
        self == found || (no_values && (!found.is_list || self.is_list))
    }
}

impl Kind {
    fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Null => Some(Self::Unknown),
            DataType::Boolean => Some(Self::Int),
            _ if data_type.is_integer() => Some(Self::Int),
            _ if data_type.is_floating() => Some(Self::Float),
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView => Some(Self::String),
            DataType::Dictionary(_, values) => Self::of(values),
            _ => None,
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Unknown => "no values",
            Kind::Int => "INT",
            Kind::Float => "FLOAT",
            Kind::String => "STRING",
        };
        f.write_str(if self.is_list { "lists of " } else { "" })?;
        f.write_str(kind)
    }
}
