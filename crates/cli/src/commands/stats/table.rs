//! Statistics as tables for a terminal: one of numbers, one of text, each feature with a small histogram.

use formats::metadata::feature_name_statistics::Stats;
use formats::metadata::histogram::HistogramType;
use formats::metadata::{
    CommonStatistics, DatasetFeatureStatistics, FeatureNameStatistics, NumericStatistics,
    StringStatistics,
};

use super::cross;
use crate::output::table;

/// How much of a feature's name and of the most frequent value is shown.
const NAME_CHARS: usize = 40;
const TOP_VALUE_CHARS: usize = 20;
/// How much is shown of what is known beside the usual statistics.
const NOTE_CHARS: usize = 80;

/// How many of the most frequent values make a sparkline.
const TOP_VALUES: usize = 10;

/// Returns what a dataset is, and the tables of its features, each in the order of the statistics; last what is known
/// beside the usual statistics, and what features say of one another, if anything is.
pub(crate) fn dataset(what: &str, dataset: &DatasetFeatureStatistics) -> String {
    let count = |number: usize, word: &str| match number {
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    };
    let mut parts = vec![format!(
        "{what}: {}, {}",
        count(usize::try_from(dataset.num_examples).unwrap_or(usize::MAX), "example"),
        count(dataset.features.len(), "feature")
    )];
    let is_number =
        |feature: &&FeatureNameStatistics| matches!(feature.stats, Some(Stats::NumStats(_)));
    let numbers: Vec<_> = dataset.features.iter().filter(is_number).collect();
    let is_other =
        |feature: &&FeatureNameStatistics| !is_number(feature) && feature.stats.is_some();
    let others: Vec<_> = dataset.features.iter().filter(is_other).collect();
    // Where every example has one value at the most, that need not be said of each feature.
    let has_lists = dataset
        .features
        .iter()
        .filter_map(|feature| feature.common_stats())
        .any(|common| common.max_num_values > 1);
    if !numbers.is_empty() {
        let rows = numbers.iter().map(|feature| number_row(feature, has_lists)).collect();
        let mut header = vec!["feature", "type", "missing"];
        header.extend(has_lists.then_some("values"));
        header.extend(["zeros", "mean", "std dev", "min", "median", "max", "distribution"]);
        let right: Vec<_> = (2..header.len() - 1).collect();
        parts.push(table(&header, rows, &right));
    }
    if !others.is_empty() {
        let rows = others.iter().map(|feature| text_row(feature, has_lists)).collect();
        let mut header = vec!["feature", "type", "missing"];
        header.extend(has_lists.then_some("values"));
        header.extend(["unique", "length", "most frequent", "", "distribution"]);
        let right: Vec<_> = (2..header.len() - 3).chain([header.len() - 2]).collect();
        parts.push(table(&header, rows, &right));
    }
    let notes = dataset.features.iter().flat_map(|feature| {
        let name = cut(&feature.dotted_name(), NAME_CHARS);
        let notes = report::notes(feature).into_iter();
        notes.map(move |(what, text)| vec![name.clone(), what, cut(&text, NOTE_CHARS)])
    });
    let notes: Vec<_> = notes.collect();
    if !notes.is_empty() {
        parts.push(table(&["feature", "also known", ""], notes, &[]));
    }
    parts.extend(cross::tables(dataset));
    parts.join("\n\n")
}

/// Returns what a row of either table begins with.
fn first_cells(feature: &FeatureNameStatistics, has_lists: bool) -> Vec<String> {
    let mut cells = vec![
        cut(&feature.dotted_name(), NAME_CHARS),
        feature.r#type().as_str_name().to_owned(),
        missing(feature).map_or(String::new(), percent),
    ];
    cells.extend(has_lists.then(|| feature.common_stats().map_or(String::new(), num_values)));
    cells
}

fn number_row(feature: &FeatureNameStatistics, has_lists: bool) -> Vec<String> {
    let mut cells = first_cells(feature, has_lists);
    let Some(Stats::NumStats(stats)) = &feature.stats else { return cells };
    let num_values = feature.common_stats().map_or(0, |common| common.tot_num_values);
    if num_values == 0 {
        cells.extend(vec![String::new(); 7]);
        return cells;
    }
    cells.push(percent(share(stats.num_zeros, num_values)));
    cells.extend([stats.mean, stats.std_dev, stats.min, stats.median, stats.max].map(short));
    cells.push(sparkline_of(feature));
    cells
}

fn text_row(feature: &FeatureNameStatistics, has_lists: bool) -> Vec<String> {
    let mut cells = first_cells(feature, has_lists);
    match &feature.stats {
        Some(Stats::StringStats(stats)) => {
            let num_values = feature.common_stats().map_or(0, |common| common.tot_num_values);
            cells.push(stats.unique.to_string());
            cells.push(short(f64::from(stats.avg_length)));
            let top = stats.top_values.first();
            cells.push(top.map_or(String::new(), |top| quoted(&top.value)));
            cells.push(top.map_or(String::new(), |top| percent(part(top.frequency, num_values))));
            cells.push(sparkline_of(feature));
        }
        Some(Stats::BytesStats(stats)) => {
            cells.extend([stats.unique.to_string(), short(f64::from(stats.avg_num_bytes))]);
            cells.extend(vec![String::new(); 3]);
        }
        _ => cells.extend(vec![String::new(); 5]),
    }
    cells
}

/// Returns the sparkline of a feature: of its buckets of equal width, or of its most frequent values.
pub(crate) fn sparkline_of(feature: &FeatureNameStatistics) -> String {
    match &feature.stats {
        Some(Stats::NumStats(stats)) => sparkline(&standard_counts(stats)),
        Some(Stats::StringStats(StringStatistics { top_values, .. })) => {
            let counts = top_values.iter().take(TOP_VALUES).map(|top| top.frequency);
            sparkline(&counts.collect::<Vec<_>>())
        }
        _ => String::new(),
    }
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

/// Returns the share of examples that lack a feature.
pub(crate) fn missing(feature: &FeatureNameStatistics) -> Option<f64> {
    let common = feature.common_stats()?;
    Some(share(common.num_missing, common.num_missing + common.num_non_missing))
}

fn num_values(common: &CommonStatistics) -> String {
    let (min, max) = (common.min_num_values, common.max_num_values);
    if min == max { min.to_string() } else { format!("{min}-{max}") }
}

#[expect(clippy::cast_precision_loss, reason = "a share for the screen")]
fn share(count: u64, whole: u64) -> f64 {
    part(count as f64, whole)
}

#[expect(clippy::cast_precision_loss, reason = "a share for the screen")]
fn part(count: f64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { count / whole as f64 }
}

/// Returns a share in percent; what is not quite nothing or all does not look like it.
pub(crate) fn percent(share: f64) -> String {
    match share * 100.0 {
        ..=0.0 => "0 %".to_owned(),
        ..0.1 => "<0.1 %".to_owned(),
        percent if share < 1.0 && percent > 99.9 => ">99.9 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

/// Returns a number with four significant digits, whole ones and the whole part of others with all of theirs.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return value.to_string();
    }
    if value.fract() == 0.0 && size < 1e15 {
        return format!("{value:.0}");
    }
    let digits = match size {
        1e15.. | ..1e-4 => return format!("{value:.3e}"),
        1000.0.. => 0,
        100.0.. => 1,
        10.0.. => 2,
        1.0.. => 3,
        0.1.. => 4,
        0.01.. => 5,
        0.001.. => 6,
        _ => 7,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn quoted(value: &str) -> String {
    let short: String = value.chars().take(TOP_VALUE_CHARS).collect();
    let cut = if short.len() < value.len() { ".." } else { "" };
    format!("{short:?}{cut}")
}

/// Returns text that fits into a cell.
pub(crate) fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars - 1).collect();
    short.push('…');
    short
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

    #[test]
    fn numbers_are_short_but_not_wrong() {
        let check = |value: f64, expected: &str| assert_eq!(short(value), expected);
        check(0.0, "0");
        check(-0.0, "-0");
        check(1_400_269_500.0, "1400269500");
        check(29_156_982.4, "29156982");
        check(11.712_34, "11.71");
        check(-87.655_55, "-87.66");
        check(0.123_456, "0.1235");
        check(0.001_5, "0.0015");
        check(9.999_96, "10");
        check(0.000_012_345, "1.234e-5");
        check(3.5e20, "3.500e20");
        check(f64::NAN, "NaN");
        check(f64::NEG_INFINITY, "-inf");
    }

    #[test]
    fn a_share_that_is_not_nothing_does_not_look_like_nothing() {
        let check = |share: f64, expected: &str| assert_eq!(percent(share), expected);
        check(0.0, "0 %");
        check(0.000_1, "<0.1 %");
        check(0.5, "50.0 %");
        check(0.999_9, ">99.9 %");
        check(1.0, "100.0 %");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(cut("fare", 4), "fare");
        assert_eq!(cut("tips and fare", 5), "tips…");
        assert_eq!(quoted("Chicago Elite Cab Corp."), "\"Chicago Elite Cab Co\"..");
    }
}
