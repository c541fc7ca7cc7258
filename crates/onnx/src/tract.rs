//! Models planned and run by `tract`.

use std::sync::Arc;

use tract_onnx::prelude::*;

use crate::file::guard;
use crate::model::{Given, full_shape};
use crate::{Element, OnnxFile, Port, Values};

/// A plan that any number of threads run at once.
pub(crate) struct Plan(Arc<TypedSimplePlan>);

impl Plan {
    /// Plans a file; an error says what cannot be run.
    pub(crate) fn new(
        file: &OnnxFile,
        inputs: &[(Port, usize)],
        outputs: &[Port],
    ) -> Result<Self, String> {
        guard(|| plan(file, inputs, outputs)).map(Self)
    }

    /// Runs the plan; an error says why it stopped.
    pub(crate) fn run(
        &self,
        inputs: &[(Port, usize)],
        values: &[Values],
        num_rows: usize,
    ) -> Result<Vec<Given>, String> {
        let tensors = guard(|| {
            let tensors = inputs.iter().zip(values).map(|((port, width), values)| {
                tensor(port, *width, values, num_rows).map(IntoTValue::into_tvalue)
            });
            self.0.run(tensors.collect::<TractResult<_>>()?)
        })?;
        let given = tensors.iter().map(|tensor| {
            let floats = guard(|| {
                let floats = tensor.cast_to::<f32>()?;
                Ok(floats.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
            });
            let floats = floats.map_err(|_| format!("{:?}", tensor.datum_type()));
            Given { shape: tensor.shape().to_vec(), floats }
        });
        Ok(given.collect())
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
