//! A model on its way out: into the real server first, then to every destination.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::mpsc::channel;

use serde_json::Value;

use crate::scene::{Scene, states};

fn with_infra_validator(config: &str) -> Scene {
    let scene = Scene::taxi();
    let nodes = format!("[nodes.infra_validator]\n{config}\n\n[nodes.pusher]");
    scene.replace("pipeline.toml", "[nodes.pusher]", &nodes);
    scene
}

fn state_of(report: &Value, node: &str) -> String {
    let all = states(report);
    let found = all.iter().find_map(|line| line.strip_prefix(&format!("{node} ")));
    found.unwrap_or_default().to_owned()
}

/// Returns the versions of the serving directory.
fn versions(scene: &Scene) -> Vec<PathBuf> {
    let entries = fs::read_dir(scene.path("serving")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn report(scene: &Scene) -> Value {
    let text = fs::read_to_string(scene.artifact("InfraBlessing").join("infra_validation.json"));
    serde_json::from_str(&text.unwrap()).unwrap()
}

#[test]
fn a_model_that_answers_in_the_server_is_pushed_with_what_warms_it_up() {
    let scene = with_infra_validator("num_examples = 7\nlatency = { num_requests = 20 }");
    let run = scene.run_json(&[], 0);
    assert_eq!(state_of(&run, "infra_validator"), "done");
    let found = report(&scene);
    assert_eq!((&found["blessed"], &found["num_examples"]), (&true.into(), &7.into()));
    // Served and offline, it is the same to the last bit.
    assert_eq!(found["largest_difference"], 0.0);
    assert_eq!(found["tries"].as_array().unwrap().len(), 1);
    let apis: Vec<_> = found["latencies"].as_array().unwrap().iter().map(|l| &l["api"]).collect();
    assert_eq!(apis, ["REST", "gRPC"]);
    let blessing = scene.artifact("InfraBlessing");
    assert!(blessing.join("INFRA_BLESSED").is_file());
    let log = fs::read_to_string(blessing.join("server.log")).unwrap();
    assert!(log.contains("\"event\":\"version_available\""), "{log}");
    assert!(!blessing.join("server.out").exists());

    let pushed = versions(&scene);
    let warmup = pushed[0].join("assets.extra/tf_serving_warmup_requests");
    assert_eq!((pushed.len(), warmup.is_file()), (1, true));
    scene.cupola(&["predict", "--model", "serving", "--input", "data/trips.csv"]).expect_code(0);
    // Nothing is left of the server's folder.
    let beside = fs::read_dir(blessing.parent().unwrap()).unwrap();
    let names: Vec<_> = beside.map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("tmp")), "{names:?}");
    let run = scene.run_json(&[], 0);
    assert_eq!(state_of(&run, "infra_validator"), "cached");
}

#[test]
fn a_model_that_is_too_slow_or_never_there_is_not_pushed() {
    for (config, reason) in [
        ("num_tries = 1\nlatency = { num_requests = 5, p99 = \"0ms\" }", "the limit is 0.0 ms"),
        ("num_tries = 2\nmax_loading_time = \"0ms\"", "not available within 0 s"),
    ] {
        let scene = with_infra_validator(config);
        let said = scene.cupola(&["run"]).expect_code(1);
        assert!(
            said.stderr.contains("infra_validator") && said.stderr.contains(reason),
            "{}",
            said.stderr
        );
        assert_eq!(versions(&scene).len(), 0);
        assert!(scene.artifact("InfraBlessing").join("INFRA_NOT_BLESSED").is_file());
        assert!(!scene.artifact("InfraBlessing").join("stamped_model").exists());
        assert_eq!(report(&scene)["blessed"], false);
        let pushed = fs::read_to_string(scene.artifact("PushedModel").join("pushed.json")).unwrap();
        assert!(pushed.contains("does not answer in a server"), "{pushed}");
    }
}

#[test]
fn a_push_that_failed_in_part_is_finished_by_the_next_run() {
    let scene = Scene::taxi();
    let (sender, received) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut length, mut signature) = (0, String::new());
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) < 3 {
                    break;
                }
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                if let Some(value) = line.strip_prefix("x-cupola-signature: ") {
                    value.trim().clone_into(&mut signature);
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            reader.get_mut().write_all(answer).unwrap();
            let _ = sender.send((signature, serde_json::from_slice::<Value>(&body).unwrap()));
        }
    });
    scene.replace(
        "pipeline.toml",
        "destination = { directory = \"serving\" }",
        &format!(
            "destination = {{ directory = \"serving\" }}\n\
             destinations = [\n  {{ directory = \"blocked\" }},\n  \
             {{ webhook = {{ url = \"{url}\", secret_variable = \"HOOK_SECRET\" }} }},\n]"
        ),
    );
    // The secret is not in the environment: nothing is pushed anywhere.
    let said = scene.cupola(&["run"]).expect_code(3);
    assert!(
        said.stderr.contains("the environment has no variable `HOOK_SECRET`"),
        "{}",
        said.stderr
    );
    assert_eq!(versions(&scene).len(), 0);

    let run = |code: i32| {
        let mut command = scene.command(&["run", "--quiet"]);
        scene.said(command.env("HOOK_SECRET", "sesame").output().unwrap()).expect_code(code)
    };
    scene.write("blocked", "a file, not a folder");
    let said = run(1);
    assert!(said.stderr.contains("not pushed everywhere: directory"), "{}", said.stderr);
    let pushed = fs::read_to_string(scene.artifact("PushedModel").join("pushed.json")).unwrap();
    let pushed: Value = serde_json::from_str(&pushed).unwrap();
    assert_eq!(pushed["pushed"], false);
    let told: Vec<_> =
        pushed["destinations"].as_array().unwrap().iter().map(|d| &d["state"]).collect();
    assert_eq!(told, ["placed", "failed", "skipped"]);
    assert!(received.try_recv().is_err());
    assert_eq!(versions(&scene).len(), 1);

    fs::remove_file(scene.path("blocked")).unwrap();
    run(0);
    let (signature, body) = received.recv().unwrap();
    assert!(signature.starts_with("sha256="), "{signature}");
    assert_eq!((&body["event"], &body["node"]), (&"model.pushed".into(), &"pusher".into()));
    // What was there already was not pushed again, and both have the same number.
    let names = |dir: &str| -> Vec<String> {
        let entries = fs::read_dir(scene.path(dir)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("serving"), names("blocked"));
    let shown = scene.cupola(&["models", "list", "--json"]).expect_code(0).json();
    assert_eq!(shown["models"].as_array().unwrap().len(), 2);
    // Now it is done, and nobody is told twice.
    run(0);
    assert!(received.try_recv().is_err());
    let everything = scene.cupola(&["artifacts", "list", "--json"]).expect_code(0).stdout;
    assert!(!everything.contains("sesame"));
}

#[test]
fn destinations_are_checked_before_anything_runs() {
    let scene = Scene::taxi();
    let check = |destination: &str| {
        let lines = fs::read_to_string(scene.path("pipeline.toml")).unwrap();
        let kept: Vec<_> = lines.lines().filter(|line| !line.starts_with("destination")).collect();
        scene.write("pipeline.toml", &format!("{}\n{destination}\n", kept.join("\n")));
        scene.cupola(&["check"]).expect_code(2).stderr
    };
    for (destination, said) in [
        ("", "no `destination` and no `destinations`"),
        (
            "destination = { object_store = \"https://host/x\" }",
            "cannot be written to a web server",
        ),
        (
            "destination = { webhook = { url = \"https://me:sesame@host/x\" } }",
            "a user or a password",
        ),
        ("destination = { server = { directory = \"s\", url = \"localhost\" } }", "expected a URL"),
        (
            "destination = { kserve = { manifest = \"m.yaml\", name = \"Taxi\", image = \"i\" } }",
            "lower case letters",
        ),
        (
            "destinations = [{ kserve = { manifest = \"m.yaml\", name = \"taxi\", image = \"i\" } }]",
            "no `storage_uri`",
        ),
        ("destination = { directry = \"serving\" }", "directory"),
    ] {
        let stderr = check(destination);
        assert!(stderr.contains(said), "{destination}: {stderr}");
    }
}
