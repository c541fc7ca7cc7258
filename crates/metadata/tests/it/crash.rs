//! Killed at any moment: every call happened whole or not at all.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use artifact::{ExecutionState, Ledger, Properties, types};
use metadata::SqliteLedger;

use crate::scene::{TRAINER, by_key, complete, examples, execution, output};

/// Where the other process finds its store.
const STORE: &str = "CUPOLA_TEST_STORE";

/// Whether it stops in the middle of its first execution, for good.
const PAUSE: &str = "CUPOLA_TEST_PAUSE";

/// How often a process is killed in each test.
const KILLS: u64 = 20;

/// Not a test of its own: the process that is killed. It writes down one execution after another.
#[test]
fn writer() {
    let Some(path) = std::env::var_os(STORE).map(PathBuf::from) else { return };
    println!("\nopening");
    let ledger = SqliteLedger::open(&path).unwrap();
    for now_ms in 0.. {
        println!("writing");
        let id =
            ledger.begin_execution(&execution("trainer", TRAINER, by_key([]), now_ms)).unwrap();
        if std::env::var_os(PAUSE).is_some() {
            println!("paused");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        let outputs =
            [output("model", types::MODEL, "/m"), output("model_run", types::MODEL_RUN, "/r")];
        ledger.complete_execution(id, &outputs, &Properties::new(), now_ms).unwrap();
        println!("wrote {id}");
    }
}

/// Runs the writer until it has said a line so often, and a little longer; returns all that it said.
fn kill_writer(path: &Path, line: &str, times: usize, later: Duration) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::writer", "--nocapture"])
        .env(STORE, path)
        .envs((line == "paused").then_some((PAUSE, "1")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut said = Vec::new();
    let mut left = times;
    while left > 0 {
        let next = lines.next().unwrap();
        left -= usize::from(next == line);
        said.push(next);
    }
    let began = Instant::now();
    while began.elapsed() < later {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    said.extend(lines);
    said
}

fn assert_sound(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let sound: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let orphans = "SELECT (SELECT COUNT(*) FROM Artifact WHERE id NOT IN (SELECT artifact_id FROM Event))
                        + (SELECT COUNT(*) FROM Artifact WHERE id NOT IN (SELECT artifact_id FROM Attribution))
                        + (SELECT COUNT(*) FROM Artifact WHERE id NOT IN (SELECT artifact_id FROM ArtifactProperty))
                        + (SELECT COUNT(*) FROM Execution WHERE id NOT IN (SELECT execution_id FROM Association))
                        + (SELECT COUNT(*) FROM Event WHERE id NOT IN (SELECT event_id FROM EventPath))";
    let orphans: i64 = connection.query_row(orphans, [], |row| row.get(0)).unwrap();
    assert_eq!(orphans, 0);
}

#[test]
fn killed_while_writing_every_call_is_whole_or_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metadata.sqlite");
    let mut running = 0;
    for kill in 0..KILLS {
        let said = match kill % 4 {
            0 => kill_writer(&path, "paused", 1, Duration::ZERO),
            _ => kill_writer(&path, "writing", 2, Duration::from_micros(kill * 150)),
        };
        assert_sound(&path);
        let ledger = SqliteLedger::open(&path).unwrap();
        for execution in ledger.executions_of_node("taxi", "trainer").unwrap() {
            let outputs = execution.outputs.len();
            match execution.state {
                ExecutionState::Complete => assert_eq!(outputs, 2),
                // Still as the killed process left it, or abandoned here after an earlier one.
                ExecutionState::Running | ExecutionState::Failed => assert_eq!(outputs, 0),
                state => panic!("{state:?}"),
            }
        }
        // Whatever was said to be written is written.
        for id in said.iter().filter_map(|line| line.strip_prefix("wrote ")) {
            let id = artifact::ExecutionId(id.parse().unwrap());
            assert_eq!(ledger.execution(id).unwrap().state, ExecutionState::Complete);
        }
        for execution in ledger.running_executions("taxi").unwrap() {
            running += 1;
            ledger.abandon_execution(execution.id, ExecutionState::Failed, "killed", 1).unwrap();
        }
        complete(&ledger, &execution("after", TRAINER, by_key([]), 1), examples("/e"));
    }
    assert!(running >= KILLS / 4, "only {running} executions were killed in their middle");
}

#[test]
fn killed_while_making_the_store_the_next_one_makes_it() {
    for kill in 0..KILLS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metadata.sqlite");
        kill_writer(&path, "opening", 1, Duration::from_micros(kill * 250));
        let ledger = SqliteLedger::open(&path).unwrap();
        ledger.begin_run("taxi", "tuesday", 1).unwrap();
        complete(&ledger, &execution("trainer", TRAINER, by_key([]), 1), examples("/e"));
        assert_sound(&path);
    }
}
