//! Why the store could not be read or written.

use std::io;
use std::path::{Path, PathBuf};

use artifact::LedgerError;
use base::{BoxError, Classify, ErrorKind, IoError};
use rusqlite::{Error as SqliteError, ErrorCode, ffi};

use crate::schema::SCHEMA_VERSION;
use crate::store::BUSY_TIMEOUT;

/// Why the store could not be read or written. Nothing of the call that failed is in the store then.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum MetadataError {
    /// There is no store.
    #[error("no metadata in {}", .path.display())]
    Absent { path: PathBuf },

    /// The file is something else.
    #[error("{}: not a database, expected SQLite with ML Metadata's tables", .path.display())]
    NotADatabase { path: PathBuf },

    /// A database of something else.
    #[error("{}: not a metadata store: it has no table `{missing}`", .path.display())]
    OtherTables { path: PathBuf, missing: &'static str },

    /// ML Metadata's tables of another version.
    #[error("{}: ML Metadata's tables have version {found}, expected {SCHEMA_VERSION}", .path.display())]
    SchemaVersion { path: PathBuf, found: i64 },

    /// Somebody else is writing and does not end.
    #[error("{}: locked by another process, waited {} s", .path.display(), BUSY_TIMEOUT.as_secs())]
    Locked { path: PathBuf },

    /// The file could not be made, read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The file system failed in a way that SQLite alone knows.
    #[error("cannot use {}", .path.display())]
    Disk { path: PathBuf, source: SqliteError },

    /// The file is damaged.
    #[error("{}: damaged", .path.display())]
    Corrupt { path: PathBuf, source: SqliteError },

    /// Somebody wrote a value that ML Metadata does not allow.
    #[error("{}: a value is not what ML Metadata allows there", .path.display())]
    BadValue { path: PathBuf, source: SqliteError },

    /// What was to be written does not fit what is there.
    #[error("{}: {refusal}", .path.display())]
    Refused { path: PathBuf, refusal: Refusal },

    /// A statement of ours is wrong.
    #[error("{}: the database does not take a statement", .path.display())]
    Statement { path: PathBuf, source: SqliteError },
}

/// Why something does not fit into the store.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum Refusal {
    /// A run begins whose id is taken.
    #[error("there is a run `{run}` already")]
    RunExists { run: String },

    /// An execution ends that ended before.
    #[error("execution {execution} is {found}, expected RUNNING")]
    NotRunning { execution: i64, found: &'static str },

    /// A type's property was declared with another type.
    #[error(
        "property `{property}` of type `{type_name}` is declared as {declared}, cannot hold {found}"
    )]
    PropertyType { type_name: String, property: String, declared: String, found: &'static str },

    /// An artifact has a property that its type does not declare like that.
    #[error("type `{type_name}` declares no property `{property}` of this kind")]
    UndeclaredProperty { type_name: String, property: String },

    /// A path that text cannot hold.
    #[error("the path {} is not Unicode and cannot be written down", .uri.display())]
    UriNotText { uri: PathBuf },
}

/// What goes wrong inside a transaction, before it is known in which file.
#[derive(Debug)]
pub(crate) enum Failure {
    Sqlite(SqliteError),
    NotFound { what: &'static str, id: String },
    Refused(Refusal),
}

impl From<SqliteError> for Failure {
    fn from(error: SqliteError) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Failure {
    /// Returns the error for callers.
    pub(crate) fn at(self, path: &Path) -> LedgerError {
        let error = match self {
            Self::NotFound { what, id } => {
                return LedgerError::NotFound { what, id, ledger: path.display().to_string() };
            }
            Self::Sqlite(error) => MetadataError::from_sqlite(path, error),
            Self::Refused(refusal) => MetadataError::Refused { path: path.to_path_buf(), refusal },
        };
        LedgerError::Store(BoxError::from(error))
    }
}

impl MetadataError {
    /// Sorts what SQLite says.
    pub(crate) fn from_sqlite(path: &Path, source: SqliteError) -> Self {
        let path_buf = path.to_path_buf();
        let io = |action, kind: io::ErrorKind| Self::Io(IoError::at(action, path)(kind.into()));
        let Some(code) = source.sqlite_error_code() else {
            return match source {
                SqliteError::FromSqlConversionFailure(..)
                | SqliteError::IntegralValueOutOfRange(..)
                | SqliteError::InvalidColumnType(..)
                | SqliteError::Utf8Error(..) => Self::BadValue { path: path_buf, source },
                _ => Self::Statement { path: path_buf, source },
            };
        };
        match code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Locked { path: path_buf },
            ErrorCode::NotADatabase => Self::NotADatabase { path: path_buf },
            ErrorCode::DatabaseCorrupt => Self::Corrupt { path: path_buf, source },
            ErrorCode::DiskFull => io("write", io::ErrorKind::StorageFull),
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
                io("write", io::ErrorKind::PermissionDenied)
            }
            // The file of shared memory beside the database could not grow.
            ErrorCode::SystemIoFailure
                if source.sqlite_error().map(|e| e.extended_code)
                    == Some(ffi::SQLITE_IOERR_SHMSIZE) =>
            {
                io("write", io::ErrorKind::StorageFull)
            }
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::NoLargeFileSupport
            | ErrorCode::OutOfMemory
            | ErrorCode::TooBig => Self::Disk { path: path_buf, source },
            _ => Self::Statement { path: path_buf, source },
        }
    }
}

impl Classify for MetadataError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Absent { .. } => ErrorKind::NotFound,
            Self::NotADatabase { .. }
            | Self::OtherTables { .. }
            | Self::SchemaVersion { .. }
            | Self::Corrupt { .. }
            | Self::BadValue { .. } => ErrorKind::Data,
            Self::Locked { .. } | Self::Disk { .. } => ErrorKind::Unavailable,
            Self::Io(error) => error.kind(),
            Self::Refused { refusal, .. } => match refusal {
                Refusal::RunExists { .. }
                | Refusal::NotRunning { .. }
                | Refusal::PropertyType { .. } => ErrorKind::Conflict,
                Refusal::UriNotText { .. } => ErrorKind::Usage,
                Refusal::UndeclaredProperty { .. } => ErrorKind::Bug,
            },
            Self::Statement { .. } => ErrorKind::Bug,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io(error) => return error.hint(),
            Self::Absent { .. } => "`cupola run PIPELINE` makes it",
            Self::NotADatabase { .. } | Self::OtherTables { .. } => {
                "the file was not changed; move it away, or choose another place with `--root DIR`"
            }
            Self::SchemaVersion { found, .. } if *found < SCHEMA_VERSION => {
                "the file was not changed; ML Metadata's own client brings it up to date when it opens it \
                 with `enable_upgrade_migration`"
            }
            Self::SchemaVersion { .. } => {
                "the file was not changed; a newer version wrote it, use that one"
            }
            Self::Locked { .. } => {
                "wait until that process has finished, or end it, and run again: nothing was lost"
            }
            Self::Corrupt { .. } => {
                "restore it from a backup, or move it away: the next run then does everything again"
            }
            Self::Disk { .. }
            | Self::BadValue { .. }
            | Self::Refused { .. }
            | Self::Statement { .. } => {
                return None;
            }
        };
        Some(hint.to_owned())
    }
}
