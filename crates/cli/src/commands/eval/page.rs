//! The page of `cupola eval --html`.

use evaluate::{Blessing, Evaluation};
use report::EvaluationReport;

/// Returns the page of an evaluation; `models` are the names of candidate and baseline.
pub(super) fn page(
    name: &str,
    models: (&str, Option<&str>),
    evaluation: &Evaluation,
    blessing: Option<&Blessing>,
) -> String {
    let failures: Vec<String> =
        blessing.into_iter().flat_map(|b| &b.failures).map(ToString::to_string).collect();
    EvaluationReport {
        title: name,
        candidate: models.0,
        baseline: models.1,
        evaluation: &evaluation.to_json(),
        explanations: None,
        blessed: blessing.map(|blessing| blessing.blessed),
        failures: &failures,
        samples: &[],
    }
    .html()
}
