//! One epoch: partitions read beside each other, a pool of rows, and what is drawn from it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use crate::permutation::mix;
use crate::{ExampleLoaderConfig, Examples, Partitions, Permutation};

/// How many times as many rows as the pool holds are kept before those that nobody will draw any more are let go.
const MAX_KEPT: usize = 3;

/// Rows in the pool that stay together: which part, counted from the first of the epoch, and which rows of it.
#[derive(Clone, Copy, Debug)]
struct Unit {
    part: u64,
    row: u32,
    len: u32,
}

/// One epoch of a loader.
pub(crate) struct Epoch<'a, P: Partitions> {
    config: &'a ExampleLoaderConfig,
    readers: VecDeque<Receiver<Result<P::Examples, P::Error>>>,
    random: u64,
    /// Parts of which rows are in the pool, by their number.
    parts: HashMap<u64, Part<P::Examples>>,
    num_parts: u64,
    /// How many rows the parts have, drawn or not.
    num_kept: usize,
    pool: VecDeque<Unit>,
    /// How many rows are in the pool.
    num_rows: usize,
}

struct Part<E> {
    examples: E,
    /// How many of its rows are still in the pool.
    left: usize,
}

/// The rows of the next batch of one rank.
pub(crate) struct Drawn {
    /// What all ranks drew.
    units: Vec<Unit>,
    own: std::ops::Range<usize>,
}

impl<'a, P: Partitions> Epoch<'a, P> {
    pub(crate) fn new(partitions: &Arc<P>, config: &'a ExampleLoaderConfig, epoch: u64) -> Self {
        let num_partitions = partitions.num_partitions();
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
            read(Arc::clone(partitions), own)
        });
        Self {
            config,
            readers: readers.collect(),
            random: mix(config.seed.unwrap_or(0)).wrapping_add(mix(epoch ^ 0x5eed)),
            parts: HashMap::new(),
            num_parts: 0,
            num_kept: 0,
            pool: VecDeque::new(),
            num_rows: 0,
        }
    }

    /// Reads until the pool is full or there is no more.
    fn fill(&mut self) -> Result<(), P::Error> {
        let wanted = match self.config.seed {
            Some(_) => self.config.shuffle_rows.max(self.config.global_batch()),
            None => self.config.global_batch(),
        };
        while self.num_rows < wanted
            && let Some(reader) = self.readers.pop_front()
        {
            // One that has ended does not come back.
            let Ok(examples) = reader.recv() else { continue };
            let examples = examples?;
            self.readers.push_back(reader);
            self.add(examples);
            if self.num_kept > MAX_KEPT * self.num_rows.max(wanted) {
                self.compact()?;
            }
        }
        Ok(())
    }

    fn add(&mut self, examples: P::Examples) {
        let num_rows = examples.num_rows();
        if num_rows == 0 {
            return;
        }
        let part = self.num_parts;
        for row in 0..u32::try_from(num_rows).unwrap_or(u32::MAX) {
            match self.pool.back_mut() {
                Some(last) if row > 0 && examples.stays_with_previous(row as usize) => {
                    last.len += 1;
                }
                _ => self.pool.push_back(Unit { part, row, len: 1 }),
            }
        }
        self.parts.insert(part, Part { examples, left: num_rows });
        self.num_parts += 1;
        self.num_kept += num_rows;
        self.num_rows += num_rows;
    }

    /// Makes one part of all rows that are still in the pool: without it, a part would be kept for its last row.
    fn compact(&mut self) -> Result<(), P::Error> {
        let examples = self.make(self.pool.iter())?;
        let part = self.num_parts;
        let mut row = 0;
        for unit in &mut self.pool {
            (unit.part, unit.row) = (part, row);
            row += unit.len;
        }
        self.parts.clear();
        self.parts.insert(part, Part { examples, left: self.num_rows });
        self.num_parts += 1;
        self.num_kept = self.num_rows;
        Ok(())
    }

    /// Draws the rows of the next batch of all ranks; `None` at the end.
    pub(crate) fn draw(&mut self) -> Result<Option<Drawn>, P::Error> {
        self.fill()?;
        let world_size = self.config.world_size;
        if self.pool.is_empty() || (world_size > 1 && self.num_rows < self.config.global_batch()) {
            return Ok(None);
        }
        let mut units = Vec::new();
        let mut own = 0..0;
        for rank in 0..world_size {
            let start = units.len();
            let mut num_rows = 0;
            while num_rows < self.config.batch_size
                && let Some(unit) = self.draw_one()
            {
                num_rows += unit.len as usize;
                units.push(unit);
            }
            if world_size > 1 && num_rows < self.config.batch_size {
                return Ok(None);
            }
            if rank == self.config.rank {
                own = start..units.len();
            }
        }
        Ok(Some(Drawn { units, own }))
    }

    fn draw_one(&mut self) -> Option<Unit> {
        let unit = match self.config.seed {
            None => self.pool.pop_front(),
            Some(_) => {
                // Each one drawn makes room for one that comes; that is done a batch at a time.
                self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let product = u128::from(mix(self.random)) * self.pool.len() as u128;
                let place = usize::try_from(product >> 64).expect("it is below the length");
                self.pool.swap_remove_back(place)
            }
        };
        self.num_rows -= unit.map_or(0, |unit| unit.len as usize);
        unit
    }

    /// Returns the examples that a rank drew.
    pub(crate) fn examples(&self, drawn: &Drawn) -> Result<P::Examples, P::Error> {
        self.make(drawn.units[drawn.own.clone()].iter())
    }

    fn make<'u>(&self, units: impl Iterator<Item = &'u Unit>) -> Result<P::Examples, P::Error> {
        let mut places = HashMap::new();
        let mut used = Vec::new();
        let mut rows = Vec::new();
        for unit in units {
            let place = *places.entry(unit.part).or_insert_with(|| {
                used.push(&self.parts[&unit.part].examples);
                used.len() - 1
            });
            let first = unit.row as usize;
            rows.extend((first..first + unit.len as usize).map(|row| (place, row)));
        }
        P::Examples::gather(&used, &rows).map_err(P::Error::from)
    }

    /// Lets go of parts of which no row is left in the pool.
    pub(crate) fn forget(&mut self, drawn: &Drawn) {
        for unit in &drawn.units {
            if let Some(part) = self.parts.get_mut(&unit.part) {
                part.left -= unit.len as usize;
                if part.left == 0 {
                    self.num_kept -= part.examples.num_rows();
                    self.parts.remove(&unit.part);
                }
            }
        }
    }
}

/// Reads partitions one after the other, a few parts ahead.
fn read<P: Partitions>(
    partitions: Arc<P>,
    order: Vec<usize>,
) -> Receiver<Result<P::Examples, P::Error>> {
    let (sender, receiver) = sync_channel(2);
    std::thread::spawn(move || {
        for partition in order {
            let parts = match partitions.read(partition) {
                Ok(parts) => parts,
                Err(error) => {
                    let _ = sender.send(Err(error));
                    return;
                }
            };
            for part in parts {
                let is_error = part.is_err();
                if sender.send(part).is_err() || is_error {
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

    use base::BoxError;

    use crate::{ExampleLoader, LoaderError, Parts};

    /// Numbers, of which those with the same tens stay together.
    #[derive(Debug, PartialEq)]
    struct Numbers(Vec<u32>);

    impl Examples for Numbers {
        fn num_rows(&self) -> usize {
            self.0.len()
        }

        fn stays_with_previous(&self, row: usize) -> bool {
            self.0[row] / 10 == self.0[row - 1] / 10
        }

        fn gather(parts: &[&Self], rows: &[(usize, usize)]) -> Result<Self, LoaderError> {
            Ok(Self(rows.iter().map(|&(part, row)| parts[part].0[row]).collect()))
        }
    }

    /// So many partitions of so many numbers each.
    struct Many(u32, u32);

    impl Partitions for Many {
        type Examples = Numbers;
        type Error = BoxError;

        fn num_partitions(&self) -> usize {
            self.0 as usize
        }

        fn read(&self, partition: usize) -> Result<Parts<'_, Self>, BoxError> {
            let start = u32::try_from(partition).expect("there are few") * self.1;
            Ok(Box::new(std::iter::once(Ok(Numbers((start..start + self.1).collect())))))
        }
    }

    #[test]
    fn what_stays_together_is_drawn_together() {
        let config =
            ExampleLoaderConfig { shuffle_rows: 100, ..ExampleLoaderConfig::new(15, Some(1)) };
        let mut loader = ExampleLoader::of(Arc::new(Many(7, 60)), config).unwrap();
        let mut seen = Vec::new();
        while let Some(Numbers(batch)) = loader.next_batch().unwrap() {
            assert_eq!(batch.len(), 20);
            for unit in batch.chunks(10) {
                assert_eq!(unit, (unit[0]..unit[0] + 10).collect::<Vec<_>>());
            }
            seen.extend(batch);
        }
        assert!(seen.windows(2).any(|pair| pair[1] < pair[0]));
        seen.sort_unstable();
        assert_eq!(seen, (0..420).collect::<Vec<_>>());
    }

    #[test]
    fn memory_is_bounded_by_what_is_drawn_from() {
        let config =
            ExampleLoaderConfig { shuffle_rows: 200, ..ExampleLoaderConfig::new(10, Some(1)) };
        let mut epoch = Epoch::new(&Arc::new(Many(200, 100)), &config, 0);
        let (mut most, mut num_parts, mut count) = (0, 0, 0);
        while let Some(drawn) = epoch.draw().unwrap() {
            let kept: usize = epoch.parts.values().map(|part| part.examples.num_rows()).sum();
            assert_eq!(kept, epoch.num_kept);
            most = most.max(kept);
            num_parts = num_parts.max(epoch.parts.len());
            count += epoch.examples(&drawn).unwrap().0.len();
            epoch.forget(&drawn);
        }
        assert_eq!((count, epoch.num_kept), (20_000, 0));
        // Three times the pool, and the last part of each of the four readers.
        assert!((400..=1000).contains(&most), "{most} rows are kept, in {num_parts} parts");
    }
}
