//! Random graphs give the same in TensorFlow.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, RecordBatch};
use arrow::datatypes::Float32Type;
use export::{check_saved_model, saved_model};
use graph::{Graph, GraphBuilder, ListOp, NodeType, Op, ValueType};

use super::{Case, run};
use crate::agree::{apply, difference};
use crate::random_graphs::{RandomGraph, every_operation, random_graph, with_long_text};

/// The operations that TensorFlow runs, but for those whose second operand has to be a constant.
const TESTED: &str = "input add subtract multiply divide modulo negate abs sign least greatest ln log2 log10 exp sqrt \
    power floor ceil round sin cos tanh sigmoid lambert_w tan asin acos atan sinh cosh asinh acosh atanh cbrt log1p \
    expm1 trunc atan2 quotient bit_and bit_or bit_xor shift_left shift_right equal not_equal less less_or_equal \
    greater greater_or_equal is_in and or not is_null is_nan is_finite is_infinite select coalesce cast lower upper \
    trim trim_left trim_right length concat substring replace starts_with ends_with reverse pad right repeat split_part \
    code_point regexp_matches regexp_extract regexp_replace bucketize bucketize_per_key gather lookup hash \
    keyed_hash list_length list_get list_slice list_pad list_sum list_mean list_least list_greatest list_contains \
    list_distinct list_sort list_append list_join split ngrams cross list_make one_hot multi_hot term_ids \
    term_weights matrix_multiply";

const NUM_GRAPHS: u64 = 12;
const NUM_OPS: usize = 40;
const NUM_ROWS: usize = 40;

fn is_supported(graph: &Graph) -> bool {
    check_saved_model(graph).is_ok()
}

/// Returns a graph of the least and the greatest of lists, and lists where that is not a usual number.
fn extremes() -> (Graph, RecordBatch) {
    let mut builder = GraphBuilder::new();
    let numbers = builder.input("numbers", NodeType::list(ValueType::Float)).unwrap();
    let one = builder.literal(1.0).unwrap();
    for (name, op) in [("least", ListOp::Least), ("greatest", ListOp::Greatest)] {
        let node = builder.node(Op::OfList(op), &[numbers]).unwrap();
        builder.output(name, node).unwrap();
        // It shows which zero it is.
        let inverse = builder.node(Op::Divide, &[one, node]).unwrap();
        builder.output(&format!("1 / {name}"), inverse).unwrap();
    }
    let (infinite, most) = (f32::INFINITY, f32::MAX);
    let lists = [
        vec![infinite, infinite],
        vec![-infinite, -infinite],
        vec![-infinite, -most],
        vec![infinite, most],
        vec![0.0, -0.0],
        vec![-0.0, 0.0],
        vec![1.0, f32::NAN, -infinite],
        vec![],
        vec![-2.0, -1.0, -3.0],
    ];
    let lists = lists.map(|list| Some(list.into_iter().map(Some)));
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(lists));
    (builder.build(), RecordBatch::try_from_iter([("numbers", lists)]).unwrap())
}

#[test]
fn every_operation_gives_the_same_in_tensorflow() {
    let dir = tempfile::tempdir().unwrap();
    let (mut graphs, mut cases) = (Vec::new(), Vec::new());
    for has_lists in [false, true] {
        let drawn = every_operation(1, NUM_ROWS, has_lists, is_supported);
        let RandomGraph { graph, rows } = drawn;
        let model = dir.path().join(if has_lists { "lists" } else { "values" });
        saved_model(&graph, None, &model).unwrap();
        let names: Vec<&str> = graph.inputs().iter().map(|input| input.name.as_str()).collect();
        cases.push(Case::new(&model, "serving_default", false, &rows, &names));
        graphs.push((graph.clone(), apply(&graph, &rows)));
    }
    let (graph, rows) = extremes();
    let model = dir.path().join("extremes");
    saved_model(&graph, None, &model).unwrap();
    cases.push(Case::new(&model, "serving_default", true, &rows, &["numbers"]));
    graphs.push((graph.clone(), apply(&graph, &rows)));
    let nodes = graphs.iter().flat_map(|(graph, _)| graph.nodes());
    let mut names: Vec<&str> = nodes.map(|node| node.op.name()).collect();
    names.sort_unstable();
    names.dedup();
    for expected in TESTED.split_whitespace() {
        assert!(names.contains(&expected), "`{expected}` is not among {names:?}");
    }
    let Some(outcomes) = run(&cases) else { return };
    for ((graph, expected), outcome) in graphs.iter().zip(&outcomes) {
        let found = outcome.as_ref().unwrap_or_else(|error| panic!("{error}"));
        let difference = difference(graph, expected, found);
        assert!(difference.is_none(), "{}", difference.unwrap());
    }
}

#[test]
fn tensorflow_gives_the_same() {
    #[expect(clippy::disallowed_methods, reason = "a longer run is asked for this way")]
    let num_graphs = std::env::var("CUPOLA_SKEW_GRAPHS").map_or(NUM_GRAPHS, |n| n.parse().unwrap());
    #[expect(clippy::disallowed_methods, reason = "and other graphs too")]
    let first = std::env::var("CUPOLA_SKEW_SEED").map_or(0, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut graphs = Vec::new();
    let mut cases = Vec::new();
    for seed in first..first + num_graphs {
        // A long text in lists would be many of them.
        let has_lists = seed % 5 != 3;
        let drawn = random_graph(seed, NUM_OPS, NUM_ROWS, has_lists, is_supported);
        let RandomGraph { graph, mut rows } = drawn;
        if !has_lists {
            rows = with_long_text(&rows);
        }
        let model = dir.path().join(seed.to_string());
        saved_model(&graph, None, &model).unwrap();
        let expected = apply(&graph, &rows);
        let names: Vec<&str> = graph.inputs().iter().map(|input| input.name.as_str()).collect();
        let is_v2 = seed % 6 == 0;
        let row = usize::try_from(seed).unwrap() % NUM_ROWS;
        for (signature, from, num_rows) in [
            ("serving_default", 0, NUM_ROWS),
            ("raw_features_with_missing", 0, NUM_ROWS),
            ("transform_features", row, 1),
            ("transform_features", 0, 0),
        ] {
            let rows = rows.slice(from, num_rows);
            cases.push(Case::new(&model, signature, is_v2 && num_rows > 0, &rows, &names));
            graphs.push((seed, graph.clone(), expected.slice(from, num_rows)));
        }
    }
    let Some(outcomes) = run(&cases) else { return };
    let mut problems = Vec::new();
    for ((seed, graph, expected), (case, outcome)) in graphs.iter().zip(cases.iter().zip(&outcomes))
    {
        let problem = match outcome {
            Ok(found) => difference(graph, expected, found),
            Err(error) => Some(error.clone()),
        };
        problems
            .extend(problem.map(|problem| format!("seed {seed}, {}: {problem}", case.signature)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}
