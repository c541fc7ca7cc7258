//! Statistics as `--json` shows them.

use components::json_number as number;
use formats::metadata::feature_name_statistics::Stats;
use formats::metadata::{DatasetFeatureStatistics, FeatureNameStatistics, Histogram};
use serde_json::{Value, json};

use super::cross;

/// Returns the statistics of a dataset, which is called `name` under `key`.
pub(super) fn dataset(key: &str, name: &str, dataset: &DatasetFeatureStatistics) -> Value {
    json!({
        key: name,
        "num_examples": dataset.num_examples,
        "features": dataset.features.iter().map(feature).collect::<Vec<_>>(),
        "cross_features": cross::json(dataset),
    })
}

fn feature(feature: &FeatureNameStatistics) -> Value {
    let common = feature.common_stats();
    let mut object = json!({
        "name": feature.dotted_name(),
        "type": feature.r#type().as_str_name(),
        "num_non_missing": common.map(|c| c.num_non_missing),
        "num_missing": common.map(|c| c.num_missing),
        "min_num_values": common.map(|c| c.min_num_values),
        "max_num_values": common.map(|c| c.max_num_values),
        "tot_num_values": common.map(|c| c.tot_num_values),
    });
    match &feature.stats {
        Some(Stats::NumStats(stats)) => {
            object["mean"] = number(stats.mean);
            object["std_dev"] = number(stats.std_dev);
            object["num_zeros"] = json!(stats.num_zeros);
            object["min"] = number(stats.min);
            object["median"] = number(stats.median);
            object["max"] = number(stats.max);
            object["histograms"] = stats.histograms.iter().map(histogram).collect();
        }
        Some(Stats::StringStats(stats)) => {
            object["unique"] = json!(stats.unique);
            object["avg_length"] = json!(stats.avg_length);
            let top = stats.top_values.iter();
            object["top_values"] =
                top.map(|top| json!({ "value": top.value, "frequency": top.frequency })).collect();
        }
        Some(Stats::BytesStats(stats)) => {
            object["unique"] = json!(stats.unique);
            object["avg_num_bytes"] = json!(stats.avg_num_bytes);
        }
        Some(Stats::StructStats(_)) | None => {}
    }
    let notes = report::notes(feature).into_iter();
    let notes: Vec<Value> =
        notes.map(|(what, text)| json!({ "name": what, "text": text })).collect();
    if !notes.is_empty() {
        object["also_known"] = Value::Array(notes);
    }
    object
}

fn histogram(histogram: &Histogram) -> Value {
    let buckets = histogram.buckets.iter().map(|bucket| {
        json!({
            "low_value": number(bucket.low_value),
            "high_value": number(bucket.high_value),
            "sample_count": bucket.sample_count,
        })
    });
    json!({
        "type": histogram.r#type().as_str_name(),
        "num_nan": histogram.num_nan,
        "buckets": buckets.collect::<Vec<_>>(),
    })
}
