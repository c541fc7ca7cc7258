//! The page of `cupola stats --html`.

use std::path::Path;

use base::BoxError;
use formats::metadata::{Anomalies, DatasetFeatureStatistics};
use report::{Anomaly, Dataset, Distance, Report};
use schema::{Comparison, Finding};

use super::diff::{Difference, differences as measure};

/// How many slices a page has.
const MAX_SLICES: usize = 100;

/// Returns the page of one dataset, or of two, the current one first. Slices of the current one are there to be picked, each
/// beside all of its examples.
pub(super) fn page(
    sides: &[(&str, &DatasetFeatureStatistics)],
    schema: Option<&Path>,
    findings: &[Finding],
    anomalies: Option<&Anomalies>,
    differences: &[Difference<'_>],
    slices: &[&DatasetFeatureStatistics],
) -> Result<String, BoxError> {
    let mut sides = sides.iter().map(|&(name, statistics)| Dataset { name, statistics });
    let empty = DatasetFeatureStatistics::default();
    let current = sides.next().unwrap_or(Dataset { name: "", statistics: &empty });
    let baseline = sides.next();
    let title = match &baseline {
        None => current.name.to_owned(),
        Some(baseline) => format!("{} against {}", current.name, baseline.name),
    };
    let schema = schema.map(|path| path.display().to_string());
    let findings: Vec<Anomaly> = findings
        .iter()
        .map(|finding| Anomaly {
            feature: finding.path.clone(),
            severity: finding.severity.as_str_name(),
            short_description: finding.short_description.clone(),
            description: finding.description.clone(),
        })
        .collect();
    let shown = slices.iter().take(MAX_SLICES);
    let measured = shown.map(|slice| {
        let differences = measure(slice, current.statistics)?;
        Ok((*slice, distances(None, &differences)))
    });
    let measured = measured.collect::<Result<Vec<_>, BoxError>>()?;
    let views = measured.iter().map(|(slice, distances)| Report {
        title: &slice.name,
        current: Dataset { name: &slice.name, statistics: slice },
        baseline: Some(Dataset { name: "all examples", ..current }),
        schema: None,
        anomalies: &[],
        distances,
        slices: &[],
        more_slices: 0,
    });
    let page = Report {
        title: &title,
        current,
        baseline,
        schema: schema.as_deref(),
        anomalies: &findings,
        distances: &distances(anomalies, differences),
        slices: &views.collect::<Vec<_>>(),
        more_slices: slices.len().saturating_sub(MAX_SLICES),
    };
    Ok(page.html())
}

/// Returns every measured distance, with its limit where the schema has one.
fn distances(anomalies: Option<&Anomalies>, differences: &[Difference<'_>]) -> Vec<Distance> {
    let limited: Vec<schema::Distance> = anomalies
        .map(schema::distances)
        .unwrap_or_default()
        .into_iter()
        .filter(|distance| distance.comparison == Comparison::Drift)
        .collect();
    let is_limited = |distance: &schema::Distance| {
        limited.iter().any(|it| it.path == distance.path && it.measure == distance.measure)
    };
    let others = differences.iter().flat_map(Difference::distances);
    let others = others.filter(|distance| !is_limited(distance)).map(|it| shown(it, None));
    let limits = limited.iter().map(|distance| shown(distance, Some(distance.threshold)));
    limits.chain(others).collect()
}

fn shown(distance: &schema::Distance, threshold: Option<f64>) -> Distance {
    let measure = match distance.measure {
        "L_INFTY" => "L-infinity distance",
        "JENSEN_SHANNON_DIVERGENCE" => "Jensen-Shannon divergence",
        "NORMALIZED_ABSOLUTE_DIFFERENCE" => "normalized absolute difference",
        other => other,
    };
    Distance {
        feature: distance.path.clone(),
        measure: measure.to_owned(),
        formula: distance.formula,
        value: distance.value,
        threshold,
    }
}
