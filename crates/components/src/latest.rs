//! LatestStatistics and LatestExamples: the data before, as the baseline for the data at hand. Models are found in the same
//! way (`latest_model.rs`).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use artifact::{
    Artifact, CheckContext, Checked, Component, Input, Kind, Ledger, LedgerError, Output,
    PropertyValue, Resolver, types,
};
use serde_json::Value;

use crate::config::{NoConfig, schema_of};
use crate::ports::RESOLVER;

/// A component that finds an artifact of earlier runs in the ledger.
pub struct Latest {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// At most one.
    pub(crate) inputs: &'static [Input],
    pub(crate) output: &'static [Output; 1],
    pub(crate) find: Find,
}

/// Returns what is found for the artifact behind the input, if there is one, in the runs of a pipeline.
pub(crate) type Find =
    fn(Option<&Artifact>, pipeline: &str, &dyn Ledger) -> Result<Option<Artifact>, LedgerError>;

/// Finds the statistics of the data before.
pub const LATEST_STATISTICS: Latest = Latest {
    name: "LatestStatistics",
    description: "Finds the newest statistics of earlier data of the pipeline, as the baseline for those at hand.",
    inputs: &[Input::required("statistics", types::EXAMPLE_STATISTICS)],
    output: &[Output { key: "baseline_statistics", artifact_type: types::EXAMPLE_STATISTICS }],
    find: before,
};

/// Finds the examples before.
pub const LATEST_EXAMPLES: Latest = Latest {
    name: "LatestExamples",
    description: "Finds the newest earlier examples of the pipeline, as the baseline for those at hand.",
    inputs: &[Input::required("examples", types::EXAMPLES)],
    output: &[Output { key: "baseline_examples", artifact_type: types::EXAMPLES }],
    find: before,
};

impl Component for Latest {
    fn name(&self) -> &'static str {
        self.name
    }

    fn execution_type(&self) -> &'static str {
        RESOLVER
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        self.description
    }

    fn inputs(&self) -> &'static [Input] {
        self.inputs
    }

    fn outputs(&self) -> &'static [Output] {
        self.output
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_of::<NoConfig>()
    }

    fn check(&self, _config: &Value, _context: &CheckContext<'_>) -> Checked {
        Checked::default()
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Resolver(self)
    }
}

impl Resolver for Latest {
    fn resolve(
        &self,
        _config: &Value,
        pipeline: &str,
        inputs: &BTreeMap<String, Vec<Artifact>>,
        ledger: &dyn Ledger,
    ) -> Result<BTreeMap<String, Vec<Artifact>>, LedgerError> {
        let input = self.inputs.first().and_then(|input| inputs.get(input.key));
        let found = (self.find)(input.and_then(|found| found.first()), pipeline, ledger)?;
        let [output] = self.output;
        Ok(BTreeMap::from([(output.key.to_owned(), found.into_iter().collect())]))
    }
}

/// Returns the data before: the newest of its type that the same node made of other data.
///
/// What has the content of the data at hand is passed over: comparing data with itself says nothing, and a run
/// that changes nothing must find the baseline that it found before. So is what is of a later span: what comes
/// after is not before.
fn before(
    current: Option<&Artifact>,
    pipeline: &str,
    ledger: &dyn Ledger,
) -> Result<Option<Artifact>, LedgerError> {
    let Some(current) = current else { return Ok(None) };
    let producer = |artifact: &Artifact| -> Result<Option<String>, LedgerError> {
        Ok(ledger.producer(artifact.id)?.map(|execution| execution.node))
    };
    let node = producer(current)?;
    let mut candidates = ledger.artifacts(Some(&current.type_name), Some(pipeline))?;
    candidates.retain(|other| {
        let is_later = span(other).zip(span(current)).is_some_and(|(other, own)| other > own);
        other.id != current.id
            && other.digest() != current.digest()
            && !is_later
            && other.uri.is_dir()
    });
    candidates.sort_by_key(|other| Reverse((span(other), other.id)));
    for candidate in candidates {
        if producer(&candidate)? == node {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

fn span(artifact: &Artifact) -> Option<i64> {
    artifact.properties.get("span").and_then(PropertyValue::as_int)
}
