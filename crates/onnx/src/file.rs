//! What an ONNX file says about its model.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use base::IoError;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as DimValue;
use tract_onnx::pb::type_proto::Value as TypeValue;
use tract_onnx::pb::{ModelProto, ValueInfoProto};
use tract_onnx::prelude::*;

use crate::OnnxError;

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 32-bit floats.
    Float,
    /// 64-bit floats.
    Double,
    /// 32-bit integers.
    Int32,
    /// 64-bit integers.
    Int64,
    /// Truth values.
    Bool,
    /// Text.
    Text,
}

/// An input or output of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// The type of its elements.
    pub element: Element,
    /// Its shape; `None` where a size is not fixed. The first size is the number of rows.
    pub shape: Vec<Option<usize>>,
}

impl Port {
    /// Returns how many values a row has: 1 for a shape `[rows]`; `None` where that is not fixed.
    pub fn width(&self) -> Option<usize> {
        self.shape.iter().skip(1).try_fold(1_usize, |width, size| width.checked_mul((*size)?))
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let element = match self.element {
            Element::Float => "float",
            Element::Double => "double",
            Element::Int32 => "int32",
            Element::Int64 => "int64",
            Element::Bool => "bool",
            Element::Text => "text",
        };
        let sizes: Vec<String> = self
            .shape
            .iter()
            .map(|size| size.map_or_else(|| "?".to_owned(), |size| size.to_string()))
            .collect();
        write!(f, "`{}` ({element}[{}])", self.name, sizes.join(", "))
    }
}

/// An ONNX file that was read but not yet planned.
pub struct OnnxFile {
    pub(crate) path: PathBuf,
    pub(crate) proto: ModelProto,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

impl OnnxFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Io`], [`OnnxError::NotAModel`], [`OnnxError::PortType`].
    pub fn read(path: &Path) -> Result<Self, OnnxError> {
        let bytes = std::fs::read(path).map_err(IoError::at("read", path))?;
        let not_a_model =
            |reason: String| OnnxError::NotAModel { path: path.to_path_buf(), reason };
        let proto =
            guard(|| onnx().proto_model_for_read(&mut bytes.as_slice())).map_err(not_a_model)?;
        let Some(graph) = &proto.graph else {
            return Err(not_a_model("it has no graph".to_owned()));
        };
        // Weights may be listed among the inputs, too.
        let weights: BTreeSet<&str> =
            graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        let inputs = graph.input.iter().filter(|input| !weights.contains(input.name.as_str()));
        let inputs = inputs.map(|input| port(path, input)).collect::<Result<_, _>>()?;
        let outputs = graph.output.iter().map(|output| port(path, output));
        let outputs = outputs.collect::<Result<_, _>>()?;
        Ok(Self { path: path.to_path_buf(), inputs, outputs, proto })
    }

    /// Returns what the model takes, in its order.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// Returns what the model gives, in its order.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }
}

fn port(path: &Path, info: &ValueInfoProto) -> Result<Port, OnnxError> {
    let wrong = |found: &str| OnnxError::PortType {
        path: path.to_path_buf(),
        port: info.name.clone(),
        found: found.to_owned(),
    };
    let Some(TypeValue::TensorType(tensor)) =
        info.r#type.as_ref().and_then(|port_type| port_type.value.as_ref())
    else {
        return Err(wrong("no tensor"));
    };
    // The numbers of `TensorProto.DataType`.
    let element = match tensor.elem_type {
        1 => Element::Float,
        11 => Element::Double,
        6 => Element::Int32,
        7 => Element::Int64,
        9 => Element::Bool,
        8 => Element::Text,
        other => return Err(wrong(&format!("a tensor of type {other}"))),
    };
    let dims = tensor.shape.iter().flat_map(|shape| &shape.dim);
    let shape = dims.map(|dim| match dim.value {
        Some(DimValue::DimValue(size)) => usize::try_from(size).ok().filter(|size| *size > 0),
        _ => None,
    });
    Ok(Port { name: info.name.clone(), element, shape: shape.collect() })
}

/// Calls into the runtime; what it panics on is an error of the file.
pub(crate) fn guard<T>(call: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        // The last cause is the most exact, the first says where.
        Ok(Err(error)) => Err(shorten(&format!("{error:#}"))),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(shorten(&text.unwrap_or_else(|| "it is malformed".to_owned())))
        }
    }
}

/// Returns a message on one line, cut where it is long.
pub(crate) fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(400).collect();
    if cut.len() < line.len() { format!("{cut}...") } else { cut }
}
