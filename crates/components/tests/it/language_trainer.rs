//! The trainer of language models, over lists of token ids.

use std::sync::Arc;

use arrow::array::{Array, Int64Array, Int64Builder, ListBuilder, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use components::LanguageTrainer;
use language::LanguageModel;
use serde_json::{Value, json};

use crate::stage::Stage;

/// Documents of ten tokens that count up, from a start that differs; a missing one is no document.
fn documents(count: i64) -> RecordBatch {
    let mut lists = ListBuilder::new(Int64Builder::new());
    for document in 0..count {
        for token in 0..10 {
            lists.values().append_value((document * 7 + token) % 30);
        }
        lists.append(true);
    }
    lists.append(false);
    let lists = lists.finish();
    let schema = Schema::new(vec![Field::new("tokens", lists.data_type().clone(), true)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(lists)]).unwrap()
}

fn config() -> Value {
    json!({
        "model": { "transformer": {
            "tokens": "tokens", "vocab_size": 31, "document_boundary": 30,
            "sequence_length": 16, "layers": 1, "width": 32, "heads": 2,
        } },
        "num_steps": 80, "batch_size": 8, "learning_rate": 0.02, "warmup_steps": 5, "eval_every_steps": 40,
    })
}

#[test]
fn lists_of_tokens_become_a_language_model() {
    let stage = Stage::new();
    let splits = [("train", documents(300)), ("eval", documents(60))];
    let examples = stage.examples("examples", &splits);
    let done =
        stage.run(&LanguageTrainer, &[("transformed_examples", examples)], &config()).unwrap();
    // 300 documents of ten tokens, and as many boundaries.
    let summary = &done.outcome.summary;
    assert!(summary.starts_with("80 steps on 3300 tokens, eval loss "), "{summary}");
    let run = &done.outcome.properties["model_run"].custom_properties;
    let artifact::PropertyValue::Double(loss) = run["metric_eval_loss"] else { panic!("{run:?}") };
    assert!(summary.contains(&format!("eval loss {loss:.4}")) && run["steps"].as_int() == Some(80));
    let model = LanguageModel::load(&done.artifact.uri).unwrap();
    assert_eq!(model.shape().eos_tokens, [30]);
    // Within a document each token follows from the one before.
    let losses = model.losses(&[30, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 30]).unwrap();
    let within: f32 = losses[1..9].iter().map(|loss| loss.loss).sum::<f32>() / 8.0;
    assert!(within < 0.7, "{losses:?}");
    let again = stage.examples("again", &splits);
    let again = stage.run(&LanguageTrainer, &[("transformed_examples", again)], &config()).unwrap();
    let again = LanguageModel::load(&again.artifact.uri).unwrap();
    assert!(again.weights() == model.weights());
}

#[test]
fn what_is_no_list_of_tokens_is_named() {
    let stage = Stage::new();
    let schema = Schema::new(vec![Field::new("tokens", DataType::Int64, true)]);
    let numbers = Arc::new(Int64Array::from(vec![1, 2]));
    let batch = RecordBatch::try_new(Arc::new(schema), vec![numbers]).unwrap();
    let examples = stage.examples("numbers", &[("train", batch.clone()), ("eval", batch)]);
    let run = |examples, config: &Value| {
        let run = stage.run(&LanguageTrainer, &[("transformed_examples", examples)], config);
        run.err().unwrap().to_string()
    };
    let error = run(examples, &config());
    assert_eq!(error, "column `tokens`: values of type Int64, expected lists of token ids");

    let splits = [("train", documents(50)), ("eval", documents(50))];
    let mut small = config();
    small["model"]["transformer"]["vocab_size"] = 29.into();
    let error = run(stage.examples("small", &splits), &small);
    assert!(error.contains("token 30 at 10") && error.contains("vocabulary's size, 29"), "{error}");
    small["model"]["transformer"].as_object_mut().unwrap().remove("vocab_size");
    let error = run(stage.examples("unknown", &splits), &small);
    assert!(error.contains("`model.transformer.vocab_size`"), "{error}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "which interpreter has the peer is the environment's"
)]
fn torch_python() -> Option<String> {
    let python = std::env::var("CUPOLA_TORCH_PYTHON").ok();
    if python.is_none() {
        println!("left out: CUPOLA_TORCH_PYTHON names no interpreter with torch");
    }
    python
}

fn torch_config(python: &str) -> Value {
    let mut config = config();
    let transformer = config["model"]["transformer"].as_object_mut().unwrap();
    transformer.insert("engine".to_owned(), "torch".into());
    transformer.insert("python".to_owned(), python.into());
    transformer.insert("compile".to_owned(), false.into());
    transformer.insert("float32".to_owned(), true.into());
    config
}

#[test]
fn pytorch_trains_where_it_is_asked_for() {
    let Some(python) = torch_python() else { return };
    let stage = Stage::new();
    let splits = [("train", documents(300)), ("eval", documents(60))];
    let mut config = torch_config(&python);
    config["model"]["transformer"]["processes"] = 2.into();
    let examples = stage.examples("examples", &splits);
    let done = stage.run(&LanguageTrainer, &[("transformed_examples", examples)], &config).unwrap();
    let summary = &done.outcome.summary;
    assert!(summary.starts_with("80 steps on 3300 tokens, eval loss "), "{summary}");
    assert!(summary.contains(" tokens/s"), "{summary}");
    let logs = done.artifact.uri.parent().unwrap().join("model_run/logs");
    assert!(std::fs::read_dir(logs).unwrap().count() >= 2);
    let model = LanguageModel::load(&done.artifact.uri).unwrap();
    let losses = model.losses(&[30, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 30]).unwrap();
    let within: f32 = losses[1..9].iter().map(|loss| loss.loss).sum::<f32>() / 8.0;
    assert!(within < 0.7, "{losses:?}");
}

#[test]
fn checkpoints_that_pytorch_could_not_write_are_told_with_the_result() {
    let Some(python) = torch_python() else { return };
    let stage = Stage::new();
    // Room for the model, and none for the optimizer's state beside it.
    let wrapper = stage.path().join("python.sh");
    std::fs::write(&wrapper, format!("#!/bin/sh\nulimit -f 200\nexec {python} \"$@\"\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&wrapper, mode).unwrap();
    let splits = [("train", documents(300)), ("eval", documents(60))];
    let mut config = torch_config(&wrapper.display().to_string());
    config["checkpoint_every_steps"] = 40.into();
    let examples = stage.examples("examples", &splits);
    let done = stage.run(&LanguageTrainer, &[("transformed_examples", examples)], &config).unwrap();
    let summary = &done.outcome.summary;
    assert!(summary.contains("; no checkpoint at step 40: "), "{summary}");
    assert!(summary.contains("; no checkpoint at step 80: "), "{summary}");
    LanguageModel::load(&done.artifact.uri).unwrap();
}
