//! Random graphs over random rows: against the plain reference, in batches of any size, and through files.

use arrow::array::{ArrayRef, RecordBatch};
use graph::{
    Boundaries, Graph, GraphBuilder, Literal, Literals, NodeId, Op, ValueType, Vocabulary,
};
use proptest::prelude::*;

use crate::{cell, column, naive, show};

const TOKENS: [&str; 4] = ["a", "Cash", "ä b", "12"];
const TYPES: [ValueType; 4] =
    [ValueType::Int, ValueType::Float, ValueType::String, ValueType::Bool];

/// Two raw features of each type.
const NUM_INPUTS: usize = 8;

fn value(value_type: ValueType) -> BoxedStrategy<Literal> {
    let some = match value_type {
        ValueType::Int => prop_oneof![
            any::<i64>(),
            -3i64..4,
            -400_000_000_000i64..300_000_000_000,
            Just(i64::MIN),
            Just(i64::MAX),
        ]
        .prop_map(Literal::Int)
        .boxed(),
        ValueType::Float => prop_oneof![
            any::<f64>(),
            -3.0..3.0,
            (-3i8..4).prop_map(f64::from),
            (-1e3f32..1e3).prop_map(f64::from),
            Just(f64::NAN),
            Just(f64::INFINITY),
            Just(-0.0),
        ]
        .prop_map(Literal::Float)
        .boxed(),
        ValueType::String => prop_oneof![
            "\\PC{0,6}",
            "[ \t\nabAB0-9.äİß🚕-]{0,8}",
            Just("true".to_owned()),
            "\\{\"a\": \\{\"b c\": \\[[0-9]{1,3}(\\.[05])?\\]\\}\\}",
            "\\[1, (true|\"a\\\\n\"|null|-0.0|1e3|9223372036854775808)\\]",
            Just(String::new()),
            proptest::sample::select(&TOKENS).prop_map(str::to_owned),
        ]
        .prop_map(Literal::String)
        .boxed(),
        ValueType::Bool => any::<bool>().prop_map(Literal::Bool).boxed(),
    };
    prop_oneof![4 => some, 1 => Just(Literal::Null(value_type))].boxed()
}

fn row() -> impl Strategy<Value = Vec<Literal>> {
    (0..NUM_INPUTS).map(|place| value(TYPES[place % 4])).collect::<Vec<_>>()
}

/// Any operation, but for the vocabulary of a lookup.
fn op() -> impl Strategy<Value = Op> {
    let plain = proptest::sample::select(Op::PLAIN.to_vec());
    let not_null = |value_type| {
        value(value_type).prop_filter("constants of a list", |v| !matches!(v, Literal::Null(_)))
    };
    let literals = proptest::sample::select(&TYPES)
        .prop_flat_map(move |t| proptest::collection::vec(not_null(t), 1..5))
        .prop_map(|values| Op::IsIn(Literals::new(values).unwrap()));
    let boundaries = prop_oneof![
        proptest::collection::vec(-5.0..5.0, 0..5),
        proptest::collection::vec(-50.0..50.0, 30..80),
        Just(vec![f64::NEG_INFINITY, -0.0, 0.0, f64::INFINITY]),
    ]
    .prop_map(|mut values| {
        values.sort_by(f64::total_cmp);
        Op::Bucketize(Boundaries::new(values).unwrap())
    });
    let num_buckets = || prop_oneof![1u64..5, Just(i64::MAX.unsigned_abs())];
    prop_oneof![
        46 => plain,
        40 => proptest::sample::select(crate::grouped::operations()),
        2 => literals,
        2 => boundaries,
        6 => proptest::sample::select(&TYPES).prop_map(|to| Op::Cast { to }),
        2 => (-3i64..5, proptest::option::of(0u64..5))
            .prop_map(|(start, length)| Op::Substring { start, length }),
        2 => ("[abä]{0,2}", "\\PC{0,2}").prop_map(|(from, to)| Op::Replace { from, to }),
        1 => num_buckets().prop_map(|num_buckets| Op::Hash { num_buckets }),
        1 => (num_buckets(), any::<[u64; 2]>())
            .prop_map(|(num_buckets, key)| Op::KeyedHash { num_buckets, key }),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Constant(Literal),
    /// An operation of earlier nodes; they are found by type, from a random place on.
    Op(Op, [prop::sample::Index; 3]),
    Lookup(u64, i64, prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => proptest::sample::select(&TYPES).prop_flat_map(value).prop_map(Step::Constant),
        16 => (op(), any::<[prop::sample::Index; 3]>()).prop_map(|(op, at)| Step::Op(op, at)),
        1 => (0u64..4, -2i64..9, any::<prop::sample::Index>())
            .prop_map(|(buckets, default, at)| Step::Lookup(buckets, default, at)),
    ]
}

/// Makes a graph all of whose nodes are outputs.
fn build(steps: &[Step]) -> Graph {
    let mut builder = GraphBuilder::new();
    let vocabulary = builder.vocabulary("tokens", Vocabulary::new(TOKENS).unwrap()).unwrap();
    let mut nodes: Vec<NodeId> = (0..NUM_INPUTS)
        .map(|place| builder.input(&format!("input {place}"), TYPES[place % 4]).unwrap())
        .collect();
    let literals = TYPES.map(|value_type| builder.literal(Literal::Null(value_type)).unwrap());
    nodes.extend(literals);
    for step in steps {
        let any = |at: &prop::sample::Index| nodes[at.index(nodes.len())];
        let added = match step {
            Step::Constant(literal) => builder.literal(literal.clone()),
            Step::Lookup(num_oov_buckets, default_value, at) => {
                let (num_oov_buckets, default_value) = (*num_oov_buckets, *default_value);
                let op = Op::Lookup { vocabulary, num_oov_buckets, default_value };
                builder.node(op, &[any(at)])
            }
            Step::Op(op, at) => {
                // Not every operation takes every node: try some.
                let mut tries = (0..nodes.len()).flat_map(|shift| {
                    let shifted = |place: usize, by: usize| {
                        nodes[(at[place].index(nodes.len()) + by) % nodes.len()]
                    };
                    [
                        vec![shifted(0, shift)],
                        vec![shifted(0, shift), shifted(1, shift * 3)],
                        vec![shifted(0, shift), shifted(1, shift), shifted(2, shift)],
                    ]
                });
                let found = tries.find_map(|operands| builder.node(op.clone(), &operands).ok());
                found.map_or_else(|| builder.literal(0i64), Ok)
            }
        };
        nodes.extend(added);
    }
    nodes.sort_unstable();
    nodes.dedup();
    for node in nodes {
        builder.output(&format!("node {}", node.index()), node).unwrap();
    }
    builder.build()
}

fn batch(rows: &[Vec<Literal>]) -> RecordBatch {
    let columns = (0..NUM_INPUTS).map(|place| {
        let values: Vec<_> = rows.iter().map(|row| row[place].clone()).collect();
        (format!("input {place}"), column(TYPES[place % 4], &values))
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Returns the cells of all outputs, row after row.
fn cells(graph: &Graph, columns: &[ArrayRef]) -> Vec<Vec<String>> {
    let num_rows = columns.first().map_or(0, |column| column.len());
    let cell = |row, (column, output): (&ArrayRef, &graph::GraphOutput)| {
        show(&cell(column, output.value_type, row))
    };
    (0..num_rows)
        .map(|row| columns.iter().zip(graph.outputs()).map(|at| cell(row, at)).collect())
        .collect()
}

/// Returns the cells of all outputs of a row, as the plain reference has them.
fn expected(graph: &Graph, row: &[Literal]) -> Vec<String> {
    let mut values: Vec<Literal> = Vec::new();
    for node in graph.nodes() {
        let operands: Vec<_> = node.operands.iter().map(|at| values[at.index()].clone()).collect();
        values.push(match &node.op {
            Op::Input { name, .. } => {
                let place: usize = name.trim_start_matches("input ").parse().unwrap();
                row[place].clone()
            }
            Op::Literal(literal) => literal.clone(),
            op => naive::compute(op, &operands, &TOKENS),
        });
        assert_eq!(values.last().unwrap().value_type(), node.value_type);
    }
    graph.output_nodes().iter().map(|node| show(&values[node.index()])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn columns_equal_the_naive_loop(
        steps in prop::collection::vec(step(), 0..40),
        rows in prop::collection::vec(row(), 0..70),
    ) {
        let graph = build(&steps);
        let found = cells(&graph, &graph.evaluate(&batch(&rows)).unwrap());
        let expected: Vec<_> = rows.iter().map(|row| expected(&graph, row)).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn the_size_of_a_batch_does_not_show(
        steps in prop::collection::vec(step(), 0..30),
        rows in prop::collection::vec(row(), 1..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let graph = build(&steps);
        let whole = batch(&rows);
        let at_once = graph.apply(&whole).unwrap();
        let at_once = cells(&graph, at_once.columns());
        let cut = cut.index(rows.len());
        let mut one_by_one = Vec::new();
        for row in 0..cut {
            let one = graph.apply(&whole.slice(row, 1)).unwrap();
            one_by_one.extend(cells(&graph, one.columns()));
        }
        let rest = graph.apply(&whole.slice(cut, rows.len() - cut)).unwrap();
        one_by_one.extend(cells(&graph, rest.columns()));
        prop_assert_eq!(at_once, one_by_one);
    }

    #[test]
    fn files_and_values_hold_the_whole_graph(steps in prop::collection::vec(step(), 0..30)) {
        let graph = build(&steps);
        let dir = tempfile::tempdir().unwrap();
        graph.save(dir.path()).unwrap();
        prop_assert_eq!(&Graph::load(dir.path()).unwrap(), &graph);
        let json = serde_json::to_string(&graph).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Graph>(&json).unwrap(), &graph);
    }

    #[test]
    fn a_part_computes_the_same(
        steps in prop::collection::vec(step(), 1..30),
        rows in prop::collection::vec(row(), 1..10),
        wanted in any::<prop::sample::Index>(),
    ) {
        let graph = build(&steps);
        let wanted = wanted.index(graph.outputs().len());
        let part = graph.project(&[&graph.outputs()[wanted].name]).unwrap();
        prop_assert_eq!(&part.outputs()[0], &graph.outputs()[wanted]);
        let batch = batch(&rows);
        let (whole, alone) = (graph.apply(&batch).unwrap(), part.apply(&batch).unwrap());
        let value_type = part.outputs()[0].value_type;
        for row in 0..rows.len() {
            let of = |batch: &RecordBatch, place| show(&cell(batch.column(place), value_type, row));
            prop_assert_eq!(of(&whole, wanted), of(&alone, 0));
        }
    }
}
