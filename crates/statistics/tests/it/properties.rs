//! Properties that hold for any data.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, DictionaryArray, Float64Array, Int32Array,
    Int64Array, Int64Builder, LargeStringArray, ListBuilder, RecordBatch, StringArray,
    StringBuilder, StringViewArray,
};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Schema};
use base::{BoxError, ErrorKind};
use dataflow::{Accumulator, Pass};
use formats::metadata::feature_name_statistics::{Stats, Type};
use formats::metadata::{DatasetFeatureStatistics, NumericStatistics, StringStatistics};
use proptest::prelude::*;
use statistics::{Config, Curated, StatisticsPass, StatisticsState};

use crate::statistics_of;

/// One row of all columns.
#[derive(Clone, Debug)]
struct Row {
    float: Option<f64>,
    int: Option<i64>,
    text: Option<String>,
    list: Option<Vec<Option<i64>>>,
    texts: Option<Vec<String>>,
}

fn rows(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Row>> {
    let float = prop_oneof![
        6 => (-20_i32..20).prop_map(|i| f64::from(i) / 4.0),
        3 => any::<f32>().prop_map(f64::from),
        1 => prop_oneof![Just(f64::NAN), Just(-0.0)],
    ];
    let row = (
        prop::option::weighted(0.8, float),
        prop::option::weighted(0.8, prop_oneof![3 => -5..5_i64, 1 => any::<i64>()]),
        prop::option::weighted(0.8, "[a-c]{0,2}|é|x{30}"),
        prop::option::weighted(0.8, prop::collection::vec(prop::option::of(0..4_i64), 0..4)),
        prop::option::weighted(0.8, prop::collection::vec("[a-c]", 0..3)),
    );
    let row = row.prop_map(|(float, int, text, list, texts)| Row { float, int, text, list, texts });
    prop::collection::vec(row, len)
}

fn batch(rows: &[Row]) -> RecordBatch {
    let mut list = ListBuilder::new(Int64Builder::new());
    let mut texts = ListBuilder::new(StringBuilder::new());
    for row in rows {
        list.append_option(row.list.clone());
        texts.append_option(row.texts.as_ref().map(|texts| texts.iter().map(Some)));
    }
    let columns: [(&str, ArrayRef); 5] = [
        ("float", Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.float)))),
        ("int", Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.int)))),
        ("text", Arc::new(StringArray::from_iter(rows.iter().map(|row| row.text.as_ref())))),
        ("list", Arc::new(list.finish())),
        ("texts", Arc::new(texts.finish())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
        .unwrap()
}

fn start(batch: &RecordBatch, config: &Config) -> StatisticsState {
    StatisticsPass::new(&batch.schema(), config).unwrap().start().unwrap()
}

/// The state of some rows, taken in by batches of a size.
fn state_of(batch: &RecordBatch, batch_size: usize, config: &Config) -> StatisticsState {
    let mut state = start(batch, config);
    for start in (0..batch.num_rows()).step_by(batch_size) {
        let len = batch_size.min(batch.num_rows() - start);
        state.update(&batch.slice(start, len)).unwrap();
    }
    state
}

/// So few that most features have more.
fn small_bounds() -> Config {
    Config {
        max_exact_numbers: 5.try_into().unwrap(),
        max_exact_strings: 4.try_into().unwrap(),
        ..Config::default()
    }
}

/// All that can be asked for.
fn everything() -> Config {
    serde_json::from_value(serde_json::json!({
        "example_weight": "weight",
        "per_feature_weight_override": { "int": "other_weight", "text": "other_weight" },
        "lift": [{ "label": "text", "features": ["texts"] }],
        "enable_semantic_domain_stats": true,
        "slices": [{ "features": ["text"] }],
    }))
    .unwrap()
}

/// Rows with weights, and what a schema says of them.
fn curated_pass(rows: &[Row], config: &Config) -> (RecordBatch, StatisticsPass) {
    let plain = batch(rows);
    let weights = |step: usize| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(
            (0..rows.len()).map(|row| f64::from(u8::try_from(row * step % 7).unwrap()) / 4.0),
        ))
    };
    let mut columns: Vec<(String, ArrayRef, bool)> = plain
        .schema()
        .fields()
        .iter()
        .zip(plain.columns())
        .map(|(field, column)| (field.name().clone(), Arc::clone(column), true))
        .collect();
    columns.push(("weight".to_owned(), weights(3), false));
    columns.push(("other_weight".to_owned(), weights(5), false));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let schema = r#"
        feature { name: "texts" type: BYTES natural_language_domain {
            vocabulary: "letters" coverage { oov_string_tokens: "b" }
            token_constraints { string_value: "a" } token_constraints { int_value: 1 } } }
        feature { name: "list" type: INT natural_language_domain { vocabulary: "letters" } }
        sparse_feature { name: "sparse" value_feature { name: "texts" } index_feature { name: "list" } }
        weighted_feature { name: "weighted" feature { step: "list" } weight_feature { step: "float" } }
    "#;
    let schema = formats::text::parse(schema).unwrap();
    let letters: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
    let vocabularies = [("letters".to_owned(), Arc::new(letters.into()))].into();
    let curated = Curated { schema: Some(&schema), vocabularies };
    let pass = StatisticsPass::with_curated(&batch.schema(), config, &curated).unwrap();
    (batch, pass)
}

proptest! {
    // Slices make each case a large one.
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_for_parts_add_up_and_travel(
        rows in rows(1..60), size in 1_usize..30,
    ) {
        let config = everything();
        let (batch, pass) = curated_pass(&rows, &config);
        let mut whole = pass.start().unwrap();
        whole.update(&batch).unwrap();
        let mut sum = pass.start().unwrap();
        for start in (0..batch.num_rows()).step_by(size) {
            let mut part = pass.start().unwrap();
            part.update(&batch.slice(start, size.min(batch.num_rows() - start))).unwrap();
            sum.merge(StatisticsState::from_bytes(&part.to_bytes()).unwrap()).unwrap();
        }
        let (whole, sum) = (whole.finish().unwrap(), sum.finish().unwrap());
        prop_assert_eq!(format!("{whole:?}"), format!("{sum:?}"));
        let names = whole.datasets[0].features.len();
        prop_assert_eq!(names, 9);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn while_exact_neither_partitions_nor_threads_show(
        rows in rows(1..120), size in 1_usize..50, threads in 1_usize..4,
    ) {
        let batch = batch(&rows);
        let whole = statistics_of(&batch, rows.len(), 1, &Config::default());
        let parts = statistics_of(&batch, size, threads, &Config::default());
        prop_assert_eq!(format!("{whole:?}"), format!("{parts:?}"));
    }

    #[test]
    fn batch_sizes_never_show(rows in rows(1..120), size in 1_usize..50) {
        let batch = batch(&rows);
        for config in [Config::default(), small_bounds()] {
            let whole = state_of(&batch, rows.len(), &config);
            let parts = state_of(&batch, size, &config);
            prop_assert_eq!(whole.to_bytes(), parts.to_bytes());
        }
    }

    #[test]
    fn threads_never_show(rows in rows(1..120), size in 1_usize..20) {
        let batch = batch(&rows);
        let one = statistics_of(&batch, size, 1, &small_bounds());
        let three = statistics_of(&batch, size, 3, &small_bounds());
        prop_assert_eq!(format!("{one:?}"), format!("{three:?}"));
    }

    #[test]
    fn a_state_goes_on_after_a_round_trip_as_if_nothing_had_happened(
        rows in rows(2..120), cut in 1_usize..120,
    ) {
        let batch = batch(&rows);
        let cut = cut.min(rows.len() - 1);
        let (head, tail) = (batch.slice(0, cut), batch.slice(cut, rows.len() - cut));
        for config in [Config::default(), small_bounds()] {
            let mut stayed = state_of(&head, 10, &config);
            let mut travelled = StatisticsState::from_bytes(&stayed.to_bytes()).unwrap();
            prop_assert_eq!(stayed.to_bytes(), travelled.to_bytes());
            stayed.update(&tail).unwrap();
            travelled.update(&tail).unwrap();
            let other = state_of(&tail, 10, &config);
            stayed.merge(other.clone()).unwrap();
            travelled.merge(StatisticsState::from_bytes(&other.to_bytes()).unwrap()).unwrap();
            prop_assert_eq!(stayed.to_bytes(), travelled.to_bytes());
        }
    }

    #[test]
    fn broken_bytes_are_an_error_or_a_state_but_never_a_panic(
        rows in rows(1..40), cut in any::<prop::sample::Index>(), bit in 0_u32..8,
    ) {
        for config in [Config::default(), small_bounds()] {
            let mut bytes = state_of(&batch(&rows), 10, &config).to_bytes();
            let at = cut.index(bytes.len());
            prop_assert!(StatisticsState::from_bytes(&bytes[..at]).is_err());
            bytes[at] ^= 1_u8 << bit;
            if let Ok(state) = StatisticsState::from_bytes(&bytes) {
                let mut twice = state.clone();
                twice.merge(state).unwrap();
                twice.finish().unwrap();
            }
        }
    }

    #[test]
    fn numbers_are_those_of_a_naive_loop(rows in rows(1..120)) {
        let statistics = statistics_of(&batch(&rows), 7, 1, &Config::default());
        let floats: Vec<Option<f64>> = rows.iter().map(|row| row.float).collect();
        check_numbers(numbers_of(&statistics, "float"), &floats);
        let ints: Vec<Option<f64>> = rows.iter().map(|row| row.int.map(|v| v as f64)).collect();
        check_numbers(numbers_of(&statistics, "int"), &ints);
    }

    #[test]
    fn strings_are_those_of_a_naive_loop(rows in rows(1..120)) {
        let config = Config { num_top_values: 3, num_rank_histogram_buckets: 5, ..Config::default() };
        let statistics = statistics_of(&batch(&rows), 7, 1, &config);
        let strings = strings_of(&statistics, "text");
        let values: Vec<&String> = rows.iter().filter_map(|row| row.text.as_ref()).collect();
        let mut counts = BTreeMap::<&str, u64>::new();
        values.iter().for_each(|value| *counts.entry(value).or_default() += 1);
        let mut ranked: Vec<(u64, &str)> = counts.iter().map(|(&s, &n)| (n, s)).collect();
        ranked.sort_by(|a, b| b.cmp(a));
        let expected: Vec<_> = ranked.iter().take(3).map(|&(n, s)| (s, n as f64)).collect();
        let top: Vec<_> =
            strings.top_values.iter().map(|top| (top.value.as_str(), top.frequency)).collect();
        prop_assert_eq!(top, expected);
        let buckets = strings.rank_histogram.as_ref().map_or(&[][..], |ranks| &ranks.buckets);
        let expected: Vec<_> = (0..).zip(&ranked).take(5).map(|(i, &(n, s))| (i, i, s, n as f64)).collect();
        let found: Vec<_> = buckets
            .iter()
            .map(|b| (b.low_rank, b.high_rank, b.label.as_str(), b.sample_count))
            .collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(strings.unique, counts.len() as u64);
        let num_bytes: usize = values.iter().map(|value| value.len()).sum();
        let expected = if values.is_empty() { 0.0 } else { num_bytes as f64 / values.len() as f64 };
        prop_assert!((f64::from(strings.avg_length) - expected).abs() < 1e-5);
    }

    #[test]
    fn list_lengths_are_those_of_a_naive_loop(rows in rows(1..120)) {
        let statistics = statistics_of(&batch(&rows), 7, 1, &Config::default());
        let common = numbers_of(&statistics, "list").common_stats.as_ref().unwrap();
        let lists = rows.iter().filter_map(|row| row.list.as_ref());
        let lengths: Vec<u64> = lists.map(|list| list.iter().flatten().count() as u64).collect();
        prop_assert_eq!(common.num_non_missing, lengths.len() as u64);
        prop_assert_eq!(common.num_missing, (rows.len() - lengths.len()) as u64);
        prop_assert_eq!(common.min_num_values, lengths.iter().copied().min().unwrap_or(0));
        prop_assert_eq!(common.max_num_values, lengths.iter().copied().max().unwrap_or(0));
        prop_assert_eq!(common.tot_num_values, lengths.iter().sum::<u64>());
        let values: Vec<Option<f64>> = rows
            .iter()
            .flat_map(|row| row.list.iter().flatten().flatten().map(|&v| Some(v as f64)))
            .collect();
        check_numbers(numbers_of(&statistics, "list"), &values);
    }
}

fn stats_of<'a>(statistics: &'a DatasetFeatureStatistics, name: &str) -> &'a Stats {
    let feature = statistics.features.iter().find(|f| crate::compare::name(f) == name).unwrap();
    feature.stats.as_ref().unwrap()
}

fn numbers_of<'a>(statistics: &'a DatasetFeatureStatistics, name: &str) -> &'a NumericStatistics {
    match stats_of(statistics, name) {
        Stats::NumStats(numbers) => numbers,
        other => panic!("{other:?}"),
    }
}

fn strings_of<'a>(statistics: &'a DatasetFeatureStatistics, name: &str) -> &'a StringStatistics {
    match stats_of(statistics, name) {
        Stats::StringStats(strings) => strings,
        other => panic!("{other:?}"),
    }
}

fn check_numbers(found: &NumericStatistics, values: &[Option<f64>]) {
    let present: Vec<f64> = values.iter().copied().flatten().collect();
    let mut numbers: Vec<f64> = present.iter().copied().filter(|v| !v.is_nan()).collect();
    numbers.sort_by(f64::total_cmp);
    let num_nan = (present.len() - numbers.len()) as u64;
    assert!(found.histograms.iter().all(|histogram| histogram.num_nan == num_nan));
    let Some((&min, &max)) = numbers.first().zip(numbers.last()) else {
        assert_eq!(found.histograms.len(), if num_nan > 0 { 2 } else { 0 });
        return;
    };
    assert_eq!((found.min, found.max), (min, max));
    assert_eq!(found.num_zeros, numbers.iter().filter(|&&v| v == 0.0).count() as u64);
    let n = numbers.len() as f64;
    let scale = min.abs().max(max.abs());
    let mean = numbers.iter().map(|v| v / n).sum::<f64>();
    assert!((found.mean - mean).abs() <= 1e-12 * scale, "{} and {mean}", found.mean);
    let variance = numbers.iter().map(|v| ((v - mean) / scale).powi(2) / n).sum::<f64>();
    let std_dev = if scale > 0.0 { variance.sqrt() * scale } else { 0.0 };
    assert!((found.std_dev - std_dev).abs() <= 1e-7 * scale, "{} and {std_dev}", found.std_dev);
    // The median is a number for which half of all are on either side.
    let below = numbers.iter().filter(|&&v| v < found.median).count();
    let through = numbers.iter().filter(|&&v| v <= found.median).count();
    assert!(2 * below <= numbers.len() && numbers.len() <= 2 * through, "{}", found.median);
    for histogram in &found.histograms {
        let total: f64 = histogram.buckets.iter().map(|bucket| bucket.sample_count).sum();
        // A STANDARD bucket misses values where its low end was rounded past them.
        assert!((total - n).abs() <= 1e-9 * n, "{total} of {n}: {histogram:?}");
    }
}

#[test]
fn every_arrow_type_of_a_value_gives_the_same_statistics() {
    let values = [Some(3_u8), None, Some(0), Some(1), Some(3)];
    let ints: [ArrayRef; 9] = [
        Arc::new(Int64Array::from_iter(values.map(|v| v.map(i64::from)))),
        Arc::new(Int32Array::from_iter(values.map(|v| v.map(i32::from)))),
        Arc::new(arrow::array::Int16Array::from_iter(values.map(|v| v.map(i16::from)))),
        Arc::new(arrow::array::Int8Array::from_iter(values.map(|v| v.map(|v| v as i8)))),
        Arc::new(arrow::array::UInt64Array::from_iter(values.map(|v| v.map(u64::from)))),
        Arc::new(arrow::array::UInt32Array::from_iter(values.map(|v| v.map(u32::from)))),
        Arc::new(arrow::array::UInt16Array::from_iter(values.map(|v| v.map(u16::from)))),
        Arc::new(arrow::array::UInt8Array::from_iter(values)),
        Arc::new(DictionaryArray::<Int32Type>::new(
            Int32Array::from(vec![Some(1), None, Some(0), Some(2), Some(1)]),
            Arc::new(Int64Array::from(vec![0, 3, 1])),
        )),
    ];
    all_alike(&ints, Type::Int);
    let text = [Some("a"), None, Some(""), Some("bc"), Some("a")];
    let with_null: StringArray = [Some("a"), None, Some(""), Some("bc")].into_iter().collect();
    let strings: [ArrayRef; 6] = [
        Arc::new(StringArray::from_iter(text)),
        Arc::new(LargeStringArray::from_iter(text)),
        Arc::new(StringViewArray::from_iter(text)),
        Arc::new(BinaryArray::from_iter(text)),
        Arc::new(text.into_iter().collect::<DictionaryArray<Int32Type>>()),
        Arc::new(DictionaryArray::<Int32Type>::new(
            Int32Array::from(vec![0, 1, 2, 3, 0]),
            Arc::new(with_null),
        )),
    ];
    all_alike(&strings, Type::String);
    let bits = [Some(true), None, Some(false), Some(true), None];
    let booleans: [ArrayRef; 2] = [
        Arc::new(BooleanArray::from_iter(bits)),
        Arc::new(Int64Array::from_iter(bits.map(|bit| bit.map(i64::from)))),
    ];
    all_alike(&booleans, Type::Int);
}

fn all_alike(columns: &[ArrayRef], expected: Type) {
    let statistics = |column: &ArrayRef| {
        let column = [("f", ArrayRef::clone(column), true)];
        let batch = RecordBatch::try_from_iter_with_nullable(column).unwrap();
        statistics_of(&batch, 2, 1, &Config::default())
    };
    let first = statistics(&columns[0]);
    assert_eq!(first.features[0].r#type(), expected);
    for column in columns {
        assert_eq!(statistics(column), first, "{}", column.data_type());
    }
}

#[test]
fn values_under_a_null_list_do_not_count() {
    let items = Int64Array::from(vec![1, 2, 3, 4]);
    let field = Arc::new(Field::new("item", DataType::Int64, true));
    let offsets = arrow::buffer::OffsetBuffer::new(vec![0, 1, 3, 4].into());
    let nulls = vec![true, false, true].into();
    let lists = arrow::array::ListArray::new(field, offsets, Arc::new(items), Some(nulls));
    let batch = RecordBatch::try_from_iter_with_nullable([("f", Arc::new(lists) as _, true)]);
    let statistics = statistics_of(&batch.unwrap(), 3, 1, &Config::default());
    let numbers = numbers_of(&statistics, "f");
    assert_eq!((numbers.mean, numbers.min, numbers.max), (2.5, 1.0, 4.0));
    assert_eq!(numbers.common_stats.as_ref().unwrap().tot_num_values, 2);
}

#[test]
fn a_batch_of_lists_without_values_fits_where_lists_have_values() {
    let nulls = Arc::new(arrow::array::NullArray::new(2));
    let field = Arc::new(Field::new("item", DataType::Null, true));
    let offsets = arrow::buffer::OffsetBuffer::new(vec![0, 0, 2].into());
    let lists = arrow::array::ListArray::new(field, offsets, nulls, None);
    let empty: ArrayRef = Arc::new(lists);
    let row = Row { float: None, int: None, text: None, list: Some(vec![Some(7)]), texts: None };
    for other in ["list", "texts"] {
        let typed = batch(std::slice::from_ref(&row));
        let typed = typed.project(&[typed.schema().index_of(other).unwrap()]).unwrap();
        let mut state = state_of(&typed, 1, &Config::default());
        let empty = RecordBatch::try_from_iter([(other, ArrayRef::clone(&empty))]).unwrap();
        state.update(&empty).unwrap();
        let finished = state.finish().unwrap().datasets.remove(0);
        let common = match stats_of(&finished, other) {
            Stats::NumStats(numbers) => numbers.common_stats.clone().unwrap(),
            Stats::StringStats(strings) => strings.common_stats.clone().unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!((finished.num_examples, common.min_num_values), (3, 0));
    }
}

#[test]
fn no_rows_make_statistics_without_values() {
    let empty = batch(&[]);
    let finished = start(&empty, &Config::default()).finish().unwrap().datasets.remove(0);
    assert_eq!((finished.num_examples, finished.features.len()), (0, 5));
    let common = numbers_of(&finished, "int").common_stats.clone().unwrap();
    assert_eq!((common.num_missing, common.num_values_histogram), (0, None));
}

#[test]
fn what_cannot_be_summarized_is_said_by_name_and_type() {
    let check = |fields: Vec<Field>, expected: &str| {
        let error = StatisticsPass::new(&Schema::new(fields), &Config::default()).unwrap_err();
        let error = BoxError::from(error);
        assert_eq!((error.to_string().as_str(), error.kind()), (expected, ErrorKind::Data));
    };
    let list = |item| DataType::List(Arc::new(Field::new("item", item, true)));
    let unsupported = "expected numbers, booleans, strings, bytes, or lists and structs of them";
    for (data_type, shown) in
        [(list(DataType::Date32), "List(Date32)"), (DataType::Date32, "Date32")]
    {
        let within =
            DataType::Struct(Fields::from(vec![Field::new("day", data_type.clone(), true)]));
        check(
            vec![Field::new("trip", within, true)],
            &format!(
                "feature `trip.day`: statistics of type {shown} are not supported: {unsupported}"
            ),
        );
        check(
            vec![Field::new("trip", data_type, true)],
            &format!("feature `trip`: statistics of type {shown} are not supported: {unsupported}"),
        );
    }
    let twice = vec![Field::new("fare", DataType::Int64, true); 2];
    check(twice, "feature `fare` appears twice");
    let config = Config { num_histogram_buckets: 20_000.try_into().unwrap(), ..Config::default() };
    let error = BoxError::from(StatisticsPass::new(&Schema::empty(), &config).unwrap_err());
    let expected = "option `num_histogram_buckets`: found 20000, expected at most 10000";
    assert_eq!((error.to_string().as_str(), error.kind()), (expected, ErrorKind::Usage));
}

#[test]
fn a_batch_of_other_columns_is_refused_and_one_without_values_is_not() {
    let batch_of = |name: &str, array: ArrayRef| {
        RecordBatch::try_from_iter_with_nullable([(name, array, true)]).unwrap()
    };
    let ints = batch_of("fare", Arc::new(Int64Array::from(vec![1])));
    let mut state = state_of(&ints, 1, &Config::default());
    state.update(&batch_of("fare", Arc::new(arrow::array::NullArray::new(2)))).unwrap();
    let changed = state.update(&batch_of("fare", Arc::new(StringArray::from(vec!["1"]))));
    assert_eq!(
        changed.unwrap_err().to_string(),
        "feature `fare`: found Utf8 in a batch, expected INT"
    );
    let missing = state.update(&batch_of("tips", Arc::new(Int64Array::from(vec![1]))));
    assert_eq!(
        missing.unwrap_err().to_string(),
        "feature `fare` is missing from a batch: expected the columns of the first one"
    );
    let other = state_of(&ints, 1, &small_bounds());
    assert_eq!(state.merge(other).unwrap_err().kind(), ErrorKind::Bug);
    let finished = state.finish().unwrap().datasets.remove(0);
    let common = numbers_of(&finished, "fare").common_stats.clone().unwrap();
    assert_eq!((common.num_non_missing, common.num_missing), (1, 2));
}
