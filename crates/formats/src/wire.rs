//! The protobuf wire format, walked without building messages.
//!
//! A [`WireReader`] is a view of one message's bytes: fields are taken from its front, and a nested message is
//! a narrower view. Nothing is copied or allocated, whatever a length says. What is accepted is what `prost`
//! accepts: varints of at most ten bytes that fit 64 bits, field numbers from 1, balanced groups.
//!
//! # Source
//!
//! <https://protobuf.dev/programming-guides/encoding>

use base::{Classify, ErrorKind};

/// Groups within groups, unknown fields being the only place where they occur.
const MAX_GROUP_DEPTH: usize = 64;

/// Why bytes are not the message that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset} of the message: {problem}")]
pub struct WireError {
    /// Where in the outermost message, counted from 0.
    pub offset: usize,
    /// What is wrong there.
    pub problem: WireProblem,
}

/// What is wrong with some bytes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum WireProblem {
    /// A value goes beyond the end of what holds it.
    #[error("a value of {expected} bytes begins here, but only {found} are left")]
    Truncated { found: usize, expected: u64 },

    /// The bytes end within a varint.
    #[error("the bytes end within a varint")]
    TruncatedVarint,

    /// A varint of more than 64 bits.
    #[error("a varint does not fit 64 bits")]
    LongVarint,

    /// A tag that no field can have.
    #[error("{tag} is not the tag of a field")]
    BadTag { tag: u64 },

    /// A known field in a form that its type does not have.
    #[error("field {field} has wire type {found}, expected {expected}")]
    WireType { field: u32, found: u8, expected: u8 },

    /// A group that ends without having begun, or ends as another.
    #[error("a group ends here that did not begin")]
    StrayEndOfGroup,

    /// Groups within groups beyond the limit.
    #[error("groups are nested deeper than {MAX_GROUP_DEPTH} levels")]
    TooDeep,

    /// A name that is not text.
    #[error("a feature's name is not UTF-8")]
    NameNotUtf8,
}

impl Classify for WireError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }
}

/// The wire type of varints.
pub const VARINT: u8 = 0;
/// The wire type of eight bytes.
pub const FIXED64: u8 = 1;
/// The wire type of a length and as many bytes: strings, messages, packed lists.
pub const DELIMITED: u8 = 2;
const START_GROUP: u8 = 3;
const END_GROUP: u8 = 4;
/// The wire type of four bytes.
pub const FIXED32: u8 = 5;

/// What stands before every value: the field's number and the form of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The field's number, from 1.
    pub field: u32,
    /// The wire type, from 0 to 5.
    pub wire_type: u8,
}

/// What is left of a message's bytes.
#[derive(Clone, Copy, Debug)]
pub struct WireReader<'a> {
    rest: &'a [u8],
    /// Where `rest` ends in the outermost message.
    end: usize,
}

impl<'a> WireReader<'a> {
    /// Returns a reader of a whole message.
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message, end: message.len() }
    }

    /// Returns a reader of a message that stands (or whose first piece stands) at `offset` of another.
    pub fn at(message: &'a [u8], offset: usize) -> Self {
        Self { rest: message, end: offset.saturating_add(message.len()) }
    }

    /// Returns the bytes that are left.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns whether nothing is left.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns the position in the outermost message.
    #[inline]
    pub fn offset(&self) -> usize {
        self.end.saturating_sub(self.rest.len())
    }

    /// Returns an error at the position.
    #[cold]
    pub fn error(&self, problem: WireProblem) -> WireError {
        WireError { offset: self.offset(), problem }
    }

    /// Steps over the tag of a field below 16 if it comes next in its only sensible encoding.
    #[inline]
    pub fn take_tag(&mut self, field: u8, wire_type: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == (field << 3) | wire_type => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes the byte that comes next, or returns `None` where nothing is left.
    #[inline]
    pub fn take_byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Returns what is left behind the first `count` bytes, which must be there.
    #[inline]
    pub(crate) fn after(self, count: usize) -> Self {
        Self { rest: &self.rest[count..], end: self.end }
    }

    /// Returns a reader of the first `count` bytes alone, which must be there.
    #[inline]
    pub(crate) fn first(self, count: usize) -> Self {
        let rest = &self.rest[..count];
        Self { rest, end: self.offset() + count }
    }

    /// Takes a tag.
    ///
    /// # Errors
    ///
    /// [`WireError`] when there is none.
    #[inline]
    pub fn tag(&mut self) -> Result<Tag, WireError> {
        let before = *self;
        let tag = self.varint()?;
        let [wire_type, ..] = (tag & 7).to_le_bytes();
        match u32::try_from(tag >> 3) {
            // A tag has 32 bits, three of which are the wire type's.
            Ok(field @ 1..=0x1fff_ffff) if wire_type <= FIXED32 => Ok(Tag { field, wire_type }),
            _ => Err(before.error(WireProblem::BadTag { tag })),
        }
    }

    /// Takes a varint.
    ///
    /// # Errors
    ///
    /// [`WireError`] when it does not end, or not within 64 bits.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, WireError> {
        match self.rest {
            [first, rest @ ..] if *first < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*first))
            }
            _ => self.long_varint(),
        }
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                if index == 9 && byte > 1 {
                    return Err(self.error(WireProblem::LongVarint));
                }
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(self.error(if self.rest.len() < 10 {
            WireProblem::TruncatedVarint
        } else {
            WireProblem::LongVarint
        }))
    }

    /// Takes a length and the message, the string or the packed list behind it.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the length goes beyond the end.
    #[inline]
    pub fn delimited(&mut self) -> Result<WireReader<'a>, WireError> {
        let length = self.varint()?;
        match usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length)) {
            Some((inner, rest)) => {
                self.rest = rest;
                Ok(WireReader { rest: inner, end: self.end - rest.len() })
            }
            None => Err(self.truncated(length)),
        }
    }

    /// Takes a number of bytes known beforehand.
    ///
    /// # Errors
    ///
    /// [`WireError`] when fewer are left.
    #[inline]
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        match self.rest.split_first_chunk() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(*bytes)
            }
            None => Err(self.truncated(N as u64)),
        }
    }

    #[cold]
    fn truncated(&self, expected: u64) -> WireError {
        self.error(WireProblem::Truncated { found: self.rest.len(), expected })
    }

    /// Takes a length and the bytes behind it, where the tag before must say that they come.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the tag says otherwise, or the length goes beyond the end.
    pub fn message(&mut self, tag: Tag) -> Result<WireReader<'a>, WireError> {
        self.expect(tag, DELIMITED)?;
        self.delimited()
    }

    /// Checks the form of a known field.
    ///
    /// # Errors
    ///
    /// [`WireError`] when it is not `wire_type`.
    pub fn expect(&self, tag: Tag, wire_type: u8) -> Result<(), WireError> {
        if tag.wire_type == wire_type {
            return Ok(());
        }
        let Tag { field, wire_type: found } = tag;
        Err(self.error(WireProblem::WireType { field, found, expected: wire_type }))
    }

    /// Steps over the value of an unknown field.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the value is not whole.
    pub fn skip(&mut self, tag: Tag) -> Result<(), WireError> {
        match tag.wire_type {
            VARINT => self.varint().map(drop),
            FIXED64 => self.fixed::<8>().map(drop),
            DELIMITED => self.delimited().map(drop),
            START_GROUP => self.skip_group(tag.field),
            FIXED32 => self.fixed::<4>().map(drop),
            _ => Err(self.error(WireProblem::StrayEndOfGroup)),
        }
    }

    /// Steps over a group with all that is in it: a loop with a stack of its own.
    fn skip_group(&mut self, field: u32) -> Result<(), WireError> {
        let mut open = vec![field];
        while let Some(&innermost) = open.last() {
            let before = *self;
            let tag = self.tag()?;
            match tag.wire_type {
                START_GROUP if open.len() >= MAX_GROUP_DEPTH => {
                    return Err(before.error(WireProblem::TooDeep));
                }
                START_GROUP => open.push(tag.field),
                END_GROUP if tag.field == innermost => drop(open.pop()),
                END_GROUP => return Err(before.error(WireProblem::StrayEndOfGroup)),
                _ => self.skip(tag)?,
            }
        }
        Ok(())
    }
}

/// Appends a varint.
#[inline]
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Returns how many bytes a varint takes.
#[inline]
pub fn varint_len(value: u64) -> usize {
    (value | 1).ilog2() as usize / 7 + 1
}

/// Appends a field that is a length and as many bytes; `field` is below 16.
#[inline]
pub fn put_delimited(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    put_header(out, field, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends the tag and the length of a field whose `length` bytes follow; `field` is below 16.
#[inline]
pub fn put_header(out: &mut Vec<u8>, field: u8, length: usize) {
    out.push((field << 3) | DELIMITED);
    put_varint(out, length as u64);
}

/// Returns how many bytes a field of `length` bytes takes with its tag and its length.
#[inline]
pub fn delimited_len(length: usize) -> usize {
    1 + varint_len(length as u64) + length
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        let mut reader = WireReader::new(bytes);
        let found = loop {
            if reader.is_empty() {
                break "fine".to_owned();
            }
            match reader.tag().and_then(|tag| reader.skip(tag)) {
                Ok(()) => {}
                Err(error) => break error.to_string(),
            }
        };
        assert_eq!(found, expected, "{bytes:x?}");
    }

    #[test]
    fn broken_bytes_are_named_by_offset() {
        check(b"\x08\x01\x11 8 bytes\x1a\x02ab\x25 4 b\x2b\x08\x01\x2c", "fine");
        check(b"\x08", "byte 1 of the message: the bytes end within a varint");
        check(b"\x08\xff\xff", "byte 1 of the message: the bytes end within a varint");
        check(&[0xff; 10], "byte 0 of the message: a varint does not fit 64 bits");
        check(
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            "byte 1 of the message: a varint does not fit 64 bits",
        );
        check(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "fine");
        check(b"\x00", "byte 0 of the message: 0 is not the tag of a field");
        check(b"\x0e", "byte 0 of the message: 14 is not the tag of a field");
        check(
            b"\x0a\x05abc",
            "byte 2 of the message: a value of 5 bytes begins here, but only 3 are left",
        );
        check(
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01abc",
            "byte 11 of the message: a value of 18446744073709551615 bytes begins here, but only 3 are left",
        );
        check(b"\x0c", "byte 1 of the message: a group ends here that did not begin");
        check(b"\x0b\x14", "byte 1 of the message: a group ends here that did not begin");
        check(b"\x0b", "byte 1 of the message: the bytes end within a varint");
        check(&[0x0b; 1000], "byte 64 of the message: groups are nested deeper than 64 levels");
    }

    proptest! {
        #[test]
        fn a_varint_comes_back(value: u64, shift in 0..64) {
            let value = value >> shift;
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            prop_assert_eq!(bytes.len(), varint_len(value));
            let mut reader = WireReader::new(&bytes);
            prop_assert_eq!(reader.varint(), Ok(value));
            prop_assert!(reader.is_empty());
        }
    }
}
