//! `tf.Example` and `tf.SequenceExample` to columns and back.
//!
//! | in the record | in a scalar column | in a list column |
//! | --- | --- | --- |
//! | no such feature, or one without a kind | null | null |
//! | a list without values | an error: the column should be a list | empty list |
//! | one empty string, one zero | empty string, zero | list of one |
//!
//! The features of a sequence example's context are columns as those of an example; its feature lists are lists
//! of lists, one inner list for each step, null where the step has no kind. Bytes are text where all of a
//! column's values are UTF-8 when features are discovered, and stay bytes otherwise.

mod column;
mod decoder;
mod discover;
mod encoder;
mod error;
mod names;
mod plan;
mod source;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use decoder::{ExampleBatchError, ExampleDecoder};
pub use discover::{DiscoverFeatures, Discovered, Discovery, discover_schema};
pub use encoder::{EncodeExamples, ExampleEncoder, MissingFeature};
pub use error::{ExampleProblem, TfExampleError};
pub use source::ExampleFiles;

/// What records hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Payload {
    /// `tf.Example`: features by name.
    TfExample,
    /// `tf.SequenceExample`: features by name, and lists of features by name.
    TfSequenceExample,
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TfExample => "tf.Example",
            Self::TfSequenceExample => "tf.SequenceExample",
        })
    }
}

#[cfg(test)]
mod tests;
