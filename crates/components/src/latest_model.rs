//! LatestModel: the model of an earlier run, for a Trainer to begin with.

use std::collections::BTreeMap;

use artifact::{
    Artifact, CheckContext, Checked, Component, Input, Kind, Ledger, LedgerError, Output, Resolver,
    types,
};
use serde_json::Value;

use crate::config::{NoConfig, schema_of};
use crate::latest_blessed_model::newest_blessed;
use crate::ports::RESOLVER;

/// Finds the newest blessed model of the pipeline's earlier runs; in the first run, none.
///
/// Unlike [`LatestBlessedModel`](crate::LatestBlessedModel) it knows no candidate, so it may come before the Trainer. Each
/// blessed model is what the next run begins with: a run after it trains on, even if nothing else changed.
pub struct LatestModel;

impl Component for LatestModel {
    fn name(&self) -> &'static str {
        "LatestModel"
    }

    fn execution_type(&self) -> &'static str {
        RESOLVER
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Finds the newest blessed model of earlier runs, whose weights a Trainer begins with."
    }

    fn inputs(&self) -> &'static [Input] {
        &[]
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "base_model", artifact_type: types::MODEL }]
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

impl Resolver for LatestModel {
    fn resolve(
        &self,
        _config: &Value,
        pipeline: &str,
        _inputs: &BTreeMap<String, Vec<Artifact>>,
        ledger: &dyn Ledger,
    ) -> Result<BTreeMap<String, Vec<Artifact>>, LedgerError> {
        Ok(BTreeMap::from([("base_model".to_owned(), newest_blessed(pipeline, ledger, None)?)]))
    }
}
