//! How errors are sorted. Only the edges turn a kind into an exit code or an HTTP status.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

/// What sort of trouble an error is, and so who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The command or the configuration is wrong.
    Usage,
    /// The data is not what it has to be.
    Data,
    /// Something that was named does not exist.
    NotFound,
    /// Somebody else holds or already made it.
    Conflict,
    /// The disk, the network or a lock refuses for now.
    Unavailable,
    /// Cupola is wrong; no input may get here.
    Bug,
}

/// An error that knows its kind and, when we are fairly sure, what to do about it.
pub trait Classify: Error + Send + Sync + 'static {
    /// Returns the kind of this error.
    fn kind(&self) -> ErrorKind;

    /// Returns what the user can do about it.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// Any error of any crate, as it crosses a seam.
pub struct BoxError(Box<dyn Classify>);

impl BoxError {
    /// Returns the error as the standard trait, for walking its sources.
    pub fn as_error(&self) -> &(dyn Error + 'static) {
        &*self.0
    }

    /// Returns the kind of the error within.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind()
    }

    /// Returns the hint of the error within.
    pub fn hint(&self) -> Option<String> {
        self.0.hint()
    }
}

impl<E: Classify> From<E> for BoxError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for BoxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for BoxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render_chain(self.as_error()))
    }
}

/// Returns an error's message with its sources behind it, each said once: `a: b: c`.
pub fn render_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// A file or folder that could not be used: `cannot <action> <path>`, with the cause as the source.
#[derive(Debug)]
pub struct IoError {
    action: &'static str,
    path: PathBuf,
    source: std::io::Error,
}

impl IoError {
    /// Returns a closure for `map_err`: `IoError::at("read", path)`.
    pub fn at(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self { action, path, source }
    }

    /// Returns the path that could not be used.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the operating system's error.
    pub fn io_kind(&self) -> std::io::ErrorKind {
        self.source.kind()
    }
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}", self.action, self.path.display())
    }
}

impl Error for IoError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

impl Classify for IoError {
    fn kind(&self) -> ErrorKind {
        match self.source.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::AlreadyExists => ErrorKind::Conflict,
            _ => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self.source.kind() {
            std::io::ErrorKind::StorageFull => Some(
                "free some space and run again: what was finished is kept, and nothing half-written is"
                    .to_owned(),
            ),
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem
                if self.action != "read" =>
            {
                Some("choose a place that you may write to, for example with `--root DIR`".to_owned())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_said_once() {
        let error = IoError::at("read", Path::new("taxi.csv"))(std::io::Error::other("gone"));
        assert_eq!(BoxError::from(error).to_string(), "cannot read taxi.csv: gone");
    }
}
