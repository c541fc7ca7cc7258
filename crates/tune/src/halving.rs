//! Successive halving and Hyperband: many trials of few steps, and more steps for the best.
//!
//! # Source
//!
//! Jamieson and Talwalkar, *Non-stochastic Best Arm Identification and Hyperparameter Optimization* (2016); Li and others,
//! *Hyperband* (2018), algorithm 1.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::run::{Beside, run_all};
use crate::search::{Space, Work};
use crate::{Direction, Finished, Trial, TuneError};

/// Trials that were run, and those that go on.
pub(crate) struct Halving<'a, 'w, E> {
    space: &'a Space,
    direction: Direction,
    beside: Beside,
    work: &'a Work<'w, E>,
    tried: BTreeSet<String>,
    pub(crate) finished: Vec<Finished>,
}

impl<'a, 'w, E: From<TuneError> + Send> Halving<'a, 'w, E> {
    pub(crate) fn new(
        space: &'a Space,
        direction: Direction,
        beside: Beside,
        work: &'a Work<'w, E>,
    ) -> Self {
        let (tried, finished) = (BTreeSet::new(), Vec::new());
        Self { space, direction, beside, work, tried, finished }
    }

    /// Runs one bracket after the other, the one with the most trials first.
    pub(crate) fn hyperband(&mut self, min: u64, max: u64, reduction: u64) -> Result<(), E> {
        let mut num_rungs: u32 = 0;
        let divided = |rungs: u32| reduction.checked_pow(rungs).map_or(0, |power| max / power);
        while divided(num_rungs + 1) >= min {
            num_rungs += 1;
        }
        for rungs in (0..=num_rungs).rev() {
            let power = reduction.saturating_pow(rungs);
            let count = power.saturating_mul(u64::from(num_rungs) + 1);
            let count = count.div_ceil(u64::from(rungs) + 1);
            self.bracket(count, divided(rungs).max(min), max, reduction)?;
        }
        Ok(())
    }

    /// Runs new trials with few steps, and the best of them with more and more.
    pub(crate) fn bracket(
        &mut self,
        count: u64,
        min: u64,
        max: u64,
        reduction: u64,
    ) -> Result<(), E> {
        let first = self.finished.len() as u64;
        let drawn = (first..first.saturating_add(count))
            .map_while(|number| self.space.draw_new(number, &mut self.tried));
        let mut values: Vec<Map<String, Value>> = drawn.collect();
        let mut steps = min;
        while !values.is_empty() {
            let first = self.finished.len();
            let rung = run_all(self.beside, self.work, &mut |place, _| {
                let values = values.get(place)?.clone();
                Some(Trial { number: (first + place) as u64, values, steps: Some(steps) })
            })?;
            let mut scored: Vec<(f64, u64)> = rung
                .iter()
                .filter_map(|f| Some((self.direction.cost(f.score.known()?), f.trial.number)))
                .collect();
            self.finished.extend(rung);
            if steps >= max {
                break;
            }
            scored.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
            let reduction_rows = usize::try_from(reduction).unwrap_or(usize::MAX);
            let kept = (values.len() / reduction_rows).max(1);
            let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            values = scored
                .iter()
                .take(kept)
                .map(|&(_, number)| self.finished[place(number)].trial.values.clone())
                .collect();
            steps = steps.saturating_mul(reduction).min(max);
        }
        Ok(())
    }
}
