//! Conditions of people's own on statistics, and slices, on bare files.

use serde_json::json;

use crate::scene::Scene;

const TRIPS: &str = "fare,paid\n12.5,Cash\n7.25,Card\n0,Cash\n31,Cash\n";

const SCHEMA: &str =
    "feature { name: 'fare' type: FLOAT shape {} } feature { name: 'paid' type: BYTES shape {} }";

const CUSTOM: &str = r#"
feature_validations { feature_path { step: "fare" } validations {
  sql_expression: "feature.num_stats.max < 30" severity: ERROR description: "A fare is too high" } }
"#;

const PAIR: &str = r#"
feature_pair_validations { feature_test_path { step: "fare" } feature_base_path { step: "fare" } validations {
  sql_expression: "feature_test.num_stats.mean < 2 * feature_base.num_stats.mean" severity: WARNING description: "Up" } }
"#;

fn scene() -> Scene {
    let scene = Scene::empty();
    scene.write("trips.csv", TRIPS);
    scene.write("before.csv", "fare,paid\n1,Cash\n2,Card\n");
    scene.write("schema.pbtxt", SCHEMA);
    scene
}

const VALIDATE: [&str; 6] =
    ["validate", "trips.csv", "--schema", "schema.pbtxt", "--custom-validations", "custom.pbtxt"];

#[test]
fn a_condition_that_does_not_hold_is_an_anomaly() {
    let scene = scene();
    scene.write("custom.pbtxt", CUSTOM);
    let said = scene.cupola(&VALIDATE).expect_code(1);
    assert!(said.stdout.starts_with("trips.csv: 1 error in 4 examples"), "{}", said.stdout);
    assert!(said.stdout.contains("A fare is too high"), "{}", said.stdout);
    scene.write("custom.pbtxt", &CUSTOM.replace("< 30", "<= 31"));
    scene.cupola(&VALIDATE).expect_code(0);
}

#[test]
fn pairs_are_compared_with_the_data_before() {
    let scene = scene();
    scene.write("custom.pbtxt", PAIR);
    let said = scene.cupola(&VALIDATE).expect_code(2);
    assert!(said.stderr.contains("expected `--previous`"), "{}", said.stderr);
    let mut args = VALIDATE.to_vec();
    args.extend(["--previous", "before.csv"]);
    let said = scene.cupola(&args).expect_code(1);
    assert!(said.stdout.contains("1 warning"), "{}", said.stdout);
}

#[test]
fn a_mistake_in_a_condition_is_shown_with_its_place_before_data_is_read() {
    let scene = scene();
    scene.write("custom.pbtxt", &CUSTOM.replace("max", "maxx"));
    let mut args = VALIDATE.to_vec();
    args[1] = "nope.csv";
    let said = scene.cupola(&args).expect_code(2);
    let expected = "error: custom.pbtxt: feature `fare`: the query, line 1, column 19: there is no `maxx` in `feature.num_stats`\n    \
                    feature.num_stats.maxx < 30\n                      ^\n";
    assert!(said.stderr.starts_with(expected), "{}", said.stderr);
}

#[test]
fn slices_are_shown_by_features_and_by_queries() {
    let scene = scene();
    let query = "SELECT STRUCT(IF(fare > 10, 'long', 'short') AS trip)";
    let args = ["stats", "trips.csv", "--slice", "paid", "--slice-sql", query];
    let said = scene.cupola(&args).expect_code(0).stdout;
    for expected in [
        "trips.csv: 4 examples",
        "slice `paid_Card`: 1 example",
        "slice `paid_Cash`: 3 examples",
        "slice `trip_long`: 2 examples",
        "slice `trip_short`: 2 examples",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    let mut args = args.to_vec();
    args.push("--json");
    let json = scene.cupola(&args).expect_code(0).json();
    let slice = &json["statistics"]["datasets"][1];
    assert_eq!((&slice["slice"], &slice["num_examples"]), (&json!("paid_Card"), &json!(1)));

    let said = scene.cupola(&["stats", "trips.csv", "--slice-sql", "SELECT STRUCT(pay)"]);
    let said = said.expect_code(2).stderr;
    assert!(said.contains("line 1, column 15: there is no `pay`"), "{said}");
}
