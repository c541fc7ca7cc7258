//! Columns in the making.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Int64Array, ListArray, NullBufferBuilder, RecordBatch,
    RecordBatchOptions, StringArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use graph::{GraphInput, ValueType};

use super::Inputs;
use crate::failure::Failure;
use crate::json::{Kind, Number, Reader};

/// The columns of a request.
pub(crate) struct Columns<'m> {
    pub(crate) inputs: &'m Inputs,
    pub(crate) columns: Vec<Column>,
}

impl<'m> Columns<'m> {
    pub(crate) fn new(inputs: &'m Inputs) -> Self {
        Self { inputs, columns: inputs.features().iter().map(Column::new).collect() }
    }

    /// Returns the batch; all columns have `num_rows` rows.
    pub(crate) fn finish(self, num_rows: usize) -> Result<RecordBatch, Failure> {
        let fields = self.inputs.schema().fields().iter();
        let arrays =
            self.columns.into_iter().zip(fields).map(|(column, field)| column.finish(field));
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(num_rows));
        RecordBatch::try_new_with_options(Arc::clone(self.inputs.schema()), arrays, &options)
            .map_err(|error| Failure::invalid(error.to_string()))
    }
}

/// One column: its values, which of them are missing, and for lists where each row ends.
pub(crate) struct Column {
    items: Items,
    item_nulls: NullBufferBuilder,
    rows: Option<Rows>,
}

enum Items {
    Int(Vec<i64>),
    Float(Vec<f32>),
    Bool(Vec<bool>),
    Text { bytes: Vec<u8>, offsets: Vec<i32> },
}

struct Rows {
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Column {
    fn new(input: &GraphInput) -> Self {
        let items = match input.value_type {
            ValueType::Int => Items::Int(Vec::new()),
            ValueType::Float => Items::Float(Vec::new()),
            ValueType::Bool => Items::Bool(Vec::new()),
            ValueType::String => Items::Text { bytes: Vec::new(), offsets: vec![0] },
        };
        let rows = || Rows { offsets: vec![0], nulls: NullBufferBuilder::new(0) };
        let rows = input.shape.is_many().then(rows);
        Self { items, item_nulls: NullBufferBuilder::new(0), rows }
    }

    fn num_items(&self) -> usize {
        match &self.items {
            Items::Int(values) => values.len(),
            Items::Float(values) => values.len(),
            Items::Bool(values) => values.len(),
            Items::Text { offsets, .. } => offsets.len() - 1,
        }
    }

    /// Returns how many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.as_ref().map_or_else(|| self.num_items(), |rows| rows.offsets.len() - 1)
    }

    /// Appends a row without a value.
    pub(crate) fn push_missing(&mut self) {
        match &mut self.rows {
            None => self.push_missing_item(),
            Some(rows) => {
                let end = rows.offsets.last().copied().unwrap_or_default();
                rows.offsets.push(end);
                rows.nulls.append_null();
            }
        }
    }

    /// Appends a row that is like the only row of another column of the same feature.
    pub(crate) fn push_like(&mut self, other: &Self) {
        match &other.rows {
            Some(rows) if rows.nulls.as_slice().is_some_and(|bits| bits[0] & 1 == 0) => {
                return self.push_missing();
            }
            _ => {}
        }
        let is_missing = |item: usize| {
            other.item_nulls.as_slice().is_some_and(|bits| bits[item / 8] >> (item % 8) & 1 == 0)
        };
        for item in 0..other.num_items() {
            if is_missing(item) {
                self.push_missing_item();
                continue;
            }
            match (&mut self.items, &other.items) {
                (Items::Int(to), Items::Int(from)) => to.push(from[item]),
                (Items::Float(to), Items::Float(from)) => to.push(from[item]),
                (Items::Bool(to), Items::Bool(from)) => to.push(from[item]),
                (Items::Text { bytes, offsets }, Items::Text { bytes: all, offsets: places }) => {
                    let place = |at: usize| usize::try_from(places[at]).unwrap_or_default();
                    bytes.extend_from_slice(&all[place(item)..place(item + 1)]);
                    offsets.push(offset(bytes.len()));
                }
                _ => unreachable!("columns of one feature are of one type"),
            }
            self.item_nulls.append_non_null();
        }
        self.end_row();
    }

    fn push_missing_item(&mut self) {
        match &mut self.items {
            Items::Int(values) => values.push(0),
            Items::Float(values) => values.push(0.0),
            Items::Bool(values) => values.push(false),
            Items::Text { bytes, offsets } => offsets.push(offset(bytes.len())),
        }
        self.item_nulls.append_null();
    }

    /// Ends a row of a list; of single values, every value is one.
    fn end_row(&mut self) {
        let end = offset(self.num_items());
        if let Some(rows) = &mut self.rows {
            rows.offsets.push(end);
            rows.nulls.append_non_null();
        }
    }

    /// Appends the next value of a document as a row: for one value itself, or a list of it alone; for lists a list, or
    /// one value as a list of it. `null` is a missing value.
    pub(crate) fn push_json(
        &mut self,
        reader: &mut Reader<'_>,
        feature: &GraphInput,
        row: usize,
    ) -> Result<(), Failure> {
        let kind = reader.kind().map_err(|error| Failure::invalid(error.to_string()))?;
        let malformed = |error: crate::json::JsonError| Failure::invalid(error.to_string());
        match kind {
            Kind::Null => {
                reader.null().map_err(malformed)?;
                self.push_missing();
                return Ok(());
            }
            Kind::Array => {
                reader.begin_array().map_err(malformed)?;
                let (mut is_first, before) = (true, self.num_items());
                while reader.next_item(&mut is_first).map_err(malformed)? {
                    let kind = reader.kind().map_err(malformed)?;
                    if kind == Kind::Null {
                        reader.null().map_err(malformed)?;
                        self.push_missing_item();
                    } else {
                        self.push_item(reader, kind, feature, row)?;
                    }
                    if self.rows.is_none() && self.num_items() > before + 1 {
                        return Err(misfit(feature, row, "several values", "one"));
                    }
                }
                if self.rows.is_none() && self.num_items() == before {
                    return Err(misfit(feature, row, "an empty list", "a value or null"));
                }
            }
            kind => self.push_item(reader, kind, feature, row)?,
        }
        self.end_row();
        Ok(())
    }

    #[inline]
    fn push_item(
        &mut self,
        reader: &mut Reader<'_>,
        kind: Kind,
        feature: &GraphInput,
        row: usize,
    ) -> Result<(), Failure> {
        let malformed = |error: crate::json::JsonError| Failure::invalid(error.to_string());
        let expected = feature.value_type;
        match (&mut self.items, kind) {
            (Items::Float(values), Kind::Number) => {
                values.push(reader.number().map_err(malformed)?.as_f32());
            }
            (Items::Int(values), Kind::Number) => match reader.number().map_err(malformed)? {
                Number::Int(int) => values.push(int),
                Number::Other(text) => {
                    return Err(misfit(feature, row, text, "a whole number of 64 bits"));
                }
            },
            (Items::Text { bytes, offsets }, Kind::String) => {
                bytes.extend_from_slice(reader.string().map_err(malformed)?.as_bytes());
                offsets.push(offset(bytes.len()));
            }
            (Items::Text { bytes, offsets }, Kind::Object) => {
                let text = read_base64(reader)?;
                let text = std::str::from_utf8(&text);
                let text = text.map_err(|_| misfit(feature, row, "other bytes", "UTF-8"))?;
                bytes.extend_from_slice(text.as_bytes());
                offsets.push(offset(bytes.len()));
            }
            (Items::Bool(values), Kind::Bool) => values.push(reader.bool().map_err(malformed)?),
            (Items::Bool(values), Kind::Number) => match reader.number().map_err(malformed)? {
                Number::Int(int @ (0 | 1)) => values.push(int == 1),
                _ => return Err(misfit(feature, row, "a number", "true or false")),
            },
            (Items::Int(values), Kind::Bool) => {
                values.push(reader.bool().map_err(malformed)?.into());
            }
            (Items::Float(values), Kind::Bool) => {
                values.push(f32::from(u8::from(reader.bool().map_err(malformed)?)));
            }
            _ => return Err(misfit(feature, row, kind.name(), &expected.to_string())),
        }
        self.item_nulls.append_non_null();
        Ok(())
    }

    fn finish(mut self, field: &Field) -> Result<ArrayRef, Failure> {
        let nulls = self.item_nulls.finish();
        let items: ArrayRef = match self.items {
            Items::Int(values) => Arc::new(Int64Array::new(values.into(), nulls)),
            Items::Float(values) => Arc::new(Float32Array::new(values.into(), nulls)),
            Items::Bool(values) => Arc::new(BooleanArray::new(values.into(), nulls)),
            Items::Text { bytes, offsets } => Arc::new(texts(offsets, bytes, nulls)?),
        };
        let Some(mut rows) = self.rows else { return Ok(items) };
        let DataType::List(item) = field.data_type() else { return Ok(items) };
        let offsets = OffsetBuffer::new(ScalarBuffer::from(rows.offsets));
        Ok(Arc::new(ListArray::new(Arc::clone(item), offsets, items, rows.nulls.finish())))
    }
}

/// Returns a column of texts; every part of `bytes` was UTF-8 when it was added.
pub(super) fn texts(
    offsets: Vec<i32>,
    bytes: Vec<u8>,
    nulls: Option<NullBuffer>,
) -> Result<StringArray, Failure> {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls)
        .map_err(|error| Failure::invalid(error.to_string()))
}

/// Returns a place within a request, which is far smaller than 2 GiB.
pub(super) fn offset(len: usize) -> i32 {
    i32::try_from(len).expect("a request's size is limited")
}

/// Reads `{"b64": "..."}`.
pub(crate) fn read_base64(reader: &mut Reader<'_>) -> Result<Vec<u8>, Failure> {
    let malformed = |error: crate::json::JsonError| Failure::invalid(error.to_string());
    let wrong = || Failure::invalid("found an object, expected {\"b64\": \"<base64>\"}");
    reader.begin_object().map_err(malformed)?;
    let mut is_first = true;
    let key = reader.next_key(&mut is_first).map_err(malformed)?;
    if key.as_deref() != Some("b64") || reader.kind().map_err(malformed)? != Kind::String {
        return Err(wrong());
    }
    let text = reader.string().map_err(malformed)?;
    if reader.next_key(&mut is_first).map_err(malformed)?.is_some() {
        return Err(wrong());
    }
    decode_base64(&text).ok_or_else(|| Failure::invalid("a value of \"b64\" is not base64"))
}

/// Decodes both alphabets, padded or not.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
    engines.into_iter().find_map(|engine| engine.decode(text).ok())
}

#[cold]
pub(super) fn misfit(feature: &GraphInput, row: usize, found: &str, expected: &str) -> Failure {
    Failure::invalid(format!(
        "feature `{}`, row {row}: found {found}, expected {expected}",
        feature.name
    ))
}
