//! The example validator, from statistics and a schema on disk to anomalies and distances.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use artifact::{Answer, Component};
use components::{ExampleValidator, read_distances, read_findings};
use serde_json::{Value, json};

use crate::stage::{Done, Stage};

const SCHEMA: &str = "
    default_environment: 'TRAINING'
    default_environment: 'SERVING'
    feature { name: 'paid' type: BYTES presence { min_fraction: 1 } domain: 'paid'
      drift_comparator { infinity_norm { threshold: 0.1 } }
      skew_comparator { infinity_norm { threshold: 0.45 } } }
    feature { name: 'tips' type: INT presence { min_fraction: 1 } not_in_environment: 'SERVING' }
    string_domain { name: 'paid' value: 'Card' value: 'Cash' }";

fn trips(paid: &[&str], extra: Option<&str>) -> RecordBatch {
    let numbers = || -> ArrayRef { Arc::new(Int64Array::from(vec![1; paid.len()])) };
    let texts: ArrayRef = Arc::new(StringArray::from(paid.to_vec()));
    let mut columns = vec![("paid", texts)];
    columns.extend(extra.map(|name| (name, numbers())));
    RecordBatch::try_from_iter(columns).unwrap()
}

const HALF: &[&str] = &["Card", "Card", "Cash", "Cash"];
const CARDS: &[&str] = &["Card", "Card", "Card", "Cash"];

struct Inputs<'a> {
    now: &'a [(&'a str, RecordBatch)],
    previous: Option<&'a [(&'a str, RecordBatch)]>,
    serving: Option<&'a [(&'a str, RecordBatch)]>,
}

fn validate(stage: &Stage, inputs: &Inputs<'_>, config: &Value) -> Result<Done, base::BoxError> {
    let mut all = vec![
        ("statistics", stage.statistics("now", inputs.now)),
        ("schema", stage.schema("schema", SCHEMA)),
    ];
    for (key, splits) in
        [("previous_statistics", inputs.previous), ("serving_statistics", inputs.serving)]
    {
        all.extend(splits.map(|splits| (key, stage.statistics(key, splits))));
    }
    stage.run(&ExampleValidator, &all, config)
}

fn codes(done: &Done) -> Vec<(String, String, &'static str, String)> {
    let findings = read_findings(&done.artifact).unwrap();
    findings
        .into_iter()
        .flat_map(|(split, found)| {
            found.into_iter().map(move |it| {
                (split.clone(), it.path, it.code, it.severity.as_str_name().to_owned())
            })
        })
        .collect()
}

#[test]
fn drift_and_skew_are_measured_against_splits_of_the_same_name_or_the_only_one() {
    let stage = Stage::new();
    let inputs = Inputs {
        now: &[("train", trips(CARDS, Some("tips"))), ("eval", trips(HALF, Some("tips")))],
        previous: Some(&[
            ("eval", trips(HALF, Some("tips"))),
            ("train", trips(HALF, Some("tips"))),
        ]),
        serving: Some(&[("serving", trips(&["Cash", "Cash"], None))]),
    };
    let done = validate(&stage, &inputs, &json!({})).unwrap();
    assert_eq!(
        codes(&done).iter().map(|it| (it.0.as_str(), it.1.as_str(), it.2)).collect::<Vec<_>>(),
        [
            ("train", "paid", "COMPARATOR_L_INFTY_HIGH"),
            ("train", "paid", "COMPARATOR_L_INFTY_HIGH"),
            ("eval", "paid", "COMPARATOR_L_INFTY_HIGH"),
        ]
    );
    assert_eq!(done.property("blessed"), r#"{"train":0,"eval":0}"#);
    let distances = read_distances(&done.artifact).unwrap();
    let values: Vec<Vec<f64>> =
        distances.iter().map(|(_, found)| found.iter().map(|it| it.value).collect()).collect();
    assert_eq!(values, [[0.25, 0.75], [0.0, 0.5]]);
    assert_eq!(done.json("Split-eval/distances.json")["distances"][0]["value"], 0.0);
    assert!(
        done.outcome.summary.starts_with("3 errors; 4 distances measured, the largest"),
        "{}",
        done.outcome.summary
    );
}

#[test]
fn what_the_schema_asks_for_and_nobody_measured_is_said() {
    let stage = Stage::new();
    let now = [("train", trips(HALF, Some("tips"))), ("eval", trips(HALF, Some("tips")))];
    let inputs = Inputs { now: &now, previous: None, serving: None };
    let done = validate(&stage, &inputs, &json!({})).unwrap();
    assert_eq!(
        done.outcome.summary,
        "no anomalies; drift not measured: no `previous_statistics`; skew not measured: no \
         `serving_statistics`"
    );
    let others = [("train", trips(HALF, Some("tips"))), ("test", trips(HALF, Some("tips")))];
    let inputs = Inputs { now: &now, previous: Some(&others), serving: Some(&now) };
    let done = validate(&stage, &inputs, &json!({})).unwrap();
    assert!(
        done.outcome
            .summary
            .ends_with("; drift not measured of `eval`: not in `previous_statistics`"),
        "{}",
        done.outcome.summary
    );
}

#[test]
fn severities_are_as_the_configuration_says() {
    let stage = Stage::new();
    let now = [("train", trips(HALF, Some("toll")))];
    let inputs = Inputs { now: &now, previous: None, serving: None };
    let severity = |config: Value| {
        let done = validate(&stage, &inputs, &config).unwrap();
        let found =
            codes(&done).into_iter().map(|it| format!("{} {}", it.1, it.3)).collect::<Vec<_>>();
        (found.join(", "), matches!(done.outcome.answer, Answer::No { stop: true, .. }))
    };
    let is = |found: &str, stop| (found.to_owned(), stop);
    let gate = |mut config: Value, least: &str| {
        config["fail_on"] = json!(least);
        config
    };
    assert_eq!(severity(gate(json!({}), "never")), is("tips ERROR, toll ERROR", false));
    let config = json!({ "new_features_are_warnings": true });
    assert_eq!(severity(gate(config, "error")), is("tips ERROR, toll WARNING", true));
    let config = json!({ "severity_overrides": {
        "SCHEMA_NEW_COLUMN": "warning",
        "SCHEMA_MISSING_COLUMN": "warning",
    } });
    assert_eq!(severity(gate(config.clone(), "error")), is("tips WARNING, toll WARNING", false));
    assert_eq!(severity(gate(config, "warning")), is("tips WARNING, toll WARNING", true));
    let config = json!({
        "new_features_are_warnings": true,
        "severity_overrides": { "SCHEMA_NEW_COLUMN": "error" },
    });
    assert_eq!(severity(config), is("tips ERROR, toll ERROR", false));
}

#[test]
fn the_environment_says_what_is_expected_and_has_to_be_one_of_the_schema() {
    let stage = Stage::new();
    let now = [("train", trips(HALF, None))];
    let inputs = Inputs { now: &now, previous: None, serving: None };
    let done = validate(&stage, &inputs, &json!({ "environment": "SERVING" })).unwrap();
    assert_eq!(codes(&done), []);
    let done = validate(&stage, &inputs, &json!({ "environment": "TRAINING" })).unwrap();
    assert_eq!(codes(&done)[0].2, "SCHEMA_MISSING_COLUMN");
    let error = validate(&stage, &inputs, &json!({ "environment": "SERVNG" })).err().unwrap();
    assert_eq!(
        error.to_string(),
        "unknown environment \"SERVNG\", expected one of the schema's: TRAINING, SERVING"
    );
    assert_eq!(error.hint().as_deref(), Some("did you mean `SERVING`?"));
}

#[test]
fn unknown_types_of_anomalies_are_found_before_the_run() {
    let problems = Stage::new().problems(
        &ExampleValidator,
        &[],
        &json!({ "severity_overrides": { "SCHEMA_NEW_COLUM": "warning", "SCHEMA_NEW_COLUMN": "error" } }),
    );
    assert_eq!(
        problems,
        [
            "severity_overrides.SCHEMA_NEW_COLUM: unknown type of anomaly \"SCHEMA_NEW_COLUM\", expected a \
             name such as SCHEMA_NEW_COLUMN (did you mean `SCHEMA_NEW_COLUMN`?)"
        ]
    );
    assert!(ExampleValidator.is_gate(&json!({ "fail_on": "warning" })));
    assert!(!ExampleValidator.is_gate(&json!({})));
}

const CUSTOM: &str = r#"
    feature_validations { feature_path { step: "tips" } validations {
      sql_expression: "feature.num_stats.max < 1" severity: WARNING description: "Tips are high" } }
    feature_pair_validations { feature_test_path { step: "paid" } feature_base_path { step: "paid" } validations {
      sql_expression: "feature_test.string_stats.unique = feature_base.string_stats.unique"
      severity: ERROR description: "Other means of paying" } }"#;

#[test]
fn custom_validations_are_done_and_those_of_pairs_where_there_is_a_pair() {
    let stage = Stage::new();
    std::fs::write(stage.path().join("custom.pbtxt"), CUSTOM).unwrap();
    let now = [("train", trips(HALF, Some("tips")))];
    let before = [("train", trips(&["Card", "Card"], Some("tips")))];
    let config = json!({ "custom_validation_config": "custom.pbtxt" });
    let inputs = Inputs { now: &now, previous: None, serving: None };
    let done = validate(&stage, &inputs, &config).unwrap();
    let found: Vec<_> = codes(&done).into_iter().map(|it| (it.1, it.2, it.3)).collect();
    assert_eq!(found, [("tips".to_owned(), "CUSTOM_VALIDATION", "WARNING".to_owned())]);
    let note = "custom validations of pairs not measured: no `previous_statistics`";
    assert!(done.outcome.summary.contains(note), "{}", done.outcome.summary);

    let inputs = Inputs { now: &now, previous: Some(&before), serving: None };
    let done = validate(&stage, &inputs, &config).unwrap();
    let custom: Vec<_> = codes(&done)
        .into_iter()
        .filter(|it| it.2 == "CUSTOM_VALIDATION")
        .map(|it| (it.1, it.3))
        .collect();
    let is = |path: &str, severity: &str| (path.to_owned(), severity.to_owned());
    assert_eq!(custom, [is("paid", "ERROR"), is("tips", "WARNING")]);
}

#[test]
fn broken_custom_validations_are_found_before_the_run() {
    let stage = Stage::new();
    let broken = CUSTOM.replace("num_stats.max", "num_stats.maxx");
    std::fs::write(stage.path().join("custom.pbtxt"), broken).unwrap();
    let config = json!({ "custom_validation_config": "custom.pbtxt" });
    let problems = stage.problems(&ExampleValidator, &[], &config);
    assert_eq!(problems.len(), 1, "{problems:?}");
    let expected = "custom.pbtxt: feature `tips`: the query, line 1, column 19: there is no `maxx`";
    assert!(problems[0].contains(expected), "{problems:?}");
    assert!(problems[0].contains("did you mean `max`?"), "{problems:?}");

    std::fs::write(stage.path().join("custom.pbtxt"), CUSTOM).unwrap();
    let problems = stage.problems(&ExampleValidator, &[], &config);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("wire `inputs.previous_statistics`"), "{problems:?}");
}
