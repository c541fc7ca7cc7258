//! Tables of which class or label is taken for which, beside TensorFlow Model Analysis's.

use std::collections::BTreeMap;

use evaluate::{Config, Evaluation, LabelTable, SliceResult, Task};
use serde_json::Value;

use crate::tfma::{evaluate, file, same, table, weighted};

fn config() -> Config {
    Config { confusion_thresholds: vec![0.5, 0.3], ..weighted(&same(&["weighted_example_count"])) }
}

/// Holds the tables of every slice against theirs: `of` gives the numbers of one cell at a threshold.
fn check(
    found: &Evaluation,
    task: &str,
    of: impl Fn(&SliceResult, usize, usize, i64) -> Vec<f64>,
    num_cells: usize,
) {
    let expected: Value = serde_json::from_str(&file("tables.json")).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_value(expected[task].clone()).unwrap();
    assert_eq!(found.slices.len(), expected.len());
    for slice in &found.slices {
        let key = slice.key.first().map(|(name, value)| format!("{name}={value}"));
        let tables = expected[&key.unwrap_or_default()].as_array().unwrap();
        assert_eq!(tables.len(), 2);
        for (place, table) in tables.iter().enumerate() {
            let entries = table["entries"].as_array().unwrap();
            // What theirs does not name is nothing.
            let mut seen = 0;
            for entry in entries {
                let entry = entry.as_array().unwrap();
                let [row, class] = [0, 1].map(|place| entry[place].as_i64().unwrap());
                let ours = of(slice, place, usize::try_from(row).unwrap(), class);
                let theirs: Vec<f64> = entry[2..].iter().map(|n| n.as_f64().unwrap()).collect();
                assert_eq!(ours.len(), theirs.len());
                for (a, b) in ours.iter().zip(&theirs) {
                    assert!((a - b).abs() < 1e-9, "{}, {row}, {class}: {a} {b}", slice.name());
                }
                seen += usize::from(theirs.iter().any(|weight| *weight > 0.0));
            }
            assert!(seen <= num_cells && seen * 2 > num_cells, "{seen}");
        }
    }
}

#[test]
fn classes_at_thresholds_are_those_of_the_reference() {
    let task = Task::MultiClassClassification { num_classes: 4 };
    let found = evaluate(&table("multi_class.csv"), task, &config(), None);
    let of = |slice: &SliceResult, place: usize, row: usize, class: i64| {
        let table = &slice.plots.as_ref().unwrap().classes_at[place];
        assert_eq!(table.threshold, [0.3, 0.5][place]);
        // -1 is none, which is the last column here.
        vec![table.weights[row][usize::try_from(class).unwrap_or(4)]]
    };
    check(&found, "classes", of, 20);
    // Without a threshold, every example has a likeliest class.
    let plots = found.slices[0].plots.as_ref().unwrap();
    for (row, weights) in plots.confusion.iter().enumerate() {
        let (all, at): (f64, f64) =
            (weights.iter().sum(), plots.classes_at[0].weights[row].iter().sum());
        assert!((all - at).abs() < 1e-9);
    }
}

#[test]
fn labels_at_thresholds_are_those_of_the_reference() {
    let task = Task::MultiLabelClassification { num_labels: 3 };
    let found = evaluate(&table("multi_label.csv"), task, &config(), None);
    let of = |slice: &SliceResult, place: usize, row: usize, class: i64| {
        let table = &slice.plots.as_ref().unwrap().labels_at[place];
        assert_eq!(table.threshold, [0.3, 0.5][place]);
        table.cells[row][usize::try_from(class).unwrap()].to_vec()
    };
    check(&found, "labels", of, 9);
    // Without asking, at the classification threshold.
    let usual = Config { confusion_thresholds: Vec::new(), ..config() };
    let usual = evaluate(&table("multi_label.csv"), task, &usual, None);
    let tables = |found: &Evaluation| found.slices[0].plots.clone().unwrap().labels_at;
    let (usual, asked) = (tables(&usual), tables(&found));
    assert_eq!((usual.len(), asked.len()), (1, 2));
    let numbers = |table: &LabelTable| -> Vec<f64> {
        table.cells.iter().flatten().flatten().copied().collect()
    };
    let (usual, asked) = (numbers(&usual[0]), numbers(&asked[1]));
    assert_eq!(usual.len(), 36);
    assert!(usual.iter().zip(&asked).all(|(a, b)| (a - b).abs() < 1e-9));
}
