//! A model's forward pass.

use formats::tensorflow::DataType;
use formats::tensorflow::attr_value::Value as Attr;
use model::network::Network;
use model::{Model, Task};

use super::lower::{Presence, Value};
use super::tensor;
use super::writer::{GraphWriter, Tensor};
use crate::{ExportError, Target};

const FLOAT: DataType = DataType::DtFloat;
const INT: DataType = DataType::DtInt64;

/// Tells whether a model can be expressed.
pub(super) fn check(model: &Model) -> Result<(), ExportError> {
    let no = |what| Err(ExportError::Model { target: Target::SavedModel, what });
    if model.forest().is_some() {
        return no("boosted trees");
    }
    if model.network().num_multiple() > 0 {
        return no("models of several categories of one feature");
    }
    if model.network().numeric().iter().any(|numeric| numeric.is_vector) {
        return no("models of vectors");
    }
    Ok(())
}

/// Adds a model behind the features that it reads, by name, and returns its outputs: shape `[rows]` for one
/// number per row, else `[rows, width]`.
///
/// The values are those of [`model::network::Encoder`]: a number that is missing or NaN is 0, and a category that is
/// missing or out of range contributes nothing, because its row of each table is one of zeros.
pub(super) fn predict(
    writer: &mut GraphWriter,
    model: &Model,
    feature: &dyn Fn(&str) -> Value,
    shape: &Tensor,
) -> Vec<Tensor> {
    let (network, weights) = (model.network(), model.weights());
    let ids: Vec<Tensor> = network
        .categorical()
        .iter()
        .map(|category| id(writer, &feature(&category.name), category.num_buckets, shape))
        .collect();
    let mut outputs = Vec::new();
    for (place, tower) in network.towers().iter().enumerate() {
        let columns = tower.numeric();
        let numeric: Vec<Tensor> = network
            .numeric()
            .iter()
            .filter(|numeric| columns.contains(&numeric.start))
            .map(|numeric| quantity(writer, &feature(&numeric.name), shape))
            .collect();
        outputs.push(deep(writer, model, place, &numeric, &ids, shape));
    }
    let mut wide: Option<Tensor> = None;
    for (category, id) in network.categorical().iter().zip(&ids).filter(|_| network.has_wide()) {
        let end = category.wide_start + category.num_buckets * network.num_outputs();
        let table = &weights.wide[category.wide_start..end];
        let weight = look_up(writer, table, network.num_outputs(), id);
        wide = Some(match wide {
            None => weight,
            Some(sum) => writer.binary("AddV2", &sum, &weight),
        });
    }
    let logit = match (outputs.as_slice(), &wide) {
        ([deep], Some(wide)) => writer.binary("AddV2", deep, wide),
        ([deep], None) => deep.clone(),
        (towers, _) => {
            let product = writer.binary("Mul", &towers[0], &towers[1]);
            let axis = writer.constant(tensor::int32s(&[1]));
            let sum = writer.node("Sum").input(&product).input(&axis).data_type("T", FLOAT);
            sum.data_type("Tidx", DataType::DtInt32).output(FLOAT)
        }
    };
    let logit = if network.num_outputs() == 1 { writer.flat(&logit) } else { logit };
    match model.signature().task {
        Task::Regression | Task::Ranking => vec![logit],
        Task::BinaryClassification | Task::MultiLabelClassification { .. } => {
            vec![writer.unary("Sigmoid", &logit), logit]
        }
        Task::MultiClassClassification { .. } => vec![writer.unary("Softmax", &logit), logit],
    }
}

/// Returns a number for each row, 0 where it is missing or NaN.
fn quantity(writer: &mut GraphWriter, value: &Value, shape: &Tensor) -> Tensor {
    let zero = writer.constant(tensor::float(0.0));
    let number = writer.cast(&value.tensor, FLOAT);
    let is_nan = writer.node("IsNan").input(&number).data_type("T", FLOAT);
    let is_nan = is_nan.output(DataType::DtBool);
    let number = writer.select(&is_nan, &zero, &number);
    let number = match &value.present {
        Presence::Always => number,
        Presence::Never => zero,
        Presence::Where(mask) => writer.select(mask, &number, &zero),
    };
    writer.broadcast(&number, shape)
}

/// Returns a category for each row, `num_buckets` where it is missing or out of range.
fn id(writer: &mut GraphWriter, value: &Value, num_buckets: usize, shape: &Tensor) -> Tensor {
    let num_buckets = i64::try_from(num_buckets).expect("memory is smaller");
    let (none, zero) = (writer.constant(tensor::int(num_buckets)), writer.constant(tensor::int(0)));
    let id = writer.cast(&value.tensor, INT);
    let is_above = writer.compare("GreaterEqual", &id, &zero);
    let is_below = writer.compare("Less", &id, &none);
    let is_known = writer.and(&is_above, &is_below);
    let id = writer.select(&is_known, &id, &none);
    let id = match &value.present {
        Presence::Always => id,
        Presence::Never => none,
        Presence::Where(mask) => writer.select(mask, &id, &none),
    };
    writer.broadcast(&id, shape)
}

/// Returns each row's row of a table, whose last one is of zeros.
fn look_up(writer: &mut GraphWriter, table: &[f32], width: usize, ids: &Tensor) -> Tensor {
    let mut rows = table.to_vec();
    rows.resize(table.len() + width, 0.0);
    let width = i64::try_from(width).expect("memory is smaller");
    let shape = [tensor::len(&rows) / width, width];
    let rows = writer.constant(tensor::floats(&shape, &rows));
    writer.gather(&rows, ids)
}

/// Returns what a tower gives: dense layers over its numbers and its embeddings.
fn deep(
    writer: &mut GraphWriter,
    model: &Model,
    place: usize,
    numeric: &[Tensor],
    ids: &[Tensor],
    shape: &Tensor,
) -> Tensor {
    let (network, weights): (&Network, _) = (model.network(), model.weights());
    let mut parts = Vec::new();
    if !numeric.is_empty() {
        let mut node = writer.node("Pack").int("N", tensor::len(numeric)).int("axis", 1);
        for number in numeric {
            node = node.input(number);
        }
        parts.push(node.data_type("T", FLOAT).output(FLOAT));
    }
    for (category, id) in network.categorical().iter().zip(ids) {
        if category.dimension > 0 && category.tower == place {
            let end = category.embedding_start + category.num_buckets * category.dimension;
            let table = &weights.embeddings[category.embedding_start..end];
            parts.push(look_up(writer, table, category.dimension, id));
        }
    }
    let mut output = concat(writer, parts);
    let sizes: Vec<_> = network.layer_sizes().collect();
    let layers = network.towers()[place].layers();
    for index in layers.clone() {
        let (layer, (inputs, outputs)) = (&weights.layers[index], sizes[index]);
        let width = i32::try_from(outputs).expect("layers are at most 65536 wide");
        let [inputs, outputs] =
            [inputs, outputs].map(|size| i64::try_from(size).expect("memory is smaller"));
        let bias = writer.constant(tensor::floats(&[outputs], &layer.bias));
        output = match output {
            None => {
                // Nothing to multiply with: a linear model over categories alone has just the bias here.
                let num_rows = writer.constant(tensor::int32s(&[width]));
                let axis = writer.constant(tensor::int32(0));
                let rows = writer.node("ConcatV2").input(shape).input(&num_rows).input(&axis);
                let rows = rows.int("N", 2).data_type("T", DataType::DtInt32);
                let rows = rows.data_type("Tidx", DataType::DtInt32).output(DataType::DtInt32);
                Some(writer.broadcast(&bias, &rows))
            }
            Some(input) => {
                let input = if index > layers.start { relu(writer, &input) } else { input };
                let weight = writer.constant(tensor::floats(&[inputs, outputs], &layer.weight));
                let product = writer.node("MatMul").input(&input).input(&weight);
                let product = product.attr("T", Attr::Type(FLOAT.into())).output(FLOAT);
                Some(writer.binary("AddV2", &product, &bias))
            }
        };
    }
    output.expect("a network has a layer")
}

/// Returns the rectified linear unit of each number. NaN stays, which TensorFlow's own does not promise.
fn relu(writer: &mut GraphWriter, x: &Tensor) -> Tensor {
    let zero = writer.constant(tensor::float(0.0));
    let is_below = writer.compare("Less", x, &zero);
    writer.select(&is_below, &zero, x)
}

fn concat(writer: &mut GraphWriter, parts: Vec<Tensor>) -> Option<Tensor> {
    if parts.len() < 2 {
        return parts.into_iter().next();
    }
    let axis = writer.constant(tensor::int32(1));
    let mut node = writer.node("ConcatV2").int("N", tensor::len(&parts)).data_type("T", FLOAT);
    for part in &parts {
        node = node.input(part);
    }
    Some(node.input(&axis).data_type("Tidx", DataType::DtInt32).output(FLOAT))
}
