//! The same metrics as TensorFlow Model Analysis 0.47.1 of other tasks, weighted and by slice; how the files of
//! `testdata/tfma` were made says its README.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeListArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::datatypes::Float64Type;
use dataflow::{Accumulator, Batches};
use evaluate::{Columns, ConfidenceIntervals, Config, EvaluatePass, Evaluation, Numbered, Task};
use serde_json::Value;

use crate::scene::crosses;

pub(crate) fn file(name: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tfma");
    fs::read_to_string(dir.join(name)).unwrap()
}

/// Splits a line of CSV; cells may be quoted lists.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}

/// Reads a table; numbers, lists of numbers and texts by what the first row has.
pub(crate) fn table(name: &str) -> RecordBatch {
    let text = file(name);
    let mut lines = text.lines();
    let header = cells(lines.next().unwrap());
    let rows: Vec<Vec<String>> = lines.map(cells).collect();
    let column = |place: usize| -> ArrayRef {
        let values: Vec<&str> = rows.iter().map(|row| row[place].as_str()).collect();
        if values[0].starts_with('[') {
            let lists = values.iter().map(|text| {
                let list: Vec<f64> = serde_json::from_str(text).unwrap();
                Some(list.into_iter().map(Some).collect::<Vec<_>>())
            });
            return Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists));
        }
        if values[0].parse::<i64>().is_ok() && values.iter().all(|v| v.parse::<i64>().is_ok()) {
            return Arc::new(values.iter().map(|v| v.parse::<i64>().ok()).collect::<Int64Array>());
        }
        match values[0].parse::<f64>() {
            Ok(_) => {
                Arc::new(values.iter().map(|v| v.parse::<f64>().ok()).collect::<Float64Array>())
            }
            Err(_) => Arc::new(values.iter().map(|v| Some(*v)).collect::<StringArray>()),
        }
    };
    let columns = header.iter().enumerate().map(|(place, name)| (name.clone(), column(place)));
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
}

pub(crate) fn evaluate(
    table: &RecordBatch,
    task: Task,
    config: &Config,
    baseline: Option<&str>,
) -> Evaluation {
    let columns = Columns {
        label: "label".to_owned(),
        candidate: "prediction".to_owned(),
        baseline: baseline.map(str::to_owned),
        position: Some("position".to_owned()),
        ..Columns::default()
    };
    let pass = EvaluatePass::new(config, task, columns).unwrap();
    let batches = vec![table.slice(0, 100), table.slice(100, table.num_rows() - 100)];
    let source = Batches::new(table.schema(), batches);
    let engine = engine::LocalEngine::with_all_cores(Arc::default());
    let numbered = Numbered::new(&source, "position", 0);
    dataflow::fold(&engine, &numbered, &pass).unwrap().finish().unwrap()
}

pub(crate) fn config(metrics: &[(String, String)]) -> Config {
    Config {
        slices: crosses(&[&[], &["slice"]]),
        metrics: Some(metrics.iter().map(|(ours, _)| ours.clone()).collect()),
        ..Config::default()
    }
}

pub(crate) fn weighted(metrics: &[(String, String)]) -> Config {
    Config { example_weight: Some("weight".to_owned()), ..config(metrics) }
}

/// Ours may be off by 1e-9; by more where their name says `~`, as they compute with 32-bit floats there, and add
/// 1e-7 to probabilities. Areas under curves come from histograms, whose buckets they hold against thresholds
/// otherwise where there are weights: on `binary.csv` the exact area is 0.789735, theirs 0.789715, ours 0.789741.
pub(crate) fn check(found: &Evaluation, expected: &str, metrics: &[(String, String)]) {
    let expected: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_str(&file(expected)).unwrap();
    assert_eq!(found.slices.len(), expected.len());
    let mut num_compared = 0;
    for slice in &found.slices {
        let key = slice.key.first().map(|(name, value)| format!("{name}={value}"));
        let expected = &expected[&key.unwrap_or_default()];
        for (ours, theirs) in metrics {
            let tolerance = match theirs.as_str() {
                theirs if theirs.contains("auc") => 1e-4,
                theirs if theirs.starts_with('~') => 2e-6,
                _ => 1e-9,
            };
            let theirs = expected[theirs.trim_start_matches('~')].as_f64().unwrap();
            let ours_is = slice.metrics[ours];
            let difference = (ours_is - theirs).abs() / theirs.abs().max(1.0);
            assert!(difference <= tolerance, "{ours}, {}: {ours_is}, {theirs}", slice.name());
            num_compared += 1;
        }
    }
    assert_eq!(num_compared, found.slices.len() * metrics.len());
}

pub(crate) fn pairs(names: &[(&str, &str)]) -> Vec<(String, String)> {
    names.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

pub(crate) fn same(names: &[&str]) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect()
}

#[test]
fn binary_classifiers_with_weights_are_measured_alike() {
    let mut metrics = same(&[
        "precision",
        "recall",
        "specificity",
        "false_discovery_rate",
        "false_omission_rate",
        "true_positives",
        "prevalence",
        "prevalence_threshold",
        "threat_score",
        "balanced_accuracy",
        "f1_score",
        "matthews_correlation_coefficient",
        "fowlkes_mallows_index",
        "informedness",
        "markedness",
        "positive_likelihood_ratio",
        "negative_likelihood_ratio",
        "diagnostic_odds_ratio",
        "predicted_positive_rate",
        "auc",
        "auc_precision_recall",
        "calibration",
        "mean_label",
        "mean_prediction",
        "coefficient_of_discrimination",
        "relative_coefficient_of_discrimination",
        "squared_pearson_correlation",
        "mean_squared_error",
        "mean_absolute_error",
        "weighted_example_count",
        "max_recall",
    ]);
    metrics.extend(pairs(&[
        ("accuracy", "binary_accuracy"),
        ("false_positive_rate", "fall_out"),
        ("false_negative_rate", "miss_rate"),
        ("negative_predictive_value", "npv"),
        ("true_negatives", "tn"),
        ("false_positives", "fp"),
        ("false_negatives", "fn"),
        ("log_loss", "~binary_crossentropy"),
    ]));
    let found =
        evaluate(&table("binary.csv"), Task::BinaryClassification, &weighted(&metrics), None);
    check(&found, "binary.json", &metrics);
}

#[test]
fn classes_are_measured_alike_one_by_one_and_together() {
    let table = table("multi_class.csv");
    let task = Task::MultiClassClassification { num_classes: 4 };
    let names = [
        ("auc", "auc"),
        ("auc_precision_recall", "auc_precision_recall"),
        ("balanced_accuracy", "balanced_accuracy"),
        ("accuracy", "binary_accuracy"),
        ("log_loss", "~binary_crossentropy"),
        ("calibration", "calibration"),
        ("f1_score", "f1_score"),
        ("matthews_correlation_coefficient", "matthews_correlation_coefficient"),
        ("mean_prediction", "mean_prediction"),
        ("precision", "precision"),
        ("prevalence_threshold", "prevalence_threshold"),
        ("recall", "recall"),
    ];
    let mut metrics = pairs(&[
        ("accuracy", "~sparse_categorical_accuracy"),
        ("log_loss", "~sparse_categorical_crossentropy"),
        ("precision[micro]", "micro/precision"),
        ("recall[micro]", "micro/recall"),
        ("f1_score[micro]", "micro/f1_score"),
        ("auc[micro]", "micro/auc"),
        ("accuracy[micro]", "micro/binary_accuracy"),
        // Theirs forgets the labels that are not among the likeliest here, so that their recall is 1.
        ("precision[micro,top=2]", "topK:2/micro/precision"),
    ]);
    // Their `coefficient_of_discrimination` of a class is that of all, so it is not among these.
    for (ours, theirs) in names {
        let is_near = if theirs.starts_with('~') { "~" } else { "" };
        let theirs = theirs.trim_start_matches('~');
        for class in 0..4 {
            metrics
                .push((format!("{ours}[{class}]"), format!("{is_near}classId:{class}/{theirs}")));
        }
        metrics.push((format!("{ours}[macro]"), format!("{is_near}macro_average/{theirs}")));
    }
    let found = evaluate(&table, task, &weighted(&metrics), None);
    check(&found, "multi_class.json", &metrics);
    // The diagonal of the table of labels and predictions is what is right.
    let overall = &found.slices[0];
    let plots = overall.plots.as_ref().unwrap();
    let right: f64 = (0..4).map(|class| plots.confusion[class][class]).sum();
    let all: f64 = plots.confusion.iter().flatten().sum();
    assert!((right / all - overall.metrics["accuracy"]).abs() < 1e-9);
}

#[test]
fn the_likeliest_classes_are_measured_alike() {
    let names = [
        ("auc", "auc"),
        ("balanced_accuracy", "balanced_accuracy"),
        ("accuracy", "binary_accuracy"),
        ("log_loss", "~binary_crossentropy"),
        ("calibration", "calibration"),
        ("f1_score", "f1_score"),
        ("mean_label", "mean_label"),
        ("mean_prediction", "mean_prediction"),
        ("recall", "recall"),
    ];
    // No second class is above the threshold: theirs and ours have no precision there.
    let mut metrics = pairs(&[("precision[k=1]", "k:1/precision")]);
    for (ours, theirs) in names {
        let is_near = if theirs.starts_with('~') { "~" } else { "" };
        let theirs = theirs.trim_start_matches('~');
        for k in [1, 2] {
            metrics.push((format!("{ours}[k={k}]"), format!("{is_near}k:{k}/{theirs}")));
        }
    }
    let task = Task::MultiClassClassification { num_classes: 4 };
    let found = evaluate(&table("multi_class.csv"), task, &weighted(&metrics), None);
    check(&found, "kth.json", &metrics);
    // A baseline has likeliest classes of its own: of the same predictions, the same.
    let table = table("multi_class.csv");
    let place = table.schema().index_of("prediction").unwrap();
    let schema = table.schema();
    let columns = schema.fields().iter().zip(table.columns());
    let columns = columns.map(|(field, column)| (field.name().clone(), Arc::clone(column)));
    let again = [("again".to_owned(), Arc::clone(table.column(place)))];
    let table = RecordBatch::try_from_iter(columns.chain(again).collect::<Vec<_>>()).unwrap();
    let found = evaluate(&table, task, &weighted(&metrics), Some("again"));
    assert_eq!(found.slices[0].baseline.as_ref(), Some(&found.slices[0].metrics));
}

#[test]
fn the_mean_over_classes_can_be_by_their_weight() {
    let metrics = pairs(&[
        ("precision[weighted]", "weighted_macro_average/precision"),
        ("recall[weighted]", "weighted_macro_average/recall"),
        ("f1_score[weighted]", "weighted_macro_average/f1_score"),
        ("auc[weighted]", "weighted_macro_average/auc"),
    ]);
    let task = Task::MultiClassClassification { num_classes: 4 };
    let found = evaluate(&table("multi_class.csv"), task, &weighted(&metrics), None);
    check(&found, "weighted.json", &metrics);
}

#[test]
fn several_labels_are_measured_alike() {
    let mut metrics = pairs(&[
        ("precision[micro]", "micro/precision"),
        ("recall[micro]", "micro/recall"),
        ("f1_score[micro]", "micro/f1_score"),
        ("precision[macro]", "macro_average/precision"),
        ("recall[macro]", "macro_average/recall"),
        ("auc[macro]", "macro_average/auc"),
    ]);
    for class in 0..3 {
        for name in ["precision", "recall", "auc"] {
            metrics.push((format!("{name}[{class}]"), format!("classId:{class}/{name}")));
        }
    }
    let class_weights = (0..3).map(|class| (class.to_string(), f64::from(class + 1))).collect();
    let config = Config { class_weights, ..weighted(&metrics) };
    let task = Task::MultiLabelClassification { num_labels: 3 };
    let found = evaluate(&table("multi_label.csv"), task, &config, None);
    check(&found, "multi_label.json", &metrics);
}

#[test]
fn regressions_are_measured_alike() {
    let metrics = pairs(&[
        ("mean_squared_error", "mean_squared_error"),
        ("mean_absolute_error", "mean_absolute_error"),
        ("mean_absolute_percentage_error", "mean_absolute_percentage_error"),
        ("squared_pearson_correlation", "squared_pearson_correlation"),
        ("calibration", "calibration"),
        ("mean_label", "mean_label"),
        ("mean_prediction", "mean_prediction"),
    ]);
    let found = evaluate(&table("regression.csv"), Task::Regression, &weighted(&metrics), None);
    check(&found, "regression.json", &metrics);
}

#[test]
fn rankings_are_measured_alike() {
    let metrics = pairs(&[
        ("ndcg@1", "topK:1/ndcg"),
        ("ndcg@3", "topK:3/ndcg"),
        ("ndcg@5", "topK:5/ndcg"),
        ("min_label_position", "min_label_position"),
        ("total_queries", "total_queries"),
        ("total_documents", "total_documents"),
        ("min_documents", "min_documents"),
        ("max_documents", "max_documents"),
    ]);
    let config = Config { query_key: Some("query".to_owned()), ..config(&metrics) };
    let found = evaluate(&table("ranking.csv"), Task::Ranking, &config, None);
    check(&found, "ranking.json", &metrics);
}

#[test]
fn two_models_are_compared_alike() {
    let metrics = pairs(&[
        ("symmetric_prediction_difference", "symmetric_prediction_difference"),
        ("symmetric_flip_rate", "symmetric_flip_rate"),
        ("neg_to_neg_flip_rate", "neg_to_neg_flip_rate"),
        ("neg_to_pos_flip_rate", "neg_to_pos_flip_rate"),
        ("pos_to_neg_flip_rate", "pos_to_neg_flip_rate"),
        ("pos_to_pos_flip_rate", "pos_to_pos_flip_rate"),
    ]);
    let found = evaluate(
        &table("binary.csv"),
        Task::BinaryClassification,
        &config(&metrics),
        Some("baseline"),
    );
    check(&found, "comparison.json", &metrics);
}

#[test]
fn intervals_are_about_as_wide_as_theirs() {
    // Who is in which part is drawn, and so is the width: a standard error from 20 parts is itself off by a sixth,
    // and so are both sides; three times the error of their quotient is 0.5 to 2.
    let names = ["accuracy", "auc", "mean_prediction", "calibration", "precision"];
    let expected: Value = serde_json::from_str(&file("ci_jackknife.json")).unwrap();
    let metrics = same(&names);
    for seed in 0..3 {
        let intervals = ConfidenceIntervals { seed, ..ConfidenceIntervals::default() };
        let config = Config { confidence_intervals: Some(intervals), ..weighted(&metrics) };
        let found = evaluate(&table("binary.csv"), Task::BinaryClassification, &config, None);
        for slice in &found.slices {
            let key = slice.key.first().map(|(name, value)| format!("{name}={value}"));
            for name in names {
                let theirs = if name == "accuracy" { "binary_accuracy" } else { name };
                let theirs = &expected[key.as_deref().unwrap_or_default()][theirs];
                let end = |end: &str| theirs[end].as_f64().unwrap();
                let ours = slice.intervals[name];
                let quotient = (ours.upper - ours.lower) / (end("upperBound") - end("lowerBound"));
                assert!((0.5..2.0).contains(&quotient), "{name}, {}: {quotient}", slice.name());
                let off = (ours.mean - end("value")).abs();
                assert!(off < 0.01, "{name}, {}: {off}", slice.name());
            }
        }
    }
}

#[test]
fn vectors_of_one_length_are_read_as_lists_are() {
    let table = table("multi_class.csv");
    let metrics = same(&["accuracy", "log_loss", "auc[macro]", "top_k_accuracy@2"]);
    let task = Task::MultiClassClassification { num_classes: 4 };
    let lists = evaluate(&table, task, &weighted(&metrics), None);
    let place = table.schema().index_of("prediction").unwrap();
    let list = table.column(place).as_any().downcast_ref::<ListArray>().unwrap();
    let fixed = FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(
        list.iter().map(|row| {
            let row = row.unwrap();
            let row = row.as_any().downcast_ref::<Float64Array>().unwrap();
            Some(row.iter().collect::<Vec<_>>())
        }),
        4,
    );
    let schema = table.schema();
    let columns = schema.fields().iter().zip(table.columns()).map(|(field, column)| {
        let is_it = field.name() == "prediction";
        let column = if is_it { Arc::new(fixed.clone()) as ArrayRef } else { Arc::clone(column) };
        (field.name().clone(), column)
    });
    let table = RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap();
    assert_eq!(evaluate(&table, task, &weighted(&metrics), None), lists);
}
