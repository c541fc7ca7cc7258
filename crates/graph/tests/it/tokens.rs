//! Texts that are cut: at matches, into words, into tokens.

use graph::{
    BuildError, Graph, GraphBuilder, ListOp, NodeType, Op, Pattern, Tokenizer, ValueType,
    Vocabulary,
};

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

fn tokenizer(file: &str) -> Tokenizer {
    let path = format!("../tokenizer/testdata/{file}.json");
    Tokenizer::from_bytes(std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_tokenizer_file_makes_ids_of_a_text() {
    let op =
        |special| ListOp::Tokenize { tokenizer: tokenizer("bert"), add_special_tokens: special };
    let texts = ["Taxi", ""];
    assert_eq!(of_texts(op(true), &texts), "[2, 152, 3] [2, 3] null");
    assert_eq!(of_texts(op(false), &texts), "[152] [] null");
}

#[test]
fn a_graph_keeps_its_tokenizers() {
    let mut builder = GraphBuilder::new();
    let text = builder.input("text", ValueType::String).unwrap();
    for (name, file, add_special_tokens) in
        [("a", "bert", true), ("b", "bert", false), ("c", "gpt2", true)]
    {
        let tokenizer = tokenizer(file);
        let op = Op::OfList(ListOp::Tokenize { tokenizer, add_special_tokens });
        let node = builder.node(op, &[text]).unwrap();
        builder.output(name, node).unwrap();
    }
    let graph = builder.build();
    assert_eq!(graph.outputs()[2].num_buckets, Some(420));
    let text = serde_json::to_string(&graph).unwrap();
    assert_eq!(serde_json::from_str::<Graph>(&text).unwrap(), graph);

    let dir = tempfile::tempdir().unwrap();
    graph.save(dir.path()).unwrap();
    assert_eq!(Graph::load(dir.path()).unwrap(), graph);
    let assets = dir.path().join("assets");
    let files: Vec<_> =
        std::fs::read_dir(&assets).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 2);
    let told = || match Graph::load(dir.path()) {
        Ok(_) => "loaded".to_owned(),
        Err(error) => error.to_string(),
    };
    let whole = std::fs::read(&files[0]).unwrap();
    std::fs::write(&files[0], &whole[..100]).unwrap();
    assert!(told().contains("not the tokenizer saved with the graph: digest "), "{}", told());
    std::fs::remove_file(&files[0]).unwrap();
    assert!(told().starts_with("cannot read "), "{}", told());
    std::fs::write(&files[0], &whole).unwrap();
    assert_eq!(told(), "loaded");
    let description = dir.path().join("graph.json");
    let text = std::fs::read_to_string(&description).unwrap();
    std::fs::write(&description, text.replace("\"tokenizer-", "\"../tokenizer-")).unwrap();
    assert!(told().ends_with("is not a file name"), "{}", told());
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
    assert_eq!(Graph::load(dir.path()).unwrap(), graph);
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
