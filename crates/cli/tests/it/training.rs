//! Programs of every task.

use std::fs;

use serde_json::{Value, json};

use crate::programs::{node, page, python, snippet, trainers, with_trainer};
use crate::scene::Scene;
use crate::serve::serve;

/// A program of several classes: it is told how many, and its model says the first one for sure.
const TRAIN: &str = r#"
field() { sed -n "s/^ *\"$1\": \(.*[^,]\),*\$/\1/p" "$CUPOLA_FN_ARGS" | head -1 | tr -d '"'; }
serving=$(field serving_model_dir)
echo "$(field task) $(field num_classes)" > said
echo "$(field num_classes)" > "$serving/classes"
cp predict.sh "$serving/"
echo '{"command": ["/bin/sh", "predict.sh"]}' > "$serving/predict.json"
"#;

const PREDICT: &str = r#"echo '{"ready": true}'
classes=$(cat classes)
one="[1$(awk "BEGIN { for (i = 1; i < $classes; i++) printf \",0\" }")]"
while read -r line; do
  id=${line#*:}; id=${id%%,*}
  rows=${line#*\"num_rows\":}; rows=${rows%%,*}
  p=$(awk "BEGIN { for (i = 0; i < $rows; i++) printf \"%s%s\", (i ? \",\" : \"\"), \"$one\" }")
  echo "{\"id\": $id, \"columns\": {\"prediction\": [$p]}}"
done
"#;

#[test]
fn a_program_predicts_one_of_several_classes() {
    let scene = Scene::taxi();
    let trainer = "[nodes.trainer]\ncommand = [\"/bin/sh\", \"train.sh\"]\nlabel = \"payment_type\"\n\
                   task = \"multi_class_classification\"\n";
    let pipeline = with_trainer(trainer)
        .replace("metric = \"auc\"\n", "metric = \"accuracy\"\n")
        .replace("lower_bound = 0.6", "lower_bound = 0.3");
    scene.write("pipeline.toml", &pipeline);
    scene.write("train.sh", TRAIN);
    scene.write("predict.sh", PREDICT);
    let report = scene.run_json(&[], 0);
    let said = fs::read_to_string(scene.path("said")).unwrap();
    let classes: usize =
        said.trim().strip_prefix("multi_class_classification ").unwrap().parse().unwrap();
    assert!(classes > 2, "{said}");
    // The most frequent of the vocabulary comes first.
    assert_eq!(node(&report, "pusher")["state"], "done", "{report}");
    let rows: Vec<String> = fs::read_to_string(scene.path("data/trips.csv"))
        .unwrap()
        .lines()
        .take(3)
        .map(str::to_owned)
        .collect();
    scene.write("rows.csv", &(rows.join("\n") + "\n"));
    let predict = ["predict", "--model", "serving", "--input", "rows.csv"];
    let predicted = scene.cupola(&predict).expect_code(0).stdout;
    assert_eq!(predicted.lines().count(), 3);
    assert!(predicted.lines().nth(1).unwrap().contains('1'), "{predicted}");

    let said = |from: &str, to: &str| {
        scene.replace("pipeline.toml", from, to);
        let said = scene.cupola(&["check"]).expect_code(2).stderr;
        scene.replace("pipeline.toml", to, from);
        said
    };
    let ranking = said("\"multi_class_classification\"", "\"ranking\"");
    assert!(ranking.contains("`query`: missing, expected the transformed feature"), "{ranking}");
    let classes = said("\"multi_class_classification\"", "\"regression\"\nnum_classes = 3");
    assert!(classes.contains("`num_classes`: it is for"), "{classes}");
}

#[test]
fn every_built_in_model_of_the_page_trains_on_what_the_page_says() {
    let scene = Scene::taxi();
    let mut pipeline = "[pipeline]\nname = \"page\"\n[nodes.example_gen]\n\
                        source = { csv = \"data/*.csv\" }\n[nodes.statistics_gen]\n[nodes.schema_gen]\n"
        .to_owned();
    pipeline.push_str(&snippet("features.toml"));
    let page = page();
    let blocks =
        page.split("\n\n```toml\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    let trainers: Vec<&str> =
        blocks.filter(|block| block.starts_with("[nodes.trainer]\nfeatures")).collect();
    for (number, trainer) in trainers.iter().enumerate() {
        let own = format!("[nodes.trainer_{number}]\ncomponent = \"Trainer\"");
        let below = format!("[nodes.trainer_{number}.");
        let trainer = trainer.replace("[nodes.trainer]", &own).replace("[nodes.trainer.", &below);
        pipeline.push_str(&(trainer + "\n"));
    }
    scene.write("pipeline.toml", &pipeline);
    let report = scene.run_json(&[], 0);
    for (number, trainer) in trainers.iter().enumerate() {
        let summary = node(&report, &format!("trainer_{number}"))["summary"].as_str().unwrap();
        assert!(summary.contains(", eval loss "), "{trainer}: {summary}");
    }
    assert_eq!(trainers.len(), 7);
}

#[test]
fn a_trainer_begins_with_the_newest_blessed_model() {
    let scene = Scene::taxi();
    let pipeline =
        with_trainer(&snippet("warm_start.toml")).replace("lower_bound = 0.6", "lower_bound = 0.3");
    scene.write("pipeline.toml", &pipeline);
    let first = scene.run_json(&[], 0);
    assert_eq!(node(&first, "latest_model")["summary"], "found nothing", "{first}");
    assert_eq!(node(&first, "evaluator")["state"], "done", "{first}");
    let weights = || fs::read(scene.artifact("Model").join("model/weights.safetensors")).unwrap();
    let begun = weights();

    // Nothing changed but what the training begins with.
    let second = scene.run_json(&[], 0);
    assert_eq!(node(&second, "transform")["state"], "cached", "{second}");
    assert_eq!(node(&second, "trainer")["state"], "done", "{second}");
    assert!(weights() != begun);
}

/// What a module of the examples does, and what its model predicts from the features that it was measured with.
const WITH_PREDICTIONS: &str = r#"
import json, os
import numpy as np
import taxi
import MODULE as module

def run_fn(fn_args):
    (_, _), (eval_x, _) = taxi.examples(fn_args)

    def keep(predictions):
        with open(os.path.join(fn_args.model_run_dir, "predictions.json"), "w") as file:
            json.dump(np.asarray(predictions).tolist(), file)

    def spy(owner, name, predict):
        original = getattr(owner, name)
        def spied(model, *args, **more):
            keep(predict(model))
            return original(model, *args, **more)
        setattr(owner, name, spied)

    # What these write for others to run is asked before it is written.
    if module.__name__ == "keras_train":
        import keras
        spy(keras.Model, "export", lambda model: model.predict(eval_x, verbose=0))
    elif not hasattr(module, "load"):
        import skl2onnx
        spy(skl2onnx, "convert_sklearn", lambda model: model.predict_proba(eval_x))
    module.run_fn(fn_args)
    if hasattr(module, "load"):
        keep(module.load(fn_args.serving_model_dir, fn_args.features)(eval_x))
"#;

/// Returns a prediction, of one number or several; of the probabilities of no and yes, that of yes.
fn numbers(value: &Value, width: usize) -> Vec<f64> {
    let all: Vec<f64> = match value {
        Value::Array(values) => values.iter().map(|value| value.as_f64().unwrap()).collect(),
        value => vec![value.as_f64().unwrap()],
    };
    all[all.len() - width..].to_vec()
}

/// The examples, each with the Python that a variable names: evaluated, blessed and pushed, and what raw features give,
/// offline and over the server, is what the training's own features give.
#[test]
fn every_framework_is_served_as_it_trained() {
    let taxi = ["trip_miles", "fare", "trip_seconds", "trip_start_hour", "payment_type", "company"];
    let (labels, ranking) = (&taxi[1..], ["trip_miles", "fare", "payment_type", "company"]);
    for (name, pipeline, width, features, variable) in [
        ("sklearn", "pipeline", 1, &taxi[..], "CUPOLA_TRAINERS_PYTHON"),
        ("xgboost", "pipeline", 1, &taxi, "CUPOLA_TRAINERS_PYTHON"),
        ("jax", "pipeline", 1, &taxi, "CUPOLA_TRAINERS_PYTHON"),
        ("keras", "pipeline", 1, &taxi, "CUPOLA_TRAINERS_PYTHON"),
        ("torch", "pipeline", 1, &taxi, "CUPOLA_TORCH_PYTHON"),
        ("multi_label", "multi_label", 3, labels, "CUPOLA_TRAINERS_PYTHON"),
        ("ranking", "ranking", 1, &ranking, "CUPOLA_TRAINERS_PYTHON"),
    ] {
        let Some(python) = python(variable) else { continue };
        let scene = trainers();
        let wrapped = WITH_PREDICTIONS.replace("MODULE", &format!("{name}_train"));
        scene.write("with_predictions.py", &wrapped);
        let settings = [
            format!("nodes.trainer.python={python:?}"),
            "nodes.trainer.module=\"with_predictions.py\"".to_owned(),
        ];
        let pipeline = format!("{pipeline}.toml");
        let args = ["run", &pipeline, "--json", "--set", &settings[0], "--set", &settings[1]];
        let report = scene.cupola(&args).expect_code(0).json()["run"].clone();
        assert_eq!(node(&report, "pusher")["state"], "done", "{report}");
        let summary = node(&report, "trainer")["summary"].as_str().unwrap();
        println!("{name}: {summary}; {}", node(&report, "evaluator")["summary"]);

        let trained = fs::read(scene.artifact("ModelRun").join("predictions.json")).unwrap();
        let trained: Vec<Value> = serde_json::from_slice(&trained).unwrap();
        let examples = fs::read_dir(scene.path(".cupola/example_gen/examples")).unwrap();
        let examples = examples.map(|entry| entry.unwrap().path()).next().unwrap();
        let eval = examples.join("Split-eval/*").display().to_string();
        let predict = ["predict", "--model", "serving", "--keep-all", "--format", "jsonl"];
        let rows = scene.cupola(&[&predict[..], &["--input", &eval]].concat()).expect_code(0);
        let rows: Vec<Value> =
            rows.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rows.len(), trained.len());

        let raw = |row: &Value| -> Value {
            features.iter().map(|name| ((*name).to_owned(), row[*name].clone())).collect()
        };
        let asked: Vec<Value> = rows.iter().take(50).map(raw).collect();
        let server = serve(&scene, &["serving"]);
        server.wait_ready();
        let body = json!({ "instances": asked }).to_string();
        let answer = server.ask("POST", "/v1/models/serving:predict", &body);
        let answer: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        let served = answer["predictions"].as_array().unwrap_or_else(|| panic!("{answer}"));
        let offline = rows.iter().map(|row| &row["prediction"]);
        for (found, expected) in offline.zip(&trained).chain(served.iter().zip(&trained)) {
            let (found, expected) = (numbers(found, width), numbers(expected, width));
            let is_close = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(is_close, "{name}: {found:?}, trained {expected:?}");
        }
        if name == "multi_label" {
            // Told before the program starts.
            let task = "nodes.trainer.task=\"binary_classification\"";
            let said = scene.cupola(&["run", &pipeline, "--set", task]).expect_code(3).stderr;
            assert!(said.contains("`label`: `kinds` has many values in each example"), "{said}");
        }
    }
}
