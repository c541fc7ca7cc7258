use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type, Schema, SchemaRef};
use base::BoxError;
use dataflow::Source;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::pieces::Cutting;
use crate::text::tests::compressed;

/// Files in a folder of their own.
struct Folder {
    dir: TempDir,
    paths: Vec<PathBuf>,
}

impl Folder {
    fn with(files: &[&[u8]]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let paths = files.iter().enumerate().map(|(index, bytes)| {
            let path = dir.path().join(format!("{}.jsonl", index + 1));
            fs::write(&path, bytes).unwrap();
            path
        });
        let paths = paths.collect();
        Self { dir, paths }
    }

    fn said(&self, error: impl std::fmt::Display) -> String {
        error.to_string().replace(&format!("{}/", self.dir.path().display()), "")
    }

    /// Returns the schema of all lines, one after the other.
    fn schema(&self) -> Result<SchemaRef, JsonError> {
        let files = JsonFiles::open(&self.paths, u64::MAX)?;
        let mut all = JsonType::default();
        for pieces in files.pieces() {
            let file = pieces[0].file;
            let mut rows = JsonRows::open(&self.paths[file], pieces.to_vec())?;
            while let Some(row) = rows.next_row()? {
                let row = row.map_err(|error| JsonError::Row(Box::new(error)))?;
                let mut one = JsonType::default();
                one.widen_fields(&row.object, (file, row.line));
                all.merge(one);
            }
        }
        let fields = all
            .fields()
            .map(|(name, seen)| Ok(Field::new(name, seen.data_type(name, &self.paths)?, true)));
        Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>, JsonError>>()?)))
    }
}

fn read(files: &JsonFiles) -> Result<RecordBatch, BoxError> {
    let mut batches = Vec::new();
    for partition in 0..files.num_partitions() {
        for batch in files.read(partition, None)? {
            batches.push(batch?);
        }
    }
    Ok(concat_batches(&files.schema(), &batches).unwrap())
}

fn rows(files: &[&[u8]]) -> RecordBatch {
    let folder = Folder::with(files);
    let files = JsonFiles::open(&folder.paths, u64::MAX).unwrap();
    read(&files.with_schema(folder.schema().unwrap()).unwrap()).unwrap()
}

#[test]
fn fields_become_features_of_their_types() {
    let text = "\u{feff}{\"i\": 1, \"f\": 2, \"s\": \"x\", \"b\": true, \"n\": null}\r\n\n  \n\
        {\"f\": 0.5, \"s\": \"\", \"l\": [1, null], \"o\": {\"a\": 1}}\n\
        {\"i\": null, \"l\": [], \"o\": {\"b\": [\"y\"]}}";
    let batch = rows(&[text.as_bytes()]);
    let schema = batch.schema();
    let types: Vec<_> =
        schema.fields().iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
    assert_eq!(types[..5], ["i Int64", "f Float32", "s Utf8", "b Boolean", "n Null"]);
    assert_eq!(schema.field(5).data_type(), &DataType::new_list(DataType::Int64, true));
    let ints: Vec<_> = batch.column(0).as_primitive::<Int64Type>().iter().collect();
    assert_eq!(ints, [Some(1), None, None]);
    let floats: Vec<_> = batch.column(1).as_primitive::<Float32Type>().iter().collect();
    assert_eq!(floats, [Some(2.0), Some(0.5), None]);
    let texts: Vec<_> = batch.column(2).as_string::<i32>().iter().collect();
    assert_eq!(texts, [Some("x"), Some(""), None]);
    let lists = batch.column(5).as_list::<i32>();
    let lengths: Vec<_> = lists.iter().map(|list| list.map(|list| list.len())).collect();
    assert_eq!(lengths, [None, Some(2), Some(0)]);
    let nested = batch.column(6).as_struct();
    assert!(arrow::array::Array::is_null(nested, 0));
    let a: Vec<_> = nested.column(0).as_primitive::<Int64Type>().iter().collect();
    assert_eq!(a, [None, Some(1), None]);
    assert_eq!(nested.column(1).as_list::<i32>().value(2).as_string::<i32>().value(0), "y");
}

#[test]
fn numbers_beyond_64_bits_are_floats() {
    let batch = rows(&[b"{\"n\": 9223372036854775807, \"m\": 9223372036854775808, \"x\": 1e2}\n"]);
    let schema = batch.schema();
    let types: Vec<_> = schema.fields().iter().map(|f| f.data_type().clone()).collect();
    assert_eq!(types, [DataType::Int64, DataType::Float32, DataType::Float32]);
}

#[test]
fn kinds_that_do_not_go_together_are_named_with_their_lines() {
    let said = |files: &[&[u8]]| {
        let folder = Folder::with(files);
        folder.said(folder.schema().unwrap_err())
    };
    assert_eq!(
        said(&[b"{\"a\": 1}\n{\"a\": 2}\n", b"\n{\"a\": \"x\"}\n"]),
        "2.jsonl:2: feature `a` holds text, but a number in 1.jsonl:1"
    );
    assert_eq!(
        said(&[b"{\"a\": [{\"b\": [1]}]}\n{\"a\": [{\"b\": 2.5}]}\n"]),
        "1.jsonl:2: feature `a[].b` holds a number, but a list in 1.jsonl:1"
    );
    assert_eq!(
        said(&[b"{\"a\": true}\n{\"a\": 0}\n"]),
        "1.jsonl:2: feature `a` holds a number, but a boolean in 1.jsonl:1"
    );
}

#[test]
fn rows_that_are_none_are_named() {
    let folder =
        Folder::with(&[b"{\"a\": 1}\n[1]\n{\"a\": }\n\xff\n{\"a\": 3}\n{\"a\": [[[{\"b\": 1}"]);
    let files = JsonFiles::open(&folder.paths, u64::MAX).unwrap();
    let pieces = files.pieces().next().unwrap().to_vec();
    let mut rows = JsonRows::open(&folder.paths[0], pieces).unwrap();
    let (mut said, mut good) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next_row().unwrap() {
        match row {
            Ok(row) => good.push(row.line),
            Err(error) => {
                let raw = fs::read(&folder.paths[0]).unwrap();
                let at = usize::try_from(error.offset).unwrap();
                let end = at + usize::try_from(error.length).unwrap();
                said.push((folder.said(&error), raw[at..end].to_vec()));
            }
        }
    }
    assert_eq!(good, [1, 5]);
    let said: Vec<_> = said.iter().map(|(text, raw)| (text.as_str(), raw.as_slice())).collect();
    assert_eq!(
        said,
        [
            ("1.jsonl:2: found a list, expected an object", b"[1]".as_slice()),
            ("1.jsonl:3: not JSON at byte 7: expected value", b"{\"a\": }"),
            ("1.jsonl:4: not JSON at byte 1: expected value", b"\xff"),
            ("1.jsonl:6: not JSON at byte 17: EOF while parsing a list", b"{\"a\": [[[{\"b\": 1}"),
        ]
    );
    // Nesting without end is no end of the stack.
    let deep = [b"{\"a\": ".as_slice(), &b"[".repeat(100_000), b"\n"].concat();
    let folder = Folder::with(&[&deep]);
    let error = folder.schema().unwrap_err();
    assert!(folder.said(error).contains("recursion limit exceeded"));
}

#[test]
fn a_value_that_is_not_of_its_type_is_a_row_that_does_not_fit() {
    let folder = Folder::with(&[b"{\"a\": 1}\n{\"a\": 1.5}\n{\"a\": null}\n{\"a\": \"x\"}\n"]);
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let open = || JsonFiles::open(&folder.paths, u64::MAX).unwrap();
    let files = open().with_schema(Arc::clone(&schema)).unwrap();
    assert_eq!(
        folder.said(read(&files).unwrap_err()),
        "1.jsonl:2: column `a`: found a number that is no integer, expected an integer"
    );
    assert_eq!(read(&files.skip_misfits()).unwrap().num_rows(), 2);
    let dates = Arc::new(Schema::new(vec![Field::new("a", DataType::Date32, true)]));
    let error = open().with_schema(dates).unwrap_err();
    assert_eq!(error.to_string(), "feature `a`: JSON cannot be read as Date32");
}

#[test]
fn what_is_no_text_or_has_no_lines() {
    let said = |bytes: &[u8], cutting| {
        let folder = Folder::with(&[bytes]);
        folder.said(JsonFiles::open_cut(&folder.paths, cutting).unwrap_err())
    };
    assert_eq!(
        said(b"PAR1....", Cutting::default()),
        "1.jsonl: found a Parquet file, expected lines of JSON"
    );
    let cutting =
        Cutting { piece_bytes: 10, row_bytes: 100, block_bytes: 16, ..Cutting::default() };
    let long = [b"{}\n[", "1,".repeat(500).as_bytes()].concat();
    assert_eq!(said(&long, cutting), "1.jsonl:2: a line is longer than 0 MiB");
    let folder = Folder::with(&[b"", b"\n\n"]);
    assert_eq!(folder.schema().unwrap().fields().len(), 0);
}

#[test]
fn only_the_beginning_can_be_opened() {
    let text = b"{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";
    let count = |bytes: &[u8], limit_bytes| {
        let folder = Folder::with(&[bytes]);
        let cutting = Cutting { piece_bytes: 4, limit_bytes, ..Cutting::default() };
        let files = JsonFiles::open_cut(&folder.paths, cutting).unwrap();
        (files.pieces().flatten().count(), files.is_complete())
    };
    let mut forms = vec![text.to_vec()];
    forms.extend(compressed(text).map(|(_, bytes)| bytes));
    for bytes in forms {
        assert_eq!(count(&bytes, 0), (0, false));
        assert_eq!(count(&bytes, 9), (2, false));
        assert_eq!(count(&bytes, 24), (3, true));
        assert_eq!(count(&bytes, u64::MAX), (3, true));
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        (-1e6f32..1e6).prop_map(Value::from),
        "[a-z\n\"é]{0,5}".prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn how_files_are_cut_never_shows(
        rows in prop::collection::vec(("[a-z\"\né]{0,9}", any::<i64>(), "(\r\n|\n|\n\n)"), 0..40),
        piece_bytes in 1u64..120,
        block_bytes in 16usize..50,
    ) {
        let line = |(text, n, end): &(String, i64, String)| {
            format!("{}{end}", json!({ "text": text, "n": n }))
        };
        let text: String = rows.iter().map(line).collect();
        let schema = Arc::new(Schema::new(vec![
            Field::new("n", DataType::Int64, true),
            Field::new("text", DataType::Utf8, true),
        ]));
        let folder = Folder::with(&[text.as_bytes(), text.as_bytes()]);
        let cutting = Cutting { piece_bytes, block_bytes, ..Cutting::default() };
        let files = JsonFiles::open_cut(&folder.paths, cutting).unwrap();
        let batch = read(&files.with_schema(schema).unwrap()).unwrap();
        prop_assert_eq!(batch.num_rows(), 2 * rows.len());
        for (index, (text, n, _)) in rows.iter().chain(&rows).enumerate() {
            prop_assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(index), *n);
            prop_assert_eq!(batch.column(1).as_string::<i32>().value(index), text);
        }
    }

    #[test]
    fn what_fits_its_own_type_is_read(values in prop::collection::vec(value(), 1..8)) {
        let text: String =
            values.iter().map(|value| format!("{}\n", json!({ "v": value }))).collect();
        let folder = Folder::with(&[text.as_bytes()]);
        // Mixtures are refused; everything else comes back as often as it is there.
        let Ok(schema) = folder.schema() else { return Ok(()) };
        let files = JsonFiles::open(&folder.paths, u64::MAX).unwrap();
        let batch = read(&files.with_schema(schema).unwrap()).unwrap();
        prop_assert_eq!(batch.num_rows(), values.len());
        let is_empty = |value: &&Value| match value {
            Value::Null => true,
            Value::Object(_) => batch.column(0).data_type() == &DataType::Null,
            _ => false,
        };
        let num_missing = values.iter().filter(is_empty).count();
        prop_assert_eq!(batch.column(0).logical_null_count(), num_missing);
    }

    #[test]
    fn merging_is_widening_line_by_line(
        values in prop::collection::vec(value(), 0..8),
        cut in 0usize..8,
    ) {
        let widen = |values: &[Value], start: usize| {
            let mut seen = JsonType::default();
            for (index, value) in values.iter().enumerate() {
                seen.widen(value, (0, (start + index) as u64));
            }
            seen
        };
        let (first, second) = values.split_at(cut.min(values.len()));
        let mut merged = widen(first, 0);
        merged.merge(widen(second, first.len()));
        prop_assert_eq!(merged, widen(&values, 0));
    }
}
