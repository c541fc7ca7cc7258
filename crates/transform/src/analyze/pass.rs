//! The description of a full pass and its mergeable state.

use std::sync::Arc;

use arrow::array::RecordBatch;
use base::BoxError;
use dataflow::{Accumulator, Pass};
use graph::Graph;
use serde::{Deserialize, Serialize};
use sketch::StateError;
use sketch::bytes::{Reader, Stored, write_bytes};

use super::Subject;
use super::subject::{Found, State};
use crate::TransformError;

/// The version of the byte form.
pub(super) const VERSION: u64 = 2;

/// In place of a version, where a state could not be written.
const NOT_WRITTEN: u64 = u64::MAX;

/// Learns of the outputs of a graph: plain data from which any worker can rebuild the pass.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalyzerPass {
    /// Its outputs are the arguments of analyzers.
    graph: Graph,
    /// What is learned of which outputs.
    subjects: Vec<Subject>,
    /// How much memory counts of texts take, for each subject, before they go to a temporary file.
    max_count_bytes: usize,
}

/// What was learned so far.
///
/// Counts of texts are in memory up to a bound, and beyond it in a temporary file on this machine. Its bytes hold them
/// all: a state that travels is one partition's, which bounds it.
#[derive(Debug)]
pub struct AnalyzerState {
    pass: Arc<AnalyzerPass>,
    states: Vec<State>,
}

/// What was learned of some outputs of a pass.
#[derive(Clone, Debug)]
pub struct Learned(pub(crate) Found);

impl AnalyzerPass {
    pub(crate) fn new(graph: Graph, subjects: Vec<Subject>, max_count_bytes: usize) -> Self {
        Self { graph, subjects, max_count_bytes }
    }

    fn check(&self) -> Result<(), TransformError> {
        let types: Vec<_> = self.graph.outputs().iter().map(|output| output.value_type).collect();
        match self.subjects.iter().position(|subject| !subject.fits(&types)) {
            None => Ok(()),
            Some(subject) => Err(TransformError::Pass { subject }),
        }
    }
}

impl Pass for AnalyzerPass {
    type State = AnalyzerState;

    fn columns(&self) -> Option<Vec<String>> {
        Some(self.graph.inputs().iter().map(|input| input.name.clone()).collect())
    }

    fn start(&self) -> Result<AnalyzerState, BoxError> {
        self.check()?;
        let states = self.subjects.iter().map(|subject| subject.start(self.max_count_bytes));
        let states = states.collect();
        Ok(AnalyzerState { pass: Arc::new(self.clone()), states })
    }
}

impl AnalyzerState {
    /// Returns the state of each subject of the pass, in order.
    pub(crate) fn into_states(self) -> Vec<State> {
        self.states
    }

    fn read(bytes: &[u8]) -> Result<Self, TransformError> {
        let mut input = Reader::new(bytes);
        match u64::read(&mut input)? {
            VERSION => {}
            NOT_WRITTEN => {
                let reason = "its counts could not be read back from a temporary file";
                return Err(StateError { reason }.into());
            }
            _ => return Err(StateError { reason: "its version is unknown" }.into()),
        }
        let pass: AnalyzerPass = serde_json::from_slice(input.take_bytes()?)
            .map_err(|_| StateError { reason: "its pass cannot be read" })?;
        pass.check()?;
        let states = pass.subjects.iter().map(|subject| subject.read(&mut input));
        let states = states.collect::<Result<_, _>>()?;
        input.finish()?;
        Ok(Self { pass: Arc::new(pass), states })
    }

    fn write(&self) -> Result<Vec<u8>, TransformError> {
        let mut out = Vec::new();
        VERSION.write(&mut out);
        let pass = serde_json::to_vec(&*self.pass).expect("a pass is names, numbers and texts");
        write_bytes(&pass, &mut out);
        self.states.iter().try_for_each(|state| state.write(&mut out))?;
        Ok(out)
    }
}

impl Accumulator for AnalyzerState {
    /// One for each subject of the pass, in order.
    type Output = Vec<Learned>;

    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        let columns = self.pass.graph.evaluate(batch)?;
        for (state, subject) in self.states.iter_mut().zip(&self.pass.subjects) {
            subject.update(state, &columns)?;
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        if self.pass.subjects != other.pass.subjects {
            return Err(TransformError::DifferentPass.into());
        }
        for (one, other) in self.states.iter_mut().zip(&other.states) {
            one.merge(other)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Learned>, BoxError> {
        Ok(self.states.into_iter().map(State::finish).collect())
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.write().unwrap_or_else(|_| {
            let mut out = Vec::new();
            NOT_WRITTEN.write(&mut out);
            out
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        Ok(Self::read(bytes)?)
    }
}
