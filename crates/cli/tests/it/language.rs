//! Language models from texts to completions, and killed on the way.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::scene::Scene;
use crate::serve::serve;

/// The template, smaller and trained for less long.
const SMALL: [&str; 8] = [
    "--set",
    "nodes.evaluator.slices=[[],[\"language\"]]",
    "--set",
    "nodes.language_trainer.num_steps=120",
    "--set",
    "nodes.language_trainer.model.transformer.width=96",
    "--set",
    "nodes.language_trainer.model.transformer.layers=2",
];

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
    fs::copy(scene.path("data/training/001.md"), scene.path("data/training/copy.md")).unwrap();
    let report = scene.run_json(&SMALL, 0);
    let summary = |name: &str| node(&report, name)["summary"].as_str().unwrap().to_owned();
    assert!(summary("language_trainer").starts_with("120 steps on "), "{report}");
    assert!(!summary("language_trainer").contains("no tokenizer"), "{report}");
    assert!(summary("evaluator").starts_with("blessed: bits_per_byte "), "{report}");
    assert_eq!(node(&report, "pusher")["state"], "done", "{report}");
    let words = summary("transform");
    let left_out = words.split(", ").find(|part| part.contains("duplicates")).unwrap();
    assert!(left_out.split(' ').next().unwrap().parse::<u32>().unwrap() >= 1, "{words}");
    // The documents have languages, which slice the evaluation.
    let stats = scene.cupola(&["stats", "show"]).expect_code(0).stdout;
    let line = stats.lines().find(|line| line.contains("language")).unwrap();
    assert!(line.contains("eng"), "{line}");
    println!("{words}\n{}\n{}", summary("language_trainer"), summary("evaluator"));
    let page = scene.artifact("ModelEvaluation").join("evaluation.html");
    let page = fs::read_to_string(page).unwrap();
    let (_, data) = page.split_once("id=\"data\">").unwrap();
    let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    let samples = data["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 4);
    let slices = data["evaluation"]["slices"].as_array().unwrap();
    let keys = slices.iter().flat_map(|slice| slice["slice"].as_array().unwrap());
    assert!(keys.map(|key| &key["value"]["text"]).any(|text| text == "eng"), "{slices:?}");
    // A text may end early; not all of them do.
    let length = |sample: &Value, part: usize| sample[part].as_str().unwrap().len();
    assert!(samples.iter().all(|sample| length(sample, 0) > 10), "{samples:?}");
    assert!(samples.iter().any(|sample| length(sample, 1) > 20), "{samples:?}");

    // A seed gives a text, streamed to the end.
    let generate = |seed: &str| {
        let args =
            ["generate", "serving/docs", "A pipeline is", "--max-tokens", "24", "--seed", seed];
        scene.cupola(&args).expect_code(0).stdout
    };
    let texts = ["1", "2", "3"].map(generate);
    assert!(texts.iter().all(|text| text.ends_with('\n')), "{texts:?}");
    assert!(texts.iter().any(|text| text.len() > 20), "{texts:?}");
    assert!(texts[1..].iter().any(|text| *text != texts[0]), "{texts:?}");
    assert_eq!(generate("1"), texts[0]);
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
    assert_eq!(said["completion"]["text"].as_str().unwrap().to_owned() + "\n", texts[0]);
    let num_tokens = said["completion"]["completion_tokens"].as_u64().unwrap();
    assert!((1..=24).contains(&num_tokens), "{said}");

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
    let answered = body["choices"][0]["text"].as_str().unwrap().to_owned() + "\n";
    assert_eq!(answered, texts[0], "{answer}");
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
    let again = scene.run_json(&SMALL, 0);
    assert_eq!(node(&again, "language_trainer")["state"], "cached");
    // Which of the two is better is for the texts to say, and these change.
    let seed = ["run", "--json", "--quiet", "--set", "nodes.language_trainer.seed=5"];
    let said = scene.cupola(&[&seed[..], &SMALL].concat());
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

    // Mistakes about documents.
    let feature = "nodes.transform.deduplicate.feature=\"token\"";
    let said = scene.cupola(&["check", "--set", feature]).expect_code(2).stderr;
    assert!(said.contains("there is no feature `token`"), "{said}");
    assert!(said.contains("did you mean `tokens`?"), "{said}");
    fs::write(scene.path("data/training/spoiled.md"), b"ab\xff").unwrap();
    let said = scene.cupola(&["run", "--quiet"]).expect_code(3).stderr;
    assert!(said.contains("data/training/spoiled.md: no UTF-8 text from byte 2 on"), "{said}");
    assert!(said.contains("hint: leave the file out"), "{said}");
    let url = "nodes.example_gen.source={text=\"https://example.org/a.txt\"}";
    let said = scene.cupola(&["check", "--set", url]).expect_code(2).stderr;
    assert!(said.contains("texts are read from files here, not from elsewhere"), "{said}");

    // One line makes it the large one.
    let text = fs::read_to_string(scene.path("pipeline.toml")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("model = "));
    let lines = lines.map(|line| {
        line.strip_prefix("# model = ").map_or(line.to_owned(), |rest| format!("model = {rest}"))
    });
    scene.write("pipeline.toml", &(lines.collect::<Vec<_>>().join("\n") + "\n"));
    let large: toml::Table =
        fs::read_to_string(scene.path("pipeline.toml")).unwrap().parse().unwrap();
    assert_eq!(
        large["nodes"]["language_trainer"]["model"]["transformer"]["width"].as_integer(),
        Some(768)
    );
    scene.cupola(&["check"]).expect_code(0);
}

/// Steps and checkpoints, so that a kill finds something half done.
const KILLED: [&str; 10] = [
    "--set",
    "nodes.language_trainer.num_steps=150",
    "--set",
    "nodes.language_trainer.checkpoint_every_steps=5",
    "--set",
    "nodes.language_trainer.model.transformer.width=48",
    "--set",
    "nodes.language_trainer.model.transformer.layers=2",
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
    let report = scene.run_json(&long, 0);
    let summary = node(&report, "language_trainer")["summary"].as_str().unwrap();
    assert_eq!(summary.contains("; went on from step "), code != Some(0), "{summary}");
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
