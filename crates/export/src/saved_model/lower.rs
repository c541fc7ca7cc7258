//! A graph's nodes as TensorFlow's.
//!
//! Every value is a tensor with one element per row, or a scalar where it is the same for all, and beside it another
//! that tells which are there. Slots of missing values hold anything, so that nothing that is computed of them may
//! fail: no division of integers by 0, no parsing of what is no number, no place out of range. The values of lists are
//! kept behind each other, as if each was a row, with the places where those of each row begin ([`Lists`]).

mod case;
mod cast;
mod compare;
mod ids;
mod lists;
mod lists_of_numbers;
mod lists_of_text;
mod logic;
mod many;
mod numbers;
mod text;
mod vectors;

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

/// Which values are those of which row, where a row has many.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    /// Where each row's values begin, and where the last one's end, as `DT_INT64`. Rows that are missing have none.
    pub(super) splits: Tensor,
    /// Which rows are there; with one element per row where it depends on that.
    pub(super) present: Presence,
}

/// A node's values.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// One element per row, or a scalar; with lists one element per value, behind each other.
    pub(super) tensor: Tensor,
    /// Which of the elements are there.
    pub(super) present: Presence,
    pub(super) lists: Option<Lists>,
}

impl Value {
    /// Returns single values.
    pub(super) fn one(tensor: Tensor, present: Presence) -> Self {
        Self { tensor, present, lists: None }
    }

    fn always(tensor: Tensor) -> Self {
        Self::one(tensor, Presence::Always)
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
/// `inputs` are the values of [`Graph::inputs`], `shape` is that of one value per row, and `tables` are the tables of
/// [`Graph::vocabularies`], where there is one.
///
/// # Errors
///
/// [`ExportError::Unsupported`].
pub(super) fn lower(
    writer: &mut GraphWriter,
    graph: &Graph,
    inputs: &[Value],
    shape: &Tensor,
    tables: &[Option<Tensor>],
) -> Result<Vec<Value>, ExportError> {
    let mut inputs = inputs.iter();
    let mut lowering = Lowering { writer, graph, shape, tables, values: Vec::new() };
    for (place, node) in graph.nodes().iter().enumerate() {
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
    shape: &'a Tensor,
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
        match &node.op {
            Op::OfList(op) => Ok(self.of_lists(op, node, &types, &operands)),
            op if self.is_by_value(op, node) => self.map(node, &types, &operands),
            Op::IsNull => Ok(self.is_null(&operands[0])),
            Op::Select if node.shape.is_many() => {
                let condition = self.is_true(&operands[0]);
                Ok(self.choose_lists(&condition, &operands[1], &operands[2]))
            }
            Op::Coalesce if node.shape.is_many() => match &operands[0].lists {
                None => Ok(operands[1].clone()),
                Some(lists) => {
                    let present = lists.present.clone();
                    let is_first = self.mask(&present);
                    Ok(self.choose_lists(&is_first, &operands[0], &operands[1]))
                }
            },
            _ => self.single(node, &types, &operands),
        }
    }

    /// Returns whether an operation is computed for each value of a list, and not for each row.
    fn is_by_value(&self, op: &Op, node: &Node) -> bool {
        let nodes = self.graph.nodes();
        let is_many = |place: usize| nodes[node.operands[place].index()].shape.is_many();
        let is_list = |place: usize| is_many(place) || self.is_nothing(node.operands[place]);
        match op {
            Op::IsNull => false,
            Op::Coalesce => is_many(0) != is_many(1) && !(is_list(0) && is_list(1)),
            Op::Select => {
                let is_some = is_many(0) || is_many(1) || is_many(2);
                is_some && (is_many(0) || !(is_list(1) && is_list(2)))
            }
            _ => (0..node.operands.len()).any(is_many),
        }
    }

    /// Returns whether a node is a missing constant, which beside lists is a missing list.
    fn is_nothing(&self, node: NodeId) -> bool {
        let node = &self.graph.nodes()[node.index()];
        match (&node.op, node.operands.as_slice()) {
            (Op::Literal(Literal::Null(_)), _) => true,
            (Op::Coalesce, [a, b]) => self.is_nothing(*a) && self.is_nothing(*b),
            _ => false,
        }
    }

    /// Returns the values of an operation of single values, one for each.
    fn single(
        &mut self,
        node: &Node,
        types: &[ValueType],
        operands: &[Value],
    ) -> Result<Value, &'static str> {
        let mut value = match (&node.op, operands) {
            (Op::Literal(literal), _) => self.literal(literal),
            (Op::And, [a, b]) => self.logical_and(a, b),
            (Op::Or, [a, b]) => self.logical_or(a, b),
            (Op::Select, [condition, a, b]) => self.choose(condition, a, b),
            (Op::Coalesce, [a, b]) => self.coalesce(a, b),
            _ => {
                let present = self.all_present(operands);
                if matches!(present, Presence::Never) {
                    self.literal(&Literal::Null(node.value_type))
                } else {
                    let tensors: Vec<&Tensor> = operands.iter().map(|v| &v.tensor).collect();
                    let (tensor, also) = self.present(node, types, &tensors)?;
                    let present = self.both_present(&present, &also);
                    Value::one(tensor, present)
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
                return Value::one(tensor, Presence::Never);
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
