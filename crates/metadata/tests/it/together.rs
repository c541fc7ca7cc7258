//! Several processes and connections with one store.

use std::path::PathBuf;
use std::process::Command;

use artifact::{ExecutionState, Ledger, types};
use base::{Classify, ErrorKind};
use metadata::SqliteLedger;
use rusqlite::TransactionBehavior;

use crate::scene::{TRAINER, by_key, complete, execution, output};

/// Where the other processes find the store.
const STORE: &str = "CUPOLA_TEST_SHARED_STORE";

/// How many executions each process writes down.
const ROUNDS: i64 = 25;

/// Not a test of its own: one of several processes that write at once.
#[test]
fn writer() {
    let Some(path) = std::env::var_os(STORE).map(PathBuf::from) else { return };
    write(&SqliteLedger::open(&path).unwrap(), &std::process::id().to_string());
}

fn write(ledger: &dyn Ledger, node: &str) {
    for round in 0..ROUNDS {
        let new = execution(node, TRAINER, by_key([]), round);
        let (id, model) = complete(ledger, &new, output("model", types::MODEL, "/m"));
        assert_eq!(ledger.producer(model).unwrap().unwrap().id, id);
    }
}

#[test]
fn processes_make_and_write_one_store_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metadata.sqlite");
    let others: Vec<_> = (0..3)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "together::writer"])
                .env(STORE, &path)
                .spawn()
                .unwrap()
        })
        .collect();
    // And two connections of this process.
    std::thread::scope(|scope| {
        for connection in ["here", "there"] {
            let path = &path;
            scope.spawn(move || write(&SqliteLedger::open(path).unwrap(), connection));
        }
    });
    for mut other in others {
        assert!(other.wait().unwrap().success());
    }
    let ledger = SqliteLedger::open_existing(&path).unwrap();
    let executions = ledger.executions_of_run("monday").unwrap();
    assert_eq!(executions.len(), 5 * usize::try_from(ROUNDS).unwrap());
    assert!(executions.iter().all(|e| e.state == ExecutionState::Complete && e.outputs.len() == 1));
    // Each type, context and system type is there once.
    let connection = rusqlite::Connection::open(&path).unwrap();
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT COUNT(*) - COUNT(DISTINCT name) FROM Type"), 0);
    assert_eq!(count("SELECT COUNT(*) FROM Context WHERE name = 'monday'"), 1);
}

#[test]
fn looking_is_allowed_while_somebody_writes_and_writing_waits() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metadata.sqlite");
    let ledger = SqliteLedger::open(&path).unwrap();
    ledger.begin_run("taxi", "monday", 1).unwrap();

    let mut other = rusqlite::Connection::open(&path).unwrap();
    let held = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    assert_eq!(ledger.runs(None).unwrap().len(), 1);
    assert_eq!(SqliteLedger::open_existing(&path).unwrap().runs(None).unwrap().len(), 1);
    SqliteLedger::open(&path).unwrap();

    let error = ledger.begin_run("taxi", "tuesday", 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(
        error.to_string(),
        format!("{}: locked by another process, waited 5 s", path.display())
    );
    assert!(error.hint().unwrap().contains("nothing was lost"));
    drop(held);
    ledger.begin_run("taxi", "tuesday", 2).unwrap();
}

#[test]
fn a_store_that_somebody_keeps_for_himself_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metadata.sqlite");
    drop(SqliteLedger::open(&path).unwrap());
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch(
            "PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE",
        )
        .unwrap();
    let error = SqliteLedger::open_existing(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().ends_with("metadata.sqlite: locked by another process, waited 5 s"));
    drop(other);
    SqliteLedger::open(&path).unwrap();
}
