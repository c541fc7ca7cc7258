//! Values become ids: buckets, places in a vocabulary, hashes.

use graph::Boundaries;

use super::{DOUBLE, INT, Lowering, STRING};
use crate::saved_model::tensor;
use crate::saved_model::writer::Tensor;

impl Lowering<'_> {
    /// Returns how many boundaries are at most each value; NaN is beyond them all.
    pub(super) fn bucketize(&mut self, a: &Tensor, boundaries: &Boundaries) -> Tensor {
        let boundaries = boundaries.values();
        let shape = self.writer.shape(a);
        if boundaries.is_empty() {
            let zero = self.int(0);
            return self.writer.broadcast(&zero, &shape);
        }
        let sorted = tensor::doubles(&[1, tensor::len(boundaries)], boundaries);
        let sorted = self.writer.constant(sorted);
        let row = self.writer.constant(tensor::int32s(&[1, -1]));
        let values = self.writer.reshape(a, &row);
        let buckets = self.writer.node("UpperBound").input(&sorted).input(&values);
        let buckets = buckets.data_type("T", DOUBLE).data_type("out_type", INT).output(INT);
        self.writer.reshape(&buckets, &shape)
    }

    /// Returns the place of each token in a vocabulary. One without tokens has no table.
    pub(super) fn lookup(
        &mut self,
        a: &Tensor,
        vocabulary: usize,
        num_oov_buckets: u64,
        default_value: i64,
    ) -> Tensor {
        let default = match num_oov_buckets {
            0 => default_value,
            _ => -1,
        };
        let default = self.int(default);
        let tables = self.tables;
        let found = match &tables[vocabulary] {
            Some(table) => {
                let found = self.writer.node("LookupTableFindV2").input(table).input(a);
                let found = found.input(&default).data_type("Tin", STRING);
                found.data_type("Tout", INT).output(INT)
            }
            None => {
                let shape = self.writer.shape(a);
                self.writer.broadcast(&default, &shape)
            }
        };
        if num_oov_buckets == 0 {
            return found;
        }
        let num_tokens = self.graph.vocabularies().nth(vocabulary).map_or(0, |(_, v)| v.len());
        let start = self.int(i64::try_from(num_tokens).expect("memory is smaller"));
        let bucket = self.hash(a, num_oov_buckets);
        let bucket = self.writer.binary("AddV2", &start, &bucket);
        let zero = self.int(0);
        let is_unknown = self.writer.compare("Less", &found, &zero);
        self.writer.select(&is_unknown, &bucket, &found)
    }

    /// Returns the bucket of each text by its fingerprint.
    pub(super) fn hash(&mut self, a: &Tensor, num_buckets: u64) -> Tensor {
        let node = self.writer.node("StringToHashBucketFast").input(a);
        node.int("num_buckets", as_attr(num_buckets)).output(INT)
    }

    /// Returns the bucket of each text by a keyed hash.
    pub(super) fn keyed_hash(&mut self, a: &Tensor, num_buckets: u64, key: [u64; 2]) -> Tensor {
        let node = self.writer.node("StringToHashBucketStrong").input(a);
        let node = node.int("num_buckets", as_attr(num_buckets));
        node.ints("key", &key.map(u64::cast_signed)).output(INT)
    }
}

fn as_attr(num_buckets: u64) -> i64 {
    i64::try_from(num_buckets).expect("the builder refuses more buckets than 63 bits can number")
}
