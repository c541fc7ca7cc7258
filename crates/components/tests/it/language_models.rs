//! Language models after their training: tokenizer, evaluation, predictions, push.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type, Schema};
use artifact::{Answer, Artifact, FeatureKind};
use components::{BulkInferrer, Evaluator, LanguageTrainer, Pusher};
use dataflow::Source;
use dataset::Dataset;
use evaluate::Evaluation;
use graph::{Graph, GraphBuilder, ListOp, Op, ValueType, Vocabulary, byte_tokens};
use language::LanguageModel;
use serde_json::{Value, json};
use text_model::TextModel;

use crate::scene::artifact;
use crate::stage::{Done, Stage};

/// Lowercase bytes, and a few pairs.
fn graph() -> Graph {
    let mut tokens = byte_tokens();
    tokens.extend(["he", "th", "the", "Ġthe", "at"].map(str::to_owned));
    let mut builder = GraphBuilder::new();
    let text = builder.input("text", ValueType::String).unwrap();
    let lower = builder.node(Op::Lower, &[text]).unwrap();
    let words = builder.node(Op::OfList(ListOp::ByteWords), &[lower]).unwrap();
    let vocabulary = builder.vocabulary("bpe", Vocabulary::new(tokens).unwrap()).unwrap();
    let ids = builder.node(Op::OfList(ListOp::BytePairs { vocabulary }), &[words]).unwrap();
    builder.output("tokens", ids).unwrap();
    builder.build()
}

/// Texts that are all alike, of two kinds, and one that is missing.
fn texts(count: usize) -> RecordBatch {
    let texts: StringArray = (0..count)
        .map(|n| (n + 1 < count).then(|| format!("The cat sat on the mat {}", n % 7)))
        .collect();
    let kinds: StringArray =
        (0..count).map(|n| Some(if n % 2 == 0 { "even" } else { "odd" })).collect();
    let columns: [(&str, ArrayRef); 2] = [("text", Arc::new(texts)), ("kind", Arc::new(kinds))];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn config(seed: u64, steps: u64) -> Value {
    json!({
        "model": { "transformer": {
            "tokens": "tokens", "document_boundary": 261, "sequence_length": 24, "layers": 1, "width": 32,
            "heads": 2,
        } },
        "num_steps": steps, "batch_size": 8, "learning_rate": 0.02, "warmup_steps": 5, "eval_every_steps": 40,
        "seed": seed,
    })
}

struct Scene {
    stage: Stage,
    raw: Artifact,
    transformed: Artifact,
    graph: Artifact,
}

fn scene() -> Scene {
    let stage = Stage::new();
    let splits = [("train", texts(200)), ("eval", texts(41))];
    let raw = stage.examples("raw", &splits);
    let transformed = splits.map(|(split, batch)| (split, graph().apply(&batch).unwrap()));
    let transformed = stage.examples("transformed", &transformed);
    graph().save(&stage.path().join("graph")).unwrap();
    let graph = artifact(5, "TransformGraph", stage.path().join("graph"));
    Scene { stage, raw, transformed, graph }
}

impl Scene {
    fn train(&self, config: &Value) -> Done {
        let inputs = [
            ("transformed_examples", self.transformed.clone()),
            ("transform_graph", self.graph.clone()),
        ];
        self.stage.run(&LanguageTrainer, &inputs, config).unwrap()
    }

    fn evaluate(
        &self,
        model: &Artifact,
        baseline: Option<&Artifact>,
        config: &Value,
    ) -> (Done, Evaluation) {
        let mut inputs = vec![("examples", self.raw.clone()), ("model", model.clone())];
        inputs.extend(baseline.map(|baseline| ("baseline_model", baseline.clone())));
        let done = self.stage.run(&Evaluator, &inputs, config).unwrap();
        let evaluation = Evaluation::load(&done.artifact.uri.join("evaluation.json")).unwrap();
        (done, evaluation)
    }
}

fn score(model: &TextModel, batch: &RecordBatch) -> (f64, u64, u64, u64) {
    let documents = model.documents(batch).unwrap();
    let scores = documents.iter().flatten().map(|tokens| model.score(tokens).unwrap());
    scores.fold((0.0, 0, 0, 0), |sum, score| {
        let (loss, tokens, likeliest, bytes) = sum;
        (
            loss + score.negative_log_likelihood,
            tokens + score.num_tokens,
            likeliest + score.num_likeliest,
            bytes + score.num_bytes,
        )
    })
}

#[test]
fn texts_are_evaluated_by_token_and_byte_beside_a_baseline() {
    let scene = scene();
    let good = scene.train(&config(1, 80));
    assert!(!good.outcome.summary.contains("no tokenizer"), "{}", good.outcome.summary);
    let model = TextModel::load(&good.artifact.uri).unwrap();
    assert_eq!(model.model().shape().vocab_size, 262);
    assert_eq!(model.model().shape().bos_token, Some(261));

    let thresholds = json!({
        "slices": [[], ["kind"]],
        "thresholds": [{ "metric": "perplexity", "upper_bound": 20.0, "max_change": 0.0 }],
    });
    let (done, evaluation) = scene.evaluate(&good.artifact, None, &thresholds);
    assert_eq!(done.outcome.answer, Answer::Yes, "{}", done.outcome.summary);
    assert!(
        done.outcome.summary.contains("; 1 without a label left out"),
        "{}",
        done.outcome.summary
    );
    let (loss, tokens, likeliest, bytes) = score(&model, &texts(41));
    let overall = &evaluation.overall().unwrap().metrics;
    let metric = |name: &str| overall[name];
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let (tokens, likeliest, bytes) = (tokens as f64, likeliest as f64, bytes as f64);
    let is_near = |found: f64, expected: f64| (found - expected).abs() < 1e-9 * expected;
    assert!(is_near(metric("perplexity"), (loss / tokens).exp()), "{overall:?}");
    assert!(is_near(metric("bits_per_byte"), loss / bytes / std::f64::consts::LN_2));
    assert!(is_near(metric("next_token_accuracy"), likeliest / tokens));
    assert!(is_near(metric("token_count"), tokens));
    // 24 bytes each, and what is missing is none.
    assert_eq!(bytes, 40.0 * 24.0);

    // Barely trained, it is worse than what is there.
    let bad = scene.train(&config(2, 3));
    let (done, _) = scene.evaluate(&bad.artifact, Some(&good.artifact), &thresholds);
    assert!(matches!(done.outcome.answer, Answer::No { .. }), "{}", done.outcome.summary);
    assert!(done.outcome.summary.contains("(baseline "), "{}", done.outcome.summary);
    // A model of other tokens is not compared with.
    let other = scene.stage.path().join("other");
    base::copy_tree(&good.artifact.uri, &other).unwrap();
    let tokenizer = std::fs::read_to_string(other.join("tokenizer.json")).unwrap();
    std::fs::write(other.join("tokenizer.json"), tokenizer + " ").unwrap();
    let other = artifact(7, "Model", other);
    let (done, _) = scene.evaluate(&good.artifact, Some(&other), &thresholds);
    assert!(done.outcome.summary.contains("it has another tokenizer"), "{}", done.outcome.summary);
}

#[test]
fn texts_are_scored_or_completed_beside_their_features() {
    let scene = scene();
    let trained = scene.train(&config(1, 40));
    let inputs = [("examples", scene.raw.clone()), ("model", trained.artifact.clone())];
    let read = |done: &Done| {
        let dataset = Dataset::open(&done.artifact.uri, &["eval".to_owned()]).unwrap();
        let source = dataset.split("eval").unwrap().source().unwrap();
        source.read(0, None).unwrap().next().unwrap().unwrap()
    };
    let splits = json!({ "example_splits": ["eval"] });
    let scored = read(&scene.stage.run(&BulkInferrer, &inputs, &splits).unwrap());
    let model = TextModel::load(&trained.artifact.uri).unwrap();
    let tokens = model.encode("The cat sat on the mat 0").unwrap();
    let expected = model.score(&tokens).unwrap();
    let found = scored.column_by_name("prediction").unwrap().as_primitive::<Float32Type>();
    #[expect(clippy::cast_possible_truncation, reason = "predictions are floats of 32 bits")]
    let loss = expected.negative_log_likelihood as f32;
    assert_eq!(found.value(0), loss);
    assert!(found.value(40).is_nan());

    let complete = json!({
        "example_splits": ["eval"], "keep": ["kind"], "completion": { "max_tokens": 3 },
    });
    let completed = read(&scene.stage.run(&BulkInferrer, &inputs, &complete).unwrap());
    let names: Vec<&str> =
        completed.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["kind", "completion", "finish_reason"]);
    assert!(completed.column_by_name("completion").unwrap().is_null(40));
}

#[test]
fn a_folder_for_other_programs_is_replaced() {
    let scene = scene();
    let config = |steps| config(1, steps);
    let destination = json!({ "destination": { "huggingface": "models/lm" } });
    let push = |model: &Artifact| {
        scene.stage.run(&Pusher, &[("model", model.clone())], &destination).unwrap()
    };
    let (first, second) = (scene.train(&config(2)), scene.train(&config(4)));
    let to = scene.stage.path().join("models/lm");
    assert_eq!(push(&first.artifact).property("pushed_destination"), to.display().to_string());
    let weights = |dir: &Path| LanguageModel::load(dir).unwrap().weights().to_vec();
    assert!(weights(&to) == weights(&first.artifact.uri));
    push(&second.artifact);
    assert!(weights(&to) == weights(&second.artifact.uri));
    assert!(to.join("tokenizer_config.json").is_file());
    TextModel::load(&to).unwrap();

    let other = artifact(8, "Model", scene.stage.path().join("graph"));
    let error = scene.stage.run(&Pusher, &[("model", other)], &destination);
    let error = error.err().unwrap().to_string();
    assert_eq!(error, "`destination.huggingface` is for language models, and this model is none");
}

#[test]
fn packed_blocks_are_the_documents() {
    let scene = scene();
    let documents = scene.train(&config(1, 5));
    // The same tokens in blocks of seven, the last one filled up, with the boundaries among them.
    let packed = |batch: &RecordBatch| {
        let mut tokens: Vec<i64> = Vec::new();
        let made = graph().apply(batch).unwrap();
        let lists = made.column(0).as_list::<i32>();
        for row in (0..lists.len()).filter(|row| lists.is_valid(*row)) {
            tokens.extend(lists.value(row).as_primitive::<Int64Type>().values());
            tokens.push(261);
        }
        let mut segments = vec![1_i64; tokens.len()];
        let len = tokens.len().next_multiple_of(7);
        tokens.resize(len, 0);
        segments.resize(len, 0);
        let list = |values: Vec<i64>| -> ArrayRef {
            let item = Arc::new(Field::new_list_field(DataType::Int64, false));
            let values = Arc::new(Int64Array::from(values));
            Arc::new(FixedSizeListArray::try_new(item, 7, values, None).unwrap())
        };
        let columns = vec![list(tokens), list(segments)];
        let names = ["tokens", "tokens_segment_ids"];
        let fields: Vec<Field> = names
            .iter()
            .zip(&columns)
            .map(|(name, column)| Field::new(*name, column.data_type().clone(), false))
            .collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    };
    let splits = [("train", packed(&texts(200))), ("eval", packed(&texts(41)))];
    let blocks = scene.stage.examples("blocks", &splits);
    let inputs = [("transformed_examples", blocks), ("transform_graph", scene.graph.clone())];
    let again = scene.stage.run(&LanguageTrainer, &inputs, &config(1, 5)).unwrap();
    assert_eq!(again.outcome.summary, documents.outcome.summary);
    let weights = |done: &Done| LanguageModel::load(&done.artifact.uri).unwrap().weights().to_vec();
    assert!(weights(&again) == weights(&documents));
}

#[test]
fn a_boundary_that_the_model_cannot_know_is_found_before_the_run() {
    let stage = Stage::new();
    let mut wrong = config(1, 5);
    wrong["model"]["transformer"]["vocab_size"] = 261.into();
    let features: [(&'static str, &[(&str, FeatureKind)]); 0] = [];
    assert_eq!(
        stage.problems(&LanguageTrainer, &features, &wrong),
        ["model.transformer.document_boundary: 261, expected less than `vocab_size`, 261"]
    );
}
