//! The byte form of states: little-endian numbers, and lengths before what varies.

use crate::StateError;

/// Something that can be written as bytes and read back.
pub trait Stored: Sized {
    /// Appends the bytes.
    fn write(&self, out: &mut Vec<u8>);

    /// Takes the bytes.
    ///
    /// # Errors
    ///
    /// [`StateError`] when they are not what [`Stored::write`] writes.
    fn read(input: &mut Reader<'_>) -> Result<Self, StateError>;
}

/// Reads what was written, and never trusts a length.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Returns a reader of all of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns how many bytes are left.
    pub fn num_left(&self) -> usize {
        self.rest.len()
    }

    /// Takes the next `len` bytes.
    ///
    /// # Errors
    ///
    /// [`StateError`] when they end earlier.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], StateError> {
        let (taken, rest) =
            self.rest.split_at_checked(len).ok_or(StateError { reason: "it ends too early" })?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes bytes behind their length.
    ///
    /// # Errors
    ///
    /// [`StateError`] when they end earlier.
    pub fn take_bytes(&mut self) -> Result<&'a [u8], StateError> {
        let len = usize::read(self)?;
        self.take(len)
    }

    /// Takes how often something was seen: not zero, and so small that sums of counts do not overflow.
    ///
    /// # Errors
    ///
    /// [`StateError`] when it is zero or more than [`MAX_COUNT`].
    pub fn take_count(&mut self) -> Result<u64, StateError> {
        let count = u64::read(self)?;
        if count == 0 || count > MAX_COUNT {
            return Err(StateError { reason: "a count is out of range" });
        }
        Ok(count)
    }

    /// Takes how often something was seen, which may be never.
    ///
    /// # Errors
    ///
    /// [`StateError`] when it is more than [`MAX_COUNT`].
    pub fn take_total(&mut self) -> Result<u64, StateError> {
        let total = u64::read(self)?;
        if total > MAX_COUNT {
            return Err(StateError { reason: "a count is out of range" });
        }
        Ok(total)
    }

    /// Says no when anything is left.
    ///
    /// # Errors
    ///
    /// [`StateError`] when anything is left.
    pub fn finish(self) -> Result<(), StateError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(StateError { reason: "something follows its end" })
    }
}

/// More values than any data has.
pub const MAX_COUNT: u64 = 1 << 48;

/// Writes bytes behind their length.
pub fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    bytes.len().write(out);
    out.extend_from_slice(bytes);
}

impl Stored for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let (bytes, _) = input.take(8)?.split_first_chunk().expect("eight bytes were taken");
        Ok(Self::from_le_bytes(*bytes))
    }
}

impl Stored for usize {
    fn write(&self, out: &mut Vec<u8>) {
        (*self as u64).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        Self::try_from(u64::read(input)?)
            .map_err(|_| StateError { reason: "a length is out of range" })
    }
}

impl Stored for f64 {
    fn write(&self, out: &mut Vec<u8>) {
        self.to_bits().write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        Ok(Self::from_bits(u64::read(input)?))
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        self.iter().for_each(|item| item.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
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

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        Ok((A::read(input)?, B::read(input)?))
    }
}
