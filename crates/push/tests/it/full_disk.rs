//! A disk that is full, and one that cannot be written to.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use base::{BoxError, Classify, ErrorKind};

/// A file system of 1 MiB in memory; needs the right to mount.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(test: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], dir.path());
        if !mounted {
            println!("SKIPPED {test}: mounting a small disk is not permitted here");
            return None;
        }
        Some(Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn mount(options: &[&str], dir: &Path) -> bool {
    let status = Command::new("mount").args(options).arg(dir).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn a_disk_without_room_gets_no_half_version() {
    let Some(disk) = SmallDisk::mount("a_disk_without_room_gets_no_half_version") else { return };
    let model = tempfile::tempdir().unwrap();
    fs::write(model.path().join("a"), vec![1; 300 << 10]).unwrap();
    let serving = disk.0.path().join("serving");
    let first = push::push(model.path(), &serving, 1).unwrap();

    fs::write(model.path().join("b"), vec![2; 600 << 10]).unwrap();
    let error = push::push(model.path(), &serving, 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.hint().unwrap().contains("free some space"), "{error:?}");
    assert!(BoxError::from(error).to_string().contains("No space left on device"));
    push::verify(&first.dir).unwrap();
    assert_eq!(push::newest(&serving).unwrap(), Some(first.dir.clone()));
    assert_eq!(fs::read_dir(&serving).unwrap().count(), 1);

    fs::write(model.path().join("b"), "small").unwrap();
    assert_eq!(push::push(model.path(), &serving, 2).unwrap().version, 2);
}

#[test]
fn a_disk_that_cannot_be_written_to_is_named() {
    let Some(disk) = SmallDisk::mount("a_disk_that_cannot_be_written_to_is_named") else { return };
    let model = tempfile::tempdir().unwrap();
    fs::write(model.path().join("a"), "a").unwrap();
    if !mount(&["-o", "remount,ro"], disk.0.path()) {
        println!(
            "SKIPPED a_disk_that_cannot_be_written_to_is_named: mounting read-only is not permitted here"
        );
        return;
    }
    let error = push::push(model.path(), &disk.0.path().join("serving"), 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let said = BoxError::from(error).to_string();
    assert!(said.contains("serving: Read-only file system"), "{said}");
}
