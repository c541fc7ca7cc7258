//! Load on a server: as many requests as it takes, or so many a second.
//!
//! One thread sends over several connections, so that the server's share of two processors is known. Requests are bytes
//! that were made before; of an answer, only its status and whether it is the expected one is looked at. When so many a
//! second are sent, a request's time counts from when it should have been sent if the one before it was late.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Failure;

/// What is sent, over and over.
#[derive(Clone)]
pub(crate) enum Target {
    /// A request of HTTP/1.1 as bytes.
    Rest(Bytes),
    /// A path and a framed message.
    Grpc(String, Bytes),
}

/// How much is sent.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) connections: usize,
    /// Requests at a time on each connection; of HTTP/1.1, one.
    pub(crate) streams: usize,
    pub(crate) time: Duration,
    /// Requests a second; as many as are answered where it is not said.
    pub(crate) rate: Option<f64>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) took: Duration,
    /// Of each answered request, in order of time.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) failures: u64,
}

impl Outcome {
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    /// Returns the latency that a share of requests does not pass.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list, of a share of its length"
    )]
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let place = (share * self.latencies.len() as f64) as usize;
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(place.min(last)).copied().unwrap_or_default()
    }
}

/// Sends one request over HTTP/1.1 and returns status and body.
pub(crate) fn ask(address: SocketAddr, request: &[u8]) -> Result<(u16, Vec<u8>), Failure> {
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(request)?;
    let mut buf = Vec::new();
    loop {
        if let Some((status, head, length)) = head(&buf)
            && buf.len() >= head + length
        {
            return Ok((status, buf[head..head + length].to_vec()));
        }
        let mut part = [0; 16 << 10];
        match std::io::Read::read(&mut stream, &mut part)? {
            0 => return Err("the connection ended before the answer".into()),
            read => buf.extend_from_slice(&part[..read]),
        }
    }
}

/// Returns a request of HTTP/1.1.
pub(crate) fn request(method: &str, path: &str, body: &str) -> Bytes {
    let length = body.len();
    let head = "host: localhost\r\ncontent-type: application/json";
    format!("{method} {path} HTTP/1.1\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}").into()
}

/// Sends what the plan says.
pub(crate) fn run(address: SocketAddr, target: &Target, plan: Plan) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let start = Instant::now();
        let until = start + plan.time;
        let mut tasks = Vec::new();
        let num_senders = plan.connections * plan.streams;
        for connection in 0..plan.connections {
            let pace = |stream: usize| {
                Pace::new(&plan, start, connection * plan.streams + stream, num_senders)
            };
            match target {
                Target::Rest(request) => {
                    tasks.push(tokio::spawn(rest(address, request.clone(), pace(0), until)));
                }
                Target::Grpc(path, message) => {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    let (client, connection) = h2::client::Builder::new()
                        .initial_window_size(1 << 20)
                        .initial_connection_window_size(4 << 20)
                        .handshake::<_, Bytes>(stream)
                        .await?;
                    tokio::spawn(connection);
                    let uri = Arc::new(format!("http://{address}{path}"));
                    for stream in 0..plan.streams {
                        let (client, uri) = (client.clone(), Arc::clone(&uri));
                        tasks.push(tokio::spawn(grpc(
                            client,
                            uri,
                            message.clone(),
                            pace(stream),
                            until,
                        )));
                    }
                }
            }
        }
        let mut outcome = Outcome::default();
        for task in tasks {
            let part = task.await?;
            outcome.latencies.extend(part.latencies);
            outcome.failures += part.failures;
        }
        outcome.took = start.elapsed();
        outcome.latencies.sort_unstable();
        Ok(outcome)
    })
}

/// When a sender sends.
struct Pace {
    next: Instant,
    every: Option<Duration>,
}

impl Pace {
    fn new(plan: &Plan, start: Instant, sender: usize, num_senders: usize) -> Self {
        let every = plan.rate.map(|rate| Duration::from_secs_f64(num_senders as f64 / rate));
        let shift =
            every.map_or(Duration::ZERO, |every| every.mul_f64(sender as f64 / num_senders as f64));
        Self { next: start + shift, every }
    }

    /// Waits for the next turn; returns from when on its time counts.
    async fn turn(&mut self) -> Instant {
        let Some(every) = self.every else { return Instant::now() };
        let due = self.next;
        self.next += every;
        if due > Instant::now() {
            // The timer of this thread is not the server's.
            tokio::time::sleep_until(due.into()).await;
            return Instant::now();
        }
        due
    }
}

async fn rest(address: SocketAddr, request: Bytes, mut pace: Pace, until: Instant) -> Outcome {
    let mut outcome = Outcome::default();
    let Ok(mut stream) = TcpStream::connect(address).await else {
        outcome.failures += 1;
        return outcome;
    };
    let _ = stream.set_nodelay(true);
    let mut buf = BytesMut::with_capacity(16 << 10);
    while Instant::now() < until {
        let start = pace.turn().await;
        if stream.write_all(&request).await.is_err() {
            outcome.failures += 1;
            return outcome;
        }
        buf.clear();
        let status = loop {
            if let Some((status, head, length)) = head(&buf)
                && buf.len() >= head + length
            {
                break status;
            }
            match stream.read_buf(&mut buf).await {
                Ok(1..) => {}
                _ => {
                    outcome.failures += 1;
                    return outcome;
                }
            }
        };
        if status == 200 {
            outcome.latencies.push(start.elapsed());
        } else {
            outcome.failures += 1;
        }
    }
    outcome
}

/// Returns status, length of the head, and length of the body, once the head is whole.
fn head(buf: &[u8]) -> Option<(u16, usize, usize)> {
    let end = buf.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&buf[..end]).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let length = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Some((status, end, length.unwrap_or(0)))
}

async fn grpc(
    client: h2::client::SendRequest<Bytes>,
    uri: Arc<String>,
    message: Bytes,
    mut pace: Pace,
    until: Instant,
) -> Outcome {
    let mut outcome = Outcome::default();
    while Instant::now() < until {
        let start = pace.turn().await;
        match call(client.clone(), &uri, message.clone()).await {
            Ok(true) => outcome.latencies.push(start.elapsed()),
            _ => outcome.failures += 1,
        }
    }
    outcome
}

async fn call(
    client: h2::client::SendRequest<Bytes>,
    uri: &str,
    message: Bytes,
) -> Result<bool, Failure> {
    let mut client = client.ready().await?;
    let request = http::Request::post(uri)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())?;
    let (response, mut stream) = client.send_request(request, false)?;
    stream.send_data(message, true)?;
    let mut body = response.await?.into_body();
    while let Some(data) = body.data().await {
        let length = data?.len();
        body.flow_control().release_capacity(length)?;
    }
    let trailers = body.trailers().await?;
    Ok(trailers.is_some_and(|trailers| trailers.get("grpc-status").is_some_and(|code| code == "0")))
}

/// A value of a feature.
pub(crate) enum Value {
    Float(f32),
    Int(i64),
    Text(String),
}

/// Returns a framed `PredictRequest` of one row.
pub(crate) fn predict_request(model: &str, row: &BTreeMap<String, Value>) -> Bytes {
    let mut request = field(1, &field(1, model.as_bytes()));
    // One row and one value: two dimensions of size 1.
    let shape = field(2, &[field(2, &[8, 1]), field(2, &[8, 1])].concat());
    for (name, value) in row {
        let (data_type, values) = match value {
            Value::Float(float) => (1, field(5, &float.to_le_bytes())),
            Value::Text(text) => (7, field(8, text.as_bytes())),
            Value::Int(int) => (9, field(10, &varint(u64::from_ne_bytes(int.to_ne_bytes())))),
        };
        let tensor = [&[8, data_type], &shape[..], &values].concat();
        let entry = [field(1, name.as_bytes()), field(2, &tensor)].concat();
        request.extend_from_slice(&field(2, &entry));
    }
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(request.len()).unwrap_or(u32::MAX));
    framed.put_slice(&request);
    framed.freeze()
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2], &varint(bytes.len() as u64)[..], bytes].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = u8::try_from(value & 127).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 128);
    }
}
