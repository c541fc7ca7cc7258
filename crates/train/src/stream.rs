//! An endless, shuffled stream of batches of labelled examples, made ahead by other threads.
//!
//! The order is that of [`loader::ExampleLoader`]: epoch follows epoch, each sees every labelled example once, and the
//! last batch of one may be smaller. A split that fits the buffer is decoded once and put in a new order as a whole; of a
//! larger one, partitions are decoded by the reading threads, and as many examples as fit the buffer are drawn from at a
//! time. The examples of a query stay together.

use std::sync::Arc;

use loader::{ExampleLoader, ExampleLoaderConfig, Examples, LoaderError, Partitions, Parts};

use crate::TrainError;
use crate::examples::{Scan, Split, Table, grouped};

/// How many batches are made ahead; steps of small models take less time than it takes to wake a thread.
const PREFETCH: usize = 16;

/// The examples of a split in random order, without end.
pub(crate) struct ExampleStream(ExampleLoader<Decoded>);

impl ExampleStream {
    /// Returns the stream of a split, given what a scan with the same buffer found.
    pub(crate) fn new(
        split: &Split,
        scan: Scan,
        seed: u64,
        batch_size: usize,
        buffer_bytes: usize,
    ) -> Result<Self, TrainError> {
        let rows = match &scan.table {
            Some(table) => table.len(),
            None => buffer_bytes / scan.row_bytes.max(1),
        };
        let config = ExampleLoaderConfig {
            // More than two thousand million would be of less than a byte each.
            shuffle_rows: rows.clamp(1, 1 << 31),
            prefetch: PREFETCH,
            ..ExampleLoaderConfig::new(batch_size, Some(seed))
        };
        let table = scan.table.map(|table| Arc::new(query_by_query(table)));
        let decoded = Decoded { split: split.clone(), table };
        Ok(Self(ExampleLoader::of(Arc::new(decoded), config)?))
    }

    /// Returns the next batch.
    pub(crate) fn next_batch(&mut self) -> Result<Arc<Table>, TrainError> {
        // Behind the end of an epoch comes the next; two ends are one of nothing.
        for _ in 0..2 {
            if let Some(batch) = self.0.next_batch()? {
                return Ok(batch.0);
            }
        }
        Err(TrainError::NoExamples { num_missing_labels: 0 })
    }

    /// Returns how far the stream is, for [`ExampleStream::resume`].
    pub(crate) fn position(&self) -> Vec<u8> {
        self.0.state()
    }

    /// Goes to a position that another stream of the same split and seed was at.
    pub(crate) fn resume(&mut self, position: &[u8]) -> Result<(), TrainError> {
        Ok(self.0.resume(position)?)
    }
}

/// Labelled examples, decoded by whoever reads them.
struct Decoded {
    split: Split,
    /// All of them, when they fit memory.
    table: Option<Arc<Table>>,
}

impl Partitions for Decoded {
    type Examples = Shared;
    type Error = TrainError;

    fn num_partitions(&self) -> usize {
        if self.table.is_some() { 1 } else { self.split.source.num_partitions() }
    }

    fn read(&self, partition: usize) -> Result<Parts<'_, Self>, TrainError> {
        if let Some(table) = &self.table {
            return Ok(Box::new(std::iter::once(Ok(Shared(Arc::clone(table))))));
        }
        let split = &self.split;
        let tables = split.open(partition)?.map(|batch| {
            let batch = batch.map_err(|error| TrainError::Read { split: split.name, error })?;
            Ok(split.decode(&batch)?.0)
        });
        if split.about.query.is_none() {
            return Ok(Box::new(tables.map(|table| table.map(Shared::of))));
        }
        Ok(Box::new(WholeQueries { tables, held: Table::default() }))
    }
}

/// Tables cut where queries end; what begins a query waits for its end.
struct WholeQueries<I> {
    tables: I,
    held: Table,
}

impl<I: Iterator<Item = Result<Table, TrainError>>> Iterator for WholeQueries<I> {
    type Item = Result<Shared, TrainError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.tables.next() {
                Some(Ok(table)) => {
                    (0..table.len()).for_each(|row| self.held.push(&table, row));
                    let last = self.held.queries.last().copied();
                    let end = self.held.queries.iter().rposition(|&query| Some(query) != last);
                    let Some(end) = end else { continue };
                    let held = std::mem::take(&mut self.held);
                    let mut whole = Table::default();
                    for row in 0..held.len() {
                        let to = if row <= end { &mut whole } else { &mut self.held };
                        to.push(&held, row);
                    }
                    return Some(Ok(Shared::of(whole)));
                }
                Some(Err(error)) => return Some(Err(error)),
                None if self.held.len() > 0 => {
                    return Some(Ok(Shared::of(std::mem::take(&mut self.held))));
                }
                None => return None,
            }
        }
    }
}

/// Examples that several epochs read.
struct Shared(Arc<Table>);

impl Shared {
    fn of(table: Table) -> Self {
        Self(Arc::new(table))
    }
}

impl Examples for Shared {
    fn num_rows(&self) -> usize {
        self.0.len()
    }

    fn stays_with_previous(&self, row: usize) -> bool {
        let queries = &self.0.queries;
        row > 0 && !queries.is_empty() && queries[row] == queries[row - 1]
    }

    fn gather(parts: &[&Self], rows: &[(usize, usize)]) -> Result<Self, LoaderError> {
        let mut gathered = Table::default();
        for &(part, row) in rows {
            gathered.push(&parts[part].0, row);
        }
        Ok(Self::of(gathered))
    }
}

/// Returns the examples with those of each query one behind the other.
fn query_by_query(table: Table) -> Table {
    if table.queries.is_empty() {
        return table;
    }
    let mut sorted = Table::default();
    for row in grouped(&table.queries).0 {
        sorted.push(&table, row);
    }
    sorted
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "tests"
)]
mod tests {
    use super::*;

    use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch};
    use dataflow::Batches;
    use model::network::{Encoder, Network};
    use model::{Architecture, FeatureKind, FeatureSpec, Task};

    use crate::Config;
    use crate::examples::About;

    /// Examples `0..num_rows` in partitions of 40, those of a query with the same number by ten; every seventh has no label.
    fn split(num_rows: i64, config: &str) -> Split {
        let x: ArrayRef = Arc::new((0..num_rows).map(|x| Some(x as f32)).collect::<Float32Array>());
        let label = (0..num_rows).map(|x| (x % 7 > 0).then_some(x % 2));
        let columns: [(&str, ArrayRef); 3] = [
            ("x", x),
            ("query", Arc::new((0..num_rows).map(|x| Some(x / 10)).collect::<Int64Array>())),
            ("label", Arc::new(label.collect::<Int64Array>())),
        ];
        let all = RecordBatch::try_from_iter(columns).unwrap();
        let parts = (0..all.num_rows()).step_by(40);
        let parts = parts.map(|at| all.slice(at, 40.min(all.num_rows() - at))).collect();
        let config: Config =
            toml::from_str(&format!("{config}\n[model.linear]\nlabel = \"label\"")).unwrap();
        let features = [FeatureSpec { name: "x".to_owned(), kind: FeatureKind::Numeric }];
        let network = Arc::new(Network::new(&features, &Architecture::Linear, 1).unwrap());
        Split {
            name: "train",
            source: Arc::new(Batches::new(all.schema(), parts)),
            encoder: Arc::new(Encoder::new(&network)),
            network,
            about: About::of(&config),
            task: Task::Regression,
        }
    }

    fn stream(split: &Split, buffer_bytes: usize) -> ExampleStream {
        let scan = split.scan(buffer_bytes).unwrap();
        ExampleStream::new(split, scan, 3, 16, buffer_bytes).unwrap()
    }

    fn numbers(table: &Table) -> Vec<usize> {
        table.rows.numeric().iter().map(|x| *x as usize).collect()
    }

    const RANKING: &str = "ranking = { query = \"query\" }";

    #[test]
    fn a_resumed_stream_gives_what_the_other_would_have_given() {
        for config in ["", RANKING] {
            let split = split(400, config);
            for buffer_bytes in [1 << 20, 600] {
                for num_batches in [0, 1, 20, 50] {
                    let mut one = stream(&split, buffer_bytes);
                    (0..num_batches).for_each(|_| drop(one.next_batch().unwrap()));
                    let mut other = stream(&split, buffer_bytes);
                    other.next_batch().unwrap();
                    other.resume(&one.position()).unwrap();
                    for _ in 0..40 {
                        assert_eq!(other.next_batch().unwrap(), one.next_batch().unwrap());
                    }
                }
            }
        }
    }

    #[test]
    fn the_examples_of_a_query_stay_together() {
        let split = split(400, RANKING);
        for buffer_bytes in [1 << 20, 600] {
            let mut stream = stream(&split, buffer_bytes);
            let mut seen = Vec::new();
            let mut orders = Vec::new();
            for _ in 0..2 {
                let start = seen.len();
                while seen.len() - start < 342 {
                    let batch = stream.next_batch().unwrap();
                    let rows = numbers(&batch);
                    for row in &rows {
                        let of_query = rows.iter().filter(|other| *other / 10 == row / 10).count();
                        assert_eq!(
                            of_query,
                            (row / 10 * 10..row / 10 * 10 + 10).filter(|x| x % 7 > 0).count()
                        );
                    }
                    seen.extend(rows);
                }
                let mut sorted = seen[start..].to_vec();
                orders.push(sorted.clone());
                sorted.sort_unstable();
                assert_eq!(sorted, (0..400).filter(|x| x % 7 > 0).collect::<Vec<_>>());
            }
            assert_ne!(orders[0], orders[1]);
        }
    }

    #[test]
    fn a_position_of_other_settings_is_refused() {
        let split = split(100, "");
        let scan = split.scan(1 << 20).unwrap();
        let other = ExampleStream::new(&split, scan, 4, 16, 1 << 20).unwrap();
        let error = stream(&split, 1 << 20).resume(&other.position()).unwrap_err();
        assert!(error.to_string().contains("another seed"), "{error}");
    }
}
