//! An endless, shuffled stream of examples.
//!
//! Epoch follows epoch, and each sees every labelled example once. A split that fits the buffer is put in a new
//! order as a whole. Of a larger one the partitions come in a new order, and as many examples as fit the buffer
//! are put in a new order among themselves. The examples of a query stay together. Each order follows from the seed,
//! the epoch and how many buffers came before in it, so that a position is three numbers.

use std::collections::VecDeque;

use dataflow::BatchIter;

use crate::TrainError;
use crate::examples::{Scan, Split, Table, grouped};
use crate::random::{Random, Stream};

/// How far a stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// How many epochs were begun.
    pub(crate) epochs: u64,
    /// How many buffers of the last of them were filled.
    pub(crate) buffers: u64,
    /// How many examples of the last of these were given out.
    pub(crate) taken: u64,
}

/// The examples of a split in random order, without end.
pub(crate) struct Shuffled<'a> {
    split: &'a Split<'a>,
    seed: u64,
    buffer: Table,
    /// Whether the buffer holds the whole split.
    is_whole: bool,
    buffer_bytes: usize,
    /// The rows of the buffer that are still to come, the next one last, and whether a query ends with it.
    order: Vec<(usize, bool)>,
    position: Position,
    /// The partitions of this epoch that are still to come.
    partitions: VecDeque<usize>,
    open: Option<BatchIter<'a>>,
    /// Decoded examples that did not fit the buffer, from `pending_start`.
    pending: Table,
    pending_start: usize,
}

impl<'a> Shuffled<'a> {
    /// Returns the stream of a split of at least one example, given what a scan with the same buffer found.
    pub(crate) fn new(split: &'a Split<'a>, scan: Scan, seed: u64, buffer_bytes: usize) -> Self {
        Self {
            split,
            seed,
            is_whole: scan.table.is_some(),
            buffer: scan.table.unwrap_or_default(),
            buffer_bytes,
            order: Vec::new(),
            position: Position::default(),
            partitions: VecDeque::new(),
            open: None,
            pending: Table::default(),
            pending_start: 0,
        }
    }

    /// Returns how far the stream is.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// Goes from the beginning to a position that another stream of the same split and seed was at.
    pub(crate) fn resume(&mut self, position: Position) -> Result<(), TrainError> {
        if position.epochs == 0 {
            return Ok(());
        }
        self.begin_epoch(position.epochs - 1);
        for buffer in 0..position.buffers {
            self.fill()?;
            if buffer + 1 == position.buffers {
                self.mix();
            }
        }
        let left =
            self.order.len() - usize::try_from(position.taken).unwrap_or(0).min(self.order.len());
        self.order.truncate(left);
        self.position.taken = position.taken;
        Ok(())
    }

    /// Replaces `batch` with the next `size` examples, and what is left of the last one's query.
    pub(crate) fn next_batch(&mut self, size: usize, batch: &mut Table) -> Result<(), TrainError> {
        batch.clear();
        loop {
            let Some((row, is_end)) = self.order.pop() else {
                self.refill()?;
                continue;
            };
            self.position.taken += 1;
            batch.push(&self.buffer, row);
            if batch.len() >= size && is_end {
                return Ok(());
            }
        }
    }

    fn refill(&mut self) -> Result<(), TrainError> {
        if self.position.epochs == 0 || !self.fill()? {
            self.begin_epoch(self.position.epochs);
            self.fill()?;
        }
        self.mix();
        Ok(())
    }

    /// Fills the buffer with what comes next in this epoch; returns whether there was anything.
    fn fill(&mut self) -> Result<bool, TrainError> {
        if self.is_whole {
            let is_first = self.position.buffers == 0;
            self.position.buffers = 1;
            return Ok(is_first);
        }
        self.buffer.clear();
        while self.buffer.num_bytes() < self.buffer_bytes {
            if self.pending_start < self.pending.len() {
                self.buffer.push(&self.pending, self.pending_start);
                self.pending_start += 1;
            } else if !self.read_on()? {
                break;
            }
        }
        self.position.buffers += 1;
        Ok(self.buffer.len() > 0)
    }

    /// Puts what is in the buffer in a new order.
    fn mix(&mut self) {
        self.position.taken = 0;
        let (epoch, buffer) = (self.position.epochs, self.position.buffers);
        let mut random = Random::keyed(self.seed, Stream::Order, epoch, buffer);
        self.order.clear();
        if self.buffer.queries.is_empty() {
            self.order.extend((0..self.buffer.len()).map(|row| (row, true)));
            random.shuffle(&mut self.order);
            return;
        }
        let (rows, ends) = grouped(&self.buffer.queries);
        let mut groups = Vec::with_capacity(ends.len());
        let mut start = 0;
        for end in ends {
            groups.push(start..end);
            start = end;
        }
        random.shuffle(&mut groups);
        for group in groups {
            let start = self.order.len();
            self.order.extend(group.map(|place| (rows[place], false)));
            // They are taken from the end.
            self.order[start].1 = true;
        }
    }

    fn begin_epoch(&mut self, epoch: u64) {
        self.position = Position { epochs: epoch + 1, buffers: 0, taken: 0 };
        let mut partitions: Vec<usize> = (0..self.split.source.num_partitions()).collect();
        Random::keyed(self.seed, Stream::Order, epoch + 1, 0).shuffle(&mut partitions);
        self.partitions = partitions.into();
        self.open = None;
        self.pending.clear();
        self.pending_start = 0;
    }

    /// Decodes the next batch of this epoch; returns whether there was one.
    fn read_on(&mut self) -> Result<bool, TrainError> {
        loop {
            if let Some(batch) = self.open.as_mut().and_then(Iterator::next) {
                let split = self.split.name;
                let batch = batch.map_err(|error| TrainError::Read { split, error })?;
                self.pending = self.split.decode(&batch)?.0;
                self.pending_start = 0;
                return Ok(true);
            }
            match self.partitions.pop_front() {
                None => {
                    self.open = None;
                    return Ok(false);
                }
                Some(partition) => self.open = Some(self.split.open(partition)?),
            }
        }
    }
}
