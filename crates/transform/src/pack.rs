//! Sequence packing: the tokens of documents one behind the other, in blocks of a fixed length.
//!
//! A stage behind the graph and not an operation of it, because a row that comes out depends on many that go in.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema, SchemaRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::TransformError;

/// How tokens are packed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackConfig {
    /// The feature that holds the tokens of each document: a list of integers.
    pub feature: String,
    /// How many tokens a block has.
    pub length: u32,
    /// The token that goes behind every document; none where not given.
    #[serde(default)]
    pub separator: Option<i64>,
    /// What becomes of the tokens that do not fill the last block.
    #[serde(default)]
    pub remainder: Remainder,
    /// The token that fills the last block.
    #[serde(default)]
    pub padding: i64,
}

/// What becomes of the last block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Remainder {
    /// It is filled up.
    #[default]
    Pad,
    /// It is left out.
    Drop,
}

/// No block is longer, so that many of them fit into memory.
const MAX_LENGTH: u32 = 1 << 20;

/// Blocks are given out in batches of about so many tokens.
const BATCH_TOKENS: usize = 1 << 18;

impl PackConfig {
    /// Returns what is wrong with the numbers, and at which key.
    pub fn mistake(&self) -> Option<(&'static str, String)> {
        match self.length {
            1..=MAX_LENGTH => None,
            length => Some(("length", format!("found {length}, expected 1 to {MAX_LENGTH}"))),
        }
    }

    /// Returns the names of the columns: the tokens, the number of each token's document within its block, from 1, and
    /// each token's place within its document, from 0. What fills up the last block has 0 for both.
    pub fn columns(&self) -> [String; 3] {
        let name = &self.feature;
        [name.clone(), format!("{name}_segment_ids"), format!("{name}_positions")]
    }
}

/// Packs the tokens of documents, which come in order, into blocks.
///
/// Every token comes out once, in order, but for those of the last block where it is dropped. Missing and empty
/// documents leave nothing behind. Memory is that of a batch.
#[derive(Debug)]
pub struct Packer {
    config: PackConfig,
    schema: SchemaRef,
    tokens: Vec<i64>,
    segments: Vec<i64>,
    positions: Vec<i64>,
    /// The number of the document that was begun last within its block.
    segment: i64,
}

impl Packer {
    /// Returns a packer of no documents so far.
    pub fn new(config: PackConfig) -> Self {
        let length = i32::try_from(config.length).unwrap_or(i32::MAX);
        let of = DataType::FixedSizeList(item(), length);
        let fields = config.columns().map(|name| Field::new(name, of.clone(), false));
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let (tokens, segments, positions) = (Vec::new(), Vec::new(), Vec::new());
        Self { config, schema, tokens, segments, positions, segment: 0 }
    }

    /// Returns the schema of the blocks: three lists of the fixed length.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// Takes in documents, and returns the blocks that are full.
    ///
    /// # Errors
    ///
    /// [`TransformError::Pack`] when the batch has no such lists of integers, or one with a missing token.
    pub fn push(&mut self, documents: &RecordBatch) -> Result<Option<RecordBatch>, TransformError> {
        let refused =
            |reason: String| TransformError::Pack { feature: self.config.feature.clone(), reason };
        let column = documents.column_by_name(&self.config.feature);
        let column = column.ok_or_else(|| refused("it is not there".to_owned()))?;
        let of_rows = rows(column).ok_or_else(|| {
            refused(format!("found {}, expected a list of integers", column.data_type()))
        })?;
        for row in 0..column.len() {
            if column.is_null(row) {
                continue;
            }
            let (items, range) = of_rows(row);
            if range.clone().any(|place| items.is_null(place)) {
                let reason = format!("row {row} of the batch has a missing token");
                return Err(TransformError::Pack { feature: self.config.feature.clone(), reason });
            }
            self.document(&items.values()[range]);
        }
        let length = self.config.length as usize;
        let num_full = self.tokens.len() / length * length;
        Ok((num_full >= BATCH_TOKENS.max(length)).then(|| self.take(num_full)))
    }

    fn document(&mut self, tokens: &[i64]) {
        if tokens.is_empty() {
            return;
        }
        let length = self.config.length as usize;
        self.segment += 1;
        for (position, token) in (0..).zip(tokens.iter().copied().chain(self.config.separator)) {
            if self.tokens.len().is_multiple_of(length) {
                // The first document of a block is its first one, though it may have begun before.
                self.segment = 1;
            }
            self.tokens.push(token);
            self.segments.push(self.segment);
            self.positions.push(position);
        }
    }

    /// Returns the blocks that are left, the last one filled up or left out.
    pub fn finish(mut self) -> Option<RecordBatch> {
        let length = self.config.length as usize;
        let num_tokens = match self.config.remainder {
            Remainder::Pad => self.tokens.len().next_multiple_of(length),
            Remainder::Drop => self.tokens.len() / length * length,
        };
        self.tokens.resize(num_tokens.max(self.tokens.len()), self.config.padding);
        self.segments.resize(self.tokens.len(), 0);
        self.positions.resize(self.tokens.len(), 0);
        (num_tokens > 0).then(|| self.take(num_tokens))
    }

    fn take(&mut self, num_tokens: usize) -> RecordBatch {
        let length = i32::try_from(self.config.length).unwrap_or(i32::MAX);
        let columns = [&mut self.tokens, &mut self.segments, &mut self.positions];
        let columns = columns.map(|values| -> ArrayRef {
            let rest = values.split_off(num_tokens);
            let values = Int64Array::from(std::mem::replace(values, rest));
            Arc::new(FixedSizeListArray::new(item(), length, Arc::new(values), None))
        });
        RecordBatch::try_new(self.schema(), columns.to_vec())
            .expect("three lists of one length, none missing")
    }
}

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Int64, false))
}

pub(crate) type Row<'a> = Box<dyn Fn(usize) -> (&'a Int64Array, std::ops::Range<usize>) + 'a>;

/// Returns where the values of each row are, if the column is of lists of integers.
pub(crate) fn rows(column: &ArrayRef) -> Option<Row<'_>> {
    if let Some(lists) = column.as_list_opt::<i32>() {
        let items = lists.values().as_primitive_opt::<Int64Type>()?;
        let offsets = lists.value_offsets();
        let place = |row: usize| usize::try_from(offsets[row]).unwrap_or(0);
        return Some(Box::new(move |row| (items, place(row)..place(row + 1))));
    }
    let lists = column.as_fixed_size_list_opt()?;
    let items = lists.values().as_primitive_opt::<Int64Type>()?;
    let length = usize::try_from(lists.value_length()).ok()?;
    Some(Box::new(move |row| (items, row * length..(row + 1) * length)))
}

#[cfg(test)]
mod tests {
    use arrow::array::ListArray;
    use proptest::prelude::*;

    use super::*;

    fn config(length: u32, separator: Option<i64>, remainder: Remainder) -> PackConfig {
        PackConfig { feature: "t".to_owned(), length, separator, remainder, padding: -1 }
    }

    fn batch(documents: &[Option<Vec<i64>>]) -> RecordBatch {
        let lists =
            documents.iter().map(|row| row.as_ref().map(|row| row.iter().copied().map(Some)));
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists));
        RecordBatch::try_from_iter([("t", lists)]).unwrap()
    }

    /// Packs documents that come in batches of some rows, and returns the blocks of all three columns.
    fn pack(
        config: &PackConfig,
        documents: &[Option<Vec<i64>>],
        rows: usize,
    ) -> [Vec<Vec<i64>>; 3] {
        let mut packer = Packer::new(config.clone());
        let mut batches = Vec::new();
        for documents in documents.chunks(rows) {
            batches.extend(packer.push(&batch(documents)).unwrap());
        }
        batches.extend(packer.finish());
        [0, 1, 2].map(|column| {
            let blocks = batches.iter().flat_map(|batch| {
                let lists = batch.column(column).as_fixed_size_list().clone();
                (0..lists.len())
                    .map(move |row| lists.value(row).as_primitive::<Int64Type>().values().to_vec())
            });
            blocks.collect()
        })
    }

    #[test]
    fn documents_follow_each_other_with_their_boundaries() {
        let documents = [Some(vec![1, 2, 3]), None, Some(vec![]), Some(vec![4]), Some(vec![5, 6])];
        let [tokens, segments, positions] =
            pack(&config(4, Some(0), Remainder::Pad), &documents, 2);
        assert_eq!(tokens, [[1, 2, 3, 0], [4, 0, 5, 6], [0, -1, -1, -1]]);
        assert_eq!(segments, [[1, 1, 1, 1], [1, 1, 2, 2], [1, 0, 0, 0]]);
        assert_eq!(positions, [[0, 1, 2, 3], [0, 1, 0, 1], [2, 0, 0, 0]]);
        let [tokens, ..] = pack(&config(4, None, Remainder::Drop), &documents, 9);
        assert_eq!(tokens, [[1, 2, 3, 4]]);
        assert!(pack(&config(4, None, Remainder::Pad), &[None], 1)[0].is_empty());
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let mut packer = Packer::new(config(4, None, Remainder::Pad));
        let missing = ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1), None])]);
        let missing = RecordBatch::try_from_iter([("t", Arc::new(missing) as ArrayRef)]).unwrap();
        let error = packer.push(&missing).unwrap_err();
        assert_eq!(error.to_string(), "packing `t`: row 0 of the batch has a missing token");
        let ints = Arc::new(Int64Array::from(vec![1])) as ArrayRef;
        let ints = RecordBatch::try_from_iter([("t", ints)]).unwrap();
        let error = packer.push(&ints).unwrap_err();
        assert_eq!(error.to_string(), "packing `t`: found Int64, expected a list of integers");
        assert!(config(0, None, Remainder::Pad).mistake().is_some());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_however_the_documents_come(
            documents in prop::collection::vec(prop::option::of(prop::collection::vec(0_i64..9, 0..7)), 0..40),
            length in 1_u32..9,
            rows in 1_usize..9,
            has_separator in any::<bool>(),
        ) {
            let config = config(length, has_separator.then_some(99), Remainder::Pad);
            let [tokens, segments, _] = pack(&config, &documents, rows);
            prop_assert_eq!(&pack(&config, &documents, 40)[0], &tokens);
            let found: Vec<i64> = tokens.concat().into_iter().zip(segments.concat())
                .filter(|(_, segment)| *segment > 0).map(|(token, _)| token).collect();
            let expected: Vec<i64> = documents.iter().flatten().filter(|tokens| !tokens.is_empty())
                .flat_map(|tokens| tokens.iter().copied().chain(config.separator)).collect();
            prop_assert_eq!(&found, &expected);
            let dropped = PackConfig { remainder: Remainder::Drop, ..config };
            let whole = expected.len() / length as usize;
            prop_assert_eq!(&pack(&dropped, &documents, rows)[0], &tokens[..whole]);
        }
    }
}
