//! How the numbers of vectors go together, and in which directions they spread most.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use sketch::bytes::{Reader, Stored};
use sketch::{StateError, as_f64};

use crate::TransformError;

/// Moments of vectors of one length.
#[derive(Clone, Debug)]
pub(crate) struct CovarianceState {
    count: u64,
    means: Vec<f64>,
    /// The sums of the products of distances from the means, of each pair of places, row by row.
    products: Vec<f64>,
}

impl CovarianceState {
    pub(crate) fn new(length: usize) -> Self {
        Self { count: 0, means: vec![0.0; length], products: vec![0.0; length * length] }
    }

    /// Takes in a column of vectors; those with a missing value, NaN or an infinity are left out.
    pub(crate) fn update(&mut self, column: &dyn Array) -> Result<(), TransformError> {
        let length = self.means.len();
        let vectors = column.as_fixed_size_list_opt().ok_or(TransformError::DifferentPass)?;
        let values = vectors.values().as_primitive_opt::<Float64Type>();
        let values = values.ok_or(TransformError::DifferentPass)?;
        if usize::try_from(vectors.value_length()).ok() != Some(length) {
            return Err(TransformError::DifferentPass);
        }
        let mut distances = vec![0.0; length];
        for row in (0..vectors.len()).filter(|row| vectors.is_valid(*row)) {
            let start = row * length;
            let vector = &values.values()[start..start + length];
            let is_whole = values.null_count() == 0
                || (start..start + length).all(|place| values.is_valid(place));
            if is_whole && vector.iter().all(|value| value.is_finite()) {
                self.add(vector, &mut distances);
            }
        }
        Ok(())
    }

    fn add(&mut self, vector: &[f64], distances: &mut [f64]) {
        self.count += 1;
        let count = as_f64(self.count);
        for ((distance, mean), value) in distances.iter_mut().zip(&mut self.means).zip(vector) {
            *distance = value - *mean;
            *mean += *distance / count;
        }
        self.add_products(distances, (count - 1.0) / count);
    }

    fn add_products(&mut self, distances: &[f64], factor: f64) {
        for (row, one) in self.products.chunks_exact_mut(distances.len()).zip(distances) {
            let one = one * factor;
            row.iter_mut().zip(distances).for_each(|(product, other)| *product += one * other);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), TransformError> {
        if self.means.len() != other.means.len() {
            return Err(TransformError::DifferentPass);
        }
        if other.count == 0 {
            return Ok(());
        }
        let (one, two) = (as_f64(self.count), as_f64(other.count));
        let distances: Vec<f64> =
            self.means.iter().zip(&other.means).map(|(mean, other)| other - mean).collect();
        self.products.iter_mut().zip(&other.products).for_each(|(sum, other)| *sum += other);
        self.add_products(&distances, one * two / (one + two));
        for (mean, distance) in self.means.iter_mut().zip(&distances) {
            *mean += distance * two / (one + two);
        }
        self.count += other.count;
        Ok(())
    }

    /// Returns the biased covariances, row by row; all 0 where there were no vectors.
    pub(crate) fn finish(&self) -> Vec<f64> {
        let count = as_f64(self.count.max(1));
        self.products.iter().map(|product| product / count).collect()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.count.write(out);
        self.means.iter().chain(&self.products).for_each(|value| value.write(out));
    }

    pub(crate) fn read(length: usize, input: &mut Reader<'_>) -> Result<Self, StateError> {
        let count = input.take_total()?;
        let mut state = Self::new(length);
        state.count = count;
        for value in state.means.iter_mut().chain(&mut state.products) {
            *value = f64::read(input)?;
        }
        Ok(state)
    }
}

/// Rotations converge quadratically; a matrix of 512 rows takes about ten rounds.
const MAX_ROUNDS: usize = 100;

/// Returns the unit eigenvectors of the greatest eigenvalues of a symmetric matrix as the columns of another, row by row,
/// the greatest first. Of each vector the entry farthest from 0, the first of such, is positive.
///
/// # Source
///
/// Jacobi's rotations, as in Golub and Van Loan, "Matrix Computations", 8.5.
pub(crate) fn principal(matrix: &[f64], length: usize, num_vectors: usize) -> Vec<f64> {
    let mut a = matrix.to_vec();
    let mut vectors = vec![0.0; length * length];
    (0..length).for_each(|place| vectors[place * length + place] = 1.0);
    let total: f64 = a.iter().map(|value| value * value).sum();
    for _ in 0..MAX_ROUNDS {
        let off_diagonal: f64 = (0..length)
            .flat_map(|row| (0..length).map(move |column| (row, column)))
            .filter(|(row, column)| row != column)
            .map(|(row, column)| a[row * length + column].powi(2))
            .sum();
        if off_diagonal <= total * f64::EPSILON * f64::EPSILON {
            break;
        }
        for p in 0..length {
            for q in p + 1..length {
                rotate(&mut a, &mut vectors, length, (p, q));
            }
        }
    }
    let mut order: Vec<usize> = (0..length).collect();
    order.sort_by(|&one, &other| a[other * length + other].total_cmp(&a[one * length + one]));
    let mut columns = vec![0.0; length * num_vectors];
    for (column, &found) in order.iter().take(num_vectors).enumerate() {
        let entry = |row: usize| vectors[row * length + found];
        let mut farthest = 0;
        for row in 1..length {
            // What rounding alone makes larger does not count.
            if entry(row).abs() > entry(farthest).abs() * (1.0 + 1e-9) {
                farthest = row;
            }
        }
        let sign = if entry(farthest) < 0.0 { -1.0 } else { 1.0 };
        for row in 0..length {
            columns[row * num_vectors + column] = sign * entry(row) + 0.0;
        }
    }
    columns
}

/// Rotates two axes so that the entry of both is 0.
fn rotate(a: &mut [f64], vectors: &mut [f64], length: usize, (p, q): (usize, usize)) {
    let apq = a[p * length + q];
    if apq == 0.0 {
        return;
    }
    let theta = (a[q * length + q] - a[p * length + p]) / (2.0 * apq);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let turn = |one: f64, other: f64| (cosine * one - sine * other, sine * one + cosine * other);
    for row in 0..length {
        let (i, j) = (row * length + p, row * length + q);
        (a[i], a[j]) = turn(a[i], a[j]);
    }
    for column in 0..length {
        let (i, j) = (p * length + column, q * length + column);
        (a[i], a[j]) = turn(a[i], a[j]);
    }
    for row in 0..length {
        let (i, j) = (row * length + p, row * length + q);
        (vectors[i], vectors[j]) = turn(vectors[i], vectors[j]);
    }
    (a[p * length + q], a[q * length + p]) = (0.0, 0.0);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{FixedSizeListArray, Float64Array};
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    fn state(values: &[Option<f64>]) -> CovarianceState {
        let item = Arc::new(Field::new_list_field(DataType::Float64, true));
        let values = Arc::new(Float64Array::from(values.to_vec()));
        let mut state = CovarianceState::new(2);
        state.update(&FixedSizeListArray::new(item, 2, values, None)).unwrap();
        state
    }

    #[test]
    fn parts_together_are_the_whole_and_come_back_from_bytes() {
        let values = [
            Some(1.0),
            Some(5.0),
            Some(2.0),
            None,
            Some(3.0),
            Some(f64::NAN),
            Some(4.0),
            Some(1.0),
            Some(7.0),
            Some(0.0),
        ];
        let whole = state(&values);
        // Of (1, 5), (4, 1) and (7, 0).
        close(&whole.finish(), &[6.0, -5.0, -5.0, 14.0 / 3.0]);
        for cut in [0, 2, 4, 8, 10] {
            let mut one = state(&values[..cut]);
            let mut bytes = Vec::new();
            state(&values[cut..]).write(&mut bytes);
            let other = CovarianceState::read(2, &mut Reader::new(&bytes)).unwrap();
            one.merge(&other).unwrap();
            close(&one.finish(), &whole.finish());
            assert!(CovarianceState::read(2, &mut Reader::new(&bytes[1..])).is_err());
        }
        close(&state(&[]).finish(), &[0.0; 4]);
    }

    #[test]
    fn eigenvectors_are_in_the_order_of_their_eigenvalues() {
        // Of 1 along (1, -1), 3 along (1, 1).
        let root = 0.5_f64.sqrt();
        close(&principal(&[2.0, 1.0, 1.0, 2.0], 2, 2), &[root, root, root, -root]);
        close(&principal(&[2.0, 1.0, 1.0, 2.0], 2, 1), &[root, root]);
        close(&principal(&[0.0; 4], 2, 1), &[1.0, 0.0]);
        let matrix = [4.0, 1.0, -2.0, 1.0, 3.0, 0.5, -2.0, 0.5, 9.0];
        let vectors = principal(&matrix, 3, 3);
        let mut last = f64::INFINITY;
        for column in 0..3 {
            let vector: Vec<f64> = (0..3).map(|row| vectors[row * 3 + column]).collect();
            let times: Vec<f64> = (0..3)
                .map(|row| (0..3).map(|at| matrix[row * 3 + at] * vector[at]).sum())
                .collect();
            let eigenvalue: f64 = times.iter().zip(&vector).map(|(a, b)| a * b).sum();
            close(&times, &vector.iter().map(|value| value * eigenvalue).collect::<Vec<_>>());
            assert!(eigenvalue < last);
            last = eigenvalue;
        }
    }
}
