use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use base::{BoxError, Classify, ErrorKind};
use dataflow::{Accumulator, Batches, EngineError, Pass, Source, Stage, fold, map};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::LocalEngine;

#[derive(Debug, thiserror::Error)]
#[error("negative value {0}")]
struct Negative(i64);

impl Classify for Negative {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }
}

/// Keeps every value in order: merging out of order would show.
#[derive(Default)]
struct Order(Vec<i64>);

impl Accumulator for Order {
    type Output = Vec<i64>;

    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        for &value in batch.column(0).as_primitive::<Int64Type>().values() {
            if value < 0 {
                return Err(Negative(value).into());
            }
            self.0.push(value);
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        self.0.extend(other.0);
        Ok(())
    }

    fn finish(self) -> Result<Vec<i64>, BoxError> {
        Ok(self.0)
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        Ok(Self(bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap())).collect()))
    }
}

#[derive(Serialize, Deserialize)]
struct Collect;

impl Pass for Collect {
    type State = Order;

    fn columns(&self) -> Option<Vec<String>> {
        Some(vec!["x".to_owned()])
    }

    fn start(&self) -> Result<Order, BoxError> {
        Ok(Order::default())
    }
}

#[derive(Serialize, Deserialize)]
struct Double;

impl Stage for Double {
    fn columns(&self) -> Option<Vec<String>> {
        None
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let values = batch.column(0).as_primitive::<Int64Type>();
        Ok(batch_of(&values.values().iter().map(|v| v * 2).collect::<Vec<_>>()))
    }
}

fn batch_of(values: &[i64]) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    RecordBatch::try_from_iter([("x", column)]).unwrap()
}

fn source(partitions: &[Vec<i64>]) -> Batches {
    Batches::new(batch_of(&[]).schema(), partitions.iter().map(|values| batch_of(values)).collect())
}

fn engine(threads: usize) -> LocalEngine {
    LocalEngine::new(NonZeroUsize::new(threads).unwrap(), Arc::default())
}

proptest! {
    #[test]
    fn threads_never_show(partitions in prop::collection::vec(prop::collection::vec(0..100i64, 0..5), 0..40), threads in 1..9usize) {
        let expected: Vec<i64> = partitions.concat();
        let source = source(&partitions);
        let folded = fold(&engine(threads), &source, &Collect).unwrap().finish().unwrap();
        prop_assert_eq!(&folded, &expected);

        let mut mapped = Vec::new();
        map(&engine(threads), &source, &Double, &mut |batch| {
            mapped.extend_from_slice(batch.column(0).as_primitive::<Int64Type>().values());
            Ok(())
        }).unwrap();
        prop_assert_eq!(mapped, expected.iter().map(|v| v * 2).collect::<Vec<_>>());
    }
}

#[test]
fn the_earliest_failure_is_reported() {
    let partitions: Vec<Vec<i64>> = (0..50).map(|p| vec![if p < 20 { p } else { -p }]).collect();
    for threads in [1, 4] {
        let error = fold(&engine(threads), &source(&partitions), &Collect).err().unwrap();
        assert_eq!(error.to_string(), "negative value -20");
        assert_eq!(error.kind(), ErrorKind::Data);
    }
}

#[test]
fn a_cancelled_engine_stops() {
    let cancel = Arc::new(AtomicBool::new(false));
    let engine = LocalEngine::new(NonZeroUsize::new(2).unwrap(), Arc::clone(&cancel));
    cancel.store(true, Ordering::Relaxed);
    let error = fold(&engine, &source(&[vec![1], vec![2]]), &Collect).err().unwrap();
    assert!(matches!(error, EngineError::Cancelled));
}

#[test]
fn a_panic_in_a_pass_is_passed_on_and_nobody_waits() {
    struct Broken;
    impl Source for Broken {
        fn schema(&self) -> arrow::datatypes::SchemaRef {
            batch_of(&[]).schema()
        }
        fn num_partitions(&self) -> usize {
            100
        }
        fn read(
            &self,
            partition: usize,
            _: Option<&[String]>,
        ) -> Result<dataflow::BatchIter<'_>, BoxError> {
            assert!(partition < 7, "a broken reader");
            Ok(Box::new(std::iter::once(Ok(batch_of(&[1])))))
        }
    }
    let outcome = std::panic::catch_unwind(|| fold(&engine(3), &Broken, &Collect).is_ok());
    assert!(outcome.is_err());
}
