//! Rows, whichever way they came.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float32Type, Int64Type};
use graph::{GraphInput, Shape, ValueType};
use proptest::prelude::*;

use super::super::{Tensor, TensorValues};
use super::*;

fn inputs() -> Inputs {
    let input =
        |name: &str, value_type, shape| GraphInput { name: name.to_owned(), value_type, shape };
    Inputs::new(vec![
        input("age", ValueType::Int, Shape::One),
        input("tags", ValueType::String, Shape::List),
        input("point", ValueType::Float, Shape::Vector(2)),
        input("paid", ValueType::Bool, Shape::One),
    ])
}

fn read(layout: Layout, text: &str) -> Result<RecordBatch, String> {
    let mut reader = Reader::new(text.as_bytes()).unwrap();
    let limits = RowLimits { max_rows: 100 };
    read_rows(&inputs(), layout, &mut reader, None, &|name| name == "other", &limits)
        .map_err(|failure| failure.message.into_owned())
}

#[test]
fn values_and_lists_of_all_types() {
    let rows = read(
        Layout::Instances,
        r#"[{"age": 3, "tags": ["a", null, "b"], "point": [1, 2.5], "paid": true},
            {"paid": 0, "point": null, "tags": [], "age": null, "other": {"x": [1]}},
            {"age": [7], "tags": "c", "point": [0, 0], "paid": [false]}]"#,
    )
    .unwrap();
    let ages: Vec<_> = rows.column(0).as_primitive::<Int64Type>().iter().collect();
    assert_eq!(ages, [Some(3), None, Some(7)]);
    let tags = rows.column(1).as_list::<i32>();
    let lengths: Vec<_> = tags.iter().map(|tags| tags.map(|tags| tags.len())).collect();
    assert_eq!(lengths, [Some(3), Some(0), Some(1)]);
    assert!(tags.value(0).is_null(1));
    let points = rows.column(2).as_list::<i32>();
    assert!(points.is_null(1));
    assert_eq!(points.value(0).as_primitive::<Float32Type>().values(), &[1.0, 2.5]);
    let paid: Vec<_> = rows.column(3).as_boolean().iter().collect();
    assert_eq!(paid, [Some(true), Some(false), Some(false)]);

    let columns = read(
        Layout::Inputs,
        r#"{"age": [3, null, [7]], "tags": [["a", null, "b"], [], "c"], "point": [[1, 2.5], null, [0, 0]],
            "paid": [true, 0, [false]], "other": 1}"#,
    );
    assert_eq!(columns.unwrap(), rows);
}

#[test]
fn what_does_not_fit_is_named() {
    for (row, expected) in [
        (r#"{"age": 1.5}"#, "feature `age`, row 0: found 1.5, expected a whole number of 64 bits"),
        (
            r#"{"age": 9223372036854775808}"#,
            "feature `age`, row 0: found 9223372036854775808, expected a whole number of 64 bits",
        ),
        (r#"{"age": []}"#, "feature `age`, row 0: found an empty list, expected a value or null"),
        (r#"{"tags": [["a"]]}"#, "feature `tags`, row 0: found a list, expected STRING"),
        (r#"{"paid": 2}"#, "feature `paid`, row 0: found a number, expected true or false"),
        (
            r#"{"tags": [{"b64": "/w=="}]}"#,
            "feature `tags`, row 0: found other bytes, expected UTF-8",
        ),
        (r#"{"tag": 1}"#, "feature `tag`: the model does not read it, expected `tags`?"),
    ] {
        assert_eq!(read(Layout::Instances, &format!("[{row}]")).unwrap_err(), expected);
    }
}

#[test]
fn tensors_of_lists_have_lengths() {
    let tensors = |lengths: Vec<i64>| {
        let tensor = |name, shape: &[usize], values| Tensor { name, shape: shape.to_vec(), values };
        let texts = ["a", "b", "c", ""].map(|text| bytes::Bytes::from_static(text.as_bytes()));
        vec![
            tensor("age", &[2], TensorValues::Ints(vec![3, 4])),
            tensor("tags", &[2, 2], TensorValues::Texts(texts.to_vec())),
            tensor("tags.length", &[2, 1], TensorValues::Ints(lengths)),
            tensor("point", &[2, 2], TensorValues::Floats(vec![1.0, 2.0, 3.0, 4.0])),
            tensor("paid", &[2, 1], TensorValues::Bools(vec![true, false])),
            tensor("paid.present", &[2], TensorValues::Bools(vec![true, false])),
        ]
    };
    let limits = RowLimits { max_rows: 100 };
    let batch = inputs().decode_tensors(tensors(vec![2, 1]), &|_| false, &limits).unwrap();
    let rows = read(
        Layout::Instances,
        r#"[{"age": 3, "tags": ["a", "b"], "point": [1, 2], "paid": true},
            {"age": 4, "tags": ["c"], "point": [3, 4], "paid": null}]"#,
    );
    assert_eq!(batch, rows.unwrap());
    for wrong in [vec![3, 1], vec![-1, 1]] {
        assert!(inputs().decode_tensors(tensors(wrong), &|_| false, &limits).is_err());
    }
}

proptest! {
    #[test]
    fn rows_are_columns(ages in proptest::collection::vec(any::<Option<i64>>(), 1..20), tag in ".{0,8}") {
        let tag = serde_json::to_string(&tag).unwrap();
        let age = |age: &Option<i64>| age.map_or("null".to_owned(), |age| age.to_string());
        let row = |a: &Option<i64>| format!(r#"{{"age": {}, "tags": [{tag}], "point": [0, 1], "paid": true}}"#, age(a));
        let rows: Vec<_> = ages.iter().map(row).collect();
        let rows = read(Layout::Instances, &format!("[{}]", rows.join(","))).unwrap();
        let n = ages.len();
        let columns = format!(
            r#"{{"age": [{}], "tags": [{}], "point": [{}], "paid": [{}]}}"#,
            ages.iter().map(age).collect::<Vec<_>>().join(","),
            vec![format!("[{tag}]"); n].join(","),
            vec!["[0, 1]"; n].join(","),
            vec!["true"; n].join(","),
        );
        prop_assert_eq!(read(Layout::Inputs, &columns).unwrap(), rows);
    }
}
