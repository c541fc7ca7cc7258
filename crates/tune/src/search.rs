//! The search: which trials there are, one after the other.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::random::Random;
use crate::run::{Beside, run_all};
use crate::space::Domain;
use crate::{
    Config, Direction, Finished, Kept, Problem, SearchConfig, Trial, TuneError, check, halving, tpe,
};

/// How often values are drawn before all combinations are gone through for one that was not tried.
const MAX_DRAWS: u64 = 50;

/// More combinations than this are not gone through.
const MAX_WALK: u64 = 100_000;

/// How trials are run.
pub struct Work<'a, E> {
    /// Where finished trials are kept.
    pub kept: Option<&'a Kept>,
    /// Runs a trial. An error ends the search, when those that run beside it have ended; a trial that fails is a score.
    pub run: &'a (dyn Fn(&Trial) -> Result<crate::Score, E> + Sync),
    /// Is told of every trial that is finished, those that were kept included.
    pub finished: &'a (dyn Fn(&Finished) + Sync),
}

/// Runs all trials of a search, and returns them by their number.
///
/// # Errors
///
/// [`TuneError::Config`], or what [`Work::run`] gave.
pub fn search<E: From<TuneError> + Send>(
    config: &Config,
    direction: Direction,
    work: &Work<'_, E>,
) -> Result<Vec<Finished>, E> {
    let space = Space::new(config)?;
    let parallel = config.parallel_trials;
    let mut tried = BTreeSet::new();
    let is_informed = matches!(config.search, SearchConfig::Tpe(_));
    let beside = Beside { parallel, is_informed };
    let trial = |number: usize, values| Trial { number: number as u64, values, steps: None };
    match &config.search {
        SearchConfig::Grid(_) => {
            let count = space.num_values().unwrap_or(0);
            run_all(beside, work, &mut |place, _| {
                let is_there = (place as u64) < count;
                is_there.then(|| trial(place, space.combination(place as u64)))
            })
        }
        SearchConfig::Random(random) => run_all(beside, work, &mut |place, _| {
            let is_wanted = (place as u64) < random.trials;
            let values = is_wanted.then(|| space.draw_new(place as u64, &mut tried)).flatten()?;
            Some(trial(place, values))
        }),
        SearchConfig::Tpe(of) => run_all(beside, work, &mut |place, known| {
            if place as u64 >= of.trials {
                return None;
            }
            let scored: Vec<_> = known
                .iter()
                .filter_map(|f| Some((&f.trial.values, direction.cost(f.score.known()?))))
                .collect();
            if (place as u64) >= of.random_trials && !scored.is_empty() {
                let values = tpe::suggest(&space, of.candidates, place as u64, scored);
                if tried.insert(Value::Object(values.clone()).to_string()) {
                    return Some(trial(place, values));
                }
            }
            Some(trial(place, space.draw_new(place as u64, &mut tried)?))
        }),
        SearchConfig::SuccessiveHalving(of) => {
            let mut halving = halving::Halving::new(&space, direction, beside, work);
            halving.bracket(of.trials, of.min_steps, of.max_steps, of.reduction)?;
            Ok(halving.finished)
        }
        SearchConfig::Hyperband(of) => {
            let mut halving = halving::Halving::new(&space, direction, beside, work);
            halving.hyperband(of.min_steps, of.max_steps, of.reduction)?;
            Ok(halving.finished)
        }
    }
}

/// Returns the best trial: of those with the most steps, the one with the best score, and of equals the first.
///
/// # Errors
///
/// [`TuneError::NothingFound`] when all failed.
pub fn best(finished: &[Finished], direction: Direction) -> Result<&Finished, TuneError> {
    let scored = finished.iter().filter_map(|f| Some((f, direction.cost(f.score.known()?))));
    let best = scored.min_by(|(one, cost), (other, other_cost)| {
        other.trial.steps.cmp(&one.trial.steps).then(cost.total_cmp(other_cost))
    });
    let first = || match finished.first().map(|finished| &finished.score) {
        Some(crate::Score::Failed(failure)) => failure.clone(),
        _ => "there is none".to_owned(),
    };
    let found = best.map(|(finished, _)| finished);
    found.ok_or_else(|| TuneError::NothingFound { num_trials: finished.len(), first: first() })
}

/// All hyperparameters with their values.
pub(crate) struct Space {
    pub(crate) domains: Vec<(String, Domain)>,
    pub(crate) seed: u64,
}

impl Space {
    pub(crate) fn new(config: &Config) -> Result<Self, TuneError> {
        if let Some(problem) = check(config).into_iter().next() {
            return Err(TuneError::Config(problem));
        }
        let mut domains = Vec::new();
        for (name, domain) in &config.space {
            let wrong = |message| {
                TuneError::Config(Problem { key: format!("space.{name}"), message, hint: None })
            };
            domains.push((name.clone(), Domain::of(domain).map_err(wrong)?));
        }
        Ok(Self { domains, seed: config.seed })
    }

    /// Returns how many combinations there are, or `None` for any number.
    fn num_values(&self) -> Option<u64> {
        let mut counts = self.domains.iter().map(|(_, domain)| domain.num_values());
        counts.try_fold(1_u64, |product, count| Some(product.saturating_mul(count?)))
    }

    /// Returns a combination by its place; the last hyperparameter changes first.
    fn combination(&self, mut place: u64) -> Map<String, Value> {
        let mut values = Vec::new();
        for (name, domain) in self.domains.iter().rev() {
            let count = domain.num_values().unwrap_or(1);
            values.push((name.clone(), domain.value(place % count)));
            place /= count;
        }
        values.into_iter().rev().collect()
    }

    /// Draws values that were not tried; `None` when all were.
    pub(crate) fn draw_new(
        &self,
        number: u64,
        tried: &mut BTreeSet<String>,
    ) -> Option<Map<String, Value>> {
        let count = self.num_values();
        for attempt in 0..MAX_DRAWS {
            if count.is_some_and(|count| tried.len() as u64 >= count) {
                return None;
            }
            let dimensions = self.domains.iter().zip(0..);
            let values: Map<String, Value> = dimensions
                .map(|((name, domain), dimension)| {
                    let mut random = Random::keyed(self.seed, number, dimension, attempt);
                    (name.clone(), domain.at(random.unit()))
                })
                .collect();
            if tried.insert(Value::Object(values.clone()).to_string()) {
                return Some(values);
            }
        }
        let count = count.filter(|&count| count <= MAX_WALK)?;
        (0..count)
            .map(|place| self.combination(place))
            .find(|values| tried.insert(Value::Object(values.clone()).to_string()))
    }
}
