//! Where rows go, and that nothing but their values decides.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use ingest::Config;
use proptest::prelude::*;

use crate::scene::{Scene, csv, parquet, rows};

fn with_splits(mut config: Config, splits: &[(&str, u32)]) -> Config {
    let splits =
        splits.iter().map(|(name, share)| ((*name).to_owned(), NonZeroU32::new(*share).unwrap()));
    config.splits = Some(splits.collect());
    config
}

fn numbers(batch: &RecordBatch) -> Vec<i64> {
    batch.column(0).as_primitive::<Int64Type>().values().to_vec()
}

fn table(numbers: impl Iterator<Item = u64>) -> String {
    let lines: String = numbers.map(|n| format!("{n},text {}\n", n % 7)).collect();
    format!("n,s\n{lines}")
}

#[test]
fn splits_share_the_rows_and_keep_their_order() {
    let scene = Scene::with(&[("a.csv", table(0..3000).as_bytes())]);
    let outcome = scene.run(&csv("a.csv")).unwrap();
    let counts: Vec<_> = outcome.splits.iter().map(|(name, rows)| (name.as_str(), *rows)).collect();
    let (train, eval) = (numbers(&scene.split("train")), numbers(&scene.split("eval")));
    assert_eq!(counts, [("train", train.len() as u64), ("eval", eval.len() as u64)]);
    assert!((1900..2100).contains(&train.len()), "{}", train.len());
    assert!(train.is_sorted() && eval.is_sorted());
    let mut all = [train, eval].concat();
    all.sort_unstable();
    assert_eq!(all, (0..3000).collect::<Vec<i64>>());
}

#[test]
fn only_values_decide() {
    let whole = Scene::with(&[("a.csv", table(0..2000).as_bytes())]);
    let config = with_splits(csv("*.csv"), &[("a", 1), ("b", 1), ("c", 2)]);
    whole.run(&config).unwrap();
    let of = |scene: &Scene, split: &str| -> BTreeSet<i64> {
        numbers(&scene.split(split)).into_iter().collect()
    };

    // Other files, another order, equal rows twice.
    let (first, second) = (table((1000..2000).rev()), table(0..1500));
    let parts = Scene::with(&[("a.csv", first.as_bytes()), ("b.csv", second.as_bytes())]);
    parts.run(&config).unwrap();
    // Other columns around, and fractions elsewhere in the column.
    let mut text = "s,empty,n\n".to_owned();
    (0..2000).for_each(|n| text.push_str(&format!("text {},,{n}\n", n % 7)));
    let wider = Scene::with(&[("a.csv", (text + "x,,0.5\n").as_bytes())]);
    wider.run(&config).unwrap();
    // Another format.
    whole.write_parquet(
        "a.parquet",
        &rows(&dataset::ParquetFiles::open(&shards(&whole, "a")).unwrap()),
    );
    for split in ["a", "b", "c"] {
        assert_eq!(of(&parts, split), of(&whole, split), "{split}");
        let floats = wider.split(split);
        let floats =
            floats.column_by_name("n").unwrap().as_primitive::<arrow::datatypes::Float32Type>();
        #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
        let found: BTreeSet<i64> =
            floats.values().iter().filter(|n| n.fract().abs() < 0.25).map(|n| *n as i64).collect();
        assert_eq!(found, of(&whole, split), "{split}");
    }
    let a = of(&whole, "a");
    let outcome =
        whole.run(&with_splits(parquet("a.parquet"), &[("a", 1), ("b", 1), ("c", 2)])).unwrap();
    assert_eq!(outcome.splits[0].1, a.len() as u64);
    assert_eq!(outcome.splits[1].1 + outcome.splits[2].1, 0);
}

fn shards(scene: &Scene, split: &str) -> Vec<std::path::PathBuf> {
    let dataset = dataset::Dataset::open(&scene.path("out"), &[]).unwrap();
    dataset.split(split).unwrap().shards.clone()
}

#[test]
fn a_split_without_rows_is_an_empty_dataset_with_all_features() {
    let scene = Scene::with(&[("a.csv", b"n,f,s,none\n1,1.5,x,\n")]);
    let outcome = scene.run(&with_splits(csv("a.csv"), &[("a", 1), ("b", 1), ("c", 1)])).unwrap();
    let counts: Vec<u64> = outcome.splits.iter().map(|(_, rows)| *rows).collect();
    assert_eq!(counts.iter().sum::<u64>(), 1);
    for (split, count) in outcome.splits {
        let batch = scene.split(&split);
        assert_eq!(batch.num_rows() as u64, count);
        let types: Vec<_> = batch.schema().fields().iter().map(|f| f.data_type().clone()).collect();
        assert_eq!(types, [DataType::Int64, DataType::Float32, DataType::Utf8, DataType::Null]);
    }
}

#[test]
fn one_split_takes_everything() {
    let scene = Scene::with(&[("a.csv", table(0..100).as_bytes())]);
    let outcome = scene.run(&with_splits(csv("a.csv"), &[("all", 5)])).unwrap();
    assert_eq!(outcome.splits, [("all".to_owned(), 100)]);
}

#[test]
fn a_feature_may_be_called_split() {
    let scene = Scene::with(&[("a.csv", b"split,x\neval,1\n")]);
    scene.run(&with_splits(csv("a.csv"), &[("all", 1)])).unwrap();
    assert_eq!(scene.split("all").column(0).as_string::<i32>().value(0), "eval");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn threads_do_not_show_in_the_bytes(seeds in prop::collection::vec(any::<u16>(), 1..4), threads in 2usize..5) {
        let texts: Vec<String> = seeds.iter().map(|&seed| table(u64::from(seed)..u64::from(seed) + 500)).collect();
        let names: Vec<String> = (0..texts.len()).map(|n| format!("{n}.csv")).collect();
        let files: Vec<_> = names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
        let scene = Scene::with(&files);
        let outcome = scene.run_on(&csv("*.csv"), 1).unwrap();
        let written = scene.written();
        prop_assert_eq!(scene.run_on(&csv("*.csv"), threads).unwrap(), outcome);
        prop_assert_eq!(scene.written(), written);
    }
}

#[test]
fn threads_do_not_show_in_the_bytes_of_many_pieces() {
    let text = table(0..700_000);
    assert!(text.len() > 9 << 20);
    let scene = Scene::with(&[("a.csv", text.as_bytes())]);
    let digest = |threads| {
        scene.run_on(&csv("a.csv"), threads).unwrap();
        base::digest_tree(&scene.path("out")).unwrap()
    };
    assert_eq!(digest(1), digest(3));
}
