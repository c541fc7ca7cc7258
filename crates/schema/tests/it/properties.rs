//! Rules that hold for any statistics and any schema.

use std::collections::BTreeSet;

use formats::metadata::feature_name_statistics::Type;
use formats::metadata::{DatasetFeatureStatistics, FeatureNameStatistics, Schema};
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::{select, subsequence};
use schema::{
    Change, Effect, InferConfig, SchemaChange, ValidateOptions, check_schema, diff_schemas,
    findings, infer_schema, relax_schema, update_schema, validate_statistics,
};

use crate::build::{Counts, NUM_EXAMPLES, dataset, numbers, texts};

const NAMES: [&str; 4] = ["fare", "hour", "payment_type", "tips"];

fn some_counts() -> impl Strategy<Value = Counts> {
    let present = prop_oneof![Just(NUM_EXAMPLES), Just(NUM_EXAMPLES - 1), Just(1), Just(0)];
    (present, 0..3_u64, 0..3_u64).prop_map(|(present, min, more)| Counts {
        present,
        min,
        max: min + more,
    })
}

fn some_feature(name: &'static str) -> impl Strategy<Value = FeatureNameStatistics> {
    let words = ["", "0", "1", "12", "true", "false", "cash", "card", "-3"].to_vec();
    let kinds = select(vec![Type::Int, Type::Float]);
    prop_oneof![
        (some_counts(), kinds, -3..3_i32, 0..4_i32).prop_map(move |(counts, kind, min, more)| {
            numbers(name, kind, counts, (f64::from(min), f64::from(min + more)))
        }),
        (some_counts(), subsequence(words, 0..6)).prop_map(move |(counts, words)| {
            let values: Vec<(&str, f64)> = words.into_iter().map(|word| (word, 1.0)).collect();
            texts(name, counts, &values)
        }),
    ]
}

fn some_statistics() -> impl Strategy<Value = DatasetFeatureStatistics> {
    let features = NAMES.map(|name| (any::<bool>(), some_feature(name)));
    features.prop_map(|features| {
        dataset(features.into_iter().filter(|(keep, _)| *keep).map(|(_, it)| it).collect())
    })
}

fn some_config() -> impl Strategy<Value = InferConfig> {
    (any::<bool>(), 0..5_u32).prop_map(|(infer_feature_shape, max_string_domain_size)| {
        InferConfig { infer_feature_shape, max_string_domain_size }
    })
}

/// A feature that a person wrote: a limit of every kind that its type can have, or none of it.
fn some_curated_feature(name: &'static str) -> impl Strategy<Value = String> {
    let any_of = |texts: &[&'static str]| select(texts.to_vec());
    let presence =
        any_of(&["", "presence { min_count: 9 }", "presence { min_fraction: 0.95 min_count: 1 }"]);
    let counts = any_of(&[
        "",
        "value_count { min: 1 }",
        "value_count { min: 1 max: 1 }",
        "shape { dim { size: 1 } }",
        "shape { dim { size: 2 } }",
    ]);
    let texts = any_of(&[
        "",
        "string_domain { value: 'cash' value: '1' }",
        "domain: 'shared'",
        "domain: 'shared' distribution_constraints { min_domain_mass: 0.5 }",
        "bool_domain { true_value: 'true' false_value: 'false' }",
        "int_domain { min: 0 max: 5 }",
        "float_domain { max: 0.5 }",
    ]);
    let text_limits = any_of(&[
        "",
        "unique_constraints { min: 2 max: 3 }",
        "drift_comparator { infinity_norm { threshold: 0.1 } jensen_shannon_divergence { threshold: 0.1 } }",
        "skew_comparator { normalized_abs_difference { threshold: 0.01 } }",
    ]);
    let integers = any_of(&["", "int_domain { min: 0 max: 1 }", "bool_domain {}"]);
    let floats =
        any_of(&["", "float_domain { min: 0.5 max: 1 disallow_nan: true }", "bool_domain {}"]);
    let environment = any_of(&["", "not_in_environment: 'SERVING'", "in_environment: 'SERVING'"]);
    let kind = prop_oneof![
        (texts, text_limits).prop_map(|(domain, limits)| format!("type: BYTES {domain} {limits}")),
        integers.prop_map(|domain| format!("type: INT {domain}")),
        floats.prop_map(|domain| format!("type: FLOAT {domain}")),
    ];
    (presence, counts, kind, environment).prop_map(move |(presence, counts, kind, environment)| {
        format!("feature {{ name: '{name}' {presence} {counts} {kind} {environment} }}")
    })
}

fn some_curated_schema() -> impl Strategy<Value = Schema> {
    let ends = select(vec![
        "",
        "dataset_constraints { min_examples_count: 11 num_examples_version_comparator { max_fraction_threshold: 0.5 } }",
    ]);
    (NAMES.map(some_curated_feature), ends).prop_map(|(features, end)| {
        let text = format!(
            "{} string_domain {{ name: 'shared' value: 'card' value: '0' }} default_environment: 'SERVING' {end}",
            features.join(" ")
        );
        formats::text::parse(&text).unwrap()
    })
}

/// What is wrong with statistics, as pairs of a path and a type of anomaly.
fn wrong(
    statistics: &DatasetFeatureStatistics,
    schema: &Schema,
) -> BTreeSet<(String, &'static str)> {
    let anomalies = validate_statistics(statistics, schema, &ValidateOptions::default()).unwrap();
    findings(&anomalies).into_iter().map(|finding| (finding.path, finding.code)).collect()
}

proptest! {
    #[test]
    fn a_schema_raises_no_anomaly_on_the_statistics_it_was_inferred_from(
        statistics in some_statistics(),
        config in some_config(),
    ) {
        let schema = infer_schema(&statistics, &config).unwrap();
        prop_assert_eq!(wrong(&statistics, &schema), BTreeSet::new());
        prop_assert_eq!(check_schema(&schema), []);
    }

    #[test]
    fn statistics_are_clean_against_a_schema_that_was_updated_with_them(
        first in some_statistics(),
        second in some_statistics(),
        config in some_config(),
    ) {
        let mut schema = infer_schema(&first, &config).unwrap();
        update_schema(&mut schema, &second, &config).unwrap();
        prop_assert_eq!(wrong(&second, &schema), BTreeSet::new());
        prop_assert_eq!(check_schema(&schema), []);

        let updated = schema.clone();
        update_schema(&mut schema, &second, &config).unwrap();
        prop_assert_eq!(schema, updated);
    }

    #[test]
    fn an_update_never_tightens_what_the_schema_said_before(
        first in some_statistics(),
        second in some_statistics(),
        third in some_statistics(),
        config in some_config(),
    ) {
        let before = infer_schema(&first, &config).unwrap();
        let mut after = before.clone();
        update_schema(&mut after, &second, &config).unwrap();

        // A feature that the schema did not have may be missed from now on. One that was wrong already may
        // be wrong in another way.
        let was_known = |path: &str| before.feature.iter().any(|feature| feature.name() == path);
        let was_wrong: BTreeSet<_> = wrong(&third, &before).into_iter().map(|it| it.0).collect();
        let more: Vec<_> = wrong(&third, &after)
            .into_iter()
            .filter(|(path, _)| was_known(path) && !was_wrong.contains(path))
            .collect();
        prop_assert_eq!(more, []);
    }

    #[test]
    fn a_curated_schema_that_was_relaxed_allows_the_data_and_asks_for_no_more_than_before(
        schema in some_curated_schema(),
        data in [some_statistics(), some_statistics(), some_statistics(), some_statistics()],
        environment in select(vec![None, Some("SERVING")]),
    ) {
        prop_assert_eq!(check_schema(&schema), []);
        let [statistics, previous, serving, previous_version] = &data;
        let options = ValidateOptions {
            environment,
            previous: Some(previous),
            serving: Some(serving),
            previous_version: Some(previous_version),
            ..ValidateOptions::default()
        };
        let mut relaxed = schema.clone();
        relax_schema(&mut relaxed, statistics, &options, &InferConfig::default()).unwrap();
        let anomalies = validate_statistics(statistics, &relaxed, &options).unwrap();
        prop_assert_eq!(findings(&anomalies), []);

        // A range that takes the place of truth values is narrower than no range; it replaces a narrower one.
        let changes = diff_schemas(&schema, &relaxed);
        let has_new_domain = |location: &str| changes.iter().any(|change| {
            change.location == location
                && matches!(&change.change, Change::Field { field, .. } if field == "domain")
        });
        let tightened: Vec<String> = changes
            .iter()
            .filter(|it| it.effect == Effect::Tightened && !has_new_domain(&it.location))
            .map(ToString::to_string)
            .collect();
        prop_assert_eq!(tightened, Vec::<String>::new());

        // Doing it again changes nothing.
        let mut again = relaxed.clone();
        relax_schema(&mut again, statistics, &options, &InferConfig::default()).unwrap();
        prop_assert_eq!(diff_schemas(&relaxed, &again), []);
        prop_assert_eq!(again, relaxed);
    }

    #[test]
    fn schemas_differ_exactly_where_they_are_different(
        before in some_curated_schema(),
        after in some_curated_schema(),
    ) {
        prop_assert_eq!(diff_schemas(&before, &before), []);
        let (there, back) = (diff_schemas(&before, &after), diff_schemas(&after, &before));
        prop_assert_eq!(there.is_empty(), before == after);
        let count = |changes: &[SchemaChange], effect| {
            changes.iter().filter(|change| change.effect == effect).count()
        };
        prop_assert_eq!(count(&there, Effect::Relaxed), count(&back, Effect::Tightened));
        prop_assert_eq!(count(&there, Effect::Changed), count(&back, Effect::Changed));
    }
}
