//! Real files, against what other systems saw in them.

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use dataset::FeatureType;
use ingest::{Config, SourceConfig};

use crate::scene::{Scene, rows, shared};

const INT: FeatureType = FeatureType::Int;
const FLOAT: FeatureType = FeatureType::Float;
const BYTES: FeatureType = FeatureType::Bytes;

/// A feature's name, type, number of examples with a value, and least, mean and greatest value.
type Seen = (&'static str, FeatureType, usize, Option<(f64, f64, f64)>);

/// What TFDV 1.16.1 saw in the same file.
const TAXI: [Seen; 18] = [
    ("pickup_community_area", INT, 15000, Some((1.0, 22.250266666666665, 77.0))),
    ("fare", FLOAT, 15002, Some((0.0, 11.768216239306826, 700.0700073242188))),
    ("trip_start_month", INT, 15002, Some((1.0, 6.585655245967204, 12.0))),
    ("trip_start_hour", INT, 15002, Some((0.0, 13.632315691241168, 23.0))),
    ("trip_start_day", INT, 15002, Some((1.0, 4.186641781095854, 7.0))),
    ("trip_start_timestamp", INT, 15002, Some((1357000200.0, 1408495048.020264, 1483116300.0))),
    (
        "pickup_latitude",
        FLOAT,
        15000,
        Some((41.69487762451172, 41.9030452987671, 42.00962448120117)),
    ),
    (
        "pickup_longitude",
        FLOAT,
        15000,
        Some((-87.91362762451172, -87.65755123138428, -87.57278442382812)),
    ),
    (
        "dropoff_latitude",
        FLOAT,
        14519,
        Some((41.66366958618164, 41.902671497627935, 42.02122497558594)),
    ),
    (
        "dropoff_longitude",
        FLOAT,
        14519,
        Some((-87.91362762451172, -87.65411321725537, -87.54093170166016)),
    ),
    ("trip_miles", FLOAT, 15002, Some((0.0, 2.8728196221008826, 1710.0))),
    ("pickup_census_tract", INT, 1, Some((17031081401.0, 17031081401.0, 17031081401.0))),
    ("dropoff_census_tract", INT, 10761, Some((17031010100.0, 17031345278.265589, 17031980100.0))),
    ("payment_type", BYTES, 15002, None),
    ("company", BYTES, 9862, None),
    ("trip_seconds", INT, 14996, Some((0.0, 777.6275006668445, 72120.0))),
    ("dropoff_community_area", INT, 14495, Some((1.0, 20.967781993790958, 77.0))),
    ("tips", FLOAT, 15002, Some((0.0, 1.0766744436282722, 47.0))),
];

#[test]
fn the_taxi_data_has_the_types_and_values_that_tfdv_sees() {
    let Some(shared) = shared() else { return };
    let path = shared.join("data/chicago_taxi.csv").display().to_string();
    let scene = Scene::with(&[]);
    let mut config = Config::new(SourceConfig::Csv(path.into()));
    let features = scene.infer(&config, None).unwrap();
    let found: Vec<_> =
        features.iter().map(|f| (f.name.as_str(), f.feature_type.unwrap())).collect();
    let expected: Vec<_> = TAXI.iter().map(|seen| (seen.0, seen.1)).collect();
    assert_eq!(found, expected);

    let outcome = scene.run(&config).unwrap();
    let total: u64 = outcome.splits.iter().map(|(_, rows)| rows).sum();
    assert_eq!(total, 15_002);
    config.splits = Some([("all".to_owned(), std::num::NonZeroU32::MIN)].into());
    scene.run(&config).unwrap();
    let all = scene.split("all");
    for (name, _, num_non_missing, numbers) in TAXI {
        let column = all.column_by_name(name).unwrap();
        assert_eq!(column.len() - column.null_count(), num_non_missing, "{name}");
        let Some(expected) = numbers else { continue };
        let values = cast(column, &DataType::Float64).unwrap();
        let values: Vec<f64> = values.as_primitive::<Float64Type>().iter().flatten().collect();
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for (found, expected) in [(least, expected.0), (mean, expected.1), (greatest, expected.2)] {
            // Sums of other orders differ in their last digits.
            assert!(
                (found - expected).abs() <= 1e-12 * expected.abs(),
                "{name}: {found} {expected}"
            );
        }
    }
}

#[test]
fn quoted_text_is_read() {
    let Some(shared) = shared() else { return };
    let path = shared.join("data/mrpc_train.csv").display().to_string();
    let scene = Scene::with(&[]);
    let outcome = scene.run(&Config::new(SourceConfig::Csv(path.into()))).unwrap();
    assert_eq!(outcome.num_rejected, 0);
}

#[test]
fn parquet_of_another_writer_is_read() {
    let Some(shared) = shared() else { return };
    let path = shared.join("data/chicago_taxi_sample.parquet");
    let scene = Scene::with(&[]);
    let config = Config::new(SourceConfig::Parquet(path.display().to_string().into()));
    let outcome = scene.run(&config).unwrap();
    let source = rows(&dataset::ParquetFiles::open(&[path]).unwrap());
    let total: u64 = outcome.splits.iter().map(|(_, rows)| rows).sum();
    assert_eq!(total, source.num_rows() as u64);
    assert_eq!(scene.split("train").schema().fields(), source.schema().fields());
}
