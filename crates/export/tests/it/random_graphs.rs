//! Random graphs over random rows, the same for every run of one seed.
//!
//! Runtimes compute logarithms and the like to the last bit or two, so that such results are compared with a tolerance
//! and are no operands of what could make more of the difference ([`RandomGraph::graph`] says which are).

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
    StringArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::Field;
use graph::{
    Boundaries, FloatOp, Floats, Graph, GraphBuilder, IntOp, KeyedBoundaries, ListOp, Literal,
    Literals, Matrix, NodeId, NodeType, Op, Pattern, Period, RegexpOp, Replacement, Shape, Side,
    Table, TextOp, TextPairOp, TimeOp, TimePart, TimeUnit, ValueType, Vocabulary, Zone,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

pub(crate) const TYPES: [ValueType; 4] =
    [ValueType::Int, ValueType::Float, ValueType::String, ValueType::Bool];
const TOKENS: [&str; 6] = ["a", "Cash", "ä b", "12", " blank ", "🚕\tcab"];

/// A graph, all of whose nodes are outputs, and rows of its raw features.
pub(crate) struct RandomGraph {
    /// The graph: nodes whose last bits differ between runtimes are only chosen, negated, or looked at for being there.
    pub(crate) graph: Graph,
    pub(crate) rows: RecordBatch,
}

/// Draws values, the same ones for the same seed.
pub(crate) struct Draw(TestRunner);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Self(TestRunner::new_with_rng(Config::default(), rng))
    }

    pub(crate) fn one<S: Strategy>(&mut self, strategy: S) -> S::Value {
        strategy.new_tree(&mut self.0).unwrap().current()
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.one(0..end)
    }
}

/// Returns values of a type as they come from outside: floats have 32 bits and are not subnormal.
pub(crate) fn value(value_type: ValueType) -> BoxedStrategy<Literal> {
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
            // Long enough for every way in which bytes are hashed.
            1 => "[aB7 -]{0,150}",
            1 => "[äßİſKΣʼ語🚕x\u{301}]{0,40}",
            1 => "[ ]{0,2}[+-]?[0-9]{0,3}[.]?[0-9]{0,3}([eE][+-]?[0-9]{0,3})?",
            2 => proptest::sample::select(vec![
                "true", "NO", "yeſ", "\tTRUE\n", "on", "", "\u{a0}1", "\u{b}1\u{c}", "1 2", "5.", "1e", "e5", "1e-400", "١", "\0", "a\0ÄΣ", "inf", "-Infinity", "nAn", "1e999", "-0", ".", "+", "1_0",
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

/// Returns constants of a type, which need not come from outside.
fn constant(value_type: ValueType) -> BoxedStrategy<Literal> {
    match value_type {
        ValueType::Float => prop_oneof![
            3 => value(value_type),
            1 => proptest::sample::select(vec![0.1, std::f64::consts::PI, 1e15, 1e308, 1.0 + 1e-12, 1e-50])
                .prop_map(Literal::Float),
        ]
        .boxed(),
        _ => value(value_type),
    }
}

fn maybe(value_type: ValueType) -> BoxedStrategy<Literal> {
    prop_oneof![5 => value(value_type), 1 => Just(Literal::Null(value_type))].boxed()
}

/// Functions that are one operation for many.
fn more_ops() -> impl Strategy<Value = Op> {
    let plain = vec![Op::LambertW, Op::Atan2, Op::IsFinite, Op::IsInfinite];
    let ints = proptest::collection::vec(proptest::option::of(-3i64..9), 0..4);
    let floats = proptest::collection::vec(proptest::option::of(-2.0..2.0), 0..4);
    let tables = prop_oneof![
        (ints, proptest::option::of(0i64..3))
            .prop_map(|(values, default)| Table::ints(values, default)),
        (floats, proptest::option::of(0.0..3.0))
            .prop_map(|(values, default)| Table::floats(values, default)),
        any::<(Vec<Option<bool>>, Option<bool>)>()
            .prop_map(|(values, default)| Table::bools(values.into_iter().take(3), default)),
    ];
    let keys = proptest::collection::vec(proptest::collection::vec(-3.0..3.0, 0..4), 0..4);
    let keys = keys.prop_map(|keys| {
        let key = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            Boundaries::new(values).unwrap()
        };
        Op::BucketizePerKey(KeyedBoundaries::new(keys.into_iter().map(key).collect()))
    });
    let sides = || prop_oneof![Just(Side::Left), Just(Side::Right)];
    let texts = prop_oneof![
        Just(TextOp::Reverse),
        Just(TextOp::CodePoint),
        (0u64..5).prop_map(|length| TextOp::Right { length }),
        (0u64..6).prop_map(|count| TextOp::Repeat { count }),
        (sides(), 0u64..9, "[*ä]{0,2}").prop_map(|(side, length, fill)| TextOp::Pad {
            side,
            length,
            fill
        }),
    ];
    let places =
        prop_oneof![-3i64..0, 1i64..4].prop_map(|at| std::num::NonZeroI64::new(at).unwrap());
    let separators = proptest::sample::select(vec!["", " ", "a", ".", "^", "ä", "aa", "ab"]);
    let parts = (separators, places)
        .prop_map(|(cut, place)| TextOp::SplitPart { separator: cut.to_owned(), place });
    let sources = vec![
        "a",
        "[aä]+",
        "(?i)B",
        r"(\d+)\.?(\d*)",
        r"^\s*(\S*)",
        "(a)|b",
        "",
        "x*",
        r"\bσ?",
        "(.)(.)$",
    ];
    let patterns =
        (proptest::sample::select(sources), any::<bool>()).prop_map(|(source, is_whole)| {
            match is_whole {
                true => Pattern::whole(source).unwrap(),
                false => Pattern::new(source).unwrap(),
            }
        });
    let regexps = (patterns, 0u32..3, any::<bool>(), 0usize..3).prop_map(
        |(pattern, group, is_global, which)| match which {
            0 => RegexpOp::Matches(pattern),
            1 => RegexpOp::Extract { group: group.min(pattern.num_groups()), pattern },
            _ => {
                let source = if pattern.num_groups() > 0 { r"<\1\\>" } else { r"\0\0-" };
                let replacement = Replacement::new(source).unwrap();
                RegexpOp::Replace { pattern, replacement, is_global }
            }
        },
    );
    prop_oneof![
        4 => proptest::sample::select(plain),
        4 => times(),
        8 => proptest::sample::select(FloatOp::ALL.to_vec()).prop_map(Op::Float),
        6 => proptest::sample::select(IntOp::ALL.to_vec()).prop_map(Op::Int),
        4 => tables.prop_map(Op::Gather),
        4 => keys,
        5 => texts.prop_map(Op::Text),
        5 => parts.prop_map(Op::Text),
        1 => Just(Op::TextPair(TextPairOp::Position)),
        8 => regexps.prop_map(Op::Regexp),
    ]
}

fn times() -> impl Strategy<Value = Op> {
    let zones = proptest::sample::select(vec!["UTC", "+02:00", "Europe/Berlin"]);
    let units = proptest::sample::select(vec![TimeUnit::Second, TimeUnit::Nanosecond]);
    let parts = prop_oneof![Just(TimePart::Year), Just(TimePart::Week), Just(TimePart::Hour)];
    let periods = prop_oneof![Just(Period::Month), Just(Period::Hour)];
    (zones, units, parts, periods, any::<bool>()).prop_map(|(zone, unit, part, period, is_part)| {
        let zone = Zone::new(zone).unwrap();
        Op::Time(match is_part {
            true => TimeOp::Part { part, zone, unit },
            false => TimeOp::Truncate { period, zone, unit },
        })
    })
}

/// Operations of lists without constants inside.
fn plain_list_ops() -> Vec<ListOp> {
    vec![
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
    ]
}

fn list_op() -> impl Strategy<Value = Op> {
    let plain = plain_list_ops();
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
        46 => proptest::sample::select(Op::PLAIN.to_vec()),
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
pub(crate) fn is_inexact(op: &Op) -> bool {
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
            | Op::LambertW
            | Op::Float(_)
            | Op::Atan2
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
pub(crate) fn random_graph(
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
                let literal = match draw.below(6) {
                    0 => Literal::Null(value_type),
                    _ => draw.one(constant(value_type)),
                };
                nodes.push((builder.literal(literal).unwrap(), false));
                continue;
            }
            1 => Op::Lookup {
                vocabulary: if draw.below(4) == 0 { none } else { tokens },
                num_oov_buckets: draw.one(0u64..4),
                default_value: draw.one(-2i64..9),
            },
            2..=10 if has_lists => draw.one(list_op()),
            11..=14 => draw.one(more_ops()),
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

/// Returns a graph of every operation over raw features of every type that it takes, once each, and some rows.
pub(crate) fn every_operation(
    seed: u64,
    num_rows: usize,
    has_lists: bool,
    supports: impl Fn(&Graph) -> bool,
) -> RandomGraph {
    let mut draw = Draw::new(seed);
    let mut builder = GraphBuilder::new();
    let vocabulary = builder.vocabulary("tokens", Vocabulary::new(TOKENS).unwrap()).unwrap();
    let (nodes, columns) = inputs(&mut draw, &mut builder, num_rows, has_lists);
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut ops = Op::PLAIN.to_vec();
    ops.extend(FloatOp::ALL.map(Op::Float));
    ops.extend(IntOp::ALL.map(Op::Int));
    ops.extend([Op::LambertW, Op::Atan2, Op::IsFinite, Op::IsInfinite]);
    ops.extend(TYPES.map(|to| Op::Cast { to }));
    ops.push(Op::Lookup { vocabulary, num_oov_buckets: 3, default_value: -1 });
    // What has constants inside is drawn, often enough that there is some of each.
    ops.extend((0..80).map(|_| draw.one(more_ops())));
    ops.extend((0..60).map(|_| draw.one(op())));
    if has_lists {
        ops.extend(plain_list_ops().into_iter().map(Op::OfList));
        ops.extend((0..150).map(|_| draw.one(list_op())));
    }
    // One feature of each type, and others; with lists a list and a vector.
    let choices: Vec<[NodeId; 3]> = (0..4)
        .map(|place| match has_lists {
            true => [place, place + 8, place + 12].map(|at| nodes[at].0),
            false => [place, place + 4, place + 4].map(|at| nodes[at].0),
        })
        .collect();
    // Some runtimes take an operand only where it is a constant.
    let literals = TYPES.map(|of| builder.literal(draw.one(value(of))).unwrap());
    let (mut is_known, mut num_outputs) = (HashSet::new(), 0);
    for op in ops {
        for types in 0..64 {
            let [a, b, c] = [types % 4, types / 4 % 4, types / 16].map(|at| choices[at]);
            for operands in [
                vec![a[0]],
                vec![a[1]],
                vec![a[2]],
                vec![a[0], b[1]],
                vec![a[0], literals[types / 4 % 4]],
                vec![a[1], b[0]],
                vec![a[1], b[1]],
                vec![a[2], b[2]],
                vec![a[0], b[1], c[1]],
            ] {
                if !is_known.insert((op.clone(), operands.clone())) {
                    continue;
                }
                let before = builder.clone();
                let Ok(node) = builder.node(op.clone(), &operands) else { continue };
                let mut alone = builder.clone();
                alone.clear_outputs();
                alone.output("alone", node).unwrap();
                let alone = alone.build();
                if !supports(&alone) || alone.apply(&rows).is_err() {
                    builder = before;
                    continue;
                }
                builder.output(&format!("output {num_outputs}"), node).unwrap();
                num_outputs += 1;
            }
        }
    }
    RandomGraph { graph: builder.build(), rows }
}

/// Puts a text of one million bytes, not all of them ASCII, into the last row of the first column of text.
pub(crate) fn with_long_text(rows: &RecordBatch) -> RecordBatch {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| {
        let column: ArrayRef = match (field.name().as_str(), column.as_any().downcast_ref()) {
            ("input 2", Some(texts)) => {
                let texts: &StringArray = texts;
                let mut texts: Vec<_> = texts.iter().map(|t| t.map(str::to_owned)).collect();
                *texts.last_mut().unwrap() = Some("Lange Straße ".repeat(1_000_000 / 14));
                Arc::new(StringArray::from(texts))
            }
            _ => ArrayRef::clone(column),
        };
        (field.name().clone(), column)
    });
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
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
        // Some values come again, and some lists are of one value again and again.
        let is_same = draw.below(5) == 0;
        for nth in 0..length {
            let again = nth > 0 && (is_same || draw.below(4) == 0);
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
pub(crate) fn column(value_type: ValueType, values: Vec<Literal>) -> ArrayRef {
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

#[test]
fn a_seed_gives_the_same_again() {
    for seed in 0..4 {
        let draw = || random_graph(seed, 12, 8, seed % 2 == 0, |_| true);
        let (once, again) = (draw(), draw());
        assert_eq!(once.graph, again.graph);
        assert_eq!(once.rows, again.rows);
    }
}
