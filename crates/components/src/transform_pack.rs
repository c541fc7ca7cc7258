//! Packed tokens in the place of transformed examples, and as shards for training.

use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use artifact::{FeatureInfo, FeatureKind, Problem, RunContext};
use base::BoxError;
use dataflow::Source;
use dataset::{Dataset, ShardWriter};
use graph::Shape;
use schemars::JsonSchema;
use serde::Deserialize;
use transform::{ApplyGraph, Deduplicator, OutputFeature, PackConfig, Packer};

use crate::ComponentError;
use crate::transform::only_new;

/// The key of packing, beside the stage's own keys.
pub(crate) const PACK: &str = "pack";
pub(crate) const PACK_HELP: &str = "Packs the tokens of documents into blocks of a fixed length, for language models: in the \
     place of the features, transformed examples hold blocks of tokens (under the feature's name), the number of each token's \
     document within its block (`<feature>_segment_ids`) and its place within the document (`<feature>_positions`).";

/// How tokens are packed, and whether they are written for training, too.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pack {
    /// The feature that holds the tokens of each document: a list of integers.
    feature: String,
    /// How many tokens a block has.
    length: u32,
    /// The token that goes behind every document; none where not given.
    #[serde(default)]
    separator: Option<i64>,
    /// What becomes of the tokens that do not fill the last block.
    #[serde(default)]
    remainder: transform::Remainder,
    /// The token that fills the last block.
    #[serde(default)]
    padding: i64,
    /// Whether `tokens/<split>/` beside the splits holds the tokens as shards, too, from which language models are trained:
    /// little-endian, two or four bytes each, with a JSON header.
    #[serde(default)]
    token_shards: bool,
}

impl Pack {
    fn config(&self) -> PackConfig {
        PackConfig {
            feature: self.feature.clone(),
            length: self.length,
            separator: self.separator,
            remainder: self.remainder,
            padding: self.padding,
        }
    }

    /// Returns what is wrong, and the features that come out.
    pub(crate) fn check(&self, outputs: &[OutputFeature]) -> (Vec<Problem>, Vec<FeatureInfo>) {
        let mut problems = Vec::new();
        let mut problem = |key: &str, message: String, hint: Option<String>| {
            problems.push(Problem { key: format!("{PACK}.{key}"), offset: None, message, hint });
        };
        let found = outputs.iter().find(|output| output.name == self.feature);
        match found {
            None => {
                let names = outputs.iter().map(|output| output.name.as_str());
                let near = base::nearest(&self.feature, names);
                let message = format!("there is no feature `{}`", self.feature);
                problem("feature", message, near.map(|near| format!("did you mean `{near}`?")));
            }
            Some(found) => {
                let is_int = found.value_type.is_none_or(|of| of == graph::ValueType::Int);
                if found.shape == Shape::One || !is_int {
                    let message = format!("`{}` is no list of integers", self.feature);
                    problem("feature", message, None);
                }
            }
        }
        if let Some((key, message)) = self.config().mistake() {
            problem(key, message, None);
        }
        let num_buckets = found.and_then(|found| found.num_buckets);
        let column = |(place, name): (usize, String)| FeatureInfo {
            name,
            kind: Some(FeatureKind::Int),
            is_list: Some(true),
            num_buckets: num_buckets.filter(|_| place == 0),
            note: None,
        };
        (problems, self.config().columns().into_iter().enumerate().map(column).collect())
    }

    /// Writes the blocks of a split, and its shards; returns how many blocks there are.
    pub(crate) fn write(
        &self,
        name: &str,
        source: &dyn Source,
        stage: &ApplyGraph,
        out_dir: &Path,
        context: &RunContext<'_>,
        mut deduplicator: Option<&mut Deduplicator>,
    ) -> Result<u64, BoxError> {
        let compared = deduplicator.as_ref().map(|of| of.feature().to_owned());
        let compared = compared.as_deref().filter(|name| *name != self.feature);
        let names: Vec<&str> = std::iter::once(self.feature.as_str()).chain(compared).collect();
        let graph = stage.graph().project(&names)?;
        let own = graph.outputs().iter().find(|output| output.name == self.feature);
        let num_buckets = own.and_then(|output| output.num_buckets);
        let mut packer = Packer::new(self.config());
        let dir = Dataset::split_dir(out_dir, name);
        let mut writer = ShardWriter::create(&dir, "transformed_examples", packer.schema())?;
        let mut num_blocks = 0;
        let mut write = |blocks: Option<arrow::array::RecordBatch>| -> Result<(), BoxError> {
            if let Some(blocks) = blocks {
                num_blocks += blocks.num_rows() as u64;
                writer.write(&blocks)?;
            }
            Ok(())
        };
        dataflow::map(context.engine, source, &ApplyGraph::new(graph), &mut |batch| {
            write(packer.push(&only_new(deduplicator.as_deref_mut(), batch)?)?)
        })?;
        write(packer.finish())?;
        writer.close()?;
        if self.token_shards {
            self.write_shards(name, out_dir, num_buckets)?;
        }
        Ok(num_blocks)
    }

    /// Writes the tokens of blocks that were written, what fills up the last one left out.
    fn write_shards(
        &self,
        name: &str,
        out_dir: &Path,
        num_buckets: Option<u64>,
    ) -> Result<(), BoxError> {
        let num_buckets = num_buckets.ok_or_else(|| ComponentError::Pack {
            reason: format!(
                "how many ids `{}` has is not known, which `token_shards` needs; of `tokenize` and its like it is",
                self.feature
            ),
        })?;
        let separator = self.separator.and_then(|id| u64::try_from(id).ok()).map_or(0, |id| id + 1);
        let vocabulary_size = u32::try_from(num_buckets.max(separator)).unwrap_or(u32::MAX);
        let source = Dataset::open(out_dir, &[name.to_owned()])?.split(name)?.source()?;
        let mut failed: Option<BoxError> = None;
        let batches =
            (0..source.num_partitions()).flat_map(|partition| match source.read(partition, None) {
                Ok(batches) => batches,
                Err(error) => Box::new(std::iter::once(Err(error))),
            });
        let mut tokens = batches
            .map_while(|batch| match batch {
                Ok(batch) => Some(batch),
                Err(error) => {
                    failed = Some(error);
                    None
                }
            })
            .flat_map(|batch| {
                let values = |column: usize| {
                    let lists = batch.column(column).as_fixed_size_list();
                    lists.values().as_primitive::<Int64Type>().values().clone()
                };
                let (tokens, segments) = (values(0), values(1));
                let is_token = move |place: &usize| segments[*place] > 0;
                // What is no id of 32 bits is refused by the writer.
                let token = move |place: usize| u32::try_from(tokens[place]).unwrap_or(u32::MAX);
                (0..batch.num_rows() * self.length as usize).filter(is_token).map(token)
            });
        let dir = out_dir.join("tokens").join(name);
        let length = self.length as usize;
        loader::write_token_shard(&dir, "part-00000", vocabulary_size, length, &mut tokens)?;
        drop(tokens);
        failed.map_or(Ok(()), Err)
    }
}
