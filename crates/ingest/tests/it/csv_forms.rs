//! Text in other forms: compressed, with another delimiter, without a header.

use std::fs;
use std::io::Write;

use bzip2::write::BzEncoder;
use flate2::write::GzEncoder;
use ingest::{Config, CsvTable, Form, SourceConfig};
use insta::assert_snapshot;

use crate::scene::{Scene, csv};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(text: &[u8]) -> Vec<u8> {
    let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn table(files: &str, delimiter: &str, columns: Option<&[&str]>) -> Config {
    let columns = columns.map(|names| names.iter().map(|&name| name.to_owned()).collect());
    let (files, delimiter) = (files.into(), Some(delimiter.to_owned()));
    Config::new(SourceConfig::Csv(Form::Table(CsvTable {
        files,
        delimiter,
        columns,
        features: None,
    })))
}

/// More than one piece of text.
fn numbers() -> String {
    let rows: String = (0..400_000).map(|n| format!("{n},text {}\n", n % 7)).collect();
    format!("n,s\n{rows}")
}

#[test]
fn compressed_text_is_the_same_text() {
    let text = numbers();
    assert!(text.len() > 5 << 20);
    let plain = Scene::with(&[("a.csv", text.as_bytes())]);
    let expected = plain.run(&csv("*")).unwrap();
    for (name, bytes) in [
        ("a.csv.gz", gzip(text.as_bytes())),
        ("a.csv.zst", zstd::encode_all(text.as_bytes(), 1).unwrap()),
        ("a.csv.bz2", bzip2(text.as_bytes())),
    ] {
        let scene = Scene::with(&[(name, &bytes)]);
        assert_eq!(scene.run(&csv("*")).unwrap(), expected, "{name}");
        assert!(scene.split("eval") == plain.split("eval"), "{name}");
        assert_eq!(scene.infer(&csv("*"), Some(1000)).unwrap().len(), 2);

        let half = &bytes[..bytes.len() / 2];
        let said = Scene::with(&[(name, half)]).error(&csv("*"));
        assert!(said.starts_with(&format!("{name}: the ")), "{said}");
        assert!(said.contains("data is damaged or cut off after "), "{said}");
        assert!(said.ends_with("hint: was the file copied whole?"), "{said}");
    }
}

#[test]
fn rows_of_compressed_text_are_set_aside_too() {
    let text = gzip(b"a,b\n1,2\n3\n4,5\n\"6\n\"\n");
    let scene = Scene::with(&[("a.csv.gz", &text), ("b.csv", b"a,b\n7\n8,9\n")]);
    let mut config = csv("*");
    config.max_rejected_rows = 3;
    let outcome = scene.run(&config).unwrap();
    assert_eq!(outcome.num_rejected, 3);
    let rejected = fs::read_to_string(scene.path("out").join(ingest::REJECTED_FILE)).unwrap();
    assert_snapshot!(rejected, @r#"
    file,line,reason,row
    a.csv.gz,3,"found 1 cell, expected 2",3
    a.csv.gz,5,"found 1 cell, expected 2","""6
    """
    b.csv,2,"found 1 cell, expected 2",7
    "#);
}

#[test]
fn other_delimiters_and_no_header() {
    let scene = Scene::with(&[
        ("a.tsv", b"1\tx,y\t\n2\t\"z\tz\"\t0.5\n"),
        ("b.tsv", b""),
        ("c.csv", b"n;f\n1;2,5\n"),
    ]);
    let config = table("*.tsv", "\t", Some(&["n", "s", "f"]));
    let features = scene.infer(&config, None).unwrap();
    let kinds: Vec<_> =
        features.iter().map(|f| format!("{} {}", f.name, f.feature_type.unwrap())).collect();
    assert_eq!(kinds, ["n INT", "s BYTES", "f FLOAT"]);
    let outcome = scene.run(&config).unwrap();
    assert_eq!(outcome.splits.iter().map(|(_, rows)| rows).sum::<u64>(), 2);
    let features = scene.infer(&table("c.csv", ";", None), None).unwrap();
    assert_eq!(features[1].name, "f");
    assert_snapshot!(scene.error(&table("a.tsv", "\t", Some(&["n", "s"]))), @"a.tsv:1: found 3 cells, expected 2 (2 of 2 rows rejected, the limit is 0)");
}

#[test]
fn a_header_of_one_cell_that_looks_like_several_is_not_read_as_one() {
    let scene = Scene::with(&[
        ("a.csv", b"\"fare, USD\";tips|net;paid\n1;2;3\n"),
        ("b.csv", b"a\tb;c\td\n1\t2\t3\n"),
        ("c.csv", b"a|b\n1\n"),
    ]);
    assert_snapshot!(scene.error(&csv("a.csv")), @r#"
    a.csv: found one column, `fare, USD;tips|net;paid`, expected several, as ";" is in its name
    hint: `delimiter = ";"` reads several columns, `delimiter = ","` this one
    "#);
    assert_snapshot!(scene.error(&csv("b.csv")), @r#"
    b.csv: found one column, `a	b;c	d`, expected several, as "\t" is in its name
    hint: `delimiter = "\t"` reads several columns, `delimiter = ","` this one
    "#);
    assert_snapshot!(scene.error(&csv("c.csv")), @r#"
    c.csv: found one column, `a|b`, expected several, as "|" is in its name
    hint: `delimiter = "|"` reads several columns, `delimiter = ","` this one
    "#);
    let columns = |config: &Config| scene.infer(config, None).unwrap().len();
    assert_eq!(columns(&table("a.csv", ";", None)), 3);
    // Who says that it is one gets one.
    assert_eq!(columns(&table("c.csv", ",", None)), 1);
    assert_eq!(columns(&table("c.csv", ",", Some(&["a"]))), 1);
}

#[test]
fn what_makes_no_sense_of_a_format_is_refused() {
    let scene = Scene::with(&[("a.csv", b"1,2\n")]);
    let said = |delimiter, columns| scene.error(&table("a.csv", delimiter, columns));
    assert_snapshot!(said("", None), @r#"`delimiter`: found "", expected one ASCII character that is neither a quote nor an end of line"#);
    assert_snapshot!(said("\"", None), @r#"`delimiter`: found "\"", expected one ASCII character that is neither a quote nor an end of line"#);
    assert_snapshot!(said("§", None), @r#"`delimiter`: found "§", expected one ASCII character that is neither a quote nor an end of line"#);
    assert_snapshot!(said(",", Some(&[])), @"`columns`: found an empty list, expected the names of all columns");
    assert_snapshot!(said(",", Some(&["a", ""])), @"`columns`: column 2 has no name");
    assert_snapshot!(said(",", Some(&["a", "b", "a"])), @"`columns`: column `a`: stands twice");
}
