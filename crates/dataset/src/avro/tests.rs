//! What other writers write is read, and what is damaged is told.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, RecordBatch, StringArray,
    Time32MillisecondArray, TimestampMicrosecondArray,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, Schema};
use arrow_avro::compression::CompressionCodec;
use arrow_avro::reader::ReaderBuilder;
use arrow_avro::writer::WriterBuilder;
use arrow_avro::writer::format::AvroOcfFormat;
use base::{BoxError, ErrorKind};
use dataflow::Source;
use proptest::prelude::*;

use super::AvroFiles;
use crate::DatasetError;
use crate::testing::{Row, batch, changes, damage, read_all, row, schema, write_files};

mod by_hand;

const CODECS: [Option<CompressionCodec>; 5] = [
    None,
    Some(CompressionCodec::Deflate),
    Some(CompressionCodec::Snappy),
    Some(CompressionCodec::ZStandard),
    Some(CompressionCodec::Bzip2),
];

/// Writes batches, one block each.
fn write(schema: &Schema, batches: &[RecordBatch], codec: Option<CompressionCodec>) -> Vec<u8> {
    let builder = WriterBuilder::new(schema.clone()).with_compression(codec);
    let mut writer = builder.build::<_, AvroOcfFormat>(Vec::new()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    writer.into_inner()
}

fn write_rows(blocks: &[Vec<Row>], codec: Option<CompressionCodec>) -> Vec<u8> {
    let batches: Vec<_> = blocks.iter().map(|rows| batch(rows)).collect();
    write(&schema(), &batches, codec)
}

fn open(files: &[&[u8]]) -> (tempfile::TempDir, Result<AvroFiles, DatasetError>) {
    let names: Vec<_> = (0..files.len()).map(|index| format!("{index}.avro")).collect();
    let named: Vec<_> = names.iter().map(String::as_str).zip(files.iter().copied()).collect();
    let (dir, paths) = write_files(&named);
    let files = AvroFiles::open(&paths);
    (dir, files)
}

/// Opens and reads a file; the error is without its folder.
fn read(bytes: &[u8]) -> Result<RecordBatch, String> {
    let (dir, files) = open(&[bytes]);
    let read = files.map_err(BoxError::from).and_then(|files| read_all(&files, None));
    read.map_err(|error| error.to_string().replace(&format!("{}/", dir.path().display()), ""))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_again(
        blocks in prop::collection::vec(prop::collection::vec(row(), 0..30), 0..6),
        codec in prop::sample::select(CODECS.to_vec()),
        part_bytes in prop::sample::select(vec![1, 300, 1 << 20]),
        kept in prop::collection::vec(any::<bool>(), 9),
    ) {
        let bytes = write_rows(&blocks, codec);
        let expected = batch(&blocks.concat());
        let (_dir, paths) = write_files(&[("a.avro", &bytes)]);
        let files = AvroFiles::open_cut(&paths, None, part_bytes).unwrap();
        prop_assert_eq!(files.schema(), Arc::new(schema()));
        if part_bytes == 1 {
            prop_assert_eq!(files.num_partitions(), blocks.len());
        }
        prop_assert_eq!(&read_all(&files, None).unwrap(), &expected);
        let kept: Vec<_> = (0..9).filter(|&index| kept[index]).collect();
        let names: Vec<_> = kept.iter().map(|&index| schema().field(index).name().clone()).collect();
        let some = read_all(&files, Some(&names)).unwrap();
        prop_assert_eq!(some, if blocks.concat().is_empty() {
            // Without a batch there is nothing that says which columns.
            expected
        } else {
            expected.project(&kept).unwrap()
        });
    }

    #[test]
    fn another_reader_reads_the_same(
        blocks in prop::collection::vec(prop::collection::vec(row(), 1..30), 1..4),
        codec in prop::sample::select(CODECS.to_vec()),
    ) {
        let bytes = write_rows(&blocks, codec);
        let other = ReaderBuilder::new().build(bytes.as_slice()).unwrap();
        let theirs: Vec<_> = other.map(Result::unwrap).collect();
        let ours = read(&bytes).unwrap();
        let theirs = concat_batches(&theirs[0].schema(), &theirs).unwrap();
        for (ours, theirs) in ours.columns().iter().zip(theirs.columns()) {
            prop_assert_eq!(ours, &cast(theirs, ours.data_type()).unwrap());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_files_are_rows_or_an_error_but_never_a_panic(
        blocks in prop::collection::vec(prop::collection::vec(row(), 0..5), 0..3),
        codec in prop::sample::select(CODECS.to_vec()),
        changes in changes(),
    ) {
        let mut bytes = write_rows(&blocks, codec);
        damage(&mut bytes, &changes);
        if let Err(said) = read(&bytes) {
            prop_assert!(said.starts_with("0.avro: "), "{}", said);
        }
    }

    #[test]
    fn a_block_of_any_bytes_is_rows_or_an_error(
        rows in prop_oneof![0i64..20, any::<i64>()],
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0u8..9], 0..200),
    ) {
        let file = by_hand::file(by_hand::WIDE, &[(rows, &bytes)]);
        if let Err(said) = read(&file) {
            prop_assert!(said.starts_with("0.avro: block 1 at byte "), "{}", said);
        }
    }
}

#[test]
fn dates_and_times_and_decimals_are_what_they_say() {
    let columns: [(&str, ArrayRef); 4] = [
        ("date", Arc::new(Date32Array::from(vec![Some(0), None, Some(-20_000)]))),
        ("time", Arc::new(Time32MillisecondArray::from(vec![Some(0), None, Some(86_399_999)]))),
        (
            "at",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(0), None, Some(i64::MIN)])
                    .with_timezone("+00:00"),
            ),
        ),
        (
            "price",
            Arc::new(
                Decimal128Array::from(vec![Some(-1), None, Some(123_456)])
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ),
        ),
    ];
    let expected = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let bytes = write(&expected.schema(), std::slice::from_ref(&expected), None);
    let found = read(&bytes).unwrap();
    assert_eq!(found.columns(), expected.columns());
}

#[test]
fn files_of_different_columns_are_named() {
    let one = by_hand::file(r#"{"name":"f","type":"int"}"#, &[]);
    let other = by_hand::file(r#"{"name":"f","type":"string"}"#, &[]);
    let (dir, files) = open(&[&one, &other]);
    let said = files.unwrap_err().to_string().replace(&format!("{}/", dir.path().display()), "");
    assert_eq!(said, "1.avro: column `f`: holds values of type Utf8, but of type Int32 in 0.avro");
}

#[test]
fn files_are_held_to_one_rule() {
    let one = by_hand::file(
        r#"{"name":"f","type":"int"},{"name":"g","type":"string"}"#,
        &[(1, &[2, 2, b'x'])],
    );
    let other = by_hand::file(
        r#"{"name":"g","type":"string"},{"name":"f","type":"double"}"#,
        &[(1, &[2, b'y', 0, 0, 0, 0, 0, 0, 0xf8, 0x3f])],
    );
    let (_dir, files) = open(&[&one, &other]);
    let files = files.unwrap();
    let found = read_all(&files, None).unwrap();
    let numbers = found.column(0).as_primitive::<Float64Type>();
    assert_eq!(numbers.values(), &[1.0, 1.5]);
    assert_eq!(found.column(1).as_string::<i32>(), &StringArray::from(vec!["x", "y"]));
    let only = read_all(&files, Some(&["g".to_owned()])).unwrap();
    assert_eq!(only.columns(), &found.columns()[1..]);
}

#[test]
fn what_may_be_missing_in_one_file_may_be_in_all() {
    let one = by_hand::file(r#"{"name":"f","type":"int"}"#, &[(1, &[2])]);
    let other = by_hand::file(r#"{"name":"f","type":["null", "int"]}"#, &[(1, &[0])]);
    let (_dir, files) = open(&[&one, &other]);
    let files = files.unwrap();
    assert!(files.schema().field(0).is_nullable());
    let found = read_all(&files, None).unwrap();
    let found = found.column(0).as_primitive::<Int32Type>();
    assert_eq!(found.iter().collect::<Vec<_>>(), [Some(1), None]);
    assert_eq!(files.file_of_partition().collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_told_from_a_damaged_one() {
    let bytes = by_hand::file(r#"{"name":"f","type":"int"}"#, &[(1, &[2]), (1, &[4])]);
    let (_dir, paths) = write_files(&[("a.avro", &bytes)]);
    let files = AvroFiles::open(&paths).unwrap();
    std::fs::write(&paths[0], &bytes[..bytes.len() - 1]).unwrap();
    let error = read_all(&files, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("it changed while it was read"), "{error}");
    std::fs::remove_file(&paths[0]).unwrap();
    assert_eq!(read_all(&files, None).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn large_batches_are_cut_at_block_and_row() {
    // Blocks of more rows than a batch has, and one row of more bytes.
    let long = "x".repeat(9 << 20);
    let columns: ArrayRef = Arc::new(StringArray::from(vec![long.as_str(); 3]));
    let large = RecordBatch::try_from_iter([("s", columns)]).unwrap();
    let bytes =
        write(&large.schema(), std::slice::from_ref(&large), Some(CompressionCodec::Snappy));
    let (_dir, files) = open(&[&bytes]);
    let files = files.unwrap();
    let batches: Vec<_> = files.read(0, None).unwrap().map(|batch| batch.unwrap()).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [1, 1, 1]);

    let numbers: ArrayRef =
        Arc::new((0..20_000i64).map(Some).collect::<arrow::array::PrimitiveArray<Int64Type>>());
    let many = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let bytes = write(&many.schema(), &[many.clone(), many.clone()], None);
    let (_dir, files) = open(&[&bytes]);
    let found = read_all(&files.unwrap(), None).unwrap();
    assert_eq!(found, concat_batches(&many.schema(), &[many.clone(), many]).unwrap());
    assert_eq!(found.column(0).data_type(), &DataType::Int64);
    assert_eq!(found.column(0).len(), 40_000);
}
