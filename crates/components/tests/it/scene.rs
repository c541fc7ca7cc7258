//! A folder with examples and models in it, and an evaluator that runs over them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray};
use artifact::{
    Artifact, ArtifactId, ArtifactState, Component, Executor, Outcome, Progress, PropertyValue,
    RunContext,
};
use base::BoxError;
use components::Evaluator;
use dataset::{Dataset, ShardWriter};
use engine::LocalEngine;
use evaluate::Evaluation;
use graph::{Graph, GraphBuilder, Op, ValueType};
use model::network::{Network, Weights};
use model::{Architecture, FeatureKind, FeatureSpec, Model, Signature, Task};
use serde_json::Value;
use servable::Servable;
use tempfile::TempDir;

/// One trip: fare, tips, how it was paid.
pub(crate) type Trip = (Option<f32>, Option<f32>, Option<&'static str>);

pub(crate) struct Scene {
    dir: TempDir,
}

pub(crate) struct Silent;

impl Progress for Silent {
    fn report(&self, _done: u64, _total: u64, _message: &str) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// What an evaluator did.
pub(crate) struct Evaluated {
    pub(crate) outcome: Outcome,
    pub(crate) evaluation: Evaluation,
    /// The names of the files of the blessing.
    pub(crate) blessing: Vec<String>,
}

impl Evaluated {
    pub(crate) fn property(&self, name: &str) -> Option<&PropertyValue> {
        self.outcome.properties["blessing"].custom_properties.get(name)
    }
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write_split(&self, split: &str, trips: &[Trip]) {
        let batch = trips_batch(trips);
        let dir = Dataset::split_dir(&self.path("examples"), split);
        let mut writer = ShardWriter::create(&dir, "examples", batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    /// Writes a model that says a trip has a big tip with logit `weight * feature`.
    pub(crate) fn write_model(&self, name: &str, feature: &str, weight: f32) {
        let model = model(feature, weight, "big_tipper", Task::BinaryClassification);
        Servable::save(&self.path(name), &graph(feature), &model).unwrap();
    }

    /// Writes a model of the tips themselves.
    pub(crate) fn write_regression(&self, name: &str) {
        let model = model("fare", 0.2, "tips", Task::Regression);
        Servable::save(&self.path(name), &graph("fare"), &model).unwrap();
    }

    pub(crate) fn evaluate(
        &self,
        config: &Value,
        baseline: Option<&str>,
        threads: usize,
    ) -> Result<Evaluated, BoxError> {
        let mut inputs = BTreeMap::from([
            ("examples".to_owned(), vec![artifact(1, "Examples", self.path("examples"))]),
            ("model".to_owned(), vec![artifact(2, "Model", self.path("candidate"))]),
        ]);
        let baseline = baseline.map(|name| artifact(3, "Model", self.path(name)));
        inputs.insert("baseline_model".to_owned(), baseline.into_iter().collect());
        let out = tempfile::tempdir_in(self.dir.path()).unwrap();
        let outputs: BTreeMap<String, PathBuf> = Evaluator
            .outputs()
            .iter()
            .map(|output| (output.key.to_owned(), out.path().join(output.key)))
            .collect();
        outputs.values().for_each(|dir| std::fs::create_dir(dir).unwrap());
        let engine = LocalEngine::new(NonZeroUsize::new(threads).unwrap(), Arc::default());
        let outcome = Evaluator.run(&RunContext {
            node: "evaluator",
            config,
            base_dir: Path::new("/nowhere"),
            inputs: &inputs,
            outputs: &outputs,
            keep_dir: None,
            engine: &engine,
            progress: &Silent,
            now_ms: 0,
        })?;
        let names = std::fs::read_dir(&outputs["blessing"]).unwrap();
        Ok(Evaluated {
            outcome,
            evaluation: Evaluation::load(&outputs["evaluation"].join("evaluation.json")).unwrap(),
            blessing: names
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect(),
        })
    }
}

pub(crate) fn artifact(id: i64, type_name: &str, uri: PathBuf) -> Artifact {
    Artifact {
        id: ArtifactId(id),
        type_name: type_name.to_owned(),
        uri,
        state: ArtifactState::Live,
        properties: BTreeMap::new(),
        custom_properties: BTreeMap::new(),
        create_time_ms: 0,
    }
}

fn trips_batch(trips: &[Trip]) -> RecordBatch {
    let floats = |value: fn(&Trip) -> Option<f32>| -> ArrayRef {
        Arc::new(trips.iter().map(value).collect::<Float32Array>())
    };
    let payments: StringArray = trips.iter().map(|trip| trip.2).collect();
    // A feature that is called as a column that scoring adds.
    let labels: Int64Array = trips.iter().map(|_| Some(7)).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("fare", floats(|trip| trip.0), true),
        ("tips", floats(|trip| trip.1), true),
        ("payment_type", Arc::new(payments) as ArrayRef, true),
        ("label", Arc::new(labels) as ArrayRef, true),
    ])
    .unwrap()
}

/// The label is whether the tips are more than a fifth of the fare.
fn graph(feature: &str) -> Graph {
    let mut builder = GraphBuilder::new();
    let number = builder.input(feature, ValueType::Float).unwrap();
    builder.output(&format!("{feature}_number"), number).unwrap();
    let fare = builder.input("fare", ValueType::Float).unwrap();
    let tips = builder.input("tips", ValueType::Float).unwrap();
    let share = builder.literal(0.2).unwrap();
    let enough = builder.node(Op::Multiply, &[fare, share]).unwrap();
    let label = builder.node(Op::Greater, &[tips, enough]).unwrap();
    builder.output("big_tipper", label).unwrap();
    builder.output("tips", tips).unwrap();
    builder.build()
}

fn model(feature: &str, weight: f32, label: &str, task: Task) -> Model {
    let inputs =
        vec![FeatureSpec { name: format!("{feature}_number"), kind: FeatureKind::Numeric }];
    let network = Network::new(&inputs, &Architecture::Linear, 1).unwrap();
    let mut weights = Weights::zeros(&network);
    weights.layers[0].weight[0] = weight;
    let signature = Signature::new(inputs, label.to_owned(), task);
    Model::new(signature, Architecture::Linear, weights).unwrap()
}
