//! Trials beside each other.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::search::Work;
use crate::{Finished, Score, Trial};

/// How many trials run beside each other, and what each may know of the others.
#[derive(Clone, Copy)]
pub(crate) struct Beside {
    pub(crate) parallel: usize,
    /// Whether a trial is chosen by what others gave; then the trial `i` waits for all up to `i - parallel`.
    pub(crate) is_informed: bool,
}

/// Returns the next trial, given its place and what is known; `None` when there are no more.
pub(crate) type Suggest<'a> = dyn FnMut(usize, &[&Finished]) -> Option<Trial> + Send + 'a;

struct State<'a, E> {
    suggest: &'a mut Suggest<'a>,
    results: Vec<Option<Finished>>,
    is_over: bool,
    error: Option<E>,
}

/// Runs trials until there are no more; returns them in the order in which they were suggested.
pub(crate) fn run_all<'a, E: Send>(
    beside: Beside,
    work: &Work<'_, E>,
    suggest: &'a mut Suggest<'a>,
) -> Result<Vec<Finished>, E> {
    let state = State { suggest, results: Vec::new(), is_over: false, error: None };
    let (state, changed) = (Mutex::new(state), Condvar::new());
    std::thread::scope(|scope| {
        for _ in 1..beside.parallel {
            scope.spawn(|| work_on(beside, work, &state, &changed));
        }
        work_on(beside, work, &state, &changed);
    });
    let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    match state.error {
        Some(error) => Err(error),
        None => Ok(state.results.into_iter().flatten().collect()),
    }
}

fn work_on<E: Send>(
    beside: Beside,
    work: &Work<'_, E>,
    state: &Mutex<State<'_, E>>,
    changed: &Condvar,
) {
    while let Some((place, trial)) = next(beside, state, changed) {
        let kept = work.kept.and_then(|kept| kept.load(&trial));
        let score = match kept {
            Some(score) => Ok(score),
            None => (work.run)(&trial),
        };
        let mut state = lock(state);
        match score {
            Ok(score) => {
                let score = match score {
                    Score::Known(score) if !score.is_finite() => {
                        Score::Failed(format!("its score is {score}"))
                    }
                    score => score,
                };
                let finished = Finished { trial, score };
                if let Some(kept) = work.kept {
                    kept.save(&finished);
                }
                (work.finished)(&finished);
                state.results[place] = Some(finished);
            }
            Err(error) => {
                state.error.get_or_insert(error);
                state.is_over = true;
            }
        }
        changed.notify_all();
    }
}

fn next<E>(
    beside: Beside,
    state: &Mutex<State<'_, E>>,
    changed: &Condvar,
) -> Option<(usize, Trial)> {
    let mut state = lock(state);
    loop {
        if state.is_over {
            return None;
        }
        let place = state.results.len();
        let num_known =
            if beside.is_informed { (place + 1).saturating_sub(beside.parallel) } else { 0 };
        let State { suggest, results, .. } = &mut *state;
        let known: Vec<&Finished> = results[..num_known].iter().flatten().collect();
        if known.len() < num_known {
            state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let Some(trial) = suggest(place, &known) else {
            state.is_over = true;
            changed.notify_all();
            return None;
        };
        state.results.push(None);
        return Some((place, trial));
    }
}

fn lock<'a, 'b, E>(state: &'a Mutex<State<'b, E>>) -> MutexGuard<'a, State<'b, E>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
