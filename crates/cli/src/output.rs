//! Results on standard output: a table for people, or one JSON object.

use std::io::Write;
use std::path::{Path, PathBuf};

use base::BoxError;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::error::CliError;

/// The version of the objects that `--json` prints.
pub(crate) const JSON_VERSION: u32 = 1;

/// Prints a JSON object of a kind, such as `runs`, with the version beside its content.
///
/// # Errors
///
/// [`CliError::Write`] when standard output is closed.
pub(crate) fn print_json(kind: &str, content: Value) -> Result<(), BoxError> {
    let object = json!({ "version": JSON_VERSION, "kind": kind, kind: content });
    print(&serde_json::to_string_pretty(&object).expect("a JSON value prints"))
}

/// Prints text and a line end.
///
/// # Errors
///
/// [`CliError::Write`] when standard output is closed.
pub(crate) fn print(text: &str) -> Result<(), BoxError> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()).map_err(CliError::Write)?;
    Ok(())
}

/// Returns an aligned table without lines; the columns whose numbers are in `right` are aligned right.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>, right: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().map(|name| name.to_uppercase()));
    table.add_rows(rows);
    let last = header.len().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index == last { 0 } else { 2 }));
        if right.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// Returns a time as `2026-01-31 14:05:09` in the machine's time zone.
pub(crate) fn time(ms: i64) -> String {
    let Ok(timestamp) = jiff::Timestamp::from_millisecond(ms) else { return ms.to_string() };
    timestamp.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Returns a duration as `340 ms`, `4.2 s`, `3 min 20 s`.
pub(crate) fn duration(ms: i64) -> String {
    match ms {
        ..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// Returns a number with at most four digits behind the point, none where it is whole.
pub(crate) fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        format!("{value:.0}")
    } else {
        format!("{value:.4}")
    }
}

/// Returns a path as seen from the current folder, where it lies below it.
pub(crate) fn shown(path: &Path) -> PathBuf {
    let current = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&current).unwrap_or(path).to_path_buf()
}
