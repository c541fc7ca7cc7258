//! The file of the best hyperparameters and the table of all trials, as TFX's Tuner writes them.

use std::fs;
use std::path::Path;

use base::IoError;
use serde_json::{Map, Value, json};

use crate::search::Space;
use crate::space::{Domain, Range};
use crate::{Config, Finished, Scale, TuneError};

/// The file of the best hyperparameters, below the artifact's folder.
pub const BEST_FILE: &str = "best_hyperparameters.txt";

/// The table of all trials that have a score.
pub const RESULTS_FILE: &str = "tuner_results.json";

/// Returns the content of [`BEST_FILE`]: the space and the values, as `keras_tuner.HyperParameters.get_config` gives
/// them. (Values that are lists, which KerasTuner does not have, are lists.)
///
/// # Errors
///
/// [`TuneError::Config`].
pub fn hyperparameters_json(
    config: &Config,
    values: &Map<String, Value>,
) -> Result<Value, TuneError> {
    let space = Space::new(config)?;
    let space: Vec<Value> = space.domains.iter().map(|(name, domain)| one(name, domain)).collect();
    Ok(json!({ "space": space, "values": values }))
}

fn one(name: &str, domain: &Domain) -> Value {
    let sampling = |range: &Range| match range.scale {
        Scale::Linear => "linear",
        Scale::Log => "log",
    };
    let (class, mut config) = match domain {
        Domain::Choice(values) => {
            let is_ordered = values.iter().all(Value::is_number);
            ("Choice", json!({ "values": values, "ordered": is_ordered }))
        }
        Domain::Range(range) => {
            let number = |number: f64| domain_number(range, number);
            let config = json!({
                "min_value": number(range.min),
                "max_value": number(range.max),
                "step": range.step.map(number),
                "sampling": sampling(range),
            });
            (if range.is_whole { "Int" } else { "Float" }, config)
        }
    };
    config["name"] = name.into();
    config["default"] = match domain {
        Domain::Choice(values) => values[0].clone(),
        Domain::Range(range) => domain_number(range, range.min),
    };
    config["conditions"] = json!([]);
    json!({ "class_name": class, "config": config })
}

#[expect(clippy::cast_possible_truncation, reason = "whole numbers below 2^53")]
fn domain_number(range: &Range, number: f64) -> Value {
    if range.is_whole { Value::from(number as i64) } else { Value::from(number) }
}

/// Returns the content of [`RESULTS_FILE`]: a record for each trial with a score, with its values beside.
pub fn results_json(finished: &[Finished]) -> Value {
    let width = finished.len().saturating_sub(1).to_string().len().max(2);
    let record = |finished: &Finished| {
        let score = finished.score.known()?;
        let mut record = Map::new();
        let number = finished.trial.number;
        record.insert("trial_id".to_owned(), format!("{number:0width$}").into());
        record.insert("score".to_owned(), score.into());
        if let Some(steps) = finished.trial.steps {
            record.insert("tuner/steps".to_owned(), steps.into());
        }
        record.extend(finished.trial.values.clone());
        Some(Value::Object(record))
    };
    finished.iter().filter_map(record).collect()
}

/// Reads the values in the folder of a `HyperParameters` artifact, whoever wrote it.
///
/// # Errors
///
/// [`TuneError::Io`] and [`TuneError::NotHyperparameters`].
pub fn read_hyperparameters(dir: &Path) -> Result<Map<String, Value>, TuneError> {
    let path = dir.join(BEST_FILE);
    let text = fs::read(&path).map_err(IoError::at("read", &path))?;
    let config: Option<Value> = serde_json::from_slice(&text).ok();
    match config.as_ref().and_then(|config| config.get("values")) {
        Some(Value::Object(values)) => Ok(values.clone()),
        _ => Err(TuneError::NotHyperparameters { path }),
    }
}
