//! The features of `examples/taxi`.

use std::path::Path;

use graph::ValueType;
use transform::{Config, InputFeature, InputKind, check};

fn taxi_columns() -> Vec<InputFeature> {
    let floats = [
        "fare",
        "tips",
        "trip_miles",
        "pickup_latitude",
        "pickup_longitude",
        "dropoff_latitude",
        "dropoff_longitude",
    ];
    let ints = ["trip_seconds", "trip_start_hour", "pickup_community_area"];
    let column = |kind| {
        move |name: &str| InputFeature {
            name: name.to_owned(),
            feature_type: Some(kind),
            shape: graph::Shape::One,
            note: None,
        }
    };
    let floats = floats.into_iter().map(column(InputKind::Float));
    let ints = ints.into_iter().map(column(InputKind::Int));
    let strings = ["payment_type", "company"].into_iter().map(column(InputKind::String));
    floats.chain(ints).chain(strings).collect()
}

#[test]
fn the_taxi_example_is_right() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/taxi/pipeline.toml"));
    let text = std::fs::read_to_string(path).unwrap();
    let pipeline: toml::Table = toml::from_str(&text).unwrap();
    let config: Config = pipeline["nodes"]["transform"].clone().try_into().unwrap();
    let outputs = check(&config, &taxi_columns()).unwrap();
    let names: Vec<_> = outputs.iter().map(|output| output.name.as_str()).collect();
    assert!(names.iter().eq(config.features.keys()), "{names:?}");
    for output in &outputs {
        let expected = match output.name.as_str() {
            "trip_miles" | "fare" | "trip_seconds" | "fare_per_mile" => ValueType::Float,
            _ => ValueType::Int,
        };
        assert_eq!(output.value_type, Some(expected), "{}", output.name);
    }
    let bucketized = outputs.iter().find(|output| output.name == "hour").unwrap();
    assert_eq!(bucketized.num_buckets, Some(24));
}

#[test]
fn unknown_keys_of_a_configuration_are_refused() {
    let refused = toml::from_str::<Config>("[features]\na = 'b'\n[helpers]\n");
    assert!(refused.unwrap_err().to_string().contains("unknown field `helpers`"));
}
