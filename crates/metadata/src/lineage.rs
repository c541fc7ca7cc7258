//! What an artifact was made from, and what was made from it.

use std::collections::{BTreeMap, BTreeSet};

use artifact::{Artifact, ArtifactId, Execution, ExecutionId, ExecutionState, Ledger, LedgerError};

/// Which way lineage is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To what the artifact was made from.
    Up,
    /// To what was made from it.
    Down,
    /// Both ways.
    Both,
}

/// Whether an execution read or wrote an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// It read it.
    Input,
    /// It wrote it, or took it from the cache.
    Output,
}

/// An edge of the graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineageEvent {
    /// The execution.
    pub execution: ExecutionId,
    /// Whether it read or wrote.
    pub kind: EventKind,
    /// Under which key.
    pub key: String,
    /// Where in the list of that key.
    pub index: usize,
    /// The artifact.
    pub artifact: ArtifactId,
}

/// Artifacts and executions around one artifact, with the events between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Lineage {
    /// Where the walk began.
    pub start: ArtifactId,
    /// The artifacts reached, `start` among them.
    pub artifacts: BTreeMap<ArtifactId, Artifact>,
    /// The executions gone through.
    pub executions: BTreeMap<ExecutionId, Execution>,
    /// Every event between one of the executions and one of the artifacts, in order.
    pub events: Vec<LineageEvent>,
    /// Whether there is more beyond the last hop.
    pub is_truncated: bool,
}

impl Lineage {
    /// Returns the executions that wrote an artifact or took it from the cache, in the order in which they began.
    pub fn writers(&self, artifact: ArtifactId) -> impl Iterator<Item = &Execution> {
        self.around(artifact, EventKind::Output)
    }

    /// Returns the executions that read an artifact, in the order in which they began.
    pub fn readers(&self, artifact: ArtifactId) -> impl Iterator<Item = &Execution> {
        self.around(artifact, EventKind::Input)
    }

    fn around(&self, artifact: ArtifactId, kind: EventKind) -> impl Iterator<Item = &Execution> {
        let events = self.events.iter();
        let found = events.filter(move |event| event.artifact == artifact && event.kind == kind);
        let distinct: BTreeSet<ExecutionId> = found.map(|event| event.execution).collect();
        distinct.into_iter().filter_map(|id| self.executions.get(&id))
    }

    /// Returns what an execution read, of the artifacts that are here, by key.
    pub fn inputs(&self, execution: ExecutionId) -> impl Iterator<Item = (&str, &Artifact)> {
        self.beside(execution, EventKind::Input)
    }

    /// Returns what an execution wrote, of the artifacts that are here, by key.
    pub fn outputs(&self, execution: ExecutionId) -> impl Iterator<Item = (&str, &Artifact)> {
        self.beside(execution, EventKind::Output)
    }

    fn beside(
        &self,
        execution: ExecutionId,
        kind: EventKind,
    ) -> impl Iterator<Item = (&str, &Artifact)> {
        let events = self.events.iter();
        let found = events.filter(move |event| event.execution == execution && event.kind == kind);
        found.filter_map(|event| Some((event.key.as_str(), self.artifacts.get(&event.artifact)?)))
    }
}

/// Walks from an artifact through at most `max_hops` executions each way.
///
/// Upwards through the executions that wrote an artifact, to all that they read; downwards through those that
/// read it and finished, to all that they wrote. Siblings are not followed: another output of an ancestor's
/// execution is no part of the lineage.
///
/// An execution that took its outputs from the cache stands for the one that wrote them. It is gone through
/// downwards where nothing else leads from the artifact to its outputs, which is so when an input was made anew
/// with the same content; a resolver, which only looks for an artifact, is not.
///
/// # Errors
///
/// [`LedgerError::NotFound`] when there is no such artifact, or as for every call of a ledger.
pub fn lineage(
    ledger: &dyn Ledger,
    start: ArtifactId,
    direction: Direction,
    max_hops: usize,
) -> Result<Lineage, LedgerError> {
    let mut walk = Walk {
        ledger,
        artifacts: BTreeMap::from([(start, ledger.artifact(start)?)]),
        executions: BTreeMap::new(),
    };
    let mut is_truncated = false;
    if direction != Direction::Down {
        is_truncated |= walk.follow(start, max_hops, Walk::up)?;
    }
    if direction != Direction::Up {
        is_truncated |= walk.follow(start, max_hops, Walk::down)?;
    }
    let Walk { artifacts, executions, .. } = walk;
    let mut events = Vec::new();
    for execution in executions.values() {
        let sides =
            [(EventKind::Input, &execution.inputs), (EventKind::Output, &execution.outputs)];
        for (kind, by_key) in sides {
            for (key, ids) in by_key {
                for (index, artifact) in ids.iter().enumerate() {
                    if artifacts.contains_key(artifact) {
                        let (execution, key, artifact) = (execution.id, key.clone(), *artifact);
                        events.push(LineageEvent { execution, kind, key, index, artifact });
                    }
                }
            }
        }
    }
    Ok(Lineage { start, artifacts, executions, events, is_truncated })
}

struct Walk<'a> {
    ledger: &'a dyn Ledger,
    artifacts: BTreeMap<ArtifactId, Artifact>,
    executions: BTreeMap<ExecutionId, Execution>,
}

/// An execution, and the artifacts on its other side.
type Step = (Execution, Vec<ArtifactId>);

impl Walk<'_> {
    /// Goes hop by hop; returns whether there is more beyond the last one.
    fn follow(
        &mut self,
        start: ArtifactId,
        max_hops: usize,
        steps: impl Fn(&Self, ArtifactId) -> Result<Vec<Step>, LedgerError>,
    ) -> Result<bool, LedgerError> {
        let mut seen = BTreeSet::from([start]);
        let mut frontier = vec![start];
        for _ in 0..max_hops {
            let mut next = Vec::new();
            for artifact in frontier {
                for (execution, beyond) in steps(self, artifact)? {
                    self.executions.insert(execution.id, execution);
                    next.extend(beyond.into_iter().filter(|id| seen.insert(*id)));
                }
            }
            for id in &next {
                self.artifacts.insert(*id, self.ledger.artifact(*id)?);
            }
            frontier = next;
        }
        for artifact in frontier {
            if !steps(self, artifact)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn up(&self, artifact: ArtifactId) -> Result<Vec<Step>, LedgerError> {
        let producer = self.ledger.producer(artifact)?;
        let step = producer.map(|execution| {
            let inputs = execution.inputs.values().flatten().copied().collect();
            (execution, inputs)
        });
        Ok(step.into_iter().collect())
    }

    fn down(&self, artifact: ArtifactId) -> Result<Vec<Step>, LedgerError> {
        let consumers = self.ledger.consumers(artifact)?;
        let (cached, others): (Vec<_>, Vec<_>) =
            consumers.into_iter().partition(|e| e.state == ExecutionState::Cached);
        let mut steps: Vec<Step> = Vec::new();
        let mut reached = BTreeSet::new();
        for execution in others.into_iter().filter(|e| e.state == ExecutionState::Complete) {
            let outputs: Vec<ArtifactId> = execution.outputs.values().flatten().copied().collect();
            reached.extend(outputs.iter().copied());
            steps.push((execution, outputs));
        }
        for execution in cached {
            let mut outputs = Vec::new();
            for output in execution.outputs.values().flatten() {
                if !reached.contains(output) && self.stands_for_writer(&execution, *output)? {
                    outputs.push(*output);
                }
            }
            if !outputs.is_empty() {
                reached.extend(outputs.iter().copied());
                steps.push((execution, outputs));
            }
        }
        Ok(steps)
    }

    /// Returns whether a CACHED execution did the work that wrote an artifact, and not some other.
    fn stands_for_writer(
        &self,
        execution: &Execution,
        output: ArtifactId,
    ) -> Result<bool, LedgerError> {
        let writer = self.ledger.producer(output)?;
        Ok(writer.is_some_and(|writer| writer.type_name == execution.type_name))
    }
}
