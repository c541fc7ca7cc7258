//! Every node of a graph, as ONNX nodes.

use graph::{Graph, ListOp, Literal, Node, Op, Shape, TextOp, TimeOp, ValueType};

use super::column::Column;
use super::emit::Emitter;
use super::{Refused, case, cast, hash, logic, more_text, numbers, text, time, vectors};
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
    let shape = |place: usize| graph.nodes()[node.operands[place].index()].shape;
    let num_operands = node.operands.len();
    if let Op::OfList(op) = &node.op {
        let operands: Vec<_> = (0..num_operands)
            .map(|place| (operand(place), shape(place), operand_type(place)))
            .collect();
        return vectors::lower(e, op, &operands);
    }
    if node.shape == Shape::List {
        return Err(Refused::new(vectors::LISTS));
    }
    if node.shape.is_many() || (0..num_operands).any(|place| shape(place).is_many()) {
        if !vectors::is_lifted(e, &node.op, operand_type(0)) {
            return Err(Refused::new(vectors::NOT_OF_VECTORS));
        }
        vectors::check_operands((0..num_operands).map(|place| (operand(place), shape(place))))?;
    }
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
            logic::look_up(e, vocabulary.tokens(), *num_oov_buckets, *default_value, operand(0))
        }
        Op::Hash { num_buckets } => {
            Column::like(hash::fingerprint(e, &operand(0).values, *num_buckets), operand(0))
        }
        Op::KeyedHash { num_buckets, key } => {
            Column::like(hash::keyed(e, &operand(0).values, *num_buckets, *key), operand(0))
        }
        Op::BucketizePerKey(boundaries) => {
            vectors::bucketize_per_key(e, boundaries, [operand(0), operand(1)])
        }
        Op::Gather(table) => vectors::gather(e, table, operand(0)),
        Op::Text(op) => more_text::lower(e, op, operand(0))?,
        Op::Time(op) => time::lower(e, op, operand(0))?,
        Op::Length => text::length(e, operand(0)),
        Op::Lower => case::lower(e, operand(0)),
        Op::Upper => case::upper(e, operand(0)),
        Op::Trim(side) => text::trim(e, *side, operand(0)),
        Op::Substring { start, length } => text::substring(e, *start, *length, operand(0)),
        Op::Replace { from, to } => text::replace(e, from, to, operand(0)),
        op => return Err(Refused::new(reason(op))),
    })
}

/// Why an operation is refused that no operand makes one that is not.
fn reason(op: &Op) -> &'static str {
    match op {
        Op::Text(_) | Op::TextPair(_) => more_text::OTHER_TEXTS,
        Op::Regexp(_) => {
            "its regular expressions are another language, and take nothing out of a text"
        }
        Op::Json { .. } => "its operators do not read JSON",
        Op::Time(_) => time::OTHER_TIMES,
        Op::OfList(_) => vectors::LISTS,
        _ => "it is not exported yet",
    }
}

/// What of vectors can be expressed.
const VECTORS: &str =
    "as long as no single value within a vector can be missing, and of no lists of other lengths";

/// Tells how far an operation of operands of some types can be expressed.
pub(super) fn support(op: &Op, operands: &[ValueType]) -> Support {
    match op {
        Op::Cast { to: ValueType::String } if operands == [ValueType::Float] => {
            Support::None(cast::FLOAT_TO_TEXT)
        }
        Op::Cast { to: ValueType::Float } if operands == [ValueType::String] => {
            Support::Partial(cast::TEXT_TO_FLOAT)
        }
        Op::Contains => Support::Partial(text::NOT_CONSTANT),
        Op::Time(TimeOp::Part { zone, .. } | TimeOp::Truncate { zone, .. })
            if time::offset(zone).is_some() =>
        {
            Support::Full
        }
        Op::Text(TextOp::Reverse | TextOp::Right { .. } | TextOp::SplitPart { .. }) => {
            Support::Full
        }
        Op::Text(TextOp::Pad { length: number, .. } | TextOp::Repeat { count: number })
            if *number <= more_text::MOST =>
        {
            Support::Full
        }
        Op::OfList(
            ListOp::OneHot { .. }
            | ListOp::MultiHot { .. }
            | ListOp::Make
            | ListOp::Length
            | ListOp::Get { .. }
            | ListOp::Contains
            | ListOp::Multiply(_),
        ) => Support::Partial(VECTORS),
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
        | Op::BucketizePerKey(_)
        | Op::Gather(_)
        | Op::Lookup { .. }
        | Op::Hash { .. }
        | Op::KeyedHash { .. } => Support::Full,
        op => Support::None(reason(op)),
    }
}
