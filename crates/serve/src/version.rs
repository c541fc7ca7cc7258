//! One version of a model, loaded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{RecordBatch, new_null_array};
use model::Task;
use text_model::TextModel;

use crate::batcher::{BatchConfig, Batcher, Predicted};
use crate::failure::Failure;
use crate::inputs::{Columns, Inputs};
use crate::json::Reader;
use crate::loader::Loaded;
use crate::metrics::ModelMetrics;
use crate::outputs::{self, OutputInfo};

/// How often a model is asked before others may ask it.
const WARM_UP_RUNS: usize = 8;

/// A version that answers.
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) inputs: Inputs,
    pub(crate) outputs: Vec<OutputInfo>,
    pub(crate) task: Task,
    /// A language model, which completes texts, too.
    pub(crate) text: Option<Arc<TextModel>>,
    batcher: Batcher,
}

impl Version {
    /// Takes a loaded model and asks it for predictions of missing and of made-up rows: so that its code and memory are
    /// there, its cost is known, and a model that cannot answer is found out before anybody needs it.
    pub(crate) fn warm(
        number: u64,
        loaded: Loaded,
        config: &BatchConfig,
        metrics: Arc<ModelMetrics>,
    ) -> Result<Self, Failure> {
        let Loaded { graph, predictor, inputs, text } = loaded;
        let inputs = Inputs::new(inputs);
        let task = predictor.signature().task;
        let batcher = Batcher::new(graph, predictor, config.clone(), metrics);
        let missing = missing_row(&inputs)?;
        let mut answer = None;
        for _ in 0..WARM_UP_RUNS {
            // Rows without any value may be refused by models of others; what they answer with is then not known yet.
            answer = batcher.run(&missing).ok().or(answer);
            if let Some(row) = made_up_row(&inputs) {
                answer = Some(batcher.run(&row)?);
            }
        }
        let answer = match answer {
            Some(answer) => answer,
            None => batcher.run(&missing)?,
        };
        if answer.num_rows() != 1 {
            let message = format!("asked for one row, the model answered {}", answer.num_rows());
            return Err(Failure::new(crate::failure::Code::Internal, message));
        }
        let outputs = outputs::infos(answer.schema_ref())?;
        Ok(Self { number, inputs, outputs, task, text, batcher })
    }

    /// Predicts: at once where the model is cheap and not busy, otherwise together with others.
    pub(crate) async fn predict(
        &self,
        batch: RecordBatch,
        deadline: Instant,
    ) -> Result<Predicted, Failure> {
        self.batcher.predict(batch, deadline).await
    }

    /// Predicts in this thread.
    pub(crate) fn predict_now(&self, batch: &RecordBatch) -> Result<RecordBatch, Failure> {
        self.batcher.run(batch)
    }

    /// Returns what one row takes, as far as it is known.
    pub(crate) fn row_cost(&self) -> Duration {
        self.batcher.estimate(1)
    }
}

fn missing_row(inputs: &Inputs) -> Result<RecordBatch, Failure> {
    let columns = inputs.schema().fields().iter().map(|field| new_null_array(field.data_type(), 1));
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(1));
    RecordBatch::try_new_with_options(Arc::clone(inputs.schema()), columns.collect(), &options)
        .map_err(|error| Failure::invalid(error.to_string()))
}

/// Returns a row of ones and words; none where a feature takes neither.
fn made_up_row(inputs: &Inputs) -> Option<RecordBatch> {
    let mut columns = Columns::new(inputs);
    for (column, feature) in columns.columns.iter_mut().zip(inputs.features()) {
        let value = match feature.value_type {
            graph::ValueType::String => "\"a\"",
            _ => "1",
        };
        let value = match feature.shape {
            graph::Shape::One => value.to_owned(),
            graph::Shape::List => format!("[{value}]"),
            graph::Shape::Vector(length) => {
                format!("[{}]", vec![value; usize::try_from(length).ok()?].join(","))
            }
        };
        let mut reader = Reader::new(value.as_bytes()).ok()?;
        column.push_json(&mut reader, feature, 0).ok()?;
    }
    columns.finish(1).ok()
}
