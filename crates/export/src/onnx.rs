//! Graphs and models as ONNX files, as ONNX Runtime runs them.
//!
//! Not here: what a SavedModel is, and which operations there are (`graph`).

mod bytes;
mod case;
mod cast;
mod chars;
mod column;
mod constants;
mod emit;
mod hash;
mod logic;
mod lower;
mod model;
mod more_text;
mod numbers;
mod text;
mod time;
mod trees;
mod vectors;

use std::collections::BTreeSet;
use std::path::Path;

use base::publish;
use formats::Message as _;
use formats::onnx::tensor_proto::DataType;
use formats::onnx::tensor_shape_proto::Dimension;
use formats::onnx::tensor_shape_proto::dimension::Value;
use formats::onnx::type_proto;
use formats::onnx::{GraphProto, ModelProto, OperatorSetIdProto, TensorShapeProto, ValueInfoProto};
use graph::{Graph, Op, Shape, ValueType};

use crate::{ExportError, Support, Target};
use column::{Column, computed, given_out};
use emit::{Emitter, MICROSOFT, ML, Tensor};
use lower::Lowering;

/// The version of the file format, that of ONNX 1.15.
const IR_VERSION: i64 = 9;

/// The version of the operators: the first with operators for text.
const OPSET: i64 = 20;

/// The version of the operators for vocabularies and trees: the first whose trees count in 64 bits.
const ML_OPSET: i64 = 3;

/// What is behind the name of a feature in the name of the tensor that says where it is not missing.
const PRESENT: &str = ".present";

/// What is behind the name of a feature that is called as a raw one.
const OUTPUT: &str = ".output";

/// Why an operation was refused.
#[derive(Clone, Copy, Debug)]
struct Refused {
    reason: &'static str,
}

impl Refused {
    fn new(reason: &'static str) -> Self {
        Self { reason }
    }
}

/// A graph, or a graph and a model, as one ONNX file.
#[derive(Clone, PartialEq, Eq)]
pub struct OnnxModel {
    bytes: Vec<u8>,
}

impl OnnxModel {
    /// Returns the bytes of the file. The same graph and model give the same bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`ExportError::Io`] when the disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), ExportError> {
        Ok(publish::write_file(path, &self.bytes)?)
    }
}

impl std::fmt::Debug for OnnxModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxModel").field("num_bytes", &self.bytes.len()).finish()
    }
}

/// Returns a graph, with a model behind it if there is one, as an ONNX file.
///
/// # What a file takes and gives
///
/// - One input per raw feature under its name, shape `[N, 1]`: INT as `int64`, FLOAT as `double` (an evaluator
///   computes in 64 bits, and buckets of a rounded number would be other ones; what a client has in 32 bits converts
///   without loss), STRING as `string`, BOOL as `bool`.
/// - One input `NAME.present` beside each, `bool`, shape `[N, 1]` or `[1, 1]`: false where the value is missing, whatever
///   stands in its place. It may be left out, and then nothing is missing.
/// - One output per transformed feature under its name, shape `[N, 1]`, FLOAT as `float`, which is how features are
///   stored; and `NAME.present` beside it where the feature can be missing.
/// - With a model, the outputs of its signature instead, `float`, shape `[N, width]`, and only the raw features that it needs.
/// - A vector of `n` values, raw or transformed, has shape `[N, n]`, and one `NAME.present` for the whole of it. A graph in
///   which values within a vector can be missing, or lists can have any length, is not exported.
/// - An output whose name an input has already is called `NAME.output`.
///
/// A graph that reads no raw features gives one row.
///
/// All operators are ONNX's own but for those that take texts apart (`length`, `substring`, `trim`, `lower`, `upper`,
/// hashes, buckets for tokens outside a vocabulary), which need two that all of ONNX Runtime's packages add. Tested
/// with ONNX Runtime 1.18, 1.20 and 1.32. It warns of every `NAME.present` when it loads a file: that is how an input gets a
/// default.
///
/// # Errors
///
/// [`ExportError::Unsupported`] when a feature that is needed cannot be expressed, [`ExportError::MissingFeature`] and
/// [`ExportError::FeatureType`] when the model reads what the graph does not make, [`ExportError::Name`] when two
/// tensors would have one name, and [`ExportError::TooLarge`].
pub fn onnx(graph: &Graph, model: Option<&::model::Model>) -> Result<OnnxModel, ExportError> {
    let graph = match model {
        Some(model) => &needed(graph, model)?,
        None => graph,
    };
    let names = Names::new(graph, model)?;
    let mut e = Emitter::new(names.all.iter().map(String::as_str));
    if let Some(input) = graph.inputs().first() {
        e.set_rows(&Tensor::named(&input.name), input.shape);
    }
    let columns = lower_all(&mut e, graph)?;
    let features: Vec<&Column> =
        graph.output_nodes().iter().map(|node| &columns[node.index()]).collect();

    let mut results = Vec::new();
    match model {
        None => {
            for (feature, output) in features.iter().zip(graph.outputs()) {
                let name = &names.outputs[results.len()];
                let data_type = given_out(output.value_type);
                let values = match output.value_type {
                    ValueType::Float => e.cast(&feature.values, data_type),
                    _ => feature.values.clone(),
                };
                let width = vectors::width(output.shape).unwrap_or(1);
                results.push((name.clone(), data_type, width, values, feature.present.clone()));
            }
        }
        Some(model) => {
            let outputs = model::lower(&mut e, graph, &features, model)?;
            let specs = &model.signature().outputs;
            for ((values, spec), name) in outputs.into_iter().zip(specs).zip(&names.outputs) {
                results.push((name.clone(), DataType::Float, spec.width, values, None));
            }
        }
    }
    let rows = e.rows().cloned();
    let mut outputs = Vec::new();
    for (name, data_type, width, values, present) in results {
        let beside = format!("{name}{PRESENT}");
        let present = present.map(|present| (beside, DataType::Bool, 1, present));
        let both = [(name, data_type, width, values)].into_iter().chain(present);
        for (name, data_type, width, values) in both {
            let named = Tensor::named(&name);
            match &rows {
                Some(rows) => e.node("", "Expand", &[&values, rows], &[&named], Vec::new()),
                None => e.node("", "Identity", &[&values], &[&named], Vec::new()),
            }
            outputs.push(value_info(&name, data_type, rows.is_some().then_some("N"), width));
        }
    }
    file(e, graph, model, outputs)
}

/// Tells whether a graph can be exported, and writes nothing.
///
/// Before anything is learned it can be asked of a graph with other values in the places of those to be learned.
///
/// # Errors
///
/// [`ExportError::Unsupported`] and [`ExportError::Name`].
pub fn check_onnx(graph: &Graph) -> Result<(), ExportError> {
    onnx(graph, None).map(|_| ())
}

/// Tells how far an operation of operands of some types can be expressed. (Types matter to [`Op::Cast`] alone.)
pub fn onnx_support(op: &Op, operands: &[ValueType]) -> Support {
    lower::support(op, operands)
}

/// Returns the part of a graph that a model needs.
fn needed(graph: &Graph, model: &::model::Model) -> Result<Graph, ExportError> {
    let names: Vec<&str> =
        model.signature().inputs.iter().map(|input| input.name.as_str()).collect();
    let is_made = |name: &str| graph.outputs().iter().any(|output| output.name == name);
    match names.iter().find(|name| !is_made(name)) {
        Some(name) => Err(ExportError::MissingFeature { feature: (*name).to_owned() }),
        None => Ok(graph.project(&names).expect("all are outputs of the graph")),
    }
}

/// Returns the columns of all nodes.
fn lower_all(e: &mut Emitter, graph: &Graph) -> Result<Vec<Column>, ExportError> {
    let constants = constants::constants(graph);
    let keep_zero_signs = keep_zero_signs(graph);
    let mut so_far =
        Lowering { graph, columns: Vec::with_capacity(graph.nodes().len()), constants };
    for (place, node) in graph.nodes().iter().enumerate() {
        e.keeps_zero_signs = keep_zero_signs[place];
        let refused = |reason: Refused| ExportError::Unsupported {
            feature: feature_of(graph, place),
            op: node.op.name().to_owned(),
            target: Target::Onnx,
            reason: reason.reason.to_owned(),
        };
        let column = match (&node.op, &so_far.constants[place]) {
            (Op::Input { shape: Shape::List, .. }, _) => {
                return Err(refused(Refused::new(vectors::LISTS)));
            }
            (Op::Input { name, .. }, _) => Column {
                values: Tensor::named(name),
                present: Some(Tensor::named(&format!("{name}{PRESENT}"))),
            },
            (_, Some(constant)) => Column::literal(e, constant),
            (_, None) => lower::lower(e, &so_far, node).map_err(refused)?,
        };
        so_far.columns.push(column);
    }
    Ok(so_far.columns)
}

/// Tells of each node whether it matters that -0.0 stays apart from 0.0: where it comes to divide something.
///
/// It does not matter in what is given out, because they are equal.
fn keep_zero_signs(graph: &Graph) -> Vec<bool> {
    let mut keep = vec![false; graph.nodes().len()];
    for (place, node) in graph.nodes().iter().enumerate().rev() {
        if keep[place] || matches!(node.op, Op::Divide | Op::Power) {
            node.operands.iter().for_each(|operand| keep[operand.index()] = true);
        }
    }
    keep
}

/// Returns the first output that needs a node.
fn feature_of(graph: &Graph, place: usize) -> String {
    let mut is_user = vec![false; graph.nodes().len()];
    is_user[place] = true;
    for (place, node) in graph.nodes().iter().enumerate() {
        is_user[place] |= node.operands.iter().any(|operand| is_user[operand.index()]);
    }
    let mut outputs = graph.outputs().iter().zip(graph.output_nodes());
    let found = outputs.find(|(_, node)| is_user[node.index()]);
    found.map_or_else(String::new, |(output, _)| output.name.clone())
}

/// The names of the file's inputs and outputs.
struct Names {
    all: Vec<String>,
    /// Of the outputs, without those that say where they are missing.
    outputs: Vec<String>,
}

impl Names {
    fn new(graph: &Graph, model: Option<&::model::Model>) -> Result<Self, ExportError> {
        let mut known = BTreeSet::new();
        let mut all = Vec::new();
        let mut add = |name: String| match name.is_empty() || !known.insert(name.clone()) {
            true => Err(ExportError::Name { name, target: Target::Onnx }),
            false => {
                all.push(name);
                Ok(())
            }
        };
        let inputs: Vec<String> = graph
            .inputs()
            .iter()
            .flat_map(|input| [input.name.clone(), format!("{}{PRESENT}", input.name)])
            .collect();
        for name in &inputs {
            add(name.clone())?;
        }
        let made: Vec<&str> = match model {
            None => graph.outputs().iter().map(|output| output.name.as_str()).collect(),
            Some(model) => {
                model.signature().outputs.iter().map(|output| output.name.as_str()).collect()
            }
        };
        let mut outputs = Vec::with_capacity(made.len());
        for name in made {
            let present = format!("{name}{PRESENT}");
            let is_taken = inputs.iter().any(|input| input == name || *input == present);
            let name = if is_taken { format!("{name}{OUTPUT}") } else { name.to_owned() };
            add(name.clone())?;
            if model.is_none() {
                add(format!("{name}{PRESENT}"))?;
            }
            outputs.push(name);
        }
        Ok(Self { all, outputs })
    }
}

/// Returns the whole file.
fn file(
    e: Emitter,
    graph: &Graph,
    model: Option<&::model::Model>,
    outputs: Vec<ValueInfoProto>,
) -> Result<OnnxModel, ExportError> {
    let mut inputs = Vec::new();
    let mut defaults = Vec::new();
    for input in graph.inputs() {
        let width = vectors::width(input.shape).unwrap_or(1);
        inputs.push(value_info(&input.name, computed(input.value_type), Some("N"), width));
        let present = format!("{}{PRESENT}", input.name);
        let mut default = emit::raw(DataType::Bool, &[1, 1], [1]);
        default.name = Some(present.clone());
        defaults.push(default);
        let mut info = value_info(&present, DataType::Bool, Some("N"), 1);
        free_rows(&mut info);
        inputs.push(info);
    }
    let opsets = [("", OPSET), (ML, ML_OPSET)]
        .into_iter()
        .chain(e.has_microsoft().then_some((MICROSOFT, 1)))
        .map(|(domain, version)| OperatorSetIdProto {
            domain: Some(domain.to_owned()),
            version: Some(version),
        })
        .collect();
    let (node, value_info, constants) = e.finish();
    defaults.extend(constants);
    let what = match model {
        Some(_) => "A transform graph and the model behind it: raw features in, predictions out.",
        None => "A transform graph: raw features in, transformed features out.",
    };
    let file = ModelProto {
        ir_version: Some(IR_VERSION),
        producer_name: Some("cupola".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        doc_string: Some(format!(
            "{what} Where NAME{PRESENT} is false, the value of NAME is missing."
        )),
        opset_import: opsets,
        graph: Some(GraphProto {
            node,
            name: Some("cupola".to_owned()),
            initializer: defaults,
            input: inputs,
            output: outputs,
            value_info,
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    };
    let num_bytes = file.encoded_len();
    if i32::try_from(num_bytes).is_err() {
        return Err(ExportError::TooLarge { target: Target::Onnx, num_bytes });
    }
    Ok(OnnxModel { bytes: file.encode_to_vec() })
}

/// Describes a tensor of shape `[rows, width]`.
fn value_info(name: &str, data_type: DataType, rows: Option<&str>, width: usize) -> ValueInfoProto {
    let width = Value::DimValue(numbers::as_int(width));
    let rows = match rows {
        Some(rows) => Value::DimParam(rows.to_owned()),
        None => Value::DimValue(1),
    };
    let dim = [rows, width].map(|value| Dimension { value: Some(value) }).to_vec();
    emit::describe(name, data_type, Some(TensorShapeProto { dim }))
}

/// Leaves open how many rows a tensor has: one for all will do.
fn free_rows(info: &mut ValueInfoProto) {
    let shape = info.r#type.as_mut().and_then(|found| match &mut found.value {
        Some(type_proto::Value::TensorType(tensor)) => tensor.shape.as_mut(),
        None => None,
    });
    if let Some(dimension) = shape.and_then(|shape| shape.dim.first_mut()) {
        dimension.value = None;
    }
}

#[cfg(test)]
mod tests;
