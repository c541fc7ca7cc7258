//! Slices and distributions, as TensorFlow Data Validation and TFX's DistributionValidator answer them.

use std::collections::BTreeMap;

use formats::metadata::Anomalies;
use schema::{
    Blessing, DistributionConfig, SchemaError, SliceControls, ValidateOptions, default_slice,
    validate_distributions, validate_slices,
};

use crate::build::{Counts, dataset, texts};
use crate::cases::{Case, cases};
use crate::golden::assert_same;

fn comparisons() -> Vec<Case<'static>> {
    cases(include_str!("../../testdata/comparisons.txt"))
}

#[test]
fn slices_are_validated_as_by_the_reference() {
    let mut count = 0;
    for case in comparisons() {
        let Some(slices) = case.slices("slices") else { continue };
        count += 1;
        let (previous, serving) = (case.slices("previous slices"), case.slices("serving slices"));
        let controls = SliceControls {
            previous: previous.as_ref(),
            serving: serving.as_ref(),
            previous_version: None,
        };
        let options = ValidateOptions::default();
        let mut found =
            validate_slices(&slices, &case.schema("schema"), &options, &controls).unwrap();
        found.baseline_schema = None;
        assert_same(case.name, found, case.anomalies());
    }
    assert!(count > 0);
}

fn config(case: &Case<'_>) -> DistributionConfig {
    let schema = case.schema("comparators");
    let features = schema
        .feature
        .iter()
        .map(|feature| (vec![feature.name().to_owned()], feature.drift_comparator.unwrap()));
    let constraints = schema.dataset_constraints.as_ref();
    DistributionConfig {
        features: features.collect(),
        num_examples: constraints.and_then(|it| it.num_examples_drift_comparator),
    }
}

#[test]
fn distributions_are_validated_as_by_the_reference() {
    let mut count = 0;
    for case in comparisons() {
        let Some(baseline) = case.statistics("baseline") else { continue };
        count += 1;
        let statistics = case.statistics("statistics").unwrap();
        let report = validate_distributions(&statistics, Some(&baseline), &config(&case)).unwrap();
        let is_clean = report.anomalies.anomaly_info.is_empty()
            && report.anomalies.dataset_anomaly_info.is_none();
        let expected = if is_clean { Blessing::Blessed } else { Blessing::NotBlessed };
        assert_eq!(report.blessing, expected, "{}", case.name);
        let measured: usize =
            report.anomalies.drift_skew_info.iter().map(|it| it.drift_measurements.len()).sum();
        assert_eq!(report.distances.len(), measured, "{}", case.name);
        let mut found = report.anomalies;
        found.baseline_schema = None;
        if !case.sections.contains_key("our anomalies") {
            clear_descriptions(&mut found);
        }
        assert_same(case.name, found, case.anomalies());
    }
    assert!(count > 0);
}

/// TFX leaves the description of an anomaly as a whole away, since it cannot tell what it is made of.
fn clear_descriptions(anomalies: &mut Anomalies) {
    let infos = anomalies.anomaly_info.values_mut().chain(&mut anomalies.dataset_anomaly_info);
    for info in infos {
        assert!(!info.description().is_empty());
        (info.description, info.short_description) = (None, None);
    }
}

#[test]
fn without_a_baseline_nothing_is_blessed_or_blamed() {
    let statistics = dataset(vec![texts("a", Counts::ALL, &[("x", 1.0)])]);
    let report = validate_distributions(&statistics, None, &DistributionConfig::default()).unwrap();
    assert_eq!(report.blessing, Blessing::NoBaseline);
    assert_eq!(report.anomalies, Anomalies::default());
    let codes = [Blessing::NotBlessed, Blessing::Blessed, Blessing::NoBaseline].map(Blessing::code);
    assert_eq!(codes, [0, 1, 2]);
}

#[test]
fn data_without_examples_is_not_blessed_even_if_no_feature_is_compared() {
    let mut nothing = dataset(Vec::new());
    nothing.num_examples = 0;
    let baseline = dataset(Vec::new());
    let report =
        validate_distributions(&nothing, Some(&baseline), &DistributionConfig::default()).unwrap();
    assert_eq!(report.blessing, Blessing::NotBlessed);
    assert!(report.anomalies.data_missing());
    assert_eq!(report.num_examples_ratio, Some(0.0));
}

#[test]
fn a_comparator_without_a_threshold_is_refused() {
    let path = vec!["trip".to_owned(), "fare".to_owned()];
    let features = BTreeMap::from([(path, Default::default())]);
    let config = DistributionConfig { features, num_examples: None };
    let error = validate_distributions(&dataset(Vec::new()), None, &config).unwrap_err();
    assert!(matches!(&error, SchemaError::NothingToCompare { feature } if feature == "trip.fare"));
}

#[test]
fn statistics_of_slices_need_those_of_all_examples() {
    let slice = |name: &str| {
        let mut slice = dataset(Vec::new());
        slice.name = name.to_owned();
        slice
    };
    let list = |names: &[&str]| formats::metadata::DatasetFeatureStatisticsList {
        datasets: names.iter().map(|name| slice(name)).collect(),
    };
    for (names, expected) in [
        (vec!["x"], Ok("x")),
        (vec!["x", "All Examples"], Ok("All Examples")),
        (
            vec!["x", "y"],
            Err("statistics of the slices x, y, expected those of \"All Examples\" among them"),
        ),
        (vec![], Err("statistics of no dataset, expected those of \"All Examples\" among them")),
    ] {
        let list = list(&names);
        let found = default_slice(&list).map(|it| it.name.as_str()).map_err(|it| it.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }
}
