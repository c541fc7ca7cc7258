//! Transform graphs and loaders in Python: Arrow in, Arrow out, with nothing copied between the two.
//!
//! The one evaluator, `graph`, with a Python class around it, and the data path of training (`loaders.rs`). Other threads of the interpreter run while it computes.

mod loaders;

use std::path::PathBuf;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::error::ArrowError;
use arrow::ffi_stream::ArrowArrayStreamReader;
use arrow::pyarrow::{FromPyArrow, PyArrowType, ToPyArrow};
use base::{BoxError, Classify, ErrorKind};
use graph::Graph;
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

create_exception!(cupola, CupolaError, PyValueError, "What is wrong with a file or with data.");

/// A compiled transform: raw features in, transformed features out.
#[pyclass(frozen, module = "cupola")]
struct TransformGraph {
    graph: Graph,
}

#[pymethods]
impl TransformGraph {
    /// Reads the folder of a graph.
    #[staticmethod]
    fn load(py: Python<'_>, dir: PathBuf) -> PyResult<Self> {
        let graph = py.detach(|| Graph::load(&dir)).map_err(failed)?;
        Ok(Self { graph })
    }

    /// Returns the features of some rows as a `pyarrow.Table`, one row for each.
    ///
    /// `data` is anything with Arrow's C stream interface, such as a `pyarrow.Table`, a `pyarrow.RecordBatch` or a
    /// data frame of polars.
    fn transform<'py>(
        &self,
        py: Python<'py>,
        data: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let pyarrow = py.import("pyarrow")?;
        // A batch is no stream, and pyarrow before version 14 knows no protocol.
        let reader = if data.is_instance(&pyarrow.getattr("RecordBatch")?)? {
            let batch = RecordBatch::from_pyarrow_bound(data)?;
            Rows::One(batch)
        } else {
            Rows::Stream(ArrowArrayStreamReader::from_pyarrow_bound(data)?)
        };
        let features = py.detach(|| self.apply(reader)).map_err(told)?;
        let batches = features
            .iter()
            .map(|batch| batch.to_pyarrow(py).map(Bound::into_any))
            .collect::<PyResult<Vec<_>>>()?;
        let schema = self.graph.schema().to_pyarrow(py)?;
        pyarrow.getattr("Table")?.call_method1("from_batches", (batches, schema))
    }

    /// Returns the graph of some of the features, in the order given, which reads only what these need.
    fn project(&self, names: Vec<String>) -> PyResult<Self> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(Self { graph: self.graph.project(&names).map_err(failed)? })
    }

    /// The raw features that are read, as pairs of a name and a type such as `FLOAT` or `list of STRING`.
    #[getter]
    fn inputs(&self) -> Vec<(String, String)> {
        let inputs = self.graph.inputs().iter();
        inputs.map(|input| (input.name.clone(), input.node_type().to_string())).collect()
    }

    /// The schema of what `transform` gives, a `pyarrow.Schema`.
    #[getter]
    fn schema(&self) -> PyArrowType<arrow::datatypes::Schema> {
        PyArrowType(self.graph.schema().as_ref().clone())
    }

    fn __repr__(&self) -> String {
        let names = |names: Vec<&str>| names.join(", ");
        let inputs = self.graph.inputs().iter().map(|input| input.name.as_str()).collect();
        let outputs = self.graph.outputs().iter().map(|output| output.name.as_str()).collect();
        format!("TransformGraph({} -> {})", names(inputs), names(outputs))
    }
}

/// Raw rows as they come from Python.
enum Rows {
    One(RecordBatch),
    Stream(ArrowArrayStreamReader),
}

impl TransformGraph {
    fn apply(&self, rows: Rows) -> Result<Vec<RecordBatch>, BoxError> {
        Ok(match rows {
            Rows::One(batch) => vec![self.graph.apply(&batch)?],
            Rows::Stream(stream) => {
                let schema = stream.schema();
                let mut features = Vec::new();
                for batch in stream {
                    features.push(self.graph.apply(&batch.map_err(Unreadable)?)?);
                }
                // Without rows it shows all the same whether the columns are those that are read.
                if features.is_empty() {
                    features.push(self.graph.apply(&RecordBatch::new_empty(schema))?);
                }
                features
            }
        })
    }
}

/// Rows that did not come.
#[derive(Debug, thiserror::Error)]
#[error("the rows cannot be read")]
struct Unreadable(#[source] ArrowError);

impl Classify for Unreadable {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }
}

fn failed<E: Classify>(error: E) -> PyErr {
    told(BoxError::from(error))
}

/// Returns an error with what caused it in one line, and what to do in the next.
fn told(error: BoxError) -> PyErr {
    let hint = error.hint().map_or(String::new(), |hint| format!("\n  hint: {hint}"));
    CupolaError::new_err(format!("{error}{hint}"))
}

#[pymodule]
fn cupola(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<TransformGraph>()?;
    module.add_class::<loaders::Loader>()?;
    module.add_class::<loaders::TokenLoader>()?;
    module.add("CupolaError", module.py().get_type::<CupolaError>())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
