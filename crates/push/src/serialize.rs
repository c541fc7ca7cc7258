//! The ready marker as it is stored. All versions are read, the newest is written.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::PushError;
use crate::manifest::{FileRecord, Manifest};

const VERSION: u64 = 1;

#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V1 {
    version: u64,
    files: BTreeMap<String, FileV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileV1 {
    bytes: u64,
    blake3: String,
}

/// Returns the text of a ready marker.
pub(crate) fn write(manifest: &Manifest) -> String {
    let files = manifest.files().iter().map(|(name, record)| {
        (name.clone(), FileV1 { bytes: record.bytes, blake3: record.digest.clone() })
    });
    let stored = V1 { version: VERSION, files: files.collect() };
    serde_json::to_string_pretty(&stored).expect("names and numbers print") + "\n"
}

/// Reads the text of a ready marker that lies at `path`.
pub(crate) fn read(path: &Path, text: &[u8]) -> Result<Manifest, PushError> {
    let bad = |source| PushError::Manifest { path: path.to_path_buf(), source };
    let AnyVersion { version } = serde_json::from_slice(text).map_err(bad)?;
    if version > VERSION {
        let path = path.to_path_buf();
        return Err(PushError::ManifestVersion { path, found: version, newest: VERSION });
    }
    let stored: V1 = serde_json::from_slice(text).map_err(bad)?;
    let files = stored
        .files
        .into_iter()
        .map(|(name, file)| (name, FileRecord { bytes: file.bytes, digest: file.blake3 }));
    Manifest::from_stored(path, files.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        match read(Path::new("1/READY"), text.as_bytes()) {
            Ok(manifest) => format!("{:?}", manifest.files()),
            Err(error) => format!("error: {}", base::BoxError::from(error)),
        }
    }

    #[test]
    fn version_1_stays_readable() {
        let text = r#"{"version": 1, "files": {"a/b": {"bytes": 3, "blake3": "00ff"}}}"#;
        assert_eq!(said(text), r#"{"a/b": FileRecord { bytes: 3, digest: "00ff" }}"#);
        let manifest = read(Path::new("READY"), text.as_bytes()).unwrap();
        assert_eq!(read(Path::new("READY"), write(&manifest).as_bytes()).unwrap(), manifest);
    }

    #[test]
    fn what_is_no_marker_is_said() {
        assert!(said("").starts_with("error: 1/READY: not a record of files: "));
        assert!(said("READY").starts_with("error: 1/READY: not a record of files: "));
        assert_eq!(
            said(r#"{"version": 2, "tree": []}"#),
            "error: 1/READY: format version 2, expected at most 1"
        );
        for name in ["../weights", "/etc/passwd", "a/../../b", "", ".", "a//b", "READY"] {
            let text =
                format!(r#"{{"version": 1, "files": {{"{name}": {{"bytes": 1, "blake3": ""}}}}}}"#);
            assert!(said(&text).ends_with("which is not a path within the version"), "{name}");
        }
    }
}
