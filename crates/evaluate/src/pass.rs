//! The description of the pass over examples.

use std::collections::BTreeSet;

use base::BoxError;
use dataflow::Pass;
use serde::{Deserialize, Serialize};

use crate::check::check;
use crate::tables::MAX_TABLE_CLASSES;
use crate::{Config, EvaluateError, EvaluateState, SampleOf, Task};

/// How many classes there may be.
const MAX_CLASSES: usize = 100_000;

/// Evaluates a model, and a baseline beside it: plain data from which any worker can rebuild the pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluatePass {
    pub(crate) config: Config,
    pub(crate) task: Task,
    pub(crate) columns: Columns,
}

/// The columns that are made for an evaluation; all others are features to slice by, or the example weight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// Numbers or truth values; missing and NaN mean that an example has no label and is left out. Of several
    /// labels, a vector of 0 and 1; of language models, how many tokens were predicted.
    pub label: String,
    /// The candidate's predictions: probabilities, a vector of them, expected labels, scores, or sums of negative
    /// log likelihoods. One that is missing counts as NaN.
    pub candidate: String,
    /// The baseline's predictions, if there is a baseline.
    pub baseline: Option<String>,
    /// Where each example is in the data, see [`Numbered`](crate::Numbered); samples need it, and confidence intervals
    /// but for those of rankings, which are drawn by query.
    pub position: Option<String>,
    /// Of language models: how many bytes each text has.
    pub num_bytes: Option<String>,
    /// Of language models: how many tokens were the likeliest.
    pub num_correct: Option<String>,
    /// The same of the baseline.
    pub baseline_num_correct: Option<String>,
}

impl EvaluatePass {
    /// Returns a pass for models of a task.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Config`] for what [`check`] finds, and [`EvaluateError::WrongTask`] for a metric of
    /// another task, or [`EvaluateError::NoColumn`] where a column that the task needs is not named.
    pub fn new(
        config: &Config,
        task: impl Into<Task>,
        columns: Columns,
    ) -> Result<Self, EvaluateError> {
        let pass = Self { config: config.clone(), task: task.into(), columns };
        pass.check()?;
        Ok(pass)
    }

    pub(crate) fn check(&self) -> Result<(), EvaluateError> {
        if let Some(problem) = check(&self.config, None).into_iter().next() {
            let (key, message, hint) = (problem.key, problem.message, problem.hint);
            return Err(EvaluateError::Config { key, message, hint });
        }
        let (task, columns) = (self.task, &self.columns);
        if !(1..=MAX_CLASSES).contains(&task.width()) {
            let problem =
                format!("a {task} of {} classes, expected 1 to {MAX_CLASSES}", task.width());
            return Err(EvaluateError::WrongTask { problem, task });
        }
        let needs = |what: &str, column| EvaluateError::NoColumn { what: what.to_owned(), column };
        for spec in self.config.metrics_for(task) {
            if let Some(problem) = spec.problem_for(task) {
                return Err(EvaluateError::WrongTask { problem, task });
            }
            let has_correct = columns.num_correct.is_some()
                && (columns.baseline.is_none() || columns.baseline_num_correct.is_some());
            match spec.metric.name {
                "bits_per_byte" if columns.num_bytes.is_none() => {
                    return Err(needs("`bits_per_byte`", "the number of bytes"));
                }
                "next_token_accuracy" if !has_correct => {
                    return Err(needs(
                        "`next_token_accuracy`",
                        "the number of correct tokens of every model",
                    ));
                }
                _ => {}
            }
        }
        if task == Task::Ranking && self.config.query_key.is_none() {
            return Err(needs("a ranking", "the query (`query_key`)"));
        }
        let is_drawn = self.config.confidence_intervals.is_some();
        if is_drawn && task != Task::Ranking && columns.position.is_none() {
            return Err(needs("`confidence_intervals`", "the position"));
        }
        if !self.config.samples.is_empty() && columns.position.is_none() {
            return Err(needs("`samples`", "the position"));
        }
        match self.problem_of_classes() {
            Some(problem) => Err(EvaluateError::WrongTask { problem, task }),
            None => Ok(()),
        }
    }

    /// Returns what is asked of classes and labels that the task does not have.
    fn problem_of_classes(&self) -> Option<String> {
        let task = self.task;
        let (has_classes, width) = (task.has_probabilities(), task.width());
        let is_multi = has_classes && task != Task::BinaryClassification;
        if !self.config.confusion_thresholds.is_empty() && !is_multi {
            let of_two = if has_classes { "; of two, ask for `true_positives@0.3`" } else { "" };
            return Some(format!(
                "`confusion_thresholds` is for several classes or labels, not for {task}{of_two}"
            ));
        }
        if !self.config.confusion_thresholds.is_empty() && width > MAX_TABLE_CLASSES {
            return Some(format!(
                "`confusion_thresholds` is for up to {MAX_TABLE_CLASSES} classes or labels, there are {width}"
            ));
        }
        for (place, sample) in self.config.samples.iter().enumerate() {
            if sample.of != SampleOf::All && !has_classes {
                return Some(format!(
                    "`samples.{place}`: {task} has no positives and negatives, expected `of = \"all\"`"
                ));
            }
            match sample.class {
                Some(_) if !is_multi => {
                    return Some(format!(
                        "`samples.{place}.class`: {task} has no classes to choose"
                    ));
                }
                Some(class) if class as usize >= width => {
                    return Some(format!(
                        "`samples.{place}.class`: {class}, the ids are 0 to {}",
                        width - 1
                    ));
                }
                _ => {}
            }
        }
        None
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
        let crosses = self.config.crosses().into_iter();
        let mut names: BTreeSet<String> = crosses.flat_map(|cross| cross.features).collect();
        names.insert(self.columns.label.clone());
        let columns = &self.columns;
        let position = columns.position.clone();
        names.extend(position.filter(|_| self.config.needs_positions()));
        names.extend(self.config.samples.iter().map(|sample| sample.feature.clone()));
        let specs = self.config.metrics_for(self.task);
        names.extend(specs.into_iter().filter_map(|spec| spec.feature));
        names.extend(self.config.query_key.clone().filter(|_| self.task == Task::Ranking));
        let of_texts = [&columns.num_bytes, &columns.num_correct, &columns.baseline_num_correct];
        names.extend(of_texts.into_iter().flatten().cloned());
        names.extend(self.models().map(str::to_owned));
        names.extend(self.config.example_weight.clone());
        Some(names.into_iter().collect())
    }

    fn start(&self) -> Result<EvaluateState, BoxError> {
        self.check()?;
        Ok(EvaluateState::new(self.clone()))
    }
}
