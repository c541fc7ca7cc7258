//! Which features predictions come from: in the Evaluator's page, and by `cupola explain`.

use std::fs;

use serde_json::Value;

use crate::scene::Scene;

#[test]
fn predictions_are_explained_in_the_page_and_row_by_row() {
    let scene = Scene::taxi();
    let slices = "slices = [[], [\"payment_type\"]]\n";
    let explanations = "explanations = { method = \"lime\", rows = 8, repeats = 2 }\n";
    scene.replace("pipeline.toml", slices, &format!("{slices}{explanations}"));
    scene.run_json(&[], 0);
    let dir = scene.artifact("ModelEvaluation");
    let found = fs::read_to_string(dir.join("explanations.json")).unwrap();
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["method"], "lime");
    assert_eq!(found["rows"].as_array().unwrap().len(), 8);
    let slices = found["slices"].as_array().unwrap();
    assert_eq!(slices[0]["slice"], "overall");
    assert!(slices[1]["slice"].as_str().unwrap().starts_with("payment_type: "));
    // Only who pays by card is seen to tip, so that is what the model looks at.
    let payment = found["features"].as_array().unwrap().iter().position(|f| f == "payment_type");
    let largest =
        |values: Vec<f64>| (0..values.len()).max_by(|a, b| values[*a].total_cmp(&values[*b]));
    let numbers = |values: &Value, key: Option<&str>| -> Vec<f64> {
        let values = values.as_array().unwrap().iter();
        values.map(|value| key.map_or(value, |key| &value[key]).as_f64().unwrap()).collect()
    };
    assert_eq!(largest(numbers(&slices[0]["mean_absolute_value"], None)), payment);
    assert_eq!(largest(numbers(&slices[0]["permutation_importance"], Some("mean"))), payment);
    let page = fs::read_to_string(dir.join("evaluation.html")).unwrap();
    assert!(page.contains("\"mean_absolute_value\""), "the page has what it shows");

    let explain = ["explain", "--model", "serving", "--input", "data/trips.csv"];
    let with = |more: &[&str]| scene.cupola(&[&explain[..], more].concat());
    let said = with(&["--method", "lime", "--row", "3"]).expect_code(0).stdout;
    assert!(said.starts_with("row 3: predicted ") && said.contains("the local model"), "{said}");
    let first = said.lines().find(|line| line.contains("payment_type = "));
    assert!(first.is_some(), "{said}");
    assert_eq!(with(&["--method", "lime", "--row", "3"]).expect_code(0).stdout, said);
    let said = with(&["--row", "3", "--samples", "100"]).expect_code(0).stdout;
    assert!(said.contains("is the background's mean"), "{said}");
    let said = with(&["--rows", "3", "--slice", "payment_type"]).expect_code(0).stdout;
    assert!(said.contains("overall: 1500 rows, 3 explained"), "{said}");
    assert!(said.contains("MEAN |SHAPLEY|") && said.contains("LOSS WHEN SHUFFLED"), "{said}");

    let said = with(&["--row", "1500"]).expect_code(3).stderr;
    assert!(said.contains("no row 1500: 1500 rows were read, the first is 0"), "{said}");
    with(&["--kernel-width", "0"]).expect_code(2);
    let said = with(&["--method", "lime", "--categorical", "fair"]).expect_code(3).stderr;
    assert!(said.contains("feature `fair` is missing from the examples"), "{said}");
    scene.replace("pipeline.toml", "method = \"lime\"", "method = \"lyme\"");
    let said = scene.cupola(&["check"]).expect_code(2).stderr;
    assert!(said.contains("lyme") && said.contains("lime"), "{said}");
}
