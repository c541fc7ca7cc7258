//! Models that others made, with the graph in front: raw features go in, as for a built-in model.

use std::fs;
use std::path::Path;

use graph::{Graph, GraphBuilder, ValueType};
use model::foreign::{Feature, OnnxOptions, describe, detect};
use model::{FeatureKind, FeatureSpec, Task};
use servable::Servable;
use tempfile::TempDir;

use crate::scene::Scene;

const NAMES: [&str; 3] = ["a", "b", "c"];

/// A graph that makes three features of raw ones: each less 1, and halved.
fn graph() -> Graph {
    let mut builder = GraphBuilder::new();
    for name in NAMES {
        let raw = builder.input(&format!("raw_{name}"), ValueType::Float).unwrap();
        let scaled = builder.scale_to_z_score(raw, 1.0, 4.0).unwrap();
        builder.output(name, scaled).unwrap();
    }
    let label = builder.input("label", ValueType::Float).unwrap();
    builder.output("label", label).unwrap();
    builder.build()
}

/// Pushes what a training wrote as version 1.
fn pushed(written: &Path, task: Task) -> TempDir {
    let feature = |name: &str| Feature {
        spec: FeatureSpec { name: name.to_owned(), kind: FeatureKind::Numeric },
        width: Some(1),
        is_text: false,
    };
    let (dir, made) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = OnnxOptions::default();
    let (wrote, features) = (detect(written).unwrap(), NAMES.map(feature));
    let description = describe(written, &wrote, &features, "label", task, &options, "python3");
    Servable::save_foreign(made.path(), &graph(), &description.unwrap(), written).unwrap();
    push::push(made.path(), &dir.path().join("taxi"), 1).unwrap();
    dir
}

/// Returns raw features of which the graph makes some.
fn row(features: &[f64]) -> String {
    let values: Vec<_> = NAMES
        .iter()
        .zip(features)
        .map(|(n, f)| format!("\"raw_{n}\": {}", f * 2.0 + 1.0))
        .collect();
    format!("{{{}}}", values.join(", "))
}

#[test]
fn an_onnx_model_is_served_behind_the_graph() {
    let onnx = Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/testdata");
    let written = tempfile::tempdir().unwrap();
    fs::copy(onnx.join("logistic.onnx"), written.path().join("model.onnx")).unwrap();
    let scene = Scene::of(pushed(written.path(), Task::BinaryClassification), |_, _| {});
    let expected: serde_json::Value =
        serde_json::from_slice(&fs::read(onnx.join("expected.json")).unwrap()).unwrap();
    let floats = |name: &str| -> Vec<f64> {
        let values = expected["logistic"][name].as_array().unwrap().iter();
        values.map(|value| value.as_f64().unwrap()).collect()
    };
    let (inputs, outputs) = (floats("inputs"), floats("outputs"));
    let rows: Vec<_> = inputs.chunks(3).map(row).collect();
    assert!(rows.len() > 4);

    let answer = scene
        .client()
        .post("/v1/models/taxi:predict", &format!("{{\"instances\": [{}]}}", rows.join(",")))
        .json();
    let predictions = answer["predictions"].as_array().unwrap();
    assert_eq!(predictions.len(), rows.len());
    for (row, of_both) in outputs.chunks(2).enumerate() {
        // The model has other outputs beside its prediction, or has not.
        let given = &predictions[row];
        let given = given.get("prediction").unwrap_or(given)[0].as_f64().unwrap();
        assert!((given - of_both[1]).abs() < 1e-5, "{row}: {given} and {of_both:?}");
    }
    // One row, which goes another way through graph and batcher, is answered the same.
    let one = format!("{{\"examples\": [{}]}}", rows[3]);
    let answer = scene.client().post("/v1/models/taxi:classify", &one).json();
    let score = answer["results"][0][1][1].as_f64().unwrap();
    assert!((score - outputs[7]).abs() < 1e-5, "{answer}");
    let (_, described) = scene.client().get("/v2/models/taxi");
    assert!(described.contains("raw_a") && !described.contains("label"), "{described}");
}

/// A program that predicts the first feature, missing ones as 0.25.
const PROGRAM: &str = r#"echo '{"ready": true}'
while read -r line; do
  id=${line#*:}; id=${id%%,*}
  a=${line#*\"a\":[}; a=${a%%]*}
  a=$(echo "$a" | sed 's/null/0.25/g')
  echo "{\"id\": $id, \"columns\": {\"prediction\": [$a]}}"
done"#;

#[test]
fn a_program_is_served_behind_the_graph() {
    let written = tempfile::tempdir().unwrap();
    fs::write(written.path().join("predict.sh"), PROGRAM).unwrap();
    fs::write(written.path().join("predict.json"), r#"{"command": ["/bin/sh", "predict.sh"]}"#)
        .unwrap();
    let scene = Scene::of(pushed(written.path(), Task::Regression), |_, _| {});
    let post = |body: &str| scene.client().post("/v1/models/taxi:predict", body).text();
    let rows = [row(&[1.5, 0.0, 0.0]), row(&[-2.0, 0.0, 0.0])].join(",");
    let answer = post(&format!("{{\"instances\": [{rows}]}}"));
    assert_eq!(answer, "{\"predictions\": [[1.5], [-2.0]]}");
    let missing = r#"{"instances": [{"raw_a": null, "raw_b": 1, "raw_c": 1}]}"#;
    assert_eq!(post(missing), "{\"predictions\": [[0.25]]}");

    // Many at a time, who wait for their turn.
    std::thread::scope(|scope| {
        for number in 0..8 {
            let body = format!("{{\"instances\": [{}]}}", row(&[f64::from(number), 0.0, 0.0]));
            let post = &post;
            scope.spawn(move || {
                for _ in 0..10 {
                    assert_eq!(post(&body), format!("{{\"predictions\": [[{number}.0]]}}"));
                }
            });
        }
    });
}
