//! Foreign formats: TFRecord files, `tf.Example` on the wire, the tensorflow_metadata messages.
//!
//! Entry points: [`tfrecord`] (framing and compression), [`example`] (`tf.Example` and `tf.SequenceExample`
//! walked and written without message objects), [`metadata`] (the messages), [`text`] (their text form, as in
//! `schema.pbtxt`), [`data_validation`] (the configuration of custom validations), [`reflect`] (any message's fields by
//! name), [`onnx`] (the messages of an ONNX file), [`tensorflow`] (those of a SavedModel). The definitions in
//! `proto/` restate field names and numbers; `build.rs` compiles them in Rust. **Invariants:** what the peers wrote can
//! be read, and what we write they can read; no allocation is as large as an unchecked length says.
//! Not here: what any field means (`statistics`, `schema`), columns (`dataset`).

pub mod example;
mod feature;

/// The tensorflow_metadata messages, package `tensorflow.metadata.v0`.
#[expect(missing_docs, reason = "generated from definitions that restate field names only")]
#[expect(clippy::all, reason = "generated")]
#[allow(clippy::allow_attributes, rustdoc::all, unreachable_pub, reason = "generated")]
pub mod metadata {
    include!(concat!(env!("OUT_DIR"), "/tensorflow.metadata.v0.rs"));
}

/// The configuration of custom validations, package `tensorflow.data_validation`.
#[expect(missing_docs, reason = "generated from definitions that restate field names only")]
#[allow(clippy::allow_attributes, clippy::all, rustdoc::all, unreachable_pub, reason = "generated")]
pub mod data_validation {
    include!(concat!(env!("OUT_DIR"), "/data_validation/tensorflow.data_validation.rs"));
}

/// TensorFlow's messages for SavedModels, package `tensorflow`, as far as plain graphs need them.
#[expect(missing_docs, reason = "generated from definitions that restate field names only")]
#[allow(clippy::allow_attributes, clippy::all, rustdoc::all, unreachable_pub, reason = "generated")]
pub mod tensorflow {
    include!(concat!(env!("OUT_DIR"), "/tensorflow.rs"));
}

/// The messages of an ONNX file, package `onnx`.
#[expect(missing_docs, reason = "generated from definitions that restate field names only")]
#[allow(clippy::allow_attributes, clippy::all, rustdoc::all, unreachable_pub, reason = "generated")]
pub mod onnx {
    include!(concat!(env!("OUT_DIR"), "/onnx.rs"));
}

pub mod reflect;
pub mod text;
pub mod tfrecord;
pub mod wire;

pub use prost::{Message, Name};
pub use prost_types::Any;
