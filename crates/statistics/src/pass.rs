//! The description of the pass over examples.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use base::BoxError;
use dataflow::Pass;
use formats::metadata;
use serde::{Deserialize, Serialize};

use crate::composite::Composite;
use crate::information::Information;
use crate::lift::Lift;
use crate::natural_language::Language;
use crate::schema::{Said, composites};
use crate::{Config, StatisticsError, StatisticsState, Vocabulary, slice_sql};

/// Computes statistics of all features: plain data from which any worker can rebuild the pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatisticsPass {
    /// Those of a struct follow it.
    pub(crate) features: Vec<Feature>,
    /// Pairs of features whose numbers are compared, by their place among the features.
    pub(crate) pairs: Vec<(usize, usize)>,
    pub(crate) lifts: Vec<Lift>,
    pub(crate) information: Option<Information>,
    /// Features of the schema that are made of several of the columns.
    pub(crate) composites: Vec<Composite>,
    /// The features that hold weights: the one of all examples first, if there is one.
    pub(crate) weights: Vec<String>,
    /// The columns that queries for slices look at.
    #[serde(default)]
    slice_columns: Vec<String>,
    pub(crate) config: Config,
}

/// One column, or one field of a column of structs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Feature {
    pub(crate) path: Vec<String>,
    /// The place of the struct that it is a feature of.
    pub(crate) parent: Option<usize>,
    pub(crate) shape: Shape,
    pub(crate) treatment: Treatment,
    /// The place among the pass's weights of the feature that its examples weigh by; those of a struct weigh as the
    /// struct does.
    pub(crate) weight: Option<usize>,
    pub(crate) language: Option<Language>,
}

/// What people say of the data.
#[derive(Clone, Debug, Default)]
pub struct Curated<'a> {
    /// Numbers that it calls categorical are counted as strings are, and strings with an image domain are bytes, where
    /// the data is of the type that it says; its sparse and weighted features and its languages are looked at.
    pub schema: Option<&'a metadata::Schema>,
    /// The vocabularies that the schema's languages name.
    pub vocabularies: BTreeMap<String, Arc<Vocabulary>>,
}

/// What values a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    /// How many lists are around a value.
    pub(crate) num_levels: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Kind {
    /// No values, and so no type.
    Unknown,
    Int,
    Float,
    String,
    Struct,
}

/// What a schema says of the values, beyond their type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Treatment {
    #[default]
    Plain,
    /// Numbers that are names.
    Categorical,
    /// Bytes that are no text.
    Bytes,
}

/// Lists are nested in no more lists than this.
const MAX_LEVELS: usize = 64;

impl StatisticsPass {
    /// Returns a pass over the columns of `schema`, in its order.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::UnsupportedType`] for other types than numbers, booleans, strings, bytes, and lists
    /// and structs of them; [`StatisticsError::DuplicateFeature`] when two columns have one name; the first of
    /// the mistakes that [`Config::check`] finds.
    pub fn new(schema: &Schema, config: &Config) -> Result<Self, StatisticsError> {
        Self::with_curated(schema, config, &Curated::default())
    }

    /// As [`StatisticsPass::new`], with what people say of the data.
    ///
    /// # Errors
    ///
    /// As [`StatisticsPass::new`], [`StatisticsError::DifferentStructs`] and [`StatisticsError::MissingVocabulary`].
    pub fn with_curated(
        schema: &Schema,
        config: &Config,
        curated: &Curated<'_>,
    ) -> Result<Self, StatisticsError> {
        if let Some(mistake) = config.check(Some(schema)).into_iter().next() {
            return Err(mistake);
        }
        let said = match curated.schema {
            Some(schema) => Said::of(schema, &curated.vocabularies)?,
            None => Said::default(),
        };
        let weights = config.weight_features();
        let weight_of = |feature: &str| {
            config.weight_of(feature).and_then(|it| weights.iter().position(|weight| weight == it))
        };
        let mut features: Vec<Feature> = Vec::with_capacity(schema.fields().len());
        let mut names = BTreeSet::new();
        for field in schema.fields() {
            let name = field.name();
            if !names.insert(name) {
                return Err(StatisticsError::DuplicateFeature { feature: name.clone() });
            }
            if config.features.is_empty() || config.features.contains(name) {
                let weight = weight_of(name);
                let path = vec![name.clone()];
                add_feature(&mut features, path, None, weight, field.data_type(), &said)?;
            }
        }
        let pairs = config.pairs(&features)?;
        let lifts = config.lift.iter();
        let lifts =
            lifts.map(|lift| lift.resolve(schema, &features, weight_of(&lift.label))).collect();
        let composites = match curated.schema {
            Some(curated) => composites(curated, schema, config)?,
            None => Vec::new(),
        };
        let information = config.mutual_information.as_ref();
        let information = information.map(|it| Information::resolve(it, schema, &features));
        let slice_columns = slice_sql::columns(config, schema)?;
        let config = config.clone();
        Ok(Self { features, pairs, lifts, information, composites, weights, slice_columns, config })
    }

    /// Returns whether every place among the features is one, and a struct comes before its features.
    pub(crate) fn is_sound(&self) -> bool {
        let num_features = self.features.len();
        let features = self.features.iter().enumerate().all(|(index, feature)| {
            !feature.path.is_empty()
                && feature.shape.num_levels <= MAX_LEVELS
                && feature.parent.is_none_or(|parent| parent < index)
                && feature.weight.is_none_or(|weight| weight < self.weights.len())
        });
        let lifts = self.lifts.iter();
        features
            && self.information.as_ref().is_none_or(Information::is_sound)
            && self.pairs.iter().all(|&(x, y)| x < num_features && y < num_features)
            && lifts.filter_map(|lift| lift.weight).all(|weight| weight < self.weights.len())
    }

    /// Returns the features that are columns.
    pub(crate) fn columns_of_features(&self) -> impl Iterator<Item = (usize, &str)> {
        let top = self.features.iter().enumerate().filter(|(_, feature)| feature.parent.is_none());
        top.map(|(index, feature)| (index, feature.path[0].as_str()))
    }
}

fn add_feature(
    features: &mut Vec<Feature>,
    path: Vec<String>,
    parent: Option<usize>,
    weight: Option<usize>,
    data_type: &DataType,
    said: &Said,
) -> Result<(), StatisticsError> {
    let Some(shape) = Shape::of(data_type) else {
        let feature = path.join(".");
        return Err(StatisticsError::UnsupportedType { feature, data_type: data_type.clone() });
    };
    let treatment = said.treatment(&path, shape.kind);
    let language = said.language(&path, shape);
    let index = features.len();
    features.push(Feature { path: path.clone(), parent, shape, treatment, weight, language });
    let mut names = BTreeSet::new();
    for field in fields(data_type) {
        let mut path = path.clone();
        path.push(field.name().clone());
        if !names.insert(field.name()) {
            return Err(StatisticsError::DuplicateFeature { feature: path.join(".") });
        }
        add_feature(features, path, Some(index), weight, field.data_type(), said)?;
    }
    Ok(())
}

/// Returns the fields of structs, lists of structs and so on.
pub(crate) fn fields(data_type: &DataType) -> &[arrow::datatypes::FieldRef] {
    match data_type {
        DataType::Struct(fields) => fields,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            fields(item.data_type())
        }
        _ => &[],
    }
}

impl Pass for StatisticsPass {
    type State = StatisticsState;

    fn columns(&self) -> Option<Vec<String>> {
        let mut columns: Vec<String> =
            self.columns_of_features().map(|(_, name)| name.to_owned()).collect();
        let lifts = self.lifts.iter();
        let lifts = lifts.flat_map(|lift| lift.features.iter().chain([&lift.label]));
        let others = self.weights.iter().chain(self.config.slice_features());
        let others = others.chain(&self.slice_columns);
        let composites = self.composites.iter().flat_map(Composite::columns);
        let information = self.information.iter().flat_map(Information::names);
        for other in others.chain(lifts.map(|key| &key.name)).chain(composites).chain(information) {
            if !columns.contains(other) {
                columns.push(other.clone());
            }
        }
        Some(columns)
    }

    fn start(&self) -> Result<StatisticsState, BoxError> {
        match self.config.check(None).into_iter().next() {
            Some(mistake) => Err(mistake.into()),
            None => Ok(StatisticsState::new(self.clone())),
        }
    }
}

impl Shape {
    /// Returns what a column of an Arrow type holds, or nothing when features do not hold that.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                let Self { kind, num_levels } = Self::of(item.data_type())?;
                (num_levels < MAX_LEVELS).then_some(Self { kind, num_levels: num_levels + 1 })
            }
            _ => Some(Self { kind: Kind::of(data_type)?, num_levels: 0 }),
        }
    }

    /// Returns whether a batch may hold `found` where this was declared: the same, or no values at all.
    pub(crate) fn admits(self, found: Self) -> bool {
        self == found || (found.kind == Kind::Unknown && found.num_levels <= self.num_levels)
    }

    /// Returns whether an example has at most one value, and that a number.
    pub(crate) fn is_number(self) -> bool {
        matches!(self.kind, Kind::Int | Kind::Float) && self.num_levels <= 1
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
            DataType::Struct(_) => Some(Self::Struct),
            DataType::Dictionary(_, values) if !values.is_nested() => Self::of(values),
            _ => None,
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for _ in 0..self.num_levels {
            f.write_str("lists of ")?;
        }
        f.write_str(match self.kind {
            Kind::Unknown => "no values",
            Kind::Int => "INT",
            Kind::Float => "FLOAT",
            Kind::String => "STRING",
            Kind::Struct => "STRUCT",
        })
    }
}
