//! Data that lies elsewhere, and data that is asked for.

#[path = "../../../query/tests/it/server.rs"]
mod postgres_server;
#[path = "../../../remote/tests/it/server.rs"]
mod store_server;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use self::postgres_server::{PASSWORD, Postgres};
use self::store_server::{Pages, S3, web};
use crate::scene::{Said, Scene, states};

const TRIPS: &str = "fare,company\n12.5,Acme\n7.25,\n0,Acme\n31,Blue\n";

/// A folder with a pipeline over a source.
fn scene(source: &str) -> Scene {
    let scene = Scene::empty();
    let nodes = "[nodes.statistics_gen]\n[nodes.schema_gen]\n";
    scene.write(
        "pipeline.toml",
        &format!("[pipeline]\nname = \"rides\"\n\n[nodes.example_gen]\n{source}\n\n{nodes}"),
    );
    scene
}

fn with(scene: &Scene, args: &[&str], variables: &[(&str, &str)]) -> Said {
    scene.said(scene.command(args).envs(variables.iter().copied()).output().unwrap())
}

/// Returns what would become of the first node.
fn explained(scene: &Scene, variables: &[(&str, &str)]) -> String {
    let said = with(scene, &["run", "--explain"], variables).expect_code(0).stdout;
    said.lines().find(|line| line.contains("example_gen")).unwrap().to_owned()
}

/// Runs the pipeline and returns the states of its nodes.
fn run(scene: &Scene, variables: &[(&str, &str)]) -> String {
    let said = with(scene, &["run", "--json", "--quiet"], variables).expect_code(0);
    states(&said.json()["run"]).join(", ")
}

#[test]
fn a_file_of_a_web_server_is_brought_here_only_when_it_changed() {
    let pages: Pages = Arc::new(Mutex::new(BTreeMap::new()));
    let set = |text: &str, tag: &str| {
        let page = (text.as_bytes().to_vec(), Some(format!("\"{tag}\"")));
        pages.lock().unwrap().insert("/trips.csv".to_owned(), page);
    };
    set(TRIPS, "one");
    let url = format!("http://127.0.0.1:{}/trips.csv", web(Arc::clone(&pages)));
    let scene = scene(&format!("source = {{ csv = \"{url}\" }}"));
    assert_eq!(run(&scene, &[]), "example_gen done, statistics_gen done, schema_gen done");
    assert_eq!(run(&scene, &[]), "example_gen cached, statistics_gen cached, schema_gen cached");
    set(&format!("{TRIPS}8,Acme\n"), "two");
    let said = explained(&scene, &[]);
    assert!(said.contains(&format!("file {url} changed")), "{said}");
    assert!(run(&scene, &[]).starts_with("example_gen done"));

    let stats = scene.cupola(&["stats", &url]).expect_code(0);
    assert!(
        stats.stdout.starts_with(&format!("{url}: 5 examples, 2 features")),
        "{}",
        stats.stdout
    );
    scene.write("schema.pbtxt", "feature { name: \"fare\" type: FLOAT float_domain { max: 20 } }\nfeature { name: \"company\" type: BYTES }");
    let args = ["validate", &url, "--schema", "schema.pbtxt", "--rows"];
    let rows = scene.cupola(&args).expect_code(1).stdout;
    assert!(rows.contains(&format!("{url}:5: fare: ")), "{rows}");

    // The format is told by what is there, and statistics are read from there too.
    scene.cupola(&["stats", &url, "-o", "stats.pb", "--quiet"]).expect_code(0);
    let put = |path: &str, bytes: Vec<u8>| {
        pages.lock().unwrap().insert(path.to_owned(), (bytes, Some("\"tag\"".to_owned())));
        url.replace("/trips.csv", path)
    };
    let kept = put("/stats.pb", std::fs::read(scene.path("stats.pb")).unwrap());
    let again = scene.cupola(&["stats", &kept]).expect_code(0).stdout;
    assert_eq!(again, stats.stdout.replace(&url, &kept));
    let broken = put("/broken.pb", b"no message".to_vec());
    let said = scene.cupola(&["stats", &broken]).expect_code(3).stderr;
    assert!(said.starts_with(&format!("error: {broken}: not statistics")), "{said}");
    let lines = put("/lines", b"{\"fare\": 1}\n".to_vec());
    let said = scene.cupola(&["stats", &lines, &url]).expect_code(2).stderr;
    assert_eq!(said, format!("error: {url}: found CSV, expected JSON Lines as {lines} is\n"));
}

#[test]
fn a_bucket_is_read_with_what_the_environment_says() {
    let test = "a_bucket_is_read_with_what_the_environment_says";
    let Some(server) = S3::start(test, &[]) else { return };
    server.put("/rides", b"");
    server.put("/rides/2024/a.csv", TRIPS.as_bytes());
    server.put("/rides/2024/b.csv", TRIPS.as_bytes());
    let variables = server.variables();
    let variables: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let scene = scene("source = { csv = \"s3://rides/2024/*.csv\" }");
    let stats = with(&scene, &["stats", "s3://rides/2024/*.csv"], &variables).expect_code(0);
    assert!(
        stats.stdout.starts_with("s3://rides/2024/*.csv: 8 examples, 2 features"),
        "{}",
        stats.stdout
    );
    assert!(run(&scene, &variables).starts_with("example_gen done"));
    assert!(run(&scene, &variables).starts_with("example_gen cached"));
    let gone = with(&scene, &["stats", "s3://nowhere/a.csv*"], &variables);
    assert_eq!(gone.stderr, "error: `s3://nowhere`: there is no such bucket\n");
    server.put("/rides/2024/c.csv", TRIPS.as_bytes());
    let said = explained(&scene, &variables);
    assert!(said.contains("file s3://rides/2024/c.csv is new"), "{said}");
    let nobody = with(
        &scene,
        &["check"],
        &[variables[0], variables[1], ("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")],
    );
    assert!(nobody.stderr.contains("there are no credentials for it"), "{}", nobody.stderr);
    for said in [stats.stderr, gone.stderr, nobody.stderr] {
        assert!(!said.contains("open-sesame"), "{said}");
    }
}

#[test]
fn a_query_over_files_is_checked_where_it_stands() {
    let source = "source.sql.tables = { trips = { csv = \"trips.csv\" } }\nsource.sql.query = \"\"\"\nSELECT company, max(fare) AS highest\nFROM trips GROUP BY compny\"\"\"";
    let scene = scene(source);
    scene.write("trips.csv", TRIPS);
    let said = scene.cupola(&["check"]).expect_code(2).stderr;
    assert_eq!(
        said,
        "error: pipeline.toml:8:21: there is no column `compny`\n    FROM trips GROUP BY compny\"\"\"\n                        \
         ^\n  hint: did you mean `company`?\n"
    );
    scene.replace("pipeline.toml", "compny", "company");
    assert_eq!(run(&scene, &[]), "example_gen done, statistics_gen done, schema_gen done");
    assert!(run(&scene, &[]).starts_with("example_gen cached"));
    scene.write("trips.csv", &TRIPS.replace("31", "32"));
    assert!(explained(&scene, &[]).contains("file trips.csv changed"));
}

#[test]
fn a_database_is_asked_each_time_and_what_follows_is_not_done_again() {
    let test = "a_database_is_asked_each_time_and_what_follows_is_not_done_again";
    let Some(server) = Postgres::start(test) else { return };
    server.execute(
        "CREATE TABLE trips AS SELECT n AS id, n / 4.0 AS fare FROM generate_series(1, 500) AS n",
    );
    let url = server.url(if server.certificate().is_some() {
        "sslmode=prefer"
    } else {
        "sslmode=disable"
    });
    let scene = scene(&format!(
        "source.postgres = {{ query = \"SELECT * FROM trips ORDER BY id\", url = \"{url}\" }}"
    ));
    let variables = [("PGPASSWORD", PASSWORD)];
    assert_eq!(run(&scene, &variables), "example_gen done, statistics_gen done, schema_gen done");
    let said = explained(&scene, &variables);
    assert!(said.contains("PostgreSQL is asked in every run"), "{said}");
    assert_eq!(
        run(&scene, &variables),
        "example_gen done, statistics_gen cached, schema_gen cached"
    );
    server.execute("UPDATE trips SET fare = 1000 WHERE id = 7");
    assert!(run(&scene, &variables).contains("statistics_gen done"));
    let refused = with(&scene, &["run", "--quiet"], &[("PGPASSWORD", "guess")]);
    assert!(refused.stderr.contains("password authentication failed"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("guess"), "{}", refused.stderr);
}
