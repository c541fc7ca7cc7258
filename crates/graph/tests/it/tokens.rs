//! Texts that are cut: at matches, into words, into tokens.

use graph::{BuildError, GraphBuilder, ListOp, NodeType, Op, Pattern, ValueType, Vocabulary};

use crate::lists::{of, texts};

fn of_texts(op: ListOp, rows: &[&str]) -> String {
    let mut rows: Vec<_> = rows.iter().map(|row| (*row).into()).collect();
    rows.push(graph::Literal::Null(ValueType::String));
    of(op, &[(ValueType::String.into(), crate::column(ValueType::String, &rows))])
}

fn pattern(source: &str) -> Pattern {
    Pattern::new(source).unwrap()
}

#[test]
fn texts_are_cut_at_matches() {
    let rows = ["a, b;c", ",a,", "", "x"];
    assert_eq!(
        of_texts(ListOp::RegexpSplit(pattern("[,;] *")), &rows),
        r#"["a", "b", "c"] ["", "a", ""] [""] ["x"] null"#
    );
    // Nothing does not cut.
    assert_eq!(of_texts(ListOp::RegexpSplit(pattern("b*")), &["abbc"]), r#"["a", "c"] null"#);
    let all = |group| ListOp::RegexpExtractAll { pattern: pattern("(a)|[bä]"), group };
    assert_eq!(of_texts(all(0), &["abäc", "c"]), r#"["a", "b", "ä"] [] null"#);
    assert_eq!(of_texts(all(1), &["abäc", "c"]), r#"["a", null, null] [] null"#);
    let empty = ListOp::RegexpExtractAll { pattern: pattern(""), group: 0 };
    assert_eq!(of_texts(empty, &["ä"]), r#"["", ""] null"#);
}

#[test]
fn words_are_written_in_bytes() {
    assert_eq!(
        of_texts(ListOp::ByteWords, &["Hello, wörld\n", "", "  🚕 it's"]),
        r#"["Hello", ",", "ĠwÃ¶rld", "Ċ"] [] ["Ġ", "ĠðŁļķ", "Ġit", "'s"] null"#
    );
}

#[test]
fn words_are_made_of_tokens_of_a_vocabulary() {
    let mut tokens = graph::byte_tokens();
    tokens.extend(["Ġa", "ab", "Ġab"].map(str::to_owned));
    let mut builder = GraphBuilder::new();
    let vocabulary = builder.vocabulary("tokens", Vocabulary::new(&tokens).unwrap()).unwrap();
    let input = builder.input("words", NodeType::list(ValueType::String)).unwrap();
    let op = Op::OfList(ListOp::BytePairs { vocabulary });
    let node = builder.node(op, &[input]).unwrap();
    builder.output("ids", node).unwrap();
    let graph = builder.build();
    assert_eq!(graph.outputs()[0].num_buckets, Some(259));
    let rows: [Option<&[Option<&str>]>; 4] =
        [Some(&[Some("Ġab"), None, Some("abc")]), Some(&[]), None, Some(&[Some("ab🚕"), Some("")])];
    let (_, column) = texts(&rows);
    let batch = arrow::array::RecordBatch::try_from_iter([("words", column)]).unwrap();
    let found = graph.evaluate(&batch).unwrap();
    let node_type = NodeType::list(ValueType::Int);
    let shown: Vec<_> = (0..4).map(|row| crate::lists::shown(&found[0], node_type, row)).collect();
    let c = tokens.iter().position(|token| token == "c").unwrap();
    assert_eq!(shown, [format!("[258, 257, {c}]"), "[]".into(), "null".into(), "[257]".into()]);
    let dir = tempfile::tempdir().unwrap();
    graph.save(dir.path()).unwrap();
    assert_eq!(graph::Graph::load(dir.path()).unwrap(), graph);
}

#[test]
fn a_vocabulary_without_all_bytes_is_refused() {
    let mut builder = GraphBuilder::new();
    let vocabulary = builder.vocabulary("tokens", Vocabulary::new(["a"]).unwrap()).unwrap();
    let input = builder.input("words", NodeType::list(ValueType::String)).unwrap();
    let op = Op::OfList(ListOp::BytePairs { vocabulary });
    let error = builder.node(op, &[input]).unwrap_err();
    assert_eq!(error.to_string(), "`byte_pairs`: its vocabulary has no token for some byte");
    let text = builder.input("text", ValueType::String).unwrap();
    let op = ListOp::RegexpExtractAll { pattern: pattern("a"), group: 1 };
    let error = builder.node(Op::OfList(op), &[text]).unwrap_err();
    assert_eq!(error, BuildError::Group { group: 1, num_groups: 0 });
}
