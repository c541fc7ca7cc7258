//! TensorFlow Serving's gRPC services.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use bytes::{BufMut, Bytes, BytesMut};
use prost::Name;

use super::{Call, frame};
use crate::app::{Answer, Question};
use crate::entry::Wanted;
use crate::failure::Failure;
use crate::inputs::{RowLimits, Tensor, TensorValues};
use crate::metrics::{Api, Entry};
use crate::outputs::{classes, outputs, regressions};
use crate::proto::tensorflow::serving::inference_result::Result as TaskResult;
use crate::proto::tensorflow::serving::input::Kind;
use crate::proto::tensorflow::serving::model_spec::VersionChoice;
use crate::proto::tensorflow::serving::{
    Class, ClassificationRequest, ClassificationResponse, ClassificationResult, Classifications,
    ExampleList, ExampleListWithContext, GetModelMetadataRequest, GetModelMetadataResponse,
    GetModelStatusRequest, GetModelStatusResponse, InferenceResult, Input, ModelSpec,
    ModelVersionStatus, MultiInferenceRequest, MultiInferenceResponse, PredictRequest,
    PredictResponse, Regression, RegressionRequest, RegressionResponse, RegressionResult,
    SignatureDefMap, StatusProto,
};
use crate::proto::tensorflow::tensor_shape_proto::Dim;
use crate::proto::tensorflow::{DataType, TensorProto, TensorShapeProto};
use crate::raw::{self, Elements};
use crate::signature;
use crate::version::Version;

/// Answers a method of the PredictionService; nothing where there is no such.
pub(super) async fn prediction(call: &Call<'_>, method: &str) -> Option<Result<Bytes, Failure>> {
    Some(match method {
        "Predict" => predict(call).await,
        "Classify" => classify(call).await,
        "Regress" => regress(call).await,
        "MultiInference" => multi_inference(call).await,
        "GetModelMetadata" => metadata(call),
        _ => return None,
    })
}

/// Answers a method of the ModelService but `HandleReloadConfigRequest`; nothing where there is no such.
pub(super) fn model(call: &Call<'_>, method: &str) -> Option<Result<Bytes, Failure>> {
    (method == "GetModelStatus").then(|| status(call))
}

pub(super) fn spec(spec: Option<&ModelSpec>) -> Result<&ModelSpec, Failure> {
    spec.ok_or_else(|| Failure::invalid("Missing ModelSpec"))
}

fn wanted(spec: &ModelSpec) -> Result<Wanted<'_>, Failure> {
    Ok(match &spec.version_choice {
        None => Wanted::Any,
        Some(VersionChoice::Version(version)) => {
            let number = u64::try_from(*version);
            Wanted::Number(number.map_err(|_| Failure::invalid("the version is negative"))?)
        }
        Some(VersionChoice::VersionLabel(label)) => Wanted::Label(label),
    })
}

/// Returns the spec of an answer: with the version that gave it.
fn answered(spec: &ModelSpec, version: &Version) -> ModelSpec {
    let number = i64::try_from(version.number).unwrap_or(i64::MAX);
    let signature_name = match spec.signature_name.as_str() {
        "" => signature::DEFAULT.to_owned(),
        name => name.to_owned(),
    };
    ModelSpec {
        name: spec.name.clone(),
        signature_name,
        version_choice: Some(VersionChoice::Version(number)),
    }
}

impl Call<'_> {
    fn question<'q>(&'q self, spec: &'q ModelSpec, api: Api) -> Result<Question<'q>, Failure> {
        Ok(Question {
            model: &spec.name,
            wanted: wanted(spec)?,
            api,
            entry: Entry::Grpc,
            arrived: self.arrived,
            deadline: self.deadline,
            num_bytes: self.message.len(),
            trace: self.trace,
        })
    }
}

/// Returns the rows of a request to predict.
pub(super) fn rows(
    request: &PredictRequest,
    version: &Version,
    is_known: &dyn Fn(&str) -> bool,
    limits: &RowLimits,
) -> Result<RecordBatch, Failure> {
    signature::check(&spec(request.model_spec.as_ref())?.signature_name)?;
    let tensors = request.inputs.iter().map(|(name, proto)| tensor(name, proto));
    version.inputs.decode_tensors(tensors.collect::<Result<Vec<_>, _>>()?, is_known, limits)
}

async fn predict(call: &Call<'_>) -> Result<Bytes, Failure> {
    let request: PredictRequest = call.read()?;
    let spec = spec(request.model_spec.as_ref())?;
    let question = call.question(spec, Api::Predict)?;
    let Answer { version, batch } = call
        .app
        .ask(&question, &|version, is_known| {
            rows(&request, version, is_known, &call.app.row_limits())
        })
        .await?;
    let filter = &request.output_filter;
    let outputs = outputs(&batch)?;
    if let Some(unknown) = filter.iter().find(|name| outputs.iter().all(|o| o.name != **name)) {
        return Err(Failure::invalid(format!(
            "output tensor alias not found in signature: {unknown}"
        )));
    }
    let rows = i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
    let outputs =
        outputs.iter().filter(|o| filter.is_empty() || filter.iter().any(|f| f == o.name));
    let outputs = outputs.map(|output| {
        let width = i64::try_from(output.width).unwrap_or(i64::MAX);
        let tensor = TensorProto {
            dtype: DataType::DtFloat.into(),
            tensor_shape: Some(shape(&[rows, width])),
            float_val: output.values.to_vec(),
            ..TensorProto::default()
        };
        (output.name.to_owned(), tensor)
    });
    let outputs: BTreeMap<_, _> = outputs.collect();
    frame(&PredictResponse { outputs, model_spec: Some(answered(spec, &version)) })
}

fn shape(sizes: &[i64]) -> TensorShapeProto {
    let dim = sizes.iter().map(|size| Dim { size: *size, name: String::new() }).collect();
    TensorShapeProto { dim, unknown_rank: false }
}

/// Reads a tensor. Of fewer values than its shape has, the last is repeated, as TensorFlow does.
fn tensor<'a>(name: &'a str, proto: &TensorProto) -> Result<Tensor<'a>, Failure> {
    let dims = proto.tensor_shape.as_ref().map_or(&[][..], |shape| &shape.dim);
    let sizes: Vec<i64> = dims.iter().map(|dim| dim.size).collect();
    let (shape, count) = raw::shape(name, &sizes)?;
    let dtype = DataType::try_from(proto.dtype).unwrap_or_default();
    let unsupported = || {
        let dtype = proto.dtype;
        Failure::invalid(format!(
            "tensor `{name}`: found dtype {dtype}, expected numbers, booleans or texts"
        ))
    };
    let elements = match dtype {
        DataType::DtFloat => Elements::F32,
        DataType::DtDouble => Elements::F64,
        DataType::DtInt8 => Elements::I8,
        DataType::DtInt16 => Elements::I16,
        DataType::DtInt32 => Elements::I32,
        DataType::DtInt64 => Elements::I64,
        DataType::DtUint8 => Elements::U8,
        DataType::DtUint16 => Elements::U16,
        DataType::DtUint32 => Elements::U32,
        DataType::DtUint64 => Elements::U64,
        DataType::DtBool => Elements::Bool,
        DataType::DtString => Elements::Texts,
        DataType::DtInvalid => return Err(unsupported()),
    };
    if !proto.tensor_content.is_empty() && elements != Elements::Texts {
        let values = elements.read(&proto.tensor_content)?;
        raw::check_count(name, values.len(), count)?;
        return Ok(Tensor { name, shape, values });
    }
    let repeat = |found: usize| {
        // As many as a request could hold: each value may be left out, but not made up without bounds.
        if found > count || (found < count && (found == 0 || count > MAX_REPEATED)) {
            return raw::check_count(name, found, count).map(|()| 0);
        }
        Ok(count)
    };
    let values = match elements {
        Elements::F32 => TensorValues::Floats(repeated(&proto.float_val, repeat)?),
        Elements::F64 => {
            #[expect(clippy::cast_possible_truncation, reason = "features are floats of 32 bits")]
            let floats: Vec<f32> = proto.double_val.iter().map(|value| *value as f32).collect();
            TensorValues::Floats(repeated(&floats, repeat)?)
        }
        Elements::Bool => TensorValues::Bools(repeated(&proto.bool_val, repeat)?),
        Elements::Texts => TensorValues::Texts(repeated(&proto.string_val, repeat)?),
        Elements::I64 => TensorValues::Ints(repeated(&proto.int64_val, repeat)?),
        Elements::U32 => {
            let ints: Vec<i64> = proto.uint32_val.iter().map(|value| i64::from(*value)).collect();
            TensorValues::Ints(repeated(&ints, repeat)?)
        }
        Elements::U64 => {
            let ints = proto.uint64_val.iter().map(|value| i64::try_from(*value));
            let ints = ints.collect::<Result<Vec<i64>, _>>();
            TensorValues::Ints(repeated(
                &ints.map_err(|_| Failure::invalid(raw::TOO_LARGE))?,
                repeat,
            )?)
        }
        _ => {
            let ints: Vec<i64> = proto.int_val.iter().map(|value| i64::from(*value)).collect();
            TensorValues::Ints(repeated(&ints, repeat)?)
        }
    };
    Ok(Tensor { name, shape, values })
}

/// The most values of which the last may be repeated.
const MAX_REPEATED: usize = 1 << 20;

fn repeated<T: Clone>(
    values: &[T],
    count: impl Fn(usize) -> Result<usize, Failure>,
) -> Result<Vec<T>, Failure> {
    let count = count(values.len())?;
    let mut all = Vec::with_capacity(count);
    all.extend_from_slice(values);
    if let Some(last) = values.last() {
        all.resize(count, last.clone());
    }
    Ok(all)
}

/// Returns the serialized examples of an input. Those of a context come before each, so that an example's own features,
/// which are read later, count.
pub(super) fn examples(input: Option<&Input>) -> Result<Vec<Bytes>, Failure> {
    let missing = || Failure::invalid("Input is empty");
    let examples = match input.and_then(|input| input.kind.as_ref()).ok_or_else(missing)? {
        Kind::ExampleList(ExampleList { examples }) => examples.clone(),
        Kind::ExampleListWithContext(ExampleListWithContext { examples, context }) => {
            let with_context = |example: &Bytes| {
                let mut both = BytesMut::with_capacity(context.len() + example.len());
                both.put_slice(context);
                both.put_slice(example);
                both.freeze()
            };
            examples.iter().map(with_context).collect()
        }
    };
    if examples.is_empty() { Err(missing()) } else { Ok(examples) }
}

async fn ask(
    call: &Call<'_>,
    spec: &ModelSpec,
    api: Api,
    examples: &[Bytes],
) -> Result<Answer, Failure> {
    let question = call.question(spec, api)?;
    call.app.ask(&question, &|version, _| decoded(examples, version, &call.app.row_limits())).await
}

pub(super) fn decoded(
    examples: &[Bytes],
    version: &Version,
    limits: &RowLimits,
) -> Result<RecordBatch, Failure> {
    limits.check(examples.len())?;
    version.inputs.decode_examples(examples.iter().map(|example| &example[..]))
}

pub(super) fn classification(
    version: &Version,
    batch: &RecordBatch,
) -> Result<ClassificationResult, Failure> {
    let mut rows: Vec<Classifications> = Vec::new();
    rows.resize_with(batch.num_rows(), Classifications::default);
    classes(version.task, batch, &mut |row, label, score| {
        rows[row].classes.push(Class { label: label.to_owned(), score });
    })?;
    Ok(ClassificationResult { classifications: rows })
}

pub(super) fn regression(batch: &RecordBatch) -> Result<RegressionResult, Failure> {
    let values = regressions(batch)?.iter();
    Ok(RegressionResult { regressions: values.map(|value| Regression { value: *value }).collect() })
}

async fn classify(call: &Call<'_>) -> Result<Bytes, Failure> {
    let request: ClassificationRequest = call.read()?;
    let spec = spec(request.model_spec.as_ref())?;
    signature::check_method(&spec.signature_name, "classify")?;
    let answer = ask(call, spec, Api::Classify, &examples(request.input.as_ref())?).await?;
    let result = Some(classification(&answer.version, &answer.batch)?);
    frame(&ClassificationResponse { result, model_spec: Some(answered(spec, &answer.version)) })
}

async fn regress(call: &Call<'_>) -> Result<Bytes, Failure> {
    let request: RegressionRequest = call.read()?;
    let spec = spec(request.model_spec.as_ref())?;
    signature::check_method(&spec.signature_name, "regress")?;
    let answer = ask(call, spec, Api::Regress, &examples(request.input.as_ref())?).await?;
    let result = Some(regression(&answer.batch)?);
    frame(&RegressionResponse { result, model_spec: Some(answered(spec, &answer.version)) })
}

async fn multi_inference(call: &Call<'_>) -> Result<Bytes, Failure> {
    let request: MultiInferenceRequest = call.read()?;
    let examples = examples(request.input.as_ref())?;
    if request.tasks.is_empty() {
        return Err(Failure::invalid("Inference request does not contain any tasks"));
    }
    let mut results = Vec::with_capacity(request.tasks.len().min(16));
    for (place, task) in request.tasks.iter().enumerate() {
        if place >= 16 {
            return Err(Failure::invalid("more than 16 tasks in one request"));
        }
        let spec = spec(task.model_spec.as_ref())?;
        let answer = ask(call, spec, Api::MultiInference, &examples).await?;
        let result = task_result(&task.method_name, &answer.version, &answer.batch)?;
        let model_spec = Some(answered(spec, &answer.version));
        results.push(InferenceResult { model_spec, result: Some(result) });
    }
    frame(&MultiInferenceResponse { results })
}

pub(super) fn task_result(
    method: &str,
    version: &Version,
    batch: &RecordBatch,
) -> Result<TaskResult, Failure> {
    match method {
        "tensorflow/serving/classify" => {
            Ok(TaskResult::ClassificationResult(classification(version, batch)?))
        }
        "tensorflow/serving/regress" => Ok(TaskResult::RegressionResult(regression(batch)?)),
        other => {
            let message = format!("Unsupported signature method_name: {other}");
            Err(Failure::new(crate::failure::Code::Unimplemented, message))
        }
    }
}

fn metadata(call: &Call<'_>) -> Result<Bytes, Failure> {
    const SIGNATURE_DEF: &str = "signature_def";
    let request: GetModelMetadataRequest = call.read()?;
    let spec = spec(request.model_spec.as_ref())?;
    if request.metadata_field.is_empty() {
        return Err(Failure::invalid(
            "GetModelMetadataRequest must specify at least one metadata_field",
        ));
    }
    if let Some(unknown) = request.metadata_field.iter().find(|field| *field != SIGNATURE_DEF) {
        return Err(Failure::invalid(format!("Metadata field {unknown} is not supported")));
    }
    let version = call.app.model(&spec.name)?.version(wanted(spec)?)?;
    let map = SignatureDefMap { signature_def: signature::signatures(&version) };
    let any = prost_types::Any {
        type_url: format!("type.googleapis.com/{}", SignatureDefMap::full_name()),
        value: prost::Message::encode_to_vec(&map),
    };
    let number = i64::try_from(version.number).unwrap_or(i64::MAX);
    frame(&GetModelMetadataResponse {
        model_spec: Some(ModelSpec {
            name: spec.name.clone(),
            signature_name: String::new(),
            version_choice: Some(VersionChoice::Version(number)),
        }),
        metadata: BTreeMap::from([(SIGNATURE_DEF.to_owned(), any)]),
    })
}

fn status(call: &Call<'_>) -> Result<Bytes, Failure> {
    let request: GetModelStatusRequest = call.read()?;
    let spec = spec(request.model_spec.as_ref())?;
    let unknown =
        || Failure::not_found(format!("Could not find any versions of model {}", spec.name));
    let entry = call.app.models.get(&spec.name).ok_or_else(unknown)?;
    let states = entry.states(wanted(spec)?)?;
    if states.is_empty() {
        return Err(unknown());
    }
    let states = states.into_iter().map(|state| ModelVersionStatus {
        version: i64::try_from(state.number).unwrap_or(i64::MAX),
        state: state.stage as i32,
        status: Some(match state.failure {
            None => StatusProto::default(),
            Some(failure) => StatusProto {
                error_code: failure.code as i32,
                error_message: failure.message.into_owned(),
            },
        }),
    });
    frame(&GetModelStatusResponse { model_version_status: states.collect() })
}
