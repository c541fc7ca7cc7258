//! The constants of each operation, as they are stored.

pub(super) mod grouped;

use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::list_constants;
use crate::{
    Boundaries, BuildError, GraphError, KeyedBoundaries, Literal, Literals, Op, Shape, Table,
    ValueType, VocabularyId,
};

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum TypeV1 {
    Int,
    Float,
    String,
    Bool,
}

impl From<ValueType> for TypeV1 {
    fn from(value_type: ValueType) -> Self {
        match value_type {
            ValueType::Int => Self::Int,
            ValueType::Float => Self::Float,
            ValueType::String => Self::String,
            ValueType::Bool => Self::Bool,
        }
    }
}

impl From<TypeV1> for ValueType {
    fn from(stored: TypeV1) -> Self {
        match stored {
            TypeV1::Int => Self::Int,
            TypeV1::Float => Self::Float,
            TypeV1::String => Self::String,
            TypeV1::Bool => Self::Bool,
        }
    }
}

/// A float that JSON may have no number for.
pub(super) struct FloatV1(pub(super) f64);

impl Serialize for FloatV1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_nan() => serializer.serialize_str("NaN"),
            f64::INFINITY => serializer.serialize_str("Infinity"),
            f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
            value => serializer.serialize_f64(value),
        }
    }
}

impl<'de> Deserialize<'de> for FloatV1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        enum Word {
            #[serde(rename = "NaN")]
            Nan,
            Infinity,
            #[serde(rename = "-Infinity")]
            NegativeInfinity,
        }
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "not a number, `NaN`, `Infinity` or `-Infinity`")]
        enum Stored {
            Number(f64),
            Word(Word),
        }
        Ok(Self(match Stored::deserialize(deserializer)? {
            Stored::Number(value) => value,
            Stored::Word(Word::Nan) => f64::NAN,
            Stored::Word(Word::Infinity) => f64::INFINITY,
            Stored::Word(Word::NegativeInfinity) => f64::NEG_INFINITY,
        }))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LiteralV1 {
    Int(i64),
    Float(FloatV1),
    String(String),
    Bool(bool),
    Null(TypeV1),
}

impl From<&Literal> for LiteralV1 {
    fn from(literal: &Literal) -> Self {
        match literal {
            Literal::Int(value) => Self::Int(*value),
            Literal::Float(value) => Self::Float(FloatV1(*value)),
            Literal::String(value) => Self::String(value.clone()),
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Null(value_type) => Self::Null((*value_type).into()),
        }
    }
}

impl From<LiteralV1> for Literal {
    fn from(stored: LiteralV1) -> Self {
        match stored {
            LiteralV1::Int(value) => Self::Int(value),
            LiteralV1::Float(value) => Self::Float(value.0),
            LiteralV1::String(value) => Self::String(value),
            LiteralV1::Bool(value) => Self::Bool(value),
            LiteralV1::Null(value_type) => Self::Null(value_type.into()),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputV1 {
    name: String,
    #[serde(rename = "type")]
    value_type: TypeV1,
    #[serde(default, skip_serializing_if = "ShapeV2::is_one")]
    shape: ShapeV2,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ShapeV2 {
    #[default]
    One,
    List,
    Vector(u32),
}

impl ShapeV2 {
    fn is_one(&self) -> bool {
        matches!(self, Self::One)
    }
}

impl From<Shape> for ShapeV2 {
    fn from(shape: Shape) -> Self {
        match shape {
            Shape::One => Self::One,
            Shape::List => Self::List,
            Shape::Vector(length) => Self::Vector(length),
        }
    }
}

impl From<ShapeV2> for Shape {
    fn from(stored: ShapeV2) -> Self {
        match stored {
            ShapeV2::One => Self::One,
            ShapeV2::List => Self::List,
            ShapeV2::Vector(length) => Self::Vector(length),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubstringV1 {
    start: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplaceV1 {
    from: String,
    to: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LookupV1 {
    vocabulary: u32,
    num_oov_buckets: u64,
    default_value: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HashV1 {
    num_buckets: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyedHashV1 {
    num_buckets: u64,
    key: [u64; 2],
}

/// Constants by place; `null` is missing.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TableV1 {
    Int { values: Vec<Option<i64>>, default: Option<i64> },
    Float { values: Vec<Option<FloatV1>>, default: Option<FloatV1> },
    Bool { values: Vec<Option<bool>>, default: Option<bool> },
}

impl From<&Table> for TableV1 {
    fn from(table: &Table) -> Self {
        let int = |literal| match literal {
            Literal::Int(value) => Some(value),
            _ => None,
        };
        let float = |literal| match literal {
            Literal::Float(value) => Some(FloatV1(value)),
            _ => None,
        };
        let bool = |literal| match literal {
            Literal::Bool(value) => Some(value),
            _ => None,
        };
        let default = table.default_value();
        match table.value_type() {
            ValueType::Int => {
                Self::Int { values: table.values().map(int).collect(), default: int(default) }
            }
            ValueType::Bool => {
                Self::Bool { values: table.values().map(bool).collect(), default: bool(default) }
            }
            _ => {
                Self::Float { values: table.values().map(float).collect(), default: float(default) }
            }
        }
    }
}

impl From<TableV1> for Table {
    fn from(stored: TableV1) -> Self {
        let float = |value: Option<FloatV1>| value.map(|value| value.0);
        match stored {
            TableV1::Int { values, default } => Self::ints(values, default),
            TableV1::Bool { values, default } => Self::bools(values, default),
            TableV1::Float { values, default } => {
                Self::floats(values.into_iter().map(float), float(default))
            }
        }
    }
}

/// Returns what is stored of an operation beside its name.
pub(super) fn encode(op: &Op) -> Result<Option<Value>, serde_json::Error> {
    let value = match op {
        Op::Input { name, value_type, shape } => serde_json::to_value(InputV1 {
            name: name.clone(),
            value_type: (*value_type).into(),
            shape: (*shape).into(),
        }),
        Op::Literal(literal) => serde_json::to_value(LiteralV1::from(literal)),
        Op::IsIn(literals) => {
            let literals: Vec<_> = literals.values().iter().map(LiteralV1::from).collect();
            serde_json::to_value(literals)
        }
        Op::Cast { to } => serde_json::to_value(TypeV1::from(*to)),
        Op::Substring { start, length } => {
            serde_json::to_value(SubstringV1 { start: *start, length: *length })
        }
        Op::Replace { from, to } => {
            serde_json::to_value(ReplaceV1 { from: from.clone(), to: to.clone() })
        }
        Op::Bucketize(boundaries) => {
            let boundaries: Vec<_> = boundaries.values().iter().copied().map(FloatV1).collect();
            serde_json::to_value(boundaries)
        }
        Op::BucketizePerKey(boundaries) => {
            let floats = |key: &Boundaries| key.values().iter().copied().map(FloatV1).collect();
            let keys: Vec<Vec<FloatV1>> = boundaries.keys().iter().map(floats).collect();
            serde_json::to_value(keys)
        }
        Op::Gather(table) => serde_json::to_value(TableV1::from(table)),
        Op::Lookup { vocabulary, num_oov_buckets, default_value } => {
            serde_json::to_value(LookupV1 {
                vocabulary: vocabulary.0,
                num_oov_buckets: *num_oov_buckets,
                default_value: *default_value,
            })
        }
        Op::Hash { num_buckets } => serde_json::to_value(HashV1 { num_buckets: *num_buckets }),
        Op::KeyedHash { num_buckets, key } => {
            serde_json::to_value(KeyedHashV1 { num_buckets: *num_buckets, key: *key })
        }
        Op::OfList(op) => return list_constants::encode(op),
        _ => return grouped::encode(op),
    };
    value.map(Some)
}

/// Why constants cannot be an operation's.
pub(super) enum Wrong {
    Shape(serde_json::Error),
    Content(BuildError),
    UnknownOp,
}

impl From<serde_json::Error> for Wrong {
    fn from(source: serde_json::Error) -> Self {
        Self::Shape(source)
    }
}

impl From<BuildError> for Wrong {
    fn from(source: BuildError) -> Self {
        Self::Content(source)
    }
}

/// Returns the operation of a stored node.
pub(super) fn decode(
    path: &Path,
    node: usize,
    name: String,
    constants: Option<Value>,
) -> Result<Op, GraphError> {
    op(&name, constants.unwrap_or(Value::Null)).map_err(|wrong| {
        let path = path.to_path_buf();
        match wrong {
            Wrong::UnknownOp => GraphError::UnknownOp { path, node, op: name },
            Wrong::Shape(source) => GraphError::Constants { path, node, op: name, source },
            Wrong::Content(source) => GraphError::Node { path, node, source },
        }
    })
}

fn op(name: &str, constants: Value) -> Result<Op, Wrong> {
    if let Some(op) = Op::without_constants(name) {
        let () = serde_json::from_value(constants)?;
        return Ok(op);
    }
    Ok(match name {
        "input" => {
            let InputV1 { name, value_type, shape } = serde_json::from_value(constants)?;
            Op::Input { name, value_type: value_type.into(), shape: shape.into() }
        }
        "literal" => {
            let stored: LiteralV1 = serde_json::from_value(constants)?;
            Op::Literal(stored.into())
        }
        "is_in" => {
            let stored: Vec<LiteralV1> = serde_json::from_value(constants)?;
            Op::IsIn(Literals::new(stored.into_iter().map(Literal::from).collect())?)
        }
        "cast" => {
            let stored: TypeV1 = serde_json::from_value(constants)?;
            Op::Cast { to: stored.into() }
        }
        "substring" => {
            let SubstringV1 { start, length } = serde_json::from_value(constants)?;
            Op::Substring { start, length }
        }
        "replace" => {
            let ReplaceV1 { from, to } = serde_json::from_value(constants)?;
            Op::Replace { from, to }
        }
        "bucketize" => {
            let stored: Vec<FloatV1> = serde_json::from_value(constants)?;
            Op::Bucketize(Boundaries::new(stored.into_iter().map(|b| b.0).collect())?)
        }
        "bucketize_per_key" => {
            let stored: Vec<Vec<FloatV1>> = serde_json::from_value(constants)?;
            let boundaries =
                |key: Vec<FloatV1>| Boundaries::new(key.into_iter().map(|b| b.0).collect());
            let keys = stored.into_iter().map(boundaries).collect::<Result<_, _>>()?;
            Op::BucketizePerKey(KeyedBoundaries::new(keys))
        }
        "gather" => {
            let stored: TableV1 = serde_json::from_value(constants)?;
            Op::Gather(stored.into())
        }
        "lookup" => {
            let LookupV1 { vocabulary, num_oov_buckets, default_value } =
                serde_json::from_value(constants)?;
            Op::Lookup { vocabulary: VocabularyId(vocabulary), num_oov_buckets, default_value }
        }
        "hash" => {
            let HashV1 { num_buckets } = serde_json::from_value(constants)?;
            Op::Hash { num_buckets }
        }
        "keyed_hash" => {
            let KeyedHashV1 { num_buckets, key } = serde_json::from_value(constants)?;
            Op::KeyedHash { num_buckets, key }
        }
        name => match list_constants::decode(name, &constants)? {
            Some(op) => Op::OfList(op),
            None => return grouped::decode(name, constants),
        },
    })
}
