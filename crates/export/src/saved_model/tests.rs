use std::fs;

use graph::{GraphBuilder, Literal, NodeId, Op, ValueType, Vocabulary};

use super::*;
use crate::Support;
use formats::Message as _;

fn built(build: impl Fn(&mut GraphBuilder) -> NodeId) -> Graph {
    let mut builder = GraphBuilder::new();
    let node = build(&mut builder);
    builder.output("feature", node).unwrap();
    builder.build()
}

fn read(dir: &Path) -> MetaGraphDef {
    let bytes = fs::read(dir.join("saved_model.pb")).unwrap();
    let mut saved_model = SavedModel::decode(bytes.as_slice()).unwrap();
    assert_eq!(saved_model.meta_graphs.len(), 1);
    saved_model.meta_graphs.remove(0)
}

fn lookup(builder: &mut GraphBuilder, names: [&str; 3]) -> NodeId {
    let mut text = builder.input("text", ValueType::String).unwrap();
    for (place, name) in names.into_iter().enumerate() {
        let tokens: Vec<String> = (0..place).map(|n| format!("token {n}")).collect();
        let vocabulary = builder.vocabulary(name, Vocabulary::new(tokens).unwrap()).unwrap();
        let op = Op::Lookup { vocabulary, num_oov_buckets: 2, default_value: -1 };
        let id = builder.node(op, &[text]).unwrap();
        text = builder.cast(id, ValueType::String).unwrap();
    }
    text
}

#[test]
fn the_same_graph_gives_the_same_bytes_and_nothing_is_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let graph = built(|builder| lookup(builder, ["b", "a/\u{e4}", "A__"]));
    let [first, second] = ["first", "second"].map(|name| dir.path().join(name));
    for path in [&first, &second] {
        saved_model(&graph, None, path).unwrap();
    }
    let bytes = |path: &Path| fs::read(path.join("saved_model.pb")).unwrap();
    assert_eq!(bytes(&first), bytes(&second));
    assert!(matches!(saved_model(&graph, None, &first), Err(ExportError::Io(_))));
    let mut names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["first", "second"], "nothing is left behind");
}

#[test]
fn vocabularies_are_files_whose_names_differ_in_more_than_case() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    saved_model(&built(|builder| lookup(builder, ["none", "a/\u{e4}", "A__"])), None, &path)
        .unwrap();
    let asset = |name: &str| fs::read_to_string(path.join("assets").join(name)).unwrap();
    assert_eq!(asset("a__"), "token 0\n");
    assert_eq!(asset("A__-2"), "token 0\ntoken 1\n");
    assert_eq!(fs::read_dir(path.join("assets")).unwrap().count(), 2, "an empty one has no file");
    let files: Vec<_> =
        read(&path).asset_file_def.into_iter().map(|asset| asset.filename).collect();
    assert_eq!(files, ["a__", "A__-2"]);
}

#[test]
fn signatures_name_what_goes_in_and_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    let mut builder = GraphBuilder::new();
    let fare = builder.input("fare", ValueType::Float).unwrap();
    let is_null = builder.node(Op::IsNull, &[fare]).unwrap();
    builder.output("fare", fare).unwrap();
    builder.output("no fare", is_null).unwrap();
    let words = builder.input("words", graph::NodeType::list(ValueType::String)).unwrap();
    let pad = graph::ListOp::Pad { length: 3, value: Literal::Null(ValueType::String) };
    let padded = builder.node(Op::OfList(pad), &[words]).unwrap();
    builder.output("words", words).unwrap();
    builder.output("padded", padded).unwrap();
    saved_model(&builder.build(), None, &path).unwrap();
    let meta_graph = read(&path);
    assert_eq!(meta_graph.meta_info_def.unwrap().tags, ["serve"]);
    let names = |infos: &BTreeMap<String, TensorInfo>| {
        infos
            .iter()
            .map(|(name, info)| {
                let shape = info.tensor_shape.as_ref().unwrap();
                let sizes: Vec<_> = shape.dim.iter().map(|dim| dim.size).collect();
                format!("{name} {} {sizes:?}", info.dtype().as_str_name())
            })
            .collect::<Vec<_>>()
            .join(", ")
    };
    let shown: Vec<String> = meta_graph
        .signature_def
        .iter()
        .map(|(name, s)| format!("{name}: {} -> {}", names(&s.inputs), names(&s.outputs)))
        .collect();
    let words = "words DT_STRING [-1, -1], words.length DT_INT64 [-1, 1]";
    let padded = "padded DT_STRING [-1, 3], padded.value.present DT_BOOL [-1, 3]";
    let all = format!("fare DT_FLOAT [-1, 1], no fare DT_BOOL [-1, 1], {padded}, {words}");
    let some = format!(
        "fare DT_FLOAT [-1, 1], fare.present DT_BOOL [-1, 1], no fare DT_BOOL [-1, 1], padded DT_STRING [-1, 3], \
         padded.present DT_BOOL [-1, 1], padded.value.present DT_BOOL [-1, 3], {words}, words.present DT_BOOL [-1, 1]"
    );
    let masks = "fare DT_FLOAT [-1, 1], fare.present DT_BOOL [-1, 1]";
    let expected = [
        format!("raw_features: fare DT_FLOAT [-1, 1], {words} -> {all}"),
        format!(
            "raw_features_with_missing: {masks}, {words}, words.present DT_BOOL [-1, 1] -> {some}"
        ),
        format!("serving_default: examples DT_STRING [-1] -> {some}"),
        format!("transform_features: examples DT_STRING [-1] -> {some}"),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn every_input_of_a_node_comes_before_it_and_no_name_comes_twice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    saved_model(&built(|builder| lookup(builder, ["x", "y", "z"])), None, &path).unwrap();
    let meta_graph = read(&path);
    let mut known = BTreeSet::new();
    for node in meta_graph.graph_def.unwrap().node {
        for input in &node.input {
            let name = input.trim_start_matches('^').split(':').next().unwrap();
            assert!(known.contains(name), "{} of {}", input, node.name);
        }
        assert!(known.insert(node.name.clone()), "{} comes twice", node.name);
    }
    let outputs = meta_graph.signature_def.values().flat_map(|s| s.outputs.values());
    for info in outputs {
        assert!(known.contains(info.name.split(':').next().unwrap()), "{}", info.name);
    }
}

#[test]
fn what_cannot_be_expressed_is_refused_by_feature() {
    let float_text = built(|builder| {
        let fare = builder.input("fare", ValueType::Float).unwrap();
        builder.cast(fare, ValueType::String).unwrap()
    });
    let contains = built(|builder| {
        let [a, b] = ["a", "b"].map(|name| builder.input(name, ValueType::String).unwrap());
        builder.node(Op::Contains, &[a, b]).unwrap()
    });
    let sorted = built(|builder| {
        let list = builder.input("words", graph::NodeType::list(ValueType::String)).unwrap();
        builder.node(Op::OfList(graph::ListOp::Sort), &[list]).unwrap()
    });
    for (graph, expected) in [
        (
            sorted,
            "feature `feature`: SavedModel cannot express `list_sort`: TensorFlow does not order texts in lists",
        ),
        (
            float_text,
            "feature `feature`: SavedModel cannot express `cast`: TensorFlow writes no shortest decimals; convert to \
             an integer before converting to text",
        ),
        (
            contains,
            "feature `feature`: SavedModel cannot express `contains`: the text that is looked for has to be a constant",
        ),
    ] {
        assert_eq!(check_saved_model(&graph).unwrap_err().to_string(), expected);
    }
    let constant = built(|builder| {
        let a = builder.input("a", ValueType::String).unwrap();
        let b = builder.literal("b").unwrap();
        builder.node(Op::Contains, &[a, b]).unwrap()
    });
    assert!(check_saved_model(&constant).is_ok());
}

#[test]
fn names_that_tell_of_presence_are_taken() {
    let mut builder = GraphBuilder::new();
    for name in ["a", "a.present"] {
        let node = builder.literal(Literal::Int(1)).unwrap();
        builder.output(name, node).unwrap();
    }
    let error = check_saved_model(&builder.build()).unwrap_err();
    assert_eq!(error.to_string(), "SavedModel would have two tensors named `a.present`");
}

#[test]
fn support_is_told_for_operations_alone() {
    let cast = Op::Cast { to: ValueType::String };
    assert!(matches!(saved_model_support(&cast, &[ValueType::Float]), Support::None(_)));
    assert_eq!(saved_model_support(&cast, &[ValueType::Int]), Support::Full);
    let long = Op::Replace { from: "x".repeat(10_001), to: String::new() };
    assert!(matches!(saved_model_support(&long, &[ValueType::String]), Support::None(_)));
    assert!(matches!(saved_model_support(&Op::Contains, &[]), Support::Partial(_)));
}
