//! Files of one source that are not alike: one rule, whatever the format.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Float32Type;
use dataset::{
    ExampleEncoder, FeatureType, MissingFeature, Payload as RecordPayload, TfExampleError,
};
use formats::tfrecord::RecordWriter;
use ingest::{
    Config, CsvTable, FeatureKind, Form, Hash, JsonTable, Payload, SourceConfig, TfrecordTable,
    TypedTable,
};
use insta::assert_snapshot;

use crate::scene::{Scene, csv, parquet, tfrecord};

#[derive(Clone, Copy, Debug)]
enum Format {
    Csv,
    Json,
    Parquet,
    Tfrecord,
}

const FORMATS: [Format; 4] = [Format::Csv, Format::Json, Format::Parquet, Format::Tfrecord];

/// A column of two values.
#[derive(Clone, Copy)]
enum Column {
    Ints([i64; 2]),
    Floats([f32; 2]),
    Texts([&'static str; 2]),
}

use Column::{Floats, Ints, Texts};

type Columns<'a> = &'a [(&'static str, Column)];

fn batch(columns: Columns<'_>) -> RecordBatch {
    let columns = columns.iter().map(|(name, column)| {
        let array: ArrayRef = match *column {
            Ints(values) => Arc::new(Int64Array::from(values.to_vec())),
            Floats(values) => Arc::new(Float32Array::from(values.to_vec())),
            Texts(values) => Arc::new(StringArray::from(values.to_vec())),
        };
        (*name, array)
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Writes the columns in a format as files `a`, `b` and so on.
fn scene(format: Format, files: &[Columns<'_>]) -> Scene {
    let scene = Scene::with(&[]);
    for (name, columns) in ["a", "b", "c"].into_iter().zip(files) {
        let batch = batch(columns);
        let cell = |column: &Column, row: usize, quote: &str| match *column {
            Ints(values) => values[row].to_string(),
            Floats(values) => format!("{:?}", values[row]),
            Texts(values) => format!("{quote}{}{quote}", values[row]),
        };
        let line = |cells: Vec<String>| cells.join(",");
        match format {
            Format::Csv => {
                let names = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
                let rows =
                    (0..2).map(|row| columns.iter().map(|(_, c)| cell(c, row, "")).collect());
                let lines: Vec<_> = std::iter::once(names).chain(rows).map(line).collect();
                std::fs::write(scene.path(name), lines.join("\n")).unwrap();
            }
            Format::Json => {
                let rows = (0..2).map(|row| {
                    let fields = columns.iter();
                    line(fields.map(|(n, c)| format!("\"{n}\": {}", cell(c, row, "\""))).collect())
                });
                let lines: Vec<_> = rows.map(|fields| format!("{{{fields}}}")).collect();
                std::fs::write(scene.path(name), lines.join("\n")).unwrap();
            }
            Format::Parquet => scene.write_parquet(name, &batch),
            Format::Tfrecord => {
                let (payload, missing) = (RecordPayload::TfExample, MissingFeature::Omitted);
                let encoder = ExampleEncoder::new(payload, missing, &batch.schema()).unwrap();
                let mut writer = RecordWriter::new(Vec::new());
                let write = |record: &[u8]| {
                    writer.write(record).unwrap();
                    Ok::<_, TfExampleError>(())
                };
                encoder.encode(&batch, write).unwrap();
                std::fs::write(scene.path(name), writer.into_inner()).unwrap();
            }
        }
    }
    scene
}

fn in_one_split(config: Config) -> Config {
    Config { splits: Some([("all".to_owned(), std::num::NonZeroU32::MIN)].into()), ..config }
}

fn config(format: Format) -> Config {
    in_one_split(match format {
        Format::Csv => csv("?"),
        Format::Json => Config::new(SourceConfig::Json("?".into())),
        Format::Parquet => parquet("?"),
        Format::Tfrecord => tfrecord("?"),
    })
}

/// The configuration that reads features by their names.
fn named(format: Format, features: &[(&str, FeatureKind)]) -> Config {
    let files = || "?".into();
    let names = Some(features.iter().map(|(name, _)| (*name).to_owned()).collect());
    in_one_split(Config::new(match format {
        Format::Csv => SourceConfig::Csv(Form::Table(CsvTable {
            files: files(),
            delimiter: None,
            columns: None,
            features: names,
        })),
        Format::Json => {
            SourceConfig::Json(Form::Table(JsonTable { files: files(), features: names }))
        }
        Format::Parquet => {
            SourceConfig::Parquet(Form::Table(TypedTable { files: files(), features: names }))
        }
        Format::Tfrecord => SourceConfig::Tfrecord(Form::Table(TfrecordTable {
            files: files(),
            payload: Payload::TfExample,
            features: Some(
                features.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect(),
            ),
        })),
    }))
}

fn floats(scene: &Scene, column: &str) -> Vec<Option<f32>> {
    let column = Arc::clone(scene.split("all").column_by_name(column).unwrap());
    let column = arrow::compute::cast(&column, &arrow::datatypes::DataType::Float32).unwrap();
    column.as_primitive::<Float32Type>().iter().collect()
}

#[test]
fn the_order_of_columns_is_no_matter() {
    let first: Columns<'_> = &[("n", Ints([1, 2])), ("s", Texts(["x", "y"]))];
    let second: Columns<'_> = &[("s", Texts(["z", "x"])), ("n", Ints([3, 4]))];
    for format in FORMATS {
        let scene = scene(format, &[first, second]);
        scene.run(&config(format)).unwrap();
        assert_eq!(floats(&scene, "n"), [1.0, 2.0, 3.0, 4.0].map(Some), "{format:?}");
        let texts = Arc::clone(scene.split("all").column_by_name("s").unwrap());
        let texts: Vec<_> = texts.as_string::<i32>().iter().flatten().map(str::to_owned).collect();
        assert_eq!(texts, ["x", "y", "z", "x"], "{format:?}");
    }
}

#[test]
fn whole_numbers_go_with_fractions() {
    let whole: Columns<'_> = &[("n", Ints([1, 2]))];
    let fractions: Columns<'_> = &[("n", Floats([0.5, 1.5]))];
    for format in FORMATS {
        for (files, expected) in
            [([whole, fractions], [1.0, 2.0, 0.5, 1.5]), ([fractions, whole], [0.5, 1.5, 1.0, 2.0])]
        {
            let scene = scene(format, &files);
            let found = scene.infer(&config(format), None).unwrap();
            assert_eq!(found[0].feature_type, Some(FeatureType::Float), "{format:?}");
            scene.run(&config(format)).unwrap();
            assert_eq!(floats(&scene, "n"), expected.map(Some), "{format:?}");
        }
    }
}

#[test]
fn numbers_do_not_go_with_texts_where_there_are_types() {
    let numbers: Columns<'_> = &[("n", Ints([1, 2]))];
    let texts: Columns<'_> = &[("n", Texts(["1", "x"]))];
    let said = |format| scene(format, &[numbers, texts]).error(&config(format));
    assert_snapshot!(said(Format::Json), @"b:1: feature `n` holds text, but a number in a:1");
    assert_snapshot!(said(Format::Parquet), @"b: column `n`: holds values of type Utf8, but of type Int64 in a");
    assert_snapshot!(said(Format::Tfrecord), @"feature `n`: has BYTES values in record 1 of b, but INT values in record 1 of a");
    // Text has no types: those of its columns are what all values are.
    let scene = scene(Format::Csv, &[numbers, texts]);
    let found = scene.infer(&config(Format::Csv), None).unwrap();
    assert_eq!(found[0].feature_type, Some(FeatureType::Bytes));
}

#[test]
fn a_column_that_comes_or_goes_is_an_error_that_names_both_files() {
    let both: Columns<'_> = &[("n", Ints([1, 2])), ("m", Ints([3, 4]))];
    let one: Columns<'_> = &[("n", Ints([1, 2]))];
    let gone = |format| scene(format, &[both, both, one]).error(&config(format));
    assert_snapshot!(gone(Format::Csv), @"
    c:1: the columns are not those of a: `m` missing
    hint: to have it missing there, name the features to read in `source.csv.features`
    ");
    assert_snapshot!(gone(Format::Json), @"
    c: no line has a field `m`, which those of a have
    hint: to have it missing there, name the features to read in `source.json.features`
    ");
    assert_snapshot!(gone(Format::Parquet), @"
    c: the columns are not those of a: `m` missing
    hint: to have it missing there, name the features to read in `source.parquet.features`
    ");
    assert_snapshot!(gone(Format::Tfrecord), @"
    c: no record has a feature `m`, which those of a have
    hint: to have it missing there, name the features to read in `source.tfrecord.features`
    ");
    let new = |format| scene(format, &[one, both]).error(&config(format));
    assert_snapshot!(new(Format::Csv), @"
    b:1: the columns are not those of a: `m` besides
    hint: to have it missing there, name the features to read in `source.csv.features`
    ");
    assert_snapshot!(new(Format::Json), @"
    a: no line has a field `m`, which those of b have
    hint: to have it missing there, name the features to read in `source.json.features`
    ");
    assert_snapshot!(new(Format::Parquet), @"
    b: the columns are not those of a: `m` besides
    hint: to have it missing there, name the features to read in `source.parquet.features`
    ");
    assert_snapshot!(new(Format::Tfrecord), @"
    a: no record has a feature `m`, which those of b have
    hint: to have it missing there, name the features to read in `source.tfrecord.features`
    ");
}

#[test]
fn a_column_that_is_named_may_come_and_go() {
    let both: Columns<'_> = &[("n", Ints([1, 2])), ("m", Ints([3, 4]))];
    let one: Columns<'_> = &[("other", Texts(["x", "y"])), ("n", Floats([0.5, 1.5]))];
    for format in FORMATS {
        let scene = scene(format, &[both, one]);
        let features = [("m", FeatureKind::Int), ("n", FeatureKind::Float)];
        scene.run(&named(format, &features)).unwrap();
        let names: Vec<_> =
            scene.split("all").schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, ["m", "n"], "{format:?}");
        assert_eq!(floats(&scene, "m"), [Some(3.0), Some(4.0), None, None], "{format:?}");
        assert_eq!(floats(&scene, "n"), [1.0, 2.0, 0.5, 1.5].map(Some), "{format:?}");

        let features = [("n", FeatureKind::Float), ("mm", FeatureKind::Int)];
        let said = scene.said(scene.run(&named(format, &features)).unwrap_err());
        assert!(said.contains("`mm`") && said.starts_with("a: "), "{said}");
    }
    let mut config = named(Format::Csv, &[("n", FeatureKind::Int)]);
    config.hash = Hash::Tfx;
    let said = scene(Format::Csv, &[both]).run(&config).unwrap_err().to_string();
    assert_snapshot!(said, @"`hash`: TFX splits rows of text by all of their cells, expected `content` beside `features`");
}
