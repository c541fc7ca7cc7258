//! Rows of queries.

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base::{Classify, ErrorKind};
use ingest::{Config, PostgresSource, SourceConfig};
use std::fs;
use std::sync::Arc;

use crate::scene::Scene;

fn scene() -> Scene {
    let rides = b"id,zone,fare\n1,a,4.5\n2,b,\n3,a,0.5\n4,c,7\n".as_slice();
    let scene =
        Scene::with(&[("rides-1.csv", rides), ("rides-2.csv", b"id,zone,fare\n5,b,x9\n6,a,1\n")]);
    let zone: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
    let rank: ArrayRef = Arc::new(Int32Array::from(vec![3, 1, 2]));
    let zones = RecordBatch::try_from_iter([("zone", zone), ("rank", rank)]).unwrap();
    scene.write_parquet("zones.parquet", &zones);
    scene
}

/// Returns a configuration with all rows in one split.
fn sql(query: &str, rides: &str) -> Config {
    let json = serde_json::json!({
        "source": { "sql": {
            "query": query,
            "tables": { "rides": { "csv": rides }, "zones": { "parquet": "zones.parquet" } },
        } },
        "splits": { "all": 1 },
    });
    serde_json::from_value(json).unwrap()
}

fn rows(scene: &Scene, split: &str) -> Vec<String> {
    let batch = scene.split(split);
    let format = FormatOptions::new().with_null("null");
    let columns: Vec<_> =
        batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &format).unwrap()).collect();
    let row = |row| columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>().join(" ");
    (0..batch.num_rows()).map(row).collect()
}

#[test]
fn a_query_keeps_the_texts_of_one_language() {
    let scene = Scene::with(&[]);
    fs::create_dir(scene.path("pages")).unwrap();
    let english = "Every node is run when all of its inputs are there, and not before.";
    let german = "Jeder Knoten läuft, sobald alle seine Eingaben da sind, und nicht früher.";
    for (name, text) in [("a.md", english), ("b.md", german), ("c.md", "")] {
        fs::write(scene.path("pages").join(name), text).unwrap();
    }
    let config = |query: &str, files: &str| -> Config {
        let tables = serde_json::json!({ "pages": { "text": files } });
        let source = serde_json::json!({ "sql": { "query": query, "tables": tables } });
        serde_json::from_value(serde_json::json!({ "source": source, "splits": { "all": 1 } }))
            .unwrap()
    };
    let query = "SELECT folder, name, language FROM pages WHERE language = 'deu'";
    scene.run(&config(query, "pages/*.md")).unwrap();
    assert_eq!(rows(&scene, "all"), ["pages b.md deu"]);
    scene.run(&config("SELECT name, language FROM pages ORDER BY name", "pages/*.md")).unwrap();
    assert_eq!(rows(&scene, "all"), ["a.md eng", "b.md deu", "c.md null"]);
    let error = scene.said(scene.run(&config(query, "s3://pages/*.md")).unwrap_err());
    assert!(error.contains("texts are read from files here, not from elsewhere"), "{error}");
}

#[test]
fn a_query_over_files_of_several_formats_gives_examples() {
    let scene = scene();
    let query = "SELECT id, fare, rank FROM rides JOIN zones ON rides.zone = zones.zone ORDER BY rank DESC, id";
    let config = sql(query, "rides-1.csv");
    let features = scene.infer(&config, None).unwrap();
    let shown: Vec<_> =
        features.iter().map(|f| format!("{} {:?}", f.name, f.feature_type)).collect();
    assert_eq!(shown, ["id Some(Int)", "fare Some(Float)", "rank Some(Int)"]);
    let outcome = scene.run(&config).unwrap();
    assert_eq!(outcome.splits, [("all".to_owned(), 4)]);
    assert_eq!(rows(&scene, "all"), ["1 4.5 3", "3 0.5 3", "4 7.0 2", "2 null 1"]);
    let one = scene.written();
    scene.run_on(&config, 1).unwrap();
    assert!(one == scene.written());

    // The types of a table are those of all its files: one text makes a column text.
    let query = "SELECT zone, max(fare) AS highest, count(*) AS n FROM rides GROUP BY zone";
    scene.run(&sql(query, "rides-*.csv")).unwrap();
    assert_eq!(rows(&scene, "all"), ["a 4.5 3", "b x9 2", "c 7 1"]);

    // Splits are those of the rows that come out.
    let mut config = sql("SELECT * FROM rides", "rides-*.csv");
    config.splits = Some(
        [("train", 2), ("eval", 1)].map(|(n, s)| (n.to_owned(), s.try_into().unwrap())).into(),
    );
    config.partition_feature = Some("zone".to_owned());
    let by_query = scene.run(&config).unwrap();
    config.source = SourceConfig::Csv("rides-*.csv".into());
    assert_eq!(by_query.splits, scene.run(&config).unwrap().splits);
}

#[test]
fn mistakes_are_found_before_anything_runs() {
    let scene = scene();
    assert_eq!(
        scene.error(&sql("SELECT fair FROM rides", "rides-1.csv")),
        "the query, line 1, column 8: there is no column `fair`\n    SELECT fair FROM rides\n           ^\nhint: did you mean `fare`?"
    );
    assert_eq!(
        scene.error(&sql("SELECT 1 AS x FROM rides", "ride.csv")),
        "table `rides`: no file matches `ride.csv` in DIR\nhint: did you mean `rides-1.csv`?"
    );
    let twice = scene.error(&sql("SELECT rides.zone, zones.zone FROM rides, zones", "rides-1.csv"));
    assert!(twice.starts_with("column `zone` stands twice in the result"), "{twice}");
    // Where only the beginning was read, a type may still be another one.
    let config = sql("SELECT fare * 2 AS double FROM rides", "rides-*.csv");
    assert_eq!(scene.infer(&config, Some(1)).unwrap(), []);
    let error = scene.infer(&sql("SELECT fair FROM rides", "rides-*.csv"), Some(1)).unwrap_err();
    assert_eq!(
        (error.key().as_str(), error.mistake().unwrap().message.as_str()),
        ("source.sql.query", "there is no column `fair`")
    );
    let error = scene.run(&sql("SELECT id FROM rides WHERE id > 99", "rides-1.csv")).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string()),
        (ErrorKind::Data, "the query gives no rows, expected at least one".to_owned())
    );
    let error =
        scene.run(&sql("SELECT CAST(zone AS INT) AS x FROM rides", "rides-1.csv")).unwrap_err();
    assert!(error.to_string().starts_with("the query stopped: "), "{error}");
    let bad = Scene::with(&[("rides-1.csv", b"id\n1\n1,2\n")]);
    let config = serde_json::json!({ "source": { "sql": { "query": "SELECT * FROM t", "tables": { "t": { "csv": "rides-1.csv" } } } } });
    let error = bad.error(&serde_json::from_value(config).unwrap());
    assert!(error.starts_with("table `t`: rides-1.csv:3: found 2 cells, expected 1"), "{error}");
}

#[test]
fn a_database_that_is_not_there_is_named() {
    let scene = Scene::with(&[]);
    let (query, url) = ("SELECT 1 AS x".to_owned(), "postgres://me@127.0.0.1:9/d".to_owned());
    let config = Config::new(SourceConfig::Postgres(PostgresSource { query, url }));
    assert_eq!(config.source.database(), Some("PostgreSQL"));
    let said = scene.error(&config);
    assert!(said.starts_with("cannot talk to 127.0.0.1:9: "), "{said}");
}
