//! Files that are damaged, very large, or change while they are read.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::{Classify, ErrorKind};
use dataflow::{Engine, EngineError, ErasedPass, ErasedStage, ErasedState, Sink, Source};
use engine::LocalEngine;
use ingest::{Config, SourceConfig};
use insta::assert_snapshot;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::scene::{Scene, csv, engine, parquet, tfrecord};

/// An engine that does something to the files before one of its passes.
struct Meddling<'a> {
    engine: LocalEngine,
    left: AtomicUsize,
    meddle: &'a (dyn Fn() + Sync),
}

impl Meddling<'_> {
    fn count(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            (self.meddle)();
        }
    }
}

impl Engine for Meddling<'_> {
    fn fold(
        &self,
        source: &dyn Source,
        pass: &dyn ErasedPass,
    ) -> Result<Box<dyn ErasedState>, EngineError> {
        self.count();
        self.engine.fold(source, pass)
    }

    fn map(
        &self,
        source: &dyn Source,
        stage: &dyn ErasedStage,
        sink: &mut Sink<'_>,
    ) -> Result<(), EngineError> {
        self.count();
        self.engine.map(source, stage, sink)
    }
}

/// Runs and meddles before a pass, counted from 1; returns the error, its kind, and the shards that have names.
fn meddled(
    scene: &Scene,
    config: &Config,
    pass: usize,
    meddle: &(dyn Fn() + Sync),
) -> (String, ErrorKind, Vec<PathBuf>) {
    let out = scene.path("out");
    let _ = fs::remove_dir_all(&out);
    fs::create_dir(&out).unwrap();
    let engine = Meddling { engine: engine(2), left: AtomicUsize::new(pass), meddle };
    let error = ingest::run(config, &scene.path(""), &out, &engine).unwrap_err();
    let kind = error.kind();
    let written = scene.written().into_iter().map(|(path, _)| path);
    let is_shard = |path: &PathBuf| path.extension().is_none_or(|name| name != "unfinished");
    (scene.said(error), kind, written.filter(is_shard).collect())
}

/// Writes numbers in a format as the file `a`, and returns what reads it.
fn numbers(scene: &Scene, format: &str) -> Config {
    let rows: String = (0..20_000).map(|n| format!("{n}\n")).collect();
    fs::write(scene.path("a.csv"), format!("n\n{rows}")).unwrap();
    let mut all = csv("a.csv");
    all.splits = Some([("all".to_owned(), std::num::NonZeroU32::MIN)].into());
    match format {
        "csv" => return csv("a.csv"),
        "json" => {
            let lines: String = (0..20_000).map(|n| format!("{{\"n\": {n}}}\n")).collect();
            fs::write(scene.path("a.jsonl"), lines).unwrap();
            return Config::new(SourceConfig::Json("a.jsonl".into()));
        }
        "parquet" => {
            scene.run(&all).unwrap();
            scene.write_parquet("a.parquet", &scene.split("all"));
            return parquet("a.parquet");
        }
        _ => {}
    }
    all.output.format = ingest::OutputFormat::Tfrecord;
    scene.run(&all).unwrap();
    let shard = scene.path("out/Split-all/data_tfrecord-00000-of-00001.gz");
    fs::copy(shard, scene.path("a.gz")).unwrap();
    tfrecord("a.gz")
}

/// The formats, with the name of the file and how many passes read it.
const FORMATS: [(&str, &str, usize); 4] = [
    ("csv", "a.csv", 2),
    ("json", "a.jsonl", 2),
    ("parquet", "a.parquet", 1),
    ("tfrecord", "a.gz", 2),
];

#[test]
fn a_file_that_grows_or_shrinks_is_noticed_whenever() {
    for (format, name, num_passes) in FORMATS {
        let scene = Scene::with(&[]);
        let config = numbers(&scene, format);
        let bytes = fs::read(scene.path(name)).unwrap();
        let (grown, cut) = ([&bytes[..], b"1234567\n"].concat(), &bytes[..bytes.len() / 2]);
        for pass in 1..=num_passes {
            for changed in [&grown[..], cut] {
                fs::write(scene.path(name), &bytes).unwrap();
                let meddle = || fs::write(scene.path(name), changed).unwrap();
                let (said, kind, shards) = meddled(&scene, &config, pass, &meddle);
                let expected = format!(
                    "{name}: the file was written to while it was read: it had {} bytes before, {} now\n\
                     hint: run again once the files are complete",
                    bytes.len(),
                    changed.len()
                );
                assert_eq!((said, kind), (expected, ErrorKind::Conflict), "pass {pass}");
                // What was written is not complete, but of a file that only grew.
                if changed.len() < bytes.len() {
                    assert!(shards.is_empty(), "{shards:?}");
                }
            }
        }
    }
}

#[test]
fn a_file_that_vanishes_is_noticed() {
    for (format, name, num_passes) in FORMATS {
        let scene = Scene::with(&[]);
        let config = numbers(&scene, format);
        let bytes = fs::read(scene.path(name)).unwrap();
        for pass in 1..=num_passes {
            fs::write(scene.path(name), &bytes).unwrap();
            let meddle = || fs::remove_file(scene.path(name)).unwrap();
            let (said, _, shards) = meddled(&scene, &config, pass, &meddle);
            assert_eq!(said, format!("cannot read {name}: No such file or directory (os error 2)"));
            assert!(shards.is_empty(), "{shards:?}");
        }
    }
}

#[test]
fn a_page_that_is_spoiled_is_told_by_its_rows() {
    let scene = Scene::with(&[]);
    let rows: String = (0..100_000).map(|n| format!("{n}\n")).collect();
    fs::write(scene.path("a.csv"), format!("n\n{rows}")).unwrap();
    let mut config = csv("a.csv");
    config.splits = Some([("all".to_owned(), std::num::NonZeroU32::MIN)].into());
    scene.run(&config).unwrap();
    let shard = scene.path("out/Split-all/data-00000-of-00001.parquet");
    let reader = SerializedFileReader::new(fs::File::open(&shard).unwrap()).unwrap();
    let (start, _) = reader.metadata().row_group(2).column(0).byte_range();
    let start = usize::try_from(start).unwrap();
    let mut bytes = fs::read(&shard).unwrap();
    bytes[start..start + 64].fill(0xff);
    fs::write(scene.path("a.parquet"), bytes).unwrap();
    let error = scene.run(&parquet("a.parquet")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    let said = scene.said(error);
    let (place, _) = said.split_once(" on cannot be decoded: ").unwrap();
    assert_eq!(place, "a.parquet: the values from row 65537");
}

#[test]
fn records_that_are_cut_off_or_spoiled_are_told_by_their_places() {
    let scene = Scene::with(&[]);
    let config = numbers(&scene, "tfrecord");
    let bytes = fs::read(scene.path("a.gz")).unwrap();
    fs::write(scene.path("a.gz"), &bytes[..bytes.len() / 2]).unwrap();
    let said = scene.error(&config);
    assert!(said.starts_with("a.gz, decompressed: record "), "{said}");
    assert!(said.contains("the gzip data is cut off: the file ends within it"), "{said}");
}

#[test]
fn ten_thousand_columns_are_columns() {
    let names: Vec<String> = (0..10_000).map(|n| format!("c{n}")).collect();
    let row = |value: usize| vec![value.to_string(); 10_000].join(",");
    let text = format!("{}\n{}\n{}\n", names.join(","), row(1), row(2));
    let scene = Scene::with(&[("a.csv", text.as_bytes())]);
    scene.run(&csv("a.csv")).unwrap();
    assert_eq!(scene.split("train").num_columns(), 10_000);
    let names: Vec<String> = (0..20_000).map(|n| format!("c{n}")).collect();
    fs::write(scene.path("a.csv"), names.join(",")).unwrap();
    assert_snapshot!(scene.error(&csv("a.csv")), @"a.csv:1: the header has 20000 columns, expected at most 16384");
}

#[test]
fn a_cell_of_a_hundred_megabytes_is_too_large() {
    let scene = Scene::with(&[]);
    let cell = "x".repeat(100 << 20);
    fs::write(scene.path("a.csv"), format!("n,s\n1,x\n2,{cell}\n3,y\n")).unwrap();
    assert_snapshot!(scene.error(&csv("a.csv")), @"a.csv:3: a row is longer than 64 MiB");
    fs::write(scene.path("a.csv"), format!("n,s\n1,x\n2,\"{cell}\"\n3,y\n")).unwrap();
    assert_snapshot!(scene.error(&csv("a.csv")), @"
    a.csv:3: a row is longer than 64 MiB
    hint: perhaps a quote is opened there and never closed
    ");
    fs::write(scene.path("a.jsonl"), format!("{{\"n\": 1}}\n{{\"s\": \"{cell}\"}}\n")).unwrap();
    assert_snapshot!(scene.error(&Config::new(SourceConfig::Json("a.jsonl".into()))), @"
    a.jsonl:2: a line is longer than 64 MiB
    hint: is it one large list? `jq -c '.[]'` writes each item of a list in a line
    ");
}
