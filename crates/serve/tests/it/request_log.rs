//! Sampled requests on disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dataflow::Source as _;
use dataset::ParquetFiles;
use serve::config::RequestLogConfig;

use crate::scene::Scene;

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
