//! One column in the making.

use std::mem;
use std::sync::Arc;

use arrow::array::BooleanBufferBuilder;
use arrow::array::{
    Array, ArrayRef, BinaryArray, Float32Array, Int64Array, ListArray, NullArray, StringArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::error::ArrowError;
use formats::example::{ExpectedFeature, Feature, StepsReader, ValueKind};
use formats::wire::WireError;

/// How deep a column's values lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// At most one value for each example.
    Scalar,
    /// A list for each example.
    List,
    /// A list of lists for each sequence example.
    Steps,
}

/// What a column does not take; whoever knows its name puts it into words.
#[derive(Debug)]
pub(super) enum Refusal {
    Wire(WireError),
    Kind(ValueKind),
    Count(usize),
    Missing,
}

impl From<WireError> for Refusal {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

/// Why a column could not be finished.
#[derive(Debug)]
pub(super) enum Unfinished {
    /// The value of this row is not UTF-8.
    NotUtf8 {
        row: usize,
    },
    Arrow(ArrowError),
}

impl From<ArrowError> for Unfinished {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

/// Which of a number of things are missing. Most are not, so only those are noted down.
#[derive(Debug, Default)]
struct Validity {
    len: usize,
    missing: Vec<usize>,
}

impl Validity {
    #[inline]
    fn push(&mut self) {
        self.len += 1;
    }

    #[inline]
    fn push_missing(&mut self) {
        self.missing.push(self.len);
        self.len += 1;
    }

    fn truncate(&mut self, len: usize) {
        while self.missing.pop_if(|last| *last >= len).is_some() {}
        self.len = self.len.min(len);
    }

    fn finish(&mut self) -> Option<NullBuffer> {
        let Self { len, missing } = mem::take(self);
        if missing.is_empty() {
            return None;
        }
        let mut bits = BooleanBufferBuilder::new(len);
        bits.append_n(len, true);
        missing.iter().for_each(|&index| bits.set_bit(index, false));
        Some(NullBuffer::new(bits.finish()))
    }
}

/// Lists over what lies below: where each ends, and whether it is there.
#[derive(Debug)]
struct Lists {
    offsets: Vec<i32>,
    validity: Validity,
}

#[derive(Debug)]
enum Values {
    None,
    Int(Vec<i64>),
    Float(Vec<f32>),
    Bytes { offsets: Vec<i32>, data: Vec<u8>, is_text: bool },
}

/// One column in the making. It is appended to and cut back row by row.
#[derive(Debug)]
pub(super) struct Column {
    field: FieldRef,
    shape: Shape,
    /// One for each example; its offsets are not used for scalars.
    rows: Lists,
    /// One for each step, of feature lists only.
    steps: Lists,
    values: Values,
}

/// Returns a length as an offset.
#[inline]
fn offset(length: usize) -> i32 {
    i32::try_from(length).expect("the decoder bounds the bytes of a batch, and so all lengths")
}

/// Returns an offset as a length.
#[inline]
fn length(offset: i32) -> usize {
    usize::try_from(offset).expect("offsets are made of lengths")
}

impl Lists {
    fn new() -> Self {
        Self { offsets: vec![0], validity: Validity::default() }
    }

    #[inline]
    fn push(&mut self, end: usize) {
        self.offsets.push(offset(end));
        self.validity.push();
    }

    #[inline]
    fn push_missing(&mut self) {
        let end = self.offsets[self.offsets.len() - 1];
        self.offsets.push(end);
        self.validity.push_missing();
    }

    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Keeps the first `count` lists; returns how many of what lies below they hold.
    fn truncate(&mut self, count: usize) -> usize {
        self.offsets.truncate(count + 1);
        self.validity.truncate(count);
        length(self.offsets[self.offsets.len() - 1])
    }

    fn finish(&mut self, item: &FieldRef, values: ArrayRef) -> Result<ArrayRef, ArrowError> {
        let offsets = take_offsets(&mut self.offsets);
        let nulls = self.validity.finish();
        Ok(Arc::new(ListArray::try_new(FieldRef::clone(item), offsets, values, nulls)?))
    }

    /// Returns which list holds an item.
    fn holder(&self, item: usize) -> usize {
        self.offsets.partition_point(|&start| length(start) <= item).saturating_sub(1)
    }
}

fn take_offsets(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let mut next = Vec::with_capacity(offsets.len());
    next.push(0);
    OffsetBuffer::new(ScalarBuffer::from(mem::replace(offsets, next)))
}

fn take<T>(values: &mut Vec<T>) -> Vec<T> {
    let capacity = values.len();
    mem::replace(values, Vec::with_capacity(capacity))
}

impl Values {
    fn of(data_type: &DataType) -> Option<Self> {
        let bytes = |is_text| Self::Bytes { offsets: vec![0], data: Vec::new(), is_text };
        Some(match data_type {
            DataType::Null => Self::None,
            DataType::Int64 => Self::Int(Vec::new()),
            DataType::Float32 => Self::Float(Vec::new()),
            DataType::Utf8 => bytes(true),
            DataType::Binary => bytes(false),
            _ => return None,
        })
    }

    fn kind(&self) -> Option<ValueKind> {
        match self {
            Self::None => None,
            Self::Int(_) => Some(ValueKind::Int),
            Self::Float(_) => Some(ValueKind::Float),
            Self::Bytes { .. } => Some(ValueKind::Bytes),
        }
    }

    #[inline]
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Int(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Bytes { offsets, .. } => offsets.len() - 1,
        }
    }

    /// Appends the values of a feature that is there.
    #[inline(always)]
    fn append(&mut self, feature: Feature<'_>) -> Result<(), Refusal> {
        match (self, feature) {
            (Self::Int(values), Feature::Ints(list)) => {
                list.for_each(|value| values.push(value))?
            }
            (Self::Float(values), Feature::Floats(list)) => list.append_to(values)?,
            // Whole numbers are fractions too, rounded to what 32 bits tell apart.
            (Self::Float(values), Feature::Ints(list)) => {
                list.for_each(|value| values.push(value as f32))?
            }
            (Self::Bytes { offsets, data, .. }, Feature::Bytes(list)) => {
                list.for_each(|value| {
                    data.extend_from_slice(value);
                    offsets.push(offset(data.len()));
                })?
            }
            (_, feature) => {
                if let Some(kind) = feature.kind() {
                    return Err(Refusal::Kind(kind));
                }
            }
        }
        Ok(())
    }

    /// Appends the only value of a feature in its usual form, and returns whether that was there.
    #[inline(always)]
    fn append_only(&mut self, feature: ExpectedFeature<'_>) -> bool {
        match self {
            Self::None => false,
            Self::Int(values) => match feature.int() {
                Some(value) => {
                    values.push(value);
                    true
                }
                None => false,
            },
            Self::Float(values) => match feature.float() {
                Some(value) => {
                    values.push(value);
                    true
                }
                None => false,
            },
            Self::Bytes { offsets, data, .. } => {
                let is_there = feature.append_bytes(data);
                if is_there {
                    offsets.push(offset(data.len()));
                }
                is_there
            }
        }
    }

    /// Appends what stands below a missing scalar.
    #[inline]
    fn append_default(&mut self) {
        match self {
            Self::None => {}
            Self::Int(values) => values.push(0),
            Self::Float(values) => values.push(0.0),
            Self::Bytes { offsets, data, .. } => offsets.push(offset(data.len())),
        }
    }

    fn truncate(&mut self, count: usize) {
        match self {
            Self::None => {}
            Self::Int(values) => values.truncate(count),
            Self::Float(values) => values.truncate(count),
            Self::Bytes { offsets, data, .. } => {
                offsets.truncate(count + 1);
                data.truncate(length(offsets[offsets.len() - 1]));
            }
        }
    }

    /// Returns the array, or the first value that is not text where it should be.
    fn finish(
        &mut self,
        num_rows: usize,
        validity: Option<&mut Validity>,
    ) -> Result<ArrayRef, usize> {
        let nulls = validity.and_then(Validity::finish);
        Ok(match self {
            Self::None => Arc::new(NullArray::new(num_rows)),
            Self::Int(values) => Arc::new(Int64Array::new(take(values).into(), nulls)),
            Self::Float(values) => Arc::new(Float32Array::new(take(values).into(), nulls)),
            Self::Bytes { offsets, data, is_text } => {
                let offsets = take_offsets(offsets);
                let array = BinaryArray::new(offsets, Buffer::from_vec(take(data)), nulls);
                if *is_text {
                    // All the text of a column is checked at once, which is much faster than one by one.
                    match StringArray::try_from_binary(array.clone()) {
                        Ok(texts) => Arc::new(texts),
                        Err(_) => {
                            let is_bad = |&i: &usize| str::from_utf8(array.value(i)).is_err();
                            return Err((0..array.len()).find(is_bad).unwrap_or(0));
                        }
                    }
                } else {
                    Arc::new(array)
                }
            }
        })
    }
}

impl Column {
    /// Returns an empty column, or `None` where examples have no columns of such a type.
    pub(super) fn new(field: &FieldRef) -> Option<Self> {
        let (shape, values) = match field.data_type() {
            DataType::List(item) => match item.data_type() {
                DataType::List(item) => (Shape::Steps, Values::of(item.data_type())?),
                data_type => (Shape::List, Values::of(data_type)?),
            },
            data_type => (Shape::Scalar, Values::of(data_type)?),
        };
        let field = FieldRef::clone(field);
        Some(Self { field, shape, rows: Lists::new(), steps: Lists::new(), values })
    }

    pub(super) fn field(&self) -> &Field {
        &self.field
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// Returns the kind of the values, or `None` where the column has none.
    pub(super) fn kind(&self) -> Option<ValueKind> {
        self.values.kind()
    }

    /// Returns the number of rows.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.rows.validity.len
    }

    /// Appends a row from a feature. After a refusal the column must be cut back.
    #[inline(always)]
    pub(super) fn push(&mut self, feature: Feature<'_>) -> Result<(), Refusal> {
        if matches!(feature, Feature::Missing) {
            return self.push_missing();
        }
        if self.shape == Shape::Scalar {
            let num_rows = self.len();
            self.values.append(feature)?;
            let found = self.values.len() - num_rows;
            if found != 1 {
                return Err(Refusal::Count(found));
            }
            self.rows.validity.push();
        } else {
            self.values.append(feature)?;
            self.rows.push(self.values.len());
        }
        Ok(())
    }

    /// Appends a row from a feature that came as expected, and returns whether it could. If not, the column must be cut
    /// back.
    #[inline(always)]
    pub(super) fn push_expected(&mut self, feature: ExpectedFeature<'_>) -> bool {
        if feature.is_missing() {
            return self.push_missing().is_ok();
        }
        if self.values.append_only(feature) {
            if self.shape == Shape::Scalar {
                self.rows.validity.push();
            } else {
                self.rows.push(self.values.len());
            }
            return true;
        }
        feature.reader().read(|feature| self.push(feature)).is_ok()
    }

    /// Appends a row from the steps of a feature list. After a refusal the column must be cut back.
    pub(super) fn push_steps(&mut self, steps: StepsReader<'_>) -> Result<(), Refusal> {
        steps.for_each(|feature| {
            if matches!(feature, Feature::Missing) {
                self.steps.push_missing();
            } else {
                self.values.append(feature)?;
                self.steps.push(self.values.len());
            }
            Ok::<_, Refusal>(())
        })?;
        self.rows.push(self.steps.len());
        Ok(())
    }

    /// Appends a row without the feature.
    #[inline]
    pub(super) fn push_missing(&mut self) -> Result<(), Refusal> {
        if !self.field.is_nullable() {
            return Err(Refusal::Missing);
        }
        if self.shape == Shape::Scalar {
            self.values.append_default();
            self.rows.validity.push_missing();
        } else {
            self.rows.push_missing();
        }
        Ok(())
    }

    /// Keeps the first `num_rows` rows.
    pub(super) fn truncate(&mut self, num_rows: usize) {
        match self.shape {
            Shape::Scalar => {
                self.rows.validity.truncate(num_rows);
                self.values.truncate(num_rows);
            }
            Shape::List => {
                let count = self.rows.truncate(num_rows);
                self.values.truncate(count);
            }
            Shape::Steps => {
                let count = self.rows.truncate(num_rows);
                let count = self.steps.truncate(count);
                self.values.truncate(count);
            }
        }
    }

    /// Returns the array and begins the next. The column is not to be used after an error.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, Unfinished> {
        let num_rows = self.len();
        match (self.shape, self.field.data_type()) {
            (Shape::List, DataType::List(item)) => {
                let values = self
                    .values
                    .finish(0, None)
                    .map_err(|value| Unfinished::NotUtf8 { row: self.rows.holder(value) })?;
                Ok(self.rows.finish(item, values)?)
            }
            (Shape::Steps, DataType::List(list)) => {
                let values = self.values.finish(0, None).map_err(|value| Unfinished::NotUtf8 {
                    row: self.rows.holder(self.steps.holder(value)),
                })?;
                let DataType::List(item) = list.data_type() else {
                    return Ok(self.rows.finish(list, values)?);
                };
                let steps = self.steps.finish(item, values)?;
                Ok(self.rows.finish(list, steps)?)
            }
            _ => {
                let validity = Some(&mut self.rows.validity);
                let array = self.values.finish(num_rows, validity);
                self.rows.validity = Validity::default();
                array.map_err(|row| Unfinished::NotUtf8 { row })
            }
        }
    }
}
