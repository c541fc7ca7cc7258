//! Slices by queries: those of features where they mean the same, and never how the examples were cut.

use arrow::array::UInt32Array;
use base::Classify;
use dataflow::{Accumulator, Pass};
use proptest::prelude::*;
use statistics::{Config, SliceConfig, StatisticsPass};

use crate::all_statistics_of;
use crate::nested::{batch, everything, rows};

fn by_query(query: &str) -> SliceConfig {
    SliceConfig { slice_keys_sql: Some(query.to_owned()), ..SliceConfig::default() }
}

/// Of one part and of two, of every value of a list, of all examples, of none.
fn queries() -> Config {
    let slices = [
        "SELECT STRUCT(key) FROM example.key",
        "SELECT STRUCT(key, IF(example.x > 0, 'up', 'down') AS x) FROM example.key WHERE example.x != 1",
        "SELECT STRUCT(list[SAFE_OFFSET(0)] AS first) FROM UNNEST(example.nested) AS list",
        "SELECT STRUCT(trip.id / 2 AS half)",
        "SELECT STRUCT(key) FROM example.key WHERE example.x > 0 AND example.x < 0",
    ];
    Config { slices: slices.map(by_query).into(), ..everything() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn neither_partitions_nor_threads_nor_batches_show(
        rows in rows(1..60), size in 1_usize..30, threads in 1_usize..4,
    ) {
        let batch = batch(&rows);
        let whole = all_statistics_of(&batch, rows.len(), 1, &queries(), None);
        let parts = all_statistics_of(&batch, size, threads, &queries(), None);
        prop_assert_eq!(format!("{whole:?}"), format!("{parts:?}"));
        let pass = StatisticsPass::new(&batch.schema(), &queries()).unwrap();
        let state = |size: usize| {
            let mut state = pass.start().unwrap();
            for start in (0..batch.num_rows()).step_by(size) {
                state.update(&batch.slice(start, size.min(batch.num_rows() - start))).unwrap();
            }
            state.to_bytes()
        };
        prop_assert_eq!(state(rows.len()), state(size));
    }

    #[test]
    fn slices_of_a_feature_are_the_same_by_query(rows in rows(1..60)) {
        let batch = batch(&rows);
        let by_feature = all_statistics_of(&batch, 9, 2, &everything(), None);
        let query = by_query("SELECT STRUCT(key) FROM example.key");
        let config = Config { slices: vec![query], ..everything() };
        let by_query = all_statistics_of(&batch, 9, 2, &config, None);
        prop_assert_eq!(format!("{by_feature:?}"), format!("{by_query:?}"));
    }

    #[test]
    fn slices_are_the_statistics_of_their_examples(rows in rows(1..60)) {
        let batch = batch(&rows);
        let query = by_query("SELECT STRUCT(IF(x > 0, 'up', 'down') AS x) WHERE key = 'a'");
        let config = Config { slices: vec![query], ..everything() };
        let sliced = all_statistics_of(&batch, 9, 2, &config, None);
        let plain = Config { slices: Vec::new(), ..everything() };
        for (name, is_up) in [("x_up", true), ("x_down", false)] {
            let indices: Vec<u32> = (0..).zip(&rows)
                .filter(|(_, row)| row.key.as_deref() == Some("a") && row.x.is_some_and(|x| x > 0.0) == is_up)
                .map(|(index, _)| index)
                .collect();
            let found = sliced.datasets.iter().find(|dataset| dataset.name == name);
            prop_assert_eq!(found.is_some(), !indices.is_empty());
            let Some(found) = found else { continue };
            let part = arrow::compute::take_record_batch(&batch, &UInt32Array::from(indices)).unwrap();
            let mut alone = all_statistics_of(&part, 100, 1, &plain, None).datasets.remove(0);
            name.clone_into(&mut alone.name);
            prop_assert_eq!(format!("{alone:?}"), format!("{found:?}"));
        }
    }
}

#[test]
fn columns_of_queries_are_read_beside_those_of_features() {
    let batch = batch(&[]);
    let config = Config {
        features: vec!["x".to_owned()],
        slices: vec![by_query("SELECT STRUCT(key) FROM example.key WHERE y > 1")],
        ..Config::default()
    };
    let pass = StatisticsPass::new(&batch.schema(), &config).unwrap();
    assert_eq!(pass.columns().unwrap(), ["x", "key", "y"]);
}

#[test]
fn mistakes_name_the_option_and_the_place() {
    let schema = batch(&[]).schema();
    let said = |config: &Config| -> Vec<String> {
        config.check(Some(&schema)).iter().map(ToString::to_string).collect()
    };
    let slices = ["SELECT STRUCT(kex) FROM example.kex", "SELECT STRUCT(key"].map(by_query);
    let config = Config { slices: slices.into(), ..Config::default() };
    let mistakes = said(&config);
    assert_eq!(
        mistakes[0],
        "option `slices.0.slice_keys_sql`: the query, line 1, column 33: there is no `kex` in `example`\n    \
         SELECT STRUCT(kex) FROM example.kex\n                                    ^"
    );
    assert_eq!(config.check(Some(&schema))[0].hint().unwrap(), "did you mean `key`?");
    assert!(
        mistakes[1].starts_with("option `slices.1.slice_keys_sql`: the query, line 1, column 18")
    );
    let both = SliceConfig {
        features: vec!["key".to_owned()],
        ..by_query("SELECT STRUCT(key) FROM example.key")
    };
    let expected =
        "option `slices.0.slice_keys_sql`: found `features` or `values` beside it, expected either";
    assert_eq!(said(&Config { slices: vec![both], ..Config::default() }), [expected]);
    // Types are not known of all columns before the run; where they are, the mistake is one.
    let typed = Config {
        slices: vec![by_query("SELECT STRUCT(key) FROM example.key WHERE key = 1")],
        ..Config::default()
    };
    assert!(said(&typed).is_empty());
    let error = StatisticsPass::new(&schema, &typed).unwrap_err();
    assert!(error.to_string().contains("cannot compare text with a number"), "{error}");
}

#[test]
fn slices_by_query_are_as_many_as_may_be() {
    let rows: Vec<i64> = (0..20).collect();
    let ids: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::Int64Array::from(rows));
    let batch = arrow::array::RecordBatch::try_from_iter([("id", ids)]).unwrap();
    let config = Config {
        slices: vec![by_query("SELECT STRUCT(id) FROM example.id")],
        max_slices: 10.try_into().unwrap(),
        ..Config::default()
    };
    let mut state = StatisticsPass::new(&batch.schema(), &config).unwrap().start().unwrap();
    let error = state.update(&batch).unwrap_err();
    assert_eq!(
        error.to_string(),
        "option `slices`: found more than 10 slices, expected at most `max_slices`"
    );
}
