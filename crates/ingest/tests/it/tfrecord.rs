//! Records of examples: which columns they become, and what is said of those that cannot be read.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Int64Type};
use formats::example::{
    put_bytes, put_example, put_floats, put_ints, put_named, put_sequence_example, put_step,
};
use formats::tfrecord::{Compression, RecordWriter};
use ingest::{Config, FeatureKind, Form, Payload, SourceConfig, TfrecordTable};
use insta::assert_snapshot;

use crate::scene::{Scene, shared, tfrecord};

/// A feature's values.
enum Values<'a> {
    None,
    Ints(&'a [i64]),
    Floats(&'a [f32]),
    Bytes(&'a [&'a [u8]]),
}
use Values::{Bytes, Floats, Ints};

fn feature(values: &Values<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    match values {
        Values::None => {}
        Ints(values) => put_ints(&mut bytes, values),
        Floats(values) => put_floats(&mut bytes, values),
        Bytes(values) => put_bytes(&mut bytes, values.iter().copied()),
    }
    bytes
}

fn named(features: &[(&str, Values<'_>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    features.iter().for_each(|(name, values)| put_named(&mut bytes, name, &feature(values)));
    bytes
}

fn example(features: &[(&str, Values<'_>)]) -> Vec<u8> {
    let mut record = Vec::new();
    put_example(&mut record, &named(features));
    record
}

fn file(compression: Compression, records: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = RecordWriter::new(compression.encoder(Vec::new()));
    records.iter().for_each(|record| writer.write(record).unwrap());
    writer.into_inner().finish().unwrap()
}

fn plain(records: &[Vec<u8>]) -> Vec<u8> {
    file(Compression::None, records)
}

/// All rows in one split.
fn whole(mut config: Config) -> Config {
    config.splits = Some([("all".to_owned(), std::num::NonZeroU32::MIN)].into());
    config
}

fn rows(files: &[(&str, &[u8])]) -> RecordBatch {
    let scene = Scene::with(files);
    scene.run(&whole(tfrecord("*"))).unwrap();
    scene.split("all")
}

fn with_features(features: &[(&str, FeatureKind)]) -> Config {
    let features = features.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    whole(Config::new(SourceConfig::Tfrecord(Form::Table(TfrecordTable {
        files: "*.tfrecord".into(),
        payload: Payload::TfExample,
        features: Some(features),
    }))))
}

fn two_records() -> Vec<Vec<u8>> {
    vec![
        example(&[("fare", Floats(&[4.5])), ("tags", Bytes(&[b"a", b"b"])), ("n", Ints(&[1]))]),
        example(&[("fare", Values::None), ("tags", Bytes(&[])), ("n", Ints(&[0]))]),
    ]
}

#[test]
fn one_value_everywhere_is_a_column_of_values_and_else_of_lists() {
    let batch = rows(&[("a.tfrecord", &plain(&two_records()))]);
    let list = DataType::new_list(DataType::Utf8, true);
    let types: Vec<_> = batch
        .schema()
        .fields()
        .iter()
        .map(|field| (field.name().clone(), field.data_type().clone()))
        .collect();
    let named = |name: &str, data_type| (name.to_owned(), data_type);
    assert_eq!(
        types,
        [named("fare", DataType::Float32), named("n", DataType::Int64), named("tags", list)]
    );
    let fares = batch.column(0).as_primitive::<Float32Type>();
    assert_eq!(fares.iter().collect::<Vec<_>>(), [Some(4.5), None]);
    assert_eq!(batch.column(1).as_primitive::<Int64Type>().values(), &[1, 0]);
    let tags = batch.column(2).as_list::<i32>();
    assert_eq!((tags.value_length(0), tags.value_length(1), tags.null_count()), (2, 0, 0));
}

#[test]
fn compression_is_told_by_the_content() {
    let expected = rows(&[("a", &plain(&two_records()))]);
    for compression in [Compression::Gzip, Compression::Zlib] {
        assert_eq!(rows(&[("a", &file(compression, &two_records()))]), expected);
    }
}

#[test]
fn sequences_become_lists_of_lists() {
    let mut steps = Vec::new();
    put_step(&mut steps, &feature(&Ints(&[1, 2])));
    put_step(&mut steps, &feature(&Ints(&[3])));
    let mut lists = Vec::new();
    put_named(&mut lists, "clicks", &steps);
    let mut record = Vec::new();
    put_sequence_example(&mut record, &named(&[("user", Ints(&[7]))]), &lists);
    let scene = Scene::with(&[("a.tfrecord", &plain(&[record]))]);
    let table = TfrecordTable {
        files: "a.tfrecord".into(),
        payload: Payload::TfSequenceExample,
        features: None,
    };
    scene.run(&whole(Config::new(SourceConfig::Tfrecord(Form::Table(table))))).unwrap();
    let batch = scene.split("all");
    assert_eq!(batch.schema().field(0).name(), "user");
    let clicks = batch.column(1).as_list::<i32>().value(0);
    let clicks = clicks.as_list::<i32>();
    assert_eq!((clicks.value_length(0), clicks.value_length(1)), (2, 1));
}

#[test]
fn named_features_are_read_and_others_left_out() {
    let other = example(&[("n", Ints(&[5, 6])), ("more", Ints(&[1]))]);
    let scene =
        Scene::with(&[("a.tfrecord", &plain(&two_records())), ("b.tfrecord", &plain(&[other]))]);
    let config = with_features(&[("n", FeatureKind::IntList), ("fare", FeatureKind::Float)]);
    scene.run(&config).unwrap();
    let batch = scene.split("all");
    let names: Vec<_> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["n", "fare"]);
    assert_eq!(batch.column(0).as_list::<i32>().value_length(2), 2);
    assert_eq!(batch.column(1).null_count(), 2);
    let features = scene.infer(&config, Some(1)).unwrap();
    assert_eq!(features.len(), 2);

    let config = with_features(&[("n", FeatureKind::Int)]);
    assert_snapshot!(scene.error(&config), @r"
    b.tfrecord: record 1 at byte 0: feature `n`: has 2 values, expected one or the feature to be missing
    hint: make the column a list
    ");
    let config = with_features(&[("n", FeatureKind::String)]);
    assert_snapshot!(scene.error(&config), @"a.tfrecord: record 1 at byte 0: feature `n`: has INT values, expected BYTES values");
    let config = with_features(&[("n", FeatureKind::IntList), ("faer", FeatureKind::Float)]);
    assert_snapshot!(scene.said(scene.run(&config).unwrap_err()), @r"
    a.tfrecord: feature `faer`: no record has a value
    hint: is the name right? leave it out if there are no values yet
    ");
    let config = with_features(&[]);
    assert_snapshot!(scene.said(scene.run(&config).unwrap_err()), @"no features are named, expected at least one");
}

#[test]
fn a_feature_that_one_file_does_not_know_is_an_error() {
    let other = example(&[("n", Ints(&[5]))]);
    let files: [(&str, &[u8]); 3] = [
        ("a.tfrecord", &plain(&two_records())),
        ("b.tfrecord", &plain(&[other])),
        ("empty.tfrecord", b""),
    ];
    let scene = Scene::with(&files);
    assert_snapshot!(scene.error(&tfrecord("*.tfrecord")), @r"
    b.tfrecord: no record has a feature `fare`, which those of a.tfrecord have
    hint: to have it missing there, name the features to read in `source.tfrecord.features`
    ");
}

#[test]
fn files_with_values_of_different_kinds() {
    let scene = Scene::with(&[
        ("a.tfrecord", &plain(&[example(&[("n", Ints(&[1]))])])),
        ("b.tfrecord", &plain(&[example(&[("n", Bytes(&[b"x"]))])])),
    ]);
    assert_snapshot!(scene.error(&tfrecord("*.tfrecord")), @"feature `n`: has BYTES values in record 1 of b.tfrecord, but INT values in record 1 of a.tfrecord");
}

#[test]
fn files_without_records_or_features() {
    let scene = Scene::with(&[("a.tfrecord", b"")]);
    assert_snapshot!(scene.error(&tfrecord("*.tfrecord")), @"a.tfrecord: no rows found, expected at least one");
    let scene = Scene::with(&[("a.tfrecord", &plain(&[example(&[])]))]);
    assert_snapshot!(scene.error(&tfrecord("*.tfrecord")), @"a.tfrecord: no record has a feature, expected at least one");
    let scene = Scene::with(&[("a.tfrecord", b"")]);
    let config = with_features(&[("n", FeatureKind::Int)]);
    assert_snapshot!(scene.said(scene.run(&config).unwrap_err()), @"a.tfrecord: no rows found, expected at least one");
}

#[test]
fn damage_is_told_by_file_record_and_byte() {
    let bytes = plain(&two_records());
    let said = |bytes: &[u8]| Scene::with(&[("a.tfrecord", bytes)]).error(&tfrecord("*.tfrecord"));
    assert_snapshot!(said(&bytes[..bytes.len() - 5]), @r"
    a.tfrecord: record 2 at byte 66: the file ends within the data: found 35 bytes of it, expected 40
    hint: was the file copied whole?
    ");
    assert_snapshot!(said(&bytes[..7]), @r"
    a.tfrecord: record 1 at byte 0: the file ends within the length: found 7 bytes of it, expected 12
    hint: was the file copied whole?
    ");
    let mut wrong = bytes.clone();
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    assert_snapshot!(said(&wrong), @"a.tfrecord: record 2 at byte 66: wrong checksum of the data: found 0xe59f14a2, expected 0xe49f14a2");
    let mut wrong = bytes.clone();
    wrong[9] ^= 1;
    assert_snapshot!(said(&wrong), @r"
    a.tfrecord: record 1 at byte 0: wrong checksum of the length: found 0xec561824, expected 0xec561924
    hint: is this a TFRecord file? its first bytes do not look like one
    ");
    assert_snapshot!(said(b"fare,tips\n1.5,0\n"), @r"
    a.tfrecord: record 1 at byte 0: wrong checksum of the length: found 0x2e310a73, expected 0x456c087f
    hint: is this a TFRecord file? its first bytes do not look like one
    ");
    assert_snapshot!(said(&plain(&[b"fare,tips\n".to_vec()])), @r"
    a.tfrecord: record 1 at byte 0: byte 0 of the message: 102 is not the tag of a field
    hint: its checksum is right, so it was written this way: does the file hold other messages?
    ");
    let text = plain(&[example(&[("s", Bytes(&[b"caf\xe9"]))])]);
    Scene::with(&[("a.tfrecord", &text)]).run(&tfrecord("*")).unwrap();
}

#[test]
fn compressed_files_that_are_cut_in_half_or_damaged() {
    let records: Vec<_> = (0..2000).map(|n| example(&[("n", Ints(&[n * n * 977]))])).collect();
    let said = |bytes: &[u8]| Scene::with(&[("a.tfrecord", bytes)]).error(&tfrecord("*.tfrecord"));
    let gzip = file(Compression::Gzip, &records);
    assert_snapshot!(said(&gzip[..gzip.len() / 2]), @r"
    a.tfrecord, decompressed: record 1023 at byte 34170: cannot read on: the gzip data is cut off: the file ends within it
    hint: was the file copied whole?
    ");
    let zlib = file(Compression::Zlib, &records);
    assert_snapshot!(said(&zlib[..zlib.len() / 2]), @r"
    a.tfrecord, decompressed: record 1023 at byte 34170: cannot read on: the zlib data is cut off: the file ends within it
    hint: was the file copied whole?
    ");
    // The checksum of the decompressed bytes.
    let mut wrong = gzip.clone();
    let at = wrong.len() - 8;
    wrong[at] ^= 1;
    assert_snapshot!(said(&wrong), @r"
    a.tfrecord, decompressed: record 2001 at byte 67422: cannot read on: the gzip data is damaged: corrupt gzip stream does not have a matching checksum
    hint: was the file copied whole?
    ");
}

#[test]
fn a_part_of_the_records_tells_all_features_or_none() {
    let records: Vec<_> = (0..20_000).map(|n| example(&[("n", Ints(&[n]))])).collect();
    let scene = Scene::with(&[("a.tfrecord", &plain(&records))]);
    assert_eq!(scene.infer(&tfrecord("*"), Some(1)).unwrap(), []);
    let all = scene.infer(&tfrecord("*"), Some(1 << 30)).unwrap();
    assert_eq!(all, scene.infer(&tfrecord("*"), None).unwrap());
    assert_eq!(all.len(), 1);
}

#[test]
fn threads_do_not_show() {
    let records: Vec<_> = (0..60_000)
        .map(|n| example(&[("n", Ints(&[n])), ("s", Bytes(&[format!("{n}").as_bytes()]))]))
        .collect();
    let scene = Scene::with(&[
        ("a.tfrecord", &plain(&records[..30_000])),
        ("b.tfrecord", &file(Compression::Gzip, &records[30_000..])),
    ]);
    scene.run_on(&tfrecord("*.tfrecord"), 1).unwrap();
    let written = scene.written();
    scene.run_on(&tfrecord("*.tfrecord"), 3).unwrap();
    assert!(scene.written() == written);
}

#[test]
fn images_of_mnist_are_lists() {
    let Some(shared) = shared() else { return };
    let path = shared.join("data/mnist.tfrecord").display().to_string();
    let scene = Scene::with(&[]);
    scene.run(&whole(tfrecord(&path))).unwrap();
    let batch = scene.split("all");
    assert_eq!(batch.num_rows(), 1000);
    let images = batch.column_by_name("image_floats").unwrap().as_list::<i32>();
    assert!((0..1000).all(|row| images.value_length(row) == 784));
}

#[test]
fn the_taxi_sample_has_the_features_of_its_text() {
    let Some(shared) = shared() else { return };
    let path = shared.join("data/chicago_taxi_sample-*").display().to_string();
    let scene = Scene::with(&[]);
    let outcome = scene.run(&tfrecord(&path)).unwrap();
    assert_eq!(outcome.splits.iter().map(|(_, rows)| rows).sum::<u64>(), 15_000);
    let text = shared.join("data/chicago_taxi.csv").display().to_string();
    let names = |config| -> BTreeSet<String> {
        let features = scene.infer(&config, None).unwrap();
        features.into_iter().map(|feature| feature.name).collect()
    };
    assert_eq!(names(tfrecord(&path)), names(crate::scene::csv(&text)));
}
