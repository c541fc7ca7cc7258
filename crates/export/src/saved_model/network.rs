//! A model's forward pass.

use formats::tensorflow::DataType;
use formats::tensorflow::attr_value::Value as Attr;
use graph::Shape;
use model::network::Network;
use model::{Model, Task};

use super::lower::Value;
use super::reading::{Categories, categories, numbers};
use super::writer::{GraphWriter, Tensor};
use super::{tensor, trees};

const FLOAT: DataType = DataType::DtFloat;

/// A feature as the graph makes it.
pub(super) type Feature = (Value, Shape);

/// Adds a model behind the features that it reads, by name, and returns its outputs: shape `[rows]` for one
/// number per row, else `[rows, width]`.
pub(super) fn predict(
    writer: &mut GraphWriter,
    model: &Model,
    feature: &dyn Fn(&str) -> Feature,
    shape: &Tensor,
) -> Vec<Tensor> {
    let network = model.network();
    let missing = if network.keeps_missing() { f32::NAN } else { 0.0 };
    let numbers: Vec<Tensor> = network
        .numeric()
        .iter()
        .map(|numeric| numbers(writer, numeric, &feature(&numeric.name), shape, missing))
        .collect();
    let categories: Vec<Categories> = network
        .categorical()
        .iter()
        .map(|category| categories(writer, category, &feature(&category.name), shape))
        .collect();
    let logit = match model.forest() {
        Some(forest) => trees::logits(writer, network, forest, numbers, &categories, shape),
        None => logits(writer, model, &numbers, &categories, shape),
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

/// Returns what towers and tables give.
fn logits(
    writer: &mut GraphWriter,
    model: &Model,
    numbers: &[Tensor],
    categories: &[Categories],
    shape: &Tensor,
) -> Tensor {
    let (network, weights) = (model.network(), model.weights());
    let mut outputs = Vec::new();
    for (place, tower) in network.towers().iter().enumerate() {
        let columns = tower.numeric();
        let of_tower = network.numeric().iter().zip(numbers);
        let mut parts: Vec<Tensor> = of_tower
            .filter(|(numeric, _)| columns.contains(&numeric.start))
            .map(|(_, numbers)| numbers.clone())
            .collect();
        for (category, ids) in network.categorical().iter().zip(categories) {
            if category.dimension > 0 && category.tower == place {
                let end = category.embedding_start + category.num_buckets * category.dimension;
                let table = &weights.embeddings[category.embedding_start..end];
                parts.push(ids.look_up(writer, table, category.dimension));
            }
        }
        outputs.push(deep(writer, model, place, parts, shape));
    }
    let mut wide: Option<Tensor> = None;
    let with_weights = network.categorical().iter().zip(categories).filter(|_| network.has_wide());
    for (category, ids) in with_weights {
        let end = category.wide_start + category.num_buckets * network.num_outputs();
        let table = &weights.wide[category.wide_start..end];
        let weight = ids.look_up(writer, table, network.num_outputs());
        wide = Some(match wide {
            None => weight,
            Some(sum) => writer.binary("AddV2", &sum, &weight),
        });
    }
    match (outputs.as_slice(), &wide) {
        ([deep], Some(wide)) => writer.binary("AddV2", deep, wide),
        ([deep], None) => deep.clone(),
        (towers, _) => {
            let product = writer.binary("Mul", &towers[0], &towers[1]);
            let axis = writer.constant(tensor::int32s(&[1]));
            let sum = writer.node("Sum").input(&product).input(&axis).data_type("T", FLOAT);
            sum.data_type("Tidx", DataType::DtInt32).output(FLOAT)
        }
    }
}

/// Returns what a tower gives: dense layers over what it reads.
fn deep(
    writer: &mut GraphWriter,
    model: &Model,
    place: usize,
    parts: Vec<Tensor>,
    shape: &Tensor,
) -> Tensor {
    let (network, weights): (&Network, _) = (model.network(), model.weights());
    let mut output = beside(writer, parts);
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

/// Returns the columns of all parts, if there are any.
pub(super) fn beside(writer: &mut GraphWriter, parts: Vec<Tensor>) -> Option<Tensor> {
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
