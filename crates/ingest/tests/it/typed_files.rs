//! Avro and Arrow IPC, whose files say what types their columns have.

use std::fs;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Int64Type};
use arrow_avro::writer::AvroWriter;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use ingest::{Config, Files, Form, Patterns, SourceConfig, TypedTable};
use insta::assert_snapshot;

use crate::scene::{Scene, parquet};

fn avro(pattern: &str) -> Config {
    Config::new(SourceConfig::Avro(pattern.into()))
}

fn arrow(pattern: &str) -> Config {
    Config::new(SourceConfig::Arrow(pattern.into()))
}

fn write_avro(scene: &Scene, name: &str, batch: &RecordBatch) {
    let mut writer = AvroWriter::new(Vec::new(), batch.schema().as_ref().clone()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    fs::write(scene.path(name), writer.into_inner()).unwrap();
}

fn write_arrow(scene: &Scene, name: &str, batch: &RecordBatch) {
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    fs::write(scene.path(name), writer.into_inner().unwrap()).unwrap();
}

fn write_stream(scene: &Scene, name: &str, batch: &RecordBatch) {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    fs::write(scene.path(name), writer.into_inner().unwrap()).unwrap();
}

fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
    let lists = range.clone().map(|n| (n % 3 > 0).then(|| vec![Some(n); usize::from(n % 2 == 0)]));
    let columns: [(&str, ArrayRef); 3] = [
        ("n", Arc::new(range.clone().map(Some).collect::<Int64Array>())),
        ("l", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))),
        (
            "t",
            Arc::new(
                range.map(|n| (n % 5 > 0).then(|| format!("t{}", n % 7))).collect::<StringArray>(),
            ),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

#[test]
fn rows_go_where_the_same_rows_of_parquet_go() {
    let scene = Scene::with(&[]);
    let rows = numbers(0..2000);
    scene.write_parquet("a.parquet", &rows);
    write_avro(&scene, "a.avro", &rows);
    write_arrow(&scene, "a.arrow", &rows);
    write_stream(&scene, "a.stream", &rows);
    let expected = scene.run(&parquet("a.parquet")).unwrap();
    let train = scene.split("train");
    for config in [avro("a.avro"), arrow("a.arrow"), arrow("a.stream")] {
        assert_eq!(scene.run(&config).unwrap(), expected);
        let found = scene.split("train");
        assert_eq!(found.columns(), train.columns());
        let written = scene.written();
        scene.run_on(&config, 1).unwrap();
        assert!(scene.written() == written);
        let features = scene.infer(&config, Some(1)).unwrap();
        assert_eq!(features, scene.infer(&parquet("a.parquet"), None).unwrap());
    }
}

#[test]
fn each_split_may_have_files_of_its_own() {
    let scene = Scene::with(&[]);
    for (name, range) in [("a", 0..3), ("b", 3..5)] {
        write_avro(&scene, &format!("{name}.avro"), &numbers(range.clone()));
        write_arrow(&scene, &format!("{name}.arrow"), &numbers(range));
    }
    let by_split = |end: &str| {
        let files = [("train", "a"), ("eval", "b")];
        let files =
            files.map(|(split, name)| (split.to_owned(), Patterns::from(format!("{name}.{end}"))));
        Form::Table(TypedTable {
            features: None,
            files: Files::BySplit(files.into_iter().collect()),
        })
    };
    for source in [SourceConfig::Avro(by_split("avro")), SourceConfig::Arrow(by_split("arrow"))] {
        let outcome = scene.run(&Config::new(source)).unwrap();
        assert_eq!(outcome.splits, [("train".to_owned(), 3), ("eval".to_owned(), 2)]);
        let eval = scene.split("eval");
        assert_eq!(eval.column(0).as_primitive::<Int64Type>().values(), &[3, 4]);
    }
}

#[test]
fn what_is_no_feature_is_named_before_anything_runs() {
    let scene = Scene::with(&[("text.avro", b"a,b\n1,2\n"), ("text.arrow", b"a,b\n1,2\n")]);
    let dates: ArrayRef = Arc::new(Date32Array::from(vec![1]));
    let dates = RecordBatch::try_from_iter([("day", dates)]).unwrap();
    assert_eq!(dates.column(0).data_type(), &DataType::Date32);
    write_avro(&scene, "dates.avro", &dates);
    write_arrow(&scene, "dates.arrow", &dates);
    assert_snapshot!(scene.error(&avro("dates.avro")), @r"
    dates.avro: column `day`: values of type Date32 are not supported, expected numbers, booleans, strings, bytes, or lists or structs of them
    hint: write the column as a number or as text, or leave it out
    ");
    assert_snapshot!(scene.error(&arrow("dates.arrow")), @r"
    dates.arrow: column `day`: values of type Date32 are not supported, expected numbers, booleans, strings, bytes, or lists or structs of them
    hint: write the column as a number or as text, or leave it out
    ");
    assert_snapshot!(scene.error(&avro("text.avro")), @"text.avro: not an Avro file, expected one that begins with `Obj` and the byte 1");
    assert_snapshot!(scene.error(&arrow("text.arrow")), @"text.arrow: found something else, expected an Arrow IPC file or stream");
    let none = numbers(0..0);
    write_avro(&scene, "none.avro", &none);
    write_arrow(&scene, "none.arrow", &none);
    for config in [avro("none.avro"), arrow("none.arrow")] {
        let said = scene.said(scene.run(&config).unwrap_err());
        assert!(said.contains("no rows found, expected at least one"), "{said}");
    }
}

#[test]
fn damage_ends_the_run_with_file_and_place_and_nothing_is_written() {
    let scene = Scene::with(&[]);
    write_avro(&scene, "a.avro", &numbers(0..100));
    write_arrow(&scene, "a.arrow", &numbers(0..100));
    for (name, config) in [("a.avro", avro("a.avro")), ("a.arrow", arrow("a.arrow"))] {
        let bytes = fs::read(scene.path(name)).unwrap();
        fs::write(scene.path(name), &bytes[..bytes.len() - 20]).unwrap();
        let said = scene.said(scene.run(&config).unwrap_err());
        assert!(said.starts_with(&format!("{name}: ")), "{said}");
    }
}
