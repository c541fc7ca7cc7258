//! What is written down about runs: the trait that metadata stores implement.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base::{BoxError, Classify, ErrorKind};

use crate::{Artifact, ArtifactId, ArtifactType, ExecutionId, Properties};

/// Where runs, executions and artifacts are written down.
///
/// Every call is one transaction: after a crash it happened whole or not at all. Times are milliseconds since
/// 1970 and are given by the caller.
pub trait Ledger: Send + Sync {
    /// Writes down that a run began.
    ///
    /// # Errors
    ///
    /// [`LedgerError`], as for every call.
    fn begin_run(&self, pipeline: &str, run: &str, now_ms: i64) -> Result<(), LedgerError>;

    /// Writes down how a run ended.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn finish_run(
        &self,
        pipeline: &str,
        run: &str,
        state: RunState,
        now_ms: i64,
    ) -> Result<(), LedgerError>;

    /// Writes down that a node's execution runs, with its inputs and contexts.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn begin_execution(&self, execution: &NewExecution<'_>) -> Result<ExecutionId, LedgerError>;

    /// Makes an execution COMPLETE and its outputs LIVE, in one step.
    ///
    /// # Errors
    ///
    /// [`LedgerError`]; nothing changed then.
    fn complete_execution(
        &self,
        id: ExecutionId,
        outputs: &[NewArtifact<'_>],
        custom_properties: &Properties,
        now_ms: i64,
    ) -> Result<Vec<Artifact>, LedgerError>;

    /// Makes an execution FAILED or CANCELED, with the reason as its custom property
    /// [`Execution::ERROR`]; it has no outputs.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn abandon_execution(
        &self,
        id: ExecutionId,
        state: ExecutionState,
        reason: &str,
        now_ms: i64,
    ) -> Result<(), LedgerError>;

    /// Writes down an execution that took its outputs from what was there: CACHED, with the same artifacts.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn record_cached(
        &self,
        execution: &NewExecution<'_>,
        outputs: &BTreeMap<String, Vec<ArtifactId>>,
        custom_properties: &Properties,
    ) -> Result<ExecutionId, LedgerError>;

    /// Returns the COMPLETE and CACHED executions with a cache key, newest first.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn executions_by_cache_key(&self, key: &str) -> Result<Vec<Execution>, LedgerError>;

    /// Returns all executions of a node of a pipeline, newest first.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn executions_of_node(&self, pipeline: &str, node: &str)
    -> Result<Vec<Execution>, LedgerError>;

    /// Returns all executions of a run, in the order in which they began.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn executions_of_run(&self, run: &str) -> Result<Vec<Execution>, LedgerError>;

    /// Returns the executions of a pipeline that are still RUNNING.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn running_executions(&self, pipeline: &str) -> Result<Vec<Execution>, LedgerError>;

    /// Returns one execution.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NotFound`], or as for every call.
    fn execution(&self, id: ExecutionId) -> Result<Execution, LedgerError>;

    /// Returns runs, newest first; of one pipeline, or of all.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn runs(&self, pipeline: Option<&str>) -> Result<Vec<Run>, LedgerError>;

    /// Returns one artifact.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NotFound`], or as for every call.
    fn artifact(&self, id: ArtifactId) -> Result<Artifact, LedgerError>;

    /// Returns LIVE artifacts, newest first; of one type and pipeline, or of all.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn artifacts(
        &self,
        type_name: Option<&str>,
        pipeline: Option<&str>,
    ) -> Result<Vec<Artifact>, LedgerError>;

    /// Returns the execution that wrote an artifact, if any did (a CACHED one did not write).
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn producer(&self, id: ArtifactId) -> Result<Option<Execution>, LedgerError>;

    /// Returns the executions that read an artifact, in the order in which they began.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn consumers(&self, id: ArtifactId) -> Result<Vec<Execution>, LedgerError>;
}

/// An execution to be written down.
#[derive(Debug)]
pub struct NewExecution<'a> {
    /// The pipeline's name.
    pub pipeline: &'a str,
    /// The run's id.
    pub run: &'a str,
    /// The node's id.
    pub node: &'a str,
    /// The execution type: TFX's class path of the component.
    pub type_name: &'a str,
    /// The cache key; it becomes an `execution_cache` context. Resolvers have none.
    pub cache_key: Option<&'a str>,
    /// The configuration's values, as text; properties of the execution type.
    pub properties: Properties,
    /// Everything else worth keeping, such as the parts of the cache key.
    pub custom_properties: Properties,
    /// The inputs by key, in order.
    pub inputs: BTreeMap<String, Vec<ArtifactId>>,
    /// When it began.
    pub now_ms: i64,
}

/// An output to be written down.
#[derive(Debug)]
pub struct NewArtifact<'a> {
    /// The output's key.
    pub key: &'a str,
    /// What it is.
    pub artifact_type: &'static ArtifactType,
    /// The folder that it is.
    pub uri: PathBuf,
    /// The properties that the type declares.
    pub properties: Properties,
    /// All others.
    pub custom_properties: Properties,
}

/// Where an execution is in its life; the numbers are ML Metadata's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionState {
    /// State not known.
    Unknown = 0,
    /// Not begun.
    New = 1,
    /// At work, or interrupted without a word.
    Running = 2,
    /// Done, outputs published.
    Complete = 3,
    /// Did not work.
    Failed = 4,
    /// Outputs taken from an earlier execution.
    Cached = 5,
    /// Stopped by the user.
    Canceled = 6,
}

/// An execution as written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// Its number.
    pub id: ExecutionId,
    /// The execution type.
    pub type_name: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The run's id.
    pub run: String,
    /// The node's id.
    pub node: String,
    /// Where it is in its life.
    pub state: ExecutionState,
    /// The configuration's values.
    pub properties: Properties,
    /// Everything else.
    pub custom_properties: Properties,
    /// The artifacts read, by key, in order.
    pub inputs: BTreeMap<String, Vec<ArtifactId>>,
    /// The artifacts written or taken from the cache, by key, in order.
    pub outputs: BTreeMap<String, Vec<ArtifactId>>,
    /// When it began.
    pub create_time_ms: i64,
    /// When it last changed: when it ended, once it has.
    pub last_update_time_ms: i64,
}

impl Execution {
    /// The custom property that says why an execution failed or was canceled.
    pub const ERROR: &str = "error";
}

/// How a run ended, or that it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// At work, or interrupted without a word.
    Running,
    /// Every node did its work, and every answer was yes.
    Complete,
    /// Every node that could run did its work, and an answer was no.
    AnsweredNo,
    /// A node failed.
    Failed,
    /// Stopped by the user.
    Canceled,
}

/// A run as written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The run's id.
    pub id: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// How it ended.
    pub state: RunState,
    /// When it began.
    pub create_time_ms: i64,
    /// When it ended, or last wrote something down.
    pub last_update_time_ms: i64,
}

/// Why the ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is no such thing.
    #[error("no {what} `{id}` in {ledger}")]
    NotFound {
        /// Such as `artifact`.
        what: &'static str,
        /// What was asked for.
        id: String,
        /// Where it was looked for.
        ledger: String,
    },

    /// The store said no; its own error tells why.
    #[error("{0}")]
    Store(BoxError),
}

impl Classify for LedgerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Store(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => None,
            Self::Store(error) => error.hint(),
        }
    }
}
