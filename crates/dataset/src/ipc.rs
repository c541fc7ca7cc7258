//! Arrow IPC files (Feather, version 2) and streams to columns.
//!
//! The messages are those of `arrow-ipc`, verified by it; schemas and columns are made of them here, because its
//! reader panics where a message does not fit its schema, and allocates and unpacks as unchecked lengths say.
//! Every length is compared with the bytes that are there before it is used, what a batch unpacks to is bounded
//! by [`MAX_MESSAGE_BYTES`], and the columns are made with all of Arrow's own checks of their values.
//!
//! Not read: unions, run-end encoded columns and list views, which no feature is; numbers of the other
//! endianness; the first version of Feather.

mod columns;
mod error;
mod files;
mod messages;
mod schema;
mod unpack;

pub use error::{ArrowFileError, ArrowFileProblem, ArrowSchemaProblem};
pub use files::ArrowFiles;
pub use messages::MAX_MESSAGE_BYTES;

#[cfg(test)]
mod tests;
