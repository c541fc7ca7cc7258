//! What analyzers do at the edges, and how many passes they take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, Float32Array, Int64Array, NullArray, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use base::BoxError;
use dataflow::{BatchIter, Source};
use insta::assert_snapshot;
use transform::{InputFeature, analyze};

use crate::{apply, config, engine, inputs, learn, partitions, show, values};

fn floats(values: &[Option<f32>]) -> Vec<(&'static str, ArrayRef)> {
    vec![("x", Arc::new(Float32Array::from(values.to_vec())))]
}

fn ints(values: &[Option<i64>]) -> Vec<(&'static str, ArrayRef)> {
    vec![("x", Arc::new(Int64Array::from(values.to_vec())))]
}

fn strings(values: &[Option<&str>]) -> Vec<(&'static str, ArrayRef)> {
    vec![("x", Arc::new(StringArray::from(values.to_vec())))]
}

const NAN: Option<f32> = Some(f32::NAN);
const INF: Option<f32> = Some(f32::INFINITY);

#[test]
fn z_scores_leave_out_what_is_no_finite_number() {
    let column = floats(&[Some(1.0), None, Some(3.0), NAN, INF]);
    assert_snapshot!(values("scale_to_z_score(x)", column.clone()), @"-1.0 - 1.0 NaN inf");
    assert_snapshot!(values("mean(x)", column.clone()), @"2.0 2.0 2.0 2.0 2.0");
    assert_snapshot!(values("var(x)", column), @"1.0 1.0 1.0 1.0 1.0");
}

#[test]
fn a_constant_column_is_centred_and_not_divided() {
    assert_snapshot!(values("scale_to_z_score(x)", floats(&[Some(4.0), Some(4.0), None])), @"0.0 0.0 -");
    assert_snapshot!(values("scale_to_0_1(x)", floats(&[Some(0.0), Some(0.0), None])), @"0.5 0.5 -");
    assert_snapshot!(values("scale_by_min_max(x, 1, 3)", floats(&[Some(0.0)])), @"2.0");
}

#[test]
fn the_least_and_the_greatest_value_leave_out_nan_only() {
    let column = floats(&[Some(1.0), None, Some(3.0), NAN]);
    assert_snapshot!(values("scale_to_0_1(x)", column.clone()), @"0.0 - 1.0 NaN");
    assert_snapshot!(values("scale_by_min_max(x, output_min => -1, output_max => 1)", column.clone()), @"-1.0 - 1.0 NaN");
    assert_snapshot!(values("max(x) - min(x)", column.clone()), @"2.0 2.0 2.0 2.0");
    assert_snapshot!(values("size(x)", column), @"3 3 3 3");
    assert_snapshot!(values("max(x)", floats(&[Some(1.0), INF])), @"inf inf");
    // Floats cannot hold these.
    let large = ints(&[Some(i64::MAX), Some(i64::MAX - 1), Some(i64::MIN + 1)]);
    assert_snapshot!(values("max(x)", large.clone()), @"9223372036854775807 9223372036854775807 9223372036854775807");
    assert_snapshot!(values("min(x)", large), @"-9223372036854775807 -9223372036854775807 -9223372036854775807");
}

#[test]
fn nothing_can_be_learned_of_nothing_and_that_is_no_error() {
    let nothing = || floats(&[None, None]);
    for expression in
        ["scale_to_z_score(x)", "scale_to_0_1(x)", "bucketize(x, 10)", "min(x)", "max(x)"]
    {
        assert_eq!(values(expression, nothing()), "- -", "{expression}");
    }
    assert_snapshot!(values("mean(x) + var(x)", nothing()), @"0.0 0.0");
    assert_snapshot!(values("scale_to_z_score(fill_missing(x, 2))", nothing()), @"0.0 0.0");
    assert_snapshot!(values("vocabulary(x, num_oov_buckets => 1)", strings(&[None, Some("")])), @"- 1");
    assert_snapshot!(values("vocabulary(x)", strings(&[None, Some("")])), @"- -1");
    let empty = RecordBatch::try_from_iter(floats(&[])).unwrap();
    let graph =
        learn(&config(&[], &[("a", "bucketize(x, 3)"), ("b", "scale_to_z_score(x)")]), &empty)
            .unwrap();
    let later = RecordBatch::try_from_iter(floats(&[Some(5.0)])).unwrap();
    let features = apply(&graph, &later);
    assert_eq!(
        (show(features.column(0)), show(features.column(1))),
        ("0".to_owned(), "5.0".to_owned())
    );
}

#[test]
fn buckets_are_closed_on_the_left_and_nan_is_in_the_last() {
    let column: Vec<_> = (0..10_u8).map(|i| Some(f32::from(i))).chain([None, NAN]).collect();
    assert_snapshot!(values("bucketize(x, 5)", floats(&column)), @"0 0 1 1 2 2 3 3 4 4 - 4");
    assert_snapshot!(values("bucketize(x, 1)", floats(&[Some(1.0), None])), @"0 -");
    assert_snapshot!(values("apply_buckets(x, 1, 2.5)", floats(&[Some(0.9), Some(1.0), Some(2.5), NAN])), @"0 1 2 2");
    // One value fills many buckets, which are empty then but for the last of them.
    let column: Vec<_> = [7.0; 9].into_iter().chain([8.0]).map(Some).collect();
    assert_snapshot!(values("bucketize(x, 10)", floats(&column)), @"8 8 8 8 8 8 8 8 8 9");
}

#[test]
fn vocabularies_are_in_order_of_frequency_then_backwards() {
    let column =
        [Some("a"), Some("b"), Some("c"), Some("a"), None, Some(""), Some("x\ny"), Some("x\ny")];
    assert_snapshot!(values("vocabulary(x)", strings(&column)), @"0 2 1 0 - -1 -1 -1");
    assert_snapshot!(values("vocabulary(x, default_value => 7)", strings(&column)), @"0 2 1 0 - 7 7 7");
    assert_snapshot!(values("vocabulary(x, top_k => 2)", strings(&column)), @"0 -1 1 0 - -1 -1 -1");
    assert_snapshot!(values("vocabulary(x, frequency_threshold => 2)", strings(&column)), @"0 -1 -1 0 - -1 -1 -1");
    assert_snapshot!(values("vocabulary(x, num_oov_buckets => 1)", strings(&column)), @"0 2 1 0 - 3 3 3");
    // Integers are ordered as text.
    let column = [2, 111, 3, 3].map(Some);
    assert_snapshot!(values("vocabulary(x)", ints(&column)), @"1 2 0 0");
}

#[test]
fn vocabularies_by_weight_label_and_key() {
    let columns = || -> Vec<(&'static str, ArrayRef)> {
        let tokens = [Some("a"), Some("b"), Some("c"), Some("a"), None, Some("b"), Some("c")];
        let weights = [Some(1.0), Some(2.5), None, NAN, Some(9.0), Some(-1.0), Some(0.5)];
        vec![
            ("x", Arc::new(StringArray::from(tokens.to_vec()))),
            ("w", Arc::new(Float32Array::from(weights.to_vec()))),
            ("l", Arc::new(Int64Array::from(vec![0, 1, 0, 0, 1, 1, 1]))),
        ]
    };
    assert_snapshot!(values("vocabulary(x, weights => w)", columns()), @"1 0 2 1 - 0 2");
    assert_snapshot!(values("vocabulary(x, weights => w, frequency_threshold => 1)", columns()), @"1 0 -1 1 - 0 -1");
    // `a` and `b` come with one label each, `c` with both.
    assert_snapshot!(values("vocabulary(x, labels => l, top_k => 2)", columns()), @"0 1 -1 0 - 1 -1");
    assert_snapshot!(values("vocabulary(x, top_k => 1, key => l, coverage_top_k => 1)", columns()), @"2 1 0 2 - 1 0");
    assert_snapshot!(values("vocabulary(x, reserved_tokens => '[UNK], b')", columns()), @"3 1 2 3 - 1 2");
    // By their SHA-1: 84a5… of `c`, 86f7… of `a`, e9d7… of `b`.
    assert_snapshot!(values("vocabulary(x, fingerprint_shuffle => true)", columns()), @"1 2 0 1 - 2 0");
    let batch = RecordBatch::try_from_iter(columns()).unwrap();
    let named = [
        ("a", "vocabulary(x, vocab_filename => 'x_2')"),
        ("b", "vocabulary(x)"),
        ("c", "vocabulary(x, top_k => 1)"),
    ];
    let graph = learn(&config(&[], &named), &batch).unwrap();
    let names: Vec<_> = graph.vocabularies().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["x_2", "x", "x_3"]);
}

#[test]
fn densities_are_shares_by_width() {
    let column = floats(&[Some(0.0), Some(1.0), Some(1.5), Some(4.0), None, NAN]);
    // Two buckets of a width of two.
    assert_snapshot!(values("estimated_probability_density(x, 3)", column.clone()), @"0.375 0.375 0.375 0.125 - -");
    assert_snapshot!(values("estimated_probability_density(x)", column.clone()), @"2.5 7.5 7.5 7.5 - -");
    assert_snapshot!(values("quantile(x, 0) + quantile(x, 1)", column.clone()), @"4.0 4.0 4.0 4.0 4.0 4.0");
    assert_snapshot!(values("quantile(x, 0.5)", column.clone()), @"1.5 1.5 1.5 1.5 1.5 1.5");
    assert_snapshot!(values("sum(x)", column), @"NaN NaN NaN NaN NaN NaN");
    assert_snapshot!(values("sum(x)", floats(&[Some(1.5), None, Some(2.0)])), @"3.5 3.5 3.5");
    assert_snapshot!(values("quantile(x, 0.5)", floats(&[None, NAN])), @"- -");
    let weighted = floats(&[Some(1.0), Some(2.0), Some(3.0), Some(4.0)]);
    assert_snapshot!(values("bucketize(x, 2, weights => CASE WHEN x > 3.5 THEN 9 ELSE 1 END)", weighted), @"0 0 0 1");
}

#[test]
fn distributions_without_long_tails_are_scaled() {
    let column = floats(&[Some(1.0), Some(3.0), None, NAN]);
    assert_snapshot!(values("scale_to_gaussian(x)", column), @"-1.0 1.0 - NaN");
    assert_snapshot!(values("scale_to_gaussian(x)", floats(&[Some(4.0), Some(4.0)])), @"0.0 0.0");
    let mut column: Vec<_> = (-10_i8..=10).map(|i| Some(f32::from(i))).collect();
    column.extend([Some(1e4), Some(f32::INFINITY)]);
    let shown = values("scale_to_gaussian(x)", floats(&column));
    let last: Vec<_> = shown.split(' ').rev().take(2).collect();
    assert_eq!(last[0], "NaN");
    let greatest: f64 = last[1].parse().unwrap();
    assert!((1.5..4.0).contains(&greatest), "{shown}");
}

#[test]
fn analyzers_go_into_analyzers() {
    let column = floats(&[Some(1.0), Some(2.0), Some(3.0), Some(10.0)]);
    assert_snapshot!(values("max(scale_to_0_1(x)) - min(scale_to_0_1(x))", column.clone()), @"1.0 1.0 1.0 1.0");
    assert_snapshot!(values("bucketize(abs(x - mean(x)), 2)", column.clone()), @"1 0 0 1");
    assert_snapshot!(values("mean(3)", column), @"3.0 3.0 3.0 3.0");
}

/// Counts how often it is read and of which columns.
struct Counted {
    source: dataflow::Batches,
    num_reads: AtomicUsize,
    columns: std::sync::Mutex<Vec<Vec<String>>>,
}

impl Source for Counted {
    fn schema(&self) -> SchemaRef {
        self.source.schema()
    }

    fn num_partitions(&self) -> usize {
        self.source.num_partitions()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        self.num_reads.fetch_add(1, Ordering::Relaxed);
        self.columns.lock().unwrap().push(columns.unwrap_or_default().to_vec());
        self.source.read(partition, columns)
    }
}

/// Returns the columns of each pass.
fn passes(helpers: &[(&str, &str)], features: &[(&str, &str)]) -> Vec<Vec<String>> {
    let column: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0, 4.0]));
    let names = ["x", "y", "z"].map(|name| (name, Arc::clone(&column)));
    let batch = RecordBatch::try_from_iter(names).unwrap();
    let source = Counted {
        source: partitions(&batch, &[]),
        num_reads: AtomicUsize::new(0),
        columns: std::sync::Mutex::default(),
    };
    analyze(&config(helpers, features), &inputs(&batch), &source, &engine(1)).unwrap();
    let columns = source.columns.into_inner().unwrap();
    assert_eq!(columns.len(), source.num_reads.into_inner());
    columns
}

#[test]
fn passes_are_as_few_as_dependencies_allow_and_read_what_they_need() {
    assert!(passes(&[], &[("a", "x + y")]).is_empty());
    assert_eq!(
        passes(&[], &[("a", "scale_to_z_score(x)"), ("b", "bucketize(y, 2)")]),
        [["x", "y"]]
    );
    // The second pass needs `x` alone, though `y` was analyzed too, and what no feature needs is not analyzed.
    let features = [("a", "max(scale_to_z_score(x))"), ("b", "min(y) + z"), ("c", "mean(ln(x))")];
    assert_eq!(
        passes(&[("unused", "mean(mean(mean(z)))")], &features),
        [vec!["x", "y"], vec!["x"]]
    );
    let chain =
        [("a", "mean(x - mean(x))"), ("b", "var(x - a)"), ("c", "mean(y)"), ("d", "mean(z - c)")];
    assert_eq!(passes(&[], &chain), [vec!["x", "y"], vec!["x", "z"], vec!["x"]]);
}

#[test]
fn a_column_without_values_is_what_the_expressions_take_it_for() {
    let column: ArrayRef = Arc::new(NullArray::new(2));
    for (expression, expected) in [
        ("scale_to_z_score(x)", "- -"),
        ("vocabulary(x)", "- -"),
        ("lower(x)", "- -"),
        ("fill_missing(x, 'none')", "none none"),
        ("x", "- -"),
        ("x IS NULL", "true true"),
    ] {
        assert_eq!(values(expression, vec![("x", Arc::clone(&column))]), expected, "{expression}");
    }
}

#[test]
fn a_column_of_another_type_than_expected_is_an_error_that_names_it() {
    let batch = RecordBatch::try_from_iter(strings(&[Some("a")])).unwrap();
    let input = InputFeature {
        name: "x".to_owned(),
        feature_type: Some(transform::InputKind::Float),
        shape: graph::Shape::One,
        note: None,
    };
    let features = config(&[], &[("a", "mean(x)")]);
    let error = analyze(&features, &[input], &partitions(&batch, &[]), &engine(1)).unwrap_err();
    assert_snapshot!(error, @"feature `x` is Utf8, the transform graph expects FLOAT");
    let missing = InputFeature {
        name: "y".to_owned(),
        feature_type: Some(transform::InputKind::Float),
        shape: graph::Shape::One,
        note: None,
    };
    let features = config(&[], &[("a", "mean(y)")]);
    let error = analyze(&features, &[missing], &partitions(&batch, &[]), &engine(1)).unwrap_err();
    assert_snapshot!(error, @"feature `y` is missing, which the transform graph reads as FLOAT");
}

#[test]
fn mistakes_are_told_before_anything_is_read() {
    let shown = values("bucketise(x, 3)", floats(&[Some(1.0)]));
    assert_snapshot!(shown, @"error: features.feature:1: there is no function `bucketise`");
}
