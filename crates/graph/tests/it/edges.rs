//! What each operation does at the edges of its values.

use graph::Literal::{Float, Int, Null};
use graph::ValueType::{self, Bool};
use graph::{Boundaries, Literal, Op, TrimSide};

use crate::compute;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// One operation of one operand each.
pub(crate) fn each<V: Into<Literal>>(op: &Op, value_type: ValueType, values: Vec<V>) -> String {
    let mut rows: Vec<[Literal; 1]> = values.into_iter().map(|value| [value.into()]).collect();
    rows.push([Null(value_type)]);
    let rows: Vec<&[Literal]> = rows.iter().map(|row| row.as_slice()).collect();
    compute(op, &[value_type], &rows).join(" ")
}

/// One operation of pairs.
pub(crate) fn pairs<V: Into<Literal> + Clone>(
    op: &Op,
    value_type: ValueType,
    values: &[(V, V)],
) -> String {
    let mut rows: Vec<[Literal; 2]> =
        values.iter().cloned().map(|(a, b)| [a.into(), b.into()]).collect();
    let (a, b) = values[0].clone();
    rows.push([Null(value_type), b.into()]);
    rows.push([a.into(), Null(value_type)]);
    let rows: Vec<&[Literal]> = rows.iter().map(|row| row.as_slice()).collect();
    compute(op, &[value_type; 2], &rows).join(" ")
}

pub(crate) fn ints(op: &Op, values: &[(i64, i64)]) -> String {
    pairs(op, ValueType::Int, values)
}

pub(crate) fn floats(op: &Op, values: &[(f64, f64)]) -> String {
    pairs(op, ValueType::Float, values)
}

pub(crate) fn texts(op: &Op, values: &[(&str, &str)]) -> String {
    pairs(op, ValueType::String, values)
}

pub(crate) fn float(op: &Op, values: &[f64]) -> String {
    each(op, ValueType::Float, values.to_vec())
}

pub(crate) fn text(op: &Op, values: &[&str]) -> String {
    each(op, ValueType::String, values.to_vec())
}

#[test]
fn integers_wrap_around() {
    let edges = [(3, 2), (i64::MAX, 1), (i64::MIN, -1)];
    assert_eq!(ints(&Op::Add, &edges), "5 -9223372036854775808 9223372036854775807 null null");
    assert_eq!(ints(&Op::Subtract, &edges), "1 9223372036854775806 -9223372036854775807 null null");
    assert_eq!(ints(&Op::Multiply, &edges), "6 9223372036854775807 -9223372036854775808 null null");
    assert_eq!(ints(&Op::Least, &edges), "2 1 -9223372036854775808 null null");
    assert_eq!(ints(&Op::Greatest, &edges), "3 9223372036854775807 -1 null null");
    let edges = || vec![-7, 0, 7, i64::MIN];
    assert_eq!(each(&Op::Negate, ValueType::Int, edges()), "7 0 -7 -9223372036854775808 null");
    assert_eq!(each(&Op::Abs, ValueType::Int, edges()), "7 0 7 -9223372036854775808 null");
    assert_eq!(each(&Op::Sign, ValueType::Int, edges()), "-1 0 1 -1 null");
}

#[test]
fn the_rest_of_a_division_has_the_sign_of_the_dividend() {
    let edges = [(7, 3), (-7, 3), (7, -3), (7, 0), (i64::MIN, -1)];
    assert_eq!(ints(&Op::Modulo, &edges), "1 -1 1 null 0 null null");
    let edges = [(7.5, 2.0), (-7.5, 2.0), (7.5, 0.0), (INF, 2.0)];
    assert_eq!(floats(&Op::Modulo, &edges), "1.5 -1.5 NaN NaN null null");
}

#[test]
fn floats_follow_ieee() {
    let edges = [(1.0, 0.0), (-1.0, 0.0), (0.0, 0.0), (1.0, -0.0), (NAN, 1.0)];
    assert_eq!(floats(&Op::Divide, &edges), "inf -inf NaN -inf NaN null null");
    let edges = [(1.0, 2.0), (NAN, 1.0), (1.0, NAN), (-INF, INF)];
    assert_eq!(floats(&Op::Least, &edges), "1.0 NaN NaN -inf null null");
    assert_eq!(floats(&Op::Greatest, &edges), "2.0 NaN NaN inf null null");
    let edges = [(1.0, 1.0), (0.0, -0.0), (NAN, NAN), (NAN, 1.0), (INF, INF)];
    assert_eq!(floats(&Op::Equal, &edges), "true true false false true null null");
    assert_eq!(floats(&Op::NotEqual, &edges), "false false true true false null null");
    assert_eq!(floats(&Op::Less, &edges), "false false false false false null null");
    assert_eq!(floats(&Op::LessOrEqual, &edges), "true true false false true null null");
    let edges = [(2.0, 10.0), (2.0, -1.0), (-8.0, 1.0 / 3.0), (0.0, 0.0), (NAN, 0.0)];
    assert_eq!(floats(&Op::Power, &edges), "1024.0 0.5 NaN 1.0 1.0 null null");
}

#[test]
fn functions_of_floats() {
    let edges = [0.0, 1.0, -1.0, INF, NAN];
    assert_eq!(float(&Op::Ln, &edges), "-inf 0.0 NaN inf NaN null");
    assert_eq!(float(&Op::Log2, &[8.0, 0.0]), "3.0 -inf null");
    assert_eq!(float(&Op::Log10, &[1000.0, 0.0]), "3.0 -inf null");
    assert_eq!(float(&Op::Exp, &[0.0, -INF, 1000.0]), "1.0 0.0 inf null");
    assert_eq!(float(&Op::Sqrt, &[4.0, -4.0, -0.0]), "2.0 NaN -0.0 null");
    assert_eq!(float(&Op::Sign, &[2.5, -2.5, 0.0, -0.0, NAN]), "1.0 -1.0 0.0 -0.0 NaN null");
    assert_eq!(float(&Op::Floor, &[1.5, -1.5]), "1.0 -2.0 null");
    assert_eq!(float(&Op::Ceil, &[1.5, -1.5]), "2.0 -1.0 null");
    assert_eq!(float(&Op::Round, &[0.5, 1.5, 2.5, -0.5, 1e300]), "0.0 2.0 2.0 -0.0 1e300 null");
    assert_eq!(float(&Op::Sigmoid, &[0.0, INF, -INF, NAN]), "0.5 1.0 0.0 NaN null");
    assert_eq!(float(&Op::Sin, &[0.0, INF]), "0.0 NaN null");
    assert_eq!(float(&Op::Cos, &[0.0]), "1.0 null");
    assert_eq!(float(&Op::Tanh, &[0.0, INF]), "0.0 1.0 null");
    assert_eq!(float(&Op::Abs, &[-1.5, -INF]), "1.5 inf null");
    assert_eq!(float(&Op::Negate, &[1.5, 0.0]), "-1.5 -0.0 null");
    assert_eq!(float(&Op::IsNan, &[1.5, NAN, INF]), "false true false null");
    assert_eq!(float(&Op::IsNull, &[NAN]), "false true");
}

#[test]
fn integers_are_widened_where_floats_are_needed() {
    let rows: [&[Literal]; 2] = [&[Int(1), Int(2)], &[Int(1), Int(0)]];
    assert_eq!(compute(&Op::Divide, &[ValueType::Int; 2], &rows), ["0.5", "inf"]);
    let mixed = [ValueType::Int, ValueType::Float];
    let rows: [&[Literal]; 1] = [&[Int(1), Float(0.5)]];
    assert_eq!(compute(&Op::Add, &mixed, &rows), ["1.5"]);
    assert_eq!(compute(&Op::Greater, &mixed, &rows), ["true"]);
    assert_eq!(compute(&Op::Coalesce, &mixed, &rows), ["1.0"]);
}

#[test]
fn conversions() {
    let cast = |to| Op::Cast { to };
    let (to_int, to_float) = (cast(ValueType::Int), cast(ValueType::Float));
    let (to_string, to_bool) = (cast(ValueType::String), cast(Bool));

    assert_eq!(
        float(&to_int, &[1.9, -1.9, NAN, INF, -(2f64.powi(63)), 2f64.powi(63)]),
        "1 -1 null null -9223372036854775808 null null"
    );
    assert_eq!(
        float(&to_string, &[3.0, f64::from(0.1f32), 0.1, 123_456_792.0, 1e300, NAN, -INF, -0.0]),
        r#""3.0" "0.1" "0.1" "123456792.0" "1e300" "NaN" "-inf" "-0.0" null"#
    );
    assert_eq!(float(&to_bool, &[0.0, -0.0, 0.1, NAN]), "false false true true null");

    assert_eq!(each(&to_float, ValueType::Int, vec![1, -1]), "1.0 -1.0 null");
    assert_eq!(
        each(&to_string, ValueType::Int, vec![7, i64::MIN]),
        r#""7" "-9223372036854775808" null"#
    );
    assert_eq!(each(&to_bool, ValueType::Int, vec![0, 2]), "false true null");

    assert_eq!(each(&to_int, Bool, vec![true, false]), "1 0 null");
    assert_eq!(each(&to_float, Bool, vec![true, false]), "1.0 0.0 null");
    assert_eq!(each(&to_string, Bool, vec![true, false]), r#""true" "false" null"#);

    assert_eq!(
        text(&to_int, &["12", " -12\n", "+3", "12.5", "", "x", "9223372036854775808"]),
        "12 -12 3 null null null null null"
    );
    assert_eq!(
        text(&to_float, &["12.5", " 1e3 ", "-inf", "nan", "1,5", "", "0x10"]),
        "12.5 1000.0 -inf NaN null null null null"
    );
    assert_eq!(
        text(&to_bool, &["true", "T", " no ", "0", "2", ""]),
        "true true false false null null null"
    );
}

#[test]
fn functions_of_text() {
    assert_eq!(
        text(&Op::Lower, &["CASH", "ÄÖ", "İ", ""]),
        "\"cash\" \"äö\" \"i\\u{307}\" \"\" null"
    );
    assert_eq!(text(&Op::Upper, &["cash", "straße"]), r#""CASH" "STRASSE" null"#);
    let spaced = ["  a b\t", "\u{a0}a\u{b}"];
    assert_eq!(text(&Op::Trim(TrimSide::Both), &spaced), r#""a b" "\u{a0}a" null"#);
    assert_eq!(text(&Op::Trim(TrimSide::Left), &spaced), r#""a b\t" "\u{a0}a\u{b}" null"#);
    assert_eq!(text(&Op::Trim(TrimSide::Right), &spaced), r#""  a b" "\u{a0}a" null"#);
    assert_eq!(text(&Op::Length, &["", "añ🚕"]), "0 3 null");
    assert_eq!(texts(&Op::Concat, &[("a", "b"), ("", "")]), r#""ab" "" null null"#);
    let pairs = [("taxi", "ta"), ("taxi", "xi"), ("taxi", "ax"), ("taxi", ""), ("", "a")];
    assert_eq!(texts(&Op::StartsWith, &pairs), "true false false true false null null");
    assert_eq!(texts(&Op::EndsWith, &pairs), "false true false true false null null");
    assert_eq!(texts(&Op::Contains, &pairs), "true true true true false null null");
    let pairs = [("a", "b"), ("Z", "a"), ("", "a"), ("ä", "z")];
    assert_eq!(texts(&Op::Less, &pairs), "true true true false null null");
}

#[test]
fn parts_of_text_count_from_one() {
    for (start, length, expected) in [
        (1, None, "añ🚕i"),
        (2, Some(2), "ñ🚕"),
        (4, Some(100), "i"),
        (5, None, ""),
        (0, Some(2), "a"),
        (-1, Some(3), "a"),
        (-5, Some(3), ""),
        (i64::MIN, Some(u64::MAX), "añ🚕i"),
        (i64::MAX, None, ""),
        (1, Some(0), ""),
    ] {
        let op = Op::Substring { start, length };
        assert_eq!(text(&op, &["añ🚕i"]), format!("{expected:?} null"), "{op:?}");
    }
}

#[test]
fn replacing() {
    for (from, to, expected) in
        [("a", "", "bnn"), ("an", "<>", "b<><>a"), ("", "x", "banana"), ("ana", "", "bna")]
    {
        let op = Op::Replace { from: from.to_owned(), to: to.to_owned() };
        assert_eq!(text(&op, &["banana"]), format!("{expected:?} null"), "{op:?}");
    }
}

#[test]
fn buckets_open_on_their_left() {
    let few = vec![-1.0, 0.0, 0.0, 2.5];
    let values = [-INF, -1.5, -1.0, -0.0, 1.0, 2.5, INF, NAN];
    assert_eq!(
        float(&Op::Bucketize(Boundaries::new(few).unwrap()), &values),
        "0 0 1 3 3 4 4 4 null"
    );
    let many: Vec<f64> = (0..100).map(f64::from).collect();
    assert_eq!(
        float(&Op::Bucketize(Boundaries::new(many).unwrap()), &values),
        "0 0 0 1 2 3 100 100 null"
    );
    let none = Op::Bucketize(Boundaries::new(vec![]).unwrap());
    assert_eq!(float(&none, &[0.0, NAN]), "0 0 null");
}

#[test]
fn text_that_grows_beyond_a_column_is_an_error() {
    let mut builder = graph::GraphBuilder::new();
    let mut node = builder.input("text", ValueType::String).unwrap();
    let op = Op::Replace { from: "a".to_owned(), to: "a".repeat(5000) };
    for _ in 0..3 {
        node = builder.node(op.clone(), &[node]).unwrap();
    }
    builder.output("text", node).unwrap();
    let batch = crate::column(ValueType::String, &["a".into()]);
    let batch = arrow::array::RecordBatch::try_from_iter([("text", batch)]).unwrap();
    let error = builder.build().apply(&batch).unwrap_err();
    assert_eq!(error.to_string(), "a text column of more than 2 GiB in one batch");
}
