//! The PyTorch program, where `CUPOLA_TORCH_PYTHON` names an interpreter that has PyTorch.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use language::LanguageModel;
use train_language::{Config, EngineConfig, torch};

use crate::{config, write_tokens};

#[expect(
    clippy::disallowed_methods,
    reason = "which interpreter has the peer is the environment's"
)]
#[expect(clippy::print_stdout, reason = "a test that is left out says so")]
pub(crate) fn python() -> Option<String> {
    let python = std::env::var("CUPOLA_TORCH_PYTHON").ok();
    if python.is_none() {
        println!("left out: CUPOLA_TORCH_PYTHON names no interpreter with torch");
    }
    python
}

pub(crate) fn torch_config() -> Config {
    let mut config = config();
    config.transformer_mut().engine = EngineConfig::Torch;
    config.transformer_mut().float32 = true;
    config.transformer_mut().compile = false;
    config
}

/// Runs the program and returns what it says; kills it at a step.
fn run(
    python: &str,
    dir: &Path,
    name: &str,
    config: &Config,
    kill_at: Option<u64>,
) -> Vec<serde_json::Value> {
    let (run_dir, model_dir) = (dir.join(name), dir.join(name).join("model"));
    let (train, eval) = (dir.join("train"), dir.join("eval"));
    let folders = torch::Folders {
        train_tokens: &train,
        eval_tokens: Some(&eval),
        run_dir: &run_dir,
        model_dir: &model_dir,
        tokenizer: None,
    };
    let shape = config.transformer().shape(50);
    let args = torch::prepare(config, &shape, &folders).unwrap();
    let mut command = Command::new(python);
    if let Some(processes) = config.transformer().processes {
        let processes = format!("--nproc-per-node={processes}");
        command.args(["-m", "torch.distributed.run", "--standalone", processes.as_str()]);
    }
    command.args(&args).env("OMP_NUM_THREADS", "1").stdout(Stdio::piped()).stderr(Stdio::piped());
    // No process ends well that may have been aborted as it ended.
    let ends_alone = concat!(env!("CARGO_MANIFEST_DIR"), "/../launch/testdata/ends_alone");
    command.env("PYTHONPATH", ends_alone);
    let mut child = command.spawn().unwrap();
    let mut events = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let event: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let step = event["step"].as_u64();
        events.push(event);
        if kill_at.is_some_and(|at| step >= Some(at)) {
            child.kill().unwrap();
        }
    }
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() || kill_at.is_some(), "{errors} {events:?}");
    events
}

fn last_eval(events: &[serde_json::Value]) -> f64 {
    let mut evals = events.iter().filter(|event| event["event"] == "eval");
    evals.next_back().unwrap()["loss"].as_f64().unwrap()
}

#[test]
fn pytorch_and_we_train_and_compute_the_same() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    write_tokens(&dir.path().join("train"), 1, 20_000);
    write_tokens(&dir.path().join("eval"), 2, 3_000);

    // Both start from the same weights, so that they can be compared to the end.
    let base = dir.path().join("base");
    let trainable = Config { num_steps: 1, ..config() };
    let open = |name: &str| {
        std::sync::Arc::new(loader::TokenShards::open(&dir.path().join(name)).unwrap())
    };
    let (train, eval) = (open("train"), open("eval"));
    let go = |_| std::ops::ControlFlow::Continue(());
    let first =
        train_language::train(&trainable, &train, None, &dir.path().join("first"), &mut { go });
    first.unwrap().model.save(&base, language::WeightType::F32).unwrap();

    let config = Config { base_model: Some(base.clone()), ..torch_config() };
    let events = run(&python, dir.path(), "whole", &config, None);
    let whole = fs::read(dir.path().join("whole/model/model.safetensors")).unwrap();
    let mut ours = Config { base_model: Some(base), ..crate::config() };
    ours.transformer_mut().engine = EngineConfig::Cpu;
    let trained =
        train_language::train(&ours, &train, Some(&eval), &dir.path().join("ours"), &mut { go })
            .unwrap();
    let ours = trained.history.last().unwrap().eval_loss.unwrap();
    assert!((ours - last_eval(&events)).abs() < 2e-3, "{ours} {}", last_eval(&events));
    let theirs = LanguageModel::load(&dir.path().join("whole/model")).unwrap();
    assert_eq!(theirs.shape().vocab_size, 50);

    // A kill in the middle changes nothing.
    run(&python, dir.path(), "killed", &config, Some(33));
    let events = run(&python, dir.path(), "killed", &config, None);
    assert_eq!(events[0]["event"], "resumed", "{events:?}");
    assert!(events[0]["step"].as_u64().unwrap() < 60);
    assert!(fs::read(dir.path().join("killed/model/model.safetensors")).unwrap() == whole);
}

#[test]
fn two_processes_train_what_one_does() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    write_tokens(&dir.path().join("train"), 1, 20_000);
    write_tokens(&dir.path().join("eval"), 2, 3_000);
    let one = last_eval(&run(&python, dir.path(), "one", &torch_config(), None));
    for (name, shard) in [("copies", false), ("shards", true)] {
        let mut config = torch_config();
        config.transformer_mut().processes = Some(2);
        config.transformer_mut().shard = Some(shard);
        let events = run(&python, dir.path(), name, &config, None);
        assert_eq!(events[0]["world_size"], 2, "{events:?}");
        let two = last_eval(&events);
        assert!((one - two).abs() < 1e-4, "{name}: {two}, one process alone {one}");
    }
}

#[test]
fn what_the_program_is_told_is_what_it_knows() {
    let dir = Path::new("/nowhere");
    let folders = torch::Folders {
        train_tokens: dir,
        eval_tokens: None,
        run_dir: dir,
        model_dir: dir,
        tokenizer: None,
    };
    let config = torch_config();
    let told = torch::config_json(&config, &config.transformer().shape(50), &folders);
    let class = torch::PROGRAM.split("class Config:").nth(1).unwrap();
    let class = class.split("@staticmethod").next().unwrap();
    for key in told.as_object().unwrap().keys() {
        assert!(class.contains(&format!("\n    {key}: ")), "the program does not know `{key}`");
    }
}
