//! A folder of a store that files are written to.

use std::fs::File;
use std::io::Read;
use std::path::Path as LocalPath;
use std::sync::Arc;

use base::IoError;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, WriteMultipart,
};
use tokio::runtime::Runtime;

use crate::fetch::runtime;
use crate::location::{Kind, Location};
use crate::store::{open, translate};
use crate::{Environment, RemoteError};

/// How much of a file is sent at once; smaller files are sent in one piece.
const PART_BYTES: usize = 8 << 20;

/// How many parts are on their way at the same time.
const PARTS_AT_ONCE: usize = 4;

/// How large a file may be that is read into memory.
const MAX_READ_BYTES: u64 = 64 << 20;

/// A file of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderFile {
    /// Its name within the folder, with `/` between the parts.
    pub name: String,
    /// Its size.
    pub num_bytes: u64,
    /// When it was last changed, in seconds since 1970, by the store's clock.
    pub modified_seconds: i64,
}

/// A folder of S3, Google Cloud Storage or Azure that files are written to.
///
/// A file is there whole or not at all: stores show none before all of it has come. Of several files each appears by
/// itself, in the order in which they are written.
#[derive(Debug)]
pub struct Folder {
    location: Location,
    store: Arc<dyn ObjectStore>,
    environment: Environment,
    /// Connections are kept from one call to the next, by what made them.
    runtime: Runtime,
}

/// Says no to a URL that cannot be one of a folder that is written to, without asking anybody.
///
/// # Errors
///
/// As [`Folder::open`], but for credentials.
pub fn check_folder(url: &str) -> Result<(), RemoteError> {
    folder_of(url).map(drop)
}

fn folder_of(url: &str) -> Result<Location, RemoteError> {
    let mut location = Location::parse(url)?;
    if location.kind == Kind::Http {
        return Err(RemoteError::CannotWrite { url: url.to_owned(), what: "a web server" });
    }
    if location.is_pattern() {
        return Err(RemoteError::CannotWrite { url: url.to_owned(), what: "a pattern" });
    }
    location.pattern = location.pattern.trim_matches('/').to_owned();
    Ok(location)
}

impl Folder {
    /// Returns the folder of a URL such as `s3://bucket/models/taxi`; nobody is asked yet.
    ///
    /// # Errors
    ///
    /// [`RemoteError`]: a URL that is none of a store's, a pattern, a web server's, or no credentials.
    pub fn open(url: &str, environment: &Environment) -> Result<Self, RemoteError> {
        let location = folder_of(url)?;
        let store = open(&location, environment)?;
        Ok(Self { location, store, environment: environment.clone(), runtime: runtime()? })
    }

    /// Returns the folder's URL, without a slash at its end.
    pub fn url(&self) -> String {
        match self.location.pattern.as_str() {
            "" => self.location.base.clone(),
            _ => self.location.url(),
        }
    }

    /// Returns the URL of a file or folder within.
    pub fn url_of(&self, name: &str) -> String {
        format!("{}/{name}", self.url())
    }

    /// Returns the names of the folders right below.
    ///
    /// # Errors
    ///
    /// [`RemoteError`].
    pub fn folders(&self) -> Result<Vec<String>, RemoteError> {
        let path = self.path("")?;
        let found = self.runtime.block_on(self.store.list_with_delimiter(Some(&path)));
        let found = found.map_err(|error| self.failed(&error, ""))?;
        let name = |path: &Path| path.filename().map(str::to_owned);
        Ok(found.common_prefixes.iter().filter_map(name).collect())
    }

    /// Returns all files below a folder within, in the order of their names, which begin with that folder's.
    ///
    /// # Errors
    ///
    /// [`RemoteError`].
    pub fn files(&self, below: &str) -> Result<Vec<FolderFile>, RemoteError> {
        let path = self.path(below)?;
        let root = self.path("")?;
        let found = self.runtime.block_on(self.store.list(Some(&path)).try_collect::<Vec<_>>());
        let found = found.map_err(|error| self.failed(&error, below))?;
        let mut files: Vec<FolderFile> = found
            .into_iter()
            .filter_map(|meta| {
                let parts: Vec<_> = meta.location.prefix_match(&root)?.collect();
                let name = parts.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("/");
                let modified_seconds = meta.last_modified.timestamp();
                (!name.is_empty()).then_some(FolderFile {
                    name,
                    num_bytes: meta.size,
                    modified_seconds,
                })
            })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// Returns the content of a file; nothing where there is none.
    ///
    /// # Errors
    ///
    /// [`RemoteError`], as when it is larger than 64 MiB.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, RemoteError> {
        let path = self.path(name)?;
        let read = async {
            let found = self.store.get(&path).await?;
            if found.meta.size > MAX_READ_BYTES {
                return Ok(Err(found.meta.size));
            }
            found.bytes().await.map(Ok)
        };
        match self.runtime.block_on(read) {
            Ok(Ok(bytes)) => Ok(Some(bytes.to_vec())),
            Ok(Err(size)) => Err(RemoteError::Unavailable {
                url: self.url_of(name),
                reason: format!("{size} bytes, expected at most {MAX_READ_BYTES}"),
            }),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(&error, name)),
        }
    }

    /// Writes a file; what was there before is replaced.
    ///
    /// # Errors
    ///
    /// [`RemoteError`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RemoteError> {
        let path = self.path(name)?;
        let written =
            self.runtime.block_on(self.store.put(&path, PutPayload::from(bytes.to_vec())));
        written.map(drop).map_err(|error| self.not_written(&error, name))
    }

    /// Writes a file that must not be there; returns whether it was not. Of several who try only one hears yes, where
    /// the store can tell: one that cannot (such as an S3-compatible server that knows no `If-None-Match`) is asked
    /// first.
    ///
    /// # Errors
    ///
    /// [`RemoteError`].
    pub fn create(&self, name: &str, bytes: &[u8]) -> Result<bool, RemoteError> {
        let path = self.path(name)?;
        let payload = PutPayload::from(bytes.to_vec());
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.runtime.block_on(self.store.put_opts(&path, payload, options)) {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(Error::NotImplemented { .. }) => {
                match self.runtime.block_on(self.store.head(&path)) {
                    Ok(_) => Ok(false),
                    Err(Error::NotFound { .. }) => self.write(name, bytes).map(|()| true),
                    Err(error) => Err(self.failed(&error, name)),
                }
            }
            Err(error) => Err(self.not_written(&error, name)),
        }
    }

    /// Sends a local file, a few megabytes of it in memory at a time. `see` is shown all that is sent, in order.
    ///
    /// # Errors
    ///
    /// [`RemoteError`]; nothing of the file is there then.
    pub fn send(
        &self,
        name: &str,
        from: &LocalPath,
        see: &mut dyn FnMut(&[u8]),
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<(), RemoteError> {
        let path = self.path(name)?;
        let read = |error| RemoteError::Io(IoError::at("read", from)(error));
        let mut file = File::open(from).map_err(read)?;
        let mut next = || -> Result<Vec<u8>, RemoteError> {
            let mut part = Vec::new();
            (&mut file).take(PART_BYTES as u64).read_to_end(&mut part).map_err(read)?;
            see(&part);
            Ok(part)
        };
        let mut part = next()?;
        if is_cancelled() {
            return Err(RemoteError::Cancelled);
        }
        let not_written = |error: Error| self.not_written(&error, name);
        self.runtime.block_on(async {
            if part.len() < PART_BYTES {
                let sent = self.store.put(&path, PutPayload::from(part)).await;
                return sent.map(drop).map_err(not_written);
            }
            let upload = self.store.put_multipart(&path).await.map_err(not_written)?;
            let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
            let sent = loop {
                if is_cancelled() {
                    break Err(RemoteError::Cancelled);
                }
                if let Err(error) = upload.wait_for_capacity(PARTS_AT_ONCE).await {
                    break Err(not_written(error));
                }
                upload.put(std::mem::take(&mut part).into());
                match next() {
                    Ok(more) if more.is_empty() => break Ok(()),
                    Ok(more) => part = more,
                    Err(error) => break Err(error),
                }
            };
            match sent {
                Ok(()) => upload.finish().await.map(drop).map_err(not_written),
                Err(error) => {
                    // The first error says more. Parts that stay take room, and are no file.
                    let _ = upload.abort().await;
                    Err(error)
                }
            }
        })
    }

    /// Removes a file; one that is not there is no error.
    ///
    /// # Errors
    ///
    /// [`RemoteError`].
    pub fn remove(&self, name: &str) -> Result<(), RemoteError> {
        let path = self.path(name)?;
        match self.runtime.block_on(self.store.delete(&path)) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.not_written(&error, name)),
        }
    }

    fn path(&self, name: &str) -> Result<Path, RemoteError> {
        let whole = match (self.location.pattern.as_str(), name) {
            ("", name) => name.to_owned(),
            (folder, "") => folder.to_owned(),
            (folder, name) => format!("{folder}/{name}"),
        };
        Path::parse(&whole).map_err(|error| RemoteError::Settings {
            url: self.url_of(name),
            reason: error.to_string(),
        })
    }

    fn failed(&self, error: &Error, name: &str) -> RemoteError {
        translate(error, &self.url_of(name), &self.location, &self.environment)
    }

    fn not_written(&self, error: &Error, name: &str) -> RemoteError {
        match self.failed(error, name) {
            RemoteError::Unavailable { url, reason } => RemoteError::NotWritten { url, reason },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_that_can_be_written_to() {
        let open =
            |url: &str| Folder::open(url, &Environment::default()).map(|folder| folder.url());
        let said = |url: &str| open(url).unwrap_err().to_string();
        assert_eq!(
            said("https://host/models"),
            "`https://host/models`: files cannot be written to a web server, expected a folder of `s3://`, `gs://`, `az://` or `abfs://`"
        );
        assert!(said("s3://b/taxi*").contains("to a pattern"));
        assert!(said("file:///models").contains("none of the stores"));
        let environment = Environment::new([("AWS_SKIP_SIGNATURE".to_owned(), "true".to_owned())]);
        let folder = Folder::open("s3://b/models/taxi/", &environment).unwrap();
        assert_eq!(folder.url(), "s3://b/models/taxi");
        assert_eq!(folder.url_of("1/READY"), "s3://b/models/taxi/1/READY");
        assert_eq!(Folder::open("s3://b", &environment).unwrap().url_of("1"), "s3://b/1");
    }
}
