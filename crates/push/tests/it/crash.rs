//! Killed at any moment: no half version, and the next push goes on.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the other process finds the folder to work in.
const DIR: &str = "CUPOLA_TEST_PUSH_DIR";

/// How often a process is killed, at the least; and until one was killed in the middle, at the most.
const KILLS: std::ops::Range<u64> = 25..500;

/// Not a test of its own: the process that is killed. It pushes one model after another.
#[test]
fn pusher() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let mut seconds = highest(&dir.join("serving")) + 1;
    loop {
        write_model(&dir.join("model"), seconds);
        println!("\npushing");
        push::push(&dir.join("model"), &dir.join("serving"), seconds).unwrap();
        seconds += 1;
    }
}

/// Several files of a few hundred KiB, so that there is a middle to be killed in.
fn write_model(dir: &Path, number: u64) {
    fs::create_dir_all(dir.join("graph")).unwrap();
    for name in ["weights", "signature.json", "graph/vocabulary"] {
        fs::write(dir.join(name), format!("{name} {number} ").repeat(20_000)).unwrap();
    }
}

fn highest(serving: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(serving) else { return 0 };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.parse().ok()).max().unwrap_or(0)
}

#[test]
fn killed_at_any_moment_no_version_is_half() {
    let dir = tempfile::tempdir().unwrap();
    let serving = dir.path().join("serving");
    let mut left_over = 0;
    for kill in 0..KILLS.end {
        if kill >= KILLS.start && left_over > 0 {
            break;
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::pusher", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // Every second one after a push or two, and each a little later than the one before.
        let pushes = 1 + usize::try_from(kill % 2).unwrap();
        lines.filter(|line| line == "pushing").take(pushes).for_each(drop);
        let began = std::time::Instant::now();
        while began.elapsed() < std::time::Duration::from_micros(kill % 25 * 400) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();

        for entry in fs::read_dir(&serving).into_iter().flatten() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if name.parse::<u64>().is_ok() {
                push::verify(&entry.path()).unwrap();
            } else {
                left_over += 1;
            }
        }
        // What is there is the newest, whole; and pushing goes on, with nothing left over.
        write_model(&dir.path().join("model"), 1_000_000 + kill);
        let version = highest(&serving) + 1;
        let pushed = push::push(&dir.path().join("model"), &serving, version).unwrap();
        assert_eq!(pushed.version, version);
        push::verify(&pushed.dir).unwrap();
        assert_eq!(push::newest(&serving).unwrap(), Some(pushed.dir));
        for entry in fs::read_dir(&serving).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(name.parse::<u64>().is_ok(), "{name} is left over");
        }
    }
    assert!(left_over > 0, "no push was interrupted in the middle");
}
