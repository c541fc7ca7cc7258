//! Where a file has the columns of a source.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Where a file whose header has another order, or other names, has the columns of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvOrder {
    /// How many cells a row of the file has.
    pub(super) num_cells: usize,
    /// The cell of each column; `None` for one that the file lacks.
    pub(super) cells: Vec<Option<usize>>,
}

impl CsvOrder {
    /// Returns the order, or `None` where the columns are the header as it is.
    pub(super) fn between(header: &[String], columns: &[String]) -> Option<Self> {
        if header == columns {
            return None;
        }
        let places: HashMap<&str, usize> = header.iter().map(String::as_str).zip(0..).collect();
        let cells = columns.iter().map(|column| places.get(column.as_str()).copied());
        Some(Self { num_cells: header.len(), cells: cells.collect() })
    }
}
