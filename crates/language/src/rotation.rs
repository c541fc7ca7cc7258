//! Rotary position embedding.

use crate::vector::vectorized;

/// The cosines and sines of every position and pair of coordinates, `[positions, head_dim / 2]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotation {
    half: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rotation {
    /// Returns the rotations of some positions.
    ///
    /// # Source
    ///
    /// Su et al., "RoFormer" (2021), in HuggingFace's order: a pair is a coordinate of the first half of a head and
    /// the same of the second. Wavelengths are rounded to single precision where they round them.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "single precision is meant"
    )]
    pub fn new(positions: usize, head_dim: usize, theta: f64) -> Self {
        let half = head_dim / 2;
        let inverse: Vec<f32> = (0..half)
            .map(|n| {
                let exponent = (2 * n) as f32 / head_dim as f32;
                1.0 / (theta.powf(f64::from(exponent)) as f32)
            })
            .collect();
        let angles = (0..positions)
            .flat_map(|position| inverse.iter().map(move |inverse| position as f32 * inverse));
        let (cos, sin) = angles
            .map(|angle| {
                let (sin, cos) = f64::from(angle).sin_cos();
                (cos as f32, sin as f32)
            })
            .unzip();
        Self { half, cos, sin }
    }

    /// Returns how many positions there are rotations for.
    pub fn positions(&self) -> usize {
        self.cos.len() / self.half
    }

    /// Turns the heads of rows by their positions: row `n` is at position `first + n`.
    ///
    /// `rows` is `[n, stride]`, whose first `num_heads` heads are turned.
    pub fn apply(&self, rows: &mut [f32], stride: usize, num_heads: usize, first: usize) {
        self.turn(rows, stride, num_heads, first, 1.0);
    }

    /// Turns the heads back, which is what a gradient needs.
    pub fn undo(&self, rows: &mut [f32], stride: usize, num_heads: usize, first: usize) {
        self.turn(rows, stride, num_heads, first, -1.0);
    }

    fn turn(&self, rows: &mut [f32], stride: usize, num_heads: usize, first: usize, sign: f32) {
        let half = self.half;
        vectorized(|| {
            for (n, row) in rows.chunks_exact_mut(stride).enumerate() {
                let at = (first + n) * half;
                let (cos, sin) = (&self.cos[at..at + half], &self.sin[at..at + half]);
                for head in row[..num_heads * 2 * half].chunks_exact_mut(2 * half) {
                    let (one, two) = head.split_at_mut(half);
                    for (((one, two), cos), sin) in one.iter_mut().zip(two).zip(cos).zip(sin) {
                        let sin = sign * sin;
                        let turned = *one * cos - *two * sin;
                        *two = *two * cos + *one * sin;
                        *one = turned;
                    }
                }
            }
        });
    }
}
