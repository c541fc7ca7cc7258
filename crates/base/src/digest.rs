//! Content fingerprints: the same bytes give the same digest, whatever their times and owners.

use std::fmt;
use std::fs::File;
use std::path::Path;

use crate::IoError;

/// A 256-bit BLAKE3 digest, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Returns the digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Returns the first 12 digits, enough to tell digests apart on a screen.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Builds a digest from labelled parts; every part is length-prefixed, so parts never run together.
#[derive(Default)]
pub struct DigestBuilder(blake3::Hasher);

impl DigestBuilder {
    /// Adds one labelled part.
    #[must_use]
    pub fn part(mut self, label: &str, bytes: &[u8]) -> Self {
        for piece in [label.as_bytes(), bytes] {
            self.0.update(&(piece.len() as u64).to_le_bytes());
            self.0.update(piece);
        }
        self
    }

    /// Returns the digest of all parts.
    pub fn finish(self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

/// Returns the digest of a file's bytes.
///
/// # Errors
///
/// [`IoError`] when the file cannot be opened or read.
pub fn digest_file(path: &Path) -> Result<Digest, IoError> {
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path).map_err(IoError::at("read", path))?;
    hasher.update_reader(file).map_err(IoError::at("read", path))?;
    Ok(Digest(*hasher.finalize().as_bytes()))
}

/// Returns the digest of a folder: every file's relative path and bytes, in the order of their paths.
///
/// # Errors
///
/// [`IoError`] when something below `root` cannot be read.
pub fn digest_tree(root: &Path) -> Result<Digest, IoError> {
    let mut files = Vec::new();
    collect(root, "", &mut files)?;
    files.sort_unstable();
    let mut builder = DigestBuilder::default();
    for name in files {
        builder = builder.part(&name, &digest_file(&root.join(&name))?.0);
    }
    Ok(builder.finish())
}

fn collect(root: &Path, prefix: &str, files: &mut Vec<String>) -> Result<(), IoError> {
    let dir = root.join(prefix);
    for entry in std::fs::read_dir(&dir).map_err(IoError::at("read", &dir))? {
        let entry = entry.map_err(IoError::at("read", &dir))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let relative = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = entry.file_type().map_err(IoError::at("read", &entry.path()))?;
        if kind.is_dir() {
            collect(root, &relative, files)?;
        } else {
            files.push(relative);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_never_run_together() {
        let one = DigestBuilder::default().part("a", b"bc").finish();
        let other = DigestBuilder::default().part("ab", b"c").finish();
        assert_ne!(one, other);
    }

    #[test]
    fn a_tree_is_its_names_and_bytes() {
        let make = |name: &str, text: &str| {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir(dir.path().join("sub")).unwrap();
            std::fs::write(dir.path().join("sub").join(name), text).unwrap();
            digest_tree(dir.path()).unwrap()
        };
        assert_eq!(make("a", "x"), make("a", "x"));
        assert_ne!(make("a", "x"), make("b", "x"));
        assert_ne!(make("a", "x"), make("a", "y"));
    }
}
