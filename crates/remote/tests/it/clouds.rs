//! Google Cloud Storage and Azure, as far as prepared answers in the form of theirs go.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use remote::{Environment, RemoteError, fetch, find};

use crate::server::{Pages, web};

/// Starts a server with one file of a folder, as a store lists and gives it.
fn store(list: (&str, &str), path: &str) -> (Pages, u16) {
    let pages: Pages = Arc::new(Mutex::new(BTreeMap::new()));
    let set = |path: &str, content: &str| {
        let page = (content.as_bytes().to_vec(), Some("\"one\"".to_owned()));
        pages.lock().unwrap().insert(path.to_owned(), page);
    };
    set(list.0, list.1);
    set(path, "id\n1\n");
    let port = web(Arc::clone(&pages));
    (pages, port)
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::new(variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())))
}

/// Checks that the one file is found by its pattern, by its name and below its folder, and brought here.
fn check(base: &str, environment: &Environment) {
    let url = format!("{base}/data/a.csv");
    for name in [format!("{base}/data/*.csv"), url.clone(), format!("{base}/data")] {
        let files = find(&name, environment).unwrap();
        assert_eq!((files.len(), files[0].url()), (1, url.as_str()), "{name}");
        assert_eq!(files[0].identity().unwrap(), "5 bytes, entity tag \"one\"");
        let fetched = fetch(&files, environment, &|| false).unwrap();
        assert_eq!(std::fs::read(fetched.paths().next().unwrap()).unwrap(), b"id\n1\n");
    }
}

#[test]
fn google_cloud_storage() {
    let list = r#"<?xml version="1.0"?><ListBucketResult xmlns="http://doc.s3.amazonaws.com/2006-03-01">
        <Name>rides</Name><Prefix>data/</Prefix><Contents><Key>data/a.csv</Key><Size>5</Size>
        <LastModified>2024-01-31T12:30:00.000Z</LastModified><ETag>"one"</ETag></Contents></ListBucketResult>"#;
    let (pages, port) = store(("/rides?list-type=2&prefix=data%2F", list), "/rides/data%2Fa%2Ecsv");
    let base = format!("http://127.0.0.1:{port}");
    let variables = [
        ("GOOGLE_BASE_URL", base.as_str()),
        ("GOOGLE_SKIP_SIGNATURE", "true"),
        ("GOOGLE_ALLOW_HTTP", "true"),
    ];
    let environment = environment(&variables);
    check("gs://rides", &environment);
    let files = find("gs://rides/data/a.csv", &environment).unwrap();
    let other = (b"id\n2\n".to_vec(), Some("\"two\"".to_owned()));
    pages.lock().unwrap().insert("/rides/data%2Fa%2Ecsv".to_owned(), other);
    let error = fetch(&files, &environment, &|| false).unwrap_err();
    assert!(matches!(error, RemoteError::Changed { .. }), "{error}");
}

#[test]
fn azure_blob_storage() {
    let list = r#"<?xml version="1.0"?><EnumerationResults ContainerName="rides"><Prefix>data/</Prefix><Blobs><Blob>
        <Name>data/a.csv</Name><Properties><Last-Modified>Wed, 31 Jan 2024 12:30:00 GMT</Last-Modified>
        <Content-Length>5</Content-Length><Content-Type>text/csv</Content-Type><Etag>one</Etag></Properties>
        </Blob></Blobs><NextMarker/></EnumerationResults>"#;
    let list = ("/rides?restype=container&comp=list&prefix=data%2F", list);
    let (_, port) = store(list, "/rides/data/a.csv");
    let endpoint = format!("http://127.0.0.1:{port}");
    let variables = [
        ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
        ("AZURE_STORAGE_ENDPOINT", endpoint.as_str()),
        ("AZURE_SKIP_SIGNATURE", "true"),
        ("AZURE_ALLOW_HTTP", "true"),
    ];
    check("az://rides", &environment(&variables));
    let error =
        find("az://rides/x", &environment(&[("AZURE_SKIP_SIGNATURE", "true")])).unwrap_err();
    assert!(error.to_string().contains("Account must be specified"), "{error}");
}
