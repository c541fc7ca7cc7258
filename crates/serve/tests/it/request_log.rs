//! Sampled requests on disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use dataflow::Source as _;
use dataset::ParquetFiles;
use serve::config::RequestLogConfig;

use crate::scene::{PATIENCE, Scene};

const PREDICT: &str = "/v1/models/taxi:predict";
const BODY: &str =
    r#"{"instances": [{"fare": 12.0, "company": "Yellow"}, {"fare": null, "company": "Blue"}]}"#;

fn log(dir: PathBuf, share: f64) -> Option<RequestLogConfig> {
    let max_age = Duration::from_secs(3600);
    Some(RequestLogConfig { dir, share, has_predictions: true, max_rows: 1000, max_age })
}

fn shards(dir: &Path) -> Vec<PathBuf> {
    let mut shards = Vec::new();
    for piece in fs::read_dir(dir).into_iter().flatten() {
        let split = piece.unwrap().path().join("Split-serving");
        shards.extend(fs::read_dir(split).into_iter().flatten().map(|file| file.unwrap().path()));
    }
    shards.sort();
    shards
}

#[test]
fn what_was_served_is_examples() {
    let mut scene = Scene::with(|dir, config| {
        config.models[0].request_log = log(dir.join("log"), 0.5);
    });
    let mut client = scene.client();
    for _ in 0..100 {
        assert_eq!(client.post(PREDICT, BODY).status, 200);
    }
    drop(client);
    assert!(scene.server.take().unwrap().shut_down());
    let shards = shards(&scene.dir.path().join("log"));
    let files = ParquetFiles::open(&shards).unwrap();
    let schema = files.schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["fare", "company", "prediction", "logit"]);
    let mut rows = 0;
    for partition in 0..files.num_partitions() {
        for batch in files.read(partition, None).unwrap() {
            let batch = batch.unwrap();
            rows += batch.num_rows();
            assert_eq!(batch.column(0).null_count() * 2, batch.num_rows());
        }
    }
    assert!((98..=102).contains(&rows), "{rows}");
}

#[test]
fn a_disk_that_refuses_fails_no_request() {
    let scene = Scene::with(|dir, config| {
        // A file stands where the folder should be.
        fs::write(dir.join("log"), "").unwrap();
        config.models[0].request_log = log(dir.join("log"), 1.0);
    });
    let mut client = scene.client();
    for _ in 0..5000 {
        assert_eq!(client.post(PREDICT, BODY).status, 200);
    }
    assert!(scene.metric("cupola_unlogged_rows_total{model_name=\"taxi\"}") > 0);
    assert!(scene.lines.text().contains("\"event\":\"request_log_failed\""));
}

/// Whether this process is the one whose files may not grow.
const IS_CHILD: &str = "CUPOLA_TEST_FULL_DISK";

#[test]
fn a_disk_that_is_full_fails_no_request() {
    if std::env::var_os(IS_CHILD).is_none() {
        // No file may grow past some hundred KiB, as on a disk that fills up while it is written; the system says so with
        // an error in place of a signal.
        let output = Command::new("/bin/sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 256; exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "request_log::a_disk_that_is_full_fails_no_request", "--nocapture"])
            .env(IS_CHILD, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let mut scene = Scene::with(|dir, config| {
        config.models[0].request_log = log(dir.join("log"), 1.0);
        if let Some(log) = &mut config.models[0].request_log {
            log.max_rows = 1_000_000;
        }
    });
    let mut client = scene.client();
    let num_rows = 20_000;
    for round in 0..10 {
        let row = |row: i32| {
            let fare = f64::from(row * 7919 % 10_007) / 3.0;
            format!("{{\"fare\": {fare}, \"company\": \"{}\"}}", row * 31 + round)
        };
        let rows: Vec<_> = (0..num_rows).map(row).collect();
        let answer = client.post(PREDICT, &format!("{{\"instances\": [{}]}}", rows.join(",")));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["predictions"].as_array().unwrap().len(), rows.len());
    }
    drop(client);
    // All of it is written by the end, or is not.
    let dir = scene.dir.path().join("log");
    let until = Instant::now() + PATIENCE;
    while !scene.lines.text().contains("\"event\":\"request_log_failed\"") {
        assert!(Instant::now() < until, "{}", scene.lines.text());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(scene.metric("cupola_unlogged_rows_total{model_name=\"taxi\"}") > 0);
    assert_eq!(scene.client().post(PREDICT, BODY).status, 200);
    assert!(scene.server.take().unwrap().shut_down());
    // What was begun and could not be finished is gone; what is there can be read.
    for piece in fs::read_dir(&dir).into_iter().flatten() {
        let split = piece.unwrap().path().join("Split-serving");
        let shards: Vec<_> = fs::read_dir(split).unwrap().map(|f| f.unwrap().path()).collect();
        ParquetFiles::open(&shards).unwrap();
    }
}
