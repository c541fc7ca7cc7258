//! Explanations beside those of the `shap` package; `CUPOLA_SHAP_PYTHON` names a Python that has it.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::process::Command;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, Float64Array, RecordBatch};
use arrow::datatypes::Float64Type;
use base::BoxError;
use explain::Explainer;
use model::{PREDICTION, Predictor, Signature, Task};

const NUM_FEATURES: usize = 6;

/// The same function here and there: pairs of features count together.
const PROGRAM: &str = r#"
import json, sys, numpy as np, shap
background, examples = (np.array(rows) for rows in json.loads(sys.argv[1]))
def predict(x):
    return x[:, 0] * x[:, 1] - np.abs(x[:, 2]) * x[:, 3] + np.tanh(x[:, 4] + x[:, 5])
explainer = shap.KernelExplainer(predict, background)
print(json.dumps(np.asarray(explainer.shap_values(examples, l1_reg=False, silent=True)).tolist()))
"#;

struct Function(Signature);

impl Predictor for Function {
    fn signature(&self) -> &Signature {
        &self.0
    }

    #[expect(clippy::cast_possible_truncation, reason = "predictions have 32 bits")]
    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let x = |column: usize, row: usize| {
            examples.column(column).as_primitive::<Float64Type>().value(row)
        };
        let of = |row: usize| {
            let pairs = x(0, row) * x(1, row) - x(2, row).abs() * x(3, row);
            (pairs + (x(4, row) + x(5, row)).tanh()) as f32
        };
        let predicted: Float32Array = (0..examples.num_rows()).map(|row| Some(of(row))).collect();
        Ok(RecordBatch::try_from_iter([(PREDICTION, Arc::new(predicted) as ArrayRef)]).unwrap())
    }
}

fn batch(rows: &[Vec<f64>]) -> RecordBatch {
    let columns = (0..NUM_FEATURES).map(|column| {
        let values: Float64Array = rows.iter().map(|row| Some(row[column])).collect();
        (format!("x{column}"), Arc::new(values) as ArrayRef)
    });
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
}

/// Numbers that look random.
fn rows(num: u32, seed: u32) -> Vec<Vec<f64>> {
    let value = |row: u32, column: u32| {
        f64::from((row * 7919 + column * 104_729 + seed * 31_337) % 1009) / 250.0 - 2.0
    };
    (0..num).map(|row| (0..6).map(|column| value(row, column)).collect()).collect()
}

#[test]
fn values_are_those_that_the_package_computes_now() {
    #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
    let Ok(python) = std::env::var("CUPOLA_SHAP_PYTHON") else {
        println!(
            "SKIPPED: CUPOLA_SHAP_PYTHON names no Python; values are compared with stored ones only"
        );
        return;
    };
    let (background, examples) = (rows(9, 1), rows(12, 2));
    let input = serde_json::to_string(&(&background, &examples)).unwrap();
    let output = Command::new(python).args(["-c", PROGRAM, &input]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let expected: Vec<Vec<f64>> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(expected.len(), examples.len());
    let model = Function(Signature::new(Vec::new(), "y".to_owned(), Task::Regression));
    let names: Vec<String> = (0..NUM_FEATURES).map(|column| format!("x{column}")).collect();
    let explainer = Explainer::new(&model, &names, batch(&background), PREDICTION, 0).unwrap();
    for (example, expected) in examples.iter().zip(expected) {
        let found = explainer.shapley(&batch(std::slice::from_ref(example))).unwrap();
        for (value, expected) in found.values.iter().zip(expected) {
            // The model says 32 bits here and 64 there.
            assert!((value - expected).abs() < 1e-5, "{value}, {expected}");
        }
    }
}
