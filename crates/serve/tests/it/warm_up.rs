//! Warm-up files: requests that a version has to answer before it answers others.

use std::fs;
use std::path::Path;

use formats::tfrecord::RecordWriter;
use model::Task;
use prost::Message;

use crate::grpc::proto::tensorflow::serving::input::Kind;
use crate::grpc::proto::tensorflow::serving::prediction_log::LogType;
use crate::grpc::proto::tensorflow::serving::{
    ClassificationRequest, ClassifyLog, ExampleList, InferenceTask, Input, MultiInferenceLog,
    MultiInferenceRequest, PredictLog, PredictionLog, RegressLog, RegressionRequest,
};
use crate::grpc::{request, spec};
use crate::rest::example;
use crate::scene::{Scene, push_with};

const STATUS: &str = "/v1/models/taxi";

fn record(log: LogType) -> Vec<u8> {
    PredictionLog { log_type: Some(log) }.encode_to_vec()
}

fn predict(
    change: impl FnOnce(&mut crate::grpc::proto::tensorflow::serving::PredictRequest),
) -> Vec<u8> {
    let mut request = request();
    change(&mut request);
    record(LogType::PredictLog(PredictLog { request: Some(request) }))
}

fn input() -> Option<Input> {
    let examples = vec![example().into()];
    Some(Input { kind: Some(Kind::ExampleList(ExampleList { examples })) })
}

fn write(made: &Path, records: &[Vec<u8>]) {
    let dir = made.join("assets.extra");
    fs::create_dir(&dir).unwrap();
    let mut writer = RecordWriter::new(Vec::new());
    records.iter().for_each(|record| writer.write(record).unwrap());
    fs::write(dir.join("tf_serving_warmup_requests"), writer.into_inner()).unwrap();
}

/// Pushes version 2 with a file of its own beside version 1, and returns what its status is then.
fn status(made: impl FnOnce(&Path)) -> (Scene, String) {
    let scene = Scene::new();
    push_with(&scene.taxi(), 2, Task::BinaryClassification, 1.0, made);
    let until = std::time::Instant::now() + crate::scene::PATIENCE;
    loop {
        let (_, status) = scene.client().get(STATUS);
        let is_settled = status.contains("\"version\": \"2\"") && !status.contains("LOADING");
        if is_settled {
            return (scene, status);
        }
        assert!(std::time::Instant::now() < until, "{status}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn a_version_answers_its_own_requests_first() {
    let spec = || Some(spec("whoever"));
    let classify = ClassificationRequest { model_spec: spec(), input: input() };
    let regress = RegressionRequest { model_spec: spec(), input: input() };
    let method_name = "tensorflow/serving/classify".to_owned();
    let tasks = vec![InferenceTask { model_spec: spec(), method_name }];
    let several = MultiInferenceRequest { tasks, input: input() };
    let records = [
        predict(|_| {}),
        record(LogType::ClassifyLog(ClassifyLog { request: Some(classify) })),
        record(LogType::RegressLog(RegressLog { request: Some(regress) })),
        record(LogType::MultiInferenceLog(MultiInferenceLog { request: Some(several) })),
    ];
    let (scene, status) = status(|made| write(made, &records));
    assert!(!status.contains("FAILED"), "{status}");
    let log = scene.lines.text();
    assert!(log.contains("\"warm_up_requests\":4"), "{log}");
}

#[test]
fn as_many_as_the_format_has_are_answered() {
    let records = vec![predict(|_| {}); 1000];
    let (scene, _) = status(|made| write(made, &records));
    assert!(scene.lines.text().contains("\"warm_up_requests\":1000"));
}

#[test]
fn a_version_that_fails_its_own_requests_does_not_answer() {
    let many = vec![predict(|_| {}); 1001];
    for (records, expected) in [
        (
            vec![predict(|_| {}), predict(|r| drop(r.inputs.remove("fare")))],
            "request 2: feature `fare`",
        ),
        (vec![predict(|r| r.model_spec = None)], "request 1: Missing ModelSpec"),
        (
            vec![record(LogType::SessionRunLog(bytes::Bytes::new()))],
            "request 1: found a session's run",
        ),
        (vec![vec![]], "request 1: found no request"),
        (vec![vec![0xff; 9]], "request 1: "),
        (many, "found more than 1000 requests"),
    ] {
        let (scene, status) = status(|made| write(made, &records));
        assert!(status.contains(expected), "{status}\n{expected}");
        assert!(status.contains("assets.extra/tf_serving_warmup_requests: "), "{status}");
        // The one before goes on.
        let body = r#"{"instances": [{"fare": 12.0, "company": "Yellow"}]}"#;
        let answer = scene.client().post("/v1/models/taxi:predict", body).text();
        assert!(answer.contains("\"logit\": [3.0]"), "{answer}");
    }
    let (_, status) = status(|made| {
        fs::create_dir(made.join("assets.extra")).unwrap();
        fs::write(made.join("assets.extra/tf_serving_warmup_requests"), "no records").unwrap();
    });
    assert!(
        status.contains("tf_serving_warmup_requests: ") && status.contains("\"END\""),
        "{status}"
    );
}
