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
mod deduplicate;
mod definitions;
mod error;
mod functions;
mod ir;
mod pack;
mod parse;
mod reference;
mod typecheck;

use arrow::datatypes::{DataType, Schema};
use dataflow::{Engine, Source};
use graph::{Graph, Op, Shape, ValueType};

pub use analyze::{
    AnalyzerPass, AnalyzerState, FolderStore, FolderView, Learned, Shard, StateStore,
};
pub use apply::{ApplyGraph, Transformed};
pub use config::{Config, InputFeature, InputKind, OutputFeature};
pub use deduplicate::{DeduplicateConfig, Deduplicator};
pub use error::{Problem, TransformError};
pub use pack::{PackConfig, Packer, Remainder};
pub use reference::{Shown, reference};
pub use typecheck::files;

use ir::{Analyzer, NodeCode, NodeId, OfNumbers, PerKey};
use typecheck::Program;

/// How examples are analyzed.
#[derive(Clone, Copy)]
pub struct AnalyzeOptions<'a> {
    /// The shards of the source, all its partitions in order, where their content is known. What is learned of each is
    /// merged in this order.
    pub shards: &'a [Shard],
    /// Where what is learned of each shard is kept, by its content, for the next time. It never shows in a graph.
    pub cache: Option<&'a dyn StateStore>,
    /// How much memory counts of texts take, about, for each argument, before they go to a temporary file.
    pub max_count_bytes: usize,
}

impl Default for AnalyzeOptions<'_> {
    fn default() -> Self {
        Self { shards: &[], cache: None, max_count_bytes: MAX_COUNT_BYTES }
    }
}

const MAX_COUNT_BYTES: usize = 128 << 20;

/// A graph, and what it took to learn it.
#[derive(Clone, Debug)]
pub struct Analyzed {
    /// The graph.
    pub graph: Graph,
    /// Each pass over the shards, in order; empty where the shards are not known.
    pub passes: Vec<PassReport>,
}

/// What one pass had to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassReport {
    /// How many shards there are.
    pub num_shards: usize,
    /// Of how many of them everything was known already.
    pub num_cached: usize,
}

/// What an analysis would find kept, and what it would read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foresight {
    /// The passes that can be told of, in order.
    pub passes: Vec<ForeseenPass>,
    /// How many passes follow of which nothing can be told, because they depend on what the last of these reads.
    pub num_unknown_passes: usize,
}

/// What one pass would find kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeseenPass {
    /// What it learns; each is kept for itself.
    pub analyses: Vec<ForeseenAnalysis>,
}

/// One thing that is learned, for one feature or for several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeseenAnalysis {
    /// The features that it is learned for.
    pub features: Vec<String>,
    /// Of which shards it is kept; the others are read.
    pub is_kept: Vec<bool>,
}

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
    Ok(analyze_with(config, inputs, source, engine, &AnalyzeOptions::default())?.graph)
}

/// As [`analyze`], shard by shard, with what is known of them from before.
///
/// # Errors
///
/// As [`analyze`], and [`TransformError::Shards`] when the shards are not those of the source.
pub fn analyze_with(
    config: &Config,
    inputs: &[InputFeature],
    source: &dyn Source,
    engine: &dyn Engine,
    options: &AnalyzeOptions<'_>,
) -> Result<Analyzed, TransformError> {
    compile::compile(&program(config, inputs, source)?, source, engine, options)
}

/// Tells what [`analyze_with`] would find kept of each shard, and what it would read. Reads no examples and keeps nothing.
///
/// # Errors
///
/// As [`analyze_with`].
pub fn foresee(
    config: &Config,
    inputs: &[InputFeature],
    source: &dyn Source,
    options: &AnalyzeOptions<'_>,
) -> Result<Foresight, TransformError> {
    compile::foresee(&program(config, inputs, source)?, source, options)
}

/// Returns the checked expressions, with the types of columns as the source has them where they are not known.
fn program(
    config: &Config,
    inputs: &[InputFeature],
    source: &dyn Source,
) -> Result<Program, TransformError> {
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
        return Ok(program);
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
    typecheck::check(config, &inputs).map_err(problems)
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
        NodeCode::Analyzer(
            Analyzer::Numbers(OfNumbers::Bucketize { num_buckets })
            | Analyzer::WeightedBuckets { num_buckets }
            | Analyzer::PerKey(PerKey::Bucketize { num_buckets }),
        ) => Some(*num_buckets as u64),
        _ => None,
    }
}
