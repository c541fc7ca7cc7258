//! Matrix products over slices, in pieces of fixed size spread over the threads.

use gemm::Parallelism;
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

/// A matrix somewhere in a slice: value `(r, c)` is at `r * row_stride + c * column_stride`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// Returns a view of rows that lie one behind the other, each `stride` after the one before.
    ///
    /// # Panics
    ///
    /// If the slice ends before the last row does.
    pub fn new(values: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        check(values.len(), rows, columns, stride);
        Self { values, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// Returns the matrix with rows and columns exchanged.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

fn check(len: usize, rows: usize, columns: usize, stride: usize) {
    assert!(columns <= stride || rows <= 1, "rows of {columns} do not fit in steps of {stride}");
    let end = if rows == 0 || columns == 0 { 0 } else { (rows - 1) * stride + columns };
    assert!(
        end <= len,
        "a matrix of {rows} rows of {columns}, {stride} apart, ends at {end} of {len}"
    );
}

/// Computes `out = factor * one * other`, or adds it to `out`, on this thread. `out` has rows `stride` apart.
///
/// # Panics
///
/// If the sizes do not fit each other or `out`.
#[expect(
    unsafe_code,
    reason = "the kernels of gemm take pointers; this is the one place that calls them"
)]
pub fn product(
    one: View<'_>,
    other: View<'_>,
    factor: f32,
    out: &mut [f32],
    stride: usize,
    adds: bool,
) {
    assert_eq!(one.columns, other.rows, "the inner sizes of a product");
    check(out.len(), one.rows, other.columns, stride);
    let step = |stride: usize| isize::try_from(stride).expect("strides are within a slice");
    // SAFETY: `View::new` and `check` made sure that every index of the three matrices is inside its slice (swapping
    // rows and columns reaches the same indices), `out` is borrowed mutably and so overlaps neither of the others.
    unsafe {
        gemm::gemm(
            one.rows,
            other.columns,
            one.columns,
            out.as_mut_ptr(),
            1,
            step(stride),
            adds,
            one.values.as_ptr(),
            step(one.column_stride),
            step(one.row_stride),
            other.values.as_ptr(),
            step(other.column_stride),
            step(other.row_stride),
            1.0,
            factor,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// Rows of a piece of work; small enough to share out, large enough that packing the other matrix does not show.
const PIECE: usize = 256;

/// How many rows each thread's piece has: a function of the size alone, never of the number of threads.
fn piece(rows: usize) -> usize {
    PIECE.min(rows.div_ceil(4)).max(16)
}

/// Computes `out[rows, outputs] = x[rows, inputs] * weight[outputs, inputs]^T`, the forward pass of a layer.
pub fn linear(x: &[f32], weight: &[f32], inputs: usize, outputs: usize, out: &mut [f32]) {
    let rows = x.len() / inputs;
    if rows == 1 {
        // Weights are read once: memory is the bound, and the outputs are what is shared out.
        let part = outputs.div_ceil(8).max(64);
        out.par_chunks_mut(part).zip(weight.par_chunks(part * inputs)).for_each(|(out, weight)| {
            let other = View::new(weight, out.len(), inputs, inputs).transposed();
            let outputs = out.len();
            product(View::new(x, 1, inputs, inputs), other, 1.0, out, outputs, false);
        });
        return;
    }
    let part = piece(rows);
    out.par_chunks_mut(part * outputs).zip(x.par_chunks(part * inputs)).for_each(|(out, x)| {
        let one = View::new(x, x.len() / inputs, inputs, inputs);
        let other = View::new(weight, outputs, inputs, inputs).transposed();
        product(one, other, 1.0, out, outputs, false);
    });
}

/// Computes `out[rows, inputs] = grad[rows, outputs] * weight[outputs, inputs]`, what a layer passes back.
pub fn linear_input_grad(
    grad: &[f32],
    weight: &[f32],
    inputs: usize,
    outputs: usize,
    out: &mut [f32],
) {
    let part = piece(grad.len() / outputs);
    out.par_chunks_mut(part * inputs).zip(grad.par_chunks(part * outputs)).for_each(
        |(out, grad)| {
            let one = View::new(grad, grad.len() / outputs, outputs, outputs);
            product(one, View::new(weight, outputs, inputs, inputs), 1.0, out, inputs, false);
        },
    );
}

/// Adds `grad[rows, outputs]^T * x[rows, inputs]` to a layer's weight gradient `[outputs, inputs]`.
pub fn linear_weight_grad(grad: &[f32], x: &[f32], inputs: usize, outputs: usize, out: &mut [f32]) {
    let rows = x.len() / inputs;
    let part = piece(outputs);
    out.par_chunks_mut(part * inputs).enumerate().for_each(|(n, out)| {
        let width = out.len() / inputs;
        let one = View::new(&grad[n * part..], rows, width, outputs).transposed();
        product(one, View::new(x, rows, inputs, inputs), 1.0, out, inputs, true);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_precision_loss, reason = "small")]
    fn filled(len: usize, step: usize) -> Vec<f32> {
        (0..len).map(|n| ((n * step + 3) % 17) as f32 - 8.0).collect()
    }

    fn near(one: &[f32], other: &[f32]) {
        assert_eq!(one.len(), other.len());
        for (a, b) in one.iter().zip(other) {
            assert!((a - b).abs() < 1e-3, "{a} {b}");
        }
    }

    #[test]
    fn the_three_products_of_a_layer_equal_the_naive_loops() {
        for (rows, inputs, outputs) in [(1, 5, 300), (3, 7, 4), (70, 33, 21), (600, 16, 40)] {
            let (x, w, g) =
                (filled(rows * inputs, 5), filled(outputs * inputs, 7), filled(rows * outputs, 3));
            let mut y = vec![f32::NAN; rows * outputs];
            linear(&x, &w, inputs, outputs, &mut y);
            let mut expected = vec![0.0; rows * outputs];
            let mut input_grad = vec![0.0; rows * inputs];
            let mut weight_grad = vec![1.0; outputs * inputs];
            for r in 0..rows {
                for o in 0..outputs {
                    for i in 0..inputs {
                        expected[r * outputs + o] += x[r * inputs + i] * w[o * inputs + i];
                        input_grad[r * inputs + i] += g[r * outputs + o] * w[o * inputs + i];
                        weight_grad[o * inputs + i] += g[r * outputs + o] * x[r * inputs + i];
                    }
                }
            }
            near(&y, &expected);
            let mut out = vec![f32::NAN; rows * inputs];
            linear_input_grad(&g, &w, inputs, outputs, &mut out);
            near(&out, &input_grad);
            let mut out = vec![1.0; outputs * inputs];
            linear_weight_grad(&g, &x, inputs, outputs, &mut out);
            near(&out, &weight_grad);
        }
    }

    #[test]
    fn a_matrix_beyond_its_slice_is_refused() {
        assert!(std::panic::catch_unwind(|| View::new(&[0.0; 11], 3, 4, 4)).is_err());
        assert!(std::panic::catch_unwind(|| View::new(&[0.0; 12], 3, 4, 3)).is_err());
        View::new(&[0.0; 12], 3, 4, 4);
    }
}
