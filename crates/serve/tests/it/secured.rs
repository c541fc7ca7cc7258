//! Tokens, TLS, and logs.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serve::config::TlsConfig;
use serve::{ServableLoader, Server};

use crate::grpc;
use crate::scene::{Lines, Scene, config};

const PREDICT: &str = "/v1/models/taxi:predict";
const BODY: &str = r#"{"instances": [{"fare": 12.0, "company": "Yellow"}]}"#;

#[test]
fn only_those_with_a_token_are_answered() {
    let scene = Scene::with(|_, config| {
        config.tokens = vec!["first-token".to_owned(), "second".to_owned()];
    });
    let mut client = scene.client();
    let mut ask = |header: &str| {
        let answer = client.request("POST", PREDICT, header, BODY.as_bytes());
        (answer.status, answer.header("www-authenticate").map(str::to_owned))
    };
    for header in ["authorization: Bearer first-token\r\n", "Authorization: bearer second\r\n"] {
        assert_eq!(ask(header).0, 200);
    }
    for header in [
        "",
        "authorization: Bearer first-toke\r\n",
        "authorization: Bearer first-token2\r\n",
        "authorization: Bearer \r\n",
        "authorization: Basic first-token\r\n",
        "authorization: first-token\r\n",
    ] {
        assert_eq!(ask(header), (401, Some("Bearer".to_owned())), "{header}");
    }
    assert_eq!(client.get("/health/ready").0, 200);
    assert_eq!(client.get("/metrics").0, 401);

    let path = "/tensorflow.serving.ModelService/GetModelStatus";
    let send =
        |headers: &[(&str, &str)]| grpc::send(scene.address(), path, headers, grpc::framed(&[])).1;
    assert_eq!(send(&[]), 16);
    assert_eq!(send(&[("authorization", "Bearer second")]), 3);
    let health = "/grpc.health.v1.Health/Check";
    assert_eq!(grpc::send(scene.address(), health, &[], grpc::framed(&[])).1, 0);
}

#[test]
fn requests_are_logged_with_their_ids() {
    let scene = Scene::with(|_, config| config.log_requests = true);
    let answer =
        scene.client().request("POST", PREDICT, "x-request-id: abc-7\r\n", BODY.as_bytes());
    assert_eq!(answer.header("x-request-id"), Some("abc-7"));
    let until = std::time::Instant::now() + crate::scene::PATIENCE;
    while !scene.lines.text().contains("abc-7") && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let text = scene.lines.text();
    let line = text.lines().find(|line| line.contains("abc-7")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["event"], "request");
    assert_eq!(line["time"], "2023-11-14T22:13:20Z");
    assert_eq!((&line["status"], &line["path"]), (&200.into(), &PREDICT.into()));
    for line in text.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

/// Makes a certificate; `None` where there is nothing to make it with.
fn certificate(dir: &Path) -> Option<TlsConfig> {
    let (certificates, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    let status = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ])
        .args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificates)
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success()).then_some(TlsConfig { certificates, key })
}

/// Returns a client that trusts a certificate alone.
fn trusting(tls: &TlsConfig) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    let pem = fs::read(&tls.certificates).unwrap();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(client)
}

/// Returns whether a server answers over TLS with a certificate that the client trusts.
fn is_trusted(address: std::net::SocketAddr, client: &Arc<rustls::ClientConfig>) -> bool {
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = rustls::ClientConnection::new(Arc::clone(client), name).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    let mut stream = rustls::Stream::new(&mut session, &mut socket);
    let request = b"GET /health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let mut answer = Vec::new();
    stream.write_all(request).is_ok() && {
        let _ = stream.read_to_end(&mut answer);
        answer.starts_with(b"HTTP/1.1 200 OK")
    }
}

#[test]
fn certificates_are_read_again_when_they_change() {
    let (files, others) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (Some(tls), Some(other)) = (certificate(files.path()), certificate(others.path())) else {
        println!("SKIPPED certificates_are_read_again_when_they_change: no openssl here");
        return;
    };
    let scene = Scene::unready(tempfile::tempdir().unwrap(), |_, c| c.tls = Some(tls.clone()));
    let (before, after) = (trusting(&tls), trusting(&other));
    assert!(is_trusted(scene.address(), &before));
    assert!(!is_trusted(scene.address(), &after));
    // Whoever is connected stays so.
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = rustls::ClientConnection::new(Arc::clone(&before), name).unwrap();
    let mut socket = TcpStream::connect(scene.address()).unwrap();
    let mut stream = rustls::Stream::new(&mut session, &mut socket);
    stream.write_all(b"GET /health/live HTTP/1.1\r\n").unwrap();

    let wait_for = |event: &str| {
        let until = std::time::Instant::now() + crate::scene::PATIENCE;
        while !scene.lines.text().contains(event) {
            assert!(std::time::Instant::now() < until, "{event}: {}", scene.lines.text());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    // The certificate of another key, as it is while only one of the files is there.
    fs::copy(&other.certificates, &tls.certificates).unwrap();
    wait_for("certificates_unusable");
    assert!(is_trusted(scene.address(), &before));
    fs::copy(&other.key, &tls.key).unwrap();
    wait_for("certificates_changed");
    assert!(is_trusted(scene.address(), &after));
    assert!(!is_trusted(scene.address(), &before));
    fs::write(&tls.key, "nothing").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert!(is_trusted(scene.address(), &after));

    stream.write_all(b"host: a\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
}

#[test]
fn tls_is_spoken() {
    let files = tempfile::tempdir().unwrap();
    let Some(tls) = certificate(files.path()) else {
        println!("SKIPPED tls_is_spoken: no openssl here to make a certificate with");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    crate::scene::push(&dir.path().join("taxi"), 1, model::Task::Regression, 0.0);
    let mut config = config(&dir.path().join("taxi"));
    config.tls = Some(tls.clone());
    let server = crate::scene::start(&config, &Lines::default());
    assert!(server.wait_ready(crate::scene::PATIENCE));

    let client = trusting(&tls);
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = rustls::ClientConnection::new(client, name).unwrap();
    let mut socket = TcpStream::connect(server.addresses()[0]).unwrap();
    let mut stream = rustls::Stream::new(&mut session, &mut socket);
    let request = format!(
        "POST {PREDICT} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("{\"predictions\": [[3.0]]}"),
        "{answer}"
    );

    // Without TLS, nobody is answered.
    let mut plain = TcpStream::connect(server.addresses()[0]).unwrap();
    plain.write_all(b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"));
}

#[test]
fn certificates_that_are_none_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let (certificates, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    fs::write(&certificates, "nothing").unwrap();
    let mut config = config(dir.path());
    config.tls = Some(TlsConfig { certificates: certificates.clone(), key });
    let start =
        |config| Server::start(config, Arc::new(ServableLoader), Box::new(Lines::default()), || 0);
    let error = start(&config).err().unwrap();
    assert_eq!(
        error.to_string(),
        format!("{}: found no certificate in it, expected PEM", certificates.display())
    );
    fs::remove_file(&certificates).unwrap();
    assert!(start(&config).err().unwrap().to_string().starts_with("cannot read "));
}
