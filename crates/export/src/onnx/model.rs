//! A model's forward pass, as ONNX nodes.
//!
//! In 32 bits, as ours. What is missing, NaN or out of range is as [`model::network::Encoder`] has it: 0 for
//! quantities, and for categories a last row of zeros behind each table.

use formats::onnx::tensor_proto::DataType;
use graph::{Graph, ValueType};
use model::network::Categorical;
use model::{Model, Task};

use super::column::Column;
use super::emit::{Attribute, Emitter, Tensor};
use super::numbers::as_int;
use crate::ExportError;

/// Returns the model's outputs, as its signature has them, of shape `[N, width]`, for the columns of a graph's outputs.
pub(super) fn lower(
    e: &mut Emitter,
    graph: &Graph,
    features: &[&Column],
    model: &Model,
) -> Result<Vec<Tensor>, ExportError> {
    let reader = Reader { graph, features };
    let (network, weights) = (model.network(), model.weights());
    let mut inputs = Vec::new();
    for name in network.numeric() {
        inputs.push(reader.quantity(e, name)?);
    }
    let mut wide: Option<Tensor> = None;
    for feature in network.categorical() {
        let ids = reader.ids(e, feature)?;
        let (start, width) = (feature.wide_start, network.num_outputs());
        let table = &weights.wide[start..start + feature.num_buckets * width];
        let share = gather(e, table, width, &ids);
        wide = Some(match wide {
            Some(sum) => e.op("Add", &[&sum, &share]),
            None => share,
        });
        if feature.dimension > 0 {
            let start = feature.embedding_start;
            let table = &weights.embeddings[start..start + feature.num_buckets * feature.dimension];
            inputs.push(gather(e, table, feature.dimension, &ids));
        }
    }

    let mut hidden = match inputs.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => {
            let several: Vec<_> = several.iter().collect();
            Some(e.with("Concat", &several, vec![("axis", Attribute::Int(1))]))
        }
    };
    for (place, (layer, (num_inputs, num_outputs))) in
        weights.layers.iter().zip(network.layer_sizes()).enumerate()
    {
        if place > 0 {
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
    let deep = hidden.expect("a network has at least one layer");
    let logit = match wide {
        Some(wide) => e.op("Add", &[&deep, &wide]),
        None => deep,
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

/// Reads features as a network does.
struct Reader<'a> {
    graph: &'a Graph,
    features: &'a [&'a Column],
}

impl Reader<'_> {
    fn find(&self, name: &str) -> Result<(&Column, ValueType), ExportError> {
        let place = self.graph.outputs().iter().position(|output| output.name == name);
        let missing = || ExportError::MissingFeature { feature: name.to_owned() };
        let place = place.ok_or_else(missing)?;
        if self.graph.outputs()[place].shape.is_many() {
            return Err(ExportError::FeatureType {
                feature: name.to_owned(),
                found: self.graph.outputs()[place].value_type,
                expected: "one value for each row",
            });
        }
        Ok((self.features[place], self.graph.outputs()[place].value_type))
    }

    /// Returns numbers, 0 where they are missing or NaN.
    fn quantity(&self, e: &mut Emitter, name: &str) -> Result<Tensor, ExportError> {
        let (column, value_type) = self.find(name)?;
        if value_type == ValueType::String {
            return Err(ExportError::FeatureType {
                feature: name.to_owned(),
                found: value_type,
                expected: "a number",
            });
        }
        let zero = e.singles(&[0.0], &[1, 1]);
        let mut values = e.cast(&column.values, DataType::Float);
        if value_type == ValueType::Float {
            let is_nan = e.op("IsNaN", &[&values]);
            values = e.choose(&is_nan, &zero, &values);
        }
        if let Some(present) = &column.present {
            values = e.choose(present, &values, &zero);
        }
        Ok(e.expand(&values))
    }

    /// Returns ids, shape `[N]`, that of the last row where there is no category.
    fn ids(&self, e: &mut Emitter, feature: &Categorical) -> Result<Tensor, ExportError> {
        let (column, value_type) = self.find(&feature.name)?;
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
        let flat = e.list(&[-1]);
        Ok(e.op("Reshape", &[&ids, &flat]))
    }
}

/// Looks up rows of a table of some width; the row behind the last is zeros.
fn gather(e: &mut Emitter, table: &[f32], width: usize, ids: &Tensor) -> Tensor {
    let mut rows = table.to_vec();
    rows.resize(table.len() + width, 0.0);
    let rows = e.singles(&rows, &[rows.len() / width, width]);
    e.with("Gather", &[&rows, ids], vec![("axis", Attribute::Int(0))])
}
