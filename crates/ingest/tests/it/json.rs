//! JSON Lines, and what is said of those that do not go together.

use std::fs;

use arrow::datatypes::DataType;
use ingest::{Config, Form, JsonTable, SourceConfig};
use insta::assert_snapshot;

use crate::scene::{Scene, shared};

fn json(pattern: &str) -> Config {
    Config::new(SourceConfig::Json(pattern.into()))
}

fn with_features(features: &[&str]) -> Config {
    let features = Some(features.iter().map(|&name| name.to_owned()).collect());
    Config::new(SourceConfig::Json(Form::Table(JsonTable { files: "*.jsonl".into(), features })))
}

fn error_of(files: &[(&str, &[u8])]) -> String {
    Scene::with(files).error(&json("*.jsonl"))
}

#[test]
fn rows_are_split_whatever_they_hold() {
    let mut text = String::new();
    for n in 0..2000 {
        let more = if n % 2 == 0 { ", \"o\": {\"b\": [1, 2]}" } else { ", \"o\": null" };
        text.push_str(&format!("{{\"n\": {n}, \"tags\": [\"t{}\"]{more}}}\n", n % 7));
    }
    let scene = Scene::with(&[("a.jsonl", text.as_bytes())]);
    let outcome = scene.run(&json("*.jsonl")).unwrap();
    assert_eq!(outcome.splits.iter().map(|(_, rows)| rows).sum::<u64>(), 2000);
    let batch = scene.split("train");
    let schema = batch.schema();
    assert_eq!(schema.field(1).data_type(), &DataType::new_list(DataType::Utf8, true));
    assert!(matches!(schema.field(2).data_type(), DataType::Struct(_)));
    let written = scene.written();
    scene.run_on(&json("*.jsonl"), 1).unwrap();
    assert!(scene.written() == written);
    // Numbers alone go where the same numbers of a table go.
    let lines: String = (0..500).map(|n| format!("{{\"n\": {n}}}\n")).collect();
    let rows: String = (0..500).map(|n| format!("{n}\n")).collect();
    let scene =
        Scene::with(&[("a.jsonl", lines.as_bytes()), ("a.csv", format!("n\n{rows}").as_bytes())]);
    let lines = scene.run(&json("a.jsonl")).unwrap();
    assert_eq!(lines, scene.run(&crate::scene::csv("a.csv")).unwrap());
}

#[test]
fn the_taxi_data_as_lines_is_the_taxi_data() {
    let Some(shared) = shared() else { return };
    let path = shared.join("data/chicago_taxi.csv");
    let text = fs::read_to_string(&path).unwrap();
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    let mut lines = String::new();
    for row in rows.filter(|row| row.len() == header.len()) {
        let cells = header.iter().zip(row).map(|(name, cell)| {
            let value = match cell {
                "" => "null".to_owned(),
                cell if cell.parse::<f64>().is_ok() => cell.to_owned(),
                cell => format!("{cell:?}"),
            };
            format!("\"{name}\": {value}")
        });
        lines.push_str(&format!("{{{}}}\n", cells.collect::<Vec<_>>().join(", ")));
    }
    let scene = Scene::with(&[("a.jsonl", lines.as_bytes())]);
    let found = scene.infer(&json("a.jsonl"), None).unwrap();
    let expected = scene.infer(&crate::scene::csv(&path.display().to_string()), None).unwrap();
    assert_eq!(found, expected);
    let outcome = scene.run(&json("a.jsonl")).unwrap();
    let expected = scene.run(&crate::scene::csv(&path.display().to_string())).unwrap();
    assert_eq!(outcome.splits, expected.splits);
}

#[test]
fn lines_that_cannot_be_read() {
    assert_snapshot!(error_of(&[("a.jsonl", b"{\"a\": 1}\n{\"a\": }\n")]), @r"
    a.jsonl:2: not JSON at byte 7: expected value (1 of 2 rows rejected, the limit is 0)
    hint: `max_rejected_rows = 1` sets such rows aside in `rejected.csv`
    ");
    assert_snapshot!(error_of(&[("a.jsonl", b"[{\"a\": 1},\n{\"a\": 2}]\n")]), @"a.jsonl:1: not JSON at byte 10: EOF while parsing a value (2 of 2 rows rejected, the limit is 0)");
    assert_snapshot!(error_of(&[("a.jsonl", b"[{\"a\": 1}]\n{\"a\": 2}\n")]), @r"
    a.jsonl:1: found a list, expected an object (1 of 2 rows rejected, the limit is 0)
    hint: expected one object in each line: `jq -c '.[]'` makes them of a list
    ");
    assert_snapshot!(error_of(&[("a.jsonl", b"{\"a\": 1}\n{\"a\": \"caf\xe9\"}\n")]), @r"
    a.jsonl:2: not JSON at byte 11: invalid unicode code point (1 of 2 rows rejected, the limit is 0)
    hint: `max_rejected_rows = 1` sets such rows aside in `rejected.csv`
    ");
    assert_snapshot!(error_of(&[("a.jsonl", b"\n"), ("b.jsonl", b"")]), @"a.jsonl: no rows found, expected at least one");
    assert_snapshot!(error_of(&[("a.jsonl", b"{}\n")]), @"a.jsonl: no record has a feature, expected at least one");

    let scene = Scene::with(&[("a.jsonl", b"{\"a\": 1}\n{\"a\": \n17\n{\"a\": 2}\n")]);
    let mut config = json("a.jsonl");
    config.max_rejected_rows = 2;
    assert_eq!(scene.run(&config).unwrap().num_rejected, 2);
    let rejected = fs::read_to_string(scene.path("out").join(ingest::REJECTED_FILE)).unwrap();
    assert_snapshot!(rejected, @r#"
    file,line,reason,row
    a.jsonl,2,not JSON at byte 6: EOF while parsing a value,"{""a"": "
    a.jsonl,3,"found a number, expected an object",17
    "#);
}

#[test]
fn features_that_do_not_go_together() {
    assert_snapshot!(error_of(&[("a.jsonl", b"{\"a\": 1}\n"), ("b.jsonl", b"\n{\"a\": \"x\"}\n")]), @"b.jsonl:2: feature `a` holds text, but a number in a.jsonl:1");
    assert_snapshot!(error_of(&[("a.jsonl", b"{\"a\": 1, \"b\": 2}\n"), ("b.jsonl", b"{\"a\": 1}\n{\"a\": 2}\n")]), @r"
    b.jsonl: no line has a field `b`, which those of a.jsonl have
    hint: to have it missing there, name the features to read in `source.json.features`
    ");
    assert_snapshot!(error_of(&[("a.jsonl", b"{\"a\": 1}\n"), ("b.jsonl", b"{\"a\": 1, \"b\": null}\n")]), @r"
    a.jsonl: no line has a field `b`, which those of b.jsonl have
    hint: to have it missing there, name the features to read in `source.json.features`
    ");
    // A file without lines has no say, and whole numbers go with fractions.
    let scene = Scene::with(&[
        ("a.jsonl", b"{\"a\": 1}\n"),
        ("b.jsonl", b""),
        ("c.jsonl", b"{\"a\": 0.5}\n"),
    ]);
    assert_eq!(
        scene.infer(&json("*.jsonl"), None).unwrap()[0].feature_type,
        Some(dataset::FeatureType::Float)
    );
}

#[test]
fn named_features_may_be_missing_in_a_file_but_not_in_all() {
    let scene = Scene::with(&[
        ("a.jsonl", b"{\"a\": 1, \"b\": 2, \"c\": [null]}\n"),
        ("b.jsonl", b"{\"a\": 1}\n{\"a\": 2}\n"),
    ]);
    scene.run(&with_features(&["b", "a"])).unwrap();
    let names: Vec<_> =
        scene.split("train").schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["b", "a"]);
    assert_snapshot!(scene.error(&with_features(&["a", "d"])), @r"
    a.jsonl: feature `d`: no record has a value
    hint: is the name right? leave it out if there are no values yet
    ");
    assert_snapshot!(scene.said(scene.run(&with_features(&[])).unwrap_err()), @"no features are named, expected at least one");
    assert_snapshot!(scene.said(scene.run(&with_features(&["a", "a"])).unwrap_err()), @"feature `a`: stands twice in the list");
}

#[test]
fn a_part_of_the_lines_tells_all_features_or_none() {
    let lines: String = (0..300_000).map(|n| format!("{{\"number\": {n}}}\n")).collect();
    assert!(lines.len() > 4 << 20);
    let scene = Scene::with(&[("a.jsonl", lines.as_bytes())]);
    assert_eq!(scene.infer(&json("*"), Some(1)).unwrap(), []);
    assert_eq!(scene.infer(&json("*"), Some(1 << 30)).unwrap().len(), 1);
}
