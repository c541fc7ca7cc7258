//! `cupola serve`: answers requests until it is told to end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;

use base::BoxError;
use serde_json::json;
use serve::config::{ModelConfig, TlsConfig, TracingConfig, models_in, read_tokens};
use serve::{ServableLoader, ServeConfig, Server};

use crate::args::{Global, Poll, ServeArgs};
use crate::clock;
use crate::error::{CliError, Outcome, print_note, print_warning};
use crate::output::{print, print_json};

/// The environment's bearer tokens.
const TOKENS: &str = "CUPOLA_SERVE_TOKENS";

/// Serves.
pub(crate) fn serve(args: &ServeArgs, global: &Global) -> Result<Outcome, BoxError> {
    let config = config(args)?;
    // Before anything listens, so that whoever ends it right away is heard.
    let (end, is_ended) = channel();
    ctrlc::set_handler(move || {
        if end.send(()).is_err() {
            #[expect(
                clippy::exit,
                reason = "asked twice; nothing is written that cannot be cut off"
            )]
            std::process::exit(3);
        }
    })
    .map_err(CliError::Signals)?;
    let log = Box::new(std::io::stderr());
    let server = Server::start(&config, Arc::new(ServableLoader), log, clock::now_ms)?;

    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let urls: Vec<_> =
        server.addresses().iter().map(|address| format!("{scheme}://{address}")).collect();
    let names: Vec<_> = config.models.iter().map(|model| model.name.as_str()).collect();
    if global.json {
        print_json("serving", json!({ "models": names, "urls": urls }))?;
    } else {
        print(&format!("serving {} on {}", names.join(", "), urls.join(" and ")))?;
    }
    let is_loopback = server.addresses().iter().all(|address| address.ip().is_loopback());
    if !is_loopback && config.tokens.is_empty() {
        print_warning("everybody who reaches this machine may ask; `--token-file` asks for tokens");
    }
    // The sender is in the handler, which stays as long as the process.
    let _ = is_ended.recv();
    drop(is_ended);
    if !global.quiet {
        print_note("ending once all requests are answered; once more to end at once");
    }
    Ok(if server.shut_down() { Outcome::Done } else { Outcome::Failed })
}

/// Puts flags, environment and file together; flags come first.
fn config(args: &ServeArgs) -> Result<ServeConfig, BoxError> {
    let mut config = match &args.config {
        Some(file) => ServeConfig::read(file)?,
        None => ServeConfig::default(),
    };
    if let Some(dir) = &args.dir {
        config.models.extend(models_in(dir)?);
    }
    config.models.extend(args.models.iter().map(|(name, dir)| ModelConfig::new(name, dir)));
    if let Some(policy) = &args.versions {
        config.models.iter_mut().for_each(|model| model.policy = policy.clone());
    }

    let is_said = args.host.is_some() || args.port.is_some() || args.grpc_port.is_some();
    if is_said || args.config.is_none() {
        let host = args.host.unwrap_or_else(|| std::net::Ipv4Addr::LOCALHOST.into());
        let ports = [args.port.unwrap_or(8501), args.grpc_port.unwrap_or(8500)];
        // Of one port that is given, the other need not be free.
        let is_one = args.port.is_some() != args.grpc_port.is_some();
        let ports = ports.into_iter().zip([args.port, args.grpc_port]);
        let ports = ports.filter(|(_, given)| !is_one || given.is_some());
        config.addresses = ports.map(|(port, _)| SocketAddr::new(host, port)).collect();
    }
    match args.poll {
        None => {}
        Some(Poll::Never) => config.poll = None,
        Some(Poll::Every(every)) => config.poll = Some(every),
    }
    if let Some(file) = &args.token_file {
        config.tokens = read_tokens(file)?;
        if config.tokens.is_empty() {
            return Err(CliError::NoTokens { path: file.clone() }.into());
        }
    } else if let Some(tokens) = std::env::var_os(TOKENS) {
        config.tokens = tokens.to_string_lossy().split_whitespace().map(str::to_owned).collect();
    }
    if let (Some(certificates), Some(key)) = (&args.tls_certificates, &args.tls_key) {
        config.tls = Some(TlsConfig { certificates: certificates.clone(), key: key.clone() });
    }
    let variable = |name: &str| std::env::var_os(name)?.into_string().ok();
    config.tracing = TracingConfig::with_environment(config.tracing.take(), &variable)?;
    config.log_requests |= args.log_requests;
    if let Some(threads) = args.threads {
        config.threads = Some(threads.get());
    }
    Ok(config)
}
