//! What can be said about a search before anything runs.

use crate::space::Domain;
use crate::{Config, SearchConfig};

/// More combinations than this are not tried.
const MAX_TRIALS: u64 = 100_000;

/// A mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, with dots between the levels.
    pub key: String,
    /// What was found and what was expected.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Returns all that is wrong with a configuration.
pub fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |key: &str, message: String, hint: Option<&str>| {
        let hint = hint.map(str::to_owned);
        problems.push(Problem { key: key.to_owned(), message, hint });
    };
    if config.space.is_empty() {
        add("space", "no hyperparameters, expected at least one".to_owned(), None);
    }
    if !(1..=256).contains(&config.parallel_trials) {
        let found = config.parallel_trials;
        add("parallel_trials", format!("{found}, expected between 1 and 256"), None);
    }
    let mut combinations: u64 = 1;
    for (name, domain) in &config.space {
        let key = format!("space.{name}");
        match Domain::of(domain) {
            Err(message) => add(&key, message, None),
            Ok(domain) => match (domain.num_values(), &config.search) {
                (Some(count), _) => combinations = combinations.saturating_mul(count),
                (None, SearchConfig::Grid(_)) => add(
                    &key,
                    format!(
                        "`{key}` is any number between two, expected values that can be counted for a grid"
                    ),
                    Some("say which with `values`, or how far apart with `step`"),
                ),
                (None, _) => {}
            },
        }
    }
    let least = |key: &str, found: u64, add: &mut dyn FnMut(&str, String, Option<&str>)| {
        if !(1..=MAX_TRIALS).contains(&found) {
            add(key, format!("{found}, expected between 1 and {MAX_TRIALS}"), None);
        }
    };
    let steps = |key: &str,
                 (min, max): (u64, u64),
                 reduction: u64,
                 add: &mut dyn FnMut(&str, String, Option<&str>)| {
        if min < 1 || min > max {
            let message = format!(
                "from {min} to {max} steps, expected at least 1, and not more than `max_steps`"
            );
            add(&format!("{key}.min_steps"), message, None);
        }
        if !(2..=100).contains(&reduction) {
            let message = format!("{reduction}, expected between 2 and 100");
            add(&format!("{key}.reduction"), message, None);
        }
    };
    match &config.search {
        SearchConfig::Random(random) => least("search.random.trials", random.trials, &mut add),
        SearchConfig::Tpe(tpe) => {
            least("search.tpe.trials", tpe.trials, &mut add);
            least("search.tpe.random_trials", tpe.random_trials, &mut add);
            if !(1..=10_000).contains(&tpe.candidates) {
                let message = format!("{}, expected between 1 and 10000", tpe.candidates);
                add("search.tpe.candidates", message, None);
            }
        }
        SearchConfig::Grid(_) => {
            if combinations > MAX_TRIALS {
                let message = format!("{combinations} combinations, expected at most {MAX_TRIALS}");
                add("space", message, Some("a search at random tries some of them"));
            }
        }
        SearchConfig::SuccessiveHalving(halving) => {
            least("search.successive_halving.trials", halving.trials, &mut add);
            let (range, reduction) = ((halving.min_steps, halving.max_steps), halving.reduction);
            steps("search.successive_halving", range, reduction, &mut add);
        }
        SearchConfig::Hyperband(band) => {
            let range = (band.min_steps, band.max_steps);
            steps("search.hyperband", range, band.reduction, &mut add);
        }
    }
    problems
}
