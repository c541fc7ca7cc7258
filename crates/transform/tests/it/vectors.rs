//! Analyzers that give lists, or take them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, StringArray};

use crate::{config, learn, values};

fn columns() -> Vec<(&'static str, ArrayRef)> {
    let x = [Some(0.05), Some(0.95), None, Some(f32::NAN), Some(0.5), Some(2.0)];
    let y = [Some(3), Some(1), Some(7), Some(1), None, Some(0)];
    vec![
        ("x", Arc::new(Float32Array::from(x.to_vec()))),
        ("y", Arc::new(Int64Array::from(y.to_vec()))),
    ]
}

#[test]
fn a_histogram_is_the_same_for_all_examples() {
    let counts = "[1, 0, 0, 0, 0, 1, 0, 0, 0, 2]";
    assert_eq!(values("histogram(x)", columns()), [counts; 6].join(" "));
    assert_eq!(values("histogram(y, 3)", columns()), ["[4, 1]"; 6].join(" "));
    let nothing = || vec![("x", Arc::new(Float32Array::new_null(1)) as ArrayRef)];
    assert_eq!(values("histogram(x, 3)", nothing()), "[0, 0]");
    assert_eq!(values("covariance(list(x, x))", nothing()), "[0.0, 0.0, 0.0, 0.0]");
}

#[test]
fn vectors_with_something_missing_do_not_count() {
    // Of (0, 3), (0, 1) and (2, 0).
    let covariance = values("list_get(covariance(list(floor(x), y)), 2) * 9", columns());
    assert_eq!(covariance, ["-8.0"; 6].join(" "));
    let component = values("pca(list(x, y), 1)", columns());
    let missing: Vec<bool> = component.split(' ').map(|value| value == "-").collect();
    assert_eq!(missing, [false, false, true, false, true, false]);
}

#[test]
fn lists_of_any_length_have_no_covariance() {
    let column = || vec![("s", Arc::new(StringArray::from(vec!["a b"])) as ArrayRef)];
    let problem = |expression: &str| values(expression, column());
    assert_eq!(
        problem("pca(hash_strings(split(s), 9), 1)"),
        "error: features.feature:5: argument `x` of `pca`: found a list of any length, expected one whose length is \
         always the same"
    );
    assert_eq!(
        problem("pca(list(length(s)), 2)"),
        "error: features.feature:22: `output_dim` is 2, expected at most the 1 values of the list"
    );
    assert_eq!(
        problem("covariance(one_hot(length(s), 40))"),
        "error: features.feature:12: `covariance` of 40 values, expected 1 to 32"
    );
    assert_eq!(problem("pca(one_hot(length(s), 40), 2)"), "[0.0, 0.0]");
}

#[test]
fn frequencies_stand_in_the_file_and_not_in_the_vocabulary() {
    let column =
        || vec![("s", Arc::new(StringArray::from(vec!["b", "a", "b", "c d"])) as ArrayRef)];
    let frequency = "vocabulary(s, store_frequency => true, reserved_tokens => '[PAD]')";
    assert_eq!(values(frequency, column()), "1 3 1 2");
    let batch = arrow::array::RecordBatch::try_from_iter(column()).unwrap();
    let graph = learn(&config(&[], &[("id", frequency)]), &batch).unwrap();
    let dir = tempfile::tempdir().unwrap();
    graph.save(dir.path()).unwrap();
    let text = std::fs::read_to_string(dir.path().join("assets/s.txt")).unwrap();
    assert_eq!(text, "-1 [PAD]\n2 b\n1 c d\n1 a\n");
    assert_eq!(graph::Graph::load(dir.path()).unwrap(), graph);
    let spoiled = dir.path().join("assets/s.txt");
    std::fs::write(spoiled, "2 [PAD]\n2 b\n1 c d\n1 a\n").unwrap();
    assert!(graph::Graph::load(dir.path()).is_err());
}

#[test]
fn with_labels_and_keys_the_most_informative_of_each_key_follow() {
    // `a1` and `b1` come with one label only, `a2` and `b2` with both, `b1` is less frequent than `a1`.
    let texts = ["a1", "a1", "a1", "a2", "a2", "b1", "b1", "b2", "b2", "b2"];
    let labels = [1, 1, 1, 0, 1, 0, 0, 0, 1, 1];
    let columns = || -> Vec<(&'static str, ArrayRef)> {
        vec![
            ("s", Arc::new(StringArray::from(texts.to_vec()))),
            ("label", Arc::new(Int64Array::from(labels.to_vec()))),
        ]
    };
    let batch = arrow::array::RecordBatch::try_from_iter(columns()).unwrap();
    let tokens = |options: &str| {
        let expression = format!("vocabulary(s, labels => label{options})");
        let graph = learn(&config(&[], &[("id", &expression)]), &batch).unwrap();
        let (_, vocabulary) = graph.vocabularies().next().unwrap();
        vocabulary.tokens().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(tokens(""), "b1 a1 a2 b2");
    assert_eq!(tokens(", top_k => 1"), "b1");
    let covered = ", top_k => 1, key => substring(s, 1, 1), coverage_top_k => ";
    assert_eq!(tokens(&format!("{covered}1")), "b1 a1");
    assert_eq!(tokens(&format!("{covered}2")), "b1 a1 a2 b2");
    let threshold = ", coverage_frequency_threshold => 0.1";
    assert_eq!(tokens(&format!("{covered}2{threshold}")), "b1 a1");
    // Recommended for ten examples are two, so that nothing is far enough from chance.
    assert_eq!(
        tokens(", min_diff_from_avg => 'auto', frequency_threshold => 0.1"),
        "49d0cd50-04bb-48c0-bc6f-5b575dce351a"
    );
}

#[test]
fn a_vocabulary_of_no_integers_holds_minus_one() {
    let none = || vec![("y", Arc::new(Int64Array::new_null(1)) as ArrayRef)];
    let batch = arrow::array::RecordBatch::try_from_iter(none()).unwrap();
    let token = |expression: &str| {
        let graph = learn(&config(&[], &[("id", expression)]), &batch).unwrap();
        let (_, vocabulary) = graph.vocabularies().next().unwrap();
        vocabulary.tokens().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(token("vocabulary(y)"), "-1");
    assert_eq!(token("vocabulary(cast(y AS text))"), "49d0cd50-04bb-48c0-bc6f-5b575dce351a");
}
