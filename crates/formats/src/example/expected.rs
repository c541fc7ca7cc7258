//! Features whose names are known before they are read.
//!
//! Writers put the features of every record in one order and in one form, so most of what stands around a value can
//! be compared with what is expected, some words at a time, instead of being taken apart. [`ExpectedName::take`] and
//! the values of an [`ExpectedFeature`] are answers only where a record is as expected; otherwise they are `None`, and
//! the record is to be read with [`visit_example`](super::visit_example), which knows every form.

use super::FeatureReader;
use super::feature::{BYTES_TAG, FLOAT_TAG, INT_TAG};
use super::visit::plain_entry;
use crate::wire::{DELIMITED, WireReader};

/// The tag of a map's entry, of its key, and of values within a list.
const FIRST: u8 = (1 << 3) | DELIMITED;
/// The tag of an entry's value.
const SECOND: u8 = (2 << 3) | DELIMITED;
/// So much of a name, with what stands around it, is compared at once.
const HEAD: usize = 32;
/// The top bit of each byte, which says that a varint goes on.
const GOES_ON: u64 = 0x8080_8080_8080_8080;

/// A name, as it stands in a record.
#[derive(Clone, Debug)]
pub struct ExpectedName {
    /// All that is between the length of the entry and the length of the feature: tag, length, name, tag.
    bytes: Box<[u8]>,
    name_at: usize,
    /// The first bytes of these, and which bits of them there are.
    head: [u64; HEAD / 8],
    mask: [u64; HEAD / 8],
}

/// A feature that came as expected.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedFeature<'a> {
    /// From the feature to the end of all features.
    tail: WireReader<'a>,
    length: usize,
}

#[inline(always)]
fn words(bytes: &[u8; HEAD]) -> [u64; HEAD / 8] {
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|i| u64::from_le_bytes(words[i]))
}

impl ExpectedName {
    /// Returns what a record has for a feature of this name.
    pub fn new(name: &[u8]) -> Self {
        let mut bytes = Vec::new();
        crate::wire::put_header(&mut bytes, 1, name.len());
        let name_at = bytes.len();
        bytes.extend_from_slice(name);
        bytes.push(SECOND);
        let (mut head, mut mask) = ([0; HEAD], [0; HEAD]);
        for ((head, mask), byte) in head.iter_mut().zip(&mut mask).zip(&bytes) {
            (*head, *mask) = (*byte, u8::MAX);
        }
        Self { bytes: bytes.into(), name_at, head: words(&head), mask: words(&mask) }
    }

    /// Takes the entry at the front of all features if it has this name and a plain form; otherwise takes nothing.
    #[inline(always)]
    pub fn take<'a>(&self, features: &mut WireReader<'a>) -> Option<ExpectedFeature<'a>> {
        let [FIRST, entry_length @ ..0x80, body @ ..] = features.rest() else {
            return self.take_long(features);
        };
        let is_here = match body.first_chunk::<HEAD>() {
            Some(found) => {
                let found = words(found);
                let differing = (0..HEAD / 8)
                    .fold(0, |all, i| all | ((found[i] ^ self.head[i]) & self.mask[i]));
                differing == 0 && (self.bytes.len() <= HEAD || body.starts_with(&self.bytes))
            }
            None => body.starts_with(&self.bytes),
        };
        if !is_here {
            return None;
        }
        let entry_length = usize::from(*entry_length);
        let length = usize::from(*body.get(self.bytes.len())?);
        let is_plain = entry_length == self.bytes.len() + 1 + length && entry_length <= body.len();
        if !is_plain {
            return None;
        }
        let tail = features.after(2 + self.bytes.len() + 1);
        *features = features.after(2 + entry_length);
        Some(ExpectedFeature { tail, length })
    }

    /// As [`take`](Self::take), whatever the lengths.
    #[inline(never)]
    fn take_long<'a>(&self, features: &mut WireReader<'a>) -> Option<ExpectedFeature<'a>> {
        let mut rest = *features;
        if !rest.take_tag(1, DELIMITED) {
            return None;
        }
        let (name, feature) = plain_entry(rest.delimited().ok()?)?;
        let expected = &self.bytes[self.name_at..self.bytes.len() - 1];
        (name == expected).then(|| {
            *features = rest;
            ExpectedFeature { tail: feature, length: feature.rest().len() }
        })
    }
}

impl<'a> ExpectedFeature<'a> {
    /// Returns whether the feature is there by name only.
    #[inline]
    pub fn is_missing(self) -> bool {
        self.length == 0
    }

    /// Returns the only value of a packed list of integers.
    #[inline(always)]
    pub fn int(self) -> Option<i64> {
        let length = self.list_of(INT_TAG)?;
        if !(1..=8).contains(&length) {
            return None;
        }
        let (_, value) = self.tail.rest().first_chunk::<12>()?.split_first_chunk::<4>()?;
        let here = u64::MAX >> (64 - 8 * length);
        let word = u64::from_le_bytes(*value.first_chunk()?) & here;
        // Every byte but the last says that the varint goes on, so that there is one and no more.
        if word & GOES_ON != GOES_ON & (here >> 8) {
            return None;
        }
        // Seven bits of each byte, moved together: of pairs of bytes, of pairs of these, of the two halves.
        let bits = word & !GOES_ON;
        let bits = (bits & 0x007f_007f_007f_007f) | ((bits & 0x7f00_7f00_7f00_7f00) >> 1);
        let bits = (bits & 0x0000_3fff_0000_3fff) | ((bits & 0x3fff_0000_3fff_0000) >> 2);
        let bits = (bits & 0x0fff_ffff) | ((bits & 0x0fff_ffff_0000_0000) >> 4);
        Some(bits.cast_signed())
    }

    /// Returns the only value of a packed list of floats, every bit as it was.
    #[inline(always)]
    pub fn float(self) -> Option<f32> {
        if self.list_of(FLOAT_TAG)? != 4 {
            return None;
        }
        let (_, value) = self.tail.rest().first_chunk::<8>()?.split_first_chunk::<4>()?;
        Some(f32::from_le_bytes(*value.first_chunk()?))
    }

    /// Appends the only value of a list of bytes and returns whether there is such.
    #[inline(always)]
    pub fn append_bytes(self, data: &mut Vec<u8>) -> bool {
        let Some(length) = self.list_of(BYTES_TAG) else { return false };
        let value = &self.tail.rest()[4..];
        match value.first_chunk::<HEAD>() {
            // Copying more than there is and cutting it back takes no call.
            Some(bytes) if length <= HEAD => {
                let end = data.len() + length;
                data.extend_from_slice(bytes);
                data.truncate(end);
            }
            _ => data.extend_from_slice(&value[..length]),
        }
        true
    }

    /// Returns how long the only value (for numbers: the packed list) is if the feature is a list with this tag and has
    /// nothing else, all lengths being below 128.
    #[inline(always)]
    fn list_of(self, tag: u8) -> Option<usize> {
        let found = u32::from_le_bytes(*self.tail.rest().first_chunk()?);
        let length = u8::try_from(self.length).ok()?;
        let (list, value) = (length.checked_sub(2)?, length.checked_sub(4)?);
        let expected = u32::from_le_bytes([tag, list, FIRST, value]);
        (found == expected && length < 0x80).then_some(usize::from(value))
    }

    /// Returns the feature as it is, to be read in any form.
    #[inline]
    pub fn reader(self) -> FeatureReader<'a> {
        FeatureReader::new(self.tail.first(self.length))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::example::{Feature, put_bytes, put_example, put_floats, put_ints, put_named};
    use crate::wire::WireError;

    /// Returns what the front of `features` holds under a name, as read by the general reader.
    fn expect(name: &[u8], features: &[u8]) -> Option<(String, usize)> {
        let mut reader = WireReader::new(features);
        let feature = ExpectedName::new(name).take(&mut reader)?;
        let general = feature
            .reader()
            .read(|feature| {
                let mut text = format!("{:?}", feature.kind());
                match feature {
                    Feature::Missing => {}
                    Feature::Ints(list) => list.for_each(|it| text += &format!(" {it}"))?,
                    Feature::Floats(list) => {
                        list.for_each(|it| text += &format!(" {:x}", it.to_bits()))?
                    }
                    Feature::Bytes(list) => list.for_each(|it| text += &format!(" {it:x?}"))?,
                }
                Ok::<_, WireError>(text)
            })
            .unwrap_or_else(|error| error.to_string());
        if feature.is_missing() {
            assert_eq!(general, "None");
        }
        if let Some(value) = feature.int() {
            assert_eq!(general, format!("Some(Int) {value}"));
        }
        if let Some(value) = feature.float() {
            assert_eq!(general, format!("Some(Float) {:x}", value.to_bits()));
        }
        let mut data = vec![7];
        if feature.append_bytes(&mut data) {
            assert_eq!(general, format!("Some(Bytes) {:x?}", &data[1..]));
        }
        Some((general, reader.rest().len()))
    }

    #[derive(Clone, Debug)]
    enum Value {
        Missing,
        Ints(Vec<i64>),
        Floats(Vec<f32>),
        Bytes(Vec<Vec<u8>>),
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Missing),
            (any::<i64>(), 0..64).prop_map(|(value, shift)| Value::Ints(vec![value >> shift])),
            prop::collection::vec(any::<i64>(), 0..3).prop_map(Value::Ints),
            prop::collection::vec(any::<f32>(), 0..3).prop_map(Value::Floats),
            prop::collection::vec(any::<u8>(), 0..200).prop_map(|value| Value::Bytes(vec![value])),
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3), 0..3)
                .prop_map(Value::Bytes),
        ]
    }

    fn features(name: &str, value: &Value) -> Vec<u8> {
        let (mut features, mut feature) = (Vec::new(), Vec::new());
        match value {
            Value::Missing => {}
            Value::Ints(values) => put_ints(&mut feature, values),
            Value::Floats(values) => put_floats(&mut feature, values),
            Value::Bytes(values) => {
                put_bytes(&mut feature, values.iter().map(Vec::as_slice));
            }
        }
        put_named(&mut features, name, &feature);
        features
    }

    #[test]
    fn plain_values_are_taken_without_the_general_reader() {
        let padding = features("padding that is long enough", &Value::Missing);
        for value in [0, 1, 127, 128, 16_384, 17_031_000_000, (1 << 56) - 1] {
            let bytes = [features("n", &Value::Ints(vec![value])), padding.clone()].concat();
            let feature = ExpectedName::new(b"n").take(&mut WireReader::new(&bytes));
            assert_eq!(feature.and_then(ExpectedFeature::int), Some(value));
        }
        let bytes = features("x", &Value::Floats(vec![-0.0]));
        let feature = ExpectedName::new(b"x").take(&mut WireReader::new(&bytes));
        assert_eq!(feature.and_then(ExpectedFeature::float).map(f32::to_bits), Some(1 << 31));
        for length in [0, 5, 31, 32, 33, 90] {
            let bytes = [features("s", &Value::Bytes(vec![vec![9; length]])), padding.clone()];
            let bytes = bytes.concat();
            let feature = ExpectedName::new(b"s").take(&mut WireReader::new(&bytes));
            let mut data = Vec::new();
            assert!(feature.is_some_and(|feature| feature.append_bytes(&mut data)), "{length}");
            assert_eq!(data, vec![9; length]);
        }
    }

    proptest! {
        #[test]
        fn what_is_expected_is_what_the_general_reader_finds(
            name in "[a-z]{0,3}|[a-z]{20,40}|[a-z]{120,140}",
            value in value(),
            next in "[a-z]{0,60}",
        ) {
            let one = features(&name, &value);
            let two = [one.clone(), features(&next, &Value::Ints(vec![5]))].concat();
            for bytes in [&one, &two] {
                let (_, left) = expect(name.as_bytes(), bytes).expect("a plain feature");
                prop_assert_eq!(left, bytes.len() - one.len());
            }
            let longer = format!("{name}x");
            prop_assert_eq!(expect(longer.as_bytes(), &two), None);
            if !name.is_empty() {
                prop_assert_eq!(expect(&name.as_bytes()[1..], &two), None);
            }
        }

        #[test]
        fn damaged_features_are_never_read_otherwise_than_by_the_general_reader(
            value in value(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = [features("name", &value), features("name", &value)].concat();
            for (index, byte) in damage {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
            expect(b"name", &bytes);
            bytes.truncate(cut.index(bytes.len() + 1));
            expect(b"name", &bytes);
        }
    }

    #[test]
    fn the_features_of_an_example_come_one_after_the_other() {
        let bytes = [features("a", &Value::Ints(vec![3])), features("b", &Value::Missing)].concat();
        let mut record = Vec::new();
        put_example(&mut record, &bytes);
        let mut example = WireReader::new(&record);
        assert!(example.take_tag(1, DELIMITED));
        let mut features = example.delimited().expect("features");
        assert!(ExpectedName::new(b"b").take(&mut features).is_none());
        assert!(ExpectedName::new(b"a").take(&mut features).is_some());
        assert!(
            ExpectedName::new(b"b").take(&mut features).is_some_and(ExpectedFeature::is_missing)
        );
        assert!(features.is_empty());
    }
}
