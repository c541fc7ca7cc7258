//! Lines of files that somebody else is writing.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use base::IoError;

/// How much is read at once.
const READ_BYTES: u64 = 1 << 20;

/// A line longer than this is cut.
const MAX_LINE_BYTES: usize = 1 << 20;

/// Reads whole lines of a growing file, each once.
pub struct LineReader {
    path: PathBuf,
    offset: u64,
    rest: Vec<u8>,
}

impl LineReader {
    /// Returns a reader of the lines behind the first `offset` bytes. The file need not be there yet.
    pub fn new(path: &Path, offset: u64) -> Self {
        Self { path: path.to_path_buf(), offset, rest: Vec::new() }
    }

    /// Returns the lines that have become whole since the last time; of a file that is not there, none.
    ///
    /// Bytes that are not UTF-8 are shown as replacement characters; a line of more than 1 MiB is cut in parts.
    ///
    /// # Errors
    ///
    /// [`IoError`] when the file cannot be read.
    pub fn lines(&mut self) -> Result<Vec<String>, IoError> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(IoError::at("read", &self.path)(error)),
        };
        let mut lines = Vec::new();
        file.seek(SeekFrom::Start(self.offset)).map_err(IoError::at("read", &self.path))?;
        loop {
            let start = self.rest.len();
            let read = (&mut file).take(READ_BYTES).read_to_end(&mut self.rest);
            let read = read.map_err(IoError::at("read", &self.path))?;
            self.offset += read as u64;
            let mut begin = 0;
            let mut from = start;
            while let Some(at) = self.rest[from..].iter().position(|byte| *byte == b'\n') {
                lines.push(text(&self.rest[begin..from + at]));
                begin = from + at + 1;
                from = begin;
            }
            self.rest.drain(..begin);
            if self.rest.len() > MAX_LINE_BYTES {
                lines.push(text(&self.rest));
                self.rest.clear();
            }
            if read == 0 {
                return Ok(lines);
            }
        }
    }

    /// Returns the last line, where it does not end.
    pub fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.rest);
        (!rest.is_empty()).then(|| text(&rest))
    }
}

/// Returns the last lines of a file, with the newlines between them; of a file that cannot be read, nothing.
pub fn last_lines(path: &Path, count: usize) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(64 << 10)))?;
        let mut bytes = Vec::new();
        file.take(64 << 10).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = text(&read().unwrap_or_default());
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Returns bytes as text without what would move a terminal's cursor.
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n')).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_come_once_they_are_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        let mut reader = LineReader::new(&path, 0);
        assert!(reader.lines().unwrap().is_empty());
        let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        file.write_all(b"one\ntw").unwrap();
        assert_eq!(reader.lines().unwrap(), ["one"]);
        file.write_all(b"o\n\xff\n").unwrap();
        assert_eq!(reader.lines().unwrap(), ["two", "\u{fffd}"]);
        file.write_all(b"end").unwrap();
        assert!(reader.lines().unwrap().is_empty());
        assert_eq!(reader.rest().as_deref(), Some("end"));
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, vec![b'x'; 5 << 20]).unwrap();
        let mut reader = LineReader::new(&path, 0);
        let lines = reader.lines().unwrap();
        assert!(lines.len() >= 2 && lines.iter().all(|line| line.len() <= 2 << 20));
    }

    #[test]
    fn the_last_lines_are_those_that_say_something() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "a\n\nb\n\u{1b}[31mc\n\n").unwrap();
        assert_eq!(last_lines(&path, 2), "b\n[31mc");
        assert_eq!(last_lines(&dir.path().join("absent"), 2), "");
    }
}
