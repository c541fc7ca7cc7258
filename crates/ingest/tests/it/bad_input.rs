//! Bad input: one clear message each, the same from a check and from a run.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray};
use base::{Classify, ErrorKind};
use insta::assert_snapshot;

use crate::scene::{Scene, csv, parquet};

fn error_of(files: &[(&str, &[u8])]) -> String {
    Scene::with(files).error(&csv("*.csv"))
}

#[test]
fn no_such_file() {
    assert_snapshot!(error_of(&[("notes.txt", b"")]), @r"
    no file matches `*.csv` in DIR
    hint: in DIR there is `notes.txt`
    ");
}

#[test]
fn an_empty_file() {
    assert_snapshot!(error_of(&[("a.csv", b"a\n1\n"), ("b.csv", b"")]), @"b.csv: the file is empty, expected a header with column names");
}

#[test]
fn a_header_and_nothing_else() {
    assert_snapshot!(error_of(&[("a.csv", b"a,b\n"), ("b.csv", b"a,b\n\n")]), @"a.csv: no rows found, expected at least one");
    let scene = Scene::with(&[("a.csv", b"a,b\n"), ("b.csv", b"a,b\n1,2\n")]);
    assert_eq!(
        scene.run(&csv("*.csv")).unwrap().splits.iter().map(|(_, rows)| rows).sum::<u64>(),
        1
    );
}

#[test]
fn a_ragged_row() {
    assert_snapshot!(error_of(&[("a.csv", b"a,b\n1,2\n3\n4,5,6\n7,8\n")]), @r"
    a.csv:3: found 1 cell, expected 2 (2 of 4 rows rejected, the limit is 0)
    hint: `max_rejected_rows = 2` sets such rows aside in `rejected.csv`
    ");
    assert_snapshot!(error_of(&[("a.csv", b"a,b\n1\n")]), @"a.csv:2: found 1 cell, expected 2 (1 of 1 rows rejected, the limit is 0)");
}

#[test]
fn bytes_that_are_not_utf8() {
    assert_snapshot!(error_of(&[("a.csv", b"a,b\n1,x\n2,caf\xe9\n")]), @r"
    a.csv:3: column `b`: not UTF-8 (1 of 2 rows rejected, the limit is 0)
    hint: convert the file to UTF-8, for example with `iconv -t UTF-8`
    ");
    assert_snapshot!(error_of(&[("a.csv", b"a,caf\xe9\n1,2\n")]), @r"
    a.csv:1: column 2 of the header: not UTF-8
    hint: convert the file to UTF-8, for example with `iconv -t UTF-8`
    ");
}

#[test]
fn a_column_twice() {
    assert_snapshot!(error_of(&[("a.csv", b"a,b,a\n1,2,3\n")]), @"a.csv:1: column `a`: stands twice in the header, as columns 1 and 3");
}

#[test]
fn files_of_different_columns() {
    assert_snapshot!(error_of(&[("a.csv", b"a,b\n1,2\n"), ("b.csv", b"a,c\n1,2\n")]), @"
    b.csv:1: the columns are not those of a.csv: `b` missing, `c` besides
    hint: to have it missing there, name the features to read in `source.csv.features`
    ");
}

#[test]
fn a_quote_that_is_never_closed() {
    assert_snapshot!(error_of(&[("a.csv", b"a,b\n1,2\n3,\"x\n4,5\n")]), @"a.csv:3: a quote is opened here and never closed");
}

#[test]
fn something_else_than_text() {
    assert_snapshot!(error_of(&[("a.csv", b"PK\x03\x04\x00\x00")]), @r"
    a.csv: found a Zip archive or spreadsheet, expected comma-separated text
    hint: unpack or convert the file to comma-separated UTF-8 text first
    ");
    assert_snapshot!(error_of(&[("a.csv", b"\x1f\x8b\x08\x00\x00")]), @r"
    a.csv: the gzip data is damaged or cut off after 0 bytes of text: unexpected end of file
    hint: was the file copied whole?
    ");
}

#[test]
fn a_check_of_a_part_says_so() {
    let scene = Scene::with(&[("a.csv", b"a,b\n1\n2,3\n"), ("b.csv", b"a,b\n4,5\n")]);
    let error = scene.infer(&csv("*.csv"), Some(6)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_snapshot!(scene.said(error), @r"
    a.csv:2: found 1 cell, expected 2 (1 of the first 2 rows rejected, the limit is 0)
    hint: `max_rejected_rows = 1` sets such rows aside in `rejected.csv`
    ");
    // What is beyond the part is found by the run.
    let scene = Scene::with(&[("a.csv", b"a,b\n2,3\n"), ("b.csv", b"a,b\n4\n")]);
    let features = scene.infer(&csv("*.csv"), Some(4)).unwrap();
    assert!(features.iter().all(|feature| !feature.complete));
    assert_snapshot!(scene.said(scene.run(&csv("*.csv")).unwrap_err()), @r"
    b.csv:2: found 1 cell, expected 2 (1 of 2 rows rejected, the limit is 0)
    hint: `max_rejected_rows = 1` sets such rows aside in `rejected.csv`
    ");
}

#[test]
fn rows_within_the_budget_are_set_aside() {
    let text = b"a,b\n1,2\n3\n\"4\n\",\"5\"\"\",6\n7,caf\xe9\n8,9\n";
    let scene = Scene::with(&[("a.csv", text)]);
    let mut config = csv("*.csv");
    config.max_rejected_rows = 3;
    let outcome = scene.run(&config).unwrap();
    assert_eq!(outcome.num_rejected, 3);
    assert_eq!(outcome.splits.iter().map(|(_, rows)| rows).sum::<u64>(), 2);
    let rejected = fs::read_to_string(scene.path("out").join(ingest::REJECTED_FILE)).unwrap();
    assert_snapshot!(rejected, @r#"
    file,line,reason,row
    a.csv,3,"found 1 cell, expected 2",3
    a.csv,4,"found 3 cells, expected 2","""4
    "",""5"""""",6"
    a.csv,6,column `b`: not UTF-8,"7,caf�"
    "#);
    // Rows that were set aside have no say in types.
    let features = scene.infer(&config, None).unwrap();
    assert!(features.iter().all(|f| f.feature_type == Some(dataset::FeatureType::Int)));
    config.max_rejected_rows = 2;
    assert_snapshot!(scene.error(&config), @r"
    a.csv:3: found 1 cell, expected 2 (3 of 5 rows rejected, the limit is 2)
    hint: `max_rejected_rows = 3` sets such rows aside in `rejected.csv`
    ");
}

#[test]
fn no_row_is_left_when_all_are_set_aside() {
    let scene = Scene::with(&[("a.csv", b"a,b\n1\n")]);
    let mut config = csv("a.csv");
    config.max_rejected_rows = 1;
    assert_snapshot!(scene.error(&config), @"a.csv: no rows found, expected at least one");
}

#[test]
fn corrupt_parquet() {
    let scene = Scene::with(&[("a.parquet", b"PAR1 this is not Parquet at all PAR1")]);
    assert_snapshot!(scene.error(&parquet("*.parquet")), @"a.parquet: not a whole Parquet file of 36 bytes: the length at byte 28 says that the footer has 543976545 bytes, expected at most 24");
}

#[test]
fn parquet_whose_values_are_spoiled() {
    let scene = Scene::with(&[]);
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values((0..5000).map(|n| n * n)));
    scene.write_parquet("a.parquet", &RecordBatch::try_from_iter([("n", column)]).unwrap());
    let mut bytes = fs::read(scene.path("a.parquet")).unwrap();
    bytes[4..400].fill(0xff);
    fs::write(scene.path("a.parquet"), bytes).unwrap();
    let said = scene.said(scene.run(&parquet("*.parquet")).unwrap_err());
    assert!(said.starts_with("a.parquet: the values from row 1 on cannot be decoded: "), "{said}");
}

#[test]
fn parquet_files_of_different_columns() {
    let scene = Scene::with(&[]);
    let ints: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["1.0"]));
    scene.write_parquet(
        "a.parquet",
        &RecordBatch::try_from_iter([("n", Arc::clone(&ints))]).unwrap(),
    );
    scene.write_parquet("b.parquet", &RecordBatch::try_from_iter([("n", texts)]).unwrap());
    assert_snapshot!(scene.error(&parquet("*.parquet")), @"b.parquet: column `n`: holds values of type Utf8, but of type Int64 in a.parquet");
    // What is never missing in one file and may be in another is no difference.
    let nullable = RecordBatch::try_from_iter_with_nullable([(
        "n",
        Arc::new(Int64Array::from(vec![None])) as ArrayRef,
        true,
    )]);
    scene.write_parquet("b.parquet", &nullable.unwrap());
    scene.run(&parquet("*.parquet")).unwrap();
}

#[test]
fn parquet_columns_that_are_no_features() {
    let scene = Scene::with(&[]);
    let dates: ArrayRef = Arc::new(Date32Array::from(vec![1]));
    scene.write_parquet("a.parquet", &RecordBatch::try_from_iter([("day", dates)]).unwrap());
    assert_snapshot!(scene.error(&parquet("a.parquet")), @r"
    a.parquet: column `day`: values of type Date32 are not supported, expected numbers, booleans, strings, bytes, or lists or structs of them
    hint: write the column as a number or as text, or leave it out
    ");
}

#[test]
fn parquet_without_rows() {
    let scene = Scene::with(&[]);
    let empty: ArrayRef = Arc::new(StringArray::from(Vec::<&str>::new()));
    scene.write_parquet("a.parquet", &RecordBatch::try_from_iter([("s", empty)]).unwrap());
    assert_snapshot!(scene.error(&parquet("a.parquet")), @"a.parquet: no rows found, expected at least one");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written() {
    let scene = Scene::with(&[("a.csv", b"a\n1\n"), ("out", b"a file")]);
    let out = scene.path("out");
    let error =
        ingest::run(&csv("a.csv"), &scene.path(""), &out, &crate::scene::engine(1)).unwrap_err();
    assert!(scene.said(error).starts_with("cannot create out/Split-train: "));
}
