//! The description of a full pass and its mergeable state.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::DataType;
use base::BoxError;
use dataflow::{Accumulator, Pass};
use graph::Graph;
use serde::{Deserialize, Serialize};
use sketch::StateError;
use sketch::bytes::{Reader, Stored, write_bytes};

use super::{Analysis, Learned, NumbersState, TokensState};
use crate::TransformError;

/// The version of the byte form.
const VERSION: u64 = 1;

/// Learns of the outputs of a graph: plain data from which any worker can rebuild the pass.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AnalyzerPass {
    /// Its outputs are the arguments of analyzers.
    graph: Graph,
    /// What is learned of each output, in their order.
    analyses: Vec<Analysis>,
}

/// What was learned so far.
#[derive(Clone, Debug)]
pub struct AnalyzerState {
    pass: Arc<AnalyzerPass>,
    states: Vec<State>,
}

#[derive(Clone, Debug)]
enum State {
    Numbers(NumbersState),
    Tokens(TokensState),
}

impl AnalyzerPass {
    pub(crate) fn new(graph: Graph, analyses: Vec<Analysis>) -> Self {
        Self { graph, analyses }
    }

    fn check(&self) -> Result<(), TransformError> {
        let (found, expected) = (self.analyses.len(), self.graph.outputs().len());
        if found == expected { Ok(()) } else { Err(TransformError::Pass { found, expected }) }
    }
}

impl Pass for AnalyzerPass {
    type State = AnalyzerState;

    fn columns(&self) -> Option<Vec<String>> {
        Some(self.graph.inputs().iter().map(|input| input.name.clone()).collect())
    }

    fn start(&self) -> Result<AnalyzerState, BoxError> {
        self.check()?;
        let state = |analysis: &Analysis| match analysis {
            Analysis::Numbers => State::Numbers(NumbersState::new()),
            Analysis::Tokens => State::Tokens(TokensState::default()),
        };
        let states = self.analyses.iter().map(state).collect();
        Ok(AnalyzerState { pass: Arc::new(self.clone()), states })
    }
}

impl AnalyzerState {
    fn read(bytes: &[u8]) -> Result<Self, TransformError> {
        let mut input = Reader::new(bytes);
        if u64::read(&mut input)? != VERSION {
            return Err(StateError { reason: "its version is unknown" }.into());
        }
        let pass: AnalyzerPass = serde_json::from_slice(input.take_bytes()?)
            .map_err(|_| StateError { reason: "its pass cannot be read" })?;
        pass.check()?;
        let mut state = |analysis: &Analysis| -> Result<State, StateError> {
            Ok(match analysis {
                Analysis::Numbers => State::Numbers(NumbersState::read(&mut input)?),
                Analysis::Tokens => State::Tokens(TokensState::read(&mut input)?),
            })
        };
        let states = pass.analyses.iter().map(&mut state).collect::<Result<_, _>>()?;
        input.finish()?;
        Ok(Self { pass: Arc::new(pass), states })
    }
}

impl Accumulator for AnalyzerState {
    /// One for each output of the pass's graph, in order.
    type Output = Vec<Learned>;

    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        let columns = self.pass.graph.evaluate(batch)?;
        for (state, column) in self.states.iter_mut().zip(columns) {
            // Every value of a list counts.
            let column = match column.data_type() {
                DataType::List(_) => ArrayRef::clone(column.as_list::<i32>().values()),
                DataType::FixedSizeList(..) => {
                    ArrayRef::clone(column.as_fixed_size_list().values())
                }
                _ => column,
            };
            match state {
                State::Numbers(numbers) => numbers.update(&column),
                State::Tokens(tokens) => tokens.update(&column),
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        if self.pass.analyses != other.pass.analyses {
            return Err(TransformError::DifferentPass.into());
        }
        for pair in self.states.iter_mut().zip(other.states) {
            match pair {
                (State::Numbers(one), State::Numbers(other)) => one.merge(&other),
                (State::Tokens(one), State::Tokens(other)) => one.merge(other),
                _ => return Err(TransformError::DifferentPass.into()),
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Learned>, BoxError> {
        let learned = |state| match state {
            State::Numbers(numbers) => Learned::Numbers(numbers.finish()),
            State::Tokens(tokens) => Learned::Tokens(tokens.finish()),
        };
        Ok(self.states.into_iter().map(learned).collect())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        VERSION.write(&mut out);
        let pass = serde_json::to_vec(&*self.pass).expect("a pass is names, numbers and texts");
        write_bytes(&pass, &mut out);
        for state in &self.states {
            match state {
                State::Numbers(numbers) => numbers.write(&mut out),
                State::Tokens(tokens) => tokens.write(&mut out),
            }
        }
        out
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        Ok(Self::read(bytes)?)
    }
}
