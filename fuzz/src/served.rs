//! A server in this process, of a model that takes features of every type, and what is asked of it: the targets `serve_*`.
//!
//! The server's own tests ask the same, of `seeds/` and of what is made of them by chance.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use arrow::array::{ArrayRef, Float32Array, RecordBatch};
use base::BoxError;
use bytes::{BufMut, Bytes, BytesMut};
use graph::{GraphInput, Shape, ValueType};
use h2::client::SendRequest;
use model::{Predictor, Signature, Task};
use serve::{Loaded, Loader, ModelConfig, ServeConfig, Server};
use tokio::runtime::{Builder, Runtime};

/// A body that is answered with a prediction.
const GOOD: &str = r#"{"instances": [{"a": 1.5, "b": 2, "c": "x", "d": true, "e": [1.0], "f": ["y"], "g": [1, 2]}]}"#;

/// The path that it is sent to.
const PREDICT: &str = "/v1/models/m:predict";

static SERVER: LazyLock<Server> = LazyLock::new(start);

/// Returns where the server listens.
fn address() -> SocketAddr {
    SERVER.addresses()[0]
}

fn start() -> Server {
    let dir = std::env::temp_dir().join(format!("cupola-fuzz-served-{}", std::process::id()));
    let made = dir.join("made");
    std::fs::create_dir_all(&made).expect("there is a folder for temporary files");
    std::fs::write(made.join("model"), "").expect("there is room for temporary files");
    push::push(&made, &dir.join("m"), 1).expect("there is room for temporary files");
    let mut config = ServeConfig {
        addresses: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        models: vec![ModelConfig::new("m", dir.join("m"))],
        poll: None,
        threads: Some(1),
        ..ServeConfig::default()
    };
    config.limits.max_request_bytes = 1 << 20;
    config.limits.max_rows = 1000;
    config.limits.read_timeout = Duration::from_secs(2);
    let log = Box::new(std::io::sink());
    let server = Server::start(&config, Arc::new(Every), log, || 0).expect("a port is free");
    assert!(server.wait_ready(Duration::from_secs(20)), "the model answers");
    // A model whose folder has gone goes on.
    std::fs::remove_dir_all(&dir).expect("it is there");
    server
}

/// Loads the model, wherever it is.
struct Every;

impl Loader for Every {
    fn load(&self, _: &Path) -> Result<Loaded, BoxError> {
        let inputs = [
            ("a", ValueType::Float, Shape::One),
            ("b", ValueType::Int, Shape::One),
            ("c", ValueType::String, Shape::One),
            ("d", ValueType::Bool, Shape::One),
            ("e", ValueType::Float, Shape::List),
            ("f", ValueType::String, Shape::List),
            ("g", ValueType::Int, Shape::Vector(2)),
        ];
        let input =
            |(name, value_type, shape)| GraphInput { name: String::from(name), value_type, shape };
        let inputs = inputs.map(input).to_vec();
        let signature = Signature::new(Vec::new(), "y".to_owned(), Task::BinaryClassification);
        Ok(Loaded { graph: None, predictor: Box::new(Model { signature }), inputs, text: None })
    }
}

struct Model {
    signature: Signature,
}

impl Predictor for Model {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Predicts how many bytes a row's values take, so that all of them are read.
    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
        assert_eq!(examples.num_columns(), 7);
        for column in examples.columns() {
            assert_eq!(column.len(), examples.num_rows());
            column.to_data().validate_full().expect("columns are what they say");
        }
        let bytes = examples.get_array_memory_size() as f32;
        let values: ArrayRef =
            Arc::new(Float32Array::from(vec![1.0 / (1.0 + bytes); examples.num_rows()]));
        let columns = [("prediction", Arc::clone(&values)), ("logit", values)];
        Ok(RecordBatch::try_from_iter(columns).expect("the columns are of one length"))
    }
}

thread_local! {
    static CLIENT: RefCell<Client> = RefCell::default();
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_all().build().expect("there is room for a runtime");
    static GRPC: RefCell<Option<SendRequest<Bytes>>> = const { RefCell::new(None) };
}

/// Any bytes as the body of a REST request: an answer in JSON, or an error that is the client's.
///
/// The first byte says what is asked; of KServe's, the two after it how long the part in JSON is.
pub fn json(input: &[u8]) {
    let Some((first, rest)) = input.split_first() else { return };
    let mut headers = String::new();
    let (path, body) = match first % 5 {
        0 => (PREDICT, rest),
        1 => ("/v1/models/m:classify", rest),
        2 => ("/v1/models/m/versions/1:regress", rest),
        3 => ("/v2/models/m/infer", rest),
        _ => {
            let Some((length, body)) = rest.split_first_chunk() else { return };
            headers =
                format!("inference-header-content-length: {}\r\n", u16::from_le_bytes(*length));
            ("/v2/models/m/infer", body)
        }
    };
    CLIENT.with_borrow_mut(|client| {
        let (status, answer) = client.post(path, &headers, body);
        match status {
            // Numbers may be NaN, and tensors bytes; both are no JSON.
            200 => assert!(answer.starts_with(b"{\"")),
            400 => {
                let error: serde_json::Value =
                    serde_json::from_slice(&answer).expect("an error is JSON");
                assert!(error["error"].is_string());
            }
            other => panic!("{other}: {}", String::from_utf8_lossy(&answer)),
        }
    });
}

const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const CHUNKED: &[u8] =
    b"POST /v1/models/m:predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";

/// Any bytes on a connection: answers, or its end; and others are answered as before.
///
/// The first byte says whether the rest stands alone, behind the beginning of HTTP/2, or in the body of a request.
pub fn http(input: &[u8]) {
    let Some((first, rest)) = input.split_first() else { return };
    let before = match first % 3 {
        0 => &b""[..],
        1 => HTTP_2,
        _ => CHUNKED,
    };
    let mut stream = TcpStream::connect(address()).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("it is a socket");
    // Whoever is refused early cannot send all of it.
    let _ = stream.write_all(before).and_then(|()| stream.write_all(rest));
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    match stream.take(8 << 20).read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert!(
            error.kind() == std::io::ErrorKind::ConnectionReset,
            "the connection does not end: {error}"
        ),
    }
    if before != HTTP_2 && !answer.is_empty() {
        assert!(answer.starts_with(b"HTTP/1.1 ") || rest.starts_with(b"PRI"), "{answer:?}");
        assert!(!answer.starts_with(b"HTTP/1.1 500"), "{}", String::from_utf8_lossy(&answer));
    }
    CLIENT.with_borrow_mut(Client::check);
}

const METHODS: [&str; 12] = [
    "tensorflow.serving.PredictionService/Predict",
    "tensorflow.serving.PredictionService/Classify",
    "tensorflow.serving.PredictionService/Regress",
    "tensorflow.serving.PredictionService/MultiInference",
    "tensorflow.serving.PredictionService/GetModelMetadata",
    "tensorflow.serving.ModelService/GetModelStatus",
    "tensorflow.serving.ModelService/HandleReloadConfigRequest",
    "inference.GRPCInferenceService/ModelInfer",
    "inference.GRPCInferenceService/ModelMetadata",
    "inference.GRPCInferenceService/ModelReady",
    "grpc.health.v1.Health/Check",
    "inference.GRPCInferenceService/ServerReady",
];

/// Codes that are the client's: all is well, the argument is wrong, there is no such thing, too much, not allowed, the
/// state is another, not there.
const CODES: [&str; 7] = ["0", "3", "5", "7", "8", "9", "12"];

/// Any bytes as the message of a gRPC call: an answer, or an error that is the client's.
///
/// The first byte says which method, and whether the message is said to be compressed.
pub fn grpc(input: &[u8]) {
    let Some((first, message)) = input.split_first() else { return };
    let method = METHODS[usize::from(first & 127) % METHODS.len()];
    let is_gzip = first & 128 != 0;
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let open = GRPC.take();
            let client = match open {
                Some(client) => client,
                None => connect().await,
            };
            let mut code = call(client.clone(), method, is_gzip, message).await;
            if code.is_err() {
                // It may have been closed as idle.
                let client = connect().await;
                code = call(client.clone(), method, is_gzip, message).await;
                GRPC.set(Some(client));
            } else {
                GRPC.set(Some(client));
            }
            let code = code.expect("the server answers");
            assert!(CODES.contains(&code.as_str()), "{method}: {code}");
        });
    });
}

async fn connect() -> SendRequest<Bytes> {
    let stream = tokio::net::TcpStream::connect(address()).await.expect("the server listens");
    stream.set_nodelay(true).expect("it is a socket");
    let (client, connection) = h2::client::handshake(stream).await.expect("it speaks HTTP/2");
    tokio::spawn(connection);
    client
}

async fn call(
    client: SendRequest<Bytes>,
    method: &str,
    is_gzip: bool,
    message: &[u8],
) -> Result<String, h2::Error> {
    let mut client = client.ready().await?;
    let mut request = http::Request::post(format!("http://a/{method}"))
        .header("content-type", "application/grpc");
    if is_gzip {
        request = request.header("grpc-encoding", "gzip");
    }
    let mut framed = BytesMut::with_capacity(5 + message.len());
    framed.put_u8(is_gzip.into());
    framed.put_u32(u32::try_from(message.len()).expect("inputs are small"));
    framed.put_slice(message);
    let request = request.body(()).expect("it is a request");
    let (response, mut stream) = client.send_request(request, false)?;
    stream.send_data(framed.freeze(), true)?;
    let response = response.await?;
    let at_once = response.headers().get("grpc-status").cloned();
    let mut body = response.into_body();
    while let Some(data) = body.data().await {
        let length = data?.len();
        body.flow_control().release_capacity(length)?;
    }
    let trailers = body.trailers().await?.unwrap_or_default();
    let code = at_once.or_else(|| trailers.get("grpc-status").cloned());
    Ok(code.expect("an answer has a code").to_str().expect("it is a number").to_owned())
}

/// A connection of HTTP/1.1 that is opened again when the server has closed it.
#[derive(Default)]
struct Client {
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    /// Sends a body and returns the answer's status and body.
    fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n{headers}\r\n");
        let request = [head.as_bytes(), body].concat();
        for _ in 0..2 {
            if let Some(answer) = self.try_post(&request) {
                return answer;
            }
            self.stream = None;
        }
        panic!("the server does not answer");
    }

    fn try_post(&mut self, request: &[u8]) -> Option<(u16, Vec<u8>)> {
        let stream = self.stream.get_or_insert_with(|| {
            let stream = TcpStream::connect(address()).expect("the server listens");
            stream.set_nodelay(true).expect("it is a socket");
            BufReader::new(stream)
        });
        stream.get_mut().write_all(request).ok()?;
        let (mut status, mut length, mut line) = (0, 0, String::new());
        loop {
            line.clear();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().ok()?;
            } else if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        Some((status, body))
    }

    /// Makes sure that the server answers what is good.
    fn check(&mut self) {
        let (status, body) = self.post(PREDICT, "", GOOD.as_bytes());
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    }
}
