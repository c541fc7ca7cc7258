//! A folder of versions, and a server in this process.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use graph::{Graph, GraphBuilder, Op, ValueType, Vocabulary};
use model::network::{Network, Weights};
use model::{Architecture, FeatureKind, FeatureSpec, Model, Signature, Task};
use servable::Servable;
use serve::{ModelConfig, ServableLoader, ServeConfig, Server};
use tempfile::TempDir;

use crate::client::Client;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

fn graph() -> Graph {
    let mut builder = GraphBuilder::new();
    let fare = builder.input("fare", ValueType::Float).unwrap();
    let scaled = builder.scale_to_z_score(fare, 10.0, 4.0).unwrap();
    let company = builder.input("company", ValueType::String).unwrap();
    let tokens = Vocabulary::new(["Blue", "Yellow"]).unwrap();
    let vocabulary = builder.vocabulary("company", tokens).unwrap();
    let lookup = Op::Lookup { vocabulary, num_oov_buckets: 1, default_value: -1 };
    let company = builder.node(lookup, &[company]).unwrap();
    let rate = builder.literal(0.25).unwrap();
    let tips = builder.input("tips", ValueType::Float).unwrap();
    let threshold = builder.node(Op::Multiply, &[fare, rate]).unwrap();
    let big_tipper = builder.node(Op::Greater, &[tips, threshold]).unwrap();
    for (name, node) in [("big_tipper", big_tipper), ("fare", scaled), ("company", company)] {
        builder.output(name, node).unwrap();
    }
    builder.build()
}

/// A linear model of `(fare - 10) / 2` and 1, 2 or 4 by company, and a bias.
fn model(task: Task, bias: f32) -> Model {
    let inputs = vec![
        FeatureSpec { name: "fare".to_owned(), kind: FeatureKind::Numeric },
        FeatureSpec {
            name: "company".to_owned(),
            kind: FeatureKind::Categorical { num_buckets: 3 },
        },
    ];
    let width = task.width();
    let network = Network::new(&inputs, &Architecture::Linear, width).unwrap();
    let mut weights = Weights::zeros(&network);
    for (company, weight) in [1.0, 2.0, 4.0].into_iter().enumerate() {
        weights.wide[company * width] = weight;
    }
    weights.layers[0].weight[0] = 1.0;
    weights.layers[0].bias[0] = bias;
    let signature = Signature::new(inputs, "big_tipper".to_owned(), task);
    Model::new(signature, Architecture::Linear, weights).unwrap()
}

/// What the model of a bias says of a fare of 12 with company Yellow.
pub(crate) fn logit(bias: f32) -> f32 {
    1.0 + 2.0 + bias
}

/// Pushes a version of some task and bias.
pub(crate) fn push(dir: &Path, number: u64, task: Task, bias: f32) -> PathBuf {
    push_with(dir, number, task, bias, |_| {})
}

/// Pushes a version to whose folder something is added.
pub(crate) fn push_with(
    dir: &Path,
    number: u64,
    task: Task,
    bias: f32,
    add: impl FnOnce(&Path),
) -> PathBuf {
    let made = tempfile::tempdir().unwrap();
    Servable::save(made.path(), &graph(), &model(task, bias)).unwrap();
    add(made.path());
    // Of the same content there would be no other version.
    std::fs::write(made.path().join("note"), number.to_string()).unwrap();
    let pushed = push::push(made.path(), dir, number).unwrap();
    assert_eq!(pushed.version, number);
    pushed.dir
}

/// Where the server's log goes.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A server of the model `taxi`, whose serving directory is `dir/taxi`.
pub(crate) struct Scene {
    pub(crate) dir: TempDir,
    pub(crate) server: Option<Server>,
    pub(crate) lines: Lines,
}

impl Scene {
    /// Serves version 1, a binary classifier with bias 0.
    pub(crate) fn new() -> Self {
        Self::with(|_, _| {})
    }

    /// Serves version 1 with a changed configuration; the folder is the first argument.
    pub(crate) fn with(change: impl FnOnce(&Path, &mut ServeConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        push(&dir.path().join("taxi"), 1, Task::BinaryClassification, 0.0);
        Self::of(dir, change)
    }

    /// Serves what is in a folder, and waits until it answers.
    pub(crate) fn of(dir: TempDir, change: impl FnOnce(&Path, &mut ServeConfig)) -> Self {
        let scene = Self::unready(dir, change);
        assert!(scene.server().wait_ready(PATIENCE), "{}", scene.lines.text());
        scene
    }

    pub(crate) fn unready(dir: TempDir, change: impl FnOnce(&Path, &mut ServeConfig)) -> Self {
        let mut config = config(&dir.path().join("taxi"));
        change(dir.path(), &mut config);
        let lines = Lines::default();
        let server = start(&config, &lines);
        Self { dir, server: Some(server), lines }
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server().addresses()[0]
    }

    pub(crate) fn taxi(&self) -> PathBuf {
        self.dir.path().join("taxi")
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address())
    }

    /// Waits until a request for `path` is answered with text that has `part` in it.
    #[track_caller]
    pub(crate) fn wait_for(&self, path: &str, part: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let (_, body) = self.client().get(path);
            if body.contains(part) {
                return;
            }
            assert!(Instant::now() < until, "{path}: {part}\n{body}\n{}", self.lines.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns the value of a metric, by the beginning of its line; 0 where it is not there.
    pub(crate) fn metric(&self, line: &str) -> u64 {
        let (_, text) = self.client().get("/metrics");
        let value = text.lines().find_map(|l| l.strip_prefix(line)).unwrap_or(" 0");
        value.trim().parse().unwrap()
    }
}

pub(crate) fn config(dir: &Path) -> ServeConfig {
    ServeConfig {
        addresses: vec!["127.0.0.1:0".parse().unwrap()],
        models: vec![ModelConfig::new("taxi", dir)],
        poll: Some(Duration::from_millis(20)),
        threads: Some(2),
        ..ServeConfig::default()
    }
}

pub(crate) fn start(config: &ServeConfig, lines: &Lines) -> Server {
    let log = Box::new(lines.clone());
    Server::start(config, Arc::new(ServableLoader), log, || 1_700_000_000_000).unwrap()
}
