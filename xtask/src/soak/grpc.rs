//! gRPC's share of the soak test: one client whose answers are checked, and one that means harm.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::Reason;
use h2::client::SendRequest;
use tokio::net::TcpStream;

use super::{Counts, GRPC, Random, zeros_in_gzip};
use crate::Failure;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

async fn connect(address: SocketAddr, window: u32) -> Result<SendRequest<Bytes>, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let handshake =
        h2::client::Builder::new().initial_window_size(window).handshake::<_, Bytes>(stream);
    let (client, connection) = handshake.await?;
    tokio::spawn(connection);
    Ok(client)
}

fn head(address: SocketAddr) -> http::request::Builder {
    http::Request::post(format!("http://{address}{GRPC}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
}

/// Sends a message and returns the answer's, with the code.
async fn call(
    client: &SendRequest<Bytes>,
    address: SocketAddr,
    message: &Bytes,
) -> Result<(String, Bytes), Failure> {
    let mut client = client.clone().ready().await?;
    let (response, mut stream) = client.send_request(head(address).body(())?, false)?;
    stream.send_data(message.clone(), true)?;
    let response = tokio::time::timeout(PATIENCE, response).await??;
    let at_once = response.headers().get("grpc-status").cloned();
    let mut body = response.into_body();
    let mut all = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        all.extend_from_slice(&data);
    }
    let trailers = body.trailers().await?.unwrap_or_default();
    let code = at_once.or_else(|| trailers.get("grpc-status").cloned());
    let code = code.ok_or("an answer without a code")?.to_str()?.to_owned();
    Ok((code, all.freeze()))
}

/// Returns an answer's outputs, which are the same for all versions: what stands before the spec of the model.
fn outputs(answer: &[u8]) -> &[u8] {
    let mut at = 5;
    while answer.get(at) == Some(&0x0a) {
        let (mut length, mut shift) = (0usize, 0);
        loop {
            at += 1;
            let Some(byte) = answer.get(at) else { return answer };
            length |= usize::from(byte & 127) << shift;
            shift += 7;
            if byte & 128 == 0 || shift > 28 {
                break;
            }
        }
        at += 1 + length;
    }
    answer.get(5..at).unwrap_or(answer)
}

/// Asks over one connection, and holds every answer against the first.
pub(super) fn check_answers(
    address: SocketAddr,
    message: &Bytes,
    ends: &AtomicBool,
    counts: &Counts,
) {
    let outcome = runtime().and_then(|runtime| {
        runtime.block_on(async {
            let client = connect(address, 1 << 20).await?;
            let (code, first) = call(&client, address, message).await?;
            let expected = Bytes::copy_from_slice(outputs(&first));
            if code != "0" || expected.is_empty() {
                return Err(format!("code {code}, {} bytes", first.len()).into());
            }
            while !ends.load(Ordering::Relaxed) {
                let (code, answer) = call(&client, address, message).await?;
                if code != "0" || outputs(&answer) != expected {
                    return Err(format!("code {code}, {answer:?}").into());
                }
                counts.answers.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Ok(())
        })
    });
    if let Err(error) = outcome {
        counts.wrong.fetch_add(1, Ordering::Relaxed);
        eprintln!("wrong, over gRPC: {error}");
    }
}

/// Does one bad thing after the other.
pub(super) fn hostilities(
    address: SocketAddr,
    message: &Bytes,
    seed: u64,
    ends: &AtomicBool,
    counts: &Counts,
) {
    let Ok(runtime) = runtime() else { return };
    runtime.block_on(async {
        let mut random = Random(0x2545_F491_4F6C_DD1D ^ seed);
        // Those who do not read what they asked for.
        let mut slow = Vec::new();
        while !ends.load(Ordering::Relaxed) {
            // What becomes of them is the server's business.
            let done = hostile(address, message, &mut random);
            if let Ok(Ok(Some(client))) = tokio::time::timeout(PATIENCE, done).await {
                slow.push(client);
            }
            if slow.len() > 16 {
                drop(slow.remove(0));
            }
            counts.hostile.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

type Unread = (SendRequest<Bytes>, h2::client::ResponseFuture);

async fn hostile(
    address: SocketAddr,
    message: &Bytes,
    random: &mut Random,
) -> Result<Option<Unread>, Failure> {
    let kind = random.below(8);
    // A window of nothing takes no answer.
    let client = connect(address, if kind == 0 { 0 } else { 1 << 20 }).await?;
    let mut client = client.ready().await?;
    let framed = |flag: u8, bytes: &[u8]| {
        let mut out = BytesMut::with_capacity(5 + bytes.len());
        out.put_u8(flag);
        out.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        out.put_slice(bytes);
        out.freeze()
    };
    match kind {
        0 => {
            let (response, mut stream) = client.send_request(head(address).body(())?, false)?;
            stream.send_data(message.clone(), true)?;
            return Ok(Some((client, response)));
        }
        // Other bytes in a good message, some of them many times.
        1 | 2 => {
            let mut bytes = message[5..].to_vec();
            for _ in 0..=random.below(12) {
                let place = random.below(bytes.len());
                match random.below(3) {
                    0 => bytes[place] = u8::try_from(random.below(256)).unwrap_or_default(),
                    1 => drop(bytes.drain(place..(place + random.below(9)).min(bytes.len()))),
                    _ => {
                        let piece =
                            bytes[place..(place + random.below(40)).min(bytes.len())].to_vec();
                        (0..random.below(20)).for_each(|_| bytes.extend_from_slice(&piece));
                    }
                }
                if bytes.is_empty() {
                    break;
                }
            }
            call(&client, address, &framed(0, &bytes)).await?;
        }
        // A bomb.
        3 => {
            let request = head(address).header("grpc-encoding", "gzip").body(())?;
            let (response, mut stream) = client.send_request(request, false)?;
            stream.send_data(framed(1, zeros_in_gzip()), true)?;
            drop(response.await?);
        }
        // More than a message may be, with a length that is a lie.
        4 => {
            let (response, mut stream) = client.send_request(head(address).body(())?, false)?;
            stream.send_data(Bytes::from_static(&[0, 0xff, 0xff, 0xff, 0xff]), false)?;
            let part = Bytes::from(vec![b' '; 16 << 10]);
            for _ in 0..100 {
                stream.send_data(part.clone(), false)?;
            }
            drop(response.await?);
        }
        // Taken back as soon as they are asked.
        5 => {
            for _ in 0..50 {
                client = client.ready().await?;
                let (_, mut stream) = client.send_request(head(address).body(())?, false)?;
                stream.send_data(message.clone(), random.below(2) == 0)?;
                stream.send_reset(Reason::CANCEL);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // A flood of headers, and a name that is a path.
        6 => {
            let mut request = head(address);
            for number in 0..random.below(2000) {
                request = request.header(format!("x-{number}"), "y");
            }
            let (response, mut stream) = client.send_request(request.body(())?, false)?;
            stream.send_data(framed(0, b"\x0a\x12\x0a\x10../../etc/passwd"), true)?;
            drop(response.await);
        }
        // Gone in the middle of it.
        _ => {
            let (_, mut stream) = client.send_request(head(address).body(())?, false)?;
            stream.send_data(message.slice(..random.below(message.len())), false)?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    Ok(None)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
