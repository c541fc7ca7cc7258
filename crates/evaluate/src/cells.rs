//! Sparse tables of weights: how much of a slice fell into each cell, in all and in each replicate.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::EvaluateError;
use crate::bytes::{Reader, Stored, bad};
use crate::rows::Hit;
use crate::sums::Fixed;

/// The cells of all tables of one slice; only those that have some weight.
///
/// The weights of the replicates are rounded sums: they are added in the order of the data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells {
    /// Where the cells with ids beyond `dense` are.
    places: HashMap<u32, u32, BuildHasherDefault<CellHasher>>,
    /// Where each cell is, or [`NOWHERE`], once a good part of the ids are in use.
    dense: Vec<u32>,
    cells: Vec<Cell>,
    /// By place and then by replicate.
    lanes: Vec<f64>,
}

/// No place.
const NOWHERE: u32 = u32::MAX;

/// From how many cells on it is looked whether a table without hashing pays.
const MIN_DENSE: usize = 256;

/// How many places such a table has at most for each cell.
const PLACES_PER_CELL: usize = 16;

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) id: u32,
    pub(crate) weight: Fixed,
    /// Sum of weighted predictions.
    pub(crate) prediction: Fixed,
}

/// Cells are numbers already; this spreads them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CellHasher(u64);

impl Hasher for CellHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn write_u32(&mut self, value: u32) {
        let spread = u64::from(value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ (spread >> 32);
    }
}

/// How an example counts in the replicates.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Times<'a> {
    /// There are none.
    Never,
    /// It is in one part.
    InPart(usize),
    /// So many times in each.
    Each(&'a [f64]),
}

impl Times<'_> {
    /// Adds a term to every replicate.
    pub(crate) fn add(self, term: f64, lanes: &mut [f64]) {
        match self {
            Self::Never => {}
            Self::InPart(part) => lanes[part] += term,
            Self::Each(times) => {
                for (lane, times) in lanes.iter_mut().zip(times) {
                    *lane += times * term;
                }
            }
        }
    }
}

impl Cells {
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(crate) fn add(
        &mut self,
        hit: Hit,
        weight: Fixed,
        value: f64,
        times: Times<'_>,
        num_lanes: usize,
    ) {
        let place = self.place(hit.cell, num_lanes);
        let cell = &mut self.cells[place];
        cell.weight.add(weight);
        cell.prediction.add(hit.prediction);
        times.add(value, &mut self.lanes[place * num_lanes..(place + 1) * num_lanes]);
    }

    pub(crate) fn merge(&mut self, other: &Self, num_lanes: usize) {
        for (from, cell) in other.cells.iter().enumerate() {
            let place = self.place(cell.id, num_lanes);
            self.cells[place].weight.add(cell.weight);
            self.cells[place].prediction.add(cell.prediction);
            let lanes = &mut self.lanes[place * num_lanes..(place + 1) * num_lanes];
            for (lane, more) in lanes.iter_mut().zip(&other.lanes[from * num_lanes..]) {
                *lane += more;
            }
        }
    }

    /// Returns where a cell is; it is made if it is not there.
    fn place(&mut self, id: u32, num_lanes: usize) -> usize {
        if let Some(place) = self.find(id) {
            return place as usize;
        }
        let place = self.cells.len();
        let next = u32::try_from(place).expect("there are at most as many cells as ids");
        match self.dense.get_mut(id as usize) {
            Some(slot) => *slot = next,
            None => drop(self.places.insert(id, next)),
        }
        self.cells.push(Cell { id, weight: Fixed::default(), prediction: Fixed::default() });
        self.lanes.resize(self.lanes.len() + num_lanes, 0.0);
        if self.cells.len() >= MIN_DENSE && self.cells.len().is_power_of_two() {
            self.make_dense();
        }
        place
    }

    fn find(&self, id: u32) -> Option<u32> {
        match self.dense.get(id as usize) {
            Some(place) => Some(*place).filter(|place| *place != NOWHERE),
            None => self.places.get(&id).copied(),
        }
    }

    /// Makes the table that needs no hashing reach to the last id, where it does not become too large.
    fn make_dense(&mut self) {
        let end = self.cells.iter().map(|cell| cell.id as usize + 1).max().unwrap_or(0);
        if end <= self.dense.len() || end > self.cells.len() * PLACES_PER_CELL {
            return;
        }
        self.dense = vec![NOWHERE; end];
        for (place, cell) in self.cells.iter().enumerate() {
            self.dense[cell.id as usize] = u32::try_from(place).unwrap_or(NOWHERE);
        }
        self.places.clear();
    }

    /// Returns a cell's weight in all and in each replicate.
    pub(crate) fn get(&self, id: u32, num_lanes: usize) -> Option<(&Cell, &[f64])> {
        let place = self.find(id)? as usize;
        Some((&self.cells[place], &self.lanes[place * num_lanes..(place + 1) * num_lanes]))
    }

    /// Returns the cells from one on, below another one, in order.
    pub(crate) fn sorted(&self, first: u32, end: u32, num_lanes: usize) -> Vec<(&Cell, &[f64])> {
        let mut places: Vec<usize> = (0..self.cells.len())
            .filter(|place| (first..end).contains(&self.cells[*place].id))
            .collect();
        places.sort_unstable_by_key(|place| self.cells[*place].id);
        let lanes = |place: usize| &self.lanes[place * num_lanes..(place + 1) * num_lanes];
        places.into_iter().map(|place| (&self.cells[place], lanes(place))).collect()
    }

    pub(crate) fn write(&self, num_lanes: usize, out: &mut Vec<u8>) {
        self.len().write(out);
        for (cell, lanes) in self.sorted(0, u32::MAX, num_lanes) {
            u64::from(cell.id).write(out);
            cell.weight.write(out);
            cell.prediction.write(out);
            lanes.iter().for_each(|lane| lane.write(out));
        }
    }

    pub(crate) fn read(
        input: &mut Reader<'_>,
        num_cells: u32,
        num_lanes: usize,
    ) -> Result<Self, EvaluateError> {
        let mut cells = Self::default();
        let mut last = None;
        for _ in 0..usize::read(input)? {
            let id = u32::try_from(u64::read(input)?).map_err(|_| bad("a cell is out of range"))?;
            if id >= num_cells {
                return Err(bad("a cell is out of range"));
            }
            if last.is_some_and(|last| last >= id) {
                return Err(bad("its cells are out of order"));
            }
            last = Some(id);
            let (weight, prediction) = (Fixed::read(input)?, Fixed::read(input)?);
            let place = cells.place(id, 0);
            cells.cells[place] = Cell { id, weight, prediction };
            for _ in 0..num_lanes {
                cells.lanes.push(f64::read(input)?);
            }
        }
        Ok(cells)
    }
}
