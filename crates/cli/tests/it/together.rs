//! Several processes, and a disk that refuses.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use insta::assert_snapshot;

use crate::scene::Scene;

#[test]
fn a_second_run_at_the_same_time_is_told_who_is_running() {
    let scene = Scene::taxi();
    scene.replace("pipeline.toml", "num_steps = 300", "num_steps = 2000000");
    let mut first =
        scene.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(first.stderr.take().unwrap()).lines().map_while(Result::ok);
    lines.by_ref().find(|line| line.contains("example_gen") && line.contains(" done ")).unwrap();

    let second = scene.cupola(&["run", "--quiet"]).expect_code(3);
    let pid = first.id().to_string();
    // Looking is allowed while somebody runs.
    let looking = scene.cupola(&["runs", "list", "--json"]).expect_code(0).json();
    first.kill().unwrap();
    first.wait().unwrap();

    let run = looking["runs"][0]["id"].as_str().unwrap();
    let message = second.stderr.replace(run, "[RUN]").replace(&pid, "[PID]");
    assert_snapshot!(message, @r"
        error: pipeline `taxi` is running already: run [RUN], process [PID]
          hint: wait for it to end, or run with another `--root DIR`
        ");
    assert_eq!(looking["runs"][0]["state"], "running");

    scene.replace("pipeline.toml", "num_steps = 2000000", "num_steps = 300");
    scene.run_json(&[], 0);
}

#[test]
fn a_locked_store_is_named_and_nothing_is_lost() {
    let scene = Scene::taxi();
    scene.run_json(&[], 0);
    let digests = scene.digests();

    let mut other = rusqlite::Connection::open(scene.path(".cupola/metadata.sqlite")).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let said = scene.cupola(&["run", "--quiet"]).expect_code(3);
    assert_snapshot!(said.stderr, @r"
        error: [DIR]/.cupola/metadata.sqlite: locked by another process, waited 5 s
          hint: wait until that process has finished, or end it, and run again: nothing was lost
        ");
    drop(held);

    scene.run_json(&[], 0);
    assert_eq!(scene.digests(), digests);
}

#[test]
fn a_full_disk_loses_nothing_that_was_finished() {
    let Some(disk) = SmallDisk::mount("a_full_disk_loses_nothing_that_was_finished") else {
        return;
    };
    let scene = Scene::taxi();
    let root = disk.path.join("root").display().to_string();
    fs::write(disk.path.join("ballast"), vec![1; 7 << 20]).unwrap();
    let mut failed = 0;
    // A little more room each time, so that the disk is full at another moment.
    for free_kib in [0u64, 64, 128, 192, 256, 320, 384, 512, 640] {
        let ballast = (7 << 20) - free_kib * 1024;
        let file = fs::File::options().write(true).open(disk.path.join("ballast")).unwrap();
        file.set_len(ballast).unwrap();
        let said = scene.cupola(&["run", "--quiet", "--root", &root]);
        if said.code != Some(0) {
            failed += 1;
            assert_eq!(said.code, Some(3), "{}", said.stderr);
            assert!(!said.stderr.contains("panic"), "{}", said.stderr);
            assert!(said.stderr.contains("error: "), "{}", said.stderr);
        }
    }
    assert!(failed > 0, "the disk was never full");
    fs::remove_file(disk.path.join("ballast")).unwrap();
    scene.cupola(&["run", "--quiet", "--root", &root]).expect_code(0);
    let listed = scene.cupola(&["artifacts", "list", "--json", "--limit", "1000", "--root", &root]);
    for artifact in listed.expect_code(0).json()["artifacts"].as_array().unwrap() {
        assert!(Path::new(artifact["uri"].as_str().unwrap()).is_dir(), "{artifact}");
    }
}

/// A file system of 8 MiB in memory; needs the right to mount.
struct SmallDisk {
    dir: tempfile::TempDir,
    path: std::path::PathBuf,
}

impl SmallDisk {
    fn mount(test: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(dir.path())
            .stderr(Stdio::null())
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            println!("SKIPPED {test}: mounting a small disk is not permitted here");
            return None;
        }
        let path = dir.path().to_path_buf();
        Some(Self { dir, path })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.dir.path()).status();
    }
}
