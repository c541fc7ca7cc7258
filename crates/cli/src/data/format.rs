//! The formats of data files: told by the name's ending, and where that says nothing by what the file begins with; and
//! what stands between the cells of text.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use dataset::{CsvFiles, TextReader};
use formats::example::has_feature_lists;
use formats::tfrecord::{Compression, RecordReader, begins_record};
use ingest::{CsvTable, Form, Patterns, Payload, SourceConfig, TfrecordTable};

use crate::error::{CliError, print_hint, print_warning};

/// A format of rows.
pub(super) struct RowFormat {
    /// Its name, for people.
    pub(super) name: &'static str,
    /// What names of such files end with, before the ending of a compression.
    endings: &'static [&'static str],
    /// Whether a file that begins like this, decompressed, is of the format.
    begins: fn(&[u8]) -> bool,
    /// The source that reads such files.
    source: fn(Patterns) -> SourceConfig,
}

/// Every format; text that is none of the others is the first.
const FORMATS: [RowFormat; 6] = [
    RowFormat {
        name: "CSV",
        endings: &["csv", TABULATED],
        begins: |_| false,
        source: |files| SourceConfig::Csv(Form::Files(files)),
    },
    RowFormat {
        name: "Parquet",
        endings: &["parquet", "pq"],
        begins: |head| head.starts_with(b"PAR1"),
        source: |files| SourceConfig::Parquet(Form::Files(files)),
    },
    RowFormat {
        name: "JSON Lines",
        endings: &["jsonl", "ndjson", "json"],
        begins: begins_object,
        source: |files| SourceConfig::Json(Form::Files(files)),
    },
    RowFormat {
        name: "Avro",
        endings: &["avro"],
        begins: |head| head.starts_with(b"Obj\x01"),
        source: |files| SourceConfig::Avro(Form::Files(files)),
    },
    RowFormat {
        name: "Arrow",
        endings: &["arrow", "arrows", "feather", "ipc"],
        // A file, or a stream.
        begins: |head| head.starts_with(b"ARROW1") || head.starts_with(&[0xff; 4]),
        source: |files| SourceConfig::Arrow(Form::Files(files)),
    },
    RowFormat {
        name: TFRECORD,
        endings: &["tfrecord", "tfrecords"],
        begins: begins_record,
        source: |files| SourceConfig::Tfrecord(Form::Files(files)),
    },
];

const CSV: &RowFormat = &FORMATS[0];

const TFRECORD: &str = "TFRecord";

/// The ending of text whose cells have tabulators between them.
const TABULATED: &str = "tsv";

/// The endings of compressed files.
const COMPRESSED: [&str; 6] = [".gz", ".gzip", ".zst", ".zstd", ".bz2", ".zlib"];

/// Enough to tell the formats apart.
const HEAD_BYTES: usize = 512;

/// A file that lies here, and what to call it: its path, or its URL.
pub(super) struct NamedFile {
    pub(super) shown: PathBuf,
    pub(super) path: PathBuf,
}

/// How the bytes of files are to be read.
pub(super) enum Format {
    /// As rows.
    Rows(&'static RowFormat),
    /// As statistics.
    Statistics,
}

impl Format {
    /// Returns the format of a file; what nothing tells is comma-separated text if a delimiter was given.
    fn of(file: &NamedFile, delimiter: Option<&str>) -> Result<Self, CliError> {
        let ending = ending(&file.shown);
        if ending == "pb" {
            return Ok(Self::Statistics);
        }
        let by_ending = FORMATS.iter().find(|format| format.endings.contains(&ending.as_str()));
        if let Some(format) = by_ending {
            return Ok(Self::Rows(format));
        }
        let head = head(&file.path);
        match FORMATS.iter().find(|format| (format.begins)(&head)) {
            Some(format) => Ok(Self::Rows(format)),
            None if delimiter.is_some() || has_columns(&file.path) => Ok(Self::Rows(CSV)),
            None => Err(CliError::UnknownFormat { path: file.shown.clone() }),
        }
    }

    /// Returns the format that all files have; of statistics there may be one file only.
    ///
    /// # Errors
    ///
    /// [`CliError::UnknownFormat`] and [`CliError::MixedFiles`].
    pub(super) fn of_all(files: &[NamedFile], delimiter: Option<&str>) -> Result<Self, CliError> {
        let [first, others @ ..] = files else { return Ok(Self::Rows(CSV)) };
        let format = Self::of(first, delimiter)?;
        for other in others {
            let (found, expected) = match (Self::of(other, delimiter)?, &format) {
                (Self::Statistics, Self::Statistics) => {
                    ("a second file of statistics", "one only,")
                }
                (other, format) if other.name() == format.name() => continue,
                (other, format) => (other.name(), format.name()),
            };
            let (path, first) = (other.shown.clone(), first.shown.clone());
            return Err(CliError::MixedFiles { path, found, first, expected });
        }
        Ok(format)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Rows(format) => format.name,
            Self::Statistics => "statistics",
        }
    }
}

impl RowFormat {
    /// Returns whether it is comma-separated text.
    pub(super) fn is_csv(&self) -> bool {
        self.name == CSV.name
    }

    /// Returns what stands between the cells of comma-separated text like `first`: what was given, what its name says, or
    /// what is in its header, of which one is told if it is no comma.
    pub(super) fn delimiter(&self, first: &NamedFile, given: Option<&str>) -> String {
        if let Some(given) = given {
            return given.to_owned();
        }
        if ending(&first.shown) == TABULATED {
            return "\t".to_owned();
        }
        let Some(found) = beginning(&first.path).and_then(|files| files.likely_delimiter()) else {
            return ",".to_owned();
        };
        let (path, found) = (first.shown.display(), found.to_string());
        print_warning(&format!(
            "{path}: read with {found:?} between cells, as its header has no comma"
        ));
        print_hint("`--delimiter` says what stands between cells, `,` that there is one column");
        found
    }

    /// Returns the source that reads files of the format: `first`, and whatever else the patterns name.
    ///
    /// # Errors
    ///
    /// [`CliError::DelimiterOf`] for a delimiter where there are no cells to tell apart.
    pub(super) fn source(
        &self,
        patterns: Patterns,
        first: &NamedFile,
        delimiter: Option<&str>,
    ) -> Result<SourceConfig, CliError> {
        let is_csv = self.is_csv();
        if delimiter.is_some() && !is_csv {
            return Err(CliError::DelimiterOf { path: first.shown.clone(), found: self.name });
        }
        if self.name == TFRECORD && holds_sequences(&first.path) {
            return Ok(SourceConfig::Tfrecord(Form::Table(TfrecordTable {
                files: patterns.into(),
                payload: Payload::TfSequenceExample,
                features: None,
            })));
        }
        if !is_csv {
            return Ok((self.source)(patterns));
        }
        Ok(SourceConfig::Csv(Form::Table(CsvTable {
            files: patterns.into(),
            delimiter: Some(self.delimiter(first, delimiter)),
            columns: None,
            features: None,
        })))
    }
}

/// How many records are looked at to tell sequences from examples: those without feature lists are alike.
const LOOKED_AT: usize = 100;

/// Returns whether one of the first records of a file is a `tf.SequenceExample`; not where they cannot be read, which
/// who reads them next says.
fn holds_sequences(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let mut file = BufReader::new(file);
    let Ok(head) = file.fill_buf() else { return false };
    let mut records = RecordReader::new(Compression::detect(head).decoder(file));
    for _ in 0..LOOKED_AT {
        match records.next_record() {
            Ok(Some(record)) if has_feature_lists(record.data) => return true,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return false,
        }
    }
    false
}

/// Returns what a name ends with: `csv` of `a.CSV.gz`, `tfrecord` of `a.tfrecord-00000-of-00002`.
fn ending(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = COMPRESSED.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ending.split('-').next().unwrap_or_default().to_owned()
}

/// Returns what a file begins with, decompressed; nothing where it cannot be read: who reads it next says why.
fn head(path: &Path) -> Vec<u8> {
    let mut raw = Vec::new();
    let Ok(file) = File::open(path) else { return raw };
    if (&file).take(HEAD_BYTES as u64).read_to_end(&mut raw).is_err() {
        return Vec::new();
    }
    if Compression::detect(&raw) == Compression::Zlib {
        let mut head = Vec::new();
        let decoder = Compression::Zlib.decoder(BufReader::new(raw.as_slice()));
        // It ends within the compressed data, which is no matter here.
        let _ = decoder.take(HEAD_BYTES as u64).read_to_end(&mut head);
        return head;
    }
    let mut head = vec![0; HEAD_BYTES];
    let length = TextReader::open(path).and_then(|mut text| text.fill(&mut head));
    head.truncate(length.unwrap_or(0));
    head
}

/// Opens the beginning of comma-separated text; nothing where it is none.
fn beginning(path: &Path) -> Option<CsvFiles> {
    CsvFiles::open_part(&[path.to_path_buf()], 1).ok()
}

/// Returns whether a file begins as text with several cells in its first line.
fn has_columns(path: &Path) -> bool {
    beginning(path).is_some_and(|it| it.columns().len() > 1 || it.likely_delimiter().is_some())
}

/// Returns whether text begins as an object of JSON.
fn begins_object(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let Some(rest) = text.strip_prefix(b"{") else { return false };
    matches!(rest.trim_ascii_start().first(), Some(b'"' | b'}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_before_compressions_and_numbers_of_shards() {
        let check = |name: &str, expected: &str| assert_eq!(ending(Path::new(name)), expected);
        check("a.csv", "csv");
        check("dir.x/A.CSV.gz", "csv");
        check("a.jsonl.zst", "jsonl");
        check("a.tfrecord-00000-of-00002.gz", "tfrecord");
        check("data_tfrecord-00000-of-00002.gz", "");
        check("part-0", "");
        check("", "");
    }

    #[test]
    fn names_that_say_nothing_leave_it_to_the_first_bytes() {
        let check = |head: &[u8], expected: &str| {
            let format = FORMATS.iter().find(|format| (format.begins)(head)).unwrap_or(CSV);
            assert_eq!(format.name, expected);
        };
        check(b"PAR1\x15\x04", "Parquet");
        check(b"Obj\x01\x04\x16avro.codec", "Avro");
        check(b"ARROW1\0\0\xff\xff\xff\xff", "Arrow");
        check(b"\xff\xff\xff\xff\x88\0\0\0", "Arrow");
        check(b"{\"a\": 1}\n", "JSON Lines");
        check(b"Obj,fare\n1,2\n", "CSV");
    }

    #[test]
    fn text_that_begins_with_a_brace_need_not_be_json() {
        for json in ["{\"a\": 1}", "{}", " \n{ \"", "\u{feff}{\"a\"", "{\n}"] {
            assert!(begins_object(json.as_bytes()), "{json:?}");
        }
        for text in ["", "{", "{a},b\n", "[1]", "a,{\"b\"}", "{1}"] {
            assert!(!begins_object(text.as_bytes()), "{text:?}");
        }
    }
}
