//! Models to push, and servers to push to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use graph::{Graph, GraphBuilder, ValueType};
use model::network::{Network, Weights};
use model::{Architecture, FeatureKind, FeatureSpec, Model, Signature, Task};
use push::{Delivery, Destination, PushContext, PushError, RunningServer, deliver};
use remote::Environment;
use serde_json::{Value, json};
use servable::Servable;
use serve::{ModelConfig, ServableLoader, ServeConfig, Server};
use tempfile::TempDir;

fn graph() -> Graph {
    let mut builder = GraphBuilder::new();
    let fare = builder.input("fare", ValueType::Float).unwrap();
    builder.output("fare", fare).unwrap();
    builder.output("label", fare).unwrap();
    builder.build()
}

fn model(bias: f32) -> Model {
    let inputs = vec![FeatureSpec { name: "fare".to_owned(), kind: FeatureKind::Numeric }];
    let network = Network::new(&inputs, &Architecture::Linear, 1).unwrap();
    let mut weights = Weights::zeros(&network);
    weights.layers[0].bias[0] = bias;
    let signature = Signature::new(inputs, "label".to_owned(), Task::Regression);
    Model::new(signature, Architecture::Linear, weights).unwrap()
}

/// A folder with models, and whatever is pushed to.
pub(crate) struct Scene {
    pub(crate) dir: TempDir,
    pub(crate) environment: Environment,
    pub(crate) seconds: u64,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, environment: Environment::default(), seconds: 1_767_225_600 }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a model that predicts its bias.
    pub(crate) fn model(&self, bias: f32) -> PathBuf {
        let dir = self.path(&format!("model-{bias}"));
        Servable::save(&dir, &graph(), &model(bias)).unwrap();
        dir
    }

    /// Writes a model whose graph lacks what it reads.
    pub(crate) fn broken_model(&self) -> PathBuf {
        let dir = self.model(99.0);
        let path = dir.join("graph/graph.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"fare\"", "\"fee\"")).unwrap();
        dir
    }

    pub(crate) fn try_deliver(
        &self,
        model: &Path,
        to: &[Destination],
    ) -> Result<Vec<Delivery>, PushError> {
        deliver(
            model,
            to,
            &PushContext {
                now_seconds: self.seconds,
                environment: &self.environment,
                facts: json!({ "node": "pusher" }),
                is_cancelled: &|| false,
            },
        )
    }

    /// Pushes and returns what became of it, with this folder shown as `[DIR]`.
    pub(crate) fn deliver(&self, model: &Path, to: &[Destination]) -> Vec<Value> {
        let told = self.try_deliver(model, to).unwrap();
        let told = Value::from_iter(told.iter().map(Delivery::to_json)).to_string();
        let told = told.replace(&self.dir.path().display().to_string(), "[DIR]");
        serde_json::from_str(&told).unwrap()
    }

    /// Starts a server that watches `taxi`.
    pub(crate) fn serve(&self) -> Server {
        std::fs::create_dir_all(self.path("taxi")).unwrap();
        let config = ServeConfig {
            addresses: vec!["127.0.0.1:0".parse().unwrap()],
            models: vec![ModelConfig::new("taxi", self.path("taxi"))],
            poll: Some(Duration::from_millis(20)),
            ..ServeConfig::default()
        };
        let log = Box::new(std::io::sink());
        Server::start(&config, Arc::new(ServableLoader), log, || 0).unwrap()
    }

    /// Returns that server as a destination.
    pub(crate) fn running(&self, server: &Server) -> RunningServer {
        RunningServer {
            directory: self.path("taxi"),
            url: format!("http://{}", server.addresses()[0]),
            model: "taxi".to_owned(),
            token: None,
            timeout: Duration::from_secs(20),
        }
    }

    pub(crate) fn versions(&self) -> Vec<u64> {
        let versions = push::versions(&self.path("taxi")).unwrap();
        versions.into_iter().map(|(version, _)| version).collect()
    }
}

/// Returns what the model `taxi` of a server predicts, and which version it is.
pub(crate) fn prediction(server: &Server) -> f64 {
    let body = r#"{"instances": [{"fare": 1.0}]}"#;
    let mut stream = TcpStream::connect(server.addresses()[0]).unwrap();
    let head = format!(
        "POST /v1/models/taxi:predict HTTP/1.0\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let row = &body["predictions"][0];
    let value = if row.is_object() { &row["prediction"] } else { row };
    let value = value.get(0).unwrap_or(value);
    value.as_f64().unwrap_or_else(|| panic!("{answer}"))
}

/// A request that somebody sent.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.headers.iter().find_map(|header| header.strip_prefix(&prefix))
    }
}

/// Starts a web server that answers requests with these statuses, one after the other and the last for ever; returns its
/// URL and what it receives.
pub(crate) fn hook(statuses: &'static [u16]) -> (String, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?key=sesame", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut statuses = statuses.iter();
        let mut status = 500;
        for stream in listener.incoming().flatten() {
            status = statuses.next().copied().unwrap_or(status);
            let mut reader = BufReader::new(stream);
            let mut headers = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) < 3 {
                    break;
                }
                headers.push(line.trim_end().to_owned());
            }
            let mut received = Received { headers, body: String::new() };
            let length = received.header("content-length").map_or(0, |n| n.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            received.body = String::from_utf8(body).unwrap();
            let answer = format!(
                "HTTP/1.1 {status} Whatever\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbusy"
            );
            // Before the answer: who has it looks at once for what was received.
            let is_heard = sender.send(received).is_ok();
            let _ = reader.get_mut().write_all(answer.as_bytes());
            if !is_heard {
                return;
            }
        }
    });
    (url, receiver)
}
