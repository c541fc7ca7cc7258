//! Pushing a model, and looking whether what was pushed is still there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base::{IoError, publish};

use crate::PushError;
use crate::lock::PushLock;
use crate::manifest::{Manifest, READY};
use crate::serialize;
use crate::versions::{MAX_VERSION, numbered};

/// A version of a serving directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The folder of the version.
    pub dir: PathBuf,
    /// Its number.
    pub version: u64,
    /// Whether this push made it; otherwise the newest version held the same already.
    pub is_new: bool,
}

/// Makes a model's folder the newest version of a serving directory.
///
/// The version is `now_seconds`, or the next number above all that are there, so that servers, which take the
/// largest, take this one even if a clock goes wrong. When the newest version is whole and has the same content
/// it is returned, and nothing is copied: a push that was interrupted before it was written down can be
/// repeated. Pushes into one directory wait for each other. The model is read twice: to know its content, and
/// to copy it.
///
/// # Errors
///
/// [`PushError::Io`] when the model cannot be read or the directory not be written, [`PushError::Changing`]
/// when the model changes meanwhile, or one that says what in the model's folder cannot be pushed. Nothing is
/// visible then, and nothing is left.
///
/// # Source
///
/// TFX's Pusher: versions are Unix seconds, and servers must not see a version before it is whole. There the
/// marker is the file of the model that is copied last; here it is one of its own, which also says what was
/// pushed.
pub fn push(model_dir: &Path, destination: &Path, now_seconds: u64) -> Result<Pushed, PushError> {
    push_files(model_dir, &Manifest::of_model(model_dir)?, destination, now_seconds)
}

/// Makes what a version holds the newest version of a serving directory: of its own, to go back to it, or of another.
///
/// As [`push`], of exactly the files that were pushed; what a server put beside them stays where it is.
///
/// # Errors
///
/// As [`push`], and as [`verify`] where the version is not what was pushed.
pub fn push_version(
    version_dir: &Path,
    destination: &Path,
    now_seconds: u64,
) -> Result<Pushed, PushError> {
    let manifest = Manifest::of_version(version_dir)?;
    manifest.check(version_dir)?;
    push_files(version_dir, &manifest, destination, now_seconds)
}

fn push_files(
    model_dir: &Path,
    manifest: &Manifest,
    destination: &Path,
    now_seconds: u64,
) -> Result<Pushed, PushError> {
    fs::create_dir_all(destination).map_err(IoError::at("create", destination))?;
    let _lock = PushLock::acquire(destination)?;
    remove_leftovers(destination)?;
    let highest = numbered(destination)?.pop();
    if let Some((version, dir)) = &highest
        && is_same(dir, manifest)
    {
        return Ok(Pushed { dir: dir.clone(), version: *version, is_new: false });
    }

    let highest = highest.map(|(version, _)| version);
    let mut version = match highest {
        Some(highest) => now_seconds.max(highest.saturating_add(1)),
        None => now_seconds,
    };
    let staged = publish::temporary_beside(&destination.join(version.to_string()));
    let pushed = stage(model_dir, &staged, manifest).and_then(|()| {
        loop {
            if version > MAX_VERSION {
                let destination = destination.to_path_buf();
                return Err(PushError::NoNumber {
                    destination,
                    highest: highest.unwrap_or(MAX_VERSION),
                });
            }
            let dir = destination.join(version.to_string());
            match publish::publish_dir(&staged, &dir) {
                Ok(()) => return Ok(Pushed { dir, version, is_new: true }),
                // Somebody who knows no lock was faster.
                Err(error) if is_taken(&error, &dir) => version += 1,
                Err(error) => return Err(error.into()),
            }
        }
    });
    if pushed.is_err() {
        let _ = fs::remove_dir_all(&staged);
    }
    pushed
}

/// Takes a version away again, so that servers go back to the one before. It is gone at once; a server that has loaded it
/// answers from memory until another one is there.
///
/// # Errors
///
/// [`PushError::Io`] when it is there and cannot be removed.
pub fn withdraw(version_dir: &Path) -> Result<(), PushError> {
    let destination = version_dir.parent().unwrap_or(version_dir);
    let _lock = PushLock::acquire(destination)?;
    let aside = publish::temporary_beside(version_dir);
    match fs::rename(version_dir, &aside) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(IoError::at("remove", version_dir)(error).into()),
    }
    // What cannot be removed takes room and is seen by nobody; the next push tries again.
    let _ = fs::remove_dir_all(aside);
    Ok(())
}

/// Makes a version of a model's folder without copying it: a folder of links, with a marker. For servers of this machine
/// that look at it while the model stays where it is.
///
/// # Errors
///
/// As [`push`]; nothing is visible then.
pub fn link_version(model_dir: &Path, version_dir: &Path) -> Result<(), PushError> {
    let manifest = Manifest::of_model(model_dir)?;
    let model_dir = std::path::absolute(model_dir).map_err(IoError::at("read", model_dir))?;
    let staged = publish::temporary_beside(version_dir);
    let linked = || -> Result<(), PushError> {
        fs::create_dir_all(&staged).map_err(IoError::at("create", &staged))?;
        for name in manifest.files().keys() {
            let to = staged.join(name);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).map_err(IoError::at("create", parent))?;
            }
            std::os::unix::fs::symlink(model_dir.join(name), &to)
                .map_err(IoError::at("write", &to))?;
        }
        publish::write_file(&staged.join(READY), serialize::write(&manifest).as_bytes())?;
        Ok(publish::publish_dir(&staged, version_dir)?)
    };
    linked().inspect_err(|_| {
        // The error says more than a failure to tidy up would.
        let _ = fs::remove_dir_all(&staged);
    })
}

/// Makes sure that a version is there, ready, and what was pushed, byte by byte.
///
/// # Errors
///
/// [`PushError::Gone`], [`PushError::NotReady`], [`PushError::MissingFile`], [`PushError::Damaged`], an error
/// that says why the marker cannot be read, or [`PushError::Io`].
pub fn verify(dir: &Path) -> Result<(), PushError> {
    Manifest::of_version(dir)?.check(dir)
}

/// Returns whether a version is whole and holds just this; whatever is wrong with it, it is not.
pub(crate) fn is_same(dir: &Path, manifest: &Manifest) -> bool {
    Manifest::of_version(dir).is_ok_and(|there| there == *manifest && there.check(dir).is_ok())
}

/// Copies a model, and puts the marker behind it.
pub(crate) fn stage(model_dir: &Path, staged: &Path, manifest: &Manifest) -> Result<(), PushError> {
    fs::create_dir(staged).map_err(IoError::at("create", staged))?;
    for name in manifest.files().keys() {
        let (from, to) = (model_dir.join(name), staged.join(name));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(IoError::at("create", parent))?;
        }
        copy(&from, &to)?;
    }
    manifest.check(staged).map_err(|error| match error {
        PushError::Damaged { path, .. } => {
            let name = path.strip_prefix(staged).unwrap_or(&path);
            PushError::Changing { path: model_dir.join(name) }
        }
        other => other,
    })?;
    publish::write_file(&staged.join(READY), serialize::write(manifest).as_bytes())?;
    Ok(())
}

/// Copies a file; says which of the two it was that failed.
fn copy(from: &Path, to: &Path) -> Result<(), IoError> {
    let mut source = fs::File::open(from).map_err(IoError::at("read", from))?;
    let mut target = fs::File::create_new(to).map_err(IoError::at("write", to))?;
    io::copy(&mut source, &mut target).map_err(IoError::at("write", to)).map(drop)
}

fn is_taken(error: &IoError, dir: &Path) -> bool {
    let kinds = [io::ErrorKind::AlreadyExists, io::ErrorKind::DirectoryNotEmpty];
    kinds.contains(&error.io_kind()) && dir.symlink_metadata().is_ok()
}

/// Removes what interrupted pushes left. Called with the lock, when nobody else is staging.
pub(crate) fn remove_leftovers(destination: &Path) -> Result<(), IoError> {
    for entry in fs::read_dir(destination).map_err(IoError::at("read", destination))? {
        let entry = entry.map_err(IoError::at("read", destination))?;
        if publish::is_temporary(&entry.file_name()) {
            let path = entry.path();
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            // What cannot be removed takes room and is seen by nobody.
            let _ = if is_dir { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
