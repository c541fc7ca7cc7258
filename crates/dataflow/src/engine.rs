//! What runs passes and stages, and the typed way to call it.
//!
//! [`Engine`] is object-safe, so that stages take `&dyn Engine`; [`fold`] and [`map`] put the types back.

use std::any::{Any, type_name};

use arrow::array::RecordBatch;
use base::BoxError;

use crate::{Accumulator, EngineError, Pass, Source, Stage};

/// Takes the mapped batches, in the order of partitions and of batches within them.
pub type Sink<'a> = dyn FnMut(RecordBatch) -> Result<(), BoxError> + Send + 'a;

/// Runs folds and maps over sources.
pub trait Engine: Sync {
    /// Makes one state per partition and merges them in partition order.
    ///
    /// # Errors
    ///
    /// [`EngineError::Work`] with the error of the earliest partition that failed.
    fn fold(
        &self,
        source: &dyn Source,
        pass: &dyn ErasedPass,
    ) -> Result<Box<dyn ErasedState>, EngineError>;

    /// Applies a stage to every batch and hands the results to `sink` in order.
    ///
    /// # Errors
    ///
    /// [`EngineError::Work`] with the error of the earliest partition that failed.
    fn map(
        &self,
        source: &dyn Source,
        stage: &dyn ErasedStage,
        sink: &mut Sink<'_>,
    ) -> Result<(), EngineError>;

    /// Returns whether the run was cancelled, for work that does not go through the engine.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Runs a pass and returns its merged state, ready to `finish` or to merge further.
///
/// # Errors
///
/// As [`Engine::fold`].
pub fn fold<P: Pass>(
    engine: &dyn Engine,
    source: &dyn Source,
    pass: &P,
) -> Result<P::State, EngineError> {
    let state = engine.fold(source, pass)?.into_any();
    state
        .downcast::<P::State>()
        .map(|state| *state)
        .map_err(|_| EngineError::StateType { expected: type_name::<P::State>() })
}

/// Runs a stage over every batch, in order.
///
/// # Errors
///
/// As [`Engine::map`].
pub fn map<S: Stage>(
    engine: &dyn Engine,
    source: &dyn Source,
    stage: &S,
    sink: &mut Sink<'_>,
) -> Result<(), EngineError> {
    engine.map(source, stage, sink)
}

/// A pass without its types; every [`Pass`] is one.
pub trait ErasedPass: Sync {
    /// As [`Pass::columns`].
    fn columns(&self) -> Option<Vec<String>>;
    /// As [`Pass::start`].
    ///
    /// # Errors
    ///
    /// As [`Pass::start`].
    fn start(&self) -> Result<Box<dyn ErasedState>, BoxError>;
}

/// A state without its types; every [`Accumulator`] is one.
pub trait ErasedState: Send {
    /// As [`Accumulator::update`].
    ///
    /// # Errors
    ///
    /// As [`Accumulator::update`].
    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError>;
    /// As [`Accumulator::merge`].
    ///
    /// # Errors
    ///
    /// As [`Accumulator::merge`], and when `other` is of another pass.
    fn merge(&mut self, other: Box<dyn ErasedState>) -> Result<(), BoxError>;
    /// Returns the state for a downcast.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

/// A stage without its types; every [`Stage`] is one.
pub trait ErasedStage: Sync {
    /// As [`Stage::columns`].
    fn columns(&self) -> Option<Vec<String>>;
    /// As [`Stage::apply`].
    ///
    /// # Errors
    ///
    /// As [`Stage::apply`].
    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError>;
}

impl<P: Pass> ErasedPass for P {
    fn columns(&self) -> Option<Vec<String>> {
        Pass::columns(self)
    }

    fn start(&self) -> Result<Box<dyn ErasedState>, BoxError> {
        Ok(Box::new(Pass::start(self)?))
    }
}

impl<A: Accumulator> ErasedState for A {
    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        Accumulator::update(self, batch)
    }

    fn merge(&mut self, other: Box<dyn ErasedState>) -> Result<(), BoxError> {
        let other = other
            .into_any()
            .downcast::<A>()
            .map_err(|_| EngineError::StateType { expected: type_name::<A>() })?;
        Accumulator::merge(self, *other)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl<S: Stage> ErasedStage for S {
    fn columns(&self) -> Option<Vec<String>> {
        Stage::columns(self)
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError> {
        Stage::apply(self, batch)
    }
}
