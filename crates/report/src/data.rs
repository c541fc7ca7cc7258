//! What the page's script reads: one JSON object.

use std::collections::HashMap;

use formats::metadata::feature_name_statistics::Stats;
use formats::metadata::histogram::HistogramType;
use formats::metadata::{FeatureNameStatistics, NumericStatistics, StringStatistics};
use serde_json::{Map, Value, json};

use crate::features::{Row, is_composite, is_number, rows};
use crate::notes::notes;
use crate::numbers::{exact, short};
use crate::{Dataset, Distance, Report};

/// How many of the most frequent values are shown, and how many more that only the baseline has.
const TOP_VALUES: usize = 20;
const TOP_VALUES_OF_BASELINE: usize = 5;

/// How many characters of a value are shown.
const VALUE_CHARS: usize = 120;

/// Returns the object as text that can stand in a `script` element.
pub(crate) fn json(report: &Report<'_>) -> String {
    let mut object = view(report);
    object["slices"] = report.slices.iter().map(view).collect();
    object["more_slices"] = json!(report.more_slices);
    // The text must not end the element, whatever is in the data.
    object.to_string().replace('<', "\\u003c")
}

/// Returns what is shown at once: one dataset, or two beside each other.
fn view(report: &Report<'_>) -> Value {
    let datasets: Vec<Value> =
        [Some(report.current), report.baseline].into_iter().flatten().map(dataset).collect();
    let (names, rows): (HashMap<String, usize>, Vec<Row<'_>>) = {
        let rows = rows(report);
        let names = rows.iter().enumerate().map(|(index, row)| (row.name.clone(), index));
        (names.collect(), rows)
    };
    let mut features: Vec<Map<String, Value>> = rows.iter().map(feature).collect();
    let mut formulas: Vec<&str> = Vec::new();
    for distance in report.distances {
        let Some(&row) = names.get(&distance.feature) else { continue };
        let formula = formulas.iter().position(|known| *known == distance.formula);
        let formula = formula.unwrap_or_else(|| {
            formulas.push(distance.formula);
            formulas.len() - 1
        });
        push(&mut features[row], "distances", distance_json(distance, formula));
    }
    for (index, anomaly) in report.anomalies.iter().enumerate() {
        if let Some(&row) = names.get(&anomaly.feature) {
            push(&mut features[row], "anomalies", index.into());
        }
    }
    let anomalies: Vec<Value> = report
        .anomalies
        .iter()
        .map(|anomaly| {
            json!({
                "feature": anomaly.feature,
                "severity": anomaly.severity,
                "short": anomaly.short_description,
                "text": anomaly.description,
            })
        })
        .collect();
    json!({
        "title": report.title,
        "schema": report.schema,
        "datasets": datasets,
        "anomalies": anomalies,
        "formulas": formulas,
        "features": features,
    })
}

fn push(feature: &mut Map<String, Value>, key: &str, value: Value) {
    let list = feature.entry(key).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = list {
        list.push(value);
    }
}

fn dataset(dataset: Dataset<'_>) -> Value {
    json!({
        "name": dataset.name,
        "examples": dataset.statistics.num_examples,
        "features": dataset.statistics.features.len(),
    })
}

fn distance_json(distance: &Distance, formula: usize) -> Value {
    json!({
        "measure": distance.measure,
        "value": exact(distance.value),
        "threshold": distance.threshold.map(exact),
        "formula": formula,
    })
}

fn feature(row: &Row<'_>) -> Map<String, Value> {
    let first = row.sides.iter().flatten().next();
    let kind = match first {
        None => "none",
        Some(feature) if is_composite(feature) => "composite",
        Some(feature) if is_number(feature) => "number",
        Some(_) => "text",
    };
    let with_values = |feature: &&FeatureNameStatistics| !is_composite(feature);
    let types = row.sides.map(|side| side.filter(with_values).map(|it| it.r#type().as_str_name()));
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(row.name));
    object.insert("kind".to_owned(), json!(kind));
    object.insert("types".to_owned(), json!(types));
    object.insert("stats".to_owned(), json!(row.sides.map(|side| side.map(statistics))));
    let top = top_values(row);
    if !top.is_empty() {
        object.insert("top".to_owned(), Value::Array(top));
    }
    object
}

fn statistics(feature: &FeatureNameStatistics) -> Value {
    let mut object = Map::new();
    if let Some(common) = feature.common_stats() {
        object.insert("present".to_owned(), json!(common.num_non_missing));
        object.insert("missing".to_owned(), json!(common.num_missing));
        object.insert("total".to_owned(), json!(common.tot_num_values));
        let average = exact(f64::from(common.avg_num_values));
        let counts = json!([common.min_num_values, average, common.max_num_values]);
        object.insert("values".to_owned(), counts);
    }
    match &feature.stats {
        Some(Stats::NumStats(stats)) => numeric(stats, &mut object),
        Some(Stats::StringStats(stats)) => {
            object.insert("unique".to_owned(), json!(stats.unique));
            object.insert("length".to_owned(), exact(f64::from(stats.avg_length)));
            object.insert("invalid".to_owned(), json!(stats.invalid_utf8_count));
        }
        Some(Stats::BytesStats(stats)) => {
            object.insert("unique".to_owned(), json!(stats.unique));
            object.insert("length".to_owned(), exact(f64::from(stats.avg_num_bytes)));
        }
        Some(Stats::StructStats(_)) | None => {}
    }
    let notes = notes(feature);
    if !notes.is_empty() {
        let notes = notes.into_iter().map(|(name, text)| json!([name, cut(&text)]));
        object.insert("notes".to_owned(), notes.collect());
    }
    Value::Object(object)
}

fn numeric(stats: &NumericStatistics, object: &mut Map<String, Value>) {
    let numbers = [
        ("mean", stats.mean),
        ("std", stats.std_dev),
        ("min", stats.min),
        ("median", stats.median),
        ("max", stats.max),
    ];
    for (key, value) in numbers {
        object.insert(key.to_owned(), exact(value));
    }
    object.insert("zeros".to_owned(), json!(stats.num_zeros));
    for histogram in &stats.histograms {
        let key = match histogram.r#type() {
            HistogramType::Standard => "histogram",
            HistogramType::Quantiles => "quantiles",
        };
        let buckets = histogram.buckets.iter();
        let buckets = buckets
            .map(|b| json!([short(b.low_value), short(b.high_value), short(b.sample_count)]));
        object.insert(key.to_owned(), buckets.collect());
        if histogram.num_nan > 0 {
            object.insert("nan".to_owned(), json!(histogram.num_nan));
        }
    }
}

/// Returns `[value, count in the current dataset, count in the baseline]` of the most frequent values; a count
/// is null where the value was not among those counted.
fn top_values(row: &Row<'_>) -> Vec<Value> {
    let counted = row.sides.map(|side| side.map_or(Vec::new(), counted_values));
    let counts = counted.each_ref().map(|values| values.iter().copied().collect::<HashMap<_, _>>());
    let [current, baseline] = &counted;
    let mut shown: Vec<&str> = current.iter().take(TOP_VALUES).map(|(value, _)| *value).collect();
    let limit = if current.is_empty() { TOP_VALUES } else { TOP_VALUES_OF_BASELINE };
    let others = baseline.iter().map(|(value, _)| *value);
    let others = others.filter(|value| !counts[0].contains_key(value)).take(limit);
    shown.extend(others.collect::<Vec<_>>());
    let count = |side: usize, value: &str| counts[side].get(value).map(|count| short(*count));
    let values = shown.iter().map(|value| json!([cut(value), count(0, value), count(1, value)]));
    values.collect()
}

fn counted_values(feature: &FeatureNameStatistics) -> Vec<(&str, f64)> {
    let Some(Stats::StringStats(stats)) = &feature.stats else { return Vec::new() };
    let StringStatistics { rank_histogram, top_values, .. } = stats;
    match rank_histogram {
        Some(ranks) => ranks.buckets.iter().map(|b| (b.label.as_str(), b.sample_count)).collect(),
        None => top_values.iter().map(|top| (top.value.as_str(), top.frequency)).collect(),
    }
}

fn cut(value: &str) -> String {
    let mut shown: String = value.chars().take(VALUE_CHARS).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    shown
}
