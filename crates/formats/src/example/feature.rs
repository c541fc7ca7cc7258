//! One feature: a list of bytes, floats or integers, or nothing.

use crate::wire::{DELIMITED, FIXED32, VARINT, WireError, WireReader};

pub(super) const BYTES_TAG: u8 = (1 << 3) | DELIMITED;
pub(super) const FLOAT_TAG: u8 = (2 << 3) | DELIMITED;
pub(super) const INT_TAG: u8 = (3 << 3) | DELIMITED;

/// The kind of a feature's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueKind {
    /// `bytes_list`.
    Bytes,
    /// `float_list`.
    Float,
    /// `int64_list`.
    Int,
}

impl ValueKind {
    /// All kinds, in the order of their fields.
    pub const ALL: [Self; 3] = [Self::Bytes, Self::Float, Self::Int];

    /// Returns the number of the feature's field that holds values of this kind.
    pub(super) fn field(self) -> u8 {
        self as u8 + 1
    }

    fn of_field(field: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| u32::from(kind.field()) == field)
    }
}

/// A feature's values, still in the record.
#[derive(Clone, Copy, Debug)]
pub enum Feature<'a> {
    /// No kind is set: the feature is there by name only, and so is missing.
    Missing,
    /// A `bytes_list`, which may be empty.
    Bytes(BytesList<'a>),
    /// A `float_list`, which may be empty.
    Floats(FloatList<'a>),
    /// An `int64_list`, which may be empty.
    Ints(Int64List<'a>),
}

impl<'a> Feature<'a> {
    fn new(kind: ValueKind, list: WireReader<'a>) -> Self {
        match kind {
            ValueKind::Bytes => Self::Bytes(BytesList(list)),
            ValueKind::Float => Self::Floats(FloatList(list)),
            ValueKind::Int => Self::Ints(Int64List(list)),
        }
    }

    /// Returns the kind of the values, or `None` where no kind is set.
    pub fn kind(&self) -> Option<ValueKind> {
        match self {
            Self::Missing => None,
            Self::Bytes(_) => Some(ValueKind::Bytes),
            Self::Floats(_) => Some(ValueKind::Float),
            Self::Ints(_) => Some(ValueKind::Int),
        }
    }

    /// Reads all values without keeping them; returns how many there are.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the list is malformed.
    #[inline]
    pub fn count(self) -> Result<u64, WireError> {
        let mut count = 0;
        match self {
            Self::Missing => {}
            Self::Bytes(list) => list.for_each(|_| count += 1)?,
            Self::Floats(list) => list.for_each(|_| count += 1)?,
            Self::Ints(list) => list.for_each(|_| count += 1)?,
        }
        Ok(count)
    }
}

/// Reads a `Feature` message and hands it to `take`.
///
/// # Errors
///
/// [`WireError`] when the message is malformed (its values are not read for that), and those of `take`.
// Inlined by force, as all on the way of a plain feature: views that go through memory make loads wait for
// stores, which costs a third of the speed (2.5 against 1.6 million taxi rows a second).
#[inline(always)]
pub fn with_feature<T, E: From<WireError>>(
    message: WireReader<'_>,
    take: impl FnOnce(Feature<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let merged;
    let feature = match plain_feature(message) {
        Some(feature) => feature,
        None => {
            merged = merge_fields(message)?;
            match &merged {
                None => Feature::Missing,
                Some((kind, offset, list)) => Feature::new(*kind, WireReader::at(list, *offset)),
            }
        }
    };
    take(feature)
}

/// Reads a feature that is one list and nothing else, or nothing at all, as all writers make them.
#[inline(always)]
fn plain_feature(mut message: WireReader<'_>) -> Option<Feature<'_>> {
    let feature = match message.take_byte() {
        None => return Some(Feature::Missing),
        Some(INT_TAG) => Feature::Ints(Int64List(message.delimited().ok()?)),
        Some(FLOAT_TAG) => Feature::Floats(FloatList(message.delimited().ok()?)),
        Some(BYTES_TAG) => Feature::Bytes(BytesList(message.delimited().ok()?)),
        Some(_) => return None,
    };
    message.is_empty().then_some(feature)
}

/// Reads a feature with unknown fields or several lists: lists of one kind are merged, and of several kinds
/// the last counts.
#[cold]
fn merge_fields(
    mut message: WireReader<'_>,
) -> Result<Option<(ValueKind, usize, Vec<u8>)>, WireError> {
    let mut merged: Option<(ValueKind, usize, Vec<u8>)> = None;
    while !message.is_empty() {
        let tag = message.tag()?;
        let Some(kind) = ValueKind::of_field(tag.field) else {
            message.skip(tag)?;
            continue;
        };
        let list = message.message(tag)?;
        Feature::new(kind, list).count()?;
        match &mut merged {
            // Merging two messages is reading the one behind the other.
            Some((last, _, values)) if *last == kind => values.extend_from_slice(list.rest()),
            _ => merged = Some((kind, list.offset(), list.rest().to_vec())),
        }
    }
    Ok(merged)
}

/// The values of a `bytes_list`.
#[derive(Clone, Copy, Debug)]
pub struct BytesList<'a>(WireReader<'a>);

impl<'a> BytesList<'a> {
    /// Calls `take` with each value.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the list is malformed; values before that were taken.
    #[inline(always)]
    pub fn for_each(self, mut take: impl FnMut(&'a [u8])) -> Result<(), WireError> {
        let mut list = self.0;
        while !list.is_empty() {
            if list.take_tag(1, DELIMITED) {
                take(list.delimited()?.rest());
                continue;
            }
            let tag = list.tag()?;
            if tag.field == 1 {
                take(list.message(tag)?.rest());
            } else {
                list.skip(tag)?;
            }
        }
        Ok(())
    }
}

/// The values of a `float_list`.
#[derive(Clone, Copy, Debug)]
pub struct FloatList<'a>(WireReader<'a>);

impl FloatList<'_> {
    /// Calls `take` with each value, every bit of it (that of a NaN, too) as it was.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the list is malformed; values before that were taken.
    #[inline(always)]
    pub fn for_each(self, mut take: impl FnMut(f32)) -> Result<(), WireError> {
        self.for_each_run(|run| run.iter().for_each(|bytes| take(f32::from_le_bytes(*bytes))))
    }

    /// Appends the values.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the list is malformed; values before that were appended.
    #[inline(always)]
    pub fn append_to(self, values: &mut Vec<f32>) -> Result<(), WireError> {
        self.for_each_run(|run| values.extend(run.iter().map(|bytes| f32::from_le_bytes(*bytes))))
    }

    #[inline(always)]
    fn for_each_run(self, mut take: impl FnMut(&[[u8; 4]])) -> Result<(), WireError> {
        let mut list = self.0;
        while !list.is_empty() {
            if list.take_tag(1, DELIMITED) {
                take(packed_floats(list.delimited()?)?);
                continue;
            }
            let tag = list.tag()?;
            if tag.field != 1 {
                list.skip(tag)?;
            } else if tag.wire_type == FIXED32 {
                take(&[list.fixed()?]);
            } else {
                take(packed_floats(list.message(tag)?)?);
            }
        }
        Ok(())
    }
}

#[inline]
fn packed_floats(mut packed: WireReader<'_>) -> Result<&[[u8; 4]], WireError> {
    let (floats, odd) = packed.rest().as_chunks();
    if !odd.is_empty() {
        // Steps over the whole ones and says what is wrong with the last.
        while packed.fixed::<4>().map(drop) == Ok(()) {}
        packed.fixed::<4>()?;
    }
    Ok(floats)
}

/// The values of an `int64_list`.
#[derive(Clone, Copy, Debug)]
pub struct Int64List<'a>(WireReader<'a>);

impl Int64List<'_> {
    /// Calls `take` with each value.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the list is malformed; values before that were taken.
    #[inline(always)]
    pub fn for_each(self, mut take: impl FnMut(i64)) -> Result<(), WireError> {
        let mut list = self.0;
        while !list.is_empty() {
            if list.take_tag(1, DELIMITED) {
                packed_ints(list.delimited()?, &mut take)?;
                continue;
            }
            let tag = list.tag()?;
            if tag.field != 1 {
                list.skip(tag)?;
            } else if tag.wire_type == VARINT {
                take(list.varint()?.cast_signed());
            } else {
                packed_ints(list.message(tag)?, &mut take)?;
            }
        }
        Ok(())
    }
}

#[inline]
fn packed_ints(mut packed: WireReader<'_>, take: &mut impl FnMut(i64)) -> Result<(), WireError> {
    while !packed.is_empty() {
        take(packed.varint()?.cast_signed());
    }
    Ok(())
}
