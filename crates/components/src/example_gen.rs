//! ExampleGen: raw data becomes examples.

use std::path::{Path, PathBuf};

use artifact::{
    CheckContext, Checked, Component, Executor, FeatureInfo, Input, Kind, Outcome, Output,
    OutputProperties, Problem, RemoteFile, RunContext, types,
};
use base::{BoxError, Classify};
use dataset::{Payload, Storage};
use formats::tfrecord::Compression;
use ingest::{Config, InferredFeature, IngestError, TurnedText};
use serde_json::Value;

use crate::config::{read, schema_of};
use crate::features;
use crate::ports::split_names;

/// How much of the data a check reads; beyond it, the types of numeric columns count as not known yet.
const CHECK_BYTES: u64 = 64 << 20;

/// Reads raw data into examples: infers types, splits by content, writes shards.
pub struct ExampleGen;

impl Component for ExampleGen {
    fn name(&self) -> &'static str {
        "ExampleGen"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.example_gen.component.FileBasedExampleGen"
    }

    fn version(&self) -> u32 {
        2
    }

    fn description(&self) -> &'static str {
        "Reads raw data into examples and splits them."
    }

    fn inputs(&self) -> &'static [Input] {
        &[]
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "examples", artifact_type: types::EXAMPLES }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_of::<Config>()
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        let mut checked = Checked::default();
        let Ok(config) = read::<Config>(config) else { return checked };
        if let Err(error) = config.check() {
            checked.problems.push(problem(error));
            // What is no query is not asked, and what is no URL is not looked for.
            if config.source.is_query() || config.source.has_urls() {
                return checked;
            }
        }
        match ingest::infer_features(&config, context.base_dir, context.engine, Some(CHECK_BYTES)) {
            // None are known where the beginning of the data does not tell all of them.
            Ok(features) if features.is_empty() => {}
            Ok(features) => {
                let features = features.into_iter().map(feature_info).collect();
                checked.features.insert("examples", features);
            }
            Err(error) => checked.problems.push(problem(error)),
        }
        checked
    }

    fn files(&self, config: &Value, base_dir: &Path) -> Result<Vec<PathBuf>, BoxError> {
        let files = ingest::source_files(&read::<Config>(config)?, base_dir)?;
        let is_here = |path: &PathBuf| !files.remote.contains_key(path);
        Ok(files.paths.iter().filter(|path| is_here(path)).cloned().collect())
    }

    fn remote_files(&self, config: &Value, base_dir: &Path) -> Result<Vec<RemoteFile>, BoxError> {
        let files = ingest::source_files(&read::<Config>(config)?, base_dir)?;
        let remote = files.remote.values();
        let remote =
            remote.map(|file| RemoteFile { url: file.url().to_owned(), identity: file.identity() });
        Ok(remote.collect())
    }

    fn why_always_run(&self, config: &Value) -> Option<String> {
        let database = read::<Config>(config).ok()?.source.database()?;
        Some(format!("{database} is asked in every run: only its answer tells whether it changed"))
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for ExampleGen {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let config: Config = read(context.config)?;
        let out_dir = &context.outputs["examples"];
        let outcome = ingest::run(&config, context.base_dir, out_dir, context.engine)?;

        let names: Vec<String> = outcome.splits.iter().map(|(name, _)| name.clone()).collect();
        let mut output = OutputProperties::default();
        output.properties.insert("span".to_owned(), outcome.span.into());
        if let Some(version) = outcome.version {
            output.properties.insert("version".to_owned(), version.into());
        }
        output.properties.insert("split_names".to_owned(), split_names(&names));
        let (payload_format, file_format) = formats_of(config.storage());
        output.custom_properties.insert("payload_format".to_owned(), payload_format.into());
        output.custom_properties.insert("file_format".to_owned(), file_format.into());

        let total: u64 = outcome.splits.iter().map(|(_, rows)| rows).sum();
        let counts: Vec<_> =
            outcome.splits.iter().map(|(name, rows)| format!("{name} {rows}")).collect();
        let mut summary = format!("{total} examples: {}", counts.join(", "));
        if outcome.spans.len() > 1 {
            summary.push_str(&format!("; of the spans {}", ingest::list_spans(&outcome.spans)));
        }
        if outcome.num_rejected > 0 {
            summary.push_str(&format!("; {} rows rejected", outcome.num_rejected));
        }
        Ok(Outcome { properties: [("examples", output)].into(), summary, ..Outcome::default() })
    }
}

/// Returns the format of the examples and of their files, as TFX calls them where it has them.
pub(crate) fn formats_of(storage: Storage) -> (&'static str, &'static str) {
    let Storage::Records { payload, compression } = storage else {
        return ("FORMAT_PARQUET", "parquet");
    };
    let payload_format = match payload {
        Payload::TfExample => "FORMAT_TF_EXAMPLE",
        Payload::TfSequenceExample => "FORMAT_TF_SEQUENCE_EXAMPLE",
    };
    let file_format = match compression {
        Compression::Gzip => "tfrecords_gzip",
        Compression::Zlib => "tfrecords_zlib",
        Compression::None => "tfrecords",
    };
    (payload_format, file_format)
}

fn problem(error: IngestError) -> Problem {
    let (key, hint) = (error.key(), error.hint());
    // The place is told by the pipeline, which knows where the query begins.
    if let Some(mistake) = error.mistake()
        && let Some(place) = &mistake.place
    {
        let (offset, message) = (Some(place.offset()), mistake.message.clone());
        return Problem { key, offset, message, hint };
    }
    Problem { key, offset: None, message: BoxError::from(error).to_string(), hint }
}

/// A type seen in a part of the data may still widen (INT to FLOAT to STRING); only STRING cannot.
fn feature_info(feature: InferredFeature) -> FeatureInfo {
    let kind = feature.feature_type.map(features::of_dataset);
    let kind = kind.filter(|&kind| feature.complete || kind == artifact::FeatureKind::Bytes);
    let note = feature.turned_text.map(|TurnedText { path, line, value }| {
        format!("reads as numbers up to {}:{line}, which holds {value:?}", path.display())
    });
    // Where nothing was seen, a list may still come.
    let is_list = kind.is_some().then_some(feature.is_list);
    FeatureInfo { name: feature.name, kind, is_list, num_buckets: None, note }
}
