//! A model in a folder of its own, where the one before was.

use std::fs;
use std::path::Path;

use base::{IoError, publish};

use crate::PushError;
use crate::lock::PushLock;
use crate::manifest::Manifest;
use crate::push::{is_same, remove_leftovers, stage};

/// Puts a model into a folder, in the place of one that was pushed there before; for programs that load a folder by its
/// name and know no versions.
///
/// The copy is made beside the folder, synced and checked before anything is taken away; then the two are exchanged by
/// two renames, between which, for a moment, there is no folder. Returns whether the model is another one than before.
///
/// # Errors
///
/// As [`push`](crate::push), and [`PushError::NotOurs`] where there is something that was not pushed.
pub fn replace(model_dir: &Path, destination: &Path) -> Result<bool, PushError> {
    let manifest = Manifest::of_model(model_dir)?;
    let parent = match destination.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(IoError::at("create", parent))?;
    let _lock = PushLock::acquire(parent)?;
    remove_leftovers(parent)?;
    let is_there = destination.symlink_metadata().is_ok();
    if is_there && is_same(destination, &manifest) {
        return Ok(false);
    }
    let is_empty = || fs::read_dir(destination).is_ok_and(|mut entries| entries.next().is_none());
    // Whatever is wrong with what was pushed, a marker says that it was.
    if is_there && !destination.join(crate::READY).is_file() && !is_empty() {
        return Err(PushError::NotOurs { path: destination.to_path_buf() });
    }
    let staged = publish::temporary_beside(destination);
    let replaced = stage(model_dir, &staged, &manifest).and_then(|()| {
        let old = publish::temporary_beside(destination);
        if is_there {
            fs::rename(destination, &old).map_err(IoError::at("write", destination))?;
        }
        let published = publish::publish_dir(&staged, destination);
        if published.is_err() && is_there {
            // What was there is better than nothing; the error says more than another one would.
            let _ = fs::rename(&old, destination);
        }
        published?;
        if is_there {
            // What cannot be removed takes room and is seen by nobody.
            let _ = fs::remove_dir_all(&old);
        }
        Ok(true)
    });
    if replaced.is_err() {
        let _ = fs::remove_dir_all(&staged);
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(dir: &Path, text: &str) {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("config.json"), text).unwrap();
    }

    #[test]
    fn a_model_takes_the_place_of_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two, to) =
            (dir.path().join("one"), dir.path().join("two"), dir.path().join("models/lm"));
        model(&one, "1");
        fs::write(one.join("only_here"), "").unwrap();
        model(&two, "2");
        assert!(replace(&one, &to).unwrap());
        assert!(!replace(&one, &to).unwrap());
        assert!(replace(&two, &to).unwrap());
        assert_eq!(fs::read_to_string(to.join("config.json")).unwrap(), "2");
        assert!(!to.join("only_here").exists());
        crate::verify(&to).unwrap();
        // Nothing is left beside it.
        assert_eq!(fs::read_dir(dir.path().join("models")).unwrap().count(), 1);
        // One that was changed is put in order again.
        fs::write(to.join("config.json"), "3").unwrap();
        assert!(replace(&two, &to).unwrap());
        crate::verify(&to).unwrap();
    }

    #[test]
    fn what_was_not_pushed_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (one, to) = (dir.path().join("one"), dir.path().join("thesis"));
        model(&one, "1");
        fs::create_dir(&to).unwrap();
        assert!(replace(&one, &to).unwrap());
        fs::remove_file(to.join(crate::READY)).unwrap();
        let error = replace(&one, &to).unwrap_err();
        assert!(matches!(error, PushError::NotOurs { .. }), "{error}");
        assert!(to.join("config.json").is_file());
    }
}
