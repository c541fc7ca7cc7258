//! Lists: what each operation of whole lists does, and that all others go from value to value.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, Int64Array, LargeListArray, ListArray,
    RecordBatch,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field};
use graph::Literal::{Float, Int, Null};
use graph::{
    BuildError, Floats, Graph, GraphBuilder, GraphError, ListOp, Literal, Matrix, NodeType, Op,
    Shape, ValueType, Vocabulary,
};
use proptest::prelude::*;

use crate::{cell, column, naive, show};

/// A list, or a missing one.
type List = Option<Vec<Literal>>;

pub(crate) fn list_column(value_type: ValueType, rows: &[List]) -> ArrayRef {
    let mut offsets = vec![0];
    let mut items = Vec::new();
    for row in rows {
        items.extend(row.iter().flatten().cloned());
        offsets.push(i32::try_from(items.len()).unwrap());
    }
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect();
    let items = column(value_type, &items);
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Arc::new(ListArray::new(field, offsets, items, Some(nulls)))
}

/// Shows a row of a column, be it one value or a list.
pub(crate) fn shown(column: &dyn Array, node_type: NodeType, row: usize) -> String {
    let items = match column.data_type() {
        _ if column.is_null(row) => return "null".to_owned(),
        DataType::List(_) => column.as_list::<i32>().value(row),
        DataType::FixedSizeList(..) => column.as_fixed_size_list().value(row),
        _ => return show(&cell(column, node_type.value_type, row)),
    };
    let items = (0..items.len()).map(|at| show(&cell(&items, node_type.value_type, at)));
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// Computes an operation over columns named `a`, `b` and so on.
fn compute(op: impl Into<Op>, columns: &[(NodeType, ArrayRef)]) -> Result<Vec<String>, GraphError> {
    let names = ["a", "b", "c"];
    let mut builder = GraphBuilder::new();
    let operands = names.iter().zip(columns);
    let operands: Vec<_> =
        operands.map(|(name, (node_type, _))| builder.input(name, *node_type).unwrap()).collect();
    let node = builder.node(op.into(), &operands).unwrap();
    builder.output("result", node).unwrap();
    let node_type = builder.node_type(node).unwrap();
    let batch =
        names.iter().zip(columns).map(|(name, (_, column))| (*name, ArrayRef::clone(column)));
    let batch = RecordBatch::try_from_iter(batch).unwrap();
    let results = builder.build().evaluate(&batch)?;
    assert_eq!(results[0].data_type(), &node_type.computed_type());
    // One row at a time is the same.
    let whole: Vec<_> =
        (0..batch.num_rows()).map(|row| shown(&results[0], node_type, row)).collect();
    for (row, whole) in whole.iter().enumerate() {
        let one = builder.build().evaluate(&batch.slice(row, 1))?;
        assert_eq!(shown(&one[0], node_type, 0), *whole);
    }
    Ok(whole)
}

pub(crate) fn texts(rows: &[Option<&[Option<&str>]>]) -> (NodeType, ArrayRef) {
    let text = |text: &Option<&str>| text.map_or(Null(ValueType::String), Literal::from);
    let rows: Vec<List> =
        rows.iter().map(|row| row.map(|row| row.iter().map(text).collect())).collect();
    (NodeType::list(ValueType::String), list_column(ValueType::String, &rows))
}

fn ints(rows: &[Option<&[i64]>]) -> (NodeType, ArrayRef) {
    let rows: Vec<List> =
        rows.iter().map(|row| row.map(|row| row.iter().map(|v| Int(*v)).collect())).collect();
    (NodeType::list(ValueType::Int), list_column(ValueType::Int, &rows))
}

fn floats(rows: &[Option<&[f64]>]) -> (NodeType, ArrayRef) {
    let rows: Vec<List> =
        rows.iter().map(|row| row.map(|row| row.iter().map(|v| Float(*v)).collect())).collect();
    (NodeType::list(ValueType::Float), list_column(ValueType::Float, &rows))
}

pub(crate) fn of(op: ListOp, columns: &[(NodeType, ArrayRef)]) -> String {
    compute(Op::OfList(op), columns).unwrap().join(" ")
}

const TAGS: [Option<&[Option<&str>]>; 4] =
    [Some(&[Some("b"), None, Some("é"), Some("b")]), Some(&[]), None, Some(&[Some("")])];
const IDS: [Option<&[i64]>; 4] = [Some(&[3, 1, 3, -1, 9]), Some(&[]), None, Some(&[0])];

#[test]
fn lists_are_taken_apart() {
    assert_eq!(of(ListOp::Length, &[texts(&TAGS)]), "4 0 null 1");
    assert_eq!(of(ListOp::Get { place: 1 }, &[ints(&IDS)]), "3 null null 0");
    assert_eq!(of(ListOp::Get { place: -2 }, &[ints(&IDS)]), "-1 null null null");
    let slice = |start, length| of(ListOp::Slice { start, length }, &[ints(&IDS)]);
    assert_eq!(slice(2, Some(2)), "[1, 3] [] null []");
    assert_eq!(slice(-2, None), "[-1, 9] [] null [0]");
    assert_eq!(slice(-7, Some(3)), "[3] [] null []");
    assert_eq!(slice(i64::MIN, Some(u64::MAX)), "[3, 1, 3, -1, 9] [] null [0]");
    assert_eq!(slice(i64::MAX, None), "[] [] null []");
}

#[test]
fn lists_are_rearranged() {
    assert_eq!(of(ListOp::Distinct, &[texts(&TAGS)]), r#"["b", null, "é"] [] null [""]"#);
    assert_eq!(of(ListOp::Sort, &[texts(&TAGS)]), r#"["b", "b", "é", null] [] null [""]"#);
    let odd = [Some(&[f64::NAN, 0.0, -f64::NAN, -0.0, -1.0][..])];
    assert_eq!(of(ListOp::Distinct, &[floats(&odd)]), "[NaN, 0.0, -1.0]");
    assert_eq!(of(ListOp::Sort, &[floats(&odd)]), "[-1.0, 0.0, -0.0, NaN, NaN]");
    let more = [None, Some(&[7i64][..]), Some(&[8]), Some(&[9, 9])];
    assert_eq!(of(ListOp::Append, &[ints(&IDS), ints(&more)]), "null [7] null [0, 9, 9]");
    let pad = |length| of(ListOp::Pad { length, value: Int(-7) }, &[ints(&IDS)]);
    assert_eq!(pad(3), "[3, 1, 3] [-7, -7, -7] null [0, -7, -7]");
    assert_eq!(pad(0), "[] [] null []");
}

#[test]
fn lists_become_one_value() {
    assert_eq!(of(ListOp::Sum, &[ints(&IDS)]), "15 0 null 0");
    assert_eq!(of(ListOp::Sum, &[ints(&[Some(&[i64::MAX, 1])])]), i64::MIN.to_string());
    assert_eq!(of(ListOp::Least, &[ints(&IDS)]), "-1 null null 0");
    assert_eq!(of(ListOp::Greatest, &[ints(&IDS)]), "9 null null 0");
    assert_eq!(of(ListOp::Mean, &[ints(&IDS)]), "3.0 null null 0.0");
    let odd = [Some(&[1.0, f64::NAN, 2.0][..]), Some(&[f64::INFINITY, -1.0]), Some(&[])];
    assert_eq!(of(ListOp::Least, &[floats(&odd)]), "NaN -1.0 null");
    assert_eq!(of(ListOp::Greatest, &[floats(&odd)]), "NaN inf null");
    assert_eq!(of(ListOp::Sum, &[floats(&odd)]), "NaN inf 0.0");
    let join = ListOp::Join { separator: "+".to_owned() };
    assert_eq!(of(join, &[texts(&TAGS)]), r#""b+é+b" "" null """#);
    let wanted = (ValueType::Int.into(), column(ValueType::Int, &[1, 1, 1, 0].map(Int)));
    assert_eq!(of(ListOp::Contains, &[ints(&IDS), wanted]), "true false null true");
}

#[test]
fn texts_are_cut_and_crossed() {
    let lines = ["a b", " a\u{b}\tb ", "", "a--b-", "\u{a0}x y"].map(Literal::from);
    let lines = || (ValueType::String.into(), column(ValueType::String, &lines));
    let split = |by: &str| of(ListOp::Split { separator: by.to_owned() }, &[lines()]);
    assert_eq!(split(""), r#"["a", "b"] ["a", "b"] [] ["a--b-"] ["\u{a0}x", "y"]"#);
    assert_eq!(split("-"), r#"["a b"] [" a\u{b}\tb "] [""] ["a", "", "b", ""] ["\u{a0}x y"]"#);

    let ngrams = |least, most| {
        let separator = "_".to_owned();
        of(ListOp::NGrams { least, most, separator }, &[texts(&TAGS)])
    };
    assert_eq!(ngrams(1, 2), r#"["b", "b_é", "é", "é_b", "b"] [] null [""]"#);
    assert_eq!(ngrams(3, 9), r#"["b_é_b"] [] null []"#);

    let cross = |columns: &[_]| of(ListOp::Cross { separator: "x".to_owned() }, columns);
    let sides = [Some(&[Some("1"), Some("2")][..]), Some(&[Some("1")]), Some(&[]), None];
    assert_eq!(
        cross(&[texts(&TAGS), texts(&sides)]),
        r#"["bx1", "bx2", "éx1", "éx2", "bx1", "bx2"] [] null null"#
    );
    let one = [Literal::from("k"), "l".into(), "m".into(), Null(ValueType::String)];
    let one = (ValueType::String.into(), column(ValueType::String, &one));
    assert_eq!(cross(&[one, texts(&sides)]), r#"["kx1", "kx2"] ["lx1"] [] null"#);
}

#[test]
fn values_become_vectors() {
    let ids = [Int(1), Int(-1), Int(3), Null(ValueType::Int), Int(i64::MIN)];
    let ids = (ValueType::Int.into(), column(ValueType::Int, &ids));
    assert_eq!(
        of(ListOp::OneHot { depth: 2 }, &[ids]),
        "[0.0, 1.0] [0.0, 0.0] [0.0, 0.0] null [0.0, 0.0]"
    );
    let multi_hot = of(ListOp::MultiHot { depth: 4 }, &[ints(&IDS)]);
    assert_eq!(multi_hot, "[0.0, 1.0, 0.0, 1.0] [0.0, 0.0, 0.0, 0.0] null [1.0, 0.0, 0.0, 0.0]");
    let a = (ValueType::Int.into(), column(ValueType::Int, &[Int(1), Null(ValueType::Int)]));
    let b = (ValueType::Float.into(), column(ValueType::Float, &[Float(0.5), Float(1.5)]));
    assert_eq!(of(ListOp::Make, &[a, b]), "[1.0, 0.5] [null, 1.5]");
    let matrix = Matrix::new(3, vec![1.0, 2.0, 3.0, 10.0, 20.0, 30.0]).unwrap();
    let vectors = floats(&[Some(&[1.0, 1.0]), None, Some(&[2.0, 0.5])]).1;
    let vectors = (NodeType::vector(ValueType::Float, 2), vectors);
    let product = of(ListOp::Multiply(matrix), &[vectors]);
    assert_eq!(product, "[11.0, 22.0, 33.0] null [7.0, 14.0, 21.0]");
}

#[test]
fn terms_are_weighed() {
    assert_eq!(of(ListOp::TermIds { size: 4 }, &[ints(&IDS)]), "[1, 3] [] null [0]");
    let weights = Floats(vec![1.0, 3.0, 100.0, 6.0]);
    let weighed = of(ListOp::TermWeights { weights }, &[ints(&IDS)]);
    assert_eq!(weighed, "[1.0, 4.0] [] null [1.0]");
}

#[test]
fn whole_lists_are_chosen_between() {
    let some = || [Some(&[1i64, 2][..]), None, Some(&[])];
    let other = [Some(&[7i64][..]), Some(&[8]), None];
    let coalesced = compute(Op::Coalesce, &[ints(&some()), ints(&other)]).unwrap();
    assert_eq!(coalesced.join(" "), "[1, 2] [8] []");
    let conditions = [true.into(), false.into(), Null(ValueType::Bool)];
    let conditions = (ValueType::Bool.into(), column(ValueType::Bool, &conditions));
    let chosen = compute(Op::Select, &[conditions.clone(), ints(&some()), ints(&other)]).unwrap();
    assert_eq!(chosen.join(" "), "[1, 2] [8] null");
    let missing = compute(Op::IsNull, &[ints(&some())]).unwrap();
    assert_eq!(missing.join(" "), "false true false");

    let mut builder = GraphBuilder::new();
    let condition = builder.input("condition", ValueType::Bool).unwrap();
    let list = builder.input("list", NodeType::list(ValueType::Int)).unwrap();
    let none = builder.literal(Null(ValueType::Int)).unwrap();
    let node = builder.node(Op::Select, &[condition, list, none]).unwrap();
    builder.output("chosen", node).unwrap();
    let columns = [("condition", conditions.1), ("list", ints(&some()).1)];
    let chosen = builder.build().apply(&RecordBatch::try_from_iter(columns).unwrap()).unwrap();
    let shown: Vec<_> =
        (0..3).map(|row| shown(chosen.column(0), NodeType::list(ValueType::Int), row)).collect();
    assert_eq!(shown.join(" "), "[1, 2] null null");
}

#[test]
fn lists_of_other_lengths_do_not_go_together() {
    let error = compute(Op::Add, &[ints(&[None, Some(&[1, 2])]), ints(&[Some(&[]), Some(&[1])])]);
    assert_eq!(
        error.unwrap_err().to_string(),
        "`add` of lists: row 1 of the batch has 2 values in one and 1 in another"
    );
    let vector = |length| NodeType::vector(ValueType::Int, length);
    let error = Op::Add.node_type(&[vector(2), vector(3)]).unwrap_err();
    assert_eq!(error.to_string(), "`add` of 2 of INT, 3 of INT, expected lists of one length");
    let error = Op::OfList(ListOp::Length).node_type(&[ValueType::Int.into()]).unwrap_err();
    assert_eq!(error.to_string(), "`list_length` of INT, expected one list");
}

#[test]
fn constants_are_checked() {
    let mut builder = GraphBuilder::new();
    let list = builder.input("list", NodeType::list(ValueType::String)).unwrap();
    let separator = String::new();
    for op in [
        ListOp::Get { place: 0 },
        ListOp::Slice { start: 0, length: None },
        ListOp::Pad { length: u32::MAX, value: "".into() },
        ListOp::NGrams { least: 0, most: 1, separator: separator.clone() },
        ListOp::NGrams { least: 2, most: 1, separator },
    ] {
        let error = builder.node(Op::OfList(op), &[list]).unwrap_err();
        assert!(matches!(error, BuildError::Constants { .. }), "{error}");
    }
    assert!(Matrix::new(2, vec![1.0; 3]).is_err());
    assert!(Matrix::new(0, vec![]).is_err());
}

/// Applies a graph that gives a feature as it is.
fn read(node_type: NodeType, column: ArrayRef) -> Result<RecordBatch, GraphError> {
    let mut builder = GraphBuilder::new();
    let node = builder.input("x", node_type).unwrap();
    builder.output("x", node).unwrap();
    builder.build().apply(&RecordBatch::try_from_iter([("x", column)]).unwrap())
}

#[test]
fn columns_of_lists_come_in_many_forms() {
    let list = NodeType::list(ValueType::Int);
    let read_ints = |column: ArrayRef| {
        let batch = read(list, column).unwrap();
        assert_eq!(batch.schema().field(0).data_type(), &list.feature_type());
        let rows = 0..batch.num_rows();
        rows.map(|row| shown(batch.column(0), list, row)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(read_ints(ints(&IDS).1.slice(1, 3)), "[] null [0]");
    assert_eq!(read_ints(Arc::new(Int64Array::from(vec![Some(1), None]))), "[1] null");
    let item = || Arc::new(Field::new_list_field(DataType::Int64, true));
    // A missing list may have values behind it.
    let items = || Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    let nulls = || Some(NullBuffer::from(vec![false, true]));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0, 3, 4]));
    let hidden = ListArray::new(item(), offsets, items(), nulls());
    assert_eq!(read_ints(Arc::new(hidden)), "null [4]");
    let fixed = FixedSizeListArray::new(item(), 2, items(), nulls());
    assert_eq!(read_ints(Arc::new(fixed.clone())), "null [3, 4]");
    assert_eq!(read_ints(Arc::new(fixed.slice(1, 1))), "[3, 4]");
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![1i64, 1, 4]));
    let large = LargeListArray::new(item(), offsets, items(), None);
    assert_eq!(read_ints(Arc::new(large)), "[] [2, 3, 4]");

    let vector = NodeType::vector(ValueType::Int, 2);
    let batch = read(vector, Arc::new(fixed)).unwrap();
    assert_eq!(batch.column(0).data_type(), &vector.feature_type());
    let error = read(vector, ints(&[None, Some(&[1, 2]), Some(&[3])]).1).unwrap_err();
    assert_eq!(error.to_string(), "feature `x`: row 2 of the batch has 1 values, expected 2");
    let error = read(list, texts(&TAGS).1).unwrap_err().to_string();
    assert!(error.starts_with("feature `x` is Utf8, the transform graph expects INT"), "{error}");
}

/// Any value, as often missing as not.
fn value(value_type: ValueType) -> BoxedStrategy<Literal> {
    let some = match value_type {
        ValueType::Int => prop_oneof![any::<i64>(), -3i64..4].prop_map(Int).boxed(),
        ValueType::Float => {
            prop_oneof![any::<f64>(), -3.0..3.0, Just(f64::NAN)].prop_map(Float).boxed()
        }
        ValueType::String => "[ aä1.-]{0,4}".prop_map(Literal::String).boxed(),
        ValueType::Bool => any::<bool>().prop_map(Literal::Bool).boxed(),
    };
    prop_oneof![4 => some, 1 => Just(Null(value_type))].boxed()
}

const TYPES: [ValueType; 4] =
    [ValueType::Int, ValueType::Float, ValueType::String, ValueType::Bool];

/// An operation that is no exception, and types that it takes.
fn op_and_types() -> impl Strategy<Value = (Op, Vec<ValueType>)> {
    let is_plain = |op: &Op| !matches!(op, Op::IsNull | Op::Select | Op::Coalesce);
    let ops: Vec<Op> = Op::PLAIN.into_iter().filter(is_plain).collect();
    proptest::sample::select(ops).prop_flat_map(|op| {
        let candidates = TYPES.iter().flat_map(|&t| [vec![t], vec![t, t]]);
        let fits: Vec<_> = candidates.filter(|types| op.result_type(types).is_ok()).collect();
        (Just(op), proptest::sample::select(fits))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn operations_go_from_value_to_value(
        ((op, types), seeds) in op_and_types().prop_flat_map(|(op, types)| {
            let row = prop::option::weighted(0.9, prop::collection::vec((value(types[0]), value(types[types.len() - 1])), 0..4));
            (Just((op, types)), prop::collection::vec(row, 0..12))
        }),
        one_value in any::<bool>(),
    ) {
        // The second operand is a list like the first, or one value that goes with all of the row's.
        let is_one = one_value && types.len() == 2;
        let second = |row: &Vec<(Literal, Literal)>, at: usize| {
            let at = if is_one { 0 } else { at };
            row[at].1.clone()
        };
        let firsts: Vec<List> = seeds.iter().map(|row| {
            row.as_ref().map(|row| row.iter().map(|pair| pair.0.clone()).collect())
        }).collect();
        let mut columns = vec![(NodeType::list(types[0]), list_column(types[0], &firsts))];
        if is_one {
            let values: Vec<_> = seeds.iter().map(|row| match row {
                Some(row) if !row.is_empty() => row[0].1.clone(),
                _ => Null(types[1]),
            }).collect();
            columns.push((types[1].into(), column(types[1], &values)));
        } else if types.len() == 2 {
            let seconds: Vec<List> = seeds.iter().map(|row| {
                row.as_ref().map(|row| row.iter().map(|pair| pair.1.clone()).collect())
            }).collect();
            columns.push((NodeType::list(types[1]), list_column(types[1], &seconds)));
        }
        let expected: Vec<String> = seeds.iter().map(|row| match row {
            None => "null".to_owned(),
            Some(row) => {
                let items = row.iter().enumerate().map(|(at, pair)| {
                    let mut operands = vec![pair.0.clone()];
                    if types.len() == 2 {
                        operands.push(second(row, at));
                    }
                    show(&naive::compute(&op, &operands, &[]))
                });
                format!("[{}]", items.collect::<Vec<_>>().join(", "))
            }
        }).collect();
        prop_assert_eq!(compute(op, &columns).unwrap(), expected);
    }
}

#[test]
fn ids_of_lists_have_a_bound() {
    let mut builder = GraphBuilder::new();
    let tokens = Vocabulary::new(["a", "b"]).unwrap();
    let vocabulary = builder.vocabulary("tokens", tokens).unwrap();
    let text = builder.input("text", ValueType::String).unwrap();
    let words = ListOp::Split { separator: String::new() };
    let words = builder.node(Op::OfList(words), &[text]).unwrap();
    let lookup = Op::Lookup { vocabulary, num_oov_buckets: 1, default_value: -1 };
    let ids = builder.node(lookup, &[words]).unwrap();
    let padded = ListOp::Pad { length: 3, value: Int(3) };
    let padded = builder.node(Op::OfList(padded), &[ids]).unwrap();
    builder.output("ids", ids).unwrap();
    builder.output("padded", padded).unwrap();
    let graph = builder.build();
    let outputs: Vec<_> = graph.outputs().iter().map(|o| (o.shape, o.num_buckets)).collect();
    assert_eq!(outputs, [(Shape::List, Some(3)), (Shape::Vector(3), Some(4))]);
    let texts = [Literal::from("b nope a a"), "".into()];
    let batch = RecordBatch::try_from_iter([("text", column(ValueType::String, &texts))]).unwrap();
    let batch = graph.apply(&batch).unwrap();
    assert_eq!(batch.schema(), graph.schema());
    let row = |place: usize, row| shown(batch.column(place), ValueType::Int.into(), row);
    assert_eq!((row(0, 0), row(0, 1)), ("[1, 2, 0, 0]".to_owned(), "[]".to_owned()));
    assert_eq!((row(1, 0), row(1, 1)), ("[1, 2, 0]".to_owned(), "[3, 3, 3]".to_owned()));
}

/// A graph with every operation of lists, for what is stored.
pub(crate) fn every_list_operation() -> Graph {
    let separator = || " é\n".to_owned();
    let mut builder = GraphBuilder::new();
    let list = |value_type| NodeType::list(value_type);
    let texts = builder.input("texts", list(ValueType::String)).unwrap();
    let ids = builder.input("ids", list(ValueType::Int)).unwrap();
    let vector = builder.input("vector", NodeType::vector(ValueType::Float, 2)).unwrap();
    let text = builder.input("text", ValueType::String).unwrap();
    let id = builder.input("id", ValueType::Int).unwrap();
    let weights = Floats(vec![f64::NAN, -0.0, 1e-300]);
    let matrix = Matrix::new(1, vec![f64::INFINITY, 0.1]).unwrap();
    let ops = [
        (ListOp::Length, vec![texts]),
        (ListOp::Get { place: -1 }, vec![texts]),
        (ListOp::Slice { start: 2, length: None }, vec![ids]),
        (ListOp::Slice { start: -3, length: Some(u64::MAX) }, vec![ids]),
        (ListOp::Pad { length: 3, value: Null(ValueType::String) }, vec![texts]),
        (ListOp::Sum, vec![ids]),
        (ListOp::Mean, vec![vector]),
        (ListOp::Least, vec![ids]),
        (ListOp::Greatest, vec![ids]),
        (ListOp::Contains, vec![ids, id]),
        (ListOp::Distinct, vec![texts]),
        (ListOp::Sort, vec![texts]),
        (ListOp::Append, vec![texts, texts]),
        (ListOp::Join { separator: separator() }, vec![texts]),
        (ListOp::Split { separator: separator() }, vec![text]),
        (ListOp::NGrams { least: 1, most: 2, separator: separator() }, vec![texts]),
        (ListOp::Cross { separator: separator() }, vec![texts, text]),
        (ListOp::Make, vec![id, id]),
        (ListOp::OneHot { depth: 3 }, vec![id]),
        (ListOp::MultiHot { depth: 3 }, vec![ids]),
        (ListOp::TermIds { size: 3 }, vec![ids]),
        (ListOp::TermWeights { weights }, vec![ids]),
        (ListOp::Multiply(matrix), vec![vector]),
    ];
    for (place, (op, operands)) in ops.into_iter().enumerate() {
        let name = format!("{place} {}", op.name());
        let node = builder.node(Op::OfList(op), &operands).unwrap();
        builder.output(&name, node).unwrap();
    }
    builder.build()
}

#[test]
fn every_list_operation_is_stored() {
    let graph = every_list_operation();
    let dir = tempfile::tempdir().unwrap();
    graph.save(dir.path()).unwrap();
    assert_eq!(Graph::load(dir.path()).unwrap(), graph);
    assert_eq!(Graph::load("testdata/v2".as_ref()).unwrap(), graph);
}
