//! A folder with examples, statistics and schemas in it, and any component that runs over them.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use artifact::{
    Artifact, CheckContext, Component, FeatureInfo, FeatureKind, ForeseeContext, Kind, Outcome,
    PropertyValue, RunContext,
};
use base::BoxError;
use dataflow::Batches;
use dataset::{Dataset, ShardWriter};
use engine::LocalEngine;
use formats::Message;
use formats::metadata::DatasetFeatureStatisticsList;
use serde_json::Value;
use tempfile::TempDir;

use crate::scene::{Silent, artifact};

pub(crate) struct Stage {
    dir: TempDir,
}

/// What a component did.
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    /// The first output, with the properties that it was given.
    pub(crate) artifact: Artifact,
}

impl Done {
    pub(crate) fn property(&self, name: &str) -> String {
        let found = self.artifact.custom_properties.get(name);
        found.and_then(PropertyValue::as_str).unwrap_or_default().to_owned()
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.artifact.uri.join(path)).unwrap()
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.read(path)).unwrap()
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Computes the statistics of some splits.
    pub(crate) fn statistics(&self, name: &str, splits: &[(&str, RecordBatch)]) -> Artifact {
        let lists = splits.iter().map(|(split, batch)| {
            let source = Batches::new(batch.schema(), vec![batch.clone()]);
            let config = statistics::Config::default();
            let list = statistics::generate("All Examples", &source, &engine(), &config).unwrap();
            (*split, list)
        });
        self.statistics_of(name, lists.collect())
    }

    pub(crate) fn statistics_of(
        &self,
        name: &str,
        splits: Vec<(&str, DatasetFeatureStatisticsList)>,
    ) -> Artifact {
        let root = self.dir.path().join(name);
        for (split, list) in &splits {
            let dir = Dataset::split_dir(&root, split);
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(dir.join("FeatureStats.pb"), list.encode_to_vec()).unwrap();
        }
        with_splits(artifact(1, "ExampleStatistics", root), splits.iter().map(|(name, _)| *name))
    }

    pub(crate) fn examples(&self, name: &str, splits: &[(&str, RecordBatch)]) -> Artifact {
        let root = self.dir.path().join(name);
        for (split, batch) in splits {
            let dir = Dataset::split_dir(&root, split);
            let mut writer = ShardWriter::create(&dir, "examples", batch.schema()).unwrap();
            writer.write(batch).unwrap();
            writer.close().unwrap();
        }
        with_splits(artifact(1, "Examples", root), splits.iter().map(|(name, _)| *name))
    }

    pub(crate) fn schema(&self, name: &str, text: &str) -> Artifact {
        let root = self.dir.path().join(name);
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(root.join("schema.pbtxt"), text).unwrap();
        artifact(2, "Schema", root)
    }

    pub(crate) fn run(
        &self,
        component: &dyn Component,
        inputs: &[(&str, Artifact)],
        config: &Value,
    ) -> Result<Done, BoxError> {
        let Kind::Executor(executor) = component.kind() else { panic!("a resolver") };
        let out = tempfile::tempdir_in(self.dir.path()).unwrap().keep();
        let outputs: BTreeMap<String, PathBuf> = component
            .outputs()
            .iter()
            .map(|output| (output.key.to_owned(), out.join(output.key)))
            .collect();
        outputs.values().for_each(|dir| std::fs::create_dir(dir).unwrap());
        let all = by_port(inputs);
        let outcome = executor.run(&RunContext {
            node: "node",
            config,
            base_dir: self.dir.path(),
            inputs: &all,
            outputs: &outputs,
            keep_dir: Some(&self.dir.path().join("kept")),
            engine: &engine(),
            progress: &Silent,
            now_ms: 0,
        })?;
        let output = &component.outputs()[0];
        let mut written = artifact(9, output.artifact_type.name, outputs[output.key].clone());
        if let Some(properties) = outcome.properties.get(output.key) {
            written.properties = properties.properties.clone();
            written.custom_properties = properties.custom_properties.clone();
        }
        Ok(Done { outcome, artifact: written })
    }

    /// Returns what a component says that it would take from what it kept; newer artifacts are about to come to the ports
    /// in `growing`.
    pub(crate) fn foresee(
        &self,
        component: &dyn Component,
        inputs: &[(&str, Artifact)],
        growing: &[&'static str],
        config: &Value,
    ) -> Vec<String> {
        let Kind::Executor(executor) = component.kind() else { panic!("a resolver") };
        let context = ForeseeContext {
            config,
            base_dir: self.dir.path(),
            inputs: &by_port(inputs),
            replaced: &BTreeSet::new(),
            growing: &growing.iter().copied().collect(),
            keep_dir: Some(&self.dir.path().join("kept")),
        };
        executor.foresee(&context).unwrap()
    }

    /// Returns the problems of a configuration over features that are known before the run, by input.
    pub(crate) fn problems(
        &self,
        component: &dyn Component,
        inputs: &[(&'static str, &[(&str, FeatureKind)])],
        config: &Value,
    ) -> Vec<String> {
        let feature = |(name, kind): &(&str, FeatureKind)| FeatureInfo {
            name: (*name).to_owned(),
            kind: Some(*kind),
            is_list: Some(false),
            num_buckets: None,
            note: None,
        };
        let inputs = inputs
            .iter()
            .map(|(key, features)| (*key, Some(features.iter().map(feature).collect())))
            .collect();
        let engine = engine();
        let context = CheckContext { base_dir: self.dir.path(), inputs, engine: &engine };
        let problems = component.check(config, &context).problems.into_iter();
        problems
            .map(|problem| {
                let hint = problem.hint.map_or(String::new(), |hint| format!(" ({hint})"));
                format!("{}: {}{hint}", problem.key, problem.message)
            })
            .collect()
    }
}

/// A port that is named more than once has several artifacts.
fn by_port(inputs: &[(&str, Artifact)]) -> BTreeMap<String, Vec<Artifact>> {
    let mut all: BTreeMap<String, Vec<Artifact>> = BTreeMap::new();
    for (key, artifact) in inputs {
        all.entry((*key).to_owned()).or_default().push(artifact.clone());
    }
    all
}

fn engine() -> LocalEngine {
    LocalEngine::new(NonZeroUsize::new(2).unwrap(), Arc::default())
}

fn with_splits<'a>(mut artifact: Artifact, splits: impl Iterator<Item = &'a str>) -> Artifact {
    let names = Value::from_iter(splits).to_string();
    artifact.properties.insert("split_names".to_owned(), names.into());
    artifact.properties.insert("span".to_owned(), 3.into());
    artifact
}
