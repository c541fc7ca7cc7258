//! Which files a source names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base::{IoError, nearest};
use glob::{MatchOptions, Pattern};

use crate::{IngestError, SourceConfig};

/// How many names a hint lists.
const LISTED: usize = 5;

/// `*` and `?` do not stand for `/`, nor for the dot of a hidden or unfinished file.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Returns the files that a source names, in the order of their paths, each once.
///
/// Patterns are relative to `base_dir`; folders that match are not files. Something that exists by the very
/// name of a pattern is meant, whatever the name's characters. A file that is reached by several names is
/// taken by the first of them.
///
/// # Errors
///
/// [`IngestError::NoFiles`] for a pattern that matches no file, with what there is instead;
/// [`IngestError::BadPattern`] for one that cannot be read; [`IngestError::Io`] when a folder cannot be read.
pub fn source_files(source: &SourceConfig, base_dir: &Path) -> Result<Vec<PathBuf>, IngestError> {
    if source.patterns().is_empty() {
        return Err(IngestError::NoPatterns);
    }
    let mut found = Vec::new();
    for pattern in source.patterns() {
        let before = found.len();
        matches(pattern, base_dir, &mut found)?;
        if found.len() == before {
            return Err(no_files(pattern, base_dir));
        }
    }
    found.sort_unstable();
    let mut files = Vec::with_capacity(found.len());
    let mut seen = BTreeMap::new();
    for path in found {
        // A link that leads nowhere is opened later, and that error says so.
        let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if seen.insert(real, ()).is_none() {
            files.push(path);
        }
    }
    Ok(files)
}

fn matches(pattern: &str, base_dir: &Path, found: &mut Vec<PathBuf>) -> Result<(), IngestError> {
    let literal = base_dir.join(pattern);
    if literal.is_file() {
        found.push(literal);
        return Ok(());
    }
    let full = if Path::new(pattern).is_absolute() || base_dir.as_os_str().is_empty() {
        pattern.to_owned()
    } else {
        let dir = base_dir.to_str();
        let dir = dir.ok_or_else(|| IngestError::FolderNotUtf8 { dir: base_dir.to_path_buf() })?;
        format!("{}/{pattern}", Pattern::escape(dir.trim_end_matches('/')))
    };
    let skipped = full.chars().count() - pattern.chars().count();
    let paths = glob::glob_with(&full, MATCHING).map_err(|error| IngestError::BadPattern {
        pattern: pattern.to_owned(),
        position: error.pos.saturating_sub(skipped) + 1,
        reason: error.msg,
    })?;
    for path in paths {
        let path = path.map_err(|error| {
            let path = error.path().to_path_buf();
            IoError::at("read", &path)(error.into())
        })?;
        if !path.is_dir() {
            found.push(path);
        }
    }
    Ok(())
}

fn no_files(pattern: &str, base_dir: &Path) -> IngestError {
    let dir = if base_dir.as_os_str().is_empty() { Path::new(".") } else { base_dir };
    let hint = hint(pattern, dir);
    IngestError::NoFiles { pattern: pattern.to_owned(), dir: dir.to_path_buf(), hint }
}

/// Says how far a pattern can be followed, and what there is instead of what it asks for.
fn hint(pattern: &str, base_dir: &Path) -> Option<String> {
    let mut dir = base_dir.to_path_buf();
    let mut parts = Path::new(pattern).components().peekable();
    while let Some(part) = parts.next() {
        let name = part.as_os_str().to_string_lossy().into_owned();
        let next = dir.join(part);
        let is_last = parts.peek().is_none();
        if next.is_dir() {
            if is_last {
                return Some(format!(
                    "it is a folder: `{}/*` takes the files in it",
                    pattern.trim_end_matches('/')
                ));
            }
            dir = next;
            continue;
        }
        let (folders, files) = names_in(&dir)?;
        let is_wild = name.contains(['*', '?', '[']);
        if !is_wild {
            let candidates = if is_last { &files } else { &folders };
            if let Some(near) = nearest(&name, candidates.iter().map(String::as_str)) {
                return Some(format!("did you mean `{near}`?"));
            }
            if !is_last {
                return Some(format!("there is no folder {}", next.display()));
            }
        }
        return Some(contents(&dir, &files));
    }
    None
}

fn contents(dir: &Path, files: &[String]) -> String {
    if files.is_empty() {
        return format!("there are no files in {}", dir.display());
    }
    let mut names: Vec<_> = files.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    if files.len() > LISTED {
        names.push(format!("{} more", files.len() - LISTED));
    }
    format!("in {} there is {}", dir.display(), names.join(", "))
}

/// Returns the names of folders and of files, each sorted; nothing where the folder cannot be read.
fn names_in(dir: &Path) -> Option<(Vec<String>, Vec<String>)> {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(dir).ok()?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let names = if entry.path().is_dir() { &mut folders } else { &mut files };
        names.push(name);
    }
    folders.sort_unstable();
    files.sort_unstable();
    Some((folders, files))
}

#[cfg(test)]
mod tests;
