//! A client against servers that answer what they are told to.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use client::{Channel, Client, Proxies};

const PATIENCE: Duration = Duration::from_secs(10);

/// Answers every connection with the same bytes.
fn server(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer);
        }
    });
    address
}

fn client(timeout: Duration) -> Client {
    Client::new(timeout, 1000, Proxies::None).unwrap()
}

#[test]
fn an_answer_is_its_status_and_its_body() {
    let address = server(b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno");
    let answer = client(PATIENCE).get(&format!("http://{address}/x"), &[("a", "b")]).unwrap();
    assert_eq!((answer.status, answer.text().as_str(), answer.is_success()), (404, "no", false));
}

#[test]
fn no_redirect_is_followed() {
    let address =
        server(b"HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(client(PATIENCE).get(&format!("http://{address}/"), &[]).unwrap().status, 302);
}

#[test]
fn nothing_is_waited_for_or_kept_without_an_end() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let slow = client(Duration::from_millis(100));
    let said = slow.post(&format!("http://{address}/a?token=sesame"), &[], b"{}".to_vec());
    assert_eq!(
        said.unwrap_err().to_string(),
        format!("http://{address}/a: no answer within 100 ms")
    );
    let said = Channel::connect(&slow, address).and_then(|channel| channel.call("/a.B/C", b""));
    assert!(said.unwrap_err().to_string().ends_with("no answer within 100 ms"));

    let large = server(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n");
    let large_body = server(Box::leak(
        [b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n".as_slice(), &[b'x'; 2000]]
            .concat()
            .into_boxed_slice(),
    ));
    let said = client(PATIENCE).get(&format!("http://{large_body}/"), &[]).unwrap_err();
    assert_eq!(
        said.to_string(),
        format!("http://{large_body}/: the answer is larger than 1000 bytes")
    );
    // One that breaks off is no answer either.
    assert!(client(PATIENCE).get(&format!("http://{large}/"), &[]).is_err());
}

#[test]
fn what_cannot_be_asked_is_said_without_secrets() {
    for url in ["ftp://me:sesame@host/", "sesame", "http://", "file:///etc/passwd"] {
        let said = client(PATIENCE).get(url, &[]).unwrap_err().to_string();
        assert!(said.contains("expected a URL") && !said.contains("sesame@"), "{said}");
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://me:sesame@127.0.0.1:{port}/hook?key=sesame");
    let said = client(PATIENCE).get(&url, &[]).unwrap_err().to_string();
    assert!(said.starts_with(&format!("http://127.0.0.1:{port}/hook: ")), "{said}");
    assert!(!said.contains("sesame"), "{said}");
    let plain = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno");
    let said = Channel::connect(&client(PATIENCE), plain)
        .and_then(|channel| channel.call("/a.B/C", b"").map(drop))
        .unwrap_err();
    assert!(said.to_string().starts_with(&format!("grpc://{plain}")), "{said}");
}
