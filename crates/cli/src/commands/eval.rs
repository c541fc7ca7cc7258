//! `cupola eval`: metrics of predictions that are columns already, with no pipeline and no model.

mod page;
mod table;

use std::fs;
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{DataType, Schema};
use base::{BoxError, IoError, publish};
use dataflow::{Accumulator, Source};
use engine::LocalEngine;
use evaluate::{
    Columns, ConfidenceIntervals, ConfidenceMethod, Config, EvaluatePass, Numbered, SliceSpec,
    Task, validate,
};
use serde_json::json;

use crate::args::{EvalArgs, Global, TaskName};
use crate::data::{Files, Progress};
use crate::error::{CliError, Outcome, print_note};
use crate::output::{print, print_json};

/// Evaluates.
pub(crate) fn eval(args: &EvalArgs, global: &Global) -> Result<Outcome, BoxError> {
    let config = config(args)?;
    check(&config, None)?;
    let engine = LocalEngine::with_all_cores(Arc::default());
    let progress = Progress::new(global);
    let files = Files::open(&args.predictions, &args.read, &engine)?;
    let (name, num_rejected) = (files.name.clone(), files.num_rejected());
    let rows = files.into_rows()?;
    let source = rows.source();
    let schema = source.schema();
    check(&config, Some(&schema))?;
    let task = task(args, source, &schema)?;
    let columns = Columns {
        label: args.label.clone(),
        candidate: args.prediction.clone(),
        baseline: args.baseline.clone(),
        position: Some(free("position", &schema)),
        num_bytes: args.num_bytes.clone(),
        num_correct: args.num_correct.clone(),
        baseline_num_correct: args.baseline_num_correct.clone(),
    };
    let pass = EvaluatePass::new(&config, task, columns.clone())?;
    let watched = progress.watch(&name, source);
    let state = match &columns.position {
        Some(position) if config.needs_positions() => {
            dataflow::fold(&engine, &Numbered::new(&watched, position, 0), &pass)?
        }
        _ => dataflow::fold(&engine, &watched, &pass)?,
    };
    let evaluation = state.finish()?;
    progress.finish();

    let blessing = (!config.thresholds.is_empty()).then(|| validate(&evaluation, &config));
    if let Some(path) = &args.output {
        evaluation.save(path)?;
    }
    if let Some(path) = &args.html {
        let names = (args.prediction.as_str(), args.baseline.as_deref());
        let page = page::page(&name, names, &evaluation, blessing.as_ref());
        publish::write_file(path, page.as_bytes())?;
    }
    if global.json {
        let failures = blessing
            .as_ref()
            .map(|blessing| blessing.failures.iter().map(ToString::to_string).collect::<Vec<_>>());
        let content = json!({
            "files": name,
            "num_rejected_rows": num_rejected,
            "evaluation": evaluation.to_json(),
            "blessed": blessing.as_ref().map(|blessing| blessing.blessed),
            "failures": failures,
        });
        print_json("evaluation", content)?;
    } else {
        print(&table::evaluation(&evaluation, &config, blessing.as_ref()))?;
    }
    if !global.quiet {
        for path in args.html.iter().chain(&args.output) {
            print_note(&format!("wrote {}", path.display()));
        }
        if num_rejected > 0 {
            print_note(&format!("rows left out, as they cannot be read: {num_rejected}"));
        }
    }
    Ok(match blessing {
        Some(blessing) if !blessing.blessed => Outcome::No,
        _ => Outcome::Done,
    })
}

/// Returns the configuration of the file, with what the flags say besides.
fn config(args: &EvalArgs) -> Result<Config, BoxError> {
    let mut config = match &args.config {
        None => Config::default(),
        Some(path) => {
            let text = fs::read_to_string(path).map_err(IoError::at("read", path))?;
            let wrong = |source| CliError::EvalConfig { path: path.clone(), source };
            toml::from_str(&text).map_err(wrong)?
        }
    };
    config.slices.extend(args.slices.iter().map(|names| {
        let names = names.split(',').map(|name| name.trim().to_owned());
        SliceSpec::Features(names.filter(|name| !name.is_empty()).collect())
    }));
    if !args.metrics.is_empty() {
        config.metrics.get_or_insert_default().extend(args.metrics.iter().cloned());
    }
    config.thresholds.extend(args.thresholds.iter().cloned());
    if let Some(size) = args.min_slice_size {
        config.min_slice_size = size;
    }
    if let Some(threshold) = args.classification_threshold {
        config.classification_threshold = threshold;
    }
    config.example_weight = args.weight.clone().or(config.example_weight);
    config.query_key = args.query_key.clone().or(config.query_key);
    if args.jackknife {
        config.confidence_intervals =
            Some(ConfidenceIntervals { seed: args.seed, ..ConfidenceIntervals::default() });
    } else if let Some(num_replicates) = args.bootstrap {
        config.confidence_intervals = Some(ConfidenceIntervals {
            method: ConfidenceMethod::PoissonBootstrap,
            num_replicates,
            seed: args.seed,
            ..ConfidenceIntervals::default()
        });
    }
    Ok(config)
}

/// Says all that is wrong with a configuration.
fn check(config: &Config, schema: Option<&Schema>) -> Result<(), CliError> {
    let names: Option<Vec<String>> =
        schema.map(|schema| schema.fields().iter().map(|field| field.name().clone()).collect());
    let problems = evaluate::check(config, names.as_deref());
    if problems.is_empty() {
        return Ok(());
    }
    let text = |problem: &evaluate::Problem| {
        let hint = problem.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
        format!("`{}`: {}{hint}", problem.key, problem.message)
    };
    Err(CliError::Evaluation { problems: problems.iter().map(text).collect() })
}

/// Returns the task that is named, or that the types of the columns say.
fn task(args: &EvalArgs, source: &dyn Source, schema: &Schema) -> Result<Task, BoxError> {
    let is_vector = |name: &str| {
        let field = schema.field_with_name(name).ok();
        field.is_some_and(|field| {
            matches!(
                field.data_type(),
                DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..)
            )
        })
    };
    let guess = match (is_vector(&args.prediction), is_vector(&args.label)) {
        (false, _) => TaskName::Binary,
        (true, false) => TaskName::MultiClass,
        (true, true) => TaskName::MultiLabel,
    };
    let width = || width(source, &args.prediction);
    Ok(match args.task.unwrap_or(guess) {
        TaskName::Binary => Task::BinaryClassification,
        TaskName::MultiClass => Task::MultiClassClassification { num_classes: width()? },
        TaskName::MultiLabel => Task::MultiLabelClassification { num_labels: width()? },
        TaskName::Regression => Task::Regression,
        TaskName::Ranking => Task::Ranking,
        TaskName::LanguageModel => Task::LanguageModel,
    })
}

/// Returns how many numbers the first vector of a column has.
fn width(source: &dyn Source, column: &str) -> Result<usize, BoxError> {
    let schema = source.schema();
    let field = schema.field_with_name(column).ok();
    if let Some(DataType::FixedSizeList(_, width)) = field.map(|field| field.data_type()) {
        return Ok(usize::try_from(*width).unwrap_or(0));
    }
    let columns = [column.to_owned()];
    for partition in 0..source.num_partitions() {
        for batch in source.read(partition, Some(&columns))? {
            let batch = batch?;
            let Some(array) = batch.column_by_name(column) else { continue };
            let values = (0..array.len()).find(|row| array.is_valid(*row)).and_then(|row| {
                let list = array.slice(row, 1);
                let list = arrow::compute::cast(&list, &large_list(list.data_type())?).ok()?;
                let list: &arrow::array::LargeListArray = list.as_any().downcast_ref()?;
                Some(list.value(0).len())
            });
            if let Some(values) = values {
                return Ok(values);
            }
        }
    }
    Err(CliError::NoVectors { column: column.to_owned() }.into())
}

fn large_list(found: &DataType) -> Option<DataType> {
    match found {
        DataType::List(field) | DataType::LargeList(field) => {
            Some(DataType::LargeList(Arc::clone(field)))
        }
        _ => None,
    }
}

/// Returns a name that no column has.
fn free(name: &str, schema: &Schema) -> String {
    let mut name = name.to_owned();
    while schema.column_with_name(&name).is_some() {
        name.push('_');
    }
    name
}
