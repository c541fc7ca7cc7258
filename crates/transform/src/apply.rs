//! A graph as a step over examples.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use base::BoxError;
use dataflow::{BatchIter, Source, Stage};
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

/// The features of the examples of a source, made as they are read.
pub struct Transformed<'a> {
    source: &'a dyn Source,
    stage: &'a ApplyGraph,
}

impl<'a> Transformed<'a> {
    /// Returns what a step makes of a source.
    pub fn new(source: &'a dyn Source, stage: &'a ApplyGraph) -> Self {
        Self { source, stage }
    }
}

impl Source for Transformed<'_> {
    fn schema(&self) -> SchemaRef {
        self.stage.schema()
    }

    fn num_partitions(&self) -> usize {
        self.source.num_partitions()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        let graph = &self.stage.graph;
        let wanted = columns.map(|columns| {
            let outputs = graph.outputs().iter().map(|output| output.name.as_str());
            outputs.filter(|name| columns.iter().any(|wanted| wanted == name)).collect::<Vec<_>>()
        });
        let graph = match wanted {
            Some(wanted) => graph.project(&wanted)?,
            None => graph.clone(),
        };
        let inputs: Vec<String> = graph.inputs().iter().map(|input| input.name.clone()).collect();
        let batches = self.source.read(partition, Some(&inputs))?;
        Ok(Box::new(batches.map(move |batch| Ok(graph.apply(&batch?)?))))
    }
}
