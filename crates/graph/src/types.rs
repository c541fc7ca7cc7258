//! Names and types of operations: which operands each takes, and what comes out.

use crate::{
    BuildError, FloatOp, IntOp, ListOp, Literal, Literals, NodeType, Op, Shape, TextOp, TextPairOp,
    TimeOp, TrimSide, ValueType,
};

/// What an operation takes.
#[derive(Clone, Copy)]
enum Takes {
    Nothing,
    Any,
    OneNumber,
    TwoNumbers,
    OneFloat,
    TwoFloats,
    OneInt,
    TwoInts,
    OneBool,
    TwoBools,
    OneString,
    TwoStrings,
    /// A STRING, or what stands for one.
    OneToken,
    TwoAlike,
    Choice,
    /// The place of a key.
    OnePlace,
    /// A FLOAT and the place of its key.
    FloatAndPlace,
    OneOf(ValueType),
}

impl Takes {
    fn allows(self, operands: &[ValueType]) -> bool {
        use ValueType::{Bool, Float, Int, String};
        match (self, operands) {
            (Self::Nothing, []) | (Self::Any, [_]) => true,
            (Self::OneNumber, [a]) => a.is_number(),
            (Self::TwoNumbers, [a, b]) => a == b && a.is_number(),
            (Self::OneFloat, operands) => operands == [Float],
            (Self::TwoFloats, operands) => operands == [Float, Float],
            (Self::OneInt, operands) => operands == [Int],
            (Self::TwoInts, operands) => operands == [Int, Int],
            (Self::OneBool, operands) => operands == [Bool],
            (Self::TwoBools, operands) => operands == [Bool, Bool],
            (Self::OneString | Self::OneToken, operands) => operands == [String],
            (Self::TwoStrings, operands) => operands == [String, String],
            (Self::TwoAlike, [a, b]) => a == b,
            (Self::Choice, [Bool, a, b]) => a == b,
            (Self::OnePlace, operands) => operands == [Int],
            (Self::FloatAndPlace, operands) => operands == [Float, Int],
            (Self::OneOf(value_type), [a]) => *a == value_type,
            _ => false,
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Nothing => "no operands",
            Self::Any => "one of any type",
            Self::OneNumber => "one INT or FLOAT",
            Self::TwoNumbers => "two INTs or FLOATs",
            Self::OneFloat => "one FLOAT",
            Self::TwoFloats => "two FLOATs",
            Self::OneInt => "one INT",
            Self::TwoInts => "two INTs",
            Self::OneBool => "one BOOL",
            Self::TwoBools => "two BOOLs",
            Self::OneString => "one STRING",
            Self::TwoStrings => "two STRINGs",
            Self::OneToken => "one STRING or INT",
            Self::TwoAlike => "two of one type",
            Self::Choice => "one BOOL and two of one type",
            Self::OnePlace => "one INT",
            Self::FloatAndPlace => "one FLOAT and one INT",
            Self::OneOf(ValueType::Int) => "one INT, as its constants",
            Self::OneOf(ValueType::Float) => "one FLOAT, as its constants",
            Self::OneOf(ValueType::String) => "one STRING, as its constants",
            Self::OneOf(ValueType::Bool) => "one BOOL, as its constants",
        }
    }
}

impl Op {
    /// Returns the operation's name, as messages and files have it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Input { .. } => "input",
            Self::Literal(_) => "literal",
            Self::Add => "add",
            Self::Subtract => "subtract",
            Self::Multiply => "multiply",
            Self::Divide => "divide",
            Self::Modulo => "modulo",
            Self::Negate => "negate",
            Self::Abs => "abs",
            Self::Sign => "sign",
            Self::Least => "least",
            Self::Greatest => "greatest",
            Self::Ln => "ln",
            Self::Log2 => "log2",
            Self::Log10 => "log10",
            Self::Exp => "exp",
            Self::Sqrt => "sqrt",
            Self::Power => "power",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
            Self::Round => "round",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::LambertW => "lambert_w",
            Self::Float(op) => op.name(),
            Self::Atan2 => "atan2",
            Self::Int(op) => op.name(),
            Self::Equal => "equal",
            Self::NotEqual => "not_equal",
            Self::Less => "less",
            Self::LessOrEqual => "less_or_equal",
            Self::Greater => "greater",
            Self::GreaterOrEqual => "greater_or_equal",
            Self::IsIn(_) => "is_in",
            Self::And => "and",
            Self::Or => "or",
            Self::Not => "not",
            Self::IsNull => "is_null",
            Self::IsNan => "is_nan",
            Self::IsFinite => "is_finite",
            Self::IsInfinite => "is_infinite",
            Self::Select => "select",
            Self::Coalesce => "coalesce",
            Self::Cast { .. } => "cast",
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::Trim(TrimSide::Both) => "trim",
            Self::Trim(TrimSide::Left) => "trim_left",
            Self::Trim(TrimSide::Right) => "trim_right",
            Self::Length => "length",
            Self::Concat => "concat",
            Self::Substring { .. } => "substring",
            Self::Replace { .. } => "replace",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
            Self::Contains => "contains",
            Self::Text(op) => op.name(),
            Self::TextPair(op) => op.name(),
            Self::Regexp(op) => op.name(),
            Self::Json { .. } => "json_extract",
            Self::Time(op) => op.name(),
            Self::Geohash { .. } => "geohash",
            Self::Bucketize(_) => "bucketize",
            Self::BucketizePerKey(_) => "bucketize_per_key",
            Self::Gather(_) => "gather",
            Self::Lookup { .. } => "lookup",
            Self::Hash { .. } => "hash",
            Self::KeyedHash { .. } => "keyed_hash",
            Self::OfList(op) => op.name(),
        }
    }

    /// Returns the operation without constants that has a name, if there is one.
    pub(crate) fn without_constants(name: &str) -> Option<Self> {
        const MORE: [Op; 9] = [
            Op::Atan2,
            Op::IsFinite,
            Op::IsInfinite,
            Op::Text(TextOp::StripAccents),
            Op::Text(TextOp::Reverse),
            Op::Text(TextOp::CodePoint),
            Op::TextPair(TextPairOp::Position),
            Op::TextPair(TextPairOp::Levenshtein),
            Op::TextPair(TextPairOp::JaroWinkler),
        ];
        const ALL: [Op; 47] = [
            Op::Add,
            Op::Subtract,
            Op::Multiply,
            Op::Divide,
            Op::Modulo,
            Op::Negate,
            Op::Abs,
            Op::Sign,
            Op::Least,
            Op::Greatest,
            Op::Ln,
            Op::Log2,
            Op::Log10,
            Op::Exp,
            Op::Sqrt,
            Op::Power,
            Op::Floor,
            Op::Ceil,
            Op::Round,
            Op::Sin,
            Op::Cos,
            Op::Tanh,
            Op::Sigmoid,
            Op::LambertW,
            Op::Equal,
            Op::NotEqual,
            Op::Less,
            Op::LessOrEqual,
            Op::Greater,
            Op::GreaterOrEqual,
            Op::And,
            Op::Or,
            Op::Not,
            Op::IsNull,
            Op::IsNan,
            Op::Select,
            Op::Coalesce,
            Op::Lower,
            Op::Upper,
            Op::Trim(TrimSide::Both),
            Op::Trim(TrimSide::Left),
            Op::Trim(TrimSide::Right),
            Op::Length,
            Op::Concat,
            Op::StartsWith,
            Op::EndsWith,
            Op::Contains,
        ];
        let floats = FloatOp::ALL.into_iter().map(Self::Float);
        let ints = IntOp::ALL.into_iter().map(Self::Int);
        ALL.into_iter().chain(MORE).chain(floats).chain(ints).find(|op| op.name() == name)
    }

    fn takes(&self) -> Takes {
        match self {
            // What operations of lists take, they say themselves.
            Self::Input { .. } | Self::Literal(_) | Self::OfList(_) => Takes::Nothing,
            Self::IsNull | Self::Cast { .. } => Takes::Any,
            Self::Negate | Self::Abs | Self::Sign => Takes::OneNumber,
            Self::Add
            | Self::Subtract
            | Self::Multiply
            | Self::Modulo
            | Self::Least
            | Self::Greatest => Takes::TwoNumbers,
            Self::Ln
            | Self::Log2
            | Self::Log10
            | Self::Exp
            | Self::Sqrt
            | Self::Floor
            | Self::Ceil
            | Self::Round
            | Self::Sin
            | Self::Cos
            | Self::Tanh
            | Self::Sigmoid
            | Self::LambertW
            | Self::IsNan
            | Self::IsFinite
            | Self::IsInfinite
            | Self::Float(_)
            | Self::Bucketize(_) => Takes::OneFloat,
            Self::BucketizePerKey(_) => Takes::FloatAndPlace,
            Self::Gather(_) => Takes::OnePlace,
            Self::Divide | Self::Power | Self::Atan2 | Self::Geohash { .. } => Takes::TwoFloats,
            Self::Time(TimeOp::Parse { .. }) => Takes::OneString,
            Self::Time(_) => Takes::OneInt,
            Self::Int(_) => Takes::TwoInts,
            Self::Not => Takes::OneBool,
            Self::And | Self::Or => Takes::TwoBools,
            Self::Lower
            | Self::Upper
            | Self::Trim(_)
            | Self::Length
            | Self::Substring { .. }
            | Self::Replace { .. }
            | Self::Text(_)
            | Self::Regexp(_)
            | Self::Json { .. } => Takes::OneString,
            Self::Concat
            | Self::StartsWith
            | Self::EndsWith
            | Self::Contains
            | Self::TextPair(_) => Takes::TwoStrings,
            Self::Lookup { .. } | Self::Hash { .. } | Self::KeyedHash { .. } => Takes::OneToken,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual
            | Self::Coalesce => Takes::TwoAlike,
            Self::Select => Takes::Choice,
            Self::IsIn(literals) => Takes::OneOf(literals.value_type()),
        }
    }

    /// Returns the type of the result for operands of some types.
    ///
    /// # Errors
    ///
    /// [`BuildError::Operands`] when the operation does not take them, or they are vectors of different lengths.
    pub fn node_type(&self, operands: &[NodeType]) -> Result<NodeType, BuildError> {
        let refused = |expected| {
            let (op, found) = (self.name(), operands.to_vec());
            Err(BuildError::Operands { op, found, expected })
        };
        let shape = match self {
            Self::OfList(op) => match op.result(operands) {
                Some(result) => return Ok(result),
                None => return refused(op.describe()),
            },
            Self::Input { shape, .. } => *shape,
            Self::IsNull => Shape::One,
            _ => match Shape::lifted(operands.iter().map(|operand| operand.shape)) {
                Some(shape) => shape,
                None => return refused("lists of one length"),
            },
        };
        let types: Vec<ValueType> = operands.iter().map(|operand| operand.value_type).collect();
        match self.result_type(&types) {
            Ok(value_type) => Ok(NodeType { value_type, shape }),
            Err(BuildError::Operands { expected, .. }) => refused(expected),
            Err(other) => Err(other),
        }
    }

    /// Returns the type of the result for operands of some types, one value each.
    ///
    /// # Errors
    ///
    /// [`BuildError::Operands`] when the operation does not take them.
    pub fn result_type(&self, operands: &[ValueType]) -> Result<ValueType, BuildError> {
        let takes = self.takes();
        if !matches!(self, Self::OfList(_)) && !takes.allows(operands) {
            let found = operands.iter().copied().map(NodeType::from).collect();
            return Err(BuildError::Operands {
                op: self.name(),
                found,
                expected: takes.describe(),
            });
        }
        Ok(match self {
            Self::OfList(_) => {
                let operands: Vec<_> = operands.iter().copied().map(NodeType::from).collect();
                return self.node_type(&operands).map(|result| result.value_type);
            }
            Self::Input { value_type, .. } => *value_type,
            Self::Literal(literal) => literal.value_type(),
            Self::Gather(table) => table.value_type(),
            Self::Cast { to } | Self::Json { to, .. } => *to,
            Self::Text(op) => op.result(),
            Self::TextPair(op) => op.result(),
            Self::Regexp(op) => op.result(),
            Self::Time(op) => op.result(),
            Self::Geohash { .. } => ValueType::String,
            Self::Select | Self::Coalesce => operands[operands.len() - 1],
            Self::Length
            | Self::Bucketize(_)
            | Self::BucketizePerKey(_)
            | Self::Lookup { .. }
            | Self::Hash { .. }
            | Self::KeyedHash { .. } => ValueType::Int,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual
            | Self::IsIn(_)
            | Self::And
            | Self::Or
            | Self::Not
            | Self::IsNull
            | Self::IsNan
            | Self::IsFinite
            | Self::IsInfinite
            | Self::StartsWith
            | Self::EndsWith
            | Self::Contains => ValueType::Bool,
            // Everything else gives the type that it takes.
            _ => operands[0],
        })
    }

    /// Returns the types to which operands are brought before they are checked: INT meeting FLOAT is widened, INT
    /// where only FLOAT will do too, and an INT that is looked up or hashed is its decimal text.
    pub(crate) fn widened(&self, operands: &[ValueType]) -> Vec<ValueType> {
        use ValueType::{Float, Int, String};
        let mut types = operands.to_vec();
        if let Self::OfList(op) = self {
            let is_wide = op.takes_floats()
                || op.takes_alike() && operands.contains(&Float) && operands.contains(&Int);
            let widen = |found: &mut ValueType| {
                if is_wide && *found == Int {
                    *found = Float;
                }
            };
            types.iter_mut().for_each(widen);
            return types;
        }
        if let (Takes::FloatAndPlace, [Int, _]) = (self.takes(), operands) {
            types[0] = Float;
        }
        let (replaced, by) = match (self.takes(), operands) {
            (Takes::OneFloat | Takes::TwoFloats | Takes::OneOf(Float), _)
            | (Takes::TwoNumbers | Takes::TwoAlike, [Int, Float] | [Float, Int])
            | (Takes::Choice, [_, Int, Float] | [_, Float, Int]) => (Int, Float),
            (Takes::OneToken, _) => (Int, String),
            _ => return types,
        };
        types.iter_mut().filter(|found| **found == replaced).for_each(|found| *found = by);
        types
    }

    /// Returns the operation with INT constants widened where the operand they are compared with is FLOAT.
    pub(crate) fn with_constants_for(self, operands: &[ValueType]) -> Self {
        let widen = |literal: &Literal| match literal {
            #[expect(clippy::cast_precision_loss, reason = "as every INT meeting a FLOAT")]
            Literal::Int(value) => Literal::Float(*value as f64),
            other => other.clone(),
        };
        match (&self, operands) {
            (Self::OfList(ListOp::Pad { length, value }), [ValueType::Float]) => {
                Self::OfList(ListOp::Pad { length: *length, value: widen(value) })
            }
            (Self::IsIn(literals), [ValueType::Float])
                if literals.value_type() == ValueType::Int =>
            {
                let widened = literals.values().iter().map(widen).collect();
                Literals::new(widened).map_or(self, Self::IsIn)
            }
            _ => self,
        }
    }
}
