//! What can be said about a Tuner's table before anything runs.

use artifact::{CheckContext, Problem};
use serde_json::{Map, Value};
use tune::{Config, DomainConfig, Number, SearchConfig};

use crate::config::schema_of;
use crate::trainer::{SPLITS, is_program, with_hyperparameters};
use crate::tuner::{OBJECTIVE, Parts, Tuned};
use crate::tuner_trials::with_steps;

/// How many values of a list are looked at.
const MAX_VALUES: usize = 100;

/// Returns all that is wrong with a Tuner's table that fits the schema.
pub(crate) fn check(config: &Value, context: &CheckContext<'_>) -> Vec<Problem> {
    let Ok(parts) = Parts::read(config) else { return Vec::new() };
    let mut problems: Vec<Problem> = tune::check(&parts.search)
        .into_iter()
        .map(|found| Problem {
            key: found.key,
            offset: None,
            message: found.message,
            hint: found.hint,
        })
        .collect();
    problems.extend(check_objective(&parts));
    let tables = Tuned::ALL.map(|tuned| config.get(tuned.key()).is_some());
    if tables == [false, false] || tables == [true, true] {
        let message = "expected one of the tables `trainer` and `language_trainer`".to_owned();
        problems.push(Problem { key: String::new(), offset: None, message, hint: None });
        return problems;
    }
    let of_trainer = parts.tuned.component().check(&parts.trainer, context).problems;
    let is_whole = of_trainer.is_empty();
    problems.extend(of_trainer.into_iter().map(|problem| {
        let dot = if problem.key.is_empty() { "" } else { "." };
        Problem { key: format!("{}{dot}{}", parts.tuned.key(), problem.key), ..problem }
    }));
    if is_whole && !is_program(&parts.trainer) {
        problems.extend(check_space(&parts, context));
    }
    problems
}

fn check_objective(parts: &Parts) -> Vec<Problem> {
    let problem = |key: &str, message: String, hint: Option<String>| Problem {
        key: format!("{OBJECTIVE}{key}"),
        offset: None,
        message,
        hint,
    };
    match (&parts.objective.metric, &parts.objective.reported) {
        (Some(_), _) if parts.tuned == Tuned::LanguageTrainer => {
            let message = "a trial of a language model is not evaluated, expected `reported`";
            let hint = "`reported = \"eval_loss\"`".to_owned();
            vec![problem(".metric", message.to_owned(), Some(hint))]
        }
        (Some(metric), None) => {
            let metrics = Some(vec![metric.clone()]);
            let config = evaluate::Config { metrics, ..evaluate::Config::default() };
            let found = evaluate::check(&config, None).into_iter();
            found.map(|found| problem(".metric", found.message, found.hint)).collect()
        }
        (None, Some(_)) => Vec::new(),
        (None, None) => {
            let message = "no metric, expected `metric` or `reported`".to_owned();
            vec![problem("", message, Some("`metric = \"auc\"`".to_owned()))]
        }
        (Some(_), Some(_)) => {
            let message = "`metric` is there too, expected one of the two".to_owned();
            vec![problem(".reported", message, None)]
        }
    }
}

/// Tries the values at the ends of each range, and those of each list, one hyperparameter at a time.
fn check_space(parts: &Parts, context: &CheckContext<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let known = match parts.tuned {
        Tuned::Trainer => schema_of::<train::Config>(),
        Tuned::LanguageTrainer => schema_of::<train_language::Config>(),
    };
    let known = known.get("properties").and_then(Value::as_object);
    let known: Vec<&str> = known.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    for (name, domain) in &parts.search.space {
        let key = format!("space.{name}");
        let first = name.split('.').next().unwrap_or_default();
        if !known.contains(&first) {
            problems.push(Problem {
                key,
                offset: None,
                message: format!("the trainer has no key `{first}`"),
                hint: base::nearest(first, known.iter().copied())
                    .map(|name| format!("did you mean `{name}`?")),
            });
            continue;
        }
        if is_halved(&parts.search, name) {
            let message = "it is what the search itself decides about".to_owned();
            problems.push(Problem { key, offset: None, message, hint: None });
            continue;
        }
        for value in ends(domain) {
            let values: Map<String, Value> = [(name.clone(), value.clone())].into_iter().collect();
            let config = with_hyperparameters(&with_steps(&parts.trainer, Some(1)), &values);
            let found = wrong(parts.tuned, &config, context);
            if let Some((message, hint)) = found {
                let message = format!("with {value}: {message}");
                problems.push(Problem { key, offset: None, message, hint });
                break;
            }
        }
    }
    problems
}

/// Returns whether a hyperparameter is the number of steps, of which a search by halving gives each trial its own.
fn is_halved(config: &Config, name: &str) -> bool {
    let is_halving =
        matches!(config.search, SearchConfig::SuccessiveHalving(_) | SearchConfig::Hyperband(_));
    is_halving && matches!(name, "num_steps" | "epochs" | "model.boosted_trees.num_trees")
}

fn ends(domain: &DomainConfig) -> Vec<Value> {
    let number = |number: Number| match number {
        Number::Int(number) => Value::from(number),
        Number::Float(number) => Value::from(number),
    };
    let ends = domain.min.into_iter().chain(domain.max).map(number);
    ends.chain(domain.values.iter().flatten().take(MAX_VALUES).cloned()).collect()
}

/// Returns what is wrong with a configuration of a model that is trained in the process.
fn wrong(
    tuned: Tuned,
    config: &Value,
    context: &CheckContext<'_>,
) -> Option<(String, Option<String>)> {
    let mut own = config.clone();
    if let Some(own) = own.as_object_mut() {
        own.remove(SPLITS);
    }
    let unread = match tuned {
        Tuned::Trainer => serde_json::from_value::<train::Config>(own).err(),
        Tuned::LanguageTrainer => serde_json::from_value::<train_language::Config>(own).err(),
    };
    if let Some(error) = unread {
        return Some((error.to_string(), None));
    }
    let problem = tuned.component().check(config, context).problems.into_iter().next()?;
    Some((format!("`{}`: {}", problem.key, problem.message), problem.hint))
}
