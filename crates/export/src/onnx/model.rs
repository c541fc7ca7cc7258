//! A model's forward pass, as ONNX nodes.
//!
//! In 32 bits, as ours. What is missing, NaN or out of range is as [`model::network::Encoder`] has it: 0 for
//! quantities (NaN for trees), and for categories a last row of zeros behind each table.

use formats::onnx::tensor_proto::DataType;
use graph::{Graph, ValueType};
use model::network::{Categorical, Network, Numeric, Tower, Weights};
use model::{Combiner, Forest, Model, Task};

use super::column::Column;
use super::emit::{Attribute, Emitter, Tensor};
use super::numbers::as_int;
use super::{trees, vectors};
use crate::ExportError;

/// Returns the model's outputs, as its signature has them, of shape `[N, width]`, for the columns of a graph's outputs.
pub(super) fn lower(
    e: &mut Emitter,
    graph: &Graph,
    features: &[&Column],
    model: &Model,
) -> Result<Vec<Tensor>, ExportError> {
    let reader = Reader { graph, features };
    let network = model.network();
    let logit = match model.forest() {
        Some(forest) => of_trees(e, &reader, network, forest)?,
        None => of_network(e, &reader, network, model.weights())?,
    };
    Ok(match model.signature().task {
        Task::Regression | Task::Ranking => vec![logit],
        Task::MultiClassClassification { .. } => {
            vec![e.with("Softmax", &[&logit], vec![("axis", Attribute::Int(1))]), logit]
        }
        Task::BinaryClassification | Task::MultiLabelClassification { .. } => {
            let one = e.singles(&[1.0], &[1, 1]);
            let negative = e.op("Neg", &[&logit]);
            let power = e.op("Exp", &[&negative]);
            let sum = e.op("Add", &[&one, &power]);
            vec![e.op("Div", &[&one, &sum]), logit]
        }
    })
}

/// Returns what trees give, which take what is missing for NaN.
fn of_trees(
    e: &mut Emitter,
    reader: &Reader<'_>,
    network: &Network,
    forest: &Forest,
) -> Result<Tensor, ExportError> {
    let mut numbers = Vec::new();
    for feature in network.numeric() {
        numbers.push(reader.quantity(e, feature, f32::NAN)?);
    }
    let mut ids = Vec::new();
    for feature in network.categorical() {
        ids.push(reader.ids(e, feature)?);
    }
    Ok(trees::logits(e, network, forest, &numbers, &ids))
}

/// Returns what dense layers and tables give.
fn of_network(
    e: &mut Emitter,
    reader: &Reader<'_>,
    network: &Network,
    weights: &Weights,
) -> Result<Tensor, ExportError> {
    let mut inputs = vec![Vec::new(); network.towers().len()];
    for (tower, inputs) in network.towers().iter().zip(&mut inputs) {
        let columns = tower.numeric();
        for feature in network.numeric().iter().filter(|feature| columns.contains(&feature.start)) {
            inputs.push(reader.quantity(e, feature, 0.0)?);
        }
    }
    let mut wide: Option<Tensor> = None;
    for feature in network.categorical() {
        let ids = reader.ids(e, feature)?;
        if network.has_wide() {
            let (start, width) = (feature.wide_start, network.num_outputs());
            let table = &weights.wide[start..start + feature.num_buckets * width];
            let share = gather(e, feature, table, width, &ids);
            wide = Some(match wide {
                Some(sum) => e.op("Add", &[&sum, &share]),
                None => share,
            });
        }
        if feature.dimension > 0 {
            let start = feature.embedding_start;
            let table = &weights.embeddings[start..start + feature.num_buckets * feature.dimension];
            inputs[feature.tower].push(gather(e, feature, table, feature.dimension, &ids));
        }
    }
    let outputs: Vec<Tensor> = network
        .towers()
        .iter()
        .zip(inputs)
        .map(|(tower, inputs)| dense(e, network, weights, tower, &inputs))
        .collect();
    let logit = match (outputs.as_slice(), wide) {
        ([deep], Some(wide)) => e.op("Add", &[deep, &wide]),
        ([deep], None) => deep.clone(),
        (towers, _) => {
            let product = e.op("Mul", &[&towers[0], &towers[1]]);
            let axis = e.list(&[1]);
            e.op("ReduceSum", &[&product, &axis])
        }
    };
    Ok(logit)
}

/// Returns what the layers of a tower give.
fn dense(
    e: &mut Emitter,
    network: &Network,
    weights: &Weights,
    tower: &Tower,
    inputs: &[Tensor],
) -> Tensor {
    let mut hidden = match inputs {
        [] => None,
        [one] => Some(one.clone()),
        several => {
            let several: Vec<_> = several.iter().collect();
            Some(e.with("Concat", &several, vec![("axis", Attribute::Int(1))]))
        }
    };
    let sizes: Vec<_> = network.layer_sizes().collect();
    for place in tower.layers() {
        let (layer, (num_inputs, num_outputs)) = (&weights.layers[place], sizes[place]);
        if place > tower.layers().start {
            hidden = hidden.map(|hidden| e.op("Relu", &[&hidden]));
        }
        let bias = e.singles(&layer.bias, &[1, num_outputs]);
        hidden = Some(match hidden {
            Some(hidden) => {
                let weight = e.singles(&layer.weight, &[num_inputs, num_outputs]);
                let product = e.op("MatMul", &[&hidden, &weight]);
                e.op("Add", &[&product, &bias])
            }
            None => bias,
        });
    }
    hidden.expect("a tower has at least one layer")
}

/// How many values of a feature each row has.
#[derive(Clone, Copy)]
enum Count {
    One,
    Vector(usize),
    Many,
}

/// Reads features as a network does.
struct Reader<'a> {
    graph: &'a Graph,
    features: &'a [&'a Column],
}

impl Reader<'_> {
    /// Returns a feature and its type.
    fn find(&self, name: &str, count: Count) -> Result<(&Column, ValueType), ExportError> {
        let place = self.graph.outputs().iter().position(|output| output.name == name);
        let missing = || ExportError::MissingFeature { feature: name.to_owned() };
        let output = &self.graph.outputs()[place.ok_or_else(missing)?];
        let is_good = match count {
            Count::One => !output.shape.is_many(),
            Count::Vector(width) => {
                output.shape.is_many() && vectors::width(output.shape) == Some(width)
            }
            Count::Many => output.shape.is_many(),
        };
        if !is_good {
            return Err(ExportError::FeatureType {
                feature: name.to_owned(),
                found: output.value_type,
                expected: "as many values in each row as the model reads",
            });
        }
        let place = place.expect("it was found");
        Ok((self.features[place], output.value_type))
    }

    /// Returns numbers, with another in the place of those that are missing or NaN.
    fn quantity(
        &self,
        e: &mut Emitter,
        feature: &Numeric,
        missing: f32,
    ) -> Result<Tensor, ExportError> {
        let name = &feature.name;
        let count = if feature.is_vector { Count::Vector(feature.width) } else { Count::One };
        let (column, value_type) = self.find(name, count)?;
        if value_type == ValueType::String {
            return Err(ExportError::FeatureType {
                feature: name.clone(),
                found: value_type,
                expected: "a number",
            });
        }
        let missing = e.singles(&[missing], &[1, 1]);
        let mut values = e.cast(&column.values, DataType::Float);
        if value_type == ValueType::Float {
            let is_nan = e.op("IsNaN", &[&values]);
            values = e.choose(&is_nan, &missing, &values);
        }
        if let Some(present) = &column.present {
            values = e.choose(present, &values, &missing);
        }
        Ok(e.expand(&values))
    }

    /// Returns ids, shape `[N]`, of vectors `[N, length]`, that of the last row where there is no category.
    fn ids(&self, e: &mut Emitter, feature: &Categorical) -> Result<Tensor, ExportError> {
        let count = if feature.combiner.is_some() { Count::Many } else { Count::One };
        let (column, value_type) = self.find(&feature.name, count)?;
        let ids = match value_type {
            ValueType::Int => column.values.clone(),
            ValueType::Bool => e.cast(&column.values, DataType::Int64),
            ValueType::Float | ValueType::String => {
                return Err(ExportError::FeatureType {
                    feature: feature.name.clone(),
                    found: value_type,
                    expected: "an integer id",
                });
            }
        };
        let (zero, limit) = (e.int(0), e.int(as_int(feature.num_buckets)));
        let is_enough = e.op("GreaterOrEqual", &[&ids, &zero]);
        let is_less = e.op("Less", &[&ids, &limit]);
        let mut is_category = e.op("And", &[&is_enough, &is_less]);
        if let Some(present) = &column.present {
            is_category = e.op("And", &[&is_category, present]);
        }
        let ids = e.choose(&is_category, &ids, &limit);
        let ids = e.expand(&ids);
        if feature.combiner.is_some() {
            return Ok(ids);
        }
        let flat = e.list(&[-1]);
        Ok(e.op("Reshape", &[&ids, &flat]))
    }
}

/// Looks up rows of a table of some width, the row behind the last being zeros, and combines those of a vector.
fn gather(
    e: &mut Emitter,
    feature: &Categorical,
    table: &[f32],
    width: usize,
    ids: &Tensor,
) -> Tensor {
    let mut rows = table.to_vec();
    rows.resize(table.len() + width, 0.0);
    let rows = e.singles(&rows, &[rows.len() / width, width]);
    let found = e.with("Gather", &[&rows, ids], vec![("axis", Attribute::Int(0))]);
    let Some(combiner) = feature.combiner else { return found };
    let axis = e.list(&[1]);
    let keep = || vec![("keepdims", Attribute::Int(0))];
    let sum = e.with("ReduceSum", &[&found, &axis], keep());
    if combiner == Combiner::Sum {
        return sum;
    }
    let limit = e.int(as_int(feature.num_buckets));
    let is_category = e.op("Less", &[ids, &limit]);
    let ones = e.cast(&is_category, DataType::Float);
    let count = e.op("ReduceSum", &[&ones, &axis]);
    let one = e.singles(&[1.0], &[1, 1]);
    let count = e.op("Max", &[&count, &one]);
    e.op("Div", &[&sum, &count])
}
