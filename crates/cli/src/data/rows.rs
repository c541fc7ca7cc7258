//! Rows for a model to predict, from bare files.

use std::path::{Path, PathBuf};

use base::{BoxError, DigestBuilder, IoError, digest_file};
use dataflow::{Engine, Source};
use dataset::{CsvFiles, CsvFormat, FeatureType};
use infer::Keep;
use ingest::{FoundFiles, IngestError, Patterns, RawData};

use super::format::{Format, NamedFile};
use super::{Files, FilesError, Types};
use crate::args::ReadArgs;
use crate::error::CliError;

/// Rows, each of which is to be there: none is left out.
pub(crate) struct Rows {
    content: Content,
    /// What to call them.
    pub(crate) name: String,
    /// A text that is another one for other rows.
    pub(crate) identity: String,
}

enum Content {
    /// Comma-separated text, and what keeps the files here that lie elsewhere.
    Csv(Box<CsvFiles>, #[expect(dead_code, reason = "dropped last")] Box<FoundFiles>),
    Any(Box<RawData>),
}

impl Rows {
    /// Opens the files that patterns name. Columns of comma-separated text are read as the types that are `needed`, so
    /// that they are read once only; those that are kept besides stay text.
    pub(crate) fn open(
        patterns: &[String],
        delimiter: Option<&str>,
        needed: &Types,
        keep: &Keep,
        engine: &dyn Engine,
    ) -> Result<Self, BoxError> {
        let name = patterns.join(" ");
        let all = Patterns::Many(patterns.to_vec());
        let found = FoundFiles::find(all, Path::new(""), engine).map_err(FilesError)?;
        let files: Vec<NamedFile> = found
            .paths()
            .iter()
            .map(|path| NamedFile { shown: found.shown(path), path: path.clone() })
            .collect();
        if files.is_empty() {
            return Err(FilesError(IngestError::NoPatterns).into());
        }
        let identity = identity(&files)?;
        let first = &files[0];
        let content = match Format::of_all(&files, delimiter)? {
            Format::Rows(format) if format.is_csv() => {
                let delimiter = format.delimiter(first, delimiter);
                let csv = open_csv(&found, &delimiter, needed, keep)?;
                Content::Csv(Box::new(csv), Box::new(found))
            }
            Format::Rows(_) => {
                let delimiter = delimiter.map(str::to_owned);
                let read = ReadArgs { max_rejected_rows: 0, delimiter };
                let rows = Files::open(patterns, &read, engine)?.widen(needed)?.into_rows()?;
                Content::Any(Box::new(rows))
            }
            Format::Statistics => {
                return Err(CliError::NoRows { path: first.shown.clone() }.into());
            }
        };
        Ok(Self { content, name, identity })
    }

    /// Returns the rows.
    pub(crate) fn source(&self) -> &dyn Source {
        match &self.content {
            Content::Csv(files, _) => files.as_ref(),
            Content::Any(rows) => rows.source(),
        }
    }
}

fn open_csv(
    found: &FoundFiles,
    delimiter: &str,
    needed: &Types,
    keep: &Keep,
) -> Result<CsvFiles, BoxError> {
    let delimiter = delimiter.bytes().next().unwrap_or(b',');
    let format = CsvFormat { delimiter, ..CsvFormat::default() };
    let files = CsvFiles::open_with(found.paths(), format, u64::MAX)?;
    let is_wanted = |column: &String| {
        needed.contains_key(column)
            || match keep {
                Keep::All => true,
                Keep::Columns(names) => names.contains(column),
            }
    };
    let columns = files.columns().iter().filter(|column| is_wanted(column));
    let features: Vec<_> = columns
        .map(|column| {
            let kind = needed.get(column).copied().unwrap_or(FeatureType::Bytes);
            (column.clone(), Some(kind))
        })
        .collect();
    Ok(files.with_features(&features)?)
}

/// Returns what tells these files from others: of files that lie here their names, sizes and times of change, of those
/// that were brought here their content.
fn identity(files: &[NamedFile]) -> Result<String, BoxError> {
    let mut digest = DigestBuilder::default();
    for NamedFile { shown, path } in files {
        let name = shown.to_string_lossy();
        digest = digest.part("file", name.as_bytes());
        if shown == path {
            let absolute = std::path::absolute(path).map_err(IoError::at("find", path))?;
            digest = digest.part("path", absolute.to_string_lossy().as_bytes());
            digest = digest.part("state", state(path)?.as_bytes());
        } else {
            digest = digest.part("content", digest_file(path)?.to_string().as_bytes());
        }
    }
    let first = files.first().map(|file| file.shown.clone()).unwrap_or_default();
    let more = match files.len() {
        0 | 1 => String::new(),
        number => format!(" and {} more", number - 1),
    };
    Ok(format!("{}{more} ({})", first.display(), digest.finish().short()))
}

fn state(path: &PathBuf) -> Result<String, IoError> {
    let metadata = std::fs::metadata(path).map_err(IoError::at("read", path))?;
    let modified = metadata.modified().map_err(IoError::at("read", path))?;
    Ok(format!("{} {modified:?}", metadata.len()))
}
