//! What is written, as PyYAML (a reader of YAML 1.1) reads it.

use std::io::Write;
use std::process::{Command, Stdio};

use kubernetes::{to_yaml, to_yaml_documents};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

const READER: &str = "
import json, sys, yaml
print(json.dumps(list(yaml.safe_load_all(sys.stdin.buffer))))
";

/// Values of all kinds, with texts that look like something else.
fn values() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        "[-0-9a-zA-Z_.:#,~ /=+]{0,8}",
        prop::sample::select(vec![
            "yes",
            "No",
            "on",
            "null",
            "~",
            "1e3",
            "0o7",
            "1_000",
            "1:30",
            "2001-01-01",
            "<<",
            "=",
            ".nan",
            "|",
            ">-",
            "- a",
            "a: b",
            "a #b",
            "? a",
            "---",
            "...",
            "\u{2028}",
            "\u{feff}",
            "\u{85}",
            " a ",
            "a\n",
            "\t",
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..4)
                .prop_map(|pairs| Value::from(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

#[test]
fn another_reader_reads_the_same_values() {
    #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
    let Ok(python) = std::env::var("CUPOLA_S3_PYTHON") else {
        println!("SKIPPED another_reader_reads_the_same_values: CUPOLA_S3_PYTHON is not set");
        return;
    };
    let mut runner = TestRunner::deterministic();
    let mut written: Vec<Value> =
        (0..2000).map(|_| values().new_tree(&mut runner).unwrap().current()).collect();
    written.push(json!({ "a": [[], {}, [[{}]], { "b": [{ "c": null, "d": [1] }, [2, [3]]] }] }));
    let text = to_yaml_documents(&written);
    let mut child = Command::new(python)
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let read: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read.len(), written.len());
    for (written, read) in written.iter().zip(&read) {
        assert_eq!(read, written, "{}", to_yaml(written));
    }
}
