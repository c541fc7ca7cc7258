//! Values on the wire, each checked against the bytes that are left.

use super::AvroProblem;

/// What one row may take of memory beyond its bytes on the wire: a null record of many fields takes one byte there.
pub(super) const MAX_ROW_EXTRA_BYTES: usize = 256 << 20;

/// Reads values from the bytes of a block, one after the other.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    /// The memory taken beyond what stands on the wire, of the row at hand.
    extra: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, extra: 0 }
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn extra(&self) -> usize {
        self.extra
    }

    /// Takes note of memory that does not stand on the wire.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), AvroProblem> {
        self.extra = self.extra.saturating_add(bytes);
        if self.extra > MAX_ROW_EXTRA_BYTES {
            return Err(AvroProblem::RowTooLarge { limit: MAX_ROW_EXTRA_BYTES });
        }
        Ok(())
    }

    pub(super) fn fixed(&mut self, length: usize) -> Result<&'a [u8], AvroProblem> {
        let (value, rest) = self.bytes.split_at_checked(length).ok_or(AvroProblem::BlockEnds)?;
        self.bytes = rest;
        Ok(value)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AvroProblem> {
        let (value, rest) = self.bytes.split_first_chunk().ok_or(AvroProblem::BlockEnds)?;
        self.bytes = rest;
        Ok(*value)
    }

    pub(super) fn long(&mut self) -> Result<i64, AvroProblem> {
        let mut varint = Varint::default();
        loop {
            let [byte] = self.array()?;
            if let Some(value) = varint.push(byte)? {
                return Ok(value);
            }
        }
    }

    pub(super) fn int(&mut self) -> Result<i32, AvroProblem> {
        i32::try_from(self.long()?).map_err(|_| AvroProblem::NumberTooLong { bits: 32 })
    }

    pub(super) fn float(&mut self) -> Result<f32, AvroProblem> {
        self.array().map(f32::from_le_bytes)
    }

    pub(super) fn double(&mut self) -> Result<f64, AvroProblem> {
        self.array().map(f64::from_le_bytes)
    }

    pub(super) fn boolean(&mut self) -> Result<bool, AvroProblem> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [found] => Err(AvroProblem::Boolean { found }),
        }
    }

    /// Reads bytes with their length before them.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], AvroProblem> {
        let found = non_negative(self.long()?)?;
        let left = self.remaining();
        match usize::try_from(found) {
            Ok(length) if length <= left => self.fixed(length),
            _ => Err(AvroProblem::Length { found, left: left as u64 }),
        }
    }

    pub(super) fn text(&mut self) -> Result<&'a str, AvroProblem> {
        std::str::from_utf8(self.bytes()?).map_err(|_| AvroProblem::NotUtf8)
    }

    /// Reads which branch of a union follows.
    pub(super) fn branch(&mut self, branches: u8) -> Result<u8, AvroProblem> {
        let found = self.long()?;
        let branch = u8::try_from(found).ok().filter(|&branch| branch < branches);
        branch.ok_or(AvroProblem::Branch { found, branches })
    }

    /// Reads the head of a run of items of a list or map: how many follow, and, where it is told, in how many
    /// bytes. None ends the list.
    ///
    /// `min_bytes` is what each item takes at least; the items are as many as can be, then.
    pub(super) fn run(&mut self, min_bytes: usize) -> Result<Option<Run>, AvroProblem> {
        let count = self.long()?;
        if count == 0 {
            return Ok(None);
        }
        let num_bytes = if count < 0 { Some(non_negative(self.long()?)?) } else { None };
        let left = self.remaining() as u64;
        let found = count.unsigned_abs();
        if let Some(found) = num_bytes.filter(|&found| found > left) {
            return Err(AvroProblem::Length { found, left });
        }
        if found.saturating_mul(min_bytes as u64) > left {
            return Err(AvroProblem::Items { found, left });
        }
        let limit = i32::MAX as u64;
        let too_many = || AvroProblem::TooManyItems { limit };
        let num_items = usize::try_from(found.min(limit + 1)).map_err(|_| too_many())?;
        if found > limit {
            return Err(too_many());
        }
        Ok(Some(Run { num_items, num_bytes: num_bytes.and_then(|n| usize::try_from(n).ok()) }))
    }
}

/// Some items of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) num_items: usize,
    pub(super) num_bytes: Option<usize>,
}

pub(super) fn non_negative(found: i64) -> Result<u64, AvroProblem> {
    u64::try_from(found).map_err(|_| AvroProblem::Negative { found })
}

/// A number of seven bits a byte, lowest first, in the making.
#[derive(Debug, Default)]
pub(super) struct Varint {
    value: u64,
    shift: u32,
}

impl Varint {
    /// Takes in the next byte and returns the number after its last.
    pub(super) fn push(&mut self, byte: u8) -> Result<Option<i64>, AvroProblem> {
        let bits = u64::from(byte & 0x7f);
        if self.shift > 63 || (self.shift == 63 && bits > 1) {
            return Err(AvroProblem::NumberTooLong { bits: 64 });
        }
        self.value |= bits << self.shift;
        self.shift += 7;
        let zigzag = self.value;
        Ok((byte & 0x80 == 0).then(|| (zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_size_are_read() {
        let read = |bytes: &[u8]| Cursor::new(bytes).long().map_err(|error| error.to_string());
        assert_eq!(read(&[0]), Ok(0));
        assert_eq!(read(&[1]), Ok(-1));
        assert_eq!(read(&[0x80, 1]), Ok(64));
        let mut longest = [0xff; 10];
        longest[9] = 1;
        assert_eq!(read(&longest), Ok(i64::MIN));
        assert_eq!(read(&[0xff; 11]), Err("found a number of more than 64 bits".to_owned()));
        longest[9] = 2;
        assert_eq!(read(&longest), Err("found a number of more than 64 bits".to_owned()));
        assert_eq!(
            read(&[0x80]),
            Err("the block ends here, expected more of the value".to_owned())
        );
        let int = Cursor::new(&[0x80, 0x80, 0x80, 0x80, 0x10]).int();
        assert_eq!(int.unwrap_err().to_string(), "found a number of more than 32 bits");
    }

    #[test]
    fn counts_are_compared_with_what_is_left() {
        let run = |bytes: &[u8], min| Cursor::new(bytes).run(min).map_err(|e| e.to_string());
        assert_eq!(run(&[0], 1).unwrap().map(|run| run.num_items), None);
        assert_eq!(run(&[4, 9, 9], 1).unwrap().map(|run| run.num_items), Some(2));
        let counted = run(&[3, 4, 9, 9], 1).unwrap().unwrap();
        assert_eq!((counted.num_items, counted.num_bytes), (2, Some(2)));
        assert_eq!(run(&[6, 9, 9], 1).unwrap_err(), "found 3 items, but 2 bytes are left");
        assert_eq!(run(&[1, 6, 9], 1).unwrap_err(), "found a length of 3, but 1 bytes are left");
        let many = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(run(&many, 0).unwrap_err(), "a list of more than 2147483647 items");
        let lowest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0];
        assert_eq!(run(&lowest, 0).unwrap_err(), "a list of more than 2147483647 items");
    }
}
