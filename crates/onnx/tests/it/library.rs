//! ONNX Runtime's library, for the tests of more than one crate.

use std::process::Command;

/// Returns the path of the library in the Python package.
#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
pub(crate) fn library() -> Option<String> {
    let Some(python) = std::env::var_os("CUPOLA_ORT_PYTHON") else {
        println!("skipped: CUPOLA_ORT_PYTHON names no Python with the package onnxruntime");
        return None;
    };
    let asked = "import glob, os, onnxruntime
capi = os.path.join(os.path.dirname(onnxruntime.__file__), 'capi')
print(*glob.glob(os.path.join(glob.escape(capi), 'libonnxruntime.*')))";
    let output = Command::new(python).args(["-c", asked]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    if found.is_empty() {
        println!("skipped: this package onnxruntime has no library of its own");
        return None;
    }
    Some(found)
}
