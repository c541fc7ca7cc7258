//! The values of one feature, whatever examples they are in.

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use sketch::bytes::{Reader, Stored};
use sketch::{Count, Distribution, StateError, Weight};
use xxhash_rust::xxh3::xxh3_64;

use crate::Config;
use crate::columns::{numbers_as_text, visit_numbers, visit_strings};
use crate::distinct::LeastHashes;
use crate::pass::{Feature, Kind, Treatment};
use crate::strings::StringCounts;

/// What was seen of the values. The twins by weight are there when examples have weights.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    /// There are none, or they are features themselves.
    None,
    Numbers(Numbers),
    Strings(Strings),
    Bytes(Bytes),
}

#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    pub(crate) num_nan: u64,
    pub(crate) numbers: Distribution,
    pub(crate) weighted: Option<Distribution<Weight>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Strings {
    pub(crate) num_bytes: u64,
    pub(crate) num_invalid_utf8: u64,
    pub(crate) strings: StringCounts,
    pub(crate) weighted: Option<StringCounts<Weight>>,
    /// They stand for numbers.
    pub(crate) are_numbers: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Bytes {
    pub(crate) num_bytes: u64,
    /// The lengths of the shortest and of the longest; nothing if there is none.
    pub(crate) lengths: Option<(u64, u64)>,
    pub(crate) distinct: LeastHashes,
}

impl Values {
    pub(crate) fn new(feature: &Feature, config: &Config) -> Self {
        let has_weights = feature.weight.is_some();
        let max_numbers = config.max_exact_numbers.get() as usize;
        let max_strings = config.max_exact_strings.get() as usize;
        match (feature.shape.kind, feature.treatment) {
            (Kind::Unknown | Kind::Struct, _) => Self::None,
            (Kind::String, Treatment::Bytes) => Self::Bytes(Bytes::default()),
            (Kind::Int | Kind::Float, Treatment::Plain | Treatment::Bytes) => {
                Self::Numbers(Numbers {
                    num_nan: 0,
                    numbers: Distribution::new(max_numbers),
                    weighted: has_weights.then(|| Distribution::weighted(max_numbers)),
                })
            }
            (kind, _) => Self::Strings(Strings {
                num_bytes: 0,
                num_invalid_utf8: 0,
                strings: StringCounts::new(max_strings),
                weighted: has_weights.then(|| StringCounts::new(max_strings)),
                are_numbers: kind != Kind::String,
            }),
        }
    }

    /// Takes in values without lists around them; `weights` has one for each of them.
    pub(crate) fn update(&mut self, array: &dyn Array, weights: Option<&[Weight]>) {
        match self {
            Self::None => {}
            Self::Numbers(numbers) => numbers.update(array, weights),
            Self::Strings(strings) if strings.are_numbers => {
                if array.data_type() != &DataType::Null {
                    strings.update(&numbers_as_text(array), weights);
                }
            }
            Self::Strings(strings) => strings.update(array, weights),
            Self::Bytes(bytes) => bytes.update(array),
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::None, Self::None) => {}
            (Self::Numbers(numbers), Self::Numbers(other)) => {
                numbers.num_nan += other.num_nan;
                numbers.numbers.merge(&other.numbers);
                if let (Some(weighted), Some(other)) = (&mut numbers.weighted, &other.weighted) {
                    weighted.merge(other);
                }
            }
            (Self::Strings(strings), Self::Strings(other)) => {
                strings.num_bytes += other.num_bytes;
                strings.num_invalid_utf8 += other.num_invalid_utf8;
                strings.strings.merge(&other.strings);
                if let (Some(weighted), Some(other)) = (&mut strings.weighted, &other.weighted) {
                    weighted.merge(other);
                }
            }
            (Self::Bytes(bytes), Self::Bytes(other)) => {
                bytes.num_bytes += other.num_bytes;
                if let Some((shortest, longest)) = other.lengths {
                    bytes.widen(shortest, longest);
                }
                bytes.distinct.merge(&other.distinct);
            }
            _ => unreachable!("states of one pass have values of one kind"),
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::None => {}
            Self::Numbers(numbers) => {
                numbers.num_nan.write(out);
                numbers.numbers.write(out);
                numbers.weighted.iter().for_each(|weighted| weighted.write(out));
            }
            Self::Strings(strings) => {
                strings.num_bytes.write(out);
                strings.num_invalid_utf8.write(out);
                strings.strings.write(out);
                strings.weighted.iter().for_each(|weighted| weighted.write(out));
            }
            Self::Bytes(bytes) => {
                bytes.num_bytes.write(out);
                bytes.lengths.map_or_else(Vec::new, |lengths| vec![lengths]).write(out);
                bytes.distinct.write(out);
            }
        }
    }

    /// Reads values of the kind of `self`, which is new.
    pub(crate) fn read(&mut self, input: &mut Reader<'_>) -> Result<(), StateError> {
        match self {
            Self::None => {}
            Self::Numbers(numbers) => {
                numbers.num_nan = input.take_total()?;
                numbers.numbers = Distribution::read(input)?;
                if let Some(weighted) = &mut numbers.weighted {
                    *weighted = Distribution::read(input)?;
                }
            }
            Self::Strings(strings) => {
                strings.num_bytes = input.take_total()?;
                strings.num_invalid_utf8 = input.take_total()?;
                strings.strings = StringCounts::read(input)?;
                if let Some(weighted) = &mut strings.weighted {
                    *weighted = StringCounts::read(input)?;
                }
            }
            Self::Bytes(bytes) => {
                bytes.num_bytes = input.take_total()?;
                bytes.lengths = Vec::<(u64, u64)>::read(input)?.pop();
                bytes.distinct = LeastHashes::read(input)?;
            }
        }
        Ok(())
    }
}

impl Numbers {
    fn update(&mut self, array: &dyn Array, weights: Option<&[Weight]>) {
        let Self { num_nan, numbers, weighted } = self;
        if let (Some(weights), Some(weighted)) = (weights, weighted) {
            visit_numbers(array, &mut |index, value| {
                if !value.is_nan() && !weights[index].is_zero() {
                    weighted.add(value, weights[index]);
                }
            });
        }
        if let DataType::Boolean = array.data_type() {
            let booleans = array.as_boolean();
            for (value, count) in [(1.0, booleans.true_count()), (0.0, booleans.false_count())] {
                if count > 0 {
                    numbers.add(value, count as u64);
                }
            }
            return;
        }
        visit_numbers(array, &mut |_, value| {
            if value.is_nan() {
                *num_nan += 1;
            } else {
                numbers.add(value, 1);
            }
        });
    }
}

impl Strings {
    fn update(&mut self, array: &dyn Array, weights: Option<&[Weight]>) {
        let Self { num_bytes, num_invalid_utf8, strings, weighted, .. } = self;
        if let (Some(weights), Some(weighted)) = (weights, weighted) {
            visit_strings(array, &mut |index, bytes, is_utf8| {
                weighted.add_times(bytes, weights[index], is_utf8);
            });
        }
        visit_strings(array, &mut |_, bytes, is_utf8| {
            *num_bytes += bytes.len() as u64;
            *num_invalid_utf8 += u64::from(!strings.add(bytes, is_utf8));
        });
    }
}

impl Bytes {
    fn update(&mut self, array: &dyn Array) {
        visit_strings(array, &mut |_, bytes, _| {
            let len = bytes.len() as u64;
            self.num_bytes += len;
            self.widen(len, len);
            self.distinct.add(xxh3_64(bytes));
        });
    }

    fn widen(&mut self, shortest: u64, longest: u64) {
        let (least, greatest) = self.lengths.unwrap_or((shortest, longest));
        self.lengths = Some((least.min(shortest), greatest.max(longest)));
    }
}
