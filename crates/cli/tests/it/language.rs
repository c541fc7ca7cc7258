//! Language models from texts to completions, and killed on the way.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::scene::Scene;
use crate::serve::serve;

/// The template, trained for less long.
const STEPS: &str = "nodes.language_trainer.num_steps=120";

fn scene() -> Scene {
    let scene = Scene::empty();
    let init = ["init", ".", "--template", "language-model", "--quiet"];
    scene.cupola(&init).expect_code(0);
    scene
}

fn node<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["nodes"].as_array().unwrap().iter().find(|node| node["node"] == name).unwrap()
}

#[test]
fn from_texts_to_completions() {
    let scene = scene();
    let report = scene.run_json(&["--set", STEPS], 0);
    let summary = |name: &str| node(&report, name)["summary"].as_str().unwrap().to_owned();
    assert!(summary("language_trainer").starts_with("120 steps on "), "{report}");
    assert!(!summary("language_trainer").contains("no tokenizer"), "{report}");
    assert!(summary("evaluator").starts_with("blessed: bits_per_byte "), "{report}");
    assert_eq!(node(&report, "pusher")["state"], "done", "{report}");
    println!("{}\n{}", summary("language_trainer"), summary("evaluator"));

    // A seed gives a text, streamed to the end.
    let generate = |seed: &str| {
        let args =
            ["generate", "serving/docs", "A pipeline is", "--max-tokens", "24", "--seed", seed];
        scene.cupola(&args).expect_code(0).stdout
    };
    let text = generate("1");
    assert!(text.len() > 20 && text.ends_with('\n'), "{text}");
    assert_eq!(generate("1"), text);
    assert_ne!(generate("2"), text);
    let args = [
        "generate",
        "serving/docs",
        "A pipeline is",
        "--max-tokens",
        "24",
        "--seed",
        "1",
        "--json",
    ];
    let said = scene.cupola(&args).expect_code(0).json();
    assert_eq!(said["completion"]["text"].as_str().unwrap().to_owned() + "\n", text);
    assert_eq!(said["completion"]["completion_tokens"], 24);

    // Rows are scored, or completed.
    scene.write(
        "rows.jsonl",
        "{\"id\": 7, \"text\": \"A pipeline\"}\n{\"id\": 8, \"text\": null}\n",
    );
    let predict = ["predict", "--model", "serving/docs", "--input", "rows.jsonl", "--keep", "id"];
    let said = scene.cupola(&predict).expect_code(0).stdout;
    let mut lines = said.lines();
    let header = "id,prediction,num_tokens,num_likeliest_tokens,num_bytes";
    assert_eq!(lines.next(), Some(header), "{said}");
    let first: Vec<f32> = lines.next().unwrap().split(',').map(|it| it.parse().unwrap()).collect();
    assert!(first[1] > 0.0 && first[2] >= 2.0, "{said}");
    assert_eq!((first[0], first[4]), (7.0, 10.0), "{said}");
    let args: Vec<&str> = predict
        .iter()
        .chain(&["--complete", "--temperature", "0", "--max-tokens", "4"])
        .copied()
        .collect();
    let said = scene.cupola(&args).expect_code(0).stdout;
    assert!(said.starts_with("id,completion,finish_reason\n7,"), "{said}");
    let args: Vec<&str> = predict.iter().chain(&["--temperature", "0"]).copied().collect();
    let said = scene.cupola(&args).expect_code(2).stderr;
    assert!(said.contains("expected `--complete` beside it"), "{said}");

    // What is served says the same.
    let server = serve(&scene, &["serving"]);
    server.wait_ready();
    let body = r#"{"model": "docs", "prompt": "A pipeline is", "max_tokens": 24, "seed": 1}"#;
    let answer = server.ask("POST", "/v1/completions", body);
    let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body["choices"][0]["text"].as_str().unwrap().to_owned() + "\n", text, "{answer}");
    drop(server);

    // The files alone, as HuggingFace's tools have them, are a model, too.
    let version = fs::read_dir(scene.path("serving/docs")).unwrap().next().unwrap().unwrap().path();
    fs::create_dir(scene.path("plain")).unwrap();
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        fs::copy(version.join(file), scene.path("plain").join(file)).unwrap();
    }
    let predict = ["predict", "--model", "plain", "--input", "rows.jsonl", "-o", "scores/"];
    scene.cupola(&predict).expect_code(0);
    let server = serve(&scene, &["plain"]);
    server.wait_ready();
    let body =
        r#"{"model": "plain", "prompt": "a pipeline is", "max_tokens": 4, "temperature": 0}"#;
    let answer = server.ask("POST", "/v1/completions", body);
    let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let args = ["generate", "plain", "a pipeline is", "--max-tokens", "4", "--temperature", "0"];
    let said = scene.cupola(&args).expect_code(0).stdout;
    assert_eq!(body["choices"][0]["text"].as_str().unwrap().to_owned() + "\n", said, "{answer}");
    drop(server);

    // A second run finds everything there; another seed is compared with the first model.
    let again = scene.run_json(&["--set", STEPS], 0);
    assert_eq!(node(&again, "language_trainer")["state"], "cached");
    // Which of the two is better is for the texts to say, and these change.
    let seed = ["--set", STEPS, "--set", "nodes.language_trainer.seed=5"];
    let said = scene.cupola(&[&["run", "--json", "--quiet"], &seed[..]].concat());
    assert!(matches!(said.code, Some(0 | 1)), "{}", said.stderr);
    let other = said.json()["run"].clone();
    let summary = node(&other, "evaluator")["summary"].as_str().unwrap();
    assert!(summary.contains("(baseline "), "{summary}");
    let said = scene.cupola(&["generate", "data", "x"]).expect_code(3).stderr;
    assert!(said.contains("data: no language model found"), "{said}");
}

#[test]
fn what_the_page_about_training_shows_is_the_template() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/training.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, behind) = page.split_once("<!-- snippet: language.toml -->\n```toml\n").unwrap();
    let shown: toml::Table = behind.split("```").next().unwrap().parse().unwrap();
    let scene = scene();
    let template = fs::read_to_string(scene.path("pipeline.toml")).unwrap();
    let template: toml::Table = template.parse().unwrap();
    for (node, shown) in shown["nodes"].as_table().unwrap() {
        assert_eq!(template["nodes"][node], *shown, "{node}");
    }
    scene.cupola(&["check"]).expect_code(0);
}

/// Steps and checkpoints, so that a kill finds something half done.
const KILLED: [&str; 8] = [
    "--set",
    "nodes.language_trainer.num_steps=150",
    "--set",
    "nodes.language_trainer.checkpoint_every_steps=5",
    "--set",
    "nodes.language_trainer.model.transformer.width=48",
    "--set",
    "nodes.language_trainer.eval_every_steps=20",
];

fn weights(scene: &Scene) -> Vec<u8> {
    fs::read(scene.artifact("Model").join("model.safetensors")).unwrap()
}

#[test]
fn killed_at_any_moment_training_goes_on_to_the_same_weights() {
    let undisturbed = scene();
    let began = Instant::now();
    undisturbed.run_json(&KILLED, 0);
    let took = began.elapsed();
    let expected = weights(&undisturbed);

    let scene = scene();
    let (mut kills, mut resumed) = (0, 0);
    // Moments that nobody chose, the same each time; the later ones find more done.
    let mut state = 7_u64;
    loop {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = u32::try_from(state >> 44).unwrap() % 300 + 100;
        let args: Vec<&str> = ["run", "--quiet"].iter().chain(&KILLED).copied().collect();
        let mut child =
            scene.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(took * share / 1000);
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            break;
        }
        kills += 1;
        resumed += u32::from(has_checkpoint(&scene));
        if kills == 8 {
            break;
        }
    }
    scene.run_json(&KILLED, 0);
    assert!(weights(&scene) == expected, "after {kills} kills");
    assert!(kills >= 2 && resumed >= 1, "{kills} kills, {resumed} with a checkpoint");
    // Nothing of it is left in the way of the next training.
    assert!(!has_checkpoint(&scene));
}

fn has_checkpoint(scene: &Scene) -> bool {
    let mut folders = vec![scene.path(".cupola")];
    while let Some(dir) = folders.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                let is_full = |dir: &std::path::Path| {
                    fs::read_dir(dir).is_ok_and(|mut it| it.next().is_some())
                };
                if path.ends_with("checkpoints") && is_full(&path) {
                    return true;
                }
                folders.push(path);
            }
        }
    }
    false
}

#[test]
fn a_termination_writes_a_checkpoint_and_the_next_run_goes_on_from_it() {
    let undisturbed = scene();
    undisturbed.run_json(&KILLED, 0);
    let scene = scene();
    // Without checkpoints of its own, the only one is that of the end.
    let long: Vec<&str> = KILLED
        .iter()
        .map(|arg| match *arg {
            "nodes.language_trainer.checkpoint_every_steps=5" => {
                "nodes.language_trainer.checkpoint_every_steps=100000"
            }
            other => other,
        })
        .collect();
    let args: Vec<&str> = ["run"].iter().chain(&long).copied().collect();
    let mut child =
        scene.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !has_tokens(&scene) {
        assert!(began.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(300));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let code = child.wait().unwrap().code();
    if code != Some(0) {
        assert_eq!(code, Some(3));
        assert!(has_checkpoint(&scene));
    }
    scene.run_json(&long, 0);
    assert!(weights(&scene) == weights(&undisturbed));
}

fn has_tokens(scene: &Scene) -> bool {
    let mut folders = vec![scene.path(".cupola")];
    while let Some(dir) = folders.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.ends_with("tokens/eval") {
                return true;
            }
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    false
}
