//! Which files a source names.

mod pattern;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use base::{IoError, nearest};
use glob::{MatchOptions, Pattern};
use remote::{Environment, RemoteFile};

use self::pattern::{BadDate, Numbers, SpanPattern, SpanSpec, Specs};
use crate::queries::in_table;
use crate::{Config, IngestError, SourceConfig};

/// How many names a hint lists.
const LISTED: usize = 5;

/// `*` and `?` do not stand for `/`, nor for the dot of a hidden or unfinished file.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The files of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFiles {
    /// The files, in the order of their paths, each once; those of stores elsewhere by their URLs.
    pub paths: Vec<PathBuf>,
    /// The files of stores elsewhere, by their URLs.
    pub remote: BTreeMap<PathBuf, RemoteFile>,
    /// The splits, where the source has files for each, and the position of each file's split.
    pub splits: Option<(Vec<String>, Vec<usize>)>,
    /// The span that the files are of, the latest of several; 0 where patterns do not tell.
    pub span: i64,
    /// The version of that span, where patterns tell.
    pub version: Option<i64>,
    /// All spans that the files are of, ascending, where patterns tell.
    pub spans: Vec<i64>,
}

impl SourceFiles {
    /// Returns files whose rows are to be split.
    pub(crate) fn of_paths(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            remote: BTreeMap::new(),
            splits: None,
            span: 0,
            version: None,
            spans: Vec::new(),
        }
    }
}

/// Returns the files that a source names; none for a query over anything but files, and all tables' for one over them.
///
/// Patterns are relative to `base_dir`; folders that match are not files. Something that exists by the very
/// name of a pattern is meant, whatever the name's characters. A file that is reached by several names is
/// taken by the first of them. Of patterns with `{SPAN}` or a date, the files of the greatest span are taken, or of
/// those that `config.span` or `config.range_config` name, and of each span the ones of the greatest version.
///
/// # Errors
///
/// [`IngestError::NoFiles`] for a pattern that matches no file, with what there is instead;
/// [`IngestError::BadPattern`] and [`IngestError::BadSpecs`] for one that cannot be read;
/// [`IngestError::MixedSpecs`] and [`IngestError::SpansDiffer`] for patterns that do not go together,
/// [`IngestError::NoSuchSpan`], [`IngestError::NoSpans`] and [`IngestError::BadDate`] for spans;
/// [`IngestError::FileInTwoSplits`]; [`IngestError::Io`] when a folder cannot be read.
pub fn source_files(config: &Config, base_dir: &Path) -> Result<SourceFiles, IngestError> {
    if let SourceConfig::Sql(source) = &config.source {
        let mut all = SourceFiles::of_paths(Vec::new());
        for (name, table) in &source.tables {
            let files = source_files(&table.config(), base_dir);
            let files = files.map_err(|error| in_table(name, error))?;
            all.paths.extend(files.paths);
            all.remote.extend(files.remote);
        }
        all.paths.sort_unstable();
        all.paths.dedup();
        return Ok(all);
    }
    if config.source.is_query() {
        return Ok(SourceFiles::of_paths(Vec::new()));
    }
    let files = config.source.files();
    if files.patterns().next().is_none() {
        return Err(IngestError::NoPatterns);
    }
    let mut resolved: Option<Resolved<'_>> = None;
    let mut found = Vec::new();
    let mut remote = BTreeMap::new();
    for (split, pattern) in files.patterns() {
        let before = found.len();
        let mut paths = Vec::new();
        let one = resolve(pattern, config, base_dir, &mut paths, &mut remote)?;
        if let Some(first) = &resolved {
            first.check(&one)?;
        }
        resolved.get_or_insert(one);
        found.extend(paths.into_iter().map(|path| (path, split)));
        if found.len() == before {
            return Err(no_files(pattern, base_dir));
        }
    }
    let numbers = resolved.map_or_else(Vec::new, |resolved| resolved.numbers);
    if let (true, Some(key)) = (numbers.is_empty(), key_of_spans(config)) {
        return Err(IngestError::NoSpans { key });
    }
    let latest = numbers.last();
    found.sort_unstable();
    let (mut paths, mut splits): (Vec<PathBuf>, Vec<usize>) = Default::default();
    let mut seen = BTreeMap::new();
    let names: Vec<String> = files.split_names().map(ToOwned::to_owned).collect();
    for (path, split) in found {
        // A link that leads nowhere is opened later, and that error says so.
        let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        match seen.insert(real, split) {
            Some(other) if other != split => {
                let (first, second) = (names[other].clone(), names[split].clone());
                return Err(IngestError::FileInTwoSplits { path, first, second });
            }
            Some(_) => {}
            None => {
                paths.push(path);
                splits.push(split);
            }
        }
    }
    let chosen: BTreeSet<&PathBuf> = paths.iter().collect();
    remote.retain(|url, _| chosen.contains(url));
    Ok(SourceFiles {
        paths,
        remote,
        splits: (!names.is_empty()).then_some((names, splits)),
        span: latest.map_or(0, |numbers| numbers.span),
        version: latest.and_then(|numbers| numbers.version),
        spans: numbers.iter().map(|numbers| numbers.span).collect(),
    })
}

/// Returns the key that says which spans to read, where one does.
fn key_of_spans(config: &Config) -> Option<&'static str> {
    let range = config.range_config.as_ref().map(|_| "range_config");
    range.or(config.span.map(|_| "span"))
}

/// What became of a pattern.
struct Resolved<'p> {
    pattern: &'p str,
    specs: Specs,
    /// The spans, ascending, each with its latest version.
    numbers: Vec<Numbers>,
}

impl Resolved<'_> {
    /// Says no to another pattern that tells other spans or versions.
    fn check(&self, other: &Resolved<'_>) -> Result<(), IngestError> {
        let (first, second) = (self.pattern.to_owned(), other.pattern.to_owned());
        if self.specs != other.specs {
            return Err(IngestError::MixedSpecs { first, second });
        }
        if self.numbers != other.numbers {
            let shown = |numbers: &Numbers| match numbers {
                Numbers { span, version: None } => format!("span {span}"),
                Numbers { span, version: Some(version) } => {
                    format!("span {span}, version {version}")
                }
            };
            // Of several spans, those that the other pattern does not lead to.
            let shown = |ours: &[Numbers], theirs: &[Numbers]| {
                let only = ours.iter().filter(|numbers| !theirs.contains(numbers));
                let only: Vec<String> = only.take(LISTED).map(shown).collect();
                if only.is_empty() { "no other".to_owned() } else { only.join("; ") }
            };
            return Err(IngestError::SpansDiffer {
                first,
                found: shown(&self.numbers, &other.numbers),
                second,
                other: shown(&other.numbers, &self.numbers),
            });
        }
        Ok(())
    }
}

/// Finds the files of a pattern.
fn resolve<'p>(
    pattern: &'p str,
    config: &Config,
    base_dir: &Path,
    found: &mut Vec<PathBuf>,
    remote: &mut BTreeMap<PathBuf, RemoteFile>,
) -> Result<Resolved<'p>, IngestError> {
    let none = Specs { span: SpanSpec::None, has_version: false };
    let mut matches = |pattern: &str, found: &mut Vec<PathBuf>| match remote::is_url(pattern) {
        true => matches_elsewhere(pattern, found, remote),
        false => matches(pattern, base_dir, found),
    };
    if base_dir.join(pattern).is_file() {
        matches(pattern, found)?;
        return Ok(Resolved { pattern, specs: none, numbers: Vec::new() });
    }
    let plain = pattern.trim_start_matches("./");
    let with_numbers = SpanPattern::parse(plain)?;
    let specs = with_numbers.specs;
    if specs.span == SpanSpec::None {
        matches(pattern, found)?;
        return Ok(Resolved { pattern, specs, numbers: Vec::new() });
    }
    let mut candidates = Vec::new();
    matches(&with_numbers.to_glob(), &mut candidates)?;
    let mut numbered = Vec::new();
    for path in candidates {
        let name = match path.strip_prefix(base_dir) {
            Ok(name) if !Path::new(plain).is_absolute() => name,
            _ => &path,
        };
        match with_numbers.numbers_in(&name.to_string_lossy()) {
            None => {}
            Some(Ok(numbers)) => numbered.push((numbers, path)),
            Some(Err(BadDate { year, month, day })) => {
                return Err(IngestError::BadDate { path, year, month, day });
            }
        }
    }
    let numbers = choose(numbered.iter().map(|(numbers, _)| *numbers), pattern, config)?;
    let of_chosen = numbered.into_iter().filter(|(of, _)| numbers.contains(of));
    found.extend(of_chosen.map(|(_, path)| path));
    Ok(Resolved { pattern, specs, numbers })
}

/// Returns the spans to read of those that there are, ascending, each with its latest version.
fn choose(
    found: impl Iterator<Item = Numbers>,
    pattern: &str,
    config: &Config,
) -> Result<Vec<Numbers>, IngestError> {
    let mut versions: BTreeMap<i64, Option<i64>> = BTreeMap::new();
    for Numbers { span, version } in found {
        let latest = versions.entry(span).or_insert(version);
        *latest = version.max(*latest);
    }
    let Some((&latest, _)) = versions.last_key_value() else { return Ok(Vec::new()) };
    let wanted = match (&config.range_config, config.span) {
        (Some(range), _) => range.spans(latest),
        (None, Some(span)) => span..=span,
        (None, None) => latest..=latest,
    };
    let numbers = versions.iter().map(|(&span, &version)| Numbers { span, version });
    let chosen: Vec<_> = numbers.filter(|numbers| wanted.contains(&numbers.span)).collect();
    if chosen.is_empty() {
        let (first, last) = wanted.into_inner();
        return Err(IngestError::NoSuchSpan {
            key: key_of_spans(config).unwrap_or("source"),
            pattern: pattern.to_owned(),
            first,
            last,
            found: versions.into_keys().collect(),
        });
    }
    Ok(chosen)
}

/// Finds the files of a store elsewhere.
fn matches_elsewhere(
    pattern: &str,
    found: &mut Vec<PathBuf>,
    remote: &mut BTreeMap<PathBuf, RemoteFile>,
) -> Result<(), IngestError> {
    for file in remote::find(pattern, &Environment::of_process())? {
        let url = PathBuf::from(file.url());
        found.push(url.clone());
        remote.insert(url, file);
    }
    Ok(())
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
        let is_wild = name.contains(['*', '?', '[', '{']);
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
