//! Sums that do not depend on the order of their terms, so that merging in any order gives the same bits.

/// The largest weight of an example.
pub(crate) const MAX_WEIGHT: f64 = 4_294_967_296.0;

/// Binary digits behind the point of a [`Fixed`].
const FRACTION: f64 = 72_057_594_037_927_936.0; // 2^56

/// A sum of weights, in units of 2^-56.
///
/// Weights go up to 2^32, so 2^40 of them fit; a weight is off by at most 2^-57, and whole numbers not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fixed(pub(crate) u128);

impl Fixed {
    /// Returns a weight between 0 and [`MAX_WEIGHT`].
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the caller's weight is between 0 and 2^32, and the cast saturates"
    )]
    pub(crate) fn of(weight: f64) -> Self {
        Self((weight * FRACTION).round() as u128)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }

    pub(crate) fn value(self) -> f64 {
        self.0 as f64 / FRACTION
    }
}

/// The exact sum of any floating-point numbers, rounded once, at the end.
///
/// Digits of base 2^32 from the smallest one ever touched; a digit may hold more than it should until the
/// carries are taken. Terms of common size are first summed in a window of 128 bits, which costs one addition, all
/// others about four.
///
/// # Source
///
/// Kulisch's long accumulator, kept to the digits in use.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ExactSum {
    /// The place of `digits[0]`: it counts 2^(32 · first - 1074).
    first: usize,
    digits: Vec<i64>,
    /// Terms since the carries were last taken.
    pending: u32,
    /// A sum that is not in the digits yet, in units of 2^-88, and of how many terms.
    window: i128,
    num_in_window: u32,
    has_nan: bool,
    has_infinity: bool,
    has_negative_infinity: bool,
}

/// Digits that the greatest sum of 2^63 numbers needs.
const MAX_DIGITS: usize = 70;
const BASE: i64 = 1 << 32;

/// The stored exponent of which the last binary digit is the window's unit: 1075 - 88.
const WINDOW_EXPONENT: usize = 987;
/// How far a mantissa may stand above the window's unit, so that 2^20 terms fit: 53 + 53 + 20 binary digits.
const WINDOW_SHIFT: usize = 53;
/// How many terms fit into the window.
const WINDOW_TERMS: u32 = 1 << 20;
/// The digit that the window's unit is in, and its place there: 1074 - 88 = 30 · 32 + 26.
const WINDOW_DIGIT: usize = 30;
const WINDOW_PLACE: usize = 26;

impl ExactSum {
    pub(crate) fn add(&mut self, term: f64) {
        if !term.is_finite() {
            self.has_nan |= term.is_nan();
            self.has_infinity |= term.is_infinite() && term > 0.0;
            self.has_negative_infinity |= term.is_infinite() && term < 0.0;
            return;
        }
        let bits = term.to_bits();
        let exponent = usize::try_from((bits >> 52) & 0x7ff).expect("eleven bits fit");
        let fraction = bits & ((1 << 52) - 1);
        let shift = exponent.wrapping_sub(WINDOW_EXPONENT);
        if shift <= WINDOW_SHIFT {
            let value = i128::from(fraction | (1 << 52)) << shift;
            self.window += if term < 0.0 { -value } else { value };
            self.num_in_window += 1;
            if self.num_in_window == WINDOW_TERMS {
                self.empty_window();
            }
            return;
        }
        // A subnormal has the place of the first normal exponent, and no hidden bit.
        let (mantissa, place) = match exponent {
            0 => (fraction, 0),
            _ => (fraction | (1 << 52), exponent - 1),
        };
        if mantissa == 0 {
            return;
        }
        let (digit, shift) = (place / 32, place % 32);
        self.add_digits(u128::from(mantissa) << shift, digit, term < 0.0);
        self.pending += 1;
        if self.pending >= 1 << 30 {
            self.carry();
        }
    }

    /// Adds a number of at most 96 binary digits that begins at a digit, or takes it away.
    fn add_digits(&mut self, wide: u128, digit: usize, is_negative: bool) {
        self.make_room(digit, digit + 3);
        let start = digit - self.first;
        let sign = if is_negative { -1 } else { 1 };
        for (offset, target) in self.digits[start..start + 3].iter_mut().enumerate() {
            let piece = (wide >> (32 * offset)) & 0xffff_ffff;
            *target += sign * i64::try_from(piece).expect("32 bits fit");
        }
    }

    /// Brings the window's sum into the digits.
    fn empty_window(&mut self) {
        self.num_in_window = 0;
        let window = std::mem::take(&mut self.window);
        if window == 0 {
            return;
        }
        let magnitude = window.unsigned_abs();
        let (low, high) = (magnitude & u128::from(u64::MAX), magnitude >> 64);
        self.add_digits(low << WINDOW_PLACE, WINDOW_DIGIT, window < 0);
        self.add_digits(high << WINDOW_PLACE, WINDOW_DIGIT + 2, window < 0);
        self.pending += 2;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        other.carry();
        self.carry();
        self.has_nan |= other.has_nan;
        self.has_infinity |= other.has_infinity;
        self.has_negative_infinity |= other.has_negative_infinity;
        if other.digits.is_empty() {
            return;
        }
        self.make_room(other.first, other.first + other.digits.len());
        let start = other.first - self.first;
        for (target, digit) in self.digits[start..].iter_mut().zip(&other.digits) {
            *target += digit;
        }
        self.carry();
    }

    /// Returns the sum, rounded to the nearest number.
    pub(crate) fn value(&self) -> f64 {
        if self.has_nan || (self.has_infinity && self.has_negative_infinity) {
            return f64::NAN;
        }
        if self.has_infinity || self.has_negative_infinity {
            return if self.has_infinity { f64::INFINITY } else { f64::NEG_INFINITY };
        }
        let mut sum = self.clone();
        sum.carry();
        let Some(&top) = sum.digits.last() else { return 0.0 };
        let sign = if top < 0 { -1.0 } else { 1.0 };
        sign * sum.magnitude()
    }

    /// Returns the magnitude of a sum whose carries are taken.
    fn magnitude(&self) -> f64 {
        // Three digits hold at least 65 significant bits; what is below only decides ties.
        let kept = self.digits.len().min(3);
        let cut = self.digits.len() - kept;
        let mut head: u128 = 0;
        for digit in self.digits[cut..].iter().rev() {
            head = (head << 32) | u128::from(digit.unsigned_abs());
        }
        if self.digits[..cut].iter().any(|digit| *digit != 0) {
            head |= 1;
        }
        // In two steps, so that no factor leaves the range by itself; the first is exact.
        let place = i32::try_from(32 * (self.first + cut)).unwrap_or(i32::MAX) - 1074;
        let half = place / 2;
        head as f64 * 2f64.powi(half) * 2f64.powi(place - half)
    }

    /// Makes all digits of one sign and less than 2^32, and drops zeros at both ends: one form for one sum.
    fn carry(&mut self) {
        self.empty_window();
        self.pending = 0;
        if self.take_carries() {
            self.negate();
            self.take_carries();
            self.negate();
        }
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        let zeros = self.digits.iter().take_while(|digit| **digit == 0).count();
        self.digits.drain(..zeros);
        self.first = if self.digits.is_empty() { 0 } else { self.first + zeros };
    }

    /// Makes every digit 0 to 2^32 - 1, but for a last one of -1 when the sum is negative; says whether it is.
    fn take_carries(&mut self) -> bool {
        let mut carry = 0;
        for digit in &mut self.digits {
            let sum = *digit + carry;
            *digit = sum.rem_euclid(BASE);
            carry = sum.div_euclid(BASE);
        }
        while !(-1..=0).contains(&carry) {
            self.digits.push(carry.rem_euclid(BASE));
            carry = carry.div_euclid(BASE);
        }
        if carry == -1 {
            self.digits.push(-1);
        }
        carry == -1
    }

    fn negate(&mut self) {
        self.digits.iter_mut().for_each(|digit| *digit = -*digit);
    }

    fn make_room(&mut self, from: usize, to: usize) {
        if self.digits.is_empty() {
            self.first = from;
        }
        if from < self.first {
            let missing = self.first - from;
            self.digits.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = from;
        }
        let len = (to - self.first).max(self.digits.len());
        self.digits.resize(len, 0);
    }

    /// Returns the parts that [`ExactSum::from_parts`] takes, the same for every order of the terms.
    pub(crate) fn to_parts(&self) -> (u64, Vec<i64>, u8) {
        let mut sum = self.clone();
        sum.carry();
        let flags = u8::from(sum.has_nan)
            | u8::from(sum.has_infinity) << 1
            | u8::from(sum.has_negative_infinity) << 2;
        (sum.first as u64, sum.digits, flags)
    }

    /// Returns the sum of these parts, or nothing when no sum has them.
    pub(crate) fn from_parts(first: u64, digits: Vec<i64>, flags: u8) -> Option<Self> {
        let first = usize::try_from(first).ok()?;
        let fits = first <= MAX_DIGITS && digits.len() <= MAX_DIGITS - first && flags < 8;
        if !fits || digits.iter().any(|digit| digit.unsigned_abs() > BASE.unsigned_abs()) {
            return None;
        }
        let mut sum = Self {
            first,
            digits,
            pending: 0,
            window: 0,
            num_in_window: 0,
            has_nan: flags & 1 != 0,
            has_infinity: flags & 2 != 0,
            has_negative_infinity: flags & 4 != 0,
        };
        sum.carry();
        Some(sum)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these sums and areas are exact")]
mod tests;
