//! What people read: the wording of anomalies, their order, and what is deliberately not as in the
//! reference implementation.

use base::Classify;
use formats::metadata::anomaly_info::Severity;
use formats::metadata::feature_name_statistics::{Stats, Type};
use formats::metadata::histogram::{Bucket, HistogramType};
use formats::metadata::{
    Anomalies, DatasetFeatureStatistics, FeatureNameStatistics, Histogram, Schema,
};
use schema::{
    InferConfig, SchemaError, ValidateOptions, findings, infer_schema, update_schema,
    validate_statistics,
};

use crate::build::{Counts, dataset, numbers, texts};

fn parse(schema: &str) -> Schema {
    formats::text::parse(schema).unwrap()
}

fn validate(statistics: &DatasetFeatureStatistics, schema: &str) -> Vec<String> {
    validate_with(statistics, schema, &ValidateOptions::default())
}

fn validate_with(
    statistics: &DatasetFeatureStatistics,
    schema: &str,
    options: &ValidateOptions<'_>,
) -> Vec<String> {
    let anomalies = validate_statistics(statistics, &parse(schema), options).unwrap();
    let findings = findings(&anomalies).into_iter();
    findings.map(|it| format!("{} {}: {}", it.path, it.code, it.description)).collect()
}

#[test]
fn findings_come_in_the_order_of_severity_and_then_of_paths() {
    let schema = parse(
        r#"feature { name: "c" type: INT int_domain { min: 2 max: 3 } }
           feature { name: "b" type: INT presence { min_count: 1 } }
           dataset_constraints { min_examples_count: 99 }"#,
    );
    let statistics = dataset(vec![numbers("c", Type::Int, Counts::ALL, (1.0, 4.0))]);
    let mut anomalies =
        validate_statistics(&statistics, &schema, &ValidateOptions::default()).unwrap();
    let codes = |anomalies: &Anomalies| -> Vec<(String, &str)> {
        findings(anomalies).into_iter().map(|finding| (finding.path, finding.code)).collect()
    };
    let named = |path: &str, code| (path.to_owned(), code);
    let in_order = [
        named("", "DATASET_LOW_NUM_EXAMPLES"),
        named("b", "SCHEMA_MISSING_COLUMN"),
        named("c", "INT_TYPE_SMALL_INT"),
        named("c", "INT_TYPE_BIG_INT"),
    ];
    assert_eq!(codes(&anomalies), in_order);
    assert!(findings(&anomalies).iter().all(|finding| finding.severity == Severity::Error));

    let b = anomalies.anomaly_info.get_mut("b").unwrap();
    b.severity = Some(Severity::Warning.into());
    let [dataset, b, small, big] = in_order;
    assert_eq!(codes(&anomalies), [dataset, small, big, b]);
}

#[test]
fn an_unknown_environment_is_an_error_that_names_the_near_one() {
    let statistics = dataset(Vec::new());
    let options = ValidateOptions { environment: Some("SERVNG"), ..ValidateOptions::default() };
    for (schema, message, hint) in [
        (
            r#"default_environment: "TRAINING" default_environment: "SERVING""#,
            "unknown environment \"SERVNG\", expected one of the schema's: TRAINING, SERVING",
            Some("did you mean `SERVING`?"),
        ),
        (
            "",
            "unknown environment \"SERVNG\", expected none, as the schema has no default_environment",
            None,
        ),
    ] {
        let error = validate_statistics(&statistics, &parse(schema), &options).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.hint().as_deref()), (message, hint));
        assert_eq!(error.kind(), base::ErrorKind::Usage);
    }
}

#[test]
fn statistics_that_have_a_feature_twice_are_refused() {
    let feature = || numbers("a", Type::Int, Counts::ALL, (0.0, 9.0));
    let statistics = dataset(vec![feature(), feature()]);
    let config = InferConfig::default();
    let mut schema = Schema::default();
    for error in [
        infer_schema(&statistics, &config).unwrap_err(),
        update_schema(&mut schema, &statistics, &config).unwrap_err(),
        validate_statistics(&statistics, &schema, &ValidateOptions::default()).unwrap_err(),
    ] {
        assert!(matches!(&error, SchemaError::DuplicateStatistics { feature } if feature == "a"));
        assert_eq!(error.kind(), base::ErrorKind::Data);
    }
    assert_eq!(schema, Schema::default());
}

#[test]
fn a_limit_that_is_not_set_is_no_limit() {
    let statistics = dataset(vec![texts("a", Counts::ALL, &[("x", 1.0), ("y", 1.0)])]);
    let unique = r#"feature { name: "a" type: BYTES unique_constraints { min: 1 } }"#;
    assert_eq!(validate(&statistics, unique), Vec::<String>::new());
    let count =
        r#"feature { name: "a" type: BYTES } dataset_constraints { max_examples_count: 9 }"#;
    let expected =
        " DATASET_HIGH_NUM_EXAMPLES: The dataset has 10 examples, which is more than expected.";
    assert_eq!(validate(&statistics, count), [expected]);
}

#[test]
fn hexadecimal_texts_are_not_numbers() {
    let statistics = dataset(vec![texts("a", Counts::ALL, &[("0x10", 1.0)])]);
    let schema = r#"feature { name: "a" type: BYTES float_domain {} }"#;
    assert_eq!(validate(&statistics, schema).len(), 1);
}

#[test]
fn a_range_in_the_place_of_truth_values_still_allows_them() {
    for (kind, name) in [(Type::Int, "INT"), (Type::Float, "FLOAT")] {
        let mut schema = parse(&format!("feature {{ name: \"a\" type: {name} bool_domain {{}} }}"));
        let two = dataset(vec![numbers("a", kind, Counts::ALL, (2.0, 2.0))]);
        update_schema(&mut schema, &two, &InferConfig::default()).unwrap();
        for range in [(0.0, 1.0), (2.0, 2.0)] {
            let statistics = dataset(vec![numbers("a", kind, Counts::ALL, range)]);
            let text = formats::text::print(&schema);
            assert_eq!(validate(&statistics, &text), Vec::<String>::new());
        }
    }
}

#[test]
fn what_is_not_a_number_counts_in_a_divergence_whatever_the_buckets() {
    let histogram = |high_value, num_nan| -> FeatureNameStatistics {
        let mut feature = numbers("a", Type::Float, Counts::ALL, (0.0, high_value));
        if let Some(Stats::NumStats(stats)) = &mut feature.stats {
            stats.histograms.push(Histogram {
                num_nan,
                buckets: vec![Bucket { low_value: 0.0, high_value, sample_count: 5.0 }],
                r#type: HistogramType::Standard.into(),
                ..Histogram::default()
            });
        }
        feature
    };
    let schema = r#"feature { name: "a" type: FLOAT
        drift_comparator { jensen_shannon_divergence { threshold: 0.4 } } }"#;
    // Half of the values are not numbers. At the same boundaries, half of the mass is not shared: 0.5 in
    // base 2. At others, 1/12 of the mass is not shared either: 0.5444 by hand.
    for (high_value, expected) in [(5.0, "0.5"), (6.0, "0.544403")] {
        let previous = dataset(vec![histogram(high_value, 5)]);
        let options = ValidateOptions { previous: Some(&previous), ..ValidateOptions::default() };
        let found = validate_with(&dataset(vec![histogram(5.0, 5)]), schema, &options);
        let is_named = found.iter().any(|it| it.contains(&format!("previous is {expected}")));
        assert!(is_named, "{found:?}");
    }
}
