//! The differences between two schemas.

use formats::metadata::Schema;
use schema::{Change, Effect, add_features, diff_schemas};

fn parse(text: &str) -> Schema {
    formats::text::parse(text).unwrap()
}

fn diff(before: &str, after: &str) -> Vec<String> {
    diff_schemas(&parse(before), &parse(after)).iter().map(ToString::to_string).collect()
}

/// One feature `a` on either side.
fn diff_feature(before: &str, after: &str) -> Vec<String> {
    let feature = |text: &str| format!("feature {{ name: \"a\" {text} }}");
    let changes = diff(&feature(before), &feature(after));
    changes.iter().map(|it| it.strip_prefix("feature `a`: ").unwrap().to_owned()).collect()
}

#[test]
fn every_field_is_compared_and_its_effect_named() {
    for (before, after, expected) in [
        ("type: INT", "type: FLOAT", vec!["type: INT -> FLOAT (changed)"]),
        (
            "presence { min_fraction: 0.5 min_count: 3 }",
            "presence { min_fraction: 1 min_count: 2 }",
            vec![
                "presence.min_fraction: 0.5 -> 1 (tightened)",
                "presence.min_count: 3 -> 2 (relaxed)",
            ],
        ),
        (
            "presence { min_count: 1 }",
            "group_presence { required: true }",
            vec![
                "presence.min_count: 1 -> none (relaxed)",
                "group_presence.required: none -> true (tightened)",
            ],
        ),
        (
            "",
            "group_presence { required: false }",
            vec!["group_presence.required: none -> false (changed)"],
        ),
        (
            "shape { dim { size: 2 } }",
            "value_count { min: 1 max: 2 }",
            vec![
                "shape: [2] -> none (relaxed)",
                "value_count.min: none -> 1 (tightened)",
                "value_count.max: none -> 2 (tightened)",
            ],
        ),
        (
            "shape { dim { size: 2 } }",
            "shape { dim { size: 3 name: \"x\" } }",
            vec!["shape: [2] -> [x: 3] (changed)"],
        ),
        (
            "value_counts { value_count { min: 1 } value_count { max: 4 } }",
            "value_counts { value_count { min: 2 } value_count { max: 5 } }",
            vec![
                "value_counts[0].min: 1 -> 2 (tightened)",
                "value_counts[1].max: 4 -> 5 (relaxed)",
            ],
        ),
        (
            "int_domain { min: 1 max: 5 }",
            "int_domain { min: 0 }",
            vec!["int_domain.min: 1 -> 0 (relaxed)", "int_domain.max: 5 -> none (relaxed)"],
        ),
        (
            "int_domain {}",
            "bool_domain { true_value: \"y\" }",
            vec![
                "domain: int_domain -> bool_domain (changed)",
                "bool_domain.true_value: none -> \"y\" (changed)",
            ],
        ),
        (
            "float_domain {}",
            "float_domain { min: 0.25 disallow_nan: true }",
            vec![
                "float_domain.min: none -> 0.25 (tightened)",
                "float_domain.disallow_nan: none -> true (tightened)",
            ],
        ),
        ("", "domain: \"d\"", vec!["domain: none -> domain `d` (tightened)"]),
        (
            "string_domain { value: \"x\" value: \"y\" }",
            "string_domain { value: \"z\" value: \"x\" }",
            vec!["string_domain.value: -\"y\" +\"z\" (changed)"],
        ),
        (
            "string_domain { value: \"x\" value: \"y\" }",
            "string_domain { value: \"y\" value: \"x\" }",
            vec![],
        ),
        (
            "image_domain { max_image_byte_size: 5 }",
            "image_domain { max_image_byte_size: 4 minimum_supported_image_fraction: 0.5 }",
            vec![
                "image_domain.max_image_byte_size: 5 -> 4 (tightened)",
                "image_domain.minimum_supported_image_fraction: none -> 0.5 (tightened)",
            ],
        ),
        (
            "natural_language_domain { coverage { min_coverage: 0.5 } }",
            "natural_language_domain { coverage { min_coverage: 0.25 } token_constraints { int_value: 3 } }",
            vec![
                "natural_language_domain.coverage.min_coverage: 0.5 -> 0.25 (relaxed)",
                "natural_language_domain.token_constraints[0]: none -> { int_value: 3 } (changed)",
            ],
        ),
        (
            "distribution_constraints { min_domain_mass: 0.9 }",
            "distribution_constraints { min_domain_mass: 0.8 }",
            vec!["distribution_constraints.min_domain_mass: 0.9 -> 0.8 (relaxed)"],
        ),
        (
            "drift_comparator { infinity_norm { threshold: 0.1 } }",
            "drift_comparator { infinity_norm { threshold: 0.01 } jensen_shannon_divergence { threshold: 0.5 source { type: QUANTILES } } }",
            vec![
                "drift_comparator.infinity_norm.threshold: 0.1 -> 0.01 (tightened)",
                "drift_comparator.jensen_shannon_divergence.threshold: none -> 0.5 (tightened)",
                "drift_comparator.jensen_shannon_divergence.source: none -> QUANTILES (changed)",
            ],
        ),
        ("not_in_environment: \"S\"", "", vec!["not_in_environment: S -> none (changed)"]),
        ("", "lifecycle_stage: DEPRECATED", vec!["lifecycle_stage: none -> DEPRECATED (relaxed)"]),
        (
            "lifecycle_stage: ALPHA",
            "lifecycle_stage: BETA",
            vec!["lifecycle_stage: ALPHA -> BETA (tightened)"],
        ),
        ("deprecated: true", "", vec!["lifecycle_stage: DEPRECATED -> none (tightened)"]),
        (
            "unique_constraints { min: 1 }",
            "unique_constraints { min: 2 max: 9 }",
            vec![
                "unique_constraints.min: 1 -> 2 (tightened)",
                "unique_constraints.max: none -> 9 (tightened)",
            ],
        ),
        ("", "annotation { tag: \"x\" }", vec!["annotation: none -> { tag: \"x\" } (changed)"]),
    ] {
        assert_eq!(diff_feature(before, after), expected, "{before} | {after}");
    }
}

#[test]
fn parts_are_told_apart_by_name_and_not_by_place() {
    let before = r#"
        feature { name: "kept" type: INT }
        feature { name: "gone" type: INT presence { min_count: 1 } }
        feature { name: "s" type: STRUCT struct_domain { feature { name: "x" type: INT } } }
        string_domain { name: "d" value: "a" } string_domain { name: "e" }
        sparse_feature { name: "p" index_feature { name: "kept" } }
        default_environment: "TRAINING"
        dataset_constraints { min_examples_count: 10 num_examples_drift_comparator { max_fraction_threshold: 2 } }"#;
    let after = r#"
        feature { name: "s" type: STRUCT struct_domain { feature { name: "x" type: FLOAT } feature { name: "y" type: INT } } }
        feature { name: "new" type: INT presence { min_count: 1 } }
        feature { name: "kept" type: INT }
        feature { name: "optional" type: INT }
        string_domain { name: "d" value: "a" value: "b" } string_domain { name: "f" }
        sparse_feature { name: "p" index_feature { name: "s" } }
        default_environment: "TRAINING" default_environment: "SERVING"
        dataset_constraints { min_examples_count: 9 num_examples_drift_comparator { max_fraction_threshold: 1.5 } }"#;
    assert_eq!(
        diff(before, after),
        [
            "feature `gone`: removed (changed)",
            "feature `s.x`: type: INT -> FLOAT (changed)",
            "feature `s.y`: added (relaxed)",
            "feature `new`: added (changed)",
            "feature `optional`: added (relaxed)",
            "string_domain `d`: value: +\"b\" (relaxed)",
            "string_domain `e`: removed (changed)",
            "sparse_feature `p`: definition: { name: \"p\" index_feature { name: \"kept\" } } -> { name: \"p\" index_feature { name: \"s\" } } (changed)",
            "string_domain `f`: added (changed)",
            "schema: default_environment: TRAINING -> TRAINING, SERVING (changed)",
            "schema: dataset_constraints.num_examples_drift_comparator.max_fraction_threshold: 2 -> 1.5 (tightened)",
            "schema: dataset_constraints.min_examples_count: 10 -> 9 (relaxed)",
        ]
    );
}

#[test]
fn changes_are_data_for_tools_too() {
    let before = parse("feature { name: 'a' type: BYTES string_domain { value: 'x' } }");
    let after = parse("feature { name: 'a' type: BYTES string_domain { value: 'y' value: 'x' } }");
    let [change] = diff_schemas(&before, &after).try_into().unwrap();
    assert_eq!(change.location, "feature `a`");
    assert_eq!(change.effect, Effect::Relaxed);
    let field = "string_domain.value".to_owned();
    let added = vec!["y".to_owned()];
    assert_eq!(change.change, Change::Values { field, added, removed: Vec::new() });
    assert_eq!(diff_schemas(&before, &before), []);
}

#[test]
fn features_of_another_schema_are_added_and_nothing_else_changes() {
    let mut schema = parse(
        "feature { name: 'fare' type: FLOAT float_domain { min: 0 } }
         feature { name: 'gone' type: INT lifecycle_stage: DEPRECATED
           struct_domain { } }
         feature { name: 'trip' type: STRUCT struct_domain {
           feature { name: 'miles' type: FLOAT } } }
         weighted_feature { name: 'both' }
         string_domain { name: 'paid' value: 'mine' }",
    );
    let before = schema.clone();
    let from = parse(
        "feature { name: 'fare' type: INT }
         feature { name: 'gone' type: INT struct_domain { feature { name: 'x' type: INT } } }
         feature { name: 'both' type: INT }
         feature { name: 'trip' type: STRUCT struct_domain {
           feature { name: 'miles' type: INT }
           feature { name: 'paid' type: BYTES domain: 'paid' } } }
         feature { name: 'company' type: BYTES domain: 'company' }
         string_domain { name: 'paid' value: 'Cash' }
         string_domain { name: 'company' value: 'A' }
         default_environment: 'SERVING'",
    );
    assert_eq!(add_features(&mut schema, &from), ["trip.paid", "company"]);
    let changes: Vec<String> =
        diff_schemas(&before, &schema).iter().map(ToString::to_string).collect();
    assert_eq!(
        changes,
        [
            "feature `trip.paid`: added (relaxed)",
            "feature `company`: added (relaxed)",
            "string_domain `paid2`: added (changed)",
            "string_domain `company`: added (changed)",
        ]
    );
    let domains: Vec<_> = schema.string_domain.iter().map(|it| it.value.join(", ")).collect();
    assert_eq!(domains, ["mine", "Cash", "A"]);
    assert_eq!(add_features(&mut schema, &from), [""; 0]);
}
