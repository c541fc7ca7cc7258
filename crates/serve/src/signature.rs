//! What can be asked of a version, in TensorFlow's and KServe's words.
//!
//! The signatures are those that the exported SavedModel has (`serving_default` takes serialized `tf.Example`s,
//! `raw_features` and `raw_features_with_missing` take a tensor for each feature), with one to classify or one to regress.
//! `serving_default` takes features by their names, too.

use std::collections::BTreeMap;

use graph::{GraphInput, Shape, ValueType};

use crate::failure::Failure;
use crate::inputs::EXAMPLES;
use crate::outputs::classifies;
use crate::proto::tensorflow::tensor_shape_proto::Dim;
use crate::proto::tensorflow::{DataType, SignatureDef, TensorInfo, TensorShapeProto};
use crate::version::Version;

/// The signature of requests that name none.
pub(crate) const DEFAULT: &str = "serving_default";
const RAW: &str = "raw_features";
const RAW_WITH_MISSING: &str = "raw_features_with_missing";
const CLASSIFY: &str = "classify";
const REGRESS: &str = "regress";

/// Makes sure that predictions can be asked for under a signature.
pub(crate) fn check(name: &str) -> Result<(), Failure> {
    match name {
        "" | DEFAULT | RAW | RAW_WITH_MISSING => Ok(()),
        _ => Err(Failure::invalid(format!(
            "Serving signature name: \"{name}\" not found, expected {DEFAULT}, {RAW} or {RAW_WITH_MISSING}"
        ))),
    }
}

/// Makes sure that classes or regressions can be asked for under a signature.
pub(crate) fn check_method(name: &str, method: &str) -> Result<(), Failure> {
    if name == method || name.is_empty() || name == DEFAULT {
        return Ok(());
    }
    Err(Failure::invalid(format!(
        "Serving signature name: \"{name}\" not found, expected {DEFAULT} or {method}"
    )))
}

/// Returns all signatures of a version.
pub(crate) fn signatures(version: &Version) -> BTreeMap<String, SignatureDef> {
    let examples =
        BTreeMap::from([(EXAMPLES.to_owned(), info(EXAMPLES, DataType::DtString, &[-1]))]);
    let outputs: BTreeMap<_, _> = version
        .outputs
        .iter()
        .map(|output| {
            let width = i64::try_from(output.width).unwrap_or(i64::MAX);
            (output.name.clone(), info(&output.name, DataType::DtFloat, &[-1, width]))
        })
        .collect();
    let signature =
        |inputs: &BTreeMap<_, _>, outputs: &BTreeMap<_, _>, method: &str| SignatureDef {
            inputs: inputs.clone(),
            outputs: outputs.clone(),
            method_name: format!("tensorflow/serving/{method}"),
        };
    let mut raw = BTreeMap::new();
    let mut raw_with_missing = BTreeMap::new();
    for feature in version.inputs.features() {
        let name = &feature.name;
        let tensor = info(name, data_type(feature.value_type), &shape(feature));
        raw.insert(name.clone(), tensor.clone());
        raw_with_missing.insert(name.clone(), tensor);
        let present = format!("{name}.present");
        raw_with_missing.insert(present.clone(), info(&present, DataType::DtBool, &[-1, 1]));
        if feature.shape == Shape::List {
            let length = format!("{name}.length");
            let tensor = info(&length, DataType::DtInt64, &[-1, 1]);
            raw.insert(length.clone(), tensor.clone());
            raw_with_missing.insert(length, tensor);
        }
    }
    let mut signatures = BTreeMap::from([
        (DEFAULT.to_owned(), signature(&examples, &outputs, "predict")),
        (RAW.to_owned(), signature(&raw, &outputs, "predict")),
        (RAW_WITH_MISSING.to_owned(), signature(&raw_with_missing, &outputs, "predict")),
    ]);
    let inputs = BTreeMap::from([("inputs".to_owned(), info("inputs", DataType::DtString, &[-1]))]);
    if classifies(version.task) {
        let outputs = BTreeMap::from([
            ("classes".to_owned(), info("classes", DataType::DtString, &[-1, -1])),
            ("scores".to_owned(), info("scores", DataType::DtFloat, &[-1, -1])),
        ]);
        signatures.insert(CLASSIFY.to_owned(), signature(&inputs, &outputs, "classify"));
    }
    if version.outputs.iter().any(|o| o.name == model::PREDICTION && o.width == 1) {
        let outputs =
            BTreeMap::from([("outputs".to_owned(), info("outputs", DataType::DtFloat, &[-1, 1]))]);
        signatures.insert(REGRESS.to_owned(), signature(&inputs, &outputs, "regress"));
    }
    signatures
}

/// Returns the shape of a feature's tensor, with -1 for what may be any.
pub(crate) fn shape(feature: &GraphInput) -> [i64; 2] {
    match feature.shape {
        Shape::One => [-1, 1],
        Shape::List => [-1, -1],
        Shape::Vector(length) => [-1, length.into()],
    }
}

fn data_type(value_type: ValueType) -> DataType {
    match value_type {
        ValueType::Int => DataType::DtInt64,
        ValueType::Float => DataType::DtFloat,
        ValueType::String => DataType::DtString,
        ValueType::Bool => DataType::DtBool,
    }
}

/// Returns the name that KServe's protocol has for a type.
pub(crate) fn kserve_type(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Int => "INT64",
        ValueType::Float => "FP32",
        ValueType::String => "BYTES",
        ValueType::Bool => "BOOL",
    }
}

fn info(name: &str, dtype: DataType, shape: &[i64]) -> TensorInfo {
    let dim = shape.iter().map(|size| Dim { size: *size, name: String::new() }).collect();
    TensorInfo {
        name: format!("{name}:0"),
        dtype: dtype.into(),
        tensor_shape: Some(TensorShapeProto { dim, unknown_rank: false }),
    }
}
