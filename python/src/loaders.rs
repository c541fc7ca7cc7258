//! The data path of training for programs: shuffled batches of examples and of blocks of tokens, by rank, resumable.
//!
//! Everything that reads, waits or mixes does so without the interpreter's lock.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayData, Int32Array, RecordBatch, make_array};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::DataType;
use arrow::pyarrow::{PyArrowType, ToPyArrow};
use dataset::Split;
use loader::{
    Columns, ExampleLoader, ExampleLoaderConfig, TokenLoader as Tokens, TokenLoaderConfig,
    TokenShards,
};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::{failed, told};

/// The key of the position in a state.
const POSITION: &str = "position";

/// Shuffled batches of the examples of a folder, made ahead by other threads.
///
/// Going through it once is an epoch; the next time is the next epoch, in another order.
#[pyclass(module = "cupola")]
pub(crate) struct Loader {
    loader: Mutex<ExampleLoader>,
    schema: PyArrowType<arrow::datatypes::Schema>,
    is_numpy: bool,
}

#[pymethods]
impl Loader {
    #[new]
    #[pyo3(signature = (
        dir, batch_size, rank = 0, world_size = 1, seed = None, skip = 0, *, columns = None,
        shuffle_rows = 16_384, interleave = 4, prefetch = 2, numpy = false
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords of a Python function")]
    fn new(
        py: Python<'_>,
        dir: PathBuf,
        batch_size: usize,
        rank: usize,
        world_size: usize,
        seed: Option<u64>,
        skip: u64,
        columns: Option<Vec<String>>,
        shuffle_rows: usize,
        interleave: usize,
        prefetch: usize,
        numpy: bool,
    ) -> PyResult<Self> {
        let config = ExampleLoaderConfig {
            batch_size,
            rank,
            world_size,
            seed,
            shuffle_rows,
            interleave,
            prefetch,
        };
        let source = py
            .detach(|| Split::at(&without_pattern(dir)).and_then(|split| split.source()))
            .map_err(failed)?;
        let full = dataflow::Source::schema(&source);
        let mut indices: Vec<usize> = (0..full.fields().len()).collect();
        if let Some(names) = &columns {
            for name in names {
                if full.column_with_name(name).is_none() {
                    let known: Vec<_> = full.fields().iter().map(|f| f.name().as_str()).collect();
                    let known = known.join(", ");
                    return Err(PyKeyError::new_err(format!(
                        "no column `{name}`, there are {known}"
                    )));
                }
            }
            indices.retain(|&index| names.contains(full.field(index).name()));
        }
        let schema =
            full.project(&indices).map_err(|error| PyKeyError::new_err(error.to_string()))?;
        let columns = Arc::new(Columns::new(Arc::new(source), columns));
        let mut loader = ExampleLoader::of(columns, config).map_err(failed)?;
        loader.skip(skip);
        Ok(Self { loader: Mutex::new(loader), schema: PyArrowType(schema), is_numpy: numpy })
    }

    /// The schema of the batches, a `pyarrow.Schema`.
    #[getter]
    fn schema(&self) -> PyArrowType<arrow::datatypes::Schema> {
        PyArrowType(self.schema.0.clone())
    }

    /// How many seconds the caller has waited for batches.
    #[getter]
    fn waited(&self, py: Python<'_>) -> f64 {
        self.with(py, |loader| loader.waited().as_secs_f64())
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let batch = self.with(py, |loader| loader.next_batch()).map_err(told)?;
        let Some(batch) = batch else { return Ok(None) };
        Ok(Some(if self.is_numpy {
            arrays(py, &batch)?.into_any()
        } else {
            batch.to_pyarrow(py)?
        }))
    }

    /// Leaves out so many batches of this epoch.
    fn skip(&self, py: Python<'_>, num_batches: u64) {
        self.with(py, |loader| loader.skip(num_batches));
    }

    /// Returns the position, the same for all ranks, as PyTorch's `StatefulDataLoader` does.
    fn state_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        state(py, &self.with(py, |loader| loader.state()))
    }

    /// Goes to a position that `state_dict` gave.
    fn load_state_dict(&self, py: Python<'_>, state: &Bound<'_, PyDict>) -> PyResult<()> {
        let position = position(state)?;
        self.with(py, |loader| loader.resume(&position)).map_err(failed)
    }
}

impl Loader {
    /// Uses the loader while other threads of the interpreter run.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl Send + FnOnce(&mut ExampleLoader) -> T,
    ) -> T {
        py.detach(|| work(&mut self.loader.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// An endless stream of batches of blocks of tokens, from shards that are mapped into memory.
#[pyclass(module = "cupola")]
pub(crate) struct TokenLoader {
    loader: Mutex<Tokens>,
    block_length: usize,
    num_blocks: u64,
    vocabulary_size: u32,
}

#[pymethods]
impl TokenLoader {
    #[new]
    #[pyo3(signature = (
        dir, batch_size, rank = 0, world_size = 1, seed = None, skip = 0, *, block_length = None
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords of a Python function")]
    fn new(
        py: Python<'_>,
        dir: PathBuf,
        batch_size: usize,
        rank: usize,
        world_size: usize,
        seed: Option<u64>,
        skip: u64,
        block_length: Option<usize>,
    ) -> PyResult<Self> {
        let shards = py
            .detach(|| match block_length {
                Some(length) => TokenShards::with_block_length(&dir, length),
                None => TokenShards::open(&dir),
            })
            .map_err(failed)?;
        let (block_length, num_blocks) = (shards.block_length(), shards.num_blocks());
        let vocabulary_size = shards.vocabulary_size();
        let config = TokenLoaderConfig { batch_size, rank, world_size, seed };
        let mut loader = Tokens::new(Arc::new(shards), config).map_err(failed)?;
        loader.skip(skip);
        Ok(Self { loader: Mutex::new(loader), block_length, num_blocks, vocabulary_size })
    }

    /// How many tokens of a block a model reads; the block has one more.
    #[getter]
    fn block_length(&self) -> usize {
        self.block_length
    }

    /// How many blocks there are.
    #[getter]
    fn num_blocks(&self) -> u64 {
        self.num_blocks
    }

    /// All tokens are below it.
    #[getter]
    fn vocabulary_size(&self) -> u32 {
        self.vocabulary_size
    }

    /// How many times all blocks were read, by all ranks together.
    #[getter]
    fn epochs(&self, py: Python<'_>) -> f64 {
        self.with(py, |loader| loader.epochs())
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let tokens = self
            .with(py, |loader| {
                let mut tokens = Vec::new();
                loader.next_batch(&mut tokens).map(|()| tokens)
            })
            .map_err(failed)?;
        // PyTorch has signed integers; tokens are far below the half of all.
        let len = tokens.len();
        let values = ScalarBuffer::new(Buffer::from_vec(tokens), 0, len);
        let array = Int32Array::new(values, None);
        shaped(py, &array.into_data(), self.block_length + 1)
    }

    /// Leaves out so many batches.
    fn skip(&self, py: Python<'_>, num_batches: u64) {
        self.with(py, |loader| loader.skip(num_batches));
    }

    /// Returns the position, the same for all ranks.
    fn state_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        state(py, &self.with(py, |loader| loader.state()))
    }

    /// Goes to a position that `state_dict` gave. The number of ranks may be another.
    fn load_state_dict(&self, py: Python<'_>, state: &Bound<'_, PyDict>) -> PyResult<()> {
        let position = position(state)?;
        self.with(py, |loader| loader.resume(&position)).map_err(failed)
    }
}

impl TokenLoader {
    /// Uses the loader while other threads of the interpreter run.
    fn with<T: Send>(&self, py: Python<'_>, work: impl Send + FnOnce(&mut Tokens) -> T) -> T {
        py.detach(|| work(&mut self.loader.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn state<'py>(py: Python<'py>, position: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let state = PyDict::new(py);
    state.set_item(POSITION, PyBytes::new(py, position))?;
    Ok(state)
}

fn position(state: &Bound<'_, PyDict>) -> PyResult<Vec<u8>> {
    match state.get_item(POSITION)? {
        Some(position) => position.extract(),
        None => Err(PyKeyError::new_err(format!("the state has no `{POSITION}`"))),
    }
}

/// Returns the folder of a pattern of all its files, as a trainer's `train_files` are.
fn without_pattern(path: PathBuf) -> PathBuf {
    match (path.file_name(), path.parent()) {
        (Some(name), Some(dir)) if name == "*" => Path::to_path_buf(dir),
        _ => path,
    }
}

/// Returns a NumPy array for each column: without a copy, of numbers that are all there and of vectors of such.
fn arrays<'py>(py: Python<'py>, batch: &RecordBatch) -> PyResult<Bound<'py, PyDict>> {
    let columns = PyDict::new(py);
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let array = match column.data_type() {
            DataType::FixedSizeList(_, width) if column.null_count() == 0 => {
                let width = usize::try_from(*width).unwrap_or(0);
                let data = column.to_data();
                let items = make_array(data.child_data()[0].clone());
                let items = items.slice(data.offset() * width, data.len() * width);
                shaped(py, &items.to_data(), width)?
            }
            _ => flat(py, &column.to_data())?,
        };
        columns.set_item(field.name(), array)?;
    }
    Ok(columns)
}

fn flat<'py>(py: Python<'py>, data: &ArrayData) -> PyResult<Bound<'py, PyAny>> {
    let is_bare =
        data.null_count() == 0 && (data.data_type().is_integer() || data.data_type().is_floating());
    let options = PyDict::new(py);
    options.set_item("zero_copy_only", is_bare)?;
    data.to_pyarrow(py)?.call_method("to_numpy", (), Some(&options))
}

fn shaped<'py>(py: Python<'py>, data: &ArrayData, width: usize) -> PyResult<Bound<'py, PyAny>> {
    flat(py, data)?.call_method1("reshape", (-1, width))
}
