//! Labelled examples of a split, decoded.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use dataflow::{BatchIter, Source};
use model::network::{DenseLayer, Encoder, Network, Rows, Weights, logits, numeric_column};

use burn::tensor::Device;

use crate::loss::Loss;
use crate::{TaskConfig, TrainError};

/// How many bytes of decoded examples are kept in memory, per split.
///
/// A split that fits is decoded once and shuffled as a whole; of a larger one so much is shuffled at a time.
pub const BUFFER_BYTES: usize = 64 << 20;

/// Some labelled examples.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) rows: Rows,
    pub(crate) labels: Vec<f32>,
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.labels.clear();
    }

    pub(crate) fn push(&mut self, other: &Self, row: usize) {
        self.rows.push_row(&other.rows, row);
        self.labels.push(other.labels[row]);
    }
}

/// One split, and how its batches become examples.
pub(crate) struct Split<'a> {
    pub(crate) name: &'static str,
    pub(crate) source: &'a dyn Source,
    pub(crate) network: &'a Network,
    pub(crate) encoder: &'a Encoder,
    pub(crate) label: &'a str,
    pub(crate) task: TaskConfig,
}

/// What a first pass over a split finds.
pub(crate) struct Scan {
    /// All examples, when they fit the buffer.
    pub(crate) table: Option<Table>,
    /// How many have a label.
    pub(crate) num_examples: u64,
    /// How many do not.
    pub(crate) num_missing_labels: u64,
}

impl<'a> Split<'a> {
    /// Opens one partition.
    pub(crate) fn open(&self, partition: usize) -> Result<BatchIter<'a>, TrainError> {
        let label = [self.label];
        let columns: BTreeSet<&str> = self.encoder.columns().chain(label).collect();
        self.open_columns(partition, columns)
    }

    fn open_columns<'n>(
        &self,
        partition: usize,
        columns: impl IntoIterator<Item = &'n str>,
    ) -> Result<BatchIter<'a>, TrainError> {
        let columns: Vec<String> = columns.into_iter().map(str::to_owned).collect();
        self.source
            .read(partition, Some(&columns))
            .map_err(|error| TrainError::Read { split: self.name, error })
    }

    /// Returns the examples of a batch that have a label, and how many have none.
    pub(crate) fn decode(&self, batch: &RecordBatch) -> Result<(Table, u64), TrainError> {
        let (labels, num_missing) = self.labels(batch)?;
        let failed = |source| TrainError::Examples { split: self.name, source };
        let rows = self.encoder.encode(batch).map_err(failed)?;
        self.check_finite(&rows)?;
        if num_missing == 0 {
            return Ok((Table { rows, labels: labels.into_iter().flatten().collect() }, 0));
        }
        let mut table = Table::default();
        for (row, label) in labels.iter().enumerate() {
            if let Some(label) = label {
                table.rows.push_row(&rows, row);
                table.labels.push(*label);
            }
        }
        Ok((table, num_missing))
    }

    /// Returns each example's label, NaN counting as missing, and how many are missing.
    fn labels(&self, batch: &RecordBatch) -> Result<(Vec<Option<f32>>, u64), TrainError> {
        let column = numeric_column(batch, self.label)
            .map_err(|source| TrainError::Examples { split: self.name, source })?;
        let mut num_missing = 0;
        let labels = column.iter().map(|label| match label {
            Some(label) if !label.is_nan() => self.check_label(label).map(Some),
            _ => {
                num_missing += 1;
                Ok(None)
            }
        });
        let labels = labels.collect::<Result<_, _>>()?;
        Ok((labels, num_missing))
    }

    #[expect(clippy::float_cmp, reason = "0 and 1 are exact")]
    fn check_label(&self, value: f32) -> Result<f32, TrainError> {
        let (is_good, expected) = match self.task {
            TaskConfig::BinaryClassification => (value == 0.0 || value == 1.0, "0 or 1"),
            TaskConfig::Regression => (value.is_finite(), "a finite number"),
        };
        if is_good {
            return Ok(value);
        }
        let label = self.label.to_owned();
        Err(TrainError::Label { split: self.name, label, value, expected })
    }

    fn check_finite(&self, rows: &Rows) -> Result<(), TrainError> {
        match rows.numeric().iter().position(|value| value.is_infinite()) {
            None => Ok(()),
            Some(place) => {
                let names = self.network.numeric();
                let feature = names[place % names.len()].clone();
                Err(TrainError::Infinite { split: self.name, feature })
            }
        }
    }

    /// Returns how many examples the buffer holds.
    pub(crate) fn capacity(&self, buffer_bytes: usize) -> usize {
        (buffer_bytes / (Rows::bytes_per_row(self.network) + size_of::<f32>())).max(1)
    }

    /// Reads the split once: keeps it when it fits the buffer, and counts and checks the labels in any case.
    pub(crate) fn scan(&self, buffer_bytes: usize) -> Result<Scan, TrainError> {
        let capacity = self.capacity(buffer_bytes);
        let mut scan =
            Scan { table: Some(Table::default()), num_examples: 0, num_missing_labels: 0 };
        for partition in 0..self.source.num_partitions() {
            let batches = match scan.table {
                Some(_) => self.open(partition)?,
                None => self.open_columns(partition, [self.label])?,
            };
            for batch in batches {
                let batch = batch.map_err(|error| TrainError::Read { split: self.name, error })?;
                let num_missing = match &mut scan.table {
                    None => self.labels(&batch)?.1,
                    Some(kept) => {
                        let (table, num_missing) = self.decode(&batch)?;
                        (0..table.len()).for_each(|row| kept.push(&table, row));
                        num_missing
                    }
                };
                scan.num_missing_labels += num_missing;
                scan.num_examples += batch.num_rows() as u64 - num_missing;
                if scan.table.as_ref().is_some_and(|table| table.len() > capacity) {
                    scan.table = None;
                }
            }
        }
        Ok(scan)
    }

    /// Returns the mean loss of all examples, or `None` when there are none.
    pub(crate) fn mean_loss(
        &self,
        scan: &Scan,
        weights: &Weights,
        loss: Loss,
    ) -> Result<Option<f64>, TrainError> {
        if scan.num_examples == 0 {
            return Ok(None);
        }
        let device = Device::flex();
        let layers: Vec<DenseLayer> =
            weights.layers.iter().map(|layer| DenseLayer::new(layer, &device)).collect();
        let sum_of = |table: &Table| {
            loss.sum(&logits(self.network, weights, &layers, &table.rows), &table.labels)
        };
        let mut sum = 0.0;
        match &scan.table {
            Some(table) => sum += sum_of(table),
            None => {
                for partition in 0..self.source.num_partitions() {
                    for batch in self.open(partition)? {
                        let batch =
                            batch.map_err(|error| TrainError::Read { split: self.name, error })?;
                        sum += sum_of(&self.decode(&batch)?.0);
                    }
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "no split has 2^52 examples")]
        let count = scan.num_examples as f64;
        Ok(Some(sum / count))
    }
}
