//! A graph as a step over examples.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use base::BoxError;
use dataflow::Stage;
use graph::Graph;
use serde::{Deserialize, Serialize};

/// Makes the features of a graph out of raw examples, one row for each.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApplyGraph {
    graph: Graph,
}

impl ApplyGraph {
    /// Returns the step that applies a graph.
    pub fn new(graph: Graph) -> Self {
        Self { graph }
    }

    /// Returns the schema of what comes out, one column per feature.
    pub fn schema(&self) -> SchemaRef {
        self.graph.schema()
    }

    /// Returns the graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }
}

impl Stage for ApplyGraph {
    fn columns(&self) -> Option<Vec<String>> {
        Some(self.graph.inputs().iter().map(|input| input.name.clone()).collect())
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError> {
        Ok(self.graph.apply(batch)?)
    }
}
