//! The ledger over the store.

use std::collections::BTreeMap;
use std::path::Path;

use artifact::{
    Alias, AliasChange, AliasOutcome, Artifact, ArtifactId, Execution, ExecutionId, ExecutionState,
    Ledger, LedgerError, ModelAliases, NewAlias, NewArtifact, NewExecution, Properties, Run,
    RunState,
};

use crate::error::MetadataError;
use crate::store::{Durability, Store};
use crate::{aliases, read, runs, write};

/// A ledger in one SQLite file, in ML Metadata's tables.
///
/// Threads share it; processes open the file each for themselves, and other clients of ML Metadata may have it
/// open too. A call that finds another process writing waits up to five seconds and then says so. A call that
/// returned outlives the process, and one that failed left nothing. A power cut takes no execution that began or
/// ended, no artifact and no end of a run; that a run began, or found something in the cache, it may take.
///
/// # Examples
///
/// ```
/// use artifact::{Ledger, RunState};
/// use metadata::SqliteLedger;
///
/// # let dir = tempfile::tempdir().unwrap();
/// let ledger = SqliteLedger::open(&dir.path().join("metadata.sqlite"))?;
/// ledger.begin_run("taxi", "monday", 1_000)?;
/// ledger.finish_run("taxi", "monday", RunState::Complete, 5_000)?;
/// let runs = ledger.runs(Some("taxi"))?;
/// assert_eq!((runs[0].id.as_str(), runs[0].state), ("monday", RunState::Complete));
/// # Ok::<(), artifact::LedgerError>(())
/// ```
#[derive(Debug)]
pub struct SqliteLedger(Store);

impl SqliteLedger {
    /// Opens the ledger in a file; makes both, and the folder, where they are not there.
    ///
    /// # Errors
    ///
    /// [`MetadataError`], above all [`NotADatabase`](MetadataError::NotADatabase) and
    /// [`SchemaVersion`](MetadataError::SchemaVersion): such a file is left as it is.
    pub fn open(path: &Path) -> Result<Self, MetadataError> {
        Store::open(path).map(Self)
    }

    /// Opens the ledger in a file that is there.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Absent`] when there is none, or as [`open`](Self::open).
    pub fn open_existing(path: &Path) -> Result<Self, MetadataError> {
        Store::open_existing(path).map(Self)
    }
}

impl Ledger for SqliteLedger {
    fn begin_run(&self, pipeline: &str, run: &str, now_ms: i64) -> Result<(), LedgerError> {
        self.0.write(Durability::WithNext, |transaction| {
            runs::begin_run(transaction, pipeline, run, now_ms)
        })
    }

    fn finish_run(
        &self,
        pipeline: &str,
        run: &str,
        state: RunState,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.0.write(Durability::Synced, |transaction| {
            runs::finish_run(transaction, pipeline, run, state, now_ms)
        })
    }

    fn begin_execution(&self, execution: &NewExecution<'_>) -> Result<ExecutionId, LedgerError> {
        self.0
            .write(Durability::Synced, |transaction| write::begin_execution(transaction, execution))
    }

    fn complete_execution(
        &self,
        id: ExecutionId,
        outputs: &[NewArtifact<'_>],
        custom_properties: &Properties,
        now_ms: i64,
    ) -> Result<Vec<Artifact>, LedgerError> {
        self.0.write(Durability::Synced, |transaction| {
            let artifacts =
                write::complete_execution(transaction, id, outputs, custom_properties, now_ms)?;
            runs::touch_run_of(transaction, id.0, now_ms)?;
            Ok(artifacts)
        })
    }

    fn abandon_execution(
        &self,
        id: ExecutionId,
        state: ExecutionState,
        reason: &str,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        // The run is not touched: it may have ended long ago, without a word.
        self.0.write(Durability::Synced, |transaction| {
            write::abandon_execution(transaction, id, state, reason, now_ms)
        })
    }

    fn record_cached(
        &self,
        execution: &NewExecution<'_>,
        outputs: &BTreeMap<String, Vec<ArtifactId>>,
        custom_properties: &Properties,
    ) -> Result<ExecutionId, LedgerError> {
        self.0.write(Durability::WithNext, |transaction| {
            write::record_cached(transaction, execution, outputs, custom_properties)
        })
    }

    fn executions_by_cache_key(&self, key: &str) -> Result<Vec<Execution>, LedgerError> {
        self.0.read(|transaction| read::executions_by_cache_key(transaction, key))
    }

    fn executions_of_node(
        &self,
        pipeline: &str,
        node: &str,
    ) -> Result<Vec<Execution>, LedgerError> {
        self.0.read(|transaction| read::executions_of_node(transaction, pipeline, node))
    }

    fn executions_of_run(&self, run: &str) -> Result<Vec<Execution>, LedgerError> {
        self.0.read(|transaction| read::executions_of_run(transaction, run))
    }

    fn running_executions(&self, pipeline: &str) -> Result<Vec<Execution>, LedgerError> {
        self.0.read(|transaction| read::running_executions(transaction, pipeline))
    }

    fn execution(&self, id: ExecutionId) -> Result<Execution, LedgerError> {
        self.0.read(|transaction| read::ExecutionReader::new(transaction)?.read(id))
    }

    fn runs(&self, pipeline: Option<&str>) -> Result<Vec<Run>, LedgerError> {
        self.0.read(|transaction| runs::runs(transaction, pipeline))
    }

    fn artifact(&self, id: ArtifactId) -> Result<Artifact, LedgerError> {
        self.0.read(|transaction| read::ArtifactReader::new(transaction)?.read(id))
    }

    fn artifacts(
        &self,
        type_name: Option<&str>,
        pipeline: Option<&str>,
    ) -> Result<Vec<Artifact>, LedgerError> {
        self.0.read(|transaction| read::artifacts(transaction, type_name, pipeline))
    }

    fn producer(&self, id: ArtifactId) -> Result<Option<Execution>, LedgerError> {
        self.0.read(|transaction| read::producer(transaction, id))
    }

    fn consumers(&self, id: ArtifactId) -> Result<Vec<Execution>, LedgerError> {
        self.0.read(|transaction| read::consumers(transaction, id))
    }
}

impl ModelAliases for SqliteLedger {
    fn aliases(&self, model: &str) -> Result<Vec<Alias>, LedgerError> {
        self.0.read(|transaction| aliases::aliases(transaction, model))
    }

    fn alias_changes(&self, model: &str) -> Result<Vec<AliasChange>, LedgerError> {
        self.0.read(|transaction| aliases::changes(transaction, model))
    }

    fn set_alias(&self, change: &NewAlias<'_>) -> Result<AliasOutcome, LedgerError> {
        self.0.write(Durability::Synced, |transaction| aliases::set(transaction, change))
    }
}
