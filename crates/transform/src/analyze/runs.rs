//! Counts that did not fit in memory: sorted runs in a temporary file.
//!
//! The file has no name, so the system takes it back with its last handle, whatever becomes of the process.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use sketch::Count;
use sketch::bytes::Reader;

use crate::TransformError;

/// How much of a run is read at once.
const BLOCK_BYTES: usize = 1 << 16;

/// So many runs are merged into one, which bounds how many are read at once.
const MAX_RUNS: usize = 128;

/// Sorted runs of texts with their counts.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    file: Option<Arc<Mutex<File>>>,
    /// Where each run starts and ends.
    runs: Vec<(u64, u64)>,
}

/// Takes texts in ascending order, each once, with its count.
pub(crate) type Visit<'a, C> = dyn FnMut(&[u8], C) -> Result<(), TransformError> + 'a;

impl Runs {
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Writes a run of texts in ascending order.
    pub(crate) fn push<C: Count>(&mut self, sorted: &[(&[u8], C)]) -> Result<(), TransformError> {
        if self.runs.len() == MAX_RUNS {
            let mut merged = Self::default();
            merged.write::<C>(&mut |write| self.merge(&[], write))?;
            *self = merged;
        }
        self.write::<C>(&mut |write| {
            sorted.iter().try_for_each(|&(text, count)| write(text, count))
        })
    }

    fn write<C: Count>(
        &mut self,
        texts: &mut dyn FnMut(&mut Visit<'_, C>) -> Result<(), TransformError>,
    ) -> Result<(), TransformError> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => {
                let file = tempfile::tempfile().map_err(spill)?;
                Arc::clone(self.file.insert(Arc::new(Mutex::new(file))))
            }
        };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let start = file.seek(SeekFrom::End(0)).map_err(spill)?;
        let mut writer = BufWriter::with_capacity(BLOCK_BYTES, &mut *file);
        let mut bytes = Vec::new();
        texts(&mut |text, count| {
            bytes.clear();
            sketch::bytes::write_bytes(text, &mut bytes);
            count.write(&mut bytes);
            writer.write_all(&bytes).map_err(spill)
        })?;
        writer.flush().map_err(spill)?;
        drop(writer);
        let end = file.stream_position().map_err(spill)?;
        self.runs.push((start, end));
        Ok(())
    }

    /// Visits the texts of all runs and of some in memory, in ascending order.
    pub(crate) fn merge<C: Count>(
        &self,
        in_memory: &[(&[u8], C)],
        visit: &mut Visit<'_, C>,
    ) -> Result<(), TransformError> {
        let Some(file) = &self.file else {
            return in_memory.iter().try_for_each(|&(text, count)| visit(text, count));
        };
        let mut readers: Vec<RunReader> =
            self.runs.iter().map(|&run| RunReader::new(Arc::clone(file), run)).collect();
        let mut in_memory = in_memory.iter();
        let memory = readers.len();
        // The least text of each run, and which run; equal ones are visited as one.
        let mut heap: BinaryHeap<Reverse<(Vec<u8>, usize)>> = BinaryHeap::new();
        let mut counts = vec![C::default(); memory + 1];
        let mut advance = |run: usize, text: &mut Vec<u8>, counts: &mut [C]| {
            if run < memory {
                return readers[run].next(text, &mut counts[run]);
            }
            let Some(&(next, count)) = in_memory.next() else { return Ok(false) };
            text.clear();
            text.extend_from_slice(next);
            counts[run] = count;
            Ok(true)
        };
        for run in 0..=memory {
            let mut text = Vec::new();
            if advance(run, &mut text, &mut counts)? {
                heap.push(Reverse((text, run)));
            }
        }
        let mut current: Vec<u8> = Vec::new();
        while let Some(Reverse((mut text, run))) = heap.pop() {
            std::mem::swap(&mut current, &mut text);
            let mut total = counts[run];
            if advance(run, &mut text, &mut counts)? {
                heap.push(Reverse((text, run)));
            }
            while heap.peek().is_some_and(|Reverse((next, _))| *next == current) {
                let Some(Reverse((mut text, run))) = heap.pop() else { break };
                total = total.plus(counts[run]);
                if advance(run, &mut text, &mut counts)? {
                    heap.push(Reverse((text, run)));
                }
            }
            visit(&current, total)?;
        }
        Ok(())
    }
}

/// One run, read block by block.
struct RunReader {
    file: Arc<Mutex<File>>,
    /// What is still in the file.
    rest: (u64, u64),
    block: Vec<u8>,
    /// How much of the block was taken.
    taken: usize,
}

impl RunReader {
    fn new(file: Arc<Mutex<File>>, run: (u64, u64)) -> Self {
        Self { file, rest: run, block: Vec::new(), taken: 0 }
    }

    /// Takes the next text and its count, and returns whether there was one.
    fn next<C: Count>(
        &mut self,
        text: &mut Vec<u8>,
        count: &mut C,
    ) -> Result<bool, TransformError> {
        loop {
            let block = &self.block[self.taken..];
            let mut reader = Reader::new(block);
            let found = reader.take_bytes().and_then(|found| Ok((found, C::read(&mut reader)?)));
            if let Ok((found, found_count)) = found {
                text.clear();
                text.extend_from_slice(found);
                *count = found_count;
                self.taken += block.len() - reader.num_left();
                return Ok(true);
            }
            // It ends behind the block, or the run is over.
            let (start, end) = self.rest;
            if start == end {
                return if block.is_empty() { Ok(false) } else { Err(cut()) };
            }
            self.block.drain(..self.taken);
            self.taken = 0;
            let more = usize::try_from(end - start).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
            let kept = self.block.len();
            self.block.resize(kept + more, 0);
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(start)).map_err(spill)?;
            file.read_exact(&mut self.block[kept..]).map_err(spill)?;
            self.rest.0 = start + more as u64;
        }
    }
}

fn spill(source: std::io::Error) -> TransformError {
    TransformError::Spill { source }
}

fn cut() -> TransformError {
    spill(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))
}
