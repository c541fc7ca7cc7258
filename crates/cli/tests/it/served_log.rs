//! What was really served, looked at as a user would: statistics, validation, skew against training, and evaluation once
//! the labels are known.

use std::fmt::Write as _;
use std::fs;

use serde_json::json;

use crate::scene::Scene;
use crate::serve::serve;

const NUM_REQUESTS: usize = 60;

/// Trips of which every third one tips well; the last third of requests pays in a way that training has not seen.
fn trip(place: usize) -> (f64, f64, &'static str, f64) {
    let fare = 5.25 + (place % 90) as f64;
    let payment_type = if place.is_multiple_of(3) { "Credit Card" } else { "Cash" };
    let tips = if place.is_multiple_of(3) { fare * 0.3 } else { 0.0 };
    (1.0 + (place % 7) as f64, fare, payment_type, tips)
}

#[test]
fn a_request_log_is_measured_validated_held_against_training_and_evaluated() {
    let mut csv = "trip_miles,fare,payment_type,company,tips\n".to_owned();
    for place in 0..900 {
        let (miles, fare, payment_type, tips) = trip(place);
        let company = ["Blue", "Flash Cab"][place % 2];
        writeln!(csv, "{miles:?},{fare:?},{payment_type},{company},{tips:.2}").unwrap();
    }
    let scene = Scene::with_data(csv);
    scene.run_json(&[], 0);
    let log = "[models.taxi]\ndir = \"serving\"\nrequest_log = { dir = \"requests\", share = 1.0, predictions = true }\n";
    scene.write("serve.toml", log);
    let server = serve(&scene, &["--config", "serve.toml"]);
    server.wait_ready();
    let mut labels = "fare,tips\n".to_owned();
    for place in 0..NUM_REQUESTS {
        let (miles, fare, payment_type, tips) = trip(place);
        let payment_type = if place < 40 { payment_type } else { "Prcard" };
        writeln!(labels, "{fare:?},{tips:.2}").unwrap();
        let row = json!({ "trip_miles": miles, "fare": fare, "payment_type": payment_type, "company": null });
        let body = json!({ "instances": [row] }).to_string();
        let answer = server.ask("POST", "/v1/models/taxi:predict", &body);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    scene.write("labels.csv", &labels);
    server.terminate();
    let log = "requests/*/Split-serving/*";

    // Statistics.
    let said = scene.cupola(&["stats", log, "--json"]).expect_code(0).json();
    let dataset = &said["statistics"]["datasets"][0];
    assert_eq!(dataset["num_examples"], NUM_REQUESTS);
    let features = dataset["features"].as_array().unwrap();
    let feature = |name: &str| features.iter().find(|feature| feature["name"] == name).unwrap();
    assert_eq!(feature("company")["num_missing"], NUM_REQUESTS);
    assert_eq!(feature("prediction")["num_non_missing"], NUM_REQUESTS);

    // Validation: the schema of training, with an environment in which there is no label, but there are predictions.
    scene.cupola(&["schema", "infer", "data/trips.csv", "-o", "schema.pbtxt"]).expect_code(0);
    scene.replace(
        "schema.pbtxt",
        "name: \"tips\"",
        "name: \"tips\"\n  not_in_environment: \"SERVING\"",
    );
    let mut schema = fs::read_to_string(scene.path("schema.pbtxt")).unwrap();
    for name in ["prediction", "logit"] {
        let feature = "type: FLOAT in_environment: \"SERVING\"";
        writeln!(schema, "feature {{ name: \"{name}\" {feature} }}").unwrap();
    }
    schema.push_str("default_environment: \"TRAINING\"\ndefault_environment: \"SERVING\"\n");
    scene.write("schema.pbtxt", &schema);
    let validate = ["validate", log, "--schema", "schema.pbtxt", "--environment", "SERVING"];
    let said = scene.cupola(&validate).expect_code(1).stdout;
    assert!(said.contains("payment_type  Unexpected string values"), "{said}");
    assert!(said.contains("Prcard (~33%)"), "{said}");
    assert!(!said.contains("tips") && !said.contains("logit"), "{said}");

    // Skew: training against what was served.
    let name = "feature {\n  name: \"payment_type\"";
    let bound = "skew_comparator { infinity_norm { threshold: 0.1 } }";
    scene.replace("schema.pbtxt", name, &format!("{name}\n  {bound}"));
    let skew = ["validate", "data/trips.csv", "--schema", "schema.pbtxt", "--serving", log];
    let said = scene.cupola(&skew).expect_code(1).stdout;
    assert!(said.contains("payment_type") && said.contains("skew"), "{said}");

    // Evaluation, once it is known what passengers tipped.
    let join = r#"
[pipeline]
name = "served"
[nodes.example_gen]
splits = { all = 1 }
source.sql.tables = { requests = { parquet = "requests/*/Split-serving/*.parquet" }, labels = { csv = "labels.csv" } }
source.sql.query = """
  SELECT prediction, payment_type, CASE WHEN tips > labels.fare * 0.2 THEN 1 ELSE 0 END AS big_tipper
  FROM requests JOIN labels ON requests.fare = labels.fare"""
"#;
    scene.write("served.toml", join);
    scene.cupola(&["run", "served.toml", "--root", "joined", "--quiet"]).expect_code(0);
    let args = [
        "eval",
        "--predictions",
        "joined/example_gen/examples/*/Split-all/*",
        "--label",
        "big_tipper",
        "--prediction",
        "prediction",
        "--slice",
        "payment_type",
        "--json",
    ];
    let said = scene.cupola(&args).expect_code(0).json();
    let slices = said["evaluation"]["evaluation"]["slices"].as_array().unwrap();
    assert_eq!(slices.len(), 4, "{said}");
    assert_eq!(slices[0]["num_examples"], NUM_REQUESTS);
    // Where it was asked what it knows, the model is right.
    let known = slices.iter().filter(|slice| slice["slice"].to_string().contains("Ca"));
    assert!(known.into_iter().all(|slice| slice["metrics"]["accuracy"] == 1.0), "{said}");
}
