//! LatestModel and LatestBlessedModel: the models of earlier runs, to begin a training with and to compare with.

use artifact::{Artifact, ArtifactId, Input, Ledger, LedgerError, Output, PropertyValue, types};

use crate::latest::Latest;

/// Finds the newest blessed model of the pipeline's earlier runs; in the first run, none.
///
/// Unlike [`LATEST_BLESSED_MODEL`] it knows no candidate, so it may come before the Trainer. Each blessed model is what
/// the next run begins with: a run after it trains on, even if nothing else changed.
pub const LATEST_MODEL: Latest = Latest {
    name: "LatestModel",
    description: "Finds the newest blessed model of earlier runs, whose weights a Trainer begins with.",
    inputs: &[],
    output: &[Output { key: "base_model", artifact_type: types::MODEL }],
    find: newest_blessed,
};

/// Finds the newest blessed model of the pipeline other than the candidate itself.
pub const LATEST_BLESSED_MODEL: Latest = Latest {
    name: "LatestBlessedModel",
    description: "Finds the newest blessed model of the pipeline, as the baseline for the candidate.",
    inputs: &[Input::required("model", types::MODEL)],
    output: &[Output { key: "baseline_model", artifact_type: types::MODEL }],
    find: newest_blessed,
};

/// Returns the newest blessed model that is still there.
///
/// A model is blessed when a `ModelBlessing` with `blessed` = 1 names it as `current_model_id`. Models with
/// the candidate's content are passed over: comparing a model with itself says nothing, and a run that
/// changes nothing must find the baseline that it found before.
fn newest_blessed(
    candidate: Option<&Artifact>,
    pipeline: &str,
    ledger: &dyn Ledger,
) -> Result<Option<Artifact>, LedgerError> {
    let except = candidate.and_then(Artifact::digest);
    let blessings = ledger.artifacts(Some(types::MODEL_BLESSING.name), Some(pipeline))?;
    let blessed: Vec<ArtifactId> = blessings.iter().filter_map(blessed_model).collect();
    let models = ledger.artifacts(Some(types::MODEL.name), Some(pipeline))?;
    let models = models
        .into_iter()
        .filter(|model| blessed.contains(&model.id) && model.uri.is_dir())
        .filter(|model| except.is_none() || model.digest() != except);
    Ok(models.max_by_key(|model| model.id))
}

fn blessed_model(blessing: &Artifact) -> Option<ArtifactId> {
    let property = |name| blessing.custom_properties.get(name).and_then(PropertyValue::as_int);
    (property("blessed") == Some(1)).then(|| property("current_model_id")).flatten().map(ArtifactId)
}
