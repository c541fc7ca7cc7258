//! What is done again, what is not, and why.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use insta::assert_snapshot;
use serde_json::Value;

use crate::scene::{Scene, states};

fn state_of(report: &Value, node: &str) -> String {
    let line = states(report).into_iter().find(|line| line.starts_with(&format!("{node} ")));
    line.unwrap().split_once(' ').unwrap().1.to_owned()
}

#[test]
fn a_second_run_does_no_work() {
    let scene = Scene::taxi();
    scene.run_json(&[], 0);
    let before = scene.digests();
    assert_snapshot!(states(&scene.run_json(&[], 0)).join("\n"), @r"
        example_gen cached
        statistics_gen cached
        schema_gen cached
        example_validator cached
        transform cached
        trainer cached
        latest_blessed_model done
        evaluator cached
        pusher cached
        ");
    assert_eq!(scene.digests(), before);
}

#[test]
fn touching_a_file_changes_nothing() {
    let scene = Scene::taxi();
    scene.run_json(&[], 0);
    let file = File::options().append(true).open(scene.path("data/trips.csv")).unwrap();
    #[expect(clippy::disallowed_methods, reason = "any other time will do")]
    file.set_modified(SystemTime::now() + Duration::from_secs(3600)).unwrap();
    assert_eq!(state_of(&scene.run_json(&[], 0), "example_gen"), "cached");
}

#[test]
fn a_changed_cell_is_noticed_though_size_and_time_are_the_same() {
    let scene = Scene::taxi();
    scene.run_json(&[], 0);
    let path = scene.path("data/trips.csv");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    scene.replace("data/trips.csv", "Cash", "Cosh");
    File::options().append(true).open(&path).unwrap().set_modified(modified).unwrap();
    let said = scene.cupola(&["run", "--explain"]).expect_code(0);
    assert!(said.stdout.contains("trips.csv"), "{}", said.stdout);
    assert_eq!(state_of(&scene.run_json(&[], 0), "example_gen"), "done");
}

#[test]
fn one_changed_expression_runs_transform_and_what_follows() {
    let scene = Scene::taxi();
    let first = scene.run_json(&[], 0);
    scene.replace("pipeline.toml", "ln(fare + 1.0)", "ln(fare + 2.0)");
    let explained = scene.cupola(&["run", "--explain"]).expect_code(0);
    let explained = explained.stdout.replace(first["id"].as_str().unwrap(), "[RUN]");
    assert_snapshot!(explained, @r"
        NODE                  WOULD      WHY
        example_gen           be cached  unchanged since run [RUN]
        statistics_gen        be cached  unchanged since run [RUN]
        schema_gen            be cached  unchanged since run [RUN]
        example_validator     be cached  unchanged since run [RUN]
        transform             run        parameter `features.fare` changed
                                         train: 1 of 1 shards read for `fare`
        trainer               depend     depends on transform, which runs
        latest_blessed_model  depend     depends on transform, which runs
        evaluator             depend     depends on transform, which runs
        pusher                depend     depends on transform, which runs
        ");
    assert_snapshot!(states(&scene.run_json(&[], 0)).join("\n"), @r"
        example_gen cached
        statistics_gen cached
        schema_gen cached
        example_validator cached
        transform done
        trainer done
        latest_blessed_model done
        evaluator done
        pusher done
        ");
}

#[test]
fn an_artifact_that_is_gone_is_made_again() {
    let scene = Scene::taxi();
    scene.run_json(&[], 0);
    let before = scene.digests();
    fs::remove_dir_all(scene.artifact("Schema")).unwrap();
    let report = scene.run_json(&[], 0);
    assert_eq!(state_of(&report, "schema_gen"), "done");
    assert_eq!(state_of(&report, "transform"), "cached");
    assert_eq!(scene.digests(), before);
}

#[test]
fn no_cache_does_everything_again_with_the_same_result() {
    let scene = Scene::taxi();
    scene.run_json(&[], 0);
    let before = scene.digests();
    let report = scene.run_json(&["--no-cache", "--threads", "1"], 0);
    assert!(!states(&report).iter().any(|line| line.ends_with("cached")), "{report}");
    assert_eq!(scene.digests(), before);
}

/// A pipeline that learns from the last two spans.
const WINDOW: &str = r#"
[pipeline]
name = "window"

[nodes.example_gen]
source = { csv = "spans/{SPAN}/*.csv" }

[nodes.statistics_gen]
[nodes.schema_gen]

[nodes.examples_window]
spans = 2

[nodes.transform]
inputs.examples = "examples_window.examples_window"

[nodes.transform.features]
above = "fare - mean(fare)"
company = "vocabulary(company)"
"#;

#[test]
fn a_rolling_window_reads_the_new_span_alone_and_explain_shows_it() {
    let scene = Scene::empty();
    scene.write("pipeline.toml", WINDOW);
    let add = |span: i32| {
        let rows = (0..60).map(|row| format!("{}.5,company {}\n", row + span, row % (span + 3)));
        fs::create_dir_all(scene.path(&format!("spans/{span}"))).unwrap();
        let text = format!("fare,company\n{}", rows.collect::<String>());
        scene.write(&format!("spans/{span}/trips.csv"), &text);
    };
    let explained = || {
        let said = scene.cupola(&["run", "--explain", "--json"]).expect_code(0).json();
        let mut nodes = said["explain"].as_array().unwrap().iter();
        let node = nodes.rfind(|node| node["node"] == "transform").unwrap().clone();
        let details = node["details"].as_array().unwrap().iter();
        let details = details.map(|line| line.as_str().unwrap().to_owned()).collect::<Vec<_>>();
        (node["verdict"].as_str().unwrap().to_owned(), details.join("\n"))
    };
    let new = "what comes new, or in the place of one of these: read";
    for span in 1..=3 {
        add(span);
        let (verdict, details) = explained();
        let expected = match span {
            1 => String::new(),
            // Of two spans the older one goes.
            span => format!("span {}, train: kept\n{new}", span - 1),
        };
        assert_eq!((verdict.as_str(), details), ("depend", expected));
        let report = scene.run_json(&[], 0);
        let nodes = report["nodes"].as_array().unwrap();
        let node = nodes.iter().find(|node| node["node"] == "transform").unwrap();
        let is_known =
            node["summary"].as_str().unwrap().contains("1 of 2 shards known from before");
        assert_eq!(is_known, span > 1, "{node}");
    }
    assert_eq!(explained().0, "be cached");
    scene.replace(
        "pipeline.toml",
        "[nodes.transform.features]",
        "[nodes.transform.features]\nleast = \"min(fare)\"\ntop = \"max(fare + 1)\"",
    );
    // The least fare is known with the mean.
    let expected = "spans 2 to 3, train: 1 of 1 shards read for `top`";
    assert_eq!(explained(), ("run".to_owned(), expected.to_owned()));
    let said = scene.cupola(&["run", "--explain"]).expect_code(0);
    assert!(said.stdout.contains(expected), "{}", said.stdout);
}
