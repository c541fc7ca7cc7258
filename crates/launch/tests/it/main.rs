//! Jobs as their users see them: shells that train, die and go on.

#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod frameworks;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base::{BoxError, IoError};
use launch::{
    Config, Job, LaunchError, Launched, Limits, Metrics, Restart, Strategy, Watch, check,
    code_files, launch,
};
use program::Program;
use tempfile::TempDir;

struct Scene {
    dir: TempDir,
    strategy: Option<Strategy>,
    limits: Limits,
}

/// Hears everything and stops when a file appears.
struct Listener {
    dir: PathBuf,
    heard: Vec<String>,
}

impl Watch for Listener {
    fn begins(&mut self, attempt: u32) -> Result<(), BoxError> {
        self.heard.push(format!("attempt {attempt}"));
        let half = self.dir.join("half");
        if half.exists() {
            fs::remove_file(&half).map_err(IoError::at("remove", &half))?;
        }
        Ok(())
    }

    fn metrics(&mut self, metrics: &Metrics) {
        let step = metrics.step.map_or_else(|| "?".to_owned(), |step| step.to_string());
        self.heard.push(format!("{step}: {}", metrics.describe()));
    }

    fn restarts(&mut self, restart: &Restart) {
        self.heard.push(format!("{} died of {}", restart.worker, restart.ended));
    }

    fn is_cancelled(&self) -> bool {
        self.dir.join("stop").exists()
    }
}

impl Scene {
    fn new() -> Self {
        let limits = Limits { timeout: None, grace: Duration::from_secs(5), max_restarts: 0 };
        Self { dir: tempfile::tempdir().unwrap(), strategy: None, limits }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn launch(&self, script: &str) -> (Result<Launched, LaunchError>, Vec<String>) {
        let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        let job = Job {
            program: Program { command, dir: self.dir.path().to_path_buf(), env: Vec::new() },
            strategy: self.strategy,
            run_dir: self.path("run"),
            metrics_path: self.path("metrics.jsonl"),
            limits: self.limits,
        };
        let mut listener = Listener { dir: self.dir.path().to_path_buf(), heard: Vec::new() };
        let launched = launch(&job, &mut listener);
        (launched, listener.heard)
    }
}

fn is_alive(id: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn metrics_are_heard_and_output_is_kept() {
    let scene = Scene::new();
    let (launched, heard) = scene.launch(
        r#"echo out; echo err >&2
        echo '{"step": 1, "loss": 0.5}' >> metrics.jsonl
        echo 'Epoch 1' >> metrics.jsonl
        echo '{"warning": "no room"}' >> metrics.jsonl
        printf '{"step": 2, "loss": 0.25, "auc": 0.75}' >> metrics.jsonl"#,
    );
    let launched = launched.unwrap();
    assert_eq!(heard, ["attempt 0", "1: loss 0.5000", "?: ", "2: loss 0.2500, auc 0.7500"]);
    assert_eq!((launched.metrics.step, launched.metrics.get("auc")), (Some(2), Some(0.75)));
    assert_eq!(launched.num_bad_lines, 1);
    assert_eq!(launched.warnings, ["no room"]);
    let log = |name: &str| fs::read_to_string(scene.path("run/logs").join(name)).unwrap();
    assert_eq!(log("000-trainer.stdout"), "out\n");
    assert_eq!(log("000-trainer.stderr"), "err\n");
    // A later job in the same place keeps what is there.
    scene.launch("echo again").0.unwrap();
    assert_eq!(log("000-trainer.stdout"), "out\n");
    assert_eq!(log("001-trainer.stdout"), "again\n");
}

#[test]
fn a_program_that_fails_shows_its_last_words() {
    let scene = Scene::new();
    let (launched, _) = scene.launch("echo Traceback >&2; echo 'ValueError: no rows' >&2; exit 3");
    let error = launched.unwrap_err().to_string();
    let log = scene.path("run/logs/000-trainer.stderr");
    let expected = format!(
        "trainer ended with exit code 3; the end of {}:\n  | Traceback\n  | ValueError: no rows",
        log.display()
    );
    assert_eq!(error, expected);
}

#[test]
fn a_killed_worker_is_noticed_and_the_job_goes_on_from_its_checkpoint() {
    let mut scene = Scene::new();
    scene.strategy = Some(Strategy::MultiWorker { workers: 2 });
    scene.limits.max_restarts = 3;
    let began = Instant::now();
    // Worker 1 kills itself at its third step, once; worker 0 would wait for it for ever.
    let (launched, heard) = scene.launch(
        r#"echo $$ >> pids
        step=$(cat checkpoint-$RANK 2>/dev/null || echo 0)
        [ "$RANK" = 0 ] && echo half > half
        while [ "$step" -lt 5 ]; do
          step=$((step + 1))
          if [ "$RANK$step" = 13 ] && ! [ -e died ]; then echo > died; kill -9 $$; fi
          echo "$step" > checkpoint-$RANK
          [ "$RANK" = 0 ] && echo "{\"step\": $step, \"restart\": $CUPOLA_ATTEMPT}" >> metrics.jsonl
          if [ "$RANK" = 0 ] && ! [ -e died ] ; then sleep 0.2; fi
        done
        if [ "$RANK" = 0 ] && [ "$CUPOLA_ATTEMPT" = 0 ]; then sleep 600; fi"#,
    );
    let launched = launched.unwrap();
    assert_eq!(launched.restarts.len(), 1);
    assert_eq!(launched.restarts[0].worker, "worker-1");
    assert_eq!(launched.restarts[0].ended, "signal 9 (SIGKILL)");
    assert!(heard.contains(&"worker-1 died of signal 9 (SIGKILL)".to_owned()), "{heard:?}");
    assert!(heard.contains(&"attempt 1".to_owned()));
    for rank in 0..2 {
        let step = fs::read_to_string(scene.path(&format!("checkpoint-{rank}"))).unwrap();
        assert_eq!(step.trim(), "5");
    }
    assert!(began.elapsed() < Duration::from_secs(30));
    let pids = fs::read_to_string(scene.path("pids")).unwrap();
    assert!(pids.lines().count() == 4 && !pids.lines().any(is_alive));
}

#[test]
fn restarts_run_out() {
    let mut scene = Scene::new();
    scene.limits.max_restarts = 2;
    let (launched, heard) = scene.launch("echo x >> tries; exit 1");
    let error = launched.unwrap_err().to_string();
    assert!(error.starts_with("trainer ended with exit code 1 after 2 restarts"), "{error}");
    assert_eq!(fs::read_to_string(scene.path("tries")).unwrap().lines().count(), 3);
    assert_eq!(heard.iter().filter(|line| line.starts_with("attempt")).count(), 3);
}

#[test]
fn a_job_that_is_stopped_ends_in_its_own_way() {
    let scene = Scene::new();
    let script = "trap 'echo saved > saved; exit 0' TERM
        sleep 600 & echo $! > child
        echo > stop
        while :; do sleep 0.05; done";
    let (launched, _) = scene.launch(script);
    assert!(matches!(launched, Err(LaunchError::Cancelled)));
    assert!(scene.path("saved").exists());
    let child = fs::read_to_string(scene.path("child")).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(!is_alive(&child));
}

#[test]
fn a_job_that_takes_too_long_is_ended() {
    let mut scene = Scene::new();
    scene.limits.timeout = Some(Duration::from_millis(300));
    scene.limits.grace = Duration::from_millis(100);
    let (launched, _) =
        scene.launch("trap '' TERM; echo waiting >&2; while :; do sleep 0.05; done");
    let error = launched.unwrap_err().to_string();
    assert!(error.starts_with("not done within 300ms (`timeout`); the end of"), "{error}");
    assert!(error.ends_with("\n  | waiting"), "{error}");
}

#[test]
fn parameter_servers_end_when_the_chief_is_done() {
    let mut scene = Scene::new();
    scene.strategy = Some(Strategy::ParameterServer { workers: 1, parameter_servers: 1 });
    let script = r#"case "$TF_CONFIG" in
        *'"type":"chief"'*) exit 0 ;;
        *) while :; do sleep 0.05; done ;;
        esac"#;
    let (launched, _) = scene.launch(script);
    assert!(launched.unwrap().restarts.is_empty());
}

fn config(toml: &str) -> Config {
    serde_json::from_str(toml).unwrap()
}

#[test]
fn mistakes_are_found_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    let features = ["fare".to_owned(), "big_tipper".to_owned()];
    let problems = |json: &str| {
        let found = check(&config(json), Some(&features), dir.path());
        found.into_iter().map(|p| format!("{}: {}", p.key, p.message)).collect::<Vec<_>>()
    };
    assert_eq!(problems(r#"{"command": ["train"], "label": "big_tipper"}"#), [""; 0]);
    assert_eq!(
        problems(r#"{"command": ["train"], "module": "train.py", "label": "tipper"}"#),
        [
            "module: `command` is there too, expected one of the two",
            "module: there is no file `train.py`",
            "label: there is no transformed feature `tipper`"
        ]
    );
    assert_eq!(
        problems(r#"{"command": ["train"], "features": ["miles"]}"#),
        [
            "features.0: there is no transformed feature `miles`",
            "label: missing, expected the transformed feature that the program's model predicts"
        ]
    );
}

#[test]
fn the_users_code_is_known_by_its_files() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["train.py", "layers.py", "notes.txt", "lib.sh"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let files = |json: &str| {
        code_files(&config(json), dir.path()).map_err(|error| error.to_string()).map(|paths| {
            let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
            paths.iter().map(|path| name(path)).collect::<Vec<_>>()
        })
    };
    assert_eq!(
        files(r#"{"command": ["python3", "train.py"]}"#).unwrap(),
        ["layers.py", "train.py"]
    );
    assert_eq!(files(r#"{"module": "train.py"}"#).unwrap(), ["layers.py", "train.py"]);
    assert_eq!(files(r#"{"command": ["./lib.sh"]}"#).unwrap(), ["lib.sh"]);
    assert_eq!(files(r#"{"command": ["python3"], "files": ["*.txt"]}"#).unwrap(), ["notes.txt"]);
    let missing = files(r#"{"command": ["python3"], "files": ["*.cc"]}"#).unwrap_err();
    assert!(missing.starts_with("`files`: there is no file"), "{missing}");
}
