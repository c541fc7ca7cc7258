//! Writes examples from the values outwards.
//!
//! A caller writes a feature's values into one vector, the named features into a second, and the record into
//! a third. Features are written in the order of the calls: sorted by name, the bytes are those of
//! protobuf's deterministic serialization.

use super::ValueKind;
use crate::wire::{delimited_len, put_delimited, put_header, put_varint, varint_len};

/// Appends a feature with a `bytes_list`, which may be empty.
pub fn put_bytes<'a>(feature: &mut Vec<u8>, values: impl Iterator<Item = &'a [u8]> + Clone) {
    let length = values.clone().map(|value| delimited_len(value.len())).sum();
    put_header(feature, ValueKind::Bytes.field(), length);
    values.for_each(|value| put_delimited(feature, 1, value));
}

/// Appends a feature with a `float_list`, which may be empty.
pub fn put_floats(feature: &mut Vec<u8>, values: &[f32]) {
    put_packed(feature, ValueKind::Float, 4 * values.len());
    values.iter().for_each(|value| feature.extend_from_slice(&value.to_le_bytes()));
}

/// Appends a feature with an `int64_list`, which may be empty.
pub fn put_ints(feature: &mut Vec<u8>, values: &[i64]) {
    let length = values.iter().map(|value| varint_len(value.cast_unsigned())).sum();
    put_packed(feature, ValueKind::Int, length);
    values.iter().for_each(|value| put_varint(feature, value.cast_unsigned()));
}

/// Appends what comes before `length` bytes of packed values; an empty list has no packed field.
fn put_packed(feature: &mut Vec<u8>, kind: ValueKind, length: usize) {
    if length == 0 {
        put_header(feature, kind.field(), 0);
    } else {
        put_header(feature, kind.field(), delimited_len(length));
        put_header(feature, 1, length);
    }
}

/// Appends one step, a feature, to a feature list.
pub fn put_step(feature_list: &mut Vec<u8>, feature: &[u8]) {
    put_delimited(feature_list, 1, feature);
}

/// Appends a feature by its name to the features, or a feature list to the feature lists. A feature without
/// any bytes has no kind, and so is missing.
pub fn put_named(features: &mut Vec<u8>, name: &str, value: &[u8]) {
    put_header(features, 1, delimited_len(name.len()) + delimited_len(value.len()));
    put_delimited(features, 1, name.as_bytes());
    put_delimited(features, 2, value);
}

/// Appends a `tf.Example` of named features.
pub fn put_example(record: &mut Vec<u8>, features: &[u8]) {
    put_delimited(record, 1, features);
}

/// Appends a `tf.SequenceExample` of named features and named feature lists.
pub fn put_sequence_example(record: &mut Vec<u8>, context: &[u8], feature_lists: &[u8]) {
    put_delimited(record, 1, context);
    put_delimited(record, 2, feature_lists);
}
