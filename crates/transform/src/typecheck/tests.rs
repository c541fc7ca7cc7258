//! Expressions and their types; what else is checked is in files of its own.

mod arguments;
mod lists;
mod names;
mod problems;

use std::fmt::Write as _;

use insta::assert_snapshot;

use crate::{Config, InputFeature, InputKind, check};

/// Checks expressions over the columns `fare` (float), `hour` (int), `company` (string), `new` (unknown), `tags` (list
/// of strings) and `prices` (list of floats), and shows the types of the features, or all problems.
fn types(helpers: &[(&str, &str)], features: &[(&str, &str)]) -> String {
    let owned = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    let config = Config { features: owned(features), helpers: owned(helpers), ..Config::default() };
    let columns = [
        ("fare", Some(InputKind::Float)),
        ("hour", Some(InputKind::Int)),
        ("company", Some(InputKind::String)),
        ("new", None),
        ("tags", Some(InputKind::String)),
        ("prices", Some(InputKind::Float)),
    ];
    let columns = columns.map(|(name, feature_type)| InputFeature {
        name: name.to_owned(),
        feature_type,
        shape: match name {
            "tags" | "prices" => graph::Shape::List,
            _ => graph::Shape::One,
        },
        note: None,
    });
    let mut shown = String::new();
    match check(&config, &columns) {
        Ok(outputs) => {
            for output in outputs {
                let value_type =
                    output.value_type.map_or("unknown".to_owned(), |found| found.to_string());
                let _ = write!(shown, "{}: {value_type}", output.name);
                match output.shape {
                    graph::Shape::One => {}
                    graph::Shape::List => shown.push_str(" list"),
                    graph::Shape::Vector(length) => {
                        let _ = write!(shown, " × {length}");
                    }
                }
                if let Some(num_buckets) = output.num_buckets {
                    let _ = write!(shown, " below {num_buckets}");
                }
                shown.push('\n');
            }
        }
        Err(problems) => {
            for problem in problems {
                let _ =
                    writeln!(shown, "{} at {}: {}", problem.key, problem.offset, problem.message);
                if let Some(hint) = problem.hint {
                    let _ = writeln!(shown, "  hint: {hint}");
                }
            }
        }
    }
    shown
}

fn type_of(expression: &str) -> String {
    let shown = types(&[], &[("x", expression)]);
    shown
        .trim_end()
        .trim_start_matches("x: ")
        .trim_start_matches("features.x ")
        .replace('\n', "\n    ")
}

#[test]
fn ints_become_floats_where_floats_are() {
    let cases = [
        "hour",
        "hour + 1",
        "hour + 1.0",
        "hour / 2",
        "fill_missing(hour, 0.5)",
        "-hour",
        "ln(hour)",
        "abs(hour)",
        "least(hour, 3, 4.5)",
        "CASE WHEN hour > 3 THEN 1 ELSE 0.5 END",
        "hour = 1.5",
        "cast(fare AS int)",
        "nullif(hour, 0)",
        "floor(hour)",
        "min(hour)",
        "mean(hour)",
    ];
    let shown: Vec<_> = cases.iter().map(|case| format!("{case}: {}", type_of(case))).collect();
    assert_snapshot!(shown.join("\n"), @"
    hour: INT
    hour + 1: INT
    hour + 1.0: FLOAT
    hour / 2: FLOAT
    fill_missing(hour, 0.5): FLOAT
    -hour: INT
    ln(hour): FLOAT
    abs(hour): INT
    least(hour, 3, 4.5): FLOAT
    CASE WHEN hour > 3 THEN 1 ELSE 0.5 END: FLOAT
    hour = 1.5: BOOL
    cast(fare AS int): INT
    nullif(hour, 0): INT
    floor(hour): FLOAT
    min(hour): INT
    mean(hour): FLOAT
    ");
}

#[test]
fn ids_know_how_many_there_are() {
    let cases = [
        "bucketize(fare, 10)",
        "hash_strings(company, 80)",
        "hash_strings(hour, 80)",
        "apply_buckets(fare, 1, 2.5)",
        "vocabulary(company)",
        "vocabulary(hour, num_oov_buckets => 1)",
    ];
    let shown: Vec<_> = cases.iter().map(|case| format!("{case}: {}", type_of(case))).collect();
    assert_snapshot!(shown.join("\n"), @"
    bucketize(fare, 10): INT below 10
    hash_strings(company, 80): INT below 80
    hash_strings(hour, 80): INT below 80
    apply_buckets(fare, 1, 2.5): INT below 3
    vocabulary(company): INT
    vocabulary(hour, num_oov_buckets => 1): INT
    ");
}

#[test]
fn a_column_of_unknown_type_fits_everywhere() {
    let cases = [
        "new",
        "ln(new)",
        "lower(new)",
        "new + 1",
        "new = 'x'",
        "fill_missing(new, '')",
        "NOT new",
        "vocabulary(new)",
        "CASE WHEN new THEN new ELSE NULL END",
        "abs(new)",
    ];
    let shown: Vec<_> = cases.iter().map(|case| format!("{case}: {}", type_of(case))).collect();
    assert_snapshot!(shown.join("\n"), @"
    new: unknown
    ln(new): FLOAT
    lower(new): STRING
    new + 1: INT
    new = 'x': BOOL
    fill_missing(new, ''): STRING
    NOT new: BOOL
    vocabulary(new): INT
    CASE WHEN new THEN new ELSE NULL END: unknown
    abs(new): unknown
    ");
}
