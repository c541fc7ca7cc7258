use arrow::array::{AsArray, Float32Array, Float64Array, StringArray};
use arrow::datatypes::Float64Type;
use base::BoxError;
use model::{PREDICTION, Signature, Task};
use serde_json::Value;

use super::*;

/// A model that is a function of numbers, in the order of the columns.
struct Function {
    signature: Signature,
    of: fn(&[f64]) -> f64,
}

impl Function {
    fn new(of: fn(&[f64]) -> f64) -> Self {
        Self { signature: Signature::new(Vec::new(), "y".to_owned(), Task::Regression), of }
    }
}

impl Predictor for Function {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    #[expect(clippy::cast_possible_truncation, reason = "predictions have 32 bits")]
    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let of_row = |row: usize| {
            let values: Vec<f64> = examples
                .columns()
                .iter()
                .map(|column| match column.as_primitive_opt::<Float64Type>() {
                    Some(numbers) => numbers.value(row),
                    None => column.as_string::<i32>().value(row).len() as f64,
                })
                .collect();
            (self.of)(&values) as f32
        };
        let predicted: Float32Array =
            (0..examples.num_rows()).map(|row| Some(of_row(row))).collect();
        Ok(RecordBatch::try_from_iter([(PREDICTION, Arc::new(predicted) as ArrayRef)]).unwrap())
    }
}

fn batch(rows: &[Vec<f64>]) -> RecordBatch {
    let columns = (0..rows[0].len()).map(|column| {
        let values: Float64Array = rows.iter().map(|row| Some(row[column])).collect();
        (format!("x{column}"), Arc::new(values) as ArrayRef)
    });
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
}

fn names(num: usize) -> Vec<String> {
    (0..num).map(|column| format!("x{column}")).collect()
}

fn explain(
    model: &Function,
    background: &[Vec<f64>],
    example: &[f64],
    budget: Option<usize>,
) -> Explanation {
    let features = names(example.len());
    let explainer = Explainer::new(model, &features, batch(background), PREDICTION, 0).unwrap();
    explainer.sampled(budget, 5).shapley(&batch(&[example.to_vec()])).unwrap()
}

#[test]
fn what_adds_up_is_explained_exactly_however_few_coalitions_are_tried() {
    // Fifteen features, and a budget far below 2^15.
    let model = Function::new(|x| x.iter().enumerate().map(|(i, v)| (i as f64 - 7.0) * v).sum());
    let background: Vec<Vec<f64>> = (0..4)
        .map(|row| (0..15).map(|column| f64::from((row * 5 + column * 3) % 8)).collect())
        .collect();
    let example: Vec<f64> = (0..15).map(|column| f64::from(column % 4) + 10.0).collect();
    let found = explain(&model, &background, &example, Some(120));
    for (feature, value) in found.values.iter().enumerate() {
        let mean = background.iter().map(|row| row[feature]).sum::<f64>() / 4.0;
        let expected = (feature as f64 - 7.0) * (example[feature] - mean);
        assert!((value - expected).abs() < 1e-3, "{feature}: {value}, {expected}");
    }
    let sum = found.base_value + found.values.iter().sum::<f64>();
    assert!((sum - found.prediction).abs() < 1e-9);
}

#[test]
fn values_are_those_of_the_definition() {
    // Of two features that only count together, each gets half.
    let model = Function::new(|x| x[0] * x[1] + x[2]);
    let found = explain(&model, &[vec![0.0, 0.0, 1.0]], &[2.0, 3.0, 1.0], None);
    let expected = [3.0, 3.0, 0.0];
    for (value, expected) in found.values.iter().zip(expected) {
        assert!((value - expected).abs() < 1e-6, "{:?}", found.values);
    }
}

#[test]
fn values_are_those_of_the_shap_package() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/shap.json"));
    let golden: Value = serde_json::from_str(&text.unwrap()).unwrap();
    let rows =
        |key: &str| -> Vec<Vec<f64>> { serde_json::from_value(golden[key].clone()).unwrap() };
    let (background, examples, expected) = (rows("background"), rows("examples"), rows("values"));
    let model = Function::new(|x| x[0] * x[1] + (2.0 * x[2]).sin() + x[3].max(0.0) * x[0] - x[4]);
    assert!(!examples.is_empty());
    for (example, expected) in examples.iter().zip(expected) {
        let found = explain(&model, &background, example, None);
        for (value, expected) in found.values.iter().zip(expected) {
            // The model says 32 bits here and 64 there.
            assert!((value - expected).abs() < 1e-5, "{value}, {expected}");
        }
    }
}

#[test]
fn texts_are_features_too_and_what_is_the_same_adds_nothing() {
    let model = Function::new(|x| x[0] + x[1]);
    let make = |numbers: &[f64], texts: &[&str]| {
        RecordBatch::try_from_iter([
            ("x0", Arc::new(Float64Array::from(numbers.to_vec())) as ArrayRef),
            ("x1", Arc::new(StringArray::from(texts.to_vec())) as ArrayRef),
        ])
        .unwrap()
    };
    let background = make(&[1.0, 1.0], &["a", "abc"]);
    let explainer = Explainer::new(&model, &names(2), background.clone(), PREDICTION, 0).unwrap();
    let found = explainer.shapley(&make(&[1.0], &["abcdefg"])).unwrap();
    assert!(found.values[0].abs() < 1e-9 && (found.values[1] - 5.0).abs() < 1e-6);
    let missing = Explainer::new(&model, &["z".to_owned()], background.clone(), PREDICTION, 0);
    assert_eq!(missing.err().unwrap().to_string(), "feature `z` is missing from the examples");
    let empty = Explainer::new(&model, &names(2), background.slice(0, 0), PREDICTION, 0);
    assert!(matches!(empty.err().unwrap(), ExplainError::NoBackground));
    let other = Explainer::new(&model, &names(2), background, "logit", 0);
    assert!(matches!(other.err().unwrap(), ExplainError::NoOutput { .. }));
}
