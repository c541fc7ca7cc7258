//! What every ledger does, whatever it is made of. A new implementation passes [`check`] and nothing else.

use std::collections::BTreeMap;

use artifact::{
    Artifact, ArtifactId, ArtifactState, Execution, ExecutionId, ExecutionState, Ledger,
    LedgerError, Properties, PropertyValue, RunState, types,
};
use base::{Classify, ErrorKind};

use crate::scene::{
    EXAMPLE_GEN, RESOLVER, TRAINER, TRANSFORM, by_key, complete, examples, execution, output,
    properties,
};

/// Checks a ledger; `open` gives a new and empty one each time, with whatever keeps it alive.
pub(crate) fn check<L: Ledger, G>(open: impl Fn() -> (L, G)) {
    type Case = fn(&dyn Ledger);
    let cases: [(&str, Case); 15] = [
        ("an empty ledger has nothing", an_empty_ledger_has_nothing),
        ("runs come newest first, with how they ended", runs_come_newest_first),
        ("a run's id is taken once", a_runs_id_is_taken_once),
        ("an execution is what was written", an_execution_is_what_was_written),
        ("an artifact is what was written", an_artifact_is_what_was_written),
        ("an abandoned execution has a reason and no outputs", abandoned_executions),
        ("an execution ends once", an_execution_ends_once),
        ("a cached execution shares the artifacts", a_cached_execution_shares_the_artifacts),
        ("cache keys find what is complete or cached", cache_keys),
        ("nodes of other pipelines are others", nodes_of_other_pipelines_are_others),
        ("artifacts are found by type and pipeline", artifacts_by_type_and_pipeline),
        ("an artifact may be read under several keys", several_keys),
        ("a call that fails leaves nothing", a_call_that_fails_leaves_nothing),
        ("property values come back as they were", property_values),
        ("threads share a ledger", threads_share_a_ledger),
    ];
    for (name, case) in cases {
        println!("{name}");
        let (ledger, _guard) = open();
        case(&ledger);
    }
}

/// Returns whether it is an error of this kind, and shows it if not.
#[track_caller]
fn assert_kind<T: std::fmt::Debug>(result: Result<T, LedgerError>, kind: ErrorKind) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    error.to_string()
}

fn an_empty_ledger_has_nothing(ledger: &dyn Ledger) {
    assert_eq!(ledger.runs(None).unwrap(), []);
    assert_eq!(ledger.runs(Some("taxi")).unwrap(), []);
    assert_eq!(ledger.artifacts(None, None).unwrap(), []);
    assert_eq!(ledger.artifacts(Some("Model"), Some("taxi")).unwrap(), []);
    assert_eq!(ledger.executions_by_cache_key("key").unwrap(), []);
    assert_eq!(ledger.executions_of_node("taxi", "trainer").unwrap(), []);
    assert_eq!(ledger.executions_of_run("monday").unwrap(), []);
    assert_eq!(ledger.running_executions("taxi").unwrap(), []);
    assert_eq!(ledger.producer(ArtifactId(1)).unwrap(), None);
    assert_eq!(ledger.consumers(ArtifactId(1)).unwrap(), []);
    assert!(
        assert_kind(ledger.artifact(ArtifactId(1)), ErrorKind::NotFound).contains("artifact `1`")
    );
    assert!(
        assert_kind(ledger.execution(ExecutionId(7)), ErrorKind::NotFound)
            .contains("execution `7`")
    );
    let finish = ledger.finish_run("taxi", "monday", RunState::Complete, 1);
    assert!(assert_kind(finish, ErrorKind::NotFound).contains("run `monday`"));
}

fn runs_come_newest_first(ledger: &dyn Ledger) {
    let states = [
        RunState::Complete,
        RunState::AnsweredNo,
        RunState::Failed,
        RunState::Canceled,
        RunState::Running,
    ];
    for (index, state) in (0..).zip(states) {
        let run = format!("run-{index}");
        let pipeline = if index == 1 { "other" } else { "taxi" };
        ledger.begin_run(pipeline, &run, 100 + index).unwrap();
        assert_eq!(ledger.runs(None).unwrap()[0].state, RunState::Running);
        ledger.finish_run(pipeline, &run, state, 200 + index).unwrap();
    }
    let runs = ledger.runs(None).unwrap();
    let ids: Vec<_> = runs.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids, ["run-4", "run-3", "run-2", "run-1", "run-0"]);
    assert!(runs.iter().rev().map(|run| run.state).eq(states));
    assert_eq!((runs[1].create_time_ms, runs[1].last_update_time_ms), (103, 203));
    let others = ledger.runs(Some("other")).unwrap();
    assert_eq!(others, [runs[3].clone()]);
    assert_eq!(others[0].pipeline, "other");
    assert_kind(ledger.finish_run("taxi", "run-1", RunState::Failed, 1), ErrorKind::NotFound);
}

fn a_runs_id_is_taken_once(ledger: &dyn Ledger) {
    ledger.begin_run("taxi", "monday", 1).unwrap();
    for pipeline in ["taxi", "other"] {
        let said = assert_kind(ledger.begin_run(pipeline, "monday", 2), ErrorKind::Conflict);
        assert!(said.contains("run `monday`"), "{said}");
    }
    let runs = ledger.runs(None).unwrap();
    assert_eq!((runs.len(), runs[0].create_time_ms), (1, 1));
    assert_eq!(ledger.runs(Some("other")).unwrap(), []);
}

fn an_execution_is_what_was_written(ledger: &dyn Ledger) {
    ledger.begin_run("taxi", "monday", 10).unwrap();
    let (_, examples) =
        complete(ledger, &execution("example_gen", EXAMPLE_GEN, by_key([]), 20), examples("/e/1"));
    let new = execution("trainer", TRAINER, by_key([("examples", vec![examples])]), 30);
    let id = ledger.begin_execution(&new).unwrap();
    let expected = Execution {
        id,
        type_name: TRAINER.to_owned(),
        pipeline: "taxi".to_owned(),
        run: "monday".to_owned(),
        node: "trainer".to_owned(),
        state: ExecutionState::Running,
        properties: new.properties.clone(),
        custom_properties: new.custom_properties.clone(),
        inputs: by_key([("examples", vec![examples])]),
        outputs: BTreeMap::new(),
        create_time_ms: 30,
        last_update_time_ms: 30,
    };
    assert_eq!(ledger.execution(id).unwrap(), expected);
    assert_eq!(ledger.running_executions("taxi").unwrap(), std::slice::from_ref(&expected));
    assert_eq!(ledger.running_executions("other").unwrap(), []);
    assert_eq!(
        ledger.executions_of_node("taxi", "trainer").unwrap(),
        std::slice::from_ref(&expected)
    );
    assert_eq!(ledger.executions_of_run("monday").unwrap()[1], expected);
    assert_eq!(ledger.consumers(examples).unwrap(), std::slice::from_ref(&expected));

    let custom = properties([("summary", "300 steps"), ("part", "replaced")]);
    let outputs = [
        output("model", types::MODEL, "/m/2"),
        output("model_run", types::MODEL_RUN, "/r/2"),
        output("model", types::MODEL, "/m/3"),
    ];
    let made = ledger.complete_execution(id, &outputs, &custom, 90).unwrap();
    let complete = Execution {
        state: ExecutionState::Complete,
        custom_properties: custom,
        outputs: by_key([("model", vec![made[0].id, made[2].id]), ("model_run", vec![made[1].id])]),
        last_update_time_ms: 90,
        ..expected
    };
    assert_eq!(ledger.execution(id).unwrap(), complete);
    assert_eq!(ledger.running_executions("taxi").unwrap(), []);
    for artifact in &made {
        assert_eq!(ledger.producer(artifact.id).unwrap(), Some(complete.clone()));
        assert_eq!(ledger.consumers(artifact.id).unwrap(), []);
    }
    // The run wrote something down.
    assert_eq!(ledger.runs(None).unwrap()[0].last_update_time_ms, 90);
}

fn an_artifact_is_what_was_written(ledger: &dyn Ledger) {
    let id = ledger.begin_execution(&execution("example_gen", EXAMPLE_GEN, by_key([]), 5)).unwrap();
    let new = examples("/root/example_gen/examples/1");
    let made = ledger
        .complete_execution(id, &[examples("/root/example_gen/examples/1")], &Properties::new(), 6)
        .unwrap();
    let expected = Artifact {
        id: made[0].id,
        type_name: "Examples".to_owned(),
        uri: new.uri,
        state: ArtifactState::Live,
        properties: new.properties,
        custom_properties: new.custom_properties,
        create_time_ms: 6,
    };
    assert_eq!(made, std::slice::from_ref(&expected));
    assert_eq!(ledger.artifact(expected.id).unwrap(), expected);
    assert_eq!(expected.split_names(), ["train", "eval"]);
    assert_eq!(expected.digest(), Some("/root/example_gen/examples/1"));
    assert_eq!(ledger.artifacts(None, None).unwrap(), [expected]);
}

fn abandoned_executions(ledger: &dyn Ledger) {
    for state in [ExecutionState::Failed, ExecutionState::Canceled] {
        let id = ledger.begin_execution(&execution("trainer", TRAINER, by_key([]), 1)).unwrap();
        ledger.abandon_execution(id, state, "the disk is full", 9).unwrap();
        let found = ledger.execution(id).unwrap();
        assert_eq!((found.state, found.last_update_time_ms), (state, 9));
        assert_eq!(found.custom_properties[Execution::ERROR].as_str(), Some("the disk is full"));
        assert_eq!(found.custom_properties["part"].as_str(), Some("of the key"));
        assert_eq!(found.outputs, BTreeMap::new());
    }
    assert_eq!(ledger.running_executions("taxi").unwrap(), []);
    assert_eq!(ledger.executions_by_cache_key("trainer").unwrap(), []);
    assert_eq!(ledger.executions_of_node("taxi", "trainer").unwrap().len(), 2);
}

fn an_execution_ends_once(ledger: &dyn Ledger) {
    let new = execution("trainer", TRAINER, by_key([]), 1);
    let (done, model) = complete(ledger, &new, output("model", types::MODEL, "/m/1"));
    let failed = ledger.begin_execution(&new).unwrap();
    ledger.abandon_execution(failed, ExecutionState::Failed, "no", 2).unwrap();
    for (id, state) in [(done, "COMPLETE"), (failed, "FAILED")] {
        let before = ledger.execution(id).unwrap();
        let again = [output("model", types::MODEL, "/m/2")];
        let results = [
            ledger.complete_execution(id, &again, &Properties::new(), 3).map(drop),
            ledger.abandon_execution(id, ExecutionState::Canceled, "stop", 3),
        ];
        for result in results {
            let said = assert_kind(result, ErrorKind::Conflict);
            assert!(said.contains(&format!("execution {id} is {state}")), "{said}");
        }
        assert_eq!(ledger.execution(id).unwrap(), before);
    }
    assert_eq!(ledger.artifacts(None, None).unwrap().len(), 1);
    assert_eq!(ledger.artifacts(None, None).unwrap()[0].id, model);
    let nobody = ExecutionId(99);
    assert_kind(ledger.complete_execution(nobody, &[], &Properties::new(), 1), ErrorKind::NotFound);
    let abandon = ledger.abandon_execution(nobody, ExecutionState::Failed, "", 1);
    assert_kind(abandon, ErrorKind::NotFound);
}

fn a_cached_execution_shares_the_artifacts(ledger: &dyn Ledger) {
    let (_, data) =
        complete(ledger, &execution("example_gen", EXAMPLE_GEN, by_key([]), 1), examples("/e/1"));
    let inputs = || by_key([("examples", vec![data])]);
    let new = execution("trainer", TRAINER, inputs(), 2);
    let (writer, model) = complete(ledger, &new, output("model", types::MODEL, "/m/1"));

    ledger.begin_run("taxi", "tuesday", 10).unwrap();
    let mut again = execution("trainer", TRAINER, inputs(), 11);
    again.run = "tuesday";
    let outputs = by_key([("model", vec![model])]);
    let custom = properties([("summary", "as on monday")]);
    let id = ledger.record_cached(&again, &outputs, &custom).unwrap();
    let cached = ledger.execution(id).unwrap();
    assert_eq!(cached.state, ExecutionState::Cached);
    assert_eq!((&cached.inputs, &cached.outputs), (&inputs(), &outputs));
    assert_eq!(cached.custom_properties["summary"].as_str(), Some("as on monday"));
    assert_eq!(cached.custom_properties["part"].as_str(), Some("of the key"));
    assert_eq!(ledger.executions_of_run("tuesday").unwrap(), std::slice::from_ref(&cached));
    // It did not write, and it did read.
    assert_eq!(ledger.producer(model).unwrap().unwrap().id, writer);
    let consumers = ledger.consumers(data).unwrap();
    assert_eq!(consumers.iter().map(|e| e.id).collect::<Vec<_>>(), [writer, id]);
    assert_eq!(ledger.artifacts(Some("Model"), None).unwrap().len(), 1);
    assert_eq!(ledger.runs(None).unwrap()[0].last_update_time_ms, 11);

    // A resolver has no key, and finds instead of writing.
    let resolver = artifact::NewExecution {
        cache_key: None,
        ..execution("latest", RESOLVER, by_key([("model", vec![model])]), 12)
    };
    let id = ledger
        .record_cached(&resolver, &by_key([("baseline_model", vec![model])]), &Properties::new())
        .unwrap();
    let found = ledger.execution(id).unwrap();
    assert_eq!(found.outputs, by_key([("baseline_model", vec![model])]));
    assert_eq!(ledger.producer(model).unwrap().unwrap().id, writer);
}

fn cache_keys(ledger: &dyn Ledger) {
    let new = execution("trainer", TRAINER, by_key([]), 1);
    let (first, model) = complete(ledger, &new, output("model", types::MODEL, "/m/1"));
    let failed = ledger.begin_execution(&new).unwrap();
    ledger.abandon_execution(failed, ExecutionState::Failed, "no", 2).unwrap();
    let cached =
        ledger.record_cached(&new, &by_key([("model", vec![model])]), &Properties::new()).unwrap();
    ledger.begin_execution(&new).unwrap();
    let without =
        artifact::NewExecution { cache_key: None, ..execution("trainer", TRAINER, by_key([]), 1) };
    complete(ledger, &without, output("model", types::MODEL, "/m/2"));

    let found = ledger.executions_by_cache_key("trainer").unwrap();
    assert_eq!(found.iter().map(|e| e.id).collect::<Vec<_>>(), [cached, first]);
    assert_eq!(found[0].state, ExecutionState::Cached);
    assert_eq!(ledger.executions_by_cache_key("Trainer").unwrap(), []);
}

fn nodes_of_other_pipelines_are_others(ledger: &dyn Ledger) {
    let begin = |pipeline, run, node| {
        let new = execution(node, TRAINER, by_key([]), 1);
        ledger.begin_execution(&artifact::NewExecution { pipeline, run, ..new }).unwrap()
    };
    let ids = [
        begin("a", "1", "b.c"),
        begin("a.b", "2", "c"),
        begin("a", "3", "b.c"),
        begin("a", "3", "trainer"),
    ];
    let nodes = |pipeline, node| {
        let found = ledger.executions_of_node(pipeline, node).unwrap();
        found.into_iter().map(|e| (e.id, e.node)).collect::<Vec<_>>()
    };
    assert_eq!(nodes("a", "b.c"), [(ids[2], "b.c".to_owned()), (ids[0], "b.c".to_owned())]);
    assert_eq!(nodes("a.b", "c"), [(ids[1], "c".to_owned())]);
    assert_eq!(nodes("a.b", "trainer"), []);
    let run = ledger.executions_of_run("3").unwrap();
    assert_eq!(run.iter().map(|e| e.id).collect::<Vec<_>>(), [ids[2], ids[3]]);
    assert_eq!(ledger.running_executions("a").unwrap().len(), 3);
}

fn artifacts_by_type_and_pipeline(ledger: &dyn Ledger) {
    let taxi = execution("trainer", TRAINER, by_key([]), 1);
    let (_, first) = complete(ledger, &taxi, output("model", types::MODEL, "/m/1"));
    let other = artifact::NewExecution {
        pipeline: "other",
        run: "o",
        ..execution("t", TRAINER, by_key([]), 1)
    };
    let (_, second) = complete(ledger, &other, output("model", types::MODEL, "/m/2"));
    let (_, third) = complete(ledger, &taxi, output("model_run", types::MODEL_RUN, "/r/3"));
    let ids = |type_name, pipeline| {
        let found = ledger.artifacts(type_name, pipeline).unwrap();
        found.into_iter().map(|artifact| artifact.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, None), [third, second, first]);
    assert_eq!(ids(Some("Model"), None), [second, first]);
    assert_eq!(ids(None, Some("taxi")), [third, first]);
    assert_eq!(ids(Some("Model"), Some("other")), [second]);
    assert_eq!(ids(Some("Schema"), Some("taxi")), []);
    assert_eq!(ids(None, Some("nobody")), []);
}

fn several_keys(ledger: &dyn Ledger) {
    let first = execution("example_gen", EXAMPLE_GEN, by_key([]), 1);
    let (_, a) = complete(ledger, &first, examples("/e/1"));
    let (_, b) = complete(ledger, &first, examples("/e/2"));
    let inputs = by_key([("baseline", vec![a]), ("examples", vec![b, a, b]), ("more", vec![a, a])]);
    let id = ledger.begin_execution(&execution("diff", TRANSFORM, inputs.clone(), 2)).unwrap();
    assert_eq!(ledger.execution(id).unwrap().inputs, inputs);
    assert_eq!(ledger.consumers(a).unwrap().len(), 1);
}

fn a_call_that_fails_leaves_nothing(ledger: &dyn Ledger) {
    let unknown = by_key([("examples", vec![ArtifactId(77)])]);
    let new = execution("trainer", TRAINER, unknown.clone(), 1);
    let said = assert_kind(ledger.begin_execution(&new), ErrorKind::NotFound);
    assert!(said.contains("artifact `77`"), "{said}");
    assert_eq!(ledger.runs(None).unwrap(), []);
    assert_eq!(ledger.executions_of_run("monday").unwrap(), []);

    let new = execution("trainer", TRAINER, by_key([]), 1);
    assert_kind(ledger.record_cached(&new, &unknown, &Properties::new()), ErrorKind::NotFound);
    assert_eq!(ledger.executions_of_run("monday").unwrap(), []);

    // The second output is wrong; the first is not there either, and the execution still runs.
    let id = ledger.begin_execution(&new).unwrap();
    let mut wrong = output("model", types::MODEL, "/m/2");
    wrong.properties = properties([("span", 1)]);
    let outputs = [output("model", types::MODEL, "/m/1"), wrong];
    assert_kind(
        ledger.complete_execution(id, &outputs, &properties([("x", 1)]), 2),
        ErrorKind::Bug,
    );
    assert_eq!(ledger.artifacts(None, None).unwrap(), []);
    let found = ledger.execution(id).unwrap();
    assert_eq!((found.state, found.last_update_time_ms), (ExecutionState::Running, 1));
    assert_eq!(found.custom_properties, new.custom_properties);
}

fn property_values(ledger: &dyn Ledger) {
    let mut values = Properties::new();
    for (index, number) in [0, -1, i64::MIN, i64::MAX].into_iter().enumerate() {
        values.insert(format!("int {index}"), number.into());
    }
    for (index, number) in
        [0.1, 1e308, f64::INFINITY, f64::NEG_INFINITY, 3.0].into_iter().enumerate()
    {
        values.insert(format!("double {index}"), number.into());
    }
    for (index, text) in
        ["", "1", "'; DROP TABLE Artifact; --", "trips ☃\n\t\"quoted\""].into_iter().enumerate()
    {
        values.insert(format!("text {index}"), text.into());
    }
    let mut new = execution("trainer", TRAINER, by_key([]), 1);
    new.properties = properties([("model", "{}"), ("seed", "")]);
    new.custom_properties = values.clone();
    // A declared and a custom property of one name are two.
    new.custom_properties.insert("seed".to_owned(), 5.into());
    let mut made = output("model", types::MODEL, "/m/with space/☃");
    made.custom_properties = values.clone();
    made.custom_properties.insert("nan".to_owned(), f64::NAN.into());
    let (id, model) = complete(ledger, &new, made);
    let found = ledger.execution(id).unwrap();
    assert_eq!(
        (found.properties, found.custom_properties),
        (new.properties, new.custom_properties)
    );
    let mut found = ledger.artifact(model).unwrap();
    assert_eq!(found.uri.to_str(), Some("/m/with space/☃"));
    let nan = found.custom_properties.remove("nan");
    assert!(matches!(nan, Some(PropertyValue::Double(number)) if number.is_nan()));
    assert_eq!(found.custom_properties, values);
}

fn threads_share_a_ledger(ledger: &dyn Ledger) {
    ledger.begin_run("taxi", "monday", 1).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for round in 0..10 {
                    let node = format!("node-{thread}");
                    let new = execution(&node, TRAINER, by_key([]), 1);
                    let model = output("model", types::MODEL, &format!("/m/{thread}/{round}"));
                    let (id, model) = complete(ledger, &new, model);
                    assert_eq!(ledger.producer(model).unwrap().unwrap().id, id);
                }
            });
        }
    });
    let executions = ledger.executions_of_run("monday").unwrap();
    assert_eq!(executions.len(), 40);
    assert!(executions.iter().all(|e| e.state == ExecutionState::Complete && e.outputs.len() == 1));
    assert_eq!(ledger.artifacts(Some("Model"), Some("taxi")).unwrap().len(), 40);
    assert_eq!(ledger.executions_of_node("taxi", "node-3").unwrap().len(), 10);
}
