//! The head of an HTTP/1 request: what it asks, how its body comes, and whether the connection goes on.
//!
//! # Source
//!
//! RFC 9112. What two readers could understand differently is refused: two lengths, a length beside chunks, an unknown
//! coding, a header without a name, folded lines, a missing `host`.

use bytes::Bytes;

use crate::http::Headers;

/// The most headers of a request.
const MAX_HEADERS: usize = 100;

/// A request without its body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) headers: Headers,
    pub(crate) body: Framing,
    pub(crate) keeps_alive: bool,
    pub(crate) expects_continue: bool,
    pub(crate) is_http_10: bool,
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
}

/// A status and why it is given; the connection ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) reason: &'static str,
}

fn refuse<T>(status: u16, reason: &'static str) -> Result<T, Refusal> {
    Err(Refusal { status, reason })
}

/// Returns how many bytes the head at the beginning of `bytes` has, once it is whole.
pub(crate) fn length(bytes: &[u8]) -> Option<usize> {
    // Lines may end without a carriage return.
    let mut rest = 0;
    while let Some(place) = bytes.get(rest..)?.iter().position(|byte| *byte == b'\n') {
        let next = rest + place + 1;
        match bytes.get(next..)? {
            [b'\n', ..] if next > 1 => return Some(next + 1),
            [b'\r', b'\n', ..] => return Some(next + 2),
            _ => rest = next,
        }
    }
    None
}

/// Reads a whole head.
pub(crate) fn parse(bytes: &Bytes) -> Result<Head, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return refuse(400, "the request's head is malformed"),
        Err(httparse::Error::TooManyHeaders) => {
            return refuse(431, "the request has too many headers");
        }
        Err(_) => return refuse(400, "the request's head is malformed"),
    }
    let method = request.method.and_then(|method| http::Method::from_bytes(method.as_bytes()).ok());
    let (Some(method), Some(target), Some(version)) = (method, request.path, request.version)
    else {
        return refuse(400, "the request's first line is malformed");
    };
    let is_http_10 = version == 0;

    let mut kept = Headers::default();
    let (mut length, mut is_chunked) = (None, false);
    let (mut num_hosts, mut closes, mut keeps_alive) = (0, false, false);
    let mut expects_continue = false;
    for header in request.headers.iter() {
        let name = header.name;
        if name.eq_ignore_ascii_case("content-length") {
            let digits = std::str::from_utf8(header.value).ok();
            let digits = digits.filter(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()));
            let Some(number) = digits.and_then(|digits| digits.parse::<u64>().ok()) else {
                return refuse(400, "content-length is not a number");
            };
            if length.replace(number).is_some() {
                return refuse(400, "content-length stands twice");
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if is_chunked || !header.value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                return refuse(501, "transfer-encoding: expected chunked alone");
            }
            is_chunked = true;
        } else if name.eq_ignore_ascii_case("connection") {
            for option in header.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                closes |= option.eq_ignore_ascii_case(b"close");
                keeps_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        } else if name.eq_ignore_ascii_case("expect") {
            if !header.value.eq_ignore_ascii_case(b"100-continue") {
                return refuse(417, "expect: expected 100-continue");
            }
            expects_continue = true;
        } else if name.eq_ignore_ascii_case("host") {
            num_hosts += 1;
        } else if Headers::may_keep(name.as_bytes()) {
            kept.keep(name.as_bytes(), &bytes.slice_ref(header.value));
        }
    }
    if is_chunked && (length.is_some() || is_http_10) {
        return refuse(400, "transfer-encoding stands beside content-length, or in HTTP/1.0");
    }
    if num_hosts > 1 || (num_hosts == 0 && !is_http_10) {
        return refuse(400, "expected one host");
    }
    Ok(Head {
        method,
        path: path(target)?,
        headers: kept,
        body: if is_chunked { Framing::Chunked } else { Framing::Length(length.unwrap_or(0)) },
        keeps_alive: !closes && (!is_http_10 || keeps_alive),
        expects_continue: expects_continue && !is_http_10,
        is_http_10,
    })
}

/// Returns the path of a target, which may come with a scheme and a host.
fn path(target: &str) -> Result<String, Refusal> {
    let path = match target.strip_prefix("http://").or_else(|| target.strip_prefix("https://")) {
        Some(rest) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => target,
    };
    if !path.starts_with('/') {
        return refuse(400, "the target is not a path");
    }
    Ok(path.split(['?', '#']).next().unwrap_or(path).to_owned())
}

/// Reads the line before a chunk: its size in hexadecimal digits. What stands behind a `;` means nothing.
pub(crate) fn chunk_size(line: &[u8]) -> Result<u64, Refusal> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or(line).trim_ascii_end();
    let is_number = (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_number);
    match digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
        Some(size) => Ok(size),
        None => refuse(400, "the size of a chunk is malformed"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(text: &str) -> Result<Head, u16> {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        assert_eq!(length(&bytes), Some(bytes.len()), "{text:?}");
        parse(&bytes).map_err(|refusal| refusal.status)
    }

    #[test]
    fn heads_are_read() {
        let head =
            head("POST /v1/models/a:predict?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n")
                .unwrap();
        assert_eq!(head.path, "/v1/models/a:predict");
        assert_eq!(head.body, Framing::Length(12));
        assert!(head.keeps_alive && !head.expects_continue);
    }

    #[test]
    fn connections_go_on_or_end() {
        let keeps = |first: &str, connection: &str| {
            head(&format!("GET {first}\r\nhost: h\r\n{connection}\r\n")).unwrap().keeps_alive
        };
        assert!(keeps("/ HTTP/1.1", ""));
        assert!(!keeps("/ HTTP/1.1", "connection: x, Close\r\n"));
        assert!(!keeps("/ HTTP/1.0", ""));
        assert!(keeps("/ HTTP/1.0", "Connection: Keep-Alive\r\n"));
        assert_eq!(head("GET http://h/a?b HTTP/1.1\r\nhost: h\r\n\r\n").unwrap().path, "/a");
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let many = "a: b\r\n".repeat(101);
        for (headers, expected) in [
            ("", 400),
            ("host: a\r\nhost: b\r\n", 400),
            ("host: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n", 400),
            ("host: a\r\ncontent-length: +1\r\n", 400),
            ("host: a\r\ncontent-length: 1,1\r\n", 400),
            ("host: a\r\ncontent-length: 99999999999999999999\r\n", 400),
            ("host: a\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n", 400),
            ("host: a\r\ntransfer-encoding: gzip, chunked\r\n", 501),
            ("host: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", 501),
            ("host: a\r\nexpect: x\r\n", 417),
            ("host: a\r\nfolded: x\r\n y\r\n", 400),
            ("host: a\r\nbad name: x\r\n", 400),
            ("host: a\r\n: x\r\n", 400),
            (many.as_str(), 431),
        ] {
            assert_eq!(
                head(&format!("POST / HTTP/1.1\r\n{headers}\r\n")),
                Err(expected),
                "{headers:?}"
            );
        }
        assert_eq!(head("GET * HTTP/1.1\r\nhost: a\r\n\r\n"), Err(400));
        assert_eq!(head("GET / HTTP/3.1\r\nhost: a\r\n\r\n"), Err(400));
        assert_eq!(head("G\0T / HTTP/1.1\r\nhost: a\r\n\r\n"), Err(400));
    }

    #[test]
    fn sizes_of_chunks_are_hexadecimal() {
        assert_eq!(chunk_size(b"1F"), Ok(31));
        assert_eq!(chunk_size(b"0;a=b"), Ok(0));
        for wrong in ["", "g", "-1", "+1", "0x1", "11111111111111111", " 1"] {
            assert!(chunk_size(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = length(&bytes);
            let _ = parse(&Bytes::from(bytes));
        }
    }
}
