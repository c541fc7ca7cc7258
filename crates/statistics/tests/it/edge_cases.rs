//! Against statistics that TFDV made of columns that are not ordinary, `testdata/edge_cases.pbtxt`.
//!
//! Where we differ on purpose, the test says how. With infinities the reference's mean is NaN and its standard
//! deviation zero; ours are the mean's own infinity (NaN if both signs occur) and NaN. With infinities alone
//! its STANDARD histogram is one bucket from infinity down to negative infinity; ours is a point bucket for
//! each, as it makes beside finite numbers. Where squares overflow its standard deviation is zero, ours
//! infinite.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, Float32Builder, Float64Builder, Int64Builder, ListBuilder, NullArray,
    RecordBatch,
};
use formats::metadata::DatasetFeatureStatisticsList;
use formats::metadata::feature_name_statistics::Stats;
use formats::metadata::histogram::Bucket;
use statistics::Config;

use crate::compare::{Report, name};
use crate::statistics_of;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

macro_rules! lists {
    ($builder:ty, $value:ty, $rows:expr) => {{
        let rows: [Option<&[$value]>; 5] = $rows;
        let mut builder = ListBuilder::new(<$builder>::new());
        for row in rows {
            for value in row.unwrap_or_default() {
                builder.values().append_value(*value);
            }
            builder.append(row.is_some());
        }
        Arc::new(builder.finish()) as ArrayRef
    }};
}

#[expect(clippy::cast_possible_truncation, reason = "the reference was given 32-bit floats, too")]
fn floats(rows: [Option<&[f64]>; 5]) -> ArrayRef {
    let narrow = rows.map(|row| row.map(|row| row.iter().map(|&v| v as f32).collect::<Vec<_>>()));
    lists!(Float32Builder, f32, std::array::from_fn(|row| narrow[row].as_deref()))
}

fn ints(rows: [Option<&[i64]>; 5]) -> ArrayRef {
    lists!(Int64Builder, i64, rows)
}

fn strings(rows: [Option<&[&[u8]]>; 5]) -> ArrayRef {
    lists!(BinaryBuilder, &[u8], rows)
}

fn each<T>(values: &[T; 5]) -> [Option<&[T]>; 5] {
    std::array::from_fn(|row| Some(std::slice::from_ref(&values[row])))
}

fn batch() -> RecordBatch {
    let nan_some: [Option<&[f64]>; 5] =
        [Some(&[1.0]), Some(&[NAN]), Some(&[3.0]), None, Some(&[NAN, 2.5])];
    let inf_pos: [Option<&[f64]>; 5] =
        [Some(&[1.0]), Some(&[INF]), Some(&[3.0]), None, Some(&[2.0])];
    let (long_x, long_y) = ([b'x'; 2000], [b'y'; 1500]);
    RecordBatch::try_from_iter([
        ("nan_some", floats(nan_some)),
        ("nan_only", floats([Some(&[NAN]), Some(&[NAN]), None, None, Some(&[NAN])])),
        ("inf_pos", floats(inf_pos)),
        ("inf_both", floats(each(&[1.0, INF, -INF, 5.0, INF]))),
        ("inf_all", floats(each(&[INF, INF, -INF, INF, INF]))),
        ("inf_posonly", floats(each(&[INF; 5]))),
        ("missing_float", floats([None; 5])),
        ("missing_int", ints([None; 5])),
        ("missing_str", strings([None; 5])),
        ("missing_null", Arc::new(NullArray::new(5))),
        ("const", ints(each(&[7; 5]))),
        ("lists", ints([Some(&[]), Some(&[1, 2, 3]), None, Some(&[4]), Some(&[])])),
        ("empties_f", floats([Some(&[]), Some(&[]), None, Some(&[]), Some(&[])])),
        ("empties_s", strings([Some(&[]), Some(&[]), None, Some(&[]), Some(&[])])),
        ("slists", strings([Some(&[]), Some(&[b"a", b"b"]), None, Some(&[b"a"]), Some(&[b""])])),
        ("bytes", strings(each(&[b"\xff\xfe", b"\xff", b"\xff", b"ok", "é".as_bytes()]))),
        ("huge", lists!(Float64Builder, f64, each(&[1.7e308, -1.7e308, 1.0, 2.0, 3.0]))),
        ("negzero", lists!(Float64Builder, f64, each(&[-0.0, 0.0, -1.0, 2.0, 3.0]))),
        ("two", ints([Some(&[1]), Some(&[2]), None, None, None])),
        ("big", ints(each(&[i64::MAX, i64::MIN, (1 << 53) + 1, 0, 1]))),
        ("long", strings(each(&[&long_x, &long_y, b"z", b"z", b"a"]))),
    ])
    .unwrap()
}

#[test]
fn edge_cases_are_those_of_the_reference_but_where_documented() {
    let golden = include_str!("../../testdata/edge_cases.pbtxt");
    let mut golden: DatasetFeatureStatisticsList = formats::text::parse(golden).unwrap();
    for feature in &mut golden.datasets[0].features {
        let name = name(feature);
        let Some(Stats::NumStats(stats)) = &mut feature.stats else { continue };
        match name.as_str() {
            "inf_pos" => (stats.mean, stats.std_dev) = (INF, NAN),
            "inf_both" => stats.std_dev = NAN,
            "inf_all" => {
                stats.std_dev = NAN;
                stats.histograms[0].buckets = vec![point(-INF, 1.0), point(INF, 4.0)];
            }
            "inf_posonly" => {
                (stats.mean, stats.std_dev) = (INF, NAN);
                stats.histograms[0].buckets = vec![point(INF, 5.0)];
            }
            "huge" => stats.std_dev = INF,
            _ => {}
        }
    }
    for partition_size in 1..=5 {
        let ours = statistics_of(&batch(), partition_size, 1, &Config::default());
        let report = Report::of(&ours, &golden.datasets[0], 0.0);
        assert!(report.differences.is_empty(), "{:#?}", report.differences);
        assert!(report.close_histograms.is_empty(), "{:#?}", report.close_histograms);
    }
}

fn point(value: f64, sample_count: f64) -> Bucket {
    Bucket { low_value: value, high_value: value, sample_count }
}
