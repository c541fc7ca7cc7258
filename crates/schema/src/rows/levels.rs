//! From an element of a nested column back to its row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, OffsetSizeTrait,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::DataType;

/// The structs and lists around an array, outermost first; none around a column.
#[derive(Clone, Default)]
pub(super) struct Levels(Vec<Level>);

#[derive(Clone)]
struct Level {
    nulls: Option<NullBuffer>,
    lists: Option<Lists>,
}

/// Where the lists of a level begin and end among its elements, which count from 0.
#[derive(Clone)]
pub(super) enum Lists {
    Small(OffsetBuffer<i32>),
    Large(OffsetBuffer<i64>),
    Fixed { num_lists: usize, size: usize },
}

impl Lists {
    pub(super) fn num_lists(&self) -> usize {
        match self {
            Self::Small(offsets) => offsets.len() - 1,
            Self::Large(offsets) => offsets.len() - 1,
            Self::Fixed { num_lists, .. } => *num_lists,
        }
    }

    /// Returns how many values a list has; `nulls` are those of its elements that are none.
    pub(super) fn count(&self, list: usize, nulls: Option<&NullBuffer>) -> usize {
        let (first, end) = (self.start(list), self.start(list + 1));
        match nulls {
            None => end - first,
            Some(nulls) => end - first - nulls.slice(first, end - first).null_count(),
        }
    }

    /// Returns where a list begins.
    pub(super) fn start(&self, list: usize) -> usize {
        match self {
            Self::Small(offsets) => to_place(offsets[list]) - to_place(offsets[0]),
            Self::Large(offsets) => to_place(offsets[list]) - to_place(offsets[0]),
            Self::Fixed { size, .. } => list * size,
        }
    }

    /// Returns the list that an element is in.
    fn list_of(&self, element: usize) -> usize {
        match self {
            Self::Small(offsets) => last_at(offsets, element + to_place(offsets[0])),
            Self::Large(offsets) => last_at(offsets, element + to_place(offsets[0])),
            Self::Fixed { size, .. } => element / size.max(&1),
        }
    }
}

fn to_place<O: OffsetSizeTrait>(offset: O) -> usize {
    offset.as_usize()
}

/// Returns the last list that begins at a place or before; empty ones before it begin there too.
fn last_at<O: OffsetSizeTrait>(offsets: &[O], place: usize) -> usize {
    offsets.partition_point(|offset| to_place(*offset) <= place).saturating_sub(1)
}

impl Levels {
    /// Returns these levels and a struct within them.
    pub(super) fn in_struct(&self, array: &dyn Array) -> Self {
        self.with(Level { nulls: array.logical_nulls(), lists: None })
    }

    /// Returns the lists of an array, its elements, and these levels with the lists within them; None when
    /// the array is not one of lists.
    pub(super) fn in_lists(&self, array: &dyn Array) -> Option<(Lists, ArrayRef, Self)> {
        let (lists, elements) = match array.data_type() {
            DataType::List(_) => {
                let lists = array.as_list::<i32>();
                (Lists::Small(lists.offsets().clone()), elements(lists))
            }
            DataType::LargeList(_) => {
                let lists = array.as_list::<i64>();
                (Lists::Large(lists.offsets().clone()), elements(lists))
            }
            DataType::FixedSizeList(..) => {
                let lists: &FixedSizeListArray = array.as_fixed_size_list();
                let size = usize::try_from(lists.value_length()).unwrap_or(0);
                (Lists::Fixed { num_lists: lists.len(), size }, Arc::clone(lists.values()))
            }
            _ => return None,
        };
        let level = Level { nulls: array.logical_nulls(), lists: Some(lists.clone()) };
        Some((lists, elements, self.with(level)))
    }

    fn with(&self, level: Level) -> Self {
        let mut levels = self.0.clone();
        levels.push(level);
        Self(levels)
    }

    /// Returns the row that an element belongs to; None when something around it is missing, so that the
    /// element does not exist whatever its place holds.
    pub(super) fn row(&self, element: usize) -> Option<usize> {
        self.0.iter().rev().try_fold(element, |place, level| {
            let place = level.lists.as_ref().map_or(place, |lists| lists.list_of(place));
            let is_null = level.nulls.as_ref().is_some_and(|nulls| nulls.is_null(place));
            (!is_null).then_some(place)
        })
    }

    /// Returns where the elements of a row begin, and those of the next.
    pub(super) fn elements(&self, row: usize) -> (usize, usize) {
        let lists = self.0.iter().filter_map(|level| level.lists.as_ref());
        lists.fold((row, row + 1), |(first, end), lists| (lists.start(first), lists.start(end)))
    }
}

/// Returns the elements that the lists of an array, which may be a part of a longer one, are made of.
fn elements<O: OffsetSizeTrait>(lists: &GenericListArray<O>) -> ArrayRef {
    let offsets = lists.value_offsets();
    let (first, end) = (to_place(offsets[0]), to_place(offsets[offsets.len() - 1]));
    lists.values().slice(first, end - first)
}
