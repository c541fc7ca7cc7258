//! An evaluation as a table: a line for each slice, a column for each metric.

use std::collections::BTreeSet;

use evaluate::{Blessing, Config, DrawnSample, Evaluation, SampleOf, SliceResult, slice_name};

use crate::output::{number, table};

/// How many slices, failures and metrics are shown; the page and `--json` have all.
const MAX_ROWS: usize = 40;
const MAX_METRICS: usize = 6;

/// Returns the evaluation as people read it.
pub(super) fn evaluation(
    evaluation: &Evaluation,
    config: &Config,
    blessing: Option<&Blessing>,
) -> String {
    let metrics = metrics(evaluation, config);
    let mut header = vec!["slice", "examples"];
    header.extend(metrics.iter().map(String::as_str));
    let slices = evaluation.slices.iter().take(MAX_ROWS);
    let rows = slices.map(|slice| row(slice, &metrics)).collect();
    let right: Vec<usize> = (1..header.len()).collect();
    let mut parts = vec![table(&header, rows, &right)];
    let mut notes = Vec::new();
    if evaluation.slices.len() > MAX_ROWS {
        notes.push(format!("and {} more slices", evaluation.slices.len() - MAX_ROWS));
    }
    let all = evaluation.overall().map_or(0, |overall| overall.metrics.len());
    if all > metrics.len() {
        notes.push(format!("and {} more metrics: see `--json` or `--html`", all - metrics.len()));
    }
    if evaluation.num_missing_labels > 0 {
        notes.push(format!("rows without a label left out: {}", evaluation.num_missing_labels));
    }
    if evaluation.num_small_slices > 0 {
        notes.push(format!("small slices left out: {}", evaluation.num_small_slices));
    }
    for cross in &evaluation.crowded {
        notes.push(format!("too many slices by {}, left out", cross.join(" and ")));
    }
    parts.extend((!notes.is_empty()).then(|| notes.join("\n")));
    parts.extend(comparisons(evaluation, &metrics));
    parts.extend(samples(evaluation));
    if let Some(blessing) = blessing {
        let failures: Vec<String> =
            blessing.failures.iter().take(MAX_ROWS).map(|f| format!("  {f}")).collect();
        parts.push(match blessing.failures.len() {
            0 => "every threshold holds".to_owned(),
            n => {
                let more = n.saturating_sub(MAX_ROWS);
                let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
                format!("thresholds do not hold: {n}\n{}{more}", failures.join("\n"))
            }
        });
    }
    parts.join("\n\n")
}

/// Returns the metrics with a column: those that thresholds name, then the others.
fn metrics(evaluation: &Evaluation, config: &Config) -> Vec<String> {
    let Some(overall) = evaluation.overall() else { return Vec::new() };
    let asked: Vec<String> = match &config.metrics {
        Some(names) => names.clone(),
        None => evaluate::default_metrics(evaluation.task).map(str::to_owned).collect(),
    };
    let wanted = config.thresholds.iter().map(|threshold| threshold.metric.clone()).chain(asked);
    let wanted = wanted.chain(overall.metrics.keys().cloned());
    let mut seen = BTreeSet::new();
    let is_shown =
        |name: &String| overall.metrics.contains_key(name) && name.as_str() != "example_count";
    wanted.filter(is_shown).filter(|name| seen.insert(name.clone())).take(MAX_METRICS).collect()
}

fn row(slice: &SliceResult, metrics: &[String]) -> Vec<String> {
    let mut row = vec![slice.name(), slice.num_examples.to_string()];
    row.extend(metrics.iter().map(|name| {
        let Some(value) = slice.metrics.get(name) else { return String::new() };
        let mut text = number(*value);
        if let Some(interval) = slice.intervals.get(name) {
            text.push_str(&format!(" ±{}", number((interval.upper - interval.lower) / 2.0)));
        }
        if let Some(baseline) = slice.baseline.as_ref().and_then(|metrics| metrics.get(name)) {
            text.push_str(&format!(" ({})", number(*baseline)));
        }
        text
    }));
    row
}

/// Returns the examples that were drawn of all rows together.
fn samples(evaluation: &Evaluation) -> Option<String> {
    let overall = evaluation.overall().filter(|overall| !overall.samples.is_empty())?;
    let line = |drawn: &DrawnSample| {
        let values: Vec<String> = drawn.values.iter().map(ToString::to_string).collect();
        let values = if values.is_empty() { "none".to_owned() } else { values.join(", ") };
        let of = match drawn.config.of {
            SampleOf::All => "examples",
            SampleOf::TruePositives => "true positives",
            SampleOf::FalsePositives => "false positives",
            SampleOf::TrueNegatives => "true negatives",
            SampleOf::FalseNegatives => "false negatives",
        };
        let class = drawn.config.class.map(|class| format!(" of class {class}"));
        format!("{of}{}, by {}: {values}", class.unwrap_or_default(), drawn.config.feature)
    };
    Some(overall.samples.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// Returns the differences between slices.
fn comparisons(evaluation: &Evaluation, metrics: &[String]) -> Option<String> {
    if evaluation.comparisons.is_empty() {
        return None;
    }
    let mut header = vec!["slice", "minus"];
    header.extend(metrics.iter().map(String::as_str));
    let rows = evaluation.comparisons.iter().take(MAX_ROWS).map(|comparison| {
        let mut row = vec![slice_name(&comparison.slice), slice_name(&comparison.baseline)];
        row.extend(metrics.iter().map(|name| {
            let value = comparison.metrics.get(name).map(|value| number(*value));
            let interval = comparison.intervals.get(name);
            let interval =
                interval.map(|found| format!(" ±{}", number((found.upper - found.lower) / 2.0)));
            value.unwrap_or_default() + &interval.unwrap_or_default()
        }));
        row
    });
    let right: Vec<usize> = (2..header.len()).collect();
    Some(table(&header, rows.collect(), &right))
}
