//! Servers for tests: an S3-compatible one, and a web server.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Somebody; the server does not check signatures unless it is told to.
const WHO: &str = "Authorization: AWS4-HMAC-SHA256 Credential=somebody/20240101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00";

/// An S3-compatible server (moto), which ends with this value.
pub(crate) struct S3 {
    child: Child,
    port: u16,
}

impl S3 {
    /// Starts one, or says that a test is skipped.
    pub(crate) fn start(test: &str, variables: &[(&str, &str)]) -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
        let Ok(python) = std::env::var("CUPOLA_S3_PYTHON") else {
            println!("SKIPPED {test}: CUPOLA_S3_PYTHON is not set");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, port };
        let until = Instant::now() + Duration::from_secs(120);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "the server does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    /// Returns variables that lead to the server.
    pub(crate) fn variables(&self) -> [(String, String); 5] {
        [
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port).as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "somebody"),
            ("AWS_SECRET_ACCESS_KEY", "open-sesame"),
            ("AWS_REGION", "us-east-1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    }

    /// Makes a bucket or writes an object: `/bucket` or `/bucket/key`.
    pub(crate) fn put(&self, path: &str, content: &[u8]) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{WHO}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.port,
            content.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(content).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a web server has: the content and the entity tag of each path; without a tag it tells no time either.
pub(crate) type Pages = Arc<Mutex<BTreeMap<String, (Vec<u8>, Option<String>)>>>;

/// Starts a web server that answers `GET` and `HEAD`, and returns its port. It ends with the process.
pub(crate) fn web(pages: Pages) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let pages = Arc::clone(&pages);
            std::thread::spawn(move || answer(stream, &pages));
        }
    });
    port
}

fn answer(stream: TcpStream, pages: &Pages) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    let headers: Vec<String> =
        lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let mut words = request.split(' ');
    let (method, path) = (words.next()?, words.next()?);
    let page = pages.lock().ok()?.get(path).cloned();
    let if_match =
        headers.iter().find_map(|h| h.to_lowercase().strip_prefix("if-match: ").map(str::to_owned));
    let (status, content, tag) = match page {
        None => ("404 Not Found", b"no".to_vec(), None),
        Some((_, Some(tag))) if if_match.is_some_and(|wanted| wanted != tag) => {
            ("412 Precondition Failed", Vec::new(), None)
        }
        Some((content, tag)) => ("200 OK", content, tag),
    };
    let changed = "Last-Modified: Wed, 31 Jan 2024 12:30:00 GMT";
    let tag = tag.map_or(String::new(), |tag| format!("ETag: {tag}\r\n{changed}\r\n"));
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{tag}Connection: close\r\n\r\n",
        content.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()?;
    if method == "GET" {
        stream.write_all(&content).ok()?;
    }
    Some(())
}
