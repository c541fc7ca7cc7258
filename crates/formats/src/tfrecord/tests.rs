use std::io::{self, Cursor, Read, Write};

use base::{BoxError, Classify, ErrorKind};
use proptest::prelude::*;

use super::*;

fn write(records: &[Vec<u8>], compression: Compression) -> Vec<u8> {
    let mut writer = RecordWriter::new(compression.encoder(Vec::new()));
    records.iter().for_each(|record| writer.write(record).unwrap());
    writer.into_inner().finish().unwrap()
}

fn read(file: &[u8]) -> Result<Vec<Vec<u8>>, RecordError> {
    let mut reader = RecordReader::new(Compression::detect(file).decoder(file));
    let mut records = Vec::new();
    while let Some(record) = reader.next_record()? {
        assert_eq!(record.number, records.len() as u64 + 1);
        records.push(record.data.to_vec());
    }
    Ok(records)
}

/// The message of the error, its causes behind it.
fn failure(file: &[u8]) -> String {
    let error = read(file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    BoxError::from(error).to_string()
}

fn three() -> Vec<Vec<u8>> {
    vec![b"one".to_vec(), Vec::new(), b"three".to_vec()]
}

/// A stream that gives a few bytes at a time.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(buffer.len()).min(self.0.len());
        let (now, later) = self.0.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.0 = later;
        Ok(count)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn records_come_back(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..40),
        step in 1usize..400,
    ) {
        for compression in [Compression::None, Compression::Gzip, Compression::Zlib] {
            let file = write(&records, compression);
            prop_assert_eq!(read(&file).unwrap(), records.clone());
            let doubled = [file.clone(), file].concat();
            prop_assert_eq!(read(&doubled).unwrap(), [records.clone(), records.clone()].concat());
        }
        let file = write(&records, Compression::None);
        let mut reader = RecordReader::new(Dribble(&file, step));
        for record in &records {
            prop_assert_eq!(reader.next_record().unwrap().unwrap().data, record.as_slice());
        }
        prop_assert!(reader.next_record().unwrap().is_none());
        prop_assert_eq!(reader.offset(), file.len() as u64);
    }

    #[test]
    fn every_changed_byte_is_found(
        index in any::<prop::sample::Index>(),
        change in 1u8..,
    ) {
        let mut file = write(&three(), Compression::None);
        let index = index.index(file.len());
        file[index] ^= change;
        prop_assert!(read(&file).is_err());
    }

    #[test]
    fn any_bytes_are_records_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        lengths in prop::collection::vec(prop_oneof![0u64..40, any::<u64>()], 0..6),
        magic in prop::sample::select(vec![&b""[..], b"\x1f\x8b\x08\0", b"\x78\x9c", b"\x78\x01"]),
    ) {
        drop(read(&[magic, &bytes[..]].concat()));
        // With right checksums of lengths, so that more than the first is looked at.
        let mut file = Vec::new();
        let mut rest = bytes.as_slice();
        for length in lengths {
            file.extend(length.to_le_bytes());
            file.extend(masked_crc32c(&length.to_le_bytes()).to_le_bytes());
            let count = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
            let (data, later) = rest.split_at(count);
            file.extend(data);
            file.extend(masked_crc32c(data).to_le_bytes());
            rest = later;
        }
        let starts = partition_starts(Cursor::new(&file), file.len() as u64, 50);
        match (read(&file), starts) {
            (Ok(_), Ok(starts)) => prop_assert_eq!(starts.is_empty(), file.is_empty()),
            (Ok(_), Err(error)) => prop_assert!(false, "{}", error),
            // Hopping does not look at the data.
            (Err(_), _) => {}
        }
    }

    #[test]
    fn parts_hold_the_records_of_the_whole(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..60),
        partition_bytes in 1u64..2000,
    ) {
        let file = write(&records, Compression::None);
        let starts =
            partition_starts(Cursor::new(&file), file.len() as u64, partition_bytes).unwrap();
        let mut found = Vec::new();
        for (index, start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).map_or(file.len() as u64, |next| next.offset);
            prop_assert_eq!(start.num_records, found.len() as u64);
            let is_last = index + 1 == starts.len();
            prop_assert!(is_last || end - start.offset >= partition_bytes);
            let place = |offset: u64| usize::try_from(offset).unwrap();
            let part = &file[place(start.offset)..place(end)];
            let mut reader = RecordReader::starting_at(part, start.offset, start.num_records);
            while let Some(record) = reader.next_record().unwrap() {
                prop_assert_eq!(record.number, found.len() as u64 + 1);
                found.push(record.data.to_vec());
            }
            prop_assert_eq!(reader.offset(), end);
        }
        prop_assert_eq!(found, records);
    }
}

#[test]
fn checksums_are_those_of_the_peer() {
    // The check value of CRC-32C, masked.
    let masked = 0xe306_9283u32.rotate_right(15).wrapping_add(0xa282_ead8);
    assert_eq!(masked_crc32c(b"123456789"), masked);
    // How a file of TensorFlow's begins, whose first record has 3187 bytes (`mnist.tfrecord` of TFX).
    let header = [0x73, 0x0c, 0, 0, 0, 0, 0, 0, 0x87, 0x4a, 0x7f, 0xf7];
    assert_eq!(read_header(&header), Ok(3187));
}

#[test]
fn a_file_that_ends_early_is_named_by_record_and_byte() {
    let file = write(&three(), Compression::None);
    let whole = [0, 19, 35, file.len()];
    for length in 0..file.len() {
        if whole.contains(&length) {
            assert!(read(&file[..length]).is_ok(), "{length}");
            continue;
        }
        let message = failure(&file[..length]);
        let number = whole.iter().filter(|&&start| start < length).count();
        let start = whole[number - 1];
        assert!(
            message.starts_with(&format!(
                "record {number} at byte {start}: the file ends within the "
            )),
            "{message}"
        );
    }
    assert_eq!(
        failure(&file[..40]),
        "record 3 at byte 35: the file ends within the length: found 5 bytes of it, expected 12"
    );
    assert_eq!(
        failure(&file[..50]),
        "record 3 at byte 35: the file ends within the data: found 3 bytes of it, expected 9"
    );
}

#[test]
fn a_wrong_checksum_is_named_by_record_and_byte() {
    let mut file = write(&three(), Compression::None);
    file[19 + 2] ^= 1;
    let message = failure(&file);
    assert!(
        message.starts_with("record 2 at byte 19: wrong checksum of the length: found 0x"),
        "{message}"
    );
    let mut file = write(&three(), Compression::None);
    file[35 + 12] ^= 1;
    let message = failure(&file);
    assert!(
        message.starts_with("record 3 at byte 35: wrong checksum of the data: found 0x"),
        "{message}"
    );
    let error = read(b"fare,tips\n1,2\n3,4\n").unwrap_err();
    assert!(error.hint().is_some_and(|hint| hint.contains("is this a TFRecord file")));
}

#[test]
fn nothing_comes_after_an_error() {
    let mut file = write(&three(), Compression::None);
    file[13] ^= 1;
    let mut reader = RecordReader::new(file.as_slice());
    assert!(reader.next_record().is_err());
    assert!(reader.next_record().unwrap().is_none());
}

#[test]
fn a_length_is_not_believed() {
    let frame = |length: u64| {
        let mut file = length.to_le_bytes().to_vec();
        file.extend(masked_crc32c(&length.to_le_bytes()).to_le_bytes());
        file.extend([0; 100]);
        file
    };
    assert_eq!(
        failure(&frame(u64::MAX)),
        "record 1 at byte 0: has 18446744073709551615 bytes, expected at most 1073741824"
    );
    let file = frame(1 << 30);
    let mut reader = RecordReader::new(file.as_slice());
    assert!(reader.next_record().is_err());
    assert!(reader.get_ref().is_empty());
    let file = frame(u64::MAX - 20);
    let mut reader = RecordReader::new(file.as_slice()).with_max_record_bytes(u64::MAX);
    assert!(matches!(
        reader.next_record(),
        Err(RecordError::Truncated { .. } | RecordError::TooLarge { .. })
    ));
    let error = partition_starts(Cursor::new(&file), file.len() as u64, 10).unwrap_err();
    assert!(matches!(error, RecordError::Truncated { .. }), "{error}");
}

#[test]
fn a_long_record_grows_the_buffer_and_comes_back() {
    let long = vec![7; 3_000_000];
    let file = write(&[b"a".to_vec(), long.clone(), b"b".to_vec()], Compression::Gzip);
    assert_eq!(read(&file).unwrap(), [b"a".to_vec(), long, b"b".to_vec()]);
}

#[test]
fn compressed_data_that_is_cut_off_is_an_error_at_every_byte() {
    for (compression, name) in [(Compression::Gzip, "gzip"), (Compression::Zlib, "zlib")] {
        let file = write(&three(), compression);
        for length in 2..file.len() {
            let message = failure(&file[..length]);
            assert!(
                message.ends_with(&format!("the {name} data is cut off: the file ends within it"))
                    || message.contains("the file ends within the length"),
                "{length} of {}: {message}",
                file.len()
            );
        }
        let doubled = [file.clone(), file.clone()].concat();
        for length in file.len() + 1..doubled.len() {
            failure(&doubled[..length]);
        }
    }
}

#[test]
fn compressed_data_that_is_damaged_is_an_error() {
    let records: Vec<_> = (0..200u32).map(|i| i.to_string().into_bytes()).collect();
    for compression in [Compression::Gzip, Compression::Zlib] {
        let file = write(&records, compression);
        for index in (12..file.len()).step_by(3) {
            let mut changed = file.clone();
            changed[index] ^= 0x10;
            assert!(read(&changed).is_err(), "byte {index}");
        }
        let mut longer = file.clone();
        longer.write_all(b"and more").unwrap();
        failure(&longer);
    }
}

#[test]
fn compression_is_told_by_content() {
    for compression in [Compression::None, Compression::Gzip, Compression::Zlib] {
        let file = write(&three(), compression);
        assert_eq!(Compression::detect(&file), compression);
    }
    // A record of 0x178 bytes begins as zlib does.
    let file = write(&[vec![0; 0x0178]], Compression::None);
    assert_eq!(file[..2], [0x78, 0x01]);
    assert_eq!(Compression::detect(&file), Compression::None);
    let mut damaged = file;
    damaged[9] ^= 1;
    assert_eq!(Compression::detect(&damaged), Compression::None);
    assert_eq!(Compression::detect(b""), Compression::None);
}

#[test]
fn a_disk_that_refuses_is_not_bad_data() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::TimedOut))
        }
    }
    let error = RecordReader::new(Broken).next_record().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
