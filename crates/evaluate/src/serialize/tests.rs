use std::collections::BTreeMap;

use insta::assert_snapshot;

use super::*;

fn evaluation() -> Evaluation {
    let metrics = |values: [f64; 4]| {
        let names = ["auc", "accuracy", "precision", "recall"].map(str::to_owned);
        names.into_iter().zip(values).collect::<BTreeMap<_, _>>()
    };
    let key = vec![
        ("a".to_owned(), SliceValue::Int(-7)),
        ("b".to_owned(), SliceValue::Float(0.1)),
        ("c".to_owned(), SliceValue::Text("Flash \"Cab\"".to_owned())),
        ("d".to_owned(), SliceValue::Bytes(vec![0, 255])),
        ("e".to_owned(), SliceValue::Float(f64::INFINITY)),
    ];
    Evaluation {
        task: Task::BinaryClassification,
        num_missing_labels: 3,
        has_baseline: true,
        num_small_slices: 1,
        crowded: vec![vec!["trip_id".to_owned()]],
        comparisons: Vec::new(),
        confidence_intervals: None,
        slices: vec![
            SliceResult {
                key: Vec::new(),
                num_examples: 10,
                metrics: metrics([0.1 + 0.2, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
                baseline: Some(metrics([1.0, 0.0, 5e-324, 1e300])),
                ..SliceResult::default()
            },
            SliceResult { key, num_examples: 2, ..SliceResult::default() },
        ],
    }
}

#[test]
fn the_file_is_as_documented() {
    let text = serde_json::to_string_pretty(&V3::from(&evaluation())).unwrap();
    assert_snapshot!(text, @r#"
    {
      "version": 3,
      "task": "binary_classification",
      "has_baseline": true,
      "num_missing_labels": 3,
      "num_small_slices": 1,
      "crowded": [
        [
          "trip_id"
        ]
      ],
      "slices": [
        {
          "slice": [],
          "num_examples": 10,
          "metrics": {
            "accuracy": "NaN",
            "auc": 0.30000000000000004,
            "precision": "Infinity",
            "recall": "-Infinity"
          },
          "baseline": {
            "accuracy": 0.0,
            "auc": 1.0,
            "precision": 5e-324,
            "recall": 1e+300
          }
        },
        {
          "slice": [
            {
              "feature": "a",
              "value": {
                "int": -7
              }
            },
            {
              "feature": "b",
              "value": {
                "float": 0.1
              }
            },
            {
              "feature": "c",
              "value": {
                "text": "Flash \"Cab\""
              }
            },
            {
              "feature": "d",
              "value": {
                "bytes": "00ff"
              }
            },
            {
              "feature": "e",
              "value": {
                "float": "Infinity"
              }
            }
          ],
          "num_examples": 2,
          "metrics": {}
        }
      ]
    }
    "#);
}

#[test]
fn an_evaluation_is_read_back_to_the_bit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evaluation.json");
    evaluation().save(&path).unwrap();
    let read = Evaluation::load(&path).unwrap();
    // NaN is not equal to itself; its text is.
    assert_eq!(format!("{read:?}"), format!("{:?}", evaluation()));
}

#[test]
fn intervals_comparisons_and_plots_are_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evaluation.json");
    let mut full = evaluation();
    let interval = Interval { lower: 0.1, upper: 0.3, mean: 0.2, standard_error: 0.05 };
    let intervals = BTreeMap::from([("auc".to_owned(), interval)]);
    full.confidence_intervals = Some(ConfidenceIntervals::default());
    full.slices[0].intervals.clone_from(&intervals);
    full.slices[0].change_intervals.clone_from(&intervals);
    full.slices[0].plots = Some(Plots {
        thresholds: vec![ThresholdPoint {
            threshold: 0.5,
            true_positives: 1.0,
            false_positives: 2.0,
            true_negatives: 3.0,
            false_negatives: 4.0,
        }],
        calibration: vec![CalibrationBin {
            from: 0.1,
            mean_prediction: 0.12,
            positives: 1.0,
            negatives: 2.0,
        }],
        confusion: vec![vec![1.0, 0.5], vec![0.0, 2.0]],
        classes_at: vec![ClassTable { threshold: 0.5, weights: vec![vec![1.0, 0.5, 2.0]] }],
        labels_at: vec![LabelTable { threshold: 0.3, cells: vec![vec![[1.0, 0.5, 2.0, 0.1]]] }],
    });
    full.slices[0].samples = vec![DrawnSample {
        config: SampleConfig {
            feature: "trip_id".to_owned(),
            of: crate::SampleOf::FalsePositives,
            size: 3,
            threshold: Some(0.3),
            class: None,
            seed: 7,
        },
        values: vec![SliceValue::Int(4), SliceValue::Text("b".to_owned())],
    }];
    full.comparisons = vec![SliceComparison {
        slice: full.slices[1].key.clone(),
        baseline: Vec::new(),
        metrics: BTreeMap::from([("auc".to_owned(), -0.1)]),
        intervals,
    }];
    full.save(&path).unwrap();
    assert_eq!(format!("{:?}", Evaluation::load(&path).unwrap()), format!("{full:?}"));
}

#[test]
fn earlier_versions_are_still_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evaluation.json");
    let new = serde_json::to_string(&V3::from(&evaluation())).unwrap();
    // Nothing that the first version did not have is written here.
    for version in ["\"version\":1", "\"version\":2"] {
        fs::write(&path, new.replacen("\"version\":3", version, 1)).unwrap();
        let read = Evaluation::load(&path).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", evaluation()));
    }
}

#[test]
fn a_spoiled_file_is_named_with_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evaluation.json");
    let good = serde_json::to_string(&V3::from(&evaluation())).unwrap();
    let name = path.display().to_string();
    for (from, to, expected) in [
        ("{", "", "not a readable evaluation"),
        ("\"version\":3", "\"version\":4", "an evaluation of version 4, expected at most 3"),
        ("\"NaN\"", "\"nan\"", "not a readable evaluation"),
        ("\"00ff\"", "\"0\"", "not a readable evaluation"),
        ("\"00ff\"", "\"+0f0\"", "not a readable evaluation"),
        ("num_examples", "num_rows", "not a readable evaluation"),
    ] {
        let spoiled = good.replacen(from, to, 1);
        assert!(spoiled != good, "{from}");
        fs::write(&path, spoiled).unwrap();
        let error = Evaluation::load(&path).unwrap_err().to_string();
        assert_eq!(error, format!("{name}: {expected}"), "{from} -> {to}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(Evaluation::load(&path).unwrap_err().to_string(), format!("cannot read {name}"));
}
