//! Against HuggingFace's `tokenizers`: `testdata/make.py` made the files and the answers.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::*;

#[test]
fn ids_are_huggingfaces() {
    let text = std::fs::read_to_string("testdata/answers.json").unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    let texts: Vec<&str> =
        golden["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let mut wrong = String::new();
    let files = golden["files"].as_object().unwrap();
    for (name, answers) in files {
        let bytes = std::fs::read(format!("testdata/{name}")).unwrap();
        let tokenizer =
            Tokenizer::from_bytes(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(tokenizer.num_ids(), answers["num_ids"].as_u64().unwrap(), "{name}");
        for (key, special) in [("plain", false), ("special", true)] {
            for (text, expected) in texts.iter().zip(answers[key].as_array().unwrap()) {
                let mut ids = Vec::new();
                tokenizer.encode(text, special, &mut ids);
                if json!(ids) != *expected {
                    let _ = writeln!(wrong, "{name} {key} {text:?}: {ids:?}, expected {expected}");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(files.len() >= 10 && texts.len() >= 40);
}

fn words(unknown: &str) -> Value {
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": {"<unk>": 0, "red": 1}, "unk_token": unknown},
    })
}

fn refused(file: &Value) -> String {
    Tokenizer::from_bytes(file.to_string().into_bytes()).unwrap_err().to_string()
}

#[test]
fn tokenizers_are_equal_when_their_files_are() {
    let of = |file: &Value| Tokenizer::from_bytes(file.to_string().into_bytes()).unwrap();
    assert_eq!(of(&words("<unk>")), of(&words("<unk>")));
    assert!(of(&words("<unk>")) != of(&words("red")));
}

#[test]
fn what_is_not_known_refuses_the_file() {
    for bytes in [&b""[..], b"{}", b"[1]", b"\xff", b"{\"version\": \"1.0\"}"] {
        assert!(Tokenizer::from_bytes(bytes.to_vec()).is_err(), "{bytes:?}");
    }
    let whole = words("<unk>").to_string().into_bytes();
    for length in 0..whole.len() {
        assert!(Tokenizer::from_bytes(whole[..length].to_vec()).is_err(), "{length}");
    }
    assert_eq!(
        refused(&words("<none>")),
        "`model.unk_token`: there is no token \"<none>\" in the vocabulary"
    );
    let mut file = words("<unk>");
    file["normalizer"] = json!({"type": "Precompiled", "precompiled_charsmap": ""});
    let message = refused(&file);
    assert!(message.contains("unknown variant `Precompiled`, expected one of"), "{message}");
    file["normalizer"] = json!({"type": "Lowercase", "twice": true});
    assert!(refused(&file).contains("unknown field `twice`"));
    file["normalizer"] = json!(null);
    file["model"] = json!({"type": "BPE", "dropout": 0.1, "vocab": {"a": 0}, "merges": []});
    assert_eq!(refused(&file), "`model.dropout` is 0.1, expected none: ids would be drawn by lot");
    file["model"] = json!({"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]});
    assert_eq!(refused(&file), "`model.merges`: there is no token \"ab\" in the vocabulary");
    file["model"] = json!({"type": "Unigram", "vocab": [["a", -1.0]], "unk_id": null});
    assert!(refused(&file).contains("`model.unk_id`"));
}

#[test]
fn one_long_word_takes_no_longer_than_many() {
    for name in ["gpt2.json", "llama2.json", "unigram.json", "bert.json"] {
        let bytes = std::fs::read(format!("testdata/{name}")).unwrap();
        let tokenizer = Tokenizer::from_bytes(bytes).unwrap();
        let mut ids = Vec::new();
        tokenizer.encode(&"a".repeat(1 << 18), true, &mut ids);
        assert!(!ids.is_empty(), "{name}");
    }
}
