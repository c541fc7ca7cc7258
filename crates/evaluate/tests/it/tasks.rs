//! Rankings, language models, comparisons of slices, and what is wrong with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use dataflow::{Accumulator, Pass};
use evaluate::{
    Columns, Config, CrossSlices, EvaluatePass, Evaluation, SliceSpec, SliceValues, Task, Wanted,
};
use insta::assert_snapshot;

use crate::scene::{Row, crosses, evaluate, metrics, sizes};

fn numbers(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn run(
    task: Task,
    config: &Config,
    columns: Columns,
    batch: &RecordBatch,
) -> Result<Evaluation, base::BoxError> {
    let pass = EvaluatePass::new(config, task, columns)?;
    let mut state = pass.start()?;
    state.update(batch)?;
    state.finish()
}

fn texts() -> (Columns, RecordBatch) {
    let columns = Columns {
        label: "tokens".to_owned(),
        candidate: "loss".to_owned(),
        num_bytes: Some("bytes".to_owned()),
        num_correct: Some("correct".to_owned()),
        ..Columns::default()
    };
    let batch = RecordBatch::try_from_iter([
        ("tokens", numbers(&[10.0, 30.0])),
        ("loss", numbers(&[20.0, 20.0])),
        ("bytes", numbers(&[40.0, 120.0])),
        ("correct", numbers(&[5.0, 5.0])),
    ]);
    (columns, batch.unwrap())
}

#[test]
fn language_models_are_measured_by_token_and_byte() {
    let (columns, batch) = texts();
    let names =
        ["cross_entropy", "perplexity", "bits_per_byte", "next_token_accuracy", "token_count"];
    let config = Config { metrics: metrics(&names), ..Config::default() };
    let found = run(Task::LanguageModel, &config, columns, &batch).unwrap();
    let found = &found.slices[0].metrics;
    assert_eq!(found["cross_entropy"], 1.0);
    assert!((found["perplexity"] - std::f64::consts::E).abs() < 1e-15);
    assert!((found["bits_per_byte"] - 0.25 / std::f64::consts::LN_2).abs() < 1e-15);
    assert_eq!(found["next_token_accuracy"], 0.25);
    assert_eq!(found["token_count"], 40.0);
}

#[test]
fn logarithmic_errors_are_of_what_has_a_logarithm() {
    let config =
        Config { metrics: metrics(&["mean_squared_logarithmic_error"]), ..Config::default() };
    let columns = Columns {
        label: "label".to_owned(),
        candidate: "prediction".to_owned(),
        ..Columns::default()
    };
    let of = |labels: &[f64]| {
        let batch = RecordBatch::try_from_iter([
            ("label", numbers(labels)),
            ("prediction", numbers(&[0.0, 0.0])),
        ]);
        let found = run(Task::Regression, &config, columns.clone(), &batch.unwrap()).unwrap();
        found.slices[0].metrics["mean_squared_logarithmic_error"]
    };
    let e = std::f64::consts::E;
    assert!((of(&[e - 1.0, 0.0]) - 0.5).abs() < 1e-15);
    assert!(of(&[-2.0, 0.0]).is_nan());
}

#[test]
fn what_a_task_needs_is_asked_for() {
    let (columns, batch) = texts();
    let without = Columns { num_bytes: None, num_correct: None, ..columns };
    let message = |task, names: &[&str]| {
        let config = Config { metrics: metrics(names), ..Config::default() };
        run(task, &config, without.clone(), &batch).unwrap_err().to_string()
    };
    let classes = |num_classes| Task::MultiClassClassification { num_classes };
    let messages = [
        message(Task::LanguageModel, &["bits_per_byte"]),
        message(Task::LanguageModel, &["next_token_accuracy"]),
        message(Task::Ranking, &["ndcg"]),
        message(classes(3), &["recall[3]"]),
        message(classes(3), &["precision[top=4]"]),
        message(classes(3), &["auc[micro,top=2]"]),
        message(classes(3), &["ndcg"]),
        message(Task::BinaryClassification, &["recall[1]"]),
        message(classes(0), &["accuracy"]),
        message(classes(3), &["accuracy"]),
    ];
    assert_snapshot!(messages.join("\n"), @r"
    `bits_per_byte` needs the number of bytes, and no column was named for it
    `next_token_accuracy` needs the number of correct tokens of every model, and no column was named for it
    a ranking needs the query (`query_key`), and no column was named for it
    metric `recall[3]`: there are 3 classes, the ids are 0 to 2
    metric `precision[top=4]`: there are only 3 classes
    metric `auc[micro,top=2]`: `top=` is for metrics at a threshold, such as `precision`
    metric `ndcg` is not defined for multi_class_classification
    metric `recall[1]`: a binary_classification has no classes to choose in brackets
    a multi_class_classification of 0 classes, expected 1 to 100000
    column `loss`, the prediction, has type Float64, expected a vector of numbers in each row
    ");
}

#[test]
fn scores_rank_the_documents_of_a_query() {
    let text = |values: &[&str]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let batch = RecordBatch::try_from_iter([
        ("query", text(&["a", "b", "a", "b", "a"])),
        ("country", text(&["x", "x", "x", "x", "y"])),
        ("label", numbers(&[0.0, 1.0, 1.0, 0.0, 0.0])),
        ("score", numbers(&[0.9, 0.8, 0.5, 0.1, 0.7])),
    ]);
    let columns =
        Columns { label: "label".to_owned(), candidate: "score".to_owned(), ..Columns::default() };
    let names = ["mean_reciprocal_rank", "precision_at_rank@1", "total_documents"];
    let config = Config {
        metrics: metrics(&names),
        query_key: Some("query".to_owned()),
        slices: crosses(&[&["country"]]),
        ..Config::default()
    };
    let found = run(Task::Ranking, &config, columns, &batch.unwrap()).unwrap();
    assert_eq!(sizes(&found.slices), "overall = 5; country: x = 4; country: y = 1");
    let metrics = &found.slices[0].metrics;
    assert_eq!(metrics["mean_reciprocal_rank"], f64::midpoint(1.0, 1.0 / 3.0));
    assert_eq!(metrics["precision_at_rank@1"], 0.5);
    assert_eq!(metrics["total_documents"], 5.0);
    // A slice has the documents that are in it.
    assert_eq!(found.slices[1].metrics["mean_reciprocal_rank"], 0.75);
    assert!(found.slices[2].metrics["mean_reciprocal_rank"].is_nan());
}

#[test]
fn slices_are_of_the_values_that_are_asked_for_and_compared() {
    let of = |company, label, prediction| Row {
        company: Some(company),
        hour: Some(7),
        ..Row::new(label, prediction)
    };
    let rows = [
        of("a", 1.0, 0.9),
        of("a", 0.0, 0.1),
        of("b", 1.0, 0.1),
        of("b", 0.0, 0.2),
        of("c", 1.0, 0.9),
    ];
    let company =
        |name: &str| BTreeMap::from([("company".to_owned(), Wanted::Text(name.to_owned()))]);
    let only = |name: &str, features: &[&str]| {
        SliceSpec::Values(SliceValues {
            features: features.iter().map(|name| (*name).to_owned()).collect(),
            values: company(name),
        })
    };
    let config = Config {
        slices: vec![only("b", &[]), only("b", &["hour"])],
        cross_slices: vec![CrossSlices {
            baseline: company("a"),
            slices: vec![only("b", &[]), SliceSpec::Features(vec![])],
        }],
        metrics: metrics(&["accuracy"]),
        ..Config::default()
    };
    let found = evaluate(&config, &rows).unwrap();
    assert_eq!(
        sizes(&found.slices),
        "overall = 5; company: a = 2; company: b = 2; company: b, hour: 7 = 2"
    );
    let differences: Vec<_> = found
        .comparisons
        .iter()
        .map(|found| (evaluate::slice_name(&found.slice), found.metrics["accuracy"]))
        .collect();
    let (whole, b) = ("overall".to_owned(), "company: b".to_owned());
    assert_eq!(differences, [(whole, 0.8 - 1.0), (b, -0.5)]);
}
