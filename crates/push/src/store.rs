//! A serving directory in an object store.
//!
//! The layout is that of a directory: `URL/VERSION/...` with the marker `READY` last, of a TensorFlow SavedModel
//! `saved_model.pb` right before it. A store has no rename, so others can see the files of a version that is not whole:
//! without its marker it is none. A file `PUSHING` is there from the first file to the marker, and is made by one push
//! only; so two that begin in one second do not mix.

use std::collections::BTreeMap;
use std::path::Path;

use remote::{Environment, Folder};

use crate::PushError;
use crate::manifest::{Manifest, READY};
use crate::serialize;
use crate::versions::{MAX_VERSION, number_of};

/// The file of a version that is being pushed.
const PUSHING: &str = "PUSHING";

/// What TensorFlow Serving takes for the sign that a version is whole.
const SAVED_MODEL: &str = "saved_model.pb";

/// After how many seconds a version that never got its marker is removed.
const ABANDONED_SECONDS: i64 = 24 * 60 * 60;

/// A version of a serving directory in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The URL of the version's folder.
    pub url: String,
    /// Its number.
    pub version: u64,
    /// Whether this push made it; otherwise the newest version held the same already.
    pub is_new: bool,
}

/// Makes a model's folder the newest version of a serving directory in a store.
///
/// As [`push`](crate::push), with two differences: a push that dies leaves a version without a marker, which a push a day
/// later removes; and of the newest version only the marker and the sizes of files are compared with what is to be pushed,
/// not their content. A push that fails removes what it wrote.
///
/// # Errors
///
/// [`PushError::Remote`] when the store refuses, and as `push` for what cannot be pushed.
pub fn push_to_store(
    model_dir: &Path,
    folder: &Folder,
    now_seconds: u64,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Stored, PushError> {
    let manifest = Manifest::of_model(model_dir)?;
    let mut versions: Vec<(u64, String)> = folder
        .folders()?
        .into_iter()
        .filter_map(|name| number_of(&name).map(|number| (number, name)))
        .collect();
    versions.sort();
    let mut newest = None;
    for (number, name) in versions.iter().rev() {
        if let Some(marker) = folder.read(&format!("{name}/{READY}"))? {
            newest = Some((*number, name.clone(), marker));
            break;
        }
    }
    if let Some((version, name, marker)) = &newest
        && is_same(folder, name, marker, &manifest)?
    {
        return Ok(Stored { url: folder.url_of(name), version: *version, is_new: false });
    }

    let highest = versions.last().map(|(number, _)| *number);
    let mut version =
        highest.map_or(now_seconds, |highest| now_seconds.max(highest.saturating_add(1)));
    let name = loop {
        if version > MAX_VERSION {
            let (destination, highest) = (folder.url().into(), highest.unwrap_or(MAX_VERSION));
            return Err(PushError::NoNumber { destination, highest });
        }
        let name = version.to_string();
        if folder.create(&format!("{name}/{PUSHING}"), b"")? {
            break name;
        }
        // Somebody else began in the same second.
        version += 1;
    };
    let sent = send(model_dir, folder, &name, &manifest, is_cancelled);
    if sent.is_err() {
        // The first error is the one to be told.
        let _ = remove(folder, &name);
    }
    sent?;
    // It is whole from here on; what is left over does no harm.
    let _ = folder.remove(&format!("{name}/{PUSHING}"));
    remove_abandoned(folder, &versions, now_seconds);
    Ok(Stored { url: folder.url_of(&name), version, is_new: true })
}

/// Makes sure that a version in a store is there and ready, with every file of its marker in its size.
///
/// # Errors
///
/// [`PushError::Remote`], or one that says what is wrong with the version.
pub fn verify_stored(url: &str, environment: &Environment) -> Result<(), PushError> {
    let folder = Folder::open(url, environment)?;
    let Some(marker) = folder.read(READY)? else {
        return Err(PushError::Gone { dir: url.into() });
    };
    let manifest = serialize::read(Path::new(&folder.url_of(READY)), &marker)?;
    check_sizes(&folder, "", &manifest)
}

fn is_same(
    folder: &Folder,
    name: &str,
    marker: &[u8],
    manifest: &Manifest,
) -> Result<bool, PushError> {
    let path = folder.url_of(&format!("{name}/{READY}"));
    let is_like = serialize::read(Path::new(&path), marker).is_ok_and(|there| there == *manifest);
    match is_like.then(|| check_sizes(folder, name, manifest)) {
        None | Some(Err(PushError::MissingFile { .. } | PushError::Damaged { .. })) => Ok(false),
        Some(Ok(())) => Ok(true),
        Some(Err(error)) => Err(error),
    }
}

fn check_sizes(folder: &Folder, name: &str, manifest: &Manifest) -> Result<(), PushError> {
    let prefix = if name.is_empty() { String::new() } else { format!("{name}/") };
    let found: BTreeMap<String, u64> = folder
        .files(name)?
        .into_iter()
        .filter_map(|file| Some((file.name.strip_prefix(&prefix)?.to_owned(), file.num_bytes)))
        .collect();
    for (file, record) in manifest.files() {
        let path = || folder.url_of(&format!("{prefix}{file}")).into();
        match found.get(file) {
            None => return Err(PushError::MissingFile { path: path() }),
            Some(bytes) if *bytes != record.bytes => {
                let shown = |bytes: u64| format!("{bytes} bytes");
                let (expected, found) = (shown(record.bytes), shown(*bytes));
                return Err(PushError::Damaged { path: path(), expected, found });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Sends all files, and the marker behind them.
fn send(
    model_dir: &Path,
    folder: &Folder,
    name: &str,
    manifest: &Manifest,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<(), PushError> {
    let (first, last): (Vec<_>, Vec<_>) =
        manifest.files().iter().partition(|(file, _)| file.as_str() != SAVED_MODEL);
    for (file, record) in first.into_iter().chain(last) {
        let from = model_dir.join(file);
        let (mut hasher, mut bytes) = (blake3::Hasher::new(), 0);
        let mut see = |part: &[u8]| {
            hasher.update(part);
            bytes += part.len() as u64;
        };
        folder.send(&format!("{name}/{file}"), &from, &mut see, is_cancelled)?;
        if bytes != record.bytes || hasher.finalize().to_hex().as_str() != record.digest {
            return Err(PushError::Changing { path: from });
        }
    }
    check_sizes(folder, name, manifest)?;
    folder.write(&format!("{name}/{READY}"), serialize::write(manifest).as_bytes())?;
    Ok(())
}

/// Removes all files of a version, its marker first.
fn remove(folder: &Folder, name: &str) -> Result<(), PushError> {
    folder.remove(&format!("{name}/{READY}"))?;
    for file in folder.files(name)? {
        folder.remove(&file.name)?;
    }
    Ok(())
}

/// Removes versions that a push began long ago and never finished. Whatever goes wrong, the next push tries again.
fn remove_abandoned(folder: &Folder, versions: &[(u64, String)], now_seconds: u64) {
    let now = i64::try_from(now_seconds).unwrap_or(i64::MAX);
    for (_, name) in versions {
        let Ok(files) = folder.files(name) else { continue };
        let find = |file: &str| files.iter().find(|it| it.name == format!("{name}/{file}"));
        let is_old = find(PUSHING)
            .is_some_and(|file| now.saturating_sub(file.modified_seconds) > ABANDONED_SECONDS);
        if is_old && find(READY).is_none() {
            let _ = remove(folder, name);
        }
    }
}
