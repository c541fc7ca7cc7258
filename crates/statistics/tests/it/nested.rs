//! Properties of nested, weighted, sliced, compared and sampled features, for any data.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, FixedSizeListArray, Float64Array, Int64Array, Int64Builder, ListBuilder,
    RecordBatch, StringArray, StructArray, UInt32Array,
};
use arrow::datatypes::{DataType, Field, Fields, Int64Type};
use dataflow::{Accumulator, Pass};
use formats::metadata::cross_feature_statistics::CrossStats;
use formats::metadata::feature_name_statistics::Stats;
use formats::metadata::{CommonStatistics, DatasetFeatureStatisticsList, WeightedCommonStatistics};
use proptest::prelude::*;
use statistics::{
    AllPairs, Config, CrossFeatures, LiftConfig, SliceConfig, StatisticsPass, StatisticsState,
};

use crate::all_statistics_of;
use crate::compare::name;

/// One row: lists of lists, a struct, a weight, a key and two numbers.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    nested: Option<Vec<Option<Vec<Option<i64>>>>>,
    inner: Option<Option<i64>>,
    weight: f64,
    pub(crate) key: Option<String>,
    pub(crate) x: Option<f64>,
    y: Option<f64>,
}

pub(crate) fn rows(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Row>> {
    let inner = prop::collection::vec(prop::option::weighted(0.8, -3..4_i64), 0..4);
    let nested = prop::collection::vec(prop::option::weighted(0.8, inner), 0..4);
    let weight = prop_oneof![Just(0.0), Just(1.0), 0.0..10.0, 0.0..1e-3];
    let number =
        || prop_oneof![5 => (-20..20_i32).prop_map(|i| f64::from(i) / 4.0), 1 => Just(f64::NAN)];
    let row = (
        prop::option::weighted(0.8, nested),
        prop::option::weighted(0.8, prop::option::weighted(0.7, 0..3_i64)),
        weight,
        prop::option::weighted(0.8, "[a-c]"),
        prop::option::weighted(0.9, number()),
        prop::option::weighted(0.9, number()),
    );
    let row =
        row.prop_map(|(nested, inner, weight, key, x, y)| Row { nested, inner, weight, key, x, y });
    prop::collection::vec(row, len)
}

pub(crate) fn batch(rows: &[Row]) -> RecordBatch {
    let mut nested = ListBuilder::new(ListBuilder::new(Int64Builder::new()));
    for row in rows {
        for list in row.nested.iter().flatten() {
            nested.values().append_option(list.clone());
        }
        nested.append(row.nested.is_some());
    }
    let id: Int64Array = rows.iter().map(|row| row.inner.flatten()).collect();
    let fields = Fields::from(vec![Field::new("id", DataType::Int64, true)]);
    let nulls = rows.iter().map(|row| row.inner.is_some()).collect();
    let columns: [(&str, ArrayRef); 6] = [
        ("nested", Arc::new(nested.finish())),
        ("trip", Arc::new(StructArray::new(fields, vec![Arc::new(id)], Some(nulls)))),
        ("w", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.weight)))),
        ("key", Arc::new(StringArray::from_iter(rows.iter().map(|row| row.key.as_ref())))),
        ("x", Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.x)))),
        ("y", Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.y)))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
        .unwrap()
}

pub(crate) fn everything() -> Config {
    Config {
        example_weight: Some("w".to_owned()),
        slices: vec![SliceConfig { features: vec!["key".to_owned()], ..SliceConfig::default() }],
        lift: vec![LiftConfig {
            label: "x".to_owned(),
            boundaries: vec![-1.0, 0.0, 2.5],
            features: vec!["key".to_owned()],
            min_count: 0,
            top: None,
            bottom: None,
        }],
        ..Config::default()
    }
}

fn small_bounds() -> Config {
    Config {
        max_exact_numbers: 3.try_into().unwrap(),
        max_exact_strings: 2.try_into().unwrap(),
        ..everything()
    }
}

fn state_of(batch: &RecordBatch, batch_size: usize, config: &Config) -> StatisticsState {
    let mut state = StatisticsPass::new(&batch.schema(), config).unwrap().start().unwrap();
    for start in (0..batch.num_rows()).step_by(batch_size) {
        let len = batch_size.min(batch.num_rows() - start);
        state.update(&batch.slice(start, len)).unwrap();
    }
    state
}

fn common_of(list: &DatasetFeatureStatisticsList, wanted: &str) -> CommonStatistics {
    let feature = list.datasets[0].features.iter().find(|f| name(f) == wanted).unwrap();
    match feature.stats.as_ref().unwrap() {
        Stats::NumStats(stats) => stats.common_stats.clone(),
        Stats::StringStats(stats) => stats.common_stats.clone(),
        Stats::StructStats(stats) => stats.common_stats.clone(),
        Stats::BytesStats(stats) => stats.common_stats.clone(),
    }
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn while_exact_neither_partitions_nor_threads_show(
        rows in rows(1..80), size in 1_usize..30, threads in 1_usize..4,
    ) {
        let batch = batch(&rows);
        let whole = all_statistics_of(&batch, rows.len(), 1, &everything(), None);
        let parts = all_statistics_of(&batch, size, threads, &everything(), None);
        prop_assert_eq!(format!("{whole:?}"), format!("{parts:?}"));
    }

    #[test]
    fn the_order_of_rows_does_not_show(rows in rows(2..60), by in any::<prop::sample::Index>()) {
        let batch = batch(&rows);
        let by = by.index(rows.len());
        let mut turned = rows.clone();
        turned.rotate_left(by);
        turned.reverse();
        let ahead = state_of(&batch, 7, &everything()).finish().unwrap();
        let back = state_of(&self::batch(&turned), 11, &everything()).finish().unwrap();
        prop_assert_eq!(format!("{ahead:?}"), format!("{back:?}"));
    }

    #[test]
    fn merging_is_associative_while_exact(rows in rows(3..60), cuts in any::<[prop::sample::Index; 2]>()) {
        let batch = batch(&rows);
        let mut cuts = cuts.map(|cut| cut.index(rows.len() + 1));
        cuts.sort_unstable();
        let piece = |from: usize, to: usize| state_of(&batch.slice(from, to - from), 5, &everything());
        let pieces = || [piece(0, cuts[0]), piece(cuts[0], cuts[1]), piece(cuts[1], rows.len())];
        let [mut left, b, c] = pieces();
        left.merge(b).unwrap();
        left.merge(c).unwrap();
        let [mut right, mut b, c] = pieces();
        b.merge(c).unwrap();
        right.merge(b).unwrap();
        prop_assert_eq!(left.to_bytes(), right.to_bytes());
    }

    #[test]
    fn a_state_goes_on_after_a_round_trip(rows in rows(2..60), cut in any::<prop::sample::Index>()) {
        let batch = batch(&rows);
        let cut = cut.index(rows.len());
        let (head, tail) = (batch.slice(0, cut), batch.slice(cut, rows.len() - cut));
        for config in [everything(), small_bounds()] {
            let mut stayed = state_of(&head, 10, &config);
            let mut travelled = StatisticsState::from_bytes(&stayed.to_bytes()).unwrap();
            stayed.update(&tail).unwrap();
            travelled.update(&tail).unwrap();
            prop_assert_eq!(stayed.to_bytes(), travelled.to_bytes());
            prop_assert!(StatisticsState::from_bytes(&stayed.to_bytes()[..stayed.to_bytes().len() - 1]).is_err());
        }
    }

    #[test]
    fn broken_bytes_are_an_error_or_a_state_but_never_a_panic(
        rows in rows(1..30), cut in any::<prop::sample::Index>(), bit in 0_u32..8,
    ) {
        for config in [everything(), small_bounds()] {
            let mut bytes = state_of(&batch(&rows), 10, &config).to_bytes();
            let at = cut.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            if let Ok(state) = StatisticsState::from_bytes(&bytes) {
                let mut twice = state.clone();
                if twice.merge(state).is_ok() {
                    twice.finish().unwrap();
                }
            }
        }
    }

    #[test]
    fn slices_are_the_statistics_of_their_examples(rows in rows(1..60)) {
        let batch = batch(&rows);
        let sliced = all_statistics_of(&batch, 9, 2, &everything(), None);
        let config = Config { slices: Vec::new(), ..everything() };
        for slice in &sliced.datasets[1..] {
            let value = slice.name.strip_prefix("key_").unwrap();
            let indices: UInt32Array = (0..).zip(&rows)
                .filter(|(_, row)| row.key.as_deref() == Some(value))
                .map(|(index, _)| index)
                .collect::<Vec<u32>>()
                .into();
            let part = arrow::compute::take_record_batch(&batch, &indices).unwrap();
            let mut alone = all_statistics_of(&part, 100, 1, &config, None).datasets.remove(0);
            alone.name.clone_from(&slice.name);
            prop_assert_eq!(format!("{alone:?}"), format!("{slice:?}"));
        }
        let mut keys: Vec<_> = rows.iter().filter_map(|row| row.key.as_ref()).collect();
        keys.sort();
        keys.dedup();
        prop_assert_eq!(sliced.datasets.len(), keys.len() + 1);
    }

    #[test]
    fn weights_of_one_are_counts(rows in rows(1..60)) {
        let rows: Vec<Row> = rows.into_iter().map(|row| Row { weight: 1.0, ..row }).collect();
        let list = all_statistics_of(&batch(&rows), 9, 1, &everything(), None);
        prop_assert_eq!(list.datasets[0].weighted_num_examples.to_bits(), (rows.len() as f64).to_bits());
        for feature in &list.datasets[0].features {
            let common = common_of(&list, &name(feature));
            let weighted = common.weighted_common_stats.unwrap();
            let expected = WeightedCommonStatistics {
                num_non_missing: common.num_non_missing as f64,
                num_missing: common.num_missing as f64,
                tot_num_values: common.tot_num_values as f64,
                ..weighted
            };
            prop_assert_eq!(weighted, expected);
            match feature.stats.as_ref().unwrap() {
                Stats::NumStats(stats) => if let Some(weighted) = &stats.weighted_numeric_stats {
                    prop_assert_eq!(weighted.mean.to_bits(), stats.mean.to_bits());
                    prop_assert_eq!(weighted.std_dev.to_bits(), stats.std_dev.to_bits());
                    prop_assert_eq!(weighted.median.to_bits(), stats.median.to_bits());
                    prop_assert_eq!(&weighted.histograms, &stats.histograms);
                },
                Stats::StringStats(stats) => if let Some(weighted) = &stats.weighted_string_stats {
                    prop_assert_eq!(&weighted.top_values, &stats.top_values);
                    prop_assert_eq!(&weighted.rank_histogram, &stats.rank_histogram);
                },
                _ => {}
            }
        }
    }

    #[test]
    fn presence_of_nested_lists_is_that_of_a_naive_loop(rows in rows(1..60)) {
        let list = all_statistics_of(&batch(&rows), 7, 1, &everything(), None);
        let common = common_of(&list, "nested");
        let outer: Vec<_> = rows.iter().filter_map(|row| row.nested.as_ref()).collect();
        let inner: Vec<usize> = outer.iter().copied().flatten().flatten()
            .map(|list| list.iter().flatten().count()).collect();
        let levels = &common.presence_and_valency_stats;
        prop_assert_eq!(levels.len(), 2);
        prop_assert_eq!(levels[0].num_non_missing, outer.len() as u64);
        prop_assert_eq!(levels[0].num_missing, (rows.len() - outer.len()) as u64);
        let lists: usize = outer.iter().map(|list| list.len()).sum();
        prop_assert_eq!(levels[0].tot_num_values, lists as u64);
        prop_assert_eq!(levels[1].num_non_missing, inner.len() as u64);
        prop_assert_eq!(levels[1].num_missing, (lists - inner.len()) as u64);
        prop_assert_eq!(levels[1].tot_num_values, inner.iter().sum::<usize>() as u64);
        prop_assert_eq!(levels[1].min_num_values, inner.iter().min().map_or(0, |&n| n as u64));
        prop_assert_eq!(levels[1].max_num_values, inner.iter().max().map_or(0, |&n| n as u64));
        let of_examples = || outer.iter().map(|lists| {
            lists.iter().flatten().map(|list| list.iter().flatten().count()).sum::<usize>()
        });
        prop_assert_eq!(common.min_num_values, of_examples().min().unwrap_or(0) as u64);
        prop_assert_eq!(common.max_num_values, of_examples().max().unwrap_or(0) as u64);
        prop_assert_eq!(common.tot_num_values, levels[1].tot_num_values);
        let id = common_of(&list, "trip.id");
        let trips = rows.iter().filter_map(|row| row.inner.as_ref());
        prop_assert_eq!(id.num_non_missing, trips.clone().flatten().count() as u64);
        prop_assert_eq!(id.num_missing, trips.filter(|id| id.is_none()).count() as u64);
    }

    #[test]
    fn pairs_vary_together_as_in_a_naive_loop(rows in rows(1..60), size in 1_usize..30) {
        let config = Config { cross_features: Some(CrossFeatures::All(AllPairs::All)), ..Config::default() };
        let list = all_statistics_of(&batch(&rows), size, 2, &config, None);
        let both: Vec<(f64, f64)> = rows.iter()
            .filter_map(|row| row.x.zip(row.y))
            .filter(|(x, y)| !x.is_nan() && !y.is_nan())
            .collect();
        let found = list.datasets[0].cross_features.iter().find(|cross| {
            let step = |path: &Option<formats::metadata::Path>| path.as_ref().unwrap().step.join(".");
            step(&cross.path_x) == "x" && step(&cross.path_y) == "y"
        });
        let n = both.len() as f64;
        prop_assert_eq!(found.map_or(0, |cross| cross.count), both.len() as u64);
        if let Some(cross) = found {
            let Some(CrossStats::NumCrossStats(stats)) = &cross.cross_stats else { panic!() };
            let mean = |of: fn(&(f64, f64)) -> f64| both.iter().map(of).sum::<f64>() / n;
            let (x, y) = (mean(|p| p.0), mean(|p| p.1));
            let covariance = both.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / n;
            prop_assert!((f64::from(stats.covariance) - covariance).abs() <= 1e-5, "{covariance}");
            prop_assert!(stats.correlation.abs() <= 1.0);
        }
    }

    #[test]
    fn a_sample_is_the_same_whatever_the_batches(rows in rows(1..80), size in 1_usize..30) {
        let config = Config { sample_rate: Some(0.5), ..Config::default() };
        let batch = batch(&rows);
        prop_assert_eq!(state_of(&batch, size, &config).to_bytes(), state_of(&batch, 1000, &config).to_bytes());
    }
}

#[test]
fn a_sample_is_of_the_size_asked_for() {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    for rate in [0.01, 0.3, 1.0] {
        let config = Config { sample_rate: Some(rate), ..Config::default() };
        let found = all_statistics_of(&batch, 50_000, 1, &config, None).datasets[0].num_examples;
        // Both partitions have the same sample of places; five standard deviations of half of the rows.
        let slack = 2.0 * 5.0 * (50_000.0 * rate * (1.0 - rate)).sqrt();
        assert!((found as f64 - 100_000.0 * rate).abs() <= slack, "{found} for {rate}");
    }
}

#[test]
fn lists_of_one_length_are_lists() {
    let rows = vec![Some(vec![Some(1), Some(2)]), None, Some(vec![Some(3), None])];
    let fixed = FixedSizeListArray::from_iter_primitive::<Int64Type, _, _>(rows.clone(), 2);
    let lists = arrow::array::ListArray::from_iter_primitive::<Int64Type, _, _>(rows);
    let of = |array: ArrayRef| {
        let batch = RecordBatch::try_from_iter_with_nullable([("f", array, true)]).unwrap();
        all_statistics_of(&batch, 2, 1, &Config::default(), None)
    };
    assert_eq!(of(Arc::new(fixed)), of(Arc::new(lists)));
}

#[test]
fn deep_nesting_is_counted_level_by_level() {
    let mut array: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    for _ in 0..40 {
        let field = Arc::new(Field::new("item", array.data_type().clone(), true));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths(vec![1; 3]);
        array = Arc::new(arrow::array::ListArray::new(field, offsets, array, None));
    }
    let batch = RecordBatch::try_from_iter([("deep", array)]).unwrap();
    let list = all_statistics_of(&batch, 2, 1, &Config::default(), None);
    let common = common_of(&list, "deep");
    assert_eq!(common.presence_and_valency_stats.len(), 40);
    assert!(common.presence_and_valency_stats.iter().all(|level| level.tot_num_values == 3));
}
