//! `cupola explain`: why a pushed model predicts what it does.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, UInt64Array};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base::BoxError;
use dataflow::Engine;
use dataset::FeatureType;
use engine::LocalEngine;
use explain::{Explainer, Explanation, Importance, permutation_importance, sample};
use graph::ValueType;
use serde_json::json;
use servable::Servable;

use crate::args::{ExplainArgs, Global};
use crate::data::{Files, Types};
use crate::error::{CliError, Outcome};
use crate::output::{number, print, print_json, table};

/// How many rows are read to draw from; more would not change what is seen.
const MAX_ROWS: usize = 100_000;
/// How many slices are shown.
const MAX_SLICES: usize = 20;

/// A slice, and its rows among those that were read.
type Slice = (String, Vec<usize>);

/// Explains.
pub(crate) fn explain(args: &ExplainArgs, global: &Global) -> Result<Outcome, BoxError> {
    let no_model = || CliError::NoModel { path: args.model.clone() };
    let version = push::newest(&args.model)?.ok_or_else(no_model)?;
    let servable = Servable::load(&version)?;
    let engine = LocalEngine::with_all_cores(Arc::default());
    let features: Vec<String> =
        servable.raw_inputs().iter().map(|input| input.name.clone()).collect();

    let rows = read(&args.input, args, &servable, &engine)?;
    let background = match args.background.as_slice() {
        [] => rows.clone(),
        files => read(files, args, &servable, &engine)?,
    };
    let drawn = |rows: &RecordBatch, num: usize, seed: u64| {
        let places = sample(num, rows.num_rows(), seed);
        pick(rows, &places).map(|batch| (places, batch))
    };
    let only = |batch: &RecordBatch| {
        let places = features.iter().map(|name| batch.schema().index_of(name));
        batch.project(&places.collect::<Result<Vec<_>, _>>()?)
    };
    let (_, background) = drawn(&background, args.background_rows, args.seed ^ 1)?;
    let background = only(&background).map_err(CliError::Rows)?;
    let explainer = Explainer::new(&servable, &features, background, &args.output, args.class)?;
    let explainer = explainer.sampled(args.samples.map(|n| n as usize), args.seed);
    let (places, chosen) = drawn(&rows, args.rows, args.seed)?;
    let chosen_features = only(&chosen).map_err(CliError::Rows)?;
    let explanations = (0..chosen.num_rows())
        .map(|row| explainer.shapley(&chosen_features.slice(row, 1)))
        .collect::<Result<Vec<_>, _>>()?;

    let slices = slices(args, &rows)?;
    let importance = importance(args, &servable, &rows, &features, &slices)?;
    // The rows that were explained, by slice.
    let of_slice = |(name, members): &Slice| {
        let explained = places
            .iter()
            .zip(&explanations)
            .filter(|(place, _)| members.binary_search(place).is_ok());
        (name.clone(), explained.map(|(_, explanation)| explanation).collect::<Vec<_>>())
    };
    let by_slice: Vec<(String, Vec<&Explanation>)> = slices.iter().map(of_slice).collect();
    if global.json {
        let content = json!({
            "model": version,
            "output": args.output,
            "class": args.class,
            "features": features,
            "rows": places.iter().zip(&explanations).map(|(place, found)| json!({
                "row": place, "base_value": found.base_value, "prediction": found.prediction,
                "values": found.values,
            })).collect::<Vec<_>>(),
            "slices": by_slice.iter().enumerate().map(|(place, (name, found))| json!({
                "slice": name,
                "num_examples": slices[place].1.len(),
                "num_explained": found.len(),
                "mean_absolute_value": mean_absolute(found, features.len()),
                "permutation_importance": importance.as_ref().map(|of| of[place].iter().map(|found| {
                    json!({ "mean": found.mean, "std_dev": found.std_dev })
                }).collect::<Vec<_>>()),
            })).collect::<Vec<_>>(),
        });
        print_json("explanation", content)?;
        return Ok(Outcome::Done);
    }
    let mut parts = Vec::new();
    for (place, (name, found)) in by_slice.iter().enumerate() {
        let of_slice = importance.as_ref().map(|importance| importance[place].as_slice());
        let size = slices[place].1.len();
        let head = format!("{name}: {size} rows, {} explained", found.len());
        parts.push(format!("{head}\n\n{}", global_table(&features, found, of_slice)));
    }
    print(&parts.join("\n\n"))?;
    Ok(Outcome::Done)
}

/// Returns a line for each feature, the most important first.
fn global_table(
    features: &[String],
    explanations: &[&Explanation],
    importance: Option<&[Importance]>,
) -> String {
    let values = mean_absolute(explanations, features.len());
    let mut order: Vec<usize> = (0..features.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
    let rows =
        order.iter().map(|feature| {
            let mut row = vec![features[*feature].clone(), number(values[*feature])];
            row.extend(importance.map(|of| {
                format!("{} ±{}", number(of[*feature].mean), number(of[*feature].std_dev))
            }));
            row
        });
    let mut header = vec!["feature", "mean |shapley|"];
    header.extend(importance.map(|_| "loss when shuffled"));
    table(&header, rows.collect(), &[1, 2])
}

fn mean_absolute(explanations: &[&Explanation], num_features: usize) -> Vec<f64> {
    let n = explanations.len().max(1) as f64;
    let mean = |feature: usize| {
        explanations.iter().map(|found| found.values[feature].abs()).sum::<f64>() / n
    };
    (0..num_features).map(mean).collect()
}

/// Returns how much the model needs each feature in each slice; nothing where the rows have no label.
fn importance(
    args: &ExplainArgs,
    servable: &Servable,
    rows: &RecordBatch,
    features: &[String],
    slices: &[Slice],
) -> Result<Option<Vec<Vec<Importance>>>, BoxError> {
    let has_label =
        servable.label_inputs().iter().all(|input| rows.column_by_name(&input.name).is_some());
    if !has_label {
        return Ok(None);
    }
    let labels = cast(&servable.label(rows)?, &DataType::Float64).map_err(CliError::Rows)?;
    let labels = labels.as_primitive::<Float64Type>();
    let labels: Vec<f64> = labels.iter().map(|label| label.unwrap_or(f64::NAN)).collect();
    let groups: Vec<Vec<usize>> = slices.iter().map(|(_, rows)| rows.clone()).collect();
    let found = permutation_importance(
        servable,
        rows,
        &labels,
        features,
        &groups,
        args.repeats,
        args.seed,
    )?;
    Ok(Some(found))
}

/// Returns all rows, then those of each value of each feature to slice by.
fn slices(args: &ExplainArgs, rows: &RecordBatch) -> Result<Vec<Slice>, BoxError> {
    let mut slices = vec![("overall".to_owned(), (0..rows.num_rows()).collect())];
    for feature in &args.slices {
        let missing = || CliError::NoColumn { column: feature.clone() };
        let column = rows.column_by_name(feature).ok_or_else(missing)?;
        let options = FormatOptions::default();
        let shown = ArrayFormatter::try_new(column, &options).map_err(CliError::Rows)?;
        let mut by_value: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for row in (0..rows.num_rows()).filter(|row| column.is_valid(*row)) {
            by_value.entry(shown.value(row).to_string()).or_default().push(row);
        }
        let mut values: Vec<Slice> = by_value
            .into_iter()
            .map(|(value, rows)| (format!("{feature}: {value}"), rows))
            .collect();
        values.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
        values.truncate(MAX_SLICES);
        slices.extend(values);
    }
    Ok(slices)
}

fn pick(rows: &RecordBatch, places: &[usize]) -> Result<RecordBatch, CliError> {
    let places: UInt64Array = places.iter().map(|place| *place as u64).collect();
    take_record_batch(rows, &places).map_err(CliError::Rows)
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
