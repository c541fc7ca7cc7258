//! Files written byte by byte: what no writer at hand writes, and what is wrong.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int32Type, Int64Type};
use insta::assert_snapshot;

use super::read;

const MARKER: [u8; 16] = *b"sixteen bytes ..";

/// The fields of a record of all kinds of types.
pub(super) const WIDE: &str = r#"
    {"name": "a", "type": ["null", {"type": "record", "name": "inner", "fields": [
        {"name": "x", "type": "long"}, {"name": "n", "type": "null"},
        {"name": "y", "type": ["string", "null"]}]}]},
    {"name": "b", "type": {"type": "array", "items": "inner"}},
    {"name": "c", "type": {"type": "map", "values": {"type": "array", "items": "null"}}},
    {"name": "d", "type": {"type": "fixed", "name": "three", "size": 3}},
    {"name": "e", "type": {"type": "enum", "name": "letters", "symbols": ["A", "B"]}},
    {"name": "f", "type": [{"type": "bytes", "logicalType": "decimal", "precision": 9}]},
    {"name": "g", "type": ["boolean", "null"]}"#;

fn long(value: i64) -> Vec<u8> {
    let mut rest = (value << 1).cast_unsigned() ^ (value >> 63).cast_unsigned();
    let mut bytes = Vec::new();
    while rest > 0x7f {
        bytes.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    [long(i64::try_from(bytes.len()).unwrap()), bytes.to_vec()].concat()
}

fn header(schema: &str, codec: Option<&str>) -> Vec<u8> {
    let mut bytes = b"Obj\x01".to_vec();
    let mut entries = vec![("avro.schema", schema)];
    entries.extend(codec.map(|codec| ("avro.codec", codec)));
    bytes.extend(long(i64::try_from(entries.len()).unwrap()));
    for (key, value) in entries {
        bytes.extend(with_length(key.as_bytes()));
        bytes.extend(with_length(value.as_bytes()));
    }
    bytes.push(0);
    bytes.extend(MARKER);
    bytes
}

fn record(fields: &str) -> String {
    format!(r#"{{"type": "record", "name": "r", "fields": [{fields}]}}"#)
}

fn block(rows: i64, bytes: &[u8]) -> Vec<u8> {
    [long(rows), with_length(bytes), MARKER.to_vec()].concat()
}

/// Writes a file of records with these fields, and blocks of so many rows and these bytes.
pub(super) fn file(fields: &str, blocks: &[(i64, &[u8])]) -> Vec<u8> {
    let blocks = blocks.iter().flat_map(|(rows, bytes)| block(*rows, bytes));
    header(&record(fields), None).into_iter().chain(blocks).collect()
}

#[test]
fn all_kinds_of_types_are_read() {
    let first = [
        long(1),
        long(-7),
        long(0),
        with_length("é".as_bytes()), // a: x, n, y
        // b: one item, told with its length, and then another.
        long(-1),
        long(2),
        long(5),
        long(1),
        long(1),
        long(6),
        long(1),
        long(0),
        // c: "k" with three nulls.
        long(1),
        with_length(b"k"),
        long(3),
        long(0),
        long(0),
        b"abc".to_vec(),
        long(1),
        long(0),
        with_length(&[0xff, 0x00]),
        long(0),
        vec![1],
    ]
    .concat();
    let second =
        [long(0), long(0), long(0), b"def".to_vec(), long(0), long(0), with_length(&[]), long(1)]
            .concat();
    let found = read(&file(WIDE, &[(2, &[first, second].concat())])).unwrap();
    let a = found.column(0).as_struct();
    assert!(a.is_valid(0) && a.is_null(1));
    assert_eq!(a.column(0).as_primitive::<Int64Type>().value(0), -7);
    assert_eq!(a.column(2).as_string::<i32>().value(0), "é");
    let b = found.column(1).as_list::<i32>();
    assert_eq!(b.value_length(0), 2);
    assert_eq!(b.value_length(1), 0);
    let x = b.values().as_struct().column(0).as_primitive::<Int64Type>();
    assert_eq!(x.values(), &[5, 6]);
    let c = found.column(2).as_map();
    assert_eq!(c.keys().as_string::<i32>().value(0), "k");
    assert_eq!(c.values().as_list::<i32>().value_length(0), 3);
    assert_eq!(found.column(3).as_binary::<i32>().value(1), b"def");
    assert_eq!(found.column(4).as_string::<i32>().value(0), "B");
    let f = found.column(5).as_primitive::<arrow::datatypes::Decimal128Type>();
    assert_eq!(f.values(), &[-256, 0]);
    let g = found.column(6).as_boolean();
    assert!(g.value(0) && g.is_null(1));
}

#[test]
fn columns_that_are_not_asked_for_are_passed_over() {
    let fields = format!(r#"{WIDE}, {{"name": "last", "type": "int"}}"#);
    let row = [
        long(0),
        long(-2),
        long(4),
        vec![2, 2, 2, 2],
        long(0), // b: passed over by its length
        long(1),
        with_length(b"k"),
        long(1 << 40),
        long(0),
        long(0),
    ];
    // The nulls are too many to be counted in a list.
    let rest = [b"abc".to_vec(), long(1), long(0), with_length(&[9]), long(1), long(42)];
    let bytes = file(&fields, &[(1, &[row.concat(), rest.concat()].concat())]);
    let (_dir, paths) = crate::testing::write_files(&[("0.avro", &bytes)]);
    let files = super::AvroFiles::open(&paths).unwrap();
    let said = crate::testing::read_all(&files, Some(&["last".to_owned()])).unwrap_err();
    assert!(
        said.to_string().ends_with("column `c`: a list of more than 2147483647 items"),
        "{said}"
    );
    let few = file(
        &fields,
        &[(
            1,
            &[
                long(0),
                long(-2),
                long(4),
                vec![2, 2, 2, 2],
                long(0),
                long(1),
                with_length(b"k"),
                long(1 << 30),
                long(0),
                long(0),
                rest.concat(),
            ]
            .concat(),
        )],
    );
    let (_dir, paths) = crate::testing::write_files(&[("0.avro", &few)]);
    let files = super::AvroFiles::open(&paths).unwrap();
    let found = crate::testing::read_all(&files, Some(&["last".to_owned()])).unwrap();
    assert_eq!(found.num_columns(), 1);
    assert_eq!(found.column(0).as_primitive::<Int32Type>().values(), &[42]);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let int = r#"{"name": "f", "type": "int"}"#;
    let check = |bytes: &[u8]| read(bytes).unwrap_err();
    assert_snapshot!(check(b""), @"0.avro: not an Avro file, expected one that begins with `Obj` and the byte 1");
    assert_snapshot!(check(b"fare,tips\n1,2\n"), @"0.avro: not an Avro file, expected one that begins with `Obj` and the byte 1");
    assert_snapshot!(check(b"Obj\x01\x02"), @"0.avro: the header, byte 5: the file ends here, expected more");
    assert_snapshot!(check(b"Obj\x01\x02\x7e"), @"0.avro: the header, byte 6: found a length of 63, but 0 bytes are left");
    assert_snapshot!(check(b"Obj\x01\x02\x01"), @"0.avro: the header, byte 6: found a length or count of -1, expected none below zero");
    let two = file(int, &[(1, &[2]), (2, &[4, 6])]);
    assert_snapshot!(check(&two[..two.len() - 3]), @"0.avro: block 2 at byte 128: the file ends here, expected more");
    assert_snapshot!(check(&two[..two.len() - 18]), @"0.avro: block 2 at byte 128: the file ends here, expected more");
    let mut marker = two.clone();
    *marker.last_mut().unwrap() ^= 1;
    assert_snapshot!(check(&marker), @"0.avro: block 2 at byte 128: does not end with the file's sync marker");
    assert_snapshot!(check(&file(int, &[(-1, &[2])])), @"0.avro: block 1 at byte 109: found a length or count of -1, expected none below zero");
    assert_snapshot!(check(&file(int, &[(1, &[2]), (3, &[2, 4])])), @"0.avro: block 2 at byte 128, row 3 of it: column `f`: the block ends here, expected more of the value");
    assert_snapshot!(check(&file(int, &[(1, &[2, 4])])), @"0.avro: block 1 at byte 109: 1 bytes are left after 1 rows");
    assert_snapshot!(check(&file(int, &[(i64::MAX, &[])])), @"0.avro: block 1 at byte 109, row 1 of it: column `f`: the block ends here, expected more of the value");
    let large = [header(&record(int), None), long(1), long(i64::MAX)].concat();
    assert_snapshot!(check(&large), @"0.avro: block 1 at byte 109: found 9223372036854775807 bytes, expected at most 67108864");
    let text = r#"{"name": "f", "type": "string"}"#;
    assert_snapshot!(check(&file(text, &[(1, &[2, 0xff])])), @"0.avro: block 1 at byte 112, row 1 of it: column `f`: not UTF-8");
    assert_snapshot!(check(&file(text, &[(1, &long(1 << 40))])), @"0.avro: block 1 at byte 112, row 1 of it: column `f`: found a length of 1099511627776, but 0 bytes are left");
    assert_snapshot!(check(&file(r#"{"name": "f", "type": ["null", "int"]}"#, &[(1, &[4])])), @"0.avro: block 1 at byte 119, row 1 of it: column `f`: found branch 2 of a union of 2");
    assert_snapshot!(check(&file(r#"{"name": "f", "type": "boolean"}"#, &[(1, &[2])])), @"0.avro: block 1 at byte 113, row 1 of it: column `f`: found 2, expected the boolean 0 or 1");
    assert_snapshot!(check(&file(r#"{"name": "f", "type": {"type": "enum", "name": "e", "symbols": ["a"]}}"#, &[(1, &[2])])), @"0.avro: block 1 at byte 151, row 1 of it: column `f`: found symbol 1 of an enum of 1");
}

#[test]
fn what_is_wrong_with_the_header_is_told() {
    let check = |bytes: &[u8]| read(bytes).unwrap_err();
    let int = record(r#"{"name": "f", "type": "int"}"#);
    assert_snapshot!(check(&header(&int, Some("xz"))), @"0.avro: codec `xz` is not supported, expected null, deflate, snappy, zstandard or bzip2");
    assert_snapshot!(check(&header("{", None)), @"0.avro: the schema in the header is not JSON: EOF while parsing an object at line 1 column 1");
    assert_snapshot!(check(&header(r#""long""#, None)), @"0.avro: the schema in the header: found long, expected a record");
    let union = record(r#"{"name": "f", "type": ["int", "string"]}"#);
    assert_snapshot!(check(&header(&union, None)), @"0.avro: the schema in the header: column `f`: a union of int, string is not supported, expected one type, or one and null");
    let none = [b"Obj\x01\x00".to_vec(), MARKER.to_vec()].concat();
    assert_snapshot!(check(&none), @"0.avro: the schema in the header: not there");
}

#[test]
fn few_bytes_do_not_become_much_memory() {
    // A null record of many fields is one byte.
    let fields: Vec<_> =
        (0..9_000).map(|n| format!(r#"{{"name": "f{n}", "type": "long"}}"#)).collect();
    let wide = format!(
        r#"{{"name": "f", "type": {{"type": "array", "items": ["null", {{"type": "record", "name": "w", "fields": [{}]}}]}}}}"#,
        fields.join(",")
    );
    let many = [long(100_000), vec![0; 100_000], long(0)].concat();
    let said = read(&file(&wide, &[(1, &many)])).unwrap_err();
    assert!(said.ends_with("column `f`: the row takes more than 256 MiB of memory"), "{said}");
    // Nulls have no bytes at all.
    let nulls = r#"{"name": "f", "type": {"type": "array", "items": "null"}}"#;
    let said = read(&file(nulls, &[(1, &[long(i64::MAX), long(0)].concat())])).unwrap_err();
    assert!(said.ends_with("a list of more than 2147483647 items"), "{said}");
    let found = read(&file(nulls, &[(1, &[long(1 << 30), long(0)].concat())])).unwrap();
    assert_eq!(found.column(0).as_list::<i32>().value_length(0), 1 << 30);
    // Items are counted against the bytes before any is read.
    let longs = r#"{"name": "f", "type": {"type": "array", "items": "long"}}"#;
    let said = read(&file(longs, &[(1, &[long(1 << 30), long(0)].concat())])).unwrap_err();
    assert!(said.ends_with("found 1073741824 items, but 1 bytes are left"), "{said}");
}
