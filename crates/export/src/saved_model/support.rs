//! Which operations TensorFlow runs with our results.

use graph::{ListOp, Op, TextPairOp, ValueType};

use super::lower::{characters, regexp};
use crate::Support;

/// The longest text that becomes a pattern. RE2 gives up on programs of more than some megabytes.
const LONGEST_PATTERN: usize = 10_000;

pub(super) const NOT_CONSTANT: &str = "the text that is looked for has to be a constant";

/// Returns what TensorFlow makes of an operation with operands of some types.
///
/// Whether operands are constants does not show in their types; what depends on that is [`Support::Partial`].
pub fn saved_model_support(op: &Op, operands: &[ValueType]) -> Support {
    match (op, operands) {
        (Op::Cast { to: ValueType::String }, [ValueType::Float]) => Support::None(
            "TensorFlow writes no shortest decimals; convert to an integer before converting to text",
        ),
        (Op::Contains | Op::TextPair(TextPairOp::Position), _) => Support::Partial(NOT_CONSTANT),
        (Op::TextPair(_), _) => Support::None("TensorFlow does not tell how alike texts are"),
        (Op::Text(op), _) => characters::support(op),
        (Op::Regexp(op), _) => regexp::support(op),
        (Op::Json { .. }, _) => Support::None("TensorFlow does not read JSON"),
        (Op::Time(_), _) => Support::None("TensorFlow has no calendar"),
        (Op::Replace { from, .. }, _) if from.len() > LONGEST_PATTERN => {
            Support::None("a text of more than 10000 bytes is too long to be looked for")
        }
        (
            Op::OfList(
                ListOp::ByteWords
                | ListOp::BytePairs { .. }
                | ListOp::BertWords
                | ListOp::WordPieces { .. }
                | ListOp::Tokenize { .. },
            ),
            _,
        ) => Support::None(
            "TensorFlow's own operations do not cut texts into tokens; make the ids in an earlier pipeline step",
        ),
        (Op::OfList(ListOp::Sort), [ValueType::String]) => {
            Support::None("TensorFlow does not order texts in lists")
        }
        (
            Op::OfList(
                ListOp::Length
                | ListOp::Get { .. }
                | ListOp::Slice { .. }
                | ListOp::Pad { .. }
                | ListOp::Sum
                | ListOp::Mean
                | ListOp::Least
                | ListOp::Greatest
                | ListOp::Contains
                | ListOp::Distinct
                | ListOp::Sort
                | ListOp::Append
                | ListOp::Join { .. }
                | ListOp::Split { .. }
                | ListOp::NGrams { .. }
                | ListOp::Cross { .. }
                | ListOp::Make
                | ListOp::OneHot { .. }
                | ListOp::MultiHot { .. }
                | ListOp::TermIds { .. }
                | ListOp::TermWeights { .. }
                | ListOp::Multiply(_),
            ),
            _,
        ) => Support::Full,
        // Operations that are yet unknown here are refused, never guessed.
        (
            Op::Input { .. }
            | Op::Literal(_)
            | Op::Add
            | Op::Subtract
            | Op::Multiply
            | Op::Divide
            | Op::Modulo
            | Op::Negate
            | Op::Abs
            | Op::Sign
            | Op::Least
            | Op::Greatest
            | Op::Ln
            | Op::Log2
            | Op::Log10
            | Op::Exp
            | Op::Sqrt
            | Op::Power
            | Op::Floor
            | Op::Ceil
            | Op::Round
            | Op::Sin
            | Op::Cos
            | Op::Tanh
            | Op::Sigmoid
            | Op::LambertW
            | Op::Float(_)
            | Op::Atan2
            | Op::Int(_)
            | Op::IsFinite
            | Op::IsInfinite
            | Op::Gather(_)
            | Op::BucketizePerKey(_)
            | Op::Equal
            | Op::NotEqual
            | Op::Less
            | Op::LessOrEqual
            | Op::Greater
            | Op::GreaterOrEqual
            | Op::IsIn(_)
            | Op::And
            | Op::Or
            | Op::Not
            | Op::IsNull
            | Op::IsNan
            | Op::Select
            | Op::Coalesce
            | Op::Cast { .. }
            | Op::Lower
            | Op::Upper
            | Op::Trim(_)
            | Op::Length
            | Op::Concat
            | Op::Substring { .. }
            | Op::Replace { .. }
            | Op::StartsWith
            | Op::EndsWith
            | Op::Bucketize(_)
            | Op::Lookup { .. }
            | Op::Hash { .. }
            | Op::KeyedHash { .. },
            _,
        ) => Support::Full,
        _ => Support::None("it is not exported to TensorFlow yet"),
    }
}

/// Returns whether a constant text is short enough to be looked for.
pub(super) fn is_pattern(text: &str) -> bool {
    text.len() <= LONGEST_PATTERN
}
