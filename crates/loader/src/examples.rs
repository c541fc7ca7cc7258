//! Shuffled batches of the examples of a source.
//!
//! The partitions of an epoch are put in a new order and dealt to a number of reading threads; their batches are taken
//! from one thread after the other, so that the order does not depend on which is faster. Rows go to a pool of bounded
//! size, from which they are drawn at random. Another thread makes batches of them ahead of who asks.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base::Digest;
use dataflow::Source;

use crate::epoch::Epoch;
use crate::{Columns, LoaderError, Partitions};

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

    pub(crate) fn global_batch(&self) -> usize {
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

type Made<P> = Result<Option<<P as Partitions>::Examples>, <P as Partitions>::Error>;

/// Shuffled batches of the examples of a source, epoch after epoch, made ahead by other threads.
///
/// The order depends on the source, the seed and the settings alone. All ranks together give the same examples in a
/// step, whatever their number, as long as `batch_size * world_size` is the same. With several ranks what does not make
/// a whole batch for each of them at the end of an epoch is left out of it, so that all have as many batches.
///
/// Examples that stay together ([`crate::Examples::stays_with_previous`]) are drawn together; a batch of them then has as
/// many as it takes to have at least `batch_size`.
pub struct ExampleLoader<P: Partitions = Columns> {
    partitions: Arc<P>,
    config: ExampleLoaderConfig,
    position: Position,
    digest: Digest,
    waited: Duration,
    ahead: Option<Ahead<P>>,
}

/// The thread that makes batches.
struct Ahead<P: Partitions> {
    made: Receiver<Made<P>>,
    thread: JoinHandle<()>,
}

impl ExampleLoader {
    /// Returns the batches of a source, with all its columns, from the beginning.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Setting`].
    pub fn new(
        source: Arc<dyn Source + Send>,
        config: ExampleLoaderConfig,
    ) -> Result<Self, LoaderError> {
        Self::of(Arc::new(Columns::new(source, None)), config)
    }
}

impl<P: Partitions> ExampleLoader<P> {
    /// Returns the batches of partitions from the beginning.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Setting`].
    pub fn of(partitions: Arc<P>, config: ExampleLoaderConfig) -> Result<Self, LoaderError> {
        config.check()?;
        let digest = config.digest(partitions.num_partitions());
        let (position, waited) = (Position::default(), Duration::ZERO);
        Ok(Self { partitions, config, position, digest, waited, ahead: None })
    }

    /// Returns the next batch, or `None` at the end of an epoch; after it comes the next one.
    ///
    /// # Errors
    ///
    /// The reader's own error, in the place of the batch that it is about.
    pub fn next_batch(&mut self) -> Result<Option<P::Examples>, P::Error> {
        let ahead = self.ahead.get_or_insert_with(|| {
            Ahead::start(Arc::clone(&self.partitions), self.config.clone(), self.position)
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

impl<P: Partitions> Drop for ExampleLoader<P> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<P: Partitions> Ahead<P> {
    fn start(partitions: Arc<P>, config: ExampleLoaderConfig, from: Position) -> Self {
        let (sender, made) = sync_channel(config.prefetch);
        let thread = std::thread::spawn(move || {
            for epoch in from.epoch.. {
                let skipped = if epoch == from.epoch { from.batches } else { 0 };
                if make_epoch(&partitions, &config, epoch, skipped, &sender).is_none() {
                    return;
                }
            }
        });
        Self { made, thread }
    }
}

/// Makes the batches of an epoch; returns `None` when nobody wants them any more, or after an error.
fn make_epoch<P: Partitions>(
    partitions: &Arc<P>,
    config: &ExampleLoaderConfig,
    epoch: u64,
    mut skipped: u64,
    sender: &SyncSender<Made<P>>,
) -> Option<()> {
    let mut epoch = Epoch::new(partitions, config, epoch);
    loop {
        let drawn = match epoch.draw() {
            Ok(None) => return sender.send(Ok(None)).ok(),
            Ok(Some(drawn)) => drawn,
            Err(error) => {
                let _ = sender.send(Err(error));
                return None;
            }
        };
        if skipped > 0 {
            skipped -= 1;
        } else {
            let made = epoch.examples(&drawn);
            let is_error = made.is_err();
            sender.send(made.map(Some)).ok()?;
            if is_error {
                return None;
            }
        }
        epoch.forget(&drawn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
    use arrow::datatypes::Int64Type;
    use base::BoxError;
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
