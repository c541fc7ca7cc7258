//! What other writers write is read, and what is damaged is told.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, FixedSizeListArray, Float32Array, Float64Array,
    Int32Array, Int64Array, LargeStringArray, MapArray, NullArray, PrimitiveArray, RecordBatch,
    StringArray, StringViewArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{
    DataType, Field, Fields, Float64Type, Int16Type, Int32Type, Int64Type, Schema,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use base::{BoxError, ErrorKind};
use dataflow::Source;
use insta::assert_snapshot;
use proptest::prelude::*;

use super::ArrowFiles;
use crate::DatasetError;
use crate::testing::{Row, batch, changes, damage, read_all, row, schema, write_files};

const CODECS: [Option<CompressionType>; 3] =
    [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)];

fn options(codec: Option<CompressionType>) -> IpcWriteOptions {
    IpcWriteOptions::default().try_with_compression(codec).unwrap()
}

/// Writes batches as a file or as a stream.
fn write(
    schema: &Schema,
    batches: &[RecordBatch],
    codec: Option<CompressionType>,
    is_stream: bool,
) -> Vec<u8> {
    if is_stream {
        let mut writer =
            StreamWriter::try_new_with_options(Vec::new(), schema, options(codec)).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        return writer.into_inner().unwrap();
    }
    let mut writer = FileWriter::try_new_with_options(Vec::new(), schema, options(codec)).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn write_one(batch: &RecordBatch, is_stream: bool) -> Vec<u8> {
    write(&batch.schema(), std::slice::from_ref(batch), None, is_stream)
}

fn open(files: &[&[u8]]) -> (tempfile::TempDir, Result<ArrowFiles, DatasetError>) {
    let names: Vec<_> = (0..files.len()).map(|index| format!("{index}.arrow")).collect();
    let named: Vec<_> = names.iter().map(String::as_str).zip(files.iter().copied()).collect();
    let (dir, paths) = write_files(&named);
    let files = ArrowFiles::open(&paths);
    (dir, files)
}

/// Opens and reads a file; the error is without its folder.
fn read(bytes: &[u8]) -> Result<RecordBatch, String> {
    let (dir, files) = open(&[bytes]);
    let read = files.map_err(BoxError::from).and_then(|files| read_all(&files, None));
    read.map_err(|error| error.to_string().replace(&format!("{}/", dir.path().display()), ""))
}

/// All kinds of columns that are not among those of the rows.
fn wide() -> RecordBatch {
    let words: DictionaryArray<Int32Type> =
        vec![Some("a"), None, Some("b"), Some("a")].into_iter().collect();
    let ids: DictionaryArray<Int16Type> = vec!["x", "y", "z", "x"].into_iter().collect();
    let pairs = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Int64, true),
    ]);
    let entries = StructArray::new(
        pairs.clone(),
        vec![
            Arc::new(StringArray::from(vec!["k", "l", "k"])),
            Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])),
        ],
        None,
    );
    let field = Arc::new(Field::new("entries", DataType::Struct(pairs), false));
    let offsets = OffsetBuffer::from_lengths([2, 0, 1, 0]);
    let map = MapArray::new(field, offsets, entries, None, false);
    let inner = StructArray::new(
        Fields::from(vec![Field::new("words", words.data_type().clone(), true)]),
        vec![Arc::new(words.clone())],
        None,
    );
    let pairs = FixedSizeListArray::from_iter_primitive::<Int64Type, _, _>(
        vec![Some(vec![Some(1), None]), None, Some(vec![Some(3), Some(4)]), None],
        2,
    );
    let long = "a text that is longer than a view holds";
    let halves = cast(&Float32Array::from(vec![1.5, -0.5, 0.0, 2.0]), &DataType::Float16).unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("words", Arc::new(words)),
        ("ids", Arc::new(ids)),
        ("map", Arc::new(map)),
        ("inner", Arc::new(inner)),
        ("pairs", Arc::new(pairs)),
        ("views", Arc::new(StringViewArray::from(vec![Some(long), Some("s"), None, Some(long)]))),
        ("large", Arc::new(LargeStringArray::from(vec!["", "é", "", "x"]))),
        ("halves", halves),
        ("nothing", Arc::new(NullArray::new(4))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_again(
        blocks in prop::collection::vec(prop::collection::vec(row(), 0..30), 0..6),
        codec in prop::sample::select(CODECS.to_vec()),
        is_stream in any::<bool>(),
        part_bytes in prop::sample::select(vec![1, 3000, 1 << 20]),
        kept in prop::collection::vec(any::<bool>(), 9),
    ) {
        let batches: Vec<_> = blocks.iter().map(|rows: &Vec<Row>| batch(rows)).collect();
        let bytes = write(&schema(), &batches, codec, is_stream);
        let expected = batch(&blocks.concat());
        let (_dir, paths) = write_files(&[("a.arrow", &bytes)]);
        let files = ArrowFiles::open_cut(&paths, None, part_bytes).unwrap();
        prop_assert_eq!(files.schema(), Arc::new(schema()));
        if part_bytes == 1 {
            prop_assert_eq!(files.num_partitions(), if is_stream { 1 } else { blocks.len() });
        }
        prop_assert_eq!(&read_all(&files, None).unwrap(), &expected);
        let kept: Vec<_> = (0..9).filter(|&index| kept[index]).collect();
        let names: Vec<_> = kept.iter().map(|&index| schema().field(index).name().clone()).collect();
        let some = read_all(&files, Some(&names)).unwrap();
        // Without a batch there is nothing that says which columns.
        let is_empty = blocks.concat().is_empty();
        prop_assert_eq!(some, if is_empty { expected } else { expected.project(&kept).unwrap() });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_files_are_rows_or_an_error_but_never_a_panic(
        rows in prop::collection::vec(row(), 0..5),
        is_wide in any::<bool>(),
        codec in prop::sample::select(CODECS.to_vec()),
        is_stream in any::<bool>(),
        changes in changes(),
    ) {
        let batch = if is_wide { wide() } else { batch(&rows) };
        let mut bytes = write(&batch.schema(), &[batch.clone(), batch.clone()], codec, is_stream);
        damage(&mut bytes, &changes);
        if let Err(said) = read(&bytes) {
            prop_assert!(said.starts_with("0.arrow: "), "{}", said);
        }
    }
}

#[test]
fn all_kinds_of_columns_are_read() {
    let expected = wide();
    for (codec, is_stream) in [(None, false), (None, true), (Some(CompressionType::ZSTD), false)] {
        let bytes = write(&expected.schema(), std::slice::from_ref(&expected), codec, is_stream);
        assert_eq!(read(&bytes).unwrap(), expected);
        let (_dir, files) = open(&[&bytes]);
        let last = read_all(&files.unwrap(), Some(&["large".to_owned()])).unwrap();
        assert_eq!(last, expected.project(&[6]).unwrap());
    }
}

#[test]
fn dictionaries_may_grow_and_be_replaced() {
    let words = |words: &[&str]| {
        let words: DictionaryArray<Int32Type> = words.iter().copied().collect();
        RecordBatch::try_from_iter([("w", Arc::new(words) as ArrayRef)]).unwrap()
    };
    // Each batch of a stream has a dictionary of its own, which replaces the one before.
    let batches = [words(&["a", "b"]), words(&["c", "a"])];
    let bytes = write(&batches[0].schema(), &batches, None, true);
    let found = read(&bytes).unwrap();
    let found = cast(found.column(0), &DataType::Utf8).unwrap();
    assert_eq!(found.as_string::<i32>(), &StringArray::from(vec!["a", "b", "c", "a"]));

    // A dictionary that only becomes longer is written as what is new of it.
    let options = IpcWriteOptions::default()
        .with_dictionary_handling(arrow_ipc::writer::DictionaryHandling::Delta);
    let more = |keys: Vec<i32>, words: Vec<&str>| {
        let values: ArrayRef = Arc::new(StringArray::from(words));
        let words = DictionaryArray::<Int32Type>::new(keys.into(), values);
        RecordBatch::try_from_iter([("w", Arc::new(words) as ArrayRef)]).unwrap()
    };
    let batches = [more(vec![0, 1], vec!["a", "b"]), more(vec![2, 0], vec!["a", "b", "c"])];
    let mut writer =
        StreamWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    let found = read(&writer.into_inner().unwrap()).unwrap();
    let found = cast(found.column(0), &DataType::Utf8).unwrap();
    assert_eq!(found.as_string::<i32>(), &StringArray::from(vec!["a", "b", "c", "a"]));
}

#[test]
fn foreign_batches_are_cut() {
    let numbers: PrimitiveArray<Int64Type> = (0..20_000i64).map(Some).collect();
    let many = RecordBatch::try_from_iter([("n", Arc::new(numbers) as ArrayRef)]).unwrap();
    for is_stream in [false, true] {
        let bytes = write(&many.schema(), &[many.clone(), many.clone()], None, is_stream);
        let (_dir, files) = open(&[&bytes]);
        let found = read_all(&files.unwrap(), None).unwrap();
        assert_eq!(found, concat_batches(&many.schema(), [&many, &many]).unwrap());
    }
}

#[test]
fn files_of_different_columns_are_named() {
    let names: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let other = RecordBatch::try_from_iter([("boolean", names)]).unwrap();
    let (dir, files) = open(&[&write_one(&batch(&[]), false), &write_one(&other, true)]);
    let said = files.unwrap_err().to_string().replace(&format!("{}/", dir.path().display()), "");
    assert_snapshot!(said, @"1.arrow: the columns are not those of 0.arrow: `int`, `long`, `float`, `double`, `text`, 3 more missing");
}

#[test]
fn files_and_streams_go_together() {
    let one = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    let one = one.unwrap();
    let nulls: ArrayRef = Arc::new(Int64Array::from(vec![None]));
    let other = RecordBatch::try_from_iter_with_nullable([("n", nulls, true)]).unwrap();
    let (_dir, files) = open(&[&write_one(&one, false), &write_one(&other, true)]);
    let files = files.unwrap();
    assert!(files.schema().field(0).is_nullable());
    assert_eq!(files.file_of_partition().collect::<Vec<_>>(), [0, 1]);
    assert_eq!(read_all(&files, None).unwrap().column(0).null_count(), 1);
}

#[test]
fn files_are_held_to_one_rule() {
    let ints: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.5]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let one = RecordBatch::try_from_iter([("f", ints), ("g", Arc::clone(&texts))]).unwrap();
    let other = RecordBatch::try_from_iter([("g", texts), ("f", floats)]).unwrap();
    let (_dir, files) = open(&[&write_one(&one, false), &write_one(&other, true)]);
    let files = files.unwrap();
    let found = read_all(&files, None).unwrap();
    assert_eq!(found.column(0).as_primitive::<Float64Type>().values(), &[1.0, 1.5]);
    let only = read_all(&files, Some(&["g".to_owned()])).unwrap();
    assert_eq!(only.columns(), &found.columns()[1..]);
}

/// Found by fuzzing.
#[test]
fn a_buffer_that_ends_within_an_offset_is_damage() {
    let said = read(include_bytes!("../../testdata/offset_cut.arrow")).unwrap_err();
    assert!(said.starts_with("0.arrow: "), "{said}");
}

#[test]
fn damage_is_told_with_its_place() {
    let check = |bytes: &[u8]| read(bytes).unwrap_err();
    assert_snapshot!(check(b""), @"0.arrow: found nothing, expected an Arrow IPC file or stream");
    assert_snapshot!(check(b"fare,tips\n1,2\n"), @"0.arrow: found something else, expected an Arrow IPC file or stream");
    assert_snapshot!(check(b"FEA1....FEA1"), @"0.arrow: found a file of the first version of Feather, expected an Arrow IPC file or stream");
    assert_snapshot!(check(b"ARROW1\0\0"), @"0.arrow: the footer: the file ends before it does");
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let one = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let file = write_one(&one, false);
    assert_snapshot!(check(&file[..file.len() / 2]), @"0.arrow: the footer: the file ends before it does");
    let mut footer = file.clone();
    let end = footer.len() - 10;
    footer[end..end + 4].copy_from_slice(&i32::MAX.to_le_bytes());
    assert!(
        check(&footer).starts_with("0.arrow: the footer: says that it is 2147483647 bytes long")
    );
    footer[end..end + 4].copy_from_slice(&20i32.to_le_bytes());
    let said = check(&footer);
    assert!(said.starts_with("0.arrow: the footer: its description "), "{said}");
    let stream = write_one(&one, true);
    let said = check(&stream[..stream.len() - 40]);
    assert!(said.starts_with("0.arrow: the message at byte "), "{said}");
    assert!(said.contains("bytes long, but"), "{said}");
    // A stream that was closed without a marker, and one that was cut after the schema, have no more rows.
    assert_eq!(read(&stream[..stream.len() - 8]).unwrap(), one);
}

#[test]
fn what_no_feature_is_made_of_is_refused() {
    let nothing = RecordBatch::try_from_iter_with_nullable([(
        "n",
        Arc::new(NullArray::new(3)) as ArrayRef,
        true,
    )]);
    let said = read(&write_one(&nothing.unwrap(), false)).unwrap_err();
    assert_snapshot!(said, @"0.arrow: the schema: the columns hold nothing but nulls, expected at least one value");
    let runs = arrow::array::RunArray::<Int32Type>::from_iter(["a", "a", "b"]);
    let runs = RecordBatch::try_from_iter([("r", Arc::new(runs) as ArrayRef)]).unwrap();
    let said = read(&write_one(&runs, true)).unwrap_err();
    assert_snapshot!(said, @"0.arrow: the schema: column `r`: type RunEndEncoded is not supported");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_told_from_a_damaged_one() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let one = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let bytes = write_one(&one, true);
    let (_dir, paths) = write_files(&[("a.arrow", &bytes)]);
    let files = ArrowFiles::open(&paths).unwrap();
    std::fs::write(&paths[0], &bytes[..bytes.len() - 30]).unwrap();
    let error = read_all(&files, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    std::fs::remove_file(&paths[0]).unwrap();
    assert_eq!(read_all(&files, None).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn packed_buffers_do_not_become_more_than_they_say() {
    let zeros: ArrayRef = Arc::new(Int64Array::from(vec![0; 4096]));
    let zeros = RecordBatch::try_from_iter([("n", zeros)]).unwrap();
    for codec in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        let bytes = write(&zeros.schema(), std::slice::from_ref(&zeros), Some(codec), true);
        let length = (4096i64 * 8).to_le_bytes();
        let at = bytes.windows(8).position(|window| window == length).unwrap();
        let with = |length: i64| {
            let mut bytes = bytes.clone();
            bytes[at..at + 8].copy_from_slice(&length.to_le_bytes());
            read(&bytes).unwrap_err()
        };
        let less = with(4095 * 8);
        assert!(less.ends_with("column `n`: unpacks to 32761 bytes, expected 32760"), "{less}");
        let more = with(1 << 30);
        assert!(
            more.ends_with("column `n`: unpacks to 32768 bytes, expected 1073741824"),
            "{more}"
        );
        let most = with(i64::MAX);
        assert!(most.ends_with("column `n`: unpacks to more than 2147483647 bytes"), "{most}");
        let below = with(-2);
        assert!(below.ends_with("found a number of bytes to unpack to of -2"), "{below}");
    }
}
