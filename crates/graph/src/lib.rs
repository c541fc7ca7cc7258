//! The compiled transform: typed row-wise operations with frozen analyzer results, and their one evaluator.
//!
//! Entry types: [`Graph`], which is applied, saved and loaded; [`GraphBuilder`], which makes one; [`Op`], the list
//! of operations with what each does to missing values, NaN and edge values. **Invariants:** a graph is typed and
//! every operand comes before its user, whether it was built or loaded; equal nodes are one node; a row's result
//! depends on that row alone, so the size of a batch never shows; applying it allocates nothing that grows with a
//! vocabulary. Knows Arrow and nothing of models, engines or artifacts, so that a service can embed it.
//! Not here: parsing expressions, analyzers (`transform`).

mod builder;
mod error;
mod evaluate;
mod graph;
mod input;
mod kernels;
mod list_op;
mod mappers;
mod op;
mod outputs;
mod serialize;
mod shape;
mod table;
mod types;
mod value;
mod vocabulary;

pub use builder::{GraphBuilder, NodeId, VocabularyId};
pub use error::{BuildError, GraphError};
pub use graph::{Graph, GraphInput, GraphOutput, Node};
pub use kernels::byte_pairs::byte_tokens;
pub use list_op::{Floats, ListOp, Matrix};
pub use op::{
    Boundaries, FloatOp, IntOp, JsonPath, JsonStep, KeyedBoundaries, Literals, NormalForm, Op,
    Pattern, Period, RegexpOp, Replacement, Side, TextOp, TextPairOp, TimeFormat, TimeOp, TimePart,
    TimeUnit, TrimSide, Zone,
};
pub use shape::{NodeType, Shape};
pub use table::Table;
pub use tokenizer::{Tokenizer, TokenizerError};
pub use value::{Literal, ValueType};
pub use vocabulary::Vocabulary;
