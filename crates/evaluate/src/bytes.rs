//! The byte form of states: little-endian numbers, and lengths before what varies.

use std::collections::BTreeMap;

use crate::EvaluateError;
use crate::sums::{ExactSum, Fixed};

/// Something that can be written as bytes and read back.
pub(crate) trait Stored: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(input: &mut Reader<'_>) -> Result<Self, EvaluateError>;
}

/// Reads what was written, and never trusts a length.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// More examples than any data has, so that sums of counts do not overflow.
const MAX_COUNT: u64 = 1 << 48;

pub(crate) fn bad(reason: &'static str) -> EvaluateError {
    EvaluateError::BadState { reason }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes the next `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], EvaluateError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(bad("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes bytes behind their length.
    pub(crate) fn take_bytes(&mut self) -> Result<&'a [u8], EvaluateError> {
        let len = usize::read(self)?;
        self.take(len)
    }

    /// Takes a number of examples.
    pub(crate) fn take_count(&mut self) -> Result<u64, EvaluateError> {
        let count = u64::read(self)?;
        if count > MAX_COUNT {
            return Err(bad("a count is out of range"));
        }
        Ok(count)
    }

    /// Says no when anything is left.
    pub(crate) fn finish(self) -> Result<(), EvaluateError> {
        if self.rest.is_empty() { Ok(()) } else { Err(bad("something follows its end")) }
    }
}

/// Writes bytes behind their length.
pub(crate) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    bytes.len().write(out);
    out.extend_from_slice(bytes);
}

macro_rules! stored_numbers {
    ($($number:ty),*) => {
        $(impl Stored for $number {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, EvaluateError> {
                let bytes = input.take(size_of::<Self>())?;
                Ok(Self::from_le_bytes(bytes.try_into().expect("so many bytes were taken")))
            }
        })*
    };
}

stored_numbers!(u8, u16, u64, u128, i64);

impl Stored for usize {
    fn write(&self, out: &mut Vec<u8>) {
        (*self as u64).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, EvaluateError> {
        Self::try_from(u64::read(input)?).map_err(|_| bad("a length is out of range"))
    }
}

impl Stored for f64 {
    fn write(&self, out: &mut Vec<u8>) {
        self.to_bits().write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, EvaluateError> {
        Ok(Self::from_bits(u64::read(input)?))
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        self.iter().for_each(|item| item.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, EvaluateError> {
        let len = usize::read(input)?;
        // Not `with_capacity`: the length may be a lie, and the bytes end soon then.
        (0..len).map(|_| T::read(input)).collect()
    }
}

impl<K: Stored + Ord, V: Stored> Stored for BTreeMap<K, V> {
    fn write(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        for (key, value) in self {
            key.write(out);
            value.write(out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, EvaluateError> {
        let len = usize::read(input)?;
        let mut map = Self::new();
        for _ in 0..len {
            let (key, value) = (K::read(input)?, V::read(input)?);
            if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(bad("its keys are out of order"));
            }
            map.insert(key, value);
        }
        Ok(map)
    }
}

impl Stored for Fixed {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, EvaluateError> {
        Ok(Self(u128::read(input)?))
    }
}

impl Stored for ExactSum {
    fn write(&self, out: &mut Vec<u8>) {
        let (first, digits, flags) = self.to_parts();
        first.write(out);
        digits.write(out);
        flags.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, EvaluateError> {
        let (first, digits, flags) = (u64::read(input)?, Vec::read(input)?, u8::read(input)?);
        Self::from_parts(first, digits, flags).ok_or(bad("a sum is out of range"))
    }
}
