//! Texts as their bytes, and 64-bit words of these.
//!
//! No operator shows the bytes of a text. ONNX Runtime's MurmurHash3 of a single character does: of four bytes at most
//! every step of that hash can be taken back.
//!
//! # Source
//!
//! `MurmurHash3_x86_32`, which is in the public domain.

use formats::onnx::tensor_proto::DataType;

use super::chars::{self, width};
use super::emit::{Attribute, Emitter, Tensor};

/// Columns behind the bytes of the longest text, so that words can be read at any of the places that hashes ask for.
const ROOM: usize = 72;

/// The bytes of texts.
pub(super) struct Bytes {
    /// The number of bytes of each text, INT of shape `[M, 1]`.
    pub(super) len: Tensor,
    /// The 64-bit word from each byte on, little end first, shape `[M, B]`; zeros follow the text.
    words: Tensor,
    /// The 32-bit word from each byte on.
    half_words: Tensor,
}

impl Bytes {
    /// Returns the bytes of texts of shape `[M, 1]`.
    pub(super) fn of(e: &mut Emitter, texts: &Tensor) -> Self {
        let characters = chars::split(e, texts);
        let sizes = sizes(e, &characters);
        let packed = packed(e, &characters, &sizes);
        let one = e.longs(&[1], &[]);
        let ends = e.op("CumSum", &[&sizes, &one]);
        let starts = e.op("Sub", &[&ends, &sizes]);
        let axis = e.list(&[1]);
        let len = e.with("ReduceSum", &[&sizes, &axis], vec![("keepdims", Attribute::Int(1))]);

        // Four bytes a character at most; what there are less goes to the last column, which no word is read from.
        let first = vec![("start", Attribute::Int(0)), ("end", Attribute::Int(1))];
        let num_rows = e.with("Shape", &[texts], first);
        let (four, room) = (e.list(&[4]), e.longs(&[super::numbers::as_int(ROOM)], &[1]));
        let num_columns = width(e, &characters);
        let num_columns = e.op("Mul", &[&num_columns, &four]);
        let num_columns = e.op("Add", &[&num_columns, &room]);
        let joined = vec![("axis", Attribute::Int(0))];
        let shape = e.with("Concat", &[&num_rows, &num_columns], joined);
        let zero = e.int(0);
        let mut bytes = e.op("Expand", &[&zero, &shape]);
        let one = e.list(&[1]);
        let last = e.op("Sub", &[&num_columns, &one]);
        let mask = e.int(255);
        for place in 0..4_u32 {
            let byte = right(e, &packed, 8 * place);
            let byte = e.op("BitwiseAnd", &[&byte, &mask]);
            let number = e.int(i64::from(place));
            let is_there = e.op("Less", &[&number, &sizes]);
            let at = e.op("Add", &[&starts, &number]);
            let at = e.choose(&is_there, &at, &last);
            let axis = vec![("axis", Attribute::Int(1))];
            bytes = e.with("ScatterElements", &[&bytes, &at, &byte], axis);
        }
        let pairs = widened(e, &bytes, 1);
        let half_words = widened(e, &pairs, 2);
        let words = widened(e, &half_words, 4);
        Self { len, words, half_words }
    }

    /// Returns the 64-bit words from a byte on, shape `[M, 1]`.
    pub(super) fn word(&self, e: &mut Emitter, place: i64) -> Tensor {
        column(e, &self.words, place)
    }

    /// Returns the 64-bit words from so many bytes before the ends on; before the start there is the first.
    pub(super) fn word_before_end(&self, e: &mut Emitter, distance: i64) -> Tensor {
        let place = self.before_end(e, distance);
        at(e, &self.words, &place)
    }

    /// Returns the first and the last 32-bit words, as 64 bits.
    pub(super) fn half_words(&self, e: &mut Emitter) -> (Tensor, Tensor) {
        let place = self.before_end(e, 4);
        (column(e, &self.half_words, 0), at(e, &self.half_words, &place))
    }

    /// Returns the first byte, that in the middle and the last, as 64 bits.
    pub(super) fn bytes(&self, e: &mut Emitter) -> [Tensor; 3] {
        let two = e.int(2);
        let middle = e.op("Div", &[&self.len, &two]);
        let last = self.before_end(e, 1);
        let mask = e.int(255);
        let words =
            [column(e, &self.words, 0), at(e, &self.words, &middle), at(e, &self.words, &last)];
        words.map(|word| e.op("BitwiseAnd", &[&word, &mask]))
    }

    /// Returns the 64-bit words at places, INT of shape `[M, 1]`.
    pub(super) fn words_at(&self, e: &mut Emitter, places: &Tensor) -> Tensor {
        at(e, &self.words, places)
    }

    /// Returns the eight words from a place on, INT of shape `[1]`, of the only text.
    pub(super) fn block(&self, e: &mut Emitter, start: &Tensor) -> [Tensor; 8] {
        let (len, step, axis) = (e.list(&[64]), e.list(&[8]), e.list(&[1]));
        let end = e.op("Add", &[start, &len]);
        let words = e.op("Slice", &[&self.words, start, &end, &axis, &step]);
        let outputs: [Tensor; 8] = std::array::from_fn(|_| e.fresh());
        let attributes = vec![("axis", Attribute::Int(1)), ("num_outputs", Attribute::Int(8))];
        e.node("", "Split", &[&words], &outputs.each_ref(), attributes);
        outputs
    }

    fn before_end(&self, e: &mut Emitter, distance: i64) -> Tensor {
        let (distance, zero) = (e.int(distance), e.int(0));
        let place = e.op("Sub", &[&self.len, &distance]);
        e.op("Max", &[&place, &zero])
    }
}

fn column(e: &mut Emitter, words: &Tensor, place: i64) -> Tensor {
    let (place, next, axis) = (e.list(&[place]), e.list(&[place + 1]), e.list(&[1]));
    e.op("Slice", &[words, &place, &next, &axis])
}

fn at(e: &mut Emitter, words: &Tensor, places: &Tensor) -> Tensor {
    e.with("GatherElements", &[words, places], vec![("axis", Attribute::Int(1))])
}

/// Puts behind each number the one some columns further on, as the next bytes.
fn widened(e: &mut Emitter, numbers: &Tensor, num_bytes: i64) -> Tensor {
    let (zero, cut, end) = (e.list(&[0]), e.list(&[num_bytes]), e.list(&[i64::MAX]));
    let (less, axis) = (e.list(&[-num_bytes]), e.list(&[1]));
    let low = e.op("Slice", &[numbers, &zero, &less, &axis]);
    let high = e.op("Slice", &[numbers, &cut, &end, &axis]);
    let factor = e.int(1 << (8 * num_bytes));
    let high = e.op("Mul", &[&high, &factor]);
    e.op("BitwiseOr", &[&high, &low])
}

/// Returns how many bytes each character has; 0 for none.
fn sizes(e: &mut Emitter, characters: &Tensor) -> Tensor {
    let empty = e.text("");
    let is_none = e.op("Equal", &[characters, &empty]);
    let is_some = e.op("Not", &[&is_none]);
    let mut sizes = e.cast(&is_some, DataType::Int64);
    for least in ["80", "800", "10000"] {
        let is_longer = e.matches(characters, &format!("[\\x{{{least}}}-\\x{{10ffff}}]"));
        let one_more = e.cast(&is_longer, DataType::Int64);
        sizes = e.op("Add", &[&sizes, &one_more]);
    }
    sizes
}

/// Returns the bytes of each character as one number of 32 bits, the first in the lowest bits.
fn packed(e: &mut Emitter, characters: &Tensor, sizes: &Tensor) -> Tensor {
    let attributes = vec![("positive", Attribute::Int(1)), ("seed", Attribute::Int(0))];
    let hash = e.microsoft("MurmurHash3", characters, DataType::Uint32, attributes);
    let hash = e.cast(&hash, DataType::Int64);
    // The mixing at the end.
    let hash = unshift(e, &hash, 16);
    let hash = multiplied(e, &hash, inverse(0xc2b2_ae35));
    let hash = unshift(e, &hash, 13);
    let hash = multiplied(e, &hash, inverse(0x85eb_ca6b));
    let hash = unshift(e, &hash, 16);
    let hash = e.op("BitwiseXor", &[&hash, sizes]);
    // A whole block of four bytes is mixed in once more.
    let constant = e.int(0xe654_6b64);
    let block = e.op("Sub", &[&hash, &constant]);
    let block = multiplied(e, &block, inverse(5));
    let block = rotated_back(e, &block, 13);
    let four = e.int(4);
    let is_block = e.op("Equal", &[sizes, &four]);
    let key = e.choose(&is_block, &block, &hash);
    let key = multiplied(e, &key, inverse(0x1b87_3593));
    let key = rotated_back(e, &key, 15);
    multiplied(e, &key, inverse(0xcc9e_2d51))
}

/// Takes back `h ^= h >> by`.
fn unshift(e: &mut Emitter, hash: &Tensor, by: u32) -> Tensor {
    let shifted = right(e, hash, by);
    let once = e.op("BitwiseXor", &[hash, &shifted]);
    if by >= 16 {
        return once;
    }
    let shifted = right(e, hash, 2 * by);
    e.op("BitwiseXor", &[&once, &shifted])
}

fn rotated_back(e: &mut Emitter, hash: &Tensor, by: u32) -> Tensor {
    let (low, high) = (right(e, hash, by), multiplied(e, hash, 1 << (32 - by)));
    e.op("BitwiseOr", &[&low, &high])
}

/// Shifts a number that is not negative.
fn right(e: &mut Emitter, number: &Tensor, by: u32) -> Tensor {
    let divisor = e.int(1 << by);
    e.op("Div", &[number, &divisor])
}

/// Multiplies in 32 bits.
fn multiplied(e: &mut Emitter, number: &Tensor, factor: u32) -> Tensor {
    let (factor, mask) = (e.int(i64::from(factor)), e.int(i64::from(u32::MAX)));
    let product = e.op("Mul", &[number, &factor]);
    e.op("BitwiseAnd", &[&product, &mask])
}

/// Returns what an odd number has to be multiplied with, in 32 bits, to give 1.
fn inverse(odd: u32) -> u32 {
    // Each step doubles the number of right bits; an odd number is its own inverse in three.
    (0..4).fold(odd, |x, _| x.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(x))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_numbers_have_inverses() {
        for odd in [1_u32, 5, 0xc2b2_ae35, 0x85eb_ca6b, 0x1b87_3593, 0xcc9e_2d51] {
            assert_eq!(odd.wrapping_mul(inverse(odd)), 1);
        }
    }
}
