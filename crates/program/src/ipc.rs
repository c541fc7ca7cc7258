//! Questions and answers as Arrow IPC streams, each behind its length: eight bytes, the lowest first.

use std::io::{self, Read};

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float32Type};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;

use crate::ProgramError;

/// More than this is no answer.
pub(crate) const MAX_ANSWER_BYTES: u64 = 1 << 30;

/// Writes a question, its length in front.
pub(crate) fn write_question(batch: &RecordBatch) -> Result<Vec<u8>, ProgramError> {
    let mut bytes = vec![0; 8];
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema())?;
    writer.write(batch)?;
    writer.finish()?;
    drop(writer);
    let length = (bytes.len() - 8) as u64;
    bytes[..8].copy_from_slice(&length.to_le_bytes());
    Ok(bytes)
}

/// Reads the bytes of an answer. No more memory is taken than bytes have come.
pub(crate) fn read_frame(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_ANSWER_BYTES {
        let message = format!("an answer of {length} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// Reads an answer's columns; an `Err` says what it is instead.
pub(crate) fn read_answer(bytes: &[u8]) -> Result<RecordBatch, String> {
    let read = || {
        let reader = StreamReader::try_new(bytes, None)?;
        let schema = reader.schema();
        let batches: Vec<_> = reader.collect::<Result<_, _>>()?;
        concat_batches(&schema, &batches)
    };
    read().map_err(|error| format!("answered what is no Arrow stream ({error})"))
}

/// Returns the floats of a column of an answer, row after row; an `Err` says what is there instead.
pub(crate) fn read_column(
    column: &ArrayRef,
    num_rows: usize,
    width: usize,
) -> Result<Vec<f32>, String> {
    if column.len() != num_rows {
        return Err(format!("has {} values for {num_rows} rows", column.len()));
    }
    let (values, per_row): (ArrayRef, Box<dyn Fn(usize) -> usize>) = match column.data_type() {
        _ if column.null_count() > 0 => return Err("has missing values".to_owned()),
        DataType::List(_) => {
            let lists = column.as_list::<i32>().clone();
            let first = usize::try_from(lists.value_offsets()[0]).unwrap_or(0);
            let last = usize::try_from(lists.value_offsets()[num_rows]).unwrap_or(0);
            let values = lists.values().slice(first, last - first);
            (values, Box::new(move |row| lists.value(row).len()))
        }
        DataType::FixedSizeList(_, _) => {
            let lists = column.as_fixed_size_list();
            let length = usize::try_from(lists.value_length()).unwrap_or(0);
            (
                lists.values().slice(lists.offset() * length, num_rows * length),
                Box::new(move |_| length),
            )
        }
        _ => (ArrayRef::clone(column), Box::new(|_| 1)),
    };
    if let Some(row) = (0..num_rows).find(|row| per_row(*row) != width) {
        return Err(format!("has {} values in row {row}", per_row(row)));
    }
    let found = || format!("is {}", column.data_type());
    if !values.data_type().is_numeric() {
        return Err(found());
    }
    let values = cast(&values, &DataType::Float32).map_err(|_| found())?;
    let floats: &Float32Array = values.as_primitive::<Float32Type>();
    if floats.null_count() > 0 || floats.len() != num_rows * width {
        return Err("has missing values".to_owned());
    }
    Ok(floats.values().to_vec())
}
