//! Files brought here, into a folder that goes away with whoever holds it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use base::IoError;
use futures::{StreamExt, TryStreamExt};
use object_store::GetOptions;
use tempfile::TempDir;

use crate::find::quoted;
use crate::store::{open, translate};
use crate::{Environment, RemoteError, RemoteFile};

/// Files brought here at the same time.
const AT_ONCE: usize = 4;

/// The longest file name that every disk takes, in bytes, with room to spare.
const NAME_BYTES: usize = 200;

/// Files of stores that lie here for as long as this value lives.
#[derive(Debug)]
pub struct Fetched {
    dir: TempDir,
    files: Vec<(PathBuf, String)>,
}

impl Fetched {
    /// Returns where the files lie, in the order in which they were asked for.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// Returns a text in which the paths of the files are their URLs.
    pub fn with_urls(&self, text: &str) -> String {
        let dir = self.dir.path().display().to_string();
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once(dir.as_str()) {
            let at = &rest[before.len()..];
            let file = self.files.iter().find_map(|(path, url)| {
                let path = path.display().to_string();
                at.starts_with(&path).then_some((path.len(), url))
            });
            shown.push_str(before);
            rest = match file {
                Some((len, url)) => {
                    shown.push_str(url);
                    &at[len..]
                }
                None => {
                    shown.push_str(&dir);
                    behind
                }
            };
        }
        shown.push_str(rest);
        shown
    }

    /// Returns the URL of a file that lies at a path.
    pub fn url_of(&self, path: &Path) -> Option<&str> {
        self.files.iter().find(|(file, _)| file == path).map(|(_, url)| url.as_str())
    }
}

/// Brings files here, several at a time, into a new folder below the one for temporary files (`TMPDIR`).
///
/// Each is what it was when it was found: the store is asked for that very content. `is_cancelled` is asked again and
/// again.
///
/// # Errors
///
/// [`RemoteError`], such as [`RemoteError::Changed`]; nothing is left behind then.
pub fn fetch(
    files: &[RemoteFile],
    environment: &Environment,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Fetched, RemoteError> {
    let here = std::env::temp_dir();
    let dir = tempfile::Builder::new().prefix("cupola-").tempdir_in(&here);
    let dir = dir.map_err(IoError::at("create a folder in", &here))?;
    let mut placed = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        // Each file has a folder of its own, so that it can have the name that it has there.
        let folder = dir.path().join(format!("{index:06}"));
        std::fs::create_dir(&folder).map_err(IoError::at("create", &folder))?;
        placed.push((folder.join(file_name(file.url())), file.url().to_owned()));
    }
    block_on(async {
        let jobs = files.iter().zip(&placed);
        futures::stream::iter(jobs)
            .map(|(file, (path, _))| bring(file, path, environment, is_cancelled))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
    })??;
    Ok(Fetched { dir, files: placed })
}

/// Returns the last part of a URL; of one that no disk would take, the end.
fn file_name(url: &str) -> &str {
    let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let mut from = name.len().saturating_sub(NAME_BYTES);
    while !name.is_char_boundary(from) {
        from += 1;
    }
    &name[from..]
}

async fn bring(
    file: &RemoteFile,
    path: &Path,
    environment: &Environment,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<(), RemoteError> {
    let store = open(&file.location, environment)?;
    let url = file.url();
    let fail = |error| translate(&error, url, &file.location, environment);
    let changed = || RemoteError::Changed { url: url.to_owned() };
    // A weak tag says that two contents are as good as the same, and matches nothing by the rules of HTTP.
    let tag = file.meta.e_tag.clone().filter(|tag| !tag.starts_with("W/"));
    let version = file.meta.version.clone().filter(|_| tag.is_none());
    let options = GetOptions { if_match: tag, version, ..GetOptions::default() };
    let answer = store.get_opts(&file.meta.location, options).await;
    let answer = answer.map_err(|error| match fail(error) {
        // It was there a moment ago.
        RemoteError::NoFiles { .. } => changed(),
        other => other,
    })?;
    if answer.meta.size != file.meta.size || quoted(answer.meta.e_tag.clone()) != file.meta.e_tag {
        return Err(changed());
    }
    let mut out = File::create(path).map_err(IoError::at("write", path))?;
    let mut num_bytes = 0;
    let mut chunks = answer.into_stream();
    while let Some(chunk) = chunks.next().await {
        if is_cancelled() {
            return Err(RemoteError::Cancelled);
        }
        let chunk = chunk.map_err(fail)?;
        num_bytes += chunk.len() as u64;
        out.write_all(&chunk).map_err(IoError::at("write", path))?;
    }
    if num_bytes == file.meta.size { Ok(()) } else { Err(changed()) }
}

/// Waits for a future, on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, RemoteError> {
    Ok(runtime()?.block_on(future))
}

/// Returns what waits for futures, on the thread that waits.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, RemoteError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(IoError::at("start what reads", Path::new("files of stores")))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_as_urls() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("000000/rides.csv");
        let here = dir.path().display().to_string();
        let fetched = Fetched { dir, files: vec![(path.clone(), "s3://b/rides.csv".to_owned())] };
        let text =
            format!("{}:17: bad, unlike {here}/other and {}", path.display(), path.display());
        assert_eq!(
            fetched.with_urls(&text),
            format!("s3://b/rides.csv:17: bad, unlike {here}/other and s3://b/rides.csv")
        );
        assert_eq!(fetched.url_of(&path), Some("s3://b/rides.csv"));
    }

    #[test]
    fn a_name_is_one_that_the_disk_takes() {
        assert_eq!(file_name("s3://b/data/rides.csv"), "rides.csv");
        let long = format!("s3://b/{}.csv", "ä".repeat(300));
        assert!(file_name(&long).len() <= NAME_BYTES && file_name(&long).ends_with(".csv"));
    }
}
