use std::sync::Arc;

use arrow::array::{
    DictionaryArray, Float32Array, Int32Array, LargeStringArray, ListArray, NullArray, StringArray,
    StringViewArray, StructArray,
};
use arrow::datatypes::Int32Type;
use proptest::prelude::*;

use super::*;

fn keys(columns: &[(&str, ArrayRef)]) -> Vec<u64> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.iter().map(|(name, column)| (*name, Arc::clone(column), true)),
    );
    row_keys(&batch.unwrap()).unwrap()
}

fn bytes_of(column: ArrayRef) -> Vec<u8> {
    let mut bytes = Vec::new();
    Values::of(&column).unwrap().append(0, &mut bytes);
    bytes
}

fn ints(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[test]
fn values_are_a_tag_and_what_follows() {
    assert_eq!(bytes_of(ints(&[Some(-2)])), [1, 0xfe, 255, 255, 255, 255, 255, 255, 255]);
    assert_eq!(bytes_of(texts(&[Some("ab")])), [4, 2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b']);
    let half = Float64Array::from(vec![0.5]);
    assert_eq!(bytes_of(Arc::new(half)), [3, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f]);
    let large = UInt64Array::from(vec![u64::MAX]);
    assert_eq!(bytes_of(Arc::new(large)), [2, 255, 255, 255, 255, 255, 255, 255, 255]);
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(7), None])]);
    assert_eq!(bytes_of(Arc::new(list)), [5, 2, 0, 0, 0, 0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
    let nested =
        StructArray::try_from(vec![("b", ints(&[None])), ("a", ints(&[Some(1)]))]).unwrap();
    let mut expected = vec![6, 1, 0, 0, 0, 0, 0, 0, 0];
    expected.extend(xxh3_64(b"a").to_le_bytes());
    expected.extend([1, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes_of(Arc::new(nested)), expected);
}

/// To change these moves every row of every dataset.
#[test]
fn keys_are_for_good() {
    let fare: ArrayRef = Arc::new(Float32Array::from(vec![Some(12.45), None, Some(3.0)]));
    let columns = [
        ("fare", fare),
        ("company", texts(&[Some("Acme"), None, Some("")])),
        ("n", ints(&[Some(1), None, Some(-1)])),
    ];
    insta::assert_debug_snapshot!(keys(&columns), @r"
    [
        16812516927059673819,
        3244421341483603138,
        5293411655561496,
    ]
    ");
}

#[test]
fn the_way_a_value_is_stored_does_not_show() {
    let same = |columns: Vec<ArrayRef>| {
        let first = bytes_of(Arc::clone(&columns[0]));
        for column in columns {
            assert_eq!(bytes_of(Arc::clone(&column)), first, "{column:?}");
        }
    };
    let dictionary: DictionaryArray<Int32Type> = ["x"].into_iter().collect();
    same(vec![
        texts(&[Some("x")]),
        Arc::new(LargeStringArray::from(vec!["x"])),
        Arc::new(StringViewArray::from(vec!["x"])),
        Arc::new(BinaryArray::from(vec![b"x".as_slice()])),
        Arc::new(dictionary),
    ]);
    same(vec![
        ints(&[Some(1)]),
        Arc::new(Int32Array::from(vec![1])),
        Arc::new(UInt64Array::from(vec![1])),
        Arc::new(BooleanArray::from(vec![true])),
        Arc::new(Float32Array::from(vec![1.0])),
        Arc::new(Float64Array::from(vec![1.0])),
    ]);
    same(vec![
        Arc::new(Float32Array::from(vec![0.1])),
        Arc::new(Float64Array::from(vec![f64::from(0.1f32)])),
    ]);
    same(vec![
        Arc::new(Float64Array::from(vec![f64::NAN])),
        Arc::new(Float64Array::from(vec![-f64::NAN])),
    ]);
    same(vec![Arc::new(Float64Array::from(vec![0.0])), Arc::new(Float64Array::from(vec![-0.0]))]);
}

#[test]
fn missing_values_and_the_order_of_columns_do_not_count() {
    let (a, b) = (ints(&[Some(1), None]), texts(&[Some("x"), Some("y")]));
    let expected = keys(&[("a", Arc::clone(&a)), ("b", Arc::clone(&b))]);
    assert_eq!(keys(&[("b", Arc::clone(&b)), ("a", Arc::clone(&a))]), expected);
    let none: ArrayRef = Arc::new(NullArray::new(2));
    assert_eq!(keys(&[("b", b), ("c", none), ("a", a)]), expected);
}

#[test]
fn values_do_not_run_together_nor_change_features() {
    let key = |a: Option<&str>, b: Option<&str>| keys(&[("a", texts(&[a])), ("b", texts(&[b]))])[0];
    let rows = [
        key(Some("xy"), Some("z")),
        key(Some("x"), Some("yz")),
        key(Some("z"), Some("xy")),
        key(Some("xy"), None),
        key(None, Some("xy")),
        key(Some("xy"), Some("")),
        key(None, None),
    ];
    for (i, one) in rows.iter().enumerate() {
        assert!(!rows[..i].contains(one), "row {i}");
    }
}

proptest! {
    #[test]
    fn whole_numbers_have_one_key_as_integers_and_as_floats(value in -(1i64 << 53)..=(1i64 << 53)) {
        #[expect(clippy::cast_precision_loss, reason = "the range is exact")]
        let float = value as f64;
        prop_assert_eq!(bytes_of(ints(&[Some(value)])), bytes_of(Arc::new(Float64Array::from(vec![float]))));
    }

    #[test]
    fn batches_do_not_show(values in prop::collection::vec((any::<Option<i64>>(), any::<Option<String>>()), 1..50), at in 0usize..50) {
        let column = |rows: &[(Option<i64>, Option<String>)]| {
            let n: ArrayRef = Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.0)));
            let text: ArrayRef = Arc::new(StringArray::from_iter(rows.iter().map(|row| row.1.as_deref())));
            keys(&[("n", n), ("text", text)])
        };
        let at = at.min(values.len());
        let (first, rest) = values.split_at(at);
        prop_assert_eq!([column(first), column(rest)].concat(), column(&values));
    }
}
