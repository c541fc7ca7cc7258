//! A servable becomes a numbered version of a serving directory, visible whole or not at all.
//!
//! Entry types: [`push`], [`push_version`], [`replace`] (a folder without versions), [`verify`], [`newest`], [`versions`]. A serving directory is laid out as model servers expect it:
//!
//! ```text
//! serving/taxi/
//!   1767225600/        one folder for each version, named by the second it was pushed
//!     signature.json … what the model's folder held
//!     READY            last: every file of the version with its size and digest
//! ```
//!
//! **Invariants:** a version is copied under a temporary name, synced, and renamed: whoever sees its number
//! sees all of it. Numbers only grow, a version is never written over, and pushing the content that is the
//! newest version already makes no other. What an interrupted push left is removed by the next one.
//! Not here: whether a model may be pushed (`evaluate`), what it holds (`servable`), loading it.

mod error;
mod lock;
mod manifest;
mod push;
mod replace;
mod serialize;
mod versions;

pub use error::PushError;
pub use manifest::READY;
pub use push::{Pushed, push, push_version, verify};
pub use replace::replace;
pub use versions::{newest, versions};
