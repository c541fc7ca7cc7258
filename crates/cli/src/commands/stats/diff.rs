//! `cupola stats diff`: how far apart two datasets are, feature by feature.

use std::collections::BTreeMap;

use base::BoxError;
use components::json_number as number;
use engine::LocalEngine;
use formats::metadata::feature_name_statistics::{FieldId, Stats};
use formats::metadata::{
    DatasetFeatureStatistics, FeatureComparator, FeatureNameStatistics, InfinityNorm,
    JensenShannonDivergence,
};
use schema::{Distance, DistributionConfig, validate_distributions};
use serde_json::{Value, json};

use super::table::{cut, missing, percent, short, sparkline_of};
use crate::args::{Global, StatsDiffArgs};
use crate::data::{Files, Progress, alike};
use crate::error::Outcome;
use crate::output::{print, print_json, table};

/// How much of a feature's name is shown.
const NAME_CHARS: usize = 40;

/// Shows the differences, the largest first.
pub(super) fn diff(args: &StatsDiffArgs, global: &Global) -> Result<Outcome, BoxError> {
    let engine = LocalEngine::with_all_cores(std::sync::Arc::default());
    let progress = Progress::new(global);
    let open = |pattern: &String| Files::open(std::slice::from_ref(pattern), &args.read, &engine);
    let (mut after, before) = alike(open(&args.after)?, Some(open(&args.before)?), None)?;
    let after_statistics = after.statistics(&engine, &progress)?;
    let Some(mut before) = before else { return Ok(Outcome::Done) };
    let before_statistics = before.statistics(&engine, &progress)?;
    progress.finish();

    let differences = differences(&after_statistics, &before_statistics)?;
    let is_far = |difference: &Difference<'_>| {
        args.threshold.is_some_and(|it| !difference.is_in_both() || difference.farthest() > it)
    };
    let outcome = if differences.iter().any(is_far) { Outcome::No } else { Outcome::Done };
    if global.json {
        let features = differences.iter().map(|difference| {
            let mut object = difference.json();
            if args.threshold.is_some() {
                object["is_too_large"] = json!(is_far(difference));
            }
            object
        });
        let features: Vec<_> = features.collect();
        let side = |name: &str, statistics: &DatasetFeatureStatistics| json!({ "name": name, "num_examples": statistics.num_examples });
        let content = json!({
            "before": side(&before.name, &before_statistics),
            "after": side(&after.name, &after_statistics),
            "threshold": args.threshold,
            "features": features,
        });
        print_json("statistics_diff", content)?;
        return Ok(outcome);
    }
    let names = (before.name.as_str(), after.name.as_str());
    print(&differences_table(
        names,
        &before_statistics,
        &after_statistics,
        &differences,
        args.threshold,
    ))?;
    Ok(outcome)
}

/// One feature in two datasets.
pub(super) struct Difference<'a> {
    name: String,
    before: Option<&'a FeatureNameStatistics>,
    after: Option<&'a FeatureNameStatistics>,
    distances: Vec<Distance>,
}

impl Difference<'_> {
    fn is_in_both(&self) -> bool {
        self.before.is_some() && self.after.is_some()
    }

    /// Returns the largest distance, 0 where none could be measured.
    fn farthest(&self) -> f64 {
        self.distances.iter().map(|distance| distance.value).fold(0.0, f64::max)
    }

    /// Returns every distance that could be measured.
    pub(super) fn distances(&self) -> &[Distance] {
        &self.distances
    }

    fn json(&self) -> Value {
        let distances = self.distances.iter().map(|distance| {
            json!({
                "measure": distance.measure,
                "formula": distance.formula,
                "value": number(distance.value),
            })
        });
        json!({
            "name": self.name,
            "is_in_before": self.before.is_some(),
            "is_in_after": self.after.is_some(),
            "distances": distances.collect::<Vec<_>>(),
        })
    }
}

/// Returns every feature of either dataset: those that only one has first, then by their largest distance.
///
/// Distances are the Jensen-Shannon divergence, and of text the L-infinity distance too; where the types differ
/// there are none.
pub(super) fn differences<'a>(
    after: &'a DatasetFeatureStatistics,
    before: &'a DatasetFeatureStatistics,
) -> Result<Vec<Difference<'a>>, BoxError> {
    let earlier: BTreeMap<String, &FeatureNameStatistics> =
        before.features.iter().map(|feature| (feature.dotted_name(), feature)).collect();
    let mut config = DistributionConfig::default();
    for feature in &after.features {
        if earlier.contains_key(&feature.dotted_name()) {
            config.features.insert(path(feature), comparator(feature));
        }
    }
    let mut measured: BTreeMap<String, Vec<Distance>> = BTreeMap::new();
    for distance in validate_distributions(after, Some(before), &config)?.distances {
        measured.entry(distance.path.clone()).or_default().push(distance);
    }
    let mut differences: Vec<Difference<'_>> = Vec::new();
    for feature in &after.features {
        let name = feature.dotted_name();
        let before = earlier.get(&name).copied();
        let distances = measured.remove(&name).unwrap_or_default();
        differences.push(Difference { name, before, after: Some(feature), distances });
    }
    let later: std::collections::BTreeSet<String> =
        after.features.iter().map(FeatureNameStatistics::dotted_name).collect();
    for feature in before.features.iter().filter(|f| !later.contains(&f.dotted_name())) {
        let name = feature.dotted_name();
        let (before, after) = (Some(feature), None);
        differences.push(Difference { name, before, after, distances: Vec::new() });
    }
    differences.sort_by(|a, b| {
        a.is_in_both().cmp(&b.is_in_both()).then(b.farthest().total_cmp(&a.farthest()))
    });
    Ok(differences)
}

/// Asks for every measure that applies to a feature; no distance is larger than the threshold.
fn comparator(feature: &FeatureNameStatistics) -> FeatureComparator {
    let threshold = Some(1.0);
    let is_text = matches!(feature.stats, Some(Stats::StringStats(_)));
    FeatureComparator {
        infinity_norm: is_text.then_some(InfinityNorm { threshold }),
        jensen_shannon_divergence: Some(JensenShannonDivergence { threshold, source: None }),
        normalized_abs_difference: None,
    }
}

fn path(feature: &FeatureNameStatistics) -> Vec<String> {
    match &feature.field_id {
        Some(FieldId::Path(path)) => path.step.clone(),
        _ => vec![feature.dotted_name()],
    }
}

/// Returns how many examples there are, and a table of what is different.
pub(super) fn differences_table(
    names: (&str, &str),
    before: &DatasetFeatureStatistics,
    after: &DatasetFeatureStatistics,
    differences: &[Difference<'_>],
    threshold: Option<f64>,
) -> String {
    let rows = differences.iter().map(|difference| {
        let Difference { before, after, .. } = difference;
        let both = |read: &dyn Fn(&FeatureNameStatistics) -> Option<String>| {
            let sides: Vec<String> = [before, after]
                .into_iter()
                .flatten()
                .map(|side| read(side).unwrap_or_else(|| "-".to_owned()))
                .collect();
            match sides.as_slice() {
                [before, after] if before != after => format!("{before} -> {after}"),
                sides => sides.first().cloned().unwrap_or_default(),
            }
        };
        let distance = |measure: &str| {
            let distance = difference.distances.iter().find(|it| it.measure == measure);
            distance.map_or("-".to_owned(), |distance| {
                let mark = if threshold.is_some_and(|it| distance.value > it) { " !" } else { "" };
                format!("{:.4}{mark}", distance.value)
            })
        };
        vec![
            cut(&difference.name, NAME_CHARS),
            match (before, after) {
                (None, Some(feature)) => format!("{}, new", type_name(feature)),
                (Some(feature), None) => format!("{}, gone", type_name(feature)),
                _ => both(&|feature| Some(type_name(feature).to_owned())),
            },
            distance("JENSEN_SHANNON_DIVERGENCE"),
            distance("L_INFTY"),
            both(&|feature| missing(feature).map(percent)),
            both(&mean_or_unique),
            both(&|feature| {
                let line = sparkline_of(feature);
                (!line.is_empty()).then(|| format!("[{line}]"))
            }),
        ]
    });
    let header = [
        "feature",
        "type",
        "js divergence",
        "l infinity",
        "missing",
        "mean or unique",
        "distribution",
    ];
    let body = table(&header, rows.collect(), &[2, 3]);
    let (from, to) = (before.num_examples, after.num_examples);
    format!("{}: {from} examples -> {}: {to} examples\n\n{body}", names.0, names.1)
}

fn type_name(feature: &FeatureNameStatistics) -> &'static str {
    feature.r#type().as_str_name()
}

fn mean_or_unique(feature: &FeatureNameStatistics) -> Option<String> {
    match &feature.stats {
        _ if feature.common_stats().is_none_or(|common| common.tot_num_values == 0) => None,
        Some(Stats::NumStats(stats)) => Some(short(stats.mean)),
        Some(Stats::StringStats(stats)) => Some(format!("{} unique", stats.unique)),
        Some(Stats::BytesStats(stats)) => Some(format!("{} unique", stats.unique)),
        _ => None,
    }
}

/// Returns a table of distances that a schema asked for, each with its formula.
pub(crate) fn distances_table(distances: &[Distance]) -> String {
    let rows = distances.iter().map(|distance| {
        let comparison = match distance.comparison {
            schema::Comparison::Drift => "drift",
            schema::Comparison::Skew => "skew",
        };
        let verdict = if distance.is_too_large() { "too large" } else { "fine" };
        vec![
            distance.path.clone(),
            comparison.to_owned(),
            distance.measure.to_owned(),
            short(distance.value),
            short(distance.threshold),
            verdict.to_owned(),
            distance.formula.to_owned(),
        ]
    });
    let header = ["feature", "comparison", "measure", "value", "threshold", "", "formula"];
    table(&header, rows.collect(), &[3, 4])
}
