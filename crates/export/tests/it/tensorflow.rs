//! TensorFlow, in Python, as another runtime: all cases in one process, because it takes long to start.

mod models;
mod schemas;
mod skew;
mod trained;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Int64Type};
use serde_json::{Value, json};

const SCRIPT: &str = include_str!("tensorflow/run_tensorflow.py");

/// Something that TensorFlow is to run.
struct Case {
    /// The folder of the SavedModel.
    dir: PathBuf,
    signature: &'static str,
    /// Whether to load it as TensorFlow 2 does, or as TensorFlow 1 and Serving do.
    is_v2: bool,
    /// The raw features, as the script wants them.
    inputs: Value,
    num_rows: usize,
}

impl Case {
    /// Returns a case of some rows; columns that are not among `names` stay out.
    fn new(
        dir: &Path,
        signature: &'static str,
        is_v2: bool,
        rows: &RecordBatch,
        names: &[&str],
    ) -> Self {
        let mut inputs = serde_json::Map::new();
        for name in names {
            let column = rows.column_by_name(name).unwrap();
            let item = match column.data_type() {
                DataType::List(item) | DataType::FixedSizeList(item, _) => item.data_type(),
                other => other,
            };
            let value_type = match item {
                DataType::Int64 => "INT",
                DataType::Float32 => "FLOAT",
                DataType::Utf8 => "STRING",
                DataType::Boolean => "BOOL",
                other => panic!("{other}"),
            };
            let shape = match column.data_type() {
                DataType::List(_) => "list",
                DataType::FixedSizeList(..) => "vector",
                _ => "one",
            };
            let values: Vec<Value> = (0..rows.num_rows()).map(|row| cell(column, row)).collect();
            inputs.insert(
                (*name).to_owned(),
                json!({ "type": value_type, "shape": shape, "values": values }),
            );
        }
        let (dir, inputs) = (dir.to_path_buf(), Value::Object(inputs));
        Self { dir, signature, is_v2, inputs, num_rows: rows.num_rows() }
    }
}

/// Returns a value as JSON: missing is `null`, and a float that JSON has no number for is a string.
pub(crate) fn cell(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => {
            let value = f64::from(column.as_primitive::<Float32Type>().value(row));
            match value {
                value if value.is_nan() => json!("nan"),
                f64::INFINITY => json!("inf"),
                f64::NEG_INFINITY => json!("-inf"),
                value => json!(value),
            }
        }
        DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
        DataType::Boolean => json!(column.as_boolean().value(row)),
        DataType::List(_) => all_cells(&column.as_list::<i32>().value(row)),
        DataType::FixedSizeList(..) => all_cells(&column.as_fixed_size_list().value(row)),
        other => panic!("{other}"),
    }
}

fn all_cells(column: &dyn Array) -> Value {
    (0..column.len()).map(|row| cell(column, row)).collect()
}

/// The outputs of a case by name, a list of values for each row, or why there are none.
type Outcome = Result<BTreeMap<String, Vec<Vec<Value>>>, String>;

#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
/// Runs all cases, or returns `None` and says so when it is not known where there is a Python with TensorFlow.
fn run(cases: &[Case]) -> Option<Vec<Outcome>> {
    #[expect(clippy::disallowed_methods, reason = "tests are told this way where a peer is")]
    let Ok(python) = std::env::var("CUPOLA_TF_PYTHON") else {
        println!("skipped: CUPOLA_TF_PYTHON names no Python with TensorFlow");
        return None;
    };
    let dir = tempfile::tempdir().unwrap();
    let [script, input, output] =
        ["run_tensorflow.py", "cases.json", "outputs.json"].map(|name| dir.path().join(name));
    let cases: Vec<Value> = cases
        .iter()
        .map(|case| {
            let loader = if case.is_v2 { "v2" } else { "v1" };
            json!({
                "dir": case.dir, "signature": case.signature, "loader": loader,
                "inputs": case.inputs, "num_rows": case.num_rows,
            })
        })
        .collect();
    std::fs::write(&script, SCRIPT).unwrap();
    std::fs::write(&input, serde_json::to_vec(&cases).unwrap()).unwrap();
    let done = Command::new(python).arg(&script).arg(&input).arg(&output).output().unwrap();
    let log = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{log}");

    let results: Vec<Value> = serde_json::from_slice(&std::fs::read(&output).unwrap()).unwrap();
    assert_eq!(results.len(), cases.len());
    let outcome = |result: Value| match result.get("error") {
        Some(error) => Err(error.as_str().unwrap().to_owned()),
        None => Ok(serde_json::from_value(result["outputs"].clone()).unwrap()),
    };
    Some(results.into_iter().map(outcome).collect())
}
