//! What is learned of the examples, shard by shard: only of those that were not learned from before.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use artifact::{Artifact, RunContext};
use base::{BoxError, Digest, DigestBuilder};
use dataflow::Source;
use dataset::{Split, SplitFiles};
use graph::Graph;
use transform::{
    AnalyzeOptions, Config, FolderStore, FolderView, ForeseenPass, InputFeature, Shard,
};

use crate::examples_window::span;
use crate::joined::Joined;

/// How much is kept of what was learned of shards.
const MAX_KEPT_BYTES: u64 = 1 << 30;

/// So many features are named at most.
const NAMED: usize = 8;

/// The examples that are learned from.
pub(crate) struct Learnt<'a> {
    pub(crate) artifacts: &'a [Artifact],
    /// The splits of each artifact.
    pub(crate) names: &'a [String],
    /// The splits of `names` of each of the artifacts, one behind the other.
    pub(crate) splits: &'a [&'a Split],
    pub(crate) source: &'a Joined,
}

/// Returns the graph, and what people should know about how much of it was learned before.
///
/// What is learned of each shard is kept in the node's folder under the digest of the shard's content and of all else that
/// it depends on, so that only new shards are read.
pub(crate) fn learn(
    config: &Config,
    inputs: &[InputFeature],
    of: &Learnt<'_>,
    context: &RunContext<'_>,
) -> Result<(Graph, String), BoxError> {
    let Some(dir) = context.keep_dir else {
        let graph = transform::analyze(config, inputs, of.source, context.engine)?;
        return Ok((graph, String::new()));
    };
    let store = FolderStore::open(dir, context.now_ms)?;
    let (shards, _) = shards(of)?;
    let options =
        AnalyzeOptions { shards: &shards, cache: Some(&store), ..AnalyzeOptions::default() };
    let analyzed = transform::analyze_with(config, inputs, of.source, context.engine, &options)?;
    store.prune(MAX_KEPT_BYTES)?;
    // Later passes depend on what all shards taught the first.
    let from_before = match analyzed.passes.first() {
        Some(pass) if pass.num_cached > 0 => {
            format!(", {} of {} shards known from before", pass.num_cached, pass.num_shards)
        }
        _ => String::new(),
    };
    Ok((analyzed.graph, from_before))
}

/// Tells of which splits everything is kept that would be learned of them, and which would be read for which features.
///
/// Of a window that newer examples are about to join (`is_growing`) only the first pass can be told: others depend on what
/// that one reads.
pub(crate) fn foresee(
    config: &Config,
    inputs: &[InputFeature],
    of: &Learnt<'_>,
    dir: &Path,
    is_growing: bool,
) -> Result<Vec<String>, BoxError> {
    let (shards, of_splits) = shards(of)?;
    let store = FolderView { dir };
    let options =
        AnalyzeOptions { shards: &shards, cache: Some(&store), ..AnalyzeOptions::default() };
    let foresight = transform::foresee(config, inputs, of.source, &options)?;
    let num_told = if is_growing { 1 } else { foresight.passes.len() };
    let num_passes = foresight.passes.len() + foresight.num_unknown_passes;
    let mut lines = Vec::new();
    for (place, pass) in foresight.passes.iter().take(num_told).enumerate() {
        let pass_name = match num_passes {
            1 => String::new(),
            _ => format!("pass {} of {num_passes}, ", place + 1),
        };
        for (nth, name) in of.names.iter().enumerate() {
            let told = of.artifacts.iter().enumerate().map(|(artifact, examples)| {
                let range = of_splits[artifact * of.names.len() + nth].clone();
                (span(examples), told(pass, range))
            });
            for (spans, told) in together(told) {
                lines.push(format!("{pass_name}{spans}{name}: {told}"));
            }
        }
    }
    let num_told = num_told.min(foresight.passes.len());
    if num_told > 0 && num_told < num_passes {
        lines.push(format!(
            "pass {} of {num_passes}: known when the one before has read",
            num_told + 1
        ));
    }
    if is_growing && num_told > 0 {
        lines.push("what comes new, or in the place of one of these: read".to_owned());
    }
    Ok(lines)
}

/// Tells what a pass does with some shards.
fn told(pass: &ForeseenPass, shards: Range<usize>) -> String {
    let mut features = BTreeSet::new();
    let mut num_read = 0;
    for shard in shards.clone() {
        let missing: Vec<_> =
            pass.analyses.iter().filter(|analysis| !analysis.is_kept[shard]).collect();
        num_read += usize::from(!missing.is_empty());
        features.extend(missing.iter().flat_map(|analysis| &analysis.features));
    }
    if num_read == 0 {
        return "kept".to_owned();
    }
    let mut named: Vec<String> =
        features.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    if features.len() > NAMED {
        named.push(format!("{} more", features.len() - NAMED));
    }
    format!("{num_read} of {} shards read for {}", shards.len(), named.join(", "))
}

/// Puts spans together that follow each other and of which the same is told.
fn together(told: impl Iterator<Item = (i64, String)>) -> Vec<(String, String)> {
    let mut groups: Vec<(Range<i64>, String)> = Vec::new();
    for (span, text) in told {
        match groups.last_mut() {
            Some((spans, last)) if *last == text => spans.end = span,
            _ => groups.push((span..span, text)),
        }
    }
    let shown = |spans: Range<i64>| match (spans.start, spans.end) {
        (0, 0) => String::new(),
        (first, last) if first == last => format!("span {first}, "),
        (first, last) => format!("spans {first} to {last}, "),
    };
    groups.into_iter().map(|(spans, text)| (shown(spans), text)).collect()
}

/// Returns the shards of splits with digests of their content, and which of them are those of each split.
fn shards(of: &Learnt<'_>) -> Result<(Vec<Shard>, Vec<Range<usize>>), BoxError> {
    let (mut shards, mut of_splits) = (Vec::new(), Vec::with_capacity(of.splits.len()));
    let mut start = 0;
    for (split, files) in of.splits.iter().zip(of.source.parts()) {
        let first = shards.len();
        let digests = split.shards.iter().map(|path| base::digest_file(path));
        let digests: Vec<Digest> = digests.collect::<Result<_, _>>()?;
        if let SplitFiles::Parquet(files) = files {
            let file_of_partition: Vec<usize> = files.file_of_partition().collect();
            for (file, digest) in digests.iter().enumerate() {
                let end = start + file_of_partition.iter().filter(|found| **found == file).count();
                shards.push(Shard { digest: digest.to_string(), partitions: start..end });
                start = end;
            }
        } else {
            // Partitions of records do not tell their files.
            let all = digests.iter().fold(DigestBuilder::default(), |builder, digest| {
                builder.part("shard", digest.to_string().as_bytes())
            });
            let end = start + files.num_partitions();
            shards.push(Shard { digest: all.finish().to_string(), partitions: start..end });
            start = end;
        }
        of_splits.push(first..shards.len());
    }
    Ok((shards, of_splits))
}
