//! Partitions, batches and threads do not show; states survive as bytes; rows are independent of one another.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray};
use dataflow::{Accumulator, Pass, Stage};
use proptest::prelude::*;
use transform::{AnalyzerPass, AnalyzerState, ApplyGraph, Config, analyze};

use crate::{apply, config, engine, inputs, learn, partitions};

fn everything() -> Config {
    config(
        &[("filled", "fill_missing(f, 0.5)")],
        &[
            ("z", "scale_to_z_score(f)"),
            ("unit", "scale_to_0_1(filled * 3)"),
            ("bucket", "bucketize(f, 4)"),
            ("word", "vocabulary(s, top_k => 5, num_oov_buckets => 3)"),
            ("number", "vocabulary(i, frequency_threshold => 2)"),
            ("stats", "mean(f) + var(i) + min(filled) + max(i) + size(f)"),
            ("second", "bucketize(scale_to_z_score(filled) - mean(i), 3)"),
            ("by_key", "scale_to_z_score_per_key(f, s) + scale_by_min_max_per_key(i, s)"),
            ("key_bucket", "bucketize_per_key(i, s, 3) + max_per_key(i, s)"),
            ("key_stats", "sum_per_key(f, s) + var_per_key(f, s) + size_per_key(f, s)"),
            ("in_buckets", "list_get(histogram(least(abs(f), 9.0), 5), 2)"),
            (
                "informed",
                "vocabulary(s, labels => i % 3, min_diff_from_avg => 'auto', top_k => 1, key => i % 2, coverage_top_k => 2, store_frequency => true)",
            ),
            ("file", "tokenize(s, '../tokenizer/testdata/bert.json')"),
            ("counts", "count_per_key(s) + count_per_key(i)"),
            ("weighted", "vocabulary(s, weights => abs(f), top_k => 4)"),
            ("weighted_bucket", "bucketize(i, 3, weights => f)"),
            ("labelled", "vocabulary(s, labels => i % 3, use_adjusted_mutual_info => true)"),
            ("covered", "vocabulary(s, top_k => 1, key => i % 2, coverage_top_k => 2)"),
            ("gaussian", "scale_to_gaussian(f)"),
            ("density", "estimated_probability_density(least(abs(f), 9.0), 5)"),
            ("interpolated", "bucketize_with_interpolation(f, 6)"),
            ("numbers", "sum(i) + quantile(f, 0.3) + tukey_scale(f)"),
            ("hash", "hash_strings(s || 'x', 17)"),
            ("case", "CASE WHEN f > 0 AND i IN (1, 2, 3) THEN upper(s) ELSE s END"),
            ("tokens", "tokenize_bpe(s || ' ' || s, vocab_size => 260)"),
            ("pieces", "tokenize_wordpiece(s || '-' || s, vocab_size => 12)"),
            ("parts", "regexp_split(s, '[ab]')"),
            ("day", "date_part('dow', i, tz => 'Europe/Berlin')"),
        ],
    )
}

fn batches() -> impl Strategy<Value = RecordBatch> {
    let float = prop_oneof![
        4 => (-50_i8..50).prop_map(|i| f32::from(i) / 8.0),
        1 => any::<f32>(),
        1 => Just(f32::NAN),
        1 => Just(f32::INFINITY),
    ];
    let text = prop_oneof![4 => "[a-d]{1,2}", 1 => Just(String::new()), 1 => "\\PC{0,4}"];
    let int = prop_oneof![4 => -5_i64..5, 1 => any::<i64>()];
    let row = (prop::option::of(float), prop::option::of(int), prop::option::of(text));
    prop::collection::vec(row, 0..60).prop_map(|rows| {
        let floats: ArrayRef = Arc::new(Float32Array::from_iter(rows.iter().map(|row| row.0)));
        let ints: ArrayRef = Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.1)));
        let texts: ArrayRef =
            Arc::new(StringArray::from_iter(rows.iter().map(|row| row.2.as_ref())));
        RecordBatch::try_from_iter([("f", floats), ("i", ints), ("s", texts)]).unwrap()
    })
}

fn graph_text(graph: &graph::Graph) -> String {
    serde_json::to_string_pretty(graph).unwrap()
}

fn one_row() -> RecordBatch {
    RecordBatch::try_from_iter([
        ("f", Arc::new(Float32Array::from(vec![0.5])) as ArrayRef),
        ("i", Arc::new(Int64Array::from(vec![1]))),
        ("s", Arc::new(StringArray::from(vec!["a"]))),
    ])
    .unwrap()
}

/// A pass over what the batches hold, as it would reach another machine.
fn pass() -> AnalyzerPass {
    let batch = one_row();
    let outputs = [("0", "f + 0"), ("1", "cast(s AS text)"), ("2", "i")];
    let graph = learn(&config(&[], &outputs), &batch).unwrap();
    let texts = |beside, is_weighted| serde_json::json!({ "texts": { "beside": beside, "is_weighted": is_weighted } });
    let subject = |analysis, columns: &[usize]| serde_json::json!({ "analysis": analysis, "columns": columns });
    let subjects = [
        subject("numbers".into(), &[0]),
        subject("numbers".into(), &[2]),
        subject("weighted_numbers".into(), &[0, 0]),
        subject("keyed_numbers".into(), &[0, 1]),
        subject("keyed_numbers".into(), &[2, 1]),
        subject(texts("nothing", false), &[1]),
        subject(texts("labels", false), &[1, 2]),
        subject(texts("keys", true), &[1, 1, 0]),
    ];
    // So little that all texts but the last few are in a temporary file.
    let value =
        serde_json::json!({ "graph": graph, "subjects": subjects, "max_count_bytes": 1500 });
    serde_json::from_value(value).unwrap()
}

fn state_of(batch: &RecordBatch) -> AnalyzerState {
    let mut state = pass().start().unwrap();
    state.update(batch).unwrap();
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn partitions_and_threads_do_not_show(
        batch in batches(),
        lengths in prop::collection::vec(0_usize..20, 0..5),
        threads in 1_usize..4,
    ) {
        let whole = learn(&everything(), &batch).unwrap();
        let source = partitions(&batch, &lengths);
        let parts = analyze(&everything(), &inputs(&batch), &source, &engine(threads)).unwrap();
        prop_assert_eq!(graph_text(&whole), graph_text(&parts));
    }

    #[test]
    fn rows_do_not_depend_on_one_another(batch in batches()) {
        let graph = learn(&everything(), &batch).unwrap();
        let together = graph.apply(&batch).unwrap();
        prop_assert_eq!(&apply(&graph, &batch), &together);
        for row in 0..batch.num_rows() {
            let alone = graph.apply(&batch.slice(row, 1)).unwrap();
            prop_assert_eq!(alone, together.slice(row, 1));
        }
    }

    #[test]
    fn states_survive_as_bytes_and_merge_as_one(batch in batches(), at in 0_usize..60) {
        let at = at.min(batch.num_rows());
        let (front, back) = (batch.slice(0, at), batch.slice(at, batch.num_rows() - at));
        let mut merged = AnalyzerState::from_bytes(&state_of(&front).to_bytes()).unwrap();
        merged.merge(AnalyzerState::from_bytes(&state_of(&back).to_bytes()).unwrap()).unwrap();
        let whole = state_of(&batch);
        prop_assert_eq!(merged.to_bytes(), whole.to_bytes());
    }

    #[test]
    fn spoiled_bytes_are_an_error_or_another_state(
        batch in batches(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = state_of(&batch).to_bytes();
        let at = at.index(bytes.len());
        prop_assert!(AnalyzerState::from_bytes(&bytes[..at]).is_err());
        bytes[at] = byte;
        if let Ok(state) = AnalyzerState::from_bytes(&bytes) {
            state.finish().unwrap();
        }
    }

    #[test]
    fn no_text_makes_the_checker_panic(text in "[a-z0-9_ ()+*/<>=,.'\"|%-]{0,40}|\\PC{0,20}") {
        let features = config(&[], &[("a", &text)]);
        let batch = RecordBatch::try_from_iter([("a", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
        if let Err(problems) = transform::check(&features, &inputs(&batch)) {
            for problem in problems {
                prop_assert!(problem.offset <= text.chars().count(), "{:?} {}", text, problem);
            }
        }
    }
}

#[test]
fn a_stage_survives_as_text() {
    let batch = one_row();
    let stage = ApplyGraph::new(learn(&everything(), &batch).unwrap());
    let read: ApplyGraph = serde_json::from_str(&serde_json::to_string(&stage).unwrap()).unwrap();
    assert_eq!(read.apply(&batch).unwrap(), stage.apply(&batch).unwrap());
    assert_eq!(read.columns(), stage.columns());
    assert_eq!(read.schema(), stage.schema());
}

#[test]
fn states_of_other_passes_do_not_merge() {
    let batch = one_row();
    let graph = learn(&config(&[], &[("0", "f")]), &batch).unwrap();
    let pass = |columns: &[usize]| -> AnalyzerPass {
        let subject = serde_json::json!({ "analysis": "numbers", "columns": columns });
        let value =
            serde_json::json!({ "graph": graph, "subjects": [subject], "max_count_bytes": 0 });
        serde_json::from_value(value).unwrap()
    };
    assert!(state_of(&batch).merge(pass(&[0]).start().unwrap()).is_err());
    for columns in [&[][..], &[1], &[0, 0], &[usize::MAX]] {
        assert!(pass(columns).start().is_err(), "{columns:?}");
    }
}
