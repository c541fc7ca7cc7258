//! Missing values in logic, comparisons and choices, as SQL has them.

use graph::Literal::{Bool, Int, Null};
use graph::{Literal, Literals, Op, ValueType};

use crate::compute;

const T: Literal = Bool(true);
const F: Literal = Bool(false);
const N: Literal = Null(ValueType::Bool);

fn table(op: &Op) -> String {
    let rows: Vec<[Literal; 2]> =
        [T, F, N].into_iter().flat_map(|a| [T, F, N].map(|b| [a.clone(), b])).collect();
    let rows: Vec<&[Literal]> = rows.iter().map(|row| row.as_slice()).collect();
    compute(op, &[ValueType::Bool; 2], &rows).join(" ")
}

#[test]
fn tables_of_logic() {
    // Of a: true, false, missing, each with b: true, false, missing.
    for (op, expected) in [
        (Op::And, "true false null false false false null false null"),
        (Op::Or, "true true true true false null true null null"),
        (Op::Equal, "true false null false true null null null null"),
        (Op::NotEqual, "false true null true false null null null null"),
        (Op::Less, "false false null true false null null null null"),
        (Op::LessOrEqual, "true false null true true null null null null"),
        (Op::Greater, "false true null false false null null null null"),
        (Op::GreaterOrEqual, "true true null false true null null null null"),
        (Op::Coalesce, "true true true false false false true false null"),
    ] {
        assert_eq!(table(&op), expected, "{op:?}");
    }
    let one = [ValueType::Bool];
    let rows: [&[Literal]; 3] = [&[T], &[F], &[N]];
    assert_eq!(compute(&Op::Not, &one, &rows), ["false", "true", "null"]);
    assert_eq!(compute(&Op::IsNull, &one, &rows), ["false", "false", "true"]);
}

#[test]
fn a_missing_condition_takes_the_other_branch() {
    let types = [ValueType::Bool, ValueType::Int, ValueType::Int];
    let missing = || Null(ValueType::Int);
    let rows: [&[Literal]; 6] = [
        &[T, Int(1), Int(2)],
        &[F, Int(1), Int(2)],
        &[N, Int(1), Int(2)],
        &[T, missing(), Int(2)],
        &[F, Int(1), missing()],
        &[T, Int(1), missing()],
    ];
    assert_eq!(compute(&Op::Select, &types, &rows), ["1", "2", "2", "null", "null", "1"]);
}

#[test]
fn membership() {
    let one_of = |values| Op::IsIn(Literals::new(values).unwrap());
    let is_in = one_of(vec![Int(1), Int(3), Int(1)]);
    let rows: [&[Literal]; 3] = [&[Int(1)], &[Int(2)], &[Null(ValueType::Int)]];
    assert_eq!(compute(&is_in, &[ValueType::Int], &rows), ["true", "false", "null"]);

    let floats = one_of(vec![Literal::Float(f64::NAN), Literal::Float(0.0)]);
    let rows: [&[Literal]; 2] = [&[Literal::Float(-0.0)], &[Literal::Float(f64::NAN)]];
    assert_eq!(compute(&floats, &[ValueType::Float], &rows), ["true", "false"]);

    let texts = one_of(vec!["Cash".into(), "".into()]);
    let rows: [&[Literal]; 3] = [&["Cash".into()], &["cash".into()], &["".into()]];
    assert_eq!(compute(&texts, &[ValueType::String], &rows), ["true", "false", "true"]);
}
