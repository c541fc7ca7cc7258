//! Which schema records have.

use dataflow::{Accumulator, Pass, fold};
use proptest::prelude::*;

use super::*;

fn describe(schema: &Schema) -> String {
    let fields = schema.fields().iter();
    let fields = fields.map(|f| format!("{}: {}", f.name(), f.data_type()));
    fields.collect::<Vec<_>>().join("\n").replace("non-null ", "").replace(", field: 'item'", "")
}

#[test]
fn a_column_is_scalar_where_every_example_that_has_it_has_one_value() {
    let records = [
        example(&[
            ("one", Value::Ints(vec![1])),
            ("two", Value::Ints(vec![1])),
            ("none", Value::Floats(vec![])),
            ("text", text("a")),
            ("raw", text("a")),
        ]),
        example(&[
            ("one", Value::Ints(vec![2])),
            ("two", Value::Ints(vec![1, 2])),
            ("raw", Value::Bytes(vec![vec![0xff]])),
            ("named", Value::NoKind),
        ]),
        example(&[
            ("one", Value::NoKind),
            ("none", Value::Floats(vec![1.0])),
            ("only_empty", Value::Ints(vec![])),
        ]),
    ];
    let schema = discover(Payload::TfExample, &records).unwrap();
    let expected = super::schema(&[
        ("named", DataType::Null),
        ("none", list(DataType::Float32)),
        ("one", DataType::Int64),
        ("only_empty", list(DataType::Int64)),
        ("raw", DataType::Binary),
        ("text", DataType::Utf8),
        ("two", list(DataType::Int64)),
    ]);
    assert_eq!(describe(&schema), describe(&expected));
    assert_eq!(schema, expected);
    let batch = decode(Payload::TfExample, &schema, &records).unwrap();
    assert_eq!(batch.num_rows(), 3);
}

#[test]
fn feature_lists_come_behind_the_context() {
    let records = [
        sequence(
            &[("z", text("a"))],
            &[("b", vec![text("x")]), ("a", vec![]), ("c", vec![Value::NoKind])],
        ),
        sequence(&[], &[("b", vec![Value::NoKind, text("y")])]),
    ];
    let schema = discover(Payload::TfSequenceExample, &records).unwrap();
    let expected = super::schema(&[
        ("z", DataType::Utf8),
        ("a", list(list(DataType::Null))),
        ("b", list(list(DataType::Utf8))),
        ("c", list(list(DataType::Null))),
    ]);
    assert_eq!(schema, expected);
    let batch = decode(Payload::TfSequenceExample, &schema, &records).unwrap();
    assert_eq!(batch.num_rows(), 2);
    let again = encode(Payload::TfSequenceExample, &batch).unwrap();
    assert_eq!(decode(Payload::TfSequenceExample, &schema, &again).unwrap(), batch);
}

#[test]
fn two_kinds_under_one_name_are_named_with_both_records() {
    let one = |value: Value| example(&[("fare", value)]);
    let records =
        [one(Value::NoKind), one(Value::Ints(vec![])), one(Value::Ints(vec![1])), one(text("a"))];
    let message = discover(Payload::TfExample, &records).unwrap_err().to_string();
    let (before, after) = message.split_once(", but ").unwrap();
    assert!(
        before.starts_with("feature `fare`: has BYTES values in record 2 of ")
            && before.ends_with("/second"),
        "{message}"
    );
    assert!(
        after.starts_with("INT values in record 2 of ") && after.ends_with("/first"),
        "{message}"
    );
}

#[test]
fn a_kind_that_does_not_count_is_no_conflict() {
    let twice = example(&[("fare", text("overwritten")), ("fare", Value::Ints(vec![1]))]);
    let schema = discover(Payload::TfExample, &[twice]).unwrap();
    assert_eq!(schema, super::schema(&[("fare", DataType::Int64)]));
}

#[test]
fn a_name_in_both_maps_is_an_error() {
    let record = sequence(&[("a", text("x"))], &[("a", vec![])]);
    let message = discover(Payload::TfSequenceExample, &[record]).unwrap_err().to_string();
    assert_eq!(
        message,
        "feature `a`: is both in the context and in the feature lists, expected one of them"
    );
}

#[test]
fn too_many_names_are_an_error() {
    let names: Vec<String> = (0..=65_536).map(|i| i.to_string()).collect();
    let named: Vec<_> = names.iter().map(|name| (name.as_str(), Value::NoKind)).collect();
    let error = discover(Payload::TfExample, &[example(&named)]).unwrap_err();
    assert_eq!(error.to_string(), "more than 65536 different feature names were found");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn how_records_are_parted_does_not_show(
        records in prop::collection::vec(round_trip::any_example(), 0..30),
        cut in any::<prop::sample::Index>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let cut = cut.index(records.len() + 1);
        let part = |name: &str, records: &[Vec<u8>]| {
            let path = write_file(&dir.path().join(name), records);
            let files = TfRecordFiles::open(&[path]).unwrap();
            let pass = DiscoverFeatures { payload: Payload::TfExample };
            fold(&engine(), &files, &pass).unwrap()
        };
        let whole = part("whole", &records).finish().unwrap().schema();
        let carry = |state: Discovery| Discovery::from_bytes(&state.to_bytes()).unwrap();
        let mut merged = carry(part("a", &records[..cut]));
        merged.merge(carry(part("b", &records[cut..]))).unwrap();
        match (whole, merged.finish().unwrap().schema()) {
            (Ok(whole), Ok(merged)) => {
                prop_assert_eq!(&whole, &merged);
                let batch = decode(Payload::TfExample, &whole, &records).unwrap();
                prop_assert_eq!(batch.num_rows(), records.len());
            }
            (Err(_), Err(_)) => {}
            (whole, merged) => prop_assert!(false, "{:?} {:?}", whole, merged),
        }
    }
}

#[test]
fn a_state_of_another_version_is_refused() {
    let state = DiscoverFeatures { payload: Payload::TfExample }.start().unwrap();
    let text = String::from_utf8(state.to_bytes()).unwrap();
    let newer = text.replace("\"version\":1", "\"version\":2");
    assert!(Discovery::from_bytes(newer.as_bytes()).is_err());
    assert!(Discovery::from_bytes(b"nonsense").is_err());
}
