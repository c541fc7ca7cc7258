//! FarmHash's `Fingerprint64`, which TensorFlow's `to_hash_bucket_fast` is.
//!
//! Our own, because the crate for it gives other values than TensorFlow where a text has a multiple of 64 bytes and more
//! than 64.
//!
//! # Source
//!
//! `farmhashna::Hash64` of FarmHash 1.1 (MIT license).

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;

/// Returns the fingerprint of some bytes.
pub(super) fn fingerprint64(bytes: &[u8]) -> u64 {
    match bytes.len() {
        0..=16 => up_to_16(bytes),
        17..=32 => up_to_32(bytes),
        33..=64 => up_to_64(bytes),
        _ => more_than_64(bytes),
    }
}

/// Reads 8 bytes, the lowest first.
fn word(bytes: &[u8], at: usize) -> u64 {
    let bytes = bytes[at..at + 8].try_into().expect("8 bytes are 8 bytes");
    u64::from_le_bytes(bytes)
}

fn half_word(bytes: &[u8], at: usize) -> u64 {
    let bytes = bytes[at..at + 4].try_into().expect("4 bytes are 4 bytes");
    u64::from(u32::from_le_bytes(bytes))
}

fn shift_mix(value: u64) -> u64 {
    value ^ (value >> 47)
}

fn hash_16(u: u64, v: u64, mul: u64) -> u64 {
    let a = shift_mix((u ^ v).wrapping_mul(mul));
    let b = shift_mix((v ^ a).wrapping_mul(mul));
    b.wrapping_mul(mul)
}

fn mul_of(len: usize) -> u64 {
    K2.wrapping_add(len as u64 * 2)
}

fn up_to_16(s: &[u8]) -> u64 {
    let (len, mul) = (s.len(), mul_of(s.len()));
    match len {
        8.. => {
            let a = word(s, 0).wrapping_add(K2);
            let b = word(s, len - 8);
            let c = b.rotate_right(37).wrapping_mul(mul).wrapping_add(a);
            let d = a.rotate_right(25).wrapping_add(b).wrapping_mul(mul);
            hash_16(c, d, mul)
        }
        4.. => {
            let a = half_word(s, 0);
            hash_16((len as u64).wrapping_add(a << 3), half_word(s, len - 4), mul)
        }
        1.. => {
            let (a, b, c) = (u64::from(s[0]), u64::from(s[len >> 1]), u64::from(s[len - 1]));
            let (y, z) = (a + (b << 8), len as u64 + (c << 2));
            shift_mix(y.wrapping_mul(K2) ^ z.wrapping_mul(K0)).wrapping_mul(K2)
        }
        0 => K2,
    }
}

fn up_to_32(s: &[u8]) -> u64 {
    let (len, mul) = (s.len(), mul_of(s.len()));
    let a = word(s, 0).wrapping_mul(K1);
    let b = word(s, 8);
    let c = word(s, len - 8).wrapping_mul(mul);
    let d = word(s, len - 16).wrapping_mul(K2);
    let (u, v) = four_mixed(a, b, c, d);
    hash_16(u, v, mul)
}

fn four_mixed(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let sum = a.wrapping_add(b).rotate_right(43);
    let u = sum.wrapping_add(c.rotate_right(30)).wrapping_add(d);
    (u, a.wrapping_add(b.wrapping_add(K2).rotate_right(18)).wrapping_add(c))
}

fn up_to_64(s: &[u8]) -> u64 {
    let (len, mul) = (s.len(), mul_of(s.len()));
    let a = word(s, 0).wrapping_mul(K2);
    let b = word(s, 8);
    let c = word(s, len - 8).wrapping_mul(mul);
    let d = word(s, len - 16).wrapping_mul(K2);
    let (y, z) = four_mixed(a, b, c, d);
    let z = hash_16(y, z, mul);
    let e = word(s, 16).wrapping_mul(mul);
    let f = word(s, 24);
    let g = y.wrapping_add(word(s, len - 32)).wrapping_mul(mul);
    let h = z.wrapping_add(word(s, len - 24)).wrapping_mul(mul);
    let sum = e.wrapping_add(f).rotate_right(43);
    let u = sum.wrapping_add(g.rotate_right(30)).wrapping_add(h);
    let v = e.wrapping_add(f.wrapping_add(a).rotate_right(18)).wrapping_add(g);
    hash_16(u, v, mul)
}

/// The state of the hash of more than 64 bytes.
#[derive(Clone, Copy)]
struct State {
    x: u64,
    y: u64,
    z: u64,
    v: (u64, u64),
    w: (u64, u64),
}

impl State {
    /// Mixes in 64 bytes.
    fn mix(&mut self, s: &[u8], mul: u64, factor: u64) {
        let Self { mut x, mut y, mut z, v, w } = *self;
        x = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(word(s, 8));
        x = x.rotate_right(37).wrapping_mul(mul);
        y = y.wrapping_add(v.1).wrapping_add(word(s, 48)).rotate_right(42).wrapping_mul(mul);
        x ^= w.1.wrapping_mul(factor);
        y = y.wrapping_add(v.0.wrapping_mul(factor)).wrapping_add(word(s, 40));
        z = z.wrapping_add(w.0).rotate_right(33).wrapping_mul(mul);
        self.v = weak_hash_32(s, v.1.wrapping_mul(mul), x.wrapping_add(w.0));
        self.w = weak_hash_32(&s[32..], z.wrapping_add(w.1), y.wrapping_add(word(s, 16)));
        (self.x, self.y, self.z) = (z, y, x);
    }
}

fn weak_hash_32(s: &[u8], a: u64, b: u64) -> (u64, u64) {
    let (w, x, y, z) = (word(s, 0), word(s, 8), word(s, 16), word(s, 24));
    let a = a.wrapping_add(w);
    let b = b.wrapping_add(a).wrapping_add(z).rotate_right(21);
    let c = a;
    let a = a.wrapping_add(x).wrapping_add(y);
    let b = b.wrapping_add(a.rotate_right(44));
    (a.wrapping_add(z), b.wrapping_add(c))
}

fn more_than_64(s: &[u8]) -> u64 {
    const SEED: u64 = 81;
    let y = SEED.wrapping_mul(K1).wrapping_add(113);
    let mut state = State {
        x: SEED.wrapping_mul(K2).wrapping_add(word(s, 0)),
        y,
        z: shift_mix(y.wrapping_mul(K2).wrapping_add(113)).wrapping_mul(K2),
        v: (0, 0),
        w: (0, 0),
    };
    // The last 64 bytes come by themselves, and so never as a whole block.
    let before_last = (s.len() - 1) / 64 * 64;
    s[..before_last].chunks_exact(64).for_each(|block| state.mix(block, K1, 1));

    let mul = K1.wrapping_add((state.z & 0xff) << 1);
    state.w.0 = state.w.0.wrapping_add((s.len() as u64 - 1) & 63);
    state.v.0 = state.v.0.wrapping_add(state.w.0);
    state.w.0 = state.w.0.wrapping_add(state.v.0);
    state.mix(&s[s.len() - 64..], mul, 9);
    let State { x, y, z, v, w } = state;
    let u = hash_16(v.0, w.0, mul).wrapping_add(shift_mix(y).wrapping_mul(K0)).wrapping_add(z);
    hash_16(u, hash_16(v.1, w.1, mul).wrapping_add(x), mul)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From TensorFlow 2.16's `to_hash_bucket_fast` with 2^63 - 1 buckets.
    #[test]
    fn texts_of_every_length_hash_as_in_tensorflow() {
        for (len, expected) in [
            (0, 1936946117179621456),
            (1, 3694432073954588132),
            (2, 637163505637599454),
            (3, 7356579839111670581),
            (4, 289117095003677675),
            (5, 4122053008981007855),
            (7, 1758387144866181716),
            (8, 318368035493697110),
            (9, 4457397527028038174),
            (15, 3448996101028528358),
            (16, 3656316650680869397),
            (17, 2025168065449807278),
            (24, 8843562135095988329),
            (31, 6729632057368854972),
            (32, 3481380604752209746),
            (33, 1600266503300501122),
            (48, 3660099457967867935),
            (63, 7884102485233131683),
            (64, 3626485964133583996),
            (65, 1490339058834166159),
            (66, 2969986142156587871),
            (100, 4000785642095725124),
            (127, 8342414077529996653),
            (128, 7475350287740002077),
            (129, 7009355225569934018),
            (191, 3729426179744213484),
            (192, 5360620370185451512),
            (193, 1818852048210504132),
            (255, 3574839122008196142),
            (256, 6802004439725313457),
            (1000, 674869636991610284),
            (1024, 3617566968682306141),
            (100000, 7235869376467583371),
            (1179648, 4184326033789392857),
        ] {
            let text: Vec<u8> =
                (0..len).map(|i: u64| b'a' + ((i * i + 7 * i) % 26) as u8).collect();
            assert_eq!(fingerprint64(&text) % i64::MAX.unsigned_abs(), expected, "{len} bytes");
        }
    }
}
