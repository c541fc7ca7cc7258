//! Feature expressions: parsed, checked, planned into the fewest passes, analyzed, compiled to a `Graph`.
//!
//! Entry points: [`check`] for every mistake before anything runs, [`analyze`] to learn and compile,
//! [`ApplyGraph`] to make features, [`reference()`] for the table of functions as a page. Expressions are SQL scalar
//! expressions; names and formulas of functions are tf.Transform's. **Invariants:** one table of functions
//! (`functions`) is what is typed, compiled and documented; an analyzer reads the examples only in the pass that its
//! argument allows, with the columns that it needs. Threads never show in a graph, and partitions do not while an
//! argument has at most 65,536 distinct numbers (beyond, moments differ in their last digits and ranks within the
//! error that `sketch` states). Names refer to helpers, then raw columns, then other features, and within its own
//! expression a name is never itself.
//! Does not evaluate rows: the arguments of analyzers are evaluated by the same `Graph` that makes the features.
//!
//! # Examples
//!
//! ```
//! use graph::Shape;
//! use transform::{Config, InputFeature, InputKind, check};
//!
//! let config = Config {
//!     features: [("fare".to_owned(), "scale_to_z_scor(ln(fare + 1))".to_owned())].into(),
//!     ..Config::default()
//! };
//! let fare = InputFeature { name: "fare".to_owned(), feature_type: Some(InputKind::Float), shape: Shape::One, note: None };
//! let problems = check(&config, &[fare]).unwrap_err();
//! assert_eq!(problems[0].to_string(), "features.fare:1: there is no function `scale_to_z_scor`");
//! assert_eq!(problems[0].hint.as_deref(), Some("did you mean `scale_to_z_score`?"));
//! ```

mod analyze;
mod apply;
mod ast;
mod compile;
mod config;
mod definitions;
mod error;
mod functions;
mod ir;
mod parse;
mod reference;
mod typecheck;

use arrow::datatypes::{DataType, Schema};
use dataflow::{Engine, Source};
use graph::{Graph, Op, Shape, ValueType};

pub use analyze::{AnalyzerPass, AnalyzerState, Learned};
pub use apply::ApplyGraph;
pub use config::{Config, InputFeature, InputKind, OutputFeature};
pub use error::{Problem, TransformError};
pub use reference::reference;

use ir::{Analyzer, NodeCode, NodeId};
use typecheck::Program;

/// Checks all expressions against the raw columns and returns the features that they make, in order.
///
/// A column of unknown type fits everywhere.
///
/// # Errors
///
/// Every problem of every expression, helpers first, each with its place.
pub fn check(config: &Config, inputs: &[InputFeature]) -> Result<Vec<OutputFeature>, Vec<Problem>> {
    let program = typecheck::check(config, inputs)?;
    let output = |(name, node): &(String, NodeId)| OutputFeature {
        name: name.clone(),
        value_type: program.arena.value_type(*node),
        shape: program.arena.shape(*node),
        num_buckets: num_buckets(&program, *node),
    };
    Ok(program.outputs.iter().map(output).collect())
}

/// Learns from the examples of a source what the analyzers need, and returns the compiled graph.
///
/// Reads the source once per pass, and not at all without analyzers. Columns of unknown type get their type from the
/// source; those that hold no values there are taken for what the expressions use them as.
///
/// # Errors
///
/// [`TransformError::Problems`] as [`check`], and [`TransformError::Engine`] when the examples cannot be read or do
/// not have the types that they should have.
pub fn analyze(
    config: &Config,
    inputs: &[InputFeature],
    source: &dyn Source,
    engine: &dyn Engine,
) -> Result<Graph, TransformError> {
    let problems = |problems| TransformError::Problems { problems };
    let mut inputs = inputs.to_vec();
    let schema = source.schema();
    for input in inputs.iter_mut().filter(|input| input.feature_type.is_none()) {
        if let Some((kind, shape)) = kind_in(&schema, &input.name) {
            (input.feature_type, input.shape) = (Some(kind), shape);
        }
    }
    let program = typecheck::check(config, &inputs).map_err(problems)?;
    if inputs.iter().all(|input| input.feature_type.is_some()) {
        return compile::compile(&program, source, engine);
    }
    for input in inputs.iter_mut().filter(|input| input.feature_type.is_none()) {
        let taken_for = program.taken_for.get(&input.name);
        input.feature_type = Some(match taken_for.map(|taken_for| taken_for.value_type) {
            Some(ValueType::Int | ValueType::Bool) => InputKind::Int,
            Some(ValueType::String) => InputKind::String,
            Some(ValueType::Float) | None => InputKind::Float,
        });
        input.shape = taken_for.map_or(Shape::One, |taken_for| taken_for.shape);
    }
    let program = typecheck::check(config, &inputs).map_err(problems)?;
    compile::compile(&program, source, engine)
}

/// Returns the type of a source's column, none when it holds no values, or values that expressions do not know.
fn kind_in(schema: &Schema, name: &str) -> Option<(InputKind, Shape)> {
    let field = schema.field_with_name(name).ok()?;
    let of = |data_type: &DataType| match data_type {
        DataType::Boolean => Some(InputKind::Int),
        other if other.is_integer() => Some(InputKind::Int),
        other if other.is_floating() => Some(InputKind::Float),
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView => Some(InputKind::String),
        _ => None,
    };
    let of_values = |data_type: &DataType| match data_type {
        DataType::Dictionary(_, values) => of(values),
        other => of(other),
    };
    match field.data_type() {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            Some((of_values(item.data_type())?, Shape::List))
        }
        other => Some((of_values(other)?, Shape::One)),
    }
}

fn num_buckets(program: &Program, node: NodeId) -> Option<u64> {
    match &program.arena.node(node).code {
        NodeCode::Op(Op::Hash { num_buckets } | Op::KeyedHash { num_buckets, .. }) => {
            Some(*num_buckets)
        }
        NodeCode::Op(Op::Bucketize(boundaries)) => Some(boundaries.values().len() as u64 + 1),
        NodeCode::Analyzer(Analyzer::Bucketize { num_buckets }) => Some(*num_buckets as u64),
        _ => None,
    }
}
