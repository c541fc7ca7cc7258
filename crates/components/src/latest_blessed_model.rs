//! LatestBlessedModel: the baseline that a candidate is compared with.

use std::collections::BTreeMap;

use artifact::{
    Artifact, ArtifactId, CheckContext, Checked, Component, Input, Kind, Ledger, LedgerError,
    Output, PropertyValue, Resolver, types,
};
use serde_json::Value;

use crate::config::{NoConfig, schema_of};
use crate::ports::RESOLVER;

/// Finds the newest blessed model of the pipeline other than the candidate itself.
///
/// A model is blessed when a `ModelBlessing` with `blessed` = 1 names it as `current_model_id`. Models with
/// the candidate's content are passed over: comparing a model with itself says nothing, and a run that
/// changes nothing must find the baseline that it found before.
pub struct LatestBlessedModel;

impl Component for LatestBlessedModel {
    fn name(&self) -> &'static str {
        "LatestBlessedModel"
    }

    fn execution_type(&self) -> &'static str {
        RESOLVER
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Finds the newest blessed model of the pipeline, as the baseline for the candidate."
    }

    fn inputs(&self) -> &'static [Input] {
        &[Input {
            key: "model",
            artifact_type: types::MODEL,
            required: true,
            default_provider: None,
        }]
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "baseline_model", artifact_type: types::MODEL }]
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

impl Resolver for LatestBlessedModel {
    fn resolve(
        &self,
        _config: &Value,
        pipeline: &str,
        inputs: &BTreeMap<String, Vec<Artifact>>,
        ledger: &dyn Ledger,
    ) -> Result<BTreeMap<String, Vec<Artifact>>, LedgerError> {
        let candidate = inputs.get("model").and_then(|models| models.first());
        let baseline = newest_blessed(pipeline, ledger, candidate.and_then(Artifact::digest))?;
        Ok(BTreeMap::from([("baseline_model".to_owned(), baseline)]))
    }
}

/// Returns the newest blessed model of a pipeline that is still there, but for those of one content.
pub(crate) fn newest_blessed(
    pipeline: &str,
    ledger: &dyn Ledger,
    except: Option<&str>,
) -> Result<Vec<Artifact>, LedgerError> {
    let blessings = ledger.artifacts(Some(types::MODEL_BLESSING.name), Some(pipeline))?;
    let blessed: Vec<ArtifactId> = blessings.iter().filter_map(blessed_model).collect();
    let models = ledger.artifacts(Some(types::MODEL.name), Some(pipeline))?;
    let newest = models
        .into_iter()
        .filter(|model| blessed.contains(&model.id) && model.uri.is_dir())
        .filter(|model| except.is_none() || model.digest() != except)
        .max_by_key(|model| model.id);
    Ok(newest.into_iter().collect())
}

fn blessed_model(blessing: &Artifact) -> Option<ArtifactId> {
    let property = |name| blessing.custom_properties.get(name).and_then(PropertyValue::as_int);
    (property("blessed") == Some(1)).then(|| property("current_model_id")).flatten().map(ArtifactId)
}
