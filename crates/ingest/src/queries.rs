//! What a user can say about queries.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{CsvTable, Form, JsonTable, TfrecordTable, TypedTable};
use crate::{Config, Hash, IngestError, SourceConfig};

/// A query over tables of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlSource {
    /// The query: one SELECT. Names mean what is written: upper and lower case are told apart.
    pub query: String,
    /// The tables by their names in the query, such as `{ rides = { csv = "rides/*.csv" } }`.
    #[schemars(extend("minProperties" = 1))]
    pub tables: IndexMap<String, TableConfig>,
}

/// A table of a query: its format, and its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TableConfig {
    /// Comma-separated text.
    Csv(Form<CsvTable>),
    /// JSON Lines.
    Json(Form<JsonTable>),
    /// Parquet files.
    Parquet(Form<TypedTable>),
    /// Avro object container files.
    Avro(Form<TypedTable>),
    /// Arrow IPC files or streams.
    Arrow(Form<TypedTable>),
    /// TFRecord files of `tf.Example`.
    Tfrecord(Form<TfrecordTable>),
    /// Files of UTF-8 text, each of which is one row.
    Text(Form<TypedTable>),
}

impl TableConfig {
    /// Returns the table as a source of its own.
    pub(crate) fn config(&self) -> Config {
        Config::new(match self.clone() {
            Self::Csv(files) => SourceConfig::Csv(files),
            Self::Json(files) => SourceConfig::Json(files),
            Self::Parquet(files) => SourceConfig::Parquet(files),
            Self::Avro(files) => SourceConfig::Avro(files),
            Self::Arrow(files) => SourceConfig::Arrow(files),
            Self::Tfrecord(files) => SourceConfig::Tfrecord(files),
            Self::Text(files) => SourceConfig::Text(files),
        })
    }
}

/// A query that PostgreSQL answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresSource {
    /// The query.
    pub query: String,
    /// Where the server is and who asks, without a password: `postgres://reader@db.example.org/rides?sslmode=require`.
    /// What it does not say, and the password, is read from the environment: `PGHOST`, `PGUSER`, `PGPASSWORD` and so on.
    #[serde(default)]
    pub url: String,
}

/// A query that BigQuery answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BigquerySource {
    /// The query, in GoogleSQL.
    pub query: String,
    /// The project that runs the query, and is billed.
    pub project: String,
    /// Where the query runs, such as `EU`. Without it, BigQuery finds out from the tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// A query that would read more bytes than this fails before it costs anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes_billed: Option<u64>,
}

impl BigquerySource {
    pub(crate) fn query(&self) -> query::bigquery::Query {
        query::bigquery::Query {
            text: self.query.clone(),
            project: self.project.clone(),
            location: self.location.clone(),
            max_bytes_billed: self.max_bytes_billed,
        }
    }
}

/// Says no to what a source of queries does not have, and to tables that make no sense.
pub(crate) fn check(config: &Config) -> Result<(), IngestError> {
    if !config.source.is_query() {
        return Ok(());
    }
    let keys = [
        ("span", config.span.is_some()),
        ("range_config", config.range_config.is_some()),
        ("max_rejected_rows", config.max_rejected_rows > 0),
        ("hash", config.hash != Hash::Content),
    ];
    if let Some((key, _)) = keys.into_iter().find(|(_, is_given)| *is_given) {
        return Err(IngestError::KeyOfQuery { key });
    }
    match &config.source {
        SourceConfig::Sql(source) => {
            if source.tables.is_empty() {
                return Err(IngestError::NoTables);
            }
            for (name, table) in &source.tables {
                let config = table.config();
                if name.is_empty() || config.source.files().split_names().next().is_some() {
                    return Err(IngestError::TableOfSplits { table: name.clone() });
                }
                config.check().map_err(|error| in_table(name, error))?;
            }
            Ok(())
        }
        SourceConfig::Postgres(source) => query::postgres::check_url(&source.url)
            .map_err(|error| IngestError::query("postgres", error)),
        _ => Ok(()),
    }
}

/// Names the table that an error is about.
pub(crate) fn in_table(name: &str, error: IngestError) -> IngestError {
    IngestError::Table { table: name.to_owned(), error: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> (String, String) {
        let config: Config = serde_json::from_str(text).unwrap();
        match config.check() {
            Ok(()) => Default::default(),
            Err(error) => (error.key(), base::render_chain(&error)),
        }
    }

    #[test]
    fn queries_have_no_more_than_they_can() {
        let sql = |rest: &str, tables: &str| {
            said(&format!(
                r#"{{"source": {{"sql": {{"query": "SELECT 1", "tables": {tables}}}}} {rest}}}"#
            ))
        };
        let table = r#"{"t": {"csv": "t.csv"}}"#;
        assert_eq!(sql("", table), Default::default());
        assert_eq!(
            sql(r#", "partition_feature": "id", "splits": {"a": 1}"#, table),
            Default::default()
        );
        for (key, value) in [("span", "3"), ("max_rejected_rows", "1"), ("hash", "\"tfx\"")] {
            let (found, message) = sql(&format!(r#", "{key}": {value}"#), table);
            assert_eq!(found, key);
            assert!(message.contains("a query has no"), "{message}");
        }
        assert!(sql("", "{}").1.contains("no tables are named"));
        let by_split = sql("", r#"{"t": {"csv": {"files": {"train": "a", "eval": "b"}}}}"#);
        assert!(by_split.1.contains("table `t`"), "{by_split:?}");
        let bad = sql("", r#"{"t": {"csv": {"files": "a", "delimiter": "ab"}}}"#);
        assert!(bad.1.starts_with("table `t`: "), "{bad:?}");
        let (key, message) = said(
            r#"{"source": {"postgres": {"query": "SELECT 1", "url": "postgres://me:sesame@h/d"}}}"#,
        );
        assert_eq!(key, "source.postgres.url");
        assert!(message.contains("password") && !message.contains("sesame"), "{message}");
        let url = said(r#"{"source": {"csv": "https://me:sesame@host/x.csv"}}"#);
        assert!(url.1.contains("may be secret") && !url.1.contains("sesame"), "{url:?}");
    }
}
