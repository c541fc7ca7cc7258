//! A graph's nodes as TensorFlow's.
//!
//! Every value is a tensor with one element per row, or a scalar where it is the same for all, and beside it another
//! that tells which are there. Slots of missing values hold anything, so that nothing that is computed of them may
//! fail: no division of integers by 0, no parsing of what is no number, no place out of range.

mod case;
mod cast;
mod compare;
mod ids;
mod logic;
mod numbers;
mod text;

use formats::tensorflow::DataType;
use graph::{Graph, Literal, Node, NodeId, Op, ValueType};

use super::support::saved_model_support;
use super::tensor;
use super::writer::{GraphWriter, Tensor};
use crate::{ExportError, Support, Target};

/// Which values are there.
#[derive(Clone, Debug)]
pub(super) enum Presence {
    /// All of them.
    Always,
    /// None of them.
    Never,
    /// Those of which this `DT_BOOL` is true.
    Where(Tensor),
}

/// A node's values.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) tensor: Tensor,
    pub(super) present: Presence,
}

impl Value {
    fn always(tensor: Tensor) -> Self {
        Self { tensor, present: Presence::Always }
    }
}

/// Returns the type in which TensorFlow computes values of a type.
pub(super) fn computed_type(value_type: ValueType) -> DataType {
    match value_type {
        ValueType::Int => DataType::DtInt64,
        ValueType::Float => DataType::DtDouble,
        ValueType::String => DataType::DtString,
        ValueType::Bool => DataType::DtBool,
    }
}

/// Adds a graph's nodes and returns the values of its outputs, in their order.
///
/// `inputs` are the values of [`Graph::inputs`] and `tables` the tables of [`Graph::vocabularies`], where there is one.
///
/// # Errors
///
/// [`ExportError::Unsupported`].
pub(super) fn lower(
    writer: &mut GraphWriter,
    graph: &Graph,
    inputs: &[Value],
    tables: &[Option<Tensor>],
) -> Result<Vec<Value>, ExportError> {
    let mut inputs = inputs.iter();
    let mut lowering = Lowering { writer, graph, tables, values: Vec::new() };
    for (place, node) in graph.nodes().iter().enumerate() {
        if node.shape.is_many() {
            return Err(unsupported(graph, place, "lists are not exported to TensorFlow yet"));
        }
        let value = match &node.op {
            Op::Input { .. } => inputs.next().expect("one for each input of the graph").clone(),
            _ => lowering.node(node).map_err(|reason| unsupported(graph, place, reason))?,
        };
        lowering.values.push(value);
    }
    let values = lowering.values;
    Ok(graph.output_nodes().iter().map(|node| values[node.index()].clone()).collect())
}

/// Tells which feature needs a node that cannot be expressed.
fn unsupported(graph: &Graph, place: usize, reason: &str) -> ExportError {
    let needs = |node: &NodeId| {
        let mut is_needed = vec![false; graph.nodes().len()];
        is_needed[node.index()] = true;
        for (user, node) in graph.nodes().iter().enumerate().rev() {
            if is_needed[user] {
                node.operands.iter().for_each(|operand| is_needed[operand.index()] = true);
            }
        }
        is_needed[place]
    };
    let output = graph.output_nodes().iter().position(needs).expect("every node is needed");
    ExportError::Unsupported {
        feature: graph.outputs()[output].name.clone(),
        op: graph.nodes()[place].op.name().to_owned(),
        target: Target::SavedModel,
        reason: reason.to_owned(),
    }
}

const CHECKED: &str = "types were checked when the graph was made";

struct Lowering<'a> {
    writer: &'a mut GraphWriter,
    graph: &'a Graph,
    tables: &'a [Option<Tensor>],
    values: Vec<Value>,
}

impl Lowering<'_> {
    /// Returns the values of a node that is no input, or why it cannot be expressed.
    fn node(&mut self, node: &Node) -> Result<Value, &'static str> {
        let types: Vec<_> =
            node.operands.iter().map(|o| self.graph.nodes()[o.index()].value_type).collect();
        if let Support::None(reason) = saved_model_support(&node.op, &types) {
            return Err(reason);
        }
        let operands: Vec<Value> =
            node.operands.iter().map(|operand| self.values[operand.index()].clone()).collect();
        let mut value = match (&node.op, operands.as_slice()) {
            (Op::Literal(literal), _) => self.literal(literal),
            (Op::And, [a, b]) => self.logical_and(a, b),
            (Op::Or, [a, b]) => self.logical_or(a, b),
            (Op::IsNull, [a]) => self.is_null(a),
            (Op::Select, [condition, a, b]) => self.choose(condition, a, b),
            (Op::Coalesce, [a, b]) => self.coalesce(a, b),
            _ => {
                let present = self.all_present(&operands);
                if matches!(present, Presence::Never) {
                    self.literal(&Literal::Null(node.value_type))
                } else {
                    let tensors: Vec<&Tensor> = operands.iter().map(|v| &v.tensor).collect();
                    let (tensor, also) = self.present(node, &types, &tensors)?;
                    let present = self.both_present(&present, &also);
                    Value { tensor, present }
                }
            }
        };
        if node.value_type == ValueType::Float {
            value.tensor = self.writer.opaque(&value.tensor);
        }
        Ok(value)
    }

    /// Returns the result of an operation of values that are there, and which results are there.
    fn present(
        &mut self,
        node: &Node,
        types: &[ValueType],
        operands: &[&Tensor],
    ) -> Result<(Tensor, Presence), &'static str> {
        let tensor = match (&node.op, operands) {
            (Op::Modulo, [a, b]) if types[0] == ValueType::Int => return Ok(self.modulo(a, b)),
            (Op::Cast { to }, [a]) => return Ok(self.convert(types[0], *to, a)),
            (
                Op::Add
                | Op::Subtract
                | Op::Multiply
                | Op::Divide
                | Op::Modulo
                | Op::Least
                | Op::Greatest
                | Op::Power,
                [a, b],
            ) => self.two_numbers(&node.op, types[0], a, b),
            (
                Op::Equal
                | Op::NotEqual
                | Op::Less
                | Op::LessOrEqual
                | Op::Greater
                | Op::GreaterOrEqual,
                [a, b],
            ) => self.compare(&node.op, types[0], a, b),
            (Op::IsIn(literals), [a]) => self.is_in(a, literals),
            (Op::Not, [a]) => self.writer.not(a),
            (Op::IsNan, [a]) => {
                self.writer.node("IsNan").input(a).data_type("T", a.data_type()).output(BOOL)
            }
            (Op::Lower, [a]) => self.lower_case(a),
            (Op::Upper, [a]) => self.upper_case(a),
            (Op::Trim(side), [a]) => self.trim(*side, a),
            (Op::Length, [a]) => self.num_characters(a),
            (Op::Concat, [a, b]) => self.concat(a, b),
            (Op::Substring { start, length }, [a]) => self.substring(a, *start, *length),
            (Op::Replace { from, to }, [a]) => self.replace(a, from, to),
            (Op::StartsWith, [a, b]) => self.starts_with(a, b),
            (Op::EndsWith, [a, b]) => self.ends_with(a, b),
            (Op::Contains, [a, _]) => {
                let constant = &self.graph.nodes()[node.operands[1].index()].op;
                self.contains(a, constant)?
            }
            (Op::Bucketize(boundaries), [a]) => self.bucketize(a, boundaries),
            (Op::Lookup { vocabulary, num_oov_buckets, default_value }, [a]) => {
                self.lookup(a, vocabulary.index(), *num_oov_buckets, *default_value)
            }
            (Op::Hash { num_buckets }, [a]) => self.hash(a, *num_buckets),
            (Op::KeyedHash { num_buckets, key }, [a]) => self.keyed_hash(a, *num_buckets, *key),
            (op, [a]) => self.one_number(op, types[0], a),
            _ => unreachable!("{CHECKED}"),
        };
        Ok((tensor, Presence::Always))
    }

    fn literal(&mut self, literal: &Literal) -> Value {
        let value = match literal {
            Literal::Int(value) => tensor::int(*value),
            Literal::Float(value) => tensor::double(*value),
            Literal::String(value) => tensor::text(value),
            Literal::Bool(value) => tensor::bool(*value),
            Literal::Null(value_type) => {
                let tensor = zero(self.writer, computed_type(*value_type));
                return Value { tensor, present: Presence::Never };
            }
        };
        Value::always(self.writer.constant(value))
    }

    fn all_present(&mut self, operands: &[Value]) -> Presence {
        let mut all = Presence::Always;
        for operand in operands {
            all = self.both_present(&all, &operand.present);
        }
        all
    }

    fn both_present(&mut self, a: &Presence, b: &Presence) -> Presence {
        match (a, b) {
            (Presence::Never, _) | (_, Presence::Never) => Presence::Never,
            (Presence::Always, other) | (other, Presence::Always) => other.clone(),
            (Presence::Where(a), Presence::Where(b)) => Presence::Where(self.writer.and(a, b)),
        }
    }

    /// Returns what tells which values are there, as a tensor.
    fn mask(&mut self, present: &Presence) -> Tensor {
        match present {
            Presence::Always => self.writer.constant(tensor::bool(true)),
            Presence::Never => self.writer.constant(tensor::bool(false)),
            Presence::Where(mask) => mask.clone(),
        }
    }

    fn int(&mut self, value: i64) -> Tensor {
        self.writer.constant(tensor::int(value))
    }

    fn double(&mut self, value: f64) -> Tensor {
        self.writer.constant(tensor::double(value))
    }
}

const BOOL: DataType = DataType::DtBool;
const INT: DataType = DataType::DtInt64;
const DOUBLE: DataType = DataType::DtDouble;
const STRING: DataType = DataType::DtString;

/// Returns what stands where nothing is: 0, the empty text, or false.
pub(super) fn zero(writer: &mut GraphWriter, data_type: DataType) -> Tensor {
    writer.constant(match data_type {
        DataType::DtInt64 => tensor::int(0),
        DataType::DtFloat => tensor::float(0.0),
        DataType::DtString => tensor::text(""),
        DataType::DtBool => tensor::bool(false),
        _ => tensor::double(0.0),
    })
}
