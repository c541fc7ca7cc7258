//! From raw CSV to a pushed model that answers.

use std::fs;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;

use crate::scene::{Scene, shared, states};

/// The example that comes with the project.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/taxi");

#[test]
fn from_csv_to_predictions() {
    let scene = Scene::taxi();
    let report = scene.run_json(&[], 0);
    assert_snapshot!(states(&report).join("\n"), @r"
        example_gen done
        statistics_gen done
        schema_gen done
        example_validator done
        transform done
        trainer done
        latest_blessed_model done
        evaluator done
        pusher done
        ");

    let mut versions = fs::read_dir(scene.path("serving")).unwrap();
    let version = versions.next().unwrap().unwrap();
    assert!(versions.next().is_none());
    assert!(version.path().join("READY").is_file());

    // The label's column is not needed: at serving time nobody knows the tip.
    let trips = fs::read_to_string(scene.path("data/trips.csv")).unwrap();
    let without_tips: Vec<&str> =
        trips.lines().take(101).map(|line| line.rsplit_once(',').unwrap().0).collect();
    assert!(trips.lines().next().unwrap().ends_with(",tips"));
    scene.write("rows.csv", &(without_tips.join("\n") + "\n"));
    let said =
        scene.cupola(&["predict", "--model", "serving", "--input", "rows.csv"]).expect_code(0);
    let mut lines = said.stdout.lines();
    assert_eq!(lines.next(), Some("prediction,logit"));
    let predictions: Vec<f32> =
        lines.map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(predictions.len(), 100);
    assert!(predictions.iter().all(|p| (0.0..=1.0).contains(p)));
    assert!(predictions.iter().any(|p| *p > 0.5) && predictions.iter().any(|p| *p < 0.5));
}

#[test]
fn the_number_of_threads_never_shows() {
    let one = Scene::taxi();
    one.run_json(&["--threads", "1"], 0);
    let many = Scene::taxi();
    many.run_json(&["--threads", "5"], 0);
    assert_eq!(one.digests(), many.digests());
}

#[test]
fn a_model_that_is_not_good_enough_is_not_pushed() {
    let scene = Scene::taxi();
    scene.replace("pipeline.toml", "lower_bound = 0.7", "lower_bound = 0.9999");
    let said = scene.cupola(&["run"]).expect_code(1);
    assert!(said.stderr.contains("not blessed"), "{}", said.stderr);
    assert!(said.stderr.contains("0.9999"), "{}", said.stderr);
    assert!(!scene.path("serving").exists());
    // The answer is remembered with the work.
    let again = scene.cupola(&["run"]).expect_code(1);
    assert!(again.stderr.contains("not blessed"), "{}", again.stderr);
}

#[test]
fn anomalies_stop_the_pipeline_and_can_be_looked_at() {
    let scene = Scene::taxi();
    scene.run_json(&[], 0);
    let schema = scene.artifact("Schema").join("schema.pbtxt");
    fs::copy(schema, scene.path("schema.pbtxt")).unwrap();
    scene.replace(
        "pipeline.toml",
        "[nodes.schema_gen]",
        "[nodes.import_schema_gen]\nschema_file = \"schema.pbtxt\"",
    );
    scene.run_json(&[], 0);

    scene.replace("data/trips.csv", "Cash", "Shells");
    let said = scene.cupola(&["run"]).expect_code(1);
    assert!(said.stderr.contains("Unexpected string values"), "{}", said.stderr);
    assert!(said.stderr.contains("Shells"), "{}", said.stderr);
    let report = scene.run_json(&[], 1);
    assert_snapshot!(states(&report).join("\n"), @r"
        example_gen cached
        statistics_gen cached
        import_schema_gen cached
        example_validator cached
        transform not run
        trainer not run
        latest_blessed_model not run
        evaluator not run
        pusher not run
        ");

    let shown = scene.cupola(&["anomalies", "show"]).expect_code(1);
    assert!(shown.stdout.contains("payment_type"), "{}", shown.stdout);
    let json =
        scene.cupola(&["anomalies", "show", "--json", "--split", "eval"]).expect_code(1).json();
    let anomaly = &json["anomalies"]["splits"][0]["anomalies"][0];
    assert_eq!(anomaly["type"], "ENUM_TYPE_UNEXPECTED_STRING_VALUES");
}

#[test]
fn what_was_made_can_be_looked_at() {
    let scene = Scene::taxi();
    let report = scene.run_json(&[], 0);
    let run = report["id"].as_str().unwrap();
    for (args, word) in [
        (vec!["runs", "list"], "complete"),
        (vec!["runs", "show"], "trainer"),
        (vec!["runs", "show", run], "evaluator"),
        (vec!["artifacts", "list"], "TransformGraph"),
        (vec!["artifacts", "show", "1"], "example_gen"),
        (vec!["lineage", "1"], "trainer"),
        (vec!["stats", "show", "--split", "train"], "payment_type"),
        (vec!["schema", "show"], "required"),
        (vec!["anomalies", "show"], "no anomalies"),
        (vec!["completions", "bash"], "cupola"),
    ] {
        let said = scene.cupola(&args).expect_code(0);
        assert!(said.stdout.contains(word), "{args:?}\n{}", said.stdout);
        if args[0] != "completions" {
            let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
            assert_eq!(scene.cupola(&args).expect_code(0).json()["version"], 1, "{args:?}");
        }
    }
    scene.cupola(&["artifacts", "show", "999"]).expect_code(3);
    scene.cupola(&["schema", "show", "1"]).expect_code(2);
    scene.cupola(&["stats", "show", "--split", "test"]).expect_code(2);
    scene.cupola(&["runs", "show", "nosuch"]).expect_code(3);
}

#[test]
fn slices_have_their_names_and_distances_their_formulas() {
    let scene = Scene::taxi();
    scene.replace(
        "pipeline.toml",
        "[nodes.statistics_gen]",
        "[nodes.statistics_gen]\nslices = [{ values = { payment_type = \"Cash\" } }]\n\
         mutual_information = { label = \"payment_type\" }",
    );
    scene.run_json(&[], 0);
    let shown = scene.cupola(&["stats", "show", "--split", "train"]).expect_code(0).stdout;
    for expected in
        ["split `train`: ", "split `train`, slice `payment_type_Cash`: ", "tells about the label"]
    {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    let json = scene.cupola(&["stats", "show", "--json"]).expect_code(0).json();
    let datasets = json["statistics"]["datasets"].as_array().unwrap();
    assert!(datasets[0]["slice"].is_null());
    assert_eq!(datasets[1]["slice"], "payment_type_Cash");

    // Held against itself, data has not drifted, which is said all the same.
    let schema = fs::read_to_string(scene.artifact("Schema").join("schema.pbtxt")).unwrap();
    let name = "name: \"payment_type\"";
    let drift = format!("{name}\n  drift_comparator {{ infinity_norm {{ threshold: 0.25 }} }}");
    fs::write(scene.path("schema.pbtxt"), schema.replacen(name, &drift, 1)).unwrap();
    scene.replace(
        "pipeline.toml",
        "[nodes.schema_gen]",
        "[nodes.import_schema_gen]\nschema_file = \"schema.pbtxt\"",
    );
    scene.replace(
        "pipeline.toml",
        "[nodes.example_validator]",
        "[nodes.example_validator]\ninputs.previous_statistics = \"statistics_gen.statistics\"",
    );
    scene.run_json(&[], 0);
    let shown = scene.cupola(&["anomalies", "show"]).expect_code(0).stdout;
    for expected in ["no anomalies", "L_INFTY", "0.25", "fine", "max over values"] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    let json = scene.cupola(&["anomalies", "show", "--json"]).expect_code(0).json();
    let distance = &json["anomalies"]["splits"][0]["distances"][0];
    assert!(distance["feature"].as_str().unwrap().ends_with("payment_type"));
    assert_eq!(distance["value"], 0.0);
    assert_eq!(distance["is_too_large"], false);
}

#[test]
fn a_new_pipeline_from_ones_own_file_runs() {
    let scene = Scene::taxi();
    let said = scene.cupola(&[
        "init",
        "mine",
        "--template",
        "csv",
        "--data",
        "data/trips.csv",
        "--label",
        "tips > fare * 0.2",
    ]);
    said.expect_code(0);
    scene.cupola(&["check", "mine/pipeline.toml"]).expect_code(0);
    scene.run_json(&["mine/pipeline.toml", "--set", "nodes.trainer.num_steps=200"], 0);
    // It does not write over what is there.
    let again = scene.cupola(&[
        "init",
        "mine",
        "--template",
        "csv",
        "--data",
        "data/trips.csv",
        "--label",
        "tips > 1",
    ]);
    assert!(again.expect_code(3).stderr.contains("exists already"));
}

#[test]
fn the_example_holds_what_the_generator_writes() {
    let scene = Scene::empty();
    scene.cupola(&["init", "taxi", "--quiet"]).expect_code(0);
    for file in ["pipeline.toml", "data/trips.csv"] {
        let example = fs::read(Path::new(EXAMPLE).join(file)).unwrap();
        assert!(fs::read(scene.path("taxi").join(file)).unwrap() == example, "{file} differs");
    }
}

#[test]
fn the_example_takes_the_real_trips_to_a_pushed_model() {
    let Some(shared) = shared("the_example_takes_the_real_trips_to_a_pushed_model") else { return };
    let scene = Scene::empty();
    let pipeline = format!("{EXAMPLE}/pipeline.toml");
    let csv = format!("nodes.example_gen.source.csv={}/data/chicago_taxi.csv", shared.display());
    let serving = format!("nodes.pusher.destination.directory={}", scene.path("serving").display());
    let report = scene.run_json(
        &[
            &pipeline,
            "--root",
            ".cupola",
            "--set",
            &csv,
            "--set",
            &serving,
            "--set",
            "nodes.trainer.num_steps=600",
        ],
        0,
    );
    assert!(states(&report).contains(&"pusher done".to_owned()), "{report}");
    let evaluation = scene.artifact("ModelEvaluation").join("evaluation.json");
    let text = fs::read_to_string(evaluation).unwrap();
    let evaluation: serde_json::Value = serde_json::from_str(&text).unwrap();
    let auc = evaluation["slices"][0]["metrics"]["auc"].as_f64().unwrap();
    assert!(auc >= 0.9, "the AUC is {auc}");
}

#[test]
fn the_real_ml_metadata_client_lists_a_run() {
    #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
    let Ok(python) = std::env::var("CUPOLA_MLMD_PYTHON") else {
        println!("SKIPPED the_real_ml_metadata_client_lists_a_run: CUPOLA_MLMD_PYTHON is not set");
        return;
    };
    let scene = Scene::taxi();
    let report = scene.run_json(&[], 0);
    let script =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../metadata/tests/interop/list_everything.py");
    let output = Command::new(python)
        .args([script, &scene.path(".cupola/metadata.sqlite").display().to_string()])
        .output()
        .unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let executions = listed["executions"].as_array().unwrap();
    assert_eq!(executions.len(), report["nodes"].as_array().unwrap().len());
    assert!(executions.iter().all(|e| e["state"] == "COMPLETE"), "{listed}");
}
