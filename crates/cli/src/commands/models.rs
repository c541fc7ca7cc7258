//! `cupola models`: which models were pushed where, and going back to one or on to another place.
//!
//! The ledger is the registry: every push is an execution with a `PushedModel`, and so are those made here.

mod aliases;
mod pushes;
mod record;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use artifact::Ledger;
use base::BoxError;
use serde_json::{Value, json};

use self::pushes::{Push, is_url, push_json, pushes, resolved};
use self::record::record;
use crate::args::{Global, ModelsCommand};
use crate::clock::now_ms;
use crate::error::{CliError, Outcome};
use crate::output::{print, print_json, shown, table, time};
use crate::root::open_ledger;

/// Runs one of the `models` commands.
pub(crate) fn models(command: &ModelsCommand, global: &Global) -> Result<Outcome, BoxError> {
    match command {
        ModelsCommand::List { root } => {
            let (_, ledger) = open_ledger(root.root.as_deref())?;
            list(&pushes(&ledger)?, global)?;
        }
        ModelsCommand::History { dir, root } => {
            let (_, ledger) = open_ledger(root.root.as_deref())?;
            let mut pushes = pushes(&ledger)?;
            if let Some(dir) = dir {
                let dir = resolved(dir);
                pushes.retain(|push| push.directory == dir);
            }
            history(&pushes, global)?;
        }
        ModelsCommand::Show { model, root } => {
            let (root, ledger) = open_ledger(root.root.as_deref())?;
            aliases::show(model, &root, &ledger, global)?;
        }
        ModelsCommand::Alias(args) => {
            let (root, ledger) = open_ledger(args.root.root.as_deref())?;
            return aliases::alias(args, &root, &ledger, global);
        }
        ModelsCommand::Rollback { dir, to, root } => {
            let (root, ledger) = open_ledger(root.root.as_deref())?;
            let versions = push::versions(dir)?;
            let newest = versions.last().map(|(version, _)| *version);
            let earlier = match to {
                Some(to) => versions.iter().find(|(version, _)| version == to),
                None => versions.iter().rev().find(|(_, path)| !is_like_newest(&versions, path)),
            };
            let Some((version, path)) = earlier else {
                let there: Vec<u64> = versions.iter().map(|(version, _)| *version).collect();
                return Err(CliError::NoVersion { dir: dir.clone(), wanted: *to, there }.into());
            };
            if Some(*version) == newest {
                return Err(CliError::IsServed { dir: dir.clone(), version: *version }.into());
            }
            again("rollback", (*version, path.as_path()), dir, &root, &ledger, global)?;
        }
        ModelsCommand::Promote { from, to, version, root } => {
            let (root, ledger) = open_ledger(root.root.as_deref())?;
            let versions = push::versions(from)?;
            let found = match version {
                Some(wanted) => versions.iter().find(|(version, _)| version == wanted),
                None => versions.last(),
            };
            let Some((number, path)) = found else {
                let there: Vec<u64> = versions.iter().map(|(version, _)| *version).collect();
                let (dir, wanted) = (from.clone(), *version);
                return Err(CliError::NoVersion { dir, wanted, there }.into());
            };
            again("promote", (*number, path.as_path()), to, &root, &ledger, global)?;
        }
    }
    Ok(Outcome::Done)
}

/// Pushes a version that is there already, and writes it down.
fn again(
    what: &'static str,
    (version, path): (u64, &Path),
    destination: &Path,
    root: &Path,
    ledger: &dyn Ledger,
    global: &Global,
) -> Result<(), BoxError> {
    let directory = resolved(path.parent().unwrap_or(path));
    let pushes = pushes(ledger)?;
    let source = pushes.iter().find(|push| push.directory == directory && push.version == version);
    let source = source.ok_or_else(|| {
        let what = format!("a push of version {version} to {}", shown(&directory).display());
        CliError::Nothing { what, root: root.to_path_buf() }
    })?;
    let seconds = u64::try_from(now_ms() / 1000).unwrap_or(0);
    let pushed = push::push_version(path, destination, seconds)?;
    let pushed = push::Pushed { dir: resolved(&pushed.dir), ..pushed };
    record(what, source, &pushed, root, ledger)?;
    if global.json {
        return print_json(
            what,
            json!({
                "from": path,
                "from_version": version,
                "destination": pushed.dir,
                "version": pushed.version,
            }),
        );
    }
    print(&format!(
        "version {} in {} is version {version} of {}",
        pushed.version,
        shown(&resolved(destination)).display(),
        shown(&directory).display()
    ))
}

/// Returns whether a version holds the same as the newest.
fn is_like_newest(versions: &[(u64, PathBuf)], path: &Path) -> bool {
    let marker = |path: &Path| std::fs::read(path.join(push::READY)).ok();
    versions.last().is_some_and(|(_, newest)| marker(newest) == marker(path))
}

/// Prints the version that each serving directory serves.
fn list(pushes: &[Push], global: &Global) -> Result<(), BoxError> {
    let mut directories: BTreeMap<&Path, Vec<&Push>> = BTreeMap::new();
    for push in pushes {
        directories.entry(&push.directory).or_default().push(push);
    }
    let mut rows = Vec::new();
    let mut objects = Vec::new();
    for (directory, pushes) in directories {
        // What is in a store is not looked at: the newest push is what is served.
        let versions: Vec<u64> = if is_url(directory) {
            pushes.iter().rev().map(|push| push.version).collect()
        } else {
            push::versions(directory)?.into_iter().map(|(version, _)| version).collect()
        };
        let served = versions.last().copied();
        let push = pushes.iter().find(|push| Some(push.version) == served);
        objects.push(json!({
            "directory": directory,
            "served_version": served,
            "num_versions": versions.len(),
            "pushed": push.map(|push| push_json(push)),
        }));
        rows.push(vec![
            shown(directory).display().to_string(),
            served.map_or("none".to_owned(), |version| version.to_string()),
            push.map_or(String::new(), |push| time(push.artifact.create_time_ms)),
            push.map_or(String::new(), |push| push.run.clone()),
            push.and_then(|push| push.model).map_or(String::new(), |model| model.to_string()),
            versions.len().to_string(),
        ]);
    }
    if global.json {
        return print_json("models", Value::Array(objects));
    }
    let header = ["directory", "serves", "pushed", "run", "made of", "versions"];
    print(&table(&header, rows, &[4, 5]))
}

/// Prints every push.
fn history(pushes: &[Push], global: &Global) -> Result<(), BoxError> {
    if global.json {
        return print_json("pushes", pushes.iter().map(push_json).collect());
    }
    let rows = pushes
        .iter()
        .map(|push| {
            vec![
                push.version.to_string(),
                shown(&push.directory).display().to_string(),
                time(push.artifact.create_time_ms),
                format!("{} of {}", push.node, push.pipeline),
                push.run.clone(),
                push.model.map_or(String::new(), |model| model.to_string()),
                if push.is_there == Some(false) { "gone".to_owned() } else { String::new() },
            ]
        })
        .collect();
    let header = ["version", "directory", "pushed", "by", "run", "made of", ""];
    print(&table(&header, rows, &[0, 5]))
}
