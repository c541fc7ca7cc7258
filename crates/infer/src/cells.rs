//! Values as text: of CSV and of JSON.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float32Array, Float64Array, Int64Array,
    StringArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, UInt64Type};
use arrow::error::ArrowError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One column, its type known.
pub(crate) enum Cells {
    None,
    Int(Int64Array),
    UInt(UInt64Array),
    Float(Float32Array),
    Double(Float64Array),
    Bool(BooleanArray),
    Text(StringArray),
    Bytes(BinaryArray),
    /// Where each list begins and ends, and the values of all.
    Lists {
        array: ArrayRef,
        ends: Vec<(usize, usize)>,
        values: Box<Cells>,
    },
    /// The fields of structs.
    Structs {
        array: ArrayRef,
        fields: Vec<(String, Cells)>,
    },
}

impl Cells {
    /// Returns a column's cells; what is neither a number nor text, nor made of these, is taken as Arrow puts it into
    /// words.
    pub(crate) fn new(array: &ArrayRef) -> Result<Self, ArrowError> {
        let to = |data_type: &DataType| cast(array, data_type);
        Ok(match array.data_type() {
            DataType::Null => Self::None,
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32 => {
                Self::Int(to(&DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            DataType::UInt64 => Self::UInt(array.as_primitive::<UInt64Type>().clone()),
            DataType::Float16 | DataType::Float32 => {
                Self::Float(to(&DataType::Float32)?.as_primitive::<Float32Type>().clone())
            }
            DataType::Float64 => Self::Double(array.as_primitive::<Float64Type>().clone()),
            DataType::Boolean => Self::Bool(array.as_boolean().clone()),
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => {
                Self::Bytes(to(&DataType::Binary)?.as_binary::<i32>().clone())
            }
            DataType::List(_) => {
                let lists = array.as_list::<i32>();
                let ends = (0..lists.len()).map(|row| {
                    let length = lists.value_length(row);
                    let start = lists.value_offsets()[row];
                    (as_index(start), as_index(start + length))
                });
                Self::lists(array, ends.collect(), lists.values())?
            }
            DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item) => Self::new(&to(&DataType::List(Arc::clone(item)))?)?,
            DataType::FixedSizeList(..) => {
                let lists = array.as_fixed_size_list();
                let width = as_index(lists.value_length());
                let first = as_index(lists.value_offset(0));
                let ends = (0..lists.len()).map(|row| first + row * width);
                let ends = ends.map(|start| (start, start + width)).collect();
                Self::lists(array, ends, lists.values())?
            }
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns();
                let fields = fields.iter().zip(columns);
                let fields =
                    fields.map(|(field, column)| Ok((field.name().clone(), Self::new(column)?)));
                let fields = fields.collect::<Result<_, ArrowError>>()?;
                Self::Structs { array: Arc::clone(array), fields }
            }
            // Without a zone the text would not tell that it is UTC.
            DataType::Timestamp(unit, None) => {
                let zoned = to(&DataType::Timestamp(*unit, Some("+00:00".into())))?;
                Self::Text(cast(&zoned, &DataType::Utf8)?.as_string::<i32>().clone())
            }
            _ => Self::Text(to(&DataType::Utf8)?.as_string::<i32>().clone()),
        })
    }

    fn lists(
        array: &ArrayRef,
        ends: Vec<(usize, usize)>,
        values: &ArrayRef,
    ) -> Result<Self, ArrowError> {
        let values = Box::new(Self::new(values)?);
        Ok(Self::Lists { array: Arc::clone(array), ends, values })
    }

    fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::None => true,
            Self::Int(array) => array.is_null(row),
            Self::UInt(array) => array.is_null(row),
            Self::Float(array) => array.is_null(row),
            Self::Double(array) => array.is_null(row),
            Self::Bool(array) => array.is_null(row),
            Self::Text(array) => array.is_null(row),
            Self::Bytes(array) => array.is_null(row),
            Self::Lists { array, .. } | Self::Structs { array, .. } => array.is_null(row),
        }
    }

    /// Appends a cell of CSV.
    pub(crate) fn push_csv(&self, row: usize, out: &mut String) {
        if self.is_missing(row) {
            return;
        }
        match self {
            Self::Text(array) => push_quoted(array.value(row), out),
            Self::Bytes(array) if let Ok(text) = str::from_utf8(array.value(row)) => {
                push_quoted(text, out);
            }
            Self::Float(array) => _ = write!(out, "{}", array.value(row)),
            Self::Double(array) => _ = write!(out, "{}", array.value(row)),
            Self::Bytes(_) | Self::Lists { .. } | Self::Structs { .. } => {
                let mut json = String::new();
                self.push_json(row, &mut json);
                push_quoted(&json, out);
            }
            _ => self.push_json(row, out),
        }
    }

    /// Appends a value of JSON.
    pub(crate) fn push_json(&self, row: usize, out: &mut String) {
        if self.is_missing(row) {
            out.push_str("null");
            return;
        }
        match self {
            Self::None => out.push_str("null"),
            Self::Int(array) => _ = write!(out, "{}", array.value(row)),
            Self::UInt(array) => _ = write!(out, "{}", array.value(row)),
            Self::Float(array) => {
                let value = array.value(row);
                push_float(value.is_finite(), f64::from(value), value, out);
            }
            Self::Double(array) => {
                let value = array.value(row);
                push_float(value.is_finite(), value, value, out);
            }
            Self::Bool(array) => _ = write!(out, "{}", array.value(row)),
            Self::Text(array) => push_json_text(array.value(row), out),
            Self::Bytes(array) => match str::from_utf8(array.value(row)) {
                Ok(text) => push_json_text(text, out),
                Err(_) => {
                    let base64 = STANDARD.encode(array.value(row));
                    _ = write!(out, "{{\"b64\": \"{base64}\"}}");
                }
            },
            Self::Lists { ends, values, .. } => {
                out.push('[');
                let (start, end) = ends[row];
                for at in start..end {
                    if at > start {
                        out.push_str(", ");
                    }
                    values.push_json(at, out);
                }
                out.push(']');
            }
            Self::Structs { fields, .. } => {
                push_object(fields.iter().map(|(name, cells)| (name.as_str(), cells)), row, out);
            }
        }
    }
}

/// Appends an object of JSON.
pub(crate) fn push_object<'a>(
    fields: impl Iterator<Item = (&'a str, &'a Cells)>,
    row: usize,
    out: &mut String,
) {
    out.push('{');
    for (place, (name, cells)) in fields.enumerate() {
        if place > 0 {
            out.push_str(", ");
        }
        push_json_text(name, out);
        out.push_str(": ");
        cells.push_json(row, out);
    }
    out.push('}');
}

/// Appends text as a cell of CSV. An empty text is told from a missing one by its quotes.
pub(crate) fn push_quoted(text: &str, out: &mut String) {
    let is_plain = !text.is_empty()
        && !text.contains([',', '"', '\n', '\r'])
        && !text.starts_with(' ')
        && !text.ends_with(' ');
    if is_plain {
        out.push_str(text);
        return;
    }
    out.push('"');
    for (place, part) in text.split('"').enumerate() {
        if place > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}

fn push_json_text(text: &str, out: &mut String) {
    // Text always prints.
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// Appends a number of JSON, or the text that stands for what JSON has no number for.
fn push_float(is_finite: bool, value: f64, shown: impl std::fmt::Display, out: &mut String) {
    if is_finite {
        _ = write!(out, "{shown}");
    } else if value.is_nan() {
        out.push_str("\"NaN\"");
    } else {
        out.push_str(if value > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" });
    }
}

fn as_index(offset: i32) -> usize {
    usize::try_from(offset).expect("Arrow's offsets and widths are not negative")
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        FixedSizeListArray, Int32Array, ListArray, NullArray, StructArray, TimestampSecondArray,
    };
    use arrow::datatypes::{Field, Int64Type as Int};

    use super::*;

    fn said(array: ArrayRef) -> (Vec<String>, Vec<String>) {
        let cells = Cells::new(&array).unwrap();
        let all = |push: fn(&Cells, usize, &mut String)| {
            (0..array.len())
                .map(|row| {
                    let mut out = String::new();
                    push(&cells, row, &mut out);
                    out
                })
                .collect()
        };
        (all(Cells::push_csv), all(Cells::push_json))
    }

    fn check(array: ArrayRef, csv: &[&str], json: &[&str]) {
        let (found_csv, found_json) = said(array);
        assert_eq!(found_csv, csv);
        assert_eq!(found_json, json);
        for text in found_json {
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
        }
    }

    #[test]
    fn every_type_has_a_text() {
        check(Arc::new(Int32Array::from(vec![Some(-1), None])), &["-1", ""], &["-1", "null"]);
        check(
            Arc::new(UInt64Array::from(vec![u64::MAX])),
            &["18446744073709551615"],
            &["18446744073709551615"],
        );
        check(
            Arc::new(Float32Array::from(vec![0.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY])),
            &["0.1", "NaN", "inf", "-inf"],
            &["0.1", "\"NaN\"", "\"Infinity\"", "\"-Infinity\""],
        );
        check(Arc::new(BooleanArray::from(vec![true])), &["true"], &["true"]);
        check(Arc::new(NullArray::new(1)), &[""], &["null"]);
        check(
            Arc::new(StringArray::from(vec![Some("a"), Some(""), Some("a,\"b\"\n"), None])),
            &["a", "\"\"", "\"a,\"\"b\"\"\n\"", ""],
            &["\"a\"", "\"\"", "\"a,\\\"b\\\"\\n\"", "null"],
        );
        check(
            Arc::new(BinaryArray::from(vec![b"a".as_slice(), b"\xff"])),
            &["a", "\"{\"\"b64\"\": \"\"/w==\"\"}\""],
            &["\"a\"", "{\"b64\": \"/w==\"}"],
        );
        check(
            Arc::new(TimestampSecondArray::from(vec![0])),
            &["1970-01-01T00:00:00Z"],
            &["\"1970-01-01T00:00:00Z\""],
        );
    }

    #[test]
    fn lists_and_structs_are_json_even_when_they_are_a_part() {
        let lists = ListArray::from_iter_primitive::<Int, _, _>([
            Some(vec![Some(7)]),
            Some(vec![Some(1), None]),
            None,
            Some(vec![]),
        ]);
        let part: ArrayRef = Arc::new(lists.slice(1, 3));
        check(part, &["\"[1, null]\"", "", "[]"], &["[1, null]", "null", "[]"]);
        let width = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(
            [[0.5, 1.0], [2.0, 3.0]].map(|row| Some(row.map(Some))),
            2,
        );
        check(Arc::new(width.slice(1, 1)), &["\"[2, 3]\""], &["[2, 3]"]);
        let field = Arc::new(Field::new("n", DataType::Int64, true));
        let one: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        check(
            Arc::new(StructArray::from(vec![(field, one)])),
            &["\"{\"\"n\"\": 1}\""],
            &["{\"n\": 1}"],
        );
    }
}
