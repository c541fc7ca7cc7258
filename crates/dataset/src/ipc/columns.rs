//! The columns of a message, made or passed over.

use std::collections::HashMap;

use arrow::array::{Array, ArrayData, ArrayRef, make_array, new_empty_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::compute::concat;
use arrow::datatypes::DataType;
use arrow_ipc::RecordBatch;

use super::ArrowFileProblem as Problem;
use super::messages::MAX_MESSAGE_BYTES;
use super::schema::{Columns, Shape};
use super::unpack::Body;

/// The values of the dictionaries read so far.
#[derive(Debug, Default)]
pub(super) struct Dictionaries {
    values: HashMap<i64, ArrayRef>,
    num_bytes: usize,
}

/// What is wrong with a message, and the column where, empty for none.
pub(super) type Misfit = (String, Problem);

/// Returns how many rows a batch has, and those of its columns that are kept.
pub(super) fn read_columns(
    batch: RecordBatch<'_>,
    body: &Buffer,
    columns: &Columns,
    kept: &[usize],
    dictionaries: &Dictionaries,
) -> Result<(usize, Vec<ArrayRef>), Misfit> {
    let none = |problem| (String::new(), problem);
    let num_rows = count("rows", batch.length()).map_err(none)?;
    let mut reader = Reader::new(batch, body, dictionaries).map_err(none)?;
    let mut arrays = Vec::with_capacity(kept.len());
    for (index, shape) in columns.shapes.iter().enumerate() {
        let named = |problem| (columns.schema.field(index).name().clone(), problem);
        if kept.binary_search(&index).is_ok() {
            let data = reader.data(shape).map_err(named)?;
            if data.len() != num_rows {
                let found = i64::try_from(data.len()).unwrap_or(i64::MAX);
                return Err(named(Problem::Count { what: "values", found }));
            }
            arrays.push(make_array(data));
        } else {
            let length = reader.pass(shape).map_err(named)?;
            if length != num_rows {
                let found = i64::try_from(length).unwrap_or(i64::MAX);
                return Err(named(Problem::Count { what: "values", found }));
            }
        }
    }
    Ok((num_rows, arrays))
}

impl Dictionaries {
    /// Takes in a dictionary, or more values of one.
    pub(super) fn read(
        &mut self,
        batch: arrow_ipc::DictionaryBatch<'_>,
        body: &Buffer,
        columns: &Columns,
    ) -> Result<(), Problem> {
        let id = batch.id();
        let shape = columns.dictionaries.get(&id).ok_or(Problem::UnknownDictionary { id })?;
        let data = batch.data().ok_or(Problem::Missing { what: "values" })?;
        let values = make_array(Reader::new(data, body, self)?.data(shape)?);
        let values = match self.values.get(&id) {
            Some(before) if batch.isDelta() => {
                // Joined, they are copied, so the bound has to be kept before.
                let most = before.get_array_memory_size() + values.get_array_memory_size();
                if most as u64 > MAX_MESSAGE_BYTES {
                    return Err(Problem::ExpandsTooMuch { limit: MAX_MESSAGE_BYTES });
                }
                concat(&[before, &values]).map_err(Problem::Values)?
            }
            None if batch.isDelta() => return Err(Problem::NoDictionary { id }),
            _ => values,
        };
        self.num_bytes += values.get_array_memory_size();
        if let Some(before) = self.values.insert(id, values) {
            self.num_bytes -= before.get_array_memory_size().min(self.num_bytes);
        }
        if self.num_bytes as u64 > MAX_MESSAGE_BYTES {
            return Err(Problem::ExpandsTooMuch { limit: MAX_MESSAGE_BYTES });
        }
        Ok(())
    }
}

/// Goes through the arrays of a message in their order.
struct Reader<'a> {
    nodes: std::vec::IntoIter<arrow_ipc::FieldNode>,
    buffers: std::vec::IntoIter<arrow_ipc::Buffer>,
    /// How many buffers of values each column of views has.
    variadic: std::vec::IntoIter<i64>,
    body: Body<'a>,
    dictionaries: &'a Dictionaries,
}

/// An array's length and missing values.
struct Node {
    length: usize,
    null_count: i64,
}

impl<'a> Reader<'a> {
    fn new(
        batch: RecordBatch<'_>,
        body: &'a Buffer,
        dictionaries: &'a Dictionaries,
    ) -> Result<Self, Problem> {
        let nodes = batch.nodes().ok_or(Problem::Missing { what: "arrays" })?;
        let buffers = batch.buffers().ok_or(Problem::Missing { what: "buffers" })?;
        let variadic = batch.variadicBufferCounts().into_iter().flatten();
        Ok(Self {
            nodes: nodes.iter().copied().collect::<Vec<_>>().into_iter(),
            buffers: buffers.iter().copied().collect::<Vec<_>>().into_iter(),
            variadic: variadic.collect::<Vec<_>>().into_iter(),
            body: Body::new(body, batch, MAX_MESSAGE_BYTES)?,
            dictionaries,
        })
    }

    fn node(&mut self) -> Result<Node, Problem> {
        let node = self.nodes.next().ok_or(Problem::Missing { what: "array for it" })?;
        Ok(Node { length: count("values", node.length())?, null_count: node.null_count() })
    }

    fn buffer(&mut self) -> Result<Buffer, Problem> {
        let buffer = self.buffers.next().ok_or(Problem::Missing { what: "buffer for it" })?;
        self.body.buffer(buffer)
    }

    /// Reads which values are missing; where none is, there may be no buffer.
    fn nulls(&mut self, node: &Node) -> Result<Option<NullBuffer>, Problem> {
        let buffer = self.buffer()?;
        if node.null_count == 0 {
            return Ok(None);
        }
        let expected = node.length.div_ceil(8);
        if buffer.len() < expected {
            return Err(Problem::Short { found: buffer.len(), expected });
        }
        let nulls = NullBuffer::new(BooleanBuffer::new(buffer, 0, node.length));
        let found = nulls.null_count();
        if i64::try_from(found) != Ok(node.null_count) {
            return Err(Problem::Nulls { found, expected: node.null_count });
        }
        Ok(Some(nulls))
    }

    /// Makes one array. Arrow itself checks the values: offsets, UTF-8, keys, and that buffers are long enough.
    fn data(&mut self, shape: &Shape) -> Result<ArrayData, Problem> {
        let num_views = self.num_views(shape)?;
        let node = self.node()?;
        let mut builder = ArrayData::builder(shape.data_type.clone()).len(node.length);
        if shape.data_type == DataType::Null {
            return builder.build().map_err(Problem::Values);
        }
        builder = builder.nulls(self.nulls(&node)?);
        for index in 0..num_values(&shape.data_type).saturating_add(num_views) {
            let mut buffer = self.buffer()?;
            if index == 0 {
                // Arrow panics at a part of an offset or key behind the last.
                let width = width(&shape.data_type);
                buffer = buffer.slice_with_length(0, buffer.len() / width * width);
            }
            builder = builder.add_buffer(buffer);
        }
        for child in &shape.children {
            let child = self.data(child)?;
            if let DataType::FixedSizeList(_, size) = &shape.data_type {
                let size = usize::try_from(*size).unwrap_or(usize::MAX);
                let expected = node.length.saturating_mul(size);
                if child.len() < expected {
                    return Err(Problem::Short { found: child.len(), expected });
                }
            }
            builder = builder.add_child_data(child);
        }
        if let (DataType::Dictionary(_, values), Some(id)) = (&shape.data_type, shape.dictionary) {
            // A dictionary that no row needs may be left out.
            let known = self.dictionaries.values.get(&id).cloned();
            let known = known.unwrap_or_else(|| new_empty_array(values));
            builder = builder.add_child_data(known.to_data());
        }
        builder.align_buffers(true).build().map_err(Problem::Values)
    }

    /// Passes over an array and returns its length.
    fn pass(&mut self, shape: &Shape) -> Result<usize, Problem> {
        let num_views = self.num_views(shape)?;
        let node = self.node()?;
        if shape.data_type != DataType::Null {
            for _ in 0..num_values(&shape.data_type).saturating_add(num_views).saturating_add(1) {
                self.buffers.next().ok_or(Problem::Missing { what: "buffer for it" })?;
            }
        }
        for child in &shape.children {
            self.pass(child)?;
        }
        Ok(node.length)
    }

    /// Returns how many buffers a column of views has besides the views.
    fn num_views(&mut self, shape: &Shape) -> Result<usize, Problem> {
        match shape.data_type {
            DataType::Utf8View | DataType::BinaryView => {
                let what = "number of buffers for it";
                count("buffers", self.variadic.next().ok_or(Problem::Missing { what })?)
            }
            _ => Ok(0),
        }
    }
}

/// Returns how many buffers a type has, besides that of what is missing and those of views.
fn num_values(data_type: &DataType) -> usize {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => 2,
        DataType::Struct(_) | DataType::FixedSizeList(..) | DataType::Null => 0,
        _ => 1,
    }
}

/// Returns how many bytes each offset, view, key or number in the first buffer of a type has.
fn width(data_type: &DataType) -> usize {
    match data_type {
        DataType::Utf8 | DataType::Binary | DataType::List(_) | DataType::Map(..) => 4,
        DataType::LargeUtf8 | DataType::LargeBinary | DataType::LargeList(_) => 8,
        DataType::Utf8View | DataType::BinaryView => 16,
        DataType::Dictionary(keys, _) => keys.primitive_width().unwrap_or(1),
        other => other.primitive_width().unwrap_or(1),
    }
}

fn count(what: &'static str, found: i64) -> Result<usize, Problem> {
    usize::try_from(found).map_err(|_| Problem::Count { what, found })
}
