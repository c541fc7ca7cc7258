//! Raw data opened where it lies, to be looked at rather than made into examples.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use dataflow::{Engine, Source};
use dataset::{CsvFiles, FeatureType, JsonFiles};

use crate::bring::{Brought, bring};
use crate::source::{GUESS_BYTES, Prepared, infer_types, open_csv, open_json, prepare};
use crate::{Config, Form, Hash, IngestError, Patterns, SourceConfig, source};

/// The files of one dataset, found, and brought here where they lie elsewhere.
pub struct FoundFiles(Brought);

/// Raw data whose features are known, ready to be read.
pub struct RawData {
    brought: Arc<Brought>,
    num_rejected: u64,
    has_misfits: bool,
    file_of_partition: Vec<usize>,
    rows: Rows,
}

enum Rows {
    /// The files, which leave misfits out if any may be, and the type of every column.
    Csv(CsvFiles, Vec<(String, Option<FeatureType>)>),
    Json(JsonFiles),
    /// Rows of a format that has types of its own, and what it calls one of them.
    Typed(Box<dyn Source>, &'static str),
}

impl fmt::Debug for FoundFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FoundFiles").field(&self.0.files.paths).finish()
    }
}

impl FoundFiles {
    /// Finds the files that patterns name, relative to `base_dir`, and brings those here that lie elsewhere.
    ///
    /// # Errors
    ///
    /// As [`run`](crate::run), for what it says about files.
    pub fn find(
        patterns: Patterns,
        base_dir: &Path,
        engine: &dyn Engine,
    ) -> Result<Self, IngestError> {
        // Every format finds its files in the same way.
        let any = Config::new(SourceConfig::Csv(Form::Files(patterns)));
        any.check()?;
        bring(&any, base_dir, engine).map(Self)
    }

    /// Returns where the files lie here, in order.
    pub fn paths(&self) -> &[PathBuf] {
        &self.0.files.paths
    }

    /// Returns what to call a file: its path, or its URL where it was brought here.
    pub fn shown(&self, path: &Path) -> PathBuf {
        self.0.shown(path)
    }

    /// Opens the files as what `config` says of their format; of text, all is read once for the types. The patterns
    /// there are those that were found, and splits are not looked at.
    ///
    /// # Errors
    ///
    /// As [`run`](crate::run), for what it says about the source and its rows.
    pub fn open(self, config: &Config, engine: &dyn Engine) -> Result<RawData, IngestError> {
        config.check()?;
        opened(Arc::new(self.configured(config)), engine)
    }

    /// As [`open`](Self::open), but of comma-separated text only the beginning is read for the types, which saves a pass
    /// over the rest.
    ///
    /// Who reads all rows finds out whether the types hold. If they do, they are those that [`open`](Self::open) finds,
    /// as types only widen; if not, the rows end at the first that does not fit with an error, and
    /// [`RawData::reopen`] is to be called.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn guess(self, config: &Config, engine: &dyn Engine) -> Result<RawData, IngestError> {
        config.check()?;
        guessed(GUESS_BYTES, self.configured(config), engine)
    }

    fn configured(self, config: &Config) -> Brought {
        let mut brought = self.0;
        brought.config = unsplit(config);
        brought
    }
}

/// Returns the configuration without what tells splits apart: nothing of it is needed, and digests are no features.
fn unsplit(config: &Config) -> Config {
    Config { hash: Hash::Content, partition_feature: None, ..config.clone() }
}

fn opened(brought: Arc<Brought>, engine: &dyn Engine) -> Result<RawData, IngestError> {
    let opened = open_rows(&brought, engine).map_err(|error| brought.told(error))?;
    let (num_rejected, file_of_partition, rows) = opened;
    Ok(RawData { brought, num_rejected, has_misfits: num_rejected > 0, file_of_partition, rows })
}

/// Opens what lies here; returns how many rows cannot be read, and the file of each partition.
fn open_rows(
    brought: &Brought,
    engine: &dyn Engine,
) -> Result<(u64, Vec<usize>, Rows), IngestError> {
    let (config, paths) = (&brought.config, &brought.files.paths);
    Ok(match &config.source {
        SourceConfig::Csv(source) => {
            let mut files = open_csv(&source.table(), paths, u64::MAX)?;
            let inferred = infer_types(&files, config, engine)?;
            let types: Vec<_> = files.columns().iter().cloned().zip(inferred.types).collect();
            files = files.with_features(&types)?;
            if inferred.num_rejected > 0 {
                files = files.skip_misfits();
            }
            let partitions = files.file_of_partition().collect();
            (inferred.num_rejected, partitions, Rows::Csv(files, types))
        }
        SourceConfig::Json(source) => {
            let (files, found) = open_json(config, &source.table(), paths, engine)?;
            (found.num_rejected, files.file_of_partition().collect(), Rows::Json(files))
        }
        other => {
            let Prepared { source, num_rejected, file_of_partition, .. } =
                prepare(config, paths, engine)?;
            let is_record = matches!(other, SourceConfig::Tfrecord(_));
            let row = if is_record { "record" } else { "row" };
            (num_rejected, file_of_partition, Rows::Typed(source, row))
        }
    })
}

fn guessed(max_bytes: u64, brought: Brought, engine: &dyn Engine) -> Result<RawData, IngestError> {
    let (config, paths) = (&brought.config, &brought.files.paths);
    let guess = match &config.source {
        SourceConfig::Csv(source) => {
            source::guess(config, &source.table(), paths, engine, max_bytes)
        }
        _ => None,
    };
    let brought = Arc::new(brought);
    let Some((files, types)) = guess else { return opened(brought, engine) };
    let file_of_partition = files.file_of_partition().collect();
    let rows = Rows::Csv(files, types);
    Ok(RawData { brought, num_rejected: 0, has_misfits: false, file_of_partition, rows })
}

impl fmt::Debug for RawData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawData").field("paths", &self.paths()).finish_non_exhaustive()
    }
}

impl RawData {
    /// Opens the same files once more; of text, all is read for the types.
    ///
    /// # Errors
    ///
    /// As [`FoundFiles::open`].
    pub fn reopen(&self, engine: &dyn Engine) -> Result<Self, IngestError> {
        opened(Arc::clone(&self.brought), engine)
    }

    /// Returns the files, in order.
    pub fn paths(&self) -> &[PathBuf] {
        &self.brought.files.paths
    }

    /// Returns what to call a file: its path, or its URL where it was brought here.
    pub fn shown(&self, path: &Path) -> PathBuf {
        self.brought.shown(path)
    }

    /// Returns the file of each partition of [`source`](Self::source).
    pub fn file_of_partition(&self) -> impl Iterator<Item = &Path> {
        self.file_of_partition.iter().map(|&file| self.paths()[file].as_path())
    }

    /// Returns what the place of a row is counted in: `line`, `row` or `record`.
    pub fn unit(&self) -> &'static str {
        match &self.rows {
            Rows::Csv(..) | Rows::Json(_) => "line",
            Rows::Typed(_, row) => row,
        }
    }

    /// Returns how many rows cannot be read, and are left out.
    pub fn num_rejected(&self) -> u64 {
        self.num_rejected
    }

    /// Returns the features with their types, in the order of the columns; `None` where no value was seen.
    pub fn features(&self) -> Vec<(String, Option<FeatureType>)> {
        match &self.rows {
            Rows::Csv(_, types) => types.clone(),
            Rows::Json(_) | Rows::Typed(..) => {
                let schema = self.source().schema();
                let fields = schema.fields().iter();
                fields.map(|f| (f.name().clone(), FeatureType::of(f.data_type()))).collect()
            }
        }
    }

    /// Returns the data with some features of text files read as wider types than their values ask for.
    ///
    /// Text has no types of its own: a column of whole numbers may as well be of FLOAT or STRING, and one
    /// without values of any type. `wanted` says of which, by the feature's name; a type that its values do not
    /// fit is not taken. JSON tells numbers from text, so there whole numbers may be of FLOAT and no more. Files
    /// whose format has types stay as they are.
    ///
    /// # Errors
    ///
    /// As the reader, which says no to no type that was found.
    pub fn widen(self, wanted: impl Fn(&str) -> Option<FeatureType>) -> Result<Self, IngestError> {
        self.with_types(|name, found| found.max(wanted(name)))
    }

    /// Returns the data with the features of comma-separated text read as the types given, whether or not all their
    /// values fit: the rows that do not are left out, and [`CsvFiles::misfits`] tells them. Other files as
    /// [`widen`](Self::widen).
    ///
    /// # Errors
    ///
    /// As [`widen`](Self::widen).
    pub fn narrow(self, wanted: impl Fn(&str) -> Option<FeatureType>) -> Result<Self, IngestError> {
        let mut data = self.with_types(|name, found| wanted(name).or(found))?;
        if let Rows::Csv(files, types) = data.rows {
            let files = if data.has_misfits { files.skip_misfits() } else { files };
            data.rows = Rows::Csv(files, types);
        }
        Ok(data)
    }

    /// Chooses the type of every feature by its name and the type found; STRUCT is none that text can have.
    fn with_types(
        mut self,
        choose: impl Fn(&str, Option<FeatureType>) -> Option<FeatureType>,
    ) -> Result<Self, IngestError> {
        self.rows = match self.rows {
            Rows::Csv(files, mut types) => {
                for (name, found) in &mut types {
                    let chosen = choose(name.as_str(), *found);
                    let chosen = chosen.filter(|kind| *kind != FeatureType::Struct).or(*found);
                    self.has_misfits |= chosen < *found;
                    *found = chosen;
                }
                Rows::Csv(files.with_features(&types)?, types)
            }
            Rows::Json(files) => {
                let schema = widened(&files.schema(), choose);
                Rows::Json(files.with_schema(schema)?)
            }
            typed @ Rows::Typed(..) => typed,
        };
        Ok(self)
    }

    /// Returns whether there may be rows that are left out.
    pub fn has_misfits(&self) -> bool {
        self.has_misfits
    }

    /// Returns the rows.
    pub fn source(&self) -> &dyn Source {
        match &self.rows {
            Rows::Csv(files, _) => files,
            Rows::Json(files) => files,
            Rows::Typed(source, _) => source.as_ref(),
        }
    }

    /// Returns the files of comma-separated text, if they are that.
    pub fn csv(&self) -> Option<&CsvFiles> {
        match &self.rows {
            Rows::Csv(files, _) => Some(files),
            Rows::Json(_) | Rows::Typed(..) => None,
        }
    }

    /// Returns the files of JSON Lines, if they are that.
    pub fn json(&self) -> Option<&JsonFiles> {
        match &self.rows {
            Rows::Json(files) => Some(files),
            Rows::Csv(..) | Rows::Typed(..) => None,
        }
    }
}

/// Returns the columns of JSON with whole numbers as fractions where these are chosen, and those that hold nothing
/// as what is chosen.
fn widened(
    schema: &SchemaRef,
    choose: impl Fn(&str, Option<FeatureType>) -> Option<FeatureType>,
) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let chosen = choose(field.name(), FeatureType::of(field.data_type()));
        let data_type = widened_type(field.data_type(), chosen);
        Arc::new(field.as_ref().clone().with_data_type(data_type))
    });
    let fields: Vec<_> = fields.collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn widened_type(data_type: &DataType, chosen: Option<FeatureType>) -> DataType {
    match (data_type, chosen) {
        (DataType::Null, Some(FeatureType::Int)) => DataType::Int64,
        (DataType::Null, Some(FeatureType::Bytes)) => DataType::Utf8,
        (DataType::Null | DataType::Int64, Some(FeatureType::Float)) => DataType::Float32,
        (DataType::List(item), chosen) => {
            let item_type = widened_type(item.data_type(), chosen);
            DataType::List(Arc::new(Field::new_list_field(item_type, item.is_nullable())))
        }
        (other, _) => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use arrow::datatypes::DataType;
    use engine::LocalEngine;
    use formats::example::{put_example, put_ints, put_named};
    use formats::tfrecord::RecordWriter;

    use super::*;

    fn open(config: &Config, dir: &Path, engine: &dyn Engine) -> Result<RawData, IngestError> {
        let patterns = config.source.files().patterns().map(|(_, pattern)| pattern.to_owned());
        let patterns = Patterns::Many(patterns.collect());
        FoundFiles::find(patterns, dir, engine)?.open(config, engine)
    }

    fn opened(csv: &str, max_rejected_rows: u64) -> Result<RawData, String> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("data.csv"), csv).unwrap();
        let source = SourceConfig::Csv("data.csv".into());
        let config = Config { max_rejected_rows, ..Config::new(source) };
        let engine = LocalEngine::with_all_cores(Arc::default());
        open(&config, dir.path(), &engine).map_err(|error| error.to_string())
    }

    fn types(data: &RawData) -> Vec<DataType> {
        data.source().schema().fields().iter().map(|f| f.data_type().clone()).collect()
    }

    #[test]
    fn the_types_are_those_of_the_values() {
        let data = opened("a,b,c,d\n1,1.5,x,\n2,2,y,\n", 0).unwrap();
        let expected = [DataType::Int64, DataType::Float32, DataType::Utf8, DataType::Null];
        assert_eq!(types(&data), expected);
        let features = data.features();
        assert_eq!(features[0], ("a".to_owned(), Some(FeatureType::Int)));
        assert_eq!(features[3], ("d".to_owned(), None));
        assert_eq!(data.paths().len(), 1);
    }

    #[test]
    fn a_guess_is_right_or_the_rows_say_that_it_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let engine = LocalEngine::with_all_cores(Arc::default());
        let guessed = |rows: &str, max_rejected_rows: u64| {
            // So much that the beginning is not all.
            let row = format!("1,1.5,,{}\n", "x".repeat(1 << 10));
            let text = format!("a,b,c,d\n{}{rows}", row.repeat(5000));
            fs::write(dir.path().join("data.csv"), text).unwrap();
            let source = SourceConfig::Csv("data.csv".into());
            let config = Config { max_rejected_rows, ..Config::new(source) };
            let found = bring(&unsplit(&config), dir.path(), &engine).unwrap();
            let guess = guessed(64, found, &engine).unwrap();
            let source = guess.source();
            let mut batches =
                (0..source.num_partitions()).flat_map(|it| source.read(it, None).unwrap());
            let read = batches.try_fold(0, |sum, batch| batch.map(|batch| sum + batch.num_rows()));
            let opened = guess.reopen(&engine).unwrap();
            (read.map_err(|error| error.to_string()), types(&guess) == types(&opened))
        };
        assert_eq!(guessed("2,2,,\n", 0), (Ok(5001), true));
        let large = format!("1,{},,\n", "9".repeat(20));
        for (rows, column) in [
            ("1.5,1,,\n", "`a`"),
            ("1,x,,\n", "`b`"),
            ("1,1,1,\n", "`c`"),
            // It can be read as a float, and still makes text of the column.
            (&large, "`b`"),
        ] {
            let (read, is_right) = guessed(rows, 0);
            let error = read.unwrap_err();
            assert!(error.contains("data.csv:5002:") && error.contains(column), "{error}");
            assert!(!is_right);
        }
        // A row that cannot be read, though it may be left out.
        assert!(guessed("1,1\n", 1).0.is_err());
    }

    #[test]
    fn widening_goes_only_to_where_every_value_fits() {
        let data = opened("a,b,c,d\n1,1.5,x,\n", 0).unwrap();
        let widened = data.widen(|name| match name {
            "b" => Some(FeatureType::Int),
            "c" => Some(FeatureType::Struct),
            _ => Some(FeatureType::Float),
        });
        let expected = [DataType::Float32, DataType::Float32, DataType::Utf8, DataType::Float32];
        assert_eq!(types(&widened.unwrap()), expected);
    }

    #[test]
    fn narrowing_goes_where_it_is_told() {
        let data = opened("a,b\n1,x\n", 0).unwrap();
        let narrowed = data.narrow(|name| (name == "b").then_some(FeatureType::Int)).unwrap();
        assert_eq!(types(&narrowed), [DataType::Int64, DataType::Int64]);
        assert!(narrowed.has_misfits());
        let same = opened("a,b\n1,x\n", 0).unwrap().narrow(|_| Some(FeatureType::Bytes)).unwrap();
        assert_eq!(types(&same), [DataType::Utf8, DataType::Utf8]);
        assert!(!same.has_misfits());
    }

    #[test]
    fn whole_numbers_of_json_may_be_fractions_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let lines = "{\"n\": 1, \"l\": [2], \"s\": \"x\", \"none\": null, \"m\": 3}\n";
        fs::write(dir.path().join("data.jsonl"), lines).unwrap();
        let config = Config::new(SourceConfig::Json("data.jsonl".into()));
        let engine = LocalEngine::with_all_cores(Arc::default());
        let opened = || open(&config, dir.path(), &engine).unwrap();
        let floats = |name: &str| (name != "m").then_some(FeatureType::Float);
        let list = DataType::List(Arc::new(Field::new_list_field(DataType::Float32, true)));
        let expected =
            [DataType::Float32, list, DataType::Utf8, DataType::Float32, DataType::Int64];
        assert_eq!(types(&opened().widen(floats).unwrap()), expected);
        let narrowed = opened().narrow(floats).unwrap();
        assert_eq!((types(&narrowed), narrowed.has_misfits()), (expected.to_vec(), false));
        let texts = opened().widen(|_| Some(FeatureType::Bytes)).unwrap();
        assert_eq!(types(&texts)[..1], [DataType::Int64]);
        assert_eq!(types(&texts)[3..], [DataType::Utf8, DataType::Int64]);
    }

    #[test]
    fn what_tells_splits_apart_is_no_feature() {
        let dir = tempfile::tempdir().unwrap();
        let (mut value, mut features, mut record) = (Vec::new(), Vec::new(), Vec::new());
        put_ints(&mut value, &[1]);
        put_named(&mut features, "n", &value);
        put_example(&mut record, &features);
        let mut writer = RecordWriter::new(Vec::new());
        writer.write(&record).unwrap();
        fs::write(dir.path().join("records"), writer.into_inner()).unwrap();
        let source = SourceConfig::Tfrecord("records".into());
        let config = Config { hash: Hash::Tfx, ..Config::new(source) };
        let engine = LocalEngine::with_all_cores(Arc::default());
        let data = open(&config, dir.path(), &engine).unwrap();
        assert_eq!(data.features(), [("n".to_owned(), Some(FeatureType::Int))]);
        assert_eq!(types(&data), [DataType::Int64]);
        assert_eq!(data.unit(), "record");
    }

    #[test]
    fn rows_are_left_out_within_the_budget() {
        let text = "a,b\n1,2\n1\n3,4\n";
        let error = opened(text, 0).unwrap_err();
        assert!(error.contains("data.csv:3: found 1 cell, expected 2"), "{error}");
        assert_eq!(opened(text, 1).unwrap().num_rejected(), 1);
        assert_eq!(opened("a,b\n1,2\n", 1).unwrap().num_rejected(), 0);
    }
}
