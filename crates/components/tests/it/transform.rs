//! What Transform learns from and what it leaves.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use artifact::{Artifact, FeatureKind};
use components::{Transform, read_schema};
use dataflow::Source;
use dataset::Dataset;
use formats::Message;
use formats::metadata::{Anomalies, DatasetFeatureStatisticsList};
use loader::TokenShards;
use serde_json::{Value, json};

use crate::scene::artifact;
use crate::stage::{Done, Stage};

const SCHEMA: &str = r#"
feature { name: "fare" type: FLOAT value_count { min: 1 max: 1 } }
feature { name: "company" type: BYTES value_count { min: 1 max: 1 } }
"#;

fn trips(fares: &[f32], companies: &[&str]) -> RecordBatch {
    RecordBatch::try_from_iter([
        ("fare", Arc::new(Float32Array::from(fares.to_vec())) as ArrayRef),
        ("company", Arc::new(StringArray::from(companies.to_vec()))),
    ])
    .unwrap()
}

/// Returns the folder of an output.
fn output(done: &Done, key: &str) -> PathBuf {
    done.artifact.uri.parent().unwrap().join(key)
}

fn rows(done: &Done, split: &str) -> RecordBatch {
    let dataset = Dataset::open(&output(done, "transformed_examples"), &[]).unwrap();
    let source = dataset.split(split).unwrap().source().unwrap();
    let read = |partition| source.read(partition, None).unwrap();
    let batches = (0..source.num_partitions()).flat_map(read).collect::<Result<Vec<_>, _>>();
    arrow::compute::concat_batches(&source.schema(), &batches.unwrap()).unwrap()
}

struct Taxi {
    stage: Stage,
    schema: Artifact,
}

impl Taxi {
    fn new() -> Self {
        let stage = Stage::new();
        let schema = stage.schema("schema", SCHEMA);
        Self { stage, schema }
    }

    fn span(&self, name: &str, fares: &[f32], companies: &[&str]) -> Artifact {
        let splits = [("train", trips(fares, companies)), ("eval", trips(&[100.0], &["z"]))];
        self.stage.examples(name, &splits)
    }

    fn run(&self, examples: &[&Artifact], config: &Value) -> Done {
        let mut inputs = vec![("schema", self.schema.clone())];
        inputs.extend(examples.iter().map(|examples| ("examples", (*examples).clone())));
        self.stage.run(&Transform, &inputs, config).unwrap()
    }
}

fn statistics(done: &Done, when: &str) -> DatasetFeatureStatisticsList {
    let dir = done.artifact.uri.join(format!("{when}_transform_feature_stats"));
    let bytes = std::fs::read(dir.join("FeatureStats.pb")).unwrap();
    DatasetFeatureStatisticsList::decode(bytes.as_slice()).unwrap()
}

#[test]
fn features_have_a_schema_and_statistics() {
    let taxi = Taxi::new();
    let examples = taxi.span("examples", &[1.0, 3.0], &["a", "b"]);
    let done = taxi.run(
        &[&examples],
        &json!({ "features": {
            "fare": "scale_to_z_score(fare)",
            "id": "vocabulary(company, vocab_filename => 'firms')",
            "bucket": "bucketize(fare, 2)",
            "is_high": "fare > 2",
        } }),
    );
    let after = done.artifact.uri.join("post_transform_feature_stats");
    let schema = read_schema(&artifact(1, "Schema", after.clone())).unwrap();
    let text = std::fs::read_to_string(done.artifact.uri.join("transformed_metadata/schema.pbtxt"));
    let stored = std::fs::read_to_string(after.join("schema.pbtxt"));
    assert_eq!(text.unwrap(), stored.unwrap());
    assert!(done.artifact.uri.join("metadata/schema.pbtxt").is_file());
    let domains: Vec<String> = schema
        .feature
        .iter()
        .map(|feature| {
            use formats::metadata::feature::DomainInfo;
            let domain = match &feature.domain_info {
                Some(DomainInfo::IntDomain(domain)) => {
                    format!("{} to {}", domain.min.unwrap(), domain.max.unwrap())
                }
                _ => "any".to_owned(),
            };
            let comments = feature.annotation.iter().flat_map(|found| found.comment.clone());
            format!("{} {domain} {}", feature.name(), comments.collect::<String>())
                .trim()
                .to_owned()
        })
        .collect();
    assert_eq!(
        domains,
        [
            "fare any",
            "id -1 to 1 vocabulary `firms` of 2 tokens",
            "bucket 0 to 1",
            "is_high 0 to 1"
        ]
    );
    // Of what is learned from, and of all that is transformed.
    assert_eq!(statistics(&done, "pre").datasets[0].num_examples, 2);
    let made = statistics(&done, "post");
    assert_eq!((made.datasets[0].num_examples, made.datasets[0].features.len()), (3, 4));
    let bytes = std::fs::read(after.join("SchemaDiff.pb"));
    let anomalies = Anomalies::decode(bytes.unwrap().as_slice()).unwrap();
    assert!(anomalies.anomaly_info.is_empty(), "{anomalies:?}");
    assert_eq!(done.outcome.summary, "4 features, learned on train");
}

#[test]
fn a_window_of_spans_is_read_as_one_and_only_what_is_new() {
    let taxi = Taxi::new();
    let first = taxi.span("1", &[1.0, 3.0], &["a", "b"]);
    let second = taxi.span("2", &[8.0], &["b"]);
    let config =
        json!({ "features": { "above": "fare - mean(fare)", "id": "vocabulary(company)" } });
    let one = taxi.run(&[&first], &config);
    assert_eq!(rows(&one, "train").num_rows(), 2);
    let both = taxi.run(&[&first, &second], &config);
    assert_eq!(
        both.outcome.summary,
        "2 features, learned on train, 1 of 2 shards known from before"
    );
    let made = rows(&both, "train");
    let above = made.column(0).as_primitive::<arrow::datatypes::Float32Type>();
    assert_eq!(above.values(), &[-3.0, -1.0, 4.0]);
    assert_eq!(made.column(1).as_primitive::<Int64Type>().values(), &[1, 0, 0]);
    // The same columns in another order are the same, other ones are not.
    let batch = trips(&[9.0], &["c"]).project(&[1, 0]).unwrap();
    let turned = taxi.stage.examples("3", &[("train", batch.clone()), ("eval", batch)]);
    assert_eq!(rows(&taxi.run(&[&first, &turned], &config), "train").num_rows(), 3);
    let ints: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let other = RecordBatch::try_from_iter([("fare", ints)]).unwrap();
    let other = taxi.stage.examples("4", &[("train", other.clone()), ("eval", other)]);
    let inputs = [("schema", taxi.schema.clone()), ("examples", first), ("examples", other)];
    let error = taxi.stage.run(&Transform, &inputs, &config).err().unwrap().to_string();
    assert!(error.contains("feature `fare` is not there, or of another type"), "{error}");
}

#[test]
fn what_is_kept_of_a_window_is_told_before_a_run() {
    let taxi = Taxi::new();
    let span = |number: i64, fares: &[f32], companies: &[&str]| {
        let mut span = taxi.span(&number.to_string(), fares, companies);
        span.properties.insert("span".to_owned(), number.into());
        span
    };
    let spans =
        [span(1, &[1.0, 3.0], &["a", "b"]), span(2, &[8.0], &["b"]), span(3, &[5.0], &["c"])];
    let config = json!({ "features": {
        "above": "fare - mean(fare)",
        "id": "vocabulary(company)",
        "bucket": "bucketize(scale_to_z_score(fare), 2)",
    } });
    let foresee = |spans: &[Artifact], growing: &[&'static str], config: &Value| {
        let mut inputs = vec![("schema", taxi.schema.clone())];
        inputs.extend(spans.iter().map(|span| ("examples", span.clone())));
        taxi.stage.foresee(&Transform, &inputs, growing, config)
    };
    assert_eq!(
        foresee(&spans[..1], &[], &config),
        [
            "pass 1 of 2, span 1, train: 1 of 1 shards read for `above`, `bucket`, `id`",
            "pass 2 of 2: known when the one before has read",
        ]
    );
    assert!(!taxi.stage.path().join("kept").exists(), "nothing is written");
    taxi.run(&[&spans[0], &spans[1]], &config);
    assert_eq!(
        foresee(&spans[..2], &[], &config),
        ["pass 1 of 2, spans 1 to 2, train: kept", "pass 2 of 2, spans 1 to 2, train: kept"]
    );
    let reads_the_third = [
        "pass 1 of 2, span 2, train: kept",
        "pass 1 of 2, span 3, train: 1 of 1 shards read for `above`, `bucket`, `id`",
        "pass 2 of 2: known when the one before has read",
    ];
    assert_eq!(foresee(&spans[1..], &[], &config), reads_the_third);
    // Before the third span is there.
    assert_eq!(
        foresee(&spans[1..2], &["examples"], &config),
        [
            "pass 1 of 2, span 2, train: kept",
            "pass 2 of 2: known when the one before has read",
            "what comes new, or in the place of one of these: read",
        ]
    );
    // A run does what was told.
    let done = taxi.run(&[&spans[1], &spans[2]], &config);
    assert!(done.outcome.summary.ends_with("1 of 2 shards known from before"));
    // What one more feature needs is read for that one alone.
    let mut more = config.clone();
    more["features"]["low"] = "min(fare + 1)".into();
    assert_eq!(
        foresee(&spans[1..], &[], &more),
        [
            "pass 1 of 2, spans 2 to 3, train: 1 of 1 shards read for `low`",
            "pass 2 of 2: known when the one before has read",
        ]
    );
}

#[test]
fn several_splits_are_learned_from_and_nothing_need_be_written() {
    let taxi = Taxi::new();
    let examples = taxi.span("examples", &[1.0, 3.0], &["a", "b"]);
    let config = json!({
        "features": { "top": "max(fare)" },
        "splits": { "analyze": ["train", "eval"] },
        "materialize": false,
        "statistics": false,
    });
    let done = taxi.run(&[&examples], &config);
    assert_eq!(done.outcome.summary, "1 features, learned on train and eval");
    let names = &done.outcome.properties["transformed_examples"].properties["split_names"];
    assert_eq!(names.as_str(), Some("[]"));
    assert_eq!(std::fs::read_dir(output(&done, "transformed_examples")).unwrap().count(), 0);
    assert!(!done.artifact.uri.join("pre_transform_feature_stats").exists());
    let graph = graph::Graph::load(&done.artifact.uri).unwrap();
    let top = graph.apply(&trips(&[0.0], &["a"])).unwrap();
    assert_eq!(top.column(0).as_primitive::<arrow::datatypes::Float32Type>().value(0), 100.0);
}

#[test]
fn tokens_are_packed_into_blocks_and_shards() {
    let taxi = Taxi::new();
    let companies = ["blue cab", "taxi", "", "city taxi"];
    let examples = taxi.span("examples", &[1.0; 4], &companies);
    let tokens = "tokenize_wordpiece(company, vocab_size => 100)";
    let config = json!({
        "features": { "tokens": tokens },
        "pack": { "feature": "tokens", "length": 4, "separator": 0, "token_shards": true },
    });
    let done = taxi.run(&[&examples], &config);
    assert_eq!(
        done.outcome.summary,
        "1 features, learned on train, 2 blocks of train, 1 blocks of eval"
    );
    let blocks = rows(&done, "train");
    let names: Vec<_> = blocks.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["tokens", "tokens_segment_ids", "tokens_positions"]);
    let values = |column: usize| {
        let lists = blocks.column(column).as_fixed_size_list();
        lists.values().as_primitive::<Int64Type>().values().to_vec()
    };
    // Two words, one, none, two, and a separator behind each document.
    assert_eq!(values(1), [1, 1, 1, 2, 1, 2, 2, 2]);
    let shards =
        TokenShards::open(&output(&done, "transformed_examples").join("tokens/train")).unwrap();
    assert_eq!((shards.num_tokens(), shards.block_length()), (8, 4));
    let mut read = Vec::new();
    shards.read(0, &mut read).unwrap();
    let expected: Vec<u32> =
        values(0)[..5].iter().map(|token| u32::try_from(*token).unwrap()).collect();
    assert_eq!(read, expected);

    let problems = |pack: Value| {
        let config = json!({ "features": { "tokens": tokens, "fare": "fare" }, "pack": pack });
        let features: &[_] = &[("company", FeatureKind::Bytes), ("fare", FeatureKind::Float)];
        taxi.stage.problems(&Transform, &[("schema", features)], &config)
    };
    assert_eq!(
        problems(json!({ "feature": "token", "length": 4 })),
        ["pack.feature: there is no feature `token` (did you mean `tokens`?)"]
    );
    assert_eq!(
        problems(json!({ "feature": "fare", "length": 0 })),
        [
            "pack.feature: `fare` is no list of integers",
            "pack.length: found 0, expected 1 to 1048576"
        ]
    );
    assert_eq!(problems(json!({ "feature": "tokens", "length": 4 })), [""; 0]);
}

#[test]
fn a_tokenizer_file_is_found_beside_the_pipeline_file() {
    let taxi = Taxi::new();
    let config = json!({ "features": { "tokens": "tokenize(company, 'files/tokenizer.json')" } });
    let features: &[_] = &[("company", FeatureKind::Bytes)];
    let problems = || taxi.stage.problems(&Transform, &[("schema", features)], &config);
    let found = problems();
    assert!(found[0].starts_with("features.tokens: cannot read "), "{found:?}");
    let dir = taxi.stage.path().join("files");
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("tokenizer.json");
    std::fs::copy("../tokenizer/testdata/tokenizer.json", &path).unwrap();
    assert_eq!(problems(), [""; 0]);
    // What is in it is part of what the node depends on.
    let files = artifact::Component::files(&Transform, &config, taxi.stage.path()).unwrap();
    assert_eq!(files, [path]);
}
