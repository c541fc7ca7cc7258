//! Pairs of number features: how they vary together.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use formats::metadata::cross_feature_statistics::CrossStats;
use formats::metadata::{CrossFeatureStatistics, NumericCrossStatistics, Path};
use sketch::bytes::{Reader, Stored};
use sketch::{StateError, as_f64};

use crate::columns::{Flat, visit_numbers};
use crate::pass::StatisticsPass;

/// What was seen of the examples that have exactly one number, not NaN, of both features.
///
/// Moments of a batch are taken around its own means and added up by the formula of Chan, Golub and LeVeque, so that
/// features far from zero do not lose their spread. The last digits of a sum depend on how rows were cut into
/// batches; those of the result, a 32-bit float, hardly ever.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PairState {
    count: u64,
    mean_x: f64,
    mean_y: f64,
    squares_x: f64,
    squares_y: f64,
    products: f64,
}

/// Takes the columns of a batch into all pairs.
pub(crate) fn update(pairs: &mut [PairState], pass: &StatisticsPass, batch: &RecordBatch) {
    let mut columns: Vec<Option<Vec<f64>>> = vec![None; pass.features.len()];
    for &index in pass.pairs.iter().flat_map(|(x, y)| [x, y]) {
        if columns[index].is_none()
            && let Some(column) = batch.column_by_name(&pass.features[index].path[0])
        {
            columns[index] = Some(single_numbers(column));
        }
    }
    for (state, &(x, y)) in pairs.iter_mut().zip(&pass.pairs) {
        if let (Some(x), Some(y)) = (&columns[x], &columns[y]) {
            state.merge(&PairState::of(x, y));
        }
    }
}

/// Returns the number of each row; NaN if it has none, or several.
fn single_numbers(column: &ArrayRef) -> Vec<f64> {
    let mut numbers = vec![f64::NAN; column.len()];
    if !matches!(
        column.data_type(),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..)
    ) {
        visit_numbers(column.as_ref(), &mut |row, value| numbers[row] = value);
        return numbers;
    }
    let flat = Flat::of(column.as_ref()).without_nulls();
    let mut row_of_value = Vec::with_capacity(flat.values.len());
    for (row, length) in flat.lengths.iter().enumerate() {
        let length = length.unwrap_or(0);
        row_of_value.extend(std::iter::repeat_n((length == 1).then_some(row), length));
    }
    visit_numbers(flat.values.as_ref(), &mut |index, value| {
        if let Some(row) = row_of_value[index] {
            numbers[row] = value;
        }
    });
    numbers
}

impl PairState {
    fn of(x: &[f64], y: &[f64]) -> Self {
        let both = || x.iter().zip(y).filter(|(x, y)| !x.is_nan() && !y.is_nan());
        let mut state = Self::default();
        for (x, y) in both() {
            state.count += 1;
            state.mean_x += x;
            state.mean_y += y;
        }
        if state.count == 0 {
            return state;
        }
        state.mean_x /= as_f64(state.count);
        state.mean_y /= as_f64(state.count);
        for (x, y) in both() {
            let (x, y) = (x - state.mean_x, y - state.mean_y);
            state.squares_x += x * x;
            state.squares_y += y * y;
            state.products += x * y;
        }
        state
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        if self.count == 0 || other.count == 0 {
            if self.count == 0 {
                *self = *other;
            }
            return;
        }
        let (a, b) = (as_f64(self.count), as_f64(other.count));
        let (x, y) = (other.mean_x - self.mean_x, other.mean_y - self.mean_y);
        let shared = a * (b / (a + b));
        self.mean_x += x * (b / (a + b));
        self.mean_y += y * (b / (a + b));
        self.squares_x += other.squares_x + x * x * shared;
        self.squares_y += other.squares_y + y * y * shared;
        self.products += other.products + x * y * shared;
        self.count += other.count;
    }

    /// Returns the message, if an example has both: covariance as of a population, and Pearson's correlation, zero
    /// where one of them is constant.
    #[expect(clippy::cast_possible_truncation, reason = "the message has 32-bit floats")]
    pub(crate) fn message(
        &self,
        path_x: &[String],
        path_y: &[String],
    ) -> Option<CrossFeatureStatistics> {
        if self.count == 0 {
            return None;
        }
        // Roots first: the product of the squares may overflow, or vanish.
        let spread = self.squares_x.sqrt() * self.squares_y.sqrt();
        let correlation =
            if spread == 0.0 { 0.0 } else { (self.products / spread).clamp(-1.0, 1.0) };
        let numbers = NumericCrossStatistics {
            correlation: correlation as f32,
            covariance: (self.products / as_f64(self.count)) as f32,
        };
        Some(CrossFeatureStatistics {
            path_x: Some(Path { step: path_x.to_vec() }),
            path_y: Some(Path { step: path_y.to_vec() }),
            count: self.count,
            cross_stats: Some(CrossStats::NumCrossStats(numbers)),
        })
    }
}

impl Stored for PairState {
    fn write(&self, out: &mut Vec<u8>) {
        self.count.write(out);
        let sums = [self.mean_x, self.mean_y, self.squares_x, self.squares_y, self.products];
        sums.iter().for_each(|sum| sum.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        Ok(Self {
            count: input.take_total()?,
            mean_x: f64::read(input)?,
            mean_y: f64::read(input)?,
            squares_x: f64::read(input)?,
            squares_y: f64::read(input)?,
            products: f64::read(input)?,
        })
    }
}
