//! Raw columns of many types.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, DictionaryArray, Float32Array, Int8Array,
    Int32Array, LargeStringArray, ListArray, NullArray, RecordBatch, StringArray, StringViewArray,
    UInt64Array,
};
use arrow::datatypes::{Int32Type, Int64Type};
use base::{Classify, ErrorKind};
use graph::{GraphBuilder, GraphError, ValueType};

use crate::{cell, show};

/// Passes a column through a graph that expects values of a type.
fn read(expected: ValueType, column: ArrayRef) -> Result<String, GraphError> {
    let mut builder = GraphBuilder::new();
    let node = builder.input("fare", expected).unwrap();
    builder.output("out", node).unwrap();
    let batch = RecordBatch::try_from_iter([("other", Arc::clone(&column)), ("fare", column)]);
    let out = builder.build().apply(&batch.unwrap())?;
    assert_eq!(*out.column(0).data_type(), expected.feature_type());
    let cells = (0..out.num_rows()).map(|row| show(&cell(out.column(0), expected, row)));
    Ok(cells.collect::<Vec<_>>().join(" "))
}

fn error(expected: ValueType, column: ArrayRef) -> String {
    let error = read(expected, column).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    error.to_string()
}

#[test]
fn columns_of_the_same_kind_will_do() {
    use ValueType::{Bool, Float, Int, String};
    let texts = vec![Some("a"), None];
    let bytes: Vec<Option<&[u8]>> = vec![Some(b"a"), None];
    let cases: [(ValueType, ArrayRef, &str); 14] = [
        (Int, Arc::new(Int8Array::from(vec![Some(-5), None])), "-5 null"),
        (Int, Arc::new(UInt64Array::from(vec![Some(5), None])), "5 null"),
        (Int, Arc::new(BooleanArray::from(vec![Some(true), None])), "1 null"),
        (Float, Arc::new(Int32Array::from(vec![Some(5), None])), "5.0 null"),
        (Float, Arc::new(BooleanArray::from(vec![Some(true), None])), "1.0 null"),
        (Float, Arc::new(Float32Array::from(vec![Some(0.5), None])), "0.5 null"),
        (Bool, Arc::new(BooleanArray::from(vec![Some(true), None])), "true null"),
        (String, Arc::new(StringArray::from(texts.clone())), r#""a" null"#),
        (String, Arc::new(LargeStringArray::from(texts.clone())), r#""a" null"#),
        (String, Arc::new(StringViewArray::from(texts.clone())), r#""a" null"#),
        (String, Arc::new(BinaryArray::from(bytes.clone())), r#""a" null"#),
        (String, Arc::new(BinaryViewArray::from(bytes)), r#""a" null"#),
        (String, Arc::new(DictionaryArray::<Int32Type>::from_iter(texts)), r#""a" null"#),
        (Float, Arc::new(NullArray::new(2)), "null null"),
    ];
    for (expected, column, shown) in cases {
        let found = column.data_type().clone();
        assert_eq!(read(expected, column).unwrap(), shown, "{found} as {expected}");
    }
}

#[test]
fn other_types_are_named() {
    assert_eq!(
        error(ValueType::Int, Arc::new(Float32Array::from(vec![1.0]))),
        "feature `fare` is Float32, the transform graph expects INT"
    );
    assert_eq!(
        error(ValueType::Float, Arc::new(StringArray::from(vec!["1"]))),
        "feature `fare` is Utf8, the transform graph expects FLOAT"
    );
    assert_eq!(
        error(ValueType::String, Arc::new(Int32Array::from(vec![1]))),
        "feature `fare` is Int32, the transform graph expects STRING"
    );
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1), Some(2)])]);
    assert_eq!(
        error(ValueType::Int, Arc::new(list)),
        "feature `fare` is List(Int64), the transform graph expects at most one INT per example"
    );
}

#[test]
fn values_that_do_not_fit_are_errors_and_not_missing() {
    let bytes = BinaryArray::from(vec![Some(&b"a"[..]), None, Some(&b"\xff"[..])]);
    assert_eq!(
        error(ValueType::String, Arc::new(bytes)),
        "feature `fare`: row 2 of the batch is not UTF-8 text"
    );
    let large = UInt64Array::from(vec![1, u64::MAX]);
    assert_eq!(error(ValueType::Int, Arc::new(large)), "feature `fare`: a value that is not INT");
}

#[test]
fn a_missing_column_is_named_with_the_nearest() {
    let mut builder = GraphBuilder::new();
    let node = builder.input("trip_miles", ValueType::Float).unwrap();
    builder.output("out", node).unwrap();
    let column: ArrayRef = Arc::new(Float32Array::from(vec![1.0]));
    let batch = RecordBatch::try_from_iter([("fare", Arc::clone(&column)), ("trip_mile", column)]);
    let error = builder.build().apply(&batch.unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "feature `trip_miles` is missing, which the transform graph reads as FLOAT"
    );
    assert_eq!(error.hint().unwrap(), "did you mean `trip_mile`?");
}
