//! Least squares.

/// Returns the solution of `matrix · x = right`, for a symmetric matrix given by its rows; directions that nothing
/// is known of are 0.
pub(crate) fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    let scale = matrix.iter().flatten().fold(0.0f64, |max, value| max.max(value.abs()));
    let mut pivots = Vec::new();
    let mut used = vec![false; n];
    for column in 0..n {
        let free = (0..n).filter(|row| !used[*row]);
        let best =
            free.max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()));
        let Some(row) = best.filter(|row| matrix[*row][column].abs() > 1e-12 * scale) else {
            continue;
        };
        used[row] = true;
        pivots.push((row, column));
        for other in 0..n {
            if other == row {
                continue;
            }
            let factor = matrix[other][column] / matrix[row][column];
            if factor == 0.0 {
                continue;
            }
            let of_row = matrix[row].clone();
            for (target, value) in matrix[other].iter_mut().zip(&of_row) {
                *target -= factor * value;
            }
            right[other] -= factor * right[row];
        }
    }
    let mut solution = vec![0.0; n];
    for (row, column) in pivots {
        solution[column] = right[row] / matrix[row][column];
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        let found = solve(vec![vec![2.0, 1.0], vec![1.0, 3.0]], vec![4.0, 7.0]);
        assert!((found[0] - 1.0).abs() < 1e-12 && (found[1] - 2.0).abs() < 1e-12);
        let found = solve(vec![vec![0.0, 0.0], vec![0.0, 3.0]], vec![0.0, 6.0]);
        assert!(found[0].abs() < 1e-12 && (found[1] - 2.0).abs() < 1e-12);
    }
}
