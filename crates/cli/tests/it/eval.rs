//! `eval` on files of predictions, with no pipeline at all.

use std::fmt::Write as _;

use crate::scene::Scene;

/// Predictions of two models, better in one country than in the other.
fn scene() -> Scene {
    let mut text = "y,p,before,country,class,weight\n".to_owned();
    for i in 0..400u32 {
        let label = u32::from(i % 5 < 2);
        let noise = f64::from((i * 7919) % 97) / 97.0;
        let share = if i % 4 == 0 { 0.2 } else { 0.6 };
        let prediction = share * f64::from(label) + (1.0 - share) * noise;
        let before = 0.3 * f64::from(label) + 0.7 * noise;
        let country = if i % 4 == 0 { "DE" } else { "US" };
        let _ = writeln!(text, "{label},{prediction:.4},{before:.4},{country},{},1", i % 3);
    }
    let scene = Scene::empty();
    scene.write("p.csv", &text);
    scene
}

const EVAL: [&str; 7] = ["eval", "--predictions", "p.csv", "--label", "y", "--prediction", "p"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    EVAL.iter().chain(more).copied().collect()
}

#[test]
fn slices_are_lines_and_metrics_columns() {
    let scene = scene();
    let args = ["--slice", "country", "--metric", "auc", "--metric", "recall@0.3"];
    let said = scene.cupola(&with(&args)).expect_code(0);
    assert_eq!(said.stderr, "");
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert!(lines[0].starts_with("SLICE"), "{}", said.stdout);
    assert!(lines[0].ends_with("AUC  RECALL@0.3"), "{}", said.stdout);
    assert!(lines[1].starts_with("overall") && lines[1].contains("400"), "{}", said.stdout);
    assert!(lines[2].starts_with("country: DE") && lines[2].contains("100"), "{}", said.stdout);
    assert!(lines[3].starts_with("country: US") && lines[3].contains("300"), "{}", said.stdout);
}

#[test]
fn a_threshold_that_does_not_hold_is_the_answer_no() {
    let scene = scene();
    scene.cupola(&with(&["--threshold", "auc>=0.5"])).expect_code(0);
    let args = ["--slice", "country", "--metric", "accuracy", "--threshold", "auc>=0.999"];
    let said = scene.cupola(&with(&args)).expect_code(1);
    assert!(said.stdout.contains("thresholds do not hold: 1"), "{}", said.stdout);
    scene.write(
        "gap.toml",
        "slices = [[\"country\"]]\n[[thresholds]]\nmetric = \"auc\"\nlower_bound = -0.01\n\
         slices = \"all\"\nagainst = { country = \"US\" }\n",
    );
    let said = scene.cupola(&with(&["--config", "gap.toml"])).expect_code(1);
    assert!(said.stdout.contains("auc, country: DE: -"), "{}", said.stdout);
}

#[test]
fn the_baseline_and_intervals_are_beside_each_value() {
    let scene = scene();
    let args = ["--baseline", "before", "--metric", "auc", "--bootstrap", "--json"];
    let run = || scene.cupola(&with(&args)).expect_code(0).json();
    let found = run();
    let slice = &found["evaluation"]["evaluation"]["slices"][0];
    let (value, interval) = (&slice["metrics"]["auc"], &slice["intervals"]["auc"]);
    assert!(
        interval["lower"].as_f64() < value.as_f64() && value.as_f64() < interval["upper"].as_f64()
    );
    assert!(slice["baseline"]["auc"].as_f64() < value.as_f64());
    assert!(slice["change_intervals"]["auc"]["lower"].is_number());
    assert_eq!(found, run());
}

#[test]
fn the_page_has_everything_in_it() {
    let scene = scene();
    let args = ["--slice", "country", "--html", "page.html", "-o", "evaluation.json"];
    let said = scene.cupola(&with(&args)).expect_code(0);
    assert_eq!(said.stderr, "wrote page.html\nwrote evaluation.json\n");
    let page = std::fs::read_to_string(scene.path("page.html")).unwrap();
    assert!(page.contains("\"thresholds\":[[") && page.contains("country"));
    let stored = std::fs::read_to_string(scene.path("evaluation.json")).unwrap();
    assert!(stored.starts_with("{\n  \"version\": 3,"));
}

#[test]
fn several_classes_are_lists_of_probabilities() {
    let scene = Scene::empty();
    let mut text = String::new();
    for i in 0..60 {
        let class = i % 3;
        let p = |c: i32| if c == class || (i % 7 == 0 && c == 1) { 0.5 } else { 0.2 };
        let _ = writeln!(text, r#"{{"y": {class}, "p": [{}, {}, {}]}}"#, p(0), p(1), p(2));
    }
    scene.write("p.jsonl", &text);
    let args = ["eval", "--predictions", "p.jsonl", "--label", "y", "--prediction", "p", "--json"];
    let found = scene.cupola(&args).expect_code(0).json();
    let evaluation = &found["evaluation"]["evaluation"];
    assert_eq!(evaluation["task"]["multi_class_classification"]["num_classes"], 3);
    let metrics = &evaluation["slices"][0]["metrics"];
    assert!(metrics["accuracy"].as_f64() > Some(0.8), "{metrics}");
    assert!(metrics["f1_score[macro,top=1]"].is_number(), "{metrics}");
}

#[test]
fn what_makes_no_sense_is_said_before_anything_is_read() {
    let scene = scene();
    let said = |more: &[&str]| scene.cupola(&with(more)).expect_code(2).stderr;
    for (more, expected) in [
        (&["--slice", "contry"][..], "no feature `contry`"),
        (&["--slice", "contry"], "did you mean `country`?"),
        (&["--metric", "auk", "--metric", "precision@2"], "no metric `auk`"),
        (&["--metric", "auk", "--metric", "precision@2"], "`precision@2`, expected a number"),
        (&["--metric", "ndcg"], "metric `ndcg` is not defined for binary_classification"),
        (&["--threshold", "auc>0.7"], "expected a metric, `>=` or `<=`, and a number"),
    ] {
        let said = said(more);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn mistakes_are_drawn_for_the_table_and_the_page() {
    let scene = scene();
    scene.write("eval.toml", "[[samples]]\nfeature = \"p\"\nof = \"false_positives\"\nsize = 4\n");
    let args = ["--config", "eval.toml", "--slice", "country", "--html", "page.html"];
    let said = scene.cupola(&with(&args)).expect_code(0);
    let line = said.stdout.lines().find_map(|line| line.strip_prefix("false positives, by p: "));
    let drawn: Vec<f64> = line.unwrap().split(", ").map(|number| number.parse().unwrap()).collect();
    assert_eq!(drawn.len(), 4);
    assert!(drawn.iter().all(|prediction| *prediction > 0.5), "{drawn:?}");
    let page = std::fs::read_to_string(scene.path("page.html")).unwrap();
    assert_eq!(page.matches("\"of\":\"false_positives\"").count(), 3);
    let again = scene.cupola(&with(&args)).expect_code(0);
    assert_eq!(again.stdout, said.stdout);
}

#[test]
fn a_file_is_told_from_a_pushed_model() {
    let scene = scene();
    scene.write("model.onnx", "");
    for verb in ["predict", "explain"] {
        let args = [verb, "--model", "model.onnx", "--input", "p.csv"];
        let said = scene.cupola(&args).expect_code(3);
        assert!(said.stderr.starts_with("error: model.onnx: no pushed model found"));
        assert!(said.stderr.contains("see docs/training.md"), "{}", said.stderr);
    }
}
