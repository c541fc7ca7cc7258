//! Vocabularies of tokens that are learned from texts.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use graph::{GraphBuilder, ListOp, Op, ValueType, Vocabulary};
use serde::Deserialize;

use crate::{apply, config, learn, values};

#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    vocabulary: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    text: String,
    ids: Vec<i64>,
}

fn batch(texts: &[String]) -> RecordBatch {
    let column: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    RecordBatch::try_from_iter([("s", column)]).unwrap()
}

#[test]
fn byte_pairs_are_huggingfaces() {
    let text = std::fs::read_to_string("testdata/peers/byte_pairs.json").unwrap();
    let golden: Golden = serde_json::from_str(&text).unwrap();
    let features = config(&[], &[("ids", "tokenize_bpe(s, vocab_size => 420)")]);
    let graph = learn(&features, &batch(&golden.texts)).unwrap();
    let (name, vocabulary) = graph.vocabularies().next().unwrap();
    assert_eq!(name, "s");
    assert!(vocabulary.tokens().eq(golden.vocabulary.iter().map(String::as_str)));
    assert_eq!(graph.outputs()[0].num_buckets, Some(420));
    let texts: Vec<_> = golden.rows.iter().map(|row| row.text.clone()).collect();
    let found = apply(&graph, &batch(&texts));
    let lists = found.column(0).as_list::<i32>();
    for (place, row) in golden.rows.iter().enumerate() {
        let ids = lists.value(place);
        assert_eq!(ids.as_primitive::<Int64Type>().values(), &row.ids[..], "{:?}", row.text);
    }
}

#[test]
fn word_pieces_are_huggingfaces() {
    let text = std::fs::read_to_string("testdata/peers/word_pieces.json").unwrap();
    let golden: Golden = serde_json::from_str(&text).unwrap();
    let mut builder = GraphBuilder::new();
    let vocabulary = Vocabulary::new(&golden.vocabulary).unwrap();
    let vocabulary = builder.vocabulary("pieces", vocabulary).unwrap();
    let text = builder.input("s", ValueType::String).unwrap();
    let words = builder.node(Op::OfList(ListOp::BertWords), &[text]).unwrap();
    let ids = builder.node(Op::OfList(ListOp::WordPieces { vocabulary }), &[words]).unwrap();
    builder.output("ids", ids).unwrap();
    let graph = builder.build();
    for row in &golden.rows {
        let found = graph.apply(&batch(std::slice::from_ref(&row.text))).unwrap();
        let ids = found.column(0).as_list::<i32>().value(0);
        assert_eq!(ids.as_primitive::<Int64Type>().values(), &row.ids[..], "{:?}", row.text);
    }
    // We learn the same pieces, but for where the order of characters decides between pairs.
    let features = config(&[], &[("ids", "tokenize_wordpiece(s, vocab_size => 300)")]);
    let graph = learn(&features, &batch(&golden.texts)).unwrap();
    let (_, learned) = graph.vocabularies().next().unwrap();
    let known: BTreeSet<&str> = golden.vocabulary.iter().map(String::as_str).collect();
    let num_shared = learned.tokens().filter(|token| known.contains(token)).count();
    assert!(num_shared * 100 >= learned.len() * 80, "{num_shared} of {}", learned.len());
    assert!(learned.len().abs_diff(known.len()) <= 10, "{} for {}", learned.len(), known.len());
}

#[test]
fn missing_texts_have_no_tokens_and_do_not_count() {
    let texts = StringArray::from(vec![Some("ab ab"), None, Some(""), Some("ab")]);
    let column = || vec![("s", Arc::new(texts.clone()) as ArrayRef)];
    // `a` and `b` are tokens 64 and 65; then come `ab` and `Ġab`.
    assert_eq!(values("tokenize_bpe(s, vocab_size => 300)", column()), "[256, 257] - [] [256]");
    assert_eq!(
        values("tokenize_bpe(s, vocab_size => 256)", column()),
        "[64, 65, 220, 64, 65] - [] [64, 65]"
    );
    assert_eq!(values("tokenize_wordpiece(s, vocab_size => 9)", column()), "[4, 4] - [] [4]");
    assert_eq!(
        values("list_pad(tokenize_bpe(s, vocab_size => 257), 3, -1)", column()),
        "[256, 220, 256] - [-1, -1, -1] [256, -1, -1]"
    );
}

#[test]
fn a_tokenizer_file_is_copied_into_the_graph() {
    let texts = StringArray::from(vec![Some("Taxi cab"), None, Some("")]);
    let batch = RecordBatch::try_from_iter([("s", Arc::new(texts) as ArrayRef)]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tokenizer.json");
    std::fs::copy("../tokenizer/testdata/tokenizer.json", &file).unwrap();
    let mut features = config(
        &[],
        &[
            ("ids", "tokenize(s, 'tokenizer.json')"),
            (
                "plain",
                "list_pad(tokenize(s, file => 'tokenizer.json', add_special_tokens => false), 3, 0)",
            ),
        ],
    );
    features.base_dir = dir.path().to_path_buf();
    assert_eq!(transform::files(&features), std::slice::from_ref(&file));
    let graph = learn(&features, &batch).unwrap();
    assert_eq!(graph.outputs()[0].num_buckets, Some(40));
    let shown = |graph: &graph::Graph| {
        let made = apply(graph, &batch);
        [crate::show(made.column(0)), crate::show(made.column(1))]
    };
    let expected = ["[2, 31, 30, 3] - [2, 3]", "[31, 30, 0] - [0, 0, 0]"];
    assert_eq!(shown(&graph), expected);
    // The graph is whole without the file.
    std::fs::remove_file(&file).unwrap();
    let saved = tempfile::tempdir().unwrap();
    graph.save(saved.path()).unwrap();
    assert_eq!(shown(&graph::Graph::load(saved.path()).unwrap()), expected);
    let error = learn(&features, &batch).unwrap_err().to_string();
    assert!(error.starts_with("features.ids:13: cannot read "), "{error}");
    std::fs::write(&file, "{}").unwrap();
    let error = learn(&features, &batch).unwrap_err().to_string();
    assert!(error.contains("not a HuggingFace tokenizer file"), "{error}");
}

#[test]
fn texts_are_cut_at_matches() {
    let column = || vec![("s", Arc::new(StringArray::from(vec!["a, b;c", ""])) as ArrayRef)];
    assert_eq!(values("regexp_split(s, '[,;] *')", column()), "[a, b, c] []");
    assert_eq!(values("list_length(regexp_split(s, '[,;] *'))", column()), "3 1");
    assert_eq!(values("regexp_extract_all(s, '[a-z]')", column()), "[a, b, c] []");
    assert_eq!(values("upper(regexp_extract_all(s, '([a-z]),', 1))", column()), "[A] []");
    assert_eq!(values("regexp_like(split(s, ' '), 'b')", column()), "[false, true] [false]");
}
