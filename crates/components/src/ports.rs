//! Ports: finding what is behind an input, and what every split-by-split component does.

use artifact::{Artifact, CheckContext, Checked, OutputProperties, PropertyValue, RunContext};
use serde_json::Value;

use crate::ComponentError;

/// The key of the splits that a component leaves alone.
pub(crate) const EXCLUDE_SPLITS: &str = "exclude_splits";
pub(crate) const EXCLUDE_SPLITS_HELP: &str = "Splits to leave alone.";

/// The execution type of components that find their outputs in the ledger.
pub(crate) const RESOLVER: &str = "tfx.dsl.components.common.resolver.Resolver";

/// Returns the artifact behind a required input.
pub(crate) fn required<'a>(
    context: &RunContext<'a>,
    input: &'static str,
) -> Result<&'a Artifact, ComponentError> {
    let found = context.inputs.get(input).and_then(|artifacts| artifacts.first());
    found.ok_or_else(|| ComponentError::MissingInput { node: context.node.to_owned(), input })
}

/// Checks nothing; the features behind `input` are those behind `output`.
pub(crate) fn pass_on(context: &CheckContext<'_>, input: &str, output: &'static str) -> Checked {
    let mut checked = Checked::default();
    if let Some(Some(features)) = context.inputs.get(input) {
        checked.features.insert(output, features.clone());
    }
    checked
}

/// Returns the splits of an artifact but those excluded.
pub(crate) fn keep_splits(
    artifact: &Artifact,
    exclude: &[String],
) -> Result<Vec<String>, ComponentError> {
    let mut names = artifact.split_names();
    names.retain(|name| !exclude.contains(name));
    if names.is_empty() {
        return Err(ComponentError::NoSplits { path: artifact.uri.clone() });
    }
    Ok(names)
}

/// Returns the properties of an artifact that follows `of` split by split.
pub(crate) fn split_properties(of: &Artifact, names: &[String]) -> OutputProperties {
    let mut output = OutputProperties::default();
    output.properties.insert("split_names".to_owned(), split_names(names));
    if let Some(span) = of.properties.get("span") {
        output.properties.insert("span".to_owned(), span.clone());
    }
    output
}

/// Returns split names as the property holds them: a JSON list.
pub(crate) fn split_names(names: &[String]) -> PropertyValue {
    Value::from(names).to_string().into()
}
