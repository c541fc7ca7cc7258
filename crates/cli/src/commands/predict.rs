//! `cupola predict`: raw rows through a pushed model, predictions as CSV or JSON.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, Float32Array, RecordBatch};
use arrow::datatypes::Float32Type;
use base::{BoxError, IoError, publish};
use dataflow::{Engine, ErasedStage, Source};
use dataset::{CsvFiles, FeatureType, ParquetFiles};
use engine::LocalEngine;
use graph::ValueType;
use model::{OutputSpec, Predictor};
use serde_json::json;
use servable::Servable;

use crate::args::{Global, PredictArgs};
use crate::error::{CliError, Outcome};
use crate::output::print_json;

/// Predicts.
pub(crate) fn predict(args: &PredictArgs, global: &Global) -> Result<Outcome, BoxError> {
    let no_model = || CliError::NoModel { path: args.model.clone() };
    let version = push::newest(&args.model)?.ok_or_else(no_model)?;
    let scorer = Scorer(Servable::load(&version)?);
    let source = open(&args.input, &scorer.0)?;
    let engine = LocalEngine::with_all_cores(Arc::default());
    let outputs = scorer.0.signature().outputs.clone();

    if global.json {
        let mut rows = Vec::new();
        engine.map(source.as_ref(), &scorer, &mut |batch| {
            let columns = columns(&batch);
            rows.extend((0..batch.num_rows()).map(|row| {
                let values = columns.iter().zip(&outputs);
                let values = values.map(|(column, output)| {
                    let value = match output.width {
                        1 => json!(value(column, row)),
                        width => json!(&column.values()[row * width..][..width]),
                    };
                    (output.name.clone(), value)
                });
                values.collect::<serde_json::Map<_, _>>()
            }));
            Ok(())
        })?;
        print_json("predictions", json!({ "model": version, "rows": rows }))?;
        return Ok(Outcome::Done);
    }
    let write = |out: &mut (dyn Write + Send), failed: &(dyn Fn(io::Error) -> BoxError + Sync)| {
        write_csv(&engine, source.as_ref(), &scorer, &outputs, out, failed)
    };
    match &args.output {
        None => write(&mut io::stdout(), &|error| CliError::Write(error).into())?,
        Some(path) => publish::write_file_with(path, |file| {
            write(file, &|error| IoError::at("write", path)(error).into())
        })?,
    }
    Ok(Outcome::Done)
}

/// Writes one line per row, in the order of the input.
fn write_csv(
    engine: &dyn Engine,
    source: &dyn Source,
    scorer: &Scorer,
    outputs: &[OutputSpec],
    out: &mut (dyn Write + Send),
    failed: &(dyn Fn(io::Error) -> BoxError + Sync),
) -> Result<(), BoxError> {
    let mut out = BufWriter::new(out);
    let names: Vec<_> = outputs.iter().flat_map(csv_columns).collect();
    writeln!(out, "{}", names.join(",")).map_err(failed)?;
    let mut text = String::new();
    engine.map(source, scorer, &mut |batch| {
        let columns = columns(&batch);
        text.clear();
        for row in 0..batch.num_rows() {
            for (column, output) in columns.iter().zip(outputs) {
                for place in row * output.width..(row + 1) * output.width {
                    if let Some(value) = value(column, place) {
                        let _ = write!(text, "{value}");
                    }
                    text.push(',');
                }
            }
            text.pop();
            text.push('\n');
        }
        out.write_all(text.as_bytes()).map_err(failed)
    })?;
    out.flush().map_err(failed)
}

/// Opens raw rows with just the columns that a model needs, each of the type that it needs.
fn open(input: &Path, servable: &Servable) -> Result<Box<dyn Source>, BoxError> {
    let paths = [input.to_path_buf()];
    let needed = servable.raw_inputs();
    if input.extension().is_some_and(|extension| extension == "parquet") {
        let files = ParquetFiles::open(&paths)?;
        let schema = files.schema();
        if let Some(missing) = needed.iter().find(|raw| schema.index_of(&raw.name).is_err()) {
            return Err(missing_column(input, &missing.name, servable).into());
        }
        return Ok(Box::new(files));
    }
    let files = CsvFiles::open(&paths)?;
    if let Some(missing) = needed.iter().find(|raw| !files.columns().contains(&raw.name)) {
        return Err(missing_column(input, &missing.name, servable).into());
    }
    let features: Vec<_> = needed
        .iter()
        .map(|raw| {
            let feature_type = match raw.value_type {
                ValueType::Int | ValueType::Bool => FeatureType::Int,
                ValueType::Float => FeatureType::Float,
                ValueType::String => FeatureType::Bytes,
            };
            (raw.name.clone(), Some(feature_type))
        })
        .collect();
    Ok(Box::new(files.with_features(&features)?))
}

fn missing_column(input: &Path, column: &str, servable: &Servable) -> CliError {
    let needed: Vec<_> =
        servable.raw_inputs().iter().map(|raw| format!("`{}`", raw.name)).collect();
    CliError::MissingColumn {
        path: PathBuf::from(input),
        column: column.to_owned(),
        needed: needed.join(", "),
    }
}

/// Returns the columns that an output has in a file of delimited text.
fn csv_columns(output: &OutputSpec) -> Vec<String> {
    match output.width {
        1 => vec![output.name.clone()],
        width => (0..width).map(|place| format!("{}_{place}", output.name)).collect(),
    }
}

/// Returns the numbers of each output, row by row, of which each has as many as the output is wide.
fn columns(batch: &RecordBatch) -> Vec<&Float32Array> {
    let columns = batch.columns().iter();
    columns
        .map(|column| match column.as_fixed_size_list_opt() {
            Some(lists) => lists.values().as_primitive::<Float32Type>(),
            None => column.as_primitive::<Float32Type>(),
        })
        .collect()
}

fn value(column: &Float32Array, row: usize) -> Option<f32> {
    column.is_valid(row).then(|| column.value(row))
}

/// A servable as a stage of this process; it is never sent anywhere.
struct Scorer(Servable);

impl ErasedStage for Scorer {
    fn columns(&self) -> Option<Vec<String>> {
        Some(self.0.raw_inputs().iter().map(|raw| raw.name.clone()).collect())
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError> {
        self.0.predict(batch)
    }
}
