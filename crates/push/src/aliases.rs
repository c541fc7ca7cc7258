//! Names for versions, beside them: `aliases.json` in a serving directory.
//!
//! Servers take them for labels, so that a request for `champion` follows wherever the name goes. Who gives names writes
//! down elsewhere what they are and were; this file is what servers see of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base::{IoError, publish};
use serde::{Deserialize, Serialize};

use crate::PushError;
use crate::lock::PushLock;

/// The name of the file.
pub const ALIASES: &str = "aliases.json";

const VERSION: u64 = 1;

/// Words that mean a version by themselves.
const WORDS: [&str; 2] = ["newest", "none"];

/// How long a name may be.
const MAX_LEN: usize = 64;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V1 {
    version: u64,
    aliases: BTreeMap<String, u64>,
}

/// Returns the names of versions of a serving directory; none where there is no such file.
///
/// # Errors
///
/// [`PushError::Io`] and [`PushError::Aliases`] when the file cannot be read.
pub fn aliases(dir: &Path) -> Result<BTreeMap<String, u64>, PushError> {
    let path = dir.join(ALIASES);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(IoError::at("read", &path)(error).into()),
    };
    let bad = |reason: String| PushError::Aliases { path: path.clone(), reason };
    let stored: V1 = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    match stored.version {
        VERSION => Ok(stored.aliases),
        found => Err(bad(format!("format version {found}, expected {VERSION}"))),
    }
}

/// Decides names and writes them, while nobody else does or pushes. `decide` is called with the directory locked; the
/// names that it returns replace all that were there.
///
/// # Errors
///
/// What `decide` says, and [`PushError::Io`].
pub fn update_aliases<E: From<PushError>>(
    dir: &Path,
    decide: impl FnOnce() -> Result<BTreeMap<String, u64>, E>,
) -> Result<(), E> {
    fs::create_dir_all(dir).map_err(|error| PushError::Io(IoError::at("create", dir)(error)))?;
    let _lock = PushLock::acquire(dir).map_err(PushError::Io)?;
    let stored = V1 { version: VERSION, aliases: decide()? };
    let text = serde_json::to_string_pretty(&stored).expect("names and numbers print") + "\n";
    publish::write_file(&dir.join(ALIASES), text.as_bytes()).map_err(PushError::Io)?;
    Ok(())
}

/// Makes sure that a text can be the name of a version: a label in requests, and never a number.
///
/// # Errors
///
/// [`PushError::AliasName`].
pub fn check_alias(name: &str) -> Result<(), PushError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_good = name.len() <= MAX_LEN
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(is_plain)
        && !WORDS.contains(&name);
    if is_good { Ok(()) } else { Err(PushError::AliasName { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_and_read() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("taxi");
        assert_eq!(aliases(&dir).unwrap(), BTreeMap::new());
        let names = BTreeMap::from([("champion".to_owned(), 7)]);
        update_aliases::<PushError>(&dir, || Ok(names.clone())).unwrap();
        assert_eq!(aliases(&dir).unwrap(), names);
        let no = || Err(PushError::AliasName { name: "7".to_owned() });
        assert!(update_aliases::<PushError>(&dir, no).is_err());
        assert_eq!(aliases(&dir).unwrap(), names);
        assert!(crate::versions(&dir).unwrap().is_empty());
    }

    #[test]
    fn version_1_stays_readable_and_what_is_none_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let said = |text: &str| {
            fs::write(dir.path().join(ALIASES), text).unwrap();
            aliases(dir.path()).map_or_else(|error| error.to_string(), |found| format!("{found:?}"))
        };
        assert_eq!(said(r#"{"version": 1, "aliases": {"a": 2}}"#), r#"{"a": 2}"#);
        assert!(said(r#"{"version": 2, "aliases": {}}"#).ends_with("format version 2, expected 1"));
        assert!(said("").contains("aliases.json: "));
    }

    #[test]
    fn a_name_is_never_a_number() {
        for name in ["champion", "Challenger-2", "a.b_c"] {
            assert!(check_alias(name).is_ok(), "{name}");
        }
        let long = "a".repeat(65);
        for name in ["", "7", "1a", "-a", "a b", "a/b", "ä", "newest", "none", long.as_str()] {
            assert!(check_alias(name).is_err(), "{name}");
        }
    }
}
