//! What arrives day by day, and files for each split.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use ingest::{Config, CsvTable, Files, Form, Patterns, SourceConfig, TypedTable};
use insta::assert_snapshot;

use crate::scene::{Scene, csv};

fn by_split(splits: &[(&str, &str)]) -> Files {
    let splits =
        splits.iter().map(|(split, pattern)| ((*split).to_owned(), Patterns::from(*pattern)));
    Files::BySplit(splits.collect())
}

fn csv_by_split(splits: &[(&str, &str)]) -> Config {
    let table =
        CsvTable { files: by_split(splits), delimiter: None, columns: None, features: None };
    Config::new(SourceConfig::Csv(Form::Table(table)))
}

fn numbers(scene: &Scene, split: &str) -> Vec<Option<i64>> {
    scene.split(split).column(0).as_primitive::<Int64Type>().iter().collect()
}

#[test]
fn files_of_each_split_are_its_rows() {
    let scene = Scene::with(&[
        ("b1.csv", b"n,s\n1,x\n2,\n"),
        ("a1.csv", b"n,s\n,y\n"),
        ("b2.csv", b"n,s\n3,x\n"),
        ("c.csv", b"n,s\n"),
    ]);
    let config = csv_by_split(&[("train", "b*.csv"), ("eval", "a*.csv"), ("test", "c.csv")]);
    let outcome = scene.run(&config).unwrap();
    let counts: Vec<_> = outcome.splits.iter().map(|(name, rows)| (name.as_str(), *rows)).collect();
    assert_eq!(counts, [("train", 3), ("eval", 1), ("test", 0)]);
    assert_eq!(numbers(&scene, "train"), [Some(1), Some(2), Some(3)]);
    // The types are those of all splits.
    assert_eq!(numbers(&scene, "eval"), [None]);
    assert_eq!(scene.split("test").schema(), scene.split("train").schema());

    let config = csv_by_split(&[("train", "b*.csv"), ("eval", "?1.csv")]);
    assert_snapshot!(scene.error(&config), @"b1.csv: is in the splits `train` and `eval`, expected one");
}

#[test]
fn files_of_each_split_may_be_of_any_format() {
    let scene = Scene::with(&[("a.jsonl", b"{\"n\": 1}\n"), ("b.jsonl", b"{\"n\": 2}\n")]);
    for (name, text) in [("1.csv", "n\n5\n"), ("2.csv", "n\n6\n7\n")] {
        std::fs::write(scene.path(name), text).unwrap();
    }
    let splits = [("all".to_owned(), std::num::NonZeroU32::MIN)];
    for name in ["1", "2"] {
        let mut config = csv(&format!("{name}.csv"));
        config.splits = Some(splits.clone().into());
        scene.run(&config).unwrap();
        scene.write_parquet(&format!("{name}.parquet"), &scene.split("all"));
    }
    let files = by_split(&[("train", "2.parquet"), ("eval", "1.parquet")]);
    let parquet =
        Config::new(SourceConfig::Parquet(Form::Table(TypedTable { files, features: None })));
    let outcome = scene.run(&parquet).unwrap();
    assert_eq!(outcome.splits, [("train".to_owned(), 2), ("eval".to_owned(), 1)]);
    assert_eq!(numbers(&scene, "train"), [Some(6), Some(7)]);
    let table = ingest::JsonTable {
        files: by_split(&[("train", "b.jsonl"), ("eval", "a.jsonl")]),
        features: None,
    };
    scene.run(&Config::new(SourceConfig::Json(Form::Table(table)))).unwrap();
    assert_eq!(numbers(&scene, "train"), [Some(2)]);
}

#[test]
fn the_latest_span_is_read() {
    let scene = Scene::with(&[
        ("day-009-v1.csv", b"n\n1\n"),
        ("day-010-v1.csv", b"n\n2\n"),
        ("day-010-v2.csv", b"n\n3\n"),
    ]);
    let mut config = csv("day-{SPAN}-v{VERSION}.csv");
    config.splits = Some([("all".to_owned(), std::num::NonZeroU32::MIN)].into());
    let outcome = scene.run(&config).unwrap();
    assert_eq!((outcome.span, outcome.version), (10, Some(2)));
    assert_eq!(numbers(&scene, "all"), [Some(3)]);
    config.span = Some(9);
    let outcome = scene.run(&config).unwrap();
    assert_eq!((outcome.span, outcome.version), (9, Some(1)));
    config.span = Some(8);
    assert_snapshot!(scene.error(&config), @"no file of span 8 matches `day-{SPAN}-v{VERSION}.csv`, found the spans 9, 10");
}
