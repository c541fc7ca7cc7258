//! KServe's Open Inference Protocol, version 2, over gRPC.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};

use super::{Call, frame};
use crate::app::{Answer, Question};
use crate::entry::Wanted;
use crate::failure::Failure;
use crate::inputs::{Tensor, TensorValues};
use crate::metrics::{Api, Entry};
use crate::open_inference::{self, EXTENSIONS, PLATFORM, SERVER, TensorInfo};
use crate::outputs::outputs;
use crate::proto::inference::model_infer_request::InferInputTensor;
use crate::proto::inference::model_infer_response::InferOutputTensor;
use crate::proto::inference::model_metadata_response::TensorMetadata;
use crate::proto::inference::{
    InferTensorContents, ModelInferRequest, ModelInferResponse, ModelMetadataRequest,
    ModelMetadataResponse, ModelReadyRequest, ModelReadyResponse, ServerLiveResponse,
    ServerMetadataResponse, ServerReadyResponse,
};
use crate::raw::{self, Elements};

/// Answers a method; nothing where there is no such.
pub(super) async fn answer(call: &Call<'_>, method: &str) -> Option<Result<Bytes, Failure>> {
    Some(match method {
        "ServerLive" => frame(&ServerLiveResponse { live: true }),
        "ServerReady" => frame(&ServerReadyResponse { ready: call.app.is_ready() }),
        "ServerMetadata" => frame(&ServerMetadataResponse {
            name: SERVER.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            extensions: EXTENSIONS.map(str::to_owned).to_vec(),
        }),
        "ModelReady" => ready(call),
        "ModelMetadata" => metadata(call),
        "ModelInfer" => infer(call).await,
        _ => return None,
    })
}

/// Reads a version, which is a number as text, or nothing.
fn wanted(version: &str) -> Result<Wanted<'_>, Failure> {
    if version.is_empty() {
        return Ok(Wanted::Any);
    }
    let number = version
        .parse()
        .map_err(|_| Failure::invalid(format!("model version {version:?} is not a number")));
    number.map(Wanted::Number)
}

fn ready(call: &Call<'_>) -> Result<Bytes, Failure> {
    let ModelReadyRequest { name, version } = call.read()?;
    let ready = call.app.model(&name)?.version(wanted(&version)?).is_ok();
    frame(&ModelReadyResponse { ready })
}

fn metadata(call: &Call<'_>) -> Result<Bytes, Failure> {
    let ModelMetadataRequest { name, version } = call.read()?;
    let entry = call.app.model(&name)?;
    let info = open_inference::describe(&entry, wanted(&version)?)?;
    let tensors = |tensors: Vec<TensorInfo>| {
        let tensor = |tensor: TensorInfo| TensorMetadata {
            name: tensor.name,
            datatype: tensor.datatype.to_owned(),
            shape: tensor.shape.to_vec(),
        };
        tensors.into_iter().map(tensor).collect()
    };
    frame(&ModelMetadataResponse {
        name,
        versions: info.versions,
        platform: PLATFORM.to_owned(),
        inputs: tensors(info.inputs),
        outputs: tensors(info.outputs),
    })
}

async fn infer(call: &Call<'_>) -> Result<Bytes, Failure> {
    let request: ModelInferRequest = call.read()?;
    let question = Question {
        model: &request.model_name,
        wanted: wanted(&request.model_version)?,
        api: Api::Infer,
        entry: Entry::Grpc,
        arrived: call.arrived,
        deadline: call.deadline,
        num_bytes: call.message.len(),
        trace: call.trace,
    };
    let Answer { version, batch } = call
        .app
        .ask(&question, &|version, is_known| {
            version.inputs.decode_tensors(tensors(&request)?, is_known, &call.app.row_limits())
        })
        .await?;
    // Answers are as requests are: bytes, or lists of numbers.
    let is_raw = !request.raw_input_contents.is_empty();
    let all = outputs(&batch)?;
    let mut response = ModelInferResponse {
        model_name: request.model_name.clone(),
        model_version: version.number.to_string(),
        id: request.id.clone(),
        parameters: BTreeMap::new(),
        outputs: Vec::with_capacity(all.len()),
        raw_output_contents: Vec::new(),
    };
    let wanted: Vec<&str> = match request.outputs.as_slice() {
        [] => all.iter().map(|output| output.name).collect(),
        some => some.iter().map(|output| output.name.as_str()).collect(),
    };
    for name in wanted {
        let output = all.iter().find(|output| output.name == name);
        let missing = || Failure::invalid(format!("the model has no output {name:?}"));
        let output = output.ok_or_else(missing)?;
        let contents = if is_raw {
            let mut bytes = BytesMut::with_capacity(output.values.len() * 4);
            output.values.iter().for_each(|value| bytes.put_f32_le(*value));
            response.raw_output_contents.push(bytes.freeze());
            None
        } else {
            let fp32_contents = output.values.to_vec();
            Some(InferTensorContents { fp32_contents, ..InferTensorContents::default() })
        };
        let size = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
        response.outputs.push(InferOutputTensor {
            name: output.name.to_owned(),
            datatype: "FP32".to_owned(),
            shape: vec![size(batch.num_rows()), size(output.width)],
            parameters: BTreeMap::new(),
            contents,
        });
    }
    frame(&response)
}

/// Returns the tensors, all of bytes or all of lists.
fn tensors(request: &ModelInferRequest) -> Result<Vec<Tensor<'_>>, Failure> {
    let raw = &request.raw_input_contents;
    if !raw.is_empty() && raw.len() != request.inputs.len() {
        return Err(Failure::invalid(format!(
            "found {} raw_input_contents, expected {} as there are inputs",
            raw.len(),
            request.inputs.len()
        )));
    }
    let tensor = |(place, input): (usize, &'_ InferInputTensor)| {
        let elements = Elements::of_kserve(&input.datatype)?;
        let (shape, count) = raw::shape(&input.name, &input.shape)?;
        let values = match raw.get(place) {
            Some(bytes) if input.contents.is_none() => elements.read(bytes)?,
            Some(_) => {
                return Err(Failure::invalid(format!(
                    "tensor `{}` has contents beside raw_input_contents",
                    input.name
                )));
            }
            None => contents(elements, input.contents.as_ref())?,
        };
        raw::check_count(&input.name, values.len(), count)?;
        Ok((shape, values))
    };
    let mut tensors = Vec::with_capacity(request.inputs.len());
    for (place, input) in request.inputs.iter().enumerate() {
        let (shape, values) = tensor((place, input))?;
        tensors.push(Tensor { name: &input.name, shape, values });
    }
    Ok(tensors)
}

/// Returns the values of a list, which is the one of the tensor's type.
fn contents(
    elements: Elements,
    contents: Option<&InferTensorContents>,
) -> Result<TensorValues, Failure> {
    let none = InferTensorContents::default();
    let contents = contents.unwrap_or(&none);
    Ok(match elements {
        Elements::Bool => TensorValues::Bools(contents.bool_contents.clone()),
        Elements::I8 | Elements::I16 | Elements::I32 => {
            TensorValues::Ints(contents.int_contents.iter().map(|int| i64::from(*int)).collect())
        }
        Elements::I64 => TensorValues::Ints(contents.int64_contents.clone()),
        Elements::U8 | Elements::U16 | Elements::U32 => {
            TensorValues::Ints(contents.uint_contents.iter().map(|int| i64::from(*int)).collect())
        }
        Elements::U64 => {
            let ints = contents.uint64_contents.iter().map(|int| i64::try_from(*int));
            let ints = ints.collect::<Result<_, _>>();
            TensorValues::Ints(ints.map_err(|_| Failure::invalid(raw::TOO_LARGE))?)
        }
        Elements::F32 => TensorValues::Floats(contents.fp32_contents.clone()),
        Elements::F64 => {
            #[expect(clippy::cast_possible_truncation, reason = "features are floats of 32 bits")]
            let floats = contents.fp64_contents.iter().map(|float| *float as f32).collect();
            TensorValues::Floats(floats)
        }
        Elements::Texts => TensorValues::Texts(contents.bytes_contents.clone()),
    })
}
