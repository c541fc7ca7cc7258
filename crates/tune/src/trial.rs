//! Trials and what came of them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Some hyperparameters to try.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 0.
    pub number: u64,
    /// The value of each hyperparameter.
    pub values: Map<String, Value>,
    /// How many steps to train, where the search decides about it.
    pub steps: Option<u64>,
}

/// How good a trial was.
#[derive(Clone, Debug, PartialEq)]
pub enum Score {
    /// A number that is one.
    Known(f64),
    /// Why there is none, such as that the loss was not finite.
    Failed(String),
}

/// A trial that was run.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// The trial.
    pub trial: Trial,
    /// How good it was.
    pub score: Score,
}

impl Score {
    /// Returns the score, or nothing for a trial that failed.
    pub fn known(&self) -> Option<f64> {
        match self {
            Self::Known(score) => Some(*score).filter(|score| score.is_finite()),
            Self::Failed(_) => None,
        }
    }
}
