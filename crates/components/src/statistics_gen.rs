//! StatisticsGen: statistics of every split.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use artifact::{
    CheckContext, Checked, Component, Executor, FeatureInfo, FeatureKind, Input, Kind, Outcome,
    Output, Problem, RunContext, types,
};
use base::{BoxError, Classify, IoError};
use dataset::Dataset;
use formats::Message;
use formats::tfrecord::{Compression, RecordReader};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use statistics::{Curated, StatisticsError, StatisticsPass, Vocabulary};

use crate::ComponentError;
use crate::config::{read, schema_of};
use crate::ports::{keep_splits, pass_on, required, split_properties};
use crate::view::{STATISTICS_FILE, make_split_dir, write};

/// Computes statistics of every split in one pass each.
pub struct StatisticsGen;

/// The component's own keys, beside those of `statistics::Config`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Own {
    /// Splits to leave alone.
    exclude_splits: Vec<String>,
    /// A curated schema, as text: numbers that it calls categorical are counted as names are, and strings with an
    /// image domain as bytes; its sparse and weighted features, images and languages have statistics of their own.
    schema_file: Option<String>,
    /// The files of vocabularies, by the names that the schema's languages have for them: a token on each line, or in
    /// each record of a file that ends in `.tfrecord.gz`.
    vocab_paths: BTreeMap<String, String>,
    /// The part of a split's examples to look at, in the place of `sample_rate`.
    sample_rate_by_split: BTreeMap<String, f64>,
}

const OWN_KEYS: [&str; 4] =
    ["exclude_splits", "schema_file", "vocab_paths", "sample_rate_by_split"];

/// Reads the stage's configuration, and the component's own.
fn read_config(config: &Value) -> Result<(statistics::Config, Own), ComponentError> {
    let mut stage = config.clone();
    let mut own = serde_json::Map::new();
    if let Some(table) = stage.as_object_mut() {
        for key in OWN_KEYS {
            own.extend(table.remove(key).map(|value| (key.to_owned(), value)));
        }
    }
    Ok((read(&stage)?, read(&Value::Object(own))?))
}

impl Component for StatisticsGen {
    fn name(&self) -> &'static str {
        "StatisticsGen"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.statistics_gen.component.StatisticsGen"
    }

    fn version(&self) -> u32 {
        4
    }

    fn description(&self) -> &'static str {
        "Computes statistics of every split."
    }

    fn inputs(&self) -> &'static [Input] {
        const { &[Input::required("examples", types::EXAMPLES)] }
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "statistics", artifact_type: types::EXAMPLE_STATISTICS }]
    }

    fn config_schema(&self) -> schemars::Schema {
        let mut schema = schema_of::<statistics::Config>();
        let own = schema_of::<Own>();
        let own = own.get("properties").and_then(Value::as_object);
        let properties = schema.ensure_object().get_mut("properties");
        if let (Some(own), Some(Value::Object(properties))) = (own, properties) {
            properties.extend(own.clone());
        }
        schema
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        let mut checked = pass_on(context, "examples", "statistics");
        let (config, own) = match read_config(config) {
            Ok(configs) => configs,
            Err(error) => {
                checked.problems.push(problem(String::new(), &error));
                return checked;
            }
        };
        let columns = match context.inputs.get("examples") {
            Some(Some(features)) => Some(columns(features)),
            _ => None,
        };
        let mistakes = config.check(columns.as_ref());
        checked.problems.extend(mistakes.iter().map(of_statistics));
        for (split, &rate) in &own.sample_rate_by_split {
            let config = statistics::Config { sample_rate: Some(rate), ..Default::default() };
            checked.problems.extend(config.check(None).iter().map(|mistake| Problem {
                key: format!("sample_rate_by_split.{split}"),
                ..of_statistics(mistake)
            }));
        }
        let mut vocabularies = BTreeMap::new();
        for (name, file) in &own.vocab_paths {
            match read_vocabulary(&context.base_dir.join(file)) {
                Ok(vocabulary) => drop(vocabularies.insert(name.clone(), vocabulary)),
                Err(error) => {
                    checked.problems.push(problem(format!("vocab_paths.{name}"), &error));
                    vocabularies.insert(name.clone(), Arc::new(Vec::new().into()));
                }
            }
        }
        if let Some(file) = &own.schema_file {
            match schema::read_schema(&context.base_dir.join(file)) {
                Ok(schema) => {
                    // What the schema asks for, whatever the columns are.
                    let curated = Curated { schema: Some(&schema), vocabularies };
                    let config = statistics::Config::default();
                    let pass = StatisticsPass::with_curated(&Schema::empty(), &config, &curated);
                    if let Err(error) = pass {
                        checked.problems.push(problem("schema_file".to_owned(), &error));
                    }
                }
                Err(error) => checked.problems.push(problem("schema_file".to_owned(), &error)),
            }
        }
        checked
    }

    fn files(&self, config: &Value, base_dir: &Path) -> Result<Vec<PathBuf>, BoxError> {
        let (_, own) = read_config(config)?;
        let files = own.schema_file.iter().chain(own.vocab_paths.values());
        Ok(files.map(|file| base_dir.join(file)).collect())
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for StatisticsGen {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let (config, own) = read_config(context.config)?;
        let schema = match &own.schema_file {
            None => None,
            Some(file) => Some(schema::read_schema(&context.base_dir.join(file))?),
        };
        let vocabularies = own
            .vocab_paths
            .iter()
            .map(|(name, file)| Ok((name.clone(), read_vocabulary(&context.base_dir.join(file))?)))
            .collect::<Result<_, ComponentError>>()?;
        let curated = Curated { schema: schema.as_ref(), vocabularies };
        let examples = required(context, "examples")?;
        let names = keep_splits(examples, &own.exclude_splits)?;
        let dataset = Dataset::open(&examples.uri, &names)?;
        let mut num_examples = 0;
        let mut num_features = 0;
        let mut num_slices = 0;
        for (done, split) in dataset.splits().iter().enumerate() {
            context.progress.report(done as u64, names.len() as u64, &split.name);
            let source = split.source()?;
            let rate = own.sample_rate_by_split.get(&split.name).copied();
            let config =
                statistics::Config { sample_rate: rate.or(config.sample_rate), ..config.clone() };
            let list = statistics::generate_curated(
                schema::ALL_EXAMPLES,
                &source,
                context.engine,
                &config,
                &curated,
            )?;
            if let Some((all, slices)) = list.datasets.split_first() {
                num_examples += all.num_examples;
                num_features = all.features.len();
                num_slices += slices.len();
            }
            let dir = make_split_dir(&context.outputs["statistics"], &split.name)?;
            write(&dir.join(STATISTICS_FILE), list.encode_to_vec())?;
        }
        Ok(Outcome {
            properties: [("statistics", split_properties(examples, &names))].into(),
            summary: match num_slices {
                0 => format!("{num_features} features of {num_examples} examples"),
                _ => format!(
                    "{num_features} features of {num_examples} examples and {num_slices} slices"
                ),
            },
            ..Outcome::default()
        })
    }
}

/// Reads a vocabulary: a line of text for each token, or a record.
fn read_vocabulary(path: &Path) -> Result<Arc<Vocabulary>, ComponentError> {
    let corrupt = |expected: &str| ComponentError::Corrupt {
        path: path.to_path_buf(),
        expected: expected.to_owned(),
    };
    let bytes = std::fs::read(path).map_err(IoError::at("read", path))?;
    if !path.to_string_lossy().ends_with(".tfrecord.gz") {
        let text = std::str::from_utf8(&bytes).map_err(|_| corrupt("vocabulary of UTF-8 text"))?;
        return Ok(Arc::new(Vocabulary::parse(text)));
    }
    let mut reader = RecordReader::new(Compression::Gzip.decoder(bytes.as_slice()));
    let mut tokens: Vec<String> = Vec::new();
    loop {
        let record = reader.next_record();
        let Some(record) = record.map_err(|_| corrupt("TFRecord file, gzip"))? else { break };
        let token = std::str::from_utf8(record.data);
        tokens.push(token.map_err(|_| corrupt("vocabulary of UTF-8 text"))?.trim().to_owned());
    }
    Ok(Arc::new(tokens.into()))
}

/// Returns the columns that features will be, as far as it is known; a type that is not known yet is `Null`.
fn columns(features: &[FeatureInfo]) -> Schema {
    let field = |feature: &FeatureInfo| {
        let data_type = match feature.kind {
            Some(FeatureKind::Int) => DataType::Int64,
            Some(FeatureKind::Float) => DataType::Float32,
            Some(FeatureKind::Bytes) => DataType::Utf8,
            Some(FeatureKind::Struct) => DataType::Struct(Fields::empty()),
            None => DataType::Null,
        };
        Arc::new(Field::new(&feature.name, data_type, true))
    };
    Schema::new(features.iter().map(field).collect::<Fields>())
}

/// Returns a mistake without the option's name, which the place in the file says.
fn of_statistics(mistake: &StatisticsError) -> Problem {
    let key = mistake.option().unwrap_or_default().to_owned();
    if let StatisticsError::SliceKeys { error, .. } = mistake
        && let Some(found) = error.mistake()
        && let Some(place) = &found.place
    {
        // The place is told by the pipeline, which knows where the query begins.
        let (offset, message) = (Some(place.offset()), found.message.clone());
        return Problem { key, offset, message, hint: found.hint.clone() };
    }
    let mut problem = problem(key, mistake);
    let prefix = format!("option `{}`: ", problem.key);
    if let Some(rest) = problem.message.strip_prefix(&prefix) {
        problem.message = rest.to_owned();
    }
    problem
}

fn problem(key: String, error: &impl Classify) -> Problem {
    Problem { key, offset: None, message: error.to_string(), hint: error.hint() }
}
