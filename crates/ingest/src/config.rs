//! What a user can say about raw data.

mod files;
mod tables;

use std::num::NonZeroU32;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::files::FilesOf;
pub use self::files::{Files, Patterns};
pub use self::tables::{
    CsvTable, FeatureKind, Form, JsonTable, Payload, TfrecordTable, TypedTable,
};
use crate::queries::{BigquerySource, PostgresSource, SqlSource};
use crate::{IngestError, OutputConfig, OutputFormat, RangeConfig};

/// Reads raw data into examples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the raw data is, such as `{ csv = "data/*.csv" }`: the name of a file, a pattern, or a list of them, relative
    /// to the pipeline's folder; or a table with these as `files` and more to say about them.
    ///
    /// In a pattern, `*` and `?` stand for any characters and any one, `[0-9]` for one of a range, `**` for any folders.
    /// Files are read in the order of their paths, each once. A pattern may have `{SPAN}` in it, the number of what
    /// arrived (a day, say), or `{SPAN:3}` with just so many digits, or a date as `{YYYY}`, `{MM}` and `{DD}`, and
    /// `{VERSION}` beside it: the files of the latest span, or of those that `span` or `range_config` name, are read, in
    /// their latest version. Instead of one pattern, `files` may have one for each split. A pattern may be a URL,
    /// `s3://`, `gs://`, `az://` or `https://`, whose files are brought here for as long as they are read.
    ///
    /// Of every format, all files have the same features, whatever their order: a feature that one file has and another
    /// has not is an error that names both, never a column of missing values; where that is meant, `features` names
    /// those to read. INT and FLOAT go together as FLOAT, and a feature without values with any other; values of other
    /// types do not go together, but for those of text that has no types.
    pub source: SourceConfig,
    /// The splits and their shares: `{ train = 2, eval = 1 }` gives two thirds to `train`.
    ///
    /// A row's values alone decide where it goes, so equal rows go to the same split, and a row stays where it is
    /// when others come or go. The order counts: each split owns as many hash buckets as its share, one split's
    /// after the other's. With few rows a split may get none. Where the source has files for each split, these are
    /// the splits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minProperties" = 1, "default" = serde_json::json!({ "train": 2, "eval": 1 })))]
    pub splits: Option<IndexMap<String, NonZeroU32>>,
    /// The span to read, where patterns have `{SPAN}` or a date in them; a date is the number of days since
    /// 1970-01-01. Without it the latest one is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<i64>,
    /// Several spans to read together, such as `{ rolling_range = { num_spans = 7 } }`: the examples are of the latest
    /// of them. Every pattern has to lead to the same ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_config: Option<RangeConfig>,
    /// What a row's split is computed from: its values, or the same bytes as in TFX, so that each row is in the
    /// split where TFX has put it.
    #[serde(default)]
    pub hash: Hash,
    /// The feature that alone decides about a row's split, such as `user_id`: all rows with one value of it go to
    /// the same split. It holds integers, text or bytes, or lists of them, and is missing in no row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_feature: Option<String>,
    /// How the examples are written: as Parquet, or with `{ format = "tfrecord" }` as TFX does.
    #[serde(default, skip_serializing_if = "OutputConfig::is_usual")]
    pub output: OutputConfig,
    /// How many rows may be set aside in `rejected.csv` because they cannot be read: rows of text with too many or too
    /// few cells, or that are not UTF-8, and lines that are no JSON. One more ends the run.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub max_rejected_rows: u64,
}

/// What a row's split is computed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hash {
    /// The values that the row has: the order of columns, columns without a value and the format do not matter.
    #[default]
    Content,
    /// The SHA-256 of the row as TFX's `CsvExampleGen` writes it from the same text, or of the record that
    /// `ImportExampleGen` reads.
    Tfx,
    /// The same as in TFX before version 0.24, where `CsvExampleGen` wrote an empty cell as a feature without a kind
    /// rather than as an empty list.
    #[serde(rename = "tfx_before_0_24")]
    TfxBefore024,
}

/// Raw data: its format, and its files. What is true of all formats is said of [`Config::source`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceConfig {
    /// Comma-separated UTF-8 text; the first line names the columns. Types are inferred from all values of all files:
    /// INT (64 bits), FLOAT (32 bits) or else STRING. An empty cell is a missing value.
    /// Files may be compressed with gzip, zstd or bzip2, which is told by their content; each of these is read by
    /// one thread.
    Csv(Form<CsvTable>),
    /// JSON Lines: one object in each line, whose fields are features; a field that is not there, or `null`, is a
    /// missing value. Whole numbers within 64 bits are INT, other numbers FLOAT (32 bits), arrays are lists, objects
    /// nested features. A file has a feature if any of its lines names it. Files may be compressed with gzip, zstd or
    /// bzip2.
    Json(Form<JsonTable>),
    /// Parquet files. Integers and floats go together as 64-bit floats; lists go together as their values do, and
    /// nested features only if they are the same.
    Parquet(Form<TypedTable>),
    /// Avro object container files of records, whose types go together as those of Parquet do; blocks may be packed with
    /// deflate, snappy, zstandard or bzip2. A union of null and one type is a feature that may be missing, an enum is
    /// text.
    Avro(Form<TypedTable>),
    /// Arrow IPC files (Feather, version 2) or streams, whose types go together as those of Parquet do, packed with LZ4,
    /// zstd or not at all.
    Arrow(Form<TypedTable>),
    /// Files of UTF-8 text, each of which is one example: the features are `text`, all that the file holds, its `name`,
    /// the name of the `folder` that it is in, and the `language` that its first 8 KiB seem to be written in, as a code of
    /// ISO 639-3 such as `eng`, missing where that is not sure. Files here, not elsewhere.
    Text(Form<TypedTable>),
    /// TFRecord files of `tf.Example`, plain or compressed with gzip or zlib, told by their content. Features are
    /// found by reading all records: a feature with exactly one value wherever it is there is a column of values,
    /// any other one a column of lists. A file has a feature if any of its records has it.
    Tfrecord(Form<TfrecordTable>),
    /// The rows of a SELECT over tables of files, such as
    /// `{ query = "SELECT * FROM rides WHERE fare > 0", tables = { rides = { csv = "rides/*.csv" } } }`. The query is
    /// DataFusion's SQL. Integers become 64-bit ones, decimals FLOAT, dates and times text in ISO 8601. Sorting and
    /// grouping go to temporary files where 1 GiB of memory does not do; the smaller side of a join has to fit.
    Sql(SqlSource),
    /// The rows that PostgreSQL answers, from one snapshot. The database is asked in every run; what depends on the
    /// examples is taken from the cache where they are the same, which takes an `ORDER BY` in the query.
    Postgres(PostgresSource),
    /// The rows that BigQuery answers. It is asked in every run, as PostgreSQL is. Who asks is read from the
    /// environment: application default credentials.
    Bigquery(BigquerySource),
}

impl SourceConfig {
    /// Returns whether the rows are those of a query, rather than of files.
    pub fn is_query(&self) -> bool {
        matches!(self, Self::Sql(_) | Self::Postgres(_) | Self::Bigquery(_))
    }

    /// Returns whether any file is named by a URL.
    pub fn has_urls(&self) -> bool {
        self.files().patterns().any(|(_, pattern)| remote::is_url(pattern))
    }

    /// Returns what is asked for the rows, if that is a database, of which nobody can tell whether they are the
    /// same but by asking for them.
    pub fn database(&self) -> Option<&'static str> {
        match self {
            Self::Postgres(_) => Some("PostgreSQL"),
            Self::Bigquery(_) => Some("BigQuery"),
            _ => None,
        }
    }

    /// Returns the files.
    pub(crate) fn files(&self) -> FilesOf<'_> {
        match self {
            Self::Csv(Form::Files(patterns))
            | Self::Json(Form::Files(patterns))
            | Self::Parquet(Form::Files(patterns))
            | Self::Avro(Form::Files(patterns))
            | Self::Arrow(Form::Files(patterns))
            | Self::Text(Form::Files(patterns))
            | Self::Tfrecord(Form::Files(patterns)) => FilesOf::Patterns(patterns),
            Self::Csv(Form::Table(CsvTable { files, .. }))
            | Self::Json(Form::Table(JsonTable { files, .. }))
            | Self::Parquet(Form::Table(TypedTable { files, .. }))
            | Self::Avro(Form::Table(TypedTable { files, .. }))
            | Self::Arrow(Form::Table(TypedTable { files, .. }))
            | Self::Text(Form::Table(TypedTable { files, .. }))
            | Self::Tfrecord(Form::Table(TfrecordTable { files, .. })) => files.view(),
            Self::Sql(_) | Self::Postgres(_) | Self::Bigquery(_) => FilesOf::None,
        }
    }
}

/// No budget for rejected rows is larger: their places are kept in memory.
pub(crate) const MAX_REJECTED_ROWS: u64 = 1_000_000;

impl Config {
    /// Returns the configuration of a source, with everything else as usual.
    pub fn new(source: SourceConfig) -> Self {
        Self {
            source,
            splits: None,
            span: None,
            range_config: None,
            hash: Hash::default(),
            partition_feature: None,
            output: OutputConfig::default(),
            max_rejected_rows: 0,
        }
    }

    /// Says no to what the schema of the configuration cannot say no to.
    ///
    /// # Errors
    ///
    /// Those of [`CsvTable::format`], [`IngestError::SplitsOfFiles`], [`IngestError::NoSplits`],
    /// [`IngestError::SplitName`], [`IngestError::NoFeaturesNamed`],
    /// [`IngestError::FeaturesOfSequences`], [`IngestError::FeatureTwice`], [`IngestError::HashOfFeatures`],
    /// [`IngestError::HashOfSource`],
    /// [`IngestError::OutputCompression`], [`IngestError::SpanAndRange`], [`IngestError::EmptyRange`] and [`IngestError::BudgetTooLarge`].
    pub fn check(&self) -> Result<(), IngestError> {
        crate::queries::check(self)?;
        for (_, pattern) in self.source.files().patterns() {
            if remote::is_url(pattern) {
                if matches!(self.source, SourceConfig::Text(_)) {
                    return Err(IngestError::TextElsewhere { pattern: pattern.to_owned() });
                }
                remote::check(pattern)?;
            }
        }
        let mut names: Vec<&str> = self.source.files().split_names().collect();
        if !names.is_empty() {
            let keys = [
                ("splits", self.splits.is_some()),
                ("hash", self.hash != Hash::Content),
                ("partition_feature", self.partition_feature.is_some()),
            ];
            if let Some((key, _)) = keys.into_iter().find(|(_, is_given)| *is_given) {
                return Err(IngestError::SplitsOfFiles { key });
            }
        }
        match (&self.splits, self.source.files()) {
            (Some(splits), _) if splits.is_empty() => return Err(IngestError::NoSplits),
            (_, FilesOf::BySplit(splits)) if splits.is_empty() => {
                return Err(IngestError::NoSplits);
            }
            (Some(splits), _) => names.extend(splits.keys().map(String::as_str)),
            _ => {}
        }
        // A split is a folder.
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if let Some(split) =
            names.into_iter().find(|name| name.is_empty() || !name.chars().all(is_name))
        {
            return Err(IngestError::SplitName { split: split.to_owned() });
        }
        if let SourceConfig::Csv(Form::Table(table)) = &self.source {
            table.format()?;
        }
        if let SourceConfig::Tfrecord(Form::Table(table)) = &self.source {
            match &table.features {
                Some(features) if features.is_empty() => {
                    return Err(IngestError::NoFeaturesNamed { format: "tfrecord" });
                }
                Some(_) if table.payload == Payload::TfSequenceExample => {
                    return Err(IngestError::FeaturesOfSequences);
                }
                _ => {}
            }
        }
        let named = match &self.source {
            SourceConfig::Csv(Form::Table(table)) => table.features.as_ref().zip(Some("csv")),
            SourceConfig::Json(Form::Table(table)) => table.features.as_ref().zip(Some("json")),
            SourceConfig::Parquet(Form::Table(table)) => {
                table.features.as_ref().zip(Some("parquet"))
            }
            SourceConfig::Avro(Form::Table(table)) => table.features.as_ref().zip(Some("avro")),
            SourceConfig::Arrow(Form::Table(table)) => table.features.as_ref().zip(Some("arrow")),
            SourceConfig::Text(Form::Table(table)) => table.features.as_ref().zip(Some("text")),
            _ => None,
        };
        if let Some((features, format)) = named {
            if features.is_empty() {
                return Err(IngestError::NoFeaturesNamed { format });
            }
            let mut seen = std::collections::HashSet::new();
            if let Some(feature) = features.iter().find(|name| !seen.insert(*name)) {
                let feature = feature.clone();
                return Err(IngestError::FeatureTwice { format, feature });
            }
            // TFX splits rows of text by all of their cells.
            if format == "csv" && self.hash != Hash::Content && self.partition_feature.is_none() {
                return Err(IngestError::HashOfFeatures);
            }
        }
        if self.hash != Hash::Content
            && !matches!(self.source, SourceConfig::Csv(_) | SourceConfig::Tfrecord(_))
        {
            return Err(IngestError::HashOfSource);
        }
        if self.output.format == OutputFormat::Parquet && self.output.compression.is_some() {
            return Err(IngestError::OutputCompression);
        }
        match &self.range_config {
            Some(_) if self.span.is_some() => return Err(IngestError::SpanAndRange),
            Some(RangeConfig::StaticRange(range))
                if range.start_span_number > range.end_span_number =>
            {
                let (start, end) = (range.start_span_number, range.end_span_number);
                return Err(IngestError::EmptyRange { start, end });
            }
            _ => {}
        }
        if self.max_rejected_rows > MAX_REJECTED_ROWS {
            let found = self.max_rejected_rows;
            return Err(IngestError::BudgetTooLarge { found, limit: MAX_REJECTED_ROWS });
        }
        Ok(())
    }
}

impl Config {
    /// Returns the splits and their shares.
    pub(crate) fn shares(&self) -> IndexMap<String, NonZeroU32> {
        self.splits.clone().unwrap_or_else(default_splits)
    }
}

fn default_splits() -> IndexMap<String, NonZeroU32> {
    const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);
    IndexMap::from([("train".to_owned(), TWO), ("eval".to_owned(), NonZeroU32::MIN)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let config: Config = serde_json::from_str(text).map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn a_source_is_all_there_is_to_say() {
        let config = read(r#"{"source": {"csv": "data/*.csv"}}"#).unwrap();
        assert_eq!(config, Config::new(SourceConfig::Csv("data/*.csv".into())));
        let splits = config.shares();
        let splits: Vec<_> = splits.iter().map(|(name, n)| (name.as_str(), n.get())).collect();
        assert_eq!(splits, [("train", 2), ("eval", 1)]);
        let many = read(r#"{"source": {"parquet": ["a", "b"]}}"#).unwrap();
        let patterns: Vec<_> = many.source.files().patterns().collect();
        assert_eq!(patterns, [(0, "a"), (0, "b")]);
        let back = serde_json::to_string(&many).unwrap();
        assert_eq!(read(&back).unwrap(), many);
    }

    #[test]
    fn the_schema_says_what_can_be_said() {
        let schema = schemars::schema_for!(Config).to_value();
        let at = |pointer: &str| schema.pointer(pointer).unwrap().clone();
        assert_eq!(at("/required"), serde_json::json!(["source"]));
        assert_eq!(at("/additionalProperties"), false);
        assert_eq!(at("/properties/splits/default"), serde_json::json!({ "train": 2, "eval": 1 }));
        assert_eq!(at("/properties/splits/minProperties"), 1);
        assert_eq!(at("/properties/splits/additionalProperties/minimum"), 1);
        assert_eq!(at("/properties/max_rejected_rows/maximum"), MAX_REJECTED_ROWS);
        assert_eq!(at("/$defs/Patterns/anyOf/0/type"), "string");
        assert_eq!(at("/$defs/Patterns/anyOf/1/minItems"), 1);
        for (name, property) in at("/properties").as_object().unwrap() {
            assert!(property["description"].is_string(), "{name}");
        }
    }

    #[test]
    fn splits_keep_their_order() {
        let config =
            read(r#"{"source": {"csv": "a"}, "splits": {"z": 1, "a": 1, "m": 3}}"#).unwrap();
        assert_eq!(config.shares().keys().collect::<Vec<_>>(), ["z", "a", "m"]);
        let by_split =
            read(r#"{"source": {"csv": {"files": {"z": "x", "a": ["y", "w"]}}}}"#).unwrap();
        let files = by_split.source.files();
        assert_eq!(files.split_names().collect::<Vec<_>>(), ["z", "a"]);
        assert_eq!(files.patterns().collect::<Vec<_>>(), [(0, "x"), (1, "y"), (1, "w")]);
        let back = serde_json::to_string(&by_split).unwrap();
        assert_eq!(read(&back).unwrap(), by_split);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let check = |rest: &str, expected: &str| {
            let text = format!(r#"{{"source": {{"csv": "a"}}, {rest}}}"#);
            let message = read(&text).unwrap_err();
            assert!(message.contains(expected), "{message}");
        };
        check(r#""splits": {}"#, "no splits");
        let by_split = |rest: &str| {
            read(&format!(r#"{{"source": {{"parquet": {{"files": {{"a": "x"}}}}}}, {rest}}}"#))
        };
        assert!(by_split(r#""span": 3"#).is_ok());
        for rest in [r#""splits": {"a": 1}"#, r#""hash": "tfx""#, r#""partition_feature": "x""#] {
            let message = by_split(rest).unwrap_err();
            assert!(message.contains("has files for each split"), "{message}");
        }
        let none = read(r#"{"source": {"csv": {"files": {}}}}"#).unwrap_err();
        assert!(none.contains("no splits"), "{none}");
        let name = read(r#"{"source": {"csv": {"files": {"a/b": "x"}}}}"#).unwrap_err();
        assert!(name.contains("split `a/b`"), "{name}");
        check(r#""splits": {"a/b": 1}"#, "split `a/b`");
        check(r#""splits": {"": 1}"#, "split ``");
        check(r#""splits": {"a": 0}"#, "nonzero");
        check(r#""split": {"a": 1}"#, "unknown field `split`");
        let range =
            r#""range_config": {"static_range": {"start_span_number": 3, "end_span_number": "#;
        check(&format!("{range}2}}}}"), "found the spans from 3 to 2");
        check(&format!("{range}3}}}}, \"span\": 3"), "expected one of `span` and `range_config`");
        check(r#""range_config": {"rolling_range": {"num_spans": 0}}"#, "nonzero");
        check(r#""output": {"compression": "gzip"}"#, "found it beside `parquet`");
        check(r#""output": {"format": "csv"}"#, "unknown variant `csv`");
        check(r#""max_rejected_rows": 1000001"#, "found 1000001, expected at most 1000000");
    }
}
