//! What KServe's protocol tells of the server and its models, in REST and gRPC alike.

use serde_json::{Value, json};

use crate::entry::{Entry, Wanted};
use crate::failure::Failure;
use crate::signature;

pub(crate) const SERVER: &str = "cupola";
pub(crate) const EXTENSIONS: [&str; 1] = ["binary_tensor_data"];
pub(crate) const PLATFORM: &str = "cupola_servable";

/// Returns what the server says of itself.
pub(crate) fn server_metadata() -> Value {
    json!({
        "name": SERVER,
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": EXTENSIONS,
    })
}

/// A tensor that goes in or comes out.
pub(crate) struct TensorInfo {
    pub(crate) name: String,
    pub(crate) datatype: &'static str,
    pub(crate) shape: [i64; 2],
}

/// What is to be said of a model.
pub(crate) struct ModelInfo {
    pub(crate) versions: Vec<String>,
    pub(crate) inputs: Vec<TensorInfo>,
    pub(crate) outputs: Vec<TensorInfo>,
}

/// Returns the versions of a model, and what one of them takes and gives.
pub(crate) fn describe(entry: &Entry, wanted: Wanted<'_>) -> Result<ModelInfo, Failure> {
    let version = entry.version(wanted)?;
    let versions = entry.versions.load();
    let versions = versions.serving.iter().map(|version| version.number.to_string()).collect();
    let inputs = version.inputs.features().iter().map(|feature| TensorInfo {
        name: feature.name.clone(),
        datatype: signature::kserve_type(feature.value_type),
        shape: signature::shape(feature),
    });
    let outputs = version.outputs.iter().map(|output| TensorInfo {
        name: output.name.clone(),
        datatype: "FP32",
        shape: [-1, i64::try_from(output.width).unwrap_or(i64::MAX)],
    });
    Ok(ModelInfo { versions, inputs: inputs.collect(), outputs: outputs.collect() })
}

/// Returns the same as an object.
pub(crate) fn metadata(entry: &Entry, wanted: Wanted<'_>) -> Result<Value, Failure> {
    let ModelInfo { versions, inputs, outputs } = describe(entry, wanted)?;
    let tensors = |tensors: &[TensorInfo]| -> Vec<Value> {
        let tensor =
            |t: &TensorInfo| json!({ "name": t.name, "datatype": t.datatype, "shape": t.shape });
        tensors.iter().map(tensor).collect()
    };
    Ok(json!({
        "name": entry.name,
        "versions": versions,
        "platform": PLATFORM,
        "inputs": tensors(&inputs),
        "outputs": tensors(&outputs),
    }))
}
