//! What a transform is written as for other runtimes, beside the graph.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use artifact::Problem;
use base::{BoxError, Classify, IoError};
use dataflow::{Batches, Engine};
use export::ExportError;
use graph::{Graph, Shape};
use schemars::JsonSchema;
use serde::Deserialize;
use transform::{Config, InputFeature, InputKind};

/// The key of the exports, beside the stage's own keys.
pub(crate) const EXPORTS: &str = "export";
pub(crate) const EXPORTS_HELP: &str = "What the graph is written as for other runtimes, in the folder of the graph. \
     Features that a runtime cannot compute with the same result are a mistake, which the check finds.";

/// What a graph can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExportAs {
    /// An ONNX file: `onnx/transform.onnx`.
    Onnx,
    /// A TensorFlow SavedModel: `transform_fn`, as TFX has it.
    SavedModel,
}

/// Returns a problem for each feature that cannot be exported; the expressions are known to be right.
///
/// The graph learned of no examples has the operations of every graph that these expressions come to.
pub(crate) fn check(
    config: &Config,
    inputs: &[InputFeature],
    targets: &[ExportAs],
    engine: &dyn Engine,
) -> Vec<Problem> {
    if targets.is_empty() {
        return Vec::new();
    }
    let schema = Arc::new(Schema::new(inputs.iter().map(column).collect::<Vec<_>>()));
    // What goes wrong here goes wrong when the transform runs, too, and is told then.
    let Ok(graph) = transform::analyze(config, inputs, &Batches::new(schema, vec![]), engine)
    else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for name in config.features.keys() {
        let Ok(feature) = graph.project(&[name]) else { continue };
        for target in targets {
            let exported = match target {
                ExportAs::Onnx => export::check_onnx(&feature),
                ExportAs::SavedModel => export::check_saved_model(&feature),
            };
            problems.extend(exported.err().map(|error| problem(name, &error)));
        }
    }
    problems
}

fn problem(feature: &str, error: &ExportError) -> Problem {
    let message = match error {
        ExportError::Unsupported { op, target, reason, .. } => {
            format!("{target} cannot express `{op}`: {reason}")
        }
        other => other.to_string(),
    };
    Problem { key: format!("features.{feature}"), offset: Some(0), message, hint: error.hint() }
}

fn column(input: &InputFeature) -> Field {
    let of = match input.feature_type {
        Some(InputKind::Int) => DataType::Int64,
        Some(InputKind::Float) => DataType::Float64,
        Some(InputKind::String) => DataType::Utf8,
        None => DataType::Null,
    };
    let of = match input.shape {
        Shape::One => of,
        Shape::List | Shape::Vector(_) => DataType::new_list(of, true),
    };
    Field::new(&input.name, of, true)
}

/// Writes a graph for other runtimes, into its folder.
pub(crate) fn write(graph: &Graph, targets: &[ExportAs], dir: &Path) -> Result<(), BoxError> {
    for target in targets {
        match target {
            ExportAs::Onnx => {
                let dir = dir.join("onnx");
                std::fs::create_dir_all(&dir).map_err(IoError::at("create", &dir))?;
                export::onnx(graph, None)?.write(&dir.join("transform.onnx"))?;
            }
            ExportAs::SavedModel => export::saved_model(graph, None, &dir.join("transform_fn"))?,
        }
    }
    Ok(())
}
