//! What is learned of each key, at the edges.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray};
use insta::assert_snapshot;

use crate::{apply, config, learn, show, values};

const NAN: Option<f32> = Some(f32::NAN);

fn batch(x: &[Option<f32>], key: &[Option<&str>]) -> RecordBatch {
    let x: ArrayRef = Arc::new(Float32Array::from(x.to_vec()));
    let key: ArrayRef = Arc::new(StringArray::from(key.to_vec()));
    RecordBatch::try_from_iter([("x", x), ("key", key)]).unwrap()
}

fn seen() -> RecordBatch {
    let [a, b] = [Some("a"), Some("b")];
    batch(
        &[Some(1.0), Some(3.0), NAN, Some(5.0), Some(5.0), None, Some(2.0)],
        &[a, a, a, b, b, a, None],
    )
}

/// Learns an expression of what was seen, and shows it for that and for what was not.
fn shown(expression: &str) -> String {
    let graph = learn(&config(&[], &[("feature", expression)]), &seen()).unwrap();
    let later = batch(
        &[Some(4.0), Some(4.0), Some(4.0), NAN, None, Some(4.0)],
        &[Some("a"), Some(""), Some("z\n"), Some("c"), Some("c"), None],
    );
    let [seen, later] = [seen(), later].map(|batch| show(apply(&graph, &batch).column(0)));
    format!("{seen} | {later}")
}

#[test]
fn each_key_is_scaled_by_itself() {
    assert_snapshot!(shown("scale_to_z_score_per_key(x, key)"), @"-1.0 1.0 NaN 0.0 0.0 - - | 2.0 4.0 4.0 NaN - -");
    assert_snapshot!(shown("scale_to_0_1_per_key(x, key)"), @"0.0 1.0 NaN 0.9933072 0.9933072 - - | 1.5 0.98201376 0.98201376 NaN - -");
    assert_snapshot!(shown("scale_by_min_max_per_key(x, key, -1, 1)"), @"-1.0 1.0 NaN 0.9866143 0.9866143 - - | 2.0 0.9640276 0.9640276 NaN - -");
    assert_snapshot!(shown("bucketize_per_key(x, key, 2)"), @"0 1 1 1 1 - - | 1 -1 -1 -1 - -");
}

#[test]
fn numbers_about_keys_need_the_key_alone() {
    assert_snapshot!(shown("min_per_key(x, key)"), @"1.0 1.0 1.0 5.0 5.0 1.0 - | 1.0 - - - - -");
    assert_snapshot!(shown("max_per_key(x, key)"), @"3.0 3.0 3.0 5.0 5.0 3.0 - | 3.0 - - - - -");
    assert_snapshot!(shown("sum_per_key(x, key)"), @"NaN NaN NaN 10.0 10.0 NaN - | NaN 0.0 0.0 0.0 0.0 -");
    assert_snapshot!(shown("mean_per_key(x, key)"), @"2.0 2.0 2.0 5.0 5.0 2.0 - | 2.0 0.0 0.0 0.0 0.0 -");
    assert_snapshot!(shown("var_per_key(x, key)"), @"1.0 1.0 1.0 0.0 0.0 1.0 - | 1.0 0.0 0.0 0.0 0.0 -");
    assert_snapshot!(shown("size_per_key(x, key)"), @"3 3 3 2 2 3 - | 3 0 0 0 0 -");
    assert_snapshot!(shown("count_per_key(key)"), @"4 4 4 2 2 4 - | 4 0 0 0 0 -");
}

#[test]
fn an_empty_key_is_a_key_and_one_with_a_line_break_is_never_seen() {
    let batch = batch(
        &[Some(1.0), Some(5.0), Some(2.0), Some(2.0)],
        &[Some(""), Some(""), Some("x\ny"), Some("a")],
    );
    let of = |expression: &str| {
        let graph = learn(&config(&[], &[("feature", expression)]), &batch).unwrap();
        show(apply(&graph, &batch).column(0))
    };
    assert_eq!(of("scale_to_z_score_per_key(x, key)"), "-1.0 1.0 2.0 0.0");
    assert_eq!(of("max_per_key(x, key)"), "5.0 5.0 - 2.0");
    assert_eq!(of("count_per_key(key)"), "2 2 0 1");
    assert_eq!(of("bucketize_per_key(x, key, 2)"), "0 1 -1 1");
}

#[test]
fn integers_are_keys_and_are_added_up_to_the_last_digit() {
    let columns = || -> Vec<(&str, ArrayRef)> {
        let large = [i64::MAX - 2, 1, 7, -3];
        vec![
            ("x", Arc::new(Int64Array::from(large.to_vec()))),
            ("key", Arc::new(Int64Array::from(vec![3, 3, -3, -3]))),
        ]
    };
    let largest = "9223372036854775806 9223372036854775806 4 4";
    assert_eq!(values("sum_per_key(x, key)", columns()), largest);
    assert_snapshot!(values("max_per_key(x, key)", columns()), @"9223372036854775805 9223372036854775805 7 7");
    assert_snapshot!(values("sum(x)", columns()), @"-9223372036854775806 -9223372036854775806 -9223372036854775806 -9223372036854775806");
    assert_snapshot!(values("count_per_key(key) * size_per_key(x, key)", columns()), @"4 4 4 4");
}

#[test]
fn no_keys_at_all_are_no_error() {
    let none = || -> Vec<(&str, ArrayRef)> {
        let keys: Vec<Option<&str>> = vec![None, None];
        vec![
            ("x", Arc::new(Float32Array::from(vec![1.0, 2.0]))),
            ("key", Arc::new(StringArray::from(keys))),
        ]
    };
    for expression in
        ["scale_to_z_score_per_key(x, key)", "bucketize_per_key(x, key, 3)", "count_per_key(key)"]
    {
        assert_eq!(values(expression, none()), "- -", "{expression}");
    }
    assert_eq!(values("scale_to_0_1_per_key(x, 'k') + max_per_key(x, 'k')", none()), "2.0 3.0");
    assert_eq!(values("mean_per_key(x, fill_missing(key, 'k'))", none()), "1.5 1.5");
}
