//! A web server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base::{Classify, ErrorKind};
use remote::{Environment, RemoteError, fetch, find};

use crate::server::{Pages, web};

#[test]
fn a_file_of_a_web_server_is_read_and_its_change_is_noticed() {
    let pages: Pages = Arc::new(Mutex::new(BTreeMap::new()));
    let set = |path: &str, content: &[u8], tag: Option<&str>| {
        pages.lock().unwrap().insert(path.to_owned(), (content.to_vec(), tag.map(str::to_owned)));
    };
    set("/data/my%20rides.csv", b"id\n1\n", Some("\"one\""));
    set("/untold.csv", b"id\n", None);
    let base = format!("http://127.0.0.1:{}", web(Arc::clone(&pages)));
    let environment = Environment::default();

    let url = format!("{base}/data/my%20rides.csv");
    let files = find(&url, &environment).unwrap();
    assert_eq!((files[0].url(), files[0].num_bytes()), (url.as_str(), 5));
    assert_eq!(files[0].identity().unwrap(), "5 bytes, entity tag \"one\"");
    let fetched = fetch(&files, &environment, &|| false).unwrap();
    assert_eq!(std::fs::read(fetched.paths().next().unwrap()).unwrap(), b"id\n1\n");

    set("/data/my%20rides.csv", b"id\n2\n", Some("\"two\""));
    let error = fetch(&files, &environment, &|| false).unwrap_err();
    assert!(matches!(error, RemoteError::Changed { .. }), "{error}");

    // A server that tells nothing about content: a change in size is seen, and nothing can be kept.
    let files = find(&format!("{base}/untold.csv"), &environment).unwrap();
    assert_eq!(files[0].identity(), None);
    set("/untold.csv", b"id\n3\n", None);
    let error = fetch(&files, &environment, &|| false).unwrap_err();
    assert!(matches!(error, RemoteError::Changed { .. }), "{error}");

    let error = find(&format!("{base}/no.csv"), &environment).unwrap_err();
    assert_eq!((error.kind(), error.hint()), (ErrorKind::NotFound, None), "{error}");
}

#[test]
fn nobody_answers() {
    let environment = Environment::default();
    let error = find("http://127.0.0.1:9/x.csv", &environment).unwrap_err();
    assert!(matches!(error, RemoteError::Unavailable { .. }), "{error:?}");
}
