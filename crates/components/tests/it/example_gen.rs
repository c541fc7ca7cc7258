//! ExampleGen as the runner sees it: what it says before it runs, and what it writes down of what it read.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use artifact::{
    Artifact, CheckContext, Checked, Component, FeatureKind, Kind, Outcome, PropertyValue,
    RunContext,
};
use base::BoxError;
use components::{ExampleGen, SchemaGen, StatisticsGen};
use engine::LocalEngine;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scene::{Silent, artifact};

fn engine() -> LocalEngine {
    LocalEngine::new(NonZeroUsize::MIN, Arc::default())
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn check(dir: &Path, config: &Value) -> Checked {
    let context = CheckContext { base_dir: dir, inputs: BTreeMap::new(), engine: &engine() };
    ExampleGen.check(config, &context)
}

/// Runs a component into a folder of the output's name.
fn run(
    component: &dyn Component,
    dir: &Path,
    config: &Value,
    inputs: &BTreeMap<String, Vec<Artifact>>,
) -> Result<(Outcome, Artifact), BoxError> {
    let output = &component.outputs()[0];
    let uri = dir.join("outputs").join(output.key);
    fs::create_dir_all(&uri).unwrap();
    let outputs: BTreeMap<String, PathBuf> = [(output.key.to_owned(), uri.clone())].into();
    let context = RunContext {
        node: "node",
        config,
        base_dir: dir,
        inputs,
        outputs: &outputs,
        keep_dir: None,
        engine: &engine(),
        progress: &Silent,
        now_ms: 0,
    };
    let Kind::Executor(executor) = component.kind() else { panic!("it is no resolver") };
    let outcome = executor.run(&context)?;
    let mut artifact = artifact(1, output.artifact_type.name, uri);
    if let Some(properties) = outcome.properties.get(output.key) {
        artifact.properties = properties.properties.clone();
        artifact.custom_properties = properties.custom_properties.clone();
    }
    Ok((outcome, artifact))
}

#[test]
fn span_and_version_are_written_down_and_decide_about_the_files() {
    let dir = folder(&[
        ("day-1/v1.csv", "n\n1\n"),
        ("day-2/v1.csv", "n\n2\n"),
        ("day-2/v2.csv", "n\n3\n"),
    ]);
    let config = json!({ "source": { "csv": "day-{SPAN}/v{VERSION}.csv" } });
    let files = ExampleGen.files(&config, dir.path()).unwrap();
    assert_eq!(files, [dir.path().join("day-2/v2.csv")]);
    let (_, artifact) = run(&ExampleGen, dir.path(), &config, &BTreeMap::new()).unwrap();
    assert_eq!(artifact.properties["span"], PropertyValue::Int(2));
    assert_eq!(artifact.properties["version"], PropertyValue::Int(2));

    let config = json!({ "source": { "csv": "day-{SPAN}/v1.csv" }, "span": 3 });
    let checked = check(dir.path(), &config);
    assert_eq!(checked.problems.len(), 1);
    assert_eq!(checked.problems[0].key, "span");
    assert!(checked.problems[0].message.ends_with("found the spans 1, 2"));

    let range = json!({ "static_range": { "start_span_number": 1, "end_span_number": 2 } });
    let source = json!({ "csv": "day-{SPAN}/v{VERSION}.csv" });
    let config = json!({ "source": source, "range_config": range });
    assert_eq!(ExampleGen.files(&config, dir.path()).unwrap().len(), 2);
    let (outcome, artifact) = run(&ExampleGen, dir.path(), &config, &BTreeMap::new()).unwrap();
    assert!(outcome.summary.ends_with("; of the spans 1, 2"), "{}", outcome.summary);
    assert_eq!(artifact.properties["span"], PropertyValue::Int(2));
    let range = json!({ "static_range": { "start_span_number": 5, "end_span_number": 6 } });
    let config = json!({ "source": source, "range_config": range });
    assert_eq!(check(dir.path(), &config).problems[0].key, "range_config");

    let config = json!({ "source": { "csv": "day-1/*.csv" } });
    let (_, artifact) = run(&ExampleGen, dir.path(), &config, &BTreeMap::new()).unwrap();
    assert_eq!(artifact.properties["span"], PropertyValue::Int(0));
    assert!(!artifact.properties.contains_key("version"));
}

#[test]
fn splits_of_files_are_the_splits_of_the_artifact() {
    let dir = folder(&[("a.csv", "n\n1\n2\n"), ("b.csv", "n\n3\n")]);
    let config = json!({ "source": { "csv": { "files": { "train": "a.csv", "test": "b.csv" } } } });
    assert!(check(dir.path(), &config).problems.is_empty());
    let (outcome, artifact) = run(&ExampleGen, dir.path(), &config, &BTreeMap::new()).unwrap();
    assert_eq!(outcome.summary, "3 examples: train 2, test 1");
    assert_eq!(artifact.split_names(), ["train", "test"]);
}

#[test]
fn mistakes_are_told_at_their_keys() {
    let dir = folder(&[("a.csv", "n,f\n1,0.5\n"), ("a.jsonl", "{\"n\": 1}\n")]);
    let key = |config: Value| {
        let problems = check(dir.path(), &config).problems;
        problems.iter().map(|problem| problem.key.clone()).collect::<Vec<_>>()
    };
    let csv = json!({ "csv": "a.csv" });
    assert_eq!(key(json!({ "source": csv, "partition_feature": "m" })), ["partition_feature"]);
    assert_eq!(key(json!({ "source": csv, "partition_feature": "f" })), ["partition_feature"]);
    assert_eq!(key(json!({ "source": { "json": "a.jsonl" }, "hash": "tfx" })), ["hash"]);
    assert_eq!(key(json!({ "source": csv, "span": 1 })), ["span"]);
    let columns = json!({ "csv": { "files": "a.csv", "columns": ["a", "a"] } });
    assert_eq!(key(json!({ "source": columns }))[0], "source.csv.columns");
    let by_split = json!({ "csv": { "files": { "train": "a.csv" } } });
    assert_eq!(key(json!({ "source": by_split, "splits": { "a": 1 } })), ["splits"]);
}

#[test]
fn nested_features_are_known_before_anything_runs() {
    let dir = folder(&[("a.jsonl", "{\"n\": 1, \"tags\": [\"a\"], \"place\": {\"x\": 0.5}}\n")]);
    let checked = check(dir.path(), &json!({ "source": { "json": "a.jsonl" } }));
    let features = checked.features["examples"].iter();
    let kinds: Vec<_> = features.map(|feature| (feature.name.as_str(), feature.kind)).collect();
    let expected = [
        ("n", Some(FeatureKind::Int)),
        ("tags", Some(FeatureKind::Bytes)),
        ("place", Some(FeatureKind::Struct)),
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn records_are_as_good_as_parquet() {
    let lines: String = (0..50)
        .map(|n| match n % 3 {
            0 => format!("{{\"n\": {n}, \"f\": 0.5, \"tags\": [\"a\", \"b{n}\"]}}\n"),
            1 => "{\"tags\": [], \"n\": 0}\n".to_owned(),
            _ => format!("{{\"f\": {n}, \"only\": \"\"}}\n"),
        })
        .collect();
    let schema_of = |output: Value| {
        let dir = folder(&[("a.jsonl", &lines)]);
        let config = json!({ "source": { "json": "a.jsonl" }, "output": output });
        assert!(check(dir.path(), &config).problems.is_empty());
        let (outcome, examples) = run(&ExampleGen, dir.path(), &config, &BTreeMap::new()).unwrap();
        let formats = ["payload_format", "file_format"]
            .map(|key| examples.custom_properties[key].to_string());
        let inputs = [("examples".to_owned(), vec![examples])].into();
        let (_, statistics) = run(&StatisticsGen, dir.path(), &json!({}), &inputs).unwrap();
        let bytes = fs::read(statistics.uri.join("Split-train/FeatureStats.pb")).unwrap();
        let inputs = [("statistics".to_owned(), vec![statistics])].into();
        let (_, schema) = run(&SchemaGen, dir.path(), &json!({}), &inputs).unwrap();
        (outcome.summary, bytes, components::read_schema(&schema).unwrap(), formats)
    };
    let (summary, statistics, schema, formats) = schema_of(json!({ "format": "tfrecord" }));
    assert_eq!(formats, ["FORMAT_TF_EXAMPLE", "tfrecords_gzip"]);
    let parquet = schema_of(json!({}));
    assert_eq!((summary, schema), (parquet.0, parquet.2));
    assert!(statistics == parquet.1);

    let dir = folder(&[("a.jsonl", "{\"place\": {\"x\": 1}}\n")]);
    let config = json!({ "source": { "json": "a.jsonl" }, "output": { "format": "tfrecord" } });
    let problems = check(dir.path(), &config).problems;
    assert_eq!(problems[0].key, "output.format");
    assert!(problems[0].message.contains("column `place`"), "{}", problems[0].message);
}

#[test]
fn lists_have_statistics_and_a_schema() {
    let lines: String =
        (0..50).map(|n| format!("{{\"n\": {n}, \"tags\": [\"a\", \"b{n}\"]}}\n")).collect();
    let dir = folder(&[("a.jsonl", &lines)]);
    let config = json!({ "source": { "json": "a.jsonl" }, "splits": { "all": 1 } });
    let (_, examples) = run(&ExampleGen, dir.path(), &config, &BTreeMap::new()).unwrap();
    let inputs = [("examples".to_owned(), vec![examples])].into();
    let (_, statistics) = run(&StatisticsGen, dir.path(), &json!({}), &inputs).unwrap();
    let inputs = [("statistics".to_owned(), vec![statistics])].into();
    let (_, schema) = run(&SchemaGen, dir.path(), &json!({}), &inputs).unwrap();
    let schema = components::read_schema(&schema).unwrap();
    let names: Vec<_> = schema.feature.iter().map(|feature| feature.name().to_owned()).collect();
    assert_eq!(names, ["n", "tags"]);
}
