//! A servable as its users see it.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Float32Type;
use base::ErrorKind;
use graph::{Graph, GraphBuilder, Op, ValueType, Vocabulary};
use model::network::{Network, Weights};
use model::{Architecture, FeatureKind, FeatureSpec, Model, Predictor, Signature, Task};
use servable::{RawInput, Servable, ServableError};

fn graph() -> Graph {
    let mut builder = GraphBuilder::new();
    let tips = builder.input("tips", ValueType::Float).unwrap();
    let fare = builder.input("fare", ValueType::Float).unwrap();
    let rate = builder.literal(0.25).unwrap();
    let threshold = builder.node(Op::Multiply, &[fare, rate]).unwrap();
    let big_tipper = builder.node(Op::Greater, &[tips, threshold]).unwrap();
    let scaled = builder.scale_to_z_score(fare, 10.0, 4.0).unwrap();
    let company = builder.input("company", ValueType::String).unwrap();
    let tokens = Vocabulary::new(["Blue", "Yellow"]).unwrap();
    let vocabulary = builder.vocabulary("company", tokens).unwrap();
    let lookup = Op::Lookup { vocabulary, num_oov_buckets: 1, default_value: -1 };
    let company = builder.node(lookup, &[company]).unwrap();
    for (name, node) in [("big_tipper", big_tipper), ("fare", scaled), ("company", company)] {
        builder.output(name, node).unwrap();
    }
    builder.build()
}

/// A linear model: the scaled fare, and 1, 2 or 4 by company.
fn model(label: &str) -> Model {
    let inputs = vec![
        FeatureSpec { name: "fare".to_owned(), kind: FeatureKind::Numeric },
        FeatureSpec {
            name: "company".to_owned(),
            kind: FeatureKind::Categorical { num_buckets: 3 },
        },
    ];
    let network = Network::new(&inputs, &Architecture::Linear, 1).unwrap();
    let mut weights = Weights::zeros(&network);
    weights.wide.copy_from_slice(&[1.0, 2.0, 4.0]);
    weights.layers[0].weight[0] = 1.0;
    let signature = Signature::new(inputs, label.to_owned(), Task::Regression);
    Model::new(signature, Architecture::Linear, weights).unwrap()
}

fn servable() -> Servable {
    Servable::new(graph(), model("big_tipper")).unwrap()
}

/// Raw examples as a client sends them: without the tips.
fn request() -> RecordBatch {
    let fares: ArrayRef = Arc::new(Float32Array::from(vec![Some(12.0), Some(8.0), None]));
    let companies: ArrayRef =
        Arc::new(StringArray::from(vec![Some("Yellow"), Some("unheard of"), None]));
    RecordBatch::try_from_iter([("company", companies), ("fare", fares)]).unwrap()
}

fn predictions(servable: &Servable, examples: &RecordBatch) -> Vec<f32> {
    let batch = servable.predict(examples).unwrap();
    batch.column(0).as_primitive::<Float32Type>().values().to_vec()
}

#[test]
fn a_request_need_not_hold_what_only_the_label_is_made_of() {
    let servable = servable();
    let input = |name: &str, value_type| RawInput { name: name.to_owned(), value_type };
    assert_eq!(
        servable.raw_inputs(),
        [input("fare", ValueType::Float), input("company", ValueType::String)]
    );
    assert_eq!(predictions(&servable, &request()), [1.0 + 2.0, -1.0 + 4.0, 0.0]);
}

#[test]
fn integers_will_do_for_floats() {
    let fares: ArrayRef = Arc::new(Int64Array::from(vec![14]));
    let companies: ArrayRef = Arc::new(StringArray::from(vec!["Blue"]));
    let examples = RecordBatch::try_from_iter([("fare", fares), ("company", companies)]).unwrap();
    assert_eq!(predictions(&servable(), &examples), [3.0]);
}

#[test]
fn the_label_is_what_the_graph_makes_of_raw_examples() {
    let tips: ArrayRef = Arc::new(Float32Array::from(vec![Some(3.5), Some(2.0), None]));
    let fares: ArrayRef = Arc::new(Float32Array::from(vec![12.0, 8.0, 8.0]));
    let examples = RecordBatch::try_from_iter([("tips", tips), ("fare", fares)]).unwrap();
    let label = servable().label(&examples).unwrap();
    let labels: Vec<_> = label.as_boolean().iter().collect();
    assert_eq!(labels, [Some(true), Some(false), None]);

    let error = servable().label(&request()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "feature `tips` is missing, which the transform graph reads as FLOAT"
    );
}

#[test]
fn a_column_of_another_type_is_named() {
    let fares: ArrayRef = Arc::new(StringArray::from(vec!["12.00"]));
    let companies: ArrayRef = Arc::new(StringArray::from(vec!["Blue"]));
    let examples = RecordBatch::try_from_iter([("fare", fares), ("company", companies)]).unwrap();
    let error = servable().predict(&examples).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(error.to_string(), "feature `fare` is Utf8, the transform graph expects FLOAT");
}

#[test]
fn a_servable_comes_back_from_the_disk_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    Servable::save(dir.path(), &graph(), &model("big_tipper")).unwrap();
    let loaded = Servable::load(dir.path()).unwrap();
    assert_eq!(*loaded.graph(), graph());
    assert_eq!(loaded.raw_inputs(), servable().raw_inputs());
    assert_eq!(predictions(&loaded, &request()), predictions(&servable(), &request()));

    let signature = fs::read_to_string(dir.path().join("signature.json")).unwrap();
    fs::write(dir.path().join("signature.json"), signature.replace("BYTES", "INT")).unwrap();
    assert!(matches!(Servable::load(dir.path()), Err(ServableError::OtherSignature { .. })));
}

#[test]
fn a_signature_of_version_1_is_still_read() {
    let dir = tempfile::tempdir().unwrap();
    Servable::save(dir.path(), &graph(), &model("big_tipper")).unwrap();
    let path = dir.path().join("signature.json");
    let now = fs::read_to_string(&path).unwrap();
    let version_1 = r#"{
  "version": 1,
  "task": "regression",
  "label": "big_tipper",
  "inputs": [{ "name": "fare", "type": "FLOAT" }, { "name": "company", "type": "BYTES" }],
  "outputs": [{ "name": "prediction", "type": "FLOAT" }]
}"#;
    fs::write(&path, version_1).unwrap();
    let loaded = Servable::load(dir.path()).unwrap();
    assert_eq!(predictions(&loaded, &request()), predictions(&servable(), &request()));
    fs::write(&path, now.replace("\"version\": 2", "\"version\": 3")).unwrap();
    assert!(matches!(Servable::load(dir.path()), Err(ServableError::Version { found: 3, .. })));
}

#[test]
fn a_model_of_other_features_is_refused() {
    let error = Servable::new(graph(), model("tip_ratio")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the model reads feature `tip_ratio`, which the graph does not make"
    );
}
