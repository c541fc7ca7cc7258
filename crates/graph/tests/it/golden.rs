//! What tf.Transform 1.16 makes of the taxi data, with its own vocabularies, boundaries and hashes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use graph::{Graph, GraphBuilder, Op, ValueType, Vocabulary};
use serde_json::Value;

#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
fn golden() -> Option<PathBuf> {
    let golden = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden/tft"));
    if golden.is_dir() {
        return Some(golden.to_path_buf());
    }
    println!("skipped: {} is not there", golden.display());
    None
}

fn ids(graph: &Graph, texts: Vec<String>) -> Vec<Vec<i64>> {
    let texts = Arc::new(StringArray::from(texts));
    let batch = RecordBatch::try_from_iter([("text", texts as _)]).unwrap();
    let batch = graph.apply(&batch).unwrap();
    let values = |c: &arrow::array::ArrayRef| c.as_primitive::<Int64Type>().values().to_vec();
    batch.columns().iter().map(values).collect()
}

#[test]
fn hashes_are_tensorflows() {
    let Some(golden) = golden() else { return };
    let text = fs::read_to_string(golden.join("hash_to_bucket.json")).unwrap();
    let hashes: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let mut builder = GraphBuilder::new();
    let text = builder.input("text", ValueType::String).unwrap();
    for (name, op) in [
        ("fast", Op::Hash { num_buckets: 100 }),
        ("large", Op::Hash { num_buckets: 1 << 62 }),
        ("strong", Op::KeyedHash { num_buckets: 100, key: [123, 456] }),
    ] {
        let node = builder.node(op, &[text]).unwrap();
        builder.output(name, node).unwrap();
    }
    assert!(hashes.len() > 50);
    let columns = ids(&builder.build(), hashes.keys().cloned().collect());
    for (row, (text, expected)) in hashes.iter().enumerate() {
        let found: Vec<_> = columns.iter().map(|column| Value::from(column[row])).collect();
        assert_eq!(Value::from(found), *expected, "{text:?}");
    }
}

#[test]
fn vocabularies_give_their_line_numbers() {
    let Some(golden) = golden() else { return };
    let text = fs::read_to_string(golden.join("vocab_company.txt")).unwrap();
    let tokens: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut builder = GraphBuilder::new();
    let feature = builder.input("text", ValueType::String).unwrap();
    let vocabulary = builder.vocabulary("company", Vocabulary::new(&tokens).unwrap()).unwrap();
    let op = Op::Lookup { vocabulary, num_oov_buckets: 0, default_value: -1 };
    let node = builder.node(op, &[feature]).unwrap();
    builder.output("id", node).unwrap();
    let graph = builder.build();

    let found = ids(&graph, tokens.clone());
    assert!(found[0].iter().copied().eq(0..tokens.len() as i64));
    assert_eq!(ids(&graph, vec![String::new(), "nobody".to_owned()]), [[-1, -1]]);

    // Stored, the vocabulary is tf.Transform's file to the byte.
    let dir = tempfile::tempdir().unwrap();
    graph.save(dir.path()).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("assets/company.txt")).unwrap(), text);
}
