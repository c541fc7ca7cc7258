//! Searches for hyperparameters, from raw data to a pushed model.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::programs::{node, snippet, with_trainer};
use crate::scene::{Scene, states};

/// Returns the taxi pipeline with the tuner and the trainer of `docs/training.md`.
fn scene() -> Scene {
    let scene = Scene::taxi();
    // Three features are not much to tell by.
    let pipeline =
        with_trainer(&snippet("tuner.toml")).replace("lower_bound = 0.6", "lower_bound = 0.3");
    scene.write("pipeline.toml", &pipeline);
    scene
}

fn json(scene: &Scene, artifact: &str, file: &str) -> Value {
    let text = fs::read_to_string(scene.artifact(artifact).join(file)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_best_hyperparameters_train_the_model() {
    let scene = scene();
    let report = scene.run_json(&[], 0);
    assert_eq!(node(&report, "pusher")["state"], "done", "{report}");
    let summary = node(&report, "tuner")["summary"].as_str().unwrap().to_owned();
    assert!(summary.starts_with("12 trials, best auc 0."), "{summary}");

    let results = json(&scene, "TunerResults", "tuner_results.json");
    let results = results.as_array().unwrap();
    assert_eq!(results.len(), 12);
    let score = |record: &Value| record["score"].as_f64().unwrap();
    let best = results.iter().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
    let worst = results.iter().map(score).fold(1.0, f64::min);
    assert!(score(best) > worst, "{results:?}");
    let found = json(&scene, "HyperParameters", "best_hyperparameters.txt");
    for (name, value) in found["values"].as_object().unwrap() {
        assert_eq!(&best[name], value);
    }
    assert_eq!(found["space"].as_array().unwrap().len(), 3);

    // The Trainer took them: with other ones the model is another, and the layers are those that were found.
    let model = fs::read_to_string(scene.artifact("Model").join("model/model.json")).unwrap();
    let model: Value = serde_json::from_str(&model).unwrap();
    let hidden = found["values"]["model.wide_and_deep.hidden"].to_string();
    assert!(model.to_string().contains(&format!("\"hidden\":{hidden}")), "{model}\n{hidden}");

    // Neither threads nor a second look show.
    let other = self::scene();
    let again = other.run_json(&["--threads", "1"], 0);
    assert_eq!(node(&again, "tuner")["summary"], summary);
    assert_eq!(other.digests(), scene.digests());
    assert_eq!(node(&scene.run_json(&[], 0), "tuner")["state"], "cached");
}

#[test]
fn a_search_that_was_killed_goes_on_with_the_trials_that_are_left() {
    let scene = scene();
    let expected = self::scene().run_json(&[], 0);
    let expected = node(&expected, "tuner")["summary"].as_str().unwrap().to_owned();
    let finished = || {
        let mut names = Vec::new();
        let mut dirs = vec![scene.path("")];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.starts_with("trial-") && name.ends_with(".json") {
                    names.push((name, entry.metadata().unwrap().modified().unwrap()));
                } else if entry.path().is_dir() {
                    dirs.push(entry.path());
                }
            }
        }
        names.sort();
        names
    };
    let begin = Instant::now();
    let mut run = scene
        .command(&["run", "--quiet"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while finished().len() < 3 {
        assert!(begin.elapsed() < Duration::from_secs(120), "no trials");
        assert!(run.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::sleep(Duration::from_millis(2));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    let before = finished();
    assert!(before.len() < 12, "it was too fast to be killed");

    let report = scene.run_json(&[], 0);
    assert_eq!(node(&report, "tuner")["summary"], expected, "{:?}", states(&report));
    assert!(finished().is_empty(), "what is finished is an artifact now");
}

/// A program whose score is the better, the nearer `x` is to 3; it fails for an `x` of 5.
const TRAIN: &str = r#"
field() { sed -n "s/^ *\"$1\": \(.*[^,]\),*\$/\1/p" "$CUPOLA_FN_ARGS" | head -1 | tr -d '"'; }
x=$(field x)
echo "$x" >> tried
if [ "$x" = 5 ]; then echo "five is right out" >&2; exit 7; fi
echo "{\"step\": 1, \"distance\": $(( (x - 3) * (x - 3) ))}" >> "$(field metrics_path)"
cp predict.sh "$(field serving_model_dir)/"
echo '{"command": ["/bin/sh", "predict.sh"]}' > "$(field serving_model_dir)/predict.json"
"#;

const PROGRAM: &str = r#"
[nodes.tuner]
search = { grid = {} }
objective = { reported = "distance", direction = "min" }
space = { x = { min = 1, max = 5 } }
trainer = { command = ["/bin/sh", "train.sh"], label = "big_tipper" }

[nodes.trainer]
inputs.hyperparameters = "tuner.best_hyperparameters"
command = ["/bin/sh", "train.sh"]
label = "big_tipper"
hyperparameters = { x = 1 }
"#;

#[test]
fn programs_find_the_values_in_their_hyperparameters() {
    let scene = Scene::taxi();
    let pipeline = with_trainer(PROGRAM).replace("lower_bound = 0.6", "lower_bound = 0.01");
    scene.write("pipeline.toml", &pipeline);
    scene.write("train.sh", TRAIN);
    scene.write("predict.sh", crate::programs::PREDICT);
    let report = scene.run_json(&[], 0);
    assert_eq!(
        node(&report, "tuner")["summary"].as_str().unwrap().split("; ").next().unwrap(),
        "5 trials, best distance 0.0000 in trial 2: x 3"
    );
    let summary = node(&report, "tuner")["summary"].as_str().unwrap();
    assert!(summary.contains("; 1 failed, such as 4: "), "{summary}");
    assert!(summary.contains("five is right out"), "{summary}");
    // Five trials, and the Trainer with the best.
    assert_eq!(fs::read_to_string(scene.path("tried")).unwrap(), "1\n2\n3\n4\n5\n3\n");
    let results = json(&scene, "TunerResults", "tuner_results.json");
    assert_eq!(results.as_array().unwrap().len(), 4);
}

#[test]
fn the_best_hyperparameters_train_a_language_model() {
    let scene = Scene::empty();
    let init = ["init", ".", "--template", "language-model", "--quiet"];
    scene.cupola(&init).expect_code(0);
    let template = fs::read_to_string(scene.path("pipeline.toml")).unwrap();
    let (before, _) = template.split_once("[nodes.language_trainer]").unwrap();
    let trainer = "num_steps = 20\nbatch_size = 4\nwarmup_steps = 2\nmodel = { transformer = { tokens = \"tokens\", \
                   document_boundary = 1024, sequence_length = 64, layers = 1, width = 32, heads = 2 } }\n";
    let inputs = "inputs.transformed_examples = \"transform.transformed_examples\"\n";
    let tuner = "search = { grid = {} }\nobjective = { reported = \"eval_loss\", direction = \"min\" }\n\
                 [nodes.tuner.space]\nlearning_rate = { values = [0.00001, 0.01] }\n\
                 \"model.transformer.heads\" = { values = [2] }\n";
    let pipeline = format!(
        "{before}[nodes.tuner]\n{inputs}{tuner}[nodes.tuner.language_trainer]\n{trainer}\
         [nodes.language_trainer]\n{inputs}inputs.hyperparameters = \"tuner.best_hyperparameters\"\n{trainer}"
    );
    scene.write("pipeline.toml", &pipeline);
    let report = scene.run_json(&[], 0);
    let summary = node(&report, "tuner")["summary"].as_str().unwrap().to_owned();
    assert!(summary.starts_with("2 trials, best eval_loss "), "{summary}");
    assert!(summary.ends_with("learning_rate 0.01, model.transformer.heads 2"), "{summary}");
    let loss = summary.split(' ').nth(4).unwrap();
    let trained = node(&report, "language_trainer")["summary"].as_str().unwrap().to_owned();
    assert!(trained.contains(&format!("eval loss {loss} ")), "{trained}\n{summary}");

    let said = |from: &str, to: &str| {
        scene.write("pipeline.toml", &pipeline.replacen(from, to, 1));
        scene.cupola(&["check"]).expect_code(2).stderr
    };
    let metric = said("reported = \"eval_loss\"", "metric = \"perplexity\"");
    assert!(metric.contains("a trial of a language model is not evaluated"), "{metric}");
    let both = said("[nodes.tuner.space]", "[nodes.tuner.trainer]\n[nodes.tuner.space]");
    assert!(both.contains("expected one of the tables `trainer` and `language_trainer`"), "{both}");
    let heads = said("values = [2]", "values = [3]");
    assert!(heads.contains("with 3: "), "{heads}");
    let key = said("learning_rate = {", "lerning_rate = {");
    assert!(key.contains("did you mean `learning_rate`?"), "{key}");
}

#[test]
fn mistakes_about_searches_are_found_before_anything_runs() {
    let scene = scene();
    let said = |from: &str, to: &str| {
        scene.replace("pipeline.toml", from, to);
        let said = scene.cupola(&["check"]).expect_code(2).stderr;
        scene.replace("pipeline.toml", to, from);
        said
    };
    let check = |from: &str, to: &str, expected: &[&str]| {
        let said = said(from, to);
        for expected in expected {
            assert!(said.contains(expected), "{expected}\n{said}");
        }
    };
    check(
        "learning_rate = { min",
        "lerning_rate = { min",
        &["the trainer has no key `lerning_rate`", "did you mean `learning_rate`?"],
    );
    check(
        "min = 1e-4",
        "min = -1.0",
        &["from -1 with `scale = \"log\"`, expected a `min` above 0"],
    );
    check(
        "[32, 64, 128]",
        "[32, 64, 0]",
        &["with 0: `batch_size`: 0, expected between 1 and 1048576"],
    );
    check("[32, 64, 128]", "[32, \"64\"]", &["with \"64\": "]);
    check("metric = \"auc\"", "metric = \"auk\"", &["no metric `auk`", "did you mean `auc`?"]);
    check("metric = \"auc\", ", "  ", &["no metric, expected `metric` or `reported`"]);
    check(
        "tpe = { trials = 12, random_trials = 6 }",
        "grid = {}",
        &["space.learning_rate", "expected values that can be counted for a grid"],
    );
    check(
        "num_steps = 150\nfeatures = [\"trip_miles\"",
        "num_steps = 150\nfeatures = [\"trip_mile\"",
        &["no transformed feature `trip_mile`"],
    );
    check("num_steps = 150", "num_stepz = 150", &["num_stepz"]);
}
