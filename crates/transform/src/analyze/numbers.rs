//! The distribution of an argument's numbers.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use sketch::bytes::{Reader, Stored};
use sketch::{Distributed, Distribution, StateError};

/// Ranks are exact up to this many distinct numbers, which take 2 MiB.
const MAX_EXACT: usize = 1 << 16;

/// Numbers, taken in batch by batch.
#[derive(Clone, Debug)]
pub(crate) struct NumbersState {
    num_nan: u64,
    /// The least and the greatest integer, which floats may not hold; none for floats.
    ints: Option<(i64, i64)>,
    numbers: Distribution,
}

/// All that was learned of an argument's numbers.
#[derive(Clone, Debug)]
pub struct LearnedNumbers {
    pub(crate) num_nan: u64,
    pub(crate) ints: Option<(i64, i64)>,
    pub(crate) distributed: Distributed,
}

impl NumbersState {
    pub(crate) fn new() -> Self {
        Self { num_nan: 0, ints: None, numbers: Distribution::new(MAX_EXACT) }
    }

    /// Takes in a column of `Int64` or `Float64`; missing values are left out.
    pub(crate) fn update(&mut self, column: &dyn Array) {
        if column.data_type() == &DataType::Int64 {
            let column = column.as_primitive::<Int64Type>();
            let range = arrow::compute::min(column).zip(arrow::compute::max(column));
            self.ints = widest(self.ints, range);
            for value in column.iter().flatten() {
                self.add(as_float(value));
            }
        } else if let Some(column) = column.as_primitive_opt::<Float64Type>() {
            for value in column.iter().flatten() {
                self.add(value);
            }
        }
    }

    #[inline]
    fn add(&mut self, value: f64) {
        if value.is_nan() {
            self.num_nan += 1;
        } else {
            self.numbers.add(value, 1);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.num_nan += other.num_nan;
        self.ints = widest(self.ints, other.ints);
        self.numbers.merge(&other.numbers);
    }

    pub(crate) fn finish(&self) -> LearnedNumbers {
        LearnedNumbers {
            num_nan: self.num_nan,
            ints: self.ints,
            distributed: self.numbers.finish(),
        }
    }
}

impl LearnedNumbers {
    /// Returns how many values there are, NaN included.
    pub(crate) fn size(&self) -> u64 {
        self.distributed.moments.count + self.num_nan
    }

    /// Returns the least and the greatest number, infinities included; none when there is no number.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        let moments = &self.distributed.moments;
        (moments.count > 0).then(|| (moments.min(), moments.max()))
    }

    /// Returns the boundaries of buckets of about equal count: observed values, ascending, some of them equal where
    /// one value fills several buckets. There are none when there are no numbers.
    pub(crate) fn boundaries(&self, num_buckets: usize) -> Vec<f64> {
        if num_buckets < 2 {
            return Vec::new();
        }
        let quantiles = self.distributed.ranks.quantiles(num_buckets);
        let [_, inner @ .., _] = &quantiles[..] else { return Vec::new() };
        inner.iter().map(|&(value, _)| value).collect()
    }
}

fn widest(one: Option<(i64, i64)>, other: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (one, other) {
        (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
        (one, other) => one.or(other),
    }
}

/// Integers beyond 2^53 become the nearest float.
#[expect(clippy::cast_precision_loss, reason = "as documented")]
fn as_float(value: i64) -> f64 {
    value as f64
}

impl Stored for NumbersState {
    fn write(&self, out: &mut Vec<u8>) {
        self.num_nan.write(out);
        u64::from(self.ints.is_some()).write(out);
        if let Some((min, max)) = self.ints {
            min.cast_unsigned().write(out);
            max.cast_unsigned().write(out);
        }
        self.numbers.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let num_nan = input.take_total()?;
        let ints = match u64::read(input)? {
            0 => None,
            _ => Some((u64::read(input)?.cast_signed(), u64::read(input)?.cast_signed())),
        };
        Ok(Self { num_nan, ints, numbers: Distribution::read(input)? })
    }
}
