//! Versions that come and go.

use std::fs;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base::Classify as _;
use model::Task;
use serve::config::VersionPolicy;
use serve::{ServableLoader, ServeError, Server};

use crate::scene::{Lines, PATIENCE, Scene, config, push};

const BINARY: Task = Task::BinaryClassification;
const STATUS: &str = "/v1/models/taxi";
const PREDICT: &str = "/v1/models/taxi:predict";
const BODY: &str = r#"{"instances": [{"fare": 12.0, "company": "Yellow"}]}"#;

fn logit(scene: &Scene, path: &str) -> String {
    let answer = scene.client().post(path, BODY);
    match answer.status {
        200 => answer.json()["predictions"][0]["logit"][0].to_string(),
        _ => answer.error(),
    }
}

/// How the state of a version is written.
fn state(number: u64, state: &str) -> String {
    format!("\"version\": \"{number}\",\n      \"state\": \"{state}\"")
}

#[test]
fn a_new_version_takes_over_without_a_failed_request() {
    let scene = Scene::new();
    let ends = AtomicBool::new(false);
    let num_answers = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut client = scene.client();
                let mut last = 0.0;
                while !ends.load(Ordering::Relaxed) {
                    let answer = client.post(PREDICT, BODY);
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    let logit = answer.json()["predictions"][0]["logit"][0].as_f64().unwrap();
                    // Once the new one answered, the old one never does again.
                    assert!(logit >= last, "{logit} after {last}");
                    last = logit;
                    num_answers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for number in 2..12u8 {
            push(&scene.taxi(), number.into(), BINARY, f32::from(number - 1));
            scene.wait_for(STATUS, &state(number.into(), "AVAILABLE"));
            scene.wait_for(STATUS, &state(u64::from(number) - 1, "END"));
        }
        ends.store(true, Ordering::Relaxed);
    });
    assert!(num_answers.load(Ordering::Relaxed) > 0);
    assert_eq!(logit(&scene, PREDICT), "13.0");
}

/// Pushes a version with a graph without what its model reads.
fn push_bad(scene: &Scene, number: u64) {
    let bad = push(&scene.dir.path().join("elsewhere"), number, BINARY, 1.0);
    fs::remove_file(bad.join("READY")).unwrap();
    let text = fs::read_to_string(bad.join("graph/graph.json")).unwrap();
    fs::write(bad.join("graph/graph.json"), text.replace("\"company\"", "\"firm\"")).unwrap();
    let made = tempfile::tempdir().unwrap();
    fs::rename(&bad, made.path().join("model")).unwrap();
    push::push(&made.path().join("model"), &scene.taxi(), number).unwrap();
}

#[test]
fn a_version_that_cannot_answer_leaves_the_one_before() {
    let scene = Scene::new();
    push_bad(&scene, 3);

    scene.wait_for(STATUS, &state(3, "END"));
    let (_, status) = scene.client().get(STATUS);
    assert!(status.contains("\"error_code\": \"FAILED_PRECONDITION\""), "{status}");
    assert!(status.contains(&state(1, "AVAILABLE")), "{status}");
    assert_eq!(logit(&scene, PREDICT), "3.0");
    assert!(logit(&scene, "/v1/models/taxi/versions/3:predict").contains("could not be loaded"));
    assert_eq!(scene.metric("cupola_load_failures_total{model_name=\"taxi\"}"), 1);
    assert!(scene.lines.text().contains("\"event\":\"version_failed\""));
}

#[test]
fn a_version_that_cannot_answer_takes_nobodys_place() {
    let scene = Scene::with(|dir, config| {
        push(&dir.join("taxi"), 2, BINARY, 1.0);
        config.models[0].policy = VersionPolicy::Latest(2);
    });
    scene.wait_for(STATUS, &state(1, "AVAILABLE"));
    push_bad(&scene, 3);
    scene.wait_for(STATUS, &state(3, "END"));
    let version = |number| logit(&scene, &format!("/v1/models/taxi/versions/{number}:predict"));
    assert_eq!([version(1), version(2)], ["3.0", "4.0"]);
    // Two are wanted, and of those that answer two stay.
    push(&scene.taxi(), 4, BINARY, 3.0);
    scene.wait_for(STATUS, &state(1, "END"));
    assert_eq!([version(2), version(4)], ["4.0", "6.0"]);
    push(&scene.taxi(), 5, BINARY, 4.0);
    scene.wait_for(STATUS, &state(2, "END"));
    assert_eq!([version(4), version(5)], ["6.0", "7.0"]);
}

#[test]
fn a_half_copied_version_is_taken_once_it_is_whole() {
    let scene = Scene::new();
    let whole = push(&scene.dir.path().join("elsewhere"), 2, BINARY, 1.0);
    let copy = scene.taxi().join("2");
    // The marker comes first here, which is the worst order.
    fs::create_dir_all(copy.join("model")).unwrap();
    fs::copy(whole.join("READY"), copy.join("READY")).unwrap();
    fs::copy(whole.join("model/model.json"), copy.join("model/model.json")).unwrap();
    scene.wait_for(STATUS, &state(2, "END"));
    assert_eq!(logit(&scene, PREDICT), "3.0");

    let weights = fs::read(whole.join("model/weights.safetensors")).unwrap();
    fs::write(copy.join("model/weights.safetensors"), &weights[..weights.len() / 2]).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(logit(&scene, PREDICT), "3.0");

    copy_all(&whole, &copy);
    scene.wait_for(STATUS, &state(2, "AVAILABLE"));
    assert_eq!(logit(&scene, PREDICT), "4.0");
}

fn copy_all(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn an_emptied_folder_goes_on_answering() {
    let scene = Scene::new();
    fs::remove_dir_all(scene.taxi()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(logit(&scene, PREDICT), "3.0");
    assert_eq!(scene.client().get("/health/ready").0, 200);
    let said = scene.lines.text().matches("\"event\":\"no_versions\"").count();
    assert_eq!(said, 1, "{}", scene.lines.text());
    // And takes the next one that comes.
    push(&scene.taxi(), 5, BINARY, 2.0);
    scene.wait_for(STATUS, &state(5, "AVAILABLE"));
    assert_eq!(logit(&scene, PREDICT), "5.0");
}

#[test]
fn versions_and_labels_are_chosen() {
    let dir = tempfile::tempdir().unwrap();
    for number in 1..=4u8 {
        push(&dir.path().join("taxi"), number.into(), BINARY, f32::from(number));
    }
    let scene = Scene::of(dir, |_, config| {
        config.models[0].policy = VersionPolicy::Latest(2);
        config.models[0].labels =
            [("stable".to_owned(), 3), ("old".to_owned(), 1)].into_iter().collect();
    });
    scene.wait_for(STATUS, &state(3, "AVAILABLE"));
    assert_eq!(logit(&scene, PREDICT), "7.0");
    assert_eq!(logit(&scene, "/v1/models/taxi/versions/3:predict"), "6.0");
    assert_eq!(logit(&scene, "/v1/models/taxi/labels/stable:predict"), "6.0");
    assert!(logit(&scene, "/v1/models/taxi/labels/old:predict").starts_with("404 "));
    assert!(logit(&scene, "/v1/models/taxi/versions/1:predict").starts_with("404 "));

    let dir = tempfile::tempdir().unwrap();
    for number in 1..=3u8 {
        push(&dir.path().join("taxi"), number.into(), BINARY, f32::from(number));
    }
    let scene = Scene::of(dir, |_, config| {
        config.models[0].policy = VersionPolicy::Specific(vec![1, 2]);
    });
    scene.wait_for(STATUS, &state(1, "AVAILABLE"));
    assert_eq!(logit(&scene, PREDICT), "5.0");
    assert!(logit(&scene, "/v1/models/taxi/versions/3:predict").starts_with("404 "));
}

#[test]
fn a_server_without_a_version_is_alive_and_not_ready() {
    let dir = tempfile::tempdir().unwrap();
    let scene = Scene::unready(dir, |_, _| {});
    let mut client = scene.client();
    assert_eq!(client.get("/health/live").0, 200);
    assert_eq!(client.get("/health/ready").0, 503);
    assert_eq!(client.get("/v2/health/ready"), (503, r#"{"ready":false}"#.to_owned()));
    assert!(logit(&scene, PREDICT).starts_with("404 "));
    push(&scene.taxi(), 1, BINARY, 0.0);
    assert!(scene.server().wait_ready(PATIENCE));
    assert_eq!(logit(&scene, PREDICT), "3.0");
}

#[test]
fn a_taken_port_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.addresses = vec![taken.local_addr().unwrap()];
    let log = Box::new(Lines::default());
    let error = Server::start(&config, Arc::new(ServableLoader), log, || 0).err().unwrap();
    assert_eq!(error.to_string(), format!("cannot listen on {}", config.addresses[0]));
    assert!(error.hint().unwrap().contains("`--port`"));

    config.addresses.clear();
    config.models.push(config.models[0].clone());
    let log = Box::new(Lines::default());
    let error = Server::start(&config, Arc::new(ServableLoader), log, || 0).err().unwrap();
    assert!(matches!(error, ServeError::Twice { name } if name == "taxi"));
}

#[test]
fn what_was_asked_is_answered_before_the_end() {
    let mut scene = Scene::new();
    let mut idle = scene.client();
    assert_eq!(idle.get("/health/live").0, 200);
    let mut busy = scene.client();
    let head =
        format!("POST {PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", BODY.len());
    busy.send(head.as_bytes());
    std::thread::sleep(Duration::from_millis(50));
    let server = scene.server.take().unwrap();
    let ending = std::thread::spawn(move || server.shut_down());
    assert!(idle.is_closed());
    busy.send(BODY.as_bytes());
    let answer = busy.receive().unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(ending.join().unwrap());
    assert!(scene.lines.text().contains("\"event\":\"ended\""));
}

#[test]
fn the_end_does_not_wait_for_ever() {
    let mut scene =
        Scene::with(|_, config| config.limits.drain_timeout = Duration::from_millis(200));
    let mut slow = scene.client();
    slow.send(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n");
    std::thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    assert!(!scene.server.take().unwrap().shut_down());
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn memory_of_versions_that_went_goes_back() {
    let scene = Scene::new();
    let resident = || -> u64 {
        let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
        pages.split(' ').nth(1).map_or(0, |pages| pages.parse().unwrap())
    };
    let mut after_some = 0;
    for number in 2..42 {
        push(&scene.taxi(), number, BINARY, 0.0);
        scene.wait_for(STATUS, &state(number, "AVAILABLE"));
        scene.wait_for(STATUS, &state(number - 1, "END"));
        fs::remove_dir_all(scene.taxi().join((number - 1).to_string())).unwrap();
        if number == 12 {
            after_some = resident();
        }
    }
    // Other tests run in this process too; a leak of each version would still be far more than that.
    let grown = resident().saturating_sub(after_some) * 4096;
    assert!(grown < 64 << 20, "grown by {grown} bytes");
    let (_, status) = scene.client().get(STATUS);
    assert!(status.matches("END").count() <= 16, "{status}");
}

#[test]
fn names_beside_the_versions_are_labels_that_can_move() {
    let dir = tempfile::tempdir().unwrap();
    for number in 1..=3u8 {
        push(&dir.path().join("taxi"), number.into(), BINARY, f32::from(number));
    }
    let name = |dir: &std::path::Path, names: &[(&str, u64)]| {
        let names = names.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
        push::update_aliases::<push::PushError>(dir, || Ok(names)).unwrap();
    };
    name(&dir.path().join("taxi"), &[("champion", 1), ("stable", 2)]);
    let scene = Scene::of(dir, |_, config| {
        config.models[0].labels = [("stable".to_owned(), 3)].into_iter().collect();
    });
    let champion = "/v1/models/taxi/labels/champion:predict";
    scene.wait_for(STATUS, &state(1, "AVAILABLE"));
    // A version with a name is there, however old; the newest answers whoever asks for none.
    assert_eq!((logit(&scene, champion), logit(&scene, PREDICT)), ("4.0".into(), "6.0".into()));
    // What the configuration says comes first.
    assert_eq!(logit(&scene, "/v1/models/taxi/labels/stable:predict"), "6.0");

    name(&scene.taxi(), &[("champion", 2)]);
    scene.wait_for("/v1/models/taxi/labels/champion", &state(2, "AVAILABLE"));
    assert_eq!(logit(&scene, champion), "5.0");
    scene.wait_for(STATUS, &state(1, "END"));
    // A file that cannot be read changes nothing, and is said once.
    fs::write(scene.taxi().join(push::ALIASES), "{").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(logit(&scene, champion), "5.0");
    assert_eq!(scene.lines.text().matches("aliases_unreadable").count(), 1);
    name(&scene.taxi(), &[]);
    scene.wait_for(STATUS, &state(2, "END"));
    assert!(logit(&scene, champion).contains("Unrecognized servable version label"));
}

#[test]
fn a_version_alone_is_served_whatever_its_folder_is_called() {
    let made = tempfile::tempdir().unwrap();
    let version = push(&made.path().join("taxi"), 7, BINARY, 0.0);
    let dir = tempfile::tempdir().unwrap();
    fs::rename(version, dir.path().join("taxi")).unwrap();
    let scene = Scene::of(dir, |_, _| {});
    assert_eq!(logit(&scene, "/v1/models/taxi/versions/1:predict"), "3.0");
}
