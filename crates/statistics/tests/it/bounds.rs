//! Features with more distinct values than are counted exactly.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use formats::metadata::StringStatistics;
use formats::metadata::feature_name_statistics::Stats;
use statistics::Config;

use crate::statistics_of;

/// So many distinct strings, each once, and two that are frequent among them.
const NUM_DISTINCT: u64 = 200_000;
const MAX_EXACT: u32 = 2000;

fn batch() -> RecordBatch {
    let row = |i: u64| match i % 10 {
        0..=1 => "often".to_owned(),
        2 => "sometimes".to_owned(),
        _ => format!("{:x}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
    };
    let strings = StringArray::from_iter_values((0..NUM_DISTINCT / 7 * 10).map(row));
    RecordBatch::try_from_iter([("s", Arc::new(strings) as ArrayRef)]).unwrap()
}

fn strings_of(partition_size: usize, threads: usize) -> StringStatistics {
    let config = Config { max_exact_strings: MAX_EXACT.try_into().unwrap(), ..Config::default() };
    let mut statistics = statistics_of(&batch(), partition_size, threads, &config);
    match statistics.features.remove(0).stats {
        Some(Stats::StringStats(strings)) => strings,
        other => panic!("{other:?}"),
    }
}

#[test]
fn beyond_the_bound_the_errors_are_those_stated() {
    let num_values = (NUM_DISTINCT / 7 * 10) as f64;
    let whole = strings_of(1 << 20, 1);
    // Three standard errors, 0.4 % each.
    let distance = whole.unique.abs_diff(NUM_DISTINCT) as f64 / NUM_DISTINCT as f64;
    assert!(distance < 0.012, "{}", whole.unique);
    for partition_size in [1 << 20, 50_000, 7777] {
        let strings = strings_of(partition_size, 2);
        assert_eq!(strings.unique, whole.unique, "the estimate is of hashes alone");
        assert_eq!(strings, strings_of(partition_size, 1));
        let slack = 2.0 / f64::from(MAX_EXACT) * num_values;
        for (top, (value, share)) in
            strings.top_values.iter().zip([("often", 0.2), ("sometimes", 0.1)])
        {
            let exact = share * num_values;
            assert_eq!(top.value, value);
            assert!(
                top.frequency <= exact + 1.0 && top.frequency >= exact - slack - 1.0,
                "{top:?}"
            );
        }
    }
}
