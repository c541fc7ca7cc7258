//! Against statistics that TFDV 1.16.1 made of the same CSV files.
//!
//! Every field that it fills is compared: counts, extremes, `unique`, top values and rank histograms for
//! equality, means to 1e-6. Its quantiles come from a sketch that is exact for a few thousand distinct values;
//! histograms of features with more are compared by cumulative counts, within its error of 1 % of all values.
//! Nothing else differs, but the order of features (ours is the columns') and the dataset's name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Int64Type, Schema};
use formats::Message;
use formats::metadata::DatasetFeatureStatisticsList;
use formats::metadata::feature_name_statistics::{Stats, Type};
use statistics::Config;

use crate::compare::{Report, name};
use crate::statistics_of;

/// The error that TFDV's sketch promises.
const SKETCH_ERROR: f64 = 0.01;

#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
pub(crate) fn shared() -> Option<PathBuf> {
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    if shared.join("golden/tfdv").is_dir() {
        return Some(shared.to_path_buf());
    }
    println!("skipped: {} is not there", shared.display());
    None
}

/// Reads a CSV without quotes; the types are those of the golden statistics, and empty is missing.
pub(crate) fn read_csv(path: &Path, types: &DatasetFeatureStatisticsList) -> RecordBatch {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    let mut columns: Vec<ArrayRef> = Vec::new();
    let mut fields = Vec::new();
    for (index, column) in header.iter().enumerate() {
        let cells = rows.iter().map(|row| Some(row[index]).filter(|cell| !cell.is_empty()));
        let feature = types.datasets[0].features.iter().find(|f| name(f) == *column).unwrap();
        let array: ArrayRef = match feature.r#type() {
            Type::Int => {
                Arc::new(Int64Array::from_iter(cells.map(|c| c.map(|c| c.parse().unwrap()))))
            }
            Type::Float => {
                Arc::new(Float32Array::from_iter(cells.map(|c| c.map(|c| c.parse().unwrap()))))
            }
            _ => Arc::new(StringArray::from_iter(cells)),
        };
        fields.push(Field::new(*column, array.data_type().clone(), true));
        columns.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

pub(crate) fn read_golden(path: &Path) -> DatasetFeatureStatisticsList {
    DatasetFeatureStatisticsList::decode(std::fs::read(path).unwrap().as_slice()).unwrap()
}

/// Compares a CSV's statistics with the golden ones, whatever the partitions and threads.
fn check(csv: &Path, golden: &Path) -> Report {
    let golden = read_golden(golden);
    let batch = read_csv(csv, &golden);
    let ours = statistics_of(&batch, 1000, 2, &Config::default());
    assert_eq!(ours, statistics_of(&batch, 777, 1, &Config::default()));
    let report = Report::of(&ours, &golden.datasets[0], SKETCH_ERROR);
    assert!(report.differences.is_empty(), "{}: {:#?}", csv.display(), report.differences);
    report
}

#[test]
fn the_taxi_statistics_are_those_of_the_reference() {
    let Some(shared) = shared() else { return };
    let csv = shared.join("data/chicago_taxi.csv");
    let report = check(&csv, &shared.join("golden/tfdv/taxi_stats.binpb"));
    // Only this feature has more distinct values than the reference's sketch counts exactly.
    let close = ["trip_start_timestamp.Standard", "trip_start_timestamp.Quantiles"];
    assert_eq!(report.close_histograms, close);
    assert_eq!(report.num_equal_histograms, 48);
}

#[test]
fn boundaries_of_the_taxi_timestamps_have_the_ranks_that_they_stand_for() {
    let Some(shared) = shared() else { return };
    let golden = read_golden(&shared.join("golden/tfdv/taxi_stats.binpb"));
    let batch = read_csv(&shared.join("data/chicago_taxi.csv"), &golden);
    let column = batch.column_by_name("trip_start_timestamp").unwrap().as_primitive::<Int64Type>();
    let mut sorted: Vec<f64> = column.values().iter().map(|&v| v as f64).collect();
    sorted.sort_by(f64::total_cmp);
    let ours = statistics_of(&batch, 1000, 2, &Config::default());
    for (dataset, error) in [(&ours, 0.0), (&golden.datasets[0], SKETCH_ERROR)] {
        let feature = dataset.features.iter().find(|f| name(f) == "trip_start_timestamp").unwrap();
        let Some(Stats::NumStats(stats)) = &feature.stats else { panic!("{feature:?}") };
        let ends = stats.histograms[1].buckets.iter().map(|bucket| bucket.high_value);
        let medians = [(5, stats.median)].into_iter();
        for (tenth, boundary) in (1..).zip(ends).chain(medians) {
            let rank = sorted.len() as f64 * f64::from(tenth) / 10.0;
            let below = sorted.partition_point(|&v| v < boundary) as f64;
            let through = sorted.partition_point(|&v| v <= boundary) as f64;
            let slack = error * sorted.len() as f64;
            assert!(below <= rank + slack && rank <= through + slack, "{tenth}: {boundary}");
        }
    }
}

#[test]
fn the_statistics_of_every_case_are_those_of_the_reference() {
    let Some(shared) = shared() else { return };
    let mut num_cases = 0;
    for case in std::fs::read_dir(shared.join("golden/tfdv")).unwrap() {
        let case = case.unwrap().path();
        if case.join("data.csv").exists() {
            let report = check(&case.join("data.csv"), &case.join("stats.binpb"));
            assert!(report.close_histograms.is_empty(), "{}: {report:#?}", case.display());
            num_cases += 1;
        }
    }
    assert!(num_cases >= 15, "found only {num_cases} cases");
}
