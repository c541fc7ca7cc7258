//! Examples written as TFRecord files: what other programs find in them, and what we read back.

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use base::Classify;
use formats::example::{put_example, put_ints, put_named, put_sequence_example, put_step};
use formats::tfrecord::{Compression, RecordReader, RecordWriter};
use ingest::{
    Config, Form, OutputConfig, OutputFormat, Payload, RecordCompression, SourceConfig,
    TfrecordTable,
};
use insta::assert_snapshot;

use crate::scene::{Scene, csv, tfrecord};

fn json(pattern: &str) -> Config {
    Config::new(SourceConfig::Json(pattern.into()))
}

fn as_records(config: Config, compression: Option<RecordCompression>) -> Config {
    let output = OutputConfig { format: OutputFormat::Tfrecord, compression };
    Config { output, ..config }
}

fn in_one_split(config: Config) -> Config {
    Config { splits: Some([("all".to_owned(), std::num::NonZeroU32::MIN)].into()), ..config }
}

/// Missing, empty and zero are different, in scalars and in lists.
const LINES: &str = r#"{"n": 0, "f": 0, "s": "", "l": [], "t": ["", "x"], "none": null}
{"n": -9223372036854775808, "f": -1.5, "s": "é", "l": [0]}
{"t": []}
{"n": 9223372036854775807, "f": 3e38, "s": "a\nb", "l": [1, 2, 3], "t": ["y"]}
"#;

fn names(scene: &Scene) -> Vec<String> {
    let out = scene.path("out");
    let written = scene.written().into_iter();
    written.map(|(path, _)| path.strip_prefix(&out).unwrap().display().to_string()).collect()
}

#[test]
fn records_hold_what_parquet_holds() {
    let scene = Scene::with(&[("a.jsonl", LINES.as_bytes())]);
    let config = in_one_split(json("a.jsonl"));
    scene.run(&config).unwrap();
    let expected = scene.split("all");
    assert_eq!(expected.num_rows(), 4);
    for (compression, suffix) in [(None, ".gz"), (Some(RecordCompression::None), "")] {
        let outcome = scene.run(&as_records(config.clone(), compression)).unwrap();
        assert_eq!(outcome.splits, [("all".to_owned(), 4)]);
        let shard = format!("Split-all/data_tfrecord-00000-of-00001{suffix}");
        assert_eq!(names(&scene), [shard, "examples.json".to_owned()]);
        assert_eq!(scene.split("all"), expected);
    }
    // A column without any value is there too.
    assert_eq!(expected.schema().field(5).data_type(), &DataType::Null);
}

#[test]
fn every_split_has_a_file_and_all_features() {
    let scene = Scene::with(&[("a.csv", b"n,s\n1,x\n")]);
    scene.run(&as_records(csv("a.csv"), None)).unwrap();
    let expected = [
        "Split-eval/data_tfrecord-00000-of-00001.gz",
        "Split-train/data_tfrecord-00000-of-00001.gz",
        "examples.json",
    ];
    assert_eq!(names(&scene), expected);
    let (train, eval) = (scene.split("train"), scene.split("eval"));
    assert_eq!(train.schema(), eval.schema());
    assert_eq!(train.num_rows() + eval.num_rows(), 1);
}

#[test]
fn records_are_read_as_they_were_written() {
    let scene = Scene::with(&[("a.jsonl", LINES.as_bytes())]);
    scene.run(&as_records(in_one_split(json("a.jsonl")), None)).unwrap();
    let expected = scene.split("all");
    let shard = scene.path("out/Split-all/data_tfrecord-00000-of-00001.gz");
    std::fs::copy(&shard, scene.path("again")).unwrap();
    scene.run(&in_one_split(tfrecord("again"))).unwrap();
    let found = scene.split("all");
    // Nothing of the file tells of the column without a value.
    assert_eq!(found.num_columns(), expected.num_columns() - 1);
    for (field, column) in found.schema().fields().iter().zip(found.columns()) {
        assert_eq!(Some(column), expected.column_by_name(field.name()), "{}", field.name());
    }
}

#[test]
fn threads_do_not_show_and_large_splits_are_cut() {
    let rows: String = (0..140_000).map(|n| format!("{n},{}\n", n % 7)).collect();
    let scene = Scene::with(&[("a.csv", format!("n,m\n{rows}").as_bytes())]);
    let config = as_records(in_one_split(csv("a.csv")), None);
    scene.run_on(&config, 1).unwrap();
    let first = scene.written();
    let expected = [
        "Split-all/data_tfrecord-00000-of-00002.gz",
        "Split-all/data_tfrecord-00001-of-00002.gz",
        "examples.json",
    ];
    assert_eq!(names(&scene), expected);
    scene.run_on(&config, 3).unwrap();
    assert!(scene.written() == first);
    let batch: RecordBatch = scene.split("all");
    assert_eq!(batch.num_rows(), 140_000);
}

#[test]
fn sequences_stay_sequences() {
    let ints = |values: &[i64]| {
        let mut feature = Vec::new();
        put_ints(&mut feature, values);
        feature
    };
    let (mut steps, mut lists, mut context, mut record) = Default::default();
    put_step(&mut steps, &ints(&[1, 2]));
    put_step(&mut steps, &ints(&[]));
    put_named(&mut lists, "steps", &steps);
    put_named(&mut context, "id", &ints(&[7]));
    put_sequence_example(&mut record, &context, &lists);
    let mut writer = RecordWriter::new(Vec::new());
    writer.write(&record).unwrap();
    let bytes = writer.into_inner();
    let scene = Scene::with(&[("a", &bytes)]);
    let payload = Payload::TfSequenceExample;
    let table = TfrecordTable { files: "a".into(), payload, features: None };
    let config = Config::new(SourceConfig::Tfrecord(Form::Table(table)));
    scene.run(&as_records(in_one_split(config), Some(RecordCompression::None))).unwrap();
    let written = scene.written();
    assert!(written[0].1 == bytes, "the record is another");
    assert_eq!(scene.split("all").num_rows(), 1);

    // Of examples, there are no lists of lists.
    let scene = Scene::with(&[("a.jsonl", b"{\"l\": [[1]]}\n")]);
    let said = scene.error(&as_records(json("a.jsonl"), None));
    assert_snapshot!(said, @"
    `output.format`: column `l`: has type List(List(Int64)), which tf.Example cannot hold
    hint: Parquet holds every feature: leave `output.format` out
    ");
}

#[test]
fn what_records_cannot_hold_is_said() {
    let scene = Scene::with(&[("a.jsonl", b"{\"place\": {\"x\": 1}}\n")]);
    assert_snapshot!(scene.error(&as_records(json("a.jsonl"), None)), @r#"
    `output.format`: column `place`: has type Struct("x": Int64), which tf.Example cannot hold
    hint: Parquet holds every feature: leave `output.format` out
    "#);
    let scene = Scene::with(&[("a.jsonl", b"{\"l\": [1]}\n{\"l\": [1, null]}\n")]);
    let error = scene.run(&as_records(in_one_split(json("a.jsonl")), None)).unwrap_err();
    assert_eq!(error.kind(), base::ErrorKind::Data);
    assert_snapshot!(scene.said(error), @"
    example 2 of split `all`: column `l`: is a list with a missing value in it, which tf.Example cannot hold
    hint: write Parquet, which holds it, or leave such values out
    ");
}

#[test]
fn a_record_is_one_that_anybody_reads() {
    let scene = Scene::with(&[("a.csv", b"b,a,c\n5,,\n")]);
    let none = Some(RecordCompression::None);
    scene.run(&as_records(in_one_split(csv("a.csv")), none)).unwrap();
    let (_, bytes) = &scene.written()[0];
    assert_eq!(Compression::detect(bytes), Compression::None);
    let mut reader = RecordReader::new(bytes.as_slice());
    let record = reader.next_record().unwrap().unwrap().data.to_vec();
    assert!(reader.next_record().unwrap().is_none());
    let (mut value, mut features, mut expected) = (Vec::new(), Vec::new(), Vec::new());
    put_ints(&mut value, &[5]);
    put_named(&mut features, "b", &value);
    put_example(&mut expected, &features);
    assert_eq!(record, expected);
}
