//! Datasets given as bare files: no pipeline and no artifacts.

mod format;
mod rows;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use base::{BoxError, Classify, ErrorKind, IoError};
use dataflow::{BatchIter, Engine, Source};
use dataset::{CsvError, DatasetError, FeatureType};
use formats::Message;
use formats::metadata::feature_name_statistics::Type;
use formats::metadata::{
    self, DatasetFeatureStatistics, DatasetFeatureStatisticsList, FeatureNameStatistics, Schema,
};
use indicatif::{ProgressBar, ProgressStyle};
use ingest::{FoundFiles, IngestError, Patterns, RawData};

use self::format::{Format, NamedFile};
pub(crate) use self::rows::Rows;
use crate::args::{Global, ReadArgs};
use crate::error::CliError;

/// The types of features by name, for text files to be read as.
pub(crate) type Types = BTreeMap<String, FeatureType>;

/// One dataset: some files of one format.
pub(crate) struct Files {
    /// What to call it: its file, its pattern, or its first file and how many more there are.
    pub(crate) name: String,
    content: Content,
    /// Where the types of the rows are a guess from their beginning, those that features are to be read as besides.
    guess: Option<Types>,
}

enum Content {
    Rows(Box<RawData>),
    /// Of all examples, and of slices.
    Statistics(Box<DatasetFeatureStatisticsList>),
}

impl Files {
    /// Opens the files that patterns name; of text, all is read once for the types.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when there are no such files or they cannot be read, [`CliError::MixedFiles`] when they are
    /// of several formats, [`CliError::UnknownFormat`] when of none, [`CliError::DelimiterOf`] when their format has no delimiter, [`CliError::NotStatistics`]
    /// when statistics are not.
    pub(crate) fn open(
        patterns: &[String],
        args: &ReadArgs,
        engine: &dyn Engine,
    ) -> Result<Self, BoxError> {
        Self::open_with(patterns, args, engine, false)
    }

    /// As [`Files::open`], but of comma-separated text only the beginning is read for the types; if they turn out not
    /// to hold, [`Files::statistics`] opens the files once more.
    ///
    /// # Errors
    ///
    /// As [`Files::open`].
    pub(crate) fn guess(
        patterns: &[String],
        args: &ReadArgs,
        engine: &dyn Engine,
    ) -> Result<Self, BoxError> {
        Self::open_with(patterns, args, engine, true)
    }

    fn open_with(
        patterns: &[String],
        args: &ReadArgs,
        engine: &dyn Engine,
        guesses: bool,
    ) -> Result<Self, BoxError> {
        let name = match patterns {
            [] => String::new(),
            [only] => only.clone(),
            [first, others @ ..] => format!("{first} and {} more", others.len()),
        };
        let patterns = Patterns::Many(patterns.to_vec());
        let found =
            FoundFiles::find(patterns.clone(), Path::new(""), engine).map_err(FilesError)?;
        let files: Vec<NamedFile> = found
            .paths()
            .iter()
            .map(|path| NamedFile { shown: found.shown(path), path: path.clone() })
            .collect();
        let first = files.first().ok_or(FilesError(IngestError::NoPatterns))?;
        let delimiter = args.delimiter.as_deref();
        let source = match Format::of_all(&files, delimiter)? {
            Format::Rows(format) => format.source(patterns, first, delimiter)?,
            Format::Statistics => {
                let content = Content::Statistics(Box::new(read_statistics(first)?));
                return Ok(Self { name, content, guess: None });
            }
        };
        let max_rejected_rows = args.max_rejected_rows;
        let config = ingest::Config { max_rejected_rows, ..ingest::Config::new(source) };
        let open = if guesses { FoundFiles::guess } else { FoundFiles::open };
        let data = open(found, &config, engine).map_err(FilesError)?;
        let content = Content::Rows(Box::new(data));
        Ok(Self { name, content, guess: guesses.then(Types::new) })
    }

    /// Returns the types of the features that have any.
    pub(crate) fn types(&self) -> Types {
        match &self.content {
            Content::Rows(data) => {
                let features = data.features().into_iter();
                features.filter_map(|(name, kind)| Some((name, kind?))).collect()
            }
            Content::Statistics(list) => {
                let all = schema::default_slice(list).map_or(&[][..], |all| &all.features);
                let features = all.iter();
                features.map(|feature| (feature.dotted_name(), feature_type(feature))).collect()
            }
        }
    }

    /// Reads columns of text as wider types, where they are wanted and their values fit.
    pub(crate) fn widen(mut self, wanted: &Types) -> Result<Self, BoxError> {
        if let Some(widened) = &mut self.guess {
            for (name, kind) in wanted {
                let widened = widened.entry(name.clone()).or_insert(*kind);
                *widened = (*widened).max(*kind);
            }
        }
        let content = match self.content {
            Content::Rows(data) => {
                let data = data.widen(|name| wanted.get(name).copied()).map_err(FilesError)?;
                Content::Rows(Box::new(data))
            }
            statistics @ Content::Statistics(_) => statistics,
        };
        Ok(Self { content, ..self })
    }

    /// Computes the statistics of all rows, or returns those that were read.
    pub(crate) fn statistics(
        &mut self,
        engine: &dyn Engine,
        progress: &Progress,
    ) -> Result<DatasetFeatureStatistics, BoxError> {
        let list = self.statistics_with(&statistics::Config::default(), engine, progress)?;
        Ok(schema::default_slice(&list)?.clone())
    }

    /// Computes the statistics of all rows and of slices, or returns those that were read.
    pub(crate) fn statistics_with(
        &mut self,
        config: &statistics::Config,
        engine: &dyn Engine,
        progress: &Progress,
    ) -> Result<DatasetFeatureStatisticsList, BoxError> {
        let Some(widened) = self.guess.take() else {
            return self.compute(config, engine, progress);
        };
        if let Ok(statistics) = self.compute(config, engine, progress) {
            return Ok(statistics);
        }
        if let Content::Rows(data) = &mut self.content {
            let whole = data.reopen(engine).map_err(FilesError)?;
            **data = whole.widen(|name| widened.get(name).copied()).map_err(FilesError)?;
        }
        self.compute(config, engine, progress)
    }

    fn compute(
        &self,
        config: &statistics::Config,
        engine: &dyn Engine,
        progress: &Progress,
    ) -> Result<DatasetFeatureStatisticsList, BoxError> {
        let data = match &self.content {
            Content::Rows(data) => data,
            Content::Statistics(list) => return Ok(list.as_ref().clone()),
        };
        let source = progress.watch(&self.name, data.source());
        Ok(statistics::generate(schema::ALL_EXAMPLES, &source, engine, config)?)
    }

    /// Returns the rows.
    ///
    /// # Errors
    ///
    /// [`CliError::NoRows`] when there are only statistics.
    pub(crate) fn into_rows(self) -> Result<RawData, CliError> {
        match self.content {
            Content::Rows(data) => Ok(*data),
            Content::Statistics(_) => Err(CliError::NoRows { path: PathBuf::from(self.name) }),
        }
    }

    /// Returns whether there are rows, and not only statistics.
    pub(crate) fn has_rows(&self) -> bool {
        matches!(self.content, Content::Rows(_))
    }

    /// Returns how many rows were left out because they cannot be read.
    pub(crate) fn num_rejected(&self) -> u64 {
        match &self.content {
            Content::Rows(data) => data.num_rejected(),
            Content::Statistics(_) => 0,
        }
    }
}

/// Returns the types that a schema gives to features.
pub(crate) fn types_of_schema(schema: &Schema) -> Types {
    let of = |kind| match kind {
        metadata::FeatureType::Int => Some(FeatureType::Int),
        metadata::FeatureType::Float => Some(FeatureType::Float),
        metadata::FeatureType::Bytes => Some(FeatureType::Bytes),
        metadata::FeatureType::Struct | metadata::FeatureType::TypeUnknown => None,
    };
    let features = schema::feature_types(schema).into_iter();
    features.filter_map(|(name, kind)| Some((name, of(kind)?))).collect()
}

/// Returns two datasets with the columns of their text files read as types that both have, if there are such.
///
/// What a schema says comes before what is in the other dataset.
pub(crate) fn alike(
    current: Files,
    baseline: Option<Files>,
    schema: Option<&Schema>,
) -> Result<(Files, Option<Files>), BoxError> {
    let given = schema.map(types_of_schema).unwrap_or_default();
    let Some(baseline) = baseline else { return Ok((current.widen(&given)?, None)) };
    let and_those_of = |other: Types| {
        let mut types = other;
        types.extend(given.clone());
        types
    };
    let (types, others) = (current.types(), baseline.types());
    let current = current.widen(&and_those_of(others))?;
    Ok((current, Some(baseline.widen(&and_those_of(types))?)))
}

fn feature_type(feature: &FeatureNameStatistics) -> FeatureType {
    match feature.r#type() {
        Type::Int => FeatureType::Int,
        Type::Float => FeatureType::Float,
        Type::String | Type::Bytes => FeatureType::Bytes,
        Type::Struct => FeatureType::Struct,
    }
}

/// Reads statistics, those of all examples among them.
fn read_statistics(file: &NamedFile) -> Result<DatasetFeatureStatisticsList, BoxError> {
    let NamedFile { shown, path } = file;
    let bytes = std::fs::read(path).map_err(IoError::at("read", shown))?;
    let list = DatasetFeatureStatisticsList::decode(bytes.as_slice());
    let list = list.map_err(|_| CliError::NotStatistics { path: shown.clone() })?;
    schema::default_slice(&list)?;
    Ok(list)
}

/// Why files could not be opened, with advice for who has a command line rather than a pipeline file.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct FilesError(pub(crate) IngestError);

impl Classify for FilesError {
    fn kind(&self) -> ErrorKind {
        match &self.0 {
            // The command names what is not there.
            IngestError::NoFiles { .. } => ErrorKind::Usage,
            other => other.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match &self.0 {
            IngestError::TooManyRejected { first, num_rejected, num_rows, .. } => {
                let helps = num_rejected < num_rows;
                let budget = format!(
                    "`--max-rejected-rows {num_rejected}` leaves such rows out; `cupola validate --rows` lists them"
                );
                first.hint().or(helps.then_some(budget))
            }
            // A pipeline would name its features.
            IngestError::BudgetTooLarge { .. }
            | IngestError::FieldNotInFile { .. }
            | IngestError::FeatureNotInFile { .. }
            | IngestError::Csv(CsvError::HeaderMismatch { .. })
            | IngestError::Dataset(DatasetError::SchemaMismatch { .. }) => None,
            other => other.hint(),
        }
    }
}

/// Shows on a terminal that something is going on.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Returns a display that is there only where somebody looks at it.
    pub(crate) fn new(global: &Global) -> Self {
        if global.quiet || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("  {spinner} {msg}");
        let bar = ProgressBar::new_spinner().with_style(style.expect("the template is valid"));
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        bar.set_message("reading");
        Self(bar)
    }

    /// Returns a source that tells how far its reading has come.
    pub(crate) fn watch<'a>(&'a self, name: &str, source: &'a dyn Source) -> Watched<'a> {
        let style = ProgressStyle::with_template("  {spinner} {msg} {wide_bar:.dim} {percent} %");
        self.0.set_style(style.expect("the template is valid"));
        self.0.set_message(name.to_owned());
        self.0.set_length(source.num_partitions() as u64);
        self.0.set_position(0);
        Watched { source, bar: &self.0 }
    }

    /// Shows how much is done.
    pub(crate) fn set(&self, name: &str, done: u64, total: u64) {
        if self.0.length() != Some(total) {
            let style =
                ProgressStyle::with_template("  {spinner} {msg} {wide_bar:.dim} {percent} %");
            self.0.set_style(style.expect("the template is valid"));
            self.0.set_message(name.to_owned());
            self.0.set_length(total);
        }
        self.0.set_position(done);
    }

    /// Takes the display away, before results are printed.
    pub(crate) fn finish(self) {
        self.0.finish_and_clear();
    }
}

/// A source that tells how far its reading has come.
pub(crate) struct Watched<'a> {
    source: &'a dyn Source,
    bar: &'a ProgressBar,
}

impl Source for Watched<'_> {
    fn schema(&self) -> SchemaRef {
        self.source.schema()
    }

    fn num_partitions(&self) -> usize {
        self.source.num_partitions()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        self.bar.inc(1);
        self.source.read(partition, columns)
    }
}
