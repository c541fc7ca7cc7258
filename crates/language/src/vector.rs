//! Arithmetic on slices, compiled for the widest vectors that the machine has.
//!
//! Sums run in sixteen lanes that are added up in a fixed order, so that the width of the vectors does not show.

/// How many sums run beside each other.
const LANES: usize = 16;

/// Runs a closure compiled for the vector instructions of this machine; what it calls has to be inlined.
#[inline(always)]
pub fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Returns e to the power of `x`, within 2 units of the last place between -87 and 88, and its ends beyond; NaN stays.
///
/// # Source
///
/// Cephes' `expf`: the nearest power of two, and a polynomial for the rest.
#[inline(always)]
#[expect(clippy::excessive_precision, reason = "the constants as published")]
pub fn exp(x: f32) -> f32 {
    // Adding and taking away 1.5 * 2^23 rounds to a whole number, whose bits are then the low ones.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * 0.693_359_375 + n * 2.121_944_40e-4;
    let mut p = 1.987_569_15e-4_f32;
    p = p * r + 1.398_199_95e-3;
    p = p * r + 8.333_451_91e-3;
    p = p * r + 4.166_579_59e-2;
    p = p * r + 1.666_666_55e-1;
    p = p * r + 0.5;
    let p = p * r * r + r + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    p * power
}

/// Returns the logistic function of `x`.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Adds `value(place)` up over `0..len`.
#[inline(always)]
pub fn sum_of(len: usize, value: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let whole = len - len % LANES;
    let mut start = 0;
    while start < whole {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += value(start + lane);
        }
        start += LANES;
    }
    for place in whole..len {
        lanes[place % LANES] += value(place);
    }
    lanes.iter().sum()
}

/// Returns the sum of the products of two slices of one length.
#[inline(always)]
pub fn dot(one: &[f32], other: &[f32]) -> f32 {
    let other = &other[..one.len()];
    sum_of(one.len(), |place| one[place] * other[place])
}

/// Returns the largest value; `NEG_INFINITY` of none. NaN is passed over.
#[inline(always)]
pub fn max(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    for value in rest {
        lanes[0] = if *value > lanes[0] { *value } else { lanes[0] };
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

/// Turns each value into its exponential less `shift`, and returns their sum.
#[inline(always)]
pub fn exp_shifted(values: &mut [f32], shift: f32) -> f32 {
    for value in values.iter_mut() {
        *value = exp(*value - shift);
    }
    sum_of(values.len(), |place| values[place])
}

/// Multiplies each value.
#[inline(always)]
pub fn scale(values: &mut [f32], factor: f32) {
    for value in values {
        *value *= factor;
    }
}

/// Adds one slice to another of the same length.
#[inline(always)]
pub fn add(to: &mut [f32], values: &[f32]) {
    for (to, value) in to.iter_mut().zip(values) {
        *to += value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_units_of_the_last_place() {
        let mut worst = 0.0_f64;
        for n in -87_000..=88_000 {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let x = n as f32 / 1000.0;
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(exp(x)) - exact).abs() / exact);
        }
        assert!(worst < 2.5e-7, "{worst}");
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(f32::NEG_INFINITY) < 2e-38);
    }

    #[test]
    fn sums_and_maxima_take_in_every_value() {
        for len in 0..50 {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let values: Vec<f32> = (0..len).map(|n| n as f32).collect();
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let expected = (0..len).sum::<usize>() as f32;
            assert!((sum_of(len, |n| values[n]) - expected).abs() < 1e-3);
            let largest = values.last().copied().unwrap_or(f32::NEG_INFINITY);
            assert!(max(&values) >= largest && max(&values) <= largest);
        }
    }
}
