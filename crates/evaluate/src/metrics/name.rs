//! How metrics are written: `precision`, `precision@0.3`, `recall[2]`, `f1_score[macro,top=1]`, `ndcg@10`, `mean(fare)`.

use std::fmt;

use super::{
    At, Compute, FAIRNESS, FAIRNESS_INDICATORS, METRICS, Metric, default_metrics, find, suggestion,
};
use crate::task::{MULTI_CLASS, MULTI_LABEL};
use crate::{Config, Task};

/// How many metrics are named where there is none of a name; docs/evaluation.md names all.
const LISTED: usize = 6;

/// A metric with what its name says besides.
#[derive(Clone)]
pub(crate) struct MetricSpec {
    pub(crate) metric: &'static Metric,
    /// The feature that the metric is of.
    pub(crate) feature: Option<String>,
    pub(crate) average: Average,
    /// Only the so many likeliest classes of an example are looked at, all others are predicted negative.
    pub(crate) top: Option<u32>,
    pub(crate) at: Option<f64>,
    /// The name, written in one way.
    pub(crate) name: String,
}

/// Which classes a metric is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Average {
    /// All together: every class of every example is one pair of label and prediction.
    Micro,
    /// One class against all others.
    Class(usize),
    /// The mean over classes.
    Macro,
    /// The mean over classes, by how often they are labels.
    Weighted,
    /// The class that is the so-manieth likeliest of an example.
    Kth(u32),
    /// As the metric is without brackets.
    Plain,
}

/// What is wrong with the name of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameError {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

fn wrong(message: String) -> NameError {
    NameError { message, hint: None }
}

/// Reads a name, whatever the task.
pub(crate) fn parse(text: &str) -> Result<MetricSpec, NameError> {
    if let Some((base, rest)) = text.split_once('(') {
        return of_feature(text, base, rest);
    }
    let (rest, at) = match text.split_once('@') {
        None => (text, None),
        Some((rest, number)) => match number.parse::<f64>() {
            Ok(number) if number.is_finite() => (rest, Some(number)),
            _ => return Err(wrong(format!("`{text}`: expected a number behind `@`"))),
        },
    };
    let (base, selector) = match rest.split_once('[') {
        None => (rest, None),
        Some((base, rest)) => match rest.strip_suffix(']') {
            Some(inside) => (base, Some(inside)),
            None => return Err(wrong(format!("`{text}`: expected `]` at the end of the classes"))),
        },
    };
    let metric = named(base)?;
    if matches!(metric.compute, Compute::OfFeature) {
        return Err(wrong(format!("`{base}` needs a feature, such as `{base}(fare)`")));
    }
    let (average, top) =
        selector.map_or(Ok((Average::Plain, None)), |inside| read_selector(text, inside))?;
    if selector.is_some() && metric.tasks & (MULTI_CLASS | MULTI_LABEL) == 0 {
        return Err(wrong(format!("`{base}` has no classes, and so nothing in brackets")));
    }
    check_at(metric, at)?;
    let mut spec = MetricSpec { metric, feature: None, average, top, at, name: String::new() };
    spec.name = spec.to_string();
    Ok(spec)
}

/// Reads the name of a metric of a feature; any text may be the name of one.
fn of_feature(text: &str, base: &str, rest: &str) -> Result<MetricSpec, NameError> {
    let metric = named(base)?;
    if !matches!(metric.compute, Compute::OfFeature) {
        return Err(wrong(format!("`{base}` is of no feature, and so has nothing in parentheses")));
    }
    let feature =
        rest.strip_suffix(')').filter(|feature| !feature.is_empty()).ok_or_else(|| {
            wrong(format!("`{text}`: expected a feature and `)`, such as `{base}(fare)`"))
        })?;
    Ok(MetricSpec {
        metric,
        feature: Some(feature.to_owned()),
        average: Average::Plain,
        top: None,
        at: None,
        name: text.to_owned(),
    })
}

fn named(base: &str) -> Result<&'static Metric, NameError> {
    find(base).ok_or_else(|| NameError {
        message: format!(
            "no metric `{base}`, expected one of {} or {} others",
            METRICS
                .iter()
                .take(LISTED)
                .map(|m| format!("`{}`", m.name))
                .collect::<Vec<_>>()
                .join(", "),
            METRICS.len() - LISTED
        ),
        hint: suggestion(base),
    })
}

fn read_selector(text: &str, inside: &str) -> Result<(Average, Option<u32>), NameError> {
    let (mut average, mut top) = (Average::Plain, None);
    let number = |part: &str, prefix: &str| {
        let number = part.strip_prefix(prefix)?;
        let number = number.parse().ok().filter(|number: &u32| *number > 0);
        Some(number.ok_or_else(|| {
            wrong(format!("`{text}`: expected a number of classes from 1 behind `{prefix}`"))
        }))
    };
    for part in inside.split(',').map(str::trim) {
        if let Some(number) = number(part, "top=") {
            top = Some(number?);
            continue;
        }
        average = match (part, number(part, "k="), part.parse()) {
            ("micro", ..) => Average::Micro,
            ("macro", ..) => Average::Macro,
            ("weighted", ..) => Average::Weighted,
            (_, Some(number), _) => Average::Kth(number?),
            (_, None, Ok(class)) => Average::Class(class),
            (_, None, Err(_)) => {
                return Err(wrong(format!(
                    "`{text}`: `{part}` in brackets, expected the id of a class, `micro`, `macro`, `weighted`, `top=3` or `k=2`"
                )));
            }
        };
    }
    if matches!(average, Average::Kth(_)) && top.is_some() {
        return Err(wrong(format!("`{text}`: `k=` is one class, and `top=` several")));
    }
    Ok((average, top))
}

fn check_at(metric: &Metric, at: Option<f64>) -> Result<(), NameError> {
    let name = metric.name;
    let message = match (metric.at, at) {
        (At::Nothing, Some(_)) => format!("`{name}` has no number behind `@`"),
        (At::Ratio, None) => format!("`{name}` needs a ratio, such as `{name}@0.9`"),
        (At::SomeRank, None) => format!("`{name}` needs a number of ranks, such as `{name}@5`"),
        (At::Ratio | At::Threshold, Some(at)) if !(0.0..=1.0).contains(&at) => {
            format!("`{name}@{at}`, expected a number between 0 and 1")
        }
        (At::Rank | At::SomeRank, Some(at)) if at < 1.0 || at.fract() != 0.0 || at > 1e6 => {
            format!("`{name}@{at}`, expected a whole number of ranks from 1 to 1000000")
        }
        (At::NumThresholds, Some(at)) if at < 3.0 || at.fract() != 0.0 || at > 10_000.0 => {
            format!("`{name}@{at}`, expected a whole number of thresholds from 3 to 10000")
        }
        _ => return Ok(()),
    };
    Err(wrong(message))
}

/// Returns the metrics that a configuration asks for, sorted by name, each once.
pub(crate) fn requested(config: &Config, task: Task) -> Vec<Result<MetricSpec, NameError>> {
    let mut names: Vec<String> = match &config.metrics {
        Some(names) => names.iter().flat_map(|name| expand(name)).collect(),
        None => default_metrics(task).map(str::to_owned).collect(),
    };
    if config.metrics.is_none() && task.bit() & (MULTI_CLASS | MULTI_LABEL) != 0 {
        let averages = ["precision", "recall", "f1_score"].into_iter();
        let top = if task.bit() == MULTI_CLASS { "macro,top=1" } else { "macro" };
        names.extend(averages.map(|name| format!("{name}[{top}]")));
        if task.bit() == MULTI_LABEL {
            names.push("f1_score[micro]".to_owned());
        }
    }
    names.extend(config.thresholds.iter().map(|threshold| threshold.metric.clone()));
    let mut specs: Vec<_> = names.iter().map(|name| parse(name)).collect();
    specs.sort_by(|a, b| name_of(a).cmp(name_of(b)));
    specs.dedup_by(|a, b| name_of(a) == name_of(b));
    specs
}

fn name_of(spec: &Result<MetricSpec, NameError>) -> &str {
    match spec {
        Ok(spec) => &spec.name,
        Err(error) => &error.message,
    }
}

/// Returns the metrics that a word of a configuration stands for.
pub(crate) fn expand(name: &str) -> Vec<String> {
    if name != FAIRNESS {
        return vec![name.to_owned()];
    }
    let thresholds = (1..10).map(|tenth| f64::from(tenth) / 10.0);
    thresholds
        .flat_map(|threshold| FAIRNESS_INDICATORS.map(|name| format!("{name}@{threshold}")))
        .collect()
}

impl MetricSpec {
    /// Returns why the metric is not defined for a task, or nothing when it is.
    pub(crate) fn problem_for(&self, task: Task) -> Option<String> {
        let name = &self.name;
        if !self.metric.is_for(task) {
            return Some(format!("metric `{name}` is not defined for {task}"));
        }
        let is_multi = task.bit() & (MULTI_CLASS | MULTI_LABEL) != 0;
        let has_selector = self.average != Average::Plain || self.top.is_some();
        if has_selector && !is_multi {
            return Some(format!("metric `{name}`: a {task} has no classes to choose in brackets"));
        }
        let width = task.width();
        if let Average::Class(class) = self.average
            && class >= width
        {
            return Some(format!(
                "metric `{name}`: there are {width} classes, the ids are 0 to {}",
                width - 1
            ));
        }
        let is_at_threshold = matches!(self.metric.compute, Compute::OfConfusion(_));
        if self.top.is_some() && !is_at_threshold {
            return Some(format!(
                "metric `{name}`: `top=` is for metrics at a threshold, such as `precision`"
            ));
        }
        let kth = if let Average::Kth(kth) = self.average { Some(kth) } else { None };
        if self.top.or(kth).is_some_and(|number| number as usize > width) {
            return Some(format!("metric `{name}`: there are only {width} classes"));
        }
        let is_of_classes = matches!(
            self.metric.compute,
            Compute::OfLabels(_)
                | Compute::OfPairs(..)
                | Compute::OfConfusion(_)
                | Compute::OfCurve(_)
        );
        if has_selector && !is_of_classes {
            let base = self.metric.name;
            return Some(format!("metric `{name}`: `{base}` is of whole examples, not of classes"));
        }
        if task == Task::Regression && self.metric.name == "exact_match" && self.at.is_some() {
            return Some(format!("metric `{name}`: a {task} has no thresholds"));
        }
        None
    }
}

impl fmt::Display for MetricSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.metric.name)?;
        if let Some(feature) = &self.feature {
            write!(f, "({feature})")?;
        }
        let average = match self.average {
            Average::Plain => None,
            Average::Micro => Some("micro".to_owned()),
            Average::Macro => Some("macro".to_owned()),
            Average::Weighted => Some("weighted".to_owned()),
            Average::Class(class) => Some(class.to_string()),
            Average::Kth(kth) => Some(format!("k={kth}")),
        };
        let top = self.top.map(|top| format!("top={top}"));
        let parts: Vec<String> = average.into_iter().chain(top).collect();
        if !parts.is_empty() {
            write!(f, "[{}]", parts.join(","))?;
        }
        match self.at {
            None => Ok(()),
            Some(at) => write!(f, "@{at}"),
        }
    }
}

impl fmt::Debug for MetricSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one place that reads names; every case below is data.
    fn read(text: &str) -> String {
        match parse(text) {
            Ok(spec) => spec.name,
            Err(error) => error.message.chars().take(90).collect(),
        }
    }

    #[test]
    fn names_are_written_in_one_way() {
        let cases = [
            ("auc", "auc"),
            ("precision@0.30", "precision@0.3"),
            ("recall[02]", "recall[2]"),
            ("f1_score[ top=1 , macro ]", "f1_score[macro,top=1]"),
            ("precision[top=3]@0.5", "precision[top=3]@0.5"),
            ("ndcg@10", "ndcg@10"),
            ("recall[k=02]", "recall[k=2]"),
            ("mean(a [b]@(c))", "mean(a [b]@(c))"),
            ("auc_minoring@200", "auc_minoring@200"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected);
        }
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let cases = [
            ("log_loss@0.5", "`log_loss` has no number behind `@`"),
            ("auc@0.5", "`auc@0.5`, expected a whole number of thresholds from 3 to 10000"),
            ("precision@x", "`precision@x`: expected a number behind `@`"),
            ("precision@1.5", "`precision@1.5`, expected a number between 0 and 1"),
            (
                "precision_at_recall",
                "`precision_at_recall` needs a ratio, such as `precision_at_recall@0.9`",
            ),
            ("ndcg@0", "`ndcg@0`, expected a whole number of ranks from 1 to 1000000"),
            ("hit_rate", "`hit_rate` needs a number of ranks, such as `hit_rate@5`"),
            ("recall[2", "`recall[2`: expected `]` at the end of the classes"),
            ("ndcg[2]", "`ndcg` has no classes, and so nothing in brackets"),
            ("mean", "`mean` needs a feature, such as `mean(fare)`"),
            ("mean(fare", "`mean(fare`: expected a feature and `)`, such as `mean(fare)`"),
            ("auc(fare)", "`auc` is of no feature, and so has nothing in parentheses"),
            ("recall[k=0]", "`recall[k=0]`: expected a number of classes from 1 behind `k=`"),
            ("recall[k=1,top=2]", "`recall[k=1,top=2]`: `k=` is one class, and `top=` several"),
            ("recall[top=0]", "`recall[top=0]`: expected a number of classes from 1 behind `top=`"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected);
        }
        assert_eq!(
            parse("pr_auc").unwrap_err().hint.unwrap(),
            "did you mean `auc_precision_recall`?"
        );
    }

    #[test]
    fn fairness_indicators_are_ten_rates_at_nine_thresholds() {
        let names = expand(FAIRNESS);
        assert_eq!(names.len(), 90);
        assert_eq!(names[0], "false_positive_rate@0.1");
        assert!(names.iter().all(|name| parse(name).is_ok()));
    }
}
