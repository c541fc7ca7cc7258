use csv_core::{ReadRecordResult, Reader};
use proptest::prelude::*;

use super::*;

/// Returns the records of a text by another reader.
fn reference(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut reader = Reader::new();
    let (mut output, mut ends) = (vec![0; text.len() + 1], vec![0; text.len() + 1]);
    let (mut records, mut at, mut length, mut count) = (Vec::new(), 0, 0, 0);
    loop {
        let (result, read, written, cells) =
            reader.read_record(&text[at..], &mut output[length..], &mut ends[count..]);
        at += read;
        length += written;
        count += cells;
        match result {
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::Record => {
                let starts = std::iter::once(0).chain(ends.iter().copied());
                let cells = starts.zip(&ends[..count]);
                records.push(cells.map(|(start, &end)| output[start..end].to_vec()).collect());
                (length, count) = (0, 0);
            }
            ReadRecordResult::End => return records,
            result => panic!("the buffers are large enough: {result:?}"),
        }
    }
}

fn records(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut cursor = Cursor::new(1, b',');
    let mut records = Vec::new();
    while let Some(record) = cursor.next(text) {
        records.push(record.cells().map(<[u8]>::to_vec).collect());
    }
    assert_eq!(cursor.position(), text.len());
    records
}

/// Text in which everything that means something is frequent.
pub(crate) fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("\""),
        Just("\"\""),
        Just(","),
        Just("\n"),
        Just("\r\n"),
        Just("\r"),
        Just("a"),
        Just("1.5"),
        Just("é"),
        Just(" "),
        Just(",\""),
        Just("\",\""),
        Just("\"\n\""),
        Just("a long piece of text"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn records_are_those_of_another_reader(text in text()) {
        prop_assert_eq!(records(&text), reference(&text));
    }

    #[test]
    fn any_bytes_are_read_as_another_reader_reads_them(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assume!(!bytes.starts_with(b"\xef\xbb\xbf"));
        prop_assert_eq!(records(&bytes), reference(&bytes));
    }

    #[test]
    fn the_end_of_a_cell_is_found_eight_bytes_at_a_time(bytes in "[ -0\n\r\u{80}-\u{ff}]{0,40}") {
        let bytes = bytes.as_bytes();
        let naive = bytes.iter().position(|byte| b",\n\r".contains(byte)).unwrap_or(bytes.len());
        prop_assert_eq!(plain_length(bytes, b','), naive);
    }
}

#[test]
fn records_know_their_lines() {
    let text = b"a,b\r\n\r\n\"x\r\ny\",2\n3,4\r5,\"6\n\n\"z\n7,8";
    let mut cursor = Cursor::new(10, b',');
    let mut lines = Vec::new();
    while let Some(record) = cursor.next(text) {
        lines.push((record.line, text[record.start..record.end].to_vec()));
    }
    let expected: [(u64, &[u8]); 5] =
        [(10, b"a,b"), (12, b"\"x\r\ny\",2"), (14, b"3,4"), (15, b"5,\"6\n\n\"z"), (18, b"7,8")];
    assert_eq!(lines, expected.map(|(line, text)| (line, text.to_vec())));
}

#[test]
fn quotes_are_taken_off_where_they_open_a_cell() {
    let check = |text: &str, expected: &[&str]| {
        let expected: Vec<_> = expected.iter().map(|cell| cell.as_bytes().to_vec()).collect();
        assert_eq!(records(text.as_bytes()), [expected], "{text}");
    };
    check("\"a,b\",c", &["a,b", "c"]);
    check("\"say \"\"hi\"\"\",", &["say \"hi\"", ""]);
    check("5\" pipe,\"\"", &["5\" pipe", ""]);
    check("\"a\" b,\"a\"\"\"b", &["a b", "a\"b"]);
    check(" \"a\"", &[" \"a\""]);
}

#[test]
fn a_quote_that_is_not_closed_is_noticed() {
    let mut cursor = Cursor::new(1, b',');
    assert!(cursor.next(b"a,\"b\nc").unwrap().is_unclosed);
    let mut cursor = Cursor::new(1, b',');
    assert!(!cursor.next(b"a,\"b\nc\"").unwrap().is_unclosed);
}

#[test]
fn the_delimiter_may_be_another_character() {
    let read = |text: &[u8], delimiter| {
        let mut cursor = Cursor::new(1, delimiter);
        let mut records: Vec<Vec<Vec<u8>>> = Vec::new();
        while let Some(record) = cursor.next(text) {
            records.push(record.cells().map(<[u8]>::to_vec).collect());
        }
        records
    };
    let cells = |cells: &[&str]| -> Vec<Vec<u8>> {
        cells.iter().map(|cell| cell.as_bytes().to_vec()).collect()
    };
    let expected = [cells(&["a, or b", "x\ty\n", "", "c"]), cells(&["d"])];
    assert_eq!(read(b"a, or b\t\"x\ty\n\"\t\tc\nd", b'\t'), expected);
    assert_eq!(read(b"1,5;2,5", b';'), [cells(&["1,5", "2,5"])]);
    assert_eq!(read(b"a | b", b'|'), [cells(&["a ", " b"])]);
}
