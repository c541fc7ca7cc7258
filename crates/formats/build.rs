//! Compiles the message definitions in `proto/`, in Rust alone: no `protoc` is needed.

use std::env;
use std::fs;
use std::path::PathBuf;

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let root = "tensorflow_metadata/proto/v0";
    let files = ["anomalies", "schema", "statistics"].map(|name| format!("{root}/{name}.proto"));
    let validations = "tensorflow_data_validation/anomalies/proto/custom_validation_config.proto";
    let files = files.into_iter().chain([validations.to_owned()]);
    let descriptors = protox::compile(files, ["proto"])?;

    #[expect(clippy::disallowed_methods, reason = "build scripts are told where to write this way")]
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out_dir.join("descriptors.binpb"), descriptors.encode_to_vec())?;
    let mut metadata = descriptors.clone();
    metadata.file.retain(|file| file.package() != "tensorflow.data_validation");
    prost_build::Config::new()
        .enable_type_names()
        .btree_map(["."])
        .out_dir(&out_dir)
        .compile_fds(metadata)?;
    // The files that it refers to come along, and are empty: their messages are those above.
    let beside = out_dir.join("data_validation");
    fs::create_dir_all(&beside)?;
    prost_build::Config::new()
        .enable_type_names()
        .btree_map(["."])
        .extern_path(".tensorflow.metadata.v0", "crate::metadata")
        .out_dir(&beside)
        .compile_fds(descriptors)?;

    // Only ever written, and never as text: their descriptors stay out of the library.
    let tensorflow = protox::compile(["tensorflow.proto"], ["proto"])?;
    prost_build::Config::new().btree_map(["."]).out_dir(&out_dir).compile_fds(tensorflow)?;
    let onnx = protox::compile(["onnx.proto"], ["proto"])?;
    prost_build::Config::new().out_dir(&out_dir).compile_fds(onnx)?;
    Ok(())
}
