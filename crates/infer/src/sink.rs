//! Writes batches to a stream, in any of the formats.

use std::collections::HashSet;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, RecordBatch};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use dataset::{ExampleEncoder, MissingFeature, Payload, ROW_GROUP_ROWS};
use formats::tfrecord::{Encoder, RecordWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as Packing, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::cells::{Cells, push_object, push_quoted};
use crate::{Format, InferError};

/// Writes batches to a stream. The same batches give the same bytes.
pub struct Sink<W: Write + Send>(Writer<W>);

enum Writer<W: Write + Send> {
    Text {
        out: BufWriter<W>,
        schema: SchemaRef,
        is_csv: bool,
        text: String,
    },
    Parquet(Box<ArrowWriter<W>>),
    Records {
        encoder: ExampleEncoder,
        out: Box<RecordWriter<Encoder<BufWriter<W>>>>,
        schema: SchemaRef,
    },
}

impl<W: Write + Send> Sink<W> {
    /// Returns a sink of batches of `schema`; a header is written.
    ///
    /// # Errors
    ///
    /// [`InferError`] where the format has no place for a column, or the stream refuses.
    pub fn new(format: Format, schema: &SchemaRef, out: W) -> Result<Self, InferError> {
        let schema = SchemaRef::clone(schema);
        Ok(Self(match format {
            Format::Csv => {
                let schema = widened(&schema)?;
                let mut text = String::new();
                for (place, field) in schema.fields().iter().enumerate() {
                    if place > 0 {
                        text.push(',');
                    }
                    push_quoted(field.name(), &mut text);
                }
                text.push('\n');
                let mut out = BufWriter::new(out);
                out.write_all(text.as_bytes()).map_err(InferError::Stream)?;
                Writer::Text { out, schema, is_csv: true, text }
            }
            Format::JsonLines => Writer::Text {
                out: BufWriter::new(out),
                schema,
                is_csv: false,
                text: String::new(),
            },
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
                    .set_compression(Packing::ZSTD(ZstdLevel::default()))
                    .set_created_by("cupola".to_owned())
                    .build();
                let writer = ArrowWriter::try_new(out, schema, Some(properties));
                Writer::Parquet(Box::new(writer.map_err(refused)?))
            }
            Format::TfRecord(compression) => {
                let schema = listed(&schema);
                let encoder =
                    ExampleEncoder::new(Payload::TfExample, MissingFeature::Omitted, &schema)?;
                let out = RecordWriter::new(compression.encoder(BufWriter::new(out)));
                Writer::Records { encoder, out: Box::new(out), schema }
            }
        }))
    }

    /// Writes rows.
    ///
    /// # Errors
    ///
    /// [`InferError`] when the stream refuses, or a value has no place in the format.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), InferError> {
        match &mut self.0 {
            Writer::Text { out, schema, is_csv, text } => {
                let arrays = if *is_csv { widen(batch) } else { Ok(batch.columns().to_vec()) };
                let columns = arrays
                    .and_then(|arrays| arrays.iter().map(Cells::new).collect::<Result<Vec<_>, _>>())
                    .map_err(|source| InferError::Batch { source })?;
                text.clear();
                for row in 0..batch.num_rows() {
                    if *is_csv {
                        push_row(&columns, row, text);
                    } else {
                        let names = schema.fields().iter().map(|field| field.name().as_str());
                        push_object(names.zip(&columns), row, text);
                        text.push('\n');
                    }
                }
                out.write_all(text.as_bytes()).map_err(InferError::Stream)
            }
            Writer::Parquet(writer) => writer.write(batch).map_err(refused),
            Writer::Records { encoder, out, schema } => {
                let columns = batch.columns().iter().zip(schema.fields());
                let columns = columns.map(|(column, field)| {
                    if column.data_type() == field.data_type() {
                        return Ok(Arc::clone(column));
                    }
                    cast(column, field.data_type())
                });
                let columns = columns.collect::<Result<Vec<_>, _>>();
                let batch = columns
                    .and_then(|columns| RecordBatch::try_new(SchemaRef::clone(schema), columns))
                    .map_err(|source| InferError::Batch { source })?;
                encoder.encode(&batch, |record| out.write(record).map_err(InferError::Stream))
            }
        }
    }

    /// Writes what is left, and returns the stream.
    ///
    /// # Errors
    ///
    /// [`InferError`] when the stream refuses.
    pub fn finish(self) -> Result<W, InferError> {
        let flushed = |out: BufWriter<W>| {
            out.into_inner().map_err(|error| InferError::Stream(error.into_error()))
        };
        match self.0 {
            Writer::Text { out, .. } => flushed(out),
            Writer::Parquet(writer) => writer.into_inner().map_err(refused),
            Writer::Records { out, .. } => {
                flushed(out.into_inner().finish().map_err(InferError::Stream)?)
            }
        }
    }
}

/// Returns the schema with `a_0`, `a_1` and so on in the place of a list `a` of a fixed length.
fn widened(schema: &SchemaRef) -> Result<SchemaRef, InferError> {
    let mut fields = Vec::new();
    for field in schema.fields() {
        match field.data_type() {
            DataType::FixedSizeList(item, width) => fields.extend((0..*width).map(|place| {
                let name = format!("{}_{place}", field.name());
                Arc::new(Field::new(name, item.data_type().clone(), true))
            })),
            _ => fields.push(Arc::clone(field)),
        }
    }
    let mut seen = HashSet::new();
    if let Some(field) = fields.iter().find(|field| !seen.insert(field.name().as_str())) {
        return Err(InferError::NameTaken { column: field.name().clone() });
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// Returns the columns that [`widened`] names.
fn widen(batch: &RecordBatch) -> Result<Vec<ArrayRef>, ArrowError> {
    let mut columns = Vec::new();
    for column in batch.columns() {
        let Some(lists) = column.as_fixed_size_list_opt() else {
            columns.push(Arc::clone(column));
            continue;
        };
        for place in 0..lists.value_length() {
            let indices: Int32Array = (0..lists.len())
                .map(|row| lists.is_valid(row).then(|| lists.value_offset(row) + place))
                .collect();
            columns.push(take(lists.values(), &indices, None)?);
        }
    }
    Ok(columns)
}

/// Appends a line of CSV. A lone missing value is written as two quotes: readers pass over empty lines.
fn push_row(columns: &[Cells], row: usize, text: &mut String) {
    let start = text.len();
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        column.push_csv(row, text);
    }
    if text.len() == start && !columns.is_empty() {
        text.push_str("\"\"");
    }
    text.push('\n');
}

/// Returns the schema with lists of a fixed length as lists of any: records know no others.
fn listed(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::FixedSizeList(item, _) => {
            let list = DataType::List(Arc::clone(item));
            Arc::new(field.as_ref().clone().with_data_type(list))
        }
        _ => Arc::clone(field),
    });
    let fields: Vec<_> = fields.collect();
    Arc::new(Schema::new(fields))
}

/// Tells a stream that refuses from columns that do not fit.
fn refused(error: ParquetError) -> InferError {
    if let ParquetError::External(cause) = &error
        && let Some(io) = cause.downcast_ref::<std::io::Error>()
    {
        return InferError::Stream(std::io::Error::new(io.kind(), io.to_string()));
    }
    InferError::Parquet(error)
}
