//! One file per verb.

pub(crate) mod anomalies;
pub(crate) mod artifacts;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod eval;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod generate;
pub(crate) mod graph;
pub(crate) mod init;
pub(crate) mod lineage;
pub(crate) mod models;
pub(crate) mod predict;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod stats;
pub(crate) mod validate;

use std::path::{Path, PathBuf};

use artifact::{Artifact, ArtifactId, Ledger};
use base::BoxError;

use crate::args::{RootArg, ShowArgs};
use crate::error::CliError;
use crate::root::open_ledger;

/// Returns the artifact that a `show` command means: the one given, or the newest of its type.
fn artifact_to_show(args: &ShowArgs, type_name: &'static str) -> Result<Artifact, BoxError> {
    match args.artifact {
        Some(id) => {
            let (_, ledger) = open_ledger(args.root.root.as_deref())?;
            let artifact = ledger.artifact(ArtifactId(id))?;
            if artifact.type_name != type_name {
                let found = artifact.type_name;
                return Err(CliError::WrongType { id, found, expected: type_name }.into());
            }
            Ok(artifact)
        }
        None => newest_artifact(&args.root, type_name),
    }
}

/// Returns the newest version of a pushed model.
fn newest_pushed(model: &Path) -> Result<PathBuf, BoxError> {
    let newest = if model.is_file() { None } else { push::newest(model)? };
    Ok(newest.ok_or_else(|| CliError::NoModel { path: model.to_path_buf() })?)
}

/// Returns the newest artifact of a type.
fn newest_artifact(root: &RootArg, type_name: &str) -> Result<Artifact, BoxError> {
    let (root, ledger) = open_ledger(root.root.as_deref())?;
    let newest = ledger.artifacts(Some(type_name), None)?.into_iter().next();
    let nothing = CliError::Nothing { what: format!("an artifact of type {type_name}"), root };
    Ok(newest.ok_or(nothing)?)
}

/// Keeps the split asked for, or all of them.
fn keep_split<T>(
    splits: Vec<(String, T)>,
    wanted: Option<&str>,
    artifact: &Artifact,
) -> Result<Vec<(String, T)>, CliError> {
    let Some(wanted) = wanted else { return Ok(splits) };
    let names: Vec<_> = splits.iter().map(|(name, _)| format!("`{name}`")).collect();
    let kept: Vec<_> = splits.into_iter().filter(|(name, _)| name == wanted).collect();
    if kept.is_empty() {
        return Err(CliError::NoSplit {
            id: artifact.id.0,
            split: wanted.to_owned(),
            available: names.join(", "),
        });
    }
    Ok(kept)
}
