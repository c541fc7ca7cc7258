//! Names for versions: given, moved, taken away, by many at once.

use std::path::{Path, PathBuf};

use artifact::{
    AliasOutcome, ArtifactId, ExpectedAlias, Ledger, LedgerError, ModelAliases, NewAlias,
    NewArtifact, NewExecution, Properties, RunState, types,
};
use metadata::SqliteLedger;

fn open(dir: &Path) -> SqliteLedger {
    SqliteLedger::open(&dir.join("metadata.sqlite")).unwrap()
}

/// Writes down a push.
fn push(ledger: &SqliteLedger, run: &str) -> ArtifactId {
    ledger.begin_run("taxi", run, 1).unwrap();
    let execution = NewExecution {
        pipeline: "taxi",
        run,
        node: "pusher",
        type_name: "pusher",
        cache_key: None,
        properties: Properties::new(),
        custom_properties: Properties::new(),
        inputs: [].into(),
        now_ms: 1,
    };
    let id = ledger.begin_execution(&execution).unwrap();
    let output = NewArtifact {
        key: "pushed_model",
        artifact_type: types::PUSHED_MODEL,
        uri: PathBuf::from("/pushed"),
        properties: Properties::new(),
        custom_properties: Properties::new(),
    };
    let artifacts = ledger.complete_execution(id, &[output], &Properties::new(), 2).unwrap();
    ledger.finish_run("taxi", run, RunState::Complete, 2).unwrap();
    artifacts[0].id
}

fn set(
    ledger: &SqliteLedger,
    name: &str,
    to: Option<(u64, ArtifactId)>,
    expected: ExpectedAlias,
    run: &str,
) -> Result<AliasOutcome, LedgerError> {
    ledger.set_alias(&NewAlias {
        model: "/serving/taxi",
        name,
        to,
        expected,
        pipeline: "taxi",
        run,
        now_ms: 5,
    })
}

fn names(ledger: &SqliteLedger) -> Vec<(String, u64)> {
    let aliases = ledger.aliases("/serving/taxi").unwrap();
    aliases.into_iter().map(|alias| (alias.name, alias.version)).collect()
}

#[test]
fn a_name_is_given_moved_and_taken_away_with_its_history() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let (one, two) = (push(&ledger, "monday"), push(&ledger, "tuesday"));
    let any = ExpectedAlias::Any;
    assert_eq!(
        set(&ledger, "champion", Some((7, one)), any, "a").unwrap(),
        AliasOutcome::Changed(None)
    );
    assert_eq!(set(&ledger, "champion", Some((7, one)), any, "b").unwrap(), AliasOutcome::Same);
    let expected = ExpectedAlias::Exactly(Some(6));
    assert_eq!(
        set(&ledger, "champion", Some((8, two)), expected, "c").unwrap(),
        AliasOutcome::Moved(Some(7))
    );
    let expected = ExpectedAlias::Exactly(Some(7));
    assert_eq!(
        set(&ledger, "champion", Some((8, two)), expected, "d").unwrap(),
        AliasOutcome::Changed(Some(7))
    );
    set(&ledger, "old", Some((7, one)), any, "e").unwrap();
    assert_eq!(names(&ledger), [("champion".to_owned(), 8), ("old".to_owned(), 7)]);
    assert_eq!(set(&ledger, "old", None, any, "f").unwrap(), AliasOutcome::Changed(Some(7)));
    assert_eq!(set(&ledger, "old", None, any, "g").unwrap(), AliasOutcome::Same);
    assert_eq!(names(&open(dir.path())), [("champion".to_owned(), 8)]);
    assert_eq!(ledger.aliases("/serving/bike").unwrap(), []);

    let changes = ledger.alias_changes("/serving/taxi").unwrap();
    let changes: Vec<_> =
        changes.iter().map(|c| (c.run.as_str(), c.name.as_str(), c.from, c.to)).collect();
    assert_eq!(
        changes,
        [
            ("f", "old", Some(7), None),
            ("e", "old", None, Some(7)),
            ("d", "champion", Some(7), Some(8)),
            ("a", "champion", None, Some(7)),
        ]
    );
    // Each is a run that read the push.
    let run = &ledger.executions_of_run("d").unwrap()[0];
    assert_eq!((run.node.as_str(), &run.inputs["pushed_model"]), ("alias", &vec![two]));
    assert!(ledger.runs(Some("taxi")).unwrap().iter().any(|run| run.id == "d"));
    // What was not changed left nothing.
    assert!(ledger.executions_of_run("c").unwrap().is_empty());
}

#[test]
fn of_many_who_change_a_name_at_once_one_wins_each_round() {
    let dir = tempfile::tempdir().unwrap();
    let pushed = push(&open(dir.path()), "monday");
    let changed: Vec<u64> = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..=4u64)
            .map(|version| {
                let dir = dir.path();
                scope.spawn(move || {
                    // Each with a connection of its own, as processes have.
                    let ledger = open(dir);
                    let expected = ExpectedAlias::Exactly(None);
                    let run = format!("run-{version}");
                    let to = Some((version, pushed));
                    let outcome = set(&ledger, "champion", to, expected, &run).unwrap();
                    (outcome == AliasOutcome::Changed(None)).then_some(version)
                })
            })
            .collect();
        workers.into_iter().filter_map(|worker| worker.join().unwrap()).collect()
    });
    let [winner] = changed.as_slice() else { panic!("{changed:?}") };
    let ledger = open(dir.path());
    assert_eq!(names(&ledger), [("champion".to_owned(), *winner)]);
    assert_eq!(ledger.alias_changes("/serving/taxi").unwrap().len(), 1);
}

#[test]
fn a_push_that_is_not_there_gets_no_name() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    push(&ledger, "monday");
    let to = Some((7, ArtifactId(99)));
    let said = set(&ledger, "champion", to, ExpectedAlias::Any, "a").unwrap_err();
    assert!(matches!(said, LedgerError::NotFound { what: "artifact", .. }), "{said}");
    assert_eq!(names(&ledger), []);
    assert!(ledger.runs(Some("taxi")).unwrap().iter().all(|run| run.id != "a"));
}
