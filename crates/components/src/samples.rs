//! Samples of what a language model writes, for people to read.

use base::BoxError;
use dataflow::Source as _;
use dataset::Dataset;
use report::Sample;
use text_model::{CompletionOptions, TextModel, TextModelError};

/// How many texts are gone on from.
const NUM_SAMPLES: usize = 4;
/// How many tokens of a text the model is given.
const PROMPT_TOKENS: usize = 16;
/// How many it writes.
const NEW_TOKENS: usize = 64;

/// Returns what a model writes behind the beginnings of the first texts of some splits; the same model writes the same.
pub(crate) fn samples(model: &TextModel, dataset: &Dataset) -> Result<Vec<Sample>, BoxError> {
    let mut samples = Vec::new();
    let num_given = PROMPT_TOKENS.min(model.model().shape().max_positions / 2);
    let inputs: Vec<String> = model.inputs().iter().map(|input| input.name.clone()).collect();
    for split in dataset.splits() {
        let source = split.source()?;
        for partition in 0..source.num_partitions() {
            for batch in source.read(partition, Some(&inputs))? {
                let batch = batch?;
                // Few rows at a time: texts may be long.
                for row in 0..batch.num_rows() {
                    let documents = model.documents(&batch.slice(row, 1))?;
                    let tokens = documents.into_iter().flatten().next().unwrap_or_default();
                    if tokens.len() <= num_given {
                        continue;
                    }
                    samples.extend(sample(model, &tokens[..num_given])?);
                    if samples.len() == NUM_SAMPLES {
                        return Ok(samples);
                    }
                }
            }
        }
    }
    Ok(samples)
}

fn sample(model: &TextModel, tokens: &[u32]) -> Result<Option<Sample>, BoxError> {
    let Some(prompt) = model.prompt(tokens, &|| false)? else { return Ok(None) };
    let mut options = CompletionOptions { max_tokens: Some(NEW_TOKENS), ..Default::default() };
    options.sampling.temperature = 0.8;
    let mut written = String::new();
    for piece in model.complete(prompt, options)? {
        written.push_str(&piece?.text);
    }
    let prompt = model.tokenizer().decode(tokens, true);
    let prompt = prompt.map_err(|source| TextModelError::Decode { source })?;
    Ok(Some(Sample { prompt, written }))
}
