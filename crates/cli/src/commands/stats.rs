//! `cupola stats`: statistics of examples, as a table with a small histogram for each feature.

use base::BoxError;
use formats::metadata::feature_name_statistics::{FieldId, Stats};
use formats::metadata::histogram::HistogramType;
use formats::metadata::{
    CommonStatistics, DatasetFeatureStatistics, FeatureNameStatistics, NumericStatistics,
    StringStatistics,
};
use serde_json::{Value, json};

use crate::args::{Global, ShowArgs, StatsCommand};
use crate::commands::{artifact_to_show, keep_split};
use crate::error::Outcome;
use crate::output::{number, print, print_json, table};

/// How much of the most frequent value is shown.
const TOP_VALUE_CHARS: usize = 20;

/// Runs one of the `stats` commands.
pub(crate) fn stats(command: &StatsCommand, global: &Global) -> Result<Outcome, BoxError> {
    let StatsCommand::Show(args) = command;
    show(args, global)?;
    Ok(Outcome::Done)
}

fn show(args: &ShowArgs, global: &Global) -> Result<(), BoxError> {
    let artifact = artifact_to_show(args, artifact::types::EXAMPLE_STATISTICS.name)?;
    let splits = components::read_statistics(&artifact)?;
    let splits = keep_split(splits, args.split.as_deref(), &artifact)?;
    let datasets =
        splits.iter().flat_map(|(split, list)| list.datasets.iter().map(move |d| (split, d)));
    if global.json {
        let content =
            datasets.map(|(split, dataset)| dataset_json(split, dataset)).collect::<Vec<_>>();
        return print_json("statistics", json!({ "artifact": artifact.id, "datasets": content }));
    }
    let tables = datasets.map(|(split, dataset)| {
        let rows =
            dataset.features.iter().map(|feature| row(feature, dataset.num_examples)).collect();
        let header = [
            "feature",
            "type",
            "missing",
            "mean",
            "std dev",
            "zeros",
            "min",
            "median",
            "max",
            "unique",
            "most frequent",
            "distribution",
        ];
        let body = table(&header, rows, &[2, 3, 4, 5, 6, 7, 8, 9]);
        format!("split `{split}`: {} examples\n\n{body}", dataset.num_examples)
    });
    print(&tables.collect::<Vec<_>>().join("\n\n"))
}

fn row(feature: &FeatureNameStatistics, num_examples: u64) -> Vec<String> {
    let common = common(feature);
    let missing = percent(common.map_or(0, |common| common.num_missing), num_examples);
    let mut row = vec![name(feature), feature.r#type().as_str_name().to_owned(), missing];
    match &feature.stats {
        Some(Stats::NumStats(stats)) => row.extend(numeric(stats, common)),
        Some(Stats::StringStats(stats)) => row.extend(string(stats)),
        _ => row.extend(std::iter::repeat_n(String::new(), 9)),
    }
    row
}

fn numeric(stats: &NumericStatistics, common: Option<&CommonStatistics>) -> Vec<String> {
    let values = common.map_or(0, |common| common.tot_num_values);
    vec![
        number(stats.mean),
        number(stats.std_dev),
        percent(stats.num_zeros, values),
        number(stats.min),
        number(stats.median),
        number(stats.max),
        String::new(),
        String::new(),
        sparkline(&standard_counts(stats)),
    ]
}

fn string(stats: &StringStatistics) -> Vec<String> {
    let top = stats.top_values.first().map_or(String::new(), |top| {
        let short: String = top.value.chars().take(TOP_VALUE_CHARS).collect();
        let cut = if short.len() < top.value.len() { ".." } else { "" };
        format!("{short:?}{cut} {}", number(top.frequency))
    });
    let counts: Vec<f64> = stats.top_values.iter().take(10).map(|top| top.frequency).collect();
    let mut cells = vec![String::new(); 6];
    cells.extend([stats.unique.to_string(), top, sparkline(&counts)]);
    cells
}

fn standard_counts(stats: &NumericStatistics) -> Vec<f64> {
    let standard =
        stats.histograms.iter().find(|histogram| histogram.r#type() == HistogramType::Standard);
    standard
        .map_or(Vec::new(), |histogram| histogram.buckets.iter().map(|b| b.sample_count).collect())
}

/// Returns one block character for each count, its height relative to the largest; zero is a blank.
fn sparkline(counts: &[f64]) -> String {
    const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let max = counts.iter().copied().fold(0.0, f64::max);
    let block = |&count: &f64| {
        let height = if max > 0.0 { (count / max * 8.0).ceil() } else { 0.0 };
        let level = (0..=8u8).find(|&level| height <= f64::from(level)).unwrap_or(8);
        BLOCKS[usize::from(level)]
    };
    counts.iter().map(block).collect()
}

fn percent(part: u64, whole: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a share for the screen")]
    let share = if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 };
    match share {
        _ if part == 0 => "0 %".to_owned(),
        ..0.1 => "<0.1 %".to_owned(),
        _ if part < whole && share > 99.9 => ">99.9 %".to_owned(),
        _ => format!("{share:.1} %"),
    }
}

fn name(feature: &FeatureNameStatistics) -> String {
    match &feature.field_id {
        Some(FieldId::Name(name)) => name.clone(),
        Some(FieldId::Path(path)) => path.step.join("."),
        None => String::new(),
    }
}

fn common(feature: &FeatureNameStatistics) -> Option<&CommonStatistics> {
    match feature.stats.as_ref()? {
        Stats::NumStats(stats) => stats.common_stats.as_ref(),
        Stats::StringStats(stats) => stats.common_stats.as_ref(),
        Stats::BytesStats(stats) => stats.common_stats.as_ref(),
        Stats::StructStats(stats) => stats.common_stats.as_ref(),
    }
}

fn dataset_json(split: &str, dataset: &DatasetFeatureStatistics) -> Value {
    let features = dataset.features.iter().map(|feature| {
        let common = common(feature);
        let mut object = json!({
            "name": name(feature),
            "type": feature.r#type().as_str_name(),
            "num_non_missing": common.map(|c| c.num_non_missing),
            "num_missing": common.map(|c| c.num_missing),
        });
        match &feature.stats {
            Some(Stats::NumStats(stats)) => {
                object["mean"] = json!(stats.mean);
                object["std_dev"] = json!(stats.std_dev);
                object["num_zeros"] = json!(stats.num_zeros);
                object["min"] = json!(stats.min);
                object["median"] = json!(stats.median);
                object["max"] = json!(stats.max);
            }
            Some(Stats::StringStats(stats)) => {
                object["unique"] = json!(stats.unique);
                object["avg_length"] = json!(stats.avg_length);
                let top = stats.top_values.iter();
                object["top_values"] = top
                    .map(|top| json!({ "value": top.value, "frequency": top.frequency }))
                    .collect();
            }
            _ => {}
        }
        object
    });
    json!({
        "split": split,
        "num_examples": dataset.num_examples,
        "features": features.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_is_as_high_as_its_counts() {
        assert_eq!(sparkline(&[0.0, 1.0, 4.0, 8.0]), " ▁▄█");
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[0.0]), " ");
    }
}
