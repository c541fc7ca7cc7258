//! The schema generator, from statistics on disk to a schema.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use artifact::{CheckContext, Component, FeatureKind};
use components::{SchemaGen, read_schema};
use engine::LocalEngine;
use formats::metadata::Schema;
use serde_json::{Value, json};

use crate::stage::{Done, Stage};

fn trips(paid: &[&str]) -> RecordBatch {
    let texts: ArrayRef = Arc::new(StringArray::from(paid.to_vec()));
    let tips: ArrayRef = Arc::new(Int64Array::from_iter_values(paid.iter().map(|_| 7)));
    RecordBatch::try_from_iter([("paid", texts), ("tips", tips)]).unwrap()
}

/// A person said that tips end at 5, and that a feature of theirs may be there.
const CURATED: &str = "
    feature { name: 'tips' type: INT int_domain { min: 0 max: 5 } annotation { tag: 'mine' } }
    feature { name: 'toll' type: BYTES domain: 'paid' }
    string_domain { name: 'paid' value: 'Toll' }
    default_environment: 'SERVING'";

fn run(stage: &Stage, config: &Value) -> Done {
    let statistics =
        stage.statistics("now", &[("train", trips(&["Cash"])), ("eval", trips(&["Card", "Card"]))]);
    stage.run(&SchemaGen, &[("statistics", statistics)], config).unwrap()
}

fn schema(done: &Done) -> Schema {
    read_schema(&done.artifact).unwrap()
}

fn names(schema: &Schema) -> Vec<&str> {
    schema.feature.iter().map(|feature| feature.name()).collect()
}

#[test]
fn without_a_curated_schema_it_is_inferred() {
    let stage = Stage::new();
    let done = run(&stage, &json!({}));
    assert_eq!(done.outcome.summary, "2 features, from train, eval");
    let found = schema(&done);
    assert_eq!(names(&found), ["paid", "tips"]);
    assert_eq!(found.string_domain[0].value, ["Cash", "Card"]);
    let done = run(&stage, &json!({ "exclude_splits": ["eval"] }));
    assert_eq!(done.outcome.summary, "2 features, from train");
    assert_eq!(schema(&done).string_domain[0].value, ["Cash"]);
}

#[test]
fn what_a_person_said_is_kept_and_what_is_new_is_added() {
    let stage = Stage::new();
    std::fs::write(stage.path().join("mine.pbtxt"), CURATED).unwrap();
    let config = json!({ "curated": { "schema_file": "mine.pbtxt" } });
    let done = run(&stage, &config);
    assert_eq!(done.outcome.summary, "3 features, from train, eval; curated, 1 added: paid");
    let (found, mine) = (schema(&done), formats::text::parse::<Schema>(CURATED).unwrap());
    assert_eq!(names(&found), ["tips", "toll", "paid"]);
    assert_eq!(found.feature[..2], mine.feature);
    assert_eq!(found.default_environment, mine.default_environment);
    // The name of the new feature's domain was taken.
    assert_eq!(found.string_domain[0], mine.string_domain[0]);
    assert_eq!(found.string_domain[1].name(), "paid2");
    assert_eq!(found.string_domain[1].value, ["Cash", "Card"]);
    assert_eq!(schema::check_schema(&found), []);

    // What came out can be curated in turn.
    let text = done.read("schema.pbtxt");
    std::fs::write(stage.path().join("mine.pbtxt"), &text).unwrap();
    let again = run(&stage, &config);
    assert_eq!(again.outcome.summary, "3 features, from train, eval; curated, nothing added");
    assert_eq!(again.read("schema.pbtxt"), text);
    let files = SchemaGen.files(&config, stage.path()).unwrap();
    assert_eq!(files, [stage.path().join("mine.pbtxt")]);
}

#[test]
fn a_curated_schema_is_relaxed_where_that_is_asked_for() {
    let stage = Stage::new();
    std::fs::write(stage.path().join("mine.pbtxt"), CURATED).unwrap();
    let config = json!({ "curated": { "schema_file": "mine.pbtxt", "update": "relax" } });
    let done = run(&stage, &config);
    let found = schema(&done);
    assert_eq!(names(&found), ["tips", "toll", "paid"]);
    assert_eq!(found.feature[0].annotation.as_ref().unwrap().tag, ["mine"]);
    assert!(
        done.outcome.summary.contains("feature `tips`: int_domain.max: 5 -> 7 (relaxed)"),
        "{}",
        done.outcome.summary
    );
}

#[test]
fn a_curated_file_is_checked_before_the_run_and_its_features_are_known() {
    let stage = Stage::new();
    let known: &[(&str, FeatureKind)] = &[("paid", FeatureKind::Bytes), ("tips", FeatureKind::Int)];
    let config = json!({ "curated": { "schema_file": "mine.pbtxt" } });
    let problems = || stage.problems(&SchemaGen, &[("statistics", known)], &config);
    let found = problems();
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("curated.schema_file: cannot read "), "{found:?}");
    std::fs::write(
        stage.path().join("mine.pbtxt"),
        "feature { name: 'tips' type: INT domain: 'x' }",
    )
    .unwrap();
    let found = problems();
    assert!(found[0].starts_with("curated.schema_file: feature `tips`: found "), "{found:?}");

    std::fs::write(stage.path().join("mine.pbtxt"), CURATED).unwrap();
    assert_eq!(problems(), [""; 0]);
    let engine = LocalEngine::with_all_cores(Arc::default());
    let feature = |name: &str| artifact::FeatureInfo {
        name: name.to_owned(),
        kind: Some(FeatureKind::Bytes),
        is_list: Some(false),
        num_buckets: None,
        note: None,
    };
    let inputs = [("statistics", Some(vec![feature("paid"), feature("tips")]))].into();
    let context = CheckContext { base_dir: stage.path(), inputs, engine: &engine };
    let checked = SchemaGen.check(&config, &context);
    let found: Vec<_> =
        checked.features["schema"].iter().map(|it| (it.name.as_str(), it.kind)).collect();
    assert_eq!(
        found,
        [
            ("tips", Some(FeatureKind::Int)),
            ("toll", Some(FeatureKind::Bytes)),
            ("paid", Some(FeatureKind::Bytes)),
        ]
    );
}
