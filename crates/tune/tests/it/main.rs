//! Searches as their callers see them.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tune::{
    Config, Direction, Finished, Kept, Score, Trial, TuneError, Work, best, check,
    hyperparameters_json, read_hyperparameters, results_json, search,
};

const SPACE: &str = r#"
[space]
x = { min = -5.0, max = 5.0 }
rate = { min = 1e-5, max = 1.0, scale = "log" }
kind = { values = ["a", "b", "c"] }
units = { min = 1, max = 8 }
"#;

fn config(text: &str) -> Config {
    toml::from_str(&format!("{text}\n{SPACE}")).unwrap()
}

fn number(trial: &Trial, name: &str) -> f64 {
    trial.values[name].as_f64().unwrap()
}

/// A valley whose lowest point, 0, is at x = 2, rate = 0.01, kind = "b" and five units.
fn valley(trial: &Trial) -> f64 {
    let kind = f64::from(u8::from(trial.values["kind"] != "b"));
    (number(trial, "x") - 2.0).powi(2)
        + (number(trial, "rate").log10() + 2.0).powi(2)
        + 3.0 * kind
        + 0.3 * (number(trial, "units") - 5.0).abs()
}

fn run_with(
    config: &Config,
    kept: Option<&Kept>,
    run: &(dyn Fn(&Trial) -> Result<Score, TuneError> + Sync),
) -> Result<Vec<Finished>, TuneError> {
    search(config, Direction::Min, &Work { kept, run, finished: &|_| {} })
}

fn run(config: &Config) -> Vec<Finished> {
    run_with(config, None, &|trial| Ok(Score::Known(valley(trial)))).unwrap()
}

fn lowest(finished: &[Finished]) -> f64 {
    best(finished, Direction::Min).unwrap().score.known().unwrap()
}

#[test]
fn a_grid_has_every_combination_once() {
    let text =
        "search = { grid = {} }\n[space]\na = { values = [1, 2] }\nb = { min = 0, max = 2 }\n";
    let config: Config = toml::from_str(text).unwrap();
    let all =
        run_with(&config, None, &|t| Ok(Score::Known(number(t, "a") * number(t, "b")))).unwrap();
    let values: Vec<_> = all.iter().map(|f| Value::Object(f.trial.values.clone())).collect();
    let expected =
        [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)].map(|(a, b)| json!({"a": a, "b": b}));
    assert_eq!(values, expected);
    assert_eq!(best(&all, Direction::Max).unwrap().trial.number, 5);
}

#[test]
fn what_is_learned_helps() {
    let seeds = 0..12;
    let mean = |search: &str| {
        let lows =
            seeds.clone().map(|seed| lowest(&run(&config(&format!("seed = {seed}\n{search}")))));
        lows.sum::<f64>() / 12.0
    };
    let random = mean("search = { random = { trials = 60 } }");
    let tpe = mean("search = { tpe = { trials = 60 } }");
    assert!(tpe < 0.6 * random, "TPE {tpe}, random {random}");
}

#[test]
fn trials_depend_on_the_seed_and_not_on_which_thread_is_faster() {
    for search in [
        "search = { random = { trials = 12 } }",
        "search = { tpe = { trials = 25, random_trials = 4 } }",
        "search = { successive_halving = { trials = 9, min_steps = 1, max_steps = 9 } }",
    ] {
        let config = config(&format!("{search}\nparallel_trials = 4\nseed = 3"));
        let expected = run(&config);
        for round in 0..3 {
            let running = (AtomicUsize::new(0), AtomicUsize::new(0));
            let uneven = run_with(&config, None, &|trial| {
                let now = running.0.fetch_add(1, Ordering::SeqCst) + 1;
                running.1.fetch_max(now, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis((trial.number * 7 + round) % 5));
                running.0.fetch_sub(1, Ordering::SeqCst);
                Ok(Score::Known(valley(trial)))
            });
            assert_eq!(uneven.unwrap(), expected, "{search}");
            assert!((2..=4).contains(&running.1.load(Ordering::SeqCst)), "{search}");
        }
        let other = Config { seed: 4, ..config.clone() };
        assert_ne!(run(&other), expected);
    }
}

#[test]
fn no_values_are_tried_twice_and_a_small_space_ends() {
    let text = "search = { random = { trials = 50 } }\n[space]\na = { min = 1, max = 3 }\nb = { values = [true, false] }";
    let all = run_with(&toml::from_str(text).unwrap(), None, &|_| Ok(Score::Known(1.0))).unwrap();
    let mut values: Vec<_> =
        all.iter().map(|f| Value::Object(f.trial.values.clone()).to_string()).collect();
    values.sort();
    values.dedup();
    assert_eq!((all.len(), values.len()), (6, 6));
}

#[test]
fn halving_gives_steps_to_the_best() {
    // What a trial of few steps shows is half the truth.
    let score = |trial: &Trial| {
        let steps = trial.steps.unwrap();
        Ok(Score::Known(valley(trial) + 1.0 / f64::from(u32::try_from(steps).unwrap())))
    };
    let halving = config(
        "search = { successive_halving = { trials = 27, min_steps = 10, max_steps = 200 } }",
    );
    let all = run_with(&halving, None, &score).unwrap();
    let mut steps: Vec<u64> = all.iter().map(|f| f.trial.steps.unwrap()).collect();
    steps.dedup();
    assert_eq!(steps, [10, 30, 90, 200]);
    let of = |steps| all.iter().filter(move |f| f.trial.steps == Some(steps));
    assert_eq!([10, 30, 90, 200].map(|steps| of(steps).count()), [27, 9, 3, 1]);
    let worst_kept = of(30).map(|f| valley(&f.trial)).fold(0.0, f64::max);
    assert_eq!(of(10).filter(|f| valley(&f.trial) <= worst_kept).count(), 9);
    assert_eq!(best(&all, Direction::Min).unwrap().trial.number, 39);

    let band = config("search = { hyperband = { min_steps = 1, max_steps = 9 } }");
    let all = run_with(&band, None, &score).unwrap();
    let counts: Vec<_> =
        [1, 3, 9].map(|steps| all.iter().filter(|f| f.trial.steps == Some(steps)).count()).to_vec();
    // 9 and 5 and 3 begin, with 1, 3 and 9 steps.
    assert_eq!(counts, [9, 3 + 5, 1 + 1 + 3]);
    assert!(all.iter().zip(0..).all(|(f, number)| f.trial.number == number));
}

#[test]
fn a_search_that_was_ended_goes_on_with_the_same_trials() {
    for search in [
        "search = { tpe = { trials = 20, random_trials = 5 } }",
        "search = { hyperband = { min_steps = 1, max_steps = 9 } }",
    ] {
        let config = config(&format!("{search}\nparallel_trials = 3"));
        let expected = run(&config);
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::at(&dir.path().join("trials"));
        let ran = Mutex::new(Vec::new());
        let mut num_rounds = 0;
        let finished = loop {
            let left = AtomicUsize::new(4);
            let result = run_with(&config, Some(&kept), &|trial| {
                if left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
                    .is_err()
                {
                    return Err(TuneError::NothingFound {
                        num_trials: 0,
                        first: "killed".to_owned(),
                    });
                }
                ran.lock().unwrap().push(trial.number);
                Ok(Score::Known(valley(trial)))
            });
            num_rounds += 1;
            match result {
                Ok(finished) => break finished,
                Err(_) => assert!(num_rounds < 50),
            }
        };
        assert_eq!(finished, expected);
        let mut ran = ran.into_inner().unwrap();
        ran.sort_unstable();
        assert_eq!(ran, (0..expected.len() as u64).collect::<Vec<_>>(), "each is run once");

        // One that is damaged, and one of another search, is run again.
        std::fs::write(dir.path().join("trials/trial-000002.json"), "{").unwrap();
        let again = Mutex::new(Vec::new());
        let run = |trial: &Trial| {
            again.lock().unwrap().push(trial.number);
            Ok(Score::Known(valley(trial)))
        };
        assert_eq!(run_with(&config, Some(&kept), &run).unwrap(), expected);
        assert_eq!(*again.lock().unwrap(), [2]);
        let other = Config { seed: 77, ..config.clone() };
        again.lock().unwrap().clear();
        let others = run_with(&other, Some(&kept), &run).unwrap();
        assert_eq!(again.lock().unwrap().len(), others.len());
    }
}

#[test]
fn trials_that_fail_are_passed_over() {
    let config = config("search = { tpe = { trials = 20 } }");
    let all = run_with(&config, None, &|trial| {
        Ok(match trial.number % 3 {
            0 => Score::Failed("the loss is not finite".to_owned()),
            1 => Score::Known(f64::NAN),
            _ => Score::Known(valley(trial)),
        })
    })
    .unwrap();
    assert_eq!(best(&all, Direction::Min).unwrap().trial.number % 3, 2);
    assert_eq!(results_json(&all).as_array().unwrap().len(), 6);
    let failed = run_with(&config, None, &|_| Ok(Score::Failed("no memory".to_owned()))).unwrap();
    let error = best(&failed, Direction::Min).unwrap_err();
    assert_eq!(error.to_string(), "all 20 trials failed, the first one: no memory");
}

#[test]
fn the_best_are_written_as_keras_tuner_has_them() {
    let text = r#"
search = { random = { trials = 1 } }
[space]
batch_size = { values = [32, 64] }
learning_rate = { min = 0.0001, max = 0.1, scale = "log" }
units = { min = 16, max = 64, step = 16 }
"#;
    let config: Config = toml::from_str(text).unwrap();
    let values = json!({ "batch_size": 64, "learning_rate": 0.01, "units": 32 });
    let found = hyperparameters_json(&config, values.as_object().unwrap()).unwrap();
    let expected = json!({
        "space": [
            { "class_name": "Choice", "config": {
                "name": "batch_size", "default": 32, "conditions": [], "values": [32, 64], "ordered": true } },
            { "class_name": "Float", "config": {
                "name": "learning_rate", "default": 0.0001, "conditions": [], "min_value": 0.0001, "max_value": 0.1,
                "step": null, "sampling": "log" } },
            { "class_name": "Int", "config": {
                "name": "units", "default": 16, "conditions": [], "min_value": 16, "max_value": 64, "step": 16,
                "sampling": "linear" } },
        ],
        "values": values,
    });
    assert_eq!(found, expected);

    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("best_hyperparameters.txt"), found.to_string()).unwrap();
    assert_eq!(Value::Object(read_hyperparameters(dir.path()).unwrap()), values);
    std::fs::write(dir.path().join("best_hyperparameters.txt"), "{\"space\": []}").unwrap();
    let error = read_hyperparameters(dir.path()).unwrap_err().to_string();
    assert!(error.ends_with("not hyperparameters, expected an object with `values`"), "{error}");
}

#[test]
fn mistakes_are_found_before_anything_runs() {
    let said = |text: &str| {
        let problems = check(&toml::from_str(text).unwrap());
        problems.into_iter().map(|p| format!("{}: {}", p.key, p.message)).collect::<Vec<_>>()
    };
    assert_eq!(said(&format!("search = {{ random = {{ trials = 3 }} }}\n{SPACE}")), [""; 0]);
    assert_eq!(
        said("search = { grid = {} }\nparallel_trials = 0\n[space]\nx = { min = 0.0, max = 1.0 }"),
        [
            "parallel_trials: 0, expected between 1 and 256",
            "space.x: `space.x` is any number between two, expected values that can be counted for a grid"
        ]
    );
    assert_eq!(
        said("search = { grid = {} }\n[space]"),
        ["space: no hyperparameters, expected at least one"]
    );
    assert_eq!(
        said(
            "search = { grid = {} }\n[space]\na = { min = 1, max = 1000 }\nb = { min = 1, max = 1000 }"
        ),
        ["space: 1000000 combinations, expected at most 100000"]
    );
    assert_eq!(
        said(
            "search = { hyperband = { min_steps = 9, max_steps = 3, reduction = 1 } }\n[space]\na = { min = 2, max = 1 }"
        ),
        [
            "space.a: from 2 to 1, expected numbers of which `max` is not less",
            "search.hyperband.min_steps: from 9 to 3 steps, expected at least 1, and not more than `max_steps`",
            "search.hyperband.reduction: 1, expected between 2 and 100"
        ]
    );
}
