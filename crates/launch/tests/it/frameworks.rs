//! Real frameworks: two workers reach the loss of one on the same global batches, and survive a SIGKILL.
//!
//! `CUPOLA_TF_PYTHON` and `CUPOLA_TORCH_PYTHON` name Pythons that have TensorFlow and PyTorch; a framework that is not
//! there is left out with a message.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use launch::{Job, Launched, Limits, Metrics, Restart, Strategy, Watch, launch};
use program::Program;
use serde_json::json;

const STEPS: u64 = 120;

/// What Python runs before a program.
const ENDS_ALONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/ends_alone");

/// The Python that a variable names.
fn python(variable: &str, what: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
    let python = std::env::var(variable).ok();
    if python.is_none() {
        println!("SKIPPED: {variable} is not set; {what} is not run");
    }
    python
}

/// Kills a worker once, when a step was reported; how long it took to notice is measured.
struct Killer {
    dir: PathBuf,
    at: Option<(u64, &'static str)>,
    killed: Option<Instant>,
    noticed: Option<Duration>,
    steps: Vec<u64>,
}

impl Watch for Killer {
    fn metrics(&mut self, metrics: &Metrics) {
        let step = metrics.step.unwrap();
        self.steps.push(step);
        if let Some((_, name)) = self.at.filter(|(at, _)| step >= *at && self.killed.is_none()) {
            let pid = fs::read_to_string(self.dir.join(format!("pid-{name}"))).unwrap();
            assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
            self.killed = Some(Instant::now());
        }
    }

    fn restarts(&mut self, _restart: &Restart) {
        self.noticed = self.killed.map(|killed| killed.elapsed());
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Trains to the end; returns what came of it.
fn train(
    python: &str,
    script: &str,
    strategy: Option<Strategy>,
    kill: Option<(u64, &'static str)>,
) -> (Launched, Killer) {
    let dir = tempfile::tempdir().unwrap();
    let fn_args = json!({
        "checkpoint_dir": dir.path(),
        "metrics_path": dir.path().join("metrics.jsonl"),
        "train_steps": STEPS,
    });
    fs::write(dir.path().join("fn_args.json"), fn_args.to_string()).unwrap();
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/distributed").join(script);
    // The shell says which process each worker is, and becomes it.
    let who = r#"case "$TF_CONFIG" in
        *'"type":"ps"'*) name=ps-0 ;;
        *'"type":"chief"'*) name=chief-0 ;;
        *'"index":1'*) name=worker-1 ;;
        *) name=worker-0 ;;
        esac
        echo $$ > "pid-$name"; exec "$0" "$1""#;
    let command = ["/bin/sh", "-c", who, python, &script.display().to_string()];
    let env = vec![
        ("CUPOLA_FN_ARGS".to_owned(), dir.path().join("fn_args.json").display().to_string()),
        ("PYTHONPATH".to_owned(), ENDS_ALONE.to_owned()),
    ];
    let job = Job {
        program: Program {
            command: command.map(str::to_owned).to_vec(),
            dir: dir.path().to_path_buf(),
            env,
        },
        strategy,
        run_dir: dir.path().join("run"),
        metrics_path: dir.path().join("metrics.jsonl"),
        limits: Limits {
            timeout: Some(Duration::from_secs(400)),
            grace: Duration::from_secs(5),
            max_restarts: 1,
        },
    };
    let mut killer = Killer {
        dir: dir.path().to_path_buf(),
        at: kill,
        killed: None,
        noticed: None,
        steps: Vec::new(),
    };
    let launched = launch(&job, &mut killer).unwrap_or_else(|error| panic!("{error}"));
    (launched, killer)
}

/// Two workers, with and without a death, against one.
fn check(
    python: &str,
    script: &str,
    alone: Option<Strategy>,
    together: Strategy,
    victim: &'static str,
) {
    let (one, _) = train(python, script, alone, None);
    let loss = one.metrics.get("loss").unwrap();
    assert_eq!((one.metrics.step, one.metrics.get("workers")), (Some(STEPS), Some(1.0)));
    assert!(loss < 1e-2, "{loss}");

    let (two, _) = train(python, script, Some(together), None);
    assert_eq!((two.metrics.step, two.metrics.get("workers")), (Some(STEPS), Some(2.0)));
    // Sums of 32-bit floats in another order.
    let near = |other: f64| (other - loss).abs() <= 1e-3 * loss + 1e-7;
    let of_two = two.metrics.get("loss").unwrap();
    assert!(near(of_two), "{script}: {loss} alone, {of_two} together");
    assert!(two.restarts.is_empty());

    let (survived, killer) = train(python, script, Some(together), Some((10, victim)));
    let after = survived.metrics.get("loss").unwrap();
    assert!(near(after), "{script}: {loss} alone, {after} after a death");
    assert_eq!(survived.restarts.len(), 1);
    assert_eq!(survived.restarts[0].worker, victim);
    assert_eq!(survived.restarts[0].ended, "signal 9 (SIGKILL)");
    // It went on from the checkpoint and did not begin anew.
    assert_eq!(killer.steps.iter().filter(|step| **step == 1).count(), 1);
    let noticed = killer.noticed.unwrap();
    assert!(noticed < Duration::from_secs(10), "{noticed:?}");
    println!(
        "{script}: loss {loss:.3e} alone, {of_two:.3e} with two, {after:.3e} after a SIGKILL; all ended {noticed:?} after it"
    );
}

#[test]
fn tensorflow_workers_reach_what_one_reaches_and_survive_a_death() {
    let Some(python) = python("CUPOLA_TF_PYTHON", "MultiWorkerMirroredStrategy") else { return };
    let together = Strategy::MultiWorker { workers: 2 };
    check(&python, "tf_multi_worker.py", None, together, "worker-1");
}

#[test]
fn tensorflow_parameter_servers_reach_what_one_worker_reaches_and_survive_a_death() {
    let Some(python) = python("CUPOLA_TF_PYTHON", "ParameterServerStrategy") else { return };
    let of = |workers| Strategy::ParameterServer { workers, parameter_servers: 1 };
    check(&python, "tf_parameter_server.py", Some(of(1)), of(2), "worker-1");
}

#[test]
fn pytorch_workers_reach_what_one_reaches_and_survive_a_death() {
    let Some(python) = python("CUPOLA_TORCH_PYTHON", "DistributedDataParallel") else { return };
    let together = Strategy::MultiWorker { workers: 2 };
    check(&python, "torch_ddp.py", None, together, "worker-1");
}
