//! Raw data brought here: files of stores elsewhere, and the answers of queries, before they are read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use base::{BoxError, Classify, IoError};
use dataflow::{Engine, EngineError, Source};
use dataset::ShardWriter;
use query::{QueryError, bigquery, postgres, sql};
use remote::{Environment, Fetched};
use tempfile::TempDir;

use crate::queries::{SqlSource, in_table};
use crate::source::prepare;
use crate::{Config, IngestError, SourceConfig, SourceFiles, source_files};

/// Raw data whose files all lie here, for as long as this value lives.
pub(crate) struct Brought {
    /// How to read the files.
    pub(crate) config: Config,
    /// The files.
    pub(crate) files: SourceFiles,
    fetched: Option<Fetched>,
    _spooled: Option<TempDir>,
}

/// Finds the files of a source, and brings those here that lie elsewhere; or runs its query.
pub(crate) fn bring(
    config: &Config,
    base_dir: &Path,
    engine: &dyn Engine,
) -> Result<Brought, IngestError> {
    if config.source.is_query() {
        return spool(config, base_dir, engine);
    }
    let mut files = source_files(config, base_dir)?;
    let mut fetched = None;
    if !files.remote.is_empty() {
        let elsewhere: Vec<remote::RemoteFile> = files.remote.values().cloned().collect();
        let environment = Environment::of_process();
        let here = remote::fetch(&elsewhere, &environment, &|| engine.is_cancelled())?;
        let lies_at: BTreeMap<&PathBuf, &Path> = files.remote.keys().zip(here.paths()).collect();
        for path in &mut files.paths {
            if let Some(here) = lies_at.get(path) {
                *path = here.to_path_buf();
            }
        }
        fetched = Some(here);
    }
    Ok(Brought { config: config.clone(), files, fetched, _spooled: None })
}

impl Brought {
    /// Returns an error in which files that were brought here are named by their URLs.
    pub(crate) fn told(&self, error: IngestError) -> IngestError {
        let Some(fetched) = &self.fetched else { return error };
        let message = base::render_chain(&error);
        let shown = fetched.with_urls(&message);
        if shown == message {
            return error;
        }
        let hint = error.hint().map(|hint| fetched.with_urls(&hint));
        IngestError::Elsewhere { message: shown, hint, kind: error.kind() }
    }

    /// Returns what to call a file: its URL, where it was brought here.
    pub(crate) fn shown(&self, path: &Path) -> PathBuf {
        let url = self.fetched.as_ref().and_then(|fetched| fetched.url_of(path));
        url.map_or_else(|| path.to_path_buf(), PathBuf::from)
    }
}

/// Runs a query and keeps its rows as Parquet in a temporary folder: rows are read more than once.
fn spool(config: &Config, base_dir: &Path, engine: &dyn Engine) -> Result<Brought, IngestError> {
    let here = std::env::temp_dir();
    let dir = tempfile::Builder::new().prefix("cupola-").tempdir_in(&here);
    let dir = dir.map_err(IoError::at("create a folder in", &here))?;
    let mut spool = Spool { dir: dir.path(), writer: None, num_rows: 0 };
    let mut sink = |batch: RecordBatch| {
        if engine.is_cancelled() {
            return Err(BoxError::from(EngineError::Cancelled));
        }
        spool.write(&batch).map_err(BoxError::from)
    };
    match &config.source {
        SourceConfig::Sql(source) => run_sql(source, base_dir, engine, &mut sink)?,
        SourceConfig::Postgres(source) => {
            let environment = postgres::Environment::of_process();
            postgres::run(&source.query, &source.url, &environment, &mut sink)
                .map_err(|error| IngestError::query("postgres", error))?
        }
        SourceConfig::Bigquery(source) => {
            let service = bigquery::Service::of_environment();
            bigquery::run(&source.query(), &service, &mut sink)
                .map_err(|error| IngestError::query("bigquery", error))?
        }
        SourceConfig::Csv(_)
        | SourceConfig::Json(_)
        | SourceConfig::Parquet(_)
        | SourceConfig::Avro(_)
        | SourceConfig::Arrow(_)
        | SourceConfig::Text(_)
        | SourceConfig::Tfrecord(_) => return bring(config, base_dir, engine),
    };
    if spool.num_rows == 0 {
        return Err(IngestError::NoRowsOfQuery);
    }
    let paths = spool.finish()?;
    // The folder's name is nowhere in what follows: names of files say nothing about rows.
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let source = SourceConfig::Parquet(crate::Patterns::Many(names).into());
    let config = Config { source, ..config.clone() };
    Ok(Brought { config, files: SourceFiles::of_paths(paths), fetched: None, _spooled: Some(dir) })
}

/// Rows that are being kept.
struct Spool<'d> {
    dir: &'d Path,
    writer: Option<ShardWriter>,
    num_rows: usize,
}

impl Spool<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), IngestError> {
        self.num_rows += batch.num_rows();
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(ShardWriter::create(self.dir, "rows", batch.schema())?),
        };
        Ok(writer.write(batch)?)
    }

    fn finish(self) -> Result<Vec<PathBuf>, IngestError> {
        Ok(self.writer.map(ShardWriter::close).transpose()?.unwrap_or_default())
    }
}

/// Runs a query over files.
fn run_sql(
    source: &SqlSource,
    base_dir: &Path,
    engine: &dyn Engine,
    sink: &mut dataflow::Sink<'_>,
) -> Result<SchemaRef, IngestError> {
    let mut brought = Vec::with_capacity(source.tables.len());
    let mut rows: Vec<Box<dyn Source>> = Vec::with_capacity(source.tables.len());
    for (name, table) in &source.tables {
        let config = table.config();
        let table = bring(&config, base_dir, engine).map_err(|error| in_table(name, error))?;
        let prepared = prepare(&table.config, &table.files.paths, engine);
        let prepared = prepared.map_err(|error| in_table(name, table.told(error)))?;
        rows.push(prepared.source);
        brought.push(table);
    }
    let names = source.tables.keys().map(String::as_str);
    let tables =
        names.zip(&rows).map(|(name, source)| sql::Table { name, source: source.as_ref() });
    let tables: Vec<_> = tables.collect();
    sql::run(&source.query, &tables, sql::Limits::default(), engine, sink).map_err(|error| {
        let is_table = matches!(error, QueryError::Table { .. });
        let error = IngestError::query("sql", error);
        if is_table { brought.iter().fold(error, |error, table| table.told(error)) } else { error }
    })
}
