//! Files that are no store, or not ours.

use std::fs;
use std::path::Path;

use artifact::{ArtifactId, ExecutionState, Ledger, RunState};
use base::{BoxError, Classify, ErrorKind};
use metadata::{MetadataError, SqliteLedger};

use crate::scene::{EXAMPLE_GEN, by_key, complete, examples, execution};

/// Opens a file both ways; returns the error, which is the same, and sees that the file is too.
fn said(path: &Path) -> String {
    let before = fs::read(path).unwrap();
    let errors =
        [SqliteLedger::open(path), SqliteLedger::open_existing(path)].map(Result::unwrap_err);
    assert_eq!(fs::read(path).unwrap(), before);
    let texts = errors.map(|error| {
        assert_eq!(error.kind(), ErrorKind::Data);
        let hint = error.hint().unwrap();
        let text = format!("{}\n{hint}", BoxError::from(error));
        text.replace(&path.parent().unwrap().display().to_string(), "[DIR]")
    });
    assert_eq!(texts[0], texts[1]);
    texts[0].clone()
}

#[test]
fn what_is_no_store_is_named_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metadata.sqlite");
    fs::write(&path, "this is not a database ".repeat(100)).unwrap();
    insta::assert_snapshot!(said(&path), @r"
    [DIR]/metadata.sqlite: not a database, expected SQLite with ML Metadata's tables
    the file was not changed; move it away, or choose another place with `--root DIR`
    ");

    fs::remove_file(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE Trip (fare)").unwrap();
    drop(other);
    insta::assert_snapshot!(said(&path), @r"
    [DIR]/metadata.sqlite: not a metadata store: it has no table `Type`
    the file was not changed; move it away, or choose another place with `--root DIR`
    ");
}

#[test]
fn another_version_of_the_tables_is_named_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metadata.sqlite");
    let with = |sql: &str| {
        drop(SqliteLedger::open(&path).unwrap());
        let other = rusqlite::Connection::open(&path).unwrap();
        // So that nothing is beside the file that could be changed.
        other.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).unwrap();
        other.execute_batch(sql).unwrap();
        drop(other);
        let said = said(&path);
        fs::remove_file(&path).unwrap();
        said
    };
    insta::assert_snapshot!(with("UPDATE MLMDEnv SET schema_version = 9"), @r"
    [DIR]/metadata.sqlite: ML Metadata's tables have version 9, expected 10
    the file was not changed; ML Metadata's own client brings it up to date when it opens it with `enable_upgrade_migration`
    ");
    insta::assert_snapshot!(with("UPDATE MLMDEnv SET schema_version = 11"), @r"
    [DIR]/metadata.sqlite: ML Metadata's tables have version 11, expected 10
    the file was not changed; a newer version wrote it, use that one
    ");
    // The first versions had no table for the version.
    assert!(with("DROP TABLE MLMDEnv").contains("have version 0, expected 10"));
    assert!(with("DELETE FROM MLMDEnv").contains("have version 0, expected 10"));
    assert!(with("DROP TABLE Event").contains("it has no table `Event`"));
}

#[test]
fn a_store_that_is_not_there_is_made_or_missed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/metadata.sqlite");
    let error = SqliteLedger::open_existing(&path).unwrap_err();
    assert!(matches!(error, MetadataError::Absent { .. }));
    assert_eq!((error.kind(), error.hint().is_some()), (ErrorKind::NotFound, true));
    assert!(!dir.path().join("a").exists());

    drop(SqliteLedger::open(&path).unwrap());
    SqliteLedger::open_existing(&path).unwrap();
    // An empty file is what a crash may leave of one that was being made.
    let empty = dir.path().join("empty");
    fs::write(&empty, "").unwrap();
    assert!(SqliteLedger::open_existing(&empty).is_err());
    SqliteLedger::open(&empty).unwrap().begin_run("taxi", "monday", 1).unwrap();
}

#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let error = SqliteLedger::open(&dir.path().join("file/metadata.sqlite")).unwrap_err();
    assert!(matches!(error, MetadataError::Io(_)), "{error:?}");
    let error = SqliteLedger::open(dir.path()).unwrap_err();
    let text = BoxError::from(error).to_string();
    assert_eq!(text, format!("cannot open {}: Is a directory (os error 21)", dir.path().display()));
}

#[test]
fn a_damaged_store_is_an_error_and_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metadata.sqlite");
    let ledger = SqliteLedger::open(&path).unwrap();
    for round in 0..20 {
        complete(
            &ledger,
            &execution("example_gen", EXAMPLE_GEN, by_key([]), round),
            examples("/e"),
        );
    }
    drop(ledger);
    let whole = fs::read(&path).unwrap();
    let mut damaged = 0;
    for page in 1..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xa5);
        fs::write(&path, bytes).unwrap();
        let read = || -> Result<(), BoxError> {
            let ledger = SqliteLedger::open_existing(&path)?;
            ledger.artifacts(None, None)?;
            ledger.executions_of_run("monday")?;
            ledger.runs(None)?;
            Ok(())
        };
        if let Err(error) = read() {
            damaged += 1;
            assert_eq!(error.kind(), ErrorKind::Data, "{error}");
        }
    }
    assert!(damaged > 0);
}

#[test]
fn a_value_that_does_not_belong_there_is_an_error_and_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metadata.sqlite");
    let ledger = SqliteLedger::open(&path).unwrap();
    let (id, artifact) =
        complete(&ledger, &execution("example_gen", EXAMPLE_GEN, by_key([]), 1), examples("/e"));
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute("UPDATE Execution SET last_known_state = 77", []).unwrap();
    assert_eq!(ledger.execution(id).unwrap().state, ExecutionState::Unknown);
    other.execute("UPDATE Artifact SET create_time_since_epoch = 'yesterday'", []).unwrap();
    let error = ledger.artifact(artifact).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().contains("not what ML Metadata allows there"), "{error}");
}

#[test]
fn a_property_declared_otherwise_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metadata.sqlite");
    let ledger = SqliteLedger::open(&path).unwrap();
    ledger.begin_execution(&execution("example_gen", EXAMPLE_GEN, by_key([]), 1)).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute("UPDATE TypeProperty SET data_type = 1 WHERE name = 'seed'", []).unwrap();
    let error =
        ledger.begin_execution(&execution("example_gen", EXAMPLE_GEN, by_key([]), 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(
        error.to_string().ends_with(&format!(
            "property `seed` of type `{EXAMPLE_GEN}` is declared as INT, cannot hold STRING"
        )),
        "{error}"
    );
}

#[test]
fn what_the_real_client_wrote_is_read_and_continued() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/mlmd/mlmd.db");
    if !shared.exists() {
        println!("SKIPPED: there is no folder `shared` beside the checkout");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mlmd.db");
    fs::write(&path, fs::read(shared).unwrap()).unwrap();
    let ledger = SqliteLedger::open(&path).unwrap();
    let artifacts = ledger.artifacts(None, None).unwrap();
    let shown: Vec<_> = artifacts
        .iter()
        .map(|a| {
            format!(
                "{} {} {} {:?} {:?}",
                a.id,
                a.type_name,
                a.uri.display(),
                a.properties,
                a.custom_properties
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    3 Model /data/model/2 {"auc": Double(0.91)} {}
    2 Schema /data/schema/1 {} {}
    1 Examples /data/examples/1 {"span": Int(1), "split_names": String("[\"train\",\"eval\"]")} {"note": String("hand made")}
    "#);
    let executions = ledger.executions_of_run("run-1").unwrap();
    let shown: Vec<_> = executions
        .iter()
        .map(|e| {
            format!("{} {} {:?} {:?} -> {:?}", e.id, e.type_name, e.state, e.inputs, e.outputs)
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    1 ExampleGen Complete {} -> {"examples": [ArtifactId(1)], "schema": [ArtifactId(2)]}
    2 Trainer Complete {"examples": [ArtifactId(1)], "schema": [ArtifactId(2)]} -> {"model": [ArtifactId(3)]}
    "#);
    assert_eq!(ledger.producer(ArtifactId(3)).unwrap().unwrap(), executions[1]);
    // Its run does not say how it ended; its executions do.
    let runs = ledger.runs(None).unwrap();
    assert_eq!((runs[0].id.as_str(), runs[0].state), ("run-1", RunState::Complete));
    assert_eq!(runs[0].last_update_time_ms, executions[1].last_update_time_ms);

    // Another run, as TFX begins one, that never ended: its pipeline is that of its execution, and it can be ended.
    let other = rusqlite::Connection::open(&path).unwrap();
    let new = execution("trainer", EXAMPLE_GEN, by_key([]), 1);
    let id = ledger.begin_execution(&new).unwrap();
    other.execute("DELETE FROM ParentContext", []).unwrap();
    let run = &ledger.runs(Some("taxi")).unwrap()[0];
    assert_eq!((run.id.as_str(), run.state), ("monday", RunState::Running));
    ledger.finish_run("taxi", "monday", RunState::Failed, 2).unwrap();
    assert_eq!(ledger.runs(Some("taxi")).unwrap()[0].state, RunState::Failed);
    ledger.abandon_execution(id, ExecutionState::Failed, "interrupted", 3).unwrap();

    let inputs = by_key([("model", vec![ArtifactId(3)])]);
    let (_, made) = complete(&ledger, &execution("e", EXAMPLE_GEN, inputs, 5), examples("/e"));
    assert_eq!(ledger.artifact(made).unwrap().properties["span"].as_int(), Some(7));
    assert_eq!(ledger.consumers(ArtifactId(3)).unwrap().len(), 1);
}

#[test]
fn a_full_disk_is_an_error_that_leaves_the_store_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
        .arg(dir.path())
        .stderr(std::process::Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("SKIPPED: mounting a small disk is not permitted here");
        return;
    }
    let result = std::panic::catch_unwind(|| fill(dir.path()));
    std::process::Command::new("umount").arg("-l").arg(dir.path()).status().unwrap();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

/// Fills the disk at several moments, from before the store is made until it has held many executions.
fn fill(disk: &Path) {
    let mut failed = 0;
    for free_kib in (0..600).step_by(37) {
        let path = disk.join("metadata.sqlite");
        let room = 1024 - 16 - free_kib;
        fs::write(disk.join("ballast"), vec![1; room << 10]).unwrap();
        let mut completed = 0;
        let mut work = || -> Result<(), BoxError> {
            let ledger = SqliteLedger::open(&path)?;
            for round in 0..400 {
                let id = ledger.begin_execution(&execution("e", EXAMPLE_GEN, by_key([]), round))?;
                ledger.complete_execution(
                    id,
                    &[examples("/e")],
                    &artifact::Properties::new(),
                    round,
                )?;
                completed += 1;
            }
            Ok(())
        };
        if let Err(error) = work() {
            failed += 1;
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            assert!(error.to_string().contains("metadata.sqlite"), "{error}");
        }
        fs::remove_file(disk.join("ballast")).unwrap();
        let ledger = SqliteLedger::open(&path).unwrap();
        let artifacts = ledger.artifacts(None, None).unwrap().len();
        assert!(artifacts == completed || artifacts == completed + 1, "{artifacts}, {completed}");
        drop(ledger);
        for entry in fs::read_dir(disk).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
    assert!(failed > 5, "the disk was full only {failed} times");
}
