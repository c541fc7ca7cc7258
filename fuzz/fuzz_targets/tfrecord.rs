//! Any bytes as a TFRecord file: records or an error, and records written again are read again.
//!
//! The first byte says how they are compressed then: mostly not at all, as compressing takes longer than all else.

#![no_main]

use std::io::{Cursor, Read};

use formats::tfrecord::{Compression, RecordReader, RecordWriter, partition_starts};
use libfuzzer_sys::fuzz_target;

/// Small files of zeros decompress to much; what is looked for is not there.
const MAX_BYTES: u64 = 1 << 20;

fn read(file: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let decoder = Compression::detect(file).decoder(file).take(MAX_BYTES);
    let mut reader = RecordReader::new(decoder);
    let mut records = Vec::new();
    loop {
        match reader.next_record() {
            Ok(Some(record)) => records.push(record.data.to_vec()),
            Ok(None) => return (records, true),
            Err(_) => return (records, false),
        }
    }
}

/// Makes the checksum of each length right as far as the lengths go, so that more than the first is reached.
fn mend(file: &mut [u8]) {
    let mut rest = file;
    while rest.len() > 16 {
        let (frame, _) = rest.split_at_mut(8);
        frame[2..].fill(0);
        let length = usize::from(u16::from_le_bytes([frame[0], frame[1]]));
        let mut header = Vec::new();
        RecordWriter::new(&mut header).write(&vec![0; length]).expect("a vector takes all");
        rest[..12].copy_from_slice(&header[..12]);
        if rest.len() < 16 + length {
            return;
        }
        let mut whole = Vec::new();
        RecordWriter::new(&mut whole).write(&rest[12..12 + length]).expect("a vector takes all");
        rest[..16 + length].copy_from_slice(&whole);
        rest = &mut rest[16 + length..];
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((first, input)) = input.split_first() else { return };
    let compression = match first % 16 {
        1 => Compression::Gzip,
        2 => Compression::Zlib,
        _ => Compression::None,
    };
    read(input);
    let mut file = input.to_vec();
    mend(&mut file);
    let (records, is_whole) = read(&file);
    let starts = partition_starts(Cursor::new(&file), file.len() as u64, 64);
    if is_whole && Compression::detect(&file) == Compression::None {
        let starts = starts.expect("the lengths are right");
        assert_eq!(starts.is_empty(), file.is_empty());
    }
    let mut writer = RecordWriter::new(compression.encoder(Vec::new()));
    records.iter().for_each(|record| writer.write(record).expect("a vector takes all"));
    let again = writer.into_inner().finish().expect("a vector takes all");
    assert_eq!(read(&again), (records, true));
    if let Some(cut) = again.len().checked_sub(1)
        && compression != Compression::None
    {
        assert!(!read(&again[..cut]).1);
    }
});
