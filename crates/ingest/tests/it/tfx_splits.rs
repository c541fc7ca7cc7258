//! Rows are in the splits where TFX puts them.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::RecordBatch;
use dataset::{ExampleEncoder, MissingFeature, Payload, TfExampleError, TfRecordFiles};
use ingest::{Config, Hash};
use insta::assert_snapshot;

use crate::scene::{Scene, csv, parquet, shared, tfrecord};

/// How often each record is there.
type Counts = BTreeMap<Vec<u8>, u32>;

fn with_hash(mut config: Config, hash: Hash) -> Config {
    config.hash = hash;
    config
}

/// Returns what TFX's `CsvExampleGen` made of the taxi data.
fn golden(shared: &Path, split: &str) -> Counts {
    let dir = shared.join(format!("golden/tfx_taxi/csv_example_gen/Split-{split}"));
    let mut paths: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let files = TfRecordFiles::open(&paths).unwrap();
    let mut counts = Counts::new();
    for partition in 0..files.num_partitions() {
        let mut records = files.records(partition).unwrap();
        while let Some(record) = records.next_record().unwrap() {
            *counts.entry(record.data.to_vec()).or_default() += 1;
        }
    }
    counts
}

fn records(batch: &RecordBatch) -> Counts {
    let schema = batch.schema();
    let encoder = ExampleEncoder::new(Payload::TfExample, MissingFeature::Named, &schema).unwrap();
    let mut counts = Counts::new();
    let add = |record: &[u8]| {
        *counts.entry(record.to_vec()).or_default() += 1;
        Ok::<_, TfExampleError>(())
    };
    encoder.encode(batch, add).unwrap();
    counts
}

#[test]
fn text_is_split_as_tfx_has_split_it() {
    let Some(shared) = shared() else { return };
    let scene = Scene::with(&[]);
    let path = shared.join("data/chicago_taxi.csv").display().to_string();
    scene.run(&with_hash(csv(&path), Hash::TfxBefore024)).unwrap();
    // The text has two rows, its first, that TFX's own copy of it does not have.
    for (split, num_more) in [("train", 2), ("eval", 0)] {
        let expected = golden(&shared, split);
        let mut found = records(&scene.split(split));
        for (record, count) in expected {
            let left = found.get_mut(&record).expect("every record is in the same split");
            *left = left.checked_sub(count).expect("as often as in the same split");
        }
        assert_eq!(found.values().sum::<u32>(), num_more, "{split}");
    }
}

#[test]
fn records_are_split_as_tfx_has_split_them() {
    let Some(shared) = shared() else { return };
    let scene = Scene::with(&[]);
    let path = shared.join("golden/tfx_taxi/csv_example_gen/Split-*/*.gz").display().to_string();
    for hash in [Hash::Tfx, Hash::TfxBefore024] {
        let outcome = scene.run(&with_hash(tfrecord(&path), hash)).unwrap();
        assert_eq!(outcome.splits, [("train".to_owned(), 9909), ("eval".to_owned(), 5091)]);
        for split in ["train", "eval"] {
            assert!(records(&scene.split(split)) == golden(&shared, split), "{split}");
        }
    }
}

/// The numbers are those of a few lines of Python after `_ParsedCsvToTfExample` and `_PartitionFn` of TFX 1.16.
#[test]
fn an_empty_cell_is_an_empty_list_since_tfx_0_24() {
    let Some(shared) = shared() else { return };
    let scene = Scene::with(&[]);
    let path = shared.join("data/chicago_taxi.csv").display().to_string();
    let outcome = scene.run(&with_hash(csv(&path), Hash::Tfx)).unwrap();
    assert_eq!(outcome.splits, [("train".to_owned(), 10_036), ("eval".to_owned(), 4966)]);
}

fn by(mut config: Config, feature: &str, hash: Hash) -> Config {
    config.partition_feature = Some(feature.to_owned());
    config.hash = hash;
    config
}

/// As above, after `_GeneratePartitionKey`.
#[test]
fn one_feature_decides_as_in_tfx() {
    let Some(shared) = shared() else { return };
    let scene = Scene::with(&[]);
    let path = shared.join("data/chicago_taxi.csv").display().to_string();
    let outcome = scene.run(&by(csv(&path), "payment_type", Hash::Tfx)).unwrap();
    assert_eq!(outcome.splits, [("train".to_owned(), 9942), ("eval".to_owned(), 5060)]);
    let outcome = scene.run(&by(csv(&path), "trip_start_timestamp", Hash::Tfx)).unwrap();
    assert_eq!(outcome.splits, [("train".to_owned(), 10_094), ("eval".to_owned(), 4908)]);
}

#[test]
fn rows_with_one_value_of_the_feature_stay_together() {
    let mut text = "user,n,f\n".to_owned();
    (0..1000).for_each(|n| text.push_str(&format!("u{},{n},0.5\n", n % 20)));
    let scene = Scene::with(&[("a.csv", text.as_bytes())]);
    for hash in [Hash::Content, Hash::Tfx] {
        let config = by(csv("a.csv"), "user", hash);
        scene.run(&config).unwrap();
        let users = |split: &str| -> std::collections::BTreeSet<String> {
            let batch = scene.split(split);
            let users = arrow::array::AsArray::as_string::<i32>(batch.column(0));
            users.iter().flatten().map(ToOwned::to_owned).collect()
        };
        let (train, eval) = (users("train"), users("eval"));
        assert!(train.is_disjoint(&eval));
        assert_eq!(train.len() + eval.len(), 20);
        assert!(!eval.is_empty());
    }
    let said = |feature| scene.error(&by(csv("a.csv"), feature, Hash::Content));
    assert_snapshot!(said("usr"), @r"
    `partition_feature`: there is no feature `usr`
    hint: did you mean `user`?
    ");
    assert_snapshot!(said("f"), @"`partition_feature`: feature `f` holds FLOAT values, expected INT or BYTES");
    let scene = Scene::with(&[("a.csv", b"user,n\nu1,1\n,2\n")]);
    let said = |hash| scene.said(scene.run(&by(csv("a.csv"), "user", hash)).unwrap_err());
    assert_snapshot!(said(Hash::Content), @"feature `user`: is missing in a row, expected a value in all of them: it decides about the split");
    assert_eq!(said(Hash::Tfx), said(Hash::Content));
}

#[test]
fn formats_that_tfx_does_not_read_have_no_splits_of_tfx() {
    let scene = Scene::with(&[("a.parquet", b"")]);
    let config = with_hash(parquet("a.parquet"), Hash::Tfx);
    assert_snapshot!(scene.said(scene.run(&config).unwrap_err()), @"`hash`: TFX's splits are those of comma-separated text and of TFRecord files alone, expected `content`");
}
