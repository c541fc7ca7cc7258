//! Random graphs with random rows, the same for the same seed, whatever runs them.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use graph::{
    Boundaries, Graph, GraphBuilder, KeyedBoundaries, Literal, Literals, NodeId, Op, Period, Side,
    Table, TextOp, TimeOp, TimePart, TimeUnit, ValueType, Vocabulary, Zone,
};

const TYPES: [ValueType; 4] =
    [ValueType::Int, ValueType::Float, ValueType::String, ValueType::Bool];
const TOKENS: [&str; 6] = ["a", "Cash", "ä b", "12", "🚕", "true"];

/// Two raw features of each type.
const NUM_INPUTS: usize = 8;

/// Numbers that look random, always the same for a seed (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number below a limit.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    fn pick<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())].clone()
    }

    fn small(&mut self) -> i64 {
        i64::try_from(self.below(9)).unwrap() - 4
    }
}

/// How closely another runtime can be held to a node's values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Precision {
    /// To the last bit: it is made by operations that are rounded correctly everywhere.
    Exact,
    /// But for the last digits, which functions such as `exp` round differently everywhere.
    Rounded,
    /// But for the last digits of these nodes, whose difference it is.
    Difference(Vec<NodeId>),
}

/// A random graph, all of whose nodes are outputs, and rows for it.
pub(crate) struct Case {
    pub(crate) graph: Graph,
    /// Of each output.
    pub(crate) precisions: Vec<Precision>,
    pub(crate) rows: RecordBatch,
}

/// An operation with its operands, as a runtime is asked whether it takes it.
pub(crate) struct Question<'a> {
    pub(crate) op: &'a Op,
    pub(crate) types: &'a [ValueType],
    /// Which operands are literals.
    pub(crate) are_literals: &'a [bool],
}

/// Makes a graph of operations that a runtime takes, and rows.
pub(crate) fn generate(seed: u64, takes: &dyn Fn(&Question<'_>) -> bool) -> Case {
    let mut random = Random::new(seed);
    let mut maker = Maker::new(takes);
    let num_steps = 4 + random.below(40);
    for _ in 0..num_steps {
        maker.step(&mut random);
    }
    let (graph, precisions) = maker.finish();
    let num_rows = if random.one_in(20) { 0 } else { 1 + random.below(24) };
    let has_long = random.one_in(16);
    Case { graph, precisions, rows: rows(&mut random, num_rows, has_long) }
}

struct Maker<'a> {
    builder: GraphBuilder,
    takes: &'a dyn Fn(&Question<'_>) -> bool,
    nodes: Vec<NodeId>,
    precisions: Vec<Precision>,
    literals: Vec<bool>,
}

impl<'a> Maker<'a> {
    fn new(takes: &'a dyn Fn(&Question<'_>) -> bool) -> Self {
        let mut maker = Self {
            builder: GraphBuilder::new(),
            takes,
            nodes: Vec::new(),
            precisions: Vec::new(),
            literals: Vec::new(),
        };
        for place in 0..NUM_INPUTS {
            let input = maker.builder.input(&format!("input {place}"), TYPES[place % 4]).unwrap();
            maker.add(input, Precision::Exact, false);
        }
        maker
    }

    fn add(&mut self, node: NodeId, precision: Precision, is_literal: bool) {
        if !self.nodes.contains(&node) {
            assert_eq!(node.index(), self.nodes.len(), "nodes are in the order of the builder's");
            self.nodes.push(node);
            self.precisions.push(precision);
            self.literals.push(is_literal);
        }
    }

    fn literal(&mut self, literal: Literal) -> NodeId {
        let node = self.builder.literal(literal).unwrap();
        self.add(node, Precision::Exact, true);
        node
    }

    /// Returns a node of a type, a literal now and then.
    fn operand(&mut self, random: &mut Random, value_type: ValueType) -> NodeId {
        if random.one_in(8) {
            let literal = if random.one_in(6) {
                Literal::Null(value_type)
            } else {
                value(random, value_type)
            };
            return self.literal(literal);
        }
        let of_type: Vec<NodeId> = self
            .nodes
            .iter()
            .copied()
            .filter(|node| self.builder.value_type(*node).unwrap() == value_type)
            .collect();
        // Rather a late one, so that graphs get deep.
        let from = if random.one_in(2) { of_type.len() / 2 } else { 0 };
        of_type[from + random.below(of_type.len() - from)]
    }

    fn step(&mut self, random: &mut Random) {
        let op = self.op(random);
        let mut operands = Vec::new();
        for value_type in operand_types(random, &op) {
            operands.push(self.operand(random, value_type));
        }
        if matches!(op, Op::StartsWith | Op::EndsWith | Op::Contains) && random.one_in(2) {
            operands[1] = self.literal(value(random, ValueType::String));
        }
        let types: Vec<_> =
            operands.iter().map(|node| self.builder.value_type(*node).unwrap()).collect();
        let are_literals: Vec<_> =
            operands.iter().map(|node| self.literals[node.index()]).collect();
        let question = Question { op: &op, types: &types, are_literals: &are_literals };
        if !(self.takes)(&question) {
            return;
        }
        let Some(precision) = self.precision(&op, &operands) else { return };
        let node = self.builder.node(op, &operands).unwrap();
        self.add(node, precision, false);
    }

    fn op(&mut self, random: &mut Random) -> Op {
        let text = |random: &mut Random| match value(random, ValueType::String) {
            Literal::String(text) => text.chars().take(2).collect(),
            _ => String::new(),
        };
        match random.below(28) {
            0 => {
                let value_type = random.pick(&TYPES);
                let values = (0..1 + random.below(5)).map(|_| value(random, value_type)).collect();
                Op::IsIn(Literals::new(values).unwrap())
            }
            1 => {
                let many = if random.one_in(2) { 6 } else { 150 };
                let mut boundaries: Vec<f64> = (0..random.below(many))
                    .map(|_| match value(random, ValueType::Float) {
                        Literal::Float(value) if !value.is_nan() => value,
                        _ => 0.5,
                    })
                    .collect();
                boundaries.sort_by(f64::total_cmp);
                Op::Bucketize(Boundaries::new(boundaries).unwrap())
            }
            2..=5 => Op::Cast { to: random.pick(&TYPES) },
            6 => {
                let length = random.one_in(2).then(|| random.below(6) as u64);
                Op::Substring { start: random.small(), length }
            }
            7 => Op::Replace { from: text(random), to: text(random) },
            8 => Op::Hash { num_buckets: buckets(random) },
            9 => {
                let num_buckets = buckets(random);
                Op::KeyedHash { num_buckets, key: [random.next(), random.next()] }
            }
            12 => {
                let values = |random: &mut Random| (random.below(4) > 0).then(|| random.small());
                let (a, b, default) = (values(random), values(random), values(random));
                match random.below(3) {
                    0 => Op::Gather(Table::ints([a, b], default)),
                    1 => {
                        let float = |value: i64| value as f64 / 2.0;
                        let values = [a.map(float), b.map(float), Some(-0.0)];
                        Op::Gather(Table::floats(values, default.map(float)))
                    }
                    _ => {
                        let is_even = |value: i64| value % 2 == 0;
                        let values = [a.map(is_even), b.map(is_even)];
                        Op::Gather(Table::bools(values, default.map(is_even)))
                    }
                }
            }
            13 => {
                let mut key = |_| {
                    let mut values: Vec<f64> =
                        (0..random.below(4)).map(|_| random.small() as f64).collect();
                    values.sort_by(f64::total_cmp);
                    Boundaries::new(values).unwrap()
                };
                Op::BucketizePerKey(KeyedBoundaries::new((0..3).map(&mut key).collect()))
            }
            14 => {
                let zone = Zone::new(random.pick(&["UTC", "+02:00", "Europe/Berlin"])).unwrap();
                let unit = random.pick(&[TimeUnit::Second, TimeUnit::Nanosecond]);
                let part = random.pick(&[TimePart::Year, TimePart::Week, TimePart::Hour]);
                let period = random.pick(&[Period::Month, Period::Hour]);
                Op::Time(match random.one_in(2) {
                    true => TimeOp::Part { part, zone, unit },
                    false => TimeOp::Truncate { period, zone, unit },
                })
            }
            15 => {
                let (length, fill) = (random.below(12) as u64, text(random));
                let place = [-2, -1, 1, 2][random.below(4)].try_into().unwrap();
                let side = random.pick(&[Side::Left, Side::Right]);
                Op::Text(match random.below(6) {
                    0 => TextOp::Reverse,
                    1 => TextOp::Right { length },
                    2 => TextOp::SplitPart { separator: fill, place },
                    3 => TextOp::Repeat { count: length / 4 },
                    4 => TextOp::CodePoint,
                    _ => TextOp::Pad { side, length, fill },
                })
            }
            10 | 11 => {
                let name = format!("tokens {}", self.nodes.len());
                let tokens = &TOKENS[..random.below(TOKENS.len() + 1)];
                let vocabulary = Vocabulary::new(tokens).unwrap();
                let vocabulary = match self.builder.vocabulary(&name, vocabulary) {
                    Ok(id) => id,
                    // Its step came to nothing, and the name is taken.
                    Err(_) => return Op::Not,
                };
                let num_oov_buckets = random.below(4) as u64;
                Op::Lookup { vocabulary, num_oov_buckets, default_value: random.small() }
            }
            _ => random.pick(&plain()),
        }
    }

    /// Returns how closely the result of an operation can be held, or `None` when not at all.
    fn precision(&self, op: &Op, operands: &[NodeId]) -> Option<Precision> {
        let of = |node: &NodeId| &self.precisions[node.index()];
        let is_function = matches!(
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
        );
        if operands.iter().all(|node| *of(node) == Precision::Exact) {
            return Some(if is_function { Precision::Rounded } else { Precision::Exact });
        }
        if matches!(op, Op::IsNull) {
            return Some(Precision::Exact);
        }
        if operands.iter().any(|node| matches!(of(node), Precision::Difference(_))) {
            return None;
        }
        match op {
            Op::Negate
            | Op::Abs
            | Op::Multiply
            | Op::Divide
            | Op::Sqrt
            | Op::Exp
            | Op::Tanh
            | Op::Sigmoid
            | Op::Least
            | Op::Greatest
            | Op::Select
            | Op::Coalesce => Some(Precision::Rounded),
            Op::Add | Op::Subtract => Some(Precision::Difference(operands.to_vec())),
            Op::IsNan => Some(Precision::Exact),
            // Everything else may jump where an operand differs in its last digit.
            _ => None,
        }
    }

    fn finish(mut self) -> (Graph, Vec<Precision>) {
        for node in &self.nodes {
            self.builder.output(&format!("node {}", node.index()), *node).unwrap();
        }
        (self.builder.build(), self.precisions)
    }
}

fn buckets(random: &mut Random) -> u64 {
    random.pick(&[1, 2, 10, 1000, i64::MAX.unsigned_abs()])
}

/// Returns types that an operation takes.
fn operand_types(random: &mut Random, op: &Op) -> Vec<ValueType> {
    let alike = random.pick(&TYPES);
    let choices = [
        vec![alike],
        vec![alike, alike],
        vec![ValueType::Bool, alike, alike],
        vec![ValueType::Float, ValueType::Int],
    ];
    let all = TYPES
        .into_iter()
        .flat_map(|value_type| [vec![value_type], vec![value_type; 2]])
        .collect::<Vec<_>>();
    let mut fitting = choices.into_iter().chain(all).filter(|types| op.result_type(types).is_ok());
    let mut found: Vec<Vec<ValueType>> = fitting.by_ref().collect();
    assert!(!found.is_empty(), "{op:?} takes something");
    found.swap_remove(random.below(found.len()))
}

/// Returns the operations without constants, those twice that are more likely to go wrong.
fn plain() -> Vec<Op> {
    let mut ops = Op::PLAIN.to_vec();
    ops.extend([Op::Add, Op::Subtract, Op::Modulo, Op::Concat]);
    ops
}

/// Returns a value that is not missing, rather an odd one.
pub(crate) fn value(random: &mut Random, value_type: ValueType) -> Literal {
    match value_type {
        ValueType::Int => Literal::Int(match random.below(6) {
            0 => random.next().cast_signed(),
            1 => random.pick(&[i64::MIN, i64::MAX, i64::MIN + 1, -1, 0, 1, 1 << 53, 1 << 62]),
            _ => random.small(),
        }),
        ValueType::Float => Literal::Float(match random.below(8) {
            0 => f64::from_bits(random.next()),
            1 => random.pick(&[
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
                -0.0,
                0.0,
                0.1,
                std::f64::consts::PI,
                1e15,
                -9_223_372_036_854_775_808.0,
                9_223_372_036_854_775_807.0,
                1e308,
                5e-324,
                1000.0,
                1e-3,
                1.0 + 1e-12,
                1e-50,
                1.0,
                49.0,
            ]),
            2 | 3 => random.small() as f64,
            4 => random.small() as f64 / 2.0,
            5 => f64::from((random.next() % 100_000) as f32 / 1000.0 - 50.0),
            _ => (random.next() >> 11) as f64 / (1_u64 << 53) as f64 * 20.0 - 10.0,
        }),
        ValueType::Bool => Literal::Bool(random.one_in(2)),
        ValueType::String => Literal::String(text(random)),
    }
}

fn text(random: &mut Random) -> String {
    match random.below(10) {
        0 => String::new(),
        1 | 2 => random.pick(&TOKENS).to_owned(),
        3 => random
            .pick(&[
                "1",
                "-0",
                "+7",
                " 12 ",
                "9223372036854775807",
                "9223372036854775808",
                "-9223372036854775808",
                "-9223372036854775809",
                "000000000000000000000000012",
                "1_000",
                "1.5",
                ".5",
                "5.",
                ".",
                "+",
                "-",
                "1e5",
                "1E-3",
                "1e400",
                "-1e400",
                "1e-400",
                "inf",
                "-Infinity",
                "NaN",
                "0x10",
                "1 2",
                "0.1",
                "1e",
                "e5",
                "١",
            ])
            .to_owned(),
        4 => random
            .pick(&[
                "true",
                "FALSE",
                "t",
                "Yes",
                "no",
                "yeſ",
                "\tTRUE\n",
                "0",
                "1",
                "y",
                "N",
                "on",
                "\u{a0}1",
                "\u{b}1\u{c}",
            ])
            .to_owned(),
        5 => {
            // Long enough for every way in which bytes are hashed.
            let len = random.below(150);
            (0..len).map(|_| random.pick(&['a', 'B', '7', ' ', '-'])).collect()
        }
        6 => {
            let len = random.below(40);
            (0..len)
                .map(|_| {
                    random.pick(&[
                        'ä', 'ß', 'İ', 'ſ', 'K', 'Σ', 'Σ', '\u{2bc}', '語', '🚕', 'x', '\u{301}',
                    ])
                })
                .collect()
        }
        _ => {
            let len = random.below(8);
            let odd = ['a', 'b', 'A', 'B', '0', '9', '.', ' ', '\t', '\n', 'é', '\u{0}', '\\', '*'];
            (0..len).map(|_| random.pick(&odd)).collect()
        }
    }
}

fn rows(random: &mut Random, num_rows: usize, has_long: bool) -> RecordBatch {
    let columns = (0..NUM_INPUTS).map(|place| {
        let value_type = TYPES[place % 4];
        // Some columns have no missing values.
        let has_missing = random.one_in(2);
        let mut values: Vec<Option<Literal>> = (0..num_rows)
            .map(|_| match has_missing && random.one_in(4) {
                true => None,
                false => Some(value(random, value_type)),
            })
            .collect();
        if has_long && value_type == ValueType::String && num_rows > 0 {
            let long = "ab ä🚕".repeat(1 << 17);
            values[random.below(num_rows)] = Some(Literal::String(long));
        }
        (format!("input {place}"), column(value_type, &values))
    });
    RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true)).collect::<Vec<_>>())
        .unwrap()
}

/// Returns values as a column.
pub(crate) fn column(value_type: ValueType, values: &[Option<Literal>]) -> ArrayRef {
    match value_type {
        ValueType::Int => Arc::new(Int64Array::from_iter(values.iter().map(|value| match value {
            Some(Literal::Int(value)) => Some(*value),
            _ => None,
        }))),
        ValueType::Float => {
            Arc::new(Float64Array::from_iter(values.iter().map(|value| match value {
                Some(Literal::Float(value)) => Some(*value),
                _ => None,
            })))
        }
        ValueType::String => {
            Arc::new(StringArray::from_iter(values.iter().map(|value| match value {
                Some(Literal::String(value)) => Some(value.as_str()),
                _ => None,
            })))
        }
        ValueType::Bool => {
            Arc::new(BooleanArray::from_iter(values.iter().map(|value| match value {
                Some(Literal::Bool(value)) => Some(*value),
                _ => None,
            })))
        }
    }
}

#[test]
fn a_seed_gives_the_same_case_again() {
    for seed in 0..20 {
        let (once, again) = (generate(seed, &|_| true), generate(seed, &|_| true));
        assert_eq!(once.graph, again.graph);
        assert_eq!(once.rows, again.rows);
        assert_eq!(once.precisions, again.precisions);
    }
}

#[test]
fn every_operation_comes_up() {
    let mut names = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let case = generate(seed, &|_| true);
        names.extend(case.graph.nodes().iter().map(|node| node.op.name()));
    }
    let missing: Vec<_> =
        plain().iter().map(Op::name).filter(|name| !names.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for name in [
        "is_in",
        "cast",
        "substring",
        "replace",
        "bucketize",
        "lookup",
        "hash",
        "keyed_hash",
        "gather",
        "bucketize_per_key",
        "time_part",
        "repeat",
    ] {
        assert!(names.contains(name), "{name}");
    }
}
