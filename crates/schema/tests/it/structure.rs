//! The check of schemas that people wrote, and reading and writing them.

use base::{Classify, render_chain};
use formats::metadata::{FeatureType, Schema};
use schema::{check_schema, feature_types, read_schema, write_schema};

fn problems(text: &str) -> Vec<String> {
    let schema: Schema = formats::text::parse(text).unwrap();
    check_schema(&schema).iter().map(ToString::to_string).collect()
}

#[test]
fn a_sound_schema_has_no_problems() {
    let text = r#"
        feature { name: "fare" type: FLOAT float_domain { min: 0 max: 500 } presence { min_fraction: 1 }
                  drift_comparator { jensen_shannon_divergence { threshold: 0.1 source { type: QUANTILES } } } }
        feature { name: "hour" type: INT int_domain { is_categorical: true } unique_constraints { max: 24 }
                  skew_comparator { infinity_norm { threshold: 0.1 } jensen_shannon_divergence { threshold: 0.1 } } }
        feature { name: "photo" type: BYTES image_domain { minimum_supported_image_fraction: 0.9 max_image_byte_size: 9 } }
        feature { name: "payment" type: BYTES drift_comparator { normalized_abs_difference { threshold: 0.1 } } domain: "payments" distribution_constraints { min_domain_mass: 0.9 }
                  not_in_environment: "SERVING" value_count { min: 1 max: 1 } }
        feature { name: "trip" type: STRUCT struct_domain { feature { name: "fare" type: INT bool_domain {} group_presence { required: true } } } }
        sparse_feature { name: "sparse" index_feature { name: "fare" } value_feature { name: "payment" } }
        weighted_feature { name: "weighted" feature { step: "trip" step: "fare" } weight_feature { step: "fare" } }
        string_domain { name: "payments" value: "Cash" value: "Card" }
        default_environment: "TRAINING" default_environment: "SERVING"
        dataset_constraints { min_examples_count: 1 max_examples_count: 9 }"#;
    assert_eq!(problems(text), Vec::<String>::new());
}

#[test]
fn what_cannot_be_meant_is_named_with_place_and_expectation() {
    for (text, expected) in [
        (
            r#"feature { name: "a" type: INT } feature { name: "a" type: INT }"#,
            "feature `a`: found the name more than once, expected it once",
        ),
        (
            r#"feature { name: "s" type: STRUCT struct_domain { feature { name: "a" type: INT } feature { name: "a" type: INT } } }"#,
            "feature `s`, below it `a`: found the name more than once, expected it once",
        ),
        ("feature { type: INT }", "feature number 1: found no name, expected the name of a column"),
        (
            r#"feature { name: "a" }"#,
            "feature `a`: found no type, expected one of BYTES, INT, FLOAT, STRUCT",
        ),
        (
            r#"feature { name: "a" type: BYTES domain: "paymnt" } string_domain { name: "payment" }"#,
            "feature `a`: found domain \"paymnt\", expected one that the schema has; did you mean `payment`?",
        ),
        (
            r#"feature { name: "a" type: INT float_domain {} }"#,
            "feature `a`: found a float_domain on type INT, expected a domain for this type",
        ),
        (
            r#"feature { name: "a" type: INT int_domain { min: 5 max: 4 } }"#,
            "feature `a`: found max of int_domain 4, expected at least its min, 5",
        ),
        (
            r#"feature { name: "a" type: FLOAT float_domain { min: nan max: 4 } }"#,
            "feature `a`: found max of float_domain 4, expected at least its min, NaN",
        ),
        (
            r#"feature { name: "a" type: INT value_count { min: 2 max: 1 } }"#,
            "feature `a`: found max value_count 1, expected at least its min, 2",
        ),
        (
            r#"feature { name: "a" type: INT value_counts { value_count { min: -1 } } }"#,
            "feature `a`: found min value_counts[0] -1, expected 0 or more",
        ),
        (
            r#"feature { name: "a" type: INT shape { dim { size: 0 } } }"#,
            "feature `a`: found shape.dim.size 0, expected 1 or more",
        ),
        (
            r#"feature { name: "a" type: INT presence { min_fraction: 1.5 } }"#,
            "feature `a`: found presence.min_fraction 1.5, expected 0 to 1",
        ),
        (
            r#"feature { name: "a" type: BYTES unique_constraints { min: 2 max: 1 } }"#,
            "feature `a`: found max unique_constraints 1, expected at least its min, 2",
        ),
        (
            r#"feature { name: "a" type: BYTES bool_domain { true_value: "y" false_value: "y" } }"#,
            "feature `a`: found \"y\" as true_value and as false_value, expected two different texts",
        ),
        (
            r#"feature { name: "a" type: BYTES string_domain { value: "x" value: "x" } }"#,
            "feature `a`: found value \"x\" more than once, expected it once",
        ),
        (
            r#"feature { name: "a" type: INT distribution_constraints { min_domain_mass: 0.5 } }"#,
            "feature `a`: found distribution_constraints without a domain of texts, expected a domain or string_domain with them",
        ),
        (
            r#"feature { name: "a" type: BYTES drift_comparator { infinity_norm { threshold: -1 } } }"#,
            "feature `a`: found drift_comparator threshold -1, expected 0 or more",
        ),
        (
            r#"feature { name: "a" type: INT not_in_environment: "SERVNG" } default_environment: "SERVING""#,
            "feature `a`: found not_in_environment \"SERVNG\", expected one that the schema has; did you mean `SERVING`?",
        ),
        (
            r#"feature { name: "a" type: INT in_environment: "E" not_in_environment: "E" } default_environment: "E""#,
            "feature `a`: found environment \"E\" as in and as not in, expected one of them",
        ),
        (
            r#"string_domain { name: "d" } string_domain { name: "d" }"#,
            "string_domain `d`: found the name more than once, expected it once",
        ),
        (
            r#"string_domain { value: "x" }"#,
            "string_domain: found no name, expected a name that features refer to",
        ),
        (
            r#"feature { name: "index" type: INT } sparse_feature { name: "s" index_feature { name: "indx" } value_feature { name: "index" } }"#,
            "sparse_feature `s`: found index_feature \"indx\", expected one that the schema has; did you mean `index`?",
        ),
        (
            r#"feature { name: "v" type: INT } weighted_feature { name: "w" feature { step: "v" } }"#,
            "weighted_feature `w`: found weight_feature \"\", expected one that the schema has",
        ),
        (
            r#"feature { name: "a" type: INT } sparse_feature { name: "a" index_feature { name: "a" } value_feature { name: "a" } }"#,
            "feature `a`: found the name more than once, expected it once",
        ),
        (
            r#"feature { name: "v" type: INT } sparse_feature { name: "s" value_feature { name: "v" } }"#,
            "sparse_feature `s`: found no index_feature, expected at least one",
        ),
        (
            r#"feature { name: "a" type: FLOAT drift_comparator { infinity_norm { threshold: 0.1 } } }"#,
            "feature `a`: found drift_comparator.infinity_norm on type FLOAT, expected jensen_shannon_divergence for numbers, or a domain that says is_categorical",
        ),
        (
            r#"feature { name: "a" type: INT bool_domain {} skew_comparator { normalized_abs_difference { threshold: 0.1 } } }"#,
            "feature `a`: found skew_comparator.normalized_abs_difference on type INT, expected jensen_shannon_divergence for numbers, or a domain that says is_categorical",
        ),
        (
            r#"feature { name: "a" type: STRUCT skew_comparator { infinity_norm { threshold: 0.1 } } }"#,
            "feature `a`: found skew_comparator.infinity_norm on type STRUCT, expected a categorical feature: one of texts, or of numbers whose domain says is_categorical",
        ),
        (
            r#"feature { name: "a" type: BYTES image_domain {} drift_comparator { jensen_shannon_divergence { threshold: 0.1 } } }"#,
            "feature `a`: found drift_comparator.jensen_shannon_divergence on type BYTES with image_domain, expected a feature of numbers or texts",
        ),
        (
            r#"feature { name: "a" type: INT drift_comparator { infinity_norm {} } }"#,
            "feature `a`: found drift_comparator without a threshold, expected the threshold of infinity_norm, jensen_shannon_divergence or normalized_abs_difference",
        ),
        (
            r#"feature { name: "a" type: INT unique_constraints { min: 2 } }"#,
            "feature `a`: found unique_constraints, expected a categorical feature: one of texts, or of numbers whose domain says is_categorical",
        ),
        (
            r#"feature { name: "a" type: INT group_presence { required: true } }"#,
            "feature `a`: found group_presence of a feature that is in no group, expected presence, or the feature below a struct",
        ),
        (
            r#"feature { name: "a" type: INT validation_derived_source { deriver_name: "x" } }"#,
            "feature `a`: found a derived source at stage UNKNOWN_STAGE, expected stage VALIDATION_DERIVED",
        ),
        (
            r#"feature { name: "a" type: BYTES bool_domain {} }"#,
            "feature `a`: found a bool_domain of texts without true_value and false_value, expected at least one of them",
        ),
        (
            r#"feature { name: "a" type: FLOAT bool_domain { true_value: "1" } }"#,
            "feature `a`: found true_value or false_value for numbers, expected none, as 1 and 0 are meant",
        ),
        (
            r#"feature { name: "a" type: BYTES image_domain { minimum_supported_image_fraction: 1.5 } }"#,
            "feature `a`: found minimum_supported_image_fraction 1.5, expected 0 to 1",
        ),
        (
            r#"feature { name: "a" type: BYTES image_domain { max_image_byte_size: -1 } }"#,
            "feature `a`: found max image_byte_size -1, expected 0 or more",
        ),
        (
            r#"feature { name: "a" type: BYTES natural_language_domain { coverage { min_coverage: 2 } } }"#,
            "feature `a`: found coverage.min_coverage 2, expected 0 to 1",
        ),
        (
            r#"feature { name: "a" type: BYTES natural_language_domain { token_constraints { min_per_sequence: 1 } } }"#,
            "feature `a`: found token_constraints[0] of no token, expected int_value or string_value",
        ),
        (
            r#"feature { name: "a" type: INT natural_language_domain { token_constraints { int_value: 1 min_per_sequence: 2 max_per_sequence: 1 } } }"#,
            "feature `a`: found max token_constraints[0].per_sequence 1, expected at least its min, 2",
        ),
        (
            r#"feature { name: "a" type: INT natural_language_domain { token_constraints { int_value: 1 min_fraction_of_sequences: 0.75 max_fraction_of_sequences: 0.5 } } }"#,
            "feature `a`: found max token_constraints[0].fraction_of_sequences 0.5, expected at least its min, 0.75",
        ),
        (
            r#"feature { name: "a" type: INT natural_language_domain { sequence_length_constraints { min_sequence_length: 2 max_sequence_length: 1 } } }"#,
            "feature `a`: found max sequence_length 1, expected at least its min, 2",
        ),
        (
            "dataset_constraints { min_examples_count: 9 max_examples_count: 8 }",
            "dataset_constraints: found max examples_count 8, expected at least its min, 9",
        ),
    ] {
        assert_eq!(problems(text), [expected]);
    }
}

#[test]
fn every_problem_is_reported() {
    let text = r#"feature { name: "a" } feature { name: "b" type: INT int_domain { min: 2 max: 1 } presence { min_count: -1 } }"#;
    assert_eq!(problems(text).len(), 3);
}

#[test]
fn a_schema_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.pbtxt");
    let text = r#"feature { name: "fare" type: FLOAT } feature { name: "tips" type: INT }"#;
    let schema: Schema = formats::text::parse(text).unwrap();
    write_schema(&path, &schema).unwrap();
    assert_eq!(read_schema(&path).unwrap(), schema);
    let types = [("fare".to_owned(), FeatureType::Float), ("tips".to_owned(), FeatureType::Int)];
    assert_eq!(feature_types(&schema), types);
}

#[test]
fn a_file_that_is_no_schema_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.pbtxt");
    let missing = read_schema(&path).unwrap_err();
    assert!(render_chain(&missing).contains("schema.pbtxt"), "{missing}");
    assert_eq!(missing.kind(), base::ErrorKind::NotFound);

    for bytes in [b"feature { nam: \"fare\" }".as_slice(), b"feature { name: \"\xff\" }"] {
        std::fs::write(&path, bytes).unwrap();
        let error = read_schema(&path).unwrap_err();
        assert!(render_chain(&error).contains("schema.pbtxt"), "{}", render_chain(&error));
        assert_eq!(error.kind(), base::ErrorKind::Data, "{}", render_chain(&error));
    }
}
