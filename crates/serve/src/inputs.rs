//! What a model reads, and requests as batches of just that.
//!
//! Whatever the protocol, a request becomes one `RecordBatch` with a column for each raw feature, of the types in which
//! training data is stored, so that the graph sees at serving what it saw at training: floats have 32 bits.

mod columns;
mod examples;
mod rows;
mod tensors;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use graph::{GraphInput, NodeType, Shape};

use crate::failure::Failure;

pub(crate) use columns::{Column, Columns};
pub(crate) use rows::{Layout, RowLimits, read_rows};
pub(crate) use tensors::{Tensor, TensorValues};

/// The name under which serialized `tf.Example`s are sent, as the exported SavedModel has it.
pub(crate) const EXAMPLES: &str = "examples";

/// The raw features that a model reads.
#[derive(Debug)]
pub(crate) struct Inputs {
    features: Vec<GraphInput>,
    places: HashMap<String, usize>,
    schema: SchemaRef,
    /// The types in which `tf.Example`s are decoded: truth values are integers there.
    example_schema: SchemaRef,
}

impl Inputs {
    pub(crate) fn new(features: Vec<GraphInput>) -> Self {
        let places =
            features.iter().enumerate().map(|(place, input)| (input.name.clone(), place)).collect();
        let field = |input: &GraphInput| {
            // Vectors come as lists; the graph checks their lengths.
            let shape = if input.shape.is_many() { Shape::List } else { Shape::One };
            let node_type = NodeType { value_type: input.value_type, shape };
            Field::new(&input.name, node_type.feature_type(), true)
        };
        let schema = Arc::new(Schema::new(features.iter().map(field).collect::<Vec<_>>()));
        let example_schema = examples::schema(&schema);
        Self { features, places, schema, example_schema }
    }

    pub(crate) fn features(&self) -> &[GraphInput] {
        &self.features
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the place of a feature. Rows mostly have them in one order, so the place after the last is tried first.
    #[inline]
    pub(crate) fn place(&self, name: &str, likely: usize) -> Option<usize> {
        match self.features.get(likely) {
            Some(feature) if feature.name == name => Some(likely),
            _ => self.places.get(name).copied(),
        }
    }

    /// Says that a feature is none of this model's.
    #[cold]
    pub(crate) fn unknown(&self, name: &str) -> Failure {
        let names = || self.features.iter().map(|feature| feature.name.as_str());
        let mut message = format!("feature `{name}`: the model does not read it, expected ");
        match base::nearest(name, names()) {
            Some(nearest) => message.push_str(&format!("`{nearest}`?")),
            None => message.push_str(&names().collect::<Vec<_>>().join(", ")),
        }
        Failure::invalid(message)
    }

    /// Says that a feature was not sent.
    #[cold]
    pub(crate) fn absent(&self, place: usize, row: Option<usize>) -> Failure {
        let name = &self.features[place].name;
        let at = row.map(|row| format!("instance {row}: ")).unwrap_or_default();
        Failure::invalid(format!(
            "{at}feature `{name}` is not there; where its value is not known, send null, or a tensor `{name}.present`"
        ))
    }
}
