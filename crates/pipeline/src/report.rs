//! What a run tells: while it goes, and when it has ended.

use std::collections::BTreeMap;
use std::time::Duration;

use artifact::{Answer, ArtifactId, ExecutionId, RunState};

use crate::error::NodeError;

/// Hears how a run goes. Calls come from several threads; those about one node come in order.
pub trait Observer: Sync {
    /// A node begins. Nodes that are not run do not begin.
    fn node_started(&self, node: &str);

    /// A node has done a part of its work.
    fn node_progress(&self, node: &str, done: u64, total: u64, message: &str);

    /// A node has ended, or will not be run.
    fn node_finished(&self, result: &NodeResult);
}

/// Hears and says nothing.
impl Observer for () {
    fn node_started(&self, _node: &str) {}
    fn node_progress(&self, _node: &str, _done: u64, _total: u64, _message: &str) {}
    fn node_finished(&self, _result: &NodeResult) {}
}

/// How a node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It did its work.
    Executed,
    /// Nothing changed; its outputs were there.
    Cached,
    /// It was not run, because of what another node did or because the run was stopped before its turn.
    Skipped,
    /// It did not work; nothing of it was published.
    Failed,
    /// It was stopped in the middle; nothing of it was published.
    Cancelled,
}

/// What became of one node.
#[derive(Debug)]
pub struct NodeResult {
    /// The node's id.
    pub node: String,
    /// The component's name.
    pub component: &'static str,
    /// How it ended.
    pub state: NodeState,
    /// One line for people: what was done; for a node that failed or was not run, why.
    pub summary: String,
    /// Why it ran, or why it did not have to: what `--explain` says.
    pub reason: String,
    /// Its answer; the same again when it comes from the cache.
    pub answer: Answer,
    /// Why it failed.
    pub error: Option<NodeError>,
    /// How long it took.
    pub duration: Duration,
    /// Its execution in the ledger, if it got that far.
    pub execution: Option<ExecutionId>,
    /// The artifacts that it made, found or took from the cache, by output key.
    pub outputs: BTreeMap<String, Vec<ArtifactId>>,
}

/// What became of a run.
#[derive(Debug)]
pub struct RunReport {
    /// The run's id.
    pub run: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// How it ended.
    pub state: RunState,
    /// Every node, in the order of [`crate::Pipeline::nodes`].
    pub nodes: Vec<NodeResult>,
    /// How long it took.
    pub duration: Duration,
}

impl RunReport {
    /// Returns how a run with such nodes ended.
    pub(crate) fn state_of(nodes: &[NodeResult], is_cancelled: bool) -> RunState {
        let any = |state| nodes.iter().any(|node| node.state == state);
        if any(NodeState::Failed) {
            return RunState::Failed;
        }
        if any(NodeState::Cancelled) || (is_cancelled && any(NodeState::Skipped)) {
            return RunState::Canceled;
        }
        if nodes.iter().any(|node| node.answer != Answer::Yes) {
            return RunState::AnsweredNo;
        }
        RunState::Complete
    }
}
