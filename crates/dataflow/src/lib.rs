//! The seams for full-pass work: what can be read ([`Source`]), what is computed over it
//! ([`Accumulator`], [`Pass`], [`Stage`]) and what does the computing ([`Engine`]).
//!
//! Readers implement `Source`, stages implement accumulators, passes and stages, and engines implement
//! `Engine`; none of them knows another. **Invariant:** how rows were partitioned never shows in an
//! output. A source's partitions depend on the data alone, never on threads or machines; an engine makes
//! one partial state per partition and merges the partials in partition order.
//! Not here: any reader, any engine.

mod engine;
mod error;
mod source;
mod work;

pub use engine::{Engine, ErasedPass, ErasedStage, ErasedState, Sink, fold, map};
pub use error::EngineError;
pub use source::{BatchIter, Batches, Source};
pub use work::{Accumulator, Pass, Stage};
