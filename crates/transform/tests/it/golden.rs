//! Against tf.Transform 1.16.0 over the taxi data.
//!
//! Ids, hashes, vocabularies and boundaries are compared for equality, floats to 1e-5: tf.Transform computes in
//! 32 bits, in which latitudes around 42 have steps of 4e-6. Missing values are filled first, as its preprocessing function did.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use graph::Op;
use serde_json::Value;

use crate::{apply, config, learn};

const FLOATS: [&str; 5] =
    ["trip_miles", "fare", "trip_seconds", "pickup_latitude", "dropoff_longitude"];

#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
fn shared() -> Option<PathBuf> {
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    if shared.join("golden/tft").is_dir() && shared.join("data/chicago_taxi.csv").is_file() {
        return Some(shared.to_path_buf());
    }
    println!("skipped: {} is not there", shared.display());
    None
}

/// Reads a CSV without quotes, column by column; empty is missing.
fn read_csv(path: &Path, is_float: impl Fn(&str) -> bool) -> RecordBatch {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    let columns = header.iter().enumerate().map(|(index, name)| {
        let cells = rows.iter().map(|row| Some(row[index]).filter(|cell| !cell.is_empty()));
        let array: ArrayRef = if is_float(name) {
            Arc::new(Float32Array::from_iter(
                cells.map(|cell| cell.map(|cell| cell.parse().unwrap())),
            ))
        } else {
            Arc::new(StringArray::from_iter(cells))
        };
        (*name, array)
    });
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
}

fn taxi_config() -> transform::Config {
    let mut helpers = Vec::new();
    let mut features = Vec::new();
    for name in FLOATS {
        helpers.push((format!("f_{name}"), format!("fill_missing({name}, 0)")));
        features.push((format!("b10_{name}"), format!("bucketize(f_{name}, 10)")));
        features.push((format!("s01_{name}"), format!("scale_to_0_1(f_{name})")));
        features.push((format!("z_{name}"), format!("scale_to_z_score(f_{name})")));
    }
    for name in ["company", "payment_type"] {
        helpers.push((format!("f_{name}"), format!("fill_missing({name}, '')")));
        features.push((format!("h100_{name}"), format!("hash_strings(f_{name}, 100)")));
        features.push((
            format!("v_{name}"),
            format!("compute_and_apply_vocabulary(f_{name}, top_k => 1000, num_oov_buckets => 10)"),
        ));
    }
    features.push((
        "hkey100_company".to_owned(),
        "hash_strings(f_company, 100, key_0 => 123, key_1 => 456)".to_owned(),
    ));
    features.push((
        "v3_company".to_owned(),
        "vocabulary(f_company, top_k => 3, num_oov_buckets => 10)".to_owned(),
    ));
    for (name, function) in [("mean", "mean"), ("var", "var"), ("min", "min"), ("max", "max")] {
        features.push((format!("{name}_fare"), format!("{function}(f_fare)")));
    }
    let pairs = |pairs: &[(String, String)]| {
        config(&[], &[]).features.into_iter().chain(pairs.to_vec()).collect()
    };
    transform::Config {
        helpers: pairs(&helpers),
        features: pairs(&features),
        ..transform::Config::default()
    }
}

fn floats(batch: &RecordBatch, name: &str) -> Vec<f64> {
    let column = cast(batch.column_by_name(name).unwrap(), &DataType::Float64).unwrap();
    assert_eq!(column.null_count(), 0, "{name}");
    column.as_primitive::<Float64Type>().values().to_vec()
}

fn is_close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-5 * expected.abs().max(1.0)
}

fn is_id(feature: &str) -> bool {
    !feature.starts_with("z_") && !feature.starts_with("s01_")
}

#[test]
fn features_are_those_of_tf_transform() {
    let Some(shared) = shared() else { return };
    let raw = read_csv(&shared.join("data/chicago_taxi.csv"), |name| FLOATS.contains(&name));
    let graph = learn(&taxi_config(), &raw).unwrap();
    let features = apply(&graph, &raw);
    assert_eq!(features.num_rows(), 15_002);

    let golden = read_csv(&shared.join("golden/tft/transformed_first3000.csv"), |_| true);
    let mut wrong = String::new();
    for field in golden.schema().fields().iter().filter(|field| field.name() != "row") {
        let expected = floats(&golden, field.name());
        let found = floats(&features, field.name());
        let same = |found: f64, expected: f64| {
            if is_id(field.name()) {
                (found - expected).abs() < 0.5
            } else {
                is_close(found, expected)
            }
        };
        let rows = expected.iter().zip(&found).enumerate();
        let differ: Vec<_> =
            rows.filter(|(_, (expected, found))| !same(**found, **expected)).collect();
        if let Some((row, (expected, found))) = differ.first() {
            let _ = writeln!(
                wrong,
                "{}: {} rows, first {row}: expected {expected}, found {found}",
                field.name(),
                differ.len()
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn learned_values_are_those_of_tf_transform() {
    let Some(shared) = shared() else { return };
    let raw = read_csv(&shared.join("data/chicago_taxi.csv"), |name| FLOATS.contains(&name));
    let graph = learn(&taxi_config(), &raw).unwrap();
    let features = apply(&graph, &raw);
    let text = std::fs::read_to_string(shared.join("golden/tft/analysis.json")).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    for name in ["mean_fare", "var_fare", "min_fare", "max_fare"] {
        let (found, expected) = (floats(&features, name)[0], golden[name].as_f64().unwrap());
        assert!(is_close(found, expected), "{name}: expected {expected}, found {found}");
    }
    for (name, expected) in golden["column_sum_all_rows"].as_object().unwrap() {
        let (found, expected): (f64, _) =
            (floats(&features, name).iter().sum(), expected.as_f64().unwrap());
        let tolerance = if is_id(name) { 0.5 } else { 1e-5 * 15_002.0 };
        assert!(
            (found - expected).abs() <= tolerance,
            "{name}: expected {expected}, found {found}"
        );
    }

    let expected: Vec<Vec<f64>> = golden["graph_constants_len9"]
        .as_object()
        .unwrap()
        .values()
        .map(|values| values.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect())
        .collect();
    let mut num_bucketized = 0;
    for node in graph.nodes() {
        if let Op::Bucketize(boundaries) = &node.op {
            num_bucketized += 1;
            let found = boundaries.values();
            assert!(
                expected.iter().any(|expected| expected == found),
                "{found:?} not in {expected:?}"
            );
        }
    }
    assert_eq!(num_bucketized, FLOATS.len());
}

#[test]
fn vocabularies_are_those_of_tf_transform() {
    let Some(shared) = shared() else { return };
    let raw = read_csv(&shared.join("data/chicago_taxi.csv"), |name| FLOATS.contains(&name));
    let graph = learn(&taxi_config(), &raw).unwrap();
    let mut found: Vec<String> = graph
        .vocabularies()
        .map(|(_, vocabulary)| {
            vocabulary.tokens().fold(String::new(), |text, token| text + token + "\n")
        })
        .collect();
    let files = ["vocab_company.txt", "vocab_payment_type.txt", "vocab_company_top3.txt"];
    let mut expected: Vec<String> = files
        .iter()
        .map(|file| std::fs::read_to_string(shared.join("golden/tft").join(file)).unwrap())
        .collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}
