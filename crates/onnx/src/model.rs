//! A model with a plan that runs it.

use std::path::PathBuf;
use std::sync::Arc;

use tract_onnx::prelude::*;

use crate::file::guard;
use crate::{Element, OnnxError, OnnxFile, Port};

/// The values of one input or output, row after row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Floats.
    Floats(Vec<f32>),
    /// Integers.
    Ints(Vec<i64>),
    /// Text.
    Texts(Vec<String>),
}

/// An ONNX model that can be run.
pub struct OnnxModel {
    path: PathBuf,
    plan: Arc<TypedSimplePlan>,
    inputs: Vec<(Port, usize)>,
    outputs: Vec<Port>,
}

impl OnnxModel {
    /// Plans a model whose inputs have so many values in each row, in their order, and whose outputs with these names
    /// are wanted.
    ///
    /// # Errors
    ///
    /// [`OnnxError::FixedRows`], and [`OnnxError::Unsupported`] when the runtime cannot run it.
    pub fn new(file: &OnnxFile, widths: &[usize], wanted: &[&str]) -> Result<Self, OnnxError> {
        let path = file.path.clone();
        let inputs: Vec<(Port, usize)> =
            file.inputs().iter().cloned().zip(widths.iter().copied()).collect();
        for (port, _) in &inputs {
            if let Some(Some(size)) = port.shape.first() {
                let (port, size) = (port.name.clone(), *size);
                return Err(OnnxError::FixedRows { path, port, size });
            }
        }
        let outputs = wanted
            .iter()
            .filter_map(|name| file.outputs().iter().find(|port| port.name == **name).cloned());
        let outputs: Vec<Port> = outputs.collect();
        let plan = guard(|| plan(file, &inputs, &outputs))
            .map_err(|reason| OnnxError::Unsupported { path: path.clone(), reason })?;
        Ok(Self { path, plan, inputs, outputs })
    }

    /// Runs the model. `inputs` are in the order of the model's; the answer is in the order of the wanted outputs, each
    /// with how many values a row has.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Failed`], [`OnnxError::Shape`] when an output is not of so many rows, [`OnnxError::PortType`] when
    /// it holds no numbers.
    pub fn run(
        &self,
        inputs: &[Values],
        num_rows: usize,
    ) -> Result<Vec<(Vec<f32>, usize)>, OnnxError> {
        if num_rows == 0 {
            return Ok(self
                .outputs
                .iter()
                .map(|port| (Vec::new(), port.width().unwrap_or(1)))
                .collect());
        }
        let failed = |reason| OnnxError::Failed { path: self.path.clone(), reason };
        let tensors = guard(|| {
            let tensors = self.inputs.iter().zip(inputs).map(|((port, width), values)| {
                tensor(port, *width, values, num_rows).map(IntoTValue::into_tvalue)
            });
            self.plan.run(tensors.collect::<TractResult<_>>()?)
        })
        .map_err(failed)?;
        self.outputs
            .iter()
            .zip(tensors.iter())
            .map(|(port, tensor)| {
                let shape = tensor.shape();
                let count: usize = shape.iter().product();
                if shape.first() != Some(&num_rows) || !count.is_multiple_of(num_rows) {
                    let (path, port, found) =
                        (self.path.clone(), port.name.clone(), shape.to_vec());
                    return Err(OnnxError::Shape { path, port, found, num_rows });
                }
                let floats = guard(|| {
                    let floats = tensor.cast_to::<f32>()?;
                    Ok(floats.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
                });
                let floats = floats.map_err(|_| OnnxError::PortType {
                    path: self.path.clone(),
                    port: port.name.clone(),
                    found: format!("a tensor of {:?}", tensor.datum_type()),
                })?;
                Ok((floats, count / num_rows))
            })
            .collect()
    }
}

fn plan(
    file: &OnnxFile,
    inputs: &[(Port, usize)],
    outputs: &[Port],
) -> TractResult<Arc<TypedSimplePlan>> {
    let dir = file.path.parent().and_then(|dir| dir.to_str());
    // Shapes that a file says of its outputs are often wrong, and never needed.
    let onnx = onnx().with_ignore_output_shapes(true).with_ignore_output_types(true);
    let mut model = onnx.parse(&file.proto, dir)?.model;
    let rows = model.symbols.sym("rows");
    let outlets = model.input_outlets()?.to_vec();
    for (index, outlet) in outlets.iter().enumerate() {
        let name = model.node(outlet.node).name.clone();
        let Some((port, width)) = inputs.iter().find(|(port, _)| port.name == name) else {
            continue;
        };
        let shape = full_shape(port, *width);
        let dims: TVec<TDim> = std::iter::once(TDim::from(rows.clone()))
            .chain(shape.iter().map(|size| TDim::from(*size)))
            .collect();
        model.set_input_fact(index, InferenceFact::dt_shape(datum(port.element), dims))?;
    }
    let wanted = outputs.iter().map(|port| {
        let labels = model.outputs.iter();
        let found = labels.copied().find(|o| model.outlet_label(*o) == Some(port.name.as_str()));
        found.ok_or_else(|| TractError::msg(format!("output `{}` is not made", port.name)))
    });
    let wanted: Vec<OutletId> = wanted.collect::<TractResult<_>>()?;
    model.select_output_outlets(&wanted)?;
    model.into_optimized()?.into_runnable()
}

/// Returns the sizes behind the rows of an input that has so many values in each.
fn full_shape(port: &Port, width: usize) -> Vec<usize> {
    match port.shape.len() {
        0 | 1 => Vec::new(),
        2 => vec![width],
        // Only the sizes that are fixed; where all are, they are the width.
        _ => port.shape[1..].iter().map(|size| size.unwrap_or(width)).collect(),
    }
}

fn datum(element: Element) -> DatumType {
    match element {
        Element::Float => f32::datum_type(),
        Element::Double => f64::datum_type(),
        Element::Int32 => i32::datum_type(),
        Element::Int64 => i64::datum_type(),
        Element::Bool => bool::datum_type(),
        Element::Text => String::datum_type(),
    }
}

fn tensor(port: &Port, width: usize, values: &Values, num_rows: usize) -> TractResult<Tensor> {
    let mut shape = vec![num_rows];
    shape.extend(full_shape(port, width));
    let tensor = match values {
        Values::Floats(values) => Tensor::from_shape(&shape, values)?,
        Values::Ints(values) => Tensor::from_shape(&shape, values)?,
        Values::Texts(values) => {
            tract_ndarray::ArrayD::from_shape_vec(shape, values.clone())?.into()
        }
    };
    Ok(tensor.cast_to_dt(datum(port.element))?.into_owned())
}
