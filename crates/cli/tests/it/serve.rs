//! `cupola serve`: from the pipeline to an answer, and to its end.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::scene::Scene;

/// A server that ends with its test.
pub(crate) struct Server {
    process: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn serve(scene: &Scene, args: &[&str]) -> Server {
    let args = [&["serve", "--port", "0", "--json"], args].concat();
    let mut command = scene.command(&args);
    let log = File::create(scene.path("serve.log")).unwrap();
    let process = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let mut server = Server { process, address: String::new() };
    let mut text = String::new();
    for line in BufReader::new(server.process.stdout.take().unwrap()).lines() {
        text.push_str(&line.unwrap());
        if let Ok(said) = serde_json::from_str::<Value>(&text) {
            let url = said["serving"]["urls"][0].as_str().unwrap();
            server.address = url.strip_prefix("http://").unwrap().to_owned();
            return server;
        }
    }
    panic!("{text}\n{}", std::fs::read_to_string(scene.path("serve.log")).unwrap());
}

impl Server {
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let request = format!("{method} {path} HTTP/1.0\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Ends the server as a user does, and waits for all that it still writes.
    pub(crate) fn terminate(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }

    pub(crate) fn wait_ready(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        while !self.ask("GET", "/health/ready", "").starts_with("HTTP/1.1 200") {
            assert!(Instant::now() < until);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn what_was_pushed_is_served_as_it_predicts_and_ends_when_told() {
    let scene = Scene::taxi();
    scene.run_json(&[], 0);
    let server = serve(&scene, &["serving"]);
    server.wait_ready();
    let answer = server.ask("GET", "/v1/models/serving", "");
    assert!(answer.contains("\"state\": \"AVAILABLE\""), "{answer}");

    // The same row as `predict` has it.
    scene.write("row.csv", "trip_miles,fare,payment_type,company\n1.5,9.25,Cash,Blue\n");
    let said =
        scene.cupola(&["predict", "--model", "serving", "--input", "row.csv"]).expect_code(0);
    let expected: f32 =
        said.stdout.lines().nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    let row = r#"{"instances": [{"trip_miles": 1.5, "fare": 9.25, "payment_type": "Cash", "company": "Blue"}]}"#;
    let answer = server.ask("POST", "/v1/models/serving:predict", row);
    let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let served: f32 = body["predictions"][0]["prediction"][0].to_string().parse().unwrap();
    assert_eq!(served.to_bits(), expected.to_bits());

    server.terminate();
    let log = std::fs::read_to_string(scene.path("serve.log")).unwrap();
    assert!(log.contains("\"event\":\"ended\""), "{log}");
}

#[test]
fn what_cannot_be_served_is_said() {
    let scene = Scene::empty();
    std::fs::create_dir(scene.path("models")).unwrap();
    let server = serve(&scene, &["models"]);
    let port = server.address.rsplit(':').next().unwrap().to_owned();
    let said = scene.cupola(&["serve", "models", "--port", &port]).expect_code(3);
    assert!(
        said.stderr.contains(&format!("error: cannot listen on 127.0.0.1:{port}: ")),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("hint: another process has this port"), "{}", said.stderr);

    scene.write("serve.toml", "[models.taxi]\ndirectory = \"x\"\n");
    let said = scene.cupola(&["serve", "--config", "serve.toml"]).expect_code(2);
    assert!(said.stderr.contains("unknown field `directory`"), "{}", said.stderr);
    scene.cupola(&["serve"]).expect_code(2);
    let said = scene.cupola(&["serve", "models", "--versions", "some"]).expect_code(2);
    assert!(said.stderr.contains("expected `latest`"), "{}", said.stderr);
    scene.write("tokens", "# none\n");
    let said = scene.cupola(&["serve", "models", "--token-file", "tokens"]).expect_code(2);
    assert!(said.stderr.contains("no tokens found, expected one a line"), "{}", said.stderr);
}
