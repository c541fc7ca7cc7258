//! Questions and answers as JSON lines.
//!
//! A question is `{"id": 1, "num_rows": 2, "columns": {"fare": [4.5, null], "company": [3, 7]}}`, an answer
//! `{"id": 1, "columns": {"prediction": [0.25, 0.75]}}` or `{"id": 1, "error": "..."}`, each on one line. Missing values
//! are `null`, bytes that are no text `{"b64": "..."}`, and floats that are not finite the tokens `NaN`, `Infinity`
//! and `-Infinity`, as Python's `json` writes and reads them.

use std::borrow::Cow;
use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use serde_json::Value;

use crate::ProgramError;

/// Writes a question, its newline included.
pub(crate) fn write_question(id: u64, batch: &RecordBatch) -> Result<String, ProgramError> {
    let mut text = format!("{{\"id\":{id},\"num_rows\":{},\"columns\":{{", batch.num_rows());
    let schema = batch.schema();
    for (index, (field, column)) in schema.fields().iter().zip(batch.columns()).enumerate() {
        if index > 0 {
            text.push(',');
        }
        let _ = write!(text, "{}:", Value::from(field.name().as_str()));
        if !write_list(column, 0..column.len(), &mut text) {
            let found = column.data_type().to_string();
            return Err(ProgramError::Column { column: field.name().clone(), found });
        }
    }
    text.push_str("}}\n");
    Ok(text)
}

/// Returns a row as an object of all columns: `{"fare": 4.5, "company": null}`, with values as in questions.
///
/// # Errors
///
/// [`ProgramError::Column`] for a column of a type that JSON cannot hold.
pub fn write_row(batch: &RecordBatch, row: usize) -> Result<String, ProgramError> {
    let mut text = "{".to_owned();
    let schema = batch.schema();
    for (index, (field, column)) in schema.fields().iter().zip(batch.columns()).enumerate() {
        if index > 0 {
            text.push(',');
        }
        let _ = write!(text, "{}:", Value::from(field.name().as_str()));
        if !write_value(column, row, &mut text) {
            let found = column.data_type().to_string();
            return Err(ProgramError::Column { column: field.name().clone(), found });
        }
    }
    text.push('}');
    Ok(text)
}

/// Writes some rows of a column as a list. Returns whether JSON can hold its type.
fn write_list(column: &ArrayRef, rows: std::ops::Range<usize>, text: &mut String) -> bool {
    text.push('[');
    for row in rows.clone() {
        if row > rows.start {
            text.push(',');
        }
        if !write_value(column, row, text) {
            return false;
        }
    }
    text.push(']');
    true
}

fn write_value(column: &ArrayRef, row: usize, text: &mut String) -> bool {
    if column.is_null(row) {
        text.push_str("null");
        return true;
    }
    macro_rules! number {
        ($type:ty) => {{
            let _ = write!(text, "{}", column.as_primitive::<$type>().value(row));
        }};
    }
    match column.data_type() {
        DataType::Null => text.push_str("null"),
        DataType::Boolean => {
            let _ = write!(text, "{}", column.as_boolean().value(row));
        }
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float32 => write_float(column.as_primitive::<Float32Type>().value(row), text),
        DataType::Float64 => write_float(column.as_primitive::<Float64Type>().value(row), text),
        DataType::Utf8 => write_text(column.as_string::<i32>().value(row), text),
        DataType::LargeUtf8 => write_text(column.as_string::<i64>().value(row), text),
        DataType::Utf8View => write_text(column.as_string_view().value(row), text),
        DataType::Binary => write_bytes(column.as_binary::<i32>().value(row), text),
        DataType::LargeBinary => write_bytes(column.as_binary::<i64>().value(row), text),
        DataType::List(_) => {
            let values = column.as_list::<i32>().value(row);
            return write_list(&values, 0..values.len(), text);
        }
        DataType::LargeList(_) => {
            let values = column.as_list::<i64>().value(row);
            return write_list(&values, 0..values.len(), text);
        }
        DataType::FixedSizeList(..) => {
            let values = column.as_fixed_size_list().value(row);
            return write_list(&values, 0..values.len(), text);
        }
        _ => return false,
    }
    true
}

fn write_float<F: Into<f64> + Copy + std::fmt::Debug>(value: F, text: &mut String) {
    let wide: f64 = value.into();
    if wide.is_nan() {
        text.push_str("NaN");
    } else if wide.is_infinite() {
        text.push_str(if wide > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        // The shortest digits that give the same float again, with a point: a float stays one.
        let _ = write!(text, "{value:?}");
    }
}

fn write_text(value: &str, text: &mut String) {
    let _ = write!(text, "{}", Value::from(value));
}

fn write_bytes(value: &[u8], text: &mut String) {
    match std::str::from_utf8(value) {
        Ok(value) => write_text(value, text),
        Err(_) => {
            use base64::Engine;
            let encoded = base64::engine::general_purpose::STANDARD.encode(value);
            let _ = write!(text, "{{\"b64\":\"{encoded}\"}}");
        }
    }
}

/// Reads JSON in which numbers may be `NaN`, `Infinity` and `-Infinity`; these become texts.
///
/// # Errors
///
/// What is wrong with it.
pub fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| match quote_tokens(text) {
        Cow::Owned(quoted) => serde_json::from_str(&quoted),
        Cow::Borrowed(_) => Err(error),
    })
}

/// Returns the float of a number, or of one of the three tokens that [`parse`] made a text.
pub fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// Puts the tokens in quotes, outside of texts.
fn quote_tokens(text: &str) -> Cow<'_, str> {
    let mut quoted = String::new();
    let (mut in_text, mut is_escaped) = (false, false);
    let mut kept = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    while at < bytes.len() {
        if in_text {
            in_text = is_escaped || bytes[at] != b'"';
            is_escaped = !is_escaped && bytes[at] == b'\\';
        } else if bytes[at] == b'"' {
            in_text = true;
        } else if let Some(token) =
            ["NaN", "-Infinity", "Infinity"].iter().find(|t| bytes[at..].starts_with(t.as_bytes()))
        {
            quoted.push_str(&text[kept..at]);
            let _ = write!(quoted, "\"{token}\"");
            at += token.len();
            kept = at;
            continue;
        }
        at += 1;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    quoted.push_str(&text[kept..]);
    Cow::Owned(quoted)
}

/// What an answer says.
pub(crate) enum Answer {
    Columns(serde_json::Map<String, Value>),
    Error(String),
}

/// Reads an answer; an `Err` says what it is instead.
pub(crate) fn read_answer(line: &str, id: u64) -> Result<Answer, String> {
    let shown = || format!("printed {}", shorten(line));
    let Ok(Value::Object(mut answer)) = parse(line) else { return Err(shown()) };
    match answer.get("id").and_then(Value::as_u64) {
        Some(found) if found == id => {}
        Some(found) => return Err(format!("answered question {found}")),
        None => return Err(shown()),
    }
    if let Some(error) = answer.get("error") {
        let text = error.as_str().map_or_else(|| error.to_string(), ToOwned::to_owned);
        return Ok(Answer::Error(text));
    }
    match answer.remove("columns") {
        Some(Value::Object(columns)) => Ok(Answer::Columns(columns)),
        _ => Err(shown()),
    }
}

/// Returns the floats of a column of an answer, row after row; an `Err` says what is there instead.
pub(crate) fn read_column(
    values: &Value,
    num_rows: usize,
    width: usize,
) -> Result<Vec<f32>, String> {
    let Value::Array(rows) = values else { return Err("is no list".to_owned()) };
    if rows.len() != num_rows {
        return Err(format!("has {} values for {num_rows} rows", rows.len()));
    }
    let mut floats = Vec::with_capacity(num_rows * width);
    for (row, value) in rows.iter().enumerate() {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        };
        if items.len() != width {
            return Err(format!("has {} values in row {row}", items.len()));
        }
        for item in items {
            let Some(value) = float(item) else {
                return Err(format!("has {} in row {row}", shorten(&item.to_string())));
            };
            #[expect(clippy::cast_possible_truncation, reason = "predictions are 32-bit floats")]
            floats.push(value as f32);
        }
    }
    Ok(floats)
}

/// Returns a text in quotes, cut where it is long.
pub(crate) fn shorten(text: &str) -> String {
    let text = text.trim();
    let cut: String = text.chars().take(120).collect();
    let dots = if cut.len() < text.len() { "..." } else { "" };
    format!("{cut:?}{dots}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float32Array, Int64Array, ListArray, StringArray};

    use super::*;

    #[test]
    fn a_question_has_every_value_as_json() {
        let lists: ListArray = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
            Some(vec![Some(1), None]),
            None,
        ]);
        let batch = RecordBatch::try_from_iter([
            ("fare", Arc::new(Float32Array::from(vec![Some(0.1), None])) as ArrayRef),
            ("big", Arc::new(Float32Array::from(vec![f32::NAN, f32::NEG_INFINITY]))),
            ("id", Arc::new(Int64Array::from(vec![i64::MAX, -1]))),
            ("na\"me", Arc::new(StringArray::from(vec!["a\n", "é"]))),
            ("lists", Arc::new(lists)),
        ])
        .unwrap();
        let text = write_question(3, &batch).unwrap();
        assert_eq!(
            text,
            "{\"id\":3,\"num_rows\":2,\"columns\":{\"fare\":[0.1,null],\"big\":[NaN,-Infinity],\
             \"id\":[9223372036854775807,-1],\"na\\\"me\":[\"a\\n\",\"é\"],\"lists\":[[1,null],null]}}\n"
        );
        assert_eq!(
            write_row(&batch, 1).unwrap(),
            "{\"fare\":null,\"big\":-Infinity,\"id\":-1,\"na\\\"me\":\"é\",\"lists\":null}"
        );
    }

    #[test]
    fn tokens_are_read_where_they_are_no_text() {
        let value = parse(r#"{"a": [NaN, -Infinity, 1], "b": "NaN \" NaN"}"#).unwrap();
        assert!(float(&value["a"][0]).unwrap().is_nan());
        assert_eq!(float(&value["a"][1]), Some(f64::NEG_INFINITY));
        assert_eq!(value["b"], "NaN \" NaN");
        assert!(parse("NaN NaN").is_err());
        assert!(parse("{").is_err());
    }

    #[test]
    fn an_answer_is_of_its_question_and_has_every_row() {
        let read = |line: &str| match read_answer(line, 4) {
            Ok(Answer::Columns(columns)) => {
                read_column(&columns["p"], 2, 1).map_or_else(|e| e, |v| format!("{v:?}"))
            }
            Ok(Answer::Error(error)) => format!("error: {error}"),
            Err(found) => found,
        };
        assert_eq!(read(r#"{"id": 4, "columns": {"p": [1, [0.5]]}}"#), "[1.0, 0.5]");
        assert_eq!(read(r#"{"id": 4, "columns": {"p": [1]}}"#), "has 1 values for 2 rows");
        assert_eq!(read(r#"{"id": 4, "columns": {"p": [1, null]}}"#), "has \"null\" in row 1");
        assert_eq!(read(r#"{"id": 4, "columns": {"p": [1, []]}}"#), "has 0 values in row 1");
        assert_eq!(read(r#"{"id": 4, "error": "no"}"#), "error: no");
        assert_eq!(read(r#"{"id": 3, "columns": {}}"#), "answered question 3");
        assert_eq!(read("loading model\n"), "printed \"loading model\"");
    }
}
