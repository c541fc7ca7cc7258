//! What every crate needs and no crate should write twice: how errors are sorted, how files appear
//! atomically, how content is fingerprinted, and which name a person probably meant.
//!
//! Entry types: [`Classify`] and [`BoxError`], [`publish`], [`copy_tree`], [`CheckpointFiles`], [`Digest`], [`nearest`].
//! This is the only module that knows temporary names, renames and syncs. Not here: anything about data or models.

mod checkpoints;
mod copy;
mod digest;
mod error;
pub mod publish;
mod suggest;

pub use checkpoints::{CheckpointFiles, Unusable};
pub use copy::copy_tree;
pub use digest::{Digest, DigestBuilder, digest_file, digest_tree};
pub use error::{BoxError, Classify, ErrorKind, IoError, render_chain};
pub use suggest::nearest;
