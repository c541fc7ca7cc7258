//! TensorFlow Serving's messages, as far as predictions need them.
//!
//! Numbers and types are those of tensorflow_serving/apis/{model,predict,prediction_log}.proto and
//! tensorflow/core/framework/{tensor,tensor_shape}.proto.

use std::collections::BTreeMap;

use prost::Message;

/// `DT_FLOAT` and `DT_STRING`.
pub(crate) const DT_FLOAT: i32 = 1;
pub(crate) const DT_STRING: i32 = 7;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ModelSpec {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "3")]
    pub(crate) signature_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Dim {
    #[prost(int64, tag = "1")]
    pub(crate) size: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TensorShape {
    #[prost(message, repeated, tag = "2")]
    pub(crate) dim: Vec<Dim>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Tensor {
    #[prost(int32, tag = "1")]
    pub(crate) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) tensor_shape: Option<TensorShape>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) tensor_content: Vec<u8>,
    #[prost(float, repeated, tag = "5")]
    pub(crate) float_val: Vec<f32>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub(crate) string_val: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PredictRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) model_spec: Option<ModelSpec>,
    #[prost(btree_map = "string, message", tag = "2")]
    pub(crate) inputs: BTreeMap<String, Tensor>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PredictResponse {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(crate) outputs: BTreeMap<String, Tensor>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PredictLog {
    #[prost(message, optional, tag = "1")]
    pub(crate) request: Option<PredictRequest>,
}

/// A `PredictionLog`, whose `oneof log_type` has `predict_log` under number 6.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PredictionLog {
    #[prost(message, optional, tag = "6")]
    pub(crate) predict_log: Option<PredictLog>,
}

/// Returns the request for predictions of one serialized example, as the exported SavedModel takes it.
pub(crate) fn predict_request(model: &str, example: &[u8]) -> PredictRequest {
    let tensor = Tensor {
        dtype: DT_STRING,
        tensor_shape: Some(TensorShape { dim: vec![Dim { size: 1 }] }),
        string_val: vec![example.to_vec()],
        ..Tensor::default()
    };
    PredictRequest {
        model_spec: Some(ModelSpec {
            name: model.to_owned(),
            signature_name: "serving_default".to_owned(),
        }),
        inputs: BTreeMap::from([("examples".to_owned(), tensor)]),
    }
}
