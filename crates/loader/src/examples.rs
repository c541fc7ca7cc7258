//! Shuffled batches of the examples of a source.
//!
//! The partitions of an epoch are put in a new order and dealt to a number of reading threads; their batches are taken
//! from one thread after the other, so that the order does not depend on which is faster. Rows go to a pool of bounded
//! size, from which they are drawn at random. Another thread makes batches of them ahead of who asks.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use base::{BoxError, Digest};
use dataflow::Source;

use crate::permutation::mix;
use crate::{LoaderError, Permutation};

const MAGIC: [u8; 8] = *b"cupexa01";

/// How examples are dealt out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleLoaderConfig {
    /// How many examples a batch of one rank has; the last of an epoch may have fewer, if there is one rank.
    pub batch_size: usize,
    /// Which of the ranks this is.
    pub rank: usize,
    /// How many ranks there are. All read all examples, and each keeps its own.
    pub world_size: usize,
    /// Seeds the order; `None` gives the examples as they come.
    pub seed: Option<u64>,
    /// How many examples are drawn from at a time.
    pub shuffle_rows: usize,
    /// How many partitions are read beside each other.
    pub interleave: usize,
    /// How many batches are made ahead of who asks.
    pub prefetch: usize,
    /// The columns to read; `None` reads all.
    pub columns: Option<Vec<String>>,
}

impl ExampleLoaderConfig {
    /// Returns the settings of a loader that is alone.
    pub fn new(batch_size: usize, seed: Option<u64>) -> Self {
        Self {
            batch_size,
            rank: 0,
            world_size: 1,
            seed,
            shuffle_rows: 16_384,
            interleave: 4,
            prefetch: 2,
            columns: None,
        }
    }

    fn check(&self) -> Result<(), LoaderError> {
        let check = |setting, found: usize, (min, max): (usize, usize)| {
            if (min..=max).contains(&found) {
                return Ok(());
            }
            let (found, expected) = (found.to_string(), format!("between {min} and {max}"));
            Err(LoaderError::Setting { setting, found, expected })
        };
        check("batch_size", self.batch_size, (1, 1 << 24))?;
        check("world_size", self.world_size, (1, 1 << 16))?;
        check("rank", self.rank, (0, self.world_size - 1))?;
        check("shuffle_rows", self.shuffle_rows, (1, 1 << 31))?;
        check("interleave", self.interleave, (1, 256))?;
        check("prefetch", self.prefetch, (1, 4096))
    }

    fn global_batch(&self) -> usize {
        self.batch_size * self.world_size
    }

    /// Returns a digest of all that the order of the examples depends on.
    fn digest(&self, num_partitions: usize) -> Digest {
        let seed = self.seed.map(|seed| seed.to_string()).unwrap_or_default();
        let text = format!(
            "{} {} {} {num_partitions} {seed}",
            self.global_batch(),
            self.shuffle_rows,
            self.interleave
        );
        Digest::of(text.as_bytes())
    }
}

/// How far a loader is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    epoch: u64,
    /// Batches of this epoch that were given out.
    batches: u64,
}

type Made = Result<Option<RecordBatch>, BoxError>;

/// Shuffled batches of the examples of a source, epoch after epoch, made ahead by other threads.
///
/// The order depends on the source, the seed and the settings alone. All ranks together give the same examples in a
/// step, whatever their number, as long as `batch_size * world_size` is the same. With several ranks what does not make
/// a whole batch for each of them at the end of an epoch is left out of it, so that all have as many batches.
pub struct ExampleLoader {
    source: Arc<dyn Source + Send>,
    config: ExampleLoaderConfig,
    position: Position,
    digest: Digest,
    waited: Duration,
    ahead: Option<Ahead>,
}

/// The thread that makes batches.
struct Ahead {
    made: Receiver<Made>,
    thread: JoinHandle<()>,
}

impl ExampleLoader {
    /// Returns the batches of a source from the beginning.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Setting`].
    pub fn new(
        source: Arc<dyn Source + Send>,
        config: ExampleLoaderConfig,
    ) -> Result<Self, LoaderError> {
        config.check()?;
        let digest = config.digest(source.num_partitions());
        let (position, waited) = (Position::default(), Duration::ZERO);
        Ok(Self { source, config, position, digest, waited, ahead: None })
    }

    /// Returns the next batch, or `None` at the end of an epoch; after it comes the next one.
    ///
    /// # Errors
    ///
    /// The reader's own error, in the place of the batch that it is about.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, BoxError> {
        let ahead = self.ahead.get_or_insert_with(|| {
            Ahead::start(Arc::clone(&self.source), self.config.clone(), self.position)
        });
        let begin = Instant::now();
        // Without an answer the thread has ended, which it does only after an error.
        let made = ahead.made.recv().unwrap_or(Ok(None));
        self.waited += begin.elapsed();
        match &made {
            Ok(Some(_)) => self.position.batches += 1,
            Ok(None) => self.position = Position { epoch: self.position.epoch + 1, batches: 0 },
            Err(_) => self.stop(),
        }
        made
    }

    /// Returns how long callers have waited for batches, all together.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Leaves out so many batches of this epoch. They are read, but not made.
    pub fn skip(&mut self, num_batches: u64) {
        self.stop();
        self.position.batches = self.position.batches.saturating_add(num_batches);
    }

    /// Returns the position as bytes, the same for all ranks, for [`ExampleLoader::resume`].
    pub fn state(&self) -> Vec<u8> {
        let numbers = [self.position.epoch, self.position.batches];
        let numbers = numbers.into_iter().flat_map(u64::to_le_bytes);
        MAGIC.into_iter().chain(numbers).chain(self.digest.to_string().into_bytes()).collect()
    }

    /// Goes to a position that [`ExampleLoader::state`] gave.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Position`] when the bytes are not a position, or one of a loader with another order.
    pub fn resume(&mut self, state: &[u8]) -> Result<(), LoaderError> {
        let wrong = |reason| Err(LoaderError::Position { reason });
        let Some((numbers, digest)) =
            state.strip_prefix(&MAGIC).and_then(|rest| rest.split_first_chunk::<16>())
        else {
            return wrong("not what `state` gave");
        };
        if digest != self.digest.to_string().as_bytes() {
            return wrong("it is of other examples, another seed or other settings");
        }
        self.stop();
        let (numbers, _) = numbers.as_chunks();
        let [epoch, batches] = [0, 1].map(|place| u64::from_le_bytes(numbers[place]));
        self.position = Position { epoch, batches };
        Ok(())
    }

    /// Ends the thread that makes batches; what it made is lost, and the next call begins at the position.
    fn stop(&mut self) {
        if let Some(Ahead { made, thread }) = self.ahead.take() {
            drop(made);
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl Drop for ExampleLoader {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Ahead {
    fn start(source: Arc<dyn Source + Send>, config: ExampleLoaderConfig, from: Position) -> Self {
        let (sender, made) = sync_channel(config.prefetch);
        let thread = std::thread::spawn(move || {
            for epoch in from.epoch.. {
                let skipped = if epoch == from.epoch { from.batches } else { 0 };
                if make_epoch(&source, &config, epoch, skipped, &sender).is_none() {
                    return;
                }
            }
        });
        Self { made, thread }
    }
}

/// Makes the batches of an epoch; returns `None` when nobody wants them any more, or after an error.
fn make_epoch(
    source: &Arc<dyn Source + Send>,
    config: &ExampleLoaderConfig,
    epoch: u64,
    mut skipped: u64,
    sender: &SyncSender<Made>,
) -> Option<()> {
    let mut epoch = Epoch::new(source, config, epoch);
    loop {
        match epoch.draw() {
            Ok(None) => return sender.send(Ok(None)).ok(),
            Ok(Some(_)) if skipped > 0 => skipped -= 1,
            Ok(Some(rows)) => sender.send(epoch.make(&rows).map(Some)).ok()?,
            Err(error) => {
                let _ = sender.send(Err(error));
                return None;
            }
        }
        epoch.forget();
    }
}

/// A row in the pool: which batch, counted from the first of the epoch, and which row of it.
type Place = (u64, u32);

/// One epoch.
struct Epoch<'a> {
    config: &'a ExampleLoaderConfig,
    readers: VecDeque<Receiver<Result<RecordBatch, BoxError>>>,
    random: u64,
    /// Batches of which rows are in the pool, by their number, with how many.
    batches: HashMap<u64, (RecordBatch, usize)>,
    num_batches: u64,
    pool: VecDeque<Place>,
    drawn: Vec<Place>,
}

impl<'a> Epoch<'a> {
    fn new(source: &Arc<dyn Source + Send>, config: &'a ExampleLoaderConfig, epoch: u64) -> Self {
        let num_partitions = source.num_partitions();
        let order: Vec<usize> = match config.seed {
            None => (0..num_partitions).collect(),
            Some(seed) => {
                let order = Permutation::new(num_partitions as u64, seed, epoch);
                let place = |place: u64| usize::try_from(order.get(place)).expect("it is below");
                (0..num_partitions as u64).map(place).collect()
            }
        };
        // As they come means one after the other.
        let num_readers = if config.seed.is_some() { config.interleave } else { 1 };
        let readers = (0..num_readers.min(num_partitions)).map(|reader| {
            let own = order.iter().copied().skip(reader).step_by(num_readers).collect();
            read(Arc::clone(source), own, config.columns.clone())
        });
        Self {
            config,
            readers: readers.collect(),
            random: mix(config.seed.unwrap_or(0)).wrapping_add(mix(epoch ^ 0x5eed)),
            batches: HashMap::new(),
            num_batches: 0,
            pool: VecDeque::new(),
            drawn: Vec::new(),
        }
    }

    /// Reads until the pool is full or there is no more.
    fn fill(&mut self) -> Result<(), BoxError> {
        let wanted = match self.config.seed {
            Some(_) => self.config.shuffle_rows.max(self.config.global_batch()),
            None => self.config.global_batch(),
        };
        while self.pool.len() < wanted
            && let Some(reader) = self.readers.pop_front()
        {
            // One that has ended does not come back.
            let Ok(batch) = reader.recv() else { continue };
            let batch = batch?;
            self.readers.push_back(reader);
            let num_rows = u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
            if num_rows > 0 {
                self.pool.extend((0..num_rows).map(|row| (self.num_batches, row)));
                self.batches.insert(self.num_batches, (batch, num_rows as usize));
                self.num_batches += 1;
            }
        }
        Ok(())
    }

    /// Draws the rows of the next batch of all ranks; returns those of this rank, or `None` at the end.
    fn draw(&mut self) -> Result<Option<Vec<Place>>, BoxError> {
        let global = self.config.global_batch();
        self.drawn.clear();
        self.fill()?;
        if self.pool.is_empty() || (self.config.world_size > 1 && self.pool.len() < global) {
            return Ok(None);
        }
        for _ in 0..global.min(self.pool.len()) {
            let row = match self.config.seed {
                None => self.pool.pop_front(),
                Some(_) => {
                    // Each one drawn makes room for one that comes; that is done a batch at a time.
                    self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
                    let product = u128::from(mix(self.random)) * self.pool.len() as u128;
                    let place = usize::try_from(product >> 64).expect("it is below the length");
                    self.pool.swap_remove_back(place)
                }
            };
            self.drawn.extend(row);
        }
        let start = (self.config.rank * self.config.batch_size).min(self.drawn.len());
        let end = (start + self.config.batch_size).min(self.drawn.len());
        Ok(Some(self.drawn[start..end].to_vec()))
    }

    /// Makes a batch of rows.
    fn make(&self, rows: &[Place]) -> Result<RecordBatch, BoxError> {
        let mut places = HashMap::new();
        let mut used = Vec::new();
        let mut indices = Vec::with_capacity(rows.len());
        for (batch, row) in rows {
            let place = *places.entry(*batch).or_insert_with(|| {
                used.push(&self.batches[batch].0);
                used.len() - 1
            });
            indices.push((place, *row as usize));
        }
        let made = interleave_record_batch(&used, &indices);
        made.map_err(|source| LoaderError::Columns { source }.into())
    }

    /// Lets go of batches of which no row is left in the pool.
    fn forget(&mut self) {
        for (batch, _) in &self.drawn {
            if let Some((_, left)) = self.batches.get_mut(batch) {
                *left -= 1;
                if *left == 0 {
                    self.batches.remove(batch);
                }
            }
        }
        self.drawn.clear();
    }
}

/// Reads partitions one after the other, a few batches ahead.
fn read(
    source: Arc<dyn Source + Send>,
    partitions: Vec<usize>,
    columns: Option<Vec<String>>,
) -> Receiver<Result<RecordBatch, BoxError>> {
    let (sender, receiver) = sync_channel(2);
    std::thread::spawn(move || {
        for partition in partitions {
            let batches = match source.read(partition, columns.as_deref()) {
                Ok(batches) => batches,
                Err(error) => {
                    let _ = sender.send(Err(error));
                    return;
                }
            };
            for batch in batches {
                let is_error = batch.is_err();
                if sender.send(batch).is_err() || is_error {
                    return;
                }
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
    use arrow::datatypes::Int64Type;
    use dataflow::Batches;

    /// Rows with a number each, in partitions of other sizes.
    fn source(num_rows: i64) -> Arc<dyn Source + Send> {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..num_rows));
        let texts: Vec<_> = (0..num_rows).map(|id| format!("text {id}")).collect();
        let texts: ArrayRef = Arc::new(StringArray::from(texts));
        let all = RecordBatch::try_from_iter([("id", ids), ("text", texts)]).unwrap();
        let (mut parts, mut start) = (Vec::new(), 0);
        while start < all.num_rows() {
            let len = (7 + parts.len() * 5).min(all.num_rows() - start);
            parts.push(all.slice(start, len));
            start += len;
        }
        Arc::new(Batches::new(all.schema(), parts))
    }

    fn config(batch_size: usize, seed: Option<u64>) -> ExampleLoaderConfig {
        ExampleLoaderConfig { shuffle_rows: 40, ..ExampleLoaderConfig::new(batch_size, seed) }
    }

    fn ids(batch: &RecordBatch) -> Vec<i64> {
        let texts = batch.column(1).as_string::<i32>();
        let ids = batch.column(0).as_primitive::<Int64Type>().values().to_vec();
        assert!(ids.iter().zip(texts).all(|(id, text)| text == Some(&format!("text {id}"))));
        ids
    }

    /// Returns the batches of the next epoch.
    fn epoch(loader: &mut ExampleLoader) -> Vec<Vec<i64>> {
        std::iter::from_fn(|| loader.next_batch().unwrap().map(|batch| ids(&batch))).collect()
    }

    fn loader(config: ExampleLoaderConfig) -> ExampleLoader {
        ExampleLoader::new(source(300), config).unwrap()
    }

    #[test]
    fn an_epoch_has_every_example_once_in_an_order_of_its_own() {
        let mut one = loader(config(32, Some(4)));
        let epochs = [epoch(&mut one).concat(), epoch(&mut one).concat()];
        for epoch in &epochs {
            let mut sorted = epoch.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..300).collect::<Vec<_>>());
        }
        assert_ne!(epochs[0], epochs[1]);
        // However fast the threads are.
        for _ in 0..5 {
            assert_eq!(epoch(&mut loader(config(32, Some(4)))).concat(), epochs[0]);
        }
        let plain = epoch(&mut loader(config(32, None)));
        assert_eq!((plain.len(), plain.concat()), (10, (0..300).collect::<Vec<_>>()));
    }

    #[test]
    fn ranks_share_what_one_would_give() {
        let together = epoch(&mut loader(config(32, Some(4))));
        let rank = |rank| ExampleLoaderConfig { rank, world_size: 4, ..config(8, Some(4)) };
        let ranks: Vec<_> = (0..4).map(|of| epoch(&mut loader(rank(of)))).collect();
        for (step, expected) in together[..9].iter().enumerate() {
            let parts: Vec<_> = ranks.iter().map(|batches| batches[step].clone()).collect();
            assert_eq!(parts.concat(), *expected);
        }
        // The last 12 do not make a batch for each.
        assert!(ranks.iter().all(|batches| batches.len() == 9));
    }

    #[test]
    fn a_resumed_loader_gives_what_the_other_would_have_given() {
        for num_batches in [0, 1, 7, 10, 13] {
            let mut one = loader(config(32, Some(4)));
            (0..num_batches).for_each(|_| drop(one.next_batch().unwrap()));
            let mut other = loader(config(32, Some(4)));
            other.next_batch().unwrap();
            other.resume(&one.state()).unwrap();
            let next = |loader: &mut ExampleLoader| {
                (0..15).map(|_| loader.next_batch().unwrap().map(|b| ids(&b))).collect::<Vec<_>>()
            };
            assert_eq!(next(&mut other), next(&mut one));
        }
        let mut one = loader(config(32, Some(4)));
        one.skip(3);
        assert_eq!(epoch(&mut one)[..], epoch(&mut loader(config(32, Some(4))))[3..]);
        let mut other = loader(config(32, Some(5)));
        assert!(other.resume(&one.state()).is_err() && other.resume(b"cupexa01").is_err());
    }

    struct Broken(Batches);

    impl Source for Broken {
        fn schema(&self) -> arrow::datatypes::SchemaRef {
            self.0.schema()
        }
        fn num_partitions(&self) -> usize {
            2
        }
        fn read(
            &self,
            partition: usize,
            columns: Option<&[String]>,
        ) -> Result<dataflow::BatchIter<'_>, BoxError> {
            match partition {
                0 => self.0.read(0, columns),
                _ => Err(LoaderError::Position { reason: "broken" }.into()),
            }
        }
    }

    #[test]
    fn an_error_of_a_reader_comes_to_who_asks_and_loaders_end() {
        let batch = RecordBatch::try_from_iter([(
            "id",
            Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef,
        )])
        .unwrap();
        let source = Arc::new(Broken(Batches::new(batch.schema(), vec![batch])));
        let mut loader = ExampleLoader::new(source, config(2, None)).unwrap();
        assert_eq!(loader.next_batch().unwrap().unwrap().num_rows(), 2);
        let error = loader.next_batch().unwrap_err();
        assert_eq!(error.to_string(), "not a position of this loader: broken");
        assert!(ExampleLoader::new(self::source(3), config(0, None)).is_err());
        // One that is dropped in the middle of an epoch lets its threads end; one that was never asked has none.
        let mut loader = self::loader(config(1, Some(1)));
        loader.next_batch().unwrap();
        drop(loader);
        assert!(
            epoch(&mut ExampleLoader::new(self::source(0), config(4, Some(1))).unwrap()).is_empty()
        );
    }
}
