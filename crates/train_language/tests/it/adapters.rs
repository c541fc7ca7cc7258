//! The PyTorch program on additions of a low rank, told to end, led astray, and with a checkpoint that was damaged.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use language::{LanguageModel, WeightType};
use serde_json::Value;
use train_language::{Config, LoraConfig, torch};

use crate::recipe::{python, torch_config};
use crate::write_tokens;

/// Runs the program; sends SIGTERM at a step. Returns what it said, and its exit code.
fn run(
    python: &str,
    dir: &Path,
    config: &Config,
    stop_at: Option<u64>,
) -> (Vec<Value>, Option<i32>) {
    run_told(python, dir, config, stop_at, &[])
}

/// Runs the program, which is told more.
fn run_told(
    python: &str,
    dir: &Path,
    config: &Config,
    stop_at: Option<u64>,
    more: &[(&str, Value)],
) -> (Vec<Value>, Option<i32>) {
    let (run_dir, model_dir) = (dir.join("run"), dir.join("run/model"));
    let (train, eval) = (dir.join("train"), dir.join("eval"));
    let folders = torch::Folders {
        train_tokens: &train,
        eval_tokens: Some(&eval),
        run_dir: &run_dir,
        model_dir: &model_dir,
        tokenizer: None,
    };
    let args = torch::prepare(config, &config.transformer().shape(50), &folders).unwrap();
    let mut told: Value = serde_json::from_slice(&fs::read(&args[1]).unwrap()).unwrap();
    more.iter().for_each(|(key, value)| told[*key] = value.clone());
    fs::write(&args[1], told.to_string()).unwrap();
    let mut command = Command::new(python);
    command.args(&args).env("OMP_NUM_THREADS", "1").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut said, mut is_told) = (Vec::new(), false);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let step = event["step"].as_u64();
        said.push(event);
        if !is_told && stop_at.is_some_and(|at| step >= Some(at)) {
            is_told = true;
            let pid = child.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        }
    }
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() || stop_at.is_some(), "{errors} {said:?}");
    (said, output.status.code())
}

fn data() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_tokens(&dir.path().join("train"), 1, 20_000);
    write_tokens(&dir.path().join("eval"), 2, 3_000);
    dir
}

/// Trains a model to start from.
fn base(dir: &Path) -> LanguageModel {
    let config = Config { num_steps: 10, ..crate::config() };
    let tokens = Arc::new(loader::TokenShards::open(&dir.join("train")).unwrap());
    let mut go = |_| std::ops::ControlFlow::Continue(());
    let trained =
        train_language::train(&config, &tokens, None, &dir.join("first"), &mut go).unwrap();
    trained.model.save(&dir.join("base"), WeightType::F32).unwrap();
    trained.model
}

/// Returns how many rows of a matrix do not follow from the others, but for what rounding leaves.
fn rank(mut rows: Vec<Vec<f64>>) -> usize {
    let largest = rows.iter().flatten().fold(0.0_f64, |a, b| a.max(b.abs()));
    let columns = rows.first().map_or(0, Vec::len);
    let mut rank = 0;
    for column in 0..columns {
        let pivot = (rank..rows.len())
            .max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()));
        let Some(pivot) = pivot.filter(|row| rows[*row][column].abs() > 1e-4 * largest) else {
            continue;
        };
        rows.swap(rank, pivot);
        let (done, rest) = rows.split_at_mut(rank + 1);
        let pivot = &done[rank];
        for row in rest {
            let factor = row[column] / pivot[column];
            for (value, of_pivot) in row.iter_mut().zip(pivot).skip(column) {
                *value -= factor * of_pivot;
            }
        }
        rank += 1;
    }
    rank
}

#[test]
fn additions_of_a_low_rank_are_all_that_changes() {
    let Some(python) = python() else { return };
    let dir = data();
    let before = base(dir.path());
    let mut config = Config { base_model: Some(dir.path().join("base")), ..torch_config() };
    config.transformer_mut().lora = Some(LoraConfig { rank: 3, alpha: Some(6.0) });
    let (said, _) = run(&python, dir.path(), &config, None);
    let losses = said.iter().filter(|event| event["event"] == "eval");
    let losses: Vec<f64> = losses.map(|event| event["loss"].as_f64().unwrap()).collect();
    assert!(losses.last().unwrap() < &(losses[0] - 0.01), "{losses:?}");

    let after = LanguageModel::load(&dir.path().join("run/model")).unwrap();
    assert_eq!(after.shape().vocab_size, before.shape().vocab_size);
    let mut num_changed = 0;
    for tensor in before.network().layout.tensors() {
        let mut start = tensor.range.start;
        for part in &tensor.parts {
            let range = start..start + part.rows * tensor.columns;
            start = range.end;
            let (old, new) = (&before.weights()[range.clone()], &after.weights()[range]);
            let is_in_block = part.name.contains("_proj");
            assert_eq!(old != new, is_in_block, "{}", part.name);
            if is_in_block {
                let difference = new.iter().zip(old).map(|(a, b)| f64::from(*a) - f64::from(*b));
                let difference: Vec<f64> = difference.collect();
                let found = rank(difference.chunks(tensor.columns).map(<[f64]>::to_vec).collect());
                // Queries, keys and values share one addition.
                assert!((1..=3).contains(&found), "{}: rank {found}", part.name);
                num_changed += 1;
            }
        }
    }
    assert_eq!(num_changed, 2 * 7);
}

#[test]
fn a_termination_leaves_a_checkpoint_and_changes_nothing() {
    let Some(python) = python() else { return };
    let (undisturbed, stopped) = (data(), data());
    // Of its own accord, it would write none before the end.
    let config = Config { checkpoint_every_steps: 100_000, num_steps: 120, ..torch_config() };
    run(&python, undisturbed.path(), &config, None);
    let weights = |dir: &Path| fs::read(dir.join("run/model/model.safetensors")).unwrap();

    let (said, code) = run(&python, stopped.path(), &config, Some(20));
    assert_eq!(code, Some(143), "{said:?}");
    assert!(!stopped.path().join("run/model/model.safetensors").exists());
    let (said, _) = run(&python, stopped.path(), &config, None);
    assert_eq!(said[0]["event"], "resumed", "{said:?}");
    let step = said[0]["step"].as_u64().unwrap();
    assert!((20..120).contains(&step), "{step}");
    assert!(weights(stopped.path()) == weights(undisturbed.path()));
}

#[test]
fn gradients_that_are_no_numbers_lead_back_to_the_last_checkpoint() {
    let Some(python) = python() else { return };
    let dir = data();
    let (said, _) =
        run_told(&python, dir.path(), &torch_config(), None, &[("poison_step", 33.into())]);
    let rollbacks: Vec<&Value> = said.iter().filter(|line| line["event"] == "rollback").collect();
    let [rollback] = rollbacks.as_slice() else { panic!("{said:?}") };
    assert_eq!((&rollback["to_step"], &rollback["rollbacks"]), (&30.into(), &1.into()), "{said:?}");
    assert!(rollback["message"].as_str().unwrap().contains("not"), "{rollback}");
    let finished = said.last().unwrap();
    assert_eq!((&finished["event"], &finished["rollbacks"]), (&"finished".into(), &1.into()));
    let metrics = fs::read_to_string(dir.path().join("run").join(torch::METRICS_FILE)).unwrap();
    assert!(metrics.contains("{\"step\": 30, \"rollbacks\": 1}"), "{metrics}");
    let model = LanguageModel::load(&dir.path().join("run/model")).unwrap();
    assert!(model.weights().iter().all(|weight| weight.is_finite()));
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before() {
    let Some(python) = python() else { return };
    let (undisturbed, stopped) = (data(), data());
    run(&python, undisturbed.path(), &torch_config(), None);
    let weights = |dir: &Path| fs::read(dir.join("run/model/model.safetensors")).unwrap();
    run(&python, stopped.path(), &torch_config(), Some(35));
    let steps = || {
        let mut steps: Vec<u64> = fs::read_dir(stopped.path().join("run/checkpoints"))
            .unwrap()
            .filter_map(|entry| {
                entry.unwrap().file_name().to_str()?.strip_prefix("step-")?.parse().ok()
            })
            .collect();
        steps.sort_unstable();
        steps
    };
    let [before, newest] = steps()[..] else { panic!("{:?}", steps()) };
    let folder = stopped.path().join(format!("run/checkpoints/step-{newest}"));
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let largest = files.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&largest, bytes).unwrap();
    let (said, _) = run(&python, stopped.path(), &torch_config(), None);
    let first = |line: usize| (said[line]["event"].as_str().unwrap(), said[line]["step"].as_u64());
    assert_eq!(first(0), ("checkpoint_rejected", Some(newest)), "{said:?}");
    assert_eq!(first(1), ("resumed", Some(before)), "{said:?}");
    let metrics = fs::read_to_string(stopped.path().join("run").join(torch::METRICS_FILE)).unwrap();
    assert!(metrics.contains(&format!("step-{newest}: damaged, the checkpoint before is used")));
    assert!(weights(stopped.path()) == weights(undisturbed.path()));
}
