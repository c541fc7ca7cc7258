//! Predictions in every format, and folders that are filled in several runs.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop")]

mod folders;
mod forms;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, AsArray, Float32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use base::{BoxError, Classify, ErrorKind};
use dataflow::{Batches, Source};
use engine::LocalEngine;
use model::{FeatureSpec, Predictor, Signature, Task};

/// Predicts half of `x`; says no at the value `fails_at`, and counts how many examples it was asked about.
struct Half {
    signature: Signature,
    fails_at: Option<i64>,
    asked: AtomicUsize,
}

#[derive(Debug, thiserror::Error)]
#[error("no prediction for {0}")]
struct Refused(i64);

impl Classify for Refused {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }
}

impl Half {
    fn new(fails_at: Option<i64>) -> Self {
        let signature =
            Signature::new(Vec::<FeatureSpec>::new(), "y".to_owned(), Task::BinaryClassification);
        Self { signature, fails_at, asked: AtomicUsize::new(0) }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Predictor for Half {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let x = examples.column_by_name("x").unwrap().as_primitive::<Int64Type>();
        self.asked.fetch_add(x.len(), Ordering::Relaxed);
        if let Some(value) = self.fails_at.filter(|it| x.values().contains(it)) {
            return Err(Refused(value).into());
        }
        let half: Float32Array = x.iter().map(|x| x.map(|x| x as f32 / 2.0)).collect();
        let logit: Float32Array = x.iter().map(|x| x.map(|_| f32::NAN)).collect();
        let columns: [(&str, ArrayRef); 2] =
            [("prediction", Arc::new(half)), ("logit", Arc::new(logit))];
        Ok(RecordBatch::try_from_iter(columns).unwrap())
    }
}

/// Examples in so many partitions of 10, numbered through, with a name each; every seventh number is missing.
fn examples(num_partitions: usize) -> Batches {
    let batch = |partition: usize| {
        let numbers = (0..10).map(|row| i64::try_from(partition * 10 + row).unwrap());
        let x: Int64Array = numbers.clone().map(|x| (x % 7 != 6).then_some(x)).collect();
        let names: StringArray = numbers.map(|x| Some(format!("n,{x}"))).collect();
        let columns: [(&str, ArrayRef); 2] = [("x", Arc::new(x)), ("name", Arc::new(names))];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
            .unwrap()
    };
    Batches::new(batch(0).schema(), (0..num_partitions).map(batch).collect())
}

fn engine(threads: usize) -> LocalEngine {
    LocalEngine::new(NonZeroUsize::new(threads).unwrap(), Arc::default())
}

fn needed() -> Vec<String> {
    vec!["x".to_owned()]
}

fn schema_of(source: &dyn Source) -> arrow::datatypes::SchemaRef {
    source.schema()
}
