//! Writing a `GraphDef`, node by node.

use std::collections::HashMap;

use formats::Message;
use formats::tensorflow::attr_value::{ListValue, Value as Attr};
use formats::tensorflow::tensor_shape_proto::Dim;
use formats::tensorflow::{
    AttrValue, DataType, GraphDef, NodeDef, TensorInfo, TensorProto, TensorShapeProto, VersionDef,
};

/// The version of `GraphDef`s that TensorFlow 2.15 writes. Every later one reads it, and earlier ones that have the
/// operations.
const PRODUCER: i32 = 1645;

/// What a node gives: one of its outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tensor {
    node: String,
    output: usize,
    data_type: DataType,
}

impl Tensor {
    pub(super) fn data_type(&self) -> DataType {
        self.data_type
    }

    /// Returns the tensor as the input of a node.
    fn as_input(&self) -> String {
        match self.output {
            0 => self.node.clone(),
            output => format!("{}:{output}", self.node),
        }
    }

    /// Returns the tensor as signatures name it, with its shape; -1 is any number.
    pub(super) fn info(&self, shape: &[i64]) -> TensorInfo {
        TensorInfo {
            name: format!("{}:{}", self.node, self.output),
            dtype: self.data_type.into(),
            tensor_shape: Some(shape_of(shape)),
        }
    }
}

/// Returns a shape; -1 is any number.
pub(super) fn shape_of(sizes: &[i64]) -> TensorShapeProto {
    let dim = sizes.iter().map(|size| Dim { size: *size, name: String::new() }).collect();
    TensorShapeProto { dim, unknown_rank: false }
}

/// Returns the shape of which nothing is known.
pub(super) fn unknown_shape() -> TensorShapeProto {
    TensorShapeProto { dim: Vec::new(), unknown_rank: true }
}

/// Writes nodes. Those of one scope are numbered; constants are shared by all scopes, and equal nodes are one.
#[derive(Default)]
pub(super) struct GraphWriter {
    nodes: Vec<NodeDef>,
    scope: String,
    next: usize,
    constants: HashMap<Vec<u8>, Tensor>,
    /// Names of nodes that give tensors, by all that they are apart from their names.
    known: HashMap<Vec<u8>, String>,
}

impl GraphWriter {
    /// Begins a scope, whose name starts the names of the nodes that follow.
    pub(super) fn begin_scope(&mut self, name: &str) {
        name.clone_into(&mut self.scope);
        self.next = 0;
    }

    /// Returns the graph.
    pub(super) fn finish(self) -> GraphDef {
        let versions = VersionDef { producer: PRODUCER, min_consumer: 0 };
        GraphDef { node: self.nodes, versions: Some(versions) }
    }

    /// Begins a node.
    pub(super) fn node(&mut self, op: &str) -> NodeWriter<'_> {
        let node = NodeDef { op: op.to_owned(), ..NodeDef::default() };
        NodeWriter { writer: self, node }
    }

    /// Returns a constant.
    pub(super) fn constant(&mut self, value: TensorProto) -> Tensor {
        let data_type = value.dtype();
        let key = value.encode_to_vec();
        if let Some(known) = self.constants.get(&key) {
            return known.clone();
        }
        let mut node = NodeDef {
            name: format!("constants/{}", self.constants.len()),
            op: "Const".to_owned(),
            ..NodeDef::default()
        };
        set(&mut node, "dtype", Attr::Type(data_type.into()));
        set(&mut node, "value", Attr::Tensor(value));
        let tensor = Tensor { node: node.name.clone(), output: 0, data_type };
        self.nodes.push(node);
        self.constants.insert(key, tensor.clone());
        tensor
    }

    /// Returns `op(x)` of the type of `x`.
    pub(super) fn unary(&mut self, op: &str, x: &Tensor) -> Tensor {
        self.node(op).input(x).data_type("T", x.data_type).output(x.data_type)
    }

    /// Returns `op(a, b)` of the type of `a`.
    pub(super) fn binary(&mut self, op: &str, a: &Tensor, b: &Tensor) -> Tensor {
        self.node(op).input(a).input(b).data_type("T", a.data_type).output(a.data_type)
    }

    /// Returns `op(a, b)`, which is true or false.
    pub(super) fn compare(&mut self, op: &str, a: &Tensor, b: &Tensor) -> Tensor {
        self.node(op).input(a).input(b).data_type("T", a.data_type).output(DataType::DtBool)
    }

    /// Returns `op(x)` of one text that gives a text.
    pub(super) fn text(&mut self, op: &str, x: &Tensor) -> Tensor {
        self.node(op).input(x).output(DataType::DtString)
    }

    /// Returns `a AND b`.
    pub(super) fn and(&mut self, a: &Tensor, b: &Tensor) -> Tensor {
        self.node("LogicalAnd").input(a).input(b).output(DataType::DtBool)
    }

    /// Returns `a OR b`.
    pub(super) fn or(&mut self, a: &Tensor, b: &Tensor) -> Tensor {
        self.node("LogicalOr").input(a).input(b).output(DataType::DtBool)
    }

    /// Returns `NOT a`.
    pub(super) fn not(&mut self, a: &Tensor) -> Tensor {
        self.node("LogicalNot").input(a).output(DataType::DtBool)
    }

    /// Returns `a` where a condition is true, else `b`.
    pub(super) fn select(&mut self, condition: &Tensor, a: &Tensor, b: &Tensor) -> Tensor {
        let node = self.node("SelectV2").input(condition).input(a).input(b);
        node.data_type("T", a.data_type).output(a.data_type)
    }

    /// Returns `x` in another type.
    pub(super) fn cast(&mut self, x: &Tensor, to: DataType) -> Tensor {
        if x.data_type == to {
            return x.clone();
        }
        let node = self.node("Cast").input(x).data_type("SrcT", x.data_type);
        node.data_type("DstT", to).output(to)
    }

    /// Returns `x` in another shape.
    pub(super) fn reshape(&mut self, x: &Tensor, shape: &Tensor) -> Tensor {
        let node = self.node("Reshape").input(x).input(shape).data_type("T", x.data_type);
        node.data_type("Tshape", shape.data_type).output(x.data_type)
    }

    /// Returns the shape of `x`, as `DT_INT32`.
    pub(super) fn shape(&mut self, x: &Tensor) -> Tensor {
        self.node("Shape").input(x).data_type("T", x.data_type).output(DataType::DtInt32)
    }

    /// Returns lists of one type behind each other, along their first axis.
    pub(super) fn concat(&mut self, parts: &[&Tensor]) -> Tensor {
        let data_type = parts[0].data_type;
        let axis = self.constant(super::tensor::int32(0));
        let mut node = self.node("ConcatV2");
        for part in parts {
            node = node.input(part);
        }
        let node = node.input(&axis).int("N", super::tensor::len(parts));
        node.data_type("T", data_type).data_type("Tidx", axis.data_type).output(data_type)
    }

    /// Returns how many elements a tensor has, as `DT_INT64`.
    pub(super) fn size(&mut self, x: &Tensor) -> Tensor {
        let node = self.node("Size").input(x).data_type("T", x.data_type);
        node.data_type("out_type", DataType::DtInt64).output(DataType::DtInt64)
    }

    /// Returns a tensor as one list.
    pub(super) fn flat(&mut self, x: &Tensor) -> Tensor {
        let shape = self.constant(super::tensor::int32s(&[-1]));
        self.reshape(x, &shape)
    }

    /// Returns `x` once per row.
    pub(super) fn broadcast(&mut self, x: &Tensor, shape: &Tensor) -> Tensor {
        let node = self.node("BroadcastTo").input(x).input(shape).data_type("T", x.data_type);
        node.data_type("Tidx", shape.data_type).output(x.data_type)
    }

    /// Returns the rows of `table` at some places.
    pub(super) fn gather(&mut self, table: &Tensor, places: &Tensor) -> Tensor {
        let axis = self.constant(super::tensor::int32(0));
        let node = self.node("GatherV2").input(table).input(places).input(&axis);
        let node = node.data_type("Tparams", table.data_type).data_type("Taxis", axis.data_type);
        node.data_type("Tindices", places.data_type).output(table.data_type)
    }

    /// Returns of each row of `table` the values at some places, which differ from row to row.
    pub(super) fn gather_by_row(&mut self, table: &Tensor, places: &Tensor) -> Tensor {
        let axis = self.constant(super::tensor::int32(1));
        let node = self.node("GatherV2").input(table).input(places).input(&axis);
        let node = node.data_type("Tparams", table.data_type).data_type("Taxis", axis.data_type);
        let node = node.data_type("Tindices", places.data_type).int("batch_dims", 1);
        node.output(table.data_type)
    }

    /// Returns `x`, through a node that TensorFlow's optimizer does not look behind.
    ///
    /// The optimizer takes sums and products of floats for those of real numbers: it divides by a constant by
    /// multiplying with its inverse, adds constants first, and factors out what is common. A graph has to give the
    /// same numbers whether it is optimized or not, so that floats are kept from it.
    pub(super) fn opaque(&mut self, x: &Tensor) -> Tensor {
        let node = self.node("PlaceholderWithDefault").input(x).data_type("dtype", x.data_type);
        node.attr("shape", Attr::Shape(unknown_shape())).output(x.data_type)
    }
}

/// Writes one node.
pub(super) struct NodeWriter<'a> {
    writer: &'a mut GraphWriter,
    node: NodeDef,
}

impl NodeWriter<'_> {
    /// Names the node, apart from its scope.
    pub(super) fn named(mut self, name: String) -> Self {
        self.node.name = name;
        self
    }

    pub(super) fn input(mut self, tensor: &Tensor) -> Self {
        self.node.input.push(tensor.as_input());
        self
    }

    /// Lets the node wait for another, by name.
    pub(super) fn after(mut self, node: &str) -> Self {
        self.node.input.push(format!("^{node}"));
        self
    }

    pub(super) fn attr(mut self, name: &str, value: Attr) -> Self {
        set(&mut self.node, name, value);
        self
    }

    pub(super) fn data_type(self, name: &str, data_type: DataType) -> Self {
        self.attr(name, Attr::Type(data_type.into()))
    }

    pub(super) fn data_types(self, name: &str, data_types: &[DataType]) -> Self {
        let r#type = data_types.iter().map(|data_type| i32::from(*data_type)).collect();
        self.attr(name, Attr::List(ListValue { r#type, ..ListValue::default() }))
    }

    pub(super) fn int(self, name: &str, value: i64) -> Self {
        self.attr(name, Attr::I(value))
    }

    pub(super) fn ints(self, name: &str, values: &[i64]) -> Self {
        self.attr(name, Attr::List(ListValue { i: values.to_vec(), ..ListValue::default() }))
    }

    pub(super) fn texts(self, name: &str, values: &[&str]) -> Self {
        let s = values.iter().map(|value| value.as_bytes().to_vec()).collect();
        self.attr(name, Attr::List(ListValue { s, ..ListValue::default() }))
    }

    pub(super) fn bool(self, name: &str, value: bool) -> Self {
        self.attr(name, Attr::B(value))
    }

    pub(super) fn bytes(self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.attr(name, Attr::S(value.into()))
    }

    /// Adds the node, which gives one tensor.
    pub(super) fn output(self, data_type: DataType) -> Tensor {
        let mut outputs = self.outputs(&[data_type]);
        outputs.swap_remove(0)
    }

    /// Adds the node, which gives some tensors.
    pub(super) fn outputs(self, data_types: &[DataType]) -> Vec<Tensor> {
        let key = self.node.encode_to_vec();
        let node = match self.writer.known.get(&key) {
            Some(known) => known.clone(),
            None => {
                let known = &mut *self.writer;
                let name = NodeWriter { writer: known, node: self.node }.done();
                known.known.insert(key, name.clone());
                name
            }
        };
        let tensor = |(output, data_type): (usize, &DataType)| Tensor {
            node: node.clone(),
            output,
            data_type: *data_type,
        };
        data_types.iter().enumerate().map(tensor).collect()
    }

    /// Adds the node, which gives nothing, and returns its name.
    pub(super) fn done(mut self) -> String {
        if self.node.name.is_empty() {
            let (scope, number) = (&self.writer.scope, self.writer.next);
            self.node.name = format!("{scope}/{number}_{}", self.node.op);
            self.writer.next += 1;
        }
        let name = self.node.name.clone();
        self.writer.nodes.push(self.node);
        name
    }
}

fn set(node: &mut NodeDef, name: &str, value: Attr) {
    node.attr.insert(name.to_owned(), AttrValue { value: Some(value) });
}
