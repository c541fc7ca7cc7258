//! Raw data to examples: finds the files, infers the types, splits by content, writes the shards.
//!
//! Entry types: [`run`], [`FoundFiles`], [`infer_features`], [`Config`]. **Invariants:** a row's split depends on its values
//! alone, so equal rows are never on both sides of a split, and neither threads, nor the cutting into files,
//! nor the order of files, rows or columns shows in it; rows keep their order; the same files give the same
//! bytes. A row that cannot be read is set aside with its reason, or ends the run: the budget decides.
//! Not here: the readers and the writer (`dataset`), what the values are worth (`statistics`, `schema`).

mod bring;
mod config;
mod error;
mod features;
mod files;
mod infer;
mod key;
mod open;
mod output;
mod queries;
mod range;
mod rejected;
mod run;
mod source;
mod split;
mod state;
mod unchanged;

pub use config::{
    Config, CsvTable, FeatureKind, Files, Form, Hash, JsonTable, Patterns, Payload, SourceConfig,
    TfrecordTable, TypedTable,
};
pub use error::{IngestError, QueryFailure};
pub use features::{InferredFeature, TurnedText, infer_features};
pub use files::{SourceFiles, source_files};
pub use open::{FoundFiles, RawData};
pub use output::{OutputConfig, OutputFormat, RecordCompression};
pub use queries::{BigquerySource, PostgresSource, SqlSource, TableConfig};
pub use range::{RangeConfig, RollingRange, StaticRange, list_spans};
pub use rejected::REJECTED_FILE;
pub use run::{Outcome, run};
