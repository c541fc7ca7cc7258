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

/// Calls `check` with each tokenizer of `decoded.json`, its ids, and what HuggingFace makes of them.
fn decoded(mut check: impl FnMut(&str, &Tokenizer, &[u32], &str, &str)) {
    let text = std::fs::read_to_string("testdata/decoded.json").unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let name = case["file"].as_str().unwrap();
        let text = std::fs::read_to_string(format!("testdata/{name}")).unwrap();
        let mut file: Value = serde_json::from_str(&text).unwrap();
        file["decoder"] = case["decoder"].clone();
        let tokenizer = Tokenizer::from_bytes(file.to_string().into_bytes()).unwrap();
        for (place, ids) in case["ids"].as_array().unwrap().iter().enumerate() {
            let ids: Vec<u32> = serde_json::from_value(ids.clone()).unwrap();
            let expected = |key: &str| case[key][place].as_str().unwrap();
            check(name, &tokenizer, &ids, expected("whole"), expected("plain"));
        }
    }
}

#[test]
fn texts_of_ids_are_huggingfaces() {
    let (mut wrong, mut count) = (String::new(), 0);
    decoded(|name, tokenizer, ids, whole, plain| {
        for (expected, skips_special) in [(whole, false), (plain, true)] {
            let found = tokenizer.decode(ids, skips_special).unwrap();
            if found != expected {
                let _ = writeln!(wrong, "{name} {ids:?}: {found:?}, expected {expected:?}");
            }
        }
        count += 1;
    });
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 1000, "{count}");
}

#[test]
fn a_stream_gives_the_text_in_whole_characters() {
    let mut wrong = String::new();
    decoded(|name, tokenizer, ids, _, plain| {
        let mut stream = DecodeStream::new(tokenizer.clone(), true);
        let mut parts: Vec<String> = ids.iter().map(|id| stream.push(*id).unwrap()).collect();
        parts.push(stream.finish().unwrap());
        let found = parts.concat();
        // Of named bytes that are no text together, a part may have been given before that was known.
        let has_lost_bytes = name == "llama2.json" && plain.contains('\u{fffd}');
        if found != plain && !has_lost_bytes {
            let _ = writeln!(wrong, "{name} {ids:?}: {parts:?}, expected {plain:?}");
        }
    });
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_long_stream_forgets_what_it_need_not_know() {
    let text = std::fs::read_to_string("testdata/gpt2.json").unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    file["decoder"] = json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true});
    let tokenizer = Tokenizer::from_bytes(file.to_string().into_bytes()).unwrap();
    let text = "taxi 🚕 Straße 東京 ".repeat(200);
    let mut ids = Vec::new();
    tokenizer.encode(&text, false, &mut ids);
    let mut stream = DecodeStream::new(tokenizer.clone(), true);
    let mut found = String::new();
    for id in ids {
        let part = stream.push(u32::try_from(id).unwrap()).unwrap();
        assert!(!part.contains('\u{fffd}'));
        found.push_str(&part);
    }
    found.push_str(&stream.finish().unwrap());
    assert!(found == text);
    // A byte of a character, and what it is alone.
    let [first, ..] = "🚕".bytes().collect::<Vec<_>>()[..] else { panic!() };
    let id = (0..).find(|id| tokenizer.bytes(*id).unwrap() == [first]).unwrap();
    assert_eq!(stream.push(id).unwrap(), "");
    assert_eq!(stream.finish().unwrap(), "\u{fffd}");
}

#[test]
fn a_decoder_that_is_not_known_is_told_to_those_who_decode() {
    let mut file = words("<unk>");
    file["decoder"] =
        json!({"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true});
    let tokenizer = Tokenizer::from_bytes(file.to_string().into_bytes()).unwrap();
    let mut ids = Vec::new();
    tokenizer.encode("red", true, &mut ids);
    assert_eq!(ids, [1]);
    let error = tokenizer.decode(&[1], true).unwrap_err().to_string();
    assert!(error.starts_with("`decoder`: unknown variant `CTC`, expected one of"), "{error}");
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
