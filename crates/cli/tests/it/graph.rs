//! The graph of a pipeline: looked at, drawn, and exported for other runtimes.

use std::fs;
use std::process::Command;

use insta::assert_snapshot;

use crate::scene::Scene;

#[test]
fn a_graph_is_shown_and_drawn() {
    let scene = Scene::taxi();
    scene.run_json(&[], 0);
    let shown = scene.cupola(&["graph", "show"]).expect_code(0).stdout;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("NODE  OPERATION"), "{shown}");
    let is_company = |line: &&&str| line.contains("lookup") && line.contains("company (");
    let lookup = lines.iter().find(is_company).unwrap();
    assert!(lookup.contains("buckets for others"), "{lookup}");

    let object = scene.cupola(&["graph", "show", "--json"]).expect_code(0).json();
    let nodes = object["graph"]["nodes"].as_array().unwrap().len();
    assert_eq!(lines.iter().filter(|line| line.starts_with('%')).count(), nodes);
    let drawn = scene.cupola(&["graph", "dot"]).expect_code(0).stdout;
    assert!(drawn.starts_with("digraph transform {"), "{drawn}");
    assert_eq!(
        drawn.lines().filter(|line| line.starts_with("  n") && line.contains("label")).count(),
        nodes
    );
    // A folder of models will do as well.
    let pushed = scene.cupola(&["graph", "show", "serving"]).expect_code(0).stdout;
    assert!(pushed.contains("lookup"), "{pushed}");

    let said = scene.cupola(&["graph", "show", "data"]).expect_code(3);
    assert_snapshot!(said.stderr, @"error: data: no graph found, expected the folder of a graph, of a model or of pushed models");
    let said = scene.cupola(&["graph", "show", "1"]).expect_code(2);
    assert!(
        said.stderr.contains("is of type Examples, expected TransformGraph"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_model_is_exported_for_other_runtimes() {
    let scene = Scene::taxi();
    scene.run_json(&[], 0);
    let onnx = ["export", "onnx", "serving", "-o", "taxi.onnx"];
    let said = scene.cupola(&onnx).expect_code(0).stdout;
    assert!(said.contains("graph and model of") && said.contains("as ONNX in taxi.onnx"), "{said}");
    let bytes = fs::read(scene.path("taxi.onnx")).unwrap();
    let said = scene.cupola(&onnx).expect_code(3);
    assert_snapshot!(said.stderr, @"
    error: taxi.onnx exists already
      hint: `--force` writes over it
    ");
    scene.cupola(&[&onnx[..], &["--force"]].concat()).expect_code(0);
    assert_eq!(fs::read(scene.path("taxi.onnx")).unwrap(), bytes);

    scene.cupola(&["export", "saved-model", "-o", "saved/1", "--graph-only"]).expect_code(0);
    assert!(scene.path("saved/1/saved_model.pb").is_file());
    assert!(scene.path("saved/1/assets").is_dir());
    let again = ["export", "saved-model", "-o", "saved/1", "--force"];
    scene.cupola(&again).expect_code(0);
    assert_eq!(fs::read_dir(scene.path("saved")).unwrap().count(), 1, "nothing is left behind");
    // Only a SavedModel is written over.
    let said = scene.cupola(&["export", "saved-model", "-o", "data", "--force"]).expect_code(3);
    assert_snapshot!(said.stderr, @"error: data is no SavedModel, expected a folder with a `saved_model.pb` to write over");
    assert!(scene.path("data/trips.csv").is_file());
}

/// Predicts with ONNX Runtime, from a CSV file of raw features, as a client would.
const PREDICT: &str = r#"
import csv, sys
import numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
rows = list(csv.DictReader(open(sys.argv[2])))
feeds = {}
for tensor in session.get_inputs() + session.get_overridable_initializers():
    name = tensor.name
    if name.endswith(".present"):
        cells = [row[name.removesuffix(".present")] for row in rows]
        feeds[name] = numpy.array([[cell != ""] for cell in cells])
        continue
    cells = [row[name] for row in rows]
    if tensor.type == "tensor(string)":
        feeds[name] = numpy.array([[cell] for cell in cells], dtype=object)
    else:
        kind = {"tensor(int64)": numpy.int64, "tensor(float)": numpy.float32, "tensor(double)": numpy.float64}[tensor.type]
        feeds[name] = numpy.array([[float(cell or 0)] for cell in cells]).astype(kind)
for row in session.run(["prediction"], feeds)[0]:
    print(float(row[0]))
"#;

#[test]
fn onnx_runtime_predicts_what_cupola_predicts() {
    let Some(python) = std::env::var_os("CUPOLA_ORT_PYTHON") else {
        println!("skipped: CUPOLA_ORT_PYTHON does not name a Python with onnxruntime");
        return;
    };
    let scene = Scene::taxi();
    scene.run_json(&[], 0);
    scene.cupola(&["export", "onnx", "-o", "taxi.onnx"]).expect_code(0);
    let said = scene.cupola(&["predict", "--model", "serving", "--input", "data/trips.csv"]);
    let ours = said.expect_code(0).stdout;
    let ours = ours.lines().skip(1).map(|line| line.split(',').next().unwrap().parse::<f64>());
    let ours: Vec<f64> = ours.map(Result::unwrap).collect();
    scene.write("predict.py", PREDICT);
    let output = Command::new(python)
        .args(["predict.py", "taxi.onnx", "data/trips.csv"])
        .current_dir(scene.path("."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<f64> = theirs.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(ours.len(), theirs.len());
    for (row, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert!((ours - theirs).abs() <= 1e-5 * ours.abs().max(1e-3), "row {row}: {ours} {theirs}");
    }
}

#[test]
fn a_transform_is_exported_where_the_pipeline_asks_for_it() {
    let scene = Scene::taxi();
    let features = "[nodes.transform.features]\n";
    let asked = format!("[nodes.transform]\nexport = [\"onnx\", \"saved_model\"]\n\n{features}");
    scene.replace(
        "pipeline.toml",
        features,
        &format!("{asked}code = \"normalize(company, 'nfc')\"\n"),
    );
    let said = scene.cupola(&["check"]).expect_code(2);
    assert!(said.stderr.contains("pipeline.toml:"), "{}", said.stderr);
    assert!(said.stderr.contains("ONNX cannot express `normalize`"), "{}", said.stderr);
    assert!(said.stderr.contains("SavedModel cannot express `normalize`"), "{}", said.stderr);

    scene.replace("pipeline.toml", "code = \"normalize(company, 'nfc')\"\n", "");
    scene.run_json(&[], 0);
    let graph = scene.artifact("TransformGraph");
    assert!(graph.join("onnx/transform.onnx").is_file());
    assert!(graph.join("transform_fn/saved_model.pb").is_file());
    scene.cupola(&["graph", "show"]).expect_code(0);
}
