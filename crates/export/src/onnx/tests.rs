use graph::{GraphBuilder, Literal};

use super::*;

fn read(file: &OnnxModel) -> ModelProto {
    ModelProto::decode(file.bytes()).unwrap()
}

#[test]
fn the_same_graph_gives_the_same_bytes() {
    let build = || {
        let mut builder = GraphBuilder::new();
        let fare = builder.input("fare", ValueType::Float).unwrap();
        let scaled = builder.scale_to_z_score(fare, 3.0, 4.0).unwrap();
        builder.output("fare", scaled).unwrap();
        builder.build()
    };
    assert_eq!(onnx(&build(), None).unwrap(), onnx(&build(), None).unwrap());
}

#[test]
fn what_cannot_be_missing_has_no_output_that_says_so() {
    let mut builder = GraphBuilder::new();
    let fare = builder.input("fare", ValueType::Float).unwrap();
    let zero = builder.literal(0.0).unwrap();
    let filled = builder.node(Op::Coalesce, &[fare, zero]).unwrap();
    builder.output("filled", filled).unwrap();
    builder.output("fare", fare).unwrap();
    let graph = read(&onnx(&builder.build(), None).unwrap()).graph.unwrap();
    let names = |infos: &[ValueInfoProto]| {
        infos.iter().map(|info| info.name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&graph.input), ["fare", "fare.present"]);
    assert_eq!(names(&graph.output), ["filled", "fare.output", "fare.output.present"]);
}

#[test]
fn what_cannot_be_expressed_is_named_by_its_feature() {
    let mut builder = GraphBuilder::new();
    let fare = builder.input("fare", ValueType::Float).unwrap();
    let text = builder.cast(fare, ValueType::String).unwrap();
    let is_null = builder.node(Op::IsNull, &[text]).unwrap();
    builder.output("fine", fare).unwrap();
    builder.output("has_text", is_null).unwrap();
    builder.output("text", text).unwrap();
    let error = onnx(&builder.build(), None).unwrap_err().to_string();
    assert!(error.starts_with("feature `has_text`: ONNX cannot express `cast`: "), "{error}");
}

#[test]
fn two_tensors_of_one_name_are_refused() {
    let mut builder = GraphBuilder::new();
    let a = builder.input("a", ValueType::Bool).unwrap();
    let b = builder.input("a.present", ValueType::Bool).unwrap();
    let both = builder.node(Op::And, &[a, b]).unwrap();
    builder.output("both", both).unwrap();
    let error = onnx(&builder.build(), None).unwrap_err();
    assert_eq!(error.to_string(), "ONNX would have two tensors named `a.present`");
}

#[test]
fn names_within_never_meet_those_of_features() {
    let mut builder = GraphBuilder::new();
    let a = builder.input("_1", ValueType::Int).unwrap();
    let b = builder.literal(Literal::Int(2)).unwrap();
    let sum = builder.node(Op::Add, &[a, b]).unwrap();
    builder.output("_2", sum).unwrap();
    let graph = read(&onnx(&builder.build(), None).unwrap()).graph.unwrap();
    let mut made: Vec<_> = graph.node.iter().flat_map(|node| node.output.clone()).collect();
    made.extend(graph.initializer.iter().map(|tensor| tensor.name().to_owned()));
    made.extend(graph.input.iter().map(|info| info.name().to_owned()));
    made.sort();
    made.dedup();
    // Two inputs of which one is constant, too; the shape, the constant, the sum; the output and where it is missing.
    assert_eq!(made.len(), 2 + 3 + 2);
}
