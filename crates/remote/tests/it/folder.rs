//! Files written to an S3-compatible server.

use remote::{Environment, Folder, RemoteError};

use crate::server::S3;

#[test]
fn files_are_written_listed_and_removed() {
    let Some(server) = S3::start("files_are_written_listed_and_removed", &[]) else { return };
    let environment = Environment::new(server.variables());
    server.put("/models", b"");
    let folder = Folder::open("s3://models/taxi", &environment).unwrap();
    assert_eq!(folder.folders().unwrap(), [""; 0]);
    assert_eq!(folder.read("1/READY").unwrap(), None);

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("weights");
    // More than two parts, and no whole number of them.
    let large: Vec<u8> = (0..5_000_001_u32).flat_map(u32::to_le_bytes).collect();
    std::fs::write(&path, &large).unwrap();
    let mut seen = 0;
    folder.send("1/model/weights", &path, &mut |part| seen += part.len(), &|| false).unwrap();
    assert_eq!(seen, large.len());
    assert!(folder.read("1/model/weights").unwrap().is_some_and(|found| found == large));
    std::fs::write(&path, b"").unwrap();
    folder.send("1/empty", &path, &mut |_| {}, &|| false).unwrap();
    folder.write("2/a b%c", b"x").unwrap();

    let files = folder.files("").unwrap();
    let files: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.num_bytes)).collect();
    assert_eq!(files, [("1/empty", 0), ("1/model/weights", 20_000_004), ("2/a b%c", 1)]);
    assert!(folder.files("").unwrap()[0].modified_seconds > 1_700_000_000);
    assert_eq!(folder.files("1/model").unwrap().len(), 1);
    assert_eq!(folder.folders().unwrap(), ["1", "2"]);

    // Only the first makes it.
    assert!(folder.create("3/claim", b"mine").unwrap());
    assert!(!folder.create("3/claim", b"yours").unwrap());
    assert_eq!(folder.read("3/claim").unwrap().as_deref(), Some(b"mine".as_slice()));
    folder.remove("3/claim").unwrap();
    folder.remove("3/claim").unwrap();
    assert_eq!(folder.folders().unwrap(), ["1", "2"]);

    // What was cancelled leaves no file.
    std::fs::write(&path, &large).unwrap();
    let said = folder.send("4/weights", &path, &mut |_| {}, &|| true).unwrap_err();
    assert!(matches!(said, RemoteError::Cancelled), "{said}");
    let cancelled = std::cell::Cell::new(0);
    let later = || cancelled.replace(cancelled.get() + 1) > 1;
    let said = folder.send("4/weights", &path, &mut |_| {}, &later).unwrap_err();
    assert!(matches!(said, RemoteError::Cancelled), "{said}");
    assert_eq!(folder.files("4").unwrap(), []);

    let nowhere = Folder::open("s3://nowhere/taxi", &environment).unwrap();
    let said = nowhere.write("1/READY", b"").unwrap_err().to_string();
    assert_eq!(said, "`s3://nowhere`: there is no such bucket");
}
