//! What a schema says of features, from the data through statistics to anomalies, and back to a schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Int64Type};
use components::{ExampleValidator, SchemaGen, StatisticsGen};
use dataset::{Dataset, ShardWriter};
use formats::metadata::feature::DomainInfo;
use serde_json::{Value, json};

use crate::scene::{Scene, artifact};
use crate::statistics_gen::{run, split_artifact};

fn write(scene: &Scene, columns: Vec<(&str, ArrayRef)>) {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let dir = Dataset::split_dir(&scene.path("examples"), "train");
    let mut writer = ShardWriter::create(&dir, "examples", batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn numbers(rows: &[Option<&[i64]>]) -> ArrayRef {
    let row =
        |row: &Option<&[i64]>| row.map(|row| row.iter().copied().map(Some).collect::<Vec<_>>());
    Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(rows.iter().map(row)))
}

fn words(rows: &[&str]) -> ArrayRef {
    let words: Vec<&str> = rows.iter().flat_map(|row| row.split_whitespace()).collect();
    let lengths = rows.iter().map(|row| row.split_whitespace().count());
    let items = Arc::new(StringArray::from(words));
    let field = Arc::new(Field::new("item", arrow::datatypes::DataType::Utf8, true));
    Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), items, None))
}

/// Runs StatisticsGen with a schema, and ExampleValidator with the same: the feature and type of every anomaly.
fn anomalies(scene: &Scene, schema: &str, more: Value) -> Vec<(String, String)> {
    std::fs::create_dir_all(scene.path("schema")).unwrap();
    std::fs::write(scene.path("schema/schema.pbtxt"), schema).unwrap();
    let mut config = json!({ "schema_file": "schema/schema.pbtxt" });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let examples = split_artifact(1, "Examples", scene.path("examples"), &["train"]);
    let inputs = BTreeMap::from([("examples".to_owned(), vec![examples])]);
    run(&StatisticsGen, scene, config, inputs).unwrap();
    let statistics = split_artifact(2, "ExampleStatistics", scene.path("statistics"), &["train"]);
    let schema = artifact(3, "Schema", scene.path("schema"));
    let inputs = [("statistics".to_owned(), vec![statistics]), ("schema".to_owned(), vec![schema])];
    run(&ExampleValidator, scene, json!({}), inputs.into()).unwrap();
    let found = split_artifact(4, "ExampleAnomalies", scene.path("anomalies"), &["train"]);
    let splits = components::read_findings(&found).unwrap();
    let findings = splits.into_iter().flat_map(|(_, findings)| findings);
    let mut found: Vec<_> =
        findings.map(|finding| (finding.path, finding.code.to_owned())).collect();
    found.sort();
    found
}

fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(feature, code)| (feature.to_owned(), code.to_owned())).collect()
}

const COMPOSITES: &str = r#"
    feature { name: "value" type: INT }
    feature { name: "index" type: INT }
    sparse_feature { name: "sparse" value_feature { name: "value" } index_feature { name: "index" } }
    weighted_feature { name: "weighted" feature { step: "value" } weight_feature { step: "index" } }
"#;

#[test]
fn sparse_and_weighted_features_that_do_not_match_are_anomalies() {
    let scene = Scene::new();
    let rows: [Option<&[i64]>; 4] = [Some(&[1, 2]), Some(&[3]), None, None];
    let index: [Option<&[i64]>; 4] = [Some(&[1, 2]), Some(&[1, 2]), Some(&[1]), None];
    write(&scene, vec![("value", numbers(&rows)), ("index", numbers(&index))]);
    let found = anomalies(&scene, COMPOSITES, json!({}));
    let pairs = [
        ("sparse", "SPARSE_FEATURE_LENGTH_MISMATCH"),
        ("sparse", "SPARSE_FEATURE_MISSING_VALUE"),
        ("weighted", "WEIGHTED_FEATURE_LENGTH_MISMATCH"),
        ("weighted", "WEIGHTED_FEATURE_MISSING_VALUE"),
    ];
    assert_eq!(found, expected(&pairs));

    let scene = Scene::new();
    write(&scene, vec![("value", numbers(&index)), ("index", numbers(&rows))]);
    let found = anomalies(&scene, COMPOSITES, json!({}));
    let pairs = [
        ("sparse", "SPARSE_FEATURE_LENGTH_MISMATCH"),
        ("sparse", "SPARSE_FEATURE_MISSING_INDEX"),
        ("weighted", "WEIGHTED_FEATURE_LENGTH_MISMATCH"),
        ("weighted", "WEIGHTED_FEATURE_MISSING_WEIGHT"),
    ];
    assert_eq!(found, expected(&pairs));

    let scene = Scene::new();
    write(&scene, vec![("value", numbers(&rows)), ("index", numbers(&rows))]);
    assert_eq!(anomalies(&scene, COMPOSITES, json!({})), []);
}

#[test]
fn languages_and_images_that_a_schema_limits_are_anomalies() {
    let schema = |coverage: f64, most: i64, images: f64| {
        format!(
            r#"
            feature {{ name: "words" type: BYTES natural_language_domain {{
                vocabulary: "english"
                coverage {{ min_coverage: {coverage} oov_string_tokens: "_" }}
                token_constraints {{ string_value: "cat" max_per_sequence: {most} }} }} }}
            feature {{ name: "image" type: BYTES image_domain {{ minimum_supported_image_fraction: {images} }} }}
            "#
        )
    };
    let scene = Scene::new();
    std::fs::write(scene.path("english.txt"), "the\ncat\nsat\n").unwrap();
    let images: [&[u8]; 3] = [b"\x89PNG\r\n\x1a\n", b"GIF89a", b"none"];
    write(
        &scene,
        vec![
            ("words", words(&["the cat cat", "_ _", "sat"])),
            ("image", Arc::new(BinaryArray::from_iter_values(images))),
        ],
    );
    let vocabularies = json!({ "vocab_paths": { "english": "english.txt" } });
    let found = anomalies(&scene, &schema(0.9, 1, 0.7), vocabularies.clone());
    let pairs = [
        ("image", "LOW_SUPPORTED_IMAGE_FRACTION"),
        ("words", "FEATURE_COVERAGE_TOO_LOW"),
        ("words", "SEQUENCE_VALUE_TOO_MANY_OCCURRENCES"),
    ];
    assert_eq!(found, expected(&pairs));
    assert_eq!(anomalies(&scene, &schema(0.6, 2, 0.6), vocabularies), []);
}

#[test]
fn what_values_look_like_becomes_a_domain() {
    let scene = Scene::new();
    let texts = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text; 100])) };
    let image = vec![b"\xff\xd8\xff\xe0".as_slice(); 100];
    write(
        &scene,
        vec![
            ("review", texts("it was a good ride")),
            ("date", texts("2018-11-30 23:59:58")),
            ("second", Arc::new(Int64Array::from(vec![1_543_536_000; 100]))),
            ("image", Arc::new(BinaryArray::from(image))),
            ("paid", texts("cash")),
        ],
    );
    let examples = split_artifact(1, "Examples", scene.path("examples"), &["train"]);
    let inputs = BTreeMap::from([("examples".to_owned(), vec![examples])]);
    run(&StatisticsGen, &scene, json!({ "enable_semantic_domain_stats": true }), inputs).unwrap();
    let statistics = split_artifact(2, "ExampleStatistics", scene.path("statistics"), &["train"]);
    let inputs = BTreeMap::from([("statistics".to_owned(), vec![statistics])]);
    run(&SchemaGen, &scene, json!({}), inputs).unwrap();
    let schema = components::read_schema(&artifact(3, "Schema", scene.path("schema"))).unwrap();
    let domain = |name: &str| {
        let feature = schema.feature.iter().find(|feature| feature.name() == name).unwrap();
        feature.domain_info.clone().unwrap()
    };
    assert!(matches!(domain("review"), DomainInfo::NaturalLanguageDomain(_)));
    assert!(matches!(domain("image"), DomainInfo::ImageDomain(_)));
    assert!(matches!(domain("paid"), DomainInfo::Domain(_)));
    let time = |name: &str| format!("{:?}", domain(name));
    assert!(time("date").contains("%Y-%m-%d %H:%M:%S"), "{}", time("date"));
    assert!(time("second").contains("IntegerFormat"), "{}", time("second"));
}

#[test]
fn a_vocabulary_that_is_not_there_is_found_before_anything_runs() {
    use artifact::{CheckContext, Component};
    let scene = Scene::new();
    let schema = r#"feature { name: "words" type: BYTES natural_language_domain { vocabulary: "english" } }"#;
    std::fs::write(scene.path("schema.pbtxt"), schema).unwrap();
    std::fs::write(scene.path("words.txt"), [0xff]).unwrap();
    let engine = engine::LocalEngine::new(std::num::NonZeroUsize::MIN, Arc::default());
    let base_dir = scene.path("");
    let check = |config: Value| {
        let inputs = BTreeMap::new();
        let context = CheckContext { base_dir: &base_dir, inputs, engine: &engine };
        let problems = StatisticsGen.check(&config, &context).problems;
        problems
            .into_iter()
            .map(|problem| (problem.key, problem.message, problem.hint))
            .collect::<Vec<_>>()
    };
    let found =
        check(json!({ "schema_file": "schema.pbtxt", "vocab_paths": { "englis": "words.txt" } }));
    let shown: Vec<&str> = found.iter().map(|(key, ..)| key.as_str()).collect();
    assert_eq!(shown, ["vocab_paths.englis", "schema_file"]);
    assert!(found[0].1.ends_with("words.txt: not a vocabulary of UTF-8 text"), "{}", found[0].1);
    assert_eq!(found[1].1, "feature `words`: there is no vocabulary `english`");
    assert_eq!(found[1].2.as_deref(), Some("did you mean `englis`?"));
}
