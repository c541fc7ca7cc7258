//! Servables whose model others made: ONNX files, and programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, RecordBatch};
use arrow::datatypes::Float32Type;
use graph::{Graph, GraphBuilder, ValueType};
use model::foreign::{Feature, ForeignError, OnnxOptions, Wrote, describe, detect};
use model::{FeatureKind, FeatureSpec, Predictor, Task};
use servable::{Servable, ServableError};
use tempfile::TempDir;

/// A graph that hands on three numbers, and a label.
fn graph() -> Graph {
    let mut builder = GraphBuilder::new();
    for name in ["a", "b", "c", "label"] {
        let node = builder.input(name, ValueType::Float).unwrap();
        builder.output(name, node).unwrap();
    }
    builder.build()
}

fn features(names: &[&str]) -> Vec<Feature> {
    let feature = |name: &&str| Feature {
        spec: FeatureSpec { name: (*name).to_owned(), kind: FeatureKind::Numeric },
        width: Some(1),
        is_text: false,
    };
    names.iter().map(feature).collect()
}

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/testdata").join(name)
}

/// A folder that a training wrote, with one of the ONNX files.
fn wrote_onnx(name: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(testdata(name), dir.path().join("model.onnx")).unwrap();
    dir
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

fn save(
    written: &Path,
    to: &Path,
    names: &[&str],
    task: Task,
    options: &OnnxOptions,
) -> Result<Servable, ServableError> {
    let wrote = detect(written)?;
    let features = features(names);
    let description = describe(written, &wrote, &features, "label", task, options, "python3")?;
    Servable::save_foreign(to, &graph(), &description, written)?;
    Servable::load(to)
}

/// The rows and the probabilities of class 1 that ONNX Runtime gave.
fn expected(name: &str) -> (RecordBatch, Vec<f32>) {
    let all: serde_json::Value =
        serde_json::from_slice(&fs::read(testdata("expected.json")).unwrap()).unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "they were 32-bit floats")]
    let floats = |value: &serde_json::Value| -> Vec<Option<f32>> {
        let values = value.as_array().unwrap().iter();
        values.map(|value| value.as_f64().map(|value| value as f32)).collect()
    };
    let inputs = floats(&all[name]["inputs"]);
    let column = |at: usize| inputs.iter().skip(at).step_by(3).copied().collect();
    let outputs = floats(&all[name]["outputs"]);
    let of_one = outputs.iter().skip(1).step_by(2).map(|value| value.unwrap()).collect();
    (raw([column(0), column(1), column(2)]), of_one)
}

#[test]
fn an_onnx_file_predicts_behind_the_graph() {
    for name in ["logistic", "forest", "mlp"] {
        let written = wrote_onnx(&format!("{name}.onnx"));
        assert_eq!(detect(written.path()).unwrap(), Wrote::Onnx("model.onnx".to_owned()));
        let to = tempfile::tempdir().unwrap();
        let names = ["a", "b", "c"];
        let task = Task::BinaryClassification;
        let servable = save(written.path(), to.path(), &names, task, &OnnxOptions::default());
        let servable = servable.unwrap();
        let (rows, wanted) = expected(name);
        for (given, wanted) in predictions(&servable, &rows).iter().zip(&wanted) {
            assert!((given - wanted).abs() < 1e-5, "{name}: {given} and {wanted}");
        }
        assert!(predictions(&servable, &rows.slice(0, 0)).is_empty());
        assert_eq!(servable.raw_inputs().len(), 3);
        assert!(servable.model().built_in().is_none());
    }
}

#[test]
fn the_order_of_a_matrix_is_the_one_that_is_said() {
    let written = wrote_onnx("logistic.onnx");
    let (rows, wanted) = expected("logistic");
    let order = |names: [&str; 3]| OnnxOptions {
        inputs: Some(BTreeMap::from([(
            "float_input".to_owned(),
            names.map(str::to_owned).to_vec(),
        )])),
        prediction: None,
    };
    let at = |names| {
        let to = tempfile::tempdir().unwrap();
        // The features themselves come in another order.
        let task = Task::BinaryClassification;
        let servable = save(written.path(), to.path(), &["c", "a", "b"], task, &order(names));
        predictions(&servable.unwrap(), &rows)
    };
    let right = at(["a", "b", "c"]);
    assert!(right.iter().zip(&wanted).all(|(given, wanted)| (given - wanted).abs() < 1e-5));
    assert!(at(["c", "b", "a"]).iter().zip(&wanted).any(|(a, b)| (a - b).abs() > 1e-3));
}

#[test]
fn what_does_not_go_together_is_said() {
    let said = |file: &str, names: &[&str], task, options: &OnnxOptions| {
        let to = tempfile::tempdir().unwrap();
        save(wrote_onnx(file).path(), to.path(), names, task, options).unwrap_err().to_string()
    };
    let none = OnnxOptions::default();
    let binary = Task::BinaryClassification;
    assert_eq!(
        said("logistic.onnx", &["a", "b"], binary, &none),
        "the inputs of the ONNX model are `float_input` (float[?, 3]); the features are `a`, `b`; input \
         `float_input` has 3 values in each row, the features have 2"
    );
    assert_eq!(
        said("named.onnx", &["a", "b", "c"], binary, &none),
        "the inputs of the ONNX model are `fare` (float[?]), `company` (int64[?]); the features are `a`, `b`, `c`; \
         no features have the names of `fare`, `company`"
    );
    let other = OnnxOptions { prediction: Some("probability".to_owned()), ..none.clone() };
    let outputs = said("logistic.onnx", &["a", "b", "c"], binary, &other);
    assert!(outputs.ends_with("`onnx.prediction` is `probability`"), "{outputs}");
    let classes = Task::MultiClassClassification { num_classes: 5 };
    let width = said("logistic.onnx", &["a", "b", "c"], classes, &none);
    assert!(
        width.ends_with("`probabilities` has 2 values in each row, the prediction of multi_class_classification has 5"),
        "{width}"
    );
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(detect(empty.path()), Err(ForeignError::NoModel { .. })));
    for name in ["one.onnx", "two.onnx"] {
        fs::write(empty.path().join(name), "").unwrap();
    }
    assert!(matches!(detect(empty.path()), Err(ForeignError::SeveralModels { .. })));
}

#[test]
fn a_damaged_model_does_not_load() {
    let written = wrote_onnx("logistic.onnx");
    let to = tempfile::tempdir().unwrap();
    let names = ["a", "b", "c"];
    save(written.path(), to.path(), &names, Task::BinaryClassification, &OnnxOptions::default())
        .unwrap();
    let description = to.path().join("model/foreign.json");
    let text = fs::read_to_string(&description).unwrap();
    fs::write(&description, text.replace("\"version\": 1", "\"version\": 9")).unwrap();
    let error = Servable::load(to.path()).unwrap_err().to_string();
    assert!(error.ends_with("format version 9, expected at most 1"), "{error}");
    fs::write(&description, text.replace("probabilities", "chances")).unwrap();
    assert!(
        Servable::load(to.path()).unwrap_err().to_string().contains("`chances` is none of them")
    );
    fs::write(&description, text).unwrap();
    fs::write(to.path().join("model/files/model.onnx"), "no model").unwrap();
    assert!(Servable::load(to.path()).unwrap_err().to_string().contains("not an ONNX model"));
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
    let servable =
        save(written.path(), to.path(), &names, Task::Regression, &OnnxOptions::default()).unwrap();
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
    let error = save(written.path(), to.path(), &names, Task::Regression, &OnnxOptions::default());
    let error = base::render_chain(&error.unwrap_err());
    assert!(
        error.contains("predict.json: not a description of a program that predicts"),
        "{error}"
    );
    assert!(error.contains("unknown field `comand`"), "{error}");
}
