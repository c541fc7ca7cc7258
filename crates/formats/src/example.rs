//! `tf.Example` and `tf.SequenceExample` on the wire.
//!
//! Reading: [`visit_example`] and [`visit_sequence_example`] hand names and values to an [`ExampleVisitor`]
//! straight from the record's bytes; [`ExpectedName`] takes features that come as those of the record before did. Writing: the functions of [`encode`](self#functions) append fields to
//! byte vectors, from the values outwards. **Invariant:** a record means what a protobuf parser says that it
//! means: unknown fields are stepped over, packed and unpacked lists are one, repeated messages are merged, and
//! of two features of one name the last counts (which is the visitor's part, since it keeps the values).
//! Not here: types and columns (`dataset`).
//!
//! # Source
//!
//! `tensorflow/core/example/example.proto` and `feature.proto`

mod canonical;
mod encode;
mod expected;
mod feature;
mod visit;

pub use canonical::{canonical_example, canonical_sequence_example};
pub use encode::{
    put_bytes, put_example, put_floats, put_ints, put_named, put_sequence_example, put_step,
};
pub use expected::{ExpectedFeature, ExpectedName};
pub use feature::{BytesList, Feature, FloatList, Int64List, ValueKind, with_feature};
pub use visit::{
    ExampleVisitor, FeatureReader, StepsReader, has_feature_lists, visit_example,
    visit_sequence_example,
};

#[cfg(test)]
mod tests;
