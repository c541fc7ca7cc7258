//! What names refer to, and what refers to itself.

use insta::assert_snapshot;

use super::types;
use crate::{Config, InputFeature, InputKind, check};

#[test]
fn names_are_helpers_then_columns_then_features() {
    // A feature named like its column reads the column, and so do all others.
    assert_snapshot!(types(&[], &[("fare", "lower(cast(fare AS text))"), ("b", "fare > 1")]), @"
    fare: STRING
    b: BOOL
    ");
    // A helper named like a column takes its place everywhere but in itself.
    let helpers = [("fare", "cast(fare AS text)")];
    assert_snapshot!(types(&helpers, &[("fare", "fare"), ("b", "lower(fare)")]), @"
    fare: STRING
    b: STRING
    ");
    // Order does not matter, and features use features.
    assert_snapshot!(types(&[("h", "z * 2")], &[("y", "h + z"), ("z", "hour")]), @"
    y: INT
    z: INT
    ");
}

#[test]
fn circles_are_found() {
    assert_snapshot!(types(&[], &[("x", "x + 1")]), @"features.x at 0: `x` is made from itself, and there is no column of that name");
    assert_snapshot!(types(&[("a", "b + 1"), ("b", "a + 1")], &[("c", "a"), ("d", "e"), ("e", "d")]), @"
    let.a at 0: `a` is made from itself: a -> b -> a
    features.d at 0: `d` is made from itself: d -> e -> d
    ");
}

#[test]
fn long_chains_of_helpers_do_not_exhaust_the_stack() {
    let mut helpers = vec![("h0".to_owned(), "fare".to_owned())];
    helpers.extend((1..20_000).map(|i| (format!("h{i}"), format!("h{} + 1", i - 1))));
    let features = [("x".to_owned(), "h19999".to_owned())].into();
    let config =
        Config { features, helpers: helpers.into_iter().rev().collect(), ..Config::default() };
    let fare = InputFeature {
        name: "fare".to_owned(),
        feature_type: Some(InputKind::Float),
        shape: graph::Shape::One,
        note: None,
    };
    assert_eq!(check(&config, &[fare]).unwrap().len(), 1);
}

#[test]
fn a_feature_that_is_always_missing_is_a_problem() {
    for expression in ["NULL", "nullif(NULL, NULL)", "CASE WHEN NULL THEN NULL END"] {
        let config = Config {
            features: [("x".to_owned(), expression.to_owned())].into(),
            ..Config::default()
        };
        let problems = check(&config, &[]).unwrap_err();
        assert_eq!(
            problems[0].message,
            "the value is always missing, expected one that has a type"
        );
    }
}

#[test]
fn no_features_are_a_problem() {
    assert_snapshot!(types(&[("a", "fare")], &[]), @"features at 0: there are no features, expected at least one");
}
