//! gRPC, frame by frame.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request};
use prost::Message;

use crate::rest::example;
use crate::scene::{Scene, logit};

/// The messages, as the server has them.
#[allow(
    clippy::allow_attributes,
    clippy::all,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "generated"
)]
pub(crate) mod proto {
    pub(crate) mod tensorflow {
        include!(concat!(env!("OUT_DIR"), "/tensorflow.rs"));
        pub(crate) mod serving {
            include!(concat!(env!("OUT_DIR"), "/tensorflow.serving.rs"));
        }
    }
    pub(crate) mod inference {
        include!(concat!(env!("OUT_DIR"), "/inference.rs"));
    }
    pub(crate) mod health {
        include!(concat!(env!("OUT_DIR"), "/grpc.health.v1.rs"));
    }
}

use proto::health::{HealthCheckRequest, HealthCheckResponse};
use proto::inference::model_infer_request::InferInputTensor;
use proto::inference::{InferTensorContents, ModelInferRequest, ModelInferResponse};
use proto::tensorflow::serving::input::Kind;
use proto::tensorflow::serving::model_spec::VersionChoice;
use proto::tensorflow::serving::{
    ClassificationRequest, ClassificationResponse, ExampleListWithContext, GetModelMetadataRequest,
    GetModelMetadataResponse, GetModelStatusRequest, GetModelStatusResponse, Input, ModelSpec,
    PredictRequest, PredictResponse, RegressionRequest, RegressionResponse, SignatureDefMap,
};
use proto::tensorflow::tensor_shape_proto::Dim;
use proto::tensorflow::{DataType, TensorProto, TensorShapeProto};

/// Sends bytes as a gRPC request, and returns the message and the code with its words.
pub(crate) fn send(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> (Bytes, i32, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let mut client = client.ready().await.unwrap();
        let mut request = Request::builder().method("POST").uri(format!("http://{address}{path}"));
        if headers.iter().all(|(name, _)| *name != "content-type") {
            request = request.header("content-type", "application/grpc");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (response, mut stream) = client.send_request(request.body(()).unwrap(), false).unwrap();
        stream.send_data(body, true).unwrap();
        let response =
            tokio::time::timeout(Duration::from_secs(20), response).await.unwrap().unwrap();
        let (parts, mut body) = response.into_parts();
        let mut all = BytesMut::new();
        while let Some(data) = body.data().await {
            let data = data.unwrap();
            body.flow_control().release_capacity(data.len()).unwrap();
            all.extend_from_slice(&data);
        }
        let trailers = body.trailers().await.unwrap().unwrap_or_default();
        let find = |headers: &HeaderMap, name: &str| {
            headers.get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        let code = find(&trailers, "grpc-status").or_else(|| find(&parts.headers, "grpc-status"));
        let message = find(&parts.headers, "grpc-message").unwrap_or_default();
        (all.freeze(), code.map_or(-1, |code| code.parse().unwrap()), message)
    })
}

pub(crate) fn framed(message: &[u8]) -> Bytes {
    let mut body = BytesMut::new();
    body.put_u8(0);
    body.put_u32(u32::try_from(message.len()).unwrap());
    body.put_slice(message);
    body.freeze()
}

pub(crate) fn call<M: Message + Default>(
    address: SocketAddr,
    path: &str,
    message: &impl Message,
) -> Result<M, String> {
    let (answer, code, words) = send(address, path, &[], framed(&message.encode_to_vec()));
    if code != 0 {
        return Err(format!("{code} {words}"));
    }
    assert_eq!(answer[0], 0);
    assert_eq!(u32::from_be_bytes(answer[1..5].try_into().unwrap()) as usize, answer.len() - 5);
    Ok(M::decode(answer.slice(5..)).unwrap())
}

const PREDICT: &str = "/tensorflow.serving.PredictionService/Predict";

pub(crate) fn spec(name: &str) -> ModelSpec {
    ModelSpec { name: name.to_owned(), ..ModelSpec::default() }
}

fn shape(sizes: &[i64]) -> Option<TensorShapeProto> {
    let dim = sizes.iter().map(|size| Dim { size: *size, name: String::new() }).collect();
    Some(TensorShapeProto { dim, unknown_rank: false })
}

fn floats(sizes: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        dtype: DataType::DtFloat.into(),
        tensor_shape: shape(sizes),
        float_val: values.to_vec(),
        ..TensorProto::default()
    }
}

fn texts(sizes: &[i64], values: &[&str]) -> TensorProto {
    TensorProto {
        dtype: DataType::DtString.into(),
        tensor_shape: shape(sizes),
        string_val: values.iter().map(|value| Bytes::copy_from_slice(value.as_bytes())).collect(),
        ..TensorProto::default()
    }
}

pub(crate) fn request() -> PredictRequest {
    PredictRequest {
        model_spec: Some(spec("taxi")),
        inputs: BTreeMap::from([
            ("fare".to_owned(), floats(&[2, 1], &[12.0, 10.0])),
            ("company".to_owned(), texts(&[2], &["Yellow", "Blue"])),
        ]),
        output_filter: Vec::new(),
    }
}

#[test]
fn tensors_are_answered_with_tensors() {
    let scene = Scene::new();
    let answer: PredictResponse = call(scene.address(), PREDICT, &request()).unwrap();
    let answered = answer.model_spec.unwrap();
    assert_eq!(answered.version_choice, Some(VersionChoice::Version(1)));
    assert_eq!(answered.signature_name, "serving_default");
    assert_eq!(answer.outputs["logit"].float_val, [logit(0.0), 1.0]);
    assert_eq!(answer.outputs["logit"].tensor_shape, shape(&[2, 1]));
    assert_eq!(answer.outputs.len(), 2);

    let mut only = request();
    only.output_filter = vec!["logit".to_owned()];
    let answer: PredictResponse = call(scene.address(), PREDICT, &only).unwrap();
    assert_eq!(answer.outputs.keys().collect::<Vec<_>>(), ["logit"]);
}

#[test]
fn tensors_come_in_all_forms() {
    let scene = Scene::new();
    let check = |name: &str, tensor: TensorProto, expected: &[f32]| {
        let mut request = request();
        request.inputs.insert(name.to_owned(), tensor);
        let answer: PredictResponse = call(scene.address(), PREDICT, &request).unwrap();
        assert_eq!(answer.outputs["logit"].float_val, expected);
    };
    let raw = |dtype: DataType, bytes: Vec<u8>| TensorProto {
        dtype: dtype.into(),
        tensor_shape: shape(&[2, 1]),
        tensor_content: bytes.into(),
        ..TensorProto::default()
    };
    check(
        "fare",
        raw(DataType::DtFloat, [12.0f32, 10.0].map(f32::to_le_bytes).concat()),
        &[3.0, 1.0],
    );
    check(
        "fare",
        raw(DataType::DtDouble, [12.0f64, 10.0].map(f64::to_le_bytes).concat()),
        &[3.0, 1.0],
    );
    check("fare", raw(DataType::DtInt64, [12i64, 10].map(i64::to_le_bytes).concat()), &[3.0, 1.0]);
    check("fare", raw(DataType::DtInt32, [12i32, 10].map(i32::to_le_bytes).concat()), &[3.0, 1.0]);
    // The last value is repeated, as TensorFlow does.
    check("fare", floats(&[2, 1], &[12.0]), &[3.0, 2.0]);
    check("company", texts(&[2, 1], &["Yellow"]), &[3.0, 2.0]);

    let examples = texts(&[1], &[""]);
    let examples = TensorProto { string_val: vec![example().into()], ..examples };
    let mut request = request();
    request.inputs = BTreeMap::from([("examples".to_owned(), examples)]);
    let answer: PredictResponse = call(scene.address(), PREDICT, &request).unwrap();
    assert_eq!(answer.outputs["logit"].float_val, [3.0]);
}

#[test]
fn examples_are_classified_and_regressed() {
    let scene = Scene::new();
    let input = Some(Input {
        kind: Some(Kind::ExampleListWithContext(ExampleListWithContext {
            examples: vec![Bytes::new(), example().into()],
            context: example().into(),
        })),
    });
    let request = ClassificationRequest { model_spec: Some(spec("taxi")), input: input.clone() };
    let path = "/tensorflow.serving.PredictionService/Classify";
    let answer: ClassificationResponse = call(scene.address(), path, &request).unwrap();
    let rows = answer.result.unwrap().classifications;
    assert_eq!(rows[0], rows[1]);
    let labels: Vec<_> = rows[0].classes.iter().map(|class| class.label.as_str()).collect();
    assert_eq!(labels, ["0", "1"]);
    let request = RegressionRequest { model_spec: Some(spec("taxi")), input };
    let path = "/tensorflow.serving.PredictionService/Regress";
    let answer: RegressionResponse = call(scene.address(), path, &request).unwrap();
    let values = answer.result.unwrap().regressions;
    assert_eq!(values[0].value.to_bits(), rows[0].classes[1].score.to_bits());
}

#[test]
fn models_are_described() {
    let scene = Scene::new();
    let request = GetModelMetadataRequest {
        model_spec: Some(spec("taxi")),
        metadata_field: vec!["signature_def".to_owned()],
    };
    let path = "/tensorflow.serving.PredictionService/GetModelMetadata";
    let answer: GetModelMetadataResponse = call(scene.address(), path, &request).unwrap();
    let any = &answer.metadata["signature_def"];
    assert_eq!(any.type_url, "type.googleapis.com/tensorflow.serving.SignatureDefMap");
    let signatures = SignatureDefMap::decode(any.value.as_slice()).unwrap().signature_def;
    assert_eq!(signatures["raw_features"].inputs["fare"].dtype, i32::from(DataType::DtFloat));

    let request = GetModelStatusRequest { model_spec: Some(spec("taxi")) };
    let path = "/tensorflow.serving.ModelService/GetModelStatus";
    let answer: GetModelStatusResponse = call(scene.address(), path, &request).unwrap();
    let state = &answer.model_version_status[0];
    assert_eq!((state.version, state.state), (1, 30));

    let check = |service: &str| {
        let request = HealthCheckRequest { service: service.to_owned() };
        call::<HealthCheckResponse>(scene.address(), "/grpc.health.v1.Health/Check", &request)
    };
    assert_eq!(check("").unwrap().status, 1);
    assert_eq!(check("taxi").unwrap().status, 1);
    assert!(check("nope").unwrap_err().starts_with("5 "));
}

#[test]
fn open_inference_takes_lists_and_bytes() {
    let scene = Scene::new();
    let path = "/inference.GRPCInferenceService/ModelInfer";
    let input = |name: &str, datatype: &str, contents| InferInputTensor {
        name: name.to_owned(),
        datatype: datatype.to_owned(),
        shape: vec![2, 1],
        contents,
        ..InferInputTensor::default()
    };
    let fares = InferTensorContents { fp32_contents: vec![12.0, 10.0], ..Default::default() };
    let companies = vec![Bytes::from_static(b"Yellow"), Bytes::from_static(b"Blue")];
    let companies = InferTensorContents { bytes_contents: companies, ..Default::default() };
    let mut request = ModelInferRequest {
        model_name: "taxi".to_owned(),
        id: "x".to_owned(),
        inputs: vec![
            input("fare", "FP32", Some(fares)),
            input("company", "BYTES", Some(companies)),
        ],
        ..ModelInferRequest::default()
    };
    let answer: ModelInferResponse = call(scene.address(), path, &request).unwrap();
    assert_eq!((answer.id.as_str(), answer.model_version.as_str()), ("x", "1"));
    assert_eq!(answer.outputs[1].contents.as_ref().unwrap().fp32_contents, [3.0, 1.0]);

    request.inputs = vec![input("fare", "FP64", None), input("company", "BYTES", None)];
    request.raw_input_contents = vec![
        [12.0f64, 10.0].map(f64::to_le_bytes).concat().into(),
        [&6u32.to_le_bytes()[..], b"Yellow", &4u32.to_le_bytes(), b"Blue"].concat().into(),
    ];
    let answer: ModelInferResponse = call(scene.address(), path, &request).unwrap();
    assert_eq!(answer.raw_output_contents[1], [3.0f32, 1.0].map(f32::to_le_bytes).concat());
    request.raw_input_contents.pop();
    assert!(
        call::<ModelInferResponse>(scene.address(), path, &request).unwrap_err().starts_with("3 ")
    );
}

#[test]
fn mistakes_have_codes() {
    let scene = Scene::new();
    let address = scene.address();
    let said = |path: &str, change: &dyn Fn(&mut PredictRequest)| {
        let mut request = request();
        change(&mut request);
        call::<PredictResponse>(address, path, &request).unwrap_err()
    };
    assert_eq!(said(PREDICT, &|r| r.model_spec = None), "3 Missing ModelSpec");
    assert_eq!(
        said(PREDICT, &|r| r.model_spec = Some(spec("nope"))),
        "5 Servable not found for request: Latest(nope)"
    );
    let at = |choice| Some(ModelSpec { version_choice: Some(choice), ..spec("taxi") });
    assert_eq!(
        said(PREDICT, &|r| r.model_spec = at(VersionChoice::Version(9))),
        "5 Servable not found for request: Specific(taxi, 9)"
    );
    assert!(said(PREDICT, &|r| r.model_spec = at(VersionChoice::Version(-1))).starts_with("3 "));
    assert_eq!(said("/a.B/C", &|_| {}), "12 there is no method /a.B/C");
    assert!(
        said(PREDICT, &|r| drop(r.inputs.remove("fare")))
            .starts_with("3 feature `fare` is not there")
    );
    let misfit =
        said(PREDICT, &|r| drop(r.inputs.insert("fare".to_owned(), texts(&[2], &["a", "b"]))));
    assert_eq!(misfit, "3 feature `fare`: found bytes, expected FLOAT");
    // A few bytes that say that they are many.
    let vast =
        said(PREDICT, &|r| drop(r.inputs.insert("fare".to_owned(), floats(&[1 << 40], &[1.0]))));
    assert_eq!(vast, "3 tensor `fare`: found 1 values, expected 1099511627776 of its shape");
    assert!(
        said(PREDICT, &|r| drop(
            r.inputs.insert("fare".to_owned(), floats(&[i64::MAX, i64::MAX], &[1.0]))
        ))
        .starts_with("3 ")
    );

    let raw = |body: &'static [u8]| send(address, PREDICT, &[], Bytes::from_static(body)).1;
    assert_eq!(raw(b""), 13);
    assert_eq!(raw(b"\0\0\0\0\x05ab"), 13);
    assert_eq!(raw(b"\0\xff\xff\xff\xff"), 13);
    assert_eq!(raw(b"\x02\0\0\0\0"), 13);
    assert_eq!(raw(b"\0\0\0\0\x02\xff\xff"), 3);
    assert_eq!(
        send(
            address,
            PREDICT,
            &[("grpc-encoding", "snappy")],
            Bytes::from_static(b"\x01\0\0\0\x01a")
        )
        .1,
        12
    );
}

#[test]
fn messages_may_be_compressed() {
    use std::io::Write;

    let scene = Scene::new();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&request().encode_to_vec()).unwrap();
    let mut body = framed(&encoder.finish().unwrap()).to_vec();
    body[0] = 1;
    let (answer, code, _) =
        send(scene.address(), PREDICT, &[("grpc-encoding", "gzip")], body.into());
    assert_eq!(code, 0);
    let answer = PredictResponse::decode(answer.slice(5..)).unwrap();
    assert_eq!(answer.outputs["logit"].float_val, [3.0, 1.0]);

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![0; 64 << 20]).unwrap();
    let mut bomb = framed(&encoder.finish().unwrap()).to_vec();
    bomb[0] = 1;
    assert_eq!(send(scene.address(), PREDICT, &[("grpc-encoding", "gzip")], bomb.into()).1, 8);
}

#[test]
fn a_large_message_is_refused_and_a_large_answer_arrives() {
    let scene = Scene::new();
    let rows = 50_000;
    let mut request = request();
    let sizes = [i64::from(rows), 1];
    request.inputs.insert("fare".to_owned(), floats(&sizes, &[12.0]));
    request.inputs.insert("company".to_owned(), texts(&sizes, &["Yellow"]));
    let answer: PredictResponse = call(scene.address(), PREDICT, &request).unwrap();
    let logits = &answer.outputs["logit"].float_val;
    assert_eq!(logits.len(), 50_000);
    assert!(logits.iter().all(|value| value.to_bits() == 3.0f32.to_bits()));

    let scene = Scene::with(|_, config| config.limits.max_request_bytes = 1 << 10);
    let (_, code, _) = send(scene.address(), PREDICT, &[], framed(&[0; 10 << 10]));
    assert_eq!(code, 8);
}

#[test]
fn rest_comes_over_http_2_too() {
    let scene = Scene::new();
    let body = Bytes::from_static(br#"{"instances": [{"fare": 12.0, "company": "Yellow"}]}"#);
    let headers = [("content-type", "application/json")];
    let (answer, _, _) = send(scene.address(), "/v1/models/taxi:predict", &headers, body);
    assert!(answer.starts_with(b"{\"predictions\": [{"), "{answer:?}");
}
