//! An S3-compatible server, and the errors of one.

use base::{Classify, ErrorKind};
use remote::{Environment, RemoteError, fetch, find};

use crate::server::S3;

fn urls(url: &str, environment: &Environment) -> Vec<String> {
    match find(url, environment) {
        Ok(files) => files.iter().map(|file| file.url().to_owned()).collect(),
        Err(error) => {
            let said = [Some(error.to_string()), error.hint()];
            said.into_iter().flatten().collect()
        }
    }
}

#[test]
fn files_are_found_and_brought_here() {
    let Some(server) = S3::start("files_are_found_and_brought_here", &[]) else { return };
    let environment = Environment::new(server.variables());
    server.put("/rides", b"");
    server.put("/empty", b"");
    let large: Vec<u8> = (0..3_000_000_u32).flat_map(|i| i.to_le_bytes()).collect();
    for (name, content) in [
        ("data/b.csv", b"b".as_slice()),
        ("data/a.csv", b"a"),
        ("data/.hidden.csv", b"h"),
        ("data/_SUCCESS", b""),
        ("data/deep/c.csv", b"c"),
        ("data/d%5B1%5D.csv", b"d"),
        ("data/d1.csv", b"d1"),
        ("large.bin", &large),
    ] {
        server.put(&format!("/rides/{name}"), content);
    }

    let check =
        |url: &str, expected: &[&str]| assert_eq!(urls(url, &environment), expected, "{url}");
    check("s3://rides/data/a.csv", &["s3://rides/data/a.csv"]);
    check("s3://rides/data/[ab].csv", &["s3://rides/data/a.csv", "s3://rides/data/b.csv"]);
    check("s3://rides/data/d[1].csv", &["s3://rides/data/d[1].csv"]);
    check("s3://rides/*/?.csv", &["s3://rides/data/a.csv", "s3://rides/data/b.csv"]);
    check(
        "s3://rides/**/?.csv",
        &["s3://rides/data/a.csv", "s3://rides/data/b.csv", "s3://rides/data/deep/c.csv"],
    );
    let folder = [
        "s3://rides/data/a.csv",
        "s3://rides/data/b.csv",
        "s3://rides/data/d1.csv",
        "s3://rides/data/d[1].csv",
        "s3://rides/data/deep/c.csv",
    ];
    check("s3://rides/data", &folder);
    check("s3://rides/data/", &folder);
    check("s3://rides/data/deep", &["s3://rides/data/deep/c.csv"]);
    check(
        "s3://rides/data/z.csv",
        &["no file matches `s3://rides/data/z.csv`", "did you mean `a.csv`?"],
    );
    check(
        "s3://rides/date/a.csv",
        &["no file matches `s3://rides/date/a.csv`", "did you mean `data`?"],
    );
    check(
        "s3://rides/data/*.tsv",
        &[
            "no file matches `s3://rides/data/*.tsv`",
            "in s3://rides/data there is `.hidden.csv`, `_SUCCESS`, `a.csv`, `b.csv`, `d1.csv`, 2 more",
        ],
    );
    check("s3://empty/x", &["no file matches `s3://empty/x`", "there are no files in s3://empty"]);
    check("s3://nowhere/x*", &["`s3://nowhere`: there is no such bucket"]);

    let files = find("s3://rides", &environment).unwrap();
    assert_eq!(files.len(), 6);
    let fetched = fetch(&files, &environment, &|| false).unwrap();
    let contents: Vec<Vec<u8>> = fetched.paths().map(|path| std::fs::read(path).unwrap()).collect();
    assert_eq!(contents[..5], [b"a".to_vec(), b"b".into(), b"d1".into(), b"d".into(), b"c".into()]);
    assert!(contents[5] == large);
    let kept = fetched.paths().next().unwrap().to_path_buf();
    drop(fetched);
    assert!(!kept.exists());
    assert!(matches!(fetch(&files, &environment, &|| true), Err(RemoteError::Cancelled)));

    // The same content is the same, written again or not; another one is not, and is not read in its place.
    let a = || find("s3://rides/data/a.csv", &environment).unwrap().remove(0);
    let before = a();
    server.put("/rides/data/a.csv", b"a");
    assert_eq!(a().identity(), before.identity());
    assert!(fetch(std::slice::from_ref(&before), &environment, &|| false).is_ok());
    server.put("/rides/data/a.csv", b"A");
    assert_ne!(a().identity(), before.identity());
    let error = fetch(&[before], &environment, &|| false).unwrap_err();
    assert_eq!(error.to_string(), "`s3://rides/data/a.csv`: the file changed while it was read");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let listed = find("s3://rides/data/a*", &environment).unwrap().remove(0);
    assert_eq!(listed.identity(), a().identity());
}

#[test]
fn a_store_that_refuses_is_heard_and_no_secret_is_told() {
    let test = "a_store_that_refuses_is_heard_and_no_secret_is_told";
    let Some(server) = S3::start(test, &[("INITIAL_NO_AUTH_ACTION_COUNT", "0")]) else { return };
    let error = find("s3://rides/a.csv*", &Environment::new(server.variables())).unwrap_err();
    let said = format!("{error} {:?} {error:?}", error.hint());
    assert!(matches!(error, RemoteError::Refused { .. }), "{said}");
    assert!(said.contains("s3://rides/a.csv*") && said.contains("InvalidAccessKeyId"), "{said}");
    assert!(!said.contains("open-sesame"), "{said}");
}

#[test]
fn without_credentials_the_variables_are_named() {
    let variables = [
        ("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    let environment = Environment::new(variables.map(|(n, v)| (n.to_owned(), v.to_owned())));
    let error = find("s3://rides/a.csv", &environment).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`s3://rides/a.csv`: there are no credentials for it in the environment"
    );
    assert!(error.hint().unwrap().contains("AWS_ACCESS_KEY_ID"));
    assert_eq!(error.kind(), ErrorKind::Usage);
}
