//! Language models for rows of examples: scores, or what follows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, RecordBatch, RecordBatchOptions, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use base::BoxError;
use language::Finish;
use model::{OutputSpec, PREDICTION, Predictor, Signature, Task};

use crate::{CompletionOptions, TextModel, TextModelError, TextScore};

/// The columns of a score.
const SCORES: [&str; 4] = [PREDICTION, "num_tokens", "num_likeliest_tokens", "num_bytes"];
/// The columns of a completion.
const COMPLETION: &str = "completion";
const FINISH_REASON: &str = "finish_reason";

/// What is asked about a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// How well it was foreseen: `prediction`, the sum of negative log likelihoods in nats, `num_tokens`,
    /// `num_likeliest_tokens` and `num_bytes`; NaN where the text is missing.
    Score,
    /// What follows it: `completion` and `finish_reason`; missing where the text is. Each row has the same seed.
    Complete(Box<CompletionOptions>),
}

/// A language model that is asked about rows of examples.
#[derive(Debug)]
pub struct TextPredictor {
    model: Arc<TextModel>,
    ask: Ask,
    signature: Signature,
}

impl TextPredictor {
    /// Returns a predictor.
    pub fn new(model: Arc<TextModel>, ask: Ask) -> Self {
        let names: &[&str] = match ask {
            Ask::Score => &SCORES,
            Ask::Complete(_) => &[COMPLETION, FINISH_REASON],
        };
        let outputs = names.iter().map(|name| OutputSpec { name: (*name).to_owned(), width: 1 });
        // The one task whose prediction is a number that is no probability.
        let signature = Signature {
            inputs: Vec::new(),
            outputs: outputs.collect(),
            label: String::new(),
            task: Task::Regression,
        };
        Self { model, ask, signature }
    }

    /// Returns the model.
    pub fn model(&self) -> &Arc<TextModel> {
        &self.model
    }

    fn scores(&self, documents: &[Option<Vec<u32>>]) -> Result<RecordBatch, TextModelError> {
        let score = |tokens: &Option<Vec<u32>>| -> Result<Option<TextScore>, TextModelError> {
            tokens.as_ref().map(|tokens| self.model.score(tokens)).transpose()
        };
        let scores = documents.iter().map(score).collect::<Result<Vec<_>, _>>()?;
        #[expect(clippy::cast_precision_loss, reason = "texts have less than 2^24 tokens")]
        #[expect(clippy::cast_possible_truncation, reason = "predictions are floats of 32 bits")]
        let of = |name: usize, score: &TextScore| match name {
            0 => score.negative_log_likelihood as f32,
            1 => score.num_tokens as f32,
            2 => score.num_likeliest as f32,
            _ => score.num_bytes as f32,
        };
        let column = |name: usize| -> ArrayRef {
            let values = scores.iter().map(|it| it.as_ref().map_or(f32::NAN, |it| of(name, it)));
            Arc::new(values.collect::<Float32Array>())
        };
        let columns = (0..SCORES.len()).map(column).collect();
        batch(&SCORES, DataType::Float32, columns, documents.len())
    }

    fn completions(
        &self,
        documents: &[Option<Vec<u32>>],
        options: &CompletionOptions,
    ) -> Result<RecordBatch, TextModelError> {
        let (mut texts, mut reasons) = (StringBuilder::new(), StringBuilder::new());
        for tokens in documents {
            let Some(tokens) = tokens else {
                texts.append_null();
                reasons.append_null();
                continue;
            };
            let tokens = self.model.open(tokens.clone())?;
            let prompt = self.model.prompt(&tokens, &|| false)?;
            let Some(prompt) = prompt else { continue };
            let mut completion = self.model.complete(prompt, options.clone())?;
            let mut text = String::new();
            for piece in completion.by_ref() {
                text.push_str(&piece?.text);
            }
            texts.append_value(text);
            reasons.append_value(match completion.finish() {
                Some(Finish::Stop) => "stop",
                _ => "length",
            });
        }
        let columns: Vec<ArrayRef> = vec![Arc::new(texts.finish()), Arc::new(reasons.finish())];
        batch(&[COMPLETION, FINISH_REASON], DataType::Utf8, columns, documents.len())
    }
}

fn batch(
    names: &[&str],
    data_type: DataType,
    columns: Vec<ArrayRef>,
    num_rows: usize,
) -> Result<RecordBatch, TextModelError> {
    let fields: Vec<Field> =
        names.iter().map(|name| Field::new(*name, data_type.clone(), true)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(num_rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .map_err(|source| TextModelError::Batch { source })
}

impl Predictor for TextPredictor {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let documents = self.model.documents(examples)?;
        Ok(match &self.ask {
            Ask::Score => self.scores(&documents)?,
            Ask::Complete(options) => self.completions(&documents, options)?,
        })
    }
}
