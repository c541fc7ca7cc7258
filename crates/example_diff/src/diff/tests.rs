use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::datatypes::Int64Type;
use dataflow::Batches;
use engine::LocalEngine;
use proptest::prelude::*;

use super::*;
use crate::MatchStats;

/// One example: its identifier, a text, some numbers, a float.
#[derive(Clone, Debug, PartialEq)]
struct Trip {
    id: Option<i64>,
    paid: Option<&'static str>,
    stops: Option<Vec<i64>>,
    fare: Option<f32>,
}

fn trip(id: i64, paid: &'static str, fare: f32) -> Trip {
    Trip { id: Some(id), paid: Some(paid), stops: None, fare: Some(fare) }
}

fn batch(trips: &[Trip]) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter(trips.iter().map(|trip| trip.id)));
    let paid: ArrayRef = Arc::new(StringArray::from_iter(trips.iter().map(|trip| trip.paid)));
    let stops = trips.iter().map(|trip| {
        trip.stops.clone().map(|stops| stops.into_iter().map(Some).collect::<Vec<_>>())
    });
    let stops: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(stops));
    let fares: ArrayRef = Arc::new(Float32Array::from_iter(trips.iter().map(|trip| trip.fare)));
    RecordBatch::try_from_iter_with_nullable([
        ("id", ids, true),
        ("paid", paid, true),
        ("stops", stops, true),
        ("fare", fares, true),
    ])
    .unwrap()
}

/// Trips in partitions of some size.
fn source(trips: &[Trip], size: usize) -> Batches {
    Batches::new(batch(&[]).schema(), trips.chunks(size.max(1)).map(batch).collect())
}

fn engine(threads: usize) -> LocalEngine {
    LocalEngine::new(NonZeroUsize::new(threads).unwrap(), Arc::default())
}

fn config() -> Config {
    Config::new(vec!["id".to_owned()])
}

fn diff(test: &dyn Source, base: &dyn Source, config: &Config) -> ExampleDiff {
    try_diff(test, base, config).unwrap()
}

fn try_diff(
    test: &dyn Source,
    base: &dyn Source,
    config: &Config,
) -> Result<ExampleDiff, ExampleDiffError> {
    let side = |source| Examples { source, num_examples: 10 };
    diff_examples(&side(test), &side(base), config, &engine(2))
}

/// Returns each feature's counts: base, test, match, base only, test only, mismatch.
fn counts(diff: &ExampleDiff) -> Vec<(&str, [u64; 6])> {
    let counts = |f: &FeatureSkew| {
        [f.base_count, f.test_count, f.match_count, f.base_only, f.test_only, f.mismatch_count]
    };
    diff.features.iter().map(|feature| (feature.feature_name.as_str(), counts(feature))).collect()
}

#[test]
fn features_are_compared_pair_by_pair() {
    let base = [
        trip(1, "Cash", 1.0),
        trip(2, "Card", 2.0),
        Trip { fare: None, ..trip(3, "Card", 0.0) },
        trip(4, "Cash", 4.0),
        Trip { id: None, ..trip(0, "Cash", 5.0) },
    ];
    let test = [
        trip(3, "Card", 3.0),
        Trip { stops: Some(vec![]), ..trip(2, "Cash", 2.5) },
        trip(1, "Cash", 1.0),
        trip(9, "Cash", 9.0),
    ];
    let confused = Config { confusion_features: vec!["paid".to_owned()], ..config() };
    let found = diff(&source(&test, 2), &source(&base, 3), &confused);
    assert_eq!(
        counts(&found),
        [("fare", [2, 3, 1, 0, 1, 1]), ("paid", [3, 3, 2, 0, 0, 1]), ("stops", [0, 1, 0, 0, 1, 0]),]
    );
    assert_eq!(found.features[0].diff_count(), 2);
    assert_eq!(
        found.match_stats,
        MatchStats {
            base_with_id_count: 4,
            test_with_id_count: 4,
            identifiers_count: 5,
            ids_missing_in_base_count: 1,
            ids_missing_in_test_count: 1,
            matching_pairs_count: 3,
            duplicate_id_count: 0,
            base_missing_id_count: 1,
            test_missing_id_count: 0,
        }
    );
    assert_eq!(found.num_skewed_pairs, 2);
    let confusion: Vec<_> = found
        .confusion
        .iter()
        .map(|it| (it.base.as_deref(), it.test.as_deref(), it.count))
        .collect();
    assert_eq!(
        confusion,
        [
            (Some("Card"), Some("Card"), 1),
            (Some("Card"), Some("Cash"), 1),
            (Some("Cash"), Some("Cash"), 1)
        ]
    );
    let mut sample = found.sample.clone();
    sample.sort_by_key(|pair| pair.base["id"].as_i64());
    assert_eq!(sample.len(), 2);
    assert_eq!(sample[0].base.to_string(), r#"{"id":2,"paid":"Card","stops":null,"fare":2.0}"#);
    assert_eq!(sample[0].test.to_string(), r#"{"id":2,"paid":"Cash","stops":[],"fare":2.5}"#);
    assert_eq!(sample[0].mismatched_features, ["fare", "paid"]);
    assert_eq!(sample[0].test_only_features, ["stops"]);
    assert_eq!(sample[1].matched_features, ["paid"]);
    assert_eq!(sample[1].test_only_features, ["fare"]);
    let back = ExampleDiff::from_json(&found.to_json(), &found.sample_to_json_lines()).unwrap();
    assert_eq!(back, found);
}

#[test]
fn close_floats_are_equal_once_rounded() {
    let (base, test) = ([trip(1, "Cash", 1.12345)], [trip(1, "Cash", 1.12456)]);
    for (digits, matched) in [(None, 0), (Some(5), 0), (Some(2), 1), (Some(0), 1)] {
        let config = Config { float_round_ndigits: digits, ..config() };
        let found = diff(&source(&test, 1), &source(&base, 1), &config);
        assert_eq!(found.features[0].match_count, matched, "{digits:?}");
        assert_eq!(found.features[0].mismatch_count, 1 - matched, "{digits:?}");
    }
}

#[test]
fn a_float_of_64_bits_equals_the_one_of_32_that_it_became() {
    let wide = |ids: Vec<i64>, fares: Vec<f64>| {
        let ids: ArrayRef = Arc::new(Int64Array::from(ids));
        let fares: ArrayRef = Arc::new(Float64Array::from(fares));
        let batch = RecordBatch::try_from_iter([("id", ids), ("fare", fares)]).unwrap();
        Batches::new(batch.schema(), vec![batch])
    };
    let base = wide(vec![1, 2], vec![0.1, 0.2]);
    let test = [trip(1, "Cash", 0.1), trip(2, "Cash", 0.3)];
    let config = Config { ignore_features: vec!["paid".to_owned()], ..config() };
    let found = diff(&source(&test, 2), &base, &config);
    assert_eq!(counts(&found), [("fare", [2, 2, 1, 0, 0, 1]), ("stops", [0; 6])]);
    assert_eq!(
        (found.features[1].base_type, found.features[1].test_type),
        (None, Some(FeatureType::Int))
    );
}

#[test]
fn duplicates_are_left_out_or_compared_each_with_each() {
    let base = [trip(1, "Cash", 1.0), trip(1, "Card", 1.0), trip(2, "Cash", 2.0)];
    let test =
        [trip(1, "Cash", 1.0), trip(1, "Cash", 1.0), trip(1, "Card", 2.0), trip(2, "Card", 2.0)];
    let skipped = diff(&source(&test, 2), &source(&base, 2), &config());
    assert_eq!(skipped.match_stats.duplicate_id_count, 1);
    assert_eq!(skipped.match_stats.matching_pairs_count, 7);
    assert_eq!(counts(&skipped)[1], ("paid", [1, 1, 0, 0, 0, 1]));
    assert_eq!((skipped.num_compared_pairs, skipped.num_skewed_pairs), (1, 1));
    let allow = Config { allow_duplicate_identifiers: true, ..config() };
    let all = diff(&source(&test, 2), &source(&base, 2), &allow);
    assert_eq!(counts(&all)[0], ("fare", [7, 7, 5, 0, 0, 2]));
    assert_eq!(counts(&all)[1], ("paid", [7, 7, 3, 0, 0, 4]));
    assert_eq!((all.num_compared_pairs, all.num_skewed_pairs), (7, 5));
    // Two of the pairs that differ are equal to another one.
    assert_eq!(all.sample.len(), 4);
}

#[test]
fn many_duplicates_do_not_take_time_by_pairs() {
    let same = vec![trip(1, "Cash", 1.0); 20_000];
    let allow = Config { allow_duplicate_identifiers: true, ..config() };
    let found = diff(&source(&same, 5_000), &source(&same, 5_000), &allow);
    assert_eq!(counts(&found)[0], ("fare", [400_000_000, 400_000_000, 400_000_000, 0, 0, 0]));
    assert_eq!((found.num_skewed_pairs, found.sample.len()), (0, 0));
    let other: Vec<Trip> = (0..20_000_u16).map(|fare| trip(1, "Cash", f32::from(fare))).collect();
    let found = diff(&source(&other, 5_000), &source(&other, 5_000), &allow);
    assert_eq!((found.num_skewed_pairs, found.sample.len()), (399_980_000, 10));
}

#[test]
fn identifiers_that_do_not_make_sense_are_named() {
    let trips = source(&[trip(1, "Cash", 1.0)], 1);
    let error = |identifiers: &[&str], base: &dyn Source| {
        let names = identifiers.iter().map(|&name| name.to_owned()).collect();
        let error = try_diff(&trips, base, &Config::new(names)).unwrap_err();
        format!("{error}; {:?}", base::Classify::hint(&error))
    };
    assert_eq!(
        error(&[], &trips),
        "`identifier_features`: found [], expected at least one feature; None"
    );
    assert_eq!(
        error(&["id", "payed"], &trips),
        "identifier feature `payed` is not among the features of the examples; \
         Some(\"did you mean `paid`?\")"
    );
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    let texts = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    let texts = Batches::new(texts.schema(), vec![texts]);
    assert_eq!(
        error(&["id"], &texts),
        "identifier feature `id` is INT in the examples and BYTES in the baseline examples, expected one \
         type; None"
    );
    assert_eq!(
        error(&["paid"], &texts),
        "identifier feature `paid` is not among the features of the baseline examples; None"
    );
}

/// Compares as one would by hand.
fn by_hand(test: &[Trip], base: &[Trip], allow: bool) -> (Vec<[u64; 6]>, u64, u64) {
    fn compare<T: PartialEq>(a: Option<&T>, b: Option<&T>, counts: &mut [u64; 6]) -> bool {
        counts[0] += u64::from(a.is_some());
        counts[1] += u64::from(b.is_some());
        match (a, b) {
            (None, None) => return false,
            (Some(a), Some(b)) if a == b => {
                counts[2] += 1;
                return false;
            }
            (Some(_), None) => counts[3] += 1,
            (None, Some(_)) => counts[4] += 1,
            (Some(_), Some(_)) => counts[5] += 1,
        }
        true
    }
    let mut counts = vec![[0; 6]; 3];
    let (mut skewed, mut pairs) = (0, 0);
    for a in base {
        for b in test.iter().filter(|b| a.id.is_some() && a.id == b.id) {
            pairs += 1;
            let times = |trips: &[Trip]| trips.iter().filter(|trip| trip.id == a.id).count();
            if !allow && (times(base) > 1 || times(test) > 1) {
                continue;
            }
            let fare = compare(a.fare.as_ref(), b.fare.as_ref(), &mut counts[0]);
            let paid = compare(a.paid.as_ref(), b.paid.as_ref(), &mut counts[1]);
            let stops = compare(a.stops.as_ref(), b.stops.as_ref(), &mut counts[2]);
            skewed += u64::from(fare || paid || stops);
        }
    }
    (counts, skewed, pairs)
}

fn trips() -> impl Strategy<Value = Vec<Trip>> {
    let one = (
        prop::option::weighted(0.9, 0..12_i64),
        prop::option::of(prop::sample::select(vec!["", "Cash", "Card"])),
        prop::option::of(prop::collection::vec(0..2_i64, 0..3)),
        prop::option::of(prop::sample::select(vec![0.0_f32, 0.5, 1.0])),
    );
    let one = one.prop_map(|(id, paid, stops, fare)| Trip { id, paid, stops, fare });
    prop::collection::vec(one, 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn counts_are_those_by_hand_and_nothing_else_shows(
        base in trips(),
        test in trips(),
        allow in any::<bool>(),
        sizes in (1..9_usize, 1..9_usize),
        count in 1..7_u64,
        threads in 1..4_usize,
    ) {
        let config = Config {
            allow_duplicate_identifiers: allow,
            confusion_features: vec!["paid".to_owned(), "id".to_owned()],
            skew_sample_size: 3,
            ..config()
        };
        let schema = batch(&[]).schema();
        let layout = Layout::new([&schema, &schema], &config);
        let run = |test: &[Trip], base: &[Trip], count, (a, b): (usize, usize), threads| {
            let (test, base) = (source(test, a), source(base, b));
            diff_in_ranges(&test, &base, &config, &layout, count, &engine(threads)).unwrap()
        };
        let found = run(&test, &base, 1, (100, 100), 1);
        let (expected, skewed, pairs) = by_hand(&test, &base, allow);
        let found_counts: Vec<_> = counts(&found).into_iter().map(|(_, counts)| counts).collect();
        prop_assert_eq!(found_counts, expected);
        prop_assert_eq!(found.num_skewed_pairs, skewed);
        prop_assert_eq!(found.match_stats.matching_pairs_count, pairs);
        prop_assert_eq!(found.sample.is_empty(), skewed == 0);
        let of_paid = found.confusion.iter().filter(|count| count.feature_name == "paid");
        let compared = of_paid.map(|count| count.count).sum::<u64>();
        let is_all = compared == pairs;
        prop_assert!(is_all || (!allow && compared < pairs));

        // Ranges of keys, partitions, threads and the order of the examples do not show.
        let (mut backwards, mut other) = (test.clone(), base.clone());
        backwards.reverse();
        other.reverse();
        prop_assert_eq!(run(&backwards, &other, count, sizes, threads), found);
    }
}
