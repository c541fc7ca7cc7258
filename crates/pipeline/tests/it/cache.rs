//! What is done again, what is not, and why.

use std::fs::{self, File};
use std::sync::Arc;

use artifact::{ExecutionState, Ledger, Outcome, RunContext, RunState};
use base::Classify;
use pipeline::NodeState;

use crate::memory::MemoryLedger;
use crate::scene::{Scene, state, states};
use crate::toys::{Midway, quiet, registry, toy, toys};

const LAST_RUN: &str = "unchanged since run run-0";

#[test]
fn a_second_run_does_nothing_and_says_so() {
    let scene = Scene::new();
    let first = scene.run();
    let artifacts = scene.ledger.artifacts(None, None).unwrap();
    let explained = scene.explained();
    assert_eq!(
        explained,
        format!(
            "source Cached: {LAST_RUN}\njudge Cached: {LAST_RUN}\ncounter Cached: {LAST_RUN}\n\
             learner Cached: {LAST_RUN}\nlatest_model LookUp: looked up in every run; finds nothing\n\
             comparer Cached: {LAST_RUN}"
        )
    );
    let second = scene.run();
    assert_eq!(second.state, RunState::Complete);
    for (node, before) in second.nodes.iter().zip(&first.nodes) {
        let expected =
            if node.node == "latest_model" { NodeState::Executed } else { NodeState::Cached };
        assert_eq!(node.state, expected, "{}", node.node);
        assert_eq!(node.summary, before.summary);
        assert_eq!(node.outputs, before.outputs);
    }
    assert_eq!(scene.ledger.artifacts(None, None).unwrap(), artifacts);
    let executions = scene.ledger.executions_of_run("run-1").unwrap();
    let cached = executions.iter().filter(|e| e.state == ExecutionState::Cached).count();
    assert_eq!(cached, 5);
    // A hit on a hit is a hit.
    assert_eq!(state(&scene.run(), "learner"), NodeState::Cached);
}

#[test]
fn explaining_and_checking_write_nothing() {
    let scene = Scene::new();
    assert!(
        scene.explained().starts_with("source Run: never run\njudge Depends: depends on source")
    );
    assert!(!scene.root().exists());
    assert_eq!(scene.ledger.num_writes(), 0);
}

#[test]
fn a_parameter_that_changed_is_named() {
    let scene = Scene::new();
    scene.run();
    let reason = |from: &str, to: &str| {
        scene.replace("pipeline.toml", from, to);
        let explained = scene.explained();
        scene.replace("pipeline.toml", to, from);
        explained.lines().find(|line| line.starts_with("learner")).unwrap().to_owned()
    };
    let steps = "num_steps = 3";
    for (to, expected) in [
        ("num_steps = 4", "parameter `num_steps` changed from 3 to 4"),
        ("num_steps = 3\nrate = 0.5", "parameter `rate` was set to 0.5"),
        (
            "level = \"error\"",
            "parameter `level` was set to \"error\", parameter `num_steps` is no longer set",
        ),
        ("num_steps = 3\n[nodes.learner.features]\na = \"tips\"", "parameter `features` was set"),
        ("num_steps = 3\ncache = false", "cache = false"),
    ] {
        assert_eq!(reason(steps, to), format!("learner Run: {expected}"));
    }
    assert_eq!(
        reason("linear = { label = \"tips\" }", "linear = { label = \"fare\" }"),
        "learner Run: parameter `model.linear.label` changed from \"tips\" to \"fare\""
    );
    // Everything before it stays, everything after it depends on it.
    scene.replace("pipeline.toml", steps, "num_steps = 4");
    assert_eq!(
        states(&scene.run())[2..],
        ["counter Cached", "learner Executed", "latest_model Executed", "comparer Executed"]
    );
}

#[test]
fn the_order_of_keys_counts_only_where_it_is_the_users_own() {
    let scene = Scene::new();
    scene.replace(
        "pipeline.toml",
        "num_steps = 3",
        "features = { a = \"tips\", b = \"fare\" }\nrate = 1.0",
    );
    scene.run();
    scene.replace(
        "pipeline.toml",
        "features = { a = \"tips\", b = \"fare\" }\nrate = 1.0",
        "rate = 1.0\nfeatures = { a = \"tips\", b = \"fare\" }",
    );
    assert_eq!(state(&scene.run(), "learner"), NodeState::Cached);
    scene.replace(
        "pipeline.toml",
        "{ a = \"tips\", b = \"fare\" }",
        "{ b = \"fare\", a = \"tips\" }",
    );
    assert!(scene.explained().contains("learner Run: the order in `features` changed"));
}

#[test]
fn a_changed_byte_is_noticed_and_a_touch_is_not() {
    let scene = Scene::new();
    scene.run();
    let path = scene.path("data.csv");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let touch =
        |time| File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
    touch(modified + std::time::Duration::from_secs(60));
    assert_eq!(state(&scene.run(), "source"), NodeState::Cached);

    scene.replace("data.csv", "3,4", "3,5");
    touch(modified);
    assert!(scene.explained().starts_with("source Run: file data.csv changed\n"));
    let report = scene.run();
    // The number of lines is the same, so that what is made from it alone is not done again.
    assert_eq!(
        states(&report)[..4],
        ["source Executed", "judge Executed", "counter Executed", "learner Executed"]
    );
}

#[test]
fn the_same_content_from_upstream_is_a_hit() {
    let scene = Scene::new();
    scene.run();
    scene.write("other.csv", crate::scene::DATA);
    scene.replace("pipeline.toml", "data.csv", "other.csv");
    assert!(scene.explained().contains("counter Depends: depends on source, which runs"));
    let report = scene.run();
    assert_eq!(
        states(&report)[..4],
        ["source Executed", "judge Cached", "counter Cached", "learner Cached"]
    );
}

#[test]
fn a_changed_input_names_where_it_comes_from() {
    let scene = Scene::new();
    scene.run();
    scene.replace("data.csv", "3,4", "3,5");
    // The source is done; the rest not yet.
    scene.replace("pipeline.toml", "refuse = \"bad\"", "refuse = \"3,5\"");
    scene.run();
    scene.replace("pipeline.toml", "refuse = \"3,5\"", "refuse = \"bad\"");
    let explained = scene.explained();
    assert!(
        explained.contains("counter Run: input `examples` changed (from source)"),
        "{explained}"
    );
}

#[test]
fn artifacts_that_are_gone_or_damaged_are_made_again() {
    for damage in ["gone", "cut"] {
        let scene = Scene::new();
        scene.run();
        let before = scene.contents();
        let artifact = scene.ledger.artifacts(Some("ExampleStatistics"), None).unwrap().remove(0);
        let why = match damage {
            "gone" => {
                fs::remove_dir_all(&artifact.uri).unwrap();
                "is gone from disk"
            }
            _ => {
                fs::write(artifact.uri.join("data"), "").unwrap();
                "was changed on disk"
            }
        };
        let expected = format!("counter Run: artifact {} (statistics) {why}", artifact.id);
        assert!(scene.explained().contains(&expected), "{}", scene.explained());
        let report = scene.run();
        assert_eq!(state(&report, "counter"), NodeState::Executed);
        assert_eq!(state(&report, "learner"), NodeState::Cached);
        assert_eq!(scene.contents(), before);
    }
}

#[test]
fn without_the_cache_everything_is_done_again_with_the_same_result() {
    let mut scene = Scene::new();
    scene.run();
    let before = scene.contents();
    scene.use_cache = false;
    assert!(
        scene.explained().starts_with("source Run: the cache is off\njudge Run: the cache is off")
    );
    let report = scene.run();
    assert!(report.nodes.iter().all(|node| node.state == NodeState::Executed));
    assert_eq!(scene.contents(), before);
}

#[test]
fn a_new_version_of_a_component_is_done_again() {
    let mut scene = Scene::new();
    scene.run();
    let mut newer = toys(&quiet());
    newer[1].version = 2;
    let newer = newer.into_iter().map(|toy| Arc::new(toy) as _).collect();
    scene.registry = artifact::Registry::new(newer);
    assert!(scene.explained().contains("counter Run: component version 1 -> 2"));
    assert_eq!(state(&scene.run(), "counter"), NodeState::Executed);
}

#[test]
fn another_pipeline_does_not_take_our_outputs() {
    let scene = Scene::new();
    scene.run();
    scene.replace("pipeline.toml", "name = \"toys\"", "name = \"others\"");
    assert_eq!(state(&scene.run(), "source"), NodeState::Executed);
    scene.assert_nothing_left_over();
}

#[test]
fn a_file_that_is_missing_when_its_turn_comes_fails_the_node() {
    let toys =
        vec![crate::toys::Toy { reads_file: true, ..toy("Reader", |_| Ok(Outcome::default())) }];
    let mut toys = toys;
    toys[0].schema = || schemars::json_schema!({ "type": "object", "properties": { "file": { "type": "string" } } });
    let scene = Scene::with(MemoryLedger::default(), registry(toys, &quiet()));
    scene.write("pipeline.toml", "[pipeline]\nname = 'x'\n[nodes.reader]\nfile = 'none.csv'\n");
    assert!(
        scene.explained().starts_with("reader Run: would fail: cannot read "),
        "{}",
        scene.explained()
    );
    let report = scene.run();
    let error = report.nodes[0].error.as_ref().unwrap();
    assert_eq!(error.kind(), base::ErrorKind::NotFound);
    let execution = scene.ledger.execution(report.nodes[0].execution.unwrap()).unwrap();
    assert_eq!(execution.state, ExecutionState::Failed);
}

#[test]
fn a_file_elsewhere_is_what_its_store_says_of_it() {
    let scene = Scene::new();
    scene.replace("pipeline.toml", "file = \"data.csv\"", "file = \"rides.remote\"");
    scene.write("rides.remote", "fare,tips\n");
    scene.run();
    let source = || scene.explained().lines().next().unwrap().to_owned();
    assert_eq!(source(), format!("source Cached: {LAST_RUN}"));
    scene.write("rides.remote", "fare,tips\n1,2\n");
    assert_eq!(source(), "source Run: file s3://bucket/rides.remote changed");
    scene.write("rides.remote", "fare,tips\nuntold\n");
    let untold = "s3://bucket/rides.remote: the server does not tell whether it changed";
    assert_eq!(source(), format!("source Run: {untold}"));
    let report = scene.run();
    assert_eq!(report.nodes[0].reason, untold);
    assert_eq!(state(&scene.run(), "source"), NodeState::Executed);
}

#[test]
fn a_file_elsewhere_that_changes_while_it_is_read_is_noticed() {
    let midway: Midway = Arc::new(|context: &RunContext<'_>| {
        if context.node == "source" {
            fs::write(context.base_dir.join("rides.remote"), "fare,tips\nanother\n").unwrap();
        }
    });
    let scene = Scene::with(MemoryLedger::default(), registry(Vec::new(), &midway));
    scene.replace("pipeline.toml", "file = \"data.csv\"", "file = \"rides.remote\"");
    scene.write("rides.remote", "fare,tips\n");
    let report = scene.run();
    let said = &report.nodes[0].summary;
    assert!(said.ends_with("s3://bucket/rides.remote changed while it was read"), "{said}");
}

#[test]
fn what_cannot_be_told_unchanged_runs_each_time_and_what_depends_on_it_does_not() {
    let scene = Scene::new();
    scene.replace("pipeline.toml", "file = \"data.csv\"", "file = \"rides.answer\"");
    scene.write("rides.answer", "fare,tips\n1,2\n");
    scene.run();
    let explained = scene.explained();
    assert!(
        explained.starts_with("source Run: a database is asked\njudge Depends: depends on source"),
        "{explained}"
    );
    let report = scene.run();
    assert_eq!(state(&report, "source"), NodeState::Executed);
    assert_eq!(report.nodes[0].reason, "a database is asked");
    assert_eq!(state(&report, "counter"), NodeState::Cached);
    assert_eq!(state(&report, "learner"), NodeState::Cached);
}
