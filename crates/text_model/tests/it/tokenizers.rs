//! The tokenizer file says what the graph does.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use text_model::{TextModel, TextModelError, TokenizerFiles};
use tokenizer::Tokenizer;

use crate::{BOUNDARY, graph, model, shape, weights, write};

const TEXTS: [&str; 8] = [
    "the thing in the thick",
    "aaaa aaa aaaaaaa thethe",
    "don't  worry,\n\n it's 12.50 🚕",
    "Straße \u{a0} 東京",
    "",
    " ",
    "\ttabs\tand  spaces  ",
    "<|endoftext|> is text here",
];

#[test]
fn the_file_makes_the_tokens_of_the_graph() {
    let (dir, model) = model(64);
    let file = Tokenizer::from_bytes(std::fs::read(dir.path().join("tokenizer.json")).unwrap());
    let file = file.unwrap();
    assert_eq!(file.num_ids(), u64::from(BOUNDARY) + 1);
    // The graph makes texts lowercase, which a tokenizer file of byte pairs does not.
    for text in TEXTS.iter().filter(|text| !text.contains("<|")) {
        let mut ids = Vec::new();
        file.encode(&text.to_lowercase(), true, &mut ids);
        let ids: Vec<u32> = ids.into_iter().map(|id| u32::try_from(id).unwrap()).collect();
        assert_eq!(ids, model.encode(text).unwrap(), "{text:?}");
        assert_eq!(ids[0], BOUNDARY);
        assert_eq!(model.tokenizer().decode(&ids, true).unwrap(), text.to_lowercase());
    }
    assert_eq!(file.token(BOUNDARY), Some("<|endoftext|>"));
    assert_eq!(file.token(267), Some("<|unused-267|>"));
    // A text that looks like the boundary is none in the graph: nobody ends a document by writing so.
    let ids = model.encode(TEXTS[7]).unwrap();
    assert!(!ids[1..].contains(&BOUNDARY), "{ids:?}");
}

#[test]
fn examples_and_prompts_are_the_same_tokens() {
    let (_dir, model) = model(64);
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some(TEXTS[0]), None, Some("")]));
    let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
    let documents = model.documents(&batch).unwrap();
    assert_eq!(documents[0], Some(model.encode(TEXTS[0]).unwrap()));
    assert_eq!(documents[1], None);
    assert_eq!(documents[2], Some(vec![BOUNDARY]));
    let other: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let other = RecordBatch::try_from_iter([("body", other)]).unwrap();
    assert!(matches!(model.documents(&other), Err(TextModelError::Graph(_))));
}

#[test]
fn a_folder_of_others_reads_texts_and_one_without_a_tokenizer_is_told() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 64);
    std::fs::remove_dir_all(dir.path().join("graph")).unwrap();
    let model = TextModel::load(dir.path()).unwrap();
    // Its own tokenizer knows its special tokens.
    assert_eq!(model.encode("the<|endoftext|>a").unwrap(), [BOUNDARY, 258, BOUNDARY, 64]);
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("the"), None]));
    let batch = RecordBatch::try_from_iter([("text", Arc::clone(&texts))]).unwrap();
    assert_eq!(model.documents(&batch).unwrap(), [Some(vec![BOUNDARY, 258]), None]);
    let batch = RecordBatch::try_from_iter([("body", texts)]).unwrap();
    let error = model.documents(&batch).unwrap_err().to_string();
    assert_eq!(error, "no column `text` of texts among the examples, which has `body`");

    std::fs::remove_file(dir.path().join("tokenizer.json")).unwrap();
    let error = TextModel::load(dir.path()).unwrap_err().to_string();
    assert!(error.ends_with("no `tokenizer.json` beside the weights"), "{error}");
}

#[test]
fn a_boundary_of_the_vocabulary_is_no_special_token() {
    let dir = tempfile::tempdir().unwrap();
    let mut small = shape(64);
    (small.bos_token, small.eos_tokens) = (Some(0), vec![0]);
    weights(small).save(dir.path(), language::WeightType::F32).unwrap();
    let files = TokenizerFiles::of_graph(&graph(), "tokens", Some(0)).unwrap().unwrap();
    files.write(dir.path(), 64).unwrap();
    let config = std::fs::read_to_string(dir.path().join("tokenizer_config.json")).unwrap();
    assert!(!config.contains("eos_token"), "{config}");
    let model = TextModel::load(dir.path()).unwrap();
    assert_eq!(model.encode("a!b").unwrap(), [0, 64, 0, 65]);
    // And a feature that is no text cut into tokens has no such file.
    assert!(TokenizerFiles::of_graph(&graph(), "lower", None).unwrap().is_none());
}

const TRANSFORMERS: &str = r#"
import json, sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, text = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
ids = tokenizer(text)["input_ids"]
out = model.generate(torch.tensor([ids]), max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0)[0].tolist()
print(json.dumps({
    "ids": ids, "new": out[len(ids):], "decoded": tokenizer.decode(ids, skip_special_tokens=True),
    "eos": tokenizer.eos_token_id, "len": len(tokenizer),
}))
"#;

#[test]
fn transformers_loads_the_folder_and_goes_on_the_same() {
    #[expect(
        clippy::disallowed_methods,
        reason = "which interpreter has the peer is the environment's"
    )]
    let python = std::env::var("CUPOLA_TORCH_PYTHON").ok();
    let Some(python) = python else {
        println!("SKIPPED: CUPOLA_TORCH_PYTHON names no interpreter with torch and transformers");
        return;
    };
    let (dir, model) = model(64);
    let text = "the thing in a 🚕, thethe aaaa";
    let output = std::process::Command::new(python)
        .args(["-c", TRANSFORMERS, &dir.path().display().to_string(), text])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let said = String::from_utf8(output.stdout).unwrap();
    let said: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let ids = model.encode(text).unwrap();
    assert_eq!(said["ids"], serde_json::json!(ids));
    assert_eq!(said["decoded"], text);
    assert_eq!((&said["eos"], &said["len"]), (&BOUNDARY.into(), &(BOUNDARY + 1).into()));
    let sampling = language::Sampling { temperature: 0.0, ..language::Sampling::default() };
    let limits = language::Limits { max_tokens: Some(12), stop: Vec::new() };
    let new = language::Generation::new(Arc::clone(model.model()), &ids, sampling, limits).unwrap();
    let new: Vec<u32> = new.map(Result::unwrap).collect();
    let theirs: Vec<u32> = serde_json::from_value(said["new"].clone()).unwrap();
    // Ours ends where the text does.
    assert_eq!(theirs[..new.len()], new);
}
