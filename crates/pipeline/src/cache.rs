//! The cache: what a node is made from, whether that was there before, and what changed since.

mod difference;
mod lookup;
mod parts;
mod serialize;

pub(crate) use difference::why_not_cached;
pub(crate) use lookup::{Hit, Lookup, look_up};
pub(crate) use parts::{FileStamps, Parts};
pub(crate) use serialize::{answer_from_text, answer_to_text, parts_from_text, parts_to_text};

/// The custom property of an execution that holds the parts of its cache key.
pub(crate) const PARTS: &str = "cache_key_parts";

/// The custom property of an execution that holds its answer, where that is no.
pub(crate) const ANSWER: &str = "answer";

/// Custom properties of an artifact by which damage is noticed without reading it.
pub(crate) const NUM_FILES: &str = "num_files";
pub(crate) const NUM_BYTES: &str = "num_bytes";
