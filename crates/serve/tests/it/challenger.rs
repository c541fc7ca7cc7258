//! Two versions, one traffic.

use std::time::{Duration, Instant};

use model::Task;
use serve::config::{ChallengerConfig, VersionChoice, VersionPolicy};

use crate::scene::{Scene, push};

const PREDICT: &str = "/v1/models/taxi:predict";
const BODY: &str = r#"{"instances": [{"fare": 12.0, "company": "Yellow"}]}"#;

/// Serves versions 1 and 2, the second as challenger with a share of a fifth.
fn scene(is_shadow: bool, bias: f32) -> Scene {
    let dir = tempfile::tempdir().unwrap();
    push(&dir.path().join("taxi"), 1, Task::BinaryClassification, 0.0);
    push(&dir.path().join("taxi"), 2, Task::BinaryClassification, bias);
    let scene = Scene::of(dir, |_, config| {
        config.models[0].policy = VersionPolicy::Latest(2);
        config.models[0].challenger = Some(ChallengerConfig {
            version: VersionChoice::Newest,
            share: 0.2,
            is_shadow,
            tolerance: 1e-6,
        });
    });
    scene.wait_for("/v1/models/taxi/versions/1", "AVAILABLE");
    scene.wait_for("/v1/models/taxi/versions/2", "AVAILABLE");
    scene
}

/// Asks 100 times; returns how often version 2 answered.
fn ask(scene: &Scene) -> usize {
    let mut client = scene.client();
    let answers: Vec<_> = (0..100).map(|_| client.post(PREDICT, BODY).text()).collect();
    answers.iter().filter(|answer| answer.contains("\"logit\": [5.0]")).count()
}

#[track_caller]
fn wait_for_rows(scene: &Scene, rows: u64) {
    let until = Instant::now() + Duration::from_secs(20);
    while scene.metric("cupola_compared_rows_total{model_name=\"taxi\"}") < rows {
        assert!(Instant::now() < until, "not compared");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_shadow_answers_nobody_and_is_compared() {
    let scene = scene(true, 2.0);
    assert_eq!(ask(&scene), 0);
    wait_for_rows(&scene, 19);
    let different = scene.metric("cupola_different_rows_total{model_name=\"taxi\"}");
    assert!((19..=21).contains(&different), "{different}");
    assert!(scene.metric("cupola_compared_distance_millionths_total{model_name=\"taxi\"}") > 0);
    assert_eq!(scene.metric("cupola_challenger_answers_total{model_name=\"taxi\"}"), 0);
    let text = scene.lines.text();
    assert!(text.contains("\"event\":\"versions_differ\""), "{text}");
    assert!(text.contains("\"answered\":1,\"beside\":2"), "{text}");
}

#[test]
fn a_canary_answers_its_share() {
    let scene = scene(false, 2.0);
    let answered = ask(&scene);
    assert!((19..=21).contains(&answered), "{answered}");
    wait_for_rows(&scene, 19);
    // Who names a version gets that one.
    let mut client = scene.client();
    for _ in 0..20 {
        let answer = client.post("/v1/models/taxi/versions/1:predict", BODY).text();
        assert!(answer.contains("\"logit\": [3.0]"));
    }
}

#[test]
fn equal_versions_do_not_differ() {
    let scene = scene(true, 0.0);
    ask(&scene);
    wait_for_rows(&scene, 19);
    assert_eq!(scene.metric("cupola_different_rows_total{model_name=\"taxi\"}"), 0);
    assert!(!scene.lines.text().contains("versions_differ"));
}
