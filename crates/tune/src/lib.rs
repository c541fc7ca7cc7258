//! Searches for hyperparameters: random, grid, tree-structured Parzen estimators, successive halving and Hyperband.
//!
//! Entry points: [`Config`], what a user says; [`check`]; [`search`], which suggests trials, lets them be run beside
//! each other and gives all of them back; [`hyperparameters_json`] and [`read_hyperparameters`], the file of the best.
//! **Invariants:** the trials depend on the configuration and on the scores of the trials that went before, never on which
//! thread was faster: the trial with the number `i` knows those up to `i - parallel_trials`; a trial that has a score is
//! kept ([`Kept`]) and not run again, so that a search that was killed goes on with the same trials; no two trials have the
//! same values and steps.
//! Not here: what a trial is, and how it is scored.

mod check;
mod config;
mod error;
mod halving;
mod hyperparameters;
mod kept;
mod random;
mod run;
mod search;
mod space;
mod tpe;
mod trial;

pub use check::{Problem, check};
pub use config::{
    Config, Direction, DomainConfig, GridConfig, HalvingConfig, HyperbandConfig, Number,
    RandomConfig, Scale, SearchConfig, TpeConfig,
};
pub use error::TuneError;
pub use hyperparameters::{
    BEST_FILE, RESULTS_FILE, hyperparameters_json, read_hyperparameters, results_json,
};
pub use kept::Kept;
pub use search::{Work, best, search};
pub use trial::{Finished, Score, Trial};
