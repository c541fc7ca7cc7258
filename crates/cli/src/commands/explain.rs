//! `cupola explain`: why a pushed model predicts what it does.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, UInt64Array};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Float64Type};
use base::BoxError;
use dataflow::Engine;
use dataset::FeatureType;
use engine::LocalEngine;
use explain::{
    Examples, FeatureSelection, Found, LimeOptions, Method, SliceSurvey, SurveyOptions, sample,
    slices_of, survey,
};
use graph::ValueType;
use servable::Servable;

use crate::args::{ExplainArgs, Global, MethodName, SelectName};
use crate::data::{Files, Types};
use crate::error::{CliError, Outcome};
use crate::output::{number, print, print_json, table};

/// How many rows are read to draw from; more would not change what is seen.
const MAX_ROWS: usize = 100_000;

/// Explains.
pub(crate) fn explain(args: &ExplainArgs, global: &Global) -> Result<Outcome, BoxError> {
    let version = super::newest_pushed(&args.model)?;
    let servable = Servable::load(&version)?;
    let engine = LocalEngine::with_all_cores(Arc::default());
    let features: Vec<String> =
        servable.raw_inputs().iter().map(|input| input.name.clone()).collect();
    let rows = read(&args.input, args, &servable, &engine)?;
    let background = match args.background.as_slice() {
        [] => rows.clone(),
        files => read(files, args, &servable, &engine)?,
    };
    let options = options(args);
    let background_rows =
        args.background_rows.map_or_else(|| options.method.background_rows(), |rows| rows as usize);
    let places = sample(background_rows, background.num_rows(), args.seed ^ 1);
    let places: UInt64Array = places.iter().map(|place| *place as u64).collect();
    let background = take_record_batch(&background, &places).map_err(CliError::Rows)?;
    if let Some(row) = args.row.iter().find(|row| **row >= rows.num_rows()) {
        return Err(CliError::NoRow { row: *row, num_rows: rows.num_rows() }.into());
    }
    let places = match args.row.as_slice() {
        [] => sample(args.rows, rows.num_rows(), args.seed),
        rows => rows.to_vec(),
    };
    let by: Vec<Vec<String>> = args.slices.iter().map(|feature| vec![feature.clone()]).collect();
    let slices = slices_of(&rows, &by)?;
    let labels = match args.row.as_slice() {
        [] => labels(&servable, &rows)?,
        // Shuffling tells of all rows, and not of these.
        _ => None,
    };
    let examples =
        Examples { rows: &rows, explained: &places, labels: labels.as_deref(), slices: &slices };
    let found = survey(&servable, &features, &examples, &background, &options)?;
    if global.json {
        let mut content = found.to_json();
        content["model"] = version.display().to_string().into();
        content["output"] = args.output.as_str().into();
        content["class"] = args.class.into();
        print_json("explanation", content)?;
        return Ok(Outcome::Done);
    }
    let parts: Vec<String> = match args.row.as_slice() {
        [] => found.slices.iter().map(|slice| of_slice(&features, slice, args.method)).collect(),
        _ => found.rows.iter().map(|(row, found)| of_row(&features, *row, found)).collect(),
    };
    print(&parts.join("\n\n"))?;
    Ok(Outcome::Done)
}

fn options(args: &ExplainArgs) -> SurveyOptions {
    let samples = args.samples.map(|samples| samples as usize);
    let method = match args.method {
        MethodName::Shapley => Method::Shapley(samples),
        MethodName::Lime => Method::Lime(LimeOptions {
            num_samples: samples.unwrap_or(LimeOptions::default().num_samples),
            num_features: args.num_features as usize,
            discretize: !args.no_discretize,
            categorical: args.categorical.clone(),
            kernel_width: args.kernel_width,
            selection: match args.select {
                SelectName::Auto => FeatureSelection::Auto,
                SelectName::Forward => FeatureSelection::Forward,
                SelectName::HighestWeights => FeatureSelection::HighestWeights,
                SelectName::LassoPath => FeatureSelection::LassoPath,
                SelectName::All => FeatureSelection::All,
            },
            around_example: args.around_row,
            seed: args.seed,
        }),
    };
    let (output, class) = (args.output.clone(), args.class);
    SurveyOptions { method, output, class, repeats: args.repeats, seed: args.seed }
}

/// Returns what a slice's predictions come from, a line for each feature, the most important first.
fn of_slice(features: &[String], slice: &SliceSurvey, method: MethodName) -> String {
    let rows =
        descending(&slice.mean_absolute).into_iter().map(|feature| {
            let value = match slice.num_explained {
                0 => "-".to_owned(),
                _ => number(slice.mean_absolute[feature]),
            };
            let mut row = vec![features[feature].clone(), value];
            row.extend(slice.permutation.as_ref().map(|of| {
                format!("{} ±{}", number(of[feature].mean), number(of[feature].std_dev))
            }));
            row
        });
    let value = match method {
        MethodName::Shapley => "mean |shapley|",
        MethodName::Lime => "mean |weight|",
    };
    let mut header = vec!["feature", value];
    header.extend(slice.permutation.as_ref().map(|_| "loss when shuffled"));
    let SliceSurvey { name, num_examples, num_explained, .. } = slice;
    let head = format!("{name}: {num_examples} rows, {num_explained} explained");
    format!("{head}\n\n{}", table(&header, rows.collect(), &[1, 2]))
}

/// Returns what the prediction of one row comes from.
fn of_row(features: &[String], row: usize, found: &Found) -> String {
    let (head, names, value) = match found {
        Found::Shapley(found) => {
            let base = number(found.base_value);
            let head = format!(
                "predicted {}, of which {base} is the background's mean",
                number(found.prediction)
            );
            (head, features, "adds")
        }
        Found::Lime(found) => {
            let [prediction, local, intercept] =
                [found.prediction, found.local_prediction, found.intercept].map(number);
            let head = format!(
                "predicted {prediction}; the local model (R² {}) says {local}, beginning with {intercept}",
                number(found.score)
            );
            (head, found.conditions.as_slice(), "weight")
        }
    };
    let values = found.values();
    let rows = descending(&values.iter().map(|value| value.abs()).collect::<Vec<_>>());
    let rows = rows.into_iter().filter(|feature| values[*feature] != 0.0);
    let rows = rows.map(|feature| vec![names[feature].clone(), number(values[feature])]);
    format!("row {row}: {head}\n\n{}", table(&["feature", value], rows.collect(), &[1]))
}

fn descending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
    order
}

/// Returns the labels of rows; nothing where these do not have what labels are made of.
fn labels(servable: &Servable, rows: &RecordBatch) -> Result<Option<Vec<f64>>, BoxError> {
    let mut inputs = servable.label_inputs().into_iter();
    if !inputs.all(|input| rows.column_by_name(&input.name).is_some()) {
        return Ok(None);
    }
    let labels = cast(&servable.label(rows)?, &DataType::Float64).map_err(CliError::Rows)?;
    let labels = labels.as_primitive::<Float64Type>();
    Ok(Some(labels.iter().map(|label| label.unwrap_or(f64::NAN)).collect()))
}

/// Reads the first rows of files, columns of text as the types that the model wants.
fn read(
    files: &[String],
    args: &ExplainArgs,
    servable: &Servable,
    engine: &dyn Engine,
) -> Result<RecordBatch, BoxError> {
    let wanted: Types = servable
        .raw_inputs()
        .iter()
        .map(|input| {
            let kind = match input.value_type {
                ValueType::Int | ValueType::Bool => FeatureType::Int,
                ValueType::Float => FeatureType::Float,
                ValueType::String => FeatureType::Bytes,
            };
            (input.name.clone(), kind)
        })
        .collect();
    let rows = Files::open(files, &args.read, engine)?.widen(&wanted)?.into_rows()?;
    let source = rows.source();
    let schema = source.schema();
    if let Some(missing) = wanted.keys().find(|name| schema.index_of(name).is_err()) {
        return Err(CliError::NoColumn { column: missing.clone() }.into());
    }
    let mut batches = Vec::new();
    let mut num_rows = 0;
    'all: for partition in 0..source.num_partitions() {
        for batch in source.read(partition, None)? {
            let batch = batch?;
            num_rows += batch.num_rows();
            batches.push(batch);
            if num_rows >= MAX_ROWS {
                break 'all;
            }
        }
    }
    let all = concat_batches(&schema, &batches).map_err(CliError::Rows)?;
    Ok(all.slice(0, all.num_rows().min(MAX_ROWS)))
}
