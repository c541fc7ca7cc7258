use std::collections::BTreeSet;

use super::*;
use crate::{Config, InputFeature, InputKind};

fn columns() -> Vec<InputFeature> {
    let floats =
        ["fare", "tips", "trip_miles", "pickup_latitude", "pickup_longitude", "dropoff_latitude"];
    let column = |kind| {
        move |name: &&str| InputFeature {
            name: (*name).to_owned(),
            feature_type: Some(kind),
            shape: graph::Shape::One,
            note: None,
        }
    };
    let mut columns: Vec<_> = floats.iter().map(column(InputKind::Float)).collect();
    columns.extend(["trip_start_hour"].iter().map(column(InputKind::Int)));
    columns.extend(["company", "payment_type"].iter().map(column(InputKind::String)));
    columns
}

#[test]
fn names_are_unique_and_in_one_case() {
    let names: Vec<_> =
        all().flat_map(|function| [function.name].into_iter().chain(function.alias)).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for function in all().filter(|function| !function.is_operator()) {
        assert_eq!(function.name, function.name.to_lowercase());
    }
}

#[test]
fn only_the_last_argument_is_repeated_or_optional_ones_follow_required_ones() {
    for function in all() {
        let ranks: Vec<_> = function
            .params
            .iter()
            .map(|param| match param.arity {
                Arity::Required => 0,
                Arity::Optional { .. } => 1,
                Arity::Repeated => 2,
            })
            .collect();
        assert!(ranks.is_sorted(), "{}", function.name);
        assert!(ranks.iter().filter(|&&rank| rank == 2).count() <= 1, "{}", function.name);
    }
}

#[test]
fn every_example_is_right_and_calls_its_function() {
    for function in all() {
        let config = Config {
            features: [("example".to_owned(), function.example.to_owned())].into(),
            base_dir: "../tokenizer/testdata".into(),
            ..Config::default()
        };
        let checked = crate::check(&config, &columns());
        assert!(checked.is_ok(), "{}: {checked:?}", function.example);
        let name = if function.name == "-x" { "-" } else { function.name };
        assert!(function.example.contains(name), "{}", function.example);
    }
}

#[test]
fn every_sentence_ends_with_a_full_stop() {
    for function in all() {
        for text in [function.summary, function.edges] {
            assert!(text.ends_with('.'), "{}: {text}", function.name);
            assert!(!text.contains("  "), "{}: {text}", function.name);
        }
    }
}
