//! Every node of a graph, as ONNX nodes.

use graph::{Graph, Literal, Node, Op, ValueType};

use super::column::Column;
use super::emit::Emitter;
use super::{Refused, cast, logic, numbers, text};
use crate::Support;

/// What lowering a node needs to know of the graph.
pub(super) struct Lowering<'a> {
    pub(super) graph: &'a Graph,
    /// Of the nodes so far.
    pub(super) columns: Vec<Column>,
    /// The value of each node that has one for all rows.
    pub(super) constants: Vec<Option<Literal>>,
}

/// Lowers a node that is neither input nor constant.
pub(super) fn lower(
    e: &mut Emitter,
    so_far: &Lowering<'_>,
    node: &Node,
) -> Result<Column, Refused> {
    let graph = so_far.graph;
    let operand = |place: usize| &so_far.columns[node.operands[place].index()];
    let operand_type = |place: usize| graph.nodes()[node.operands[place].index()].value_type;
    let constant = |place: usize| so_far.constants[node.operands[place].index()].as_ref();
    Ok(match &node.op {
        op @ (Op::Add | Op::Subtract | Op::Multiply | Op::Divide)
            if node.value_type == ValueType::Float =>
        {
            let [a, b] =
                [0, 1].map(|place| numbers::hide(e, op, place, operand(place), constant(place)));
            numbers::binary(e, op, node.value_type, [&a, &b])
        }
        op @ (Op::Add
        | Op::Subtract
        | Op::Multiply
        | Op::Divide
        | Op::Modulo
        | Op::Least
        | Op::Greatest
        | Op::Power) => numbers::binary(e, op, node.value_type, [operand(0), operand(1)]),
        op @ (Op::Negate
        | Op::Abs
        | Op::Sign
        | Op::Ln
        | Op::Log2
        | Op::Log10
        | Op::Exp
        | Op::Sqrt
        | Op::Floor
        | Op::Ceil
        | Op::Round
        | Op::Sin
        | Op::Cos
        | Op::Tanh
        | Op::Sigmoid) => numbers::unary(e, op, node.value_type, operand(0)),
        op @ (Op::Equal
        | Op::NotEqual
        | Op::Less
        | Op::LessOrEqual
        | Op::Greater
        | Op::GreaterOrEqual) => logic::compare(e, op, operand_type(0), [operand(0), operand(1)]),
        Op::IsIn(literals) => logic::is_in(e, literals, operand(0)),
        Op::And => logic::and(e, [operand(0), operand(1)]),
        Op::Or => logic::or(e, [operand(0), operand(1)]),
        Op::Not => Column::like(e.op("Not", &[&operand(0).values]), operand(0)),
        Op::IsNull => logic::is_null(e, operand(0)),
        Op::IsNan => Column::like(e.op("IsNaN", &[&operand(0).values]), operand(0)),
        Op::Select => logic::select(e, node.value_type, [operand(0), operand(1), operand(2)]),
        Op::Coalesce => logic::coalesce(e, node.value_type, [operand(0), operand(1)]),
        Op::Cast { to } => cast::cast(e, operand_type(0), *to, operand(0))?,
        Op::Concat => text::concat(e, [operand(0), operand(1)]),
        op @ (Op::StartsWith | Op::EndsWith | Op::Contains) => {
            text::search(e, op, [operand(0), operand(1)], constant(1))?
        }
        Op::Bucketize(boundaries) => numbers::bucketize(e, boundaries.values(), operand(0)),
        Op::Lookup { vocabulary, num_oov_buckets, default_value } => {
            let (_, vocabulary) = graph
                .vocabularies()
                .nth(vocabulary.index())
                .expect("vocabularies were checked when the graph was made");
            let unknown = match num_oov_buckets {
                0 => *default_value,
                1 => numbers::as_int(vocabulary.len()),
                _ => return Err(Refused::new(HASHED_TOKENS)),
            };
            logic::look_up(e, vocabulary.tokens(), unknown, operand(0))
        }
        Op::Hash { num_buckets: 1 } | Op::KeyedHash { num_buckets: 1, .. } => {
            Column::like(e.int(0), operand(0))
        }
        op => match support(op, &[]) {
            Support::None(reason) | Support::Partial(reason) => return Err(Refused::new(reason)),
            Support::Full => return Err(Refused::new(UNKNOWN)),
        },
    })
}

const UNKNOWN: &str = "this version does not know how";

const HASHED_TOKENS: &str = "tokens outside the vocabulary are spread over buckets by a hash of their bytes, and its \
                             operators do not see the bytes of a text; use at most one such bucket";

const HASHED: &str =
    "its operators do not see the bytes of a text; look it up in a vocabulary instead";

const CASE: &str =
    "its operators change the case of ASCII or by the machine's locale, not by Unicode's rules";

const CHARACTERS: &str = "its operators do not see the characters of a text";

/// Tells how far an operation of operands of some types can be expressed.
pub(super) fn support(op: &Op, operands: &[ValueType]) -> Support {
    match op {
        Op::Cast { to: ValueType::String } if operands == [ValueType::Float] => {
            Support::None(cast::FLOAT_TO_TEXT)
        }
        Op::StartsWith | Op::EndsWith | Op::Contains => Support::Partial(text::NOT_CONSTANT),
        Op::Lookup { num_oov_buckets: 2.., .. } => Support::None(HASHED_TOKENS),
        Op::Hash { num_buckets: 2.. } | Op::KeyedHash { num_buckets: 2.., .. } => {
            Support::None(HASHED)
        }
        Op::Lower | Op::Upper => Support::None(CASE),
        Op::Length | Op::Substring { .. } | Op::Trim(_) | Op::Replace { .. } => {
            Support::None(CHARACTERS)
        }
        _ => Support::Full,
    }
}
