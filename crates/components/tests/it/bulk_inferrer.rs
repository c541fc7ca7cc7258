//! BulkInferrer: the examples stay what they were, with predictions beside.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Float32Type;
use artifact::{
    Answer, CheckContext, Component, Executor, FeatureInfo, FeatureKind, Outcome, PropertyValue,
    RunContext,
};
use base::{BoxError, digest_tree};
use components::BulkInferrer;
use dataflow::Source;
use dataset::Dataset;
use engine::LocalEngine;
use serde_json::{Value, json};

use crate::scene::{Scene, Silent, artifact};

fn engine(threads: usize) -> LocalEngine {
    LocalEngine::new(NonZeroUsize::new(threads).unwrap(), Arc::default())
}

fn scene() -> Scene {
    let scene = Scene::new();
    let trips: Vec<_> = (0..100u8).map(|i| (Some(f32::from(i)), Some(1.0), Some("Cash"))).collect();
    scene.write_split("train", &trips);
    scene.write_split("eval", &[(None, None, None), (Some(7.0), Some(2.0), None)]);
    scene.write_model("candidate", "fare", 1.0);
    scene
}

fn infer(
    scene: &Scene,
    config: &Value,
    blessed: Option<i64>,
    threads: usize,
) -> Result<(Outcome, PathBuf), BoxError> {
    let mut examples = artifact(1, "Examples", scene.path("examples"));
    examples
        .properties
        .insert("split_names".to_owned(), PropertyValue::from(r#"["train", "eval"]"#.to_owned()));
    let mut inputs = BTreeMap::from([
        ("examples".to_owned(), vec![examples]),
        ("model".to_owned(), vec![artifact(2, "Model", scene.path("candidate"))]),
    ]);
    if let Some(blessed) = blessed {
        let mut blessing = artifact(3, "ModelBlessing", scene.path("blessing"));
        blessing.custom_properties.insert("blessed".to_owned(), blessed.into());
        inputs.insert("blessing".to_owned(), vec![blessing]);
    }
    let out = scene.path(&format!("out-{threads}-{}", config.to_string().len()));
    std::fs::create_dir(&out).unwrap();
    let outputs = BTreeMap::from([("output_examples".to_owned(), out.clone())]);
    let outcome = BulkInferrer.run(&RunContext {
        node: "bulk_inferrer",
        config,
        base_dir: Path::new("/nowhere"),
        inputs: &inputs,
        outputs: &outputs,
        keep_dir: None,
        engine: &engine(threads),
        progress: &Silent,
        now_ms: 0,
    })?;
    Ok((outcome, out))
}

fn read(root: &Path, split: &str) -> RecordBatch {
    let dataset = Dataset::open(root, &[]).unwrap();
    let source = dataset.split(split).unwrap().source().unwrap();
    source.read(0, None).unwrap().next().unwrap().unwrap()
}

fn names(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|field| field.name().clone()).collect()
}

#[test]
fn examples_keep_their_splits_and_features() {
    let scene = scene();
    let (outcome, out) = infer(&scene, &json!({}), Some(1), 1).unwrap();
    assert_eq!(outcome.summary, "102 predictions: train 100, eval 2");
    let properties = &outcome.properties["output_examples"].properties;
    assert_eq!(properties["split_names"].as_str(), Some(r#"["train","eval"]"#));
    let train = read(&out, "train");
    assert_eq!(names(&train), ["fare", "tips", "payment_type", "label", "prediction", "logit"]);
    let raw = read(&scene.path("examples"), "train");
    assert_eq!(raw.columns(), &train.columns()[..4]);
    let logit = train.column(5).as_primitive::<Float32Type>();
    let fare = train.column(0).as_primitive::<Float32Type>();
    assert!(fare.values().iter().zip(logit.values()).all(|(a, b)| (a - b).abs() < 1e-4));
    assert_eq!(read(&out, "eval").num_rows(), 2);

    let (_, again) = infer(&scene, &json!({}), None, 5).unwrap();
    assert_eq!(digest_tree(&out).unwrap(), digest_tree(&again).unwrap());
}

#[test]
fn what_is_kept_and_what_outputs_are_called_can_be_said() {
    let scene = scene();
    let config = json!({
        "example_splits": ["eval"],
        "keep": ["payment_type"],
        "outputs": { "prediction": "score" },
        "output": { "format": "tfrecord" },
    });
    let (outcome, out) = infer(&scene, &config, None, 2).unwrap();
    assert_eq!(outcome.summary, "2 predictions: eval 2");
    let format = &outcome.properties["output_examples"].custom_properties["file_format"];
    assert_eq!(format.as_str(), Some("tfrecords_gzip"));
    let eval = read(&out, "eval");
    assert_eq!(names(&eval), ["payment_type", "score"]);
    assert_eq!(eval.column(0).null_count(), 2);
    let config = json!({ "outputs": { "prediction": "fare" } });
    let error = infer(&scene, &config, None, 1).unwrap_err();
    assert_eq!(error.to_string(), "two columns of the result would be called `fare`");
}

#[test]
fn a_model_that_is_not_blessed_predicts_nothing() {
    let scene = scene();
    let (outcome, out) = infer(&scene, &json!({}), Some(0), 1).unwrap();
    assert_eq!(outcome.summary, "nothing predicted: the model is not blessed");
    assert!(matches!(outcome.answer, Answer::No { stop: true, .. }));
    assert_eq!(std::fs::read_dir(out).unwrap().count(), 0);
}

#[test]
fn mistakes_are_found_before_anything_runs() {
    let fare = FeatureInfo {
        name: "fare".to_owned(),
        kind: Some(FeatureKind::Float),
        is_list: Some(false),
        num_buckets: None,
        note: None,
    };
    let context = CheckContext {
        base_dir: Path::new("/nowhere"),
        inputs: BTreeMap::from([("examples", Some(vec![fare]))]),
        engine: &engine(1),
    };
    let said = |config: &Value| -> Vec<String> {
        let checked = BulkInferrer.check(config, &context);
        checked.problems.into_iter().map(|it| format!("{}: {}", it.key, it.message)).collect()
    };
    assert_eq!(
        said(&json!({ "keep": ["fares"] })),
        ["keep.0: the examples have no feature `fares`, perhaps `fare`"]
    );
    assert_eq!(
        said(&json!({ "outputs": { "prediction": "fare" } })),
        ["outputs.prediction: there is a feature `fare` already"]
    );
    assert!(said(&json!({ "keep": ["fare"], "outputs": { "prediction": "score" } })).is_empty());
}
