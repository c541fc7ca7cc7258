//! What each kind of feature becomes, and what is refused.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float32Type, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::*;

/// Every row as text, missing as `null`.
fn rows(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::new().with_null("null");
    let formatters: Vec<_> = batch
        .columns()
        .iter()
        .map(|array| ArrayFormatter::try_new(array, &options).unwrap())
        .collect();
    (0..batch.num_rows())
        .map(|row| {
            let cells: Vec<_> = formatters.iter().map(|f| f.value(row).to_string()).collect();
            cells.join(" | ")
        })
        .collect()
}

#[test]
fn missing_empty_list_empty_string_and_zero_are_four_things() {
    let schema = schema(&[
        ("scalar", DataType::Utf8),
        ("list", list(DataType::Utf8)),
        ("number", DataType::Int64),
        ("numbers", list(DataType::Float32)),
    ]);
    let records = [
        example(&[]),
        example(&[("scalar", Value::NoKind), ("list", Value::NoKind)]),
        example(&[("list", Value::Bytes(vec![])), ("numbers", Value::Floats(vec![]))]),
        example(&[
            ("scalar", text("")),
            ("list", text("")),
            ("number", Value::Ints(vec![0])),
            ("numbers", Value::Floats(vec![0.0])),
        ]),
        example(&[("list", Value::Bytes(vec![b"a".to_vec(), vec![]])), ("scalar", text("b"))]),
    ];
    let batch = decode(Payload::TfExample, &schema, &records).unwrap();
    assert_eq!(
        rows(&batch),
        [
            "null | null | null | null",
            "null | null | null | null",
            "null | [] | null | []",
            " | [] | 0 | [0.0]",
            "b | [a, ] | null | null",
        ]
    );
    let lists = batch.column(1).as_list::<i32>();
    assert_eq!((2..5).map(|row| lists.value(row).len()).collect::<Vec<_>>(), [0, 1, 2]);
    let again = encode(Payload::TfExample, &batch).unwrap();
    assert_eq!(decode(Payload::TfExample, &schema, &again).unwrap(), batch);
}

#[test]
fn steps_of_a_sequence_are_lists_of_lists() {
    let schema = schema(&[("id", DataType::Int64), ("words", list(list(DataType::Utf8)))]);
    let records = [
        sequence(&[("id", Value::Ints(vec![7]))], &[]),
        sequence(&[], &[("words", vec![])]),
        sequence(&[], &[("words", vec![Value::NoKind, Value::Bytes(vec![]), text("a")])]),
        sequence(&[("words", text("of the context"))], &[("id", vec![text("of a list")])]),
    ];
    let batch = decode(Payload::TfSequenceExample, &schema, &records).unwrap();
    assert_eq!(rows(&batch), ["7 | null", "null | []", "null | [null, [], [a]]", "null | null"]);
    let again = encode(Payload::TfSequenceExample, &batch).unwrap();
    assert_eq!(again[..3], records[..3]);
}

#[test]
fn of_two_features_of_one_name_the_last_counts() {
    let schema =
        schema(&[("a", DataType::Utf8), ("b", list(DataType::Int64)), ("c", DataType::Float32)]);
    let records = [
        example(&[
            ("a", text("first")),
            ("b", Value::Ints(vec![1, 2])),
            ("c", Value::NoKind),
            ("a", text("second")),
            ("b", Value::NoKind),
            ("c", Value::Floats(vec![1.5])),
        ]),
        example(&[("b", Value::NoKind), ("b", Value::Ints(vec![]))]),
    ];
    let batch = decode(Payload::TfExample, &schema, &records).unwrap();
    assert_eq!(rows(&batch), ["second | null | 1.5", "null | [] | null"]);

    // What is overwritten need not fit, but has to be a message.
    let schema = super::schema(&[("a", DataType::Int64), ("n", DataType::Null)]);
    let misfit = [("a", text("x")), ("n", text("x")), ("a", Value::Ints(vec![1, 2]))];
    let fits = [("a", Value::Ints(vec![3])), ("n", Value::NoKind)];
    let record = example(&[&misfit[..], &fits[..]].concat());
    assert_eq!(rows(&decode(Payload::TfExample, &schema, &[record]).unwrap()), ["3 | null"]);
    let record = example(&[&fits[..], &misfit[..]].concat());
    assert_eq!(
        decode(Payload::TfExample, &schema, &[record]).unwrap_err().to_string(),
        "row 0 of the batch: feature `n`: has BYTES values, expected none"
    );

    let steps = super::schema(&[("s", list(list(DataType::Int64)))]);
    let twice = [("s", vec![Value::Ints(vec![1])]), ("s", vec![Value::NoKind; 2])];
    let batch = decode(Payload::TfSequenceExample, &steps, &[sequence(&[], &twice)]).unwrap();
    assert_eq!(rows(&batch), ["[null, null]"]);
}

#[test]
fn every_bit_of_a_number_survives() {
    let schema = schema(&[("f", list(DataType::Float32)), ("i", list(DataType::Int64))]);
    let floats = [0x7fc0_0001, 0xffff_ffff, 0x8000_0000, 0x7f80_0000, 1].map(f32::from_bits);
    let ints = [i64::MIN, -1, 0, 127, 128, i64::MAX];
    let record =
        example(&[("f", Value::Floats(floats.to_vec())), ("i", Value::Ints(ints.to_vec()))]);
    let batch = decode(Payload::TfExample, &schema, std::slice::from_ref(&record)).unwrap();
    let found = batch.column(0).as_list::<i32>().value(0);
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(found.as_primitive::<Float32Type>().values()), bits(&floats));
    let found = batch.column(1).as_list::<i32>().value(0);
    assert_eq!(found.as_primitive::<Int64Type>().values(), &ints);
    assert_eq!(encode(Payload::TfExample, &batch).unwrap(), [record]);
}

#[test]
fn what_does_not_fit_is_named_and_leaves_no_trace() {
    let schema = schema(&[
        ("a", DataType::Int64),
        ("b", list(DataType::Utf8)),
        ("n", DataType::Null),
        ("s", list(list(DataType::Float32))),
    ]);
    let mut decoder = ExampleDecoder::new(Payload::TfSequenceExample, schema).unwrap();
    let good = sequence(
        &[("a", Value::Ints(vec![1])), ("b", text("x"))],
        &[("s", vec![Value::Floats(vec![1.0, 2.0])])],
    );
    decoder.push(&good).unwrap();
    let mut refuse = |record: Vec<u8>, expected: &str| {
        assert_eq!(decoder.push(&record).unwrap_err().to_string(), expected);
        assert_eq!(decoder.num_rows(), 1);
    };
    let b = || ("b", Value::Bytes(vec![vec![b'y'; 10]; 3]));
    refuse(
        sequence(&[b(), ("a", Value::Floats(vec![1.0]))], &[]),
        "feature `a`: has FLOAT values, expected INT values",
    );
    refuse(sequence(&[b(), ("n", text(""))], &[]), "feature `n`: has BYTES values, expected none");
    refuse(
        sequence(&[b(), ("a", Value::Ints(vec![1, 2]))], &[]),
        "feature `a`: has 2 values, expected one or the feature to be missing",
    );
    refuse(
        sequence(&[b(), ("a", Value::Ints(vec![]))], &[]),
        "feature `a`: has 0 values, expected one or the feature to be missing",
    );
    let steps = vec![Value::Floats(vec![3.0; 4]), text("z")];
    refuse(
        sequence(&[b()], &[("s", steps)]),
        "feature `s`: has BYTES values, expected FLOAT values",
    );
    let mut cut = sequence(&[b()], &[("s", vec![Value::Floats(vec![3.0; 4])])]);
    cut.truncate(cut.len() - 5);
    refuse(cut, "byte 49 of the message: a value of 29 bytes begins here, but only 24 are left");

    decoder.push(&good).unwrap();
    let batch = decoder.finish().unwrap();
    assert_eq!(rows(&batch), ["1 | [x] | null | [[1.0, 2.0]]"; 2]);
}

#[test]
fn a_required_column_refuses_examples_without_the_feature() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, false)]));
    let mut decoder = ExampleDecoder::new(Payload::TfExample, schema).unwrap();
    let refused = decoder.push(&example(&[])).unwrap_err();
    assert_eq!(refused.to_string(), "feature `a`: is missing, but its column is required");
    decoder.push(&example(&[("a", Value::Ints(vec![1]))])).unwrap();
    assert_eq!(rows(&decoder.finish().unwrap()), ["1"]);
}

#[test]
fn bytes_that_are_not_text_are_named_by_row_or_stay_bytes() {
    let records = [
        example(&[("s", text("ä")), ("l", text("ok")), ("b", Value::Bytes(vec![vec![0xff]]))]),
        example(&[("l", Value::Bytes(vec![b"fine".to_vec(), vec![0xc3]]))]),
        example(&[("s", Value::Bytes(vec![vec![0xa4]]))]),
    ];
    let check = |name: &str, data_type: DataType, row: usize| {
        let error = decode(Payload::TfExample, &schema(&[(name, data_type)]), &records);
        assert_eq!(
            error.unwrap_err().to_string(),
            format!(
                "row {row} of the batch: feature `{name}`: has a value that is not UTF-8, expected text"
            )
        );
    };
    check("s", DataType::Utf8, 2);
    check("l", list(DataType::Utf8), 1);
    let bytes = schema(&[("s", DataType::Binary), ("l", list(DataType::Binary))]);
    let batch = decode(Payload::TfExample, &bytes, &records).unwrap();
    assert_eq!(rows(&batch), ["c3a4 | [6f6b]", "null | [66696e65, c3]", "a4 | null"]);
}

#[test]
fn columns_of_other_types_are_refused() {
    let check = |payload: Payload, data_type: DataType| {
        let error = ExampleDecoder::new(payload, schema(&[("x", data_type)])).unwrap_err();
        assert!(matches!(error, TfExampleError::UnsupportedType { .. }), "{error}");
    };
    check(Payload::TfExample, DataType::Float64);
    check(Payload::TfExample, list(list(DataType::Int64)));
    check(Payload::TfSequenceExample, list(list(list(DataType::Int64))));
    let twice = schema(&[("x", DataType::Int64), ("x", DataType::Utf8)]);
    let error = ExampleDecoder::new(Payload::TfExample, twice).unwrap_err();
    assert_eq!(error.to_string(), "column `x`: stands twice in the schema");
}

#[test]
fn a_bad_record_is_named_by_file_number_and_byte() {
    let dir = tempfile::tempdir().unwrap();
    let good = example(&[("a", Value::Ints(vec![1]))]);
    let path = write_file(
        &dir.path().join("file"),
        &[good.clone(), good.clone(), b"\x0a\x05abc".to_vec()],
    );
    let files = TfRecordFiles::open(&[path]).unwrap();
    let failure =
        |error: BoxError| error.to_string().replace(&format!("{}/", dir.path().display()), "");
    let expected = format!(
        "file: record 3 at byte {}: byte 2 of the message: a value of 5 bytes begins here, but only 3 are left",
        2 * (good.len() + 16)
    );
    let found = discover_schema(&engine(), &files, Payload::TfExample).unwrap_err();
    assert_eq!(failure(found), expected);
    let schema = schema(&[("a", DataType::Int64)]);
    let source = ExampleFiles::new(files, Payload::TfExample, schema).unwrap();
    assert_eq!(failure(read_all(&source).unwrap_err()), expected);
}

#[test]
fn only_the_features_asked_for_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let record = example(&[("a", Value::Ints(vec![1])), ("b", text("x")), ("c", text("y"))]);
    let files = TfRecordFiles::open(&[write_file(&dir.path().join("file"), &[record])]).unwrap();
    let schema = discover_schema(&engine(), &files, Payload::TfExample).unwrap();
    let source = ExampleFiles::new(files, Payload::TfExample, schema).unwrap();
    let wanted = ["c".to_owned(), "a".to_owned()];
    let batch = source.read(0, Some(&wanted)).unwrap().next().unwrap().unwrap();
    assert_eq!(rows(&batch), ["1 | y"]);
    let batch = source.read(0, Some(&[])).unwrap().next().unwrap().unwrap();
    assert_eq!((batch.num_columns(), batch.num_rows()), (0, 1));
}
