use std::fs;

use arrow::array::AsArray;
use arrow::compute::concat_batches;
use arrow::datatypes::{Float32Type, Int64Type};
use base::Classify;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const INT: Option<FeatureType> = Some(FeatureType::Int);
const FLOAT: Option<FeatureType> = Some(FeatureType::Float);
const BYTES: Option<FeatureType> = Some(FeatureType::Bytes);

/// Files in a folder of their own.
struct Folder {
    dir: TempDir,
    paths: Vec<PathBuf>,
}

impl Folder {
    fn with(files: &[&[u8]]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let paths = files.iter().enumerate().map(|(index, bytes)| {
            let path = dir.path().join(format!("{}.csv", index + 1));
            fs::write(&path, bytes).unwrap();
            path
        });
        let paths = paths.collect();
        Self { dir, paths }
    }

    fn open(&self) -> CsvFiles {
        CsvFiles::open(&self.paths).unwrap()
    }

    /// Returns a message and its hint, without the folder's name.
    fn said(&self, error: impl Into<BoxError>) -> String {
        let error = error.into();
        let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{error}{hint}").replace(&format!("{}/", self.dir.path().display()), "")
    }
}

fn named(features: &[(&str, Option<FeatureType>)]) -> Vec<(String, Option<FeatureType>)> {
    features.iter().map(|(name, feature_type)| ((*name).to_owned(), *feature_type)).collect()
}

fn read(files: &CsvFiles) -> Result<RecordBatch, BoxError> {
    let mut batches = Vec::new();
    for partition in 0..files.num_partitions() {
        for batch in files.read(partition, None)? {
            batches.push(batch?);
        }
    }
    Ok(concat_batches(&files.schema(), &batches).unwrap())
}

#[test]
fn cells_become_values_of_their_types_and_empty_ones_are_missing() {
    let text =
        "\u{feff}i,f,s,n\r\n1, 2.5 ,\"a,\"\"b\"\"\n\",\r\n\r\n,,\"\",\"\"\r\n-7,1e3, x ,\r\n";
    let folder = Folder::with(&[text.as_bytes()]);
    let features = named(&[("s", BYTES), ("i", INT), ("f", FLOAT), ("n", None)]);
    let batch = read(&folder.open().with_features(&features).unwrap()).unwrap();
    let texts: Vec<_> = batch.column(0).as_string::<i32>().iter().collect();
    assert_eq!(texts, [Some("a,\"b\"\n"), None, Some(" x ")]);
    let ints: Vec<_> = batch.column(1).as_primitive::<Int64Type>().iter().collect();
    assert_eq!(ints, [Some(1), None, Some(-7)]);
    let floats: Vec<_> = batch.column(2).as_primitive::<Float32Type>().iter().collect();
    assert_eq!(floats, [Some(2.5), None, Some(1000.0)]);
    assert_eq!(batch.column(3).data_type(), &arrow::datatypes::DataType::Null);
    assert_eq!(batch.num_rows(), 3);
}

#[test]
fn a_feature_may_be_read_alone() {
    let folder = Folder::with(&[b"a,b,c\n1,x,2\n"]);
    let files =
        folder.open().with_features(&named(&[("a", INT), ("b", BYTES), ("c", INT)])).unwrap();
    let columns = ["c".to_owned(), "a".to_owned()];
    let batch = files.read(0, Some(&columns)).unwrap().next().unwrap().unwrap();
    let names: Vec<_> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["a", "c"]);
    let batch = files.read(0, Some(&[])).unwrap().next().unwrap().unwrap();
    assert_eq!((batch.num_columns(), batch.num_rows()), (0, 1));
}

#[test]
fn a_file_without_rows_has_no_partitions() {
    for text in ["a,b", "a,b\n", "a,b\r\n\r\n"] {
        let folder = Folder::with(&[text.as_bytes()]);
        assert_eq!(read(&folder.open()).unwrap().num_rows(), 0);
    }
}

#[test]
fn a_row_that_does_not_fit_is_named() {
    let read_as = |text: &[u8], features: &[(&str, Option<FeatureType>)]| {
        let folder = Folder::with(&[text]);
        let files = folder.open().with_features(&named(features)).unwrap();
        let error = read(&files).unwrap_err();
        assert_eq!(error.kind(), base::ErrorKind::Data);
        folder.said(error)
    };
    let check = |text: &[u8], features: &[(&str, Option<FeatureType>)], expected: &str| {
        assert_eq!(read_as(text, features), expected);
    };
    let fare = [("fare", FLOAT)];
    check(
        b"fare,a\n1,2\n12.4.5,3\n",
        &fare,
        "1.csv:3: column `fare`: cannot read \"12.4.5\" as FLOAT",
    );
    check(b"fare\n\"1\n2\"\n", &fare, "1.csv:2: column `fare`: cannot read \"1\\n2\" as FLOAT");
    check(b"n\n1\n2.0\n", &[("n", INT)], "1.csv:3: column `n`: cannot read \"2.0\" as INT");
    let large = b"n\n99999999999999999999\n";
    check(large, &[("n", INT)], "1.csv:2: column `n`: cannot read \"99999999999999999999\" as INT");
    check(b"n,m\n,1\n2,2\n", &[("n", None)], "1.csv:3: column `n`: found \"2\", expected no value");
    // A row is refused for what it is, even in columns that nobody reads.
    check(b"fare,a\n1,2\n3\n", &fare, "1.csv:3: found 1 cell, expected 2");
    check(b"fare,a\n1,2\n3,4,5\n", &fare, "1.csv:3: found 3 cells, expected 2");
    let hint = "convert the file to UTF-8, for example with `iconv -t UTF-8`";
    check(b"fare,a\n1,\xff\n", &fare, &format!("1.csv:2: column `a`: not UTF-8 ({hint})"));
    let long = format!("n\n{}\n", "é".repeat(100));
    let expected = format!("1.csv:2: column `n`: cannot read \"{}…\" as INT", "é".repeat(60));
    check(long.as_bytes(), &[("n", INT)], &expected);
}

#[test]
fn rows_that_do_not_fit_can_be_left_out() {
    let text = b"n,m\n1,1\nx,2\n2,y\n3\n4,\xff\n5,5\nz,z\n";
    let folder = Folder::with(&[text, b"n,m\nx,x\n"]);
    let features = named(&[("m", BYTES), ("n", INT)]);
    let files = folder.open().with_features(&features).unwrap().skip_misfits();
    let batch = read(&files).unwrap();
    let ints: Vec<_> = batch.column(1).as_primitive::<Int64Type>().iter().collect();
    assert_eq!(ints, [Some(1), Some(2), Some(5)]);
    let texts: Vec<_> = batch.column(0).as_string::<i32>().iter().collect();
    assert_eq!(texts, [Some("1"), Some("y"), Some("5")]);
}

#[test]
fn the_rows_that_are_left_out_tell_why() {
    let folder = Folder::with(&[b"n,f\n1,1\nx,\n2,y\n3\n\"4\n\",z\n5,1e3\n"]);
    let files = folder.open().with_features(&named(&[("f", FLOAT), ("n", INT)])).unwrap();
    let mut said = Vec::new();
    let mut fitting = 0;
    for partition in 0..files.num_partitions() {
        let mut rows = files.rows(partition).unwrap();
        while let Some(row) = rows.next_row().unwrap() {
            let misfits = row.map_or_else(|error| vec![error], |row| files.misfits(&row));
            fitting += usize::from(misfits.is_empty());
            said.extend(misfits.iter().map(|error| format!("{}: {}", error.line, error.reason)));
        }
    }
    assert_eq!(
        said,
        [
            "3: column `n`: cannot read \"x\" as INT",
            "4: column `f`: cannot read \"y\" as FLOAT",
            "5: found 1 cell, expected 2",
            "6: column `f`: cannot read \"z\" as FLOAT",
        ]
    );
    assert_eq!(read(&files.skip_misfits()).unwrap().num_rows(), fitting);
}

#[test]
fn files_must_have_the_same_columns() {
    let check = |first: &str, second: &str, expected: &str| {
        let folder = Folder::with(&[first.as_bytes(), second.as_bytes()]);
        let error = CsvFiles::open(&folder.paths).unwrap_err();
        assert_eq!(
            folder.said(error),
            format!("2.csv:1: the columns are not those of 1.csv: {expected}")
        );
    };
    check("a,b\n", "a,c\n", "`b` missing, `c` besides");
    check("a,b\n", "a\n", "`b` missing");
    check("a,b\n", "a,b,c\n", "`c` besides");
}

#[test]
fn columns_are_found_by_their_names() {
    let folder = Folder::with(&[b"n,s\n1,x\n2,\"y\"\"\"\n", b"s,n\n\"z\"\"\",3\nw,4\n5\nq,\xff\n"]);
    let files = folder.open().with_features(&named(&[("n", INT), ("s", BYTES)])).unwrap();
    let batch = read(&files.skip_misfits()).unwrap();
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[1, 2, 3, 4]);
    let texts: Vec<_> = batch.column(1).as_string::<i32>().iter().flatten().collect();
    assert_eq!(texts, ["x", "y\"", "z\"", "w"]);
    let files = folder.open();
    let said = |partition| -> Vec<String> {
        let mut rows = files.rows(partition).unwrap();
        let mut said = Vec::new();
        while let Some(row) = rows.next_row().unwrap() {
            said.extend(row.err().map(|error| format!("{}: {}", error.line, error.reason)));
        }
        said
    };
    assert_eq!(said(1), ["4: found 1 cell, expected 2", "5: column `n`: not UTF-8"]);
}

#[test]
fn named_columns_may_be_missing_in_a_file_but_not_in_all() {
    let folder = Folder::with(&[b"a,b,c\n1,2,3\n", b"c,d\n4,5\n"]);
    let open = |features: &[&str]| {
        let features = Some(features.iter().map(|name| (*name).to_owned()).collect());
        CsvFiles::open_with(&folder.paths, CsvFormat { features, ..CsvFormat::default() }, u64::MAX)
    };
    let files = open(&["d", "c", "a"]).unwrap();
    let types = [("d", INT), ("c", INT), ("a", INT)];
    let batch = read(&files.with_features(&named(&types)).unwrap()).unwrap();
    let column = |index: usize| -> Vec<Option<i64>> {
        batch.column(index).as_primitive::<Int64Type>().iter().collect()
    };
    assert_eq!(column(0), [None, Some(5)]);
    assert_eq!(column(1), [Some(3), Some(4)]);
    assert_eq!(column(2), [Some(1), None]);
    assert_eq!(
        folder.said(open(&["a", "e"]).unwrap_err()),
        "1.csv: column `e` is missing, found `a`, `b`, `c`"
    );
}

#[test]
fn a_missing_column_is_named_with_those_that_are_there() {
    let folder = Folder::with(&[b"trip_miles,fare\n"]);
    let said = |features| folder.said(folder.open().with_features(&named(features)).unwrap_err());
    assert_eq!(
        said(&[("trip_mile", FLOAT)]),
        "1.csv: column `trip_mile` is missing, found `trip_miles`, `fare` (did you mean `trip_miles`?)"
    );
    assert_eq!(
        said(&[("fare", Some(FeatureType::Struct))]),
        "feature `fare` is of type STRUCT, which comma-separated text cannot hold"
    );
}

#[test]
fn a_header_that_looks_like_an_index_gets_a_hint() {
    let folder = Folder::with(&[b",a\n0,1\n"]);
    let error = CsvFiles::open(&folder.paths).unwrap_err();
    assert!(error.hint().unwrap().contains("index=False"));
}

#[test]
fn a_file_that_became_shorter_is_noticed() {
    let folder = Folder::with(&[b"a\n1\n2\n"]);
    let files = folder.open();
    fs::write(&folder.paths[0], "a\n1\n").unwrap();
    let said = folder.said(read(&files).unwrap_err());
    assert_eq!(
        said,
        "1.csv: the file changed while it was read (run again once the file is complete)"
    );
}

#[test]
fn only_the_beginning_can_be_opened_but_every_header_is_read() {
    let folder = Folder::with(&[b"a\n1\n2\n3\n", b"a\n4\n5\n", b"a\n6\n"]);
    let open = |limit_bytes| {
        let cutting = Cutting { piece_bytes: 2, limit_bytes, ..Cutting::default() };
        let files = CsvFiles::open_cut(&folder.paths, CsvFormat::default(), cutting).unwrap();
        (read(&files).unwrap().num_rows(), files.is_complete())
    };
    assert_eq!(open(0), (0, false));
    assert_eq!(open(5), (3, false));
    assert_eq!(open(8), (4, false));
    assert_eq!(open(12), (6, true));
    assert!(CsvFiles::open_part(&folder.paths, 1).is_ok());
    fs::write(&folder.paths[2], "b\n6\n").unwrap();
    assert!(CsvFiles::open_part(&folder.paths, 1).is_err());
}

/// A cell as somebody may write it, and what it says.
fn cell() -> impl Strategy<Value = (String, String)> {
    let quoted = "[a-z,\"\n\ré ]{0,6}"
        .prop_map(|text: String| (format!("\"{}\"", text.replace('"', "\"\"")), text));
    let plain = "[a-z0-9 .é]{0,6}".prop_map(|text: String| (text.clone(), text));
    prop_oneof![quoted, plain]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn how_files_are_cut_never_shows(
        rows in prop::collection::vec((cell(), cell(), any::<i64>(), "(\r\n|\n|\r|\n\n)"), 0..40),
        piece_bytes in 1u64..200,
    ) {
        let mut text = "a,b,n\n".to_owned();
        for ((a, _), (b, _), n, end) in &rows {
            text.push_str(&format!("{a},{b},{n}{end}"));
        }
        let folder = Folder::with(&[text.as_bytes(), text.as_bytes()]);
        let features = named(&[("a", BYTES), ("b", BYTES), ("n", INT)]);
        let whole = read(&folder.open().with_features(&features).unwrap()).unwrap();
        let cutting = Cutting { piece_bytes, ..Cutting::default() };
        let cut = CsvFiles::open_cut(&folder.paths, CsvFormat::default(), cutting).unwrap();
        prop_assert_eq!(&read(&cut.with_features(&features).unwrap()).unwrap(), &whole);

        prop_assert_eq!(whole.num_rows(), 2 * rows.len());
        let present = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        for (index, ((_, a), (_, b), n, _)) in rows.iter().chain(&rows).enumerate() {
            let text = |column: usize| {
                let column = whole.column(column).as_string::<i32>();
                column.iter().nth(index).unwrap().map(str::to_owned)
            };
            prop_assert_eq!(text(0), present(a));
            prop_assert_eq!(text(1), present(b));
            prop_assert_eq!(whole.column(2).as_primitive::<Int64Type>().value(index), *n);
        }
    }
}

#[test]
fn compressed_files_are_one_partition_each_and_read_alike() {
    let rows: String = (0..5000).map(|n| format!("{n};\"x;\n{n}\"\n")).collect();
    let format = CsvFormat {
        delimiter: b';',
        columns: Some(vec!["n".to_owned(), "s".to_owned()]),
        features: None,
    };
    let cutting = Cutting { piece_bytes: 999, ..Cutting::default() };
    let features = named(&[("s", BYTES), ("n", INT)]);
    let open = |folder: &Folder| {
        let files = CsvFiles::open_cut(&folder.paths, format.clone(), cutting).unwrap();
        files.with_features(&features).unwrap()
    };
    let plain = Folder::with(&[rows.as_bytes(), b"7;\n"]);
    let files = open(&plain);
    assert!(files.num_partitions() > 20);
    let expected = read(&files).unwrap();
    assert_eq!(expected.num_rows(), 5001);
    for (name, bytes) in crate::text::tests::compressed(rows.as_bytes()) {
        let folder = Folder::with(&[&bytes, b"7;\n"]);
        let files = open(&folder);
        assert_eq!(files.num_partitions(), 2, "{name}");
        assert_eq!(read(&files).unwrap(), expected, "{name}");
    }
}
