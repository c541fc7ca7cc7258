//! Compiles the message definitions in `proto/`, in Rust alone: no `protoc` is needed.

use std::env;
use std::fs;
use std::path::PathBuf;

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let root = "tensorflow_metadata/proto/v0";
    let files = ["anomalies", "schema", "statistics"].map(|name| format!("{root}/{name}.proto"));
    let descriptors = protox::compile(files, ["proto"])?;

    #[expect(clippy::disallowed_methods, reason = "build scripts are told where to write this way")]
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out_dir.join("descriptors.binpb"), descriptors.encode_to_vec())?;
    prost_build::Config::new()
        .enable_type_names()
        .btree_map(["."])
        .out_dir(&out_dir)
        .compile_fds(descriptors)?;

    // Only ever written, and never as text: their descriptors stay out of the library.
    let tensorflow = protox::compile(["tensorflow.proto"], ["proto"])?;
    prost_build::Config::new().btree_map(["."]).out_dir(&out_dir).compile_fds(tensorflow)?;
    let onnx = protox::compile(["onnx.proto"], ["proto"])?;
    prost_build::Config::new().out_dir(&out_dir).compile_fds(onnx)?;
    Ok(())
}
