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
//! [`deliver`] pushes to several [`Destination`]s: directories, object stores ([`push_to_store`], where only the marker
//! makes a version), servers that run (which take a version or keep the one before), KServe, and web hooks. [`aliases`]
//! are names for versions.
//! Not here: whether a model may be pushed (`evaluate`), what it holds (`servable`), loading it.

mod aliases;
mod deliver;
mod error;
mod kserve;
mod lock;
mod manifest;
mod push;
mod replace;
mod serialize;
mod server;
mod store;
mod versions;
mod webhook;

pub use aliases::{ALIASES, aliases, check_alias, update_aliases};
pub use deliver::{Delivery, DeliveryState, Destination, PushContext, deliver, failures};
pub use error::PushError;
pub use kserve::Kserve;
pub use manifest::READY;
pub use push::{Pushed, link_version, push, push_version, verify, withdraw};
pub use replace::replace;
pub use server::RunningServer;
pub use store::{Stored, push_to_store, verify_stored};
pub use versions::{newest, versions};
pub use webhook::Webhook;
