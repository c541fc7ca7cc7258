//! What bounds the memory of an evaluation.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch};
use arrow::datatypes::Int64Type;
use dataflow::{Accumulator, Pass};
use evaluate::{Config, EvaluatePass, EvaluateState, Evaluation, MAX_SLICES, SliceSpec, Task};

use crate::scene::{columns, crosses, metrics};

/// Examples that each have an `id` of their own.
fn ids(from: usize, to: usize) -> RecordBatch {
    let ids: Int64Array = (from..to).map(|id| i64::try_from(id).ok()).collect();
    with(Arc::new(ids))
}

fn with(ids: ArrayRef) -> RecordBatch {
    let numbers = || Arc::new(Float64Array::from(vec![1.0; ids.len()])) as ArrayRef;
    RecordBatch::try_from_iter([
        ("label", numbers()),
        ("candidate", numbers()),
        ("id", Arc::clone(&ids)),
        ("id2", ids),
    ])
    .unwrap()
}

fn start() -> EvaluateState {
    let config = Config {
        slices: crosses(&[&["id"], &["id", "id2"]]),
        metrics: metrics(&["accuracy"]),
        ..Config::default()
    };
    EvaluatePass::new(&config, Task::BinaryClassification, columns(false)).unwrap().start().unwrap()
}

fn after(batches: &[RecordBatch]) -> EvaluateState {
    let mut state = start();
    batches.iter().for_each(|batch| state.update(batch).unwrap());
    state
}

fn check(state: EvaluateState, num_examples: u64, num_slices: usize, crowded: &[&[&str]]) {
    let bytes = state.to_bytes();
    let found: Evaluation = state.finish().unwrap();
    assert_eq!(found.slices[0].num_examples, num_examples);
    assert_eq!(found.slices.len(), num_slices);
    let names: Vec<Vec<String>> = crosses(crowded).iter().map(SliceSpec::features).collect();
    assert_eq!(found.crowded, names);
    let read = EvaluateState::from_bytes(&bytes).unwrap();
    assert_eq!(read.finish().unwrap(), found);
}

#[test]
fn a_feature_with_too_many_values_is_left_out_and_named() {
    let (half, max) = (MAX_SLICES / 2, MAX_SLICES);
    check(after(&[ids(0, half), ids(half, max)]), max as u64, 1 + 2 * max, &[]);
    let both: &[&[&str]] = &[&["id"], &["id", "id2"]];
    // In one batch, in several, and where only the whole has too many.
    check(after(&[ids(0, max + 1)]), max as u64 + 1, 1, both);
    check(
        after(&[ids(0, half), ids(half, max), ids(max, max + 1), ids(0, 7)]),
        max as u64 + 8,
        1,
        both,
    );
    let mut merged = after(&[ids(0, half)]);
    merged.merge(after(&[ids(half, max + 1)])).unwrap();
    check(merged, max as u64 + 1, 1, both);
    // One that has too many makes the whole have too many.
    let mut merged = after(&[ids(0, 3)]);
    merged.merge(after(&[ids(0, max + 1)])).unwrap();
    merged.merge(after(&[ids(0, 3)])).unwrap();
    check(merged, max as u64 + 7, 1, both);
}

#[test]
fn lists_do_not_multiply_without_end() {
    // 200 times 200 pairs in one example.
    let list: Vec<Option<i64>> = (0..200).map(Some).collect();
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(list)]);
    check(after(&[with(Arc::new(lists))]), 1, 201, &[&["id", "id2"]]);
}
