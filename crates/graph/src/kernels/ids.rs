//! Values become ids: buckets, places in a vocabulary, hashes.

use std::hash::Hasher as _;

use arrow::array::{Array, Float64Array, Int64Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Float64Type, Int64Type};
use siphasher::sip::SipHasher24;

use super::fingerprint::fingerprint64;
use super::{CHECKED, Computed, Numbers, Texts};
use crate::evaluate::Values;
use crate::{Boundaries, KeyedBoundaries, Literal, Table, ValueType, Vocabulary};

/// Up to so many boundaries, comparing with all of them beats a search.
const FEW: usize = 32;

/// Returns how many boundaries are at most each value; NaN is beyond them all.
pub(super) fn bucketize(
    values: Numbers<'_, Float64Type>,
    boundaries: &Boundaries,
) -> Computed<Int64Type> {
    let boundaries = boundaries.values();
    // NaN is less than no boundary, and so beyond them all.
    if boundaries.len() <= FEW {
        return super::map(values, |value| {
            let num_above = boundaries.iter().filter(|boundary| value < **boundary).count();
            as_id((boundaries.len() - num_above) as u64)
        });
    }
    super::map(values, |value: f64| {
        let bucket = match value.is_nan() {
            true => boundaries.len(),
            false => boundaries.partition_point(|boundary| *boundary <= value),
        };
        as_id(bucket as u64)
    })
}

/// Returns how many boundaries of its key are at most each value, -1 where there is no such key.
pub(super) fn bucketize_per_key(
    values: &Values,
    places: &Values,
    boundaries: &KeyedBoundaries,
) -> Int64Array {
    let (Values::Float(values), Values::Int(places)) = (values, places) else {
        unreachable!("{CHECKED}")
    };
    let bucket = |value: f64, place: i64| {
        let key = usize::try_from(place).ok().and_then(|place| boundaries.keys().get(place));
        key.map_or(-1, |key| {
            // NaN is less than no boundary, and so beyond them all.
            let bucket = key.values().partition_point(|boundary| {
                value.partial_cmp(boundary).is_none_or(std::cmp::Ordering::is_ge)
            });
            as_id(bucket as u64)
        })
    };
    let rows = 0..values.len();
    let buckets = rows.map(|row| bucket(values.value(row), places.value(row)));
    let nulls = NullBuffer::union(values.nulls(), places.nulls());
    Int64Array::new(buckets.collect::<Vec<_>>().into(), nulls)
}

/// Returns the constant at each place.
pub(super) fn gather(places: &Values, table: &Table) -> Values {
    let places = match places {
        Values::Int(places) => places,
        Values::Constant(Literal::Int(place)) => return Values::Constant(table.literal_at(*place)),
        Values::Constant(_) => return Values::Constant(Literal::Null(table.value_type())),
        _ => unreachable!("{CHECKED}"),
    };
    match table.value_type() {
        ValueType::Int => {
            let ints: Int64Array = places.unary_opt(|place| Some(table.at(place)?.cast_signed()));
            Values::ints(ints)
        }
        ValueType::Float => {
            let floats: Float64Array =
                places.unary_opt(|place| Some(f64::from_bits(table.at(place)?)));
            Values::floats(floats)
        }
        ValueType::Bool => {
            let at = |place: Option<i64>| Some(table.at(place?)? != 0);
            Values::bools(places.iter().map(at).collect())
        }
        ValueType::String => unreachable!("tables do not hold text"),
    }
}

/// What becomes of a token that is not in a vocabulary.
#[derive(Clone, Copy)]
pub(super) enum Unknown {
    Default(i64),
    Bucket { start: u64, num_buckets: u64 },
}

impl Unknown {
    pub(super) fn new(vocabulary: &Vocabulary, num_buckets: u64, default_value: i64) -> Self {
        match num_buckets {
            0 => Self::Default(default_value),
            _ => Self::Bucket { start: vocabulary.len() as u64, num_buckets },
        }
    }

    fn id(self, token: &str) -> i64 {
        match self {
            Self::Default(id) => id,
            Self::Bucket { start, num_buckets } => {
                as_id(start + fingerprint64(token.as_bytes()) % num_buckets)
            }
        }
    }
}

/// Returns the place of each token in a vocabulary.
pub(super) fn lookup(
    tokens: Texts<'_>,
    vocabulary: &Vocabulary,
    unknown: Unknown,
) -> Computed<Int64Type> {
    map(tokens, |token| match vocabulary.id(token) {
        Some(id) => as_id(id as u64),
        None => unknown.id(token),
    })
}

/// Returns the bucket of each text by its fingerprint.
pub(super) fn hash(texts: Texts<'_>, num_buckets: u64) -> Computed<Int64Type> {
    map(texts, |text| as_id(fingerprint64(text.as_bytes()) % num_buckets))
}

/// Returns the bucket of each text by a keyed hash.
pub(super) fn keyed_hash(texts: Texts<'_>, num_buckets: u64, key: [u64; 2]) -> Computed<Int64Type> {
    map(texts, |text| {
        let mut hasher = SipHasher24::new_with_keys(key[0], key[1]);
        hasher.write(text.as_bytes());
        as_id(hasher.finish() % num_buckets)
    })
}

fn map(texts: Texts<'_>, id: impl Fn(&str) -> i64) -> Computed<Int64Type> {
    match texts {
        Texts::Constant(text) => Computed::Constant(text.map(id)),
        Texts::Rows(rows) => {
            // The slot of a missing text is a text too.
            let ids: Vec<i64> = (0..rows.len()).map(|row| id(rows.value(row))).collect();
            Computed::Rows(Int64Array::new(ids.into(), rows.nulls().cloned()))
        }
    }
}

fn as_id(id: u64) -> i64 {
    i64::try_from(id).expect("the builder refuses more buckets than 63 bits can number")
}
