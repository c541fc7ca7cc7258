//! The data path of training: shuffled, sharded, resumable batches of examples and of blocks of tokens.
//!
//! Entry types: [`ExampleLoader`], batches of any [`dataflow::Source`], or of whatever else can be mixed row by row
//! ([`Partitions`]), made ahead by other threads; [`TokenShards`],
//! blocks of tokens in memory-mapped files, and [`TokenLoader`], their endless order for a seed;
//! [`write_token_shard`] writes them. **Invariants:** the order depends on the data, the seed and the
//! settings alone; a loader that was resumed gives what the other would have given; ranks never see the same in
//! one epoch. Not here: what the tokens mean, and models.

mod epoch;
mod error;
mod examples;
mod mix;
mod permutation;
mod token_loader;
mod tokens;

pub use error::LoaderError;
pub use examples::{ExampleLoader, ExampleLoaderConfig};
pub use mix::{Columns, Examples, Partitions, Parts};
pub use permutation::Permutation;
pub use token_loader::{TokenLoader, TokenLoaderConfig};
pub use tokens::{TokenShards, write_token_shard};
