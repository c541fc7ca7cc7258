//! Lists in expressions: learned of, computed with, made.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, ListArray, NullArray, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};
use insta::assert_snapshot;

use crate::values;

fn columns() -> Vec<(&'static str, ArrayRef)> {
    let prices = ListArray::from_iter_primitive::<Float64Type, _, _>([
        Some(vec![Some(1.0), None, Some(3.0)]),
        Some(vec![]),
        None,
        Some(vec![Some(5.0)]),
    ]);
    let ids = ListArray::from_iter_primitive::<Int64Type, _, _>([
        Some(vec![Some(0), Some(1), Some(0)]),
        Some(vec![]),
        None,
        Some(vec![Some(1), Some(7)]),
    ]);
    let text = [Some("a b a"), Some(""), None, Some("b c")];
    vec![
        ("prices", Arc::new(prices)),
        ("ids", Arc::new(ids)),
        ("text", Arc::new(StringArray::from(text.to_vec()))),
        ("total", Arc::new(Float64Array::from(vec![Some(2.0), Some(1.0), Some(1.0), None]))),
        ("hour", Arc::new(Int64Array::from(vec![1, 0, 2, -1]))),
        ("nothing", Arc::new(NullArray::new(4))),
    ]
}

#[test]
fn every_value_of_a_list_counts() {
    assert_snapshot!(values("scale_to_0_1(prices)", columns()), @"[0.0, -, 0.5] [] - [1.0]");
    assert_snapshot!(values("mean(prices)", columns()), @"3.0 3.0 3.0 3.0");
    assert_snapshot!(values("size(prices)", columns()), @"3 3 3 3");
    assert_snapshot!(values("vocabulary(split(text))", columns()), @"[1, 0, 1] [] - [0, 2]");
}

#[test]
fn values_of_lists_go_with_one_key_or_weight_or_label_each() {
    assert_snapshot!(values("scale_to_0_1_per_key(prices, hour)", columns()), @"[0.0, -, 1.0] [] - [0.9933072]");
    assert_snapshot!(values("mean_per_key(total, split(text))", columns()), @"[2.0, 2.0, 2.0] [] - [2.0, 0.0]");
    assert_snapshot!(values("count_per_key(split(text))", columns()), @"[2, 2, 2] [] - [2, 1]");
    assert_snapshot!(values("vocabulary(split(text), weights => total)", columns()), @"[0, 1, 0] [] - [1, -1]");
    assert_snapshot!(values("vocabulary(ids, labels => hour, top_k => 1)", columns()), @"[0, -1, 0] [] - [-1, -1]");
    assert_snapshot!(values("bucketize(prices, 2, weights => prices)", columns()), @"[0, -, 0] [] - [1]");
    assert_snapshot!(values("apply_buckets_with_interpolation(prices, 1, 3)", columns()), @"[0.0, -, 1.0] [] - [1.0]");
    assert_snapshot!(values("scale_to_z_score_per_key(prices, split(text))", columns()), @"error: row 3 of the batch: lists of 1 and 2 values as arguments of one analyzer, expected the same number");
}

#[test]
fn one_value_goes_with_each_of_a_list() {
    assert_snapshot!(values("prices / total", columns()), @"[0.5, -, 1.5] [] - [-]");
    assert_snapshot!(values("fill_missing(prices, 0) > total", columns()), @"[false, false, true] [] - [-]");
    assert_snapshot!(values("list(hour, 1) * 2", columns()), @"[2, 2] [0, 2] [4, 2] [-2, 2]");
}

#[test]
fn functions_of_lists_are_what_their_names_say() {
    assert_snapshot!(values("bag_of_words(split(text), 1, 2, '_')", columns()), @"[a, a_b, b, b_a] [] - [b, b_c, c]");
    assert_snapshot!(values("list_join(list_slice(split(text), 2), '+')", columns()), @"b+a  - c");
    assert_snapshot!(values("one_hot(hour, 2)", columns()), @"[0.0, 1.0] [1.0, 0.0] [0.0, 0.0] [0.0, 0.0]");
    assert_snapshot!(values("multi_hot(ids, 3)", columns()), @"[1.0, 1.0, 0.0] [0.0, 0.0, 0.0] - [0.0, 1.0, 0.0]");
    assert_snapshot!(values("tfidf_ids(ids, 2)", columns()), @"[0, 1] [] - [1]");
    assert_snapshot!(values("cross(split(text), hour)", columns()), @"[a_x_1, b_x_1, a_x_1] [] - [b_x_-1, c_x_-1]");
    assert_snapshot!(values("cross(text, hour, '/')", columns()), @"a b a/1 /0 - b c/-1");
    assert_snapshot!(values("list_pad(ids, 2, -1)", columns()), @"[0, 1] [-1, -1] - [1, 7]");
    assert_snapshot!(values("list_contains(ids, hour)", columns()), @"true false - false");
    assert_snapshot!(values("CASE WHEN hour > 0 THEN ids ELSE list_slice(ids, 1, 1) END", columns()), @"[0, 1, 0] [] - [1]");
}

#[test]
fn terms_weigh_by_how_many_lists_have_them() {
    // Three lists are there; 0 is in one of them, 1 in two.
    assert_snapshot!(values("tfidf_weights(ids, 2)", columns()), @"[1.1287647, 0.42922735] [] - [1.287682]");
    assert_snapshot!(values("tfidf_weights(ids, 2, smooth => false)", columns()), @"[1.3990749, 0.46848837] [] - [1.4054651]");
}

#[test]
fn a_column_without_values_is_what_it_is_used_as() {
    assert_snapshot!(values("list_sum(nothing)", columns()), @"- - - -");
    assert_snapshot!(values("fill_missing(list_length(nothing), 0)", columns()), @"0 0 0 0");
}
