//! A serving directory of an S3-compatible server (moto).

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use push::{Destination, push_to_store, verify_stored};
use remote::{Environment, Folder};

use crate::scene::Scene;

struct S3 {
    child: Child,
    port: u16,
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl S3 {
    /// Starts a server with a bucket `models`, or says that a test is skipped.
    fn start(test: &str) -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
        let Ok(python) = std::env::var("CUPOLA_S3_PYTHON") else {
            println!("SKIPPED {test}: CUPOLA_S3_PYTHON is not set");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
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
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let who = "AWS4-HMAC-SHA256 Credential=somebody/20240101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00";
        let head = format!(
            "PUT /models HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {who}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        Some(server)
    }

    fn environment(&self) -> Environment {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        let variables = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "somebody"),
            ("AWS_SECRET_ACCESS_KEY", "open-sesame"),
            ("AWS_REGION", "us-east-1"),
        ];
        Environment::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }
}

const URL: &str = "s3://models/taxi";

fn names(folder: &Folder, version: u64) -> Vec<String> {
    let files = folder.files(&version.to_string()).unwrap();
    let prefix = format!("{version}/");
    files.iter().map(|file| file.name.strip_prefix(&prefix).unwrap().to_owned()).collect()
}

#[test]
fn a_version_in_a_store_is_the_model_and_a_marker() {
    let Some(server) = S3::start("a_version_in_a_store_is_the_model_and_a_marker") else { return };
    let mut scene = Scene::new();
    scene.environment = server.environment();
    let folder = Folder::open(URL, &scene.environment).unwrap();
    let to = [Destination::ObjectStore(URL.to_owned()), Destination::Directory(scene.path("taxi"))];
    let model = scene.model(1.0);
    let told = scene.deliver(&model, &to);
    assert_eq!(told[0]["place"], "s3://models/taxi/1767225600");
    let files = names(&folder, 1_767_225_600);
    assert!(files.contains(&"READY".to_owned()) && files.contains(&"signature.json".to_owned()));
    assert!(!files.contains(&"PUSHING".to_owned()));
    // The marker is the same as that of a directory.
    let there = folder.read("1767225600/READY").unwrap().unwrap();
    assert_eq!(there, std::fs::read(scene.path("taxi/1767225600/READY")).unwrap());
    verify_stored("s3://models/taxi/1767225600", &scene.environment).unwrap();

    // The same once more is no other version; something else is.
    scene.seconds += 10;
    let told = scene.deliver(&model, &to);
    assert_eq!((&told[0]["version"], &told[0]["is_new"]), (&1_767_225_600.into(), &false.into()));
    let told = scene.deliver(&scene.model(2.0), &to);
    assert_eq!(
        (&told[0]["version"], &told[1]["version"]),
        (&1_767_225_610.into(), &1_767_225_610.into())
    );
    // A clock that goes back gives a larger number all the same.
    scene.seconds -= 1000;
    assert_eq!(scene.deliver(&model, &to)[0]["version"], 1_767_225_611);
    assert_eq!(folder.folders().unwrap(), ["1767225600", "1767225610", "1767225611"]);

    // What lacks a file or has another one is not whole.
    folder.write("1767225611/signature.json", b"{").unwrap();
    let said = verify_stored("s3://models/taxi/1767225611", &scene.environment).unwrap_err();
    assert!(said.to_string().contains("not what was pushed, expected"), "{said}");
    folder.remove("1767225611/signature.json").unwrap();
    let said = verify_stored("s3://models/taxi/1767225611", &scene.environment).unwrap_err();
    assert!(said.to_string().contains("signature.json: missing"), "{said}");
    let said = verify_stored("s3://models/taxi/7", &scene.environment).unwrap_err();
    assert!(said.to_string().ends_with("is not there any more"), "{said}");
    // Pushed again, it becomes another version.
    assert_eq!(scene.deliver(&model, &to)[0]["version"], 1_767_225_612);
}

#[test]
fn what_is_not_whole_is_no_version_and_goes_away() {
    let Some(server) = S3::start("what_is_not_whole_is_no_version_and_goes_away") else { return };
    let scene = Scene::new();
    let folder = Folder::open(URL, &server.environment()).unwrap();
    let model = scene.model(1.0);
    let first = push_to_store(&model, &folder, 100, &|| false).unwrap();
    assert_eq!((first.version, first.is_new), (100, true));
    // Somebody died in the middle of a push.
    folder.write("200/PUSHING", b"").unwrap();
    folder.write("200/model/weights", b"half").unwrap();
    let again = push_to_store(&model, &folder, 300, &|| false).unwrap();
    assert_eq!((again.version, again.is_new), (100, false));
    // Somebody pushes in this very second.
    folder.write("300/PUSHING", b"").unwrap();
    let other = push_to_store(&scene.model(2.0), &folder, 300, &|| false).unwrap();
    assert_eq!(other.version, 301);
    // It may still be at work; a day later it is not.
    assert_eq!(folder.folders().unwrap(), ["100", "200", "300", "301"]);
    let now = folder.files("200").unwrap()[0].modified_seconds.cast_unsigned();
    push_to_store(&scene.model(3.0), &folder, now + 100_000, &|| false).unwrap();
    let left = folder.folders().unwrap();
    // In the order of texts.
    assert_eq!(left, ["100".to_owned(), (now + 100_000).to_string(), "301".to_owned()]);

    // One that is cancelled leaves nothing.
    let cancelled = push_to_store(&scene.model(4.0), &folder, now + 200_000, &|| true);
    assert!(cancelled.is_err());
    assert_eq!(folder.folders().unwrap(), left);
}

#[test]
fn two_pushes_at_once_do_not_mix() {
    let Some(server) = S3::start("two_pushes_at_once_do_not_mix") else { return };
    let scene = Scene::new();
    let models: Vec<_> = (1..=4u8).map(|n| scene.model(f32::from(n))).collect();
    let versions: Vec<u64> = std::thread::scope(|scope| {
        let pushes: Vec<_> = models
            .iter()
            .map(|model| {
                let environment = server.environment();
                scope.spawn(move || {
                    let folder = Folder::open(URL, &environment).unwrap();
                    push_to_store(model, &folder, 500, &|| false).unwrap().version
                })
            })
            .collect();
        pushes.into_iter().map(|push| push.join().unwrap()).collect()
    });
    let mut sorted = versions.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), 4, "{versions:?}");
    for version in versions {
        verify_stored(&format!("{URL}/{version}"), &server.environment()).unwrap();
    }
}

#[test]
fn a_store_that_refuses_fails_alone() {
    let Some(server) = S3::start("a_store_that_refuses_fails_alone") else { return };
    let mut scene = Scene::new();
    scene.environment = server.environment();
    let nowhere = Destination::ObjectStore("s3://nowhere/taxi".to_owned());
    let to = [nowhere, Destination::Directory(scene.path("taxi"))];
    let told = scene.deliver(&scene.model(1.0), &to);
    assert_eq!(told[0]["error"], "`s3://nowhere`: there is no such bucket");
    assert_eq!(told[1]["state"], "placed");
}
