//! In which form predictions are written.

use std::fmt;
use std::path::Path;

use formats::tfrecord::Compression;

/// In which form predictions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated text with a header. A missing value is an empty cell, an empty text two quotes; a list of a
    /// fixed length is a column for each place, `prediction_0` and so on, and other lists are JSON.
    Csv,
    /// One JSON object in each line, with every column. NaN and infinities are the texts `NaN`, `Infinity` and
    /// `-Infinity`; bytes that are no text are `{"b64": "…"}`.
    JsonLines,
    /// Parquet, with the columns as they are.
    Parquet,
    /// TFRecord files of `tf.Example`, one feature for each column; missing values have no feature.
    TfRecord(Compression),
}

impl Format {
    /// Returns the format that a file's name ends with, if it is one of these.
    pub fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let all = [
            (".csv", Self::Csv),
            (".jsonl", Self::JsonLines),
            (".ndjson", Self::JsonLines),
            (".parquet", Self::Parquet),
            (".tfrecord", Self::TfRecord(Compression::None)),
            (".tfrecord.gz", Self::TfRecord(Compression::Gzip)),
        ];
        all.into_iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, format)| format)
    }

    /// Returns what the names of such files end with, the dot before it.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Csv => ".csv",
            Self::JsonLines => ".jsonl",
            Self::Parquet => ".parquet",
            Self::TfRecord(Compression::None) => ".tfrecord",
            Self::TfRecord(Compression::Gzip) => ".tfrecord.gz",
            Self::TfRecord(Compression::Zlib) => ".tfrecord.zlib",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.suffix().trim_start_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_format_and_a_format_its_names() {
        let all = [
            Format::Csv,
            Format::JsonLines,
            Format::Parquet,
            Format::TfRecord(Compression::None),
            Format::TfRecord(Compression::Gzip),
        ];
        for format in all {
            let name = format!("dir.csv/a{}", format.suffix());
            assert_eq!(Format::of_path(Path::new(&name)), Some(format));
        }
        assert_eq!(Format::of_path(Path::new("a.CSV")), Some(Format::Csv));
        assert_eq!(Format::of_path(Path::new("a.txt")), None);
        assert_eq!(Format::of_path(Path::new("csv")), None);
    }
}
