//! One pass over the examples: shard by shard where these are known, and only for what was not learned of them before.

use base::Digest;
use dataflow::{Engine, Source};
use graph::Graph;

use super::{Compiler, Wanted};
use crate::analyze::cache::{self, Part};
use crate::analyze::{AnalyzerPass, Shard, State, StateStore, Subject};
use crate::ir::NodeId;
use crate::{PassReport, TransformError};

impl Compiler<'_> {
    /// Returns what is learned of all examples, in the order of what is wanted.
    ///
    /// The states of shards are merged in order, each merged before from its own partitions, whether they were kept or
    /// not: so a cache never shows.
    pub(super) fn states(
        &mut self,
        wanted: &[Wanted],
        source: &dyn Source,
        engine: &dyn Engine,
    ) -> Result<Vec<State>, TransformError> {
        if self.options.shards.is_empty() {
            return self.read(wanted, source, engine);
        }
        let graphs = match self.options.cache {
            Some(_) => wanted.iter().map(|wanted| self.arguments(wanted)).collect(),
            None => Ok(Vec::new()),
        };
        let graphs: Vec<Graph> = graphs?;
        let mut report = PassReport { num_shards: self.options.shards.len(), num_cached: 0 };
        let mut merged: Option<Vec<State>> = None;
        for shard in self.options.shards {
            let (states, is_cached) = self.shard(wanted, &graphs, shard, source, engine)?;
            report.num_cached += usize::from(is_cached);
            match &mut merged {
                None => merged = Some(states),
                Some(merged) => {
                    for (one, other) in merged.iter_mut().zip(&states) {
                        one.merge(other)?;
                    }
                }
            }
        }
        self.passes.push(report);
        Ok(merged.unwrap_or_default())
    }

    /// Returns what is learned of a shard, and whether nothing of it had to be read.
    fn shard(
        &self,
        wanted: &[Wanted],
        graphs: &[Graph],
        shard: &Shard,
        source: &dyn Source,
        engine: &dyn Engine,
    ) -> Result<(Vec<State>, bool), TransformError> {
        let part = Part { source, partitions: shard.partitions.clone() };
        let Some(store) = self.options.cache else {
            return Ok((self.read(wanted, &part, engine)?, false));
        };
        let (keys, mut states) = self.kept(wanted, graphs, shard, store);
        let missing: Vec<usize> = (0..wanted.len()).filter(|&at| states[at].is_none()).collect();
        if !missing.is_empty() {
            let still_wanted: Vec<Wanted> = missing.iter().map(|&at| wanted[at].clone()).collect();
            let read = self.read(&still_wanted, &part, engine)?;
            for (&at, state) in missing.iter().zip(read) {
                cache::store(store, &keys[at], &state);
                states[at] = Some(state);
            }
        }
        Ok((states.into_iter().flatten().collect(), missing.is_empty()))
    }

    /// Returns what is kept of a shard of all that is wanted, and the keys of that.
    pub(super) fn kept(
        &self,
        wanted: &[Wanted],
        graphs: &[Graph],
        shard: &Shard,
        store: &dyn StateStore,
    ) -> (Vec<Digest>, Vec<Option<State>>) {
        let kept = wanted.iter().zip(graphs).map(|((nodes, analysis), graph)| {
            let key = cache::key(graph, *analysis, shard);
            let subject = Subject { analysis: *analysis, columns: (0..nodes.len()).collect() };
            let state = cache::load(store, &key, &subject);
            (key, state)
        });
        kept.unzip()
    }

    /// Reads examples and returns what is learned of them.
    fn read(
        &self,
        wanted: &[Wanted],
        source: &dyn Source,
        engine: &dyn Engine,
    ) -> Result<Vec<State>, TransformError> {
        let mut builder = self.builder.clone();
        let mut columns: Vec<NodeId> = Vec::new();
        let mut subjects = Vec::with_capacity(wanted.len());
        for (nodes, analysis) in wanted {
            let mut subject = Subject { analysis: *analysis, columns: Vec::new() };
            for &node in nodes {
                let known = columns.iter().position(|&column| column == node);
                let column = match known {
                    Some(column) => column,
                    None => {
                        builder.output(&columns.len().to_string(), self.operand(node)?)?;
                        columns.push(node);
                        columns.len() - 1
                    }
                };
                subject.columns.push(column);
            }
            subjects.push(subject);
        }
        let pass = AnalyzerPass::new(builder.build(), subjects, self.options.max_count_bytes);
        let state = dataflow::fold(engine, source, &pass).map_err(TransformError::Engine)?;
        Ok(state.into_states())
    }

    /// Returns the graph of some arguments alone.
    pub(super) fn arguments(&self, (nodes, _): &Wanted) -> Result<Graph, TransformError> {
        let mut builder = self.builder.clone();
        for (place, node) in nodes.iter().enumerate() {
            builder.output(&place.to_string(), self.operand(*node)?)?;
        }
        Ok(builder.build())
    }
}
