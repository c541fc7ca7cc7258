//! Avro files as a source: blocks in a row are a partition.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use base::BoxError;
use dataflow::{BatchIter, Source};

use super::column::{Column, skip};
use super::container::{Blocks, Container, Head, Place};
use super::cursor::Cursor;
use super::types::Type;
use super::{AvroError, AvroProblem};
use crate::common::{CommonSchema, conform, kept, wanted};
use crate::{BATCH_ROWS, DatasetError};

/// A file larger than this is read in parts of about this size.
const PART_BYTES: u64 = 16 << 20;

/// A batch ends early at this many bytes, as they stand on the wire and what was made of none there.
const BATCH_BYTES: usize = 8 << 20;

/// Avro object container files with one schema, in the order given.
///
/// A file is cut at the first block that begins 16 MiB or more after the last cut, so partitions depend on the
/// data alone.
#[derive(Clone, Debug)]
pub struct AvroFiles {
    schema: SchemaRef,
    /// Each with the schema of its own.
    files: Vec<(Container, SchemaRef)>,
    partitions: Vec<Partition>,
}

#[derive(Clone, Copy, Debug)]
struct Partition {
    file: usize,
    from: Place,
    end: u64,
}

impl AvroFiles {
    /// Opens the files and reads their headers. Large files are hopped through once, from block to block.
    ///
    /// All files have the same columns, whatever their order, which is that of the first. Integers and floats go
    /// together as floats; other values of two types do not. What one file declares never to be missing may be
    /// missing in another, and then may be missing in all.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] when a file cannot be read, is not Avro, has a schema that is not one of columns, or has
    /// other columns than the first; and for what is wrong between the blocks of a large file. Other damage is
    /// found by reading.
    pub fn open(paths: &[PathBuf]) -> Result<Self, DatasetError> {
        Self::open_columns(paths, None)
    }

    /// Opens the files for some of their columns, in the order given; each may be missing in some files.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`DatasetError::NoSuchColumn`] for a column that all files lack.
    pub fn open_columns(
        paths: &[PathBuf],
        columns: Option<&[String]>,
    ) -> Result<Self, DatasetError> {
        Self::open_cut(paths, columns, PART_BYTES)
    }

    /// As [`open_columns`](Self::open_columns), with parts of another size.
    pub(super) fn open_cut(
        paths: &[PathBuf],
        columns: Option<&[String]>,
        part_bytes: u64,
    ) -> Result<Self, DatasetError> {
        let mut common = CommonSchema::new(columns);
        let mut files = Vec::with_capacity(paths.len());
        let mut partitions = Vec::new();
        for path in paths {
            let container = Container::open(path)?;
            let fields = container.record.fields.iter().map(|(name, of)| of.field(name));
            let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
            common.add(path, &schema)?;
            let places = container.parts(part_bytes)?;
            for (index, &from) in places.iter().enumerate() {
                let end = places.get(index + 1).map_or(container.num_bytes(), |next| next.offset);
                partitions.push(Partition { file: files.len(), from, end });
            }
            files.push((container, schema));
        }
        Ok(Self { schema: common.finish()?, files, partitions })
    }

    /// Returns the number of each partition's file.
    pub fn file_of_partition(&self) -> impl Iterator<Item = usize> {
        self.partitions.iter().map(|partition| partition.file)
    }
}

impl Source for AvroFiles {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn num_partitions(&self) -> usize {
        self.partitions.len()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        let Partition { file, from, end } = self.partitions[partition];
        let (container, found) = &self.files[file];
        let schema = wanted(&self.schema, columns);
        let kept = kept(found, &schema);
        let failed = |source| AvroError::Batch { path: container.path.clone(), source };
        let found = found.project(&kept).map_err(failed)?;
        let slots = container.record.fields.iter().enumerate();
        let slots = slots.map(|(index, (name, of))| {
            let column = kept.binary_search(&index).is_ok().then(|| Column::new(of));
            Slot { name, of, column }
        });
        let mut batches = Some(Batches {
            container,
            blocks: container.blocks(from, end)?,
            block: None,
            slots: slots.collect(),
            schema: Arc::new(found),
        });
        Ok(Box::new(std::iter::from_fn(move || {
            let next = batches.as_mut()?.next().transpose();
            if !matches!(next, Some(Ok(_))) {
                batches = None;
            }
            next.map(|batch| Ok(conform(batch?, &schema).map_err(failed)?))
        })))
    }
}

/// The batches of one partition.
struct Batches<'a> {
    container: &'a Container,
    blocks: Blocks<'a>,
    /// The block at hand.
    block: Option<Block>,
    slots: Vec<Slot<'a>>,
    schema: SchemaRef,
}

/// A field of the records: read into a column, or passed over.
struct Slot<'a> {
    name: &'a str,
    of: &'a Type,
    column: Option<Column>,
}

/// An unpacked block, read up to a row.
struct Block {
    head: Head,
    bytes: Vec<u8>,
    position: usize,
    next_row: u64,
}

impl Batches<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>, AvroError> {
        let (mut num_rows, mut num_bytes) = (0, 0);
        while num_rows < BATCH_ROWS && num_bytes < BATCH_BYTES {
            let Some(mut block) = self.next_block()? else { break };
            num_bytes += self.read_row(&mut block)?;
            num_rows += 1;
            self.block = Some(block);
        }
        if num_rows == 0 {
            return Ok(None);
        }
        let batch = |source| AvroError::Batch { path: self.container.path.clone(), source };
        let columns = self.slots.iter_mut().filter_map(|slot| slot.column.as_mut());
        let columns: Result<Vec<_>, _> = columns.map(Column::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(num_rows));
        let schema = SchemaRef::clone(&self.schema);
        let columns = columns.map_err(batch)?;
        RecordBatch::try_new_with_options(schema, columns, &options).map(Some).map_err(batch)
    }

    /// Returns the block whose next row is to be read, which is there.
    fn next_block(&mut self) -> Result<Option<Block>, AvroError> {
        let mut spare = Vec::new();
        loop {
            if let Some(block) = self.block.take() {
                if block.next_row < block.head.num_rows {
                    return Ok(Some(block));
                }
                let left = block.bytes.len() - block.position;
                if left > 0 {
                    let problem = AvroProblem::LeftOver { left, rows: block.head.num_rows };
                    return Err(self.container.block_error(block.head.place, problem));
                }
                spare = block.bytes;
            }
            let Some(head) = self.blocks.next_head()? else { return Ok(None) };
            self.blocks.read(head, &mut spare)?;
            let bytes = std::mem::take(&mut spare);
            self.block = Some(Block { head, bytes, position: 0, next_row: 0 });
        }
    }

    /// Reads one row, and returns about how many bytes it takes.
    fn read_row(&mut self, block: &mut Block) -> Result<usize, AvroError> {
        let mut cursor = Cursor::new(&block.bytes[block.position..]);
        let before = cursor.remaining();
        for slot in &mut self.slots {
            let read = match &mut slot.column {
                Some(column) => column.read(&mut cursor),
                None => skip(slot.of, &mut cursor),
            };
            if let Err(problem) = read {
                let Place { number, offset } = block.head.place;
                let (row, column) = (block.next_row + 1, slot.name.to_owned());
                let path = self.container.path.clone();
                return Err(AvroError::Value { path, number, offset, row, column, problem });
            }
        }
        let num_bytes = before - cursor.remaining();
        block.position += num_bytes;
        block.next_row += 1;
        Ok(num_bytes + cursor.extra())
    }
}
