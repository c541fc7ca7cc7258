//! Artifacts, executions, contexts and events in ML Metadata's own tables, so that its clients read ours.
//!
//! Entry types: [`SqliteLedger`], which implements [`artifact::Ledger`] and [`artifact::ModelAliases`] over one SQLite file, and [`lineage`],
//! which walks any ledger. The only crate that talks to a database.
//!
//! **Invariants:** tables, types, states, events and contexts are those that TFX writes through ML Metadata
//! (schema version 10), so that its clients and Cupola may use one file at the same time; every call is one
//! transaction, and a published artifact is on the disk when its call returns; a file of somebody else is never
//! changed before it is known to be a store of this version.
//! Not here: what is in the artifacts' folders, when they are published (`pipeline`).

mod aliases;
mod contexts;
mod error;
mod events;
mod ledger;
mod lineage;
mod properties;
mod read;
mod runs;
mod schema;
mod store;
mod types;
mod write;

pub use error::{MetadataError, Refusal};
pub use ledger::SqliteLedger;
pub use lineage::{Direction, EventKind, Lineage, LineageEvent, lineage};
pub use schema::SCHEMA_VERSION;
