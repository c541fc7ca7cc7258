//! A push to a server that runs.

use std::net::TcpListener;
use std::time::Duration;

use push::{Destination, RunningServer};

use crate::scene::{Scene, prediction};

#[test]
fn a_version_is_pushed_once_the_server_answers_with_it() {
    let scene = Scene::new();
    let server = scene.serve();
    let to = [Destination::Server(scene.running(&server))];
    let told = scene.deliver(&scene.model(1.0), &to);
    assert_eq!((&told[0]["state"], &told[0]["is_new"]), (&"placed".into(), &true.into()));
    assert!((prediction(&server) - 1.0).abs() < 1e-6);
    scene.deliver(&scene.model(2.0), &to);
    assert!((prediction(&server) - 2.0).abs() < 1e-6);
    // Once more is nothing new, and waits for nobody.
    let told = scene.deliver(&scene.model(2.0), &to);
    assert_eq!((&told[0]["state"], &told[0]["is_new"]), (&"placed".into(), &false.into()));
    assert_eq!(scene.versions().len(), 2);
}

#[test]
fn a_version_that_the_server_cannot_load_is_taken_away_and_the_one_before_goes_on() {
    let scene = Scene::new();
    let server = scene.serve();
    let to = [Destination::Server(scene.running(&server))];
    scene.deliver(&scene.model(1.0), &to);
    let before = scene.versions();
    let told = scene.deliver(&scene.broken_model(), &to);
    assert_eq!(told[0]["state"], "failed");
    let said = told[0]["error"].as_str().unwrap();
    assert!(said.contains("did not take version 1767225601") && said.contains("fare"), "{said}");
    assert!(said.ends_with("; it was taken away again, version 1767225600 goes on"), "{said}");
    assert_eq!(scene.versions(), before);
    assert!((prediction(&server) - 1.0).abs() < 1e-6);
    // A server that starts later has the good one.
    drop(server);
    let server = scene.serve();
    assert!(server.wait_ready(Duration::from_secs(20)));
    assert!((prediction(&server) - 1.0).abs() < 1e-6);
    // And the next good one is taken.
    let to = [Destination::Server(scene.running(&server))];
    assert_eq!(scene.deliver(&scene.model(3.0), &to)[0]["state"], "placed");
    assert!((prediction(&server) - 3.0).abs() < 1e-6);
}

#[test]
fn a_server_that_is_not_there_gets_no_version() {
    let scene = Scene::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = RunningServer {
        directory: scene.path("taxi"),
        url: format!("http://127.0.0.1:{port}"),
        model: "taxi".to_owned(),
        token: Some("sesame".to_owned()),
        timeout: Duration::from_millis(200),
    };
    let told = scene.deliver(&scene.model(1.0), &[Destination::Server(server)]);
    let said = told[0]["error"].as_str().unwrap();
    assert!(said.contains("not available within 0.2 s") && !said.contains("sesame"), "{said}");
    assert_eq!(scene.versions(), [0; 0]);

    // One of another name never answers either.
    let server = scene.serve();
    let mut other = scene.running(&server);
    (other.model, other.timeout) = ("bike".to_owned(), Duration::from_millis(200));
    let told = scene.deliver(&scene.model(1.0), &[Destination::Server(other)]);
    assert!(told[0]["error"].as_str().unwrap().contains("bike"), "{told:?}");
    assert_eq!(scene.versions(), [0; 0]);
}
