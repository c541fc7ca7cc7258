//! How files of text are cut: into pieces of whole rows, which are partitions, or parts of one.

use std::ops::Range;

/// How long a row may be, about: a piece has to fit in memory, several of them at once.
pub const MAX_ROW_BYTES: u64 = 64 << 20;

/// Large enough for the work on a piece to outweigh its opening, small enough to keep all threads busy.
const PIECE_BYTES: u64 = 4 << 20;

const BLOCK_BYTES: usize = 1 << 18;

/// Some whole rows of a file: the unit of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which file, counted from 0.
    pub file: usize,
    /// Where the piece begins in the text, after decompression.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
    /// The number of its first line.
    pub line: u64,
}

/// How to cut a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cutting {
    /// A piece ends with the first row that reaches this size.
    pub(crate) piece_bytes: u64,
    /// No piece begins when those before it, a header apart, have this size.
    pub(crate) limit_bytes: u64,
    /// How much longer than `piece_bytes` a piece may get.
    pub(crate) row_bytes: u64,
    /// How much is looked at at once.
    pub(crate) block_bytes: usize,
}

impl Default for Cutting {
    fn default() -> Self {
        Self {
            piece_bytes: PIECE_BYTES,
            limit_bytes: u64::MAX,
            row_bytes: MAX_ROW_BYTES,
            block_bytes: BLOCK_BYTES,
        }
    }
}

/// The pieces of one file; which file, they do not know yet.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) pieces: Vec<Piece>,
    /// Whether the pieces cover the whole file.
    pub(crate) is_complete: bool,
    /// Whether the file can only be read from its beginning on.
    pub(crate) is_compressed: bool,
}

/// The pieces of several files. A piece of a plain file is a partition, and so is a whole compressed one.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    all: Vec<Piece>,
    /// The pieces of each partition.
    partitions: Vec<Range<usize>>,
    is_complete: bool,
    cutting: Cutting,
}

impl Pieces {
    /// Returns those of no files.
    pub(crate) fn new(cutting: Cutting) -> Self {
        Self { all: Vec::new(), partitions: Vec::new(), is_complete: true, cutting }
    }

    /// Returns how to cut the next file: what the files before it have counts towards the limit.
    pub(crate) fn cutting(&self) -> Cutting {
        self.cutting
    }

    /// Takes in the pieces of a file.
    pub(crate) fn add(&mut self, file: usize, cut: Cut) {
        let num_bytes = cut.pieces.iter().map(|piece| piece.length).sum();
        self.cutting.limit_bytes = self.cutting.limit_bytes.saturating_sub(num_bytes);
        self.is_complete &= cut.is_complete;
        let start = self.all.len();
        self.all.extend(cut.pieces.into_iter().map(|piece| Piece { file, ..piece }));
        let end = self.all.len();
        if cut.is_compressed && start < end {
            self.partitions.push(start..end);
        } else {
            self.partitions.extend((start..end).map(|piece| piece..piece + 1));
        }
    }

    /// Returns the number of partitions.
    pub(crate) fn num_partitions(&self) -> usize {
        self.partitions.len()
    }

    /// Returns the file and the pieces of a partition.
    pub(crate) fn partition(&self, partition: usize) -> (usize, Vec<Piece>) {
        let pieces = &self.all[self.partitions[partition].clone()];
        (pieces.first().map_or(0, |piece| piece.file), pieces.to_vec())
    }

    /// Returns the pieces of each partition, all of one file.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[Piece]> {
        self.partitions.iter().map(|pieces| &self.all[pieces.clone()])
    }

    /// Returns the number of each partition's file.
    pub(crate) fn file_of_partition(&self) -> impl Iterator<Item = usize> {
        self.iter().map(|pieces| pieces.first().map_or(0, |piece| piece.file))
    }

    /// Returns whether the pieces are all there is.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }
}
