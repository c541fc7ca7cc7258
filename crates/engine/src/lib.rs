//! The local engine: this machine's threads over a source's partitions.
//!
//! Entry type: [`LocalEngine`]. **Invariants:** one partial state per partition, merged in partition order,
//! so that any number of threads gives the same bytes; at most a few partitions per thread are in memory;
//! of several failures the one of the earliest partition is reported.
//! Not here: reading files (`dataset`), what is computed (the stages).

mod ordered;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use base::BoxError;
use dataflow::{Engine, EngineError, ErasedPass, ErasedStage, ErasedState, Sink, Source};

/// Runs folds and maps with threads of this process.
#[derive(Clone, Debug)]
pub struct LocalEngine {
    threads: NonZeroUsize,
    cancel: Arc<AtomicBool>,
}

impl LocalEngine {
    /// Returns an engine with a number of threads that stops soon after `cancel` becomes true.
    pub fn new(threads: NonZeroUsize, cancel: Arc<AtomicBool>) -> Self {
        Self { threads, cancel }
    }

    /// Returns an engine with as many threads as the machine has cores.
    pub fn with_all_cores(cancel: Arc<AtomicBool>) -> Self {
        Self::new(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN), cancel)
    }

    fn check_cancelled(&self) -> Result<(), EngineError> {
        if self.cancel.load(Ordering::Relaxed) { Err(EngineError::Cancelled) } else { Ok(()) }
    }

    fn fold_partition(
        &self,
        source: &dyn Source,
        columns: Option<&[String]>,
        pass: &dyn ErasedPass,
        partition: usize,
    ) -> Result<Box<dyn ErasedState>, EngineError> {
        let mut state = pass.start().map_err(EngineError::Work)?;
        for batch in source.read(partition, columns).map_err(EngineError::Work)? {
            self.check_cancelled()?;
            state.update(&batch.map_err(EngineError::Work)?).map_err(EngineError::Work)?;
        }
        Ok(state)
    }

    fn map_partition(
        &self,
        source: &dyn Source,
        columns: Option<&[String]>,
        stage: &dyn ErasedStage,
        partition: usize,
    ) -> Result<Vec<RecordBatch>, EngineError> {
        let mut mapped = Vec::new();
        for batch in source.read(partition, columns).map_err(EngineError::Work)? {
            self.check_cancelled()?;
            let batch = batch.map_err(EngineError::Work)?;
            mapped.push(stage.apply(&batch).map_err(EngineError::Work)?);
        }
        Ok(mapped)
    }
}

impl Engine for LocalEngine {
    fn fold(
        &self,
        source: &dyn Source,
        pass: &dyn ErasedPass,
    ) -> Result<Box<dyn ErasedState>, EngineError> {
        let columns = pass.columns();
        let mut merged: Option<Box<dyn ErasedState>> = None;
        ordered::run(
            self.threads,
            source.num_partitions(),
            |partition| self.fold_partition(source, columns.as_deref(), pass, partition),
            |partial| {
                match &mut merged {
                    None => merged = Some(partial),
                    Some(state) => state.merge(partial).map_err(EngineError::Work)?,
                }
                Ok(())
            },
        )?;
        merged.map_or_else(|| pass.start().map_err(EngineError::Work), Ok)
    }

    fn map(
        &self,
        source: &dyn Source,
        stage: &dyn ErasedStage,
        sink: &mut Sink<'_>,
    ) -> Result<(), EngineError> {
        let columns = stage.columns();
        let mut deliver = |batches: Vec<RecordBatch>| -> Result<(), BoxError> {
            batches.into_iter().try_for_each(&mut *sink)
        };
        ordered::run(
            self.threads,
            source.num_partitions(),
            |partition| self.map_partition(source, columns.as_deref(), stage, partition),
            |batches| deliver(batches).map_err(EngineError::Work),
        )
    }

    fn is_cancelled(&self) -> bool {
        self.check_cancelled().is_err()
    }
}

#[cfg(test)]
mod tests;
