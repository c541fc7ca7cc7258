//! Labelled examples of a split, decoded.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Int64Type};
use dataflow::{BatchIter, Source};
use model::network::{Encoder, Lists, Network, Rows, numeric_column};
use model::{ModelError, Task};

use crate::{Config, MissingLabels, TrainError};

/// How many bytes of decoded examples are kept in memory, per split.
///
/// A split that fits is decoded once and shuffled as a whole; of a larger one so much is shuffled at a time.
pub const BUFFER_BYTES: usize = 64 << 20;

/// Some labelled examples.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    len: usize,
    pub(crate) rows: Rows,
    /// Shape `[rows, labels of an example]`.
    pub(crate) labels: Vec<f32>,
    /// One per example, or none where all count alike.
    pub(crate) weights: Vec<f32>,
    /// What examples of one query have in common, for ranking; else none.
    pub(crate) queries: Vec<u64>,
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns a table of examples that all count alike and are of no query.
    #[cfg(test)]
    pub(crate) fn of(rows: Rows, labels: Vec<f32>) -> Self {
        Self { len: rows.num_rows(), rows, labels, ..Self::default() }
    }

    /// Appends what is said about all examples of `other`, without their features.
    pub(crate) fn push_about(&mut self, other: &Self) {
        self.len += other.len;
        self.labels.extend_from_slice(&other.labels);
        self.weights.extend_from_slice(&other.weights);
        self.queries.extend_from_slice(&other.queries);
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.rows.clear();
        self.labels.clear();
        self.weights.clear();
        self.queries.clear();
    }

    pub(crate) fn push(&mut self, other: &Self, row: usize) {
        let width = other.labels.len() / other.len().max(1);
        self.len += 1;
        self.rows.push_row(&other.rows, row);
        self.labels.extend_from_slice(&other.labels[row * width..(row + 1) * width]);
        self.weights.extend(other.weights.get(row));
        self.queries.extend(other.queries.get(row));
    }

    pub(crate) fn num_bytes(&self) -> usize {
        self.rows.num_bytes()
            + 4 * (self.labels.len() + self.weights.len())
            + 8 * self.queries.len()
    }
}

/// Which columns say something about an example.
#[derive(Clone)]
pub(crate) struct About {
    pub(crate) label: String,
    pub(crate) weight: Option<String>,
    pub(crate) query: Option<String>,
    pub(crate) missing_labels: MissingLabels,
}

impl About {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            label: config.model.label().to_owned(),
            weight: config.example_weight.clone(),
            query: config.ranking.as_ref().map(|ranking| ranking.query.clone()),
            missing_labels: config.missing_labels,
        }
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        let others = [self.weight.as_deref(), self.query.as_deref()];
        std::iter::once(self.label.as_str()).chain(others.into_iter().flatten())
    }
}

/// One split, and how its batches become examples.
#[derive(Clone)]
pub(crate) struct Split {
    pub(crate) name: &'static str,
    pub(crate) source: Arc<dyn Source + Send>,
    pub(crate) network: Arc<Network>,
    pub(crate) encoder: Arc<Encoder>,
    pub(crate) about: About,
    pub(crate) task: Task,
}

/// What a first pass over a split finds.
#[derive(Default)]
pub(crate) struct Scan {
    /// All examples, when they fit the buffer.
    pub(crate) table: Option<Table>,
    /// How many have a label.
    pub(crate) num_examples: u64,
    /// How many do not.
    pub(crate) num_missing_labels: u64,
    /// How many of them, by weight, have each class; empty for tasks without classes.
    pub(crate) classes: Vec<f64>,
    /// How much memory an example takes, in bytes, when they do not all fit the buffer.
    pub(crate) row_bytes: usize,
}

/// The labels of a batch: those of the rows that have one.
struct Labels {
    /// Shape `[rows that have one, labels of an example]`.
    values: Vec<f32>,
    is_there: Vec<bool>,
    num_missing: u64,
}

impl Split {
    /// Opens one partition.
    pub(crate) fn open(&self, partition: usize) -> Result<BatchIter<'_>, TrainError> {
        self.open_columns(partition, self.encoder.columns().chain(self.about.columns()))
    }

    fn open_columns<'n>(
        &self,
        partition: usize,
        columns: impl IntoIterator<Item = &'n str>,
    ) -> Result<BatchIter<'_>, TrainError> {
        let columns: BTreeSet<&str> = columns.into_iter().collect();
        let columns: Vec<String> = columns.into_iter().map(str::to_owned).collect();
        let opened = self.source.read(partition, Some(&columns));
        opened.map_err(|error| TrainError::Read { split: self.name, error })
    }

    fn failed(&self, source: ModelError) -> TrainError {
        TrainError::Examples { split: self.name, source }
    }

    /// Returns the examples of a batch that have a label, and how many have none.
    pub(crate) fn decode(&self, batch: &RecordBatch) -> Result<(Table, u64), TrainError> {
        let labels = self.labels(batch)?;
        let rows = self.encoder.encode(batch).map_err(|source| self.failed(source))?;
        self.check_finite(&rows)?;
        let weights = self.weights(batch)?;
        let queries = self.queries(batch)?;
        if labels.num_missing == 0 {
            let len = rows.num_rows();
            return Ok((Table { len, rows, labels: labels.values, weights, queries }, 0));
        }
        let mut table = Table { labels: labels.values, ..Table::default() };
        for (row, _) in labels.is_there.iter().enumerate().filter(|(_, is_there)| **is_there) {
            table.len += 1;
            table.rows.push_row(&rows, row);
            table.weights.extend(weights.get(row));
            table.queries.extend(queries.get(row));
        }
        Ok((table, labels.num_missing))
    }

    /// Returns the labels; NaN counts as missing, and so does a vector of which any item is missing.
    fn labels(&self, batch: &RecordBatch) -> Result<Labels, TrainError> {
        let num_rows = batch.num_rows();
        let mut labels = Labels {
            values: Vec::with_capacity(num_rows * self.label_width()),
            is_there: Vec::with_capacity(num_rows),
            num_missing: 0,
        };
        let name = self.about.label.as_str();
        if let Task::MultiLabelClassification { num_labels } = self.task {
            let lists = Lists::of_numbers(batch, name).map_err(|source| self.failed(source))?;
            let values = lists.values().as_primitive::<Float32Type>();
            for row in 0..num_rows {
                let range = lists.range(row).unwrap_or(0..0);
                if !range.is_empty() && range.len() != num_labels {
                    let (column, found) = (name.to_owned(), range.len());
                    let source = ModelError::VectorLength { column, found, expected: num_labels };
                    return Err(self.failed(source));
                }
                let is_value =
                    |place: usize| values.is_valid(place) && !values.value(place).is_nan();
                let is_there = !range.is_empty() && range.clone().all(is_value);
                if is_there {
                    for place in range {
                        labels.values.push(self.check_label(values.value(place))?);
                    }
                }
                labels.is_there.push(is_there);
            }
        } else {
            let column = numeric_column(batch, name).map_err(|source| self.failed(source))?;
            for label in &column {
                let label = label.filter(|label| !label.is_nan());
                if let Some(label) = label {
                    labels.values.push(self.check_label(label)?);
                }
                labels.is_there.push(label.is_some());
            }
        }
        labels.num_missing = labels.is_there.iter().filter(|is_there| !**is_there).count() as u64;
        Ok(labels)
    }

    /// Returns how many numbers the label of an example is.
    pub(crate) fn label_width(&self) -> usize {
        match self.task {
            Task::MultiLabelClassification { num_labels } => num_labels,
            _ => 1,
        }
    }

    #[expect(clippy::float_cmp, reason = "0 and 1 are exact")]
    #[expect(clippy::cast_precision_loss, reason = "at most 65536 classes")]
    fn check_label(&self, value: f32) -> Result<f32, TrainError> {
        let (is_good, expected) = match self.task {
            Task::BinaryClassification | Task::MultiLabelClassification { .. } => {
                (value == 0.0 || value == 1.0, "0 or 1".to_owned())
            }
            Task::MultiClassClassification { num_classes } => (
                value >= 0.0 && value.fract() == 0.0 && value < num_classes as f32,
                format!("a whole number from 0 to below the number of classes, {num_classes}"),
            ),
            Task::Regression => (value.is_finite(), "a finite number".to_owned()),
            Task::Ranking => {
                (value >= 0.0 && value.is_finite(), "a finite number of at least 0".to_owned())
            }
        };
        if is_good {
            return Ok(value);
        }
        let label = self.about.label.clone();
        Err(TrainError::Label { split: self.name, label, value, expected })
    }

    fn weights(&self, batch: &RecordBatch) -> Result<Vec<f32>, TrainError> {
        let Some(name) = self.about.weight.as_deref() else { return Ok(Vec::new()) };
        let column = numeric_column(batch, name).map_err(|source| self.failed(source))?;
        let weight = |value: Option<f32>| match value {
            Some(value) if value >= 0.0 && value.is_finite() => Ok(value),
            _ => Err(TrainError::Weight {
                split: self.name,
                feature: name.to_owned(),
                value: value.unwrap_or(f32::NAN),
            }),
        };
        column.iter().map(weight).collect()
    }

    /// Returns a number for each query: an integer itself, a text's first eight bytes of its digest.
    fn queries(&self, batch: &RecordBatch) -> Result<Vec<u64>, TrainError> {
        let Some(name) = self.about.query.as_deref() else { return Ok(Vec::new()) };
        let missing = || TrainError::MissingQuery { split: self.name, feature: name.to_owned() };
        let column = batch
            .column_by_name(name)
            .ok_or_else(|| self.failed(ModelError::MissingColumn { column: name.to_owned() }))?;
        let mismatch = || {
            self.failed(ModelError::ColumnType {
                column: name.to_owned(),
                found: column.data_type().to_string(),
                expected: "an integer or a text",
            })
        };
        if column.data_type().is_integer() {
            let ids = cast(column, &DataType::Int64).map_err(|_| mismatch())?;
            let ids = ids.as_primitive::<Int64Type>().iter();
            return ids.map(|id| id.map(i64::cast_unsigned).ok_or_else(missing)).collect();
        }
        let texts = cast(column, &DataType::Binary).map_err(|_| mismatch())?;
        let number = |text: Option<&[u8]>| text.map(digest).ok_or_else(missing);
        texts.as_binary::<i32>().iter().map(number).collect()
    }

    fn check_finite(&self, rows: &Rows) -> Result<(), TrainError> {
        let Some(place) = rows.numeric().iter().position(|value| value.is_infinite()) else {
            return Ok(());
        };
        let feature = self.network.numeric_of_column(place % self.network.numeric_width());
        let feature = feature.map(|feature| feature.name.clone()).unwrap_or_default();
        Err(TrainError::Infinite { split: self.name, feature })
    }

    /// Reads the split once: keeps it when it fits the buffer, and counts and checks the labels in any case.
    pub(crate) fn scan(&self, buffer_bytes: usize) -> Result<Scan, TrainError> {
        let num_classes = match self.task {
            Task::BinaryClassification => 2,
            Task::MultiClassClassification { num_classes } => num_classes,
            _ => 0,
        };
        let mut scan = Scan {
            table: Some(Table::default()),
            classes: vec![0.0; num_classes],
            ..Scan::default()
        };
        let mut num_rows = 0;
        for partition in 0..self.source.num_partitions() {
            let batches = match scan.table {
                Some(_) => self.open(partition)?,
                None => self.open_columns(partition, self.about.columns())?,
            };
            for batch in batches {
                let batch = batch.map_err(|error| TrainError::Read { split: self.name, error })?;
                let labels = self.labels(&batch)?;
                if labels.num_missing > 0 && self.about.missing_labels == MissingLabels::Error {
                    let place = labels.is_there.iter().position(|is_there| !is_there);
                    let row = num_rows + place.unwrap_or(0) as u64 + 1;
                    let label = self.about.label.clone();
                    return Err(TrainError::MissingLabel { split: self.name, label, row });
                }
                num_rows += batch.num_rows() as u64;
                scan.num_missing_labels += labels.num_missing;
                scan.num_examples += batch.num_rows() as u64 - labels.num_missing;
                if num_classes > 0 {
                    self.count_classes(&batch, &labels, &mut scan.classes)?;
                }
                if let Some(kept) = &mut scan.table {
                    let (table, _) = self.decode(&batch)?;
                    (0..table.len()).for_each(|row| kept.push(&table, row));
                }
                if let Some(table) = &scan.table
                    && table.num_bytes() > buffer_bytes
                {
                    scan.row_bytes = table.num_bytes() / table.len().max(1);
                    scan.table = None;
                }
            }
        }
        Ok(scan)
    }

    fn count_classes(
        &self,
        batch: &RecordBatch,
        labels: &Labels,
        classes: &mut [f64],
    ) -> Result<(), TrainError> {
        let weights = self.weights(batch)?;
        let rows = labels.is_there.iter().enumerate().filter(|(_, is_there)| **is_there);
        for ((row, _), label) in rows.zip(&labels.values) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
            let class = *label as usize;
            classes[class] += weights.get(row).map_or(1.0, |&weight| f64::from(weight));
        }
        Ok(())
    }

    /// Calls `use_table` with all examples, some at a time.
    pub(crate) fn for_each(
        &self,
        scan: &Scan,
        buffer_bytes: usize,
        use_table: &mut dyn FnMut(&Table),
    ) -> Result<(), TrainError> {
        if let Some(table) = &scan.table {
            use_table(table);
            return Ok(());
        }
        let mut gathered = Table::default();
        for partition in 0..self.source.num_partitions() {
            for batch in self.open(partition)? {
                let batch = batch.map_err(|error| TrainError::Read { split: self.name, error })?;
                let (table, _) = self.decode(&batch)?;
                if self.about.query.is_none() {
                    use_table(&table);
                    continue;
                }
                // The examples of a query are wanted together.
                (0..table.len()).for_each(|row| gathered.push(&table, row));
                if gathered.num_bytes() > buffer_bytes {
                    use_table(&gathered);
                    gathered.clear();
                }
            }
        }
        if gathered.len() > 0 {
            use_table(&gathered);
        }
        Ok(())
    }
}

fn digest(text: &[u8]) -> u64 {
    let digest = base::Digest::of(text).to_string();
    u64::from_str_radix(&digest[..16], 16).expect("a digest is hexadecimal digits")
}

/// Returns the rows of a table query by query, in the order in which queries first come: the rows, and where each query
/// ends. Without queries each row is one of its own.
pub(crate) fn grouped(queries: &[u64]) -> (Vec<usize>, Vec<usize>) {
    let mut first = std::collections::HashMap::new();
    let mut keyed: Vec<(usize, usize)> = queries
        .iter()
        .enumerate()
        .map(|(row, query)| (*first.entry(*query).or_insert(row), row))
        .collect();
    keyed.sort_unstable();
    let ends = (1..=keyed.len())
        .filter(|&end| end == keyed.len() || keyed[end].0 != keyed[end - 1].0)
        .collect();
    (keyed.into_iter().map(|(_, row)| row).collect(), ends)
}
