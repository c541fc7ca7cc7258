//! What is added up for a value: how often it was seen, or how much that weighs.

use std::fmt::Debug;

use crate::StateError;
use crate::bytes::{Reader, Stored};

/// A sum that does not depend on the order of what was added.
pub trait Count: Copy + Default + Ord + Debug + Send + Sync + Stored + 'static {
    /// Returns both together.
    #[must_use]
    fn plus(self, other: Self) -> Self;

    /// Returns what is left without `other`, which is not more.
    #[must_use]
    fn minus(self, other: Self) -> Self;

    /// Returns `part / parts` of twice this, rounded down.
    #[must_use]
    fn twice_part(self, part: usize, parts: usize) -> Self;

    /// Returns the nearest float.
    fn to_f64(self) -> f64;

    /// Reads one that may be zero, and so small that sums do not overflow.
    ///
    /// # Errors
    ///
    /// [`StateError`] when it is too large.
    fn take(input: &mut Reader<'_>) -> Result<Self, StateError>;

    /// Returns whether it is nothing.
    #[inline]
    fn is_zero(self) -> bool {
        self == Self::default()
    }
}

impl Count for u64 {
    #[inline]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    fn minus(self, other: Self) -> Self {
        self - other
    }

    fn twice_part(self, part: usize, parts: usize) -> Self {
        let (total, parts) = (u128::from(self), parts as u128);
        Self::try_from(2 * part as u128 * total / parts).unwrap_or(Self::MAX)
    }

    #[expect(clippy::cast_precision_loss, reason = "rounds beyond 2^53, as documented")]
    fn to_f64(self) -> f64 {
        self as f64
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, StateError> {
        input.take_total()
    }
}

/// A sum of weights, as a multiple of 2^-64.
///
/// A fixed point rather than a float: however the weights are partitioned, their sum is the same. Every weight
/// of a 32-bit float from 2^-40 up is kept exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u128);

/// A power of two: a weight of one.
const ONE: f64 = 18_446_744_073_709_551_616.0;
/// More than any sum of weights.
const MAX_WEIGHT: u128 = 1 << 120;

impl Weight {
    /// The greatest weight of one example.
    pub const MAX: f64 = 4_294_967_296.0;

    /// Returns the weight nearest to a number, or nothing if it is negative, NaN or more than [`Weight::MAX`].
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the number is from 0 to 2^96 then"
    )]
    pub fn new(weight: f64) -> Option<Self> {
        (0.0..=Self::MAX).contains(&weight).then(|| Self((weight * ONE).round() as u128))
    }

    /// Returns the weight of so many alike.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(u128::from(count)))
    }
}

impl Count for Weight {
    fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    fn twice_part(self, part: usize, parts: usize) -> Self {
        let (twice, parts) = (2 * part as u128, parts as u128);
        Self((self.0 / parts).saturating_mul(twice).saturating_add(self.0 % parts * twice / parts))
    }

    #[expect(clippy::cast_precision_loss, reason = "rounds to the nearest float, as documented")]
    fn to_f64(self) -> f64 {
        self.0 as f64 / ONE
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let weight = Self::read(input)?;
        if weight.0 > MAX_WEIGHT {
            return Err(StateError { reason: "a weight is out of range" });
        }
        Ok(weight)
    }
}

impl Stored for Weight {
    #[expect(clippy::cast_possible_truncation, reason = "the halves are written one by one")]
    fn write(&self, out: &mut Vec<u8>) {
        (self.0 as u64).write(out);
        ((self.0 >> 64) as u64).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let low = u128::from(u64::read(input)?);
        Ok(Self(u128::from(u64::read(input)?) << 64 | low))
    }
}

/// Reads one that is not zero.
pub(crate) fn take_some<C: Count>(input: &mut Reader<'_>) -> Result<C, StateError> {
    let count = C::take(input)?;
    if count.is_zero() {
        return Err(StateError { reason: "a count is out of range" });
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_in_any_order() {
        let weights = [0.1, 1e9, 3.0, 1e-6, 0.7, f64::from(f32::MIN_POSITIVE), 0.0];
        let sum = |weights: &mut dyn Iterator<Item = &f64>| {
            weights.fold(Weight::default(), |sum, &w| sum.plus(Weight::new(w).unwrap()))
        };
        let (ahead, back) = (sum(&mut weights.iter()), sum(&mut weights.iter().rev()));
        assert_eq!(ahead, back);
        assert!((ahead.to_f64() - 1_000_000_003.800_001).abs() < 1e-6);
        for weight in [0.1, 0.25, 3.0, 1e-3] {
            assert_eq!(Weight::new(weight).unwrap().to_f64().to_bits(), f64::to_bits(weight));
        }
    }

    #[test]
    fn what_is_no_weight_is_refused() {
        for weight in [-1.0, -1e-300, f64::NAN, f64::INFINITY, 2.0 * Weight::MAX] {
            assert_eq!(Weight::new(weight), None, "{weight}");
        }
        assert!(Weight::new(-0.0).unwrap().is_zero());
    }

    #[test]
    fn parts_are_rounded_down() {
        for (total, part, parts) in [(10_u64, 1, 4), (7, 3, 10), (1 << 40, 999, 1000), (3, 5, 5)] {
            let expected = 2 * u128::from(total) * part as u128 / parts as u128;
            assert_eq!(u128::from(total.twice_part(part, parts)), expected);
            assert_eq!(Weight(u128::from(total)).twice_part(part, parts).0, expected);
        }
    }
}
