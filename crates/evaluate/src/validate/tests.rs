use std::collections::BTreeMap;

use insta::assert_snapshot;

use super::*;
use crate::{SliceValue, SliceValues, Task, Wanted};

fn slice(company: Option<&str>, auc: f64, baseline: Option<f64>) -> SliceResult {
    let metrics = |auc| BTreeMap::from([("auc".to_owned(), auc)]);
    let value = |name: &str| ("company".to_owned(), SliceValue::Text(name.to_owned()));
    SliceResult {
        key: company.map(value).into_iter().collect(),
        num_examples: 10,
        metrics: metrics(auc),
        baseline: baseline.map(metrics),
        ..SliceResult::default()
    }
}

fn evaluation(slices: Vec<SliceResult>) -> Evaluation {
    Evaluation {
        task: Task::BinaryClassification,
        num_missing_labels: 0,
        has_baseline: slices[0].baseline.is_some(),
        num_small_slices: 0,
        crowded: Vec::new(),
        slices,
        comparisons: Vec::new(),
        confidence_intervals: None,
    }
}

/// The one place that validates; every case below is data. Shows why a model is not blessed.
fn verdict(evaluation: &Evaluation, thresholds: &[Threshold]) -> String {
    let config = Config { thresholds: thresholds.to_vec(), ..Config::default() };
    let blessing = validate(evaluation, &config);
    assert_eq!(blessing.blessed, blessing.failures.is_empty());
    if blessing.blessed {
        return "blessed".to_owned();
    }
    blessing.failures.iter().map(Failure::to_string).collect::<Vec<_>>().join("\n")
}

/// As [`verdict`], overall.
fn overall(auc: f64, baseline: Option<f64>, threshold: Threshold) -> String {
    verdict(&evaluation(vec![slice(None, auc, baseline)]), &[threshold])
}

fn auc() -> Threshold {
    Threshold::new("auc")
}

#[test]
fn bounds_are_inclusive() {
    let threshold = Threshold { lower_bound: Some(0.7), upper_bound: Some(0.9), ..auc() };
    for good in [0.7, 0.8, 0.9] {
        assert_eq!(overall(good, None, threshold.clone()), "blessed");
    }
    assert_snapshot!(overall(0.65, None, threshold.clone()), @"auc, overall: 0.6500 is less than 0.7 (`lower_bound`)");
    assert_snapshot!(overall(0.95, None, threshold.clone()), @"auc, overall: 0.9500 is greater than 0.9 (`upper_bound`)");
    // The digits that tell the two apart are shown.
    assert_snapshot!(overall(0.69999999, None, threshold), @"auc, overall: 0.69999999 is less than 0.7 (`lower_bound`)");
}

#[test]
fn changes_are_candidate_minus_baseline() {
    let threshold = Threshold { min_change: Some(-0.25), max_change: Some(0.25), ..auc() };
    assert_eq!(overall(0.5, Some(0.75), threshold.clone()), "blessed");
    assert_eq!(overall(0.75, Some(0.5), threshold.clone()), "blessed");
    assert_snapshot!(overall(0.25, Some(0.75), threshold.clone()), @"auc, overall: the change from 0.7500 to 0.2500, -0.5000, is less than -0.25 (`min_change`)");
    assert_snapshot!(overall(1.0, Some(0.5), threshold), @"auc, overall: the change from 0.5000 to 1.0000, 0.5000, is greater than 0.25 (`max_change`)");
}

#[test]
fn relative_changes_are_shares_of_the_baseline() {
    let threshold =
        Threshold { min_relative_change: Some(-0.5), max_relative_change: Some(1.0), ..auc() };
    assert_eq!(overall(0.25, Some(0.5), threshold.clone()), "blessed");
    assert_eq!(overall(1.0, Some(0.5), threshold.clone()), "blessed");
    assert_snapshot!(overall(0.125, Some(0.5), threshold.clone()), @"auc, overall: the change from 0.5000 to 0.1250, -0.7500, is less than -0.5 (`min_relative_change`)");
    assert_snapshot!(overall(0.5, Some(0.125), threshold.clone()), @"auc, overall: the change from 0.1250 to 0.5000, 3.0000, is greater than 1 (`max_relative_change`)");
    assert_snapshot!(overall(0.5, Some(0.0), threshold), @r"
    auc, overall: 0 for the baseline, and so there is no relative change (`min_relative_change`)
    auc, overall: 0 for the baseline, and so there is no relative change (`max_relative_change`)
    ");
}

#[test]
fn without_a_baseline_changes_do_not_bind() {
    let threshold = Threshold { min_change: Some(0.1), min_relative_change: Some(0.1), ..auc() };
    assert_eq!(overall(0.5, None, threshold.clone()), "blessed");
    let threshold = Threshold { lower_bound: Some(0.6), ..threshold };
    assert_snapshot!(overall(0.5, None, threshold), @"auc, overall: 0.5000 is less than 0.6 (`lower_bound`)");
}

#[test]
fn what_is_not_a_number_is_never_blessed() {
    let threshold = Threshold { min_change: Some(-1.0), ..auc() };
    assert_snapshot!(overall(f64::NAN, None, threshold.clone()), @"auc, overall: not defined for these examples (NaN)");
    assert_snapshot!(overall(0.5, Some(f64::NAN), threshold.clone()), @"auc, overall: not defined for the baseline (NaN), and so there is no change (`min_change`)");
    // Infinity minus infinity.
    assert_snapshot!(overall(f64::INFINITY, Some(f64::INFINITY), threshold), @"auc, overall: the change from inf to inf, NaN, is less than -1 (`min_change`)");
    let threshold = Threshold { lower_bound: Some(-1.0), upper_bound: Some(2.0), ..auc() };
    assert_snapshot!(overall(f64::NAN, None, threshold), @"auc, overall: not defined for these examples (NaN)");
}

#[test]
fn a_model_that_nothing_is_asked_of_is_not_blessed() {
    assert_snapshot!(verdict(&evaluation(vec![slice(None, 0.9, None)]), &[]), @"there are no thresholds, and a model that nothing is asked of is not blessed");
}

#[test]
fn without_examples_no_model_is_blessed() {
    let mut empty = evaluation(vec![slice(None, 0.9, None)]);
    empty.slices[0].num_examples = 0;
    let threshold = Threshold { lower_bound: Some(0.0), ..auc() };
    assert_snapshot!(verdict(&empty, std::slice::from_ref(&threshold)), @"no example has a label");
    empty.slices.clear();
    assert_snapshot!(verdict(&empty, &[threshold]), @"no example has a label");
}

#[test]
fn a_metric_that_was_not_computed_fails() {
    let threshold = Threshold { lower_bound: Some(0.0), ..Threshold::new("accuracy") };
    assert_snapshot!(overall(0.9, None, threshold), @"accuracy, overall: the metric was not computed");
    let mut without = evaluation(vec![slice(None, 0.9, Some(0.9))]);
    without.slices[0].baseline = Some(BTreeMap::new());
    let threshold = Threshold { min_change: Some(-1.0), ..auc() };
    assert_snapshot!(verdict(&without, &[threshold]), @"auc, overall: the metric was not computed");
}

#[test]
fn a_threshold_holds_where_it_says() {
    let slices = vec![
        slice(None, 0.9, None),
        slice(Some("Flash Cab"), 0.6, None),
        slice(Some("Yellow"), 0.8, None),
    ];
    let on = |slices| Threshold { lower_bound: Some(0.7), slices, ..auc() };
    let named = |cross: &[&[&str]]| {
        let names = |cross: &&[&str]| {
            SliceSpec::Features(cross.iter().map(|name| (*name).to_owned()).collect())
        };
        ThresholdSlices::Features(cross.iter().map(names).collect())
    };
    let mut found = evaluation(slices);
    let all = ThresholdSlices::Named(NamedSlices::All);
    assert_eq!(verdict(&found, &[on(ThresholdSlices::default())]), "blessed");
    assert_eq!(verdict(&found, &[on(named(&[&[]]))]), "blessed");
    assert_snapshot!(verdict(&found, &[on(all.clone())]), @"auc, company: Flash Cab: 0.6000 is less than 0.7 (`lower_bound`)");
    assert_snapshot!(verdict(&found, &[on(named(&[&["company"]]))]), @"auc, company: Flash Cab: 0.6000 is less than 0.7 (`lower_bound`)");
    assert_snapshot!(verdict(&found, &[on(named(&[&["color", "company"]]))]), @"auc: no slice by `color`, `company` was computed");

    found.slices.truncate(1);
    found.crowded = vec![vec!["company".to_owned()]];
    assert_eq!(verdict(&found, &[on(ThresholdSlices::default())]), "blessed");
    assert_snapshot!(verdict(&found, &[on(all)]), @"auc: there are too many slices by `company` to evaluate");
    assert_snapshot!(verdict(&found, &[on(named(&[&["company"]]))]), @"auc: there are too many slices by `company` to evaluate");
}

#[test]
fn every_failure_is_told() {
    let slices = vec![slice(None, 0.5, Some(0.8)), slice(Some("A"), 0.4, Some(0.8))];
    let first = Threshold {
        lower_bound: Some(0.6),
        min_change: Some(-0.1),
        slices: ThresholdSlices::Named(NamedSlices::All),
        ..auc()
    };
    let second = Threshold { lower_bound: Some(0.9), ..auc() };
    let config = Config { thresholds: vec![first, second], ..Config::default() };
    let blessing = validate(&evaluation(slices), &config);
    let places: Vec<_> = blessing
        .failures
        .iter()
        .map(|failure| (failure.threshold.unwrap(), failure.slice.clone().unwrap()))
        .collect();
    let (whole, company) = (("overall".to_owned(), 10), ("company: A".to_owned(), 10));
    let expected =
        [(0, whole.clone()), (0, whole.clone()), (0, company.clone()), (0, company), (1, whole)];
    assert_eq!(places, expected);
}

fn of_company(name: &str) -> BTreeMap<String, Wanted> {
    BTreeMap::from([("company".to_owned(), Wanted::Text(name.to_owned()))])
}

fn only(name: &str) -> ThresholdSlices {
    let values = SliceValues { features: Vec::new(), values: of_company(name) };
    ThresholdSlices::Features(vec![SliceSpec::Values(values)])
}

#[test]
fn a_threshold_can_be_on_one_value() {
    let found = evaluation(vec![
        slice(None, 0.9, None),
        slice(Some("Flash Cab"), 0.6, None),
        slice(Some("Yellow"), 0.8, None),
    ]);
    let on = |name| Threshold { lower_bound: Some(0.7), slices: only(name), ..auc() };
    assert_eq!(verdict(&found, &[on("Yellow")]), "blessed");
    assert_snapshot!(verdict(&found, &[on("Flash Cab")]), @"auc, company: Flash Cab: 0.6000 is less than 0.7 (`lower_bound`)");
    assert_snapshot!(verdict(&found, &[on("Blue")]), @"auc: no slice `company: Blue` was computed");
}

#[test]
fn slices_are_held_against_another_one() {
    let all = ThresholdSlices::Named(NamedSlices::All);
    let found = evaluation(vec![
        slice(None, 0.75, Some(0.75)),
        slice(Some("A"), 0.5, Some(0.75)),
        slice(Some("B"), 1.0, Some(0.75)),
    ]);
    let gap = Threshold { lower_bound: Some(-0.25), slices: all, ..auc() };
    let of_all = Threshold { against: Some(BTreeMap::new()), ..gap.clone() };
    assert_eq!(verdict(&found, &[of_all]), "blessed");
    let of_b = Threshold { against: Some(of_company("B")), ..gap.clone() };
    assert_snapshot!(verdict(&found, &[of_b]), @"auc, company: A: -0.5000 is less than -0.25 (`lower_bound`)");
    // The change is that of the difference.
    let change = Threshold {
        lower_bound: None,
        min_change: Some(-0.125),
        against: Some(BTreeMap::new()),
        ..gap.clone()
    };
    assert_snapshot!(verdict(&found, &[change]), @"auc, company: A: the change from 0.0000 to -0.2500, -0.2500, is less than -0.125 (`min_change`)");
    let missing = Threshold { against: Some(of_company("C")), ..gap };
    assert_snapshot!(verdict(&found, &[missing]), @"auc: no slice `company: C` was computed");
}

#[test]
fn what_is_not_a_number_is_no_measure_for_others() {
    let found = evaluation(vec![slice(None, f64::NAN, None), slice(Some("A"), 0.5, None)]);
    let threshold = Threshold {
        lower_bound: Some(-1.0),
        slices: only("A"),
        against: Some(BTreeMap::new()),
        ..auc()
    };
    assert_snapshot!(verdict(&found, &[threshold]), @"auc, overall: not defined for these examples (NaN)");
}

#[test]
fn without_a_baseline_nothing_is_compared_with_it() {
    let threshold = Threshold { upper_bound: Some(0.1), ..Threshold::new("symmetric_flip_rate") };
    assert_eq!(overall(0.5, None, threshold.clone()), "blessed");
    assert_snapshot!(overall(0.5, Some(0.5), threshold), @"symmetric_flip_rate, overall: the metric was not computed");
}
