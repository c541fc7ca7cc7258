use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use arrow::array::{Array, LargeBinaryArray};
use base::{BoxError, ErrorKind};
use dataflow::Source;
use formats::tfrecord::{Compression, RecordWriter};
use proptest::prelude::*;

use super::*;

fn encode(records: &[Vec<u8>], compression: Compression) -> Vec<u8> {
    let mut writer = RecordWriter::new(compression.encoder(Vec::new()));
    records.iter().for_each(|record| writer.write(record).unwrap());
    writer.into_inner().finish().unwrap()
}

/// Writes a file and returns its path.
fn file(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn some(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|i| format!("record {i}").into_bytes()).collect()
}

fn read_all(files: &TfRecordFiles) -> Result<Vec<Vec<u8>>, TfRecordError> {
    let mut records = Vec::new();
    for partition in 0..files.num_partitions() {
        let mut reader = files.records(partition)?;
        while let Some(record) = reader.next_record()? {
            records.push(record.data.to_vec());
        }
    }
    Ok(records)
}

/// The message of the error, without the folder.
fn failure(path: &Path) -> String {
    let open = TfRecordFiles::open(&[path.to_path_buf()]);
    let error = open.and_then(|files| read_all(&files)).unwrap_err();
    let dir = format!("{}/", path.parent().unwrap().display());
    BoxError::from(error).to_string().replace(&dir, "")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn partitions_hold_every_record_once(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..60),
        partition_bytes in 1u64..3000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let compressions = [Compression::None, Compression::Gzip, Compression::Zlib];
        let paths: Vec<_> = compressions
            .into_iter()
            .map(|c| file(dir.path(), &format!("file{}", c.suffix()), &encode(&records, c)))
            .collect();
        let files = TfRecordFiles::open_cut(&paths, partition_bytes).unwrap();
        let expected = [records.clone(), records.clone(), records.clone()].concat();
        prop_assert_eq!(read_all(&files).unwrap(), expected.clone());

        let mut found = Vec::new();
        let mut number = 0;
        for partition in 0..files.num_partitions() {
            for batch in files.read(partition, None).unwrap() {
                let batch = batch.unwrap();
                let columns = RecordColumns::of(&batch).unwrap();
                for row in 0..batch.num_rows() {
                    number = if number == records.len() { 1 } else { number + 1 };
                    prop_assert_eq!(columns.numbers.value(row), number as u64);
                    found.push(columns.records.value(row).to_vec());
                }
            }
        }
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn only_the_columns_asked_for_are_in_a_batch() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "file", &encode(&some(3), Compression::None));
    let files = TfRecordFiles::open(&[path]).unwrap();
    let wanted = ["record".to_owned()];
    let batch = files.read(0, Some(&wanted)).unwrap().next().unwrap().unwrap();
    assert_eq!(batch.num_columns(), 1);
    let records: &LargeBinaryArray = batch.column(0).as_any().downcast_ref().unwrap();
    assert_eq!(records.value(2), b"record 2");
}

#[test]
fn damage_is_named_by_file_record_and_byte() {
    let dir = tempfile::tempdir().unwrap();
    let whole = encode(&some(3), Compression::None);
    let path = file(dir.path(), "cut", &whole[..70]);
    assert_eq!(
        failure(&path),
        "cut: record 3 at byte 48: the file ends within the data: found 10 bytes of it, expected 12"
    );
    let mut damaged = whole.clone();
    damaged[30] ^= 1;
    let message = failure(&file(dir.path(), "damaged", &damaged));
    assert!(
        message.starts_with("damaged: record 2 at byte 24: wrong checksum of the length: found 0x"),
        "{message}"
    );
    let message = failure(&file(dir.path(), "data.csv", b"fare,tips\n1,2\n3,4\n"));
    assert!(message.starts_with("data.csv: record 1 at byte 0: wrong checksum"), "{message}");

    let gzip = encode(&some(1000), Compression::Gzip);
    let message = failure(&file(dir.path(), "half.gz", &gzip[..gzip.len() / 2]));
    assert!(message.starts_with("half.gz, decompressed: record "), "{message}");
    assert!(message.ends_with("the gzip data is cut off: the file ends within it"), "{message}");
    assert_eq!(
        failure(&file(dir.path(), "nothing.gz", b"")),
        "nothing.gz, decompressed: record 1 at byte 0: cannot read on: the gzip data is cut off: the file ends within it"
    );
    let zlib = encode(&some(1000), Compression::Zlib);
    let message = failure(&file(dir.path(), "half.zlib", &zlib[..zlib.len() / 2]));
    assert!(message.ends_with("the zlib data is cut off: the file ends within it"), "{message}");
}

#[test]
fn damage_of_lengths_is_found_when_a_large_file_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = encode(&some(100), Compression::None);
    bytes[24] ^= 1;
    let path = file(dir.path(), "damaged", &bytes);
    let error = TfRecordFiles::open_cut(&[path], 100).unwrap_err();
    assert!(BoxError::from(error).to_string().contains("record 2 at byte 24: wrong checksum"));
}

#[test]
fn a_file_that_is_not_there_is_not_found() {
    let error = TfRecordFiles::open(&[PathBuf::from("no/such/file")]).unwrap_err();
    assert_eq!(BoxError::from(error).kind(), ErrorKind::NotFound);
}

#[test]
fn an_empty_file_has_no_records() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "empty", b"");
    let files = TfRecordFiles::open(&[path]).unwrap();
    assert!(read_all(&files).unwrap().is_empty());
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    for compression in [Compression::None, Compression::Gzip] {
        let bytes = encode(&some(5), compression);
        let path = file(dir.path(), "file", &bytes);
        let files = TfRecordFiles::open(std::slice::from_ref(&path)).unwrap();
        assert_eq!(read_all(&files).unwrap(), some(5));

        let mut handle = fs::OpenOptions::new().append(true).open(&path).unwrap();
        handle.write_all(&encode(&some(1), compression)).unwrap();
        let grown = BoxError::from(read_all(&files).unwrap_err());
        assert!(grown.to_string().contains("it changed while it was read"), "{grown}");
        assert_eq!(grown.kind(), ErrorKind::Conflict);

        // Cut at the end of a record, where nothing else would tell.
        fs::write(&path, encode(&some(4), compression)).unwrap();
        assert!(matches!(read_all(&files), Err(TfRecordError::Changed { .. })));

        fs::remove_file(&path).unwrap();
        assert_eq!(BoxError::from(read_all(&files).unwrap_err()).kind(), ErrorKind::NotFound);
    }
}

#[test]
fn shards_are_named_by_their_number_and_hold_the_records_in_order() {
    let names = |shards: &[PathBuf]| -> Vec<String> {
        shards.iter().map(|s| s.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    let dir = tempfile::tempdir().unwrap();
    let write = |dir: &Path, count: usize| {
        let writer = TfRecordShardWriter::create(dir, "data_tfrecord", Compression::Gzip).unwrap();
        let mut writer = writer.with_shard_rows(10);
        some(count).iter().for_each(|record| writer.write(record).unwrap());
        writer.finish().unwrap()
    };
    let shards = write(&dir.path().join("a"), 25);
    assert_eq!(
        names(&shards),
        [
            "data_tfrecord-00000-of-00003.gz",
            "data_tfrecord-00001-of-00003.gz",
            "data_tfrecord-00002-of-00003.gz"
        ]
    );
    assert_eq!(fs::read_dir(dir.path().join("a")).unwrap().count(), 3);
    assert_eq!(read_all(&TfRecordFiles::open(&shards).unwrap()).unwrap(), some(25));
    let again = write(&dir.path().join("b"), 25);
    for (one, other) in shards.iter().zip(&again) {
        assert_eq!(fs::read(one).unwrap(), fs::read(other).unwrap());
    }
    let empty = write(&dir.path().join("c"), 0);
    assert_eq!(names(&empty), ["data_tfrecord-00000-of-00001.gz"]);
    assert!(read_all(&TfRecordFiles::open(&empty).unwrap()).unwrap().is_empty());
    let full = write(&dir.path().join("d"), 20);
    assert_eq!(full.len(), 2);
}

#[test]
fn a_writer_that_is_not_closed_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let writer = TfRecordShardWriter::create(dir.path(), "data", Compression::None).unwrap();
    let mut writer = writer.with_shard_rows(10);
    some(25).iter().for_each(|record| writer.write(record).unwrap());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    drop(writer);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
