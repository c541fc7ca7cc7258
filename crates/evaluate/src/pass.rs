//! The description of the pass over examples.

use std::collections::BTreeSet;

use base::BoxError;
use dataflow::Pass;
use model::Task;
use serde::{Deserialize, Serialize};

use crate::check::check;
use crate::metrics;
use crate::serialize::TaskName;
use crate::{Config, EvaluateError, EvaluateState};

/// Evaluates a model, and a baseline beside it: plain data from which any worker can rebuild the pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluatePass {
    pub(crate) config: Config,
    #[serde(with = "TaskName")]
    pub(crate) task: Task,
    pub(crate) columns: Columns,
}

/// The columns that are made for an evaluation; all others are features to slice by, or the example weight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// Numbers or truth values; missing and NaN mean that an example has no label and is left out.
    pub label: String,
    /// The candidate's predictions: probabilities, or expected labels. One that is missing counts as NaN.
    pub candidate: String,
    /// The baseline's predictions, if there is a baseline.
    pub baseline: Option<String>,
}

impl EvaluatePass {
    /// Returns a pass for models of a task.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Config`] for what [`check`] finds, [`EvaluateError::WrongTask`] for a metric of
    /// another task, and [`EvaluateError::NoMetrics`].
    pub fn new(config: &Config, task: Task, columns: Columns) -> Result<Self, EvaluateError> {
        let pass = Self { config: config.clone(), task, columns };
        pass.check()?;
        Ok(pass)
    }

    pub(crate) fn check(&self) -> Result<(), EvaluateError> {
        if let Some(problem) = check(&self.config, None).into_iter().next() {
            let (key, message, hint) = (problem.key, problem.message, problem.hint);
            return Err(EvaluateError::Config { key, message, hint });
        }
        if !metrics::has_metrics(self.task) {
            return Err(EvaluateError::NoMetrics { task: self.task });
        }
        for metric in self.config.metrics_for(self.task) {
            if !metrics::find(&metric).is_some_and(|found| found.is_for(self.task)) {
                return Err(EvaluateError::WrongTask { metric, task: self.task });
            }
        }
        Ok(())
    }

    /// Returns whether a metric asks how predictions are spread.
    pub(crate) fn needs_curve(&self) -> bool {
        self.config.metrics_for(self.task).iter().any(|name| metrics::needs_curve(name))
    }

    /// Returns the columns of predictions, the candidate's first.
    pub(crate) fn models(&self) -> impl Iterator<Item = &str> {
        let baseline = self.columns.baseline.as_deref();
        std::iter::once(self.columns.candidate.as_str()).chain(baseline)
    }
}

impl Pass for EvaluatePass {
    type State = EvaluateState;

    fn columns(&self) -> Option<Vec<String>> {
        let mut names: BTreeSet<String> = self.config.crosses().into_iter().flatten().collect();
        names.insert(self.columns.label.clone());
        names.extend(self.models().map(str::to_owned));
        names.extend(self.config.example_weight.clone());
        Some(names.into_iter().collect())
    }

    fn start(&self) -> Result<EvaluateState, BoxError> {
        self.check()?;
        Ok(EvaluateState::new(self.clone()))
    }
}
