//! Servables whose model others made: programs that predict.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, RecordBatch};
use arrow::datatypes::Float32Type;
use graph::{Graph, GraphBuilder, ValueType};
use model::foreign::{describe, detect};
use model::{FeatureKind, FeatureSpec, Predictor, Task};
use servable::{Servable, ServableError};

/// A graph that hands on three numbers, and a label.
fn graph() -> Graph {
    let mut builder = GraphBuilder::new();
    for name in ["a", "b", "c", "label"] {
        let node = builder.input(name, ValueType::Float).unwrap();
        builder.output(name, node).unwrap();
    }
    builder.build()
}

fn features(names: &[&str]) -> Vec<FeatureSpec> {
    let feature =
        |name: &&str| FeatureSpec { name: (*name).to_owned(), kind: FeatureKind::Numeric };
    names.iter().map(feature).collect()
}

fn raw(columns: [Vec<Option<f32>>; 3]) -> RecordBatch {
    let columns = ["a", "b", "c"]
        .into_iter()
        .zip(columns)
        .map(|(name, values)| (name, Arc::new(Float32Array::from(values)) as ArrayRef));
    RecordBatch::try_from_iter(columns).unwrap()
}

fn predictions(servable: &Servable, raw: &RecordBatch) -> Vec<f32> {
    let batch = servable.predict(raw).unwrap();
    assert_eq!(batch.num_rows(), raw.num_rows());
    batch.column_by_name("prediction").unwrap().as_primitive::<Float32Type>().values().to_vec()
}

fn save(written: &Path, to: &Path, names: &[&str], task: Task) -> Result<Servable, ServableError> {
    let wrote = detect(written)?;
    let features = features(names);
    let description = describe(written, &wrote, features, "label", task, "python3")?;
    Servable::save_foreign(to, &graph(), &description, written)?;
    Servable::load(to)
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
fn a_program_predicts_behind_the_graph() {
    let written = tempfile::tempdir().unwrap();
    fs::write(written.path().join("predict.sh"), PROGRAM).unwrap();
    fs::write(written.path().join("predict.json"), r#"{"command": ["/bin/sh", "predict.sh"]}"#)
        .unwrap();
    let to = tempfile::tempdir().unwrap();
    let names = ["a", "b"];
    let servable = save(written.path(), to.path(), &names, Task::Regression).unwrap();
    // The folder that was written is not needed any more: the servable has its own.
    drop(written);
    let rows =
        raw([vec![Some(1.5), None, Some(-2.0)], vec![None, None, None], vec![None, None, None]]);
    assert_eq!(predictions(&servable, &rows), [1.5, 0.25, -2.0]);
    assert_eq!(predictions(&servable, &rows.slice(1, 1)), [0.25]);
    let names: Vec<_> = servable.raw_inputs().iter().map(|input| input.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(predictions(&servable, &rows), [1.5, 0.25, -2.0]));
        }
    });
}

#[test]
fn a_predict_json_that_says_something_else_is_named() {
    let written = tempfile::tempdir().unwrap();
    fs::write(written.path().join("predict.json"), r#"{"comand": ["sh"]}"#).unwrap();
    let to = tempfile::tempdir().unwrap();
    let names = ["a"];
    let error = save(written.path(), to.path(), &names, Task::Regression);
    let error = base::render_chain(&error.unwrap_err());
    assert!(
        error.contains("predict.json: not a description of a program that predicts"),
        "{error}"
    );
    assert!(error.contains("unknown field `comand`"), "{error}");
}
