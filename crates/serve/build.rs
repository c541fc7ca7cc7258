//! Compiles the message definitions in `proto/`, in Rust alone: no `protoc` is needed.

use std::env;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = ["tensor.proto", "serving.proto", "inference.proto", "health.proto", "otlp.proto"];
    let descriptors = protox::compile(files, ["proto"])?;
    #[expect(clippy::disallowed_methods, reason = "build scripts are told where to write this way")]
    let out_dir = env::var("OUT_DIR")?;
    // Values stay where they were received: `Bytes` are slices of the request.
    prost_build::Config::new()
        .enable_type_names()
        .btree_map(["."])
        .bytes(["."])
        .out_dir(out_dir)
        .compile_fds(descriptors)?;
    Ok(())
}
