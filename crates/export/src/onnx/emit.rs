//! Writing the nodes of an ONNX graph.

use std::collections::HashMap;
use std::rc::Rc;

use formats::Message as _;
use formats::onnx::attribute_proto::AttributeType;
use formats::onnx::tensor_proto::DataType;
use formats::onnx::{
    AttributeProto, GraphProto, NodeProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, type_proto,
};

use graph::Shape;

/// The domain of the operators for vocabularies.
pub(super) const ML: &str = "ai.onnx.ml";

/// The domain of the operators that ONNX Runtime adds.
pub(super) const MICROSOFT: &str = "com.microsoft";

/// A tensor, by its name in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tensor(Rc<str>);

impl Tensor {
    /// Returns a tensor that has a name already.
    pub(super) fn named(name: &str) -> Self {
        Self(Rc::from(name))
    }

    /// Returns the name.
    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

/// What tells a node more than its inputs do.
#[derive(Clone, Debug)]
pub(super) enum Attribute<'a> {
    Int(i64),
    Ints(Vec<i64>),
    Text(&'a str),
    Texts(Vec<&'a str>),
    Tensor(TensorProto),
    Graph(GraphProto),
}

/// Nodes and constants, as they are added.
///
/// Every node comes after those whose results it takes. A constant is there once, however often it is asked for.
#[derive(Debug)]
pub(super) struct Emitter {
    /// No name of the file's interface starts with it.
    prefix: String,
    num_names: usize,
    /// The nodes of the graph that is being written, which may be one within another.
    nodes: Vec<NodeProto>,
    /// The types of results that do not follow from their operators, in that graph.
    types: Vec<ValueInfoProto>,
    constants: Vec<TensorProto>,
    /// The name of each constant by its bytes.
    known: HashMap<Vec<u8>, Tensor>,
    has_microsoft: bool,
    /// The shape of one value per row, where there is an input that has it.
    rows: Option<Tensor>,
    /// Whether -0.0 has to stay apart from 0.0 in the node that is being lowered.
    pub(super) keeps_zero_signs: bool,
}

impl Emitter {
    /// Returns an emitter whose names are all unlike those of an interface.
    pub(super) fn new<'a>(interface: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut prefix = "_".to_owned();
        while interface.clone().any(|name| name.starts_with(&prefix)) {
            prefix.push('_');
        }
        Self {
            prefix,
            num_names: 0,
            nodes: Vec::new(),
            types: Vec::new(),
            constants: Vec::new(),
            known: HashMap::new(),
            has_microsoft: false,
            rows: None,
            keeps_zero_signs: true,
        }
    }

    /// Names an input that has as many rows as all have.
    pub(super) fn set_rows(&mut self, input: &Tensor, shape: Shape) {
        self.rows = Some(match shape {
            Shape::One => self.op("Shape", &[input]),
            _ => {
                let first = vec![("start", Attribute::Int(0)), ("end", Attribute::Int(1))];
                let (num_rows, one) = (self.with("Shape", &[input], first), self.list(&[1]));
                self.with("Concat", &[&num_rows, &one], vec![("axis", Attribute::Int(0))])
            }
        });
    }

    /// Returns the shape of one value per row, where there is an input that has it.
    pub(super) fn rows(&self) -> Option<&Tensor> {
        self.rows.as_ref()
    }

    /// Returns a tensor with one value per row.
    pub(super) fn expand(&mut self, tensor: &Tensor) -> Tensor {
        match self.rows.clone() {
            Some(rows) => self.op("Expand", &[tensor, &rows]),
            None => tensor.clone(),
        }
    }

    /// Returns a tensor that nothing makes yet.
    pub(super) fn fresh(&mut self) -> Tensor {
        self.num_names += 1;
        Tensor::named(&format!("{}{}", self.prefix, self.num_names))
    }

    /// Adds a node of one result.
    pub(super) fn op(&mut self, op: &str, inputs: &[&Tensor]) -> Tensor {
        self.with(op, inputs, Vec::new())
    }

    /// Adds a node of one result, with attributes.
    pub(super) fn with(
        &mut self,
        op: &str,
        inputs: &[&Tensor],
        attributes: Vec<(&str, Attribute<'_>)>,
    ) -> Tensor {
        let output = self.fresh();
        self.node("", op, inputs, &[&output], attributes);
        output
    }

    /// Adds a node.
    pub(super) fn node(
        &mut self,
        domain: &str,
        op: &str,
        inputs: &[&Tensor],
        outputs: &[&Tensor],
        attributes: Vec<(&str, Attribute<'_>)>,
    ) {
        let names = |tensors: &[&Tensor]| tensors.iter().map(|t| t.name().to_owned()).collect();
        self.has_microsoft |= domain == MICROSOFT;
        self.nodes.push(NodeProto {
            input: names(inputs),
            output: names(outputs),
            op_type: Some(op.to_owned()),
            domain: Some(domain.to_owned()).filter(|domain| !domain.is_empty()),
            attribute: attributes.into_iter().map(|(name, value)| attribute(name, value)).collect(),
            ..NodeProto::default()
        });
    }

    /// Returns a graph within the graph, for a node that runs it. It may use all that was added before.
    pub(super) fn subgraph(
        &mut self,
        inputs: Vec<ValueInfoProto>,
        write: impl FnOnce(&mut Self) -> Vec<ValueInfoProto>,
    ) -> GraphProto {
        let outside = (std::mem::take(&mut self.nodes), std::mem::take(&mut self.types));
        let output = write(self);
        let node = std::mem::replace(&mut self.nodes, outside.0);
        let value_info = std::mem::replace(&mut self.types, outside.1);
        let name = Some(self.fresh().name().to_owned());
        GraphProto { node, name, input: inputs, output, value_info, ..GraphProto::default() }
    }

    /// Adds a constant.
    pub(super) fn constant(&mut self, mut constant: TensorProto) -> Tensor {
        let bytes = constant.encode_to_vec();
        if let Some(tensor) = self.known.get(&bytes) {
            return tensor.clone();
        }
        let tensor = self.fresh();
        constant.name = Some(tensor.name().to_owned());
        self.constants.push(constant);
        self.known.insert(bytes, tensor.clone());
        tensor
    }

    /// Adds 64-bit floats of some shape.
    pub(super) fn doubles(&mut self, values: &[f64], dims: &[usize]) -> Tensor {
        self.constant(raw(DataType::Double, dims, values.iter().flat_map(|v| v.to_le_bytes())))
    }

    /// Adds 32-bit floats of some shape.
    pub(super) fn singles(&mut self, values: &[f32], dims: &[usize]) -> Tensor {
        self.constant(raw(DataType::Float, dims, values.iter().flat_map(|v| v.to_le_bytes())))
    }

    /// Adds 64-bit integers of some shape.
    pub(super) fn longs(&mut self, values: &[i64], dims: &[usize]) -> Tensor {
        self.constant(raw(DataType::Int64, dims, values.iter().flat_map(|v| v.to_le_bytes())))
    }

    /// Adds one unsigned 64-bit integer for all rows, shape `[1, 1]`.
    pub(super) fn unsigned_long(&mut self, value: u64) -> Tensor {
        self.constant(raw(DataType::Uint64, &[1, 1], value.to_le_bytes()))
    }

    /// Adds one FLOAT for all rows, shape `[1, 1]`.
    pub(super) fn float(&mut self, value: f64) -> Tensor {
        self.doubles(&[value], &[1, 1])
    }

    /// Adds one INT for all rows, shape `[1, 1]`.
    pub(super) fn int(&mut self, value: i64) -> Tensor {
        self.longs(&[value], &[1, 1])
    }

    /// Adds one BOOL for all rows, shape `[1, 1]`.
    pub(super) fn bool(&mut self, value: bool) -> Tensor {
        self.constant(raw(DataType::Bool, &[1, 1], [u8::from(value)]))
    }

    /// Adds one STRING for all rows, shape `[1, 1]`.
    pub(super) fn text(&mut self, value: &str) -> Tensor {
        self.strings(&[value], vec![1, 1])
    }

    /// Adds a list of STRINGs.
    pub(super) fn texts(&mut self, values: &[&str]) -> Tensor {
        let len = i64::try_from(values.len()).expect("memory is smaller");
        self.strings(values, vec![len])
    }

    fn strings(&mut self, values: &[&str], dims: Vec<i64>) -> Tensor {
        self.constant(TensorProto {
            dims,
            data_type: Some(DataType::String.into()),
            string_data: values.iter().map(|value| value.as_bytes().to_vec()).collect(),
            ..TensorProto::default()
        })
    }

    /// Adds a list of integers, which says of other tensors what their shape or which their axes are.
    pub(super) fn list(&mut self, values: &[i64]) -> Tensor {
        self.longs(values, &[values.len()])
    }

    /// Adds a conversion.
    pub(super) fn cast(&mut self, tensor: &Tensor, to: DataType) -> Tensor {
        self.with("Cast", &[tensor], vec![("to", Attribute::Int(i64::from(i32::from(to))))])
    }

    /// Adds a choice between two tensors of INTs or STRINGs.
    pub(super) fn choose(&mut self, is_first: &Tensor, a: &Tensor, b: &Tensor) -> Tensor {
        self.op("Where", &[is_first, a, b])
    }

    /// Adds a choice between two tensors of FLOATs. `Where` makes 0.0 of -0.0, so where that matters it is another
    /// operator that chooses.
    pub(super) fn choose_floats(&mut self, is_first: &Tensor, a: &Tensor, b: &Tensor) -> Tensor {
        if !self.keeps_zero_signs {
            return self.op("Where", &[is_first, a, b]);
        }
        let (is_first, a, b) = (self.expand(is_first), self.expand(a), self.expand(b));
        let place = self.cast(&is_first, DataType::Int64);
        let axis = || vec![("axis", Attribute::Int(1))];
        let both = self.with("Concat", &[&b, &a], axis());
        self.with("GatherElements", &[&both, &place], axis())
    }

    /// Adds a test of whole texts by a regular expression.
    pub(super) fn matches(&mut self, texts: &Tensor, pattern: &str) -> Tensor {
        self.with("RegexFullMatch", &[texts], vec![("pattern", Attribute::Text(pattern))])
    }

    /// Adds a node of one result that ONNX Runtime adds, so that only it knows the type of the result.
    pub(super) fn microsoft(
        &mut self,
        op: &str,
        input: &Tensor,
        result: DataType,
        attributes: Vec<(&str, Attribute<'_>)>,
    ) -> Tensor {
        let output = self.fresh();
        self.node(MICROSOFT, op, &[input], &[&output], attributes);
        self.types.push(describe(output.name(), result, None));
        output
    }

    /// Returns whether a node is one that ONNX Runtime adds.
    pub(super) fn has_microsoft(&self) -> bool {
        self.has_microsoft
    }

    /// Returns the nodes, the types of their results and the constants.
    pub(super) fn finish(self) -> (Vec<NodeProto>, Vec<ValueInfoProto>, Vec<TensorProto>) {
        (self.nodes, self.types, self.constants)
    }
}

/// Describes a tensor, of any shape if none is given.
pub(super) fn describe(
    name: &str,
    data_type: DataType,
    shape: Option<TensorShapeProto>,
) -> ValueInfoProto {
    let tensor = type_proto::Tensor { elem_type: Some(data_type.into()), shape };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)) }),
        ..ValueInfoProto::default()
    }
}

/// Returns a constant of values that all take the same number of bytes.
pub(super) fn raw(
    data_type: DataType,
    dims: &[usize],
    bytes: impl IntoIterator<Item = u8>,
) -> TensorProto {
    TensorProto {
        dims: dims.iter().map(|dim| i64::try_from(*dim).expect("memory is smaller")).collect(),
        data_type: Some(data_type.into()),
        raw_data: Some(bytes.into_iter().collect()),
        ..TensorProto::default()
    }
}

fn attribute(name: &str, value: Attribute<'_>) -> AttributeProto {
    let mut attribute = AttributeProto { name: Some(name.to_owned()), ..AttributeProto::default() };
    let attribute_type = match value {
        Attribute::Int(value) => {
            attribute.i = Some(value);
            AttributeType::Int
        }
        Attribute::Ints(values) => {
            attribute.ints = values;
            AttributeType::Ints
        }
        Attribute::Text(value) => {
            attribute.s = Some(value.as_bytes().to_vec());
            AttributeType::String
        }
        Attribute::Texts(values) => {
            attribute.strings = values.iter().map(|value| value.as_bytes().to_vec()).collect();
            AttributeType::Strings
        }
        Attribute::Tensor(tensor) => {
            attribute.t = Some(tensor);
            AttributeType::Tensor
        }
        Attribute::Graph(graph) => {
            attribute.g = Some(graph);
            AttributeType::Graph
        }
    };
    attribute.r#type = Some(attribute_type.into());
    attribute
}
