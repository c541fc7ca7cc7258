//! A folder with a pipeline of toys, and a ledger.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use artifact::{ArtifactState, ExecutionState, Ledger, Registry, RunState};
use engine::LocalEngine;
use pipeline::{
    ExplainOptions, Explanation, LoadError, NodeState, Observer, Pipeline, RunError, RunOptions,
    RunReport,
};
use tempfile::TempDir;

use crate::memory::MemoryLedger;
use crate::toys::{quiet, registry};

/// A pipeline with every toy.
pub(crate) const PIPELINE: &str = r#"
[pipeline]
name = "toys"

[nodes.source]
file = "data.csv"

[nodes.counter]

[nodes.judge]
refuse = "bad"
stop = true

[nodes.learner]
model = { linear = { label = "tips" } }
num_steps = 3

[nodes.comparer]
"#;

pub(crate) const DATA: &str = "fare,tips\n1,2\n3,4\n";

pub(crate) struct Scene {
    dir: TempDir,
    pub(crate) ledger: MemoryLedger,
    pub(crate) registry: Registry,
    pub(crate) cancel: Arc<AtomicBool>,
    pub(crate) use_cache: bool,
    pub(crate) max_parallel_nodes: usize,
    now: AtomicI64,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(MemoryLedger::default(), registry(Vec::new(), &quiet()))
    }

    pub(crate) fn with(ledger: MemoryLedger, registry: Registry) -> Self {
        let scene = Self {
            dir: tempfile::tempdir().unwrap(),
            ledger,
            registry,
            cancel: Arc::default(),
            use_cache: true,
            max_parallel_nodes: 8,
            now: AtomicI64::new(1000),
        };
        scene.write("pipeline.toml", PIPELINE);
        scene.write("data.csv", DATA);
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("root")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    #[track_caller]
    pub(crate) fn replace(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "`{from}` is not in {name}");
        self.write(name, &text.replace(from, to));
    }

    pub(crate) fn engine(&self) -> LocalEngine {
        LocalEngine::new(NonZeroUsize::MIN, Arc::clone(&self.cancel))
    }

    pub(crate) fn load(&self, overrides: &[&str]) -> Result<Pipeline, LoadError> {
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        Pipeline::load(&self.path("pipeline.toml"), &overrides, &self.registry, &self.engine())
    }

    /// Returns what a person reads about the mistakes of the pipeline.
    #[track_caller]
    pub(crate) fn mistakes(&self, overrides: &[&str]) -> String {
        let error = self.load(overrides).err().expect("the pipeline has mistakes");
        error.to_string().replace(&format!("{}/", self.dir.path().display()), "")
    }

    pub(crate) fn try_run(&self, observer: &dyn Observer) -> Result<RunReport, RunError> {
        let pipeline = self.load(&[]).unwrap();
        let number = self.ledger.runs(None).unwrap().len();
        let options = RunOptions {
            root: &self.root(),
            base_dir: self.dir.path(),
            run: &format!("run-{number}"),
            ledger: &self.ledger,
            engine: &self.engine(),
            observer,
            cancel: &self.cancel,
            use_cache: self.use_cache,
            max_parallel_nodes: NonZeroUsize::new(self.max_parallel_nodes).unwrap(),
            now_ms: &|| self.now.fetch_add(1, Ordering::Relaxed),
        };
        pipeline::run(&pipeline, &options)
    }

    pub(crate) fn run(&self) -> RunReport {
        self.try_run(&()).unwrap()
    }

    pub(crate) fn explain(&self) -> Vec<Explanation> {
        let options = ExplainOptions {
            root: &self.root(),
            base_dir: self.dir.path(),
            ledger: Some(&self.ledger),
            use_cache: self.use_cache,
        };
        pipeline::explain(&self.load(&[]).unwrap(), &options).unwrap()
    }

    /// Returns `node: reason` lines of what would run or not.
    pub(crate) fn explained(&self) -> String {
        let lines = self.explain().into_iter();
        let lines = lines.map(|e| format!("{} {:?}: {}", e.node, e.verdict, e.reason));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Returns the content of what is LIVE, newest of each type.
    pub(crate) fn contents(&self) -> Vec<(String, String)> {
        let mut newest: Vec<(String, String)> = Vec::new();
        for artifact in self.ledger.artifacts(None, None).unwrap() {
            assert_eq!(artifact.state, ArtifactState::Live);
            if newest.iter().all(|(name, _)| *name != artifact.type_name) {
                let digest = base::digest_tree(&artifact.uri).unwrap().to_string();
                assert_eq!(Some(digest.as_str()), artifact.digest());
                newest.push((artifact.type_name, digest));
            }
        }
        newest.sort();
        newest
    }

    /// Every folder belongs to a LIVE artifact, nothing runs any more, nothing is staged.
    pub(crate) fn assert_nothing_left_over(&self) {
        let known: Vec<PathBuf> =
            self.ledger.artifacts(None, None).unwrap().into_iter().map(|a| a.uri).collect();
        let root = self.root();
        for node in folders(&root) {
            if node == root.join(".staging") {
                assert!(folders(&node).is_empty(), "something is staged");
                continue;
            }
            for execution in folders(&node).iter().flat_map(|output| folders(output)) {
                assert!(known.contains(&execution), "{} is no artifact", execution.display());
            }
        }
        for uri in known {
            assert!(uri.is_dir(), "{} is gone", uri.display());
        }
        let executions = self.ledger.all_executions();
        assert!(executions.iter().all(|e| e.state != ExecutionState::Running));
        let runs = self.ledger.runs(None).unwrap();
        assert!(runs.iter().all(|run| run.state != RunState::Running));
    }
}

pub(crate) fn folders(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

/// Returns `node state` for each node.
pub(crate) fn states(report: &RunReport) -> Vec<String> {
    report.nodes.iter().map(|node| format!("{} {:?}", node.node, node.state)).collect()
}

/// Returns the state of one node.
pub(crate) fn state(report: &RunReport, node: &str) -> NodeState {
    report.nodes.iter().find(|result| result.node == node).unwrap().state
}
