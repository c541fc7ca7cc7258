use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, DictionaryArray, Float32Array, Int8Array, Int64Array,
    ListArray, NullArray, RecordBatch, StringArray, StringViewArray, StructArray, UInt64Array,
};
use arrow::datatypes::{Int32Type, Int64Type};

use super::{Encoded, SliceValue};
use crate::bytes::{Reader, Stored};

/// The one place that encodes; every case below is data. Shows the values of each row.
fn rows(column: impl arrow::array::Array + 'static) -> String {
    let column: ArrayRef = Arc::new(column);
    let batch = RecordBatch::try_from_iter([("f", column)]).unwrap();
    let encoded = match Encoded::read(&batch, "f") {
        Ok(encoded) => encoded,
        Err(error) => return error.to_string(),
    };
    let row = |row| {
        let values = encoded.row(row).iter().map(|id| encoded.values[*id as usize].to_string());
        format!("[{}]", values.collect::<Vec<_>>().join(","))
    };
    (0..batch.num_rows()).map(row).collect::<Vec<_>>().join(" ")
}

#[test]
fn numbers_of_any_width_are_one_kind() {
    assert_eq!(rows(Int64Array::from(vec![Some(7), None, Some(-1), Some(7)])), "[7] [] [-1] [7]");
    assert_eq!(rows(Int8Array::from(vec![1, 2])), "[1] [2]");
    assert_eq!(rows(BooleanArray::from(vec![Some(true), None, Some(false)])), "[1] [] [0]");
    assert_eq!(rows(UInt64Array::from(vec![u64::MAX, 3])), "[18446744073709551615] [3]");
    let floats = Float32Array::from(vec![0.1, -0.0, f32::NAN, f32::INFINITY, 0.0]);
    assert_eq!(rows(floats), "[0.1] [0] [] [inf] [0]");
    assert_eq!(SliceValue::Float(0.1).to_string(), "0.1");
    assert_eq!(rows(NullArray::new(2)), "[] []");
}

#[test]
fn text_and_bytes_are_one_kind_where_they_are_utf8() {
    let texts = vec![Some("a"), None, Some(""), Some(" b"), Some("c\n")];
    let expected = r#"[a] [] [""] [" b"] ["c\n"]"#;
    assert_eq!(rows(StringArray::from(texts.clone())), expected);
    assert_eq!(rows(StringViewArray::from(texts.clone())), expected);
    assert_eq!(rows(texts.into_iter().collect::<DictionaryArray<Int32Type>>()), expected);
    assert_eq!(rows(BinaryArray::from(vec![b"a".as_slice(), b"\xff\0"])), r#"[a] [b"\xff\x00"]"#);
    assert!(SliceValue::of_bytes(b"a") == SliceValue::Text("a".to_owned()));
}

#[test]
fn a_list_puts_an_example_in_each_of_its_slices_once() {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([
        Some(vec![Some(3), Some(1), None, Some(3)]),
        None,
        Some(vec![]),
        Some(vec![Some(1), Some(1)]),
        Some(vec![Some(2)]),
    ]);
    assert_eq!(rows(lists.clone()), "[3,1] [] [] [1] [2]");
    assert_eq!(rows(lists.slice(3, 2)), "[1] [2]");
    assert_eq!(rows(lists.slice(1, 0)), "");
}

#[test]
fn nested_features_are_not_sliced_by() {
    let structs = StructArray::new_empty_fields(1, None);
    assert_eq!(
        rows(structs),
        "column `f`, the feature to slice by, has type Struct(), \
         expected numbers, text, bytes or lists of them"
    );
}

#[test]
fn values_are_read_back_and_in_order() {
    let values = [
        SliceValue::Int(-5),
        SliceValue::Int(i64::MAX),
        SliceValue::Float(f64::NEG_INFINITY),
        SliceValue::Float(0.25),
        SliceValue::Text(String::new()),
        SliceValue::Text("é".to_owned()),
        SliceValue::Bytes(vec![0xff]),
    ];
    assert!(values.is_sorted());
    for value in values {
        let mut bytes = Vec::new();
        value.write(&mut bytes);
        assert_eq!(SliceValue::read(&mut Reader::new(&bytes)).unwrap(), value);
    }
}
