//! `cupola serve`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serve::config::VersionPolicy;

/// `cupola serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// A serving directory as Pusher fills it, a folder of several, or one version of one.
    #[arg(value_name = "DIR", required_unless_present_any = ["models", "config"])]
    pub(crate) dir: Option<PathBuf>,

    /// A model by name and serving directory; may be repeated.
    #[arg(long = "model", value_name = "NAME=DIR", value_parser = model)]
    pub(crate) models: Vec<(String, PathBuf)>,

    /// A file that says it all; see `docs/serving.md`. The flags given beside it win.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Where to listen; `0.0.0.0` is everywhere, and then set tokens and TLS [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) host: Option<IpAddr>,

    /// The port, with TensorFlow Serving's number for REST; 0 takes a free one [default: 8501]
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    /// Another port, with TensorFlow Serving's number for gRPC; each speaks both [default: 8500]
    #[arg(long, value_name = "PORT")]
    pub(crate) grpc_port: Option<u16>,

    /// Which versions to load: `latest`, `latest:2`, `all`, or numbers such as `3,5` [default: latest]
    #[arg(long, value_name = "WHICH", value_parser = policy)]
    pub(crate) versions: Option<VersionPolicy>,

    /// How often to look for new versions, such as `5s`; `never` looks once [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = poll)]
    pub(crate) poll: Option<Poll>,

    /// A file of bearer tokens, one a line; `CUPOLA_SERVE_TOKENS` has them otherwise, with spaces between.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// The server's certificates, as PEM; then only TLS is spoken.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificates: Option<PathBuf>,

    /// The key of the certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificates")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Write a line for every request.
    #[arg(long)]
    pub(crate) log_requests: bool,

    /// How many threads serve the network [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

/// How often to look.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Poll {
    Every(Duration),
    Never,
}

fn model(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, dir)) if !name.is_empty() && !dir.is_empty() => {
            Ok((name.to_owned(), dir.into()))
        }
        _ => Err("expected NAME=DIR".to_owned()),
    }
}

fn policy(text: &str) -> Result<VersionPolicy, String> {
    let expected = || "expected `latest`, `latest:2`, `all` or numbers such as `3,5`".to_owned();
    match text {
        "latest" => Ok(VersionPolicy::Latest(1)),
        "all" => Ok(VersionPolicy::All),
        _ => {
            if let Some(count) = text.strip_prefix("latest:") {
                let count = count.parse().ok().filter(|count| *count > 0);
                return Ok(VersionPolicy::Latest(count.ok_or_else(expected)?));
            }
            let numbers = text.split(',').map(|number| number.trim().parse());
            let numbers = numbers.collect::<Result<_, _>>().map_err(|_| expected())?;
            Ok(VersionPolicy::Specific(numbers))
        }
    }
}

fn poll(text: &str) -> Result<Poll, String> {
    if text == "never" {
        return Ok(Poll::Never);
    }
    let every = serve::config::parse_time(text).filter(|every| !every.is_zero());
    every.map(Poll::Every).ok_or_else(|| "expected a time such as `5s`, or `never`".to_owned())
}
