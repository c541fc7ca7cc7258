//! Killed at any moment and started again: the same result, and nothing left over.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::scene::Scene;

/// How many moments are tried, spread over the time that an undisturbed run takes.
const MOMENTS: u32 = 24;

#[test]
fn killed_at_any_moment_it_finishes_with_the_same_result() {
    let undisturbed = Scene::taxi();
    let began = Instant::now();
    undisturbed.run_json(&[], 0);
    let mut took = began.elapsed();
    let expected = undisturbed.digests();

    let mut interrupted = 0;
    for moment in 0..MOMENTS {
        let scene = Scene::taxi();
        let mut child = scene
            .command(&["run", "--quiet"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while began.elapsed() < took * moment / MOMENTS {
            if child.try_wait().unwrap().is_some() {
                // The machine has become less busy: the moments after this one come sooner.
                took = began.elapsed();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        interrupted += u32::from(!child.wait().unwrap().success());

        scene.run_json(&[], 0);
        assert_eq!(scene.digests(), expected, "killed at moment {moment} of {MOMENTS}");
        assert_nothing_left_over(&scene);
    }
    assert!(interrupted > MOMENTS / 2, "only {interrupted} of {MOMENTS} runs were interrupted");
}

#[test]
fn killed_again_and_again_it_gets_there() {
    let undisturbed = Scene::taxi();
    undisturbed.run_json(&[], 0);

    let scene = Scene::taxi();
    // Killed when a node has just been finished, for each node in turn.
    for nodes_done in 1..=6 {
        let mut child =
            scene.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let finished = lines.filter(|line| line.contains(" done ") || line.contains(" cached "));
        finished.take(nodes_done).for_each(drop);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    scene.run_json(&[], 0);
    assert_eq!(scene.digests(), undisturbed.digests());
    assert_nothing_left_over(&scene);
}

#[test]
fn an_interrupt_stops_cleanly_and_the_next_run_goes_on() {
    let scene = Scene::taxi();
    // Long enough to be interrupted in the middle of training.
    scene.replace("pipeline.toml", "num_steps = 300", "num_steps = 2000000\nbatch_size = 8");
    let mut child =
        scene.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    lines.by_ref().find(|line| line.contains("transform") && line.contains(" done ")).unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let status =
        std::process::Command::new("kill").args(["-INT", &pid.to_string()]).status().unwrap();
    assert!(status.success());
    let began = Instant::now();
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(began.elapsed() < Duration::from_secs(20), "it took {:?} to stop", began.elapsed());

    let runs = scene.cupola(&["runs", "list", "--json"]).expect_code(0).json();
    assert_eq!(runs["runs"][0]["state"], "canceled");
    scene.replace("pipeline.toml", "num_steps = 2000000\nbatch_size = 8", "num_steps = 300");
    let report = scene.run_json(&[], 0);
    assert_eq!(report["nodes"][0]["state"], "cached");
    assert_nothing_left_over(&scene);
}

/// Every folder of an output belongs to an artifact of the store, and nothing temporary is there.
fn assert_nothing_left_over(scene: &Scene) {
    let root = scene.path(".cupola");
    let listed = scene.cupola(&["artifacts", "list", "--json", "--limit", "1000"]).json();
    let known: Vec<&str> = listed["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["uri"].as_str().unwrap())
        .collect();
    for node in folders(&root) {
        // What nodes keep to save work is of no artifact.
        if node.ends_with(".kept") {
            continue;
        }
        if node.ends_with(".staging") {
            assert!(folders(&node).is_empty(), "{node} is not empty");
            continue;
        }
        for output in folders(Path::new(&node)) {
            for execution in folders(Path::new(&output)) {
                let shown = execution.replace(&scene.path("").display().to_string(), "[DIR]/");
                assert!(known.contains(&shown.as_str()), "{shown} is no artifact");
            }
        }
    }
    let temporary = |name: &str| name.contains(".tmp-");
    assert!(!folders(scene.path("serving")).iter().any(|dir| temporary(dir)));
}

fn folders(dir: impl AsRef<Path>) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_dir()).map(|path| path.display().to_string()).collect()
}
