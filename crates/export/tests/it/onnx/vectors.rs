//! Vectors as tensors of more than one column, and constants by key.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, Float64Array, Int64Array, RecordBatch,
    StringArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type};
use export::{ExportError, onnx};
use graph::{
    Boundaries, Graph, GraphBuilder, KeyedBoundaries, ListOp, Literal, Matrix, NodeType, Op, Table,
    ValueType,
};
use serde_json::Value;

use crate::onnx::onnx_runtime::{self, Job};

/// Two vectors and single values, of which some are missing, not a number, or no place.
fn rows() -> RecordBatch {
    let vector = |values: ArrayRef, length: i32| {
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        let nulls = NullBuffer::from(vec![true, true, false, true, true]);
        Arc::new(FixedSizeListArray::new(item, length, values, Some(nulls))) as ArrayRef
    };
    let floats = [
        1.0,
        -2.5,
        0.0,
        f64::NAN,
        f64::INFINITY,
        3.0,
        0.0,
        0.0,
        0.0,
        0.1,
        -0.0,
        7.0,
        1e300,
        2.0,
        -1.0,
    ];
    let ids = [0, 1, 2, 2, 9, -1, 0, 0, 0, 3, 3, 3, 1, 0, i64::MIN];
    let columns: [(&str, ArrayRef); 6] = [
        ("v", vector(Arc::new(Float64Array::from(floats.to_vec())), 3)),
        ("ids", vector(Arc::new(Int64Array::from(ids.to_vec())), 3)),
        (
            "x",
            Arc::new(Float64Array::from(vec![
                Some(2.0),
                None,
                Some(f64::NAN),
                Some(f64::INFINITY),
                Some(-3.0),
            ])),
        ),
        ("id", Arc::new(Int64Array::from(vec![Some(2), None, Some(-1), Some(0), Some(i64::MAX)]))),
        ("key", Arc::new(Int64Array::from(vec![Some(0), Some(1), Some(2), None, Some(-5)]))),
        ("text", Arc::new(StringArray::from(vec!["a", "b", "", "ä", "a"]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

fn graph() -> Graph {
    let mut b = GraphBuilder::new();
    let v = b.input("v", NodeType::vector(ValueType::Float, 3)).unwrap();
    let ids = b.input("ids", NodeType::vector(ValueType::Int, 3)).unwrap();
    let x = b.input("x", ValueType::Float).unwrap();
    let id = b.input("id", ValueType::Int).unwrap();
    let key = b.input("key", ValueType::Int).unwrap();
    let two = b.literal(2.0).unwrap();
    let zero = b.literal(0.0).unwrap();
    let filled = b.node(Op::Coalesce, &[x, zero]).unwrap();
    let one_hot = b.node(Op::OfList(ListOp::OneHot { depth: 4 }), &[id]).unwrap();
    let made = b.node(Op::OfList(ListOp::Make), &[filled, two, filled]).unwrap();
    let matrix = Matrix::new(2, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let boundaries = |values: &[f64]| Boundaries::new(values.to_vec()).unwrap();
    let keyed = KeyedBoundaries::new(vec![
        boundaries(&[1.0, 2.0, 5.0]),
        boundaries(&[]),
        boundaries(&[f64::NEG_INFINITY, f64::INFINITY]),
    ]);
    let floats = Table::floats([Some(1.5), None, Some(f64::NAN)], Some(-1.0));
    let ints = Table::ints([Some(7), Some(i64::MIN)], None);
    let bools = Table::bools([Some(true), Some(false)], Some(true));
    let outputs = [
        ("v", v),
        ("one_hot", one_hot),
        ("made", made),
        ("multi_hot", b.node(Op::OfList(ListOp::MultiHot { depth: 4 }), &[ids]).unwrap()),
        ("length", b.node(Op::OfList(ListOp::Length), &[v]).unwrap()),
        ("second", b.node(Op::OfList(ListOp::Get { place: 2 }), &[v]).unwrap()),
        ("last", b.node(Op::OfList(ListOp::Get { place: -1 }), &[ids]).unwrap()),
        ("tenth", b.node(Op::OfList(ListOp::Get { place: 10 }), &[v]).unwrap()),
        ("contains", b.node(Op::OfList(ListOp::Contains), &[ids, id]).unwrap()),
        ("product", b.node(Op::OfList(ListOp::Multiply(matrix)), &[made]).unwrap()),
        ("sum", b.node(Op::Add, &[v, two]).unwrap()),
        ("scaled", b.node(Op::Multiply, &[v, filled]).unwrap()),
        ("both", b.node(Op::Subtract, &[v, made]).unwrap()),
        ("less", b.node(Op::Less, &[v, made]).unwrap()),
        ("floats", b.node(Op::Gather(floats), &[id]).unwrap()),
        ("ints", b.node(Op::Gather(ints), &[key]).unwrap()),
        ("bools", b.node(Op::Gather(bools), &[key]).unwrap()),
        ("bucket", b.node(Op::BucketizePerKey(keyed), &[x, key]).unwrap()),
    ];
    for (name, node) in outputs {
        b.output(name, node).unwrap();
    }
    b.build()
}

#[test]
fn vectors_and_constants_by_key_are_the_same() {
    let Some(python) = onnx_runtime::python() else { return };
    let (graph, rows) = (graph(), rows());
    let job = Job {
        file: onnx(&graph, None).unwrap(),
        rows: rows.clone(),
        inputs: graph.inputs().iter().map(|input| input.name.clone()).collect(),
    };
    let result = onnx_runtime::run(&python, &[job]).swap_remove(0);
    assert!(result.get("error").is_none(), "{result}");
    let expected = graph.apply(&rows).unwrap();
    for (output, column) in graph.outputs().iter().zip(expected.columns()) {
        let name = if output.name == "v" { "v.output" } else { output.name.as_str() };
        for way in ["batch", "single"] {
            let present = result[way].get(format!("{name}.present"));
            for row in 0..rows.num_rows() {
                let is_present = present.is_none_or(|present| present[row] == Value::Bool(true));
                assert_eq!(is_present, column.is_valid(row), "{name} {way} row {row}");
                let found = &result[way][name][row];
                let column = column.slice(row, 1);
                if is_present {
                    assert!(
                        is_same(&column, found),
                        "{name} {way} row {row}: {found}, expected {column:?}"
                    );
                }
            }
        }
    }
}

/// Compares the only value of a column, or the only vector in it.
fn is_same(column: &ArrayRef, found: &Value) -> bool {
    match column.data_type() {
        DataType::FixedSizeList(..) => {
            let items = column.as_fixed_size_list().value(0);
            let found = found.as_array().unwrap();
            assert_eq!((items.len(), items.null_count()), (found.len(), 0));
            (0..items.len()).all(|place| is_same(&items.slice(place, 1), &found[place]))
        }
        DataType::Int64 => found.as_i64() == Some(column.as_primitive::<Int64Type>().value(0)),
        DataType::Boolean => found.as_bool() == Some(column.as_boolean().value(0)),
        _ => {
            let expected = column.as_primitive::<Float32Type>().value(0);
            let found = f32::from_bits(u32::try_from(found.as_u64().unwrap()).unwrap());
            #[expect(clippy::float_cmp, reason = "all is computed exactly")]
            let is_equal = found == expected;
            is_equal || (found.is_nan() && expected.is_nan())
        }
    }
}

#[test]
fn lists_and_what_makes_values_within_vectors_missing_are_refused() {
    let refused = |build: &dyn Fn(&mut GraphBuilder) -> graph::NodeId| {
        let mut builder = GraphBuilder::new();
        let node = build(&mut builder);
        builder.output("feature", node).unwrap();
        match onnx(&builder.build(), None).unwrap_err() {
            ExportError::Unsupported { feature, op, .. } => format!("{feature}: {op}"),
            other => other.to_string(),
        }
    };
    let list = |b: &mut GraphBuilder| b.input("list", NodeType::list(ValueType::Float)).unwrap();
    let vector =
        |b: &mut GraphBuilder| b.input("v", NodeType::vector(ValueType::Float, 2)).unwrap();
    assert_eq!(refused(&list), "feature: input");
    assert_eq!(
        refused(&|b| {
            let text = b.input("text", ValueType::String).unwrap();
            b.node(Op::OfList(ListOp::Split { separator: " ".to_owned() }), &[text]).unwrap()
        }),
        "feature: split"
    );
    assert_eq!(
        refused(&|b| {
            let (v, x) = (vector(b), b.input("x", ValueType::Float).unwrap());
            b.node(Op::Add, &[v, x]).unwrap()
        }),
        "feature: add"
    );
    assert_eq!(
        refused(&|b| {
            let v = vector(b);
            b.cast(v, ValueType::Int).unwrap()
        }),
        "feature: cast"
    );
    assert_eq!(
        refused(&|b| {
            let x = b.input("x", ValueType::Float).unwrap();
            let none = b.literal(Literal::Null(ValueType::Float)).unwrap();
            b.node(Op::OfList(ListOp::Make), &[x, none]).unwrap()
        }),
        "feature: list_make"
    );
}
