//! `stats`, `schema` and `validate` on files, with no pipeline at all.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, Int64Array, Int64Builder, ListBuilder, RecordBatch, StringArray,
};
use dataset::{
    ExampleEncoder, MissingFeature, Payload, ROW_GROUP_ROWS, ShardWriter, TfExampleError,
    TfRecordShardWriter,
};
use flate2::write::GzEncoder;
use formats::tfrecord::Compression;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::scene::Scene;

const TRIPS: &str = "\
fare,seconds,paid,company
12.5,300,Cash,Acme
7.25,,Card,
0,60,Cash,\"Blue, \"\"Inc\"\"
and sons\"
31,900,Cash,Acme
";

const SCHEMA: &str = r#"
default_environment: "TRAINING"
default_environment: "SERVING"
feature { name: "fare" type: FLOAT presence { min_fraction: 1 } shape {} float_domain { max: 100 } }
feature { name: "seconds" type: INT int_domain { min: 1 } }
feature { name: "paid" type: BYTES string_domain { value: "Cash" value: "Card" } presence { min_fraction: 1 }
          not_in_environment: "SERVING" drift_comparator { infinity_norm { threshold: 0.3 } } }
feature { name: "company" type: BYTES }
"#;

/// A folder with `trips.csv` and `schema.pbtxt`, which it fits.
fn scene() -> Scene {
    let scene = Scene::empty();
    scene.write("trips.csv", TRIPS);
    scene.write("schema.pbtxt", SCHEMA);
    scene
}

fn stdout(scene: &Scene, args: &[&str], code: i32) -> String {
    scene.cupola(args).expect_code(code).stdout
}

fn stderr(scene: &Scene, args: &[&str], code: i32) -> String {
    scene.cupola(args).expect_code(code).stderr
}

#[test]
fn statistics_of_a_file_are_two_small_tables() {
    let said = scene().cupola(&["stats", "trips.csv"]).expect_code(0);
    assert_eq!(said.stderr, "");
    assert_snapshot!(said.stdout, @r#"
        trips.csv: 4 examples, 4 features

        FEATURE  TYPE   MISSING   ZEROS   MEAN  STD DEV  MIN  MEDIAN  MAX  DISTRIBUTION
        fare     FLOAT      0 %  25.0 %  12.69    11.47    0    12.5   31  █▁█▁█▁▁▁▁█
        seconds  INT     25.0 %     0 %    420    353.3   60     300  900  █▁█▁▁▁▁▁▁█

        FEATURE  TYPE    MISSING  UNIQUE  LENGTH  MOST FREQUENT          DISTRIBUTION
        paid     STRING      0 %       2       4  "Cash"         75.0 %  █▃
        company  STRING   25.0 %       2   9.333  "Acme"         66.7 %  █▄
        "#);
}

#[test]
fn many_files_are_one_dataset() {
    let scene = scene();
    scene.write("trips2.csv", TRIPS);
    let named = stdout(&scene, &["stats", "trips.csv", "trips2.csv"], 0);
    assert!(named.starts_with("trips.csv and 1 more: 8 examples, 4 features\n"), "{named}");
    let matched = stdout(&scene, &["stats", "trips*.csv"], 0);
    assert!(matched.starts_with("trips*.csv: 8 examples, 4 features\n"), "{matched}");
    assert_eq!(matched.split_once('\n').unwrap().1, named.split_once('\n').unwrap().1);
}

#[test]
fn json_has_every_number_and_the_histograms() {
    let json = scene().cupola(&["stats", "trips.csv", "--json"]).expect_code(0).json();
    assert_eq!((&json["version"], &json["kind"]), (&json!(1), &json!("statistics")));
    let dataset = &json["statistics"]["datasets"][0];
    assert_eq!((&dataset["name"], &dataset["num_examples"]), (&json!("trips.csv"), &json!(4)));
    let fare = &dataset["features"][0];
    assert_eq!(
        (&fare["name"], &fare["max"], &fare["num_zeros"]),
        (&json!("fare"), &json!(31.0), &json!(1))
    );
    assert_eq!(fare["histograms"][0]["buckets"].as_array().unwrap().len(), 10);
    assert_eq!(
        dataset["features"][2]["top_values"][0],
        json!({ "value": "Cash", "frequency": 3.0 })
    );
}

#[test]
fn statistics_can_be_kept_and_looked_at_again() {
    let scene = scene();
    let said = scene.cupola(&["stats", "trips.csv", "-o", "FeatureStats.pb"]).expect_code(0);
    assert_eq!(said.stderr, "wrote FeatureStats.pb\n");
    let again = stdout(&scene, &["stats", "FeatureStats.pb"], 0);
    assert_eq!(again, said.stdout.replace("trips.csv:", "FeatureStats.pb:"));
    stdout(&scene, &["validate", "FeatureStats.pb", "--schema", "schema.pbtxt"], 0);
    assert_snapshot!(
        stderr(&scene, &["validate", "FeatureStats.pb", "--schema", "schema.pbtxt", "--rows"], 2),
        @r"error: FeatureStats.pb: statistics have no rows, expected files of data for `--rows`"
    );
    scene.write("broken.pb", "this is no message");
    assert_snapshot!(stderr(&scene, &["stats", "broken.pb"], 3), @r"error: broken.pb: not statistics, expected a DatasetFeatureStatisticsList in binary form");
}

/// Returns the data that the script of a page reads.
fn data_of(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn a_page_has_two_datasets_their_distances_and_anomalies() {
    let scene = scene();
    scene.write("new.csv", &TRIPS.replace("Cash", "Coins").replace("31,", "310,"));
    let args = ["stats", "new.csv", "--against", "trips.csv", "--schema", "schema.pbtxt"];
    let args = [args.as_slice(), &["--html", "report.html"]].concat();
    let said = scene.cupola(&args).expect_code(0);
    assert_eq!(said.stderr, "wrote report.html\n");
    assert!(said.stdout.contains("3 errors, against schema.pbtxt"), "{}", said.stdout);
    assert!(
        said.stdout.contains("trips.csv: 4 examples -> new.csv: 4 examples"),
        "{}",
        said.stdout
    );

    let page = fs::read_to_string(scene.path("report.html")).unwrap();
    let data = data_of(&page);
    let names: Vec<_> =
        data["datasets"].as_array().unwrap().iter().map(|d| d["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["new.csv", "trips.csv"]);
    let paid = &data["features"][2];
    assert_eq!(paid["top"][0], json!(["Coins", 3, null]));
    // The schema has a limit for one of the distances.
    let limit = |index: usize| paid["distances"][index]["threshold"].clone();
    assert_eq!((limit(0), limit(1)), (json!(0.3), Value::Null));
    assert_eq!(paid["anomalies"].as_array().unwrap().len(), 2);
    assert_eq!(data["anomalies"].as_array().unwrap().len(), 3);
}

/// Returns what a browser makes of a page after some clicks; nothing where there is no browser.
fn dom_after(scene: &Scene, clicks: &str) -> Option<String> {
    let browsers = ["chromium", "chromium-browser", "google-chrome"];
    let is_there = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
    let Some(browser) = browsers.iter().find(is_there) else {
        println!("SKIPPED what a page does in a browser: there is no chromium");
        return None;
    };
    let clicks = format!(
        "<script>{clicks}; addEventListener('load', () => document.body.append('all is well'));</script></body>"
    );
    scene.replace("report.html", "</body>", &clicks);
    let page = format!("file://{}", scene.path("report.html").display());
    let profile = format!("--user-data-dir={}", scene.path("profile").display());
    let flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-sync --dump-dom \
        --disable-background-networking --disable-component-update --window-size=1400,1600";
    let mut command = Command::new(browser);
    command.args(flags.split_whitespace()).arg(profile).arg(page);
    let dom = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(dom.contains("all is well"), "{dom}");
    Some(dom)
}

#[test]
fn a_page_works_in_a_browser() {
    let scene = scene();
    scene.write("new.csv", &TRIPS.replace("Cash", "<b>Coins</b>"));
    let args = ["stats", "new.csv", "--against", "trips.csv", "--schema", "schema.pbtxt"];
    let args = [args.as_slice(), &["--html", "report.html", "--quiet"]].concat();
    scene.cupola(&args).expect_code(0);
    // What a person might click on: details, the other scale, an order.
    let clicks = "\
        document.querySelectorAll('.name').forEach(name => name.click());\
        document.querySelector('button[value=log]').click();\
        document.querySelector('thead button').click();\
        document.querySelector('thead button').click()";
    let Some(dom) = dom_after(&scene, clicks) else { return };
    assert_eq!(dom.matches("<tbody id=\"feature-").count(), 4, "{dom}");
    assert_eq!(dom.matches("class=\"details\"").count(), 4, "{dom}");
    assert!(dom.matches("<svg").count() >= 4, "{dom}");
    assert!(dom.contains("&lt;b&gt;Coins&lt;/b&gt;") && !dom.contains("<b>Coins"), "{dom}");
    assert!(dom.contains("Unexpected string values"), "{dom}");
    assert!(!dom.contains("<select"), "{dom}");
}

#[test]
fn a_page_has_slices_to_pick_beside_all_examples() {
    let scene = scene();
    let query = "SELECT STRUCT(paid) FROM example.paid";
    let args = ["stats", "trips.csv", "--slice-sql", query, "--html", "report.html", "--quiet"];
    scene.cupola(&args).expect_code(0);
    let data = data_of(&fs::read_to_string(scene.path("report.html")).unwrap());
    let slices = data["slices"].as_array().unwrap();
    let titles: Vec<_> = slices.iter().map(|slice| slice["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["paid_Card", "paid_Cash"]);
    let examples = |dataset: usize| slices[1]["datasets"][dataset]["examples"].as_u64();
    assert_eq!((examples(0), examples(1)), (Some(3), Some(4)));
    assert!(!slices[1]["features"][0]["distances"].as_array().unwrap().is_empty());

    let clicks = "\
        const slices = document.querySelector('select');\
        slices.value = 1;\
        slices.dispatchEvent(new Event('change'));\
        document.querySelector('.name').click()";
    let Some(dom) = dom_after(&scene, clicks) else { return };
    let cards = dom.split_once("class=\"cards\"").unwrap().1;
    let cards = cards.split_once("class=\"tools\"").unwrap().0;
    assert!(cards.contains("paid_Cash") && cards.contains("3 examples"), "{cards}");
    assert!(cards.contains("all examples") && cards.contains("4 examples"), "{cards}");
    assert_eq!(dom.matches("class=\"cards\"").count(), 1, "{dom}");
    assert_eq!(dom.matches("class=\"details\"").count(), 1, "{dom}");
}

#[test]
fn a_schema_is_printed_or_written_but_never_over_another() {
    let scene = scene();
    let printed = stdout(&scene, &["schema", "infer", "trips.csv"], 0);
    assert!(printed.starts_with("feature {\n  name: \"fare\"\n  type: FLOAT\n"), "{printed}");
    let said = scene.cupola(&["schema", "infer", "trips.csv", "-o", "new.pbtxt"]).expect_code(0);
    assert_eq!(said.stderr, "wrote new.pbtxt\n");
    assert_snapshot!(said.stdout, @r#"
        FEATURE  TYPE   PRESENCE  VALUES  DOMAIN
        fare     FLOAT  required  1
        seconds  INT    optional  1
        paid     BYTES  required  1       "Card", "Cash"
        company  BYTES  optional  1       "Acme", "Blue, \"Inc\"\nand sons"
        "#);
    assert_eq!(fs::read_to_string(scene.path("new.pbtxt")).unwrap(), printed);
    assert_snapshot!(stderr(&scene, &["schema", "infer", "trips.csv", "-o", "schema.pbtxt"], 3), @r"
        error: schema.pbtxt exists already
          hint: `--force` writes over it
        ");
    assert_eq!(fs::read_to_string(scene.path("schema.pbtxt")).unwrap(), SCHEMA);
    stdout(&scene, &["schema", "infer", "trips.csv", "-o", "schema.pbtxt", "--force"], 0);
    assert_eq!(fs::read_to_string(scene.path("schema.pbtxt")).unwrap(), printed);
    // What was inferred from data, the data fits.
    let said = stdout(&scene, &["validate", "trips.csv", "--schema", "new.pbtxt", "--rows"], 0);
    assert_eq!(said, "trips.csv: no anomalies in 4 examples, against new.pbtxt\n");
    let few = ["schema", "infer", "trips.csv", "--max-string-domain-size", "1", "--json"];
    let json = scene.cupola(&few).expect_code(0).json();
    assert_eq!(json["schema"]["features"][2]["domain"], "");
}

#[test]
fn data_that_does_not_fit_is_told_why() {
    let scene = scene();
    stdout(&scene, &["validate", "trips.csv", "--schema", "schema.pbtxt"], 0);
    scene.replace("trips.csv", "31,900,Cash", "310,0,Coins");
    let said = scene.cupola(&["validate", "trips.csv", "--schema", "schema.pbtxt"]).expect_code(1);
    assert_snapshot!(said.stdout, @r#"
        trips.csv: 3 errors in 4 examples, against schema.pbtxt

        SEVERITY  FEATURE  ANOMALY                   DESCRIPTION
        ERROR     fare     Out-of-range values       Unexpectedly high value: 310>100(upto six significant digits)
        ERROR     paid     Unexpected string values  Examples contain values missing from the schema: Coins (~25%).
        ERROR     seconds  Out-of-range values       Unexpectedly small value: 0.

        trips.csv:6: fare: unexpectedly high value: 310 > 100
        trips.csv:6: seconds: unexpectedly low value: 0 < 1
        trips.csv:6: paid: "Coins" is not in the domain
        "#);
    assert_eq!(said.stderr, "failing rows: 1\n");
    let args =
        ["validate", "trips.csv", "--schema", "schema.pbtxt", "--json", "-o", "anomalies.pbtxt"];
    let json = scene.cupola(&args).expect_code(1).json();
    let anomalies = json["validation"]["anomalies"].as_array().unwrap();
    let types: Vec<_> = anomalies.iter().map(|a| a["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        ["FLOAT_TYPE_BIG_FLOAT", "ENUM_TYPE_UNEXPECTED_STRING_VALUES", "INT_TYPE_SMALL_INT"]
    );
    let written = fs::read_to_string(scene.path("anomalies.pbtxt")).unwrap();
    assert!(written.contains("type: FLOAT_TYPE_BIG_FLOAT"), "{written}");
}

#[test]
fn the_first_failing_rows_are_shown_where_any_can_be() {
    let scene = scene();
    let mut text = String::from("fare,seconds,paid,company\n");
    for row in 0..200_000 {
        // Many fares are too high, and one row a while later is wrong in another way.
        let fare = if row % 1000 == 7 { 500 } else { 5 };
        let paid = if row == 150_000 { "Coins" } else { "Cash" };
        text.push_str(&format!("{fare},60,{paid},Acme of {row}\n"));
    }
    scene.write("trips.csv", &text);
    let args = ["validate", "trips.csv", "--schema", "schema.pbtxt"];
    let said = scene.cupola(&args).expect_code(1);
    let (_, rows) = said.stdout.split_once("\n\ntrips.csv:").unwrap();
    assert_snapshot!(rows, @r#"
        9: fare: unexpectedly high value: 500 > 100
        trips.csv:1009: fare: unexpectedly high value: 500 > 100
        trips.csv:2009: fare: unexpectedly high value: 500 > 100
        trips.csv:150002: paid: "Coins" is not in the domain
        and 197 more rows; `--rows` lists all
        "#);
    assert_eq!(said.stderr, "failing rows: 201\n");
    let json = scene.cupola(&[args.as_slice(), &["--json"]].concat()).expect_code(1).json();
    let validation = &json["validation"];
    assert_eq!(validation["num_failing_rows"], 201);
    assert_eq!(validation["rows"].as_array().unwrap().len(), 4);
    assert_eq!(validation["rows"][3]["line"], 150_002);

    // Where nothing is wrong, or nothing with single rows, none are looked for.
    let not_looked_for = |args: &[&str], code: i32| {
        let args = [&["validate", "--schema", "schema.pbtxt"], args].concat();
        let said = scene.cupola(&args).expect_code(code);
        assert_eq!(said.stderr, "");
        let json = scene.cupola(&[args.as_slice(), &["--json"]].concat()).expect_code(code).json();
        let validation = &json["validation"];
        assert_eq!(
            (&validation["rows"], &validation["num_failing_rows"]),
            (&json!([]), &Value::Null)
        );
        validation["anomalies"].as_array().unwrap().len()
    };
    scene.write("trips.csv", TRIPS);
    assert_eq!(not_looked_for(&["trips.csv"], 0), 0);
    scene.write("cards.csv", &TRIPS.replace("Cash", "Card"));
    assert_eq!(not_looked_for(&["cards.csv", "--previous", "trips.csv"], 1), 1);
    scene.write("coins.csv", &TRIPS.replace("Cash", "Coins"));
    stdout(&scene, &["stats", "coins.csv", "-o", "FeatureStats.pb", "--quiet"], 0);
    assert_eq!(not_looked_for(&["FeatureStats.pb"], 1), 1);
}

#[test]
fn a_guess_of_types_that_was_wrong_is_no_matter_to_the_schema() {
    let scene = scene();
    let row = format!("5,60,Cash,{}\n", "x".repeat(1000));
    // Whole numbers at first, where the schema has FLOAT; then one with a point, and at last no number at all.
    let text = format!("fare,seconds,paid,company\n{}", row.repeat(9000));
    scene.write("whole.csv", &text);
    scene.write("float.csv", &format!("{text}5.5,60,Cash,x\n"));
    scene.write("text.csv", &format!("{text}5.5,60,Cash,x\nx1,60,Cash,x\n"));
    for file in ["whole.csv", "float.csv"] {
        let said = stdout(&scene, &["validate", file, "--schema", "schema.pbtxt"], 0);
        assert!(said.starts_with(&format!("{file}: no anomalies in 900")), "{said}");
    }
    let said = stdout(&scene, &["validate", "text.csv", "--schema", "schema.pbtxt"], 1);
    assert!(said.ends_with("\n\ntext.csv:9003: fare: cannot read \"x1\" as FLOAT\n"), "{said}");
}

#[test]
fn environments_are_those_of_the_schema() {
    let scene = scene();
    scene.write("serving.csv", "fare,seconds,company\n1,2,Acme\n");
    let args = ["validate", "serving.csv", "--schema", "schema.pbtxt"];
    let missing = stdout(&scene, &args, 1);
    assert!(missing.contains("Column dropped"), "{missing}");
    stdout(&scene, &[args.as_slice(), &["--environment", "SERVING"]].concat(), 0);
    let said = stderr(&scene, &[args.as_slice(), &["--environment", "SERVNG"]].concat(), 2);
    assert_snapshot!(said, @r#"
        error: unknown environment "SERVNG", expected one of the schema's: TRAINING, SERVING
          hint: did you mean `SERVING`?
        "#);
}

#[test]
fn text_is_read_as_the_schema_says_where_it_can_be() {
    let scene = scene();
    // No fare has a point, and all companies are numbers.
    scene.write("whole.csv", "fare,seconds,paid,company\n12,1,Cash,17\n3,2,Card,\n");
    stdout(&scene, &["validate", "whole.csv", "--schema", "schema.pbtxt"], 0);
    // Two datasets without a schema have the types of both.
    let said = stdout(&scene, &["stats", "diff", "trips.csv", "whole.csv"], 0);
    assert!(!said.contains("FLOAT -> INT") && !said.contains("STRING -> INT"), "{said}");
}

#[test]
fn failing_rows_are_listed_by_their_lines() {
    let scene = scene();
    let rows = "x1,60,Cash,Acme\n5,60\n,0,Cash,Acme\n1,2,Coins,Acme\n";
    scene.write("trips.csv", &format!("{TRIPS}{rows}"));
    let args = ["validate", "trips.csv", "--schema", "schema.pbtxt", "--rows"];
    let said = scene.cupola(&args).expect_code(1);
    assert_snapshot!(said.stdout, @r#"
        trips.csv: 6 errors in 7 examples, against schema.pbtxt

        SEVERITY  FEATURE  ANOMALY                   DESCRIPTION
        ERROR     fare     Feature shape dropped     The feature has a shape, but it's not always present (if the feature is nested, then it should always be present at each nested level) or its value lengths vary.
        ERROR     fare     Column dropped            The feature was present in fewer examples than expected: minimum fraction = 1.000000, actual = 0.857143
        ERROR     fare     Unexpected data type      Expected data of type: FLOAT but got STRING
        ERROR     fare     Invalid values            String values that were not floats were found, such as "x1".
        ERROR     paid     Unexpected string values  Examples contain values missing from the schema: Coins (~14%).
        ERROR     seconds  Out-of-range values       Unexpectedly small value: 0.

        trips.csv:7: fare: cannot read "x1" as FLOAT
        trips.csv:8: found 2 cells, expected 4
        trips.csv:9: fare: missing, expected in every example
        trips.csv:9: seconds: unexpectedly low value: 0 < 1
        trips.csv:10: paid: "Coins" is not in the domain
        "#);
    assert_eq!(said.stderr, "failing rows: 4\n");

    let json = scene.cupola(&[args.as_slice(), &["--json"]].concat()).expect_code(1).json();
    let validation = &json["validation"];
    assert_eq!(validation["num_failing_rows"], 4);
    assert_eq!(validation["num_rejected_rows"], 1);
    assert_eq!(
        validation["rows"][0],
        json!({
            "file": "trips.csv", "line": 7, "feature": "fare", "type": "UNEXPECTED_DATA_TYPE",
            "short_description": "Unexpected data type", "description": "cannot read \"x1\" as FLOAT",
        })
    );
    assert_eq!(validation["rows"][1]["type"], "UNREADABLE_ROW");
    assert_eq!(validation["rows"].as_array().unwrap().len(), 5);
}

#[test]
fn failing_rows_are_found_whatever_the_size() {
    let scene = scene();
    let mut text = String::from("fare,seconds,paid,company\n");
    for row in 0..200_000 {
        let fare = if row % 50_000 == 49_999 { 500 } else { row % 90 };
        text.push_str(&format!("{fare},60,Cash,Acme of {row}\n"));
    }
    scene.write("trips.csv", &text);
    let said = stdout(&scene, &["validate", "trips.csv", "--schema", "schema.pbtxt", "--rows"], 1);
    let rows: Vec<_> = said.lines().filter(|line| line.contains("500 > 100")).collect();
    let lines = [50_001, 100_001, 150_001, 200_001];
    let expected =
        lines.map(|line| format!("trips.csv:{line}: fare: unexpectedly high value: 500 > 100"));
    assert_eq!(rows, expected);
}

#[test]
fn parquet_is_as_good_as_text() {
    let scene = scene();
    for file in 0..2 {
        // The second file has a row group more, and what is wrong is in it.
        let mut fares = vec![Some(1), None, Some(40 + file * 100)];
        fares.resize(3 + usize::try_from(file).unwrap() * ROW_GROUP_ROWS, Some(7));
        fares.push(Some(101));
        let paid: ArrayRef = Arc::new(StringArray::from(vec!["Cash"; fares.len()]));
        let fare: ArrayRef = Arc::new(Int64Array::from(fares));
        let batch = RecordBatch::try_from_iter([("fare", fare), ("paid", paid)]).unwrap();
        let mut writer = ShardWriter::create(&scene.path(""), "part", batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        fs::rename(&writer.close().unwrap()[0], scene.path(&format!("part{file}"))).unwrap();
    }
    scene.write(
        "int.pbtxt",
        "feature { name: 'fare' type: INT presence { min_fraction: 1 } int_domain { max: 100 } }
         feature { name: 'paid' type: BYTES }",
    );
    // The format is told by what is in the files, as their names do not.
    let args = ["validate", "part0", "part1", "--schema", "int.pbtxt", "--rows"];
    assert_snapshot!(stdout(&scene, &args, 1), @r"
        part0 and 1 more: 2 errors in 32776 examples, against int.pbtxt

        SEVERITY  FEATURE  ANOMALY              DESCRIPTION
        ERROR     fare     Column dropped       The feature was present in fewer examples than expected: minimum fraction = 1.000000, actual = 0.999939
        ERROR     fare     Out-of-range values  Unexpectedly large value: 140.

        part0: row 2: fare: missing, expected in every example
        part0: row 4: fare: unexpectedly high value: 101 > 100
        part1: row 2: fare: missing, expected in every example
        part1: row 3: fare: unexpectedly high value: 140 > 100
        part1: row 32772: fare: unexpectedly high value: 101 > 100
        ");
    assert_snapshot!(stderr(&scene, &["stats", "part0", "trips.csv"], 2), @r"error: trips.csv: found CSV, expected Parquet as part0 is");
}

/// Returns bytes as gzip makes them.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// Writes rows as TFRecord files of tf.Example, as TFX names them, and returns the one that there is.
fn write_records(scene: &Scene, batch: &RecordBatch) -> String {
    write_payload(scene, Payload::TfExample, batch)
}

fn write_payload(scene: &Scene, payload: Payload, batch: &RecordBatch) -> String {
    let mut writer =
        TfRecordShardWriter::create(&scene.path(""), "data_tfrecord", Compression::Gzip).unwrap();
    let missing = MissingFeature::Omitted;
    let encoder = ExampleEncoder::new(payload, missing, &batch.schema()).unwrap();
    encoder.encode(batch, |record| Ok::<_, TfExampleError>(writer.write(record)?)).unwrap();
    writer.finish().unwrap();
    "data_tfrecord-00000-of-00001.gz".to_owned()
}

#[test]
fn every_format_gives_the_same_numbers() {
    let scene = scene();
    let expected = stdout(&scene, &["stats", "trips.csv", "--json"], 0);
    let features = |text: &str| {
        let mut json: Value = serde_json::from_str(text).unwrap();
        let features = json["statistics"]["datasets"][0]["features"].take();
        let by_name = features.as_array().unwrap().iter();
        by_name.map(|f| (f["name"].to_string(), f.clone())).collect::<BTreeMap<_, _>>()
    };
    let expected = features(&expected);
    let quotes = "{\"fare\": 0, \"seconds\": 60, \"paid\": \"Cash\", \"company\": \"Blue, \\\"Inc\\\"\\nand sons\"}";
    let lines = format!(
        "{}\n{}\n{quotes}\n{}\n",
        r#"{"fare": 12.5, "seconds": 300, "paid": "Cash", "company": "Acme"}"#,
        r#"{"fare": 7.25, "paid": "Card", "company": null}"#,
        r#"{"fare": 31, "seconds": 900, "paid": "Cash", "company": "Acme"}"#,
    );
    let semicolons = TRIPS.replace(',', ";").replace("Blue; ", "Blue, ");
    let files = [
        ("trips.csv.gz", gzip(TRIPS.as_bytes())),
        ("trips", gzip(TRIPS.as_bytes())),
        ("trips.tsv", semicolons.replace(';', "\t").into_bytes()),
        ("trips.jsonl", lines.clone().into_bytes()),
        ("lines.gz", gzip(lines.as_bytes())),
    ];
    for (name, bytes) in &files {
        fs::write(scene.path(name), bytes).unwrap();
        assert_eq!(features(&stdout(&scene, &["stats", name, "--json"], 0)), expected, "{name}");
    }
    scene.write("semicolons.csv", &semicolons);
    scene.write("bars", &semicolons.replace(';', "|"));
    for name in ["semicolons.csv", "bars"] {
        let said = scene.cupola(&["stats", name, "--json"]).expect_code(0);
        assert_eq!(features(&said.stdout), expected, "{name}");
        assert!(said.stderr.starts_with("warning: "), "{}", said.stderr);
    }
    for delimited in [["semicolons.csv", ";"], ["trips.tsv", "\\t"]] {
        let [name, delimiter] = delimited;
        let args = ["stats", name, "--json", "--delimiter", delimiter];
        assert_eq!(features(&stdout(&scene, &args, 0)), expected, "{name}");
    }

    let fare: ArrayRef = Arc::new(Float32Array::from(vec![12.5, 7.25, 0.0, 31.0]));
    let seconds: ArrayRef = Arc::new(Int64Array::from(vec![Some(300), None, Some(60), Some(900)]));
    let paid: ArrayRef = Arc::new(StringArray::from(vec!["Cash", "Card", "Cash", "Cash"]));
    let company = [Some("Acme"), None, Some("Blue, \"Inc\"\nand sons"), Some("Acme")];
    let company: ArrayRef = Arc::new(StringArray::from(company.to_vec()));
    let columns = [("fare", fare), ("seconds", seconds), ("paid", paid), ("company", company)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true)));
    let name = write_records(&scene, &batch.unwrap());
    assert_eq!(features(&stdout(&scene, &["stats", &name, "--json"], 0)), expected);
    fs::rename(scene.path(&name), scene.path("records")).unwrap();
    assert_eq!(features(&stdout(&scene, &["stats", "records", "--json"], 0)), expected);

    let said = stdout(&scene, &["stats", "diff", "trips.jsonl", "records"], 0);
    assert!(!said.contains("new") && !said.contains("gone"), "{said}");
    assert_snapshot!(stderr(&scene, &["stats", "records", "--delimiter", ";"], 2), @"error: records: found TFRecord, expected CSV for `--delimiter`");
    let two = stderr(&scene, &["stats", "trips.csv", "--delimiter", ";;"], 2);
    assert!(two.contains("expected one ASCII character"), "{two}");
}

#[test]
fn what_stands_between_cells_is_found_and_told() {
    let scene = Scene::empty();
    scene.write("a.csv", "fare;\"paid; by\"\n1,5;Cash\n");
    let said = scene.cupola(&["stats", "a.csv"]).expect_code(0);
    assert!(said.stdout.starts_with("a.csv: 1 example, 2 features\n"), "{}", said.stdout);
    assert_snapshot!(said.stderr, @r#"
    warning: a.csv: read with ";" between cells, as its header has no comma
      hint: `--delimiter` says what stands between cells, `,` that there is one column
    "#);
    let one = scene.cupola(&["stats", "a.csv", "--delimiter", "|"]).expect_code(0);
    assert_eq!(one.stderr, "");
    assert!(one.stdout.starts_with("a.csv: 1 example, 1 feature\n"), "{}", one.stdout);
    for verb in [&["schema", "infer", "a.csv"][..], &["validate", "a.csv", "--schema", "s.pbtxt"]] {
        scene.write(
            "s.pbtxt",
            "feature { name: \"fare\" type: BYTES } feature { name: \"paid; by\" type: BYTES }",
        );
        let said = scene.cupola(verb).expect_code(0);
        assert_eq!(said.stderr.matches("warning: ").count(), 1, "{verb:?}: {}", said.stderr);
    }
}

#[test]
fn a_file_that_is_nothing_known_says_so() {
    let scene = Scene::empty();
    scene.write("x.foo", "one word\n");
    fs::write(scene.path("y.bin"), b"\x00\x01,\xff\n").unwrap();
    assert_snapshot!(stderr(&scene, &["stats", "x.foo"], 2), @"
    error: x.foo: neither its name nor its first bytes say what it is, expected CSV, JSON Lines, Parquet, Avro, Arrow IPC or TFRecord
      hint: give it the ending of its format, such as `.csv`; `--delimiter ,` reads CSV whatever its name
    ");
    assert_snapshot!(stderr(&scene, &["stats", "y.bin"], 2), @"
    error: y.bin: neither its name nor its first bytes say what it is, expected CSV, JSON Lines, Parquet, Avro, Arrow IPC or TFRecord
      hint: give it the ending of its format, such as `.csv`; `--delimiter ,` reads CSV whatever its name
    ");
    scene.write("x.foo", "word\none\ntwo\n");
    let said = stdout(&scene, &["stats", "x.foo", "--delimiter", ","], 0);
    assert!(said.starts_with("x.foo: 2 examples, 1 feature\n"), "{said}");
}

#[test]
fn sequences_are_told_from_examples_by_what_is_in_them() {
    let scene = Scene::empty();
    let mut steps = ListBuilder::new(ListBuilder::new(Int64Builder::new()));
    // The first has none, and could as well be an example.
    for values in [None, Some(vec![1, 2]), Some(vec![3])] {
        match values {
            None => steps.append_null(),
            Some(values) => {
                steps.values().append_value(values.into_iter().map(Some));
                steps.append(true);
            }
        }
    }
    let steps: ArrayRef = Arc::new(steps.finish());
    let id: ArrayRef = Arc::new(Int64Array::from(vec![7, 8, 9]));
    let batch = RecordBatch::try_from_iter([("id", id), ("steps", steps)]).unwrap();
    let name = write_payload(&scene, Payload::TfSequenceExample, &batch);
    let json = scene.cupola(&["stats", &name, "--json"]).expect_code(0).json();
    let features = json["statistics"]["datasets"][0]["features"].as_array().unwrap();
    let found: Vec<_> = features.iter().map(|f| (&f["name"], &f["num_non_missing"])).collect();
    assert_eq!(found, [(&json!("id"), &json!(3)), (&json!("steps"), &json!(2))]);
}

#[test]
fn failing_rows_of_lines_and_records_have_their_places() {
    let scene = scene();
    scene.write(
        "int.pbtxt",
        "feature { name: 'fare' type: INT presence { min_fraction: 1 } int_domain { max: 100 } }
         feature { name: 'share' type: FLOAT presence { min_fraction: 1 } }",
    );
    let first = "{\"fare\": 1, \"share\": 1}\n\n{\"fare\": 101, \"share\": 2}\n{\"fare\": \n";
    scene.write("a.jsonl", first);
    scene.write("b.jsonl", "{\"share\": 0.5}\n{\"fare\": 4, \"share\": 1}\n");
    let args = ["validate", "a.jsonl", "b.jsonl", "--schema", "int.pbtxt", "--rows"];
    let rows = |said: &str| said.split("\n\n").last().unwrap().to_owned();
    assert_snapshot!(rows(&stdout(&scene, &args, 1)), @r"
    a.jsonl:3: fare: unexpectedly high value: 101 > 100
    a.jsonl:4: not JSON at byte 9: EOF while parsing a value
    b.jsonl:1: fare: missing, expected in every example
    ");

    for (name, fares) in [("a", [Some(1), Some(101)]), ("b", [None, Some(102)])] {
        let fare: ArrayRef = Arc::new(Int64Array::from(fares.to_vec()));
        let share: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0]));
        let batch = RecordBatch::try_from_iter([("fare", fare), ("share", share)]).unwrap();
        fs::rename(scene.path(&write_records(&scene, &batch)), scene.path(name)).unwrap();
    }
    let args = ["validate", "a", "b", "--schema", "int.pbtxt", "--rows"];
    assert_snapshot!(rows(&stdout(&scene, &args, 1)), @r"
    a: record 2: fare: unexpectedly high value: 101 > 100
    b: record 1: fare: missing, expected in every example
    b: record 2: fare: unexpectedly high value: 102 > 100
    ");
    let json = scene.cupola(&[args.as_slice(), &["--json"]].concat()).expect_code(1).json();
    assert_eq!(json["validation"]["rows"][0]["record"], 2);
}

#[test]
fn drift_is_measured_and_shown_with_its_formula() {
    let scene = scene();
    scene.write("new.csv", &TRIPS.replacen("Cash", "Card", 1));
    let args = ["validate", "new.csv", "--schema", "schema.pbtxt", "--previous", "trips.csv"];
    assert_snapshot!(stdout(&scene, &args, 0), @r"
        new.csv: no anomalies in 4 examples, against schema.pbtxt

        FEATURE  COMPARISON  MEASURE  VALUE  THRESHOLD        FORMULA
        paid     drift       L_INFTY   0.25        0.3  fine  max over values v of |count_a(v)/sum_a - count_b(v)/sum_b|
        ");
    scene.write("new.csv", &TRIPS.replace("Cash", "Card"));
    let json = scene.cupola(&[args.as_slice(), &["--json"]].concat()).expect_code(1).json();
    let distance = &json["validation"]["distances"][0];
    assert_eq!((&distance["feature"], &distance["value"]), (&json!("paid"), &json!(0.75)));
    assert_eq!(distance["is_too_large"], true);
}

#[test]
fn two_datasets_are_compared_feature_by_feature() {
    let scene = scene();
    scene.write("new.csv", &TRIPS.replace("Cash", "Card").replace("seconds", "minutes"));
    assert_snapshot!(stdout(&scene, &["stats", "diff", "trips.csv", "new.csv"], 0), @r"
        trips.csv: 4 examples -> new.csv: 4 examples

        FEATURE  TYPE       JS DIVERGENCE  L INFINITY  MISSING  MEAN OR UNIQUE        DISTRIBUTION
        minutes  INT, new               -           -  25.0 %   420                   [█▁█▁▁▁▁▁▁█]
        seconds  INT, gone              -           -  25.0 %   420                   [█▁█▁▁▁▁▁▁█]
        paid     STRING            0.5488      0.7500  0 %      2 unique -> 1 unique  [█▃] -> [█]
        fare     FLOAT             0.0000           -  0 %      12.69                 [█▁█▁█▁▁▁▁█]
        company  STRING            0.0000      0.0000  25.0 %   2 unique              [█▄]
        ");
    stdout(&scene, &["stats", "diff", "trips.csv", "new.csv", "--threshold", "0.9"], 1);
    scene.write("new.csv", &TRIPS.replace("Cash", "Card"));
    stdout(&scene, &["stats", "diff", "trips.csv", "new.csv", "--threshold", "0.9"], 0);
    let args = ["stats", "diff", "trips.csv", "new.csv", "--threshold", "0.5"];
    assert!(stdout(&scene, &args, 1).contains("0.7500 !"));
    let json = scene.cupola(&[args.as_slice(), &["--json"]].concat()).expect_code(1).json();
    let features = json["statistics_diff"]["features"].as_array().unwrap();
    let far: Vec<_> = features.iter().filter(|f| f["is_too_large"] == true).collect();
    assert_eq!(far.len(), 1);
    assert_eq!(far[0]["name"], "paid");
    stderr(&scene, &["stats", "diff", "trips.csv", "new.csv", "--threshold", "2"], 2);
}

#[test]
fn schemas_are_compared() {
    let scene = scene();
    let new = SCHEMA.replace("max: 100", "max: 200").replace("\"Card\"", "\"Coins\"");
    scene.write("new.pbtxt", &new);
    let args = ["schema", "diff", "schema.pbtxt", "new.pbtxt"];
    assert_snapshot!(stdout(&scene, &args, 1), @r#"
        EFFECT   WHERE           CHANGE
        relaxed  feature `fare`  float_domain.max: 100 -> 200
        changed  feature `paid`  string_domain.value: -"Card" +"Coins"
        "#);
    let json = scene.cupola(&[args.as_slice(), &["--json"]].concat()).expect_code(1).json();
    let change = &json["schema_diff"]["changes"][0];
    assert_eq!((&change["effect"], &change["after"]), (&json!("relaxed"), &json!("200")));
    let same = stdout(&scene, &["schema", "diff", "schema.pbtxt", "schema.pbtxt"], 0);
    assert_eq!(same, "no differences\n");
}

#[test]
fn what_cannot_be_read_is_said_in_one_breath() {
    let scene = scene();
    scene.write("empty.csv", "");
    scene.write("header.csv", "a,b\n");
    scene.write("ragged.csv", "a,b\n1,2\n3\n");
    assert_snapshot!(stderr(&scene, &["stats", "trip.csv"], 2), @r"
        error: no file matches `trip.csv` in .
          hint: did you mean `trips.csv`?
        ");
    assert_snapshot!(stderr(&scene, &["stats", "empty.csv"], 3), @r"error: empty.csv: the file is empty, expected a header with column names");
    assert_snapshot!(stderr(&scene, &["stats", "header.csv"], 3), @r"error: header.csv: no rows found, expected at least one");
    assert_snapshot!(stderr(&scene, &["stats", "ragged.csv"], 3), @r"
        error: ragged.csv:3: found 1 cell, expected 2 (1 of 2 rows rejected, the limit is 0)
          hint: `--max-rejected-rows 1` leaves such rows out; `cupola validate --rows` lists them
        ");
    let left_out =
        scene.cupola(&["stats", "ragged.csv", "--max-rejected-rows", "1"]).expect_code(0);
    assert!(
        left_out.stdout.starts_with("ragged.csv: 1 example, 2 features"),
        "{}",
        left_out.stdout
    );
    assert_eq!(left_out.stderr, "rows left out, as they cannot be read: 1\n");
    scene.write("bad.pbtxt", "feature { nam: 'fare' }");
    let said = stderr(&scene, &["validate", "trips.csv", "--schema", "bad.pbtxt"], 3);
    assert!(said.starts_with("error: cannot read bad.pbtxt: "), "{said}");
    let said = stderr(&scene, &["validate", "trips.csv", "--schema", "none.pbtxt"], 3);
    assert!(said.starts_with("error: cannot read none.pbtxt: No such file"), "{said}");
}

#[test]
fn a_schema_that_cannot_be_meant_is_warned_about() {
    let scene = scene();
    scene.replace(
        "schema.pbtxt",
        "float_domain { max: 100 }",
        "float_domain { min: 200 max: 100 }",
    );
    let said = scene.cupola(&["validate", "trips.csv", "--schema", "schema.pbtxt"]);
    assert!(said.stderr.starts_with("warning: schema.pbtxt: feature `fare`: "), "{}", said.stderr);
}

#[test]
fn the_verbs_of_artifacts_are_still_there() {
    let scene = scene();
    for args in [["stats", "show"], ["schema", "show"]] {
        let said = stderr(&scene, &args, 3);
        assert!(said.contains("no `.cupola` folder"), "{said}");
    }
    let between = stderr(&scene, &["stats", "--json", "show"], 3);
    assert!(between.contains("no `.cupola` folder"), "{between}");
    assert!(stderr(&scene, &["stats"], 2).contains("<FILES>"));
    assert_snapshot!(stderr(&scene, &["stats", "trips.csv", "show"], 2), @r"
        error: found `trips.csv` before `show`, expected nothing there
          hint: a file of that name is meant by `./show`
        ");
    // A file that is named like a verb has a folder in its name.
    scene.write("show", TRIPS);
    stdout(&scene, &["stats", "./show"], 0);
}
