//! Which features the predictions of some examples come from: each of them, all together, and by slice.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use model::Predictor;
use serde_json::{Value, json};

use crate::{
    ExplainError, Explainer, Explanation, Importance, Lime, LimeOptions, LocalModel,
    permutation_importance,
};

/// How many values of a feature are slices, the most frequent ones.
const MAX_SLICES: usize = 20;

/// How predictions are explained.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// By Shapley values, of this many coalitions.
    Shapley(Option<usize>),
    /// By local linear models.
    Lime(LimeOptions),
}

impl Method {
    /// Returns how many rows of a background are enough: Shapley values predict with each of them, local models only learn
    /// from them which values there are.
    pub fn background_rows(&self) -> usize {
        match self {
            Self::Shapley(_) => 50,
            Self::Lime(_) => 5000,
        }
    }
}

/// What is explained, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyOptions {
    /// How.
    pub method: Method,
    /// The output that is explained.
    pub output: String,
    /// Of outputs with several numbers, which.
    pub class: usize,
    /// How often each feature is shuffled.
    pub repeats: u32,
    /// The seed of coalitions and of shuffling.
    pub seed: u64,
}

/// Some examples, by their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Such as `company: Flash Cab`.
    pub name: String,
    /// The places of its examples, in order.
    pub rows: Vec<usize>,
}

/// Why one example has its prediction.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is what it holds")]
pub enum Found {
    Shapley(Explanation),
    Lime(LocalModel),
}

/// Which features predictions come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// The features, in the order of all values.
    pub features: Vec<String>,
    /// The examples that were explained, by their places.
    pub rows: Vec<(usize, Found)>,
    /// By slice.
    pub slices: Vec<SliceSurvey>,
}

/// Which features the predictions of a slice come from.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceSurvey {
    /// The slice's name.
    pub name: String,
    /// How many examples it has.
    pub num_examples: usize,
    /// How many of these were explained.
    pub num_explained: usize,
    /// The mean size of the values of each feature, in those that were explained; NaN where none was.
    pub mean_absolute: Vec<f64>,
    /// How much the loss rises when a feature is shuffled, where labels are known.
    pub permutation: Option<Vec<Importance>>,
}

/// The examples that a survey is of.
#[derive(Clone, Copy, Debug)]
pub struct Examples<'a> {
    /// All of them.
    pub rows: &'a RecordBatch,
    /// The places of those that are explained.
    pub explained: &'a [usize],
    /// The label of each, NaN where there is none; without labels there is no permutation importance.
    pub labels: Option<&'a [f64]>,
    /// The slices that are summed up.
    pub slices: &'a [Slice],
}

/// Explains some examples, and sums up by slice; `background` are the examples to compare with.
///
/// # Errors
///
/// As [`Explainer`], [`Lime`] and [`permutation_importance`].
pub fn survey(
    predictor: &dyn Predictor,
    features: &[String],
    examples: &Examples<'_>,
    background: &RecordBatch,
    options: &SurveyOptions,
) -> Result<Survey, ExplainError> {
    let Examples { rows: examples, explained: places, labels, slices } = *examples;
    let background = only(background, features)?;
    let picked: UInt64Array = places.iter().map(|place| *place as u64).collect();
    let chosen = take_record_batch(&only(examples, features)?, &picked)
        .map_err(|source| ExplainError::OtherColumns { source })?;
    let each = |explain: &dyn Fn(&RecordBatch) -> Result<Found, ExplainError>| {
        let row = |(row, place): (usize, &usize)| Ok((*place, explain(&chosen.slice(row, 1))?));
        places.iter().enumerate().map(row).collect::<Result<Vec<_>, ExplainError>>()
    };
    let (output, class) = (&options.output, options.class);
    let rows = match &options.method {
        Method::Shapley(num_samples) => {
            let explainer = Explainer::new(predictor, features, background, output, class)?;
            let explainer = explainer.sampled(*num_samples, options.seed);
            each(&|example| explainer.shapley(example).map(Found::Shapley))?
        }
        Method::Lime(lime) => {
            let lime = Lime::new(predictor, features, background, output, class, lime.clone())?;
            each(&|example| lime.explain(example).map(Found::Lime))?
        }
    };
    let permutation = match labels {
        None => None,
        Some(labels) => {
            let groups: Vec<Vec<usize>> = slices.iter().map(|slice| slice.rows.clone()).collect();
            let (repeats, seed) = (options.repeats, options.seed);
            let found = permutation_importance(
                predictor, examples, labels, features, &groups, repeats, seed,
            )?;
            Some(found)
        }
    };
    let of_slice = |(place, slice): (usize, &Slice)| {
        let explained: Vec<&Found> = rows
            .iter()
            .filter(|(row, _)| slice.rows.binary_search(row).is_ok())
            .map(|(_, found)| found)
            .collect();
        SliceSurvey {
            name: slice.name.clone(),
            num_examples: slice.rows.len(),
            num_explained: explained.len(),
            mean_absolute: mean_absolute(&explained, features.len()),
            permutation: permutation.as_ref().map(|groups| groups[place].clone()),
        }
    };
    let slices = slices.iter().enumerate().map(of_slice).collect();
    Ok(Survey { features: features.to_vec(), rows, slices })
}

/// Returns all examples, then those of each combination of values of some features, the 20 most frequent; examples
/// where one is missing are in none.
///
/// # Errors
///
/// [`ExplainError::MissingFeature`], and [`ExplainError::OtherColumns`] for values that cannot be shown.
pub fn slices_of(
    examples: &RecordBatch,
    crosses: &[Vec<String>],
) -> Result<Vec<Slice>, ExplainError> {
    let rows = (0..examples.num_rows()).collect();
    let mut slices = vec![Slice { name: "overall".to_owned(), rows }];
    for features in crosses.iter().filter(|features| !features.is_empty()) {
        let options = FormatOptions::default();
        let mut columns = Vec::new();
        for feature in features {
            let missing = || ExplainError::MissingFeature { feature: feature.clone() };
            let column = examples.column_by_name(feature).ok_or_else(missing)?;
            let shown = ArrayFormatter::try_new(column, &options)
                .map_err(|source| ExplainError::OtherColumns { source })?;
            columns.push((feature, column, shown));
        }
        let mut by_value: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for row in 0..examples.num_rows() {
            if columns.iter().all(|(_, column, _)| column.is_valid(row)) {
                let part =
                    columns.iter().map(|(name, _, shown)| format!("{name}: {}", shown.value(row)));
                by_value.entry(part.collect::<Vec<_>>().join(", ")).or_default().push(row);
            }
        }
        let mut found: Vec<Slice> =
            by_value.into_iter().map(|(name, rows)| Slice { name, rows }).collect();
        found.sort_by_key(|slice| std::cmp::Reverse(slice.rows.len()));
        found.truncate(MAX_SLICES);
        slices.extend(found);
    }
    Ok(slices)
}

fn only(batch: &RecordBatch, features: &[String]) -> Result<RecordBatch, ExplainError> {
    let place = |name: &String| {
        let missing = || ExplainError::MissingFeature { feature: name.clone() };
        batch.schema().index_of(name).map_err(|_| missing())
    };
    let places = features.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    batch.project(&places).map_err(|source| ExplainError::OtherColumns { source })
}

fn mean_absolute(found: &[&Found], num_features: usize) -> Vec<f64> {
    let num = found.len() as f64;
    let mean = |feature: usize| found.iter().map(|f| f.values()[feature].abs()).sum::<f64>() / num;
    (0..num_features).map(mean).collect()
}

impl Found {
    /// Returns what each feature adds to the prediction (Shapley), or its weight in the local model (LIME).
    pub fn values(&self) -> &[f64] {
        match self {
            Self::Shapley(found) => &found.values,
            Self::Lime(found) => &found.values,
        }
    }

    /// Returns the prediction that is explained.
    pub fn prediction(&self) -> f64 {
        match self {
            Self::Shapley(found) => found.prediction,
            Self::Lime(found) => found.prediction,
        }
    }
}

impl Survey {
    /// Returns the survey as JSON: `features`, `rows`, `slices`.
    pub fn to_json(&self) -> Value {
        let row = |(place, found): &(usize, Found)| match found {
            Found::Shapley(found) => json!({
                "row": place, "base_value": found.base_value, "prediction": found.prediction,
                "values": found.values,
            }),
            Found::Lime(found) => json!({
                "row": place, "intercept": found.intercept, "prediction": found.prediction,
                "local_prediction": found.local_prediction, "score": found.score,
                "values": found.values, "conditions": found.conditions,
            }),
        };
        let importance =
            |found: &Importance| json!({ "mean": found.mean, "std_dev": found.std_dev });
        let slice = |slice: &SliceSurvey| {
            let permutation = slice.permutation.as_ref();
            json!({
                "slice": slice.name,
                "num_examples": slice.num_examples,
                "num_explained": slice.num_explained,
                "mean_absolute_value": slice.mean_absolute,
                "permutation_importance":
                    permutation.map(|found| found.iter().map(importance).collect::<Vec<_>>()),
            })
        };
        json!({
            "method": match self.rows.first() {
                Some((_, Found::Lime(_))) => "lime",
                _ => "shapley",
            },
            "features": self.features,
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "slices": self.slices.iter().map(slice).collect::<Vec<_>>(),
        })
    }
}
