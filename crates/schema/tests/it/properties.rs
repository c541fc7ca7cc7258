//! Rules that hold for any statistics and any schema.

use std::collections::BTreeSet;

use formats::metadata::feature_name_statistics::Type;
use formats::metadata::{DatasetFeatureStatistics, FeatureNameStatistics, Schema};
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::{select, subsequence};
use schema::{
    InferConfig, ValidateOptions, check_schema, findings, infer_schema, update_schema,
    validate_statistics,
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
}
