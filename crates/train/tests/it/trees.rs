//! Boosted trees.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{AsArray, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::Float32Type;
use model::{Model, Predictor};
use train::Options;

use crate::heads::check_predictions;
use crate::scene::{examples, run, run_with, saved, with_column};

fn text(label: &str, task: &str, options: &str, trees: &str) -> String {
    format!(
        "features = [\"x\", \"y\", \"kind\", \"vector\"]\n{options}\n[model.boosted_trees]\nlabel = \"{label}\"\ntask = \"{task}\"\n{trees}"
    )
}

#[test]
fn trees_learn_every_task() {
    let stop =
        |metric: &str| format!("early_stopping = {{ metric = \"{metric}\", patience = 20 }}");
    let pairs = "ranking = { query = \"query\" }\n";
    let lists = "ranking = { query = \"session\", loss = \"listwise\" }\n";
    for (label, task, options, metric, good) in [
        ("binary", "binary_classification", "", "auc", 0.9),
        ("class", "multi_class_classification", "", "accuracy", 0.7),
        ("many", "multi_label_classification", "", "accuracy", 0.9),
        ("amount", "regression", "", "root_mean_squared_error", 0.6),
        ("relevance", "ranking", pairs, "ndcg", 0.85),
        ("relevance", "ranking", lists, "ndcg", 0.85),
    ] {
        let text = text(label, task, &format!("{options}{}", stop(metric)), "");
        let trained = run(&text).unwrap();
        let best = trained.history.iter().find(|point| point.step == trained.best_step).unwrap();
        let value = best.eval_metric.unwrap();
        let is_good = if metric.starts_with("root") { value < good } else { value > good };
        assert!(is_good, "{task}: {metric} {value}, expected {good}");
        assert!(trained.history.last().unwrap().train_loss < trained.history[0].train_loss);
        check_predictions(&trained.model, &examples(300, 7));

        // What was measured in training, over bins, is what the model gives, over values.
        let trees = trained.model.forest().unwrap().trees.len() as u64;
        assert_eq!(trees % trained.best_step, 0);
        if task == "regression" {
            let eval = examples(1000, 2);
            let predictions = trained.model.predict(&eval).unwrap();
            let predictions = predictions.column(0).as_primitive::<Float32Type>();
            let labels = eval.column_by_name("amount").unwrap().as_primitive::<Float32Type>();
            let squares = predictions.values().iter().zip(labels.values());
            let squares = squares.map(|(p, l)| f64::from(p - l).powi(2));
            let error = (squares.sum::<f64>() / 1000.0).sqrt();
            assert!((error - value).abs() < 1e-5, "{error} and {value}");
        }
    }
}

#[test]
fn threads_and_repetition_do_not_show_and_seeds_do() {
    let text = |seed: u64| {
        let trees = "num_trees = 12\nexample_ratio = 0.7\nfeature_ratio = 0.6";
        text("binary", "binary_classification", &format!("seed = {seed}"), trees)
    };
    let (train, eval) = (examples(20_000, 1), examples(500, 2));
    let with = |seed, num_threads| {
        let options = Options { num_threads: NonZeroUsize::new(num_threads), ..Options::default() };
        saved(&run_with(&text(seed), &train, &eval, options).unwrap())
    };
    let one = with(1, 1);
    assert_eq!([with(1, 2), with(1, 5)], [one.as_str(), one.as_str()]);
    assert_ne!(with(2, 1), one);
}

/// Whether a number is missing tells the label, and so does a category among many.
#[test]
fn missing_values_and_categories_are_decided_about() {
    let batch = examples(2000, 1);
    let x = Float32Array::from_iter((0..2000).map(|row| (row % 4 != 0).then_some(0.5)));
    let label = Int64Array::from_iter_values((0..2000).map(|row| i64::from(row % 4 == 0)));
    let batch = with_column(&batch, "x", Arc::new(x));
    let batch = with_column(&batch, "binary", Arc::new(label));
    let accuracy = |model: &Model, batch: &RecordBatch| {
        let predictions = model.predict(batch).unwrap();
        let predictions = predictions.column(0).as_primitive::<Float32Type>();
        let labels = batch.column_by_name("binary").unwrap();
        let labels = labels.as_primitive::<arrow::datatypes::Int64Type>();
        let right = predictions.values().iter().zip(labels.values());
        right.filter(|(p, l)| (**p > 0.5) == (**l == 1)).count()
    };
    let only = |feature: &str| {
        format!(
            "features = [\"{feature}\"]\n[model.boosted_trees]\nlabel = \"binary\"\nnum_trees = 30"
        )
    };
    let trained = run_with(&only("x"), &batch, &batch, Options::default()).unwrap();
    assert_eq!(accuracy(&trained.model, &batch), 2000);

    let kinds = Int64Array::from_iter((0..2000).map(|row| (row % 50 != 7).then_some(row % 12)));
    let label = Int64Array::from_iter_values(
        (0..2000).map(|row| i64::from(matches!(row % 12, 1 | 5 | 8 | 11))),
    );
    let batch = with_column(&batch, "kind", Arc::new(kinds));
    let batch = with_column(&batch, "binary", Arc::new(label));
    let trained = run_with(&only("kind"), &batch, &batch, Options::default()).unwrap();
    // All but those whose category is missing.
    assert!(accuracy(&trained.model, &batch) >= 1960);
}

#[test]
fn trees_go_on_from_trees() {
    let text = |num_trees: usize| {
        let options = "[model.boosted_trees]\nlabel = \"amount\"\ntask = \"regression\"";
        format!("features = [\"x\", \"y\", \"kind\"]\n{options}\nnum_trees = {num_trees}")
    };
    let (whole, half) = (run(&text(20)).unwrap(), run(&text(10)).unwrap());
    let (train, eval) = (examples(3000, 1), examples(1000, 2));
    let options = Options { base_model: Some(&half.model), ..Options::default() };
    let more = run_with(&text(10), &train, &eval, options).unwrap();
    let loss = |trained: &train::Trained| trained.history.last().unwrap().train_loss;
    assert_eq!(more.model.forest().unwrap().trees.len(), 20);
    assert!((loss(&more) - loss(&whole)).abs() < 1e-3 && loss(&more) < loss(&half));
}
