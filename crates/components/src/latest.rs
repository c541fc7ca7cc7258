//! LatestStatistics and LatestExamples: the data before, as the baseline for the data at hand.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use artifact::{
    Artifact, ArtifactType, CheckContext, Checked, Component, Input, Kind, Ledger, LedgerError,
    Output, PropertyValue, Resolver, types,
};
use serde_json::Value;

use crate::config::schema_of;

/// Finds the statistics of the data before: the newest that the same node made of other data.
///
/// Statistics with the content of those at hand are passed over: comparing data with itself says nothing, and a
/// run that changes nothing must find the baseline that it found before. So are those of a later span: what comes
/// after is not before.
pub struct LatestStatistics;

/// Finds the examples before: the newest other ones that the same node made, as [`LatestStatistics`] does.
pub struct LatestExamples;

/// No configuration.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {}

impl Component for LatestStatistics {
    fn name(&self) -> &'static str {
        "LatestStatistics"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.dsl.components.common.resolver.Resolver"
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Finds the newest statistics of earlier data of the pipeline, as the baseline for those at hand."
    }

    fn inputs(&self) -> &'static [Input] {
        const {
            &[Input {
                key: "statistics",
                artifact_type: types::EXAMPLE_STATISTICS,
                required: true,
                default_provider: None,
            }]
        }
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "baseline_statistics", artifact_type: types::EXAMPLE_STATISTICS }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_of::<Config>()
    }

    fn check(&self, _config: &Value, _context: &CheckContext<'_>) -> Checked {
        Checked::default()
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Resolver(self)
    }
}

impl Resolver for LatestStatistics {
    fn resolve(
        &self,
        pipeline: &str,
        inputs: &BTreeMap<String, Vec<Artifact>>,
        ledger: &dyn Ledger,
    ) -> Result<BTreeMap<String, Vec<Artifact>>, LedgerError> {
        let current = inputs.get("statistics").and_then(|found| found.first());
        let found = before(current, types::EXAMPLE_STATISTICS, pipeline, ledger)?;
        Ok(BTreeMap::from([("baseline_statistics".to_owned(), found)]))
    }
}

impl Component for LatestExamples {
    fn name(&self) -> &'static str {
        "LatestExamples"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.dsl.components.common.resolver.Resolver"
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Finds the newest earlier examples of the pipeline, as the baseline for those at hand."
    }

    fn inputs(&self) -> &'static [Input] {
        const {
            &[Input {
                key: "examples",
                artifact_type: types::EXAMPLES,
                required: true,
                default_provider: None,
            }]
        }
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "baseline_examples", artifact_type: types::EXAMPLES }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_of::<Config>()
    }

    fn check(&self, _config: &Value, _context: &CheckContext<'_>) -> Checked {
        Checked::default()
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Resolver(self)
    }
}

impl Resolver for LatestExamples {
    fn resolve(
        &self,
        pipeline: &str,
        inputs: &BTreeMap<String, Vec<Artifact>>,
        ledger: &dyn Ledger,
    ) -> Result<BTreeMap<String, Vec<Artifact>>, LedgerError> {
        let current = inputs.get("examples").and_then(|found| found.first());
        let found = before(current, types::EXAMPLES, pipeline, ledger)?;
        Ok(BTreeMap::from([("baseline_examples".to_owned(), found)]))
    }
}

/// Returns the artifact before another one, if there is any.
fn before(
    current: Option<&Artifact>,
    artifact_type: &ArtifactType,
    pipeline: &str,
    ledger: &dyn Ledger,
) -> Result<Vec<Artifact>, LedgerError> {
    let Some(current) = current else { return Ok(Vec::new()) };
    let producer = |artifact: &Artifact| -> Result<Option<String>, LedgerError> {
        Ok(ledger.producer(artifact.id)?.map(|execution| execution.node))
    };
    let node = producer(current)?;
    let mut candidates = ledger.artifacts(Some(artifact_type.name), Some(pipeline))?;
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
            return Ok(vec![candidate]);
        }
    }
    Ok(Vec::new())
}

fn span(artifact: &Artifact) -> Option<i64> {
    artifact.properties.get("span").and_then(PropertyValue::as_int)
}
