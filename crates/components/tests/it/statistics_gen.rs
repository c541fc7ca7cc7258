//! Statistics by slice, by weight and of samples, as the pipeline asks for them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use artifact::{
    Artifact, CheckContext, Component, Executor, FeatureInfo, FeatureKind, Outcome, RunContext,
};
use base::BoxError;
use components::{ExampleValidator, SchemaGen, StatisticsGen};
use engine::LocalEngine;
use serde_json::{Value, json};

use crate::scene::{Scene, Silent, Trip, artifact};

const TRIPS: [Trip; 4] = [
    (Some(5.0), Some(1.0), Some("Cash")),
    (Some(7.5), None, Some("Card")),
    (Some(4.0), Some(0.0), Some("Cash")),
    (None, Some(2.0), None),
];

fn engine() -> LocalEngine {
    LocalEngine::new(NonZeroUsize::MIN, Arc::default())
}

pub(crate) fn split_artifact(id: i64, type_name: &str, uri: PathBuf, splits: &[&str]) -> Artifact {
    let mut artifact = artifact(id, type_name, uri);
    let names = Value::from(splits).to_string();
    artifact.properties.insert("split_names".to_owned(), names.into());
    artifact
}

pub(crate) fn run<C: Component + Executor>(
    component: &C,
    scene: &Scene,
    config: Value,
    inputs: BTreeMap<String, Vec<Artifact>>,
) -> Result<Outcome, BoxError> {
    let outputs: BTreeMap<String, PathBuf> = component
        .outputs()
        .iter()
        .map(|output| (output.key.to_owned(), scene.path(output.key)))
        .collect();
    outputs.values().for_each(|dir| std::fs::create_dir_all(dir).unwrap());
    component.run(&RunContext {
        node: "node",
        config: &config,
        base_dir: &scene.path(""),
        inputs: &inputs,
        outputs: &outputs,
        keep_dir: None,
        engine: &engine(),
        progress: &Silent,
        now_ms: 0,
    })
}

fn generate(scene: &Scene, config: Value) -> Result<Outcome, BoxError> {
    scene.write_split("train", &TRIPS);
    scene.write_split("eval", &TRIPS);
    let examples = split_artifact(1, "Examples", scene.path("examples"), &["train", "eval"]);
    run(&StatisticsGen, scene, config, [("examples".to_owned(), vec![examples])].into())
}

/// The name, examples and weight of every dataset of every split.
fn datasets(scene: &Scene, splits: &[&str]) -> Vec<(String, String, u64, f64)> {
    let statistics = split_artifact(2, "ExampleStatistics", scene.path("statistics"), splits);
    let read = components::read_statistics(&statistics).unwrap().into_iter();
    read.flat_map(|(split, list)| {
        let row = move |dataset: &formats::metadata::DatasetFeatureStatistics| {
            let weight = dataset.weighted_num_examples;
            (split.clone(), dataset.name.clone(), dataset.num_examples, weight)
        };
        list.datasets.iter().map(row).collect::<Vec<_>>()
    })
    .collect()
}

#[test]
fn slices_and_weights_are_in_every_split_and_the_schema_is_of_all_examples() {
    let scene = Scene::new();
    let config = json!({
        "example_weight": "label",
        "slices": [{ "features": ["payment_type"] }],
        "exclude_splits": ["eval"],
    });
    let outcome = generate(&scene, config).unwrap();
    assert_eq!(outcome.summary, "4 features of 4 examples and 2 slices");
    let row = |name: &str, count, weight| ("train".to_owned(), name.to_owned(), count, weight);
    let expected = [
        row("All Examples", 4, 28.0),
        row("payment_type_Card", 1, 7.0),
        row("payment_type_Cash", 2, 14.0),
    ];
    assert_eq!(datasets(&scene, &["train"]), expected);

    let statistics = split_artifact(2, "ExampleStatistics", scene.path("statistics"), &["train"]);
    let inputs = BTreeMap::from([("statistics".to_owned(), vec![statistics])]);
    run(&SchemaGen, &scene, json!({}), inputs.clone()).unwrap();
    let schema = artifact(3, "Schema", scene.path("schema"));
    let read = components::read_schema(&schema).unwrap();
    let payment = read.feature.iter().find(|f| f.name() == "payment_type").unwrap();
    // Both values are in the whole, each slice has one.
    let domain = read.string_domain.iter().find(|d| d.name() == payment.name()).unwrap();
    assert_eq!(domain.value, ["Card", "Cash"]);
    let mut inputs = inputs;
    inputs.insert("schema".to_owned(), vec![schema]);
    let outcome = run(&ExampleValidator, &scene, json!({}), inputs).unwrap();
    assert_eq!(outcome.summary, "no anomalies");
}

#[test]
fn splits_have_samples_of_their_own_and_a_curated_schema_is_followed() {
    let scene = Scene::new();
    let schema = r#"feature { name: "label" type: INT int_domain { is_categorical: true } }"#;
    std::fs::write(scene.path("curated.pbtxt"), schema).unwrap();
    let config = json!({
        "schema_file": "curated.pbtxt",
        "features": ["label"],
        "sample_rate": 1e-9,
        "sample_rate_by_split": { "eval": 1.0 },
    });
    let files = StatisticsGen.files(&config, &scene.path("")).unwrap();
    assert_eq!(files, [scene.path("curated.pbtxt")]);
    generate(&scene, config).unwrap();
    let found: Vec<_> = datasets(&scene, &["train", "eval"]).iter().map(|row| row.2).collect();
    assert_eq!(found, [0, 4]);
    let statistics = split_artifact(2, "ExampleStatistics", scene.path("statistics"), &["eval"]);
    let read = components::read_statistics(&statistics).unwrap();
    let features = &read[0].1.datasets[0].features;
    let stats = features[0].stats.as_ref().unwrap();
    let formats::metadata::feature_name_statistics::Stats::StringStats(strings) = stats else {
        panic!("{stats:?}")
    };
    assert_eq!((features.len(), strings.unique, strings.top_values[0].value.as_str()), (1, 1, "7"));
}

#[test]
fn mistakes_are_found_before_anything_runs_each_at_its_place() {
    let feature = |name: &str, kind| FeatureInfo {
        name: name.to_owned(),
        kind,
        is_list: Some(false),
        num_buckets: None,
        note: None,
    };
    let known = vec![
        feature("fare", Some(FeatureKind::Float)),
        feature("payment_type", Some(FeatureKind::Bytes)),
        feature("tips", None),
    ];
    let config = json!({
        "example_weight": "tips",
        "slices": [{ "features": ["payment_typ", "fare"] }],
        "sample_rate_by_split": { "train": 2.0 },
        "schema_file": "nowhere.pbtxt",
    });
    let engine = engine();
    let context = CheckContext {
        base_dir: &std::env::temp_dir(),
        inputs: [("examples", Some(known))].into(),
        engine: &engine,
    };
    let problems = StatisticsGen.check(&config, &context).problems;
    let shown: Vec<(&str, &str)> =
        problems.iter().take(3).map(|p| (p.key.as_str(), p.message.as_str())).collect();
    let expected = [
        ("slices.0.features.0", "there is no feature `payment_typ`"),
        (
            "slices.0.features.1",
            "feature `fare` is FLOAT, expected INT, STRING, or a list of one of them",
        ),
        ("sample_rate_by_split.train", "found 2, expected more than 0 and at most 1"),
    ];
    assert_eq!(shown, expected);
    assert_eq!(problems[0].hint.as_deref(), Some("did you mean `payment_type`?"));
    assert_eq!((problems.len(), problems[3].key.as_str()), (4, "schema_file"));
}
