//! What a component is: its ports, its configuration, how it is checked and how it is run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::BoxError;
use dataflow::Engine;
use serde_json::Value;

use crate::{Artifact, ArtifactType, Ledger, LedgerError, Properties};

/// A kind of node: what a `[nodes.<id>]` table configures.
///
/// A component is a function of its configuration, its inputs' content and the files that it declares; the
/// runner caches it by these. It has no memory, reads no environment and no clock but the context's.
pub trait Component: Send + Sync {
    /// Returns the name, in CamelCase, such as `ExampleGen`.
    fn name(&self) -> &'static str;

    /// Returns the execution type in the ledger: TFX's class path, for tools that look for it.
    fn execution_type(&self) -> &'static str;

    /// Returns a number to be raised whenever the same inputs would give another output.
    fn version(&self) -> u32;

    /// Returns one sentence for people.
    fn description(&self) -> &'static str;

    /// Returns the input ports.
    fn inputs(&self) -> &'static [Input];

    /// Returns the output ports.
    fn outputs(&self) -> &'static [Output];

    /// Returns the JSON Schema of the node's table, without the keys that every node has.
    fn config_schema(&self) -> schemars::Schema;

    /// Checks a configuration that fits the schema, before anything runs; says what the outputs will hold.
    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked;

    /// Returns the files outside the pipeline that the node reads; their content is part of its cache key.
    ///
    /// # Errors
    ///
    /// The component's own error, such as a pattern that matches nothing.
    fn files(&self, config: &Value, base_dir: &Path) -> Result<Vec<PathBuf>, BoxError> {
        let _ = (config, base_dir);
        Ok(Vec::new())
    }

    /// Returns the files of stores elsewhere that the node reads; what their stores say of their content is part of its
    /// cache key.
    ///
    /// # Errors
    ///
    /// The component's own error, such as a store that does not answer.
    fn remote_files(&self, config: &Value, base_dir: &Path) -> Result<Vec<RemoteFile>, BoxError> {
        let _ = (config, base_dir);
        Ok(Vec::new())
    }

    /// Returns why the node has to run each time: it reads what nobody can tell to be unchanged without reading it,
    /// such as the answer of a database. What it gives may still be the same, and then all that depends on it is taken
    /// from the cache.
    fn why_always_run(&self, config: &Value) -> Option<String> {
        let _ = config;
        None
    }

    /// Returns whether the node judges what it was made from, and may answer no and stop.
    ///
    /// Nodes that depend on anything that such a gate was made from wait for its answer, though they read nothing
    /// of its outputs: no model is trained on data that is being refused.
    fn is_gate(&self, config: &Value) -> bool {
        let _ = config;
        false
    }

    /// Returns how the node gets its outputs.
    fn kind(&self) -> Kind<'_>;

    /// Looks at what a cached execution left outside the artifacts; an `Err` says why it must run again.
    ///
    /// # Errors
    ///
    /// The reason, as `--explain` shows it.
    fn verify_hit(
        &self,
        config: &Value,
        base_dir: &Path,
        outputs: &BTreeMap<String, Vec<Artifact>>,
    ) -> Result<(), String> {
        let _ = (config, base_dir, outputs);
        Ok(())
    }
}

/// A file of a store elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its URL.
    pub url: String,
    /// A text that is another one where the content is; `None` where the store tells none, and then the node has to
    /// run each time.
    pub identity: Option<String>,
}

/// How a node gets its outputs.
pub enum Kind<'a> {
    /// It writes them. Cached by content.
    Executor(&'a dyn Executor),
    /// It finds them among what the ledger has. Looked up anew in every run; finding nothing is fine.
    Resolver(&'a dyn Resolver),
}

/// A component that writes its outputs.
pub trait Executor: Send + Sync {
    /// Writes every output into its staged folder.
    ///
    /// # Errors
    ///
    /// The stage's own error; nothing of the node is published then.
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError>;

    /// Tells, a line each, what a run would take from what it kept of earlier ones and what it would do anew, for
    /// `--explain`. Writes nothing.
    ///
    /// # Errors
    ///
    /// The stage's own error, such as an input that cannot be read.
    fn foresee(&self, context: &ForeseeContext<'_>) -> Result<Vec<String>, BoxError> {
        let _ = context;
        Ok(Vec::new())
    }
}

/// What an executor may look at to tell what it would do.
pub struct ForeseeContext<'a> {
    /// The node's configuration, as checked.
    pub config: &'a Value,
    /// The folder of the pipeline file; relative paths start here.
    pub base_dir: &'a Path,
    /// The artifacts behind each wired input, as they are now.
    pub inputs: &'a BTreeMap<String, Vec<Artifact>>,
    /// Which of the inputs would be others in a run, because nodes before this one make them anew.
    pub replaced: &'a BTreeSet<&'static str>,
    /// Which of the inputs would have newer artifacts beside these, that nodes before this one have yet to make.
    pub growing: &'a BTreeSet<&'static str>,
    /// As [`RunContext::keep_dir`].
    pub keep_dir: Option<&'a Path>,
}

/// A component that finds its outputs in the ledger.
pub trait Resolver: Send + Sync {
    /// Returns the artifacts found, by output key; `config` is the node's, as checked. A key may be absent.
    ///
    /// # Errors
    ///
    /// The ledger's error.
    fn resolve(
        &self,
        config: &Value,
        pipeline: &str,
        inputs: &BTreeMap<String, Vec<Artifact>>,
        ledger: &dyn Ledger,
    ) -> Result<BTreeMap<String, Vec<Artifact>>, LedgerError>;

    /// Returns what of the artifacts that are found now will still be found when there is a newer one of the input.
    fn still_found(
        &self,
        config: &Value,
        found: BTreeMap<String, Vec<Artifact>>,
    ) -> BTreeMap<String, Vec<Artifact>> {
        let _ = config;
        found
    }
}

/// An input port.
///
/// It is wired to the output of its type: where several nodes have one, to that whose key is the port's key.
/// An optional port is wired only to an output with the port's own key.
#[derive(Debug)]
pub struct Input {
    /// The key, as in `inputs.<key> = "node.output"`.
    pub key: &'static str,
    /// What it takes.
    pub artifact_type: &'static ArtifactType,
    /// Whether the node cannot do without.
    pub required: bool,
    /// The component of a node that is added where nothing provides this input, such as
    /// `LatestBlessedModel`.
    pub default_provider: Option<&'static str>,
}

impl Input {
    /// Returns a port that has to be wired.
    pub const fn required(key: &'static str, artifact_type: &'static ArtifactType) -> Self {
        Self { key, artifact_type, required: true, default_provider: None }
    }

    /// Returns a port that may be left out.
    pub const fn optional(key: &'static str, artifact_type: &'static ArtifactType) -> Self {
        Self { key, artifact_type, required: false, default_provider: None }
    }

    /// Returns a port that may be left out, and for which a node of a component is added where nothing provides it.
    pub const fn provided(
        key: &'static str,
        artifact_type: &'static ArtifactType,
        provider: &'static str,
    ) -> Self {
        Self { key, artifact_type, required: false, default_provider: Some(provider) }
    }
}

/// An output port.
#[derive(Debug)]
pub struct Output {
    /// The key.
    pub key: &'static str,
    /// What it gives.
    pub artifact_type: &'static ArtifactType,
}

/// What a component may look at to check a configuration.
pub struct CheckContext<'a> {
    /// The folder of the pipeline file; relative paths start here.
    pub base_dir: &'a Path,
    /// The features behind each wired input that are known already; an input that is not wired is absent.
    pub inputs: BTreeMap<&'a str, Option<Vec<FeatureInfo>>>,
    /// For looking at the data.
    pub engine: &'a dyn Engine,
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Every mistake.
    pub problems: Vec<Problem>,
    /// The features behind each output, where they can be known before running.
    pub features: BTreeMap<&'static str, Vec<FeatureInfo>>,
}

/// A mistake in a node's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: a dotted path within the node's table, such as `features.fare` or `thresholds.0.metric`; empty
    /// for the table itself.
    pub key: String,
    /// Where within the value, when it is a string: the number of characters before the mistake.
    pub offset: Option<usize>,
    /// What was found and what was expected.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// A feature that is known before anything runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureInfo {
    /// Its name.
    pub name: String,
    /// Its type; `None` when the data seen so far does not tell.
    pub kind: Option<FeatureKind>,
    /// Whether an example has many values of it, and not at most one; `None` when that is not known either.
    pub is_list: Option<bool>,
    /// For ids: how many there can be.
    pub num_buckets: Option<u64>,
    /// What a person should know about its type, such as which cell made it text; a sentence that the name
    /// begins.
    pub note: Option<String>,
}

/// The type of a feature's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    /// Integers.
    Int,
    /// Floats.
    Float,
    /// Text or bytes.
    Bytes,
    /// Nested features.
    Struct,
}

/// What an executor works with.
pub struct RunContext<'a> {
    /// The node's id.
    pub node: &'a str,
    /// The node's configuration, as checked.
    pub config: &'a Value,
    /// The folder of the pipeline file; relative paths start here.
    pub base_dir: &'a Path,
    /// The artifacts behind each wired input.
    pub inputs: &'a BTreeMap<String, Vec<Artifact>>,
    /// An empty folder for each output.
    pub outputs: &'a BTreeMap<String, PathBuf>,
    /// A folder of the node's own that outlives runs, for what saves work the next time and never shows in an output;
    /// `None` where nothing of earlier runs is to be used. It may be shared with another run, may not be there yet, and
    /// may be removed at any time.
    pub keep_dir: Option<&'a Path>,
    /// For folds and maps.
    pub engine: &'a dyn Engine,
    /// For showing how far it is.
    pub progress: &'a dyn Progress,
    /// When the run began, in milliseconds since 1970.
    pub now_ms: i64,
}

impl RunContext<'_> {
    /// Returns the artifact behind an input that has at most one.
    pub fn input(&self, key: &str) -> Option<&Artifact> {
        self.inputs.get(key).and_then(|artifacts| artifacts.first())
    }
}

/// Hears how far a node is, and may ask it to stop.
pub trait Progress: Sync {
    /// Says that `done` of `total` steps are done; `message` is a few words such as `loss 0.31`.
    fn report(&self, done: u64, total: u64, message: &str);

    /// Returns whether the node should stop soon.
    fn is_cancelled(&self) -> bool;
}

/// What an executor did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Properties of each output, by key; the runner adds those that every artifact has.
    pub properties: BTreeMap<&'static str, OutputProperties>,
    /// One line for people, such as `15,002 examples: train 10,008, eval 4,994`.
    pub summary: String,
    /// Whether the answer is no.
    pub answer: Answer,
}

/// Properties of one output.
#[derive(Debug, Default)]
pub struct OutputProperties {
    /// Those that the artifact type declares.
    pub properties: Properties,
    /// All others.
    pub custom_properties: Properties,
}

/// Whether a node that did its work found what it was to look for. Both are results; neither is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    #[default]
    Yes,
    /// The answer is no: anomalies were found, the model is not blessed.
    No {
        /// One line.
        reason: String,
        /// A table or list for people, several lines; may be empty.
        details: String,
        /// Whether nodes that depend on this one, or wait for it as a gate, must not run.
        stop: bool,
    },
}

/// The components that a pipeline may name.
#[derive(Clone)]
pub struct Registry(Vec<Arc<dyn Component>>);

impl Registry {
    /// Returns a registry of these components.
    pub fn new(components: Vec<Arc<dyn Component>>) -> Self {
        Self(components)
    }

    /// Returns a component by its name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Component>> {
        self.0.iter().find(|component| component.name() == name)
    }

    /// Returns all components, in the order of their stages.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Component>> {
        self.0.iter()
    }
}
