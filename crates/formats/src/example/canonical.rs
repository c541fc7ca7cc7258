//! The one serialization of what a record means.

use std::collections::BTreeMap;

use super::{
    ExampleVisitor, Feature, FeatureReader, StepsReader, put_bytes, put_floats, put_ints,
    put_named, put_step, visit_example, visit_sequence_example,
};
use crate::wire::{WireError, WireReader, put_delimited};

/// Returns protobuf's deterministic serialization of a `tf.Example`: features by name, one of each, lists packed,
/// unknown fields left out.
///
/// A feature without a kind stays apart from one that is not there, and an empty list keeps its kind.
///
/// # Errors
///
/// [`WireError`] when the record is malformed. Names that are not UTF-8 are not refused here.
pub fn canonical_example(record: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut features = Features::default();
    visit_example(record, &mut features)?;
    features.serialize(record, false)
}

/// Returns protobuf's deterministic serialization of a `tf.SequenceExample`; as [`canonical_example`].
///
/// # Errors
///
/// As [`canonical_example`].
pub fn canonical_sequence_example(record: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut features = Features::default();
    visit_sequence_example(record, &mut features)?;
    features.serialize(record, true)
}

/// The serialized features and feature lists of one record, by name.
#[derive(Default)]
struct Features {
    features: BTreeMap<Vec<u8>, Vec<u8>>,
    lists: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl ExampleVisitor for Features {
    type Error = WireError;

    fn feature(&mut self, name: &[u8], feature: FeatureReader<'_>) -> Result<(), WireError> {
        let mut bytes = Vec::new();
        feature.read(|feature| put_feature(&mut bytes, feature))?;
        self.features.insert(name.to_vec(), bytes);
        Ok(())
    }

    fn feature_list(&mut self, name: &[u8], steps: StepsReader<'_>) -> Result<(), WireError> {
        let (mut list, mut step) = (Vec::new(), Vec::new());
        steps.for_each(|feature| {
            step.clear();
            put_feature(&mut step, feature)?;
            put_step(&mut list, &step);
            Ok::<_, WireError>(())
        })?;
        self.lists.insert(name.to_vec(), list);
        Ok(())
    }
}

impl Features {
    /// Writes the parts that the record has: an empty one is not the same as none.
    fn serialize(self, record: &[u8], is_sequence: bool) -> Result<Vec<u8>, WireError> {
        let mut reader = WireReader::new(record);
        let mut has_part = [false; 2];
        while !reader.is_empty() {
            let tag = reader.tag()?;
            match tag.field {
                1 => has_part[0] = true,
                2 => has_part[1] = is_sequence,
                _ => {}
            }
            reader.skip(tag)?;
        }
        let mut bytes = Vec::with_capacity(record.len());
        for ((field, map), is_there) in
            [(1, self.features), (2, self.lists)].into_iter().zip(has_part)
        {
            if is_there {
                let mut part = Vec::with_capacity(record.len());
                for (name, value) in &map {
                    put_named(&mut part, &String::from_utf8_lossy(name), value);
                }
                put_delimited(&mut bytes, field, &part);
            }
        }
        Ok(bytes)
    }
}

fn put_feature(bytes: &mut Vec<u8>, feature: Feature<'_>) -> Result<(), WireError> {
    match feature {
        Feature::Missing => {}
        Feature::Bytes(list) => {
            let mut values = Vec::new();
            list.for_each(|value| values.push(value))?;
            put_bytes(bytes, values.iter().copied());
        }
        Feature::Floats(list) => {
            let mut values = Vec::new();
            list.append_to(&mut values)?;
            put_floats(bytes, &values);
        }
        Feature::Ints(list) => {
            let mut values = Vec::new();
            list.for_each(|value| values.push(value))?;
            put_ints(bytes, &values);
        }
    }
    Ok(())
}
