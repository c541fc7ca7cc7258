use arrow::array::{
    Array, Date32Array, Decimal128Array, DictionaryArray, DurationSecondArray,
    FixedSizeBinaryArray, Int8Array, LargeListArray, StringViewArray, StructArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::util::display::ArrayFormatter;

use super::*;

/// Returns the type and the values that a column gets, or what is said about it.
fn plain(column: impl Array + 'static) -> String {
    let column: ArrayRef = Arc::new(column);
    let schema = Schema::new(vec![Field::new("x", column.data_type().clone(), true)]);
    let made = Plain::of(&schema).and_then(|plain| {
        plain.batch(&RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap())
    });
    match made {
        Err(error) => base::render_chain(&error),
        Ok(batch) => {
            let column = batch.column(0);
            let format = FormatOptions::new().with_null("null");
            let format = ArrayFormatter::try_new(column, &format).unwrap();
            let values: Vec<_> =
                (0..column.len()).map(|row| format.value(row).to_string()).collect();
            format!("{} {}", column.data_type(), values.join(", "))
        }
    }
}

#[test]
fn types_become_those_of_features() {
    let check = |found: String, expected: &str| assert_eq!(found, expected);
    check(plain(Int8Array::from(vec![Some(-3), None])), "Int64 -3, null");
    check(plain(UInt64Array::from(vec![7])), "Int64 7");
    check(plain(StringViewArray::from(vec!["a"])), "Utf8 a");
    let decimal = Decimal128Array::from(vec![1234]).with_precision_and_scale(10, 2).unwrap();
    check(plain(decimal), "Float64 12.34");
    check(
        plain(["a", "b", "a"].into_iter().collect::<DictionaryArray<Int32Type>>()),
        "Utf8 a, b, a",
    );
    let bytes = FixedSizeBinaryArray::try_from_iter([[1, 255]].into_iter()).unwrap();
    check(plain(bytes), "Binary 01ff");
    let list =
        LargeListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1), None]), None]);
    check(plain(list), "List(Int64) [1, null], null");
}

#[test]
fn times_become_text_that_loses_nothing() {
    let check = |found: String, expected: &str| assert_eq!(found, expected);
    check(plain(Date32Array::from(vec![19753, -1])), "Utf8 2024-01-31, 1969-12-31");
    check(plain(Time64MicrosecondArray::from(vec![45_000_500_000])), "Utf8 12:30:00.500");
    let at = TimestampMicrosecondArray::from(vec![1_706_704_200_000_001]);
    check(plain(at.clone()), "Utf8 2024-01-31T12:30:00.000001");
    check(plain(at.clone().with_timezone("+00:00")), "Utf8 2024-01-31T12:30:00.000001Z");
    check(plain(at.clone().with_timezone("+02:00")), "Utf8 2024-01-31T12:30:00.000001Z");
    let at: ArrayRef = Arc::new(at.with_timezone("+02:00"));
    let field = Arc::new(Field::new("at", at.data_type().clone(), true));
    check(
        plain(StructArray::from(vec![(field, at)])),
        r#"Struct("at": Utf8) {at: 2024-01-31T12:30:00.000001Z}"#,
    );
}

#[test]
fn what_has_no_plain_form_is_named() {
    let check = |found: String, expected: &str| assert_eq!(found, expected);
    check(
        plain(DurationSecondArray::from(vec![1])),
        "column `x` of the result: values of type Duration(s) are not supported",
    );
    let too_large = plain(UInt64Array::from(vec![u64::MAX]));
    assert!(too_large.starts_with("column `x` of the result: "), "{too_large}");
    assert!(too_large.contains("18446744073709551615"), "{too_large}");
    let twice = Schema::new(vec![
        Field::new("x", DataType::Null, true),
        Field::new("x", DataType::Null, true),
    ]);
    check(Plain::of(&twice).unwrap_err().to_string(), "column `x` stands twice in the result");
    check(
        Plain::of(&Schema::empty()).unwrap_err().to_string(),
        "the query gives no columns, expected a SELECT",
    );
}
