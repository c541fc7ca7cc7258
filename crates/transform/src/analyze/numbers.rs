//! The distribution of an argument's numbers.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use sketch::bytes::{Reader, Stored};
use sketch::{Count, Distributed, Distribution, StateError, Weight};

/// Ranks are exact up to this many distinct numbers, which take 2 MiB.
const MAX_EXACT: usize = 1 << 16;

/// Numbers, taken in one by one, each as often as it counts.
#[derive(Clone, Debug)]
pub(crate) struct NumbersState<C> {
    num_nan: u64,
    /// Of integers, which floats may not hold; none for floats.
    ints: Option<Ints>,
    numbers: Distribution<C>,
}

/// What is known of integers, to the last digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ints {
    pub(crate) min: i64,
    pub(crate) max: i64,
    /// Wrapped around at 64 bits.
    pub(crate) sum: i64,
}

/// All that was learned of numbers.
#[derive(Clone, Debug)]
pub(crate) struct LearnedNumbers<C = u64> {
    pub(crate) num_nan: u64,
    pub(crate) ints: Option<Ints>,
    pub(crate) distributed: Distributed<C>,
}

impl NumbersState<u64> {
    pub(crate) fn new() -> Self {
        Self { num_nan: 0, ints: None, numbers: Distribution::new(MAX_EXACT) }
    }

    /// Takes in a column of `Int64` or `Float64`; missing values are left out.
    pub(crate) fn update(&mut self, column: &dyn Array) {
        if column.data_type() == &DataType::Int64 {
            column.as_primitive::<Int64Type>().iter().flatten().for_each(|v| self.add_int(v, 1));
        } else if let Some(column) = column.as_primitive_opt::<Float64Type>() {
            column.iter().flatten().for_each(|value| self.add(value, 1));
        }
    }

    /// Takes in an integer so many times.
    #[inline]
    pub(crate) fn add_int(&mut self, value: i64, count: u64) {
        let sum = value.wrapping_mul(count.cast_signed());
        self.ints = together(self.ints, Some(Ints { min: value, max: value, sum }));
        self.add(as_float(value), count);
    }
}

impl NumbersState<u64> {
    /// Takes in NaN so many times.
    pub(crate) fn add_nan(&mut self, count: u64) {
        self.num_nan += count;
    }
}

impl NumbersState<Weight> {
    pub(crate) fn weighted() -> Self {
        Self { num_nan: 0, ints: None, numbers: Distribution::weighted(MAX_EXACT) }
    }

    /// Takes in a column of `Float64` by the weights beside it; what is missing or weighs nothing is left out.
    pub(crate) fn update_weighted(&mut self, column: &dyn Array, weights: &dyn Array) {
        let Some(column) = column.as_primitive_opt::<Float64Type>() else { return };
        for (row, value) in column.iter().enumerate() {
            if let (Some(value), Some(weight)) = (value, weight_of(weights, row))
                && !weight.is_zero()
            {
                self.add(value, weight);
            }
        }
    }
}

/// Returns the weight of a row: none where it is missing, NaN, negative or out of range.
pub(crate) fn weight_of(weights: &dyn Array, row: usize) -> Option<Weight> {
    let weights = weights.as_primitive_opt::<Float64Type>()?;
    let weight = weights.is_valid(row).then(|| weights.value(row))?;
    Weight::new(weight)
}

impl<C: Count> NumbersState<C> {
    /// Takes in a number so many times.
    #[inline]
    pub(crate) fn add(&mut self, value: f64, count: C) {
        if value.is_nan() {
            self.num_nan += 1;
        } else {
            self.numbers.add(value, count);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.num_nan += other.num_nan;
        self.ints = together(self.ints, other.ints);
        self.numbers.merge(&other.numbers);
    }

    pub(crate) fn finish(&self) -> LearnedNumbers<C> {
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

    /// Returns the sum of floats: NaN where one of them is, 0 where there are none.
    pub(crate) fn sum(&self) -> f64 {
        let moments = &self.distributed.moments;
        match (self.num_nan, moments.count) {
            (1.., _) => f64::NAN,
            (_, 0) => 0.0,
            (_, count) => moments.mean() * sketch::as_f64(count),
        }
    }
}

impl<C: Count> LearnedNumbers<C> {
    /// Returns the least and the greatest number, infinities included; none when there is no number.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        let moments = &self.distributed.moments;
        (!moments.count.is_zero()).then(|| (moments.min(), moments.max()))
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

fn together(one: Option<Ints>, other: Option<Ints>) -> Option<Ints> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Ints {
            min: one.min.min(other.min),
            max: one.max.max(other.max),
            sum: one.sum.wrapping_add(other.sum),
        }),
        (one, other) => one.or(other),
    }
}

/// Integers beyond 2^53 become the nearest float.
#[expect(clippy::cast_precision_loss, reason = "as documented")]
pub(crate) fn as_float(value: i64) -> f64 {
    value as f64
}

impl<C: Count> Stored for NumbersState<C> {
    fn write(&self, out: &mut Vec<u8>) {
        self.num_nan.write(out);
        u64::from(self.ints.is_some()).write(out);
        if let Some(ints) = self.ints {
            for value in [ints.min, ints.max, ints.sum] {
                value.cast_unsigned().write(out);
            }
        }
        self.numbers.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let num_nan = input.take_total()?;
        let ints = match u64::read(input)? {
            0 => None,
            _ => {
                let mut next = || Ok(u64::read(input)?.cast_signed());
                Some(Ints { min: next()?, max: next()?, sum: next()? })
            }
        };
        Ok(Self { num_nan, ints, numbers: Distribution::read(input)? })
    }
}
