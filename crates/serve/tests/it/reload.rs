//! `HandleReloadConfigRequest`: clients say which models are served, where they may.

use std::path::Path;

use model::Task;

use crate::grpc::proto::tensorflow::serving::model_server_config::Config;
use crate::grpc::proto::tensorflow::serving::servable_version_policy::{
    All, Latest, PolicyChoice, Specific,
};
use crate::grpc::proto::tensorflow::serving::{
    ModelConfig, ModelConfigList, ModelServerConfig, ReloadConfigRequest, ReloadConfigResponse,
    ServableVersionPolicy,
};
use crate::grpc::{self, call};
use crate::scene::{Scene, push};

const RELOAD: &str = "/tensorflow.serving.ModelService/HandleReloadConfigRequest";
const BODY: &str = r#"{"instances": [{"fare": 12.0, "company": "Yellow"}]}"#;
const TASK: Task = Task::Regression;

fn open() -> Scene {
    let dir = tempfile::tempdir().unwrap();
    for number in [1, 2, 3] {
        push(&dir.path().join("taxi"), number, TASK, number as f32);
    }
    push(&dir.path().join("bike"), 7, TASK, 10.0);
    Scene::of(dir, |_, config| config.allow_reload = true)
}

fn model(name: &str, dir: &Path) -> ModelConfig {
    let base_path = dir.display().to_string();
    ModelConfig { name: name.to_owned(), base_path, ..ModelConfig::default() }
}

fn policy(choice: PolicyChoice) -> Option<ServableVersionPolicy> {
    Some(ServableVersionPolicy { policy_choice: Some(choice) })
}

fn reload(scene: &Scene, models: Vec<ModelConfig>) -> String {
    let config = Some(Config::ModelConfigList(ModelConfigList { config: models }));
    let request = ReloadConfigRequest { config: Some(ModelServerConfig { config }) };
    match call::<ReloadConfigResponse>(scene.address(), RELOAD, &request) {
        Ok(response) => format!("{} ok", response.status.unwrap_or_default().error_code),
        Err(error) => error,
    }
}

/// Returns the prediction of a model, or the status of its error.
fn ask(scene: &Scene, model: &str) -> String {
    let answer = scene.client().post(&format!("/v1/models/{model}:predict"), BODY);
    match answer.status {
        200 => answer.json()["predictions"][0][0].to_string(),
        status => status.to_string(),
    }
}

#[test]
fn nobody_may_unless_the_server_says_so() {
    let scene = Scene::new();
    let said = reload(&scene, vec![model("other", &scene.taxi())]);
    assert!(said.starts_with("7 ") && said.contains("allow_reload"), "{said}");
    assert_eq!(ask(&scene, "other"), "404");
}

#[test]
fn a_list_of_models_takes_the_place_of_the_one_before() {
    let scene = open();
    assert_eq!((ask(&scene, "taxi"), ask(&scene, "bike")), ("6.0".to_owned(), "404".to_owned()));
    let (taxi, bike) = (scene.taxi(), scene.dir.path().join("bike"));
    assert_eq!(reload(&scene, vec![model("taxi", &taxi), model("bike", &bike)]), "0 ok");
    // It answers as soon as that is said.
    assert_eq!((ask(&scene, "taxi"), ask(&scene, "bike")), ("6.0".to_owned(), "13.0".to_owned()));

    // Another policy, with labels, and one model less.
    let specific = PolicyChoice::Specific(Specific { versions: vec![1, 2] });
    let mut changed = model("taxi", &taxi);
    changed.model_version_policy = policy(specific);
    changed.version_labels = [("stable".to_owned(), 1)].into();
    assert_eq!(reload(&scene, vec![changed]), "0 ok");
    assert_eq!((ask(&scene, "taxi"), ask(&scene, "bike")), ("5.0".to_owned(), "404".to_owned()));
    assert_eq!(ask(&scene, "taxi/labels/stable"), "4.0");
    assert_eq!(ask(&scene, "taxi/versions/3"), "404");

    for (choice, expected) in [
        (PolicyChoice::All(All {}), ["4.0", "5.0", "6.0"]),
        // The default of the protocol is one.
        (PolicyChoice::Latest(Latest { num_versions: 0 }), ["404", "404", "6.0"]),
        (PolicyChoice::Latest(Latest { num_versions: 2 }), ["404", "5.0", "6.0"]),
    ] {
        let mut changed = model("taxi", &taxi);
        changed.model_version_policy = policy(choice);
        assert_eq!(reload(&scene, vec![changed]), "0 ok");
        let versions = [1, 2, 3].map(|number| ask(&scene, &format!("taxi/versions/{number}")));
        assert_eq!(versions, expected);
    }

    // Another folder under the same name; it is followed from then on.
    assert_eq!(reload(&scene, vec![model("taxi", &bike)]), "0 ok");
    assert_eq!(ask(&scene, "taxi"), "13.0");
    push(&bike, 8, TASK, 20.0);
    scene.wait_for("/v1/models/taxi", "\"version\": \"8\",\n      \"state\": \"AVAILABLE\"");
    assert_eq!(ask(&scene, "taxi"), "23.0");
    assert!(scene.lines.text().contains("\"event\":\"models_changed\""));
}

#[test]
fn a_list_that_cannot_be_served_changes_nothing() {
    let scene = open();
    let (taxi, bike) = (scene.taxi(), scene.dir.path().join("bike"));
    let empty = scene.dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let broken = push(&scene.dir.path().join("broken"), 1, TASK, 0.0);
    std::fs::write(broken.join("model/weights.safetensors"), "").unwrap();
    let with = |change: fn(&mut ModelConfig)| {
        let mut model = model("bike", &bike);
        change(&mut model);
        model
    };
    for (models, expected) in [
        (vec![], "3 no model is given"),
        (vec![model("a", &taxi), model("a", &bike)], "3 model `a` stands twice"),
        (vec![model("a/b", &taxi)], "3 model name"),
        (vec![model("bike", Path::new("bike"))], "3 model bike: base_path: found"),
        (vec![model("bike", &bike), model("a", &empty)], "9 model a: found no version in"),
        (vec![model("bike", &bike), model("a", Path::new("/no/such"))], "9 model a: found no"),
        (vec![model("a", &scene.dir.path().join("broken"))], "9 model a: version 1 cannot be"),
        (vec![with(|m| m.model_platform = "torch".to_owned())], "3 model bike: model_platform"),
        (vec![with(|m| m.logging_config = Some(bytes::Bytes::new()))], "12 model bike: logging"),
        (
            vec![with(|m| m.version_labels = [("a".to_owned(), -1)].into())],
            "3 model bike: version -1",
        ),
    ] {
        let said = reload(&scene, models);
        assert!(said.starts_with(expected), "{said}\n{expected}");
        assert_eq!(
            (ask(&scene, "taxi"), ask(&scene, "bike")),
            ("6.0".to_owned(), "404".to_owned())
        );
    }
    let (_, code, said) = grpc::send(scene.address(), RELOAD, &[], grpc::framed(&[]));
    assert_eq!((code, said.as_str()), (3, "found no config, expected a model_config_list"));
}

#[test]
fn requests_are_answered_while_models_are_exchanged() {
    let scene = open();
    let (taxi, bike) = (scene.taxi(), scene.dir.path().join("bike"));
    let ends = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut count = 0;
            while !ends.load(std::sync::atomic::Ordering::Relaxed) {
                let answer = ask(&scene, "taxi");
                assert!(["6.0", "13.0"].contains(&answer.as_str()), "{answer}");
                count += 1;
            }
            count
        });
        for round in 0..20 {
            let dir = if round % 2 == 0 { &bike } else { &taxi };
            assert_eq!(reload(&scene, vec![model("taxi", dir)]), "0 ok");
        }
        ends.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(asking.join().unwrap() > 0);
    });
}
