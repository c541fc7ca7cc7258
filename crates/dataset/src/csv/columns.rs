//! Collects rows of cells into Arrow columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanArray, Float32Builder, Int64Builder, NullArray, RecordBatch,
    RecordBatchOptions, StringArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, SchemaRef};

use super::rows::CsvRow;
use super::value::{Integer, is_large_integer, parse_float, parse_int};
use crate::FeatureType;

/// Returns the Arrow type of a column of delimited text.
pub(crate) fn data_type(feature_type: Option<FeatureType>) -> DataType {
    match feature_type {
        None => DataType::Null,
        Some(FeatureType::Int) => DataType::Int64,
        Some(FeatureType::Float) => DataType::Float32,
        Some(FeatureType::Bytes | FeatureType::Struct) => DataType::Utf8,
    }
}

enum Values {
    Int(Int64Builder),
    Float(Float32Builder),
    Text(BinaryBuilder),
    None,
}

/// The columns of a batch in the making.
pub(crate) struct Columns {
    schema: SchemaRef,
    /// The index of a row's cell, and the values of its column.
    columns: Vec<(usize, Values)>,
    /// Whether a cell of a wider type is no value even where it can be read.
    is_exact: bool,
    num_rows: usize,
    /// Rows that turned out not to fit when part of them was already in the columns.
    misfits: Vec<usize>,
}

impl Columns {
    /// Returns empty columns: `wanted` gives the cell and the type of each, in the schema's order. With `is_exact`, a
    /// cell of a wider type does not fit even where it can be read.
    pub(crate) fn new(
        schema: SchemaRef,
        wanted: impl Iterator<Item = (usize, Option<FeatureType>)>,
        is_exact: bool,
    ) -> Self {
        let columns = wanted.map(|(cell, feature_type)| {
            let values = match feature_type {
                None => Values::None,
                Some(FeatureType::Int) => Values::Int(Int64Builder::new()),
                Some(FeatureType::Float) => Values::Float(Float32Builder::new()),
                Some(FeatureType::Bytes | FeatureType::Struct) => {
                    Values::Text(BinaryBuilder::new())
                }
            };
            (cell, values)
        });
        Self { schema, columns: columns.collect(), is_exact, num_rows: 0, misfits: Vec::new() }
    }

    /// Returns how many rows came in since the last batch.
    pub(crate) fn num_rows(&self) -> usize {
        self.num_rows
    }

    /// Adds a row, or returns the cell that does not hold a value of its type; such a row is left out.
    pub(crate) fn push(&mut self, row: &CsvRow<'_>) -> Result<(), usize> {
        self.num_rows += 1;
        for position in 0..self.columns.len() {
            let (cell, values) = &mut self.columns[position];
            if !append(values, row.cell(*cell), self.is_exact) {
                let bad = *cell;
                for (_, values) in &mut self.columns[position..] {
                    append(values, b"", self.is_exact);
                }
                self.misfits.push(self.num_rows - 1);
                return Err(bad);
            }
        }
        Ok(())
    }

    /// Returns the rows that fit as a batch, and begins the next.
    pub(crate) fn finish(&mut self) -> RecordBatch {
        let num_rows = std::mem::take(&mut self.num_rows);
        let columns = self.columns.iter_mut().map(|(_, values)| -> ArrayRef {
            match values {
                Values::Int(builder) => Arc::new(builder.finish()),
                Values::Float(builder) => Arc::new(builder.finish()),
                Values::Text(builder) => Arc::new(
                    StringArray::try_from_binary(builder.finish())
                        .expect("the cells of a row are UTF-8"),
                ),
                Values::None => Arc::new(NullArray::new(num_rows)),
            }
        });
        let options = RecordBatchOptions::new().with_row_count(Some(num_rows));
        let schema = SchemaRef::clone(&self.schema);
        let batch = RecordBatch::try_new_with_options(schema, columns.collect(), &options)
            .expect("the columns were made after the schema");
        if self.misfits.is_empty() {
            return batch;
        }
        let mut fits = vec![true; num_rows];
        for misfit in self.misfits.drain(..) {
            fits[misfit] = false;
        }
        filter_record_batch(&batch, &BooleanArray::from(fits))
            .expect("there is one flag for each row")
    }
}

/// Returns whether a cell is missing or holds a value of a type, which are those that can be appended.
pub(crate) fn fits(feature_type: Option<FeatureType>, cell: &[u8], is_exact: bool) -> bool {
    match feature_type {
        _ if cell.is_empty() => true,
        None => false,
        Some(FeatureType::Int) => matches!(parse_int(cell), Integer::Value(_)),
        Some(FeatureType::Float) => read_float(cell, is_exact).is_some(),
        Some(FeatureType::Bytes | FeatureType::Struct) => true,
    }
}

/// Reads a float; an integer beyond 64 bits is text, but can be read as a float where that does not matter.
fn read_float(cell: &[u8], is_exact: bool) -> Option<f32> {
    parse_float(cell).filter(|_| !is_exact || !is_large_integer(cell))
}

/// Appends a cell, an empty one as missing; returns whether it fits the type.
fn append(values: &mut Values, cell: &[u8], is_exact: bool) -> bool {
    match (values, cell) {
        (Values::None, cell) => return cell.is_empty(),
        (Values::Int(builder), b"") => builder.append_null(),
        (Values::Float(builder), b"") => builder.append_null(),
        (Values::Text(builder), b"") => builder.append_null(),
        (Values::Int(builder), cell) => match parse_int(cell) {
            Integer::Value(value) => builder.append_value(value),
            Integer::OutOfRange | Integer::NotOne => return false,
        },
        (Values::Float(builder), cell) => match read_float(cell, is_exact) {
            Some(value) => builder.append_value(value),
            None => return false,
        },
        (Values::Text(builder), cell) => builder.append_value(cell),
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::cell_type;
    use super::*;

    const TYPES: [Option<FeatureType>; 4] =
        [None, Some(FeatureType::Int), Some(FeatureType::Float), Some(FeatureType::Bytes)];

    proptest! {
        #[test]
        fn a_cell_fits_exactly_where_its_type_is_no_wider(
            cell in prop_oneof!["[ +-]{0,2}[0-9]{0,22}[.e]{0,2}[0-9]{0,3}", "(nan|-inf|x)?"],
        ) {
            let cell = cell.as_bytes();
            for feature_type in TYPES {
                let expected = cell_type(cell) <= feature_type;
                prop_assert_eq!(fits(feature_type, cell, true), expected);
                let field = arrow::datatypes::Field::new("x", data_type(feature_type), true);
                let schema = Arc::new(arrow::datatypes::Schema::new(vec![field]));
                let mut columns = Columns::new(schema, [(0, feature_type)].into_iter(), true);
                prop_assert_eq!(append(&mut columns.columns[0].1, cell, true), expected);
                // Without it, whatever can be read is taken.
                prop_assert!(fits(feature_type, cell, false) || !expected);
            }
        }
    }

    #[test]
    fn an_integer_beyond_64_bits_is_a_float_where_that_is_asked_for() {
        let cell = b"123456789012345678901";
        assert!(fits(Some(FeatureType::Float), cell, false));
        assert!(!fits(Some(FeatureType::Float), cell, true));
        assert!(fits(Some(FeatureType::Float), b"123456789012345678901.", true));
        assert!(fits(Some(FeatureType::Float), b"-9223372036854775808", true));
    }
}
