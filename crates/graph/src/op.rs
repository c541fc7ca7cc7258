//! The operations of a graph: what each takes, gives, and does at the edges.

mod json;
mod number;
mod regexp;
mod text;
mod time;

use std::num::NonZeroU8;
use std::sync::Arc;

pub use json::{JsonPath, JsonStep};
pub use number::{FloatOp, IntOp};
pub(crate) use regexp::Piece;
pub use regexp::{Pattern, RegexpOp, Replacement};
pub use text::{NormalForm, Side, TextOp, TextPairOp};
pub use time::{Period, TimeFormat, TimeOp, TimePart, TimeUnit, Zone};

use crate::{BuildError, Floats, ListOp, Literal, Shape, Table, ValueType, VocabularyId};

/// An operation. Its operands are beside it in [`crate::Node`]; what is constant is inside.
///
/// Unless said otherwise a missing operand makes the result missing. Floats follow IEEE 754 in 64 bits: NaN is a
/// value and not missing, it compares as unequal to everything, and 0.0 equals -0.0. *Number* is INT or FLOAT;
/// operands that have to be of one type are never converted silently here: [`crate::GraphBuilder::node`] puts
/// a [`Op::Cast`] between where an INT meets a FLOAT.
///
/// With lists as operands, operations go from value to value: lists of one length give a list of that length, and one
/// value goes with each value of a list. A row is missing where one of its lists is. [`Op::IsNull`] is about the
/// whole row, and so are [`Op::Coalesce`] and [`Op::Select`] where whole lists are chosen between by one condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Op {
    /// A raw feature, by name. No operands.
    Input {
        /// The feature's name.
        name: String,
        /// The type of its values.
        value_type: ValueType,
        /// How many of them a row has.
        shape: Shape,
    },
    /// A constant, the same for all rows. No operands.
    Literal(Literal),

    /// `a + b` of two numbers of one type. Integers wrap around at 64 bits.
    Add,
    /// `a - b` of two numbers of one type. Integers wrap around at 64 bits.
    Subtract,
    /// `a * b` of two numbers of one type. Integers wrap around at 64 bits.
    Multiply,
    /// `a / b` of two FLOATs; dividing by 0 gives an infinity or NaN. (Integers become floats first.)
    Divide,
    /// The rest of `a / b` with the sign of `a`, of two numbers of one type. For INT missing where `b` is 0, for FLOAT NaN.
    Modulo,
    /// `-a` of a number. The least INT stays itself.
    Negate,
    /// The absolute value of a number. The least INT stays itself.
    Abs,
    /// -1, 0 or 1 of a number, in its own type; NaN stays NaN, and so does each zero.
    Sign,
    /// The lesser of two numbers of one type; NaN when one of them is, missing when one of them is.
    Least,
    /// The greater of two numbers of one type; NaN when one of them is, missing when one of them is.
    Greatest,

    /// The natural logarithm of a FLOAT; 0 gives -Inf, a negative number NaN.
    Ln,
    /// The logarithm to base 2 of a FLOAT; 0 gives -Inf, a negative number NaN.
    Log2,
    /// The logarithm to base 10 of a FLOAT; 0 gives -Inf, a negative number NaN.
    Log10,
    /// `e` to the power of a FLOAT.
    Exp,
    /// The square root of a FLOAT; of a negative number NaN.
    Sqrt,
    /// The FLOAT `a` to the power of the FLOAT `b`, as C's `pow`.
    Power,
    /// The greatest whole FLOAT that is not above a FLOAT.
    Floor,
    /// The least whole FLOAT that is not below a FLOAT.
    Ceil,
    /// The whole FLOAT nearest to a FLOAT; halves go to the even one, as in TensorFlow and ONNX.
    Round,
    /// The sine of a FLOAT in radians.
    Sin,
    /// The cosine of a FLOAT in radians.
    Cos,
    /// The hyperbolic tangent of a FLOAT.
    Tanh,
    /// `1 / (1 + e^-a)` of a FLOAT.
    Sigmoid,
    /// The principal branch of Lambert's W of a FLOAT: the `w` with `w * e^w = a`. NaN for negative numbers and infinity.
    ///
    /// Eight of Newton's steps from `a` where it is less than 1/e, from the line through (1/e, 1/e) and (e, 1) up to
    /// e, and from `l + (1/l - 1) ln(l)` with `l = ln(a)` beyond.
    LambertW,
    /// Another function of a FLOAT.
    Float(FloatOp),
    /// The angle in radians of the point `(b, a)` of two FLOATs, from -pi to pi, as C's `atan2`.
    Atan2,
    /// An operation of two INTs.
    Int(IntOp),

    /// `a = b` of two values of one type.
    Equal,
    /// `a <> b` of two values of one type.
    NotEqual,
    /// `a < b` of two values of one type. Text is ordered by its bytes, and false is less than true.
    Less,
    /// `a <= b` of two values of one type, ordered as by [`Op::Less`].
    LessOrEqual,
    /// `a > b` of two values of one type, ordered as by [`Op::Less`].
    Greater,
    /// `a >= b` of two values of one type, ordered as by [`Op::Less`].
    GreaterOrEqual,
    /// Whether a value is one of some constants of its type, by the rules of [`Op::Equal`]: NaN never is.
    IsIn(Literals),

    /// `a AND b` of two BOOLs: false when one is false, even if the other is missing.
    And,
    /// `a OR b` of two BOOLs: true when one is true, even if the other is missing.
    Or,
    /// `NOT a` of a BOOL.
    Not,
    /// Whether a value of any type is missing; never missing itself. NaN is not missing.
    IsNull,
    /// Whether a FLOAT is NaN.
    IsNan,
    /// Whether a FLOAT is neither NaN nor infinite.
    IsFinite,
    /// Whether a FLOAT is one of the infinities.
    IsInfinite,
    /// `CASE WHEN a THEN b ELSE c END`: `c` where the BOOL `a` is false or missing. `b` and `c` are of one type.
    Select,
    /// `a`, or `b` of the same type where `a` is missing.
    Coalesce,

    /// Converts any type to any other; to its own type it does nothing.
    ///
    /// | from | to | result |
    /// | --- | --- | --- |
    /// | INT | FLOAT | the nearest float |
    /// | FLOAT | INT | cut towards 0; missing for NaN and what 64 bits do not hold |
    /// | BOOL | INT, FLOAT | 0 or 1 |
    /// | INT, FLOAT | BOOL | whether it is not 0; NaN is true |
    /// | INT | STRING | decimal digits |
    /// | FLOAT | STRING | the shortest decimal that reads back as the same 32-bit float, or 64-bit float if it is none; always with a point or an exponent (`3.0`); `NaN`, `inf`, `-inf` |
    /// | BOOL | STRING | `true`, `false` |
    /// | STRING | INT, FLOAT | the decimal number, ASCII whitespace around it ignored; missing when it is none |
    /// | STRING | BOOL | `true`, `t`, `yes`, `y`, `1` or `false`, `f`, `no`, `n`, `0` in any case, ASCII whitespace around it ignored; missing when it is none |
    Cast {
        /// The type to convert to.
        to: ValueType,
    },

    /// A STRING in lower case, by Unicode's rules.
    Lower,
    /// A STRING in upper case, by Unicode's rules.
    Upper,
    /// A STRING without the ASCII whitespace at its ends.
    Trim(TrimSide),
    /// The number of characters (Unicode scalar values) of a STRING, as INT.
    Length,
    /// The STRING `a` with the STRING `b` behind it.
    Concat,
    /// The characters of a STRING from the `start`-th on, `length` of them.
    ///
    /// As SQL has it: the first is number 1, positions before it are empty but count towards `length`.
    Substring {
        /// The position of the first character.
        start: i64,
        /// How many characters at most; to the end when not given.
        length: Option<u64>,
    },
    /// A STRING with every `from` in it replaced by `to`, left to right; unchanged when `from` is empty.
    Replace {
        /// What is replaced.
        from: String,
        /// By what.
        to: String,
    },
    /// Whether the STRING `a` starts with the STRING `b`.
    StartsWith,
    /// Whether the STRING `a` ends with the STRING `b`.
    EndsWith,
    /// Whether the STRING `b` is in the STRING `a`.
    Contains,
    /// Another operation of a STRING.
    Text(TextOp),
    /// How the STRING `a` relates to the STRING `b`.
    TextPair(TextPairOp),
    /// A regular expression over a STRING.
    Regexp(RegexpOp),
    /// A value within a STRING that is JSON.
    ///
    /// Missing when the text is no JSON (of any depth, though the path itself is followed at most 127 levels deep),
    /// when the path leads nowhere, to `null`, or to a value of another type. INT takes numbers without a fraction
    /// that 64 bits hold, however they are written; FLOAT takes all numbers. Of two fields with one name the last one
    /// counts.
    Json {
        /// Where it is.
        path: JsonPath,
        /// Its type.
        to: ValueType,
    },
    /// An operation of points in time.
    Time(TimeOp),
    /// The geohash, as STRING, of the latitude `a` and the longitude `b`, two FLOATs in degrees; missing for places
    /// that the earth has not.
    Geohash {
        /// How many characters.
        precision: NonZeroU8,
    },

    /// The number of boundaries that are at most a FLOAT, as INT: bucket `i` holds `b[i-1] <= x < b[i]`.
    ///
    /// There is one bucket more than boundaries. NaN goes to the last one; what is missing stays missing.
    Bucketize(Boundaries),
    /// The number of boundaries of a key that are at most the FLOAT `a`, as INT, where the INT `b` is the key's place.
    ///
    /// As [`Op::Bucketize`] with the boundaries at that place; -1 where there is no such place.
    BucketizePerKey(KeyedBoundaries),
    /// The constant at the place, from 0, that an INT says; the table's default where there is no such place.
    Gather(Table),
    /// The place of a STRING in a vocabulary, from 0, as INT; what is missing stays missing.
    ///
    /// A token that is not in it gets `vocabulary size + Fingerprint64(token) mod num_oov_buckets`, or
    /// `default_value` where there are no such buckets.
    Lookup {
        /// Which vocabulary.
        vocabulary: VocabularyId,
        /// The number of buckets for what is not in the vocabulary; may be 0.
        num_oov_buckets: u64,
        /// The id of what is not in the vocabulary when there are no buckets for it; tf.Transform's is -1.
        default_value: i64,
    },
    /// FarmHash's `Fingerprint64` of a STRING's bytes modulo `num_buckets`, as INT: TensorFlow's
    /// `to_hash_bucket_fast`. What is missing stays missing.
    Hash {
        /// The number of buckets, at least 1.
        num_buckets: u64,
    },
    /// The keyed SipHash-2-4 of a STRING's bytes modulo `num_buckets`, as INT: TensorFlow's `to_hash_bucket_strong`.
    /// What is missing stays missing.
    KeyedHash {
        /// The number of buckets, at least 1.
        num_buckets: u64,
        /// The key.
        key: [u64; 2],
    },

    /// An operation of whole lists, or one that makes them.
    OfList(ListOp),
}

impl Op {
    /// The operations that have no constants.
    pub const PLAIN: [Self; 46] = [
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::Modulo,
        Self::Negate,
        Self::Abs,
        Self::Sign,
        Self::Least,
        Self::Greatest,
        Self::Ln,
        Self::Log2,
        Self::Log10,
        Self::Exp,
        Self::Sqrt,
        Self::Power,
        Self::Floor,
        Self::Ceil,
        Self::Round,
        Self::Sin,
        Self::Cos,
        Self::Tanh,
        Self::Sigmoid,
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::And,
        Self::Or,
        Self::Not,
        Self::IsNull,
        Self::IsNan,
        Self::Select,
        Self::Coalesce,
        Self::Lower,
        Self::Upper,
        Self::Trim(TrimSide::Both),
        Self::Trim(TrimSide::Left),
        Self::Trim(TrimSide::Right),
        Self::Length,
        Self::Concat,
        Self::StartsWith,
        Self::EndsWith,
        Self::Contains,
    ];
}

/// Which ends of a text are trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrimSide {
    /// Both ends.
    Both,
    /// The front.
    Left,
    /// The back.
    Right,
}

/// Bucket boundaries: ascending (repeats are allowed and make empty buckets), none of them NaN.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Boundaries(Floats);

impl Boundaries {
    /// Takes boundaries in ascending order.
    ///
    /// # Errors
    ///
    /// [`BuildError::Boundaries`] when they do not ascend or one is NaN.
    pub fn new(values: Vec<f64>) -> Result<Self, BuildError> {
        if let Some(place) = values.iter().position(|value| value.is_nan()) {
            return Err(BuildError::Boundaries { place, reason: "is not a number" });
        }
        if let Some(place) = values.windows(2).position(|pair| pair[0] > pair[1]) {
            let reason = "is less than the one before it";
            return Err(BuildError::Boundaries { place: place + 1, reason });
        }
        Ok(Self(Floats(values)))
    }

    /// Returns the boundaries, ascending.
    pub fn values(&self) -> &[f64] {
        &self.0.0
    }
}

/// Bucket boundaries of many keys, by their places.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyedBoundaries(Arc<[Boundaries]>);

impl KeyedBoundaries {
    /// Takes the boundaries of each key, which may differ in number.
    pub fn new(keys: Vec<Boundaries>) -> Self {
        Self(keys.into())
    }

    /// Returns the boundaries of each key, by place.
    pub fn keys(&self) -> &[Boundaries] {
        &self.0
    }

    /// Returns how many boundaries the key with the most of them has.
    pub fn most(&self) -> usize {
        self.0.iter().map(|boundaries| boundaries.values().len()).max().unwrap_or(0)
    }
}

/// Constants of one type, none missing, at least one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Literals(Vec<Literal>);

impl Literals {
    /// Takes constants; their order and repeats do not matter.
    ///
    /// # Errors
    ///
    /// [`BuildError::Literals`] when there is none, one is missing, or they are not of one type.
    pub fn new(values: Vec<Literal>) -> Result<Self, BuildError> {
        let reason = match values.first() {
            None => "there is none",
            Some(_) if values.iter().any(|v| matches!(v, Literal::Null(_))) => "one is missing",
            Some(first) if values.iter().any(|v| v.value_type() != first.value_type()) => {
                "they are of different types"
            }
            Some(_) => return Ok(Self(values)),
        };
        Err(BuildError::Literals { reason })
    }

    /// Returns the constants.
    pub fn values(&self) -> &[Literal] {
        &self.0
    }

    /// Returns their type.
    pub fn value_type(&self) -> ValueType {
        self.0[0].value_type()
    }
}
