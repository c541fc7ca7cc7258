//! Walks the features of one record.

use std::borrow::Cow;

use super::{Feature, with_feature};
use crate::wire::{DELIMITED, WireError, WireProblem, WireReader};

/// Takes the features of a record, in the order in which they stand.
///
/// A name may come more than once; the last one counts.
pub trait ExampleVisitor {
    /// Why the visitor may refuse.
    type Error: From<WireError>;

    /// Takes a feature of an example, or of a sequence example's context. The name is not yet known to be UTF-8.
    ///
    /// # Errors
    ///
    /// The visitor's own; the walk ends with it.
    fn feature(&mut self, name: &[u8], feature: FeatureReader<'_>) -> Result<(), Self::Error>;

    /// Takes a feature list of a sequence example. The name is not yet known to be UTF-8.
    ///
    /// # Errors
    ///
    /// The visitor's own; the walk ends with it.
    fn feature_list(&mut self, name: &[u8], steps: StepsReader<'_>) -> Result<(), Self::Error>;
}

/// A feature that was not read yet.
#[derive(Clone, Copy, Debug)]
pub struct FeatureReader<'a>(WireReader<'a>);

impl<'a> FeatureReader<'a> {
    pub(super) fn new(feature: WireReader<'a>) -> Self {
        Self(feature)
    }

    /// Reads the feature and hands it to `take`.
    ///
    /// # Errors
    ///
    /// As [`with_feature`].
    #[inline(always)]
    pub fn read<T, E: From<WireError>>(
        self,
        take: impl FnOnce(Feature<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        with_feature(self.0, take)
    }
}

/// A feature list that was not read yet: one feature for each step.
#[derive(Clone, Copy, Debug)]
pub struct StepsReader<'a>(WireReader<'a>);

impl StepsReader<'_> {
    /// Reads the steps and hands each to `take`.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the list is malformed, and those of `take`.
    pub fn for_each<E: From<WireError>>(
        self,
        mut take: impl FnMut(Feature<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut list = self.0;
        while !list.is_empty() {
            let tag = list.tag()?;
            if tag.field == 1 {
                with_feature(list.message(tag)?, &mut take)?;
            } else {
                list.skip(tag)?;
            }
        }
        Ok(())
    }
}

/// Walks a `tf.Example`.
///
/// # Errors
///
/// [`WireError`] when the record is malformed outside of features, which are the visitor's to read, and the
/// visitor's own.
#[inline]
pub fn visit_example<V: ExampleVisitor>(record: &[u8], visitor: &mut V) -> Result<(), V::Error> {
    let mut example = WireReader::new(record);
    while !example.is_empty() {
        if example.take_tag(1, DELIMITED) {
            visit_features(example.delimited()?, visitor)?;
            continue;
        }
        let tag = example.tag()?;
        match tag.field {
            1 => visit_features(example.message(tag)?, visitor)?,
            _ => example.skip(tag)?,
        }
    }
    Ok(())
}

/// Walks a `tf.SequenceExample`.
///
/// # Errors
///
/// As [`visit_example`].
pub fn visit_sequence_example<V: ExampleVisitor>(
    record: &[u8],
    visitor: &mut V,
) -> Result<(), V::Error> {
    let mut example = WireReader::new(record);
    while !example.is_empty() {
        let tag = example.tag()?;
        match tag.field {
            1 => visit_features(example.message(tag)?, visitor)?,
            2 => visit_feature_lists(example.message(tag)?, visitor)?,
            _ => example.skip(tag)?,
        }
    }
    Ok(())
}

/// Returns whether a record has feature lists: a `tf.SequenceExample` has them in the place of a field that a
/// `tf.Example` does not know, and is an example without them otherwise. No feature is looked at; of a record that is
/// malformed, as much as can be read.
pub fn has_feature_lists(record: &[u8]) -> bool {
    let mut example = WireReader::new(record);
    while !example.is_empty() {
        match example.tag() {
            Ok(tag) if tag.field == 2 && tag.wire_type == DELIMITED => return true,
            Ok(tag) if example.skip(tag).is_ok() => {}
            Ok(_) | Err(_) => return false,
        }
    }
    false
}

#[inline]
fn visit_features<V: ExampleVisitor>(
    mut features: WireReader<'_>,
    visitor: &mut V,
) -> Result<(), V::Error> {
    while let Some(entry) = next_entry(&mut features)? {
        let merged;
        let (name, value) = match plain_entry(entry) {
            Some(plain) => plain,
            None => {
                let check = |value| with_feature(value, |feature| feature.count().map(drop));
                merged = merge_entry(entry, check)?;
                (merged.name, WireReader::at(&merged.value, merged.offset))
            }
        };
        visitor.feature(name, FeatureReader(value))?;
    }
    Ok(())
}

fn visit_feature_lists<V: ExampleVisitor>(
    mut lists: WireReader<'_>,
    visitor: &mut V,
) -> Result<(), V::Error> {
    while let Some(entry) = next_entry(&mut lists)? {
        let merged;
        let (name, value) = match plain_entry(entry) {
            Some(plain) => plain,
            None => {
                let count = |feature: Feature<'_>| feature.count().map(drop);
                merged = merge_entry(entry, |value| StepsReader(value).for_each(count))?;
                (merged.name, WireReader::at(&merged.value, merged.offset))
            }
        };
        visitor.feature_list(name, StepsReader(value))?;
    }
    Ok(())
}

/// Takes the next entry of a map that is field 1.
#[inline]
fn next_entry<'a>(map: &mut WireReader<'a>) -> Result<Option<WireReader<'a>>, WireError> {
    while !map.is_empty() {
        if map.take_tag(1, DELIMITED) {
            return map.delimited().map(Some);
        }
        let tag = map.tag()?;
        if tag.field == 1 {
            return map.message(tag).map(Some);
        }
        map.skip(tag)?;
    }
    Ok(None)
}

/// Returns key and value of an entry that has the one before the other and nothing else, as all writers make
/// them.
#[inline]
pub(super) fn plain_entry(mut entry: WireReader<'_>) -> Option<(&[u8], WireReader<'_>)> {
    if !entry.take_tag(1, DELIMITED) {
        return None;
    }
    let name = entry.delimited().ok()?.rest();
    if !entry.take_tag(2, DELIMITED) {
        return None;
    }
    let value = entry.delimited().ok()?;
    entry.is_empty().then_some((name, value))
}

/// An entry of a map in any form.
struct Merged<'a> {
    name: &'a [u8],
    value: Cow<'a, [u8]>,
    /// Where the value, or its first piece, stands in the record.
    offset: usize,
}

/// Reads any entry: the last key counts, values are merged, both may be left out.
#[cold]
fn merge_entry<'a>(
    mut entry: WireReader<'a>,
    check: impl Fn(WireReader<'a>) -> Result<(), WireError>,
) -> Result<Merged<'a>, WireError> {
    let mut merged = Merged { name: &[], value: Cow::Borrowed(&[]), offset: entry.offset() };
    while !entry.is_empty() {
        let tag = entry.tag()?;
        match tag.field {
            1 => {
                let key = entry.message(tag)?;
                merged.name = key.rest();
                if str::from_utf8(merged.name).is_err() {
                    return Err(key.error(WireProblem::NameNotUtf8));
                }
            }
            2 => {
                let value = entry.message(tag)?;
                check(value)?;
                if merged.value.is_empty() {
                    merged.offset = value.offset();
                    merged.value = Cow::Borrowed(value.rest());
                } else {
                    // Merging two messages is reading the one behind the other.
                    merged.value.to_mut().extend_from_slice(value.rest());
                }
            }
            _ => entry.skip(tag)?,
        }
    }
    Ok(merged)
}
