//! Root mean square normalization.

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use crate::vector::{dot, vectorized};

/// Rows that one thread takes at a time.
const ROWS: usize = 64;

/// Divides each row by the root of its mean square and multiplies it by `weight`.
///
/// `x` and `out` are `[rows, weight.len()]`; `inverse` gets the reciprocal of each row's root, `[rows]`.
///
/// # Source
///
/// Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019).
#[expect(clippy::cast_precision_loss, reason = "widths are small")]
pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32], inverse: &mut [f32]) {
    let width = weight.len();
    let pieces = out.par_chunks_mut(ROWS * width).zip(inverse.par_chunks_mut(ROWS));
    pieces.zip(x.par_chunks(ROWS * width)).for_each(|((out, inverse), x)| {
        vectorized(|| {
            let rows = out.chunks_exact_mut(width).zip(x.chunks_exact(width)).zip(inverse);
            for ((out, x), inverse) in rows {
                let root = 1.0 / (dot(x, x) / width as f32 + eps).sqrt();
                *inverse = root;
                for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
                    *out = x * root * weight;
                }
            }
        });
    });
}
