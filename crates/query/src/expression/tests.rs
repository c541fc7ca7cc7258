//! Keys against those of TFX's own engine for slices; mistakes and where they are.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Float32Array, Float32Builder, Int64Array,
    Int64Builder, ListBuilder, RecordBatch, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Fields, Schema};

use super::{KeyQuery, Keys};
use crate::QueryError;

/// The examples of `testdata/answer.py`.
fn examples() -> RecordBatch {
    let mut a = ListBuilder::new(Int64Builder::new());
    a.append_value([Some(1)]);
    a.append_value([Some(2), Some(1)]);
    a.append_null();
    a.append(true);
    a.append_value([Some(3)]);
    let mut f = ListBuilder::new(Float32Builder::new());
    for value in [1.5, 3.0, f32::NAN, 1e20, 0.1] {
        f.append_value([Some(value)]);
    }
    let texts = |lists: [Option<&[&str]>; 5]| -> ArrayRef {
        let mut texts = ListBuilder::new(StringBuilder::new());
        for list in lists {
            match list {
                Some(list) => texts.append_value(list.iter().map(|text| Some(*text))),
                None => texts.append_null(),
            }
        }
        Arc::new(texts.finish())
    };
    let b =
        texts([Some(&["dog"]), Some(&["cat"]), Some(&["?"]), Some(&["dog", "wolf"]), Some(&[""])]);
    let cap = texts([Some(&["x"]), Some(&["y"]), Some(&["z"]), Some(&["x", "y"]), None]);
    let columns: [(&str, ArrayRef); 4] =
        [("a", Arc::new(a.finish())), ("b", b), ("f", Arc::new(f.finish())), ("Cap", cap)];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Returns the keys of every example, sorted and each once.
fn keys(batch: &RecordBatch, query: &str) -> Result<Vec<Vec<String>>, QueryError> {
    let keys = Keys::new(&KeyQuery::parse(query)?, &batch.schema())?;
    let mut all = vec![Vec::new(); batch.num_rows()];
    for (row, key) in keys.of(batch)? {
        all[row as usize].push(key.unwrap_or_else(|| "no text".to_owned()));
    }
    for keys in &mut all {
        keys.sort();
        keys.dedup();
    }
    Ok(all)
}

#[test]
fn keys_are_those_of_the_reference() {
    let examples = examples();
    let mut wrong = Vec::new();
    for line in include_str!("../../testdata/keys.txt").lines() {
        let Some((query, expected)) = line.split_once(" => ") else { continue };
        let found = match keys(&examples, query) {
            Ok(keys) => keys.iter().map(|keys| keys.join(" ")).collect::<Vec<_>>().join(" | "),
            Err(QueryError::Mistake(_)) => "refused".to_owned(),
            Err(other) => other.to_string(),
        };
        if found.trim_end() != expected.trim_end() {
            wrong.push(format!("{query} => {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn columns_need_not_be_lists() {
    let price = Fields::from(vec![Field::new("price", DataType::Float32, true)]);
    let prices: ArrayRef = Arc::new(Float32Array::from(vec![2.0, 3.0, 4.0]));
    let items = arrow::array::StructArray::new(price, vec![prices], None);
    let offsets = arrow::buffer::OffsetBuffer::from_lengths([2, 0, 1]);
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let items = arrow::array::ListArray::new(field, offsets, Arc::new(items), None);
    let columns: [(&str, ArrayRef); 4] = [
        ("n", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("bytes", Arc::new(BinaryArray::from(vec![b"x".as_slice(), b"\xff", b"y"]))),
        ("items", Arc::new(items)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let found = |query| keys(&batch, query).unwrap().concat().join(" ");
    assert_eq!(found("SELECT STRUCT(n) FROM example.n"), "n_1 n_3");
    assert_eq!(found("SELECT STRUCT(example.n)"), "n_1 n_NULL n_3");
    assert_eq!(found("SELECT STRUCT(n + 1 AS m) WHERE n > 1"), "m_4");
    assert_eq!(found("SELECT STRUCT(flag)"), "flag_1 flag_0 flag_NULL");
    assert_eq!(found("SELECT STRUCT(bytes)"), "bytes_x no text bytes_y");
    assert_eq!(found("SELECT STRUCT(n) WHERE bytes = 'y'"), "n_3");
    let query = "SELECT STRUCT(it.price AS p) FROM example.items AS it WHERE it.price != 3";
    assert_eq!(found(query), "p_2 p_4");
    let keys =
        Keys::new(&KeyQuery::parse("SELECT STRUCT(n) WHERE bytes = 'y'").unwrap(), &batch.schema());
    assert_eq!(keys.unwrap().columns().collect::<Vec<_>>(), ["n", "bytes"]);
}

/// What is said of a query over the examples.
fn said(query: &str) -> String {
    keys(&examples(), query).map_or_else(|error| error.to_string(), |keys| format!("{keys:?}"))
}

#[test]
fn mistakes_are_shown_where_they_are() {
    for (query, expected) in [
        ("SELECT STRUCT(a) FROM example.aa", "column 31: there is no `aa` in `example`"),
        ("SELECT STRUCT(c) FROM example.a", "column 15: there is no `c`"),
        ("SELECT STRUCT(a) FROM a", "column 23: found the table `a`"),
        (
            "SELECT STRUCT(a) FROM example.a WHERE a = 'x'",
            "column 39: cannot compare a number with text",
        ),
        (
            "SELECT STRUCT(a) FROM example.a WHERE a",
            "column 39: WHERE is a number, expected a truth value",
        ),
        ("SELECT STRUCT(example.a)", "a part of a key is a list, expected a number or text"),
        ("SELECT STRUCT(a > 1) FROM example.a", "a part of a key is a truth value"),
        (
            "SELECT STRUCT(a) FROM example.a ORDER BY a LIMIT 1",
            "found more than SELECT, FROM and WHERE",
        ),
        ("SELECT STRUCT(MAX(a) AS m) FROM example.a", "it sums up several values"),
        (
            "SELECT STRUCT(a) FROM example.a WHERE EXISTS (SELECT 1)",
            "a query inside of it is not supported",
        ),
        ("SELECT STRUCT(a) FROM example.a JOIN example.b ON true", "found a JOIN"),
        ("SELECT * FROM example.a", "found `*`"),
        ("SELECT AS STRUCT * FROM example.a", "found `*`"),
        ("DROP TABLE x", "line 1"),
        ("SELECT STRUCT(a FROM example.a", "line 1, column 17"),
        ("SELECT STRUCT(1) UNION ALL SELECT STRUCT(2)", "found no SELECT"),
        ("SELECT STRUCT(NOW() AS n)", "gives another result each time"),
        ("SELECT STRUCT(1 / (a - a) AS n) FROM example.a", "1 is divided by 0"),
        ("SELECT STRUCT(example.a[OFFSET(0)] AS n)", "there is no item 0 in a list of 0"),
        (
            "SELECT STRUCT(example.a[0] AS n)",
            "expected OFFSET, ORDINAL, SAFE_OFFSET or SAFE_ORDINAL",
        ),
        ("SELECT STRUCT(9223372036854775807 + a AS n) FROM example.a", "is too large"),
        ("SELECT STRUCT(ABS(a, 1) AS n) FROM example.a", "ABS needs 1 argument, found 2"),
        ("SELECT STRUCT(ABS(b) AS n) FROM example.b", "ABS needs numbers, found text"),
        ("SELECT STRUCT(nope(a) AS n) FROM example.a", "nope"),
        ("", "line 1"),
    ] {
        let found = said(query);
        assert!(found.contains(expected), "{query}: {found}");
    }
    assert!(
        said(&format!("SELECT STRUCT({} AS n)", "x".repeat(70_000))).contains("expected at most")
    );
}

#[test]
fn too_many_combinations_of_one_example_are_an_error_and_many_examples_are_none() {
    let mut lists = ListBuilder::new(Int64Builder::new());
    lists.append_value((0..600).map(Some));
    let batch = |lists: arrow::array::ListArray| {
        let lists: ArrayRef = Arc::new(lists);
        RecordBatch::try_from_iter([("a", Arc::clone(&lists)), ("b", lists)]).unwrap()
    };
    let query = "SELECT STRUCT(a + b AS s) FROM example.a, example.b WHERE a = 0 AND b < 2";
    let error = keys(&batch(lists.finish()), query).unwrap_err();
    assert!(error.to_string().contains("more than 262144 combinations"), "{error}");
    for _ in 0..5 {
        lists.append_value((0..300).map(Some));
    }
    assert_eq!(keys(&batch(lists.finish()), query).unwrap(), vec![vec!["s_0", "s_1"]; 5]);
}

#[test]
fn names_that_differ_in_case_alone_are_told_apart() {
    let column: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let other: ArrayRef = Arc::new(StringArray::from(vec!["y"]));
    let batch = RecordBatch::try_from_iter([("aB", column), ("Ab", other)]).unwrap();
    let found = |query: &str| keys(&batch, query).map(|keys| keys.concat().join(" "));
    assert_eq!(found("SELECT STRUCT(aB, Ab)").unwrap(), "aB_x_Ab_y");
    assert!(found("SELECT STRUCT(ab)").is_err());
    assert!(Keys::new(&KeyQuery::parse("SELECT STRUCT(x)").unwrap(), &Schema::empty()).is_err());
}
