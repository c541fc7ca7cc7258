//! Custom validations against those of TensorFlow Data Validation, which has ZetaSQL evaluate them.

use base::Classify;
use formats::data_validation::CustomValidationConfig;
use formats::metadata::DatasetFeatureStatisticsList;
use schema::{CustomError, CustomValidations, SeverityOverride, ValidateOptions, default_slice};

use crate::cases::{Case, cases};
use crate::golden::assert_same;

fn config(text: &str) -> CustomValidationConfig {
    formats::text::parse(text).unwrap()
}

fn list(text: &str) -> DatasetFeatureStatisticsList {
    formats::text::parse(text).unwrap()
}

/// Validates as the options say, and by the custom validations besides.
fn validate(case: &Case<'_>) -> Result<formats::metadata::Anomalies, CustomError> {
    let statistics = case.slices("slices").unwrap();
    let previous = case.slices("previous slices");
    let environment = case.sections.get("environment").copied();
    let options = ValidateOptions {
        environment,
        previous: previous.as_ref().map(|it| default_slice(it).unwrap()),
        ..ValidateOptions::default()
    };
    let schema = case.schema("schema");
    let statistics_of_all = default_slice(&statistics).unwrap();
    let mut anomalies = schema::validate_statistics(statistics_of_all, &schema, &options).unwrap();
    anomalies.baseline_schema = None;
    let custom = CustomValidations::new(&config(case.text("custom"))).unwrap();
    custom.add_to(&mut anomalies, &statistics, previous.as_ref(), environment, &[])?;
    Ok(anomalies)
}

#[test]
fn anomalies_of_custom_validations_are_those_of_the_reference() {
    let cases = cases(include_str!("../../testdata/custom.txt"));
    assert!(cases.len() >= 10);
    for case in &cases {
        match validate(case) {
            Ok(found) => {
                assert!(!case.sections.contains_key("error"), "{}: {found:?}", case.name);
                assert_same(case.name, found, case.anomalies());
            }
            Err(error) => assert!(case.sections.contains_key("error"), "{}: {error}", case.name),
        }
    }
}

/// Whether an expression over statistics holds: `true`, `false` or `error`.
fn answer(
    statistics: &DatasetFeatureStatisticsList,
    feature: &str,
    expression: &str,
) -> (&'static str, String) {
    let mut config = CustomValidationConfig::default();
    let validation = formats::data_validation::Validation {
        sql_expression: Some(expression.to_owned()),
        ..Default::default()
    };
    config.feature_validations.push(formats::data_validation::FeatureValidation {
        feature_path: Some(formats::metadata::Path { step: vec![feature.to_owned()] }),
        validations: vec![validation],
        ..Default::default()
    });
    let custom = match CustomValidations::new(&config) {
        Ok(custom) => custom,
        Err(errors) => return ("error", errors[0].to_string()),
    };
    let mut anomalies = formats::metadata::Anomalies::default();
    match custom.add_to(&mut anomalies, statistics, None, None, &[]) {
        Err(error) => ("error", error.to_string()),
        Ok(()) if anomalies.anomaly_info.is_empty() => ("true", String::new()),
        Ok(()) => ("false", String::new()),
    }
}

#[test]
fn expressions_mean_what_they_mean_to_the_reference() {
    let (head, body) = include_str!("../../testdata/expressions.txt").split_once("\n\n").unwrap();
    let head: String = head.lines().filter(|line| !line.starts_with('#')).collect();
    let statistics = list(&head);
    let mut wrong = Vec::new();
    for line in body.lines() {
        let (question, expected) = line.rsplit_once(" => ").unwrap();
        let (feature, expression) = question.split_once(": ").unwrap();
        let expected = match expected.split_once(" our ") {
            Some((_, ours)) => ours.split(':').next().unwrap(),
            None => expected,
        };
        let (found, why) = answer(&statistics, feature, expression);
        if found != expected {
            wrong.push(format!("{question} => {found}, not {expected}. {why}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const STATISTICS: &str = r#"datasets { name: "All Examples" num_examples: 10
    features { path { step: "fare" } type: FLOAT num_stats { mean: 4 max: 9 } } }"#;

/// What is said of the expressions of `fare`.
fn said(expression: &str) -> String {
    let (answer, why) = answer(&list(STATISTICS), "fare", expression);
    if answer == "error" { why } else { answer.to_owned() }
}

#[test]
fn mistakes_in_expressions_are_shown_where_they_are() {
    assert_eq!(
        said("feature.num_stats.men < 10"),
        "feature `fare`: the query, line 1, column 19: there is no `men` in `feature.num_stats`\n    \
         feature.num_stats.men < 10\n                      ^"
    );
    assert_eq!(
        said("featur.num_stats.mean < 10"),
        "feature `fare`: the query, line 1, column 1: there is no `featur`\n    \
         featur.num_stats.mean < 10\n    ^"
    );
    assert_eq!(
        said("feature.num_stats.mean < 'x'"),
        "feature `fare`: the query, line 1, column 1: cannot compare a number with text\n    \
         feature.num_stats.mean < 'x'\n    ^"
    );
    assert_eq!(
        said("feature.num_stats.mean"),
        "feature `fare`: the query: it is a number, expected a truth value, in \"feature.num_stats.mean\""
    );
    assert!(said("feature.num_stats.mean <").contains("line 1, column 25"));
    assert!(
        said("feature.num_stats.mean / (feature.num_stats.max - 9) > 1")
            .contains("4 is divided by 0, at line 1, column 1")
    );
    assert!(said("feature.string_stats.unique > 1").contains("is NULL"));
    assert!(
        said("feature.num_stats.histograms[OFFSET(0)].num_nan = 0")
            .contains("there is no item 0 in a list of 0")
    );
    let deep = format!("{}1{} = 1", "(".repeat(5_000), ")".repeat(5_000));
    assert!(said(&deep).contains("nested too deeply"));
}

#[test]
fn all_mistakes_of_a_configuration_are_found_at_once() {
    let config = config(
        r#"feature_validations { feature_path { step: "a" } validations { sql_expression: "nope" } validations { sql_expression: "1" } }
           feature_validations { validations { sql_expression: "true" } }
           feature_pair_validations { feature_test_path { step: "a" } validations { sql_expression: "true" } }"#,
    );
    let errors = CustomValidations::new(&config).unwrap_err();
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[2].contains("a validation without a feature_path"));
    assert!(said[3].contains("a validation without a feature_base_path"));
}

#[test]
fn the_nearest_feature_is_suggested_and_severities_are_overridden() {
    let validations = |feature: &str| {
        CustomValidations::new(&config(&format!(
            "feature_validations {{ feature_path {{ step: '{feature}' }} validations {{ sql_expression: 'false' severity: ERROR }} }}"
        )))
        .unwrap()
    };
    let mut anomalies = formats::metadata::Anomalies::default();
    let statistics = list(STATISTICS);
    let error = validations("fares").add_to(&mut anomalies, &statistics, None, None, &[]);
    assert_eq!(error.unwrap_err().hint().unwrap(), "did you mean `fare`?");
    let warning = [SeverityOverride::from_names("CUSTOM_VALIDATION", "WARNING").unwrap()];
    validations("fare").add_to(&mut anomalies, &statistics, None, None, &warning).unwrap();
    let found = schema::findings(&anomalies);
    assert_eq!(found[0].severity.as_str_name(), "WARNING");
    assert_eq!(found[0].code, "CUSTOM_VALIDATION");
}
