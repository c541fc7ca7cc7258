//! Clients that others wrote, in a Python environment that `CUPOLA_SERVE_PYTHON` names: `requests`, `grpcio` with
//! `tensorflow-serving-api`'s messages, `tritonclient` and `kserve` over HTTP and gRPC, `openai`; and a Prometheus server.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::scene::Scene;

/// Returns the interpreter, or says what is left out.
#[expect(clippy::disallowed_methods, reason = "tests are told where the peers are this way")]
fn python(test: &str) -> Option<String> {
    let python = std::env::var("CUPOLA_SERVE_PYTHON").ok();
    if python.is_none() {
        println!("SKIPPED {test}: CUPOLA_SERVE_PYTHON names no Python with the clients");
    }
    python
}

/// Returns the interpreter if it has a package, or says what is left out.
fn python_with(package: &str, test: &str) -> Option<String> {
    let python = python(test)?;
    let import = format!("import {package}");
    let has_package = Command::new(&python).args(["-c", &import]).output().unwrap();
    if !has_package.status.success() {
        println!("SKIPPED {test}: {python} has no package `{package}`");
        return None;
    }
    Some(python)
}

fn run(python: &str, scene: &Scene, program: &str) {
    let output = Command::new(python)
        .args(["-c", program, &scene.address().to_string()])
        .arg(scene.taxi())
        .env("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    println!("{}", text(&output.stdout));
}

#[test]
fn requests_talks_to_it() {
    let Some(python) = python("requests_talks_to_it") else { return };
    run(&python, &Scene::new(), include_str!("clients/rest.py"));
}

#[test]
fn tensorflow_serving_api_talks_to_it() {
    let Some(python) = python("tensorflow_serving_api_talks_to_it") else { return };
    let scene = Scene::with(|_, config| config.allow_reload = true);
    run(&python, &scene, include_str!("clients/tensorflow_serving.py"));
}

#[test]
fn tritonclient_talks_to_it() {
    let Some(python) = python("tritonclient_talks_to_it") else { return };
    run(&python, &Scene::new(), include_str!("clients/triton.py"));
}

/// Its package brings 450 MB of Kubernetes' and pandas' with it, so it is asked for by hand.
#[test]
fn kserve_talks_to_it() {
    let Some(python) = python_with("kserve", "kserve_talks_to_it") else { return };
    run(&python, &Scene::new(), include_str!("clients/kserve_client.py"));
}

#[test]
fn openai_talks_to_it() {
    let Some(python) = python_with("openai", "openai_talks_to_it") else { return };
    let scene = crate::completions::scene(1024, |_| {});
    run(&python, &scene, include_str!("clients/openai_client.py"));
    crate::completions::wait_for(&scene, crate::completions::CANCELLED, 1);
}

/// A process that ends with its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn prometheus_scrapes_it() {
    let scene = Scene::new();
    let body = r#"{"instances": [{"fare": 12.0, "company": "Yellow"}]}"#;
    for _ in 0..7 {
        scene.client().post("/v1/models/taxi:predict", body);
    }
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: cupola, metrics_path: /monitoring/prometheus/metrics, static_configs: [{{targets: ['{}']}}]}}]\n",
        scene.address()
    );
    let file = scene.dir.path().join("prometheus.yml");
    fs::write(&file, config).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let started = Command::new("prometheus")
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}", scene.dir.path().join("tsdb").display()))
        .arg(format!("--web.listen-address={address}"))
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn();
    let Ok(process) = started else {
        println!(
            "SKIPPED prometheus_scrapes_it: no `prometheus` here (Debian has it as a package)"
        );
        return;
    };
    let _process = Process(process);
    let query = "/api/v1/query?query=%7B__name__%3D%22:tensorflow:serving:request_count%22%7D";
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = ask(&address.to_string(), query);
        if answer.contains("\"model_name\":\"taxi\"") && answer.contains("\"7\"]") {
            return;
        }
        assert!(Instant::now() < until, "{answer}\n{}", Path::new(&file).display());
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn ask(address: &str, path: &str) -> String {
    use std::io::Write as _;
    let Ok(mut stream) = std::net::TcpStream::connect(address) else { return String::new() };
    let request = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n");
    let mut answer = String::new();
    let _ = stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.read_to_string(&mut answer).map(drop));
    answer
}
