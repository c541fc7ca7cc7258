//! Against a server that gives prepared answers, in the form of the service's own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use base::{Classify, ErrorKind};

use super::*;

/// A server, and what it was asked.
struct Recorded {
    service: Service,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Starts a server that gives these answers, one after the other: a status, perhaps with headers, and a body.
fn recorded(answers: &[(&str, &str)]) -> Recorded {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/bigquery/v2", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let answers: Vec<_> = answers.iter().map(|(s, b)| ((*s).to_owned(), (*b).to_owned())).collect();
    std::thread::spawn(move || {
        for (stream, (status, body)) in listener.incoming().flatten().zip(answers) {
            answer(stream, &status, &body, &log);
        }
    });
    let service = Service::without_login(&url).with_first_delay(Duration::from_millis(1));
    Recorded { service, asked }
}

fn answer(mut stream: TcpStream, status: &str, body: &str, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut content = vec![0; length];
    reader.read_exact(&mut content).unwrap();
    let first = head.lines().next().unwrap().to_owned();
    log.lock().unwrap().push(format!("{first} {}", String::from_utf8(content).unwrap()));
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
}

fn query(text: &str) -> Query {
    Query { text: text.to_owned(), project: "my-project".to_owned(), ..Query::default() }
}

fn rows(text: &str, service: &Service) -> Result<Vec<String>, QueryError> {
    let mut all = Vec::new();
    let schema = run(&query(text), service, &mut |batch| {
        let format = FormatOptions::new().with_null("null");
        let columns: Vec<_> =
            batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &format).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<_> = columns.iter().map(|c| c.value(row).to_string()).collect();
            all.push(cells.join(" | "));
        }
        Ok(())
    })?;
    let fields = schema.fields().iter();
    let header: Vec<_> = fields.map(|f| format!("{}:{}", f.name(), f.data_type())).collect();
    all.insert(0, header.join(" | "));
    Ok(all)
}

const JOB: &str =
    r#""jobReference": {"projectId": "my-project", "jobId": "job_1", "location": "EU"}"#;
const ID: &str = r#""schema": {"fields": [{"name": "id", "type": "INTEGER", "mode": "NULLABLE"}]}"#;

#[test]
fn pages_follow_one_another_once_the_job_is_complete() {
    let later = format!(r#"{{"kind": "bigquery#queryResponse", {JOB}, "jobComplete": false}}"#);
    let first = format!(
        r#"{{{JOB}, {ID}, "jobComplete": true, "totalRows": "3", "pageToken": "BFT=&x",
            "rows": [{{"f": [{{"v": "1"}}]}}, {{"f": [{{"v": null}}]}}]}}"#
    );
    let second =
        format!(r#"{{{JOB}, {ID}, "jobComplete": true, "rows": [{{"f": [{{"v": "3"}}]}}]}}"#);
    let server = recorded(&[
        ("200 OK", &later),
        ("503 Service Unavailable", "try later"),
        (
            "429 Too Many Requests\r\nRetry-After: 0",
            r#"{"error": {"code": 429, "message": "slow down"}}"#,
        ),
        ("200 OK", &later),
        ("200 OK", &first),
        (
            "403 Forbidden",
            r#"{"error": {"message": "x", "errors": [{"reason": "rateLimitExceeded"}]}}"#,
        ),
        ("200 OK", &second),
    ]);
    assert_eq!(
        rows("SELECT id FROM rides", &server.service).unwrap(),
        ["id:Int64", "1", "null", "3"]
    );
    let asked = server.asked.lock().unwrap();
    assert_eq!(asked.len(), 7);
    assert!(
        asked[0].starts_with("POST /bigquery/v2/projects/my-project/queries HTTP/1.1 {"),
        "{asked:?}"
    );
    assert!(
        asked[0].contains(r#""query":"SELECT id FROM rides","useLegacySql":false"#),
        "{asked:?}"
    );
    let get = "GET /bigquery/v2/projects/my-project/queries/job_1?maxResults=10000&timeoutMs=10000&formatOptions.useInt64Timestamp=true&location=EU";
    assert!(asked[1..5].iter().all(|line| *line == format!("{get} HTTP/1.1 ")), "{asked:?}");
    assert_eq!(asked[6], format!("{get}&pageToken=BFT%3D%26x HTTP/1.1 "));
}

#[test]
fn every_type_has_its_place_among_features() {
    let body = r#"{"jobReference": {"jobId": "j"}, "jobComplete": true, "schema": {"fields": [
        {"name": "a", "type": "FLOAT"}, {"name": "b", "type": "BOOLEAN"}, {"name": "c", "type": "STRING"},
        {"name": "d", "type": "BYTES"}, {"name": "e", "type": "TIMESTAMP"}, {"name": "f", "type": "DATE"},
        {"name": "g", "type": "NUMERIC"}, {"name": "h", "type": "INTEGER", "mode": "REPEATED"},
        {"name": "i", "type": "RECORD", "mode": "REPEATED", "fields": [
            {"name": "x", "type": "INTEGER"}, {"name": "y", "type": "STRING", "mode": "REPEATED"}]},
        {"name": "j", "type": "RECORD", "fields": [{"name": "x", "type": "INTEGER"}]}]},
      "rows": [
        {"f": [{"v": "NaN"}, {"v": "true"}, {"v": "ä"}, {"v": "AP8="}, {"v": "1706704200000001"},
            {"v": "2024-01-31"}, {"v": "12.34"}, {"v": [{"v": "1"}, {"v": "2"}]},
            {"v": [{"v": {"f": [{"v": "7"}, {"v": [{"v": "p"}]}]}}]}, {"v": {"f": [{"v": null}]}}]},
        {"f": [{"v": null}, {"v": null}, {"v": null}, {"v": null}, {"v": null}, {"v": null}, {"v": null},
            {"v": []}, {"v": []}, {"v": null}]}]}"#;
    let found = rows("SELECT 1", &recorded(&[("200 OK", body)]).service).unwrap();
    assert_eq!(
        found,
        [
            r#"a:Float64 | b:Boolean | c:Utf8 | d:Binary | e:Utf8 | f:Utf8 | g:Float64 | h:List(Int64) | i:List(Struct("x": Int64, "y": List(Utf8))) | j:Struct("x": Int64)"#,
            "NaN | true | ä | 00ff | 2024-01-31T12:30:00.000001Z | 2024-01-31 | 12.34 | [1, 2] | [{x: 7, y: [p]}] | {x: null}",
            "null | null | null | null | null | null | null | [] | [] | null",
        ]
    );
}

#[test]
fn what_is_wrong_is_said() {
    let said = |answers: &[(&str, &str)]| {
        let error = rows("SELECT id,\n  fair FROM rides", &recorded(answers).service).unwrap_err();
        (error.kind(), error.to_string())
    };
    let refusal = r#"{"error": {"code": 400, "message": "Unrecognized name: fair; Did you mean fare? at [2:3]",
        "errors": [{"reason": "invalidQuery", "location": "query"}], "status": "INVALID_ARGUMENT"}}"#;
    assert_eq!(
        said(&[("400 Bad Request", refusal)]),
        (ErrorKind::Usage, "the query, line 2, column 3: Unrecognized name: fair; Did you mean fare?\n      fair FROM rides\n      ^".to_owned())
    );
    let denied = r#"{"error": {"message": "Access Denied: Project my-project", "errors": [{"reason": "accessDenied"}]}}"#;
    assert_eq!(
        said(&[("403 Forbidden", denied)]),
        (
            ErrorKind::Usage,
            "BigQuery says: Access Denied: Project my-project (accessDenied)".to_owned()
        )
    );
    let down = [("500 Internal Server Error", ""); 7];
    assert_eq!(said(&down), (ErrorKind::Unavailable, "BigQuery says: status 500".to_owned()));
    let check = |body: &str, expected: &str| {
        let (kind, message) = said(&[("200 OK", body)]);
        assert!(message.contains(expected), "{kind:?} {message}");
    };
    check("[", "BigQuery's answer makes no sense: ");
    check(r#"{"jobComplete": true}"#, "it does not name the job");
    let with = |schema: &str, row: &str| {
        format!(
            r#"{{{JOB}, "jobComplete": true, "schema": {{"fields": [{schema}]}}, "rows": [{row}]}}"#
        )
    };
    check(&with("", ""), "the query gives no columns");
    check(
        &with(r#"{"name": "x", "type": "INTERVAL"}"#, ""),
        "column `x` of the result: values of type `INTERVAL`",
    );
    let nested = r#"{"name": "r", "type": "RECORD", "fields": [{"name": "x", "type": "RANGE"}]}"#;
    check(&with(nested, ""), "column `r.x` of the result: values of type `RANGE`");
    let int = r#"{"name": "x", "type": "INTEGER"}"#;
    check(
        &with(int, r#"{"f": [{"v": "1.5"}]}"#),
        r#"column `x` of the result: found "1.5", expected an integer"#,
    );
    check(&with(int, r#"{"f": [{"v": 1}]}"#), "found a number, expected text in JSON");
    check(&with(int, r#"{"f": []}"#), "a row has 0 cells, expected 1");
    check(&with(int, "7"), "a row has 0 cells, expected 1");
}

#[test]
fn a_dry_run_tells_the_columns() {
    let body = format!(r#"{{{ID}, "jobComplete": true, "totalBytesProcessed": "10"}}"#);
    let server = recorded(&[("200 OK", &body)]);
    let limited = Query {
        max_bytes_billed: Some(1 << 40),
        location: Some("EU".to_owned()),
        ..query("SELECT 1")
    };
    let schema = result_schema(&limited, &server.service).unwrap();
    assert_eq!(schema.field(0).name(), "id");
    let asked = server.asked.lock().unwrap();
    assert!(
        asked[0].contains(r#""dryRun":true"#) && asked[0].contains(r#""location":"EU""#),
        "{asked:?}"
    );
    assert!(asked[0].contains(r#""maximumBytesBilled":"1099511627776""#), "{asked:?}");
}
