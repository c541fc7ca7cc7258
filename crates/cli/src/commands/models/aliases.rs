//! `cupola models show` and `cupola models alias`: one model, and names for its versions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use artifact::{Alias, AliasOutcome, ArtifactId, ExpectedAlias, Ledger, ModelAliases, NewAlias};
use base::BoxError;
use metadata::SqliteLedger;
use serde_json::{Value, json};

use super::pushes::{Push, is_url, push_json, pushes, resolved};
use crate::args::{AliasArgs, Global};
use crate::clock::{now_ms, run_id};
use crate::error::{CliError, Outcome};
use crate::output::{print, print_json, shown, table, time};

/// What stands for the newest version, and for none.
const NEWEST: &str = "newest";
const NONE: &str = "none";

/// A model that was pushed.
struct Found {
    /// Its serving directory, or the URL of one.
    directory: PathBuf,
    /// Its pushes, newest first.
    pushes: Vec<Push>,
}

impl Found {
    /// Returns the name that it has in the ledger.
    fn key(&self) -> String {
        self.directory.display().to_string()
    }

    fn shown(&self) -> String {
        shown(&self.directory).display().to_string()
    }
}

/// Finds a model by its directory, its URL, or the last part of these where only one has it.
fn find(model: &str, ledger: &dyn Ledger) -> Result<Found, BoxError> {
    let mut all: BTreeMap<PathBuf, Vec<Push>> = BTreeMap::new();
    for push in pushes(ledger)? {
        all.entry(push.directory.clone()).or_default().push(push);
    }
    let exact = resolved(Path::new(model));
    let last = |path: &Path| path.file_name().is_some_and(|name| name.to_str() == Some(model));
    let candidates: Vec<PathBuf> = match all.contains_key(&exact) {
        true => vec![exact],
        false => all.keys().filter(|path| last(path)).cloned().collect(),
    };
    let model = model.to_owned();
    match candidates.as_slice() {
        [directory] => {
            let pushes = all.remove(directory).unwrap_or_default();
            Ok(Found { directory: directory.clone(), pushes })
        }
        [] => {
            let there = all.keys().map(|path| shown(path).display().to_string()).collect();
            Err(CliError::NoPushedModel { model, there }.into())
        }
        several => {
            let candidates = several.iter().map(|path| path.display().to_string()).collect();
            Err(CliError::SeveralModels { model, candidates }.into())
        }
    }
}

/// Prints a model: its names, its versions, and what became of the names.
pub(super) fn show(
    model: &str,
    root: &Path,
    ledger: &SqliteLedger,
    global: &Global,
) -> Result<(), BoxError> {
    let found = find(model, ledger)?;
    let aliases = ledger.aliases(&found.key())?;
    let changes = ledger.alias_changes(&found.key())?;
    let names = |version: u64| -> Vec<&str> {
        let named = aliases.iter().filter(|alias| alias.version == version);
        named.map(|alias| alias.name.as_str()).collect()
    };
    let served = match is_url(&found.directory) {
        true => found.pushes.iter().map(|push| push.version).max(),
        false => push::versions(&found.directory)?.last().map(|(version, _)| *version),
    };
    if global.json {
        let pushes = found.pushes.iter().map(|push| {
            let mut told = push_json(push);
            told["aliases"] = names(push.version).into();
            told
        });
        let changes = changes.iter().map(|change| {
            json!({
                "alias": change.name,
                "from": change.from,
                "to": change.to,
                "run": change.run,
                "time_ms": change.time_ms,
            })
        });
        return print_json(
            "model",
            json!({
                "directory": found.directory,
                "root": root,
                "served_version": served,
                "aliases": aliases.iter().map(|a| (a.name.clone(), a.version.into())).collect::<serde_json::Map<String, Value>>(),
                "versions": pushes.collect::<Vec<_>>(),
                "alias_changes": changes.collect::<Vec<_>>(),
            }),
        );
    }
    let rows = found
        .pushes
        .iter()
        .map(|push| {
            let mut notes =
                names(push.version).iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            if Some(push.version) == served {
                notes.insert(0, "served".to_owned());
            }
            if push.is_there == Some(false) {
                notes.push("gone".to_owned());
            }
            vec![
                push.version.to_string(),
                time(push.artifact.create_time_ms),
                format!("{} of {}", push.node, push.pipeline),
                push.run.clone(),
                push.model.map_or(String::new(), |model| model.to_string()),
                notes.join(", "),
            ]
        })
        .collect();
    let header = ["version", "pushed", "by", "run", "made of", ""];
    print(&format!("{}\n\n{}", found.shown(), table(&header, rows, &[0, 4])))?;
    if !changes.is_empty() {
        let version = |version: Option<u64>| version.map_or(NONE.to_owned(), |v| v.to_string());
        let rows = changes
            .iter()
            .map(|change| {
                let (from, to) = (version(change.from), version(change.to));
                vec![time(change.time_ms), change.name.clone(), from, to, change.run.clone()]
            })
            .collect();
        let header = ["changed", "name", "from", "to", "run"];
        print(&format!("\n{}", table(&header, rows, &[2, 3])))?;
    }
    Ok(())
}

/// Gives a version a name, or takes it away.
pub(super) fn alias(
    args: &AliasArgs,
    root: &Path,
    ledger: &SqliteLedger,
    global: &Global,
) -> Result<Outcome, BoxError> {
    push::check_alias(&args.name)?;
    let found = find(&args.model, ledger)?;
    let key = found.key();
    let mut outcome = AliasOutcome::Same;
    let mut to = None;
    let mut change = || -> Result<BTreeMap<String, u64>, BoxError> {
        let aliases = ledger.aliases(&key)?;
        to = target(args, &found, &aliases, ledger)?;
        let expected = match args.expect.as_deref() {
            None => ExpectedAlias::Any,
            Some(NONE) => ExpectedAlias::Exactly(None),
            Some(text) => ExpectedAlias::Exactly(Some(version(text, &found, &aliases)?.0)),
        };
        outcome = ledger.set_alias(&NewAlias {
            model: &key,
            name: &args.name,
            to,
            expected,
            pipeline: found.pushes.first().map_or("", |push| push.pipeline.as_str()),
            run: &run_id(),
            now_ms: now_ms(),
        })?;
        let aliases = ledger.aliases(&key)?;
        Ok(aliases.into_iter().map(|alias| (alias.name, alias.version)).collect())
    };
    // Servers see it beside the versions; of a store only the ledger knows.
    if is_url(&found.directory) || !found.directory.is_dir() {
        change()?;
    } else {
        push::update_aliases(&found.directory, change)?;
    }

    let shown_version = |version: Option<u64>| version.map_or(NONE.to_owned(), |v| v.to_string());
    let to = to.map(|(version, _)| version);
    let from = match outcome {
        AliasOutcome::Changed(from) => from,
        AliasOutcome::Same => to,
        AliasOutcome::Moved(now) => {
            return Err(CliError::AliasMoved {
                model: found.shown(),
                name: args.name.clone(),
                found: shown_version(now),
                expected: args.expect.clone().unwrap_or_default(),
            }
            .into());
        }
    };
    if global.json {
        let is_changed = matches!(outcome, AliasOutcome::Changed(_));
        let told = json!({
            "directory": found.directory, "root": root, "name": args.name, "from": from, "to": to,
            "is_changed": is_changed,
        });
        print_json("alias", told)?;
    } else if from == to {
        print(&format!("{} of {} is {} already", args.name, found.shown(), shown_version(to)))?;
    } else {
        let (from, to) = (shown_version(from), shown_version(to));
        print(&format!("{} of {} is {to}, was {from}", args.name, found.shown()))?;
    }
    Ok(Outcome::Done)
}

/// Returns the version that is to get the name; nothing where it is taken away.
fn target(
    args: &AliasArgs,
    found: &Found,
    aliases: &[Alias],
    ledger: &SqliteLedger,
) -> Result<Option<(u64, ArtifactId)>, BoxError> {
    if args.remove {
        return Ok(None);
    }
    if let Some(text) = &args.version {
        return version(text, found, aliases).map(Some);
    }
    // Back: to what it was before the last change, and with that undone before the one before.
    let changes = ledger.alias_changes(&found.key())?;
    let last = changes.iter().find(|change| change.name == args.name);
    let earlier = last.and_then(|change| change.from).ok_or_else(|| {
        let (model, name) = (found.shown(), args.name.clone());
        CliError::NoEarlier { model, name }
    })?;
    version(&earlier.to_string(), found, aliases).map(Some)
}

/// Returns the version that a text means, and the push that made it.
fn version(text: &str, found: &Found, aliases: &[Alias]) -> Result<(u64, ArtifactId), BoxError> {
    let number = match text {
        NEWEST => found.pushes.iter().map(|push| push.version).max(),
        _ => {
            let named = aliases.iter().find(|alias| alias.name == text);
            named.map(|alias| alias.version).or_else(|| text.parse().ok())
        }
    };
    let there = |push: &&Push| Some(push.version) == number && push.is_there != Some(false);
    let push = found.pushes.iter().find(there).ok_or_else(|| {
        let mut versions: Vec<u64> = found
            .pushes
            .iter()
            .filter(|push| push.is_there != Some(false))
            .map(|push| push.version)
            .collect();
        versions.sort_unstable();
        versions.dedup();
        let there = versions.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        CliError::NoPushedVersion { model: found.shown(), version: text.to_owned(), there }
    })?;
    Ok((push.version, push.artifact.id))
}
