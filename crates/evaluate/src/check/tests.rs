use insta::assert_snapshot;

use super::check;
use crate::{Config, SliceSpec, Threshold, ThresholdSlices};

/// The one place that checks; every case below is data.
fn problems(config: &Config) -> String {
    let features = ["company", "trip_start_hour", "weight"].map(str::to_owned);
    let lines = check(config, Some(&features)).into_iter().map(|problem| {
        let hint = problem.hint.map_or(String::new(), |hint| format!(" ({hint})"));
        format!("{}: {}{hint}", problem.key, problem.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn crosses(crosses: &[&[&str]]) -> Vec<SliceSpec> {
    let names = |cross: &&[&str]| cross.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    crosses.iter().map(|cross| names(cross).into()).collect()
}

#[test]
fn what_makes_sense_has_no_problems() {
    let threshold = Threshold {
        lower_bound: Some(0.7),
        min_change: Some(-0.01),
        slices: ThresholdSlices::Features(crosses(&[&[], &["company"]])),
        ..Threshold::new("auc")
    };
    let config = Config {
        slices: crosses(&[&[], &["trip_start_hour"], &["company", "trip_start_hour"]]),
        metrics: Some(vec!["accuracy".to_owned()]),
        thresholds: vec![threshold],
        example_weight: Some("weight".to_owned()),
        ..Config::default()
    };
    assert_eq!(problems(&config), "");
    assert_eq!(problems(&Config::default()), "");
}

#[test]
fn unknown_features_are_named_by_their_places() {
    let config = Config {
        slices: crosses(&[&[], &["trip_start_huor"], &["company", "company"]]),
        example_weight: Some("wieght".to_owned()),
        thresholds: vec![Threshold {
            lower_bound: Some(0.7),
            slices: ThresholdSlices::Features(crosses(&[&["company", "color"]])),
            ..Threshold::new("auc")
        }],
        ..Config::default()
    };
    assert_snapshot!(problems(&config), @r"
    slices.1.0: no feature `trip_start_huor`, expected one of `company`, `trip_start_hour`, `weight` (did you mean `trip_start_hour`?)
    slices.2.1: `company` comes twice
    thresholds.0.slices.0.1: no feature `color`, expected one of `company`, `trip_start_hour`, `weight`
    example_weight: no feature `wieght`, expected one of `company`, `trip_start_hour`, `weight` (did you mean `weight`?)
    ");
    // Without a list of features, names are not looked at.
    let keys: Vec<String> = check(&config, None).into_iter().map(|problem| problem.key).collect();
    assert_eq!(keys, ["slices.2.1"]);
}

#[test]
fn unknown_metrics_are_named_with_what_was_meant() {
    let bounded = |name| Threshold { lower_bound: Some(0.5), ..Threshold::new(name) };
    let config = Config {
        metrics: Some(vec!["auc".to_owned(), "binary_accuracy".to_owned()]),
        thresholds: vec![bounded("acu"), bounded("zzz")],
        ..Config::default()
    };
    let all = problems(&config);
    let short: Vec<_> = all
        .lines()
        .map(|line| {
            let (start, rest) = line.split_once(", expected one of ").unwrap();
            format!("{start}{}", rest.find(" (").map_or("", |place| &rest[place..]))
        })
        .collect();
    assert_snapshot!(short.join("\n"), @r"
    metrics.1: no metric `binary_accuracy` (did you mean `accuracy`?)
    thresholds.0.metric: no metric `acu` (did you mean `auc`?)
    thresholds.1.metric: no metric `zzz`
    ");
    let config = Config { metrics: Some(Vec::new()), ..Config::default() };
    assert_snapshot!(problems(&config), @"metrics: [], expected at least one metric");
}

#[test]
fn bounds_that_nothing_keeps_are_problems() {
    let config = Config {
        classification_threshold: f64::NAN,
        thresholds: vec![
            Threshold::new("auc"),
            Threshold { lower_bound: Some(0.9), upper_bound: Some(0.1), ..Threshold::new("auc") },
            Threshold { min_change: Some(f64::INFINITY), ..Threshold::new("auc") },
            Threshold { min_change: Some(0.0), ..Threshold::new("example_count") },
            Threshold {
                lower_bound: Some(0.5),
                slices: ThresholdSlices::Features(Vec::new()),
                ..Threshold::new("auc")
            },
        ],
        ..Config::default()
    };
    assert_snapshot!(problems(&config), @r#"
    thresholds.0: no bound for `auc`, expected at least one (such as `lower_bound = 0.7` or `min_change = -0.01`)
    thresholds.1.lower_bound: 0.9 is above `upper_bound`, which is 0.1: nothing is between
    thresholds.2.min_change: inf, expected a finite number
    thresholds.3.min_change: `example_count` is about the examples alone: it is the same for candidate and baseline
    thresholds.4.slices: [], expected at least one cross of features (all examples together are `[[]]` or "overall")
    classification_threshold: NaN, expected a number between 0 and 1
    "#);
}
