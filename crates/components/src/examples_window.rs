//! ExamplesWindow: the examples at hand and those of the spans before, as several artifacts.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use artifact::{
    Artifact, CheckContext, Checked, Component, Input, Kind, Ledger, LedgerError, Output,
    PropertyValue, Resolver, types,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::config::{read, schema_of};
use crate::ports::{RESOLVER, pass_on};

/// Finds the examples of the last spans, those at hand included, the oldest first.
///
/// Of each span it is the newest that the same node made and that is still there. Where a node learns from all of them,
/// what it learned of those that it has seen is kept, and only the new span is read.
pub struct ExamplesWindow;

/// How many spans there are in a window.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// How many spans, that of the examples at hand included; fewer where there are no more.
    spans: u32,
}

impl Component for ExamplesWindow {
    fn name(&self) -> &'static str {
        "ExamplesWindow"
    }

    fn execution_type(&self) -> &'static str {
        RESOLVER
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Finds the examples of the last spans, those at hand included, for a node that reads several at once: \
         `inputs.examples = \"examples_window.examples_window\"`."
    }

    fn inputs(&self) -> &'static [Input] {
        const { &[Input::required("examples", types::EXAMPLES)] }
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "examples_window", artifact_type: types::EXAMPLES }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_of::<Config>()
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        let mut checked = pass_on(context, "examples", "examples_window");
        if read::<Config>(config).is_ok_and(|config| config.spans == 0) {
            checked.problems.push(artifact::Problem {
                key: "spans".to_owned(),
                offset: None,
                message: "found 0, expected at least 1".to_owned(),
                hint: None,
            });
        }
        checked
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Resolver(self)
    }
}

impl Resolver for ExamplesWindow {
    fn resolve(
        &self,
        config: &Value,
        pipeline: &str,
        inputs: &BTreeMap<String, Vec<Artifact>>,
        ledger: &dyn Ledger,
    ) -> Result<BTreeMap<String, Vec<Artifact>>, LedgerError> {
        let current = inputs.get("examples").and_then(|found| found.first());
        let found = match current {
            Some(current) => {
                let spans = read::<Config>(config).map_or(1, |config| config.spans as usize);
                window(current, spans, pipeline, ledger)?
            }
            None => Vec::new(),
        };
        Ok(BTreeMap::from([("examples_window".to_owned(), found)]))
    }

    fn still_found(
        &self,
        config: &Value,
        mut found: BTreeMap<String, Vec<Artifact>>,
    ) -> BTreeMap<String, Vec<Artifact>> {
        // A new span takes the place of the oldest one.
        let spans = read::<Config>(config).map_or(1, |config| config.spans as usize);
        for artifacts in found.values_mut() {
            let num_left = artifacts.len().min(spans.saturating_sub(1));
            artifacts.drain(..artifacts.len() - num_left);
        }
        found
    }
}

/// Returns the newest artifacts of so many spans up to that of the current one, which is one of them.
fn window(
    current: &Artifact,
    spans: usize,
    pipeline: &str,
    ledger: &dyn Ledger,
) -> Result<Vec<Artifact>, LedgerError> {
    let producer = |artifact: &Artifact| -> Result<Option<String>, LedgerError> {
        Ok(ledger.producer(artifact.id)?.map(|execution| execution.node))
    };
    let node = producer(current)?;
    let mut candidates = ledger.artifacts(Some(types::EXAMPLES.name), Some(pipeline))?;
    candidates.retain(|other| {
        other.id != current.id && span(other) < span(current) && other.uri.is_dir()
    });
    candidates.sort_by_key(|other| Reverse((span(other), other.id)));
    let mut found = vec![current.clone()];
    for candidate in candidates {
        if found.len() >= spans {
            break;
        }
        let is_seen = found.iter().any(|other| span(other) == span(&candidate));
        if !is_seen && producer(&candidate)? == node {
            found.push(candidate);
        }
    }
    found.reverse();
    Ok(found)
}

/// Returns the span of examples.
pub(crate) fn span(artifact: &Artifact) -> i64 {
    artifact.properties.get("span").and_then(PropertyValue::as_int).unwrap_or(0)
}
