//! `cupola predict`: from any format to any format, to one file or to a folder that is finished later.

use std::collections::BTreeMap;
use std::fs;

use crate::scene::Scene;

/// Returns a folder with a pushed model, and the rows of its examples as JSON Lines.
fn pushed() -> Scene {
    let scene = Scene::taxi();
    scene.run_json(&[], 0);
    scene
}

fn content(scene: &Scene, dir: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(scene.path(dir)).unwrap().map(|entry| entry.unwrap());
    let named = entries.map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    });
    named.collect()
}

#[test]
fn every_format_gives_the_predictions_of_every_other() {
    let scene = pushed();
    let predict = |more: &[&str]| {
        let args = [["predict", "--model", "serving"].as_slice(), more].concat();
        scene.cupola(&args).expect_code(0)
    };
    let csv = predict(&["--input", "data/trips.csv"]).stdout;
    assert_eq!(csv.lines().count(), 1501);

    // Through a file of each format, and from there to text with what was kept.
    for (file, kept) in [("all.jsonl", "trip_start_timestamp"), ("all.csv", "trip_start_timestamp")]
    {
        predict(&["--input", "data/trips.csv", "--keep-all", "--output", file, "--quiet"]);
        let again =
            predict(&["--input", file, "--keep", kept, "--format", "jsonl", "--threads", "1"]);
        let rows: Vec<serde_json::Value> =
            again.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rows.len(), 1500);
        for (row, line) in rows.iter().zip(csv.lines().skip(1)) {
            let shown = format!("{},{}", row["prediction"], row["logit"]);
            let numbers = |text: &str| -> Vec<f32> {
                text.split(',').map(|number| number.parse().unwrap()).collect()
            };
            assert_eq!(numbers(&shown), numbers(line), "{file}");
            assert!(row.get(kept).is_some());
        }
    }
}

#[test]
fn a_folder_is_gone_on_with() {
    let scene = pushed();
    let args = ["predict", "--model", "serving", "--input", "data/trips.csv", "--output", "out/"];
    let said = scene.cupola(&args).expect_code(0);
    assert_eq!(said.stderr, "1500 rows predicted; 1 shards in out/\n");
    let whole = content(&scene, "out");
    assert_eq!(
        whole.keys().collect::<Vec<_>>(),
        ["inference.json", "predictions-00000-of-00001.parquet"]
    );
    let said = scene.cupola(&args).expect_code(0);
    assert_eq!(said.stderr, "0 rows predicted; 1 shards in out/, 1 were there already\n");
    fs::remove_file(scene.path("out/predictions-00000-of-00001.parquet")).unwrap();
    let said = scene.cupola(&[&args[..], &["--json"]].concat()).expect_code(0).json();
    let said = &said["predicted"];
    assert_eq!((said["rows"].as_u64(), said["shards_kept"].as_u64()), (Some(1500), Some(0)));
    assert!(content(&scene, "out") == whole);

    let said = scene.cupola(&[&args[..], &["--format", "csv"]].concat()).expect_code(3);
    assert_eq!(
        said.stderr,
        "error: out/: holds other predictions: the format is parquet, this time csv\n  \
         hint: choose another folder; `--overwrite` removes what is there\n"
    );
    scene.cupola(&[&args[..], &["--format", "csv", "--overwrite"]].concat()).expect_code(0);
    let names: Vec<_> = content(&scene, "out").into_keys().collect();
    assert_eq!(names, ["inference.json", "predictions-00000-of-00001.csv"]);
}

#[test]
fn what_cannot_be_predicted_is_said() {
    let scene = pushed();
    scene.write("few.csv", "fare,company\n1,x\n");
    let said = scene
        .cupola(&["predict", "--model", "serving", "--input", "few.csv", "--output", "x.parquet"])
        .expect_code(3);
    assert!(
        said.stderr
            .starts_with("error: few.csv: column `payment_type` is missing, the model needs")
            || said.stderr.starts_with("error: few.csv: column `trip_miles` is missing"),
        "{}",
        said.stderr
    );
    let args = ["predict", "--model", "serving", "--input", "data/trips.csv"];
    let said = scene.cupola(&[&args[..], &["--keep", "faer"]].concat()).expect_code(2);
    assert!(said.stderr.contains("column `faer` is to be kept but not there"), "{}", said.stderr);
    // A row that cannot be read is no row less: the work ends, and there is no half file.
    let text = fs::read_to_string(scene.path("data/trips.csv")).unwrap();
    scene.write("bad.csv", &text.replacen("Cash", "Cash,surplus", 1));
    let said = scene
        .cupola(&["predict", "--model", "serving", "--input", "bad.csv", "-o", "p.csv"])
        .expect_code(3);
    assert!(said.stderr.contains("bad.csv:"), "{}", said.stderr);
    assert!(!scene.path("p.csv").exists());
}
