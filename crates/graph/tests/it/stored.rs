//! Graphs on disk, whole, old and spoiled.

use std::fs;
use std::path::Path;

use base::{BoxError, Classify, ErrorKind};
use graph::{
    Boundaries, Graph, GraphBuilder, GraphError, ListOp, Literal, Literals, NodeType, Op, Pattern,
    ValueType, Vocabulary,
};
use insta::assert_snapshot;
use proptest::prelude::*;

fn graph() -> Graph {
    let mut builder = GraphBuilder::new();
    let fare = builder.input("fare", ValueType::Float).unwrap();
    let fare = builder.scale_to_z_score(fare, 11.75, 4.0).unwrap();
    let company = builder.input("company", ValueType::String).unwrap();
    let tokens = Vocabulary::new(["Taxi Affiliation Services", "Ümlaut Cab"]).unwrap();
    let vocabulary = builder.vocabulary("company/taxi", tokens).unwrap();
    let lookup = Op::Lookup { vocabulary, num_oov_buckets: 3, default_value: -1 };
    let company = builder.node(lookup, &[company]).unwrap();
    let boundaries = Boundaries::new(vec![f64::NEG_INFINITY, -0.0, 0.1, f64::INFINITY]).unwrap();
    let bucket = builder.node(Op::Bucketize(boundaries), &[fare]).unwrap();
    let nan = builder.literal(f64::NAN).unwrap();
    let missing = builder.literal(Literal::Null(ValueType::Int)).unwrap();
    for (name, node) in
        [("fare", fare), ("company", company), ("bucket", bucket), ("nan", nan), ("none", missing)]
    {
        builder.output(name, node).unwrap();
    }
    builder.build()
}

fn saved() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    graph().save(dir.path()).unwrap();
    dir
}

/// Loads a graph whose description was edited; the folder's name is left out of the message.
fn load_edited(from: &str, to: &str) -> String {
    let dir = saved();
    let path = dir.path().join("graph.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    told(dir.path())
}

fn told(dir: &Path) -> String {
    match Graph::load(dir) {
        Ok(_) => "loaded".to_owned(),
        Err(error) => {
            assert_ne!(error.kind(), ErrorKind::Bug);
            BoxError::from(error).to_string().replace(&format!("{}/", dir.display()), "")
        }
    }
}

#[test]
fn the_description_is_readable() {
    let dir = saved();
    let text = fs::read_to_string(dir.path().join("graph.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let nodes: Vec<_> =
        value["nodes"].as_array().unwrap().iter().map(ToString::to_string).collect();
    assert_snapshot!(nodes.join("\n"), @r#"
    {"op":"input","constants":{"name":"fare","type":"FLOAT"}}
    {"op":"literal","constants":{"float":11.75}}
    {"op":"subtract","operands":[0,1]}
    {"op":"literal","constants":{"float":2.0}}
    {"op":"divide","operands":[2,3]}
    {"op":"input","constants":{"name":"company","type":"STRING"}}
    {"op":"lookup","operands":[5],"constants":{"vocabulary":0,"num_oov_buckets":3,"default_value":-1}}
    {"op":"bucketize","operands":[4],"constants":["-Infinity",-0.0,0.1,"Infinity"]}
    {"op":"literal","constants":{"float":"NaN"}}
    {"op":"literal","constants":{"null":"INT"}}
    "#);
    assert_eq!(value["vocabularies"][0]["file"], "company_taxi.txt");
    assert_eq!(value["outputs"][1].to_string(), r#"{"name":"company","node":6}"#);
}

#[test]
fn the_same_graph_gives_the_same_bytes() {
    let (one, other) = (saved(), saved());
    assert_eq!(
        base::digest_tree(one.path()).unwrap().to_string(),
        base::digest_tree(other.path()).unwrap().to_string()
    );
    let again = tempfile::tempdir().unwrap();
    Graph::load(one.path()).unwrap().save(again.path()).unwrap();
    assert_eq!(
        base::digest_tree(one.path()).unwrap().to_string(),
        base::digest_tree(again.path()).unwrap().to_string()
    );
}

/// A graph with every operation, each of inputs of its own.
fn every_operation() -> Graph {
    let mut builder = GraphBuilder::new();
    let tokens = Vocabulary::new(["a", "Ümlaut Cab"]).unwrap();
    let vocabulary = builder.vocabulary("tokens", tokens).unwrap();
    let constants = vec![Literal::Float(f64::NAN), Literal::Float(-0.0), Literal::Float(1e-300)];
    let mut ops = Op::PLAIN.to_vec();
    ops.extend([
        Op::IsIn(Literals::new(constants).unwrap()),
        Op::IsIn(Literals::new(vec!["a\n\"".into(), "".into()]).unwrap()),
        Op::Cast { to: ValueType::Int },
        Op::Cast { to: ValueType::String },
        Op::Cast { to: ValueType::Bool },
        Op::Substring { start: -2, length: Some(u64::MAX) },
        Op::Substring { start: 3, length: None },
        Op::Replace { from: "a".to_owned(), to: String::new() },
        Op::Bucketize(Boundaries::new(vec![f64::NEG_INFINITY, 0.1, 0.1, f64::INFINITY]).unwrap()),
        Op::Lookup { vocabulary, num_oov_buckets: 2, default_value: -1 },
        Op::Hash { num_buckets: i64::MAX.unsigned_abs() },
        Op::KeyedHash { num_buckets: 10, key: [u64::MAX, 1] },
        Op::Literal(i64::MIN.into()),
        Op::Literal(f64::INFINITY.into()),
        Op::Literal("\u{0}é".into()),
        Op::Literal(true.into()),
        Op::Literal(Literal::Null(ValueType::Bool)),
    ]);
    let types = [ValueType::Float, ValueType::Int, ValueType::String, ValueType::Bool];
    for (place, op) in ops.into_iter().enumerate() {
        let candidates = [vec![]]
            .into_iter()
            .chain(types.iter().flat_map(|&t| [vec![t], vec![t, t], vec![ValueType::Bool, t, t]]));
        let mut fits = candidates.filter(|types| op.result_type(types).is_ok());
        let operands: Vec<_> = fits
            .next()
            .unwrap()
            .into_iter()
            .enumerate()
            .map(|(operand, t)| builder.input(&format!("{t} {operand}"), t).unwrap())
            .collect();
        let node = builder.node(op.clone(), &operands).unwrap();
        builder.output(&format!("{place} {}", op.name()), node).unwrap();
    }
    builder.build()
}

#[test]
fn version_1_stays_readable() {
    let stored = Graph::load(Path::new("testdata/v1")).unwrap();
    assert_eq!(stored, every_operation());
}

/// A graph with every operation of a group, each of inputs of its own.
fn every_grouped_operation() -> Graph {
    let mut builder = GraphBuilder::new();
    let tokens = Vocabulary::new(graph::byte_tokens()).unwrap();
    let vocabulary = builder.vocabulary("bytes", tokens).unwrap();
    let pattern = || Pattern::new("(a)|b").unwrap();
    let tokens = Vocabulary::new(["[UNK]", "##a"]).unwrap();
    let pieces = builder.vocabulary("pieces", tokens).unwrap();
    let of_lists = [
        ListOp::BytePairs { vocabulary },
        ListOp::BertWords,
        ListOp::WordPieces { vocabulary: pieces },
        ListOp::ByteWords,
        ListOp::RegexpSplit(pattern()),
        ListOp::RegexpExtractAll { pattern: pattern(), group: 1 },
    ];
    let ops = crate::grouped::operations().into_iter().chain(crate::grouped::others());
    let ops = ops.chain(of_lists.map(Op::OfList));
    let types = [ValueType::Float, ValueType::Int, ValueType::String].map(NodeType::from);
    let list = NodeType::list(ValueType::String);
    for (place, op) in ops.enumerate() {
        let candidates = types.iter().flat_map(|&t| [vec![t], vec![t, t]]).chain([vec![list]]);
        let operands = candidates.into_iter().find(|types| op.node_type(types).is_ok()).unwrap();
        let operands: Vec<_> = operands
            .into_iter()
            .enumerate()
            .map(|(operand, t)| builder.input(&format!("{t} {operand}"), t).unwrap())
            .collect();
        let node = builder.node(op.clone(), &operands).unwrap();
        builder.output(&format!("{place} {}", op.name()), node).unwrap();
    }
    builder.build()
}

#[test]
fn groups_of_operations_of_version_2_stay_readable() {
    let dir = Path::new("testdata/v2-groups");
    if std::env::var_os("UPDATE").is_some() {
        every_grouped_operation().save(dir).unwrap();
    }
    assert_eq!(Graph::load(dir).unwrap(), every_grouped_operation());
}

#[test]
fn a_spoiled_description_is_told_by_node() {
    let cases = [
        ("\"version\": 2", "\"version\": 3"),
        ("\"version\": 2", "\"version\": \"one\""),
        ("\"divide\"", "\"embed\""),
        ("\"divide\"", "\"and\""),
        ("\"divide\"", "\"ln\""),
        ("\"num_oov_buckets\": 3", "\"num_oov_buckets\": 9223372036854775807"),
        ("\"num_oov_buckets\": 3", "\"num_oov_buckets\": -3"),
        ("\"num_oov_buckets\": 3", "\"buckets\": 3"),
        ("\"vocabulary\": 0", "\"vocabulary\": 7"),
        ("-Infinity", "Infinity"),
        ("-Infinity", "NaN"),
        ("-Infinity", "minus infinity"),
        ("\"node\": 4", "\"node\": 400"),
        ("\"name\": \"nan\"", "\"name\": \"fare\""),
        ("company_taxi.txt", "../graph.json"),
        ("company_taxi.txt", "company.txt"),
        ("\"num_tokens\": 2", "\"num_tokens\": 3"),
        ("\"outputs\"", "\"results\""),
    ];
    let told: Vec<_> = cases
        .iter()
        .map(|(from, to)| format!("{from} -> {to}\n    {}", load_edited(from, to)))
        .collect();
    assert_snapshot!(told.join("\n"), @r#"
    "version": 2 -> "version": 3
        graph.json: format version 3, expected at most 2
    "version": 2 -> "version": "one"
        graph.json: not a graph description: invalid type: string "one", expected u64 at line 2 column 18
    "divide" -> "embed"
        graph.json: node 4: unknown operation `embed`
    "divide" -> "and"
        graph.json: node 4: `and` of FLOAT, FLOAT, expected two BOOLs
    "divide" -> "ln"
        graph.json: node 4: `ln` of FLOAT, FLOAT, expected one FLOAT
    "num_oov_buckets": 3 -> "num_oov_buckets": 9223372036854775807
        graph.json: node 6: `lookup` into 9223372036854775807 buckets, expected 0 to 9223372036854775805
    "num_oov_buckets": 3 -> "num_oov_buckets": -3
        graph.json: node 6: not the constants of `lookup`: invalid value: integer `-3`, expected u64
    "num_oov_buckets": 3 -> "buckets": 3
        graph.json: node 6: not the constants of `lookup`: unknown field `buckets`, expected one of `vocabulary`, `num_oov_buckets`, `default_value`
    "vocabulary": 0 -> "vocabulary": 7
        graph.json: node 6: no vocabulary 7 among the 1 vocabularies
    -Infinity -> Infinity
        graph.json: node 7: boundary 1 is less than the one before it
    -Infinity -> NaN
        graph.json: node 7: boundary 0 is not a number
    -Infinity -> minus infinity
        graph.json: node 7: not the constants of `bucketize`: not a number, `NaN`, `Infinity` or `-Infinity`
    "node": 4 -> "node": 400
        graph.json: not a graph: no node 400 among the 10 nodes so far
    "name": "nan" -> "name": "fare"
        graph.json: not a graph: two outputs are named `fare`
    company_taxi.txt -> ../graph.json
        graph.json: vocabulary `company/taxi`: "../graph.json" is not a file name
    company_taxi.txt -> company.txt
        cannot read assets/company.txt: No such file or directory (os error 2)
    "num_tokens": 2 -> "num_tokens": 3
        assets/company_taxi.txt: not the vocabulary saved with the graph: 2 tokens with digest b4bb7181d435, expected 3 with b4bb7181d435
    "outputs" -> "results"
        graph.json: not a graph description: unknown field `results`, expected one of `version`, `vocabularies`, `nodes`, `outputs` at line 88 column 11
    "#);
}

#[test]
fn a_node_cannot_read_itself_or_a_later_one() {
    let dir = tempfile::tempdir().unwrap();
    for operand in [0, 1, u32::MAX] {
        let text = format!(
            r#"{{"version": 1, "vocabularies": [], "outputs": [],
                "nodes": [{{"op": "not", "operands": [{operand}]}}]}}"#
        );
        fs::write(dir.path().join("graph.json"), text).unwrap();
        assert_eq!(
            told(dir.path()),
            format!("graph.json: node 0: no node {operand} among the 0 nodes so far")
        );
    }
}

#[test]
fn a_vocabulary_that_was_cut_or_edited_is_refused() {
    type Edit = dyn Fn(&[u8]) -> Vec<u8>;
    let edits: [(&str, &Edit); 4] = [
        ("cut", &|bytes| bytes[..bytes.len() - 1].to_vec()),
        ("empty", &|_| Vec::new()),
        ("edited", &|bytes| {
            let mut bytes = bytes.to_vec();
            bytes[0] = b't';
            bytes
        }),
        ("not text", &|_| b"\xff\n\xfe\n".to_vec()),
    ];
    for (what, edit) in edits {
        let dir = saved();
        let path = dir.path().join("assets/company_taxi.txt");
        fs::write(&path, edit(&fs::read(&path).unwrap())).unwrap();
        let error = Graph::load(dir.path()).unwrap_err();
        assert!(matches!(error, GraphError::OtherVocabulary { .. }), "{what}: {error}");
        assert!(told(dir.path()).starts_with("assets/company_taxi.txt: not the vocabulary saved"));
    }
    let dir = saved();
    fs::remove_file(dir.path().join("assets/company_taxi.txt")).unwrap();
    assert_eq!(Graph::load(dir.path()).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn vocabularies_with_like_names_have_files_of_their_own() {
    let mut builder = GraphBuilder::new();
    let text = builder.input("text", ValueType::String).unwrap();
    for (place, name) in ["a b", "a/b", "A_B", "", "../x", "ü"].into_iter().enumerate() {
        let tokens = Vocabulary::new([format!("token {place}")]).unwrap();
        let vocabulary = builder.vocabulary(name, tokens).unwrap();
        let op = Op::Lookup { vocabulary, num_oov_buckets: 0, default_value: -1 };
        let node = builder.node(op, &[text]).unwrap();
        builder.output(name, node).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    builder.build().save(dir.path()).unwrap();
    let entries = fs::read_dir(dir.path().join("assets")).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["A_B-3.txt", "_.txt", "___x.txt", "a_b-2.txt", "a_b.txt", "vocabulary.txt"]);
    assert_eq!(Graph::load(dir.path()).unwrap(), builder.build());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Any edit of any byte either is refused or leaves a graph that works.
    #[test]
    fn spoiled_bytes_never_panic(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let dir = saved();
        let path = dir.path().join("graph.json");
        let mut bytes = fs::read(&path).unwrap();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fs::write(&path, bytes).unwrap();
        if let Ok(graph) = Graph::load(dir.path()) {
            let fare = crate::column(ValueType::Float, &[Literal::Float(1.0)]);
            let company = crate::column(ValueType::String, &["x".into()]);
            let batch = arrow::array::RecordBatch::try_from_iter([("fare", fare), ("company", company)]);
            let _ = graph.apply(&batch.unwrap());
        }
    }

    /// So does any edit of the constants of groups: patterns, paths, formats, zones, numbers.
    #[test]
    fn spoiled_constants_never_panic(at in any::<prop::sample::Index>(), by in "[ -~ä]{0,3}") {
        let text = fs::read_to_string("testdata/v2-groups/graph.json").unwrap();
        let places: Vec<usize> = text
            .match_indices("\"constants\"")
            .flat_map(|(start, _)| start + 12..(start + 120).min(text.len()))
            .filter(|place| text.is_char_boundary(*place))
            .collect();
        let place = places[at.index(places.len())];
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("assets")).unwrap();
        for asset in ["bytes.txt", "pieces.txt"] {
            let from = Path::new("testdata/v2-groups/assets").join(asset);
            fs::copy(from, dir.path().join("assets").join(asset)).unwrap();
        }
        let rest = text[place..].char_indices().nth(1).map_or("", |(next, _)| &text[place + next..]);
        fs::write(dir.path().join("graph.json"), format!("{}{by}{rest}", &text[..place])).unwrap();
        if let Ok(graph) = Graph::load(dir.path()) {
            let again = tempfile::tempdir().unwrap();
            graph.save(again.path()).unwrap();
            assert_eq!(Graph::load(again.path()).unwrap(), graph);
        }
    }
}
