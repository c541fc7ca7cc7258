//! Models that scikit-learn wrote give what ONNX Runtime gives; `testdata/make.py` made them.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod library;
mod onnx_runtime;

use std::fs;
use std::path::{Path, PathBuf};

use onnx::{Element, OnnxError, OnnxFile, OnnxModel, Runtime, Values};
use serde_json::Value;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

fn file(name: &str) -> Result<OnnxFile, OnnxError> {
    OnnxFile::read(&path(&format!("{name}.onnx")))
}

fn floats(values: &Value) -> Vec<f32> {
    let values = values.as_array().unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "they were 32-bit floats")]
    values.iter().map(|value| value.as_f64().map_or(f32::NAN, |value| value as f32)).collect()
}

fn expected() -> Value {
    serde_json::from_slice(&fs::read(path("expected.json")).unwrap()).unwrap()
}

#[track_caller]
fn assert_near(name: &str, given: &[f32], expected: &[f32]) {
    assert_eq!(given.len(), expected.len(), "{name}");
    for (given, expected) in given.iter().zip(expected) {
        // Both sum in 32 bits, in another order.
        assert!((given - expected).abs() < 1e-5, "{name}: {given} and {expected}");
    }
}

#[test]
fn what_is_predicted_is_what_onnx_runtime_predicts() {
    let expected = expected();
    for name in ["logistic", "forest", "mlp", "linear"] {
        let wanted = &expected[name];
        let output = wanted["output"].as_str().unwrap();
        let file = file(name).unwrap();
        let model = OnnxModel::new(&file, &[3], &[output], &Runtime::default()).unwrap();
        let inputs = floats(&wanted["inputs"]);
        let given = model.run(&[Values::Floats(inputs.clone())], 16).unwrap().remove(0);
        assert_eq!(given.1, if name == "linear" { 1 } else { 2 });
        assert_near(name, &given.0, &floats(&wanted["outputs"]));
        // One row at a time gives the same, and no rows none.
        for row in [0, 7] {
            let one = Values::Floats(inputs[row * 3..row * 3 + 3].to_vec());
            let alone = model.run(&[one], 1).unwrap().remove(0);
            assert_near(name, &alone.0, &given.0[row * given.1..(row + 1) * given.1]);
        }
        assert!(model.run(&[Values::Floats(Vec::new())], 0).unwrap()[0].0.is_empty());
    }
}

#[test]
fn inputs_have_names_types_and_shapes() {
    let file = file("named").unwrap();
    let shown: Vec<String> = file.inputs().iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["`fare` (float[?])", "`company` (int64[?])"]);
    assert_eq!(file.outputs()[1].element, Element::Float);
    assert_eq!(file.outputs()[1].width(), Some(1));
    let model = OnnxModel::new(&file, &[1, 1], &["prediction"], &Runtime::default()).unwrap();
    let inputs = [Values::Floats(vec![0.5, -2.0]), Values::Ints(vec![0, 2])];
    let given = model.run(&inputs, 2).unwrap();
    assert_near("named", &given[0].0, &floats(&expected()["named"]["outputs"]));
    // An id beyond the table is an error, and the model can be used again.
    let wrong = [Values::Floats(vec![0.5, -2.0]), Values::Ints(vec![0, 99])];
    assert!(matches!(model.run(&wrong, 2), Err(OnnxError::Failed { .. })));
    assert!(model.run(&inputs, 2).is_ok());
}

#[test]
fn what_cannot_be_run_says_why() {
    let said = |name: &str, width| {
        let file = file(name).unwrap();
        let error =
            OnnxModel::new(&file, &[width], &["prediction"], &Runtime::default()).err().unwrap();
        error.to_string().replace(&format!("{}/", path("").display()), "").replace("testdata//", "")
    };
    let fixed = said("fixed", 3);
    assert!(
        fixed.ends_with("fixed.onnx: input `x` has exactly 4 rows, expected any number of them"),
        "{fixed}"
    );
    // The runtime takes one base value for two classes, XGBoost's converter writes two.
    let boosted =
        OnnxModel::new(&file("xgboost").unwrap(), &[3], &["probabilities"], &Runtime::default());
    let boosted = boosted.err().unwrap().to_string();
    assert!(boosted.contains("cannot be run: ") && boosted.contains("base_values"), "{boosted}");
    let unknown = said("unknown", 3);
    assert!(
        unknown.contains("unknown.onnx: cannot be run: ") && unknown.contains("NotThere"),
        "{unknown}"
    );
}

#[test]
fn a_file_that_is_no_model_is_an_error_wherever_it_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("bad.onnx");
    assert!(matches!(OnnxFile::read(&bad), Err(OnnxError::Io(_))));
    for name in ["mlp", "forest", "named"] {
        let bytes = fs::read(path(&format!("{name}.onnx"))).unwrap();
        for cut in (0..bytes.len()).step_by(61) {
            fs::write(&bad, &bytes[..cut]).unwrap();
            attempt(&bad);
            let mut flipped = bytes.clone();
            flipped[cut] ^= 0x55;
            fs::write(&bad, &flipped).unwrap();
            attempt(&bad);
        }
    }
}

/// Reads, plans and runs a file; whatever is wrong with it is an error, or not noticed.
fn attempt(path: &Path) {
    let Ok(file) = OnnxFile::read(path) else { return };
    let widths: Vec<usize> = file.inputs().iter().map(|port| port.width().unwrap_or(1)).collect();
    let wanted: Vec<&str> = file.outputs().iter().map(|port| port.name.as_str()).collect();
    // More is no honest model, and only takes time.
    if widths.iter().any(|width| *width > 1000) {
        return;
    }
    if let Ok(model) = OnnxModel::new(&file, &widths, &wanted, &Runtime::default()) {
        let inputs: Vec<Values> = file
            .inputs()
            .iter()
            .zip(&widths)
            .map(|(port, width)| match port.element {
                Element::Float | Element::Double => Values::Floats(vec![0.5; *width]),
                Element::Text => Values::Texts(vec![String::new(); *width]),
                _ => Values::Ints(vec![0; *width]),
            })
            .collect();
        let _ = model.run(&inputs, 1);
    }
}
