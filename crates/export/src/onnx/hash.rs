//! Hashes of texts, step by step in 64-bit operators.
//!
//! Numbers are signed, because most operators take no others in most versions of ONNX Runtime; to add and to multiply is
//! the same for both.
//!
//! # Source
//!
//! FarmHash's `Fingerprint64` (MIT license), and SipHash-2-4 by Aumasson and Bernstein (in the public domain).

use formats::onnx::tensor_proto::DataType;

use super::bytes::Bytes;
use super::chars::{SHORT, SHORT_BYTES, branch, for_texts, repeat};
use super::emit::{Attribute, Emitter, Tensor};

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;

/// Returns the bucket of each text, shape `[N, 1]`, by its fingerprint.
pub(super) fn fingerprint(e: &mut Emitter, texts: &Tensor, num_buckets: u64) -> Tensor {
    for_texts(e, &[texts], SHORT_BYTES, DataType::Int64, &|e, texts| {
        let bytes = Bytes::of(e, &texts[0]);
        let hash = fingerprint64(e, &bytes);
        remainder(e, &hash, num_buckets)
    })
}

/// Returns the bucket of each text by its keyed hash.
pub(super) fn keyed(e: &mut Emitter, texts: &Tensor, num_buckets: u64, key: [u64; 2]) -> Tensor {
    for_texts(e, &[texts], SHORT, DataType::Int64, &|e, texts| {
        let bytes = Bytes::of(e, &texts[0]);
        let hash = sip_hash(e, &bytes, key);
        remainder(e, &hash, num_buckets)
    })
}

fn remainder(e: &mut Emitter, hash: &Tensor, num_buckets: u64) -> Tensor {
    let hash = e.cast(hash, DataType::Uint64);
    let num_buckets = e.unsigned_long(num_buckets);
    let rest = e.op("Mod", &[&hash, &num_buckets]);
    e.cast(&rest, DataType::Int64)
}

/// Unsigned 64-bit arithmetic on signed numbers.
impl Emitter {
    /// Adds a constant.
    fn word(&mut self, value: u64) -> Tensor {
        self.int(value.cast_signed())
    }

    fn sum(&mut self, terms: &[&Tensor]) -> Tensor {
        let first = terms[0].clone();
        terms[1..].iter().fold(first, |sum, term| self.op("Add", &[&sum, term]))
    }

    fn times(&mut self, a: &Tensor, b: &Tensor) -> Tensor {
        self.op("Mul", &[a, b])
    }

    fn xor(&mut self, a: &Tensor, b: &Tensor) -> Tensor {
        self.op("BitwiseXor", &[a, b])
    }

    fn right(&mut self, a: &Tensor, by: u64) -> Tensor {
        let (a, by) = (self.cast(a, DataType::Uint64), self.unsigned_long(by));
        let right = vec![("direction", Attribute::Text("RIGHT"))];
        let shifted = self.with("BitShift", &[&a, &by], right);
        self.cast(&shifted, DataType::Int64)
    }

    fn left(&mut self, a: &Tensor, by: u64) -> Tensor {
        let factor = self.word(1 << by);
        self.op("Mul", &[a, &factor])
    }

    fn rotate_right(&mut self, a: &Tensor, by: u64) -> Tensor {
        let (low, high) = (self.right(a, by), self.left(a, 64 - by));
        self.op("BitwiseOr", &[&low, &high])
    }

    /// `v ^ (v >> 47)`.
    fn shift_mix(&mut self, v: &Tensor) -> Tensor {
        let shifted = self.right(v, 47);
        self.xor(v, &shifted)
    }
}

fn fingerprint64(e: &mut Emitter, bytes: &Bytes) -> Tensor {
    let most = e.int(64);
    let is_longer = e.op("Greater", &[&bytes.len, &most]);
    let are_longer = e.cast(&is_longer, DataType::Int64);
    let any = e.with("ReduceMax", &[&are_longer], vec![("keepdims", Attribute::Int(0))]);
    let any = e.cast(&any, DataType::Bool);
    branch(e, &any, DataType::Int64, |e| from_65(e, bytes), |e| up_to_64(e, bytes))
}

fn up_to_64(e: &mut Emitter, bytes: &Bytes) -> Tensor {
    let len = &bytes.len;
    let k2 = e.word(K2);
    let twice = e.sum(&[len, len]);
    let mul = e.sum(&[&twice, &k2]);
    let words = Words {
        starts: [0, 8, 16, 24].map(|place| bytes.word(e, place)),
        ends: [8, 16, 24, 32].map(|distance| bytes.word_before_end(e, distance)),
    };
    let steps = [
        (1, few(e, bytes, len)),
        (4, from_4(e, bytes, len, &mul)),
        (8, from_8(e, &words, &mul)),
        (17, from_17(e, &words, &mul)),
        (33, from_33(e, &words, &mul)),
    ];
    let mut hash = k2;
    for (least, value) in &steps {
        let least = e.int(*least);
        let is_enough = e.op("GreaterOrEqual", &[&bytes.len, &least]);
        hash = e.choose(&is_enough, value, &hash);
    }
    hash
}

/// The words at the start of texts, and those 8, 16, 24 and 32 bytes before the end.
struct Words {
    starts: [Tensor; 4],
    ends: [Tensor; 4],
}

fn hash_16(e: &mut Emitter, u: &Tensor, v: &Tensor, mul: &Tensor) -> Tensor {
    let a = e.xor(u, v);
    let a = e.times(&a, mul);
    let a = e.shift_mix(&a);
    let b = e.xor(v, &a);
    let b = e.times(&b, mul);
    let b = e.shift_mix(&b);
    e.times(&b, mul)
}

/// 1 to 3 bytes.
fn few(e: &mut Emitter, bytes: &Bytes, len: &Tensor) -> Tensor {
    let [a, b, c] = bytes.bytes(e);
    let b = e.left(&b, 8);
    let y = e.sum(&[&a, &b]);
    let c = e.left(&c, 2);
    let z = e.sum(&[len, &c]);
    let (k0, k2) = (e.word(K0), e.word(K2));
    let (y, z) = (e.times(&y, &k2), e.times(&z, &k0));
    let mixed = e.xor(&y, &z);
    let mixed = e.shift_mix(&mixed);
    e.times(&mixed, &k2)
}

fn from_4(e: &mut Emitter, bytes: &Bytes, len: &Tensor, mul: &Tensor) -> Tensor {
    let (a, b) = bytes.half_words(e);
    let a = e.left(&a, 3);
    let a = e.sum(&[len, &a]);
    hash_16(e, &a, &b, mul)
}

fn from_8(e: &mut Emitter, words: &Words, mul: &Tensor) -> Tensor {
    let k2 = e.word(K2);
    let a = words.starts[0].clone();
    let a = e.sum(&[&a, &k2]);
    let b = words.ends[0].clone();
    let c = e.rotate_right(&b, 37);
    let c = e.times(&c, mul);
    let c = e.sum(&[&c, &a]);
    let d = e.rotate_right(&a, 25);
    let d = e.sum(&[&d, &b]);
    let d = e.times(&d, mul);
    hash_16(e, &c, &d, mul)
}

fn from_17(e: &mut Emitter, words: &Words, mul: &Tensor) -> Tensor {
    let (k1, k2) = (e.word(K1), e.word(K2));
    let a = words.starts[0].clone();
    let a = e.times(&a, &k1);
    let b = words.starts[1].clone();
    let c = words.ends[0].clone();
    let c = e.times(&c, mul);
    let d = words.ends[1].clone();
    let d = e.times(&d, &k2);
    let (u, v) = four_mixed(e, [&a, &b, &c, &d]);
    hash_16(e, &u, &v, mul)
}

/// `rotate(a + b, 43) + rotate(c, 30) + d` and `a + rotate(b + k2, 18) + c`.
fn four_mixed(e: &mut Emitter, [a, b, c, d]: [&Tensor; 4]) -> (Tensor, Tensor) {
    let k2 = e.word(K2);
    let sum = e.sum(&[a, b]);
    let (x, y) = (e.rotate_right(&sum, 43), e.rotate_right(c, 30));
    let u = e.sum(&[&x, &y, d]);
    let sum = e.sum(&[b, &k2]);
    let x = e.rotate_right(&sum, 18);
    (u, e.sum(&[a, &x, c]))
}

fn from_33(e: &mut Emitter, words: &Words, mul: &Tensor) -> Tensor {
    let k2 = e.word(K2);
    let a = words.starts[0].clone();
    let a = e.times(&a, &k2);
    let b = words.starts[1].clone();
    let c = words.ends[0].clone();
    let c = e.times(&c, mul);
    let d = words.ends[1].clone();
    let d = e.times(&d, &k2);
    let (y, z) = four_mixed(e, [&a, &b, &c, &d]);
    let z = hash_16(e, &y, &z, mul);
    let e_word = e.times(&words.starts[2], mul);
    let f = &words.starts[3];
    let g = words.ends[3].clone();
    let g = e.sum(&[&y, &g]);
    let g = e.times(&g, mul);
    let h = words.ends[2].clone();
    let h = e.sum(&[&z, &h]);
    let h = e.times(&h, mul);
    let sum = e.sum(&[&e_word, f]);
    let (x, y) = (e.rotate_right(&sum, 43), e.rotate_right(&g, 30));
    let u = e.sum(&[&x, &y, &h]);
    let sum = e.sum(&[f, &a]);
    let x = e.rotate_right(&sum, 18);
    let v = e.sum(&[&e_word, &x, &g]);
    hash_16(e, &u, &v, mul)
}

/// The state of the hash of a text of more than 64 bytes: `x`, `y`, `z`, and two pairs.
type State = [Tensor; 7];

/// The only text.
fn from_65(e: &mut Emitter, bytes: &Bytes) -> Tensor {
    const SEED: u64 = 81;
    let (one, block_len) = (e.list(&[1]), e.list(&[64]));
    let len = e.op("Reshape", &[&bytes.len, &one]);
    let last = e.op("Sub", &[&len, &one]);
    let num_blocks = e.op("Div", &[&last, &block_len]);
    let k1 = e.word(K1);
    let y = SEED.wrapping_mul(K1).wrapping_add(113);
    let z = y.wrapping_mul(K2).wrapping_add(113);
    let z = (z ^ (z >> 47)).wrapping_mul(K2);
    let (x, first) = (e.word(SEED.wrapping_mul(K2)), bytes.word(e, 0));
    let x = e.sum(&[&x, &first]);
    let (y, z, none) = (e.word(y), e.word(z), e.word(0));
    let initial = [&x, &y, &z, &none, &none, &none, &none].map(|value| (value, DataType::Int64));
    let state = repeat(e, &num_blocks, &initial, |e, step, state| {
        let step = e.op("Reshape", &[step, &one]);
        let start = e.op("Mul", &[&step, &block_len]);
        let words = bytes.block(e, &start);
        let state = std::array::from_fn(|place| state[place].clone());
        block(e, &words, &state, &k1, None).to_vec()
    });
    let [x, y, z, v0, v1, w0, w1] = std::array::from_fn(|place| state[place].clone());

    // The last 64 bytes, with other factors.
    let byte = e.word(0xff);
    let low = e.op("BitwiseAnd", &[&z, &byte]);
    let low = e.left(&low, 1);
    let mul = e.sum(&[&k1, &low]);
    let rest = e.op("Mod", &[&last, &block_len]);
    let w0 = e.sum(&[&w0, &rest]);
    let v0 = e.sum(&[&v0, &w0]);
    let w0 = e.sum(&[&w0, &v0]);
    let nine = e.word(9);
    let start = e.op("Sub", &[&len, &block_len]);
    let words = bytes.block(e, &start);
    let state = [x, y, z, v0, v1, w0, w1];
    let [x, y, z, v0, v1, w0, w1] = block(e, &words, &state, &mul, Some(&nine));
    let u = hash_16(e, &v0, &w0, &mul);
    let mixed = e.shift_mix(&y);
    let k0 = e.word(K0);
    let mixed = e.times(&mixed, &k0);
    let u = e.sum(&[&u, &mixed, &z]);
    let v = hash_16(e, &v1, &w1, &mul);
    let v = e.sum(&[&v, &x]);
    hash_16(e, &u, &v, &mul)
}

/// Mixes in 64 bytes; in the last block two terms have a factor of their own.
fn block(
    e: &mut Emitter,
    words: &[Tensor; 8],
    [x, y, z, v0, v1, w0, w1]: &State,
    mul: &Tensor,
    factor: Option<&Tensor>,
) -> State {
    let scaled = |e: &mut Emitter, value: &Tensor| match factor {
        Some(factor) => e.times(value, factor),
        None => value.clone(),
    };
    let x = e.sum(&[x, y, v0, &words[1]]);
    let x = e.rotate_right(&x, 37);
    let x = e.times(&x, mul);
    let y = e.sum(&[y, v1, &words[6]]);
    let y = e.rotate_right(&y, 42);
    let y = e.times(&y, mul);
    let w1_scaled = scaled(e, w1);
    let x = e.xor(&x, &w1_scaled);
    let v0_scaled = scaled(e, v0);
    let y = e.sum(&[&y, &v0_scaled, &words[5]]);
    let z = e.sum(&[z, w0]);
    let z = e.rotate_right(&z, 33);
    let z = e.times(&z, mul);
    let a = e.times(v1, mul);
    let b = e.sum(&[&x, w0]);
    let (v0, v1) = weak_hash_32(e, &words[..4], &a, &b);
    let a = e.sum(&[&z, w1]);
    let b = e.sum(&[&y, &words[2]]);
    let (w0, w1) = weak_hash_32(e, &words[4..], &a, &b);
    [z, y, x, v0, v1, w0, w1]
}

fn weak_hash_32(e: &mut Emitter, words: &[Tensor], a: &Tensor, b: &Tensor) -> (Tensor, Tensor) {
    let a = e.sum(&[a, &words[0]]);
    let b = e.sum(&[b, &a, &words[3]]);
    let b = e.rotate_right(&b, 21);
    let c = a.clone();
    let a = e.sum(&[&a, &words[1], &words[2]]);
    let rotated = e.rotate_right(&a, 44);
    let b = e.sum(&[&b, &rotated]);
    (e.sum(&[&a, &words[3]]), e.sum(&[&b, &c]))
}

fn sip_hash(e: &mut Emitter, bytes: &Bytes, [k0, k1]: [u64; 2]) -> Tensor {
    let shape = e.op("Shape", &[&bytes.len]);
    let initial = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let initial = initial.map(|value| {
        let value = e.word(value);
        e.op("Expand", &[&value, &shape])
    });
    let eight = e.int(8);
    let num_words = e.op("Div", &[&bytes.len, &eight]);
    let most = e.with("ReduceMax", &[&num_words], vec![("keepdims", Attribute::Int(0))]);
    let typed: Vec<_> = initial.iter().map(|value| (value, DataType::Int64)).collect();
    let state = repeat(e, &most, &typed, |e, step, state| {
        let is_active = e.op("Less", &[step, &num_words]);
        let place = e.op("Mul", &[step, &eight]);
        let place = e.op("Expand", &[&place, &shape]);
        let word = bytes.words_at(e, &place);
        let state: [Tensor; 4] = std::array::from_fn(|place| state[place].clone());
        let next = absorb(e, &state, &word);
        state.iter().zip(&next).map(|(old, new)| e.choose(&is_active, new, old)).collect()
    });
    let state: [Tensor; 4] = std::array::from_fn(|place| state[place].clone());
    // What is left, with the length in the highest byte; behind a text are zeros.
    let place = e.op("Mul", &[&num_words, &eight]);
    let rest = bytes.words_at(e, &place);
    let len = e.left(&bytes.len, 56);
    let word = e.op("BitwiseOr", &[&rest, &len]);
    let [v0, v1, v2, v3] = absorb(e, &state, &word);
    let end = e.word(0xff);
    let v2 = e.xor(&v2, &end);
    let mut state = [v0, v1, v2, v3];
    for _ in 0..4 {
        state = sip_round(e, &state);
    }
    let [v0, v1, v2, v3] = state;
    let (a, b) = (e.xor(&v0, &v1), e.xor(&v2, &v3));
    e.xor(&a, &b)
}

fn absorb(e: &mut Emitter, [v0, v1, v2, v3]: &[Tensor; 4], word: &Tensor) -> [Tensor; 4] {
    let v3 = e.xor(v3, word);
    let state = sip_round(e, &[v0.clone(), v1.clone(), v2.clone(), v3]);
    let [v0, v1, v2, v3] = sip_round(e, &state);
    [e.xor(&v0, word), v1, v2, v3]
}

fn sip_round(e: &mut Emitter, [v0, v1, v2, v3]: &[Tensor; 4]) -> [Tensor; 4] {
    let v0 = e.sum(&[v0, v1]);
    let v1 = e.rotate_right(v1, 64 - 13);
    let v1 = e.xor(&v1, &v0);
    let v0 = e.rotate_right(&v0, 32);
    let v2 = e.sum(&[v2, v3]);
    let v3 = e.rotate_right(v3, 64 - 16);
    let v3 = e.xor(&v3, &v2);
    let v0 = e.sum(&[&v0, &v3]);
    let v3 = e.rotate_right(&v3, 64 - 21);
    let v3 = e.xor(&v3, &v0);
    let v2 = e.sum(&[&v2, &v1]);
    let v1 = e.rotate_right(&v1, 64 - 17);
    let v1 = e.xor(&v1, &v2);
    let v2 = e.rotate_right(&v2, 32);
    [v0, v1, v2, v3]
}
