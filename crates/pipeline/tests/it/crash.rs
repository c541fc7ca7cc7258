//! Killed at any moment, or refused by the store at any call: run again, it ends with the same result.
//!
//! A kill is what the disk and the store hold at one moment. They are copied at every moment that matters, put
//! back one by one, and the pipeline is run from there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use artifact::{Ledger, RunContext, RunState};

use crate::memory::{MemoryLedger, State};
use crate::scene::{Scene, folders};
use crate::toys::{Midway, quiet, registry};

/// The disk and the store at one moment.
struct Moment {
    name: String,
    root: PathBuf,
    state: State,
}

/// Copies the root whenever it is told to.
struct Camera {
    dir: tempfile::TempDir,
    root: Mutex<PathBuf>,
    moments: Mutex<Vec<Moment>>,
}

impl Camera {
    fn shoot(&self, name: String, state: &State) {
        let mut moments = self.moments.lock().unwrap();
        let copy = self.dir.path().join(moments.len().to_string());
        copy_dir(&self.root.lock().unwrap(), &copy);
        moments.push(Moment { name, root: copy, state: state.clone() });
    }
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let Ok(entries) = fs::read_dir(from) else { return };
    for entry in entries.flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            // The lock is released when a process dies; what it says does not matter.
            let _ = fs::copy(entry.path(), target);
        }
    }
}

fn result_of_an_undisturbed_run() -> Vec<(String, String)> {
    let scene = Scene::new();
    scene.run();
    scene.contents()
}

#[test]
fn killed_at_any_moment_it_ends_with_the_same_result() {
    let expected = result_of_an_undisturbed_run();
    let camera = Arc::new(Camera {
        dir: tempfile::tempdir().unwrap(),
        root: Mutex::default(),
        moments: Mutex::default(),
    });
    let lens = Arc::clone(&camera);
    let ledger = MemoryLedger::with_hook(move |name, after, state| {
        lens.shoot(format!("{} {name}", if after { "after" } else { "before" }), state);
    });
    let ledger = Arc::new(ledger);
    // In the middle of a node's work, the store is what it was when the node began.
    let lens = Arc::clone(&camera);
    let midway: Midway = Arc::new(move |context: &RunContext<'_>| {
        let state = lens.moments.lock().unwrap().last().unwrap().state.clone();
        lens.shoot(format!("in {}", context.node), &state);
    });
    let ledger = Arc::try_unwrap(ledger).ok().unwrap();
    let mut scene = Scene::with(ledger, registry(Vec::new(), &midway));
    *camera.root.lock().unwrap() = scene.root();
    scene.run();

    let mut moments = std::mem::take(&mut *camera.moments.lock().unwrap());
    assert!(moments.len() > 20, "only {} moments", moments.len());
    // Killed between the renames of the two outputs of one node.
    let between: Vec<Moment> = moments
        .iter()
        .filter(|moment| moment.name == "before complete_execution")
        .flat_map(half_published)
        .collect();
    assert_eq!(between.len(), 2);
    moments.extend(between);

    for moment in moments {
        fs::remove_dir_all(scene.root()).unwrap();
        copy_dir(&moment.root, &scene.root());
        scene.ledger = MemoryLedger::new(moment.state);
        scene.registry = registry(Vec::new(), &quiet());
        let report = scene.run();
        assert_eq!(report.state, RunState::Complete, "{}", moment.name);
        assert_eq!(scene.contents(), expected, "killed {}", moment.name);
        scene.assert_nothing_left_over();
    }
}

/// Of a node that published two outputs, the moments when only one of them was there.
fn half_published(moment: &Moment) -> Vec<Moment> {
    let model = folders(&moment.root.join("learner/model"));
    let model_run = folders(&moment.root.join("learner/model_run"));
    let running = MemoryLedger::new(moment.state.clone()).running_executions("toys").unwrap();
    let is_running = running.iter().any(|execution| execution.node == "learner");
    let (Some(model), Some(model_run), true) = (model.first(), model_run.first(), is_running)
    else {
        return Vec::new();
    };
    let without = |gone: &Path, name: &str| {
        let root = moment.root.with_extension(name);
        copy_dir(&moment.root, &root);
        let relative = gone.strip_prefix(&moment.root).unwrap();
        fs::remove_dir_all(root.join(relative)).unwrap();
        Moment { name: format!("without {name}"), root, state: moment.state.clone() }
    };
    vec![without(model, "model"), without(model_run, "model_run")]
}

#[test]
fn refused_by_the_store_at_any_call_it_ends_with_the_same_result() {
    let expected = result_of_an_undisturbed_run();
    let count = {
        let scene = Scene::new();
        scene.run();
        scene.ledger.num_writes()
    };
    for from in 0..count {
        // One call fails, or all from there on.
        for to in [from + 1, usize::MAX] {
            let mut scene =
                Scene::with(MemoryLedger::failing(from, to), registry(Vec::new(), &quiet()));
            match scene.try_run(&()) {
                Err(error) => assert_eq!(error.to_string(), "the store refuses"),
                Ok(report) => assert_eq!(report.state, RunState::Failed, "call {from}"),
            }
            scene.ledger = MemoryLedger::new(scene.ledger.state());
            assert_eq!(scene.run().state, RunState::Complete);
            assert_eq!(scene.contents(), expected, "refused call {from}");
            scene.assert_nothing_left_over();
        }
    }
}

#[test]
fn folders_that_the_store_does_not_know_do_no_harm() {
    let mut scene = Scene::new();
    scene.run();
    let expected = scene.contents();
    // The store was lost; numbers begin anew.
    scene.ledger = MemoryLedger::default();
    assert_eq!(scene.run().state, RunState::Complete);
    assert_eq!(scene.contents(), expected);
}
