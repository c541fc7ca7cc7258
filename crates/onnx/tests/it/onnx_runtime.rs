//! ONNX Runtime beside `tract`. A process loads one library, so that one test tries them all, in their order.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use base::{Classify, ErrorKind};
use onnx::{OnnxError, OnnxModel, Runtime, Values};

use crate::library::library;
use crate::{assert_near, expected, file, floats, path};

/// A library that says to be too old.
const OLD: &str = r#"
static const void *api(unsigned version) { (void)version; return 0; }
static const char *version(void) { return "1.16.3"; }
static const struct { const void *(*api)(unsigned); const char *(*version)(void); } base = { api, version };
const void *OrtGetApiBase(void) { return &base; }
"#;

#[test]
fn a_library_that_is_named_is_used_or_refused() {
    assert_eq!(Runtime::default().to_string(), "tract");
    let dir = tempfile::tempdir().unwrap();
    let refused = |library: &Path, reason: &str| {
        let error = Runtime::onnx_runtime(library).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.hint().unwrap().contains("ORT_DYLIB_PATH"));
        let said = error.to_string();
        assert!(said.contains(&library.display().to_string()) && said.contains(reason), "{said}");
    };
    refused(&dir.path().join("none.so"), "there is no such file");
    refused(dir.path(), "there is no such file");
    // A bare name is a file here, and nothing that the system knows.
    refused(Path::new("libm.so.6"), "there is no such file");
    let text = dir.path().join("text.so");
    fs::write(&text, "no library").unwrap();
    refused(&text, "text.so: file too short");
    refused(&compiled(dir.path(), "other", "int nothing;"), "it has no `OrtGetApiBase`");
    refused(&compiled(dir.path(), "old", OLD), "it is version 1.16.3, expected 1.17 or newer");

    let Some(library) = library().map(PathBuf::from) else { return };
    let runtime = Runtime::onnx_runtime(&library).unwrap();
    assert_eq!(runtime.to_string(), format!("ONNX Runtime ({})", library.display()));
    assert!(Runtime::onnx_runtime(&library).is_ok());
    refused(&text, "was loaded before, there can be one only");

    same_predictions(&runtime);
    every_type(&runtime);
    what_tract_cannot_run_is_run(&runtime);
    errors_are_the_same(&runtime);
}

fn compiled(dir: &Path, name: &str, source: &str) -> PathBuf {
    let (from, to) = (dir.join(format!("{name}.c")), dir.join(format!("lib{name}.so")));
    fs::write(&from, source).unwrap();
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&to).arg(&from).status();
    assert!(status.unwrap().success());
    to
}

fn same_predictions(runtime: &Runtime) {
    for name in ["logistic", "forest", "mlp", "linear"] {
        let wanted = &expected()[name];
        let output = wanted["output"].as_str().unwrap();
        let file = file(name).unwrap();
        let theirs = OnnxModel::new(&file, &[3], &[output], runtime).unwrap();
        let ours = OnnxModel::new(&file, &[3], &[output], &Runtime::default()).unwrap();
        let inputs = [Values::Floats(floats(&wanted["inputs"]))];
        let (given, own) = (theirs.run(&inputs, 16).unwrap(), ours.run(&inputs, 16).unwrap());
        assert_eq!(given[0].1, own[0].1);
        assert_near(name, &given[0].0, &own[0].0);
        assert_near(name, &given[0].0, &floats(&wanted["outputs"]));
        assert_eq!(theirs.run(&[], 0).unwrap(), ours.run(&[], 0).unwrap());
        // More threads than cores, each many times: all give the same to the last bit.
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        assert_eq!(theirs.run(&inputs, 16).unwrap(), given);
                    }
                });
            }
        });
    }
}

fn every_type(runtime: &Runtime) {
    let file = file("types").unwrap();
    let wanted = ["prediction", "as_double", "as_int64", "as_int32", "as_bool"];
    let model = OnnxModel::new(&file, &[1; 4], &wanted, runtime).unwrap();
    let inputs = |texts: [&str; 3], ints: Vec<i64>| {
        let texts = Values::Texts(texts.map(str::to_owned).to_vec());
        let doubles = Values::Floats(vec![0.5, 0.25, 1.0]);
        [texts, doubles, Values::Ints(ints), Values::Ints(vec![1, 0, 0])]
    };
    let given = model.run(&inputs(["a", "b", "?"], vec![7, -3, 0]), 3).unwrap();
    let given: Vec<Vec<f32>> = given.into_iter().map(|(values, _)| values).collect();
    assert_eq!(given[0], [9.5, -0.75, 0.0]);
    assert_eq!(given[1], given[0]);
    assert_eq!(given[2], [9.0, 0.0, 0.0]);
    assert_eq!(given[3], given[2]);
    assert_eq!(given[4], [1.0, 1.0, 0.0]);
    // What does not fit into 32 bits, or into a text of C.
    let failed = |values: &[Values]| {
        assert!(matches!(model.run(values, 3), Err(OnnxError::Failed { .. })));
    };
    failed(&inputs(["a", "b", "?"], vec![1 << 40, 0, 0]));
    failed(&inputs(["a\0", "b", "?"], vec![0, 0, 0]));
    failed(&inputs(["a", "b", "?"], vec![0, 0]));
    let text = OnnxModel::new(&file, &[1; 4], &["as_text"], runtime).unwrap();
    let said = text.run(&inputs(["a", "b", "?"], vec![0, 0, 0]), 3).unwrap_err();
    assert!(matches!(said, OnnxError::PortType { .. }), "{said}");
}

fn what_tract_cannot_run_is_run(runtime: &Runtime) {
    let wanted = &expected()["xgboost"];
    let file = file("xgboost").unwrap();
    let refused = OnnxModel::new(&file, &[3], &["probabilities"], &Runtime::default());
    let hint = refused.err().unwrap().hint().unwrap();
    assert!(hint.contains("ORT_DYLIB_PATH"), "{hint}");
    let model = OnnxModel::new(&file, &[3], &["probabilities"], runtime).unwrap();
    let given = model.run(&[Values::Floats(floats(&wanted["inputs"]))], 16).unwrap();
    assert_near("xgboost", &given[0].0, &floats(&wanted["outputs"]));
}

fn errors_are_the_same(runtime: &Runtime) {
    let fixed = OnnxModel::new(&file("fixed").unwrap(), &[3], &["prediction"], runtime);
    assert!(matches!(fixed.err(), Some(OnnxError::FixedRows { size: 4, .. })));
    let unknown = OnnxModel::new(&file("unknown").unwrap(), &[3], &["prediction"], runtime);
    let unknown = unknown.err().unwrap();
    let said = unknown.to_string();
    assert!(said.contains("unknown.onnx: cannot be run: ") && said.contains("NotThere"), "{said}");
    assert!(!unknown.hint().unwrap().contains("ORT_DYLIB_PATH"));
    // An id beyond the table is an error, and the model can be used again.
    let named = file("named").unwrap();
    let model = OnnxModel::new(&named, &[1, 1], &["prediction"], runtime).unwrap();
    let inputs = |id| [Values::Floats(vec![0.5, -2.0]), Values::Ints(vec![0, id])];
    assert!(matches!(model.run(&inputs(99), 2), Err(OnnxError::Failed { .. })));
    let given = model.run(&inputs(2), 2).unwrap();
    assert_near("named", &given[0].0, &floats(&expected()["named"]["outputs"]));
    // A file that is gone, or was cut since it was read.
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("mlp.onnx");
    fs::copy(path("mlp.onnx"), &copy).unwrap();
    let read = onnx::OnnxFile::read(&copy).unwrap();
    fs::write(&copy, &fs::read(path("mlp.onnx")).unwrap()[..200]).unwrap();
    let cut = OnnxModel::new(&read, &[3], &["probabilities"], runtime);
    assert!(matches!(cut.err(), Some(OnnxError::Unsupported { .. })));
}
