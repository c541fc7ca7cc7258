use std::fs;

use proptest::prelude::*;

use super::*;

fn scan_text(text: &[u8], cutting: Cutting) -> Result<Layout, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv");
    fs::write(&path, text).unwrap();
    scan(&path, &CsvFormat::default(), cutting)
        .map_err(|error| error.to_string().replace(&format!("{}/", dir.path().display()), ""))
}

/// Returns line, start and end of every record from `start` on.
fn records(text: &[u8], start: usize, line: u64) -> Vec<(u64, usize, usize)> {
    let mut cursor = Cursor::new(line, b',');
    let mut records = Vec::new();
    while let Some(record) = cursor.next(&text[start..]) {
        records.push((record.line, start + record.start, start + record.end));
    }
    records
}

proptest! {
    #[test]
    fn pieces_are_whole_rows_and_cover_the_file(
        text in crate::csv::records::tests::text(),
        piece_bytes in 1u64..40,
        block_bytes in 1usize..12,
    ) {
        let text = [b"x\n".as_slice(), &text].concat();
        let cutting = Cutting { piece_bytes, block_bytes, ..Cutting::default() };
        let mut cursor = Cursor::new(2, b',');
        let mut is_unclosed = false;
        while let Some(record) = cursor.next(&text[2..]) {
            is_unclosed = record.is_unclosed;
        }
        let layout = scan_text(&text, cutting);
        prop_assert_eq!(layout.is_err(), is_unclosed);
        let Ok(layout) = layout else { return Ok(()) };
        let mut found = Vec::new();
        let mut end = 2;
        for piece in &layout.cut.pieces {
            let offset = usize::try_from(piece.offset).unwrap();
            prop_assert_eq!(offset, end);
            end = offset + usize::try_from(piece.length).unwrap();
            found.extend(records(&text[..end], offset, piece.line));
        }
        prop_assert_eq!(end, text.len());
        prop_assert!(layout.cut.is_complete);
        prop_assert_eq!(found, records(&text, 2, 2));
    }
}

#[test]
fn a_piece_ends_with_the_first_row_that_reaches_the_size() {
    let text = b"a,b\n1,2\n3,4\n\"5\n\n\",6\n7,8\n9,10\n";
    let cutting = Cutting { piece_bytes: 5, ..Cutting::default() };
    let pieces = scan_text(text, cutting).unwrap().cut.pieces;
    let found: Vec<_> = pieces.iter().map(|p| (p.offset, p.length, p.line)).collect();
    assert_eq!(found, [(4, 8, 2), (12, 8, 4), (20, 9, 7)]);
}

#[test]
fn only_a_part_is_cut_where_there_is_a_limit() {
    let text = b"a\n1\n2\n3\n4\n";
    let cut = |limit_bytes| {
        let cutting = Cutting { piece_bytes: 2, limit_bytes, ..Cutting::default() };
        let layout = scan_text(text, cutting).unwrap();
        (layout.cut.pieces.len(), layout.cut.is_complete)
    };
    assert_eq!(cut(0), (0, false));
    assert_eq!(cut(3), (2, false));
    assert_eq!(cut(8), (4, true));
    assert_eq!(cut(100), (4, true));
}

#[test]
fn a_header_may_come_after_a_mark_and_blank_lines_and_be_quoted() {
    let layout = scan_text(b"\xef\xbb\xbf\r\n\n\"a\nb\",c\r\n1,2\r\n", Cutting::default()).unwrap();
    assert_eq!(layout.header, ["a\nb", "c"]);
    assert_eq!(layout.header_line, 3);
    assert_eq!((layout.cut.pieces[0].offset, layout.cut.pieces[0].line), (15, 5));
}

#[test]
fn a_header_may_be_longer_than_what_is_read_at_once() {
    let names: Vec<String> = (0..5000).map(|n| format!("column {n}")).collect();
    let text = names.join(",");
    for end in ["", "\n", "\r\n", "\r"] {
        let layout = scan_text(format!("{text}{end}").as_bytes(), Cutting::default()).unwrap();
        assert_eq!(layout.header, names);
        assert_eq!(layout.cut.pieces, []);
    }
    // The end of the line at every place around the end of the first read.
    for length in 4090..4100 {
        let name = "x".repeat(length);
        let layout = scan_text(format!("{name}\r\n1\r\n").as_bytes(), Cutting::default()).unwrap();
        assert_eq!(layout.header, [name]);
        assert_eq!((layout.cut.pieces[0].length, layout.cut.pieces[0].line), (3, 2));
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let cutting = Cutting { piece_bytes: 8, row_bytes: 100, block_bytes: 16, ..Cutting::default() };
    let check = |text: &[u8], expected: &str| {
        assert_eq!(scan_text(text, cutting).unwrap_err(), expected);
    };
    let empty = "t.csv: the file is empty, expected a header with column names";
    check(b"", empty);
    check(b"\n\r\n", empty);
    check(b"\xef\xbb\xbf", empty);
    check(b"\na,,b\n", "t.csv:2: column 2 of the header has no name");
    check(b"a,b,a\n", "t.csv:1: column `a`: stands twice in the header, as columns 1 and 3");
    check(b"a,caf\xe9\n", "t.csv:1: column 2 of the header: not UTF-8");
    check(b"a,\"b\n1,2\n", "t.csv:1: a quote is opened here and never closed");
    check(b"a,b\n1,2\n3,\"x\n\n5,6\n", "t.csv:3: a quote is opened here and never closed");
    check(
        b"PK\x03\x04\x00",
        "t.csv: found a Zip archive or spreadsheet, expected comma-separated text",
    );
    check(b"\xff\xfea\x00", "t.csv: found UTF-16 text, expected comma-separated text");
    let long = [b"a\n1\n2\n3\n4\n5,\"", "x\n".repeat(99).as_bytes(), b"\"\n6\n"].concat();
    check(&long, "t.csv:6: a row is longer than 0 MiB");
    let long = [b"a\n1\n2\n3\n4\n5", "x".repeat(199).as_bytes(), b"\n6\n"].concat();
    check(&long, "t.csv:6: a row is longer than 0 MiB");
    let long = "x".repeat(9000);
    check(long.as_bytes(), "t.csv:1: a row is longer than 0 MiB");
    let wide = vec!["c"; MAX_COLUMNS + 1].join(",");
    let message = scan_text(wide.as_bytes(), Cutting::default()).unwrap_err();
    assert_eq!(message, "t.csv:1: the header has 16385 columns, expected at most 16384");
}

#[test]
fn the_first_row_is_one_like_all_others_where_the_names_are_given() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.tsv");
    let format =
        CsvFormat { delimiter: b'\t', columns: Some(vec!["a".to_owned()]), features: None };
    let scan_text = |text: &[u8]| {
        fs::write(&path, text).unwrap();
        scan(&path, &format, Cutting::default()).unwrap()
    };
    let layout = scan_text(b"\xef\xbb\xbf1\n2\n");
    assert_eq!(
        (layout.header.as_slice(), layout.cut.pieces.len()),
        (["a".to_owned()].as_slice(), 1)
    );
    let piece = layout.cut.pieces[0];
    assert_eq!((piece.offset, piece.length, piece.line), (3, 4, 1));
    assert_eq!(scan_text(b"").cut.pieces, []);
}

#[test]
fn compressed_text_is_cut_where_the_text_itself_is() {
    let text: String = (0..3000).map(|n| format!("{n},\"x\ny{n}\"\n")).collect();
    let text = format!("a,b\n{text}");
    let cutting = Cutting { piece_bytes: 1000, block_bytes: 77, ..Cutting::default() };
    let part = Cutting { limit_bytes: 5000, ..cutting };
    let (whole, some) = (scan_text(text.as_bytes(), cutting), scan_text(text.as_bytes(), part));
    let (whole, some) = (whole.unwrap(), some.unwrap());
    assert!(!some.cut.is_complete && !whole.cut.is_compressed);
    for (name, bytes) in crate::text::tests::compressed(text.as_bytes()) {
        let layout = scan_text(&bytes, cutting).unwrap();
        assert_eq!(
            (layout.cut.pieces, layout.cut.is_complete),
            (whole.cut.pieces.clone(), true),
            "{name}"
        );
        assert!(layout.cut.is_compressed);
        let layout = scan_text(&bytes, part).unwrap();
        assert_eq!(
            (layout.cut.pieces, layout.cut.is_complete),
            (some.cut.pieces.clone(), false),
            "{name}"
        );
        let error = scan_text(&bytes[..bytes.len() / 2], cutting).unwrap_err();
        assert!(error.contains("damaged or cut off"), "{error}");
    }
}
