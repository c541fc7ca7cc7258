//! Vocabularies of tokens that are learned from texts.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
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
fn missing_texts_have_no_tokens_and_do_not_count() {
    let texts = StringArray::from(vec![Some("ab ab"), None, Some(""), Some("ab")]);
    let column = || vec![("s", Arc::new(texts.clone()) as ArrayRef)];
    // `a` and `b` are tokens 64 and 65; then come `ab` and `Ġab`.
    assert_eq!(values("tokenize_bpe(s, vocab_size => 300)", column()), "[256, 257] - [] [256]");
    assert_eq!(
        values("tokenize_bpe(s, vocab_size => 256)", column()),
        "[64, 65, 220, 64, 65] - [] [64, 65]"
    );
    assert_eq!(
        values("list_pad(tokenize_bpe(s, vocab_size => 257), 3, -1)", column()),
        "[256, 220, 256] - [-1, -1, -1] [256, -1, -1]"
    );
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
