//! `cupola init`: a new pipeline from a template.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{BoxError, IoError, publish};
use dataset::FeatureType;
use engine::LocalEngine;
use ingest::{InferredFeature, SourceConfig};
use serde_json::json;

use crate::args::{Global, InitArgs, Template};
use crate::documents::documents;
use crate::error::{CliError, Outcome};
use crate::output::print_json;
use crate::taxi::write_trips;

/// The seed of the generated trips, so that everybody has the same.
const SEED: u64 = 1;

/// How much of a file is looked at for its columns.
const LOOK_AT_BYTES: u64 = 64 << 20;

/// Makes a new pipeline.
pub(crate) fn init(args: &InitArgs, global: &Global) -> Result<Outcome, BoxError> {
    fs::create_dir_all(&args.dir).map_err(IoError::at("create", &args.dir))?;
    let pipeline = args.dir.join("pipeline.toml");
    let mut made = vec![pipeline.clone()];
    match args.template {
        Template::Taxi => {
            let trips = args.dir.join("data").join("trips.csv");
            made.push(trips.clone());
            refuse_to_overwrite(&made, args.force)?;
            write(&trips, &mut |out| write_trips(args.rows, SEED, out))?;
            let text = include_str!("../../../../examples/taxi/pipeline.toml");
            publish::write_file(&pipeline, text.as_bytes())?;
        }
        Template::LanguageModel => {
            let data = args.dir.join("data");
            made.push(data.clone());
            refuse_to_overwrite(&made, args.force)?;
            for (path, text) in documents() {
                write(&data.join(path), &mut |out| out.write_all(text.as_bytes()))?;
            }
            let text = include_str!("../../../../examples/language_model/pipeline.toml");
            publish::write_file(&pipeline, text.as_bytes())?;
        }
        Template::Csv => {
            refuse_to_overwrite(&made, args.force)?;
            let data = args.data.as_deref().unwrap_or(Path::new(""));
            let data = std::path::absolute(data).map_err(IoError::at("read", data))?;
            let label = args.label.as_deref().unwrap_or_default();
            let text = pipeline_over(&args.dir, &data, label)?;
            publish::write_file(&pipeline, text.as_bytes())?;
        }
    }
    if global.json {
        print_json("init", json!({ "made": made }))?;
    } else if !global.quiet {
        for path in &made {
            anstream::eprintln!("made {}", path.display());
        }
        anstream::eprintln!("next: cupola run {}", pipeline.display());
    }
    Ok(Outcome::Done)
}

fn refuse_to_overwrite(paths: &[PathBuf], force: bool) -> Result<(), CliError> {
    match paths.iter().find(|path| path.exists()) {
        Some(path) if !force => Err(CliError::Exists { path: path.clone() }),
        _ => Ok(()),
    }
}

/// Writes a data file, in a folder that is made if need be.
fn write(
    path: &Path,
    content: &mut dyn FnMut(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), BoxError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(IoError::at("create", dir))?;
    let file = File::create(path).map_err(IoError::at("write", path))?;
    let mut out = BufWriter::new(file);
    content(&mut out).and_then(|()| out.flush()).map_err(IoError::at("write", path))?;
    Ok(())
}

/// Returns a pipeline over one's own file: every column but those that the label is made from is a feature.
fn pipeline_over(dir: &Path, data: &Path, label: &str) -> Result<String, BoxError> {
    let engine = LocalEngine::with_all_cores(Arc::default());
    let config = ingest::Config::new(SourceConfig::Csv(data.display().to_string().into()));
    let columns = ingest::infer_features(&config, dir, &engine, Some(LOOK_AT_BYTES))?;
    let stem = data.file_stem().unwrap_or_default().to_string_lossy();
    let name: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(63).collect();

    let mut features = BTreeMap::new();
    for column in &columns {
        if let (false, Some(expression)) = (mentions(label, &column.name), expression(column)) {
            features.insert(column.name.as_str(), expression);
        }
    }
    let mut text = format!(
        "[pipeline]\nname = {}\n\n[nodes.example_gen]\nsource = {{ csv = {} }}\n\n[nodes.statistics_gen]\n\n\
         [nodes.schema_gen]\n\n[nodes.example_validator]\n\n\
         # Columns that the label is made from are left out: a model that sees them learns nothing.\n\
         [nodes.transform.features]\n",
        toml_string(&name),
        toml_string(&data.display().to_string()),
    );
    for (name, expression) in features {
        let _ = writeln!(text, "{} = {}", toml_string(name), toml_string(&expression));
    }
    let _ = write!(
        text,
        "label = {}\n\n[nodes.trainer]\nmodel = {{ wide_and_deep = {{ label = \"label\" }} }}\n\n\
         [nodes.evaluator]\n\n[[nodes.evaluator.thresholds]]\nmetric = \"auc\"\nlower_bound = 0.6\n\
         min_change = -0.01\n\n[nodes.pusher]\ndestination = {{ directory = \"serving\" }}\n",
        toml_string(&format!("CASE WHEN {label} THEN 1 ELSE 0 END")),
    );
    Ok(text)
}

/// Returns the usual feature for a column of a type; none for a column without values.
fn expression(column: &InferredFeature) -> Option<String> {
    let name = quoted(&column.name);
    match column.feature_type? {
        FeatureType::Int | FeatureType::Float => {
            Some(format!("scale_to_z_score(fill_missing(CAST({name} AS double), 0.0))"))
        }
        FeatureType::Bytes => Some(format!(
            "vocabulary(fill_missing({name}, ''), top_k => 1000, num_oov_buckets => 10)"
        )),
        FeatureType::Struct => None,
    }
}

/// Returns whether a column's name stands in an expression as a word of its own.
fn mentions(expression: &str, column: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    expression.match_indices(column).any(|(at, _)| {
        let before = expression[..at].chars().next_back();
        let after = expression[at + column.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Returns a name as expressions write it: in quotes where it is not a plain word.
fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

fn toml_string(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_mentioned() {
        assert!(mentions("tips > fare * 0.2", "fare"));
        assert!(!mentions("tips > fare_total * 0.2", "fare"));
        assert!(!mentions("tips > 2", "tip"));
    }

    #[test]
    fn names_that_are_no_words_are_quoted() {
        assert_eq!(quoted("fare"), "fare");
        assert_eq!(quoted("trip miles"), "\"trip miles\"");
        assert_eq!(quoted("2nd"), "\"2nd\"");
    }
}
