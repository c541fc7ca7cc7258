//! Columns to records and back, and records with changed bytes.

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanArray, DictionaryArray, Float32Builder, Float64Array,
    Int32Array, Int64Builder, LargeStringArray, ListBuilder, StringBuilder, UInt64Array,
};
use arrow::datatypes::Int32Type;
use formats::example::{put_example, put_named};
use proptest::prelude::*;

use super::*;

type Row = (
    Option<i64>,
    Option<u32>,
    Option<String>,
    Option<Vec<u8>>,
    Option<Vec<i64>>,
    Option<Vec<String>>,
    Option<Vec<Option<Vec<u32>>>>,
);

fn any_row() -> impl Strategy<Value = Row> {
    let option = prop::option::of::<BoxedStrategy<Vec<i64>>>;
    (
        prop::option::of(any::<i64>()),
        prop::option::of(any::<u32>()),
        prop::option::of(any::<String>()),
        prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
        option(prop::collection::vec(any::<i64>(), 0..4).boxed()),
        prop::option::of(prop::collection::vec(any::<String>(), 0..4)),
        prop::option::of(prop::collection::vec(
            prop::option::of(prop::collection::vec(any::<u32>(), 0..3)),
            0..4,
        )),
    )
}

/// A batch of all types that examples have; the last column only where there are feature lists.
fn batch(payload: Payload, rows: &[Row]) -> RecordBatch {
    let mut ints = Int64Builder::new();
    let mut floats = Float32Builder::new();
    let mut texts = StringBuilder::new();
    let mut bytes = BinaryBuilder::new();
    let mut int_lists = ListBuilder::new(Int64Builder::new());
    let mut text_lists = ListBuilder::new(StringBuilder::new());
    let mut steps = ListBuilder::new(ListBuilder::new(Float32Builder::new()));
    for (int, float, text, byte, int_list, text_list, step_list) in rows {
        ints.append_option(*int);
        floats.append_option(float.map(f32::from_bits));
        texts.append_option(text.as_deref());
        bytes.append_option(byte.as_deref());
        int_lists.append_option(int_list.as_ref().map(|list| list.iter().map(|&v| Some(v))));
        text_lists.append_option(text_list.as_ref().map(|list| list.iter().map(Some)));
        for step in step_list.iter().flatten() {
            let values = step.as_ref().map(|s| s.iter().map(|&v| Some(f32::from_bits(v))));
            steps.values().append_option(values);
        }
        steps.append(step_list.is_some());
    }
    // Not in the order of their names, which is that of the records.
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("text", Arc::new(texts.finish())),
        ("bytes", Arc::new(bytes.finish())),
        ("int", Arc::new(ints.finish())),
        ("float", Arc::new(floats.finish())),
        ("ints", Arc::new(int_lists.finish())),
        ("texts", Arc::new(text_lists.finish())),
    ];
    if payload == Payload::TfSequenceExample {
        columns.push(("steps", Arc::new(steps.finish())));
    }
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// Two batches with the same bits; NaN is not equal to itself, and bytes below missing values do not count.
fn assert_same(one: &RecordBatch, other: &RecordBatch) {
    assert_eq!(one.schema(), other.schema());
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
    let encoded = |batch| encode(Payload::TfSequenceExample, batch).unwrap();
    assert_eq!(encoded(one), encoded(other));
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::NoKind),
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..3)
            .prop_map(Value::Bytes),
        prop::collection::vec(any::<f32>(), 0..3).prop_map(Value::Floats),
        prop::collection::vec(any::<i64>(), 0..3).prop_map(Value::Ints),
    ]
}

/// A record with names that often come twice and often differ in kind from other records.
pub(super) fn any_example() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(vec!["a", "b", "c", "d"]);
    prop::collection::vec((name, any_value()), 0..5).prop_map(|mut named| {
        // Mostly one kind for each name, so that schemas can be found.
        for (name, value) in &mut named {
            let fits = match (*name, &value) {
                ("a", Value::Ints(_)) | ("b", Value::Floats(_)) | ("c" | "d", Value::Bytes(_)) => {
                    true
                }
                (_, value) => matches!(value, Value::NoKind),
            };
            if !fits {
                *value = Value::NoKind;
            }
        }
        example(&named)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_batch_comes_back(rows in prop::collection::vec(any_row(), 0..12)) {
        for payload in [Payload::TfExample, Payload::TfSequenceExample] {
            let batch = batch(payload, &rows);
            let records = encode(payload, &batch).unwrap();
            prop_assert_eq!(records.len(), batch.num_rows());
            assert_same(&decode(payload, &batch.schema(), &records).unwrap(), &batch);
        }
    }

    #[test]
    fn a_record_with_changed_bytes_never_panics_and_leaves_no_trace(
        rows in prop::collection::vec(any_row(), 1..6),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        victim in any::<prop::sample::Index>(),
    ) {
        let payload = Payload::TfSequenceExample;
        let batch = batch(payload, &rows);
        let records = encode(payload, &batch).unwrap();
        let mut changed = victim.get(&records).clone();
        for (index, byte) in changes {
            let index = index.index(changed.len());
            changed[index] = byte;
        }
        let mut decoder = ExampleDecoder::new(payload, batch.schema()).unwrap();
        let mut num_taken = 0;
        for record in &records {
            decoder.push(record).unwrap();
            num_taken += usize::from(decoder.push(&changed).is_ok());
        }
        match decoder.finish() {
            Ok(found) if num_taken == 0 => assert_same(&found, &batch),
            Ok(found) => prop_assert_eq!(found.num_rows(), records.len() + num_taken),
            Err(error) => {
                let is_text = matches!(
                    error,
                    ExampleBatchError::Row { problem: ExampleProblem::NotUtf8 { .. }, .. }
                );
                prop_assert!(is_text && num_taken > 0, "{}", error);
            }
        }
        // The decoder goes on.
        for record in &records {
            decoder.push(record).unwrap();
        }
        assert_same(&decoder.finish().unwrap(), &batch);
    }

    #[test]
    fn the_order_of_features_does_not_show(
        rows in prop::collection::vec(any_row(), 1..6),
        order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let batch = batch(Payload::TfExample, &rows);
        let shuffled = batch.project(&order).unwrap();
        let records = encode(Payload::TfExample, &batch).unwrap();
        prop_assert_eq!(&records, &encode(Payload::TfExample, &shuffled).unwrap());
        assert_same(&decode(Payload::TfExample, &shuffled.schema(), &records).unwrap(), &shuffled);
    }
}

#[test]
fn other_types_are_written_as_the_nearest_that_examples_have() {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("int32", Arc::new(Int32Array::from(vec![-1, 2]))),
        ("double", Arc::new(Float64Array::from(vec![0.1, f64::MAX]))),
        ("text", Arc::new(LargeStringArray::from(vec![Some("a"), Some("")]))),
        ("word", Arc::new(DictionaryArray::<Int32Type>::from_iter([Some("x"), None]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let records = encode(Payload::TfExample, &batch).unwrap();
    let expected = [
        example(&[
            ("bool", Value::Ints(vec![1])),
            ("double", Value::Floats(vec![0.1])),
            ("int32", Value::Ints(vec![-1])),
            ("text", text("a")),
            ("word", text("x")),
        ]),
        example(&[
            ("double", Value::Floats(vec![f32::INFINITY])),
            ("int32", Value::Ints(vec![2])),
            ("text", text("")),
        ]),
    ];
    assert_eq!(records, expected);
}

#[test]
fn what_records_cannot_hold_is_refused() {
    let check = |array: ArrayRef, expected: &str| {
        let batch = RecordBatch::try_from_iter([("x", array)]).unwrap();
        let error = BoxError::from(encode(Payload::TfExample, &batch).unwrap_err());
        assert!(error.to_string().starts_with(expected), "{error}");
    };
    check(Arc::new(UInt64Array::from(vec![u64::MAX])), "column `x`: ");
    let mut lists = ListBuilder::new(Int64Builder::new());
    lists.append_value([Some(1)]);
    lists.append_value([Some(1), None]);
    check(
        Arc::new(lists.finish()),
        "column `x`: row 1 of the batch is a list with a missing value in it, which tf.Example cannot hold",
    );
    let mut steps = ListBuilder::new(ListBuilder::new(Int64Builder::new()));
    steps.append(true);
    check(
        Arc::new(steps.finish()),
        "column `x`: has type List(List(Int64)), which tf.Example cannot hold",
    );
}

#[test]
fn missing_features_are_written_as_they_are_to_be() {
    let ints: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![None]));
    let floats: ArrayRef = Arc::new(arrow::array::Float32Array::from(vec![None]));
    let texts: ArrayRef = Arc::new(arrow::array::StringArray::from(vec![None::<&str>]));
    let none: ArrayRef = Arc::new(arrow::array::NullArray::new(1));
    let columns = [("i", ints), ("f", floats), ("t", texts), ("n", none)];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let write = |missing| {
        let encoder = ExampleEncoder::new(Payload::TfExample, missing, &batch.schema()).unwrap();
        let mut found = Vec::new();
        let keep = |record: &[u8]| {
            found = record.to_vec();
            Ok::<_, TfExampleError>(())
        };
        encoder.encode(&batch, keep).unwrap();
        found
    };
    let record = |features: [(&str, &[u8]); 4]| {
        let (mut named, mut record) = (Vec::new(), Vec::new());
        features.iter().for_each(|(name, value)| put_named(&mut named, name, value));
        put_example(&mut record, &named);
        record
    };
    let nothing = record([("f", b""), ("i", b""), ("n", b""), ("t", b"")]);
    assert_eq!(write(MissingFeature::Omitted), [0x0a, 0]);
    assert_eq!(write(MissingFeature::Named), nothing);
    // Fields 2, 3 and 1, each an empty list.
    let empty = record([("f", b"\x12\0"), ("i", b"\x1a\0"), ("n", b""), ("t", b"\x0a\0")]);
    assert_eq!(write(MissingFeature::EmptyList), empty);
}
