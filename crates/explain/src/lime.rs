//! Local linear models of single predictions.

mod lasso;
mod local;
mod neighbours;

use arrow::array::RecordBatch;
use model::Predictor;

use crate::ExplainError;
use crate::predictions::Output;
use local::{Fit, fit};
use neighbours::{Perturbed, neighbours};

/// How the local model of a prediction is made; the defaults are the `lime` package's.
#[derive(Clone, Debug, PartialEq)]
pub struct LimeOptions {
    /// How many neighbours of an example are drawn, the example itself among them.
    pub num_samples: usize,
    /// How many features the local model may have.
    pub num_features: usize,
    /// Whether numbers are cut at the quartiles of the background, and a feature says whether a neighbour is in the
    /// example's part; otherwise a feature is the number itself, in standard deviations.
    pub discretize: bool,
    /// Features of numbers that are names of categories.
    pub categorical: Vec<String>,
    /// How fast neighbours count less with their distance; 0.75 · √features unless told otherwise.
    pub kernel_width: Option<f64>,
    /// How the features of the local model are chosen.
    pub selection: FeatureSelection,
    /// Whether numbers that are not cut are drawn around the example rather than around the background's mean.
    pub around_example: bool,
    /// The seed of the neighbours.
    pub seed: u64,
}

impl Default for LimeOptions {
    fn default() -> Self {
        Self {
            num_samples: 5000,
            num_features: 10,
            discretize: true,
            categorical: Vec::new(),
            kernel_width: None,
            selection: FeatureSelection::Auto,
            around_example: false,
            seed: 0,
        }
    }
}

/// How the features of a local model are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureSelection {
    /// Forward selection for up to six features, else the highest weights.
    Auto,
    /// One after the other, each time the one with which the model fits best.
    Forward,
    /// Those that add most to the example's prediction in a model with all features.
    HighestWeights,
    /// Those that have a weight in the lasso with the least penalty at which no more than so many have one.
    LassoPath,
    /// All.
    All,
}

/// Explains the predictions of a model by linear models of their neighbourhoods.
pub struct Lime<'a> {
    predictor: &'a dyn Predictor,
    features: Vec<String>,
    background: RecordBatch,
    perturbed: Vec<Perturbed>,
    output: Output,
    options: LimeOptions,
}

/// The linear model of one prediction's neighbourhood.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalModel {
    /// What the model predicts for the example.
    pub prediction: f64,
    /// What the local model predicts for it.
    pub local_prediction: f64,
    /// How well the local model fits: its weighted R² among the neighbours.
    pub score: f64,
    /// What the local model begins with.
    pub intercept: f64,
    /// The weight of each feature, in the order of the explainer's features; 0 of those that were not chosen.
    pub values: Vec<f64>,
    /// What is true of the example that the weight is for, such as `1.5 < miles <= 3` or `company = Flash Cab`; the
    /// feature's name where the weight is for one standard deviation more of it.
    pub conditions: Vec<String>,
}

impl<'a> Lime<'a> {
    /// Returns an explainer of one number of the output `output`: `class` says which, of outputs with several.
    ///
    /// `features` are the columns that are explained; all others of an example stay as they are. The background says
    /// which values there are: numbers by their quartiles, mean and standard deviation, all else by how often each
    /// value is there. A missing value and NaN are a category of their own, of numbers too.
    ///
    /// # Errors
    ///
    /// [`ExplainError::MissingFeature`], [`ExplainError::NoBackground`], and [`ExplainError::OtherColumns`] for a
    /// column that cannot be read.
    pub fn new(
        predictor: &'a dyn Predictor,
        features: &[String],
        background: RecordBatch,
        output: &str,
        class: usize,
        options: LimeOptions,
    ) -> Result<Self, ExplainError> {
        let missing = |name: &&String| background.column_by_name(name).is_none();
        if let Some(feature) = features.iter().chain(&options.categorical).find(missing) {
            return Err(ExplainError::MissingFeature { feature: feature.clone() });
        }
        if background.num_rows() == 0 {
            return Err(ExplainError::NoBackground);
        }
        let perturbed = features
            .iter()
            .map(|feature| Perturbed::new(feature, &background, &options))
            .collect::<Result<Vec<_>, _>>()?;
        let output = Output { name: output.to_owned(), class };
        Ok(Self { predictor, features: features.to_vec(), background, perturbed, output, options })
    }

    /// Returns the features, in the order of the values.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Returns the linear model of what is predicted near an example, the only row of `example`.
    ///
    /// Neighbours are drawn from the background's distribution, each feature for itself, and count by how near they
    /// are; a ridge regression over the chosen features is the explanation. Whole numbers stay whole when drawn.
    ///
    /// # Errors
    ///
    /// [`ExplainError::OtherColumns`], [`ExplainError::NotANumber`], [`ExplainError::NoOutput`] and
    /// [`ExplainError::Model`].
    ///
    /// # Source
    ///
    /// Ribeiro, Singh and Guestrin 2016; `LimeTabularExplainer` of the `lime` package 0.2.0.1.
    pub fn explain(&self, example: &RecordBatch) -> Result<LocalModel, ExplainError> {
        let drawn =
            neighbours(&self.features, &self.perturbed, &self.background, example, &self.options)?;
        let predictions = self.output.predict(self.predictor, &drawn.raw)?;
        if predictions.iter().any(|prediction| !prediction.is_finite()) {
            return Err(ExplainError::NotANumber);
        }
        let width = self.options.kernel_width;
        let width = width.unwrap_or_else(|| 0.75 * (self.features.len() as f64).sqrt());
        let found = fit(&drawn.data, &predictions, width, &self.options);
        let Fit { intercept, values, score, local_prediction } = found;
        let prediction = predictions[0];
        let conditions = drawn.conditions;
        Ok(LocalModel { prediction, local_prediction, score, intercept, values, conditions })
    }
}

#[cfg(test)]
mod tests;
