//! Schemas relaxed to statistics and everything that they are compared with.

use formats::metadata::Schema;
use schema::{
    Effect, InferConfig, SeverityOverride, ValidateOptions, anomaly_type_names, diff_schemas,
    findings, relax_schema, validate_statistics,
};

use crate::build::{Counts, dataset, numbers, texts};
use crate::cases::cases;

/// Every question of the test data, answered by keeping the edits.
#[test]
fn a_relaxed_schema_allows_what_it_was_relaxed_to() {
    let mut count = 0;
    for text in
        [include_str!("../../testdata/validate.txt"), include_str!("../../testdata/limits.txt")]
    {
        for case in cases(text) {
            let previous = case.statistics("previous");
            let serving = case.statistics("serving");
            let previous_version = case.statistics("previous_version");
            let options = ValidateOptions {
                environment: case.sections.get("environment").map(|text| text.trim()),
                previous: previous.as_ref(),
                serving: serving.as_ref(),
                previous_version: previous_version.as_ref(),
                ..ValidateOptions::default()
            };
            let statistics = case.statistics("statistics").unwrap();
            let mut schema = case.schema("schema");
            let before = schema.clone();
            relax_schema(&mut schema, &statistics, &options, &InferConfig::default()).unwrap();
            let anomalies = validate_statistics(&statistics, &schema, &options).unwrap();
            assert_eq!(findings(&anomalies), [], "{}", case.name);
            assert_only_relaxed(case.name, &before, &schema);
            count += 1;
        }
    }
    assert!(count > 0);
}

/// Contradictions aside, which are repaired by what was probably meant.
fn assert_only_relaxed(name: &str, before: &Schema, after: &Schema) {
    if name == "contradictions" {
        return;
    }
    for change in diff_schemas(before, after) {
        // Where truth values become a range, or values are nested otherwise, one limit takes the place of
        // another that was violated.
        let replaces =
            ["int_domain.", "float_domain.", "value_counts[", "value_count.", "value_counts:"];
        let text = change.to_string();
        let is_replaced = replaces.iter().any(|it| text.contains(it))
            && (name.contains("truth values") || name.contains("value counts"));
        assert!(change.effect != Effect::Tightened || is_replaced, "{name}: {text}");
    }
}

#[test]
fn thresholds_are_raised_to_the_distances_that_are_found() {
    let mut schema: Schema = formats::text::parse(
        r#"feature { name: "a" type: BYTES
               drift_comparator { infinity_norm { threshold: 0.25 } normalized_abs_difference { threshold: 0.75 } } }
           dataset_constraints { min_examples_count: 11 num_examples_drift_comparator { max_fraction_threshold: 0.5 } }"#,
    )
    .unwrap();
    let statistics = dataset(vec![texts("a", Counts::ALL, &[("x", 1.0)])]);
    let previous = dataset(vec![texts("a", Counts::ALL, &[("y", 1.0)])]);
    let options = ValidateOptions { previous: Some(&previous), ..ValidateOptions::default() };
    relax_schema(&mut schema, &statistics, &options, &InferConfig::default()).unwrap();
    let expected: Schema = formats::text::parse(
        r#"feature { name: "a" type: BYTES
               drift_comparator { infinity_norm { threshold: 1 } normalized_abs_difference { threshold: 0.75 } } }
           dataset_constraints { min_examples_count: 10 num_examples_drift_comparator { max_fraction_threshold: 1 } }"#,
    )
    .unwrap();
    assert_eq!(formats::text::print(&schema), formats::text::print(&expected));
}

#[test]
fn a_schema_that_cannot_be_relaxed_stays_as_it_is() {
    let statistics = dataset(vec![numbers(
        "a",
        formats::metadata::feature_name_statistics::Type::Int,
        Counts::ALL,
        (0.0, 1.0),
    )]);
    let mut schema = Schema::default();
    let options = ValidateOptions { environment: Some("SERVING"), ..ValidateOptions::default() };
    relax_schema(&mut schema, &statistics, &options, &InferConfig::default()).unwrap_err();
    assert_eq!(schema, Schema::default());
}

#[test]
fn severities_are_named_as_in_anomalies() {
    use base::Classify;

    assert!(anomaly_type_names().contains(&"CUSTOM_VALIDATION"));
    assert!(SeverityOverride::from_names("SCHEMA_NEW_COLUMN", "WARNING").is_ok());
    let unknown = SeverityOverride::from_names("SCHEMA_NEW_COLUM", "WARNING").unwrap_err();
    assert_eq!(unknown.hint().as_deref(), Some("did you mean `SCHEMA_NEW_COLUMN`?"));
    let unknown = SeverityOverride::from_names("SCHEMA_NEW_COLUMN", "UNKNOWN").unwrap_err();
    assert_eq!(unknown.to_string(), "unknown severity \"UNKNOWN\", expected WARNING or ERROR");
    assert_eq!(unknown.kind(), base::ErrorKind::Usage);
}
