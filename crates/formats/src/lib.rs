//! Foreign message formats: the tensorflow_metadata messages, binary and text.
//!
//! Entry points: [`metadata`] (the messages), [`text`] (their text form, as in `schema.pbtxt`). The
//! definitions in `proto/` restate field names and numbers; `build.rs` compiles them in Rust.
//! **Invariant:** what the peers wrote can be read, and what we write they can read.
//! Not here: what any field means (`statistics`, `schema`).

/// The tensorflow_metadata messages, package `tensorflow.metadata.v0`.
#[expect(missing_docs, reason = "generated from definitions that restate field names only")]
#[expect(clippy::all, reason = "generated")]
#[allow(clippy::allow_attributes, rustdoc::all, unreachable_pub, reason = "generated")]
pub mod metadata {
    include!(concat!(env!("OUT_DIR"), "/tensorflow.metadata.v0.rs"));
}

pub mod text;

pub use prost::{Message, Name};
