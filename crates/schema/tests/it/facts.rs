//! Corners of inference, update and validation, as TensorFlow Data Validation 1.16.1 answers them.
//!
//! The questions and answers are in `testdata/`. Anomalies are compared by type: where the wording is ours,
//! so is the test of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use formats::metadata::{Anomalies, AnomalyInfo, DatasetFeatureStatistics, Schema};
use schema::{InferConfig, ValidateOptions, infer_schema, update_schema, validate_statistics};

/// Distances are equal to this, being sums of a few logarithms.
const TOLERANCE: f64 = 1e-9;

/// One question and its answer: a name, and texts by section.
struct Case<'a> {
    name: &'a str,
    sections: BTreeMap<&'a str, &'a str>,
}

impl Case<'_> {
    fn text(&self, section: &str) -> &str {
        self.sections.get(section).copied().unwrap_or("")
    }

    fn statistics(&self, section: &str) -> Option<DatasetFeatureStatistics> {
        let text = self.sections.get(section)?;
        Some(formats::text::parse(text).unwrap_or_else(|error| panic!("{}: {error}", self.name)))
    }

    fn schema(&self, section: &str) -> Schema {
        formats::text::parse(self.text(section))
            .unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let cases = text.split("\n=== ").skip(1).map(|case| {
        let (name, sections) = case.split_once('\n').unwrap();
        let sections = sections.strip_prefix("--- ").unwrap().split("\n--- ");
        let sections = sections.map(|section| section.split_once('\n').unwrap()).collect();
        Case { name, sections }
    });
    cases.collect()
}

#[test]
fn schemas_are_inferred_as_by_the_reference() {
    let cases = cases(include_str!("../../testdata/infer.txt"));
    assert!(!cases.is_empty());
    for case in cases {
        let (shape, size) = case.text("config").trim().split_once(' ').unwrap();
        let config = InferConfig {
            infer_feature_shape: shape == "true",
            max_string_domain_size: size.parse().unwrap(),
        };
        let found = infer_schema(&case.statistics("statistics").unwrap(), &config).unwrap();
        assert_schema(&case, "inferred", &found);
    }
}

#[test]
fn anomalies_and_distances_are_those_of_the_reference() {
    let cases = cases(include_str!("../../testdata/validate.txt"));
    assert!(!cases.is_empty());
    for case in cases {
        let (previous, serving) = (case.statistics("previous"), case.statistics("serving"));
        let options = ValidateOptions {
            environment: case.sections.get("environment").map(|text| text.trim()),
            previous: previous.as_ref(),
            serving: serving.as_ref(),
        };
        let statistics = case.statistics("statistics").unwrap();
        let found = validate_statistics(&statistics, &case.schema("schema"), &options).unwrap();
        assert_eq!(codes(&found).trim(), case.text("anomalies").trim(), "{}", case.name);
        assert_distances(&case, &found);
    }
}

#[test]
fn schemas_are_updated_as_by_the_reference() {
    let cases = cases(include_str!("../../testdata/validate.txt"));
    let cases = cases.into_iter().filter(|case| case.sections.contains_key("updated"));
    let mut count = 0;
    for case in cases {
        count += 1;
        let mut found = case.schema("schema");
        let statistics = case.statistics("statistics").unwrap();
        update_schema(&mut found, &statistics, &InferConfig::default()).unwrap();
        assert_schema(&case, "updated", &found);
    }
    assert!(count > 0);
}

fn assert_schema(case: &Case<'_>, section: &str, found: &Schema) {
    let expected = formats::text::print(&case.schema(section));
    assert_eq!(formats::text::print(found), expected, "{}", case.name);
}

/// One line for each anomaly: its key, then the types of its reasons.
fn codes(anomalies: &Anomalies) -> String {
    let mut text = String::new();
    let mut line = |key: &str, info: &AnomalyInfo| {
        let codes: Vec<&str> =
            info.reason.iter().map(|reason| reason.r#type().as_str_name()).collect();
        writeln!(text, "{key}: {}", codes.join(" ")).unwrap();
    };
    anomalies.dataset_anomaly_info.iter().for_each(|info| line("DATASET", info));
    anomalies.anomaly_info.iter().for_each(|(key, info)| line(key, info));
    text
}

fn assert_distances(case: &Case<'_>, found: &Anomalies) {
    let mut lines = case.text("distances").lines();
    for info in &found.drift_skew_info {
        let drift = info.drift_measurements.iter().map(|measurement| ("drift", measurement));
        let skew = info.skew_measurements.iter().map(|measurement| ("skew", measurement));
        for (kind, measurement) in drift.chain(skew) {
            let path = info.path.as_ref().unwrap().step.join(".");
            let named = format!("{path} {kind} {}", measurement.r#type().as_str_name());
            let line = lines.next().unwrap_or_else(|| panic!("{}: {named} is too much", case.name));
            let [threshold, value, name] = line.rsplitn(3, ' ').collect::<Vec<_>>()[..] else {
                panic!("{}: {line}", case.name)
            };
            assert_eq!(named, name, "{}", case.name);
            for (found, expected) in
                [(measurement.value(), value), (measurement.threshold(), threshold)]
            {
                let expected: f64 = expected.parse().unwrap();
                let is_same = (found - expected).abs() <= TOLERANCE;
                assert!(is_same, "{}: {named}: {found} is not {expected}", case.name);
            }
        }
    }
    assert_eq!(lines.next(), None, "{}", case.name);
}
