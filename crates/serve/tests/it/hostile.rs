//! Clients that mean harm, or do it.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::scene::Scene;

const PREDICT: &str = "/v1/models/taxi:predict";
const BODY: &str = r#"{"instances": [{"fare": 12.0, "company": "Yellow"}]}"#;

/// A server that loses patience soon.
fn scene() -> Scene {
    Scene::with(|_, config| {
        config.limits.max_request_bytes = 1 << 20;
        config.limits.read_timeout = Duration::from_millis(300);
        config.limits.write_timeout = Duration::from_millis(300);
        config.limits.idle_timeout = Duration::from_millis(600);
        config.limits.max_connections = 16;
    })
}

#[track_caller]
fn still_answers(scene: &Scene) {
    assert_eq!(scene.client().post(PREDICT, BODY).status, 200);
}

/// Sends bytes; returns the status of the answer and whether the connection ended.
fn send(scene: &Scene, bytes: &[u8]) -> Option<u16> {
    let mut client = scene.client();
    client.try_send(bytes);
    let answer = client.receive()?;
    assert!(client.is_closed());
    Some(answer.status)
}

#[test]
fn malformed_requests_are_refused_and_the_connection_ends() {
    let scene = scene();
    for (bytes, expected) in [
        ("NOT HTTP\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", 400),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
            400,
        ),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -5\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabcd\r\n", 400),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            413,
        ),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nhost: a\r\nexpect: miracles\r\n\r\n", 417),
    ] {
        assert_eq!(send(&scene, bytes.as_bytes()), Some(expected), "{bytes:?}");
    }
    still_answers(&scene);
    assert_eq!(scene.metric("cupola_malformed_requests_total"), 11);
}

#[test]
fn floods_of_headers_are_cut_off() {
    let scene = scene();
    let many = "a: b\r\n".repeat(2000);
    assert_eq!(
        send(&scene, format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n").as_bytes()),
        Some(431)
    );
    let mut client = scene.client();
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\n");
    let line = [b"x-long: ".as_slice(), &[b'a'; 4096], b"\r\n"].concat();
    // Never a blank line; the server says when it is enough.
    for _ in 0..64 {
        if !client.try_send(&line) {
            break;
        }
    }
    assert_eq!(client.receive().map(|answer| answer.status), Some(431));
    still_answers(&scene);
}

#[test]
fn bodies_are_bounded_compressed_or_not() {
    let scene = scene();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; 256 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let answer = scene.client().request("POST", PREDICT, "content-encoding: gzip\r\n", &bomb);
    assert_eq!(answer.status, 413);
    let answer = scene.client().request("POST", PREDICT, "content-encoding: gzip\r\n", b"nonsense");
    assert_eq!(answer.status, 400);

    let mut client = scene.client();
    client.send(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    for _ in 0..32 {
        if !client.try_send(&chunk) {
            break;
        }
    }
    assert_eq!(client.receive().map(|answer| answer.status), Some(413));
    still_answers(&scene);
}

#[test]
fn names_of_models_are_no_paths() {
    let scene = scene();
    // A model lies beside the folder that is served.
    crate::scene::push(&scene.dir.path().join("secret"), 1, model::Task::Regression, 0.0);
    let secret = scene.dir.path().join("secret").display().to_string();
    for name in [
        "../secret",
        "..%2fsecret",
        "taxi/../secret",
        "taxi%2f..%2f..%2fsecret",
        "%2e%2e%2fsecret",
        "..%5csecret",
        "secret%00",
        "%ff%fe",
        &secret[1..],
        &secret.replace('/', "%2f"),
    ] {
        for path in [
            format!("/v1/models/{name}:predict"),
            format!("/v1/models/{name}/versions/1:predict"),
            format!("/v1/models/taxi/labels/{name}:predict"),
            format!("/v2/models/{name}/infer"),
            format!("/v2/models/{name}/versions/1/infer"),
        ] {
            let status = scene.client().post(&path, BODY).status;
            assert!(matches!(status, 400 | 404), "{path}: {status}");
        }
        for path in [format!("/v1/models/{name}"), format!("/v1/models/{name}/metadata")] {
            let (status, body) = scene.client().get(&path);
            assert!(matches!(status, 400 | 404), "{path}: {status} {body}");
        }
    }
    let spec = crate::grpc::spec("../secret");
    let request =
        crate::grpc::proto::tensorflow::serving::GetModelStatusRequest { model_spec: Some(spec) };
    let path = "/tensorflow.serving.ModelService/GetModelStatus";
    let message = crate::grpc::framed(&prost::Message::encode_to_vec(&request));
    assert_eq!(crate::grpc::send(scene.address(), path, &[], message).1, 5);
    still_answers(&scene);
}

/// Floods over HTTP/2: of headers that go on, of requests that are taken back at once, of pings and settings.
#[test]
fn floods_of_frames_end_the_connection_alone() {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    };
    let scene = scene();
    // `:method POST`, `:scheme http`, `:path /`, of the static table.
    let headers = [0x83, 0x86, 0x84];
    // A literal header that is not indexed, of one letter and 100 bytes.
    let long = [&[0x00, 1, b'x', 100][..], &[b'y'; 100]].concat();
    let floods: [Box<dyn Fn(u32) -> Vec<u8>>; 5] = [
        // Headers without an end.
        Box::new(|round| match round {
            0 => frame(1, 0, 1, &headers),
            _ => frame(9, 0, 1, &long.repeat(20)),
        }),
        // Requests that are taken back.
        Box::new(|round| {
            let stream = 2 * round + 1;
            [frame(1, 5, stream, &headers), frame(3, 0, stream, &[0, 0, 0, 8])].concat()
        }),
        // Requests that never end.
        Box::new(|round| frame(1, 4, 2 * round + 1, &headers)),
        Box::new(|_| frame(6, 0, 0, &[0; 8])),
        Box::new(|_| frame(4, 0, 0, &[0, 3, 0, 0, 0, 100])),
    ];
    for (number, flood) in floods.iter().enumerate() {
        let mut client = scene.client();
        client.give_up_soon();
        client.send(PREFACE);
        for round in 0..20_000 {
            if !client.try_send(&flood(round)) {
                break;
            }
        }
        // Others are answered meanwhile.
        still_answers(&scene);
        client.end_sending_if_open();
        drop(client);
        let until = Instant::now() + Duration::from_secs(20);
        while scene.metric("cupola_open_connections") > 1 {
            assert!(Instant::now() < until, "flood {number}: the connection is still open");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn documents_are_bounded_in_depth_rows_and_strangeness() {
    let scene = Scene::with(|_, config| config.limits.max_rows = 3);
    let mut client = scene.client();
    for (body, part) in [
        (format!("{{\"instances\": {}", "[".repeat(500_000)), "expected"),
        (format!("{{\"instances\": [{}]}}", "{\"fare\":".repeat(100_000)), "expected"),
        (format!("{{\"x\": {}{}}}", "[".repeat(400_000), "]".repeat(400_000)), "Missing"),
        (
            format!("{{\"instances\": [{}]}}", ["{\"fare\": 1, \"company\": \"a\"}"; 4].join(",")),
            "more than 3 rows",
        ),
        ("{\"inputs\": {\"fare\": [1,2,3,4]}}".to_owned(), "more than 3 rows"),
        ("{\"instances\": [{\"fare\": \"\u{0}\"}]}".to_owned(), "control character"),
        ("{\"instances\": [{\"fare\": 1e}]}".to_owned(), "digit"),
        ("{\"instances\": [{\"\\ud800\": 1}]}".to_owned(), "surrogate"),
    ] {
        let answer = client.post(PREDICT, &body);
        assert_eq!(answer.status, 400);
        assert!(answer.error().contains(part), "{part}: {}", answer.error());
    }
    let answer = client.request("POST", PREDICT, "", b"{\"instances\": [{\"company\": \"\xff\"}]}");
    assert!(answer.error().contains("expected UTF-8"));
}

#[test]
fn slow_clients_are_not_waited_for() {
    let scene = scene();
    let start = Instant::now();
    // One that never ends its head, one that never ends its body, and one that says nothing.
    assert_eq!(send(&scene, b"GET / HTTP/1.1\r\nhost"), Some(408));
    let partial = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc";
    assert_eq!(send(&scene, partial), Some(408));
    assert!(scene.client().is_closed());
    assert!(start.elapsed() < Duration::from_secs(10));

    // One that asks for much, and takes nothing of it.
    let row = r#"{"fare": 12.0, "company": "Yellow"}"#;
    let body = format!("{{\"instances\": [{}]}}", vec![row; 20_000].join(","));
    let head =
        format!("POST {PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut greedy = scene.client();
    for _ in 0..20 {
        if !greedy.try_send(head.as_bytes()) || !greedy.try_send(body.as_bytes()) {
            break;
        }
    }
    let until = Instant::now() + Duration::from_secs(20);
    while scene.metric("cupola_open_connections") > 1 {
        assert!(Instant::now() < until, "the connection is still open");
        std::thread::sleep(Duration::from_millis(50));
    }
    still_answers(&scene);
}

#[test]
fn clients_that_go_away_leave_nothing_behind() {
    let scene = scene();
    for round in 0..50 {
        let mut client = scene.client();
        let head =
            format!("POST {PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", BODY.len());
        let all = [head.as_bytes(), BODY.as_bytes()].concat();
        client.send(&all[..all.len() * round / 50]);
        if round % 2 == 0 {
            client.end_sending();
        }
    }
    let until = Instant::now() + Duration::from_secs(20);
    while scene.metric("cupola_open_connections") > 1 {
        assert!(Instant::now() < until, "connections are still open");
        std::thread::sleep(Duration::from_millis(20));
    }
    still_answers(&scene);
}

#[test]
fn requests_may_follow_each_other_closely_and_in_pieces() {
    let scene = Scene::new();
    let mut client = scene.client();
    let one = format!(
        "POST {PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let chunked = format!(
        "POST {PREDICT} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5;x=y\r\n{}\r\n{:x}\r\n{}\r\n0\r\ntrailer: x\r\n\r\n",
        &BODY[..5],
        BODY.len() - 5,
        &BODY[5..]
    );
    client.send(format!("\r\n{one}{chunked}{one}").as_bytes());
    let answers: Vec<_> = (0..3).map(|_| client.receive().unwrap().text()).collect();
    assert!(answers[0].starts_with("{\"predictions\"") && answers.iter().all(|a| *a == answers[0]));

    for byte in chunked.bytes() {
        client.send(&[byte]);
    }
    assert_eq!(client.receive().unwrap().text(), answers[0]);

    client.send(format!("POST {PREDICT} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n", BODY.len()).as_bytes());
    assert_eq!(client.receive().unwrap().status, 100);
    client.send(BODY.as_bytes());
    assert_eq!(client.receive().unwrap().text(), answers[0]);

    client.send(b"HEAD /health/live HTTP/1.0\r\n\r\n");
    assert!(client.receive().is_none_or(|answer| answer.status == 200));
    assert!(client.is_closed());
}

#[test]
fn broken_http_2_ends_the_connection_alone() {
    let scene = Scene::new();
    for garbage in
        [&b"\xff\xff\xff\x00\x00\x00\x00\x00\x00"[..], &[0; 100], b"PRI * HTTP/2.0\r\n\r\n"]
    {
        let mut client = scene.client();
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        client.try_send(garbage);
        client.end_sending();
        // What it sends before it ends is HTTP/2's business.
        while !client.is_closed() {}
    }
    still_answers(&scene);
}
