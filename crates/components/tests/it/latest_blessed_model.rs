//! Which model is the baseline.

use std::collections::BTreeMap;

use artifact::{Artifact, Component, Kind};
use components::LATEST_BLESSED_MODEL;
use tempfile::TempDir;

use crate::ledger::Artifacts;
use crate::scene::artifact;

fn model(dir: &TempDir, id: i64, digest: &str) -> Artifact {
    let uri = dir.path().join(id.to_string());
    std::fs::create_dir_all(&uri).unwrap();
    let mut model = artifact(id, "Model", uri);
    model.custom_properties.insert(Artifact::DIGEST.to_owned(), digest.into());
    model
}

fn blessing(id: i64, of: i64, blessed: i64) -> Artifact {
    let mut blessing = artifact(id, "ModelBlessing", "nowhere".into());
    blessing.custom_properties.insert("blessed".to_owned(), blessed.into());
    blessing.custom_properties.insert("current_model_id".to_owned(), of.into());
    blessing
}

/// Returns the number of the model that is found for a candidate.
fn resolve(candidate: &Artifact, artifacts: Vec<Artifact>) -> Option<i64> {
    let Kind::Resolver(resolver) = LATEST_BLESSED_MODEL.kind() else { panic!() };
    let inputs = BTreeMap::from([("model".to_owned(), vec![candidate.clone()])]);
    let found = resolver
        .resolve(&serde_json::Value::Null, "taxi", &inputs, &Artifacts::new(artifacts))
        .unwrap();
    found["baseline_model"].first().map(|model| model.id.0)
}

#[test]
fn the_newest_blessed_model_is_found_and_never_the_candidate() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second, third) = (model(&dir, 1, "a"), model(&dir, 2, "b"), model(&dir, 3, "c"));
    let candidate = model(&dir, 9, "d");
    assert_eq!(resolve(&candidate, vec![]), None);
    assert_eq!(resolve(&candidate, vec![first.clone()]), None);
    let ledger = vec![
        blessing(13, 3, 0),
        blessing(12, 2, 1),
        blessing(11, 1, 1),
        third,
        second.clone(),
        first,
    ];
    assert_eq!(resolve(&candidate, ledger.clone()), Some(2));
    // The candidate again, under another number.
    assert_eq!(resolve(&model(&dir, 8, "b"), ledger.clone()), Some(1));
    // A model whose folder is gone.
    std::fs::remove_dir(&second.uri).unwrap();
    assert_eq!(resolve(&candidate, ledger), Some(1));
}
