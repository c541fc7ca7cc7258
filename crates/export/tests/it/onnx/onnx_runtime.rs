//! ONNX Runtime, through its Python package: one process for many files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use export::{OnnxModel, onnx};
use graph::Graph;
use serde_json::{Value, json};

/// Reads jobs, runs each on all rows and on each row alone, and writes what came out. Floats travel as their bits.
const SCRIPT: &str = r#"
import json, sys
import numpy as np
import onnx
import onnxruntime as ort

ort.set_default_logger_severity(4)

def decode(column):
    kind, values = column["type"], column["values"]
    if kind == "float":
        array = np.array([int(v) for v in values], dtype=np.uint64).view(np.float64)
    else:
        array = np.array(values, dtype={"int": np.int64, "bool": np.bool_, "string": object}[kind])
    return array.reshape(-1, column["width"])

def encode(array):
    assert array.ndim == 2, array.shape
    if array.dtype == np.float32:
        array = array.view(np.uint32)
    # A row of one value is that value.
    return (array.reshape(-1) if array.shape[1] == 1 else array).tolist()

def run(job):
    data = open(job["file"], "rb").read()
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    feeds = {name: decode(column) for name, column in job["inputs"].items()}
    names = [output.name for output in session.get_outputs()]
    batch = dict(zip(names, (encode(v) for v in session.run(names, feeds))))
    single = {name: [] for name in names}
    for row in range(job["num_rows"]):
        one = {name: array[row:row + 1] for name, array in feeds.items()}
        for name, value in zip(names, session.run(names, one)):
            single[name].extend(encode(value))
    return {"batch": batch, "single": single}

results = []
for job in json.load(open(sys.argv[1])):
    try:
        results.append(run(job))
    except Exception as error:
        results.append({"error": str(error)[:2000]})
json.dump(results, open(sys.argv[2], "w"))
"#;

/// A file with the rows to run it on.
pub(crate) struct Job {
    pub(crate) file: OnnxModel,
    pub(crate) rows: RecordBatch,
    /// The raw features that the file reads.
    pub(crate) inputs: Vec<String>,
}

impl Job {
    /// Returns the job of a graph alone.
    pub(crate) fn new(graph: &Graph, rows: &RecordBatch) -> Self {
        let inputs = graph.inputs().iter().map(|input| input.name.clone()).collect();
        Self { file: onnx(graph, None).unwrap(), rows: wide(rows), inputs }
    }
}

/// Returns the columns as ONNX Runtime is given them.
pub(crate) fn wide(rows: &RecordBatch) -> RecordBatch {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| {
        let is_float = column.data_type() == &DataType::Float32;
        let column =
            if is_float { cast(column, &DataType::Float64).unwrap() } else { Arc::clone(column) };
        (field.name().clone(), column)
    });
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
}

/// Returns the Python that has ONNX Runtime.
#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
pub(crate) fn python() -> Option<PathBuf> {
    let python = std::env::var_os("CUPOLA_ORT_PYTHON").map(PathBuf::from);
    if python.is_none() {
        println!(
            "skipped: CUPOLA_ORT_PYTHON names no Python with the packages onnxruntime and onnx"
        );
    }
    python
}

/// Runs files, all rows at once and one by one. Returns the tensors of each by name, or why it did not run.
pub(crate) fn run(python: &Path, jobs: &[Job]) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let mut described = Vec::new();
    for (place, job) in jobs.iter().enumerate() {
        let file = dir.path().join(format!("{place}.onnx"));
        job.file.write(&file).unwrap();
        let mut inputs = serde_json::Map::new();
        for name in &job.inputs {
            let column = job.rows.column_by_name(name).unwrap();
            let (items, width) = match column.as_fixed_size_list_opt() {
                Some(vectors) => (vectors.values(), vectors.value_length()),
                None => (column, 1),
            };
            let mut described = values(items);
            described["width"] = json!(width);
            inputs.insert(name.clone(), described);
            // A client that has no missing values need not say so.
            if column.null_count() > 0 {
                let present: Vec<bool> =
                    (0..column.len()).map(|row| column.is_valid(row)).collect();
                let present = json!({"type": "bool", "width": 1, "values": present});
                inputs.insert(format!("{name}.present"), present);
            }
        }
        let file = file.to_str().unwrap();
        described.push(json!({"file": file, "inputs": inputs, "num_rows": job.rows.num_rows()}));
    }
    let path = |name: &str| dir.path().join(name);
    fs::write(path("jobs.json"), serde_json::to_vec(&described).unwrap()).unwrap();
    fs::write(path("run.py"), SCRIPT).unwrap();
    let mut command = Command::new(python);
    command.arg(path("run.py")).arg(path("jobs.json")).arg(path("results.json"));
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    serde_json::from_slice(&fs::read(path("results.json")).unwrap()).unwrap()
}

fn values(column: &ArrayRef) -> Value {
    // In the place of a missing value stands something that would be seen.
    match column.data_type() {
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>();
            json!({"type": "int", "values": values.iter().map(|v| v.unwrap_or(-1)).collect::<Vec<_>>()})
        }
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>();
            let bits = |v: Option<f64>| v.unwrap_or(7.5).to_bits().to_string();
            json!({"type": "float", "values": values.iter().map(bits).collect::<Vec<_>>()})
        }
        DataType::Boolean => {
            let values = column.as_boolean();
            json!({"type": "bool", "values": values.iter().map(|v| v.unwrap_or(true)).collect::<Vec<_>>()})
        }
        DataType::Utf8 => {
            let values = column.as_string::<i32>();
            let text = |v: Option<&str>| v.unwrap_or("missing").to_owned();
            json!({"type": "string", "values": values.iter().map(text).collect::<Vec<_>>()})
        }
        other => panic!("{other} is not a raw feature's type here"),
    }
}
