//! What was learned of a shard before: states under the digest of all that they depend on.

use std::ops::Range;

use arrow::datatypes::SchemaRef;
use base::{BoxError, Digest, DigestBuilder};
use dataflow::{BatchIter, Source};
use graph::Graph;
use sketch::bytes::Reader;

use super::pass::VERSION;
use super::subject::{Analysis, State, Subject};

/// Bytes by key, kept from one run to the next.
///
/// What is found may come from anywhere: it is used only if it is whole. So a store is free to forget and to fail, and
/// then the examples are read once more.
pub trait StateStore: Sync {
    /// Returns the bytes of a key, if they are there.
    fn get(&self, key: &str) -> Option<Vec<u8>>;

    /// Keeps bytes for later.
    fn put(&self, key: &str, bytes: &[u8]);
}

/// Some partitions of a source whose content is known, such as those of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// A digest of the content.
    pub digest: String,
    /// Its partitions, by place.
    pub partitions: Range<usize>,
}

/// Returns the key of what is learned of a shard by a subject of a graph, whose outputs are the subject's columns.
pub(crate) fn key(graph: &Graph, analysis: Analysis, shard: &Shard) -> Digest {
    let graph = serde_json::to_vec(graph).expect("a graph is names, numbers and texts");
    let analysis = serde_json::to_vec(&analysis).expect("an analysis is names");
    DigestBuilder::default()
        .part("version", &VERSION.to_le_bytes())
        .part("program", env!("CARGO_PKG_VERSION").as_bytes())
        .part("graph", &graph)
        .part("analysis", &analysis)
        .part("shard", shard.digest.as_bytes())
        .finish()
}

/// Returns the state that is kept under a key, if it is there and whole.
pub(crate) fn load(store: &dyn StateStore, key: &Digest, subject: &Subject) -> Option<State> {
    let bytes = store.get(&key.to_string())?;
    let (digest, bytes) = bytes.split_at_checked(DIGEST_LEN)?;
    if Digest::of(bytes).to_string().as_bytes() != digest {
        return None;
    }
    let mut input = Reader::new(bytes);
    let state = subject.read(&mut input).ok()?;
    input.finish().ok()?;
    Some(state)
}

/// Keeps a state, unless it did not fit in memory.
pub(crate) fn store(store: &dyn StateStore, key: &Digest, state: &State) {
    if state.is_spilled() {
        return;
    }
    let mut bytes = vec![0; DIGEST_LEN];
    if state.write(&mut bytes).is_ok() {
        let digest = Digest::of(&bytes[DIGEST_LEN..]).to_string();
        bytes[..DIGEST_LEN].copy_from_slice(digest.as_bytes());
        store.put(&key.to_string(), &bytes);
    }
}

/// In hexadecimal digits.
const DIGEST_LEN: usize = 64;

/// Returns whether shards are all partitions of a source, in order.
pub(crate) fn are_all(shards: &[Shard], source: &dyn Source) -> bool {
    let mut next = 0;
    shards.iter().all(|shard| {
        let follows = shard.partitions.start == next && shard.partitions.end >= next;
        next = shard.partitions.end;
        follows
    }) && next == source.num_partitions()
}

/// Some partitions of a source.
pub(crate) struct Part<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) partitions: Range<usize>,
}

impl Source for Part<'_> {
    fn schema(&self) -> SchemaRef {
        self.source.schema()
    }

    fn num_partitions(&self) -> usize {
        self.partitions.len()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        self.source.read(self.partitions.start + partition, columns)
    }
}
