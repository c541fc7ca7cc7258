//! Names for versions of pushed models, and what they were before.

use crate::{ArtifactId, LedgerError};

/// Where names for versions of models are written down.
///
/// A model is named by its serving directory, or by the URL of one. Every call is one transaction, so that of two who
/// change one name at the same time each either sees what the other did or is told so.
pub trait ModelAliases: Send + Sync {
    /// Returns the names of a model's versions, in the order of the names.
    ///
    /// # Errors
    ///
    /// [`LedgerError`], as for every call.
    fn aliases(&self, model: &str) -> Result<Vec<Alias>, LedgerError>;

    /// Returns every change of a model's names, newest first.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn alias_changes(&self, model: &str) -> Result<Vec<AliasChange>, LedgerError>;

    /// Gives a name to a version, or takes it away, and writes down that it did: as a run with one execution that read the
    /// artifact of the push.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    fn set_alias(&self, change: &NewAlias<'_>) -> Result<AliasOutcome, LedgerError>;
}

/// A name, and the version that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name, such as `champion`.
    pub name: String,
    /// The version.
    pub version: u64,
    /// The push that made the version.
    pub artifact: ArtifactId,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
}

/// A change of a name that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasChange {
    /// The name.
    pub name: String,
    /// The version that had it before.
    pub from: Option<u64>,
    /// The version that has it since.
    pub to: Option<u64>,
    /// The run that wrote it down.
    pub run: String,
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
}

/// A change of a name that is to be made.
#[derive(Clone, Debug)]
pub struct NewAlias<'a> {
    /// The model.
    pub model: &'a str,
    /// The name.
    pub name: &'a str,
    /// The version that gets it, and the push that made that; nothing to take the name away.
    pub to: Option<(u64, ArtifactId)>,
    /// What the name has to stand for now, for the change to be made.
    pub expected: ExpectedAlias,
    /// The pipeline that the run belongs to.
    pub pipeline: &'a str,
    /// A name for the run that no other run has.
    pub run: &'a str,
    /// The clock, in milliseconds since 1970.
    pub now_ms: i64,
}

/// What a name has to stand for, for a change to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedAlias {
    /// Whatever.
    Any,
    /// This version, or nothing.
    Exactly(Option<u64>),
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasOutcome {
    /// It was made; this is what the name stood for before.
    Changed(Option<u64>),
    /// The name stands for that already; nothing was written down.
    Same,
    /// Nothing was changed: the name stands for something else than was expected.
    Moved(Option<u64>),
}
