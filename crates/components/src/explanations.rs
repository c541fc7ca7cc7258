//! What the Evaluator explains of a model when it is asked: which features its predictions come from.

use std::collections::BTreeSet;

use arrow::array::{AsArray, RecordBatch, UInt64Array};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Float64Type};
use base::BoxError;
use dataflow::Source;
use dataset::{Dataset, Split};
use evaluate::{Config, SliceSpec};
use explain::{Examples, LimeOptions, Method, Survey, SurveyOptions, sample, slices_of, survey};
use model::PREDICTION;
use schemars::JsonSchema;
use serde::Deserialize;
use servable::Servable;

use crate::ComponentError;
use crate::scoring::{features_of, first_rows};

/// The key, beside the stage's own keys.
pub(crate) const EXPLANATIONS: &str = "explanations";
pub(crate) const EXPLANATIONS_HELP: &str = "Which features the predictions come from, overall and by the slices that name \
     features. Without it, this is not computed.";

/// How predictions are explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum MethodName {
    /// What each feature adds to the mean prediction of other examples (Kernel SHAP).
    Shapley,
    /// Linear models of the predictions near an example.
    Lime,
}

/// What is explained of a model.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Explanations {
    /// `"shapley"` or `"lime"`.
    method: MethodName,
    /// How many examples are explained.
    #[schemars(range(min = 1, max = 100_000))]
    rows: usize,
    /// With how many examples they are compared; 50 for `shapley`, 5000 for `lime` unless told otherwise.
    #[schemars(range(min = 1, max = 100_000))]
    background_rows: Option<usize>,
    /// How many examples are read, evenly from all parts of the data: to draw from, and to shuffle features of.
    #[schemars(range(min = 1, max = 10_000_000))]
    max_examples: usize,
    /// How often each feature is shuffled.
    #[schemars(range(min = 1, max = 1000))]
    repeats: u32,
    /// Of predictions that are several numbers, which, from 0.
    class: usize,
    /// Another number draws other examples.
    seed: u64,
}

impl Default for Explanations {
    fn default() -> Self {
        Self {
            method: MethodName::Shapley,
            rows: 20,
            background_rows: None,
            max_examples: 5000,
            repeats: 5,
            class: 0,
            seed: 0,
        }
    }
}

impl Explanations {
    /// Explains a model on examples of the evaluated splits, by the slices of the evaluation that name features.
    pub(crate) fn survey(
        &self,
        servable: &Servable,
        dataset: &Dataset,
        config: &Config,
    ) -> Result<Survey, BoxError> {
        let crosses: Vec<Vec<String>> = config
            .slices
            .iter()
            .filter_map(|spec| match spec {
                SliceSpec::Features(_) => Some(spec.features()),
                SliceSpec::Values(_) => None,
            })
            .collect();
        let examples = self.examples(servable, dataset, &crosses)?;
        let slices = slices_of(&examples, &crosses)?;
        let labels = cast(&servable.label(&examples)?, &DataType::Float64).ok();
        let labels: Option<Vec<f64>> = labels.map(|labels| {
            let labels = labels.as_primitive::<Float64Type>().iter();
            labels.map(|label| label.unwrap_or(f64::NAN)).collect()
        });
        let method = match self.method {
            MethodName::Shapley => Method::Shapley(None),
            MethodName::Lime => {
                Method::Lime(LimeOptions { seed: self.seed, ..LimeOptions::default() })
            }
        };
        let background_rows = self.background_rows.unwrap_or_else(|| method.background_rows());
        let places = sample(background_rows, examples.num_rows(), self.seed ^ 1);
        let places: UInt64Array = places.iter().map(|place| *place as u64).collect();
        let background = take_record_batch(&examples, &places)
            .map_err(|source| ComponentError::Scored { source })?;
        let inputs = servable.raw_inputs().iter().map(|input| input.name.clone());
        let features: Vec<String> =
            inputs.filter(|name| examples.column_by_name(name).is_some()).collect();
        let places = sample(self.rows, examples.num_rows(), self.seed);
        let options = SurveyOptions {
            method,
            output: PREDICTION.to_owned(),
            class: self.class,
            repeats: self.repeats,
            seed: self.seed,
        };
        let examples = Examples {
            rows: &examples,
            explained: &places,
            labels: labels.as_deref(),
            slices: &slices,
        };
        Ok(survey(servable, &features, &examples, &background, &options)?)
    }

    /// Reads examples, as many of each partition.
    fn examples(
        &self,
        servable: &Servable,
        dataset: &Dataset,
        crosses: &[Vec<String>],
    ) -> Result<RecordBatch, BoxError> {
        let (inputs, labels) = (servable.raw_inputs(), servable.label_inputs());
        let mut names: BTreeSet<&str> = crosses.iter().flatten().map(String::as_str).collect();
        names.extend(inputs.iter().chain(&labels).map(|input| input.name.as_str()));
        let splits = dataset.splits();
        let sources = splits.iter().map(Split::source).collect::<Result<Vec<_>, _>>()?;
        let num_partitions: usize = sources.iter().map(Source::num_partitions).sum();
        let of_each = self.max_examples.div_ceil(num_partitions.max(1));
        let mut batches: Vec<RecordBatch> = Vec::new();
        for source in &sources {
            let columns = features_of(source, &names);
            for partition in 0..source.num_partitions() {
                batches.extend(first_rows(source, partition, &columns, of_each)?);
            }
        }
        let schema =
            batches.first().map(RecordBatch::schema).ok_or(ComponentError::NothingToExplain)?;
        let all = concat_batches(&schema, &batches);
        let all = all.map_err(|source| ComponentError::Scored { source })?;
        if all.num_rows() == 0 {
            return Err(ComponentError::NothingToExplain.into());
        }
        Ok(all)
    }
}
