//! Avro object container files to columns.
//!
//! | in the schema | in the column |
//! | --- | --- |
//! | `boolean`, `int`, `long`, `float`, `double` | the same |
//! | `string`, `enum` | text |
//! | `bytes`, `fixed` | bytes |
//! | `array`, `record`, `map` | list, struct, map |
//! | a union of `null` and one type | that type, missing where the value is null |
//! | dates, times, timestamps, `decimal` | the Arrow type of that name; other logical types count for nothing |
//!
//! Unions of more types and types that contain themselves are refused by name. The values are decoded here rather
//! than by `arrow-avro`, which allocates and loops as unchecked lengths and counts say, unpacks blocks without a
//! bound, and does not tell where in a file it was: it is what the tests write with and compare with. Every
//! length is compared with the bytes that are left before it is used, a block is at most [`MAX_BLOCK_BYTES`]
//! packed or not, and what one row can make of few bytes is bounded.

mod codec;
mod column;
mod container;
mod cursor;
mod error;
mod files;
mod schema;
mod types;

pub use container::MAX_BLOCK_BYTES;
pub use error::{AvroError, AvroProblem, AvroSchemaProblem};
pub use files::AvroFiles;

#[cfg(test)]
mod tests;
