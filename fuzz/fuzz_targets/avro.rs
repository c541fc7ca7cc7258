//! Any bytes as an Avro file: rows or an error, and each column alone is what it is among all.
//!
//! An input whose first byte is odd is a file; of another one a file is made, whose schema and blocks are its
//! parts, so that what is mutated is not lost on lengths and markers.

#![no_main]

use std::sync::LazyLock;

use dataset::AvroFiles;
use fuzz::{File, check_columns, parts};
use libfuzzer_sys::fuzz_target;

static FILE: LazyLock<File> = LazyLock::new(|| File::named("file.avro"));

fn long(value: usize, out: &mut Vec<u8>) {
    let mut rest = value << 1;
    while rest > 0x7f {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn bytes(value: &[u8], out: &mut Vec<u8>) {
    long(value.len(), out);
    out.extend(value);
}

/// The fields of a record are the first part; each further one is a block, its first byte the number of rows.
fn file(input: &[u8]) -> Vec<u8> {
    let mut parts = parts(input).into_iter();
    let fields = parts.next().unwrap_or_default();
    let schema = [br#"{"type":"record","name":"r","fields":["#.as_slice(), fields, b"]}"].concat();
    let mut out = b"Obj\x01\x02".to_vec();
    bytes(b"avro.schema", &mut out);
    bytes(&schema, &mut out);
    out.push(0);
    out.extend([7; 16]);
    for block in parts {
        let (rows, data) = block.split_first().unwrap_or((&0, &[]));
        long(usize::from(*rows), &mut out);
        bytes(data, &mut out);
        out.extend([7; 16]);
    }
    out
}

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let path = if first % 2 == 1 { FILE.write(rest) } else { FILE.write(&file(rest)) };
    if let Ok(files) = AvroFiles::open(&[path.to_path_buf()]) {
        check_columns(&files);
    }
});
