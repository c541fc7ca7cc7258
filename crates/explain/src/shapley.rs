//! Shapley values of one example.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take};
use model::Predictor;

use crate::ExplainError;
use crate::coalitions::coalitions;
use crate::predictions::Output;
use crate::solve::solve;

/// How many rows are given to the model at once.
const MAX_ROWS: usize = 1 << 16;

/// Explains the predictions of a model against a background of examples.
pub struct Explainer<'a> {
    predictor: &'a dyn Predictor,
    features: Vec<String>,
    background: RecordBatch,
    output: Output,
    /// The mean prediction of the background.
    base_value: f64,
    num_samples: Option<usize>,
    seed: u64,
}

/// Why an example has its prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The mean prediction of the background.
    pub base_value: f64,
    /// What each feature adds to it, in the order of the explainer's features.
    pub values: Vec<f64>,
    /// The prediction: the base value and all values together.
    pub prediction: f64,
}

impl<'a> Explainer<'a> {
    /// Returns an explainer of one number of the output `output`: `class` says which, of outputs with several.
    ///
    /// `features` are the columns that are explained; all others of an example stay as they are.
    ///
    /// # Errors
    ///
    /// [`ExplainError::MissingFeature`], [`ExplainError::NoBackground`], [`ExplainError::NoOutput`], and
    /// [`ExplainError::Model`] when the model cannot read the background.
    pub fn new(
        predictor: &'a dyn Predictor,
        features: &[String],
        background: RecordBatch,
        output: &str,
        class: usize,
    ) -> Result<Self, ExplainError> {
        if let Some(feature) = features.iter().find(|f| background.column_by_name(f).is_none()) {
            return Err(ExplainError::MissingFeature { feature: feature.clone() });
        }
        if background.num_rows() == 0 {
            return Err(ExplainError::NoBackground);
        }
        let output = Output { name: output.to_owned(), class };
        let predictions = output.predict(predictor, &background)?;
        let base_value = mean(&predictions)?;
        Ok(Self {
            predictor,
            features: features.to_vec(),
            background,
            output,
            base_value,
            num_samples: None,
            seed: 0,
        })
    }

    /// Sets how many coalitions of features are tried, 2 · features + 2048 unless told otherwise, and the seed of
    /// those that are drawn. Where all coalitions are that few, the values are exact.
    pub fn sampled(mut self, num_samples: Option<usize>, seed: u64) -> Self {
        self.num_samples = num_samples;
        self.seed = seed;
        self
    }

    /// Returns the features, in the order of the values.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Returns why an example, the only row of `example`, has its prediction.
    ///
    /// A feature that is absent from a coalition has the value of a background example, and the prediction is the
    /// mean over these. Exact for models that add up functions of single features, and for up to about ten features
    /// that differ from the background; else as near as the sample of coalitions is.
    ///
    /// # Errors
    ///
    /// [`ExplainError::OtherColumns`], [`ExplainError::NotANumber`], and [`ExplainError::Model`].
    ///
    /// # Source
    ///
    /// Kernel SHAP, Lundberg and Lee 2017.
    pub fn shapley(&self, example: &RecordBatch) -> Result<Explanation, ExplainError> {
        let schema = self.background.schema();
        // The example is the row behind the background.
        let rows = concat_batches(&schema, [&self.background, &example.slice(0, 1)])
            .map_err(|source| ExplainError::OtherColumns { source })?;
        let varying = self.varying(&rows)?;
        let full = self.mean_predictions(&rows, &[vec![true; varying.len()]], &varying)?[0];
        let mut values = vec![0.0; self.features.len()];
        let gained = full - self.base(&rows, &varying)?;
        let base_value = full - gained;
        match varying.as_slice() {
            [] => {}
            [only] => values[*only] = gained,
            _ => {
                let budget = self.num_samples.unwrap_or(2 * varying.len() + 2048).max(2);
                let drawn = coalitions(varying.len(), budget, self.seed);
                let present: Vec<Vec<bool>> = drawn.iter().map(|(c, _)| c.clone()).collect();
                let predicted = self.mean_predictions(&rows, &present, &varying)?;
                let found = regress(&drawn, &predicted, base_value, gained);
                for (feature, value) in varying.iter().zip(found) {
                    values[*feature] = value;
                }
            }
        }
        Ok(Explanation { base_value, values, prediction: full })
    }

    /// Returns the prediction without any of the features that vary; other columns are the example's.
    fn base(&self, rows: &RecordBatch, varying: &[usize]) -> Result<f64, ExplainError> {
        if self.features.len() == rows.num_columns() {
            return Ok(self.base_value);
        }
        Ok(self.mean_predictions(rows, &[vec![false; varying.len()]], varying)?[0])
    }

    /// Returns the features of which the example's value is not that of all the background.
    fn varying(&self, rows: &RecordBatch) -> Result<Vec<usize>, ExplainError> {
        let last = rows.num_rows() - 1;
        let differs = |name: &String| {
            let column = rows.column_by_name(name)?;
            let own = column.slice(last, 1).to_data();
            Some((0..last).any(|row| column.slice(row, 1).to_data() != own))
        };
        let mut varying = Vec::new();
        for (place, feature) in self.features.iter().enumerate() {
            let missing = || ExplainError::MissingFeature { feature: feature.clone() };
            if differs(feature).ok_or_else(missing)? {
                varying.push(place);
            }
        }
        Ok(varying)
    }

    /// Returns the mean prediction over the background for each coalition of the features that vary.
    fn mean_predictions(
        &self,
        rows: &RecordBatch,
        present: &[Vec<bool>],
        varying: &[usize],
    ) -> Result<Vec<f64>, ExplainError> {
        let num = rows.num_rows() - 1;
        let schema = rows.schema();
        let mut means = Vec::with_capacity(present.len());
        for part in present.chunks((MAX_ROWS / num).max(1)) {
            let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| {
                let feature = self.features.iter().position(|name| name == field.name());
                let place = feature.and_then(|f| varying.iter().position(|other| *other == f));
                let own = num as u64;
                let places = part.iter().flat_map(|coalition| {
                    // What does not vary, or is not explained, is the example's.
                    let is_own = place.is_none_or(|place| coalition[place]);
                    (0..num as u64).map(move |row| if is_own { own } else { row })
                });
                let places: UInt64Array = places.collect();
                take(column, &places, None)
            });
            let columns: Vec<ArrayRef> = columns
                .collect::<Result<_, _>>()
                .map_err(|source| ExplainError::OtherColumns { source })?;
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns)
                .map_err(|source| ExplainError::OtherColumns { source })?;
            let predicted = self.output.predict(self.predictor, &batch)?;
            for chunk in predicted.chunks(num) {
                means.push(mean(chunk)?);
            }
        }
        Ok(means)
    }
}

fn mean(predictions: &[f64]) -> Result<f64, ExplainError> {
    let mean = predictions.iter().sum::<f64>() / predictions.len() as f64;
    if mean.is_finite() { Ok(mean) } else { Err(ExplainError::NotANumber) }
}

/// Returns the values that fit the predictions of the coalitions best and add up to `gained`.
fn regress(
    coalitions: &[(Vec<bool>, f64)],
    predicted: &[f64],
    base_value: f64,
    gained: f64,
) -> Vec<f64> {
    let num = coalitions[0].0.len();
    let last = num - 1;
    let mut matrix = vec![vec![0.0; last]; last];
    let mut right = vec![0.0; last];
    for ((present, weight), predicted) in coalitions.iter().zip(predicted) {
        let one = |feature: usize| f64::from(present[feature]);
        // The last value is what the others leave of `gained`.
        let row: Vec<f64> = (0..last).map(|feature| one(feature) - one(last)).collect();
        let target = predicted - base_value - one(last) * gained;
        for (i, a) in row.iter().enumerate() {
            if *a == 0.0 {
                continue;
            }
            right[i] += weight * a * target;
            for (j, b) in row.iter().enumerate() {
                matrix[i][j] += weight * a * b;
            }
        }
    }
    let mut values = solve(matrix, right);
    values.push(gained - values.iter().sum::<f64>());
    values
}

#[cfg(test)]
mod tests;
