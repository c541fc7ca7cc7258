//! One SQLite file: opened, locked, and used in whole transactions.
//!
//! Write-ahead logging lets others read while somebody writes. A crash of the process loses nothing that was
//! committed; what a power cut may take is said for each call by [`Durability`]. To sync every call would double
//! the time that the store takes in a run that finds everything in the cache.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use artifact::LedgerError;
use base::{BoxError, IoError};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{Failure, MetadataError};
use crate::schema;

/// How long a call waits for another process that writes.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How often switching to write-ahead logging is tried, and how long it waits in between.
const WAL_ATTEMPTS: u32 = 250;
const WAL_WAIT: Duration = Duration::from_millis(20);

/// What of a call may be gone after a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Nothing: it is on the disk when the call returns, and so are all calls before it.
    Synced,
    /// The call, with those after it, where none of them was synced: it is on the disk with the next one that is.
    /// For what can be lost because nothing outside the store builds on it, such as that something was found in the
    /// cache.
    WithNext,
}

/// An open store.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// Without the log, leaving out a sync could damage the file.
    has_log: bool,
}

impl Store {
    /// Opens the store, and makes it where there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, MetadataError> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(IoError::at("create", parent))?;
        }
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE)?;
        let sqlite = |error| MetadataError::from_sqlite(path, error);
        schema::create_if_empty(&mut connection).map_err(sqlite)?;
        schema::check(&connection, path)?;
        use_write_ahead_log(&connection).map_err(sqlite)?;
        Self::over(connection, path)
    }

    /// Opens a store that is there.
    pub(crate) fn open_existing(path: &Path) -> Result<Self, MetadataError> {
        match fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(MetadataError::Absent { path: path.to_path_buf() });
            }
            Err(error) => return Err(IoError::at("read", path)(error).into()),
            Ok(_) => {}
        }
        let connection = connect(path, OpenFlags::empty())?;
        schema::check(&connection, path)?;
        Self::over(connection, path)
    }

    fn over(connection: Connection, path: &Path) -> Result<Self, MetadataError> {
        let mode = connection.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0));
        let has_log = mode.map_err(|error| MetadataError::from_sqlite(path, error))? == "wal";
        Ok(Self { path: path.to_path_buf(), connection: Mutex::new(connection), has_log })
    }

    /// Does some work that changes the store, all of it or nothing.
    pub(crate) fn write<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, LedgerError> {
        self.transact(|connection| {
            let synchronous = match durability {
                Durability::WithNext if self.has_log => "NORMAL",
                _ => "FULL",
            };
            connection.pragma_update(None, "synchronous", synchronous)?;
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }

    /// Does some work that looks at one state of the store.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, LedgerError> {
        self.transact(|connection| work(&connection.transaction()?))
    }

    fn transact<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Failure>,
    ) -> Result<T, LedgerError> {
        // A thread that panicked left no transaction open: it was rolled back when it was dropped.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(|failure| failure.at(&self.path))
    }
}

impl From<MetadataError> for LedgerError {
    fn from(error: MetadataError) -> Self {
        Self::Store(BoxError::from(error))
    }
}

fn connect(path: &Path, create: OpenFlags) -> Result<Connection, MetadataError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| {
        // SQLite says only that it cannot; the system knows why.
        let mut options = File::options();
        options.read(true).write(true).create(create == OpenFlags::SQLITE_OPEN_CREATE);
        match options.open(path) {
            Err(reason) => IoError::at("open", path)(reason).into(),
            Ok(_) => MetadataError::from_sqlite(path, error),
        }
    })?;
    let sqlite = |error| MetadataError::from_sqlite(path, error);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
    Ok(connection)
}

/// Switches to write-ahead logging, for good: the file remembers it.
///
/// SQLite does not wait for others here, so we do. Where the file system cannot do it, the file stays as it is,
/// which is slower for many and as safe.
fn use_write_ahead_log(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(Duration::ZERO)?;
    let mut attempts = 1..=WAL_ATTEMPTS;
    loop {
        let switched = connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()));
        match switched {
            Err(error) if is_busy(&error) && attempts.next().is_some() => {
                std::thread::sleep(WAL_WAIT);
            }
            Err(error) => return Err(error),
            Ok(()) => return connection.busy_timeout(BUSY_TIMEOUT),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
