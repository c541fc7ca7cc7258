use std::fs;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::BoxError;
use dataflow::{EngineError, ErasedPass, ErasedStage, ErasedState, Sink, Source};
use engine::LocalEngine;
use tempfile::TempDir;

use super::*;
use crate::{CsvTable, Form, OutputFormat, SourceConfig};

/// Counts the pieces of text that are read for types.
struct Counting {
    engine: LocalEngine,
    pieces: AtomicUsize,
}

impl Engine for Counting {
    fn fold(
        &self,
        source: &dyn Source,
        pass: &dyn ErasedPass,
    ) -> Result<Box<dyn ErasedState>, EngineError> {
        self.pieces.fetch_add(source.num_partitions(), Ordering::Relaxed);
        self.engine.fold(source, pass)
    }

    fn map(
        &self,
        source: &dyn Source,
        stage: &dyn ErasedStage,
        sink: &mut Sink<'_>,
    ) -> Result<(), EngineError> {
        self.engine.map(source, stage, sink)
    }

    fn is_cancelled(&self) -> bool {
        self.engine.is_cancelled()
    }
}

type Ran = (Result<Outcome, String>, Vec<(PathBuf, Vec<u8>)>);

/// Runs, and returns the outcome, or the error with its hint, and every file; and how many pieces were read for types.
fn ran(guess_bytes: u64, config: &Config, dir: &TempDir) -> (Ran, usize) {
    let out = tempfile::tempdir().unwrap();
    let engine = LocalEngine::with_all_cores(Arc::default());
    let engine = Counting { engine, pieces: AtomicUsize::new(0) };
    let outcome = run_guessing(guess_bytes, config, dir.path(), out.path(), &engine);
    let outcome = outcome.map_err(|error| {
        let hint = error.hint().unwrap_or_default();
        format!("{}\n{hint}", BoxError::from(error))
    });
    let mut files = Vec::new();
    for entry in fs::read_dir(out.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files.push(path);
        }
    }
    files.sort();
    let named = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        (path.strip_prefix(out.path()).unwrap().to_path_buf(), bytes)
    };
    let files = files.into_iter().map(named).collect();
    ((outcome, files), engine.pieces.into_inner())
}

/// What came of a guess.
#[derive(Debug, PartialEq, Eq)]
enum Guess {
    /// The beginning was read for types, and no more.
    Right,
    /// All was read for types, too.
    Wrong,
}

/// Runs with a guess from the beginning and without, which has to be the same to the byte.
fn check(files: &[(&str, &str)], expected: Guess, change: impl Fn(&mut Config)) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let mut config = Config::new(SourceConfig::Csv("*.csv".into()));
    change(&mut config);
    let (whole, all_pieces) = ran(u64::MAX, &config, &dir);
    let (guessed, pieces) = ran(64, &config, &dir);
    assert!(guessed == whole, "{:?} {:?}", guessed.0, whole.0);
    let found = if pieces < all_pieces { Guess::Right } else { Guess::Wrong };
    assert_eq!(found, expected, "{pieces} {all_pieces} {:?}", whole.0);
    whole
}

/// So many rows that the beginning, which is a piece at least, is not all.
fn large(last: &str) -> String {
    let rows = (0..40_000).map(|n| format!("{n},{}.5,,{}\n", n % 97, "x".repeat(n % 200)));
    format!("whole,fraction,none,text\n{}{last}", rows.collect::<String>())
}

#[test]
fn types_that_hold_are_read_once() {
    let (outcome, files) = check(&[("a.csv", &large(""))], Guess::Right, |_| {});
    assert_eq!(outcome.unwrap().splits.iter().map(|(_, rows)| rows).sum::<u64>(), 40_000);
    assert_eq!(files.len(), 2);
    // Narrower types than those that were found are no matter.
    check(&[("a.csv", &large("7,7,,\n,,,\n"))], Guess::Right, |_| {}).0.unwrap();
}

#[test]
fn a_type_that_changes_behind_the_beginning_changes_nothing() {
    let digits = "9".repeat(25);
    let large_integer = format!("1,{digits},,x\n");
    for last in ["1.5,1,,x\n", "one,1,,x\n", "1,1,1,x\n", "1,one,,x\n", &large_integer] {
        let (outcome, _) = check(&[("a.csv", &large(last))], Guess::Wrong, |_| {});
        assert!(outcome.is_ok(), "{outcome:?}");
    }
}

#[test]
fn several_files_are_read_alike() {
    let first = (
        "a.csv",
        "n,s\n1,x\n2,y\n3,zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\n",
    );
    check(&[first, ("b.csv", "n,s\n4,x\n"), ("c.csv", "s,n\nw,5\n")], Guess::Right, |_| {})
        .0
        .unwrap();
    check(&[first, ("b.csv", "n,s\n4,x\n"), ("c.csv", "n,s\n5.5,x\n")], Guess::Wrong, |_| {})
        .0
        .unwrap();
    check(&[first, ("b.csv", "n,s\nx,4\n")], Guess::Wrong, |config| {
        config.output.format = OutputFormat::Tfrecord;
    })
    .0
    .unwrap();
}

#[test]
fn rows_that_cannot_be_read_are_set_aside_as_ever() {
    let text = large("1,1,,x\n1,2\n3,3,,y\n");
    let (outcome, files) = check(&[("a.csv", &text)], Guess::Wrong, |config| {
        config.max_rejected_rows = 1;
    });
    assert_eq!(outcome.unwrap().num_rejected, 1);
    let rejected = files.iter().find(|(path, _)| path.ends_with(crate::REJECTED_FILE)).unwrap();
    assert!(String::from_utf8_lossy(&rejected.1).contains("a.csv,40003,"));
    let (outcome, files) = check(&[("a.csv", &text)], Guess::Wrong, |_| {});
    let error = outcome.unwrap_err();
    assert!(error.contains("a.csv:40003: found 2 cells, expected 4"), "{error}");
    assert!(files.is_empty(), "{:?}", files.iter().map(|(path, _)| path).collect::<Vec<_>>());
}

#[test]
fn what_is_wrong_with_features_is_said_of_their_types_in_the_whole() {
    let by = |feature: &'static str| {
        move |config: &mut Config| config.partition_feature = Some(feature.to_owned())
    };
    check(&[("a.csv", &large(""))], Guess::Right, by("whole")).0.unwrap();
    let (outcome, _) = check(&[("a.csv", &large("1.5,1,,x\n"))], Guess::Wrong, by("whole"));
    let error = outcome.unwrap_err();
    assert!(error.contains("`whole`") && error.contains("FLOAT"), "{error}");
    let (outcome, files) = check(&[("a.csv", &large(",1,,x\n"))], Guess::Wrong, by("whole"));
    assert!(outcome.unwrap_err().contains("`whole`") && files.is_empty());
    // A feature that is named has to have a value somewhere.
    let named = |config: &mut Config| {
        config.source = SourceConfig::Csv(Form::Table(CsvTable {
            files: "*.csv".into(),
            delimiter: None,
            columns: None,
            features: Some(vec!["text".to_owned(), "none".to_owned()]),
        }));
    };
    let (outcome, _) = check(&[("a.csv", &large(""))], Guess::Wrong, named);
    assert!(outcome.unwrap_err().contains("`none`"));
    check(&[("a.csv", &large("1,1,1,x\n"))], Guess::Wrong, named).0.unwrap();
    check(&[("a.csv", &large(""))], Guess::Right, |config| {
        config.splits = Some([("all".to_owned(), NonZeroU32::MIN)].into());
    })
    .0
    .unwrap();
}
