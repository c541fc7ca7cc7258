//! Order, parallelism, failures, answers, stopping.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use artifact::{
    Answer, ExecutionState, Ledger, Outcome, Output, OutputProperties, PropertyValue, RunContext,
    RunState, types,
};
use base::{Classify, ErrorKind};
use pipeline::{NodeResult, NodeState, Observer};

use crate::memory::MemoryLedger;
use crate::scene::{PIPELINE, Scene, state, states};
use crate::toys::{Midway, Toy, ToyError, quiet, registry, toy};

#[test]
fn all_nodes_run_and_their_artifacts_are_published() {
    let scene = Scene::new();
    let report = scene.run();
    assert_eq!(report.state, RunState::Complete);
    assert_eq!(
        states(&report),
        [
            "source Executed",
            "judge Executed",
            "counter Executed",
            "learner Executed",
            "latest_model Executed",
            "comparer Executed"
        ]
    );
    assert_eq!(report.nodes[0].summary, "18 bytes");
    scene.assert_nothing_left_over();

    let examples = &scene.ledger.artifacts(Some("Examples"), Some("toys")).unwrap()[0];
    let execution = report.nodes[0].execution.unwrap();
    assert_eq!(examples.uri, scene.root().join(format!("source/examples/{execution}")));
    assert_eq!(fs::read_to_string(examples.uri.join("data")).unwrap(), "fare,tips\n1,2\n3,4\n");
    let custom = |name: &str| examples.custom_properties[name].to_string();
    assert_eq!(custom("name"), "toys:run-0:source:examples:0");
    assert_eq!(custom("producer_component"), "source");
    assert_eq!(custom("num_files"), "1");

    let execution = scene.ledger.execution(report.nodes[3].execution.unwrap()).unwrap();
    assert_eq!(execution.state, ExecutionState::Complete);
    assert_eq!(execution.properties["num_steps"], PropertyValue::from("3"));
    assert_eq!(execution.custom_properties[pipeline::SUMMARY], PropertyValue::from("learnt"));
    assert_eq!(execution.inputs.keys().collect::<Vec<_>>(), ["examples", "statistics"]);
}

#[test]
fn ready_nodes_run_at_the_same_time() {
    // Each waits until the other is there: with one after the other this would never end.
    let barrier = Arc::new(Barrier::new(2));
    let meet = |name, barrier: &Arc<Barrier>| {
        let barrier = Arc::clone(barrier);
        toy(name, move |_| {
            barrier.wait();
            Ok(Outcome::default())
        })
    };
    let toys = vec![meet("One", &barrier), meet("Other", &barrier)];
    let scene = Scene::with(MemoryLedger::default(), registry(toys, &quiet()));
    scene.write("pipeline.toml", "[pipeline]\nname = 'two'\n[nodes.one]\n[nodes.other]\n");
    assert_eq!(scene.run().state, RunState::Complete);
}

#[test]
fn how_many_run_at_the_same_time_does_not_show() {
    let mut one = Scene::new();
    one.max_parallel_nodes = 1;
    let many = Scene::new();
    assert_eq!(states(&one.run()), states(&many.run()));
    assert_eq!(one.contents(), many.contents());
}

/// A pipeline in which a node `broken` stands beside the others.
fn with_broken(broken: Toy) -> Scene {
    let broken = Toy {
        outputs: &[
            Output { key: "schema", artifact_type: types::SCHEMA },
            Output { key: "graph", artifact_type: types::TRANSFORM_GRAPH },
        ],
        ..broken
    };
    let reader = Toy {
        inputs: const { &[artifact::Input::required("schema", types::SCHEMA)] },
        outputs: &[Output { key: "pushed", artifact_type: types::PUSHED_MODEL }],
        ..toy("Reader", |_| Ok(Outcome::default()))
    };
    let last = Toy {
        inputs: const { &[artifact::Input::required("pushed", types::PUSHED_MODEL)] },
        ..toy("Last", |_| Ok(Outcome::default()))
    };
    let toys = vec![broken, reader, last];
    let scene = Scene::with(MemoryLedger::default(), registry(toys, &quiet()));
    scene.write(
        "pipeline.toml",
        &format!("{PIPELINE}[nodes.broken]\n[nodes.reader]\n[nodes.last]\n"),
    );
    scene
}

fn result<'a>(nodes: &'a [NodeResult], node: &str) -> &'a NodeResult {
    nodes.iter().find(|result| result.node == node).unwrap()
}

#[test]
fn a_failed_node_leaves_nothing_and_the_others_go_on() {
    let scene = with_broken(toy("Broken", |context| {
        fs::write(context.outputs["schema"].join("half"), "half").unwrap();
        Err(ToyError("data.csv:3: bad cell".to_owned()).into())
    }));
    let report = scene.run();
    assert_eq!(report.state, RunState::Failed);
    let broken = result(&report.nodes, "broken");
    assert_eq!(
        (broken.state, broken.summary.as_str()),
        (NodeState::Failed, "data.csv:3: bad cell")
    );
    assert_eq!(broken.error.as_ref().unwrap().kind(), ErrorKind::Data);
    for (node, why) in [("reader", "broken failed"), ("last", "broken failed")] {
        let skipped = result(&report.nodes, node);
        assert_eq!((skipped.state, skipped.summary.as_str()), (NodeState::Skipped, why));
        assert!(skipped.execution.is_none());
    }
    assert_eq!(state(&report, "comparer"), NodeState::Executed);
    let execution = scene.ledger.execution(broken.execution.unwrap()).unwrap();
    assert_eq!(execution.state, ExecutionState::Failed);
    assert_eq!(execution.custom_properties[pipeline::ERROR].to_string(), "data.csv:3: bad cell");
    assert!(execution.outputs.is_empty());
    scene.assert_nothing_left_over();
    assert_eq!(scene.ledger.runs(None).unwrap()[0].state, RunState::Failed);
    assert!(scene.explained().contains("broken Run: failed the last time"));
    assert!(scene.explained().contains("reader Depends: depends on broken, which runs"));
}

#[test]
fn a_panic_is_a_failure_of_the_node_and_a_bug() {
    let scene = with_broken(toy("Broken", |_| panic!("index 7 out of bounds")));
    let report = scene.run();
    let broken = result(&report.nodes, "broken");
    assert_eq!(broken.summary, "Broken panicked: index 7 out of bounds");
    assert_eq!(broken.error.as_ref().unwrap().kind(), ErrorKind::Bug);
    assert_eq!(state(&report, "comparer"), NodeState::Executed);
    scene.assert_nothing_left_over();
}

#[test]
fn outputs_that_do_not_exist_are_a_bug() {
    let scene = with_broken(toy("Broken", |_| {
        let properties = [("scheme", OutputProperties::default())].into();
        Ok(Outcome { properties, ..Outcome::default() })
    }));
    let report = scene.run();
    let summary = &result(&report.nodes, "broken").summary;
    assert_eq!(summary, "Broken described an output `scheme` that it does not have");
    scene.assert_nothing_left_over();
}

#[test]
fn a_node_that_removed_its_folder_publishes_none_of_its_outputs() {
    let scene = with_broken(toy("Broken", |context| {
        fs::remove_dir(&context.outputs["schema"]).unwrap();
        Ok(Outcome::default())
    }));
    let report = scene.run();
    assert_eq!(state(&report, "broken"), NodeState::Failed);
    scene.assert_nothing_left_over();
}

#[test]
fn a_gate_that_says_no_keeps_what_depends_on_the_same_data_from_running() {
    let scene = Scene::new();
    scene.write("data.csv", "fare,tips\nbad,2\n");
    for _ in 0..2 {
        // The second time the answer comes from the cache, the same.
        let report = scene.run();
        assert_eq!(report.state, RunState::AnsweredNo);
        let judge = result(&report.nodes, "judge");
        let answer =
            Answer::No { reason: "1 times `bad`".into(), details: "  bad  1".into(), stop: true };
        assert_eq!(judge.answer, answer);
        assert_eq!(judge.summary, "1 times `bad`");
        for node in ["counter", "learner", "latest_model", "comparer"] {
            let skipped = result(&report.nodes, node);
            assert_eq!(skipped.state, NodeState::Skipped, "{node}");
            assert_eq!(skipped.summary, "judge says no: 1 times `bad`");
        }
    }
    assert!(scene.explained().contains("learner Skip: judge says no"), "{}", scene.explained());
    assert!(scene.ledger.artifacts(Some("Model"), None).unwrap().is_empty());
    assert_eq!(scene.ledger.runs(None).unwrap()[0].state, RunState::AnsweredNo);
}

#[test]
fn an_answer_that_does_not_stop_lets_the_others_run() {
    let scene = Scene::new();
    scene.write("data.csv", "fare,tips\nbad,2\n");
    scene.replace("pipeline.toml", "stop = true", "stop = false");
    let report = scene.run();
    assert_eq!(report.state, RunState::AnsweredNo);
    assert_eq!(state(&report, "comparer"), NodeState::Executed);
}

#[test]
fn a_resolver_finds_what_was_there_and_its_absence_is_no_failure() {
    let scene = Scene::new();
    let report = scene.run();
    assert_eq!(result(&report.nodes, "latest_model").summary, "found nothing");
    assert_eq!(result(&report.nodes, "comparer").summary, "70 against None");
    let first = scene.ledger.artifacts(Some("Model"), None).unwrap()[0].id;

    scene.replace("pipeline.toml", "num_steps = 3", "num_steps = 300");
    let report = scene.run();
    assert_eq!(result(&report.nodes, "latest_model").summary, format!("found Model {first}"));
    assert_eq!(result(&report.nodes, "comparer").summary, "72 against Some(70)");
    // The same artifact, not another one.
    assert_eq!(result(&report.nodes, "latest_model").outputs["baseline_model"], [first]);
    assert_eq!(scene.ledger.artifacts(Some("Model"), None).unwrap().len(), 2);
}

/// Stops the run when a node begins.
struct StopAt<'a>(&'a str, &'a Scene);

impl Observer for StopAt<'_> {
    fn node_started(&self, node: &str) {
        if node == self.0 {
            self.1.cancel.store(true, Ordering::Relaxed);
        }
    }
    fn node_progress(&self, _: &str, _: u64, _: u64, _: &str) {}
    fn node_finished(&self, _: &NodeResult) {}
}

#[test]
fn a_run_that_is_stopped_keeps_what_was_finished() {
    let midway: Midway = Arc::new(|context: &RunContext<'_>| {
        // The learner looks whether it should stop, and ends without an error if so.
        if context.node == "learner" {
            context.progress.report(1, 2, "half");
            let _ = context.progress.is_cancelled();
        }
    });
    let scene = Scene::with(MemoryLedger::default(), registry(Vec::new(), &midway));
    let report = scene.try_run(&StopAt("learner", &scene)).unwrap();
    assert_eq!(report.state, RunState::Canceled);
    assert_eq!(state(&report, "counter"), NodeState::Executed);
    assert_eq!(state(&report, "learner"), NodeState::Cancelled);
    assert_eq!(state(&report, "comparer"), NodeState::Skipped);
    assert_eq!(result(&report.nodes, "comparer").summary, "the run was stopped");
    let learner = result(&report.nodes, "learner").execution.unwrap();
    assert_eq!(scene.ledger.execution(learner).unwrap().state, ExecutionState::Canceled);
    scene.assert_nothing_left_over();

    scene.cancel.store(false, Ordering::Relaxed);
    assert!(scene.explained().contains("learner Run: was stopped the last time"));
    let report = scene.run();
    assert_eq!(report.state, RunState::Complete);
    assert_eq!(state(&report, "counter"), NodeState::Cached);
    assert_eq!(state(&report, "learner"), NodeState::Executed);
}

#[test]
fn a_run_that_is_stopped_before_it_begins_runs_nothing() {
    let scene = Scene::new();
    scene.cancel.store(true, Ordering::Relaxed);
    let report = scene.run();
    assert_eq!(report.state, RunState::Canceled);
    assert!(report.nodes.iter().all(|node| node.state == NodeState::Skipped));
    assert!(scene.ledger.all_executions().is_empty());
}

#[test]
fn a_file_that_changes_under_a_node_fails_it() {
    let scene = Arc::new(Mutex::new(None));
    let path = Arc::clone(&scene);
    let midway: Midway = Arc::new(move |context: &RunContext<'_>| {
        if context.node == "source"
            && let Some(path) = path.lock().unwrap().take()
        {
            let path: std::path::PathBuf = path;
            fs::write(path, "fare,tips\nchanged meanwhile\n").unwrap();
        }
    });
    let world = Scene::with(MemoryLedger::default(), registry(Vec::new(), &midway));
    *scene.lock().unwrap() = Some(world.path("data.csv"));
    let report = world.run();
    let source = result(&report.nodes, "source");
    assert!(source.summary.ends_with("data.csv changed while it was read"), "{}", source.summary);
    world.assert_nothing_left_over();
    assert_eq!(world.run().state, RunState::Complete);
}

#[test]
fn a_second_run_at_the_same_time_is_refused() {
    let scene = Scene::new();
    struct RunAgain<'a>(&'a Scene, AtomicUsize, Mutex<String>);
    impl Observer for RunAgain<'_> {
        fn node_started(&self, _: &str) {
            if self.1.fetch_add(1, Ordering::Relaxed) == 0 {
                *self.2.lock().unwrap() = self.0.try_run(&()).unwrap_err().to_string();
            }
        }
        fn node_progress(&self, _: &str, _: u64, _: u64, _: &str) {}
        fn node_finished(&self, _: &NodeResult) {}
    }
    let observer = RunAgain(&scene, AtomicUsize::new(0), Mutex::default());
    assert_eq!(scene.try_run(&observer).unwrap().state, RunState::Complete);
    let pid = std::process::id();
    let said = observer.2.into_inner().unwrap();
    assert_eq!(said, format!("pipeline `toys` is running already: run run-0, process {pid}"));
    assert_eq!(scene.ledger.runs(None).unwrap().len(), 1);
}
