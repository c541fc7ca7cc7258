//! An endless, shuffled stream of examples.
//!
//! Epoch follows epoch, and each sees every labelled example once. A split that fits the buffer is put in a new
//! order as a whole. Of a larger one the partitions come in a new order, and as many examples as fit the buffer
//! are put in a new order among themselves.

use std::collections::VecDeque;

use dataflow::BatchIter;

use crate::TrainError;
use crate::examples::{Scan, Split, Table};
use crate::random::{Random, Stream};

/// The examples of a split in random order, without end.
pub(crate) struct Shuffled<'a> {
    split: &'a Split<'a>,
    random: Random,
    buffer: Table,
    /// Whether the buffer holds the whole split.
    is_whole: bool,
    capacity: usize,
    /// The rows of the buffer that are still to come, the next one last.
    order: Vec<usize>,
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
            random: Random::new(seed, Stream::Order),
            is_whole: scan.table.is_some(),
            buffer: scan.table.unwrap_or_default(),
            capacity: split.capacity(buffer_bytes),
            order: Vec::new(),
            partitions: VecDeque::new(),
            open: None,
            pending: Table::default(),
            pending_start: 0,
        }
    }

    /// Replaces `batch` with the next `size` examples.
    pub(crate) fn next_batch(&mut self, size: usize, batch: &mut Table) -> Result<(), TrainError> {
        batch.clear();
        while batch.len() < size {
            let row = match self.order.pop() {
                Some(row) => row,
                None => {
                    self.refill()?;
                    continue;
                }
            };
            batch.push(&self.buffer, row);
        }
        Ok(())
    }

    fn refill(&mut self) -> Result<(), TrainError> {
        if !self.is_whole {
            self.buffer.clear();
            while self.buffer.len() < self.capacity {
                if self.pending_start < self.pending.len() {
                    self.buffer.push(&self.pending, self.pending_start);
                    self.pending_start += 1;
                } else if !self.read_on()? {
                    if self.buffer.len() > 0 {
                        break;
                    }
                    self.begin_epoch();
                }
            }
        }
        self.order = (0..self.buffer.len()).collect();
        self.random.shuffle(&mut self.order);
        Ok(())
    }

    fn begin_epoch(&mut self) {
        let mut partitions: Vec<usize> = (0..self.split.source.num_partitions()).collect();
        self.random.shuffle(&mut partitions);
        self.partitions = partitions.into();
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
