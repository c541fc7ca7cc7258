//! The byte form of states: little-endian numbers, and lengths before what varies.

use crate::StatisticsError;

/// Something that can be written as bytes and read back.
pub(crate) trait Stored: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(input: &mut Reader<'_>) -> Result<Self, StatisticsError>;
}

/// Reads what was written, and never trusts a length.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes the next `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], StatisticsError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(StatisticsError::BadState { reason: "it ends too early" })?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes bytes behind their length.
    pub(crate) fn take_bytes(&mut self) -> Result<&'a [u8], StatisticsError> {
        let len = usize::read(self)?;
        self.take(len)
    }

    /// Takes how often something was seen: not zero, and so small that sums of counts do not overflow.
    pub(crate) fn take_count(&mut self) -> Result<u64, StatisticsError> {
        let count = u64::read(self)?;
        if count == 0 || count > MAX_COUNT {
            return Err(StatisticsError::BadState { reason: "a count is out of range" });
        }
        Ok(count)
    }

    /// Takes how often something was seen, which may be never.
    pub(crate) fn take_total(&mut self) -> Result<u64, StatisticsError> {
        let total = u64::read(self)?;
        if total > MAX_COUNT {
            return Err(StatisticsError::BadState { reason: "a count is out of range" });
        }
        Ok(total)
    }

    /// Says no when anything is left.
    pub(crate) fn finish(self) -> Result<(), StatisticsError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(StatisticsError::BadState { reason: "something follows its end" })
    }
}

/// More values than any data has.
pub(crate) const MAX_COUNT: u64 = 1 << 48;

/// Writes bytes behind their length.
pub(crate) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    bytes.len().write(out);
    out.extend_from_slice(bytes);
}

impl Stored for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StatisticsError> {
        let (bytes, _) = input.take(8)?.split_first_chunk().expect("eight bytes were taken");
        Ok(Self::from_le_bytes(*bytes))
    }
}

impl Stored for usize {
    fn write(&self, out: &mut Vec<u8>) {
        (*self as u64).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StatisticsError> {
        Self::try_from(u64::read(input)?)
            .map_err(|_| StatisticsError::BadState { reason: "a length is out of range" })
    }
}

impl Stored for f64 {
    fn write(&self, out: &mut Vec<u8>) {
        self.to_bits().write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StatisticsError> {
        Ok(Self::from_bits(u64::read(input)?))
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        self.iter().for_each(|item| item.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StatisticsError> {
        let len = usize::read(input)?;
        // Not `with_capacity`: the length may be a lie, and the bytes end soon then.
        (0..len).map(|_| T::read(input)).collect()
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StatisticsError> {
        Ok((A::read(input)?, B::read(input)?))
    }
}
