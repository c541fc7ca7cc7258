//! Bad input: one clear message, the right exit code, nothing lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use dataset::ShardWriter;
use insta::assert_snapshot;

use crate::scene::{PIPELINE, Scene};

const HEADER: &str = "trip_miles,fare,payment_type,company,tips";

/// Runs the pipeline over one data file and returns what a person sees.
fn run(csv: impl AsRef<[u8]>, code: i32) -> String {
    let scene = Scene::with_data(csv);
    scene.cupola(&["run", "--quiet"]).expect_code(code).stderr
}

#[test]
fn no_such_file() {
    let scene = Scene::empty();
    scene.write("pipeline.toml", PIPELINE);
    assert_snapshot!(scene.cupola(&["run"]).expect_code(2).stderr, @r"
        error: pipeline.toml:6:1: no file matches `data/*.csv` in .
          hint: there is no folder ./data
        ");
}

#[test]
fn no_such_pipeline() {
    let scene = Scene::empty();
    scene.write("pipelines.toml", PIPELINE);
    assert_snapshot!(scene.cupola(&["run"]).expect_code(2).stderr, @r"
        error: no pipeline file pipeline.toml
          hint: did you mean `pipelines.toml`?
        ");
}

#[test]
fn an_empty_file() {
    assert_snapshot!(run("", 2), @r"error: pipeline.toml:6:1: data/trips.csv: the file is empty, expected a header with column names");
}

#[test]
fn a_header_and_nothing_else() {
    assert_snapshot!(run(format!("{HEADER}\n"), 2), @r"error: pipeline.toml:6:1: data/trips.csv: no rows found, expected at least one");
}

#[test]
fn a_ragged_row() {
    assert_snapshot!(run(format!("{HEADER}\n1,2,Cash,Acme,0\n1,2,Cash\n"), 2), @r"
        error: pipeline.toml:6:1: data/trips.csv:3: found 3 cells, expected 5 (1 of 2 rows rejected, the limit is 0)
          hint: `max_rejected_rows = 1` sets such rows aside in `rejected.csv`
        ");
}

#[test]
fn bytes_that_are_not_utf8() {
    let mut csv = format!("{HEADER}\n1,2,Cash,").into_bytes();
    csv.extend_from_slice(b"\xff\xfe,0\n");
    assert_snapshot!(run(csv, 2), @r"
        error: pipeline.toml:6:1: data/trips.csv:2: column `company`: not UTF-8 (1 of 1 rows rejected, the limit is 0)
          hint: convert the file to UTF-8, for example with `iconv -t UTF-8`
        ");
}

#[test]
fn a_column_twice() {
    assert_snapshot!(run("trip_miles,fare,fare,company,tips\n1,2,3,Acme,0\n", 2), @r"error: pipeline.toml:6:1: data/trips.csv:1: column `fare`: stands twice in the header, as columns 2 and 3");
}

#[test]
fn a_later_shard_turns_numbers_into_text() {
    let scene = Scene::with_data(format!("{HEADER}\n1,2,Cash,Acme,0\n"));
    scene.write("data/trips2.csv", &format!("{HEADER}\nfar,2,Cash,Acme,0\n"));
    assert_snapshot!(scene.cupola(&["run", "--quiet"]).expect_code(2).stderr, @r#"
        error: pipeline.toml:15:32: argument `x` of `scale_to_z_score`: found string, expected int or float
            trip_miles = "scale_to_z_score(fill_missing(trip_miles, 0.0))"
                                           ^
          hint: `trip_miles` reads as numbers up to data/trips2.csv:2, which holds "far"; `cast(trip_miles AS float)` makes missing values of such cells
        error: pipeline.toml:15:57: argument `value` of `fill_missing`: found float, expected string, as argument `x` is
            trip_miles = "scale_to_z_score(fill_missing(trip_miles, 0.0))"
                                                                    ^
          hint: `trip_miles` reads as numbers up to data/trips2.csv:2, which holds "far"; `cast(trip_miles AS float)` makes missing values of such cells
        "#);
}

#[test]
fn a_root_that_cannot_be_written() {
    let scene = Scene::taxi();
    scene.write("file", "not a folder");
    let said = scene.cupola(&["run", "--quiet", "--root", "file"]).expect_code(3);
    assert_snapshot!(said.stderr, @r"error: cannot create [DIR]/file: File exists (os error 17)");
}

#[test]
fn corrupt_parquet() {
    let scene = Scene::with_data("");
    fs::write(scene.path("data/trips.parquet"), b"PAR1 this is not Parquet at all PAR1").unwrap();
    scene.replace("pipeline.toml", "csv = \"data/*.csv\"", "parquet = \"data/*.parquet\"");
    assert_snapshot!(scene.cupola(&["run", "--quiet"]).expect_code(2).stderr, @r"error: pipeline.toml:6:1: data/trips.parquet: not a whole Parquet file of 36 bytes: the length at byte 28 says that the footer has 543976545 bytes, expected at most 24");
}

/// Returns the folders of splits anywhere below a folder.
fn split_folders(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.extend(name.starts_with("Split-").then(|| path.clone()));
            split_folders(&path, found);
        }
    }
}

#[test]
fn nothing_is_left_of_data_that_turns_out_damaged() {
    let scene = Scene::with_data("");
    let numbers: ArrayRef =
        Arc::new(Int64Array::from_iter_values((0..200_000).map(|n| n * 7919 % 10_007)));
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let mut writer = ShardWriter::create(&scene.path("data"), "n", batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    let shard = writer.close().unwrap().remove(0);
    let mut bytes = fs::read(&shard).unwrap();
    let length = bytes.len();
    // The heads of some pages are in there.
    bytes[length / 3..length * 2 / 3].fill(0xff);
    fs::write(&shard, bytes).unwrap();
    scene.write(
        "pipeline.toml",
        "[pipeline]\nname = \"numbers\"\n\n[nodes.example_gen]\nsource = { parquet = \"data/n*.parquet\" }\n",
    );
    let said = scene.cupola(&["run", "--quiet"]).expect_code(3).stderr;
    let place = "data/n-00000-of-00001.parquet: the values from row ";
    assert!(said.contains(place) && said.contains(" on cannot be decoded: "), "{said}");
    let mut left = Vec::new();
    split_folders(&scene.path(".cupola"), &mut left);
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_store_that_is_no_database() {
    let scene = Scene::taxi();
    fs::create_dir(scene.path(".cupola")).unwrap();
    scene.write(".cupola/metadata.sqlite", &"this is not a database ".repeat(100));
    let said = scene.cupola(&["run", "--quiet"]).expect_code(3);
    assert_snapshot!(said.stderr, @r"
        error: [DIR]/.cupola/metadata.sqlite: not a database, expected SQLite with ML Metadata's tables
          hint: the file was not changed; move it away, or choose another place with `--root DIR`
        ");
    assert_eq!(
        fs::read_to_string(scene.path(".cupola/metadata.sqlite")).unwrap(),
        "this is not a database ".repeat(100)
    );
}

#[test]
fn every_mistake_of_a_pipeline_is_reported_at_once() {
    let scene = Scene::taxi();
    scene.replace("pipeline.toml", "[nodes.schema_gen]", "[nodes.schema_gen]\ninfer_shape = true");
    scene.replace("pipeline.toml", "num_steps = 300", "num_steps = \"many\"");
    scene.replace("pipeline.toml", "ln(fare + 1.0)", "lnn(fare + 1.0)");
    scene.replace("pipeline.toml", "company, 'none'", "compny, 'none'");
    scene.replace("pipeline.toml", "label = \"big_tipper\"", "label = \"big_tiper\"");
    scene.replace("pipeline.toml", "metric = \"auc\"", "metric = \"auk\"");
    scene.write(
        "pipeline.toml",
        &format!("{}\n[nodes.pushr]\n", fs::read_to_string(scene.path("pipeline.toml")).unwrap()),
    );
    let said = scene.cupola(&["check"]).expect_code(2);
    assert_snapshot!(said.stderr, @r#"
        error: pipeline.toml:10:1: unknown key `nodes.schema_gen.infer_shape`
          hint: did you mean `infer_feature_shape`?
        error: pipeline.toml:17:26: there is no function `lnn`
            fare = "scale_to_z_score(lnn(fare + 1.0))"
                                     ^
          hint: did you mean `ln`?
        error: pipeline.toml:19:36: there is no column, helper or feature `compny`
            company = "vocabulary(fill_missing(compny, 'none'), top_k => 50, num_oov_buckets => 5)"
                                               ^
          hint: did you mean `company`?
        error: pipeline.toml:23:37: no transformed feature `big_tiper`, expected one of `trip_miles`, `fare`, `payment_type`, `company`, `big_tipper`
          hint: did you mean `big_tipper`?
        error: pipeline.toml:24:13: `nodes.trainer.num_steps`: expected a whole number of at least 1, found the string "many"
        error: pipeline.toml:30:10: no metric `auk`, expected one of `example_count`, `weighted_example_count`, `auc`, `auc_precision_recall`, `auc_minoring`, `auc_majoring` or 77 others
          hint: did you mean `auc`?
        error: pipeline.toml:37:8: node `pushr`: there is no component `Pushr`
          hint: did you mean `[nodes.pusher]`?
        "#);
    // Nothing ran.
    assert!(!scene.path(".cupola").exists());
    assert_eq!(scene.cupola(&["run"]).expect_code(2).stderr, said.stderr);
}

#[test]
fn a_root_elsewhere_is_pointed_out() {
    let scene = Scene::empty();
    assert_snapshot!(scene.cupola(&["runs", "list"]).expect_code(3).stderr, @r"
        error: no `.cupola` folder in [DIR] or above it
          hint: name it with `--root DIR`; `cupola run PIPELINE` makes one beside the pipeline file
        ");
    fs::create_dir_all(scene.path("mine/taxi/.cupola")).unwrap();
    scene.write("mine/taxi/.cupola/metadata.sqlite", "");
    assert_snapshot!(scene.cupola(&["runs", "list"]).expect_code(3).stderr, @r"
        error: no `.cupola` folder in [DIR] or above it
          hint: there is one below: `--root mine/taxi/.cupola`
        ");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let scene = Scene::taxi();
    let shell = format!("{} schema pipeline | head -n 1", env!("CARGO_BIN_EXE_cupola"));
    let output =
        Command::new("sh").args(["-c", &shell]).current_dir(scene.path("")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\n");
}
