//! Products of matrices, the one place where they are computed.

use gemm::{Parallelism, gemm};

/// A matrix of numbers that lie row after row; read as it is, or transposed.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    is_transposed: bool,
}

impl<'a> Matrix<'a> {
    /// Returns a matrix of so many rows and columns.
    ///
    /// # Panics
    ///
    /// If there are not `rows * columns` values.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(rows.checked_mul(columns), Some(values.len()), "{rows} by {columns}");
        Self { values, rows, columns, is_transposed: false }
    }

    /// Returns the matrix with rows and columns exchanged.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { is_transposed: !self.is_transposed, ..self }
    }

    /// Returns how many rows and columns there are, as it is read.
    fn shape(&self) -> (usize, usize) {
        if self.is_transposed { (self.columns, self.rows) } else { (self.rows, self.columns) }
    }

    /// Returns how far the next column and the next row are, as it is read.
    fn strides(&self) -> (isize, isize) {
        let width = self.columns.cast_signed();
        if self.is_transposed { (width, 1) } else { (1, width) }
    }
}

/// Sets `product` to `left * right`, or adds it, on this thread. One computer gives the same bits each time.
///
/// # Panics
///
/// If the shapes do not fit.
#[expect(unsafe_code, reason = "the kernels take pointers; the lengths are compared before")]
pub fn multiply(product: &mut [f32], left: Matrix<'_>, right: Matrix<'_>, is_added: bool) {
    let ((rows, inner), (other, columns)) = (left.shape(), right.shape());
    assert_eq!(inner, other, "a row is not as long as a column");
    assert_eq!(rows.checked_mul(columns), Some(product.len()), "{rows} by {columns}");
    if product.is_empty() {
        return;
    }
    if inner == 0 {
        if !is_added {
            product.fill(0.0);
        }
        return;
    }
    let ((left_column, left_row), (right_column, right_row)) = (left.strides(), right.strides());
    // SAFETY: `Matrix::new` compared the lengths of both operands with their shapes and strides, the lines above that
    // of the product; the product is borrowed mutably, so it is neither of them.
    unsafe {
        gemm(
            rows,
            columns,
            inner,
            product.as_mut_ptr(),
            1,
            columns.cast_signed(),
            is_added,
            left.values.as_ptr(),
            left_column,
            left_row,
            right.values.as_ptr(),
            right_column,
            right_row,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "sums of small whole numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_schoolbook() {
        for (rows, inner, columns) in
            [(1, 1, 1), (1, 7, 3), (5, 0, 2), (13, 9, 17), (64, 100, 25), (0, 3, 2)]
        {
            let left: Vec<f32> = (0..rows * inner).map(|i| (i % 7) as f32 - 3.0).collect();
            let right: Vec<f32> = (0..inner * columns).map(|i| (i % 5) as f32 - 2.0).collect();
            let mut expected = vec![0.0; rows * columns];
            for row in 0..rows {
                for column in 0..columns {
                    let at = |k: usize| left[row * inner + k] * right[k * columns + column];
                    expected[row * columns + column] = (0..inner).map(at).sum::<f32>();
                }
            }
            let flip = |values: &[f32], rows: usize, columns: usize| {
                (0..columns * rows)
                    .map(|i| values[i % rows * columns + i / rows])
                    .collect::<Vec<_>>()
            };
            let (left_flipped, right_flipped) =
                (flip(&left, rows, inner), flip(&right, inner, columns));
            let lefts = [
                Matrix::new(&left, rows, inner),
                Matrix::new(&left_flipped, inner, rows).transposed(),
            ];
            let rights = [
                Matrix::new(&right, inner, columns),
                Matrix::new(&right_flipped, columns, inner).transposed(),
            ];
            for left in lefts {
                for right in rights {
                    let mut product = vec![9.0; rows * columns];
                    multiply(&mut product, left, right, false);
                    assert_eq!(product, expected, "{rows} {inner} {columns}");
                    multiply(&mut product, left, right, true);
                    let twice: Vec<_> = expected.iter().map(|value| value * 2.0).collect();
                    assert_eq!(product, twice, "{rows} {inner} {columns}");
                }
            }
        }
    }
}
