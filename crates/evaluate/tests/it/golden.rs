//! The same metrics and verdicts as TensorFlow Model Analysis 0.47.1 (see the goldens' own README).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use dataflow::{Accumulator, Batches};
use evaluate::{
    Columns, Config, EvaluatePass, Evaluation, Task, Threshold, ThresholdSlices, validate,
};
use serde_json::Value;

use crate::scene::{crosses, metrics, sizes};

#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
fn golden(test: &str) -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/tfma");
    if dir.is_dir() {
        return Some(dir);
    }
    println!("SKIPPED {test}: {} is not there", dir.display());
    None
}

/// Reads `label,prediction,slice`.
fn triples(dir: &Path) -> RecordBatch {
    let text = fs::read_to_string(dir.join("triples.csv")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 400);
    let labels: Int64Array = rows.iter().map(|row| row[0].parse::<i64>().ok()).collect();
    let predictions: Float64Array = rows.iter().map(|row| row[1].parse::<f64>().ok()).collect();
    let slices: StringArray = rows.iter().map(|row| Some(row[2])).collect();
    RecordBatch::try_from_iter([
        ("label", Arc::new(labels) as ArrayRef),
        ("prediction", Arc::new(predictions) as ArrayRef),
        ("slice", Arc::new(slices) as ArrayRef),
    ])
    .unwrap()
}

fn evaluate(dir: &Path, config: &Config) -> Evaluation {
    let columns = Columns {
        label: "label".to_owned(),
        candidate: "prediction".to_owned(),
        ..Columns::default()
    };
    let pass = EvaluatePass::new(config, Task::BinaryClassification, columns).unwrap();
    // Through a source, so that the columns that the pass asks for are enough.
    let batch = triples(dir);
    let source = Batches::new(batch.schema(), vec![batch.slice(0, 111), batch.slice(111, 289)]);
    let engine = engine::LocalEngine::with_all_cores(Arc::default());
    dataflow::fold(&engine, &source, &pass).unwrap().finish().unwrap()
}

/// Metrics by our name and theirs, and how near they must be.
///
/// The reference computes its cross entropy with 32-bit floats, and adds 1e-7 to probabilities once more
/// before it takes their logarithms.
const METRICS: &[(&str, &str, f64)] = &[
    ("example_count", "example_count", 0.0),
    ("auc", "auc", 1e-9),
    ("auc_precision_recall", "auc_precision_recall", 1e-9),
    ("accuracy", "binary_accuracy", 1e-9),
    ("precision", "precision", 1e-9),
    ("recall", "recall", 1e-9),
    ("f1_score", "f1_score", 1e-9),
    ("calibration", "calibration", 1e-9),
    ("mean_label", "mean_label", 1e-9),
    ("mean_prediction", "mean_prediction", 1e-9),
    ("mean_squared_error", "mean_squared_error", 1e-9),
    ("log_loss", "binary_crossentropy", 2e-6),
];

#[test]
fn metrics_are_the_references() {
    let Some(dir) = golden("metrics_are_the_references") else { return };
    let config = Config {
        slices: crosses(&[&[], &["slice"]]),
        metrics: metrics(&METRICS.iter().map(|(name, ..)| *name).collect::<Vec<_>>()),
        ..Config::default()
    };
    let found = evaluate(&dir, &config);
    let text = fs::read_to_string(dir.join("metrics.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found.slices.len(), expected.as_object().unwrap().len());
    for slice in &found.slices {
        let key = slice.key.first().map(|(_, value)| format!("{{'slice': '{value}'}}"));
        let expected = &expected[key.as_deref().unwrap_or("overall")];
        for (name, theirs, tolerance) in METRICS {
            let (found, expected) = (slice.metrics[*name], expected[theirs].as_f64().unwrap());
            let difference = (found - expected).abs();
            assert!(difference <= *tolerance, "{name}, {}: {found}, {expected}", slice.name());
        }
    }
}

/// The areas of Keras 2.16 (ROC) and of the reference's own formulas (precision over recall, where it leaves out the
/// step above all predictions), on these 400 examples.
#[test]
fn areas_are_summed_in_every_way_of_the_reference() {
    let Some(dir) = golden("areas_are_summed_in_every_way_of_the_reference") else { return };
    let expected = [
        ("auc", 0.793607054284927),
        ("auc_minoring", 0.7933565470076905),
        ("auc_majoring", 0.7938575615621634),
        ("auc_precision_recall_minoring", 0.8064097454126927),
        ("auc_precision_recall_majoring", 0.8074835788433341),
        ("auc@200", 0.7935694781933416),
        ("auc_minoring@200", 0.7907763220521556),
        ("auc_majoring@200", 0.7963626343345274),
        ("auc_precision_recall@200", 0.8309524059295654),
        ("auc_precision_recall_minoring@200", 0.8052991560456317),
        ("auc_precision_recall_majoring@200", 0.8087798579999282),
    ];
    let names: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    let found = evaluate(&dir, &Config { metrics: metrics(&names), ..Config::default() });
    for (name, expected) in expected {
        let found = found.slices[0].metrics[name];
        // These look at each prediction, and not at 10,000 buckets of them, as here; the ways differ by more.
        assert!((found - expected).abs() < 5e-5, "{name}: {found}, {expected}");
    }
}

#[test]
fn confusion_matrices_are_the_references_at_every_threshold() {
    let Some(dir) = golden("confusion_matrices_are_the_references_at_every_threshold") else {
        return;
    };
    let names = [
        ("true_positives", "truePositives"),
        ("true_negatives", "trueNegatives"),
        ("false_positives", "falsePositives"),
        ("false_negatives", "falseNegatives"),
        ("accuracy", "accuracy"),
        ("precision", "precision"),
        ("recall", "recall"),
        ("f1_score", "f1"),
        ("false_omission_rate", "falseOmissionRate"),
        ("false_positive_rate", "falsePositiveRate"),
    ];
    let text = fs::read_to_string(dir.join("metrics.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let overall =
        &expected["overall"]["confusion_matrix_at_thresholds"]["confusionMatrixAtThresholds"];
    let matrices = overall["matrices"].as_array().unwrap();
    assert_eq!(matrices.len(), 3);
    for matrix in matrices {
        let config = Config {
            metrics: metrics(&names.map(|(name, _)| name)),
            classification_threshold: matrix["threshold"].as_f64().unwrap(),
            ..Config::default()
        };
        let found = evaluate(&dir, &config);
        for (name, theirs) in names {
            let (found, expected) =
                (found.slices[0].metrics[name], matrix[theirs].as_f64().unwrap());
            assert!((found - expected).abs() < 1e-12, "{name}: {found}, {expected}");
        }
    }
}

#[test]
fn the_verdict_is_the_references() {
    let Some(dir) = golden("the_verdict_is_the_references") else { return };
    let on = |metric, bound, slices| Threshold {
        lower_bound: Some(bound),
        slices: ThresholdSlices::Features(crosses(slices)),
        ..Threshold::new(metric)
    };
    // As validation_pass_eval_config.pbtxt; there, a threshold without slices holds on all.
    let config = Config {
        slices: crosses(&[&[], &["slice"]]),
        thresholds: vec![on("auc", 0.5, &[&[], &["slice"]]), on("accuracy", 0.6, &[&["slice"]])],
        ..Config::default()
    };
    let expected = fs::read_to_string(dir.join("validation_pass.pbtxt")).unwrap();
    assert!(expected.starts_with("validation_ok: true"));
    assert_eq!(expected.matches("num_matching_slices: 3").count(), 1);
    let evaluation = evaluate(&dir, &config);
    assert_eq!(
        sizes(&evaluation.slices),
        "overall = 400; slice: east = 153; slice: north = 129; slice: west = 118"
    );
    assert!(validate(&evaluation, &config).blessed);
    // The bound is one that can fail.
    let strict = Config { thresholds: vec![on("accuracy", 0.7, &[&["slice"]])], ..config };
    assert_eq!(validate(&evaluation, &strict).failures.len(), 1);
}
