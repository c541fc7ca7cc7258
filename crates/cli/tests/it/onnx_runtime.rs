//! An ONNX model that only ONNX Runtime runs: trained, evaluated, pushed and asked with its library named.

use std::fs;
use std::path::Path;

#[path = "../../../onnx/tests/it/library.rs"]
mod library;

use self::library::library;
use crate::scene::{PIPELINE, Said, Scene, states};

const TRAINER: &str = r#"[nodes.trainer]
command = ["/bin/sh", "train.sh"]
label = "big_tipper"
onnx = { inputs = { float_input = ["trip_miles", "fare", "speed"] } }
"#;

const TRAIN: &str = r#"
serving=$(sed -n 's/^ *"serving_model_dir": "\(.*\)",*$/\1/p' "$CUPOLA_FN_ARGS")
cp xgboost.onnx "$serving/model.onnx"
"#;

/// Returns the taxi pipeline with a trainer that leaves boosted trees with two base values, which `tract` refuses.
fn scene() -> Scene {
    let scene = Scene::taxi();
    let before = PIPELINE.split("payment_type = ").next().unwrap();
    let label = PIPELINE.lines().find(|line| line.starts_with("big_tipper")).unwrap();
    let after = PIPELINE.split("[nodes.evaluator]").nth(1).unwrap();
    let after = after.replace("lower_bound = 0.7", "lower_bound = 0.01");
    let speed = "speed = \"fill_missing(trip_miles, 0.0) / (fare + 1.0)\"";
    let pipeline = format!("{before}{speed}\n{label}\n{TRAINER}[nodes.evaluator]{after}");
    scene.write("pipeline.toml", &pipeline);
    scene.write("train.sh", TRAIN);
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/testdata/xgboost.onnx");
    fs::copy(model, scene.path("xgboost.onnx")).unwrap();
    scene
}

fn with_library(scene: &Scene, library: &str, args: &[&str]) -> Said {
    scene.said(scene.command(args).env("ORT_DYLIB_PATH", library).output().unwrap())
}

#[test]
fn a_model_that_needs_onnx_runtime_goes_from_training_to_serving() {
    let scene = scene();
    let run = ["run", "--json", "--quiet"];
    // Without the library, with one that is none, and with one that is not there.
    let refused = scene.cupola(&["run"]);
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("cannot be run: "), "{}", refused.stderr);
    assert!(refused.stderr.contains("set ORT_DYLIB_PATH to its library"), "{}", refused.stderr);
    for library in ["train.sh", "none.so"] {
        let refused = with_library(&scene, library, &["run"]);
        assert_ne!(refused.code, Some(0));
        let wanted = format!("{library}: not a library of ONNX Runtime that can be used: ");
        assert!(refused.stderr.contains(&wanted), "{}", refused.stderr);
    }

    let Some(library) = library() else { return };
    let report = with_library(&scene, &library, &run).expect_code(0).json()["run"].clone();
    assert!(states(&report).contains(&"pusher done".to_owned()), "{report}");
    let listed = ["artifacts", "list", "--type", "ModelEvaluation", "--json"];
    let listed = scene.cupola(&listed).expect_code(0).json();
    let evaluation = listed["artifacts"][0]["id"].to_string();
    let shown = scene.cupola(&["artifacts", "show", &evaluation, "--json"]).expect_code(0).stdout;
    assert!(shown.contains(&format!("ONNX Runtime ({library})")), "{shown}");

    // By the same library it need not be evaluated again; by another one, or by `tract`, it has to.
    let report = with_library(&scene, &library, &run).expect_code(0).json()["run"].clone();
    assert!(states(&report).contains(&"evaluator cached".to_owned()), "{report}");
    let explained = scene.cupola(&["run", "--explain"]).expect_code(0).stdout;
    let why = format!("the model was run by ONNX Runtime ({library}), and now would be by tract");
    assert!(explained.contains(&why), "{explained}");

    let predict = ["predict", "--model", "serving", "--input", "data/trips.csv", "--threads"];
    let asked = |threads| {
        let args = [&predict[..], &[threads]].concat();
        with_library(&scene, &library, &args).expect_code(0).stdout
    };
    let predicted = asked("1");
    assert_eq!(predicted, asked("4"));
    let values: Vec<f32> = predicted.lines().skip(1).map(|line| line.parse().unwrap()).collect();
    assert_eq!(values.len(), 1500);
    assert!(values.iter().all(|value| (0.0..1.0).contains(value)));
    assert!(values.iter().any(|value| (value - values[0]).abs() > 1e-3));
    let refused = scene.cupola(&predict[..5]);
    assert!(refused.stderr.contains("cannot be run: "), "{}", refused.stderr);
}
