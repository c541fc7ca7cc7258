//! Local models beside those of the `lime` package; `CUPOLA_LIME_PYTHON` names a Python that has it.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, Float64Array, Int64Array, StringArray};
use arrow::datatypes::Float64Type;
use base::BoxError;
use model::{PREDICTION, Signature, Task};
use serde_json::{Value, json};

use super::*;
use crate::random::Random;

/// A function of two numbers and a text, of which it takes the length.
struct Function(Signature);

impl Predictor for Function {
    fn signature(&self) -> &Signature {
        &self.0
    }

    #[expect(clippy::cast_possible_truncation, reason = "predictions have 32 bits")]
    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let number = |column: usize, row: usize| {
            let column = examples.column(column).as_primitive::<Float64Type>();
            if column.is_null(row) { -1.0 } else { column.value(row) }
        };
        let text = |row: usize| examples.column(2).as_string::<i32>().value(row).len() as f64;
        let of = |row| 0.2 * number(0, row) * number(1, row) + number(0, row).sin() + text(row);
        let predicted: Float32Array =
            (0..examples.num_rows()).map(|row| Some(of(row) as f32)).collect();
        Ok(RecordBatch::try_from_iter([(PREDICTION, Arc::new(predicted) as ArrayRef)]).unwrap())
    }
}

const PROGRAM: &str = r#"
import json, sys, numpy as np
from lime.lime_base import LimeBase
from lime.lime_tabular import LimeTabularExplainer
given = json.load(sys.stdin)
fits = []
for one in given["fits"]:
    data, width = np.array(one["data"]), one["width"]
    base = LimeBase(lambda d: np.sqrt(np.exp(-(d ** 2) / width ** 2)), random_state=0)
    distances = np.sqrt(((data - data[0]) ** 2).sum(axis=1))
    labels = np.array(one["predictions"]).reshape(-1, 1)
    intercept, weights, score, local = base.explain_instance_with_data(
        data, labels, distances, 0, one["num_features"], feature_selection=one["selection"])
    values = np.zeros(data.shape[1])
    for feature, weight in weights:
        values[feature] = weight
    fits.append({"intercept": intercept, "values": values.tolist(), "score": score, "local": local[0]})
background = np.array(given["background"])
f = lambda x: 0.2 * x[:, 0] * x[:, 1] + np.sin(x[:, 0]) + x[:, 2]
whole = []
for discretize in (True, False):
    explainer = LimeTabularExplainer(background, mode="regression", feature_names=["a", "b", "c"],
        categorical_features=[2], discretize_continuous=discretize, random_state=1)
    for example in given["examples"]:
        found = explainer.explain_instance(np.array(example), f, num_samples=given["num_samples"])
        whole.append([dict(found.local_exp[1])[feature] for feature in range(3)])
print(json.dumps({"fits": fits, "whole": whole}))
"#;

fn rows(num: u32, seed: u32) -> Vec<[f64; 3]> {
    let value =
        |row: u32, by: u32| f64::from((row * 7919 + by * 104_729 + seed * 31_337) % 1009) / 250.0;
    let row = |row| [value(row, 1) - 2.0, value(row, 2) * value(row, 2), f64::from(row * row % 3)];
    (0..num).map(row).collect()
}

/// The third number is 0 or 1, and the length of a text.
fn batch(rows: &[[f64; 3]]) -> RecordBatch {
    let number = |column: usize| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(row[column])).collect::<Float64Array>())
    };
    let text = |row: &[f64; 3]| Some(if row[2] > 0.5 { "x" } else { "" });
    let texts: ArrayRef = Arc::new(rows.iter().map(text).collect::<StringArray>());
    RecordBatch::try_from_iter([("a", number(0)), ("b", number(1)), ("c", texts)]).unwrap()
}

fn model() -> Function {
    Function(Signature::new(Vec::new(), "y".to_owned(), Task::Regression))
}

fn lime<'a>(model: &'a Function, background: &RecordBatch, options: LimeOptions) -> Lime<'a> {
    let names = ["a", "b", "c"].map(str::to_owned);
    Lime::new(model, &names, background.clone(), PREDICTION, 0, options).unwrap()
}

#[test]
fn local_models_are_those_of_the_lime_package() {
    #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
    let Ok(python) = std::env::var("CUPOLA_LIME_PYTHON") else {
        println!(
            "SKIPPED: CUPOLA_LIME_PYTHON names no Python; LIME is not compared with the package"
        );
        return;
    };
    let (model, background, examples) = (model(), rows(300, 1), rows(3, 2));
    // The same neighbours here and there: the regression to the last digits.
    let (mut fits, mut given) = (Vec::new(), Vec::new());
    let selections = [
        (FeatureSelection::All, "none"),
        (FeatureSelection::Forward, "forward_selection"),
        (FeatureSelection::HighestWeights, "highest_weights"),
        (FeatureSelection::LassoPath, "lasso_path"),
        (FeatureSelection::Auto, "auto"),
    ];
    for (selection, name) in selections {
        for (discretize, kernel_width) in [(true, None), (false, None), (false, Some(0.5))] {
            let options = LimeOptions {
                num_samples: 300,
                num_features: 2,
                discretize,
                selection,
                kernel_width,
                ..LimeOptions::default()
            };
            let lime = lime(&model, &batch(&background), options);
            let example = batch(&examples[..1]);
            let drawn = neighbours(
                &lime.features,
                &lime.perturbed,
                &lime.background,
                &example,
                &lime.options,
            );
            let drawn = drawn.unwrap();
            let predictions = lime.output.predict(&model, &drawn.raw).unwrap();
            given.push(json!({
                "data": drawn.data, "predictions": predictions, "num_features": 2,
                "selection": name, "width": kernel_width.unwrap_or(0.75 * 3f64.sqrt()),
            }));
            fits.push(lime.explain(&example).unwrap());
        }
    }
    // More features, that say much the same, so that some leave the lasso's path again.
    for seed in 0..30u8 {
        let mut random = Random::new(u64::from(seed));
        let common: Vec<f64> = (0..200).map(|_| random.normal()).collect();
        let row = |common: &f64| (0..8).map(|_| 0.5 * random.normal() + common).collect();
        let data: Vec<Vec<f64>> = common.iter().map(row).collect();
        let target =
            |row: &Vec<f64>| (row[0] * 3.0).sin() + row[1] * row[2] - row[3] - 2.0 * row[4];
        let predictions: Vec<f64> = data.iter().map(target).collect();
        let num_features = 1 + usize::from(seed) % 8;
        let options = LimeOptions {
            num_features,
            selection: FeatureSelection::LassoPath,
            ..LimeOptions::default()
        };
        let Fit { intercept, values, score, local_prediction } =
            fit(&data, &predictions, 2.0, &options);
        given.push(json!({
            "data": data, "predictions": predictions, "num_features": num_features,
            "selection": "lasso_path", "width": 2.0,
        }));
        let (prediction, conditions) = (predictions[0], Vec::new());
        fits.push(LocalModel {
            prediction,
            local_prediction,
            score,
            intercept,
            values,
            conditions,
        });
    }
    // Each its own neighbours, many of them: near each other as chance allows.
    let num_samples = 30_000;
    let mut whole = Vec::new();
    for discretize in [true, false] {
        let options = LimeOptions { num_samples, discretize, ..LimeOptions::default() };
        let lime = lime(&model, &batch(&background), options);
        whole.extend(examples.iter().map(|row| lime.explain(&batch(&[*row])).unwrap()));
    }
    let input = json!({
        "fits": given, "background": background, "examples": examples, "num_samples": num_samples,
    });
    let expected = ask(&python, &input);
    let expected_fits = expected["fits"].as_array().unwrap();
    assert_eq!(expected_fits.len(), fits.len());
    for (found, expected) in fits.iter().zip(expected_fits) {
        let near = |found: f64, expected: &Value| {
            let expected = expected.as_f64().unwrap();
            assert!((found - expected).abs() < 1e-8, "{found} instead of {expected}");
        };
        near(found.intercept, &expected["intercept"]);
        near(found.score, &expected["score"]);
        near(found.local_prediction, &expected["local"]);
        found.values.iter().enumerate().for_each(|(i, value)| near(*value, &expected["values"][i]));
    }
    let expected_whole = expected["whole"].as_array().unwrap();
    assert_eq!(expected_whole.len(), whole.len());
    for (found, expected) in whole.iter().zip(expected_whole) {
        for (value, expected) in found.values.iter().zip(expected.as_array().unwrap()) {
            let expected = expected.as_f64().unwrap();
            assert!((value - expected).abs() < 0.15, "{value} instead of {expected}");
        }
    }
}

fn ask(python: &str, input: &Value) -> Value {
    let mut child = Command::new(python)
        .args(["-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_linear_model_is_its_own_explanation() {
    // Of what is not cut, the weights of a linear function are its slopes in standard deviations.
    struct Linear(Signature);
    impl Predictor for Linear {
        fn signature(&self) -> &Signature {
            &self.0
        }
        fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
            let a = examples.column(0).as_primitive::<Float64Type>();
            let predicted: Float64Array = a.iter().map(|a| a.map(|a| 5.0 - 3.0 * a)).collect();
            let predicted: ArrayRef = Arc::new(predicted);
            Ok(RecordBatch::try_from_iter([(PREDICTION, predicted)]).unwrap())
        }
    }
    let model = Linear(Signature::new(Vec::new(), "y".to_owned(), Task::Regression));
    let column: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 3.0, 5.0, 7.0]));
    let background = RecordBatch::try_from_iter([("a", column)]).unwrap();
    let options = LimeOptions { discretize: false, ..LimeOptions::default() };
    let names = ["a".to_owned()];
    let lime = Lime::new(&model, &names, background.clone(), PREDICTION, 0, options).unwrap();
    let found = lime.explain(&background.slice(2, 1)).unwrap();
    let slope = -3.0 * 5f64.sqrt();
    assert!((found.values[0] - slope).abs() < 0.01, "{found:?}");
    assert!((found.intercept - (5.0 - 3.0 * 4.0)).abs() < 0.01, "{found:?}");
    assert!(found.score > 0.999 && (found.local_prediction - -10.0).abs() < 0.01, "{found:?}");
    assert_eq!((found.prediction, found.conditions[0].as_str()), (-10.0, "a"));
}

#[test]
fn parts_are_named_and_a_missing_number_is_a_category() {
    let model = model();
    let background = batch(&rows(200, 1));
    let explain = |example: &RecordBatch, options| {
        lime(&model, &background, options).explain(example).unwrap()
    };
    let example = RecordBatch::try_from_iter([
        ("a", Arc::new(Float64Array::from(vec![None])) as ArrayRef),
        ("b", Arc::new(Float64Array::from(vec![100.0]))),
        ("c", Arc::new(StringArray::from(vec!["x"]))),
    ])
    .unwrap();
    let found = explain(&example, LimeOptions::default());
    assert_eq!(found.conditions[0], "a is missing");
    assert!(found.conditions[1].starts_with("b > "), "{}", found.conditions[1]);
    assert_eq!(found.conditions[2], "c = x");
    // All others have one letter less.
    assert!((found.values[2] - 1.0).abs() < 0.2, "{found:?}");
    let again = explain(&example, LimeOptions::default());
    assert_eq!(found, again);
    let other = explain(&example, LimeOptions { seed: 1, ..LimeOptions::default() });
    assert_ne!(found, other);
    let two = LimeOptions { num_features: 1, ..LimeOptions::default() };
    assert_eq!(explain(&example, two).values.iter().filter(|value| **value != 0.0).count(), 1);
}

#[test]
fn whole_numbers_stay_whole_and_what_is_alone_is_drawn_alone() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(5), None, Some(9)]));
    let same: ArrayRef = Arc::new(Int64Array::from(vec![7; 4]));
    let background = RecordBatch::try_from_iter([("n", column), ("same", same)]).unwrap();
    let names = ["n".to_owned(), "same".to_owned()];
    for discretize in [true, false] {
        let options = LimeOptions { discretize, num_samples: 500, ..LimeOptions::default() };
        let perturbed: Vec<Perturbed> =
            names.iter().map(|name| Perturbed::new(name, &background, &options).unwrap()).collect();
        let example = background.slice(1, 1);
        let drawn = neighbours(&names, &perturbed, &background, &example, &options).unwrap();
        assert_eq!(drawn.raw.slice(0, 1).columns(), example.columns());
        assert_eq!(drawn.raw.column(0).null_count() > 0, discretize);
        let same = drawn.raw.column(1).as_primitive::<arrow::datatypes::Int64Type>();
        // A number that never differs has no spread of its own; where it is not cut, it is drawn with that of 1.
        assert!(!discretize || same.values().iter().all(|value| *value == 7));
        if discretize {
            let own = drawn.data.iter().filter(|row| row[0] > 0.5).count();
            assert!((90..230).contains(&own), "a quarter has the example's part: {own}");
        }
    }
}
