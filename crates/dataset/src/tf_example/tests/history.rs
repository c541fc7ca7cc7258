//! What came before a record never shows in how it is read.

use arrow::array::Array;
use arrow::compute::concat_batches;
use proptest::prelude::*;

use super::*;

fn names() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b",
        "c",
        "fare",
        "company",
        "not_asked_for",
        "d",
        "a_name_longer_than_thirty_two_bytes_in_all",
    ])
}

fn columns() -> SchemaRef {
    schema(&[
        ("a", DataType::Int64),
        ("b", DataType::Utf8),
        ("c", list(DataType::Int64)),
        ("fare", DataType::Float32),
        ("company", list(DataType::Binary)),
        ("d", DataType::Null),
        ("a_name_longer_than_thirty_two_bytes_in_all", list(DataType::Float32)),
    ])
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::NoKind),
        prop::collection::vec(any::<i64>(), 0..3).prop_map(Value::Ints),
        (any::<i64>(), 0..64).prop_map(|(value, shift)| Value::Ints(vec![value >> shift])),
        prop::collection::vec(any::<f32>(), 0..3).prop_map(Value::Floats),
        "[a-zé]{0,60}".prop_map(|value| text(&value)),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(|value| Value::Bytes(vec![value])),
    ]
}

/// A value that the column of a name takes, most of the time.
fn fitting(name: &str) -> BoxedStrategy<Value> {
    match name {
        "a" | "c" => any::<i64>().prop_map(|value| Value::Ints(vec![value])).boxed(),
        "b" | "company" => "[a-zé]{0,60}".prop_map(|value| text(&value)).boxed(),
        "d" => Just(Value::NoKind).boxed(),
        _ => any::<f32>().prop_map(|value| Value::Floats(vec![value])).boxed(),
    }
}

fn named() -> impl Strategy<Value = (&'static str, Value)> {
    names().prop_flat_map(|name| (Just(name), prop_oneof![20 => fitting(name), 1 => value()]))
}

/// Records that have features in the order of the ones before, in another, or as nobody writes them.
fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let order = prop::collection::vec(named(), 0..9);
    let kept = prop::collection::vec(any::<u16>(), 0..12);
    let odd = (any::<prop::sample::Index>(), any::<u8>(), 0..8u8);
    prop::collection::vec((order, kept, odd), 1..4).prop_map(|groups| {
        let mut records = Vec::new();
        for (order, kept, (place, byte, chance)) in groups {
            for keep in kept {
                let features = order.iter().enumerate();
                let features = features.filter(|(i, _)| keep >> i & 3 != 0);
                let features: Vec<_> = features.map(|(_, it)| it.clone()).collect();
                records.push(example(&features));
            }
            if let Some(last) = records.last_mut()
                && chance == 0
                && !last.is_empty()
            {
                let place = place.index(last.len());
                last[place] = byte;
            }
        }
        records
    })
}

/// Reads records with one decoder, and says of each whether it was taken and why not.
fn read(records: &[Vec<u8>]) -> (Vec<Option<String>>, Result<RecordBatch, String>) {
    let mut decoder = ExampleDecoder::new(Payload::TfExample, columns()).unwrap();
    let found = records.iter().map(|record| decoder.push(record).err().map(|it| it.to_string()));
    let found = found.collect();
    (found, decoder.finish().map_err(|error| error.to_string()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]
    #[test]
    fn a_record_means_the_same_whatever_came_before(records in records()) {
        let (together, batch) = read(&records);
        let mut batches = Vec::new();
        let mut is_text = true;
        for (record, found) in records.iter().zip(together) {
            let (alone, batch) = read(std::slice::from_ref(record));
            prop_assert_eq!(&alone[0], &found);
            match batch {
                Ok(batch) => batches.push(batch),
                Err(_) => is_text = false,
            }
        }
        match batch {
            Ok(batch) => {
                let expected = concat_batches(&columns(), &batches).unwrap();
                // Compared as shown, so that NaN is itself.
                prop_assert_eq!(format!("{batch:?}"), format!("{expected:?}"));
                prop_assert!(is_text);
            }
            Err(error) => prop_assert!(!is_text, "{error}"),
        }
    }
}

#[test]
fn a_feature_that_is_left_out_now_and_then_is_missing() {
    let all = [("a", Value::Ints(vec![1])), ("b", text("x")), ("fare", Value::Floats(vec![2.0]))];
    let records: Vec<_> = (0..64u8)
        .map(|i| {
            let features = all.iter().enumerate().filter(|(j, _)| i >> j & 1 == 0);
            example(&features.map(|(_, it)| it.clone()).collect::<Vec<_>>())
        })
        .collect();
    let (found, batch) = read(&records);
    assert!(found.iter().all(Option::is_none));
    let batch = batch.unwrap();
    for (column, bit) in [("a", 0), ("b", 1), ("fare", 2)] {
        let column = batch.column_by_name(column).unwrap();
        for row in 0..64 {
            assert_eq!(column.is_null(row), row >> bit & 1 == 1, "{row}");
        }
    }
}
