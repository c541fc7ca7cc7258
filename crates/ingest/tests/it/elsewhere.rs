//! Files of stores elsewhere, and databases.
//!
//! Who asks is read from the environment alone, so these tests run themselves once more, with one.

#[path = "../../../query/tests/it/server.rs"]
mod postgres_server;
#[path = "../../../remote/tests/it/server.rs"]
mod store_server;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use base::{Classify, ErrorKind};
use ingest::{Config, SourceConfig};

use self::postgres_server::{PASSWORD, Postgres};
use self::store_server::{Pages, S3, web};
use crate::scene::{Scene, csv};

/// Says to a test that it is the one with an environment.
const INSIDE: &str = "CUPOLA_TEST_INSIDE";

fn inside() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
    std::env::var(INSIDE).ok()
}

/// Runs a test of this file once more, in a process of its own.
fn run_inside(test: &str, value: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("elsewhere::{test}"), "--nocapture"])
        .env(INSIDE, value)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
fn a_file_of_a_web_server_is_read_as_one_that_lies_here() {
    let pages: Pages = Arc::new(Mutex::new(BTreeMap::new()));
    let set = |path: &str, text: &str| {
        let page = (text.as_bytes().to_vec(), Some(format!("\"{}\"", text.len())));
        pages.lock().unwrap().insert(path.to_owned(), page);
    };
    let text = "id,fare\n1,4.5\n2,x\n3,\n";
    set("/rides.csv", text);
    set("/bad.csv", "id,fare\n1,4.5\n2\n");
    let base = format!("http://127.0.0.1:{}", web(Arc::clone(&pages)));

    let scene = Scene::with(&[("rides.csv", text.as_bytes())]);
    let here = scene.run(&csv("rides.csv")).unwrap();
    let written = scene.written();
    let url = format!("{base}/rides.csv");
    assert_eq!(scene.run(&csv(&url)).unwrap(), here);
    assert!(written == scene.written());
    // Nothing is read to look at it.
    assert_eq!(scene.infer(&csv(&url), None).unwrap(), []);

    let bad = format!("{base}/bad.csv");
    let said = scene.said(scene.run(&csv(&bad)).unwrap_err());
    assert!(said.starts_with(&format!("{bad}:3: found 1 cell, expected 2")), "{said}");
    let config = Config { max_rejected_rows: 1, ..csv(&bad) };
    scene.run(&config).unwrap();
    let rejected = std::fs::read_to_string(scene.path("out/rejected.csv")).unwrap();
    assert!(rejected.lines().nth(1).unwrap().starts_with(&format!("{bad},3,")), "{rejected}");

    let json = serde_json::json!({ "source": { "sql": {
        "query": "SELECT count(*) AS n FROM a, b", "tables": { "a": { "csv": url }, "b": { "csv": "rides.csv" } },
    } } });
    let config: Config = serde_json::from_value(json).unwrap();
    scene.run(&config).unwrap();
    let files = ingest::source_files(&config, &scene.path("")).unwrap();
    assert_eq!((files.paths.len(), files.remote.len()), (2, 1));

    let gone = scene.run(&csv(&format!("{base}/gone.csv"))).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound, "{gone}");
}

#[test]
fn the_latest_span_of_a_bucket_is_read() {
    let test = "the_latest_span_of_a_bucket_is_read";
    if inside().is_none() {
        let Some(server) = S3::start(test, &[]) else { return };
        server.put("/rides", b"");
        for (name, text) in [
            ("day-1/a.csv", "id\n1\n"),
            ("day-2/a.csv", "id\n2\n3\n"),
            ("day-2/b.csv", "id\n4\n"),
            ("day-x/a.csv", "id\n9\n"),
        ] {
            server.put(&format!("/rides/{name}"), text.as_bytes());
        }
        let variables = server.variables();
        let variables: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        return run_inside(test, "yes", &variables);
    }
    let scene = Scene::with(&[]);
    let config = csv("s3://rides/day-{SPAN}/*.csv");
    let outcome = scene.run(&config).unwrap();
    let total: u64 = outcome.splits.iter().map(|(_, rows)| rows).sum();
    assert_eq!((outcome.span, total), (2, 3));
    let first = scene.run(&Config { span: Some(1), ..config }).unwrap();
    assert_eq!(first.span, 1);
    let folder = scene.run(&csv("s3://rides/day-2")).unwrap();
    assert_eq!(folder.splits.iter().map(|(_, rows)| rows).sum::<u64>(), 3);
    let said = scene.said(scene.run(&csv("s3://rides/day-3/*.csv")).unwrap_err());
    assert_eq!(said, "no file matches `s3://rides/day-3/*.csv`\nhint: did you mean `day-1`?");
}

#[test]
fn a_database_gives_examples() {
    let test = "a_database_gives_examples";
    let Some(url) = inside() else {
        let Some(server) = Postgres::start(test) else { return };
        server.execute(
            "CREATE TABLE rides AS SELECT n AS id, n / 2.0 AS fare, DATE '2024-01-31' + n AS day
                        FROM generate_series(1, 1000) AS n",
        );
        let certificate = server.certificate();
        let mode = if certificate.is_some() { "sslmode=verify-full" } else { "sslmode=disable" };
        let authority = certificate.unwrap_or_default();
        let variables = [("PGPASSWORD", PASSWORD), ("PGSSLROOTCERT", &authority)];
        return run_inside(test, &server.url(mode), &variables);
    };
    let scene = Scene::with(&[]);
    let config = |query: &str| {
        let json = serde_json::json!({ "source": { "postgres": { "query": query, "url": url } } });
        serde_json::from_value::<Config>(json).unwrap()
    };
    let rides = config("SELECT * FROM rides ORDER BY id");
    let features = scene.infer(&rides, None).unwrap();
    let shown: Vec<_> =
        features.iter().map(|f| format!("{} {:?}", f.name, f.feature_type)).collect();
    assert_eq!(shown, ["id Some(Int)", "fare Some(Float)", "day Some(Bytes)"]);
    let outcome = scene.run(&rides).unwrap();
    assert_eq!(outcome.splits.iter().map(|(_, rows)| rows).sum::<u64>(), 1000);
    let written = scene.written();
    scene.run(&rides).unwrap();
    assert!(written == scene.written(), "the same answer gives the same bytes");
    let said = scene.error(&config("SELECT idd FROM rides"));
    assert!(said.contains("line 1, column 8: column \"idd\" does not exist"), "{said}");
    assert!(matches!(rides.source, SourceConfig::Postgres(_)));
}

/// Answers every request as BigQuery would, with the same page.
fn bigquery() -> u16 {
    let page = r#"{"jobReference": {"jobId": "j"}, "jobComplete": true,
        "schema": {"fields": [{"name": "id", "type": "INTEGER"}, {"name": "tags", "type": "STRING", "mode": "REPEATED"}]},
        "rows": [{"f": [{"v": "1"}, {"v": [{"v": "a"}]}]}, {"f": [{"v": "2"}, {"v": []}]}]}"#;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            read_request(&stream);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                page.len()
            );
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(page.as_bytes());
        }
    });
    port
}

/// Reads a request to its end.
fn read_request(stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            return reader.read_exact(&mut vec![0; length]).ok();
        }
    }
}

#[test]
fn an_answer_of_bigquery_gives_examples() {
    if inside().is_none() {
        let host = format!("127.0.0.1:{}", bigquery());
        let variables = [("BIGQUERY_EMULATOR_HOST", host.as_str())];
        return run_inside("an_answer_of_bigquery_gives_examples", "yes", &variables);
    }
    let scene = Scene::with(&[]);
    let json = serde_json::json!({
        "source": { "bigquery": { "project": "mine", "query": "SELECT id, tags FROM rides" } },
        "splits": { "all": 1 },
    });
    let config: Config = serde_json::from_value(json).unwrap();
    assert_eq!(config.source.database(), Some("BigQuery"));
    let features = scene.infer(&config, None).unwrap();
    assert_eq!(features.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["id", "tags"]);
    let outcome = scene.run(&config).unwrap();
    assert_eq!(outcome.splits, [("all".to_owned(), 2)]);
}
