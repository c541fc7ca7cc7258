//! Random graphs over random rows, the same for every run of one seed.
//!
//! Runtimes compute logarithms and the like to the last bit or two, so that such results are compared with a tolerance
//! and are no operands of what could make more of the difference ([`RandomGraph::graph`] says which are).

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
    StringArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::Field;
use graph::{
    Boundaries, Floats, Graph, GraphBuilder, ListOp, Literal, Literals, Matrix, NodeId, NodeType,
    Op, Shape, TrimSide, ValueType, Vocabulary,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

pub(super) const TYPES: [ValueType; 4] =
    [ValueType::Int, ValueType::Float, ValueType::String, ValueType::Bool];
const TOKENS: [&str; 6] = ["a", "Cash", "ä b", "12", " blank ", "🚕\tcab"];

/// A graph, all of whose nodes are outputs, and rows of its raw features.
pub(super) struct RandomGraph {
    /// The graph: nodes whose last bits differ between runtimes are only chosen, negated, or looked at for being there.
    pub(super) graph: Graph,
    pub(super) rows: RecordBatch,
}

/// Draws values, the same ones for the same seed.
pub(super) struct Draw(TestRunner);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Self(TestRunner::new_with_rng(Config::default(), rng))
    }

    pub(super) fn one<S: Strategy>(&mut self, strategy: S) -> S::Value {
        strategy.new_tree(&mut self.0).unwrap().current()
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.one(0..end)
    }
}

/// Returns values of a type as they come from outside: floats have 32 bits and are not subnormal.
pub(super) fn value(value_type: ValueType) -> BoxedStrategy<Literal> {
    let normal = |value: f32| f64::from(value);
    match value_type {
        ValueType::Int => prop_oneof![
            any::<i64>(),
            -3i64..4,
            -3i64..4,
            Just(i64::MIN),
            Just(i64::MAX),
            Just(0),
            Just((1 << 53) + 1)
        ]
        .prop_map(Literal::Int)
        .boxed(),
        ValueType::Float => prop_oneof![
            4 => (-1e3f32..1e3).prop_map(normal),
            4 => (-6i8..7).prop_map(|v| f64::from(v) / 2.0),
            1 => proptest::num::f32::NORMAL.prop_map(normal),
            1 => proptest::sample::select(vec![
                f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, 8.0, 1000.0, 49.0, 1e-3f32.into(), 9.3e18,
                -9_223_372_036_854_775_808.0, f64::from(f32::MAX), f64::from(f32::MIN_POSITIVE),
            ]),
        ]
        .prop_map(Literal::Float)
        .boxed(),
        ValueType::String => prop_oneof![
            2 => "\\PC{0,6}",
            2 => "[ \t\nabABIıΣσςäİß🚕'.,-]{0,9}",
            1 => "[ ]{0,2}[+-]?[0-9]{0,25}[ \n]{0,2}",
            1 => "[+-]?[0-9]{0,40}[.]?[0-9]{0,40}(e[+-]?[0-9]{1,2})?",
            1 => "[ ]{0,2}[+-]?[0-9]{0,3}[.]?[0-9]{0,3}([eE][+-]?[0-9]{0,3})?",
            2 => proptest::sample::select(vec![
                "true", "NO", "yeſ", "", "\0", "a\0ÄΣ", "inf", "-Infinity", "nAn", "1e999", "-0", ".", "+", "1_0",
                "0x10", "-0.00000000000000000000000000000000000000125e+38", "00000000000000000000000000000000000000",
                "179769313486231580793728971405301199999999999e264", "1e00000000000000000000000000000000000001",
                "1e99999999999999999999999999999999999999", "9007199254740993000000000000000000000000000000001", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
                "-9223372036854775809", "000000000000000000000000000000000001.5", "\u{feff}b", "\\1$.*",
            ]).prop_map(str::to_owned),
            2 => proptest::sample::select(&TOKENS).prop_map(str::to_owned),
        ]
        .prop_map(Literal::String)
        .boxed(),
        ValueType::Bool => any::<bool>().prop_map(Literal::Bool).boxed(),
    }
}

fn maybe(value_type: ValueType) -> BoxedStrategy<Literal> {
    prop_oneof![5 => value(value_type), 1 => Just(Literal::Null(value_type))].boxed()
}

/// Operations without constants inside.
fn plain_ops() -> Vec<Op> {
    vec![
        Op::Add,
        Op::Subtract,
        Op::Multiply,
        Op::Divide,
        Op::Modulo,
        Op::Negate,
        Op::Abs,
        Op::Sign,
        Op::Least,
        Op::Greatest,
        Op::Ln,
        Op::Log2,
        Op::Log10,
        Op::Exp,
        Op::Sqrt,
        Op::Power,
        Op::Floor,
        Op::Ceil,
        Op::Round,
        Op::Sin,
        Op::Cos,
        Op::Tanh,
        Op::Sigmoid,
        Op::Equal,
        Op::NotEqual,
        Op::Less,
        Op::LessOrEqual,
        Op::Greater,
        Op::GreaterOrEqual,
        Op::And,
        Op::Or,
        Op::Not,
        Op::IsNull,
        Op::IsNan,
        Op::Select,
        Op::Coalesce,
        Op::Lower,
        Op::Upper,
        Op::Trim(TrimSide::Both),
        Op::Trim(TrimSide::Left),
        Op::Trim(TrimSide::Right),
        Op::Length,
        Op::Concat,
        Op::StartsWith,
        Op::EndsWith,
        Op::Contains,
    ]
}

fn list_op() -> impl Strategy<Value = Op> {
    let plain = vec![
        ListOp::Length,
        ListOp::Sum,
        ListOp::Mean,
        ListOp::Least,
        ListOp::Greatest,
        ListOp::Contains,
        ListOp::Distinct,
        ListOp::Sort,
        ListOp::Append,
        ListOp::Make,
    ];
    let separator = || prop_oneof![Just(String::new()), "[ ,äa]{1,2}"];
    let places = || prop_oneof![-3i64..0, 1i64..4, Just(i64::MIN), Just(i64::MAX)];
    let matrix = (1u32..4, 2usize..3, proptest::collection::vec(-2.0..2.0, 12)).prop_map(
        |(num_columns, num_rows, values)| {
            let num_values = num_rows * num_columns as usize;
            ListOp::Multiply(Matrix::new(num_columns, values[..num_values].to_vec()).unwrap())
        },
    );
    prop_oneof![
        20 => proptest::sample::select(plain),
        3 => places().prop_map(|place| ListOp::Get { place }),
        3 => (places(), proptest::option::of(prop_oneof![0u64..3, Just(u64::MAX)]))
            .prop_map(|(start, length)| ListOp::Slice { start, length }),
        4 => proptest::sample::select(&TYPES).prop_flat_map(maybe)
            .prop_flat_map(|value| (0u32..4, Just(value)))
            .prop_map(|(length, value)| ListOp::Pad { length, value }),
        2 => separator().prop_map(|separator| ListOp::Join { separator }),
        4 => separator().prop_map(|separator| ListOp::Split { separator }),
        2 => (1u32..3, 0u32..3, separator())
            .prop_map(|(least, more, separator)| ListOp::NGrams { least, most: least + more, separator }),
        2 => separator().prop_map(|separator| ListOp::Cross { separator }),
        2 => (0u32..4).prop_map(|depth| ListOp::OneHot { depth }),
        2 => (0u32..4).prop_map(|depth| ListOp::MultiHot { depth }),
        2 => (0u32..4).prop_map(|size| ListOp::TermIds { size }),
        2 => proptest::collection::vec(-2.0..2.0, 0..4)
            .prop_map(|weights| ListOp::TermWeights { weights: Floats(weights) }),
        4 => matrix,
    ]
    .prop_map(Op::OfList)
}

fn op() -> impl Strategy<Value = Op> {
    let literals = proptest::sample::select(&TYPES)
        .prop_flat_map(|t| proptest::collection::vec(value(t), 1..5))
        .prop_map(|values| Op::IsIn(Literals::new(values).unwrap()));
    let boundaries = prop_oneof![
        proptest::collection::vec(-5.0..5.0, 0..5),
        proptest::collection::vec((-20i8..20).prop_map(f64::from), 30..80),
        Just(vec![f64::NEG_INFINITY, -0.0, 0.0, f64::INFINITY]),
    ]
    .prop_map(|mut values| {
        values.sort_by(f64::total_cmp);
        Op::Bucketize(Boundaries::new(values).unwrap())
    });
    let num_buckets = || prop_oneof![1u64..5, Just(i64::MAX.unsigned_abs())];
    prop_oneof![
        46 => proptest::sample::select(plain_ops()),
        3 => literals,
        3 => boundaries,
        10 => proptest::sample::select(&TYPES).prop_map(|to| Op::Cast { to }),
        4 => (-3i64..5, proptest::option::of(0u64..5)).prop_map(|(start, length)| Op::Substring { start, length }),
        4 => ("[abä.\\\\\0]{0,2}", "[\\\\1xß]{0,3}").prop_map(|(from, to)| Op::Replace { from, to }),
        2 => num_buckets().prop_map(|num_buckets| Op::Hash { num_buckets }),
        2 => (num_buckets(), any::<[u64; 2]>()).prop_map(|(num_buckets, key)| Op::KeyedHash { num_buckets, key }),
    ]
}

/// Returns whether the last bits of a FLOAT result depend on who computes it.
fn is_inexact(op: &Op) -> bool {
    matches!(
        op,
        Op::Ln
            | Op::Log2
            | Op::Log10
            | Op::Exp
            | Op::Power
            | Op::Sin
            | Op::Cos
            | Op::Tanh
            | Op::Sigmoid
            | Op::OfList(
                ListOp::Sum | ListOp::Mean | ListOp::TermWeights { .. } | ListOp::Multiply(_)
            )
    )
}

/// Returns whether an operation makes nothing more of a difference in the last bits of its FLOATs.
fn is_harmless(op: &Op) -> bool {
    let is_list = matches!(
        op,
        Op::OfList(ListOp::Length | ListOp::Get { .. } | ListOp::Slice { .. } | ListOp::Pad { .. })
    );
    is_list || matches!(op, Op::Select | Op::Coalesce | Op::IsNull | Op::Negate | Op::Abs)
}

/// Results of a node alone may take so many bytes.
const MOST_BYTES: usize = 1 << 20;

/// Draws a graph of some operations that a target supports, and some rows; with or without lists.
pub(super) fn random_graph(
    seed: u64,
    num_ops: usize,
    num_rows: usize,
    has_lists: bool,
    supports: impl Fn(&Graph) -> bool,
) -> RandomGraph {
    let mut draw = Draw::new(seed);
    let mut builder = GraphBuilder::new();
    let tokens = builder.vocabulary("tokens: all", Vocabulary::new(TOKENS).unwrap()).unwrap();
    let none = builder.vocabulary("none", Vocabulary::new(Vec::<String>::new()).unwrap()).unwrap();
    let (mut nodes, columns) = inputs(&mut draw, &mut builder, num_rows, has_lists);
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut num_added = 0;
    while num_added < num_ops {
        let before = builder.clone();
        let op = match draw.below(20) {
            0 => {
                let value_type = draw.one(proptest::sample::select(&TYPES));
                let literal = draw.one(maybe(value_type));
                nodes.push((builder.literal(literal).unwrap(), false));
                continue;
            }
            1 => Op::Lookup {
                vocabulary: if draw.below(4) == 0 { none } else { tokens },
                num_oov_buckets: draw.one(0u64..4),
                default_value: draw.one(-2i64..9),
            },
            2..=10 if has_lists => draw.one(list_op()),
            _ => draw.one(op()),
        };
        // Not every operation takes every node: try some.
        for _ in 0..200 {
            let arity = 1 + draw.below(3);
            let operands: Vec<_> = (0..arity).map(|_| nodes[draw.below(nodes.len())]).collect();
            let is_inexact_operand = operands.iter().any(|(_, is_inexact)| *is_inexact);
            if is_inexact_operand && !is_harmless(&op) {
                continue;
            }
            let ids: Vec<NodeId> = operands.iter().map(|(id, _)| *id).collect();
            let Ok(node) = builder.node(op.clone(), &ids) else { continue };
            let is_float = builder.node_type(node).unwrap().value_type == ValueType::Float;
            let is_new = nodes.iter().all(|(known, _)| *known != node);
            let mut alone = builder.clone();
            alone.output("alone", node).unwrap();
            let alone = alone.build();
            // Lists of different lengths do not go together, and texts must not grow without end.
            let is_small = || {
                let result = alone.apply(&rows);
                result.is_ok_and(|result| result.get_array_memory_size() < MOST_BYTES)
            };
            if !is_new || !supports(&alone) || !is_small() {
                builder = before.clone();
                continue;
            }
            nodes.push((node, is_float && (is_inexact(&op) || is_inexact_operand)));
            num_added += 1;
            break;
        }
    }
    for (node, _) in &nodes {
        // Constants come more than once.
        let _ = builder.output(&format!("node {}", node.index()), *node);
    }
    RandomGraph { graph: builder.build(), rows }
}

type Nodes = Vec<(NodeId, bool)>;

/// Adds two raw features of each type, and with lists one list and one vector of each.
fn inputs(
    draw: &mut Draw,
    builder: &mut GraphBuilder,
    num_rows: usize,
    has_lists: bool,
) -> (Nodes, Vec<(String, ArrayRef)>) {
    let (mut nodes, mut columns) = (Vec::new(), Vec::new());
    for place in 0..if has_lists { 16 } else { 8 } {
        let (name, value_type) = (format!("input {place}"), TYPES[place % 4]);
        let shape = match place {
            0..8 => Shape::One,
            8..12 => Shape::List,
            _ => Shape::Vector(2),
        };
        nodes.push((builder.input(&name, NodeType { value_type, shape }).unwrap(), false));
        let all = match shape {
            Shape::One => {
                let values = (0..num_rows).map(|_| draw.one(maybe(value_type))).collect();
                column(value_type, values)
            }
            shape => lists(draw, value_type, shape, num_rows),
        };
        columns.push((name, all));
    }
    (nodes, columns)
}

/// Draws lists without missing values, which serialized examples cannot have.
fn lists(draw: &mut Draw, value_type: ValueType, shape: Shape, num_rows: usize) -> ArrayRef {
    let (mut values, mut lengths, mut is_valid) = (Vec::<Literal>::new(), Vec::new(), Vec::new());
    for _ in 0..num_rows {
        is_valid.push(draw.below(6) > 0);
        let length = match shape {
            Shape::Vector(length) => length as usize,
            _ if is_valid.last() == Some(&false) => 0,
            _ => draw.below(5),
        };
        // Some values come again.
        for nth in 0..length {
            let again = nth > 0 && draw.below(4) == 0;
            let value =
                if again { values[values.len() - 1].clone() } else { draw.one(value(value_type)) };
            values.push(value);
        }
        lengths.push(length);
    }
    let items = column(value_type, values);
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let nulls = Some(NullBuffer::from(is_valid));
    match shape {
        Shape::Vector(length) => {
            let length = i32::try_from(length).unwrap();
            Arc::new(FixedSizeListArray::new(field, length, items, nulls))
        }
        _ => Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), items, nulls)),
    }
}

/// Returns a column of values as features are stored.
pub(super) fn column(value_type: ValueType, values: Vec<Literal>) -> ArrayRef {
    match value_type {
        ValueType::Int => Arc::new(Int64Array::from_iter(values.iter().map(|value| match value {
            Literal::Int(value) => Some(*value),
            _ => None,
        }))),
        #[expect(clippy::cast_possible_truncation, reason = "features are 32-bit floats")]
        ValueType::Float => {
            Arc::new(Float32Array::from_iter(values.iter().map(|value| match value {
                Literal::Float(value) => Some(*value as f32),
                _ => None,
            })))
        }
        ValueType::String => {
            Arc::new(StringArray::from_iter(values.iter().map(|value| match value {
                Literal::String(value) => Some(value.as_str()),
                _ => None,
            })))
        }
        ValueType::Bool => {
            Arc::new(BooleanArray::from_iter(values.iter().map(|value| match value {
                Literal::Bool(value) => Some(*value),
                _ => None,
            })))
        }
    }
}
