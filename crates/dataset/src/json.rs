//! JSON Lines as a source of examples: one object in each line, its fields are features.
//!
//! - Text is UTF-8, with or without a byte order mark, plain or compressed with gzip, zstd or bzip2. Lines end in LF
//!   or CRLF; blank lines are skipped. Of two fields of one name the last counts.
//! - A field that is not there, or is `null`, is a missing value. Text is text, and `true` and `false` are booleans.
//! - A number written without a point or exponent that fits in 64 bits is INT; any other is FLOAT (32 bits, as in
//!   `tf.Example`), and so are all numbers of a feature with one of these.
//! - An array is a list, an object a nested feature with the fields of all objects in its place.
//! - Other mixtures, such as a number here and text there, are no feature: [`JsonType::data_type`] names both.
//!
//! Files are cut into pieces of a fixed size at ends of lines; a piece is a partition, or a file where it is
//! compressed. So partitions depend on the data alone. Not here: finding the types of all lines (`ingest`).

mod builder;
mod error;
mod files;
mod layout;
mod rows;
mod shape;

pub use error::JsonError;
pub use files::JsonFiles;
pub use rows::{JsonRow, JsonRows};
pub use shape::{JsonPlace, JsonType};

#[cfg(test)]
mod tests;
