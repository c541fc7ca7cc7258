//! `cupola predict`: raw rows through a pushed model, to a file, a stream or a folder of shards.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use base::{BoxError, Digest, IoError, digest_file, publish};
use dataflow::Engine;
use dataset::FeatureType;
use engine::LocalEngine;
use graph::ValueType;
use infer::{Format, InferError, Inference, Job, Keep, Outputs, Sink};
use model::Predictor;
use serde_json::{Value, json};
use servable::Servable;
use text_model::{Ask, TextModel, TextPredictor};

use crate::args::{Global, PredictArgs};
use crate::data::{Progress, Rows, Types};
use crate::error::{CliError, Outcome, print_note};
use crate::output::print_json;

/// Predicts.
pub(crate) fn predict(args: &PredictArgs, global: &Global) -> Result<Outcome, BoxError> {
    let version = match TextModel::is_in(&args.model) {
        // A folder as HuggingFace's tools write it, or one that was pushed.
        true => args.model.clone(),
        false => super::newest_pushed(&args.model)?,
    };
    let model = Asked::load(&version, args)?;
    let keep = match &args.keep {
        _ if args.keep_all => Keep::All,
        Some(names) => Keep::Columns(names.clone()),
        None => Keep::Columns(Vec::new()),
    };
    let engine = match args.threads {
        Some(threads) => LocalEngine::new(threads, Arc::default()),
        None => LocalEngine::with_all_cores(Arc::default()),
    };
    let delimiter = args.delimiter.as_deref();
    let rows = Rows::open(&args.input, delimiter, &model.types(), &keep, &engine)?;
    let needed: Vec<String> = model.inputs.iter().map(|(name, _)| name.clone()).collect();
    let predictor = model.predictor.as_ref();
    let inference =
        Inference::new(predictor, &needed, &rows.source().schema(), &keep, &Outputs::All);
    let inference = inference.map_err(|error| of_input(error, &rows.name))?;
    let work = Work { engine: &engine, rows: &rows, inference: &inference };

    match &args.output {
        None if global.json => {
            let lines = work.write(Format::JsonLines, Vec::new(), &Progress::new(global))?;
            let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let rows: Vec<Value> =
                lines.map(|line| serde_json::from_slice(line).unwrap_or_default()).collect();
            print_json("predictions", json!({ "model": version, "rows": rows }))?;
        }
        None => {
            let format = args.format.map_or(Format::Csv, Format::from);
            let is_text = matches!(format, Format::Csv | Format::JsonLines);
            if !is_text && io::stdout().is_terminal() {
                return Err(CliError::NotText { format: format.to_string() }.into());
            }
            work.write(format, io::stdout(), &Progress::new(global))?
                .flush()
                .map_err(CliError::Write)?;
        }
        Some(path) if is_folder(path) => {
            work.fill(path, args, &version, global)?;
        }
        Some(path) => {
            let by_name = Format::of_path(path);
            let format = args.format.map(Format::from).or(by_name).unwrap_or(Format::Csv);
            publish::write_file_with(path, |file| {
                work.write(format, file, &Progress::new(global)).map(drop)
            })
            .map_err(|error: BoxError| error)?;
        }
    }
    Ok(Outcome::Done)
}

struct Work<'a> {
    engine: &'a LocalEngine,
    rows: &'a Rows,
    inference: &'a Inference<'a>,
}

impl Work<'_> {
    /// Writes all predictions to one stream, in the order of the rows.
    fn write<W: Write + Send>(
        &self,
        format: Format,
        out: W,
        progress: &Progress,
    ) -> Result<W, BoxError> {
        let mut sink = Sink::new(format, self.inference.schema(), out)?;
        let source = progress.watch(&self.rows.name, self.rows.source());
        self.engine.map(&source, self.inference, &mut |batch| Ok(sink.write(&batch)?))?;
        Ok(sink.finish()?)
    }

    /// Fills a folder with shards, or goes on with one that was begun.
    fn fill(
        &self,
        dir: &Path,
        args: &PredictArgs,
        version: &Path,
        global: &Global,
    ) -> Result<(), BoxError> {
        let format = args.format.map_or(Format::Parquet, Format::from);
        let name = version.file_name().unwrap_or_default().to_string_lossy();
        let mut model = format!("{name} ({})", identity(version)?.short());
        if args.complete {
            // Other texts are other predictions.
            let _ = write!(model, " {:?}", args.sampling);
        }
        let job = Job {
            source: self.rows.source(),
            inference: self.inference,
            format,
            examples_identity: &self.rows.identity,
            model_identity: &model,
            overwrite: args.overwrite,
        };
        let progress = Progress::new(global);
        let written = infer::run(dir, &job, self.engine, &mut |done, total| {
            progress.set(&self.rows.name, done, total);
        })?;
        progress.finish();
        let (num_shards, num_kept) = (written.shards.len(), written.num_kept);
        if global.json {
            let shown = json!({
                "model": version,
                "output": dir,
                "shards": num_shards,
                "shards_kept": num_kept,
                "rows": written.num_rows,
            });
            print_json("predicted", shown)?;
        } else if !global.quiet {
            let kept = match num_kept {
                0 => String::new(),
                number => format!(", {number} were there already"),
            };
            let num_rows = written.num_rows;
            print_note(&format!(
                "{num_rows} rows predicted; {num_shards} shards in {}{kept}",
                dir.display()
            ));
        }
        Ok(())
    }
}

/// Returns the digest of what a model is: of its marker, or of all its files where it was never pushed.
fn identity(version: &Path) -> Result<Digest, IoError> {
    let marker = version.join(push::READY);
    if marker.is_file() {
        return digest_file(&marker);
    }
    let entries = std::fs::read_dir(version).map_err(IoError::at("read", version))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    let mut seen = Vec::new();
    for path in files {
        seen.extend_from_slice(path.file_name().unwrap_or_default().as_encoded_bytes());
        seen.extend_from_slice(digest_file(&path)?.to_string().as_bytes());
    }
    Ok(Digest::of(&seen))
}

/// Returns whether a path is meant as a folder: it is one, or ends as one.
fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// A model, and the raw features that it reads.
struct Asked {
    predictor: Box<dyn Predictor>,
    inputs: Vec<(String, ValueType)>,
}

impl Asked {
    fn load(version: &Path, args: &PredictArgs) -> Result<Self, BoxError> {
        if let Some(flag) = args.sampling.given().filter(|_| !args.complete) {
            return Err(CliError::WithoutComplete { flag }.into());
        }
        if TextModel::is_in(version) {
            let model = TextModel::load(version)?;
            let inputs = model.inputs().iter();
            let inputs = inputs.map(|input| (input.name.clone(), input.value_type)).collect();
            let ask = match args.complete {
                // Rows are predicted again where work goes on: with the same seed.
                true => Ask::Complete(Box::new(args.sampling.options(0))),
                false => Ask::Score,
            };
            let predictor = Box::new(TextPredictor::new(Arc::new(model), ask));
            return Ok(Self { predictor, inputs });
        }
        if args.complete {
            return Err(CliError::NotLanguage { path: version.to_path_buf() }.into());
        }
        let servable = Servable::load(version)?;
        let inputs = servable.raw_inputs().iter();
        let inputs = inputs.map(|raw| (raw.name.clone(), raw.value_type)).collect();
        Ok(Self { predictor: Box::new(servable), inputs })
    }

    /// Returns the type of every column that the model needs.
    fn types(&self) -> Types {
        let of = |value_type| match value_type {
            ValueType::Int | ValueType::Bool => FeatureType::Int,
            ValueType::Float => FeatureType::Float,
            ValueType::String => FeatureType::Bytes,
        };
        self.inputs.iter().map(|(name, value_type)| (name.clone(), of(*value_type))).collect()
    }
}

/// Says which files lack a column.
fn of_input(error: InferError, name: &str) -> BoxError {
    match error {
        InferError::MissingColumn { column, needed } => {
            let needed: Vec<_> = needed.iter().map(|name| format!("`{name}`")).collect();
            let (path, needed) = (name.into(), needed.join(", "));
            CliError::MissingColumn { path, column, needed }.into()
        }
        other => other.into(),
    }
}
