//! HTTP, blocking.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use base::IoError;
use reqwest::redirect::Policy;
use reqwest::{Method, Url};
use tokio::runtime::{Builder, Runtime};

use crate::ClientError;

/// Whether requests go through the proxies that the environment names (`HTTPS_PROXY` and so on).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxies {
    /// As the environment says.
    OfEnvironment,
    /// Never: for servers of this machine and of its own network.
    None,
}

impl Proxies {
    /// Returns whether a proxy could reach a URL: one of this machine's own addresses is reached without.
    pub fn for_url(url: &str) -> Self {
        let is_here = parse(url).is_ok_and(|url| {
            let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
            let address = host.parse::<std::net::IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        });
        if is_here { Self::None } else { Self::OfEnvironment }
    }
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns the body as text; what is none is shown by replacement characters.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns whether the status says yes.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Asks servers over HTTP; connections are kept for the next request.
#[derive(Debug)]
pub struct Client {
    runtime: Runtime,
    http: reqwest::Client,
    timeout: Duration,
    max_bytes: usize,
}

impl Client {
    /// Returns a client that waits for an answer no longer than `timeout`, and takes no more than `max_bytes` of it.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`] and [`ClientError::Io`] when the machine lacks what it takes.
    pub fn new(timeout: Duration, max_bytes: usize, proxies: Proxies) -> Result<Self, ClientError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(IoError::at("start what asks", Path::new("servers")))?;
        let builder = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(Policy::none())
            .user_agent(concat!("cupola/", env!("CARGO_PKG_VERSION")));
        let builder = match proxies {
            Proxies::OfEnvironment => builder,
            Proxies::None => builder.no_proxy(),
        };
        let http = builder.build();
        let http = http.map_err(|error| ClientError::Setup { reason: root_of(&error) })?;
        Ok(Self { runtime, http, timeout, max_bytes })
    }

    /// Asks for what is at a URL.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; an answer that says no is none.
    pub fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, ClientError> {
        self.ask(Method::GET, url, headers, Vec::new())
    }

    /// Sends a body to a URL.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; an answer that says no is none.
    pub fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, ClientError> {
        self.ask(Method::POST, url, headers, body)
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn ask(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, ClientError> {
        let url = parse(url)?;
        let shown = shown(&url);
        let mut request = self.http.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let failed = |error: reqwest::Error| match error.is_timeout() {
            true => ClientError::Slow { url: shown.clone(), limit: self.timeout },
            false => ClientError::Unreachable { url: shown.clone(), reason: root_of(&error) },
        };
        self.runtime.block_on(async {
            let mut response = request.send().await.map_err(failed)?;
            let status = response.status().as_u16();
            let mut body = Vec::new();
            while let Some(piece) = response.chunk().await.map_err(failed)? {
                if body.len() + piece.len() > self.max_bytes {
                    return Err(ClientError::Large { url: shown.clone(), limit: self.max_bytes });
                }
                body.extend_from_slice(&piece);
            }
            Ok(Answer { status, body })
        })
    }
}

/// Returns the scheme, host and port of a URL of a web server, such as `https://host`: what of it is no secret.
pub fn origin(url: &str) -> Option<String> {
    parse(url).ok().map(|url| url.origin().ascii_serialization())
}

fn parse(text: &str) -> Result<Url, ClientError> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    // Of what is no URL nobody knows which part is secret.
    let shown = || text.chars().take(8).collect::<String>() + "…";
    url.ok_or_else(|| ClientError::Url { url: shown() })
}

/// Returns a URL without what may be secret.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs without a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

fn root_of(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_reached_without_a_proxy() {
        for url in
            ["http://localhost:1/x", "http://127.0.0.1/", "http://127.9.9.9", "http://[::1]:8/"]
        {
            assert_eq!(Proxies::for_url(url), Proxies::None, "{url}");
        }
        for url in ["https://host/", "http://10.0.0.1/", "http://localhost.example/", "nothing"] {
            assert_eq!(Proxies::for_url(url), Proxies::OfEnvironment, "{url}");
        }
    }
}
