//! Candidates in servers: the real one, and programs that are none.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Float32Array, RecordBatch, StringArray};
use graph::{Graph, GraphBuilder, Op, ValueType, Vocabulary};
use infra_validation::{
    Api, Flaw, LatencyLimits, Limits, Question, Report, Server, questions, validate,
};
use model::network::{Network, Weights};
use model::{Architecture, FeatureKind, FeatureSpec, Model, Predictor, Signature, Task};
use program::Program;
use servable::Servable;
use serve::{ModelConfig, ServableLoader, ServeConfig};
use tempfile::TempDir;

fn graph() -> Graph {
    let mut builder = GraphBuilder::new();
    let fare = builder.input("fare", ValueType::Float).unwrap();
    let scaled = builder.scale_to_z_score(fare, 10.0, 4.0).unwrap();
    let company = builder.input("company", ValueType::String).unwrap();
    let tokens = Vocabulary::new(["Blue", "Yellow"]).unwrap();
    let vocabulary = builder.vocabulary("company", tokens).unwrap();
    let lookup = Op::Lookup { vocabulary, num_oov_buckets: 1, default_value: -1 };
    let company = builder.node(lookup, &[company]).unwrap();
    for (name, node) in [("label", scaled), ("fare", scaled), ("company", company)] {
        builder.output(name, node).unwrap();
    }
    builder.build()
}

fn model(bias: f32) -> Model {
    let inputs = vec![
        FeatureSpec { name: "fare".to_owned(), kind: FeatureKind::Numeric },
        FeatureSpec {
            name: "company".to_owned(),
            kind: FeatureKind::Categorical { num_buckets: 3 },
        },
    ];
    let network = Network::new(&inputs, &Architecture::Linear, 1).unwrap();
    let mut weights = Weights::zeros(&network);
    weights.wide.copy_from_slice(&[1.0, 2.0, 4.0]);
    weights.layers[0].weight[0] = 1.0;
    weights.layers[0].bias[0] = bias;
    let signature = Signature::new(inputs, "label".to_owned(), Task::BinaryClassification);
    Model::new(signature, Architecture::Linear, weights).unwrap()
}

fn examples() -> RecordBatch {
    let fares = Float32Array::from(vec![Some(12.0), Some(0.1), None, Some(-3.5)]);
    let companies = StringArray::from(vec![Some("Yellow"), Some("Rüd\"e"), Some("Blue"), None]);
    RecordBatch::try_from_iter_with_nullable([
        ("fare", Arc::new(fares) as ArrayRef, true),
        ("company", Arc::new(companies), true),
    ])
    .unwrap()
}

/// What a model of some bias says offline.
fn asked(bias: f32) -> Vec<Question> {
    let servable = Servable::new(graph(), model(bias)).unwrap();
    questions(&examples(), &servable.predict(&examples()).unwrap()).unwrap()
}

/// A folder for a server's log, and perhaps a real server of a model in this process.
struct Scene {
    dir: TempDir,
    server: Option<serve::Server>,
}

impl Scene {
    fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), server: None }
    }

    /// Serves a model of some bias.
    fn serving(bias: f32) -> Self {
        let mut scene = Self::empty();
        let made = scene.dir.path().join("made");
        Servable::save(&made, &graph(), &model(bias)).unwrap();
        let serving = scene.dir.path().join("taxi");
        push::push(&made, &serving, 1).unwrap();
        scene.serve(serving);
        scene
    }

    fn serve(&mut self, dir: PathBuf) {
        let config = ServeConfig {
            addresses: vec!["127.0.0.1:0".parse().unwrap()],
            models: vec![ModelConfig::new("taxi", dir)],
            ..ServeConfig::default()
        };
        let log = Box::new(std::io::sink());
        let server = serve::Server::start(&config, Arc::new(ServableLoader), log, || 0).unwrap();
        self.server = Some(server);
    }

    /// Returns a program that says where the server of this process is, and does `then`.
    fn program(&self, then: &str) -> Server {
        let address = self.server.as_ref().map(|server| server.addresses()[0]);
        let say = address.map_or(String::new(), |address| {
            format!("echo '{{\"serving\": {{\"urls\": [\"http://{address}\"]}}}}'; ")
        });
        let command = ["sh", "-c"].map(str::to_owned).into_iter();
        let command = command.chain([format!("{say}{then}")]).collect();
        let dir = self.dir.path().to_path_buf();
        Server {
            program: Program { command, dir: dir.clone(), env: Vec::new() },
            model: "taxi".to_owned(),
            log_dir: dir,
        }
    }

    fn validate(&self, then: &str, asked: &[Question], limits: &Limits) -> Report {
        validate(&self.program(then), asked, limits, &|| false).unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.program("").log_path()).unwrap()
    }
}

fn limits() -> Limits {
    Limits {
        loading: Duration::from_secs(20),
        request: Duration::from_secs(10),
        num_tries: 2,
        tolerance: 0.0,
        latency: LatencyLimits { num_requests: 20, ..LatencyLimits::default() },
    }
}

#[test]
fn a_candidate_that_answers_as_offline_has_no_flaw() {
    let scene = Scene::serving(0.0);
    let report = scene.validate("exec sleep 60", &asked(0.0), &limits());
    assert_eq!(report.flaw(), None);
    assert_eq!((report.tries.len(), report.num_examples), (1, 4));
    // Not one bit is lost on either way.
    assert!(report.largest_difference == 0.0, "{}", report.largest_difference);
    let apis: Vec<_> = report.latencies.iter().map(|l| (l.api, l.num_requests)).collect();
    assert_eq!(apis, [(Api::Rest, 20), (Api::Grpc, 20)]);
    assert!(report.latencies.iter().all(|l| l.p50 <= l.p99 && l.p99 > Duration::ZERO));

    // Without questions it is enough that the model is there.
    let report = scene.validate("exec sleep 60", &[], &limits());
    assert_eq!((report.flaw(), report.latencies.len()), (None, 0));
}

#[test]
fn another_prediction_than_offline_is_a_flaw_and_not_tried_again() {
    let scene = Scene::serving(0.25);
    let report = scene.validate("exec sleep 60", &asked(0.0), &limits());
    let Some(Flaw::Different { api: Api::Rest, example: 0, output, .. }) = report.flaw() else {
        panic!("{report:?}")
    };
    assert_eq!((output.as_str(), report.tries.len()), ("prediction", 1));
    let wide = Limits { tolerance: 0.3, ..limits() };
    let report = scene.validate("exec sleep 60", &asked(0.0), &wide);
    assert_eq!(report.flaw(), None);
    assert!(report.largest_difference > 0.0);
}

#[test]
fn a_model_that_does_not_load_is_a_flaw_with_the_servers_reason() {
    let mut scene = Scene::empty();
    let made = scene.dir.path().join("made");
    Servable::save(&made, &graph(), &model(0.0)).unwrap();
    let path = made.join("graph/graph.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"company\"", "\"firm\"")).unwrap();
    let serving = scene.dir.path().join("taxi");
    push::push(&made, &serving, 1).unwrap();
    scene.serve(serving);
    let report = scene.validate("exec sleep 60", &asked(0.0), &limits());
    let Some(Flaw::NotLoaded { message }) = report.flaw() else { panic!("{report:?}") };
    assert!(message.contains("company"), "{message}");
    assert_eq!(report.tries.len(), 1);
}

#[test]
fn a_server_that_dies_is_tried_again_and_its_log_is_kept() {
    let scene = Scene::empty();
    let report = scene.validate("echo boom >&2; exit 3", &asked(0.0), &limits());
    assert_eq!(report.flaw(), Some(&Flaw::Died { ended: "exit code 3".to_owned() }));
    assert_eq!((report.tries.len(), scene.log().as_str()), (2, "boom\nboom\n"));
}

#[test]
fn a_server_that_comes_up_the_second_time_is_good() {
    let scene = Scene::serving(0.0);
    let mut server = scene.program("exec sleep 60");
    server.program.command[2].insert_str(0, "if mkdir first 2> /dev/null; then exit 1; fi; ");
    let report = validate(&server, &asked(0.0), &limits(), &|| false).unwrap();
    assert_eq!((report.flaw(), report.tries.len()), (None, 2), "{report:?}");
}

#[test]
fn a_server_that_never_gets_ready_is_ended() {
    let scene = Scene::empty();
    let short = Limits { loading: Duration::from_millis(200), num_tries: 1, ..limits() };
    let began = Instant::now();
    let report = scene.validate("sleep 60", &asked(0.0), &short);
    assert_eq!(
        report.flaw().unwrap().to_string(),
        "the model was not available within 0.2 s: the server does not say where it listens"
    );
    // It says where it is and there is nobody.
    let mut scene = Scene::serving(0.0);
    let address = scene.server.as_ref().unwrap().addresses()[0];
    let program = scene.program("exec sleep 60");
    scene.server.take().unwrap().shut_down();
    let report = validate(&program, &asked(0.0), &short, &|| false).unwrap();
    let said = report.flaw().unwrap().to_string();
    assert!(said.contains(&format!("http://{address}/v1/models/taxi")), "{said}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn latency_has_limits() {
    let scene = Scene::serving(0.0);
    let strict = |p50, p99| Limits {
        latency: LatencyLimits { num_requests: 10, p50, p99 },
        num_tries: 2,
        ..limits()
    };
    let nothing = Some(Duration::from_nanos(1));
    let report = scene.validate("exec sleep 60", &asked(0.0), &strict(nothing, None));
    let Some(Flaw::Slow { api: Api::Rest, percentile: 50, num_requests: 10, .. }) = report.flaw()
    else {
        panic!("{report:?}")
    };
    // The machine may have been busy.
    assert_eq!(report.tries.len(), 2);
    let report = scene.validate("exec sleep 60", &asked(0.0), &strict(None, nothing));
    assert!(matches!(report.flaw(), Some(Flaw::Slow { percentile: 99, .. })), "{report:?}");
}

#[test]
fn it_ends_when_it_is_told_to_and_says_when_there_is_no_program() {
    let scene = Scene::empty();
    let began = Instant::now();
    let said = validate(&scene.program("sleep 60"), &[], &limits(), &|| true).unwrap_err();
    assert_eq!(said.to_string(), "cancelled");
    assert!(began.elapsed() < Duration::from_secs(10));
    let mut server = scene.program("");
    server.program.command = vec!["/nowhere/cupola".to_owned()];
    let said = validate(&server, &[], &limits(), &|| false).unwrap_err();
    assert!(said.to_string().contains("/nowhere/cupola"), "{said}");
}
