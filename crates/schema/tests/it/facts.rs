//! Corners of inference, update and validation, as TensorFlow Data Validation 1.16.1 answers them.
//!
//! The questions and answers are in `testdata/`, with our own answers where they differ on purpose.

use formats::metadata::Schema;
use schema::{InferConfig, ValidateOptions, infer_schema, update_schema, validate_statistics};

use crate::cases::{Case, cases};
use crate::golden::assert_same;

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

/// Both files of questions about schemas and statistics.
fn validations() -> Vec<Case<'static>> {
    let mut all = cases(include_str!("../../testdata/validate.txt"));
    all.extend(cases(include_str!("../../testdata/limits.txt")));
    assert!(!all.is_empty());
    all
}

#[test]
fn anomalies_and_distances_are_those_of_the_reference() {
    for case in validations() {
        let previous = case.statistics("previous");
        let serving = case.statistics("serving");
        let previous_version = case.statistics("previous_version");
        let overrides = case.overrides();
        let options = ValidateOptions {
            environment: case.sections.get("environment").map(|text| text.trim()),
            previous: previous.as_ref(),
            serving: serving.as_ref(),
            previous_version: previous_version.as_ref(),
            new_features_are_warnings: case.text("options").contains("new_features_are_warnings"),
            severity_overrides: &overrides,
        };
        let statistics = case.statistics("statistics").unwrap();
        let mut found = validate_statistics(&statistics, &case.schema("schema"), &options).unwrap();
        found.baseline_schema = None;
        assert_same(case.name, found, case.anomalies());
    }
}

/// Where our answer is to differ, it does.
#[test]
fn no_difference_is_listed_that_is_none() {
    for case in validations() {
        for (ours, theirs) in [("our anomalies", "anomalies"), ("our updated", "updated")] {
            if let Some(ours) = case.sections.get(ours) {
                assert_ne!(ours.trim(), case.text(theirs).trim(), "{}", case.name);
            }
        }
    }
}

#[test]
fn schemas_are_updated_as_by_the_reference() {
    for case in validations() {
        let mut found = case.schema("schema");
        let statistics = case.statistics("statistics").unwrap();
        update_schema(&mut found, &statistics, &InferConfig::default()).unwrap();
        let expected: Schema = formats::text::parse(case.answer("our updated", "updated")).unwrap();
        assert_eq!(formats::text::print(&found), formats::text::print(&expected), "{}", case.name);
    }
}

fn assert_schema(case: &Case<'_>, section: &str, found: &Schema) {
    let expected = formats::text::print(&case.schema(section));
    assert_eq!(formats::text::print(found), expected, "{}", case.name);
}
