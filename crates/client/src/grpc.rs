//! gRPC: one message there, one back, over HTTP/2 without TLS.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use tokio::net::TcpStream;

use crate::{Client, ClientError};

/// How long the head of a message is: whether it is compressed, and its length.
const HEAD: usize = 5;

/// One connection for gRPC. It lives as long as its client, and works while a call waits.
#[derive(Debug)]
pub struct Channel<'a> {
    client: &'a Client,
    address: SocketAddr,
    sender: SendRequest<Bytes>,
}

impl<'a> Channel<'a> {
    /// Connects.
    ///
    /// # Errors
    ///
    /// [`ClientError::Unreachable`] and [`ClientError::Slow`].
    pub fn connect(client: &'a Client, address: SocketAddr) -> Result<Self, ClientError> {
        let url = format!("grpc://{address}");
        let unreachable = |reason: String| ClientError::Unreachable { url: url.clone(), reason };
        let sender = within(client, &url, async {
            let stream = TcpStream::connect(address).await;
            let stream = stream.map_err(|error| unreachable(error.to_string()))?;
            // Without it, small messages wait for the ones before to be acknowledged.
            stream.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
            let (sender, connection) = h2::client::handshake(stream)
                .await
                .map_err(|error| unreachable(error.to_string()))?;
            // Its end is seen by the calls.
            tokio::runtime::Handle::current().spawn(connection);
            Ok(sender)
        })?;
        Ok(Self { client, address, sender })
    }

    /// Sends a message to a method, such as `/tensorflow.serving.PredictionService/Predict`, and returns the answer's.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; [`ClientError::Grpc`] when the server says no.
    pub fn call(&self, method: &str, message: &[u8]) -> Result<Bytes, ClientError> {
        let url = format!("grpc://{}{method}", self.address);
        within(self.client, &url, self.exchange(&url, method, message))
    }

    async fn exchange(
        &self,
        url: &str,
        method: &str,
        message: &[u8],
    ) -> Result<Bytes, ClientError> {
        let broken = |error: h2::Error| ClientError::Unreachable {
            url: url.to_owned(),
            reason: error.to_string(),
        };
        let not_grpc = |reason: String| ClientError::NotGrpc { url: url.to_owned(), reason };
        let limit = self.client.max_bytes();
        let length = u32::try_from(message.len());
        let length = length.map_err(|_| ClientError::Large { url: url.to_owned(), limit })?;
        let request = Request::builder()
            .method("POST")
            .uri(format!("http://{}{method}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .map_err(|error| not_grpc(error.to_string()))?;
        let mut framed = BytesMut::with_capacity(HEAD + message.len());
        framed.put_u8(0);
        framed.put_u32(length);
        framed.put_slice(message);

        let mut sender = self.sender.clone().ready().await.map_err(broken)?;
        let (response, mut stream) = sender.send_request(request, false).map_err(broken)?;
        stream.send_data(framed.freeze(), true).map_err(broken)?;
        let (parts, mut body) = response.await.map_err(broken)?.into_parts();
        let mut answer = BytesMut::new();
        while let Some(piece) = body.data().await {
            let piece = piece.map_err(broken)?;
            body.flow_control().release_capacity(piece.len()).map_err(broken)?;
            if answer.len() + piece.len() > limit + HEAD {
                return Err(ClientError::Large { url: url.to_owned(), limit });
            }
            answer.extend_from_slice(&piece);
        }
        let trailers = body.trailers().await.map_err(broken)?.unwrap_or_default();
        let find = |name| text(&trailers, name).or_else(|| text(&parts.headers, name));
        let code = find("grpc-status").and_then(|code| code.parse::<u32>().ok());
        match code {
            Some(0) => {}
            Some(code) => {
                let message = find("grpc-message").unwrap_or_default();
                return Err(ClientError::Grpc { url: url.to_owned(), code, message });
            }
            None => return Err(not_grpc(format!("HTTP status {} alone", parts.status.as_u16()))),
        }
        let answer = answer.freeze();
        let Some((head, _)) = answer.split_first_chunk::<HEAD>() else {
            return Err(not_grpc("no message".to_owned()));
        };
        let [is_compressed, length @ ..] = *head;
        let message = answer.slice(HEAD..);
        if is_compressed != 0 || u32::from_be_bytes(length) as usize != message.len() {
            return Err(not_grpc("more or less than one plain message".to_owned()));
        }
        Ok(message)
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn within<T>(
    client: &Client,
    url: &str,
    work: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    let limit = client.timeout();
    client.block_on(async {
        let done = tokio::time::timeout(limit, work).await;
        done.unwrap_or_else(|_| Err(ClientError::Slow { url: url.to_owned(), limit }))
    })
}
