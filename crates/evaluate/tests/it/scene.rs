//! Examples in memory, and the way from them to an evaluation.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use base::BoxError;
use dataflow::{Accumulator, Batches};
use engine::LocalEngine;
use evaluate::{
    Columns, Config, EvaluatePass, EvaluateState, Evaluation, Numbered, SliceResult, SliceSpec,
    Task,
};

/// One example.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) label: Option<f64>,
    pub(crate) candidate: Option<f64>,
    pub(crate) baseline: Option<f64>,
    pub(crate) weight: Option<f64>,
    pub(crate) company: Option<&'static str>,
    pub(crate) hour: Option<i64>,
}

impl Row {
    /// Returns an example of weight 1 without features.
    pub(crate) fn new(label: f64, candidate: f64) -> Self {
        Self {
            label: Some(label),
            candidate: Some(candidate),
            baseline: Some(0.5),
            weight: Some(1.0),
            company: None,
            hour: None,
        }
    }
}

pub(crate) fn batch(rows: &[Row]) -> RecordBatch {
    let numbers = |value: fn(&Row) -> Option<f64>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<Float64Array>())
    };
    RecordBatch::try_from_iter([
        ("label", numbers(|row| row.label)),
        ("candidate", numbers(|row| row.candidate)),
        ("baseline", numbers(|row| row.baseline)),
        ("weight", numbers(|row| row.weight)),
        (
            "company",
            Arc::new(rows.iter().map(|row| row.company).collect::<StringArray>()) as ArrayRef,
        ),
        ("hour", Arc::new(rows.iter().map(|row| row.hour).collect::<Int64Array>()) as ArrayRef),
    ])
    .unwrap()
}

pub(crate) fn columns(has_baseline: bool) -> Columns {
    Columns {
        label: "label".to_owned(),
        candidate: "candidate".to_owned(),
        baseline: has_baseline.then(|| "baseline".to_owned()),
        position: Some("position".to_owned()),
        ..Columns::default()
    }
}

pub(crate) fn crosses(crosses: &[&[&str]]) -> Vec<SliceSpec> {
    let names = |cross: &&[&str]| cross.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    crosses.iter().map(|cross| names(cross).into()).collect()
}

pub(crate) fn metrics(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

/// Folds batches, each a partition, with a number of threads.
pub(crate) fn fold(
    pass: &EvaluatePass,
    batches: Vec<RecordBatch>,
    threads: usize,
) -> Result<EvaluateState, BoxError> {
    let engine = LocalEngine::new(NonZeroUsize::new(threads).unwrap(), Arc::default());
    let source = Batches::new(batch(&[]).schema(), batches);
    Ok(dataflow::fold(&engine, &Numbered::new(&source, "position", 0), pass)?)
}

/// Evaluates classifiers, candidate and baseline.
pub(crate) fn evaluate(config: &Config, rows: &[Row]) -> Result<Evaluation, BoxError> {
    let pass = EvaluatePass::new(config, Task::BinaryClassification, columns(true))?;
    fold(&pass, vec![batch(rows)], 1)?.finish()
}

/// Returns every metric of classifiers, those with a number behind `@` included.
pub(crate) fn every_metric() -> Vec<String> {
    let names = [
        "precision@0.25",
        "recall@0.75",
        "precision_at_recall@0.5",
        "recall_at_precision@0.5",
        "recall_at_false_positive_rate@0.1",
        "sensitivity_at_specificity@0.5",
        "specificity_at_sensitivity@0.5",
        "threshold_at_recall@0.5",
        "mean(hour)",
    ];
    let names = names.into_iter().chain(evaluate::metric_names());
    let config = |name: &str| Config { metrics: metrics(&[name]), ..Config::default() };
    let is_for = |name: &&str| {
        EvaluatePass::new(&config(name), Task::BinaryClassification, columns(true)).is_ok()
    };
    names.filter(is_for).map(str::to_owned).collect()
}

/// Returns the names of slices with their numbers of examples.
pub(crate) fn sizes(slices: &[SliceResult]) -> String {
    let sizes = slices.iter().map(|slice| format!("{} = {}", slice.name(), slice.num_examples));
    sizes.collect::<Vec<_>>().join("; ")
}
