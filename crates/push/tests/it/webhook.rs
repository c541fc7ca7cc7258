//! Somebody is told of a push.

use std::time::Duration;

use push::{Destination, Webhook};
use serde_json::Value;

use crate::scene::{Scene, hook};

fn webhook(url: &str, max_tries: u32) -> Destination {
    Destination::Webhook(Webhook {
        url: url.to_owned(),
        secret: Some("open sesame".to_owned()),
        timeout: Duration::from_secs(5),
        max_tries,
    })
}

#[test]
fn what_was_pushed_is_told_and_signed() {
    let scene = Scene::new();
    let (url, received) = hook(&[200]);
    let to = [webhook(&url, 3), Destination::Directory(scene.path("taxi"))];
    let told = scene.deliver(&scene.model(1.0), &to);
    // The directory comes first, whatever the order.
    assert_eq!((&told[0]["kind"], &told[1]["kind"]), (&"directory".into(), &"webhook".into()));
    assert_eq!(told[1]["state"], "told");
    assert!(!told[1].to_string().contains("sesame"), "{}", told[1]);
    let received = received.recv().unwrap();
    assert!(received.headers[0].starts_with("POST /hook?key=sesame "), "{received:?}");
    assert_eq!(received.header("x-cupola-event"), Some("model.pushed"));
    assert_eq!(received.header("content-type"), Some("application/json"));
    let signature = received.header("x-cupola-signature").unwrap();
    assert!(signature.starts_with("sha256=") && signature.len() == 7 + 64, "{signature}");
    let body: Value = serde_json::from_str(&received.body).unwrap();
    assert_eq!((&body["event"], &body["node"]), (&"model.pushed".into(), &"pusher".into()));
    assert_eq!(body["destinations"][0]["version"], 1_767_225_600);
    assert_eq!(body["destinations"].as_array().unwrap().len(), 1);
}

#[test]
fn who_is_busy_is_told_again_and_who_refuses_is_not() {
    let scene = Scene::new();
    let (url, received) = hook(&[503, 429, 204]);
    let told = scene.deliver(&scene.model(1.0), &[webhook(&url, 5)]);
    assert_eq!(told[0]["state"], "told");
    let deliveries: Vec<_> = received.try_iter().collect();
    assert_eq!(deliveries.len(), 3);
    // Who was told twice can see it.
    let ids: Vec<_> = deliveries.iter().map(|r| r.header("x-cupola-delivery").unwrap()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));

    let (url, received) = hook(&[500]);
    let told = scene.deliver(&scene.model(1.0), &[webhook(&url, 2)]);
    assert_eq!(told[0]["error"], "not taken after 2 tries: status 500: busy");
    assert_eq!(received.try_iter().count(), 2);

    let (url, received) = hook(&[403]);
    let told = scene.deliver(&scene.model(1.0), &[webhook(&url, 5)]);
    assert_eq!(told[0]["error"], "not taken after 1 tries: status 403: busy");
    assert_eq!(received.try_iter().count(), 1);
}

#[test]
fn nobody_is_told_of_what_failed() {
    let scene = Scene::new();
    std::fs::write(scene.path("file"), "").unwrap();
    let (url, received) = hook(&[200]);
    let to = [
        Destination::Directory(scene.path("file")),
        webhook(&url, 1),
        Destination::Directory(scene.path("taxi")),
    ];
    let told = scene.deliver(&scene.model(1.0), &to);
    let states: Vec<_> = told.iter().map(|told| told["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["failed", "placed", "skipped"]);
    assert_eq!(received.try_iter().count(), 0);

    // Once the reason is gone, the same push does what is left, and no more.
    std::fs::remove_file(scene.path("file")).unwrap();
    let told = scene.deliver(&scene.model(1.0), &to);
    let states: Vec<_> = told.iter().map(|told| told["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["placed", "placed", "told"]);
    assert_eq!((&told[0]["is_new"], &told[1]["is_new"]), (&true.into(), &false.into()));
    assert_eq!(scene.versions().len(), 1);
}
