//! The rows that break a schema, streamed in the order of the data.
//!
//! Partitions are looked at on all threads and reported in order. A row of text is known by its line, any other by
//! its number in its file, from 1.

mod check;
mod preview;

use std::io::{BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::UInt64Type;
use base::BoxError;
use dataflow::{Engine, ErasedStage};
use formats::metadata::Schema;
use schema::rows::RowValidator;
use serde_json::{Value, json};

use check::{CsvCheck, JsonCheck, NUM_ROWS, PartitionCheck, partitions};
use preview::Preview;

use crate::args::ValidateArgs;
use crate::data::{Files, FilesError, types_of_schema};
use crate::error::CliError;
use crate::output::{JSON_VERSION, print};

/// One reason why one row fails.
struct Failure<'a> {
    path: &'a Path,
    /// What `place` counts: `line`, `row` or `record`.
    unit: &'static str,
    place: u64,
    /// The feature, unless the row as a whole cannot be read.
    feature: Option<&'a str>,
    code: &'a str,
    short_description: &'a str,
    message: &'a str,
}

impl Failure<'_> {
    /// Returns it as a line for people.
    fn line(&self) -> String {
        let Failure { path, unit, place, feature, message, .. } = self;
        let path = path.display();
        let place = match *unit {
            "line" => format!("{path}:{place}: "),
            unit => format!("{path}: {unit} {place}: "),
        };
        match feature {
            Some(feature) => format!("{place}{feature}: {message}"),
            None => format!("{place}{message}"),
        }
    }

    /// Returns it as an object of `--json`.
    fn json(&self) -> Value {
        json!({
            "file": self.path,
            self.unit: self.place,
            "feature": self.feature,
            "type": self.code,
            "short_description": self.short_description,
            "description": self.message,
        })
    }
}

/// Takes the reasons why rows fail, in the order of the data.
trait Report: Send {
    /// Takes one.
    fn failure(&mut self, failure: &Failure<'_>) -> std::io::Result<()>;

    /// Shows what came so far: more may be a while.
    fn flush(&mut self) -> std::io::Result<()>;
}

/// One line for each reason.
struct Lines {
    out: BufWriter<Stdout>,
    is_empty: bool,
}

impl Report for Lines {
    fn failure(&mut self, failure: &Failure<'_>) -> std::io::Result<()> {
        if std::mem::take(&mut self.is_empty) {
            writeln!(self.out)?;
        }
        writeln!(self.out, "{}", failure.line())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// One object of a list for each reason.
struct Objects {
    out: BufWriter<Stdout>,
    is_empty: bool,
}

impl Report for Objects {
    fn failure(&mut self, failure: &Failure<'_>) -> std::io::Result<()> {
        let separator = if std::mem::take(&mut self.is_empty) { "\n" } else { ",\n" };
        write!(self.out, "{separator}{}", failure.json())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Prints one line for each reason why a row fails; returns how many rows do.
pub(super) fn print_rows(
    files: Files,
    schema: &Schema,
    args: &ValidateArgs,
    engine: &dyn Engine,
) -> Result<u64, BoxError> {
    let mut lines = Lines { out: BufWriter::new(std::io::stdout()), is_empty: true };
    failing_rows(files, schema, args, engine, &mut lines)
}

/// Prints the object of `--json` with the rows in it as they are found; returns how many rows fail.
pub(super) fn print_json_with_rows(
    content: &Value,
    files: Files,
    schema: &Schema,
    args: &ValidateArgs,
    engine: &dyn Engine,
) -> Result<u64, BoxError> {
    let mut objects = Objects { out: BufWriter::new(std::io::stdout()), is_empty: true };
    let object = content.to_string();
    let open = object.strip_suffix('}').unwrap_or(&object);
    let version = JSON_VERSION;
    write!(
        objects.out,
        "{{\"version\":{version},\"kind\":\"validation\",\"validation\":{open},\"rows\":["
    )
    .map_err(CliError::Write)?;
    let failed = failing_rows(files, schema, args, engine, &mut objects)?;
    writeln!(objects.out, "\n],\"num_failing_rows\":{failed}}}}}").map_err(CliError::Write)?;
    objects.flush().map_err(CliError::Write)?;
    Ok(failed)
}

/// Prints the first reasons why rows fail, and how many more rows do; returns how many do in all.
pub(super) fn print_first_rows(
    files: Files,
    schema: &Schema,
    args: &ValidateArgs,
    engine: &dyn Engine,
) -> Result<u64, BoxError> {
    let mut preview = Preview::new(|failure| failure.line());
    let failed = failing_rows(files, schema, args, engine, &mut preview)?;
    let more = preview.more(failed);
    let mut lines = preview.into_kept();
    if lines.is_empty() {
        return Ok(failed);
    }
    lines.extend(more);
    print(&format!("\n{}", lines.join("\n")))?;
    Ok(failed)
}

/// Returns the first reasons why rows fail as objects of `--json`, and how many rows do in all.
pub(super) fn first_rows(
    files: Files,
    schema: &Schema,
    args: &ValidateArgs,
    engine: &dyn Engine,
) -> Result<(Vec<Value>, u64), BoxError> {
    let mut preview = Preview::new(|failure| failure.json());
    let failed = failing_rows(files, schema, args, engine, &mut preview)?;
    Ok((preview.into_kept(), failed))
}

/// Reports every reason why a row fails; returns how many rows do.
fn failing_rows(
    files: Files,
    schema: &Schema,
    args: &ValidateArgs,
    engine: &dyn Engine,
    report: &mut dyn Report,
) -> Result<u64, BoxError> {
    // Text is read as the schema says, so that a cell that is not of its feature's type is the row's fault.
    let types = types_of_schema(schema);
    let data = files.into_rows()?.narrow(|name| types.get(name).copied()).map_err(FilesError)?;
    let environment = args.environment.as_deref();
    let validator = RowValidator::new(schema, &data.source().schema(), environment)?;
    let has_misfits = data.has_misfits();
    let check: Box<dyn ErasedStage + '_> = if let Some(files) = data.csv() {
        Box::new(CsvCheck { files, validator, has_misfits })
    } else if let Some(files) = data.json() {
        Box::new(JsonCheck { files, validator, has_misfits })
    } else {
        Box::new(PartitionCheck { source: data.source(), validator })
    };
    let paths: Vec<PathBuf> = data.file_of_partition().map(|path| data.shown(path)).collect();
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    stream(engine, check.as_ref(), data.unit(), &paths, report)
}

/// Runs a check over as many partitions as there are paths, each the file that one partition is of.
fn stream(
    engine: &dyn Engine,
    check: &dyn ErasedStage,
    unit: &'static str,
    paths: &[&Path],
    report: &mut dyn Report,
) -> Result<u64, BoxError> {
    let mut failed = 0;
    let mut partition = 0;
    // Where places count from the beginning of a partition, how many rows of its file came before it.
    let mut before = 0;
    engine.map(&partitions(paths.len()), check, &mut |found| {
        let path = paths[partition];
        if partition > 0 && paths[partition - 1] != path {
            before = 0;
        }
        let places = found.column(0).as_primitive::<UInt64Type>();
        let texts: Vec<&StringArray> = (1..5).map(|i| found.column(i).as_string::<i32>()).collect();
        let mut last = None;
        for index in 0..found.num_rows() {
            let place = before + places.value(index);
            let feature = texts[0].is_valid(index).then(|| texts[0].value(index));
            let [code, short_description, message] = [1, 2, 3].map(|i| texts[i].value(index));
            let failure = Failure { path, unit, place, feature, code, short_description, message };
            report.failure(&failure).map_err(CliError::Write)?;
            failed += u64::from(last != Some(place));
            last = Some(place);
        }
        let num_rows = found.schema_ref().metadata().get(NUM_ROWS).and_then(|n| n.parse().ok());
        before += num_rows.unwrap_or(0);
        partition += 1;
        Ok(report.flush().map_err(CliError::Write)?)
    })?;
    Ok(failed)
}
