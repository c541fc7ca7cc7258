//! The real client of ML Metadata over our store, and ours over its.

use std::path::Path;
use std::process::Command;

use artifact::{ArtifactId, Ledger, NewExecution, Properties, RunState, types};
use metadata::SqliteLedger;
use serde_json::{Value, json};

use crate::scene::{EXAMPLE_GEN, RESOLVER, TRAINER, by_key, complete, examples, execution, output};

/// Returns the Python that has the client, or says that a test is skipped.
fn python(test: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
    let python = std::env::var("CUPOLA_MLMD_PYTHON").ok();
    if python.is_none() {
        println!("SKIPPED {test}: CUPOLA_MLMD_PYTHON is not set");
    }
    python
}

fn run(python: &str, script: &str, args: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(script);
    let output = Command::new(python).arg(script).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_real_client_lists_everything_and_adds_to_it() {
    let Some(python) = python("the_real_client_lists_everything_and_adds_to_it") else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metadata.sqlite");
    // Ours stays open all the time.
    let ledger = SqliteLedger::open(&path).unwrap();
    ledger.begin_run("taxi", "monday", 100).unwrap();
    let (_, data) = complete(
        &ledger,
        &execution("example_gen", EXAMPLE_GEN, by_key([]), 200),
        examples("/e/1"),
    );
    let inputs = by_key([("baseline", vec![data]), ("examples", vec![data])]);
    let trainer = execution("trainer", TRAINER, inputs, 300);
    let (_, model) = complete(&ledger, &trainer, output("model", types::MODEL, "/m/2"));
    ledger.record_cached(&trainer, &by_key([("model", vec![model])]), &Properties::new()).unwrap();
    let resolver =
        NewExecution { cache_key: None, ..execution("latest", RESOLVER, by_key([]), 400) };
    ledger
        .record_cached(&resolver, &by_key([("baseline_model", vec![model])]), &Properties::new())
        .unwrap();
    ledger
        .begin_execution(&execution(
            "pusher",
            "tfx.components.pusher.component.Pusher",
            by_key([]),
            500,
        ))
        .unwrap();
    ledger.finish_run("taxi", "monday", RunState::Complete, 900).unwrap();

    let path = path.display().to_string();
    let listed = run(&python, "list_everything.py", &[&path]);
    let expected = json!({
        "types": [
            { "kind": "artifact", "name": "Examples", "base": "DATASET",
              "properties": { "span": "INT", "split_names": "STRING", "version": "INT" } },
            { "kind": "artifact", "name": "Model", "base": "MODEL", "properties": {} },
            { "kind": "execution", "name": EXAMPLE_GEN, "base": null, "properties": { "seed": "STRING" } },
            { "kind": "execution", "name": TRAINER, "base": "TRAIN", "properties": { "seed": "STRING" } },
            { "kind": "execution", "name": RESOLVER, "base": null, "properties": { "seed": "STRING" } },
            { "kind": "execution", "name": "tfx.components.pusher.component.Pusher", "base": "DEPLOY",
              "properties": { "seed": "STRING" } },
            { "kind": "context", "name": "pipeline", "base": null, "properties": {} },
            { "kind": "context", "name": "pipeline_run", "base": null, "properties": {} },
            { "kind": "context", "name": "node", "base": null, "properties": {} },
            { "kind": "context", "name": "execution_cache", "base": null, "properties": {} },
        ],
        "artifacts": [
            { "id": 1, "type": "Examples", "name": "taxi:monday:example_gen:examples:0", "uri": "/e/1",
              "state": "LIVE", "created_ms": 201,
              "properties": { "span": 7, "split_names": "[\"train\", \"eval\"]", "version": 0 },
              "custom_properties": { "content_digest": "/e/1" } },
            { "id": 2, "type": "Model", "name": "taxi:monday:trainer:model:0", "uri": "/m/2", "state": "LIVE",
              "created_ms": 301, "properties": {}, "custom_properties": { "content_digest": "/m/2" } },
        ],
        "executions": ([
            (1, EXAMPLE_GEN, "COMPLETE", 200, 201), (2, TRAINER, "COMPLETE", 300, 301),
            (3, TRAINER, "CACHED", 300, 300), (4, RESOLVER, "CACHED", 400, 400),
            (5, "tfx.components.pusher.component.Pusher", "RUNNING", 500, 500),
        ]).map(|(id, type_name, state, began, ended)| json!({
            "id": id, "type": type_name, "name": "", "state": state, "created_ms": began, "updated_ms": ended,
            "properties": { "seed": "1" }, "custom_properties": { "part": "of the key" },
        })),
        "contexts": ([
            (1, "pipeline", "taxi"), (2, "pipeline_run", "monday"), (3, "node", "taxi.example_gen"),
            (4, "execution_cache", "example_gen"), (5, "node", "taxi.trainer"), (6, "execution_cache", "trainer"),
            (7, "node", "taxi.latest"), (8, "node", "taxi.pusher"), (9, "execution_cache", "pusher"),
        ]).map(|(id, type_name, name)| json!({
            "id": id, "type": type_name, "name": name, "properties": {},
            "custom_properties": if id == 2 { json!({ "state": "complete" }) } else { json!({}) },
            "parents": if id == 2 { json!([1]) } else { json!([]) },
        })),
        "events": [
            { "artifact": 1, "execution": 1, "type": "OUTPUT", "path": ["examples", 0], "at_ms": 201 },
            { "artifact": 1, "execution": 2, "type": "INPUT", "path": ["baseline", 0, "examples", 0], "at_ms": 300 },
            { "artifact": 2, "execution": 2, "type": "OUTPUT", "path": ["model", 0], "at_ms": 301 },
            { "artifact": 1, "execution": 3, "type": "INPUT", "path": ["baseline", 0, "examples", 0], "at_ms": 300 },
            { "artifact": 2, "execution": 3, "type": "OUTPUT", "path": ["model", 0], "at_ms": 300 },
            { "artifact": 2, "execution": 4, "type": "INTERNAL_OUTPUT", "path": ["baseline_model", 0], "at_ms": 400 },
        ],
        "associations": [
            [1, 1], [1, 2], [1, 3], [1, 4], [1, 5], [2, 1], [2, 2], [2, 3], [2, 4], [2, 5], [3, 1], [4, 1],
            [5, 2], [5, 3], [6, 2], [6, 3], [7, 4], [8, 5], [9, 5],
        ],
        "attributions": [
            [1, 1], [1, 2], [2, 1], [2, 2], [3, 1], [4, 1], [5, 1], [5, 2], [6, 1], [6, 2], [7, 2],
        ],
    });
    for (name, part) in expected.as_object().unwrap() {
        assert_eq!(&listed[name], part, "{name}: {listed:#}");
    }

    // The client adds an execution that reads our model and writes an artifact of a type that we know.
    let put = run(&python, "put_one.py", &[&path, &model.to_string()]);
    let theirs = ArtifactId(put["artifact"].as_i64().unwrap());
    let artifact = ledger.artifact(theirs).unwrap();
    assert_eq!((artifact.type_name.as_str(), artifact.uri.to_str()), ("Examples", Some("/theirs")));
    assert_eq!(artifact.properties["span"].as_int(), Some(8));
    assert_eq!(artifact.custom_properties["is_theirs"].as_int(), Some(1));
    let execution = ledger.producer(theirs).unwrap().unwrap();
    assert_eq!((execution.node.as_str(), execution.run.as_str()), ("trainer", "monday"));
    assert_eq!(execution.inputs, by_key([("model", vec![model])]));
    assert_eq!(execution.outputs, by_key([("examples", vec![theirs])]));
    assert_eq!(ledger.artifacts(None, Some("taxi")).unwrap()[0].id, theirs);

    // And we go on after it.
    let (_, ours) = complete(&ledger, &trainer, output("model", types::MODEL, "/m/4"));
    assert!(ours > theirs);
    let listed = run(&python, "list_everything.py", &[&path]);
    assert_eq!(listed["artifacts"].as_array().unwrap().len(), 4);
}

#[test]
fn both_write_at_the_same_time() {
    let Some(python) = python("both_write_at_the_same_time") else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metadata.sqlite");
    let ledger = SqliteLedger::open(&path).unwrap();
    ledger.begin_run("taxi", "monday", 100).unwrap();
    let (_, model) = complete(
        &ledger,
        &execution("trainer", TRAINER, by_key([]), 1),
        output("model", types::MODEL, "/m"),
    );
    let path = path.display().to_string();
    let rounds = 40;
    std::thread::scope(|scope| {
        let theirs = scope.spawn(|| {
            run(&python, "put_one.py", &[&path, &model.to_string(), &rounds.to_string()])
        });
        // The client takes seconds to start, and gives way to whoever writes all the time: so once it has begun.
        while !theirs.is_finished() && ledger.artifacts(None, None).unwrap().len() == 1 {
            std::thread::yield_now();
        }
        for _ in 0..rounds {
            complete(
                &ledger,
                &execution("trainer", TRAINER, by_key([]), 1),
                output("model", types::MODEL, "/m"),
            );
        }
        theirs.join().unwrap();
        assert_eq!(ledger.artifacts(None, None).unwrap().len(), 1 + rounds + rounds);
    });
}
