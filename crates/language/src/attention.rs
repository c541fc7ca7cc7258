//! Causal attention, a few queries at a time, so that no full matrix of scores is ever there.

use crate::matrix::{View, product};
use crate::vector::{exp_shifted, max, scale, vectorized};

/// How many queries are scored at a time: their scores stay in the cache.
const QUERIES: usize = 64;

/// One head's queries, keys and values, somewhere in larger rows.
#[derive(Clone, Copy, Debug)]
pub struct Heads<'a> {
    /// Queries: row `n` starts at `n * query_stride`.
    pub queries: &'a [f32],
    /// From one query to the next.
    pub query_stride: usize,
    /// How many queries; they are the last positions of the keys.
    pub num_queries: usize,
    /// Keys: row `n` starts at `n * key_stride`.
    pub keys: &'a [f32],
    /// Values, in the same steps as the keys.
    pub values: &'a [f32],
    /// From one key to the next.
    pub key_stride: usize,
    /// How many keys.
    pub num_keys: usize,
    /// The width of a head.
    pub width: usize,
}

impl<'a> Heads<'a> {
    /// Returns the queries of some rows.
    pub fn queries(&self, first: usize, count: usize) -> View<'a> {
        View::new(&self.queries[first * self.query_stride..], count, self.width, self.query_stride)
    }

    /// Returns the first keys.
    pub fn keys(&self, count: usize) -> View<'a> {
        View::new(self.keys, count, self.width, self.key_stride)
    }

    /// Returns the first values.
    pub fn values(&self, count: usize) -> View<'a> {
        View::new(self.values, count, self.width, self.key_stride)
    }

    /// Returns what scores are multiplied by: one over the root of the width.
    #[expect(clippy::cast_precision_loss, reason = "widths are small")]
    pub fn factor(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// Returns the pieces that queries are worked on in: first query, how many, and how many keys the last one sees.
    pub fn pieces(&self) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
        let (queries, before) = (self.num_queries, self.num_keys - self.num_queries);
        (0..queries).step_by(QUERIES).map(move |first| {
            let count = QUERIES.min(queries - first);
            (first, count, before + first + count)
        })
    }
}

/// Computes causal attention of one head on this thread.
///
/// `out` has a row for each query, `out_stride` apart; `log_sums` gets the logarithm of each query's sum of
/// exponentials, which is all that a backward pass needs of the scores. `scratch` is reused from call to call.
pub fn attend(
    heads: &Heads<'_>,
    out: &mut [f32],
    out_stride: usize,
    log_sums: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    scratch.resize(QUERIES * heads.num_keys, 0.0);
    for (first, count, seen) in heads.pieces() {
        let scores = &mut scratch[..count * seen];
        let keys = heads.keys(seen).transposed();
        product(heads.queries(first, count), keys, heads.factor(), scores, seen, false);
        vectorized(|| {
            for (n, row) in scores.chunks_exact_mut(seen).enumerate() {
                // The last query of the piece sees all; each before it one fewer.
                let (row, hidden) = row.split_at_mut(seen - (count - 1 - n));
                let largest = max(row);
                let sum = exp_shifted(row, largest);
                scale(row, 1.0 / sum);
                hidden.fill(0.0);
                log_sums[first + n] = largest + sum.ln();
            }
        });
        let one = View::new(scores, count, seen, seen);
        product(one, heads.values(seen), 1.0, &mut out[first * out_stride..], out_stride, false);
    }
}
