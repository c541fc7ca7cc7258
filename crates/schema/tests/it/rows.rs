//! Single rows against a schema.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, DictionaryArray, FixedSizeListArray, Float32Array,
    Float64Array, Int64Array, ListArray, NullArray, RecordBatch, StringArray, StringViewArray,
    StructArray, TimestampSecondArray, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type};
use formats::metadata::Schema;
use formats::metadata::anomaly_info::Type;
use proptest::prelude::{any, prop_assert_eq, proptest};
use proptest::sample::select;
use schema::SchemaError;
use schema::rows::RowValidator;

fn schema(text: &str) -> Schema {
    formats::text::parse(text).unwrap()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// The violations of one column `a` whose feature says something, as `row: CODE: message`.
fn check(feature: &str, array: impl Array + 'static) -> Vec<String> {
    let text =
        format!("feature {{ name: \"a\" {feature} }} string_domain {{ name: \"d\" value: \"x\" }}");
    let batch = batch(vec![("a", Arc::new(array))]);
    let validator = RowValidator::new(&schema(&text), &batch.schema(), None).unwrap();
    let findings = validator.column_findings().iter();
    let mut lines: Vec<String> =
        findings.map(|it| format!("column: {}: {}", it.code, it.description)).collect();
    lines.extend(validator.validate(&batch).unwrap().iter().map(|it| {
        assert_eq!(&*it.feature, "a");
        assert!(!it.short_description.is_empty());
        format!("{}: {}: {}", it.row, it.kind.as_str_name(), it.message)
    }));
    lines
}

const NONE: [&str; 0] = [];

#[test]
fn numbers_are_held_to_their_ranges() {
    let range = "type: INT int_domain { min: 0 max: 5 }";
    let found = check(range, Int64Array::from(vec![Some(0), None, Some(-1), Some(6), Some(5)]));
    assert_eq!(
        found,
        [
            "2: INT_TYPE_SMALL_INT: unexpectedly low value: -1 < 0",
            "3: INT_TYPE_BIG_INT: unexpectedly high value: 6 > 5",
        ]
    );
    let found = check(range, UInt64Array::from(vec![u64::MAX]));
    assert_eq!(found, ["0: INT_TYPE_BIG_INT: unexpectedly high value: 18446744073709551615 > 5"]);
    assert_eq!(check("type: INT int_domain {}", UInt64Array::from(vec![u64::MAX])), NONE);

    let range =
        "type: FLOAT float_domain { min: 0.1 max: 5 disallow_nan: true disallow_inf: true }";
    let values = vec![0.1, 0.05, 6.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5.0];
    assert_eq!(
        check(range, Float64Array::from(values)),
        [
            "1: FLOAT_TYPE_SMALL_FLOAT: unexpectedly low value: 0.05 < 0.1",
            "2: FLOAT_TYPE_BIG_FLOAT: unexpectedly high value: 6 > 5",
            "3: FLOAT_TYPE_HAS_NAN: NaN is not allowed",
            "4: FLOAT_TYPE_HAS_INF: an infinite value is not allowed",
            "5: FLOAT_TYPE_HAS_INF: an infinite value is not allowed",
        ]
    );
    let range = "type: FLOAT float_domain { max: 5 }";
    let found = check(range, Float32Array::from(vec![f32::NAN, f32::INFINITY]));
    assert_eq!(found, ["1: FLOAT_TYPE_BIG_FLOAT: unexpectedly high value: inf > 5"]);
}

#[test]
fn texts_are_held_to_their_domains() {
    let texts = || StringArray::from(vec![Some("x"), Some("y"), None, Some("7"), Some(" 12 ")]);
    let outside = [
        "1: ENUM_TYPE_UNEXPECTED_STRING_VALUES: \"y\" is not in the domain",
        "3: ENUM_TYPE_UNEXPECTED_STRING_VALUES: \"7\" is not in the domain",
        "4: ENUM_TYPE_UNEXPECTED_STRING_VALUES: \" 12 \" is not in the domain",
    ];
    assert_eq!(check("type: BYTES domain: \"d\"", texts()), outside);
    assert_eq!(check("type: BYTES string_domain { value: \"x\" }", texts()), outside);
    let views = StringViewArray::from_iter(texts().iter());
    assert_eq!(check("type: BYTES domain: \"d\"", views), outside);
    let dictionary: DictionaryArray<Int32Type> = texts().iter().collect();
    assert_eq!(check("type: BYTES domain: \"d\"", dictionary), outside);

    let found = check("type: BYTES int_domain { max: 10 }", texts());
    assert_eq!(
        found,
        [
            "0: INT_TYPE_NOT_INT_STRING: \"x\" is not an integer",
            "1: INT_TYPE_NOT_INT_STRING: \"y\" is not an integer",
            "4: INT_TYPE_BIG_INT: unexpectedly high value: 12 > 10",
        ]
    );
    let found =
        check("type: BYTES float_domain { min: 8 }", StringArray::from(vec!["7.5", "x", "9"]));
    assert_eq!(
        found,
        [
            "0: FLOAT_TYPE_SMALL_FLOAT: unexpectedly low value: 7.5 < 8",
            "1: FLOAT_TYPE_STRING_NOT_FLOAT: \"x\" is not a number",
        ]
    );
    let bytes = BinaryArray::from(vec![b"x".as_slice(), b"\xff", b"y"]);
    assert_eq!(
        check("type: BYTES domain: \"d\"", bytes),
        [
            "1: ENUM_TYPE_INVALID_UTF8: not valid UTF-8",
            "2: ENUM_TYPE_UNEXPECTED_STRING_VALUES: \"y\" is not in the domain",
        ]
    );
    let image = "type: BYTES image_domain { max_image_byte_size: 2 }";
    let found = check(image, BinaryArray::from(vec![b"ab".as_slice(), b"abc"]));
    assert_eq!(found, ["1: MAX_IMAGE_BYTE_SIZE_EXCEEDED: 3 bytes, expected at most 2"]);
}

#[test]
fn truth_values_are_two() {
    let bool = "type: INT bool_domain {}";
    assert_eq!(
        check(bool, Int64Array::from(vec![0, 1, 2, -1])),
        [
            "2: BOOL_TYPE_BIG_INT: 2 is neither 0 nor 1",
            "3: BOOL_TYPE_SMALL_INT: -1 is neither 0 nor 1"
        ]
    );
    assert_eq!(check(bool, BooleanArray::from(vec![true, false])), NONE);
    let bool = "type: FLOAT bool_domain {}";
    let found = check(bool, Float64Array::from(vec![0.0, 1.0, 0.5, f64::NAN]));
    assert_eq!(
        found,
        [
            "2: BOOL_TYPE_UNEXPECTED_FLOAT: 0.5 is neither 0 nor 1",
            "3: BOOL_TYPE_UNEXPECTED_FLOAT: nan is neither 0 nor 1",
        ]
    );
    let bool = "type: BYTES bool_domain { true_value: \"yes\" false_value: \"no\" }";
    let found = check(bool, StringArray::from(vec!["yes", "maybe"]));
    assert_eq!(found, ["1: BOOL_TYPE_UNEXPECTED_STRING: \"maybe\" is neither \"no\" nor \"yes\""]);
}

#[test]
fn what_every_example_has_to_have_is_missed() {
    let values = || Int64Array::from(vec![Some(1), None]);
    let missing = ["1: FEATURE_TYPE_LOW_FRACTION_PRESENT: missing, expected in every example"];
    assert_eq!(check("type: INT presence { min_fraction: 1 }", values()), missing);
    assert_eq!(check("type: INT presence { min_fraction: 0.9 min_count: 2 }", values()), NONE);
    let shape = "type: INT shape { dim { size: 1 } }";
    let found = check(shape, values());
    assert_eq!(found, ["1: INVALID_FEATURE_SHAPE: missing, expected 1 value as the shape says"]);
    assert_eq!(check("type: INT presence { min_fraction: 1 }", NullArray::new(2)).len(), 2);
}

fn lists(lists: &[Option<&[i64]>]) -> ListArray {
    let lists = lists.iter().map(|list| list.map(|list| list.iter().copied().map(Some)));
    ListArray::from_iter_primitive::<Int64Type, _, _>(lists)
}

#[test]
fn values_are_counted() {
    let column = || lists(&[Some(&[1, 2]), Some(&[]), None, Some(&[1, 2, 9])]);
    assert_eq!(
        check("type: INT value_count { min: 1 max: 2 }", column()),
        [
            "1: FEATURE_TYPE_LOW_NUMBER_VALUES: 0 values, expected at least 1",
            "3: FEATURE_TYPE_HIGH_NUMBER_VALUES: 3 values, expected at most 2",
        ]
    );
    assert_eq!(
        check("type: INT shape { dim { size: 2 } }", column()),
        [
            "1: INVALID_FEATURE_SHAPE: 0 values, expected 2 as the shape says",
            "2: INVALID_FEATURE_SHAPE: missing, expected 2 values as the shape says",
            "3: INVALID_FEATURE_SHAPE: 3 values, expected 2 as the shape says",
        ]
    );
    let found = check("type: INT int_domain { max: 5 }", column());
    assert_eq!(found, ["3: INT_TYPE_BIG_INT: unexpectedly high value: 9 > 5"]);
    let found = check("type: INT value_count { min: 2 }", Int64Array::from(vec![Some(1), None]));
    assert_eq!(found, ["0: FEATURE_TYPE_LOW_NUMBER_VALUES: 1 value, expected at least 2"]);
    let found =
        check("type: INT value_counts { value_count { min: 1 } value_count { min: 1 } }", column());
    let mismatch = "column: VALUE_NESTEDNESS_MISMATCH: The values are nested 1 levels deep, the schema counts those of 2. Value counts will not be checked.";
    assert_eq!(found, [mismatch]);
    // A null in a list is no value.
    let with_null = ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1), None])]);
    let found = check("type: INT value_count { min: 2 }", with_null);
    assert_eq!(found, ["0: FEATURE_TYPE_LOW_NUMBER_VALUES: 1 value, expected at least 2"]);
}

#[test]
fn a_part_of_a_longer_column_is_looked_at_alone() {
    let column = lists(&[Some(&[9]), Some(&[1, 9]), Some(&[9, 1]), Some(&[9])]).slice(1, 2);
    assert_eq!(
        check("type: INT int_domain { max: 5 } value_count { max: 1 }", column),
        [
            "0: FEATURE_TYPE_HIGH_NUMBER_VALUES: 2 values, expected at most 1",
            "0: INT_TYPE_BIG_INT: unexpectedly high value: 9 > 5",
            "1: FEATURE_TYPE_HIGH_NUMBER_VALUES: 2 values, expected at most 1",
            "1: INT_TYPE_BIG_INT: unexpectedly high value: 9 > 5",
        ]
    );
}

#[test]
fn nested_lists_are_counted_at_every_level() {
    // [[1], [2, 9]], [], null, [[3, 4], [5, 6]]
    let inner = lists(&[Some(&[1]), Some(&[2, 9]), Some(&[3, 4]), Some(&[5, 6])]);
    let field = Arc::new(Field::new("item", inner.data_type().clone(), true));
    let offsets = OffsetBuffer::new(vec![0, 2, 2, 2, 4].into());
    let nulls = NullBuffer::from(vec![true, true, false, true]);
    let outer = ListArray::new(field, offsets, Arc::new(inner), Some(nulls));
    let counts = "type: INT value_counts { value_count { min: 1 } value_count { min: 2 } } int_domain { max: 5 }";
    assert_eq!(
        check(counts, outer.clone()),
        [
            "0: FEATURE_TYPE_LOW_NUMBER_VALUES: 1 value at nestedness level 1, expected at least 2",
            "0: INT_TYPE_BIG_INT: unexpectedly high value: 9 > 5",
            "1: FEATURE_TYPE_LOW_NUMBER_VALUES: 0 values at nestedness level 0, expected at least 1",
            "3: INT_TYPE_BIG_INT: unexpectedly high value: 6 > 5",
        ]
    );
    assert_eq!(
        check("type: INT shape { dim { size: 4 } }", outer),
        [
            "0: INVALID_FEATURE_SHAPE: lists of uneven lengths, expected 4 as the shape says",
            "1: INVALID_FEATURE_SHAPE: 0 values, expected 4 as the shape says",
            "2: INVALID_FEATURE_SHAPE: missing, expected 4 values as the shape says",
        ]
    );
    let fixed = FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(
        [Some(vec![Some(1.0), Some(9.0)]), None, Some(vec![Some(1.0), Some(2.0)])],
        2,
    );
    let found = check("type: FLOAT float_domain { max: 5 } value_count { min: 2 max: 2 }", fixed);
    assert_eq!(found, ["0: FLOAT_TYPE_BIG_FLOAT: unexpectedly high value: 9 > 5"]);
}

#[test]
fn some_values_of_a_row_may_be_outside_the_domain() {
    let mut builder = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
    for row in [vec!["x", "y"], vec!["y", "y"], vec!["x"]] {
        row.into_iter().for_each(|text| builder.values().append_value(text));
        builder.append(true);
    }
    let half = "type: BYTES domain: \"d\" distribution_constraints { min_domain_mass: 0.5 }";
    let outside = "1: ENUM_TYPE_UNEXPECTED_STRING_VALUES: \"y\" is not in the domain";
    assert_eq!(check(half, builder.finish()), [outside]);
}

#[test]
fn structs_are_looked_into_where_they_are() {
    // {x: 1}, null (whose x is out of range and does not exist), {x: null}, {x: 9}
    let x: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(99), None, Some(9)]));
    let fields = vec![Field::new("x", DataType::Int64, true)].into();
    let nulls = NullBuffer::from(vec![true, false, true, true]);
    let array = StructArray::new(fields, vec![x], Some(nulls));
    let batch = batch(vec![("s", Arc::new(array))]);
    let text = "feature { name: 's' type: STRUCT struct_domain {
        feature { name: 'x' type: INT int_domain { max: 5 } group_presence { required: true } }
        feature { name: 'y' type: INT group_presence { required: true } } } }";
    let validator = RowValidator::new(&schema(text), &batch.schema(), None).unwrap();
    let findings: Vec<_> =
        validator.column_findings().iter().map(|it| (it.path.as_str(), it.code)).collect();
    assert_eq!(findings, [("s.y", "SCHEMA_MISSING_COLUMN")]);
    let found: Vec<String> = validator
        .validate(&batch)
        .unwrap()
        .iter()
        .map(|it| format!("{} {} {}", it.row, it.feature, it.message))
        .collect();
    assert_eq!(
        found,
        ["2 s.x missing, expected in every s", "3 s.x unexpectedly high value: 9 > 5"]
    );
}

#[test]
fn columns_are_compared_with_the_features() {
    let batch = batch(vec![
        ("kept", Arc::new(Int64Array::from(vec![1]))),
        ("new", Arc::new(Int64Array::from(vec![1]))),
        ("other", Arc::new(StringArray::from(vec!["x"]))),
        ("time", Arc::new(TimestampSecondArray::from(vec![0]))),
        ("excluded", Arc::new(Int64Array::from(vec![7]))),
        ("old", Arc::new(StringArray::from(vec!["x"]))),
    ]);
    let text = "feature { name: 'kept' type: INT presence { min_fraction: 2 } }
        feature { name: 'other' type: INT int_domain { max: 5 } }
        feature { name: 'time' type: INT }
        feature { name: 'excluded' type: INT int_domain { max: 5 } not_in_environment: 'SERVING' presence { min_fraction: 1 } }
        feature { name: 'label' type: INT not_in_environment: 'SERVING' presence { min_fraction: 1 } }
        feature { name: 'gone' type: INT presence { min_count: 1 } }
        feature { name: 'old' type: INT lifecycle_stage: DEPRECATED }
        default_environment: 'SERVING'";
    let validator = RowValidator::new(&schema(text), &batch.schema(), Some("SERVING")).unwrap();
    let findings: Vec<String> = validator
        .column_findings()
        .iter()
        .map(|it| format!("{} {} {}", it.path, it.code, it.description))
        .collect();
    assert_eq!(
        findings,
        [
            "kept INVALID_SCHEMA_SPECIFICATION ",
            "other UNEXPECTED_DATA_TYPE Expected data of type: INT but got Utf8",
            "time UNEXPECTED_DATA_TYPE Expected data of type: INT but got Timestamp(s)",
            "excluded SCHEMA_NEW_COLUMN New column excluded found in data but not in the environment SERVING in the schema.",
            "gone SCHEMA_MISSING_COLUMN Column is completely missing",
            "new SCHEMA_NEW_COLUMN New column (column in data but not in schema)",
        ]
    );
    let found = validator.validate(&batch).unwrap();
    let found: Vec<_> = found.iter().map(|it| (it.row, &*it.feature, it.kind)).collect();
    assert_eq!(found, [(0, "excluded", Type::IntTypeBigInt)]);
    let error = RowValidator::new(&schema(text), &batch.schema(), Some("SERVNG")).unwrap_err();
    assert!(matches!(error, SchemaError::UnknownEnvironment { .. }), "{error}");
}

#[test]
fn a_batch_of_other_columns_is_refused() {
    let first = batch(vec![("a", Arc::new(Int64Array::from(vec![1])))]);
    let second = batch(vec![("b", Arc::new(Int64Array::from(vec![1])))]);
    let text = "feature { name: 'a' type: INT int_domain { max: 5 } }";
    let validator = RowValidator::new(&schema(text), &first.schema(), None).unwrap();
    let error = validator.validate(&second).unwrap_err();
    assert_eq!(error.to_string(), "the batch has columns b, expected a of the same types");
}

type Rows = Vec<Option<Vec<Option<i64>>>>;

/// The same rules, one row at a time.
fn naive(
    rows: &Rows,
    (min, max): (i64, i64),
    (fewest, most): (usize, usize),
) -> Vec<(usize, Type)> {
    let mut found = Vec::new();
    for (row, values) in rows.iter().enumerate() {
        let Some(values) = values else {
            found.push((row, Type::FeatureTypeLowFractionPresent));
            continue;
        };
        let values: Vec<i64> = values.iter().copied().flatten().collect();
        for (is_wrong, kind) in [
            (values.len() < fewest, Type::FeatureTypeLowNumberValues),
            (values.len() >= fewest && values.len() > most, Type::FeatureTypeHighNumberValues),
            (values.iter().any(|&it| it < min), Type::IntTypeSmallInt),
            (values.iter().any(|&it| it > max), Type::IntTypeBigInt),
        ] {
            if is_wrong {
                found.push((row, kind));
            }
        }
    }
    found
}

proptest! {
    #[test]
    fn columns_at_once_find_what_a_loop_over_rows_finds(
        rows in proptest::collection::vec(
            proptest::option::of(proptest::collection::vec(proptest::option::of(-3..9_i64), 0..4)),
            0..20,
        ),
        min in -3..3_i64,
        more in 0..6_i64,
        fewest in 0..3_usize,
        extra in 0..3_usize,
        cut in any::<proptest::sample::Index>(),
        kind in select(vec![0, 1, 2]),
    ) {
        let (max, most) = (min + more, fewest + extra);
        let text = format!(
            "feature {{ name: 'a' type: INT presence {{ min_fraction: 1 }} int_domain {{ min: {min} max: {max} }} value_count {{ min: {fewest} max: {most} }} }}"
        );
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(rows.iter().cloned());
        let array: ArrayRef = match kind {
            0 => Arc::new(lists),
            1 => arrow::compute::cast(&lists, &DataType::LargeList(Arc::new(Field::new("item", DataType::Int16, true)))).unwrap(),
            _ => arrow::compute::cast(&lists, &DataType::List(Arc::new(Field::new("item", DataType::Int32, true)))).unwrap(),
        };
        let whole = batch(vec![("a", array)]);
        let validator = RowValidator::new(&schema(&text), &whole.schema(), None).unwrap();
        let kinds = |batch: &RecordBatch, first: usize| -> Vec<(usize, Type)> {
            let mut found: Vec<_> =
                validator.validate(batch).unwrap().iter().map(|it| (first + it.row, it.kind)).collect();
            found.sort();
            found
        };
        let mut expected = naive(&rows, (min, max), (fewest, most));
        expected.sort();
        prop_assert_eq!(kinds(&whole, 0), expected.clone());

        // Where the batches are cut makes no difference.
        let cut = if rows.is_empty() { 0 } else { cut.index(rows.len()) };
        let mut parts = kinds(&whole.slice(0, cut), 0);
        parts.extend(kinds(&whole.slice(cut, rows.len() - cut), cut));
        prop_assert_eq!(parts, expected);
    }
}
