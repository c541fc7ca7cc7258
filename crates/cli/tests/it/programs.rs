//! Programs that train and predict: from raw data to a pushed model that answers, by shells and by Python frameworks.

use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::scene::{PIPELINE, Scene, states};

/// A program that trains: it leaves another that predicts, and says how far it is.
const TRAIN: &str = r#"
field() { sed -n "s/^ *\"$1\": \"\(.*\)\",*\$/\1/p" "$CUPOLA_FN_ARGS"; }
serving=$(field serving_model_dir); metrics=$(field metrics_path); checkpoints=$(field checkpoint_dir)
echo "training on $(field label)"; echo "a warning" >&2
step=$(cat "$checkpoints/step" 2>/dev/null || echo 0)
echo "from $step" >> "$(field model_run_dir)/begun"
while [ "$step" -lt 4 ]; do
  step=$((step + 1)); echo "$step" > "$checkpoints/step"
  echo "{\"step\": $step, \"loss\": 0.$((9 - step))}" >> "$metrics"
  if [ -e die ]; then rm die; echo "Traceback: no more memory" >&2; exit 9; fi
  while [ -e wait ]; do echo $$ > waiting; sleep 0.05; done
done
cp predict.sh "$serving/"
echo '{"command": ["/bin/sh", "predict.sh"]}' > "$serving/predict.json"
"#;

/// A program that predicts the more, the higher the fare.
pub(crate) const PREDICT: &str = r#"echo '{"ready": true}'
while read -r line; do
  id=${line#*:}; id=${id%%,*}
  fares=${line#*\"fare\":[}; fares=${fares%%]*}
  p=$(echo "$fares" | tr ',' '\n' | awk '{ printf "%s%.6f", (NR > 1 ? "," : ""), ($1 == "null" ? 0.5 : 1 / (1 + exp(-$1))) }')
  echo "{\"id\": $id, \"columns\": {\"prediction\": [$p]}}"
done
"#;

const TRAINER: &str = r#"[nodes.trainer]
command = ["/bin/sh", "train.sh"]
label = "big_tipper"
num_steps = 4
grace_period = "5s"
"#;

/// Returns the taxi pipeline with a program as its trainer, and that program.
fn scene() -> Scene {
    let scene = Scene::taxi();
    let before = PIPELINE.split("[nodes.trainer]").next().unwrap();
    let after = PIPELINE.split("[nodes.evaluator]").nth(1).unwrap();
    let pipeline = format!("{before}{TRAINER}[nodes.evaluator]{after}");
    scene.write("pipeline.toml", &pipeline.replace("lower_bound = 0.7", "lower_bound = 0.01"));
    scene.write("train.sh", TRAIN);
    scene.write("predict.sh", PREDICT);
    scene
}

pub(crate) fn node<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["nodes"].as_array().unwrap().iter().find(|node| node["node"] == name).unwrap()
}

#[test]
fn a_program_trains_and_its_model_is_evaluated_pushed_and_asked() {
    let scene = scene();
    let report = scene.run_json(&[], 0);
    assert!(states(&report).contains(&"pusher done".to_owned()), "{report}");
    assert_eq!(node(&report, "trainer")["summary"], "4 steps, loss 0.5000");

    let run = scene.artifact("ModelRun");
    let read = |name: &str| fs::read_to_string(run.join(name)).unwrap();
    assert_eq!(read("logs/000-trainer.stdout"), "training on big_tipper\n");
    assert_eq!(read("logs/000-trainer.stderr"), "a warning\n");
    assert_eq!(read("metrics.jsonl").lines().count(), 4);

    // Raw rows go through the graph and then to the program.
    let trips = fs::read_to_string(scene.path("data/trips.csv")).unwrap();
    let rows: Vec<&str> = trips.lines().take(51).collect();
    scene.write("rows.csv", &(rows.join("\n") + "\n"));
    let said =
        scene.cupola(&["predict", "--model", "serving", "--input", "rows.csv"]).expect_code(0);
    let mut lines = said.stdout.lines();
    assert_eq!(lines.next(), Some("prediction"));
    let predictions: Vec<f32> = lines.map(|line| line.parse().unwrap()).collect();
    assert_eq!(predictions.len(), 50);
    let fares = rows[0].split(',').position(|name| name == "fare").unwrap();
    let fare = |row: usize| rows[row + 1].split(',').nth(fares).unwrap().parse::<f32>().ok();
    for row in 1..50 {
        if let (Some(one), Some(other)) = (fare(row - 1), fare(row)) {
            assert_eq!(one < other, predictions[row - 1] < predictions[row], "rows before {row}");
        }
    }

    // Nothing changed, nothing runs; another program does.
    assert_eq!(node(&scene.run_json(&[], 0), "trainer")["state"], "cached");
    scene.write("train.sh", &format!("{TRAIN}\n# another one\n"));
    let report = scene.run_json(&[], 0);
    assert_eq!(node(&report, "trainer")["state"], "done");
}

#[test]
fn a_program_that_fails_is_shown_and_goes_on_in_the_next_run() {
    let scene = scene();
    scene.write("die", "");
    let report = scene.run_json(&[], 3);
    let error = node(&report, "trainer")["error"].as_str().unwrap();
    assert!(error.contains("trainer ended with exit code 9"), "{error}");
    assert!(error.ends_with("  | a warning\n  | Traceback: no more memory"), "{error}");
    let report = scene.run_json(&[], 0);
    assert_eq!(node(&report, "trainer")["summary"], "4 steps, loss 0.5000");
    let run = scene.artifact("ModelRun");
    assert_eq!(fs::read_to_string(run.join("begun")).unwrap(), "from 0\nfrom 1\n");
    // The first step was not taken again.
    assert_eq!(fs::read_to_string(run.join("metrics.jsonl")).unwrap().lines().count(), 4);

    // Started again in the same run, where that is wanted.
    scene.replace("pipeline.toml", "num_steps = 4", "num_steps = 4\nmax_restarts = 1");
    scene.write("die", "");
    let report = scene.run_json(&[], 0);
    assert_eq!(
        node(&report, "trainer")["summary"],
        "4 steps, loss 0.5000; started again once: trainer ended with exit code 9 behind step 1"
    );
}

#[test]
fn a_stopped_run_leaves_no_program_behind() {
    let scene = scene();
    scene.write("wait", "");
    let mut run = scene.command(&["run", "--quiet"]).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    let pid = loop {
        let pid = fs::read_to_string(scene.path("waiting")).unwrap_or_default();
        if pid.ends_with('\n') {
            break pid.trim().to_owned();
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it never began to train");
        std::thread::sleep(Duration::from_millis(20));
    };
    let kill = |signal: &str, pid: &str| {
        std::process::Command::new("kill").args([signal, pid]).status().unwrap().success()
    };
    assert!(kill("-INT", &run.id().to_string()));
    let mut said = String::new();
    run.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(3), "{said}");
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
}

#[test]
fn mistakes_about_programs_are_found_before_anything_runs() {
    let scene = scene();
    let said = |from: &str, to: &str| {
        scene.replace("pipeline.toml", from, to);
        let said = scene.cupola(&["check"]).expect_code(2).stderr;
        scene.replace("pipeline.toml", to, from);
        said
    };
    let none = said("command = [\"/bin/sh\", \"train.sh\"]", "features = [\"fare\"]");
    assert!(none.contains("no model, expected a built-in `model`, or a program"), "{none}");
    let label = said("label = \"big_tipper\"", "label = \"big_tiper\"");
    assert!(label.contains("there is no transformed feature `big_tiper`"), "{label}");
    assert!(label.contains("did you mean `big_tipper`?"), "{label}");
    let other = said("num_steps = 4", "batch_size = 4");
    assert!(other.contains("is for built-in models"), "{other}");
    let span = said("\"5s\"", "\"5 s\"");
    assert!(span.contains("grace_period"), "{span}");
}

/// Returns the Python that a variable names, or says what is left out without it.
pub(crate) fn python(variable: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
    let python = std::env::var(variable).ok();
    if python.is_none() {
        println!("SKIPPED: {variable} is not set; its frameworks train nothing");
    }
    python
}

/// Returns a folder with what is in `examples/trainers`, and 3,000 trips.
pub(crate) fn trainers() -> Scene {
    let scene = Scene::empty();
    scene.cupola(&["init", "init", "--rows", "3000", "--quiet"]).expect_code(0);
    fs::rename(scene.path("init/data"), scene.path("data")).unwrap();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/trainers");
    for entry in fs::read_dir(examples).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), scene.path(entry.file_name().to_str().unwrap())).unwrap();
        }
    }
    scene
}

/// Returns `docs/training.md`.
pub(crate) fn page() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/training.md")).unwrap()
}

/// Returns a block of `docs/training.md`.
pub(crate) fn snippet(name: &str) -> String {
    let page = page();
    let (_, behind) = page.split_once(&format!("<!-- snippet: {name} -->\n```")).unwrap();
    let (_, block) = behind.split_once('\n').unwrap();
    block.split_once("\n```").unwrap().0.to_owned() + "\n"
}

/// Returns the taxi pipeline with another trainer.
pub(crate) fn with_trainer(trainer: &str) -> String {
    let before = PIPELINE.split("[nodes.trainer]").next().unwrap();
    let after = PIPELINE.split("[nodes.evaluator]").nth(1).unwrap();
    format!("{before}{trainer}\n[nodes.evaluator]{after}")
        .replace("lower_bound = 0.7", "lower_bound = 0.6")
}

#[test]
fn what_the_page_about_training_shows_works() {
    let scene = Scene::taxi();
    for name in ["train.py", "predict.py"] {
        scene.write(name, &snippet(name));
    }
    for name in ["strategy.toml", "cluster.toml", "module.toml"] {
        scene.write("pipeline.toml", &with_trainer(&snippet(name)));
        scene.cupola(&["check"]).expect_code(0);
    }
    let Some(python) = python("CUPOLA_TRAINERS_PYTHON") else { return };
    let python = format!("nodes.trainer.python=\"{python}\"");
    let report = scene.run_json(&["--set", &python], 0);
    assert_eq!(node(&report, "pusher")["state"], "done", "{report}");
    let summary = node(&report, "trainer")["summary"].as_str().unwrap();
    assert!(summary.starts_with("200 steps, loss 0."), "{summary}");
    // By two processes, each of which says what the one does.
    scene.write("pipeline.toml", &with_trainer(&snippet("strategy.toml")));
    let steps = "nodes.trainer.num_steps=200";
    let rate = "nodes.trainer.hyperparameters={learning_rate=0.5}";
    let report = scene.run_json(&["--set", &python, "--set", steps, "--set", rate], 0);
    let summary = node(&report, "trainer")["summary"].as_str().unwrap();
    assert!(summary.starts_with("200 steps, loss 0."), "{summary}");
    let run = scene.artifact("ModelRun");
    assert_eq!(fs::read_dir(run.join("logs")).unwrap().count(), 4);
    let predict = ["predict", "--model", "serving", "--input", "data/trips.csv"];
    assert_eq!(scene.cupola(&predict).expect_code(0).stdout.lines().count(), 1501);
}

/// A `kubectl` whose cluster is this machine: it runs what the manifest's pod says, and tells how that ended.
const KUBECTL: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$*" | sed "s#$here#[DIR]#g; s#cupola-[0-9a-f]*#NAME#g" >> "$here/calls"
for word in "$@"; do last=$word; done
verb=$3
case $verb in
  apply)
    args=$(grep -A 1 'name: CUPOLA_FN_ARGS' "$last" | sed -n 's/.*value: "*\([^"]*\)"*$/\1/p')
    dir=$(sed -n 's/.*workingDir: "*\([^"]*\)"*$/\1/p' "$last")
    # In a session of its own, so that it outlives who started it.
    setsid -f sh -c "cd '$dir' && CUPOLA_FN_ARGS='$args' sh train.sh > '$here/pod' 2>&1; echo \$? > '$here/new' && mv '$here/new' '$here/ended'"
    while [ ! -e "$here/pod" ]; do sleep 0.01; done
    ;;
  get)
    if [ -e "$here/ended" ]; then
      if [ "$(cat "$here/ended")" = 0 ]; then type=Complete; else type=Failed; fi
      echo "{\"status\": {\"conditions\": [{\"type\": \"$type\", \"status\": \"True\", \"reason\": \"BackoffLimitExceeded\", \"message\": \"enough\"}]}}"
    elif [ -e "$here/pod" ]; then echo '{"status": {}}'; fi
    ;;
  logs) cat "$here/pod" ;;
  delete) rm -f "$here/ended" "$here/pod" ;;
esac
"#;

#[test]
fn a_cluster_trains_and_the_model_is_taken_from_there() {
    let scene = scene();
    let volume = scene.path("").display().to_string();
    let volume = volume.trim_end_matches('/');
    fs::create_dir(scene.path("bin")).unwrap();
    scene.write("bin/kubectl", KUBECTL);
    let kubectl = scene.path("bin/kubectl");
    fs::set_permissions(&kubectl, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let cluster = format!(
        "num_steps = 4\nkubernetes = {{ context = \"prod\", namespace = \"training\", image = \"train:7\", \
         manifest = \"trainer.yaml\", kubectl = \"{}\", volume = {{ claim = \"work\", path = \"{volume}\" }} }}",
        kubectl.display()
    );
    scene.replace("pipeline.toml", "num_steps = 4", &cluster);
    scene.write("die", "");
    let report = scene.run_json(&[], 3);
    let error = node(&report, "trainer")["error"].as_str().unwrap();
    assert!(error.contains("BackoffLimitExceeded: enough"), "{error}");
    assert!(error.ends_with("  | Traceback: no more memory"), "{error}");

    let report = scene.run_json(&[], 0);
    assert_eq!(node(&report, "trainer")["summary"], "4 steps, loss 0.5000");
    assert!(states(&report).contains(&"pusher done".to_owned()), "{report}");
    let run = scene.artifact("ModelRun");
    assert_eq!(fs::read_to_string(run.join("begun")).unwrap(), "from 0\nfrom 1\n");
    let manifest = fs::read_to_string(scene.path("trainer.yaml")).unwrap();
    assert!(manifest.starts_with("apiVersion: batch/v1\nkind: Job\n"), "{manifest}");

    // Nothing is left there.
    let calls = fs::read_to_string(scene.path("bin/calls")).unwrap();
    let begins = "--context=prod --namespace=training ";
    let mut calls: Vec<_> = calls.lines().map(|call| call.strip_prefix(begins).unwrap()).collect();
    calls.dedup();
    let get = "get job.batch/NAME --ignore-not-found --output=json";
    assert_eq!(calls[0], get);
    assert!(calls[1].starts_with("apply -f ") && calls[1].ends_with("/manifest.yaml"), "{calls:?}");
    assert_eq!(calls[2], get);
    assert!(calls[3].starts_with("logs --selector=app.kubernetes.io/instance=NAME"), "{calls:?}");
    let delete = "delete job.batch/NAME --ignore-not-found --wait=true";
    assert!(calls[4..].contains(&delete), "{calls:?}");
    assert_eq!(calls.last(), Some(&"delete service/NAME --ignore-not-found --wait=true"));

    // A folder that the pods do not have is found before anything is applied.
    scene.replace("pipeline.toml", &format!("path = \"{volume}\""), "path = \"/elsewhere\"");
    let report = scene.run_json(&[], 3);
    let error = node(&report, "trainer")["error"].as_str().unwrap();
    assert!(error.contains("not on the volume /elsewhere"), "{error}");
    scene.replace("pipeline.toml", "kubernetes = {", "kubernetes = { kind = \"pytorch_job\",");
    let said = scene.cupola(&["check"]).expect_code(2).stderr;
    assert!(said.contains("expected the strategy `multi_worker`"), "{said}");
}
