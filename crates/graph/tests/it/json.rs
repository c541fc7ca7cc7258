//! Values within JSON at the edges.

use graph::{JsonPath, Op, ValueType};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::edges::text;

fn extract(path: &str, to: ValueType, values: &[&str]) -> String {
    text(&Op::Json { path: JsonPath::new(path).unwrap(), to }, values)
}

#[test]
fn paths_lead_into_objects_and_arrays() {
    let value = r#" {"a": {"b": [10, {"c d": "x"}, -2.5]}, "": true, "é": null, "a'b": 7} "#;
    for (path, to, expected) in [
        ("$.a.b[0]", ValueType::Int, "10"),
        ("$.a.b[1]['c d']", ValueType::String, "\"x\""),
        ("$[\"a\"].b[1][\"c d\"]", ValueType::String, "\"x\""),
        ("$.a.b[2]", ValueType::Float, "-2.5"),
        ("$.a.b[2]", ValueType::Int, "null"),
        ("$.a.b[3]", ValueType::Float, "null"),
        ("$['']", ValueType::Bool, "true"),
        (r"$['a\'b']", ValueType::Int, "7"),
        ("$.é", ValueType::Bool, "null"),
        ("$.a", ValueType::String, "null"),
        ("$.a.b.c", ValueType::String, "null"),
        ("$.a[0]", ValueType::String, "null"),
        ("$", ValueType::String, "null"),
    ] {
        assert_eq!(extract(path, to, &[value]), format!("{expected} null"), "{path}");
    }
}

#[test]
fn types_are_kept_apart() {
    let values = [
        "1",
        "-0",
        "1.0",
        "3e2",
        "1.5",
        "9223372036854775807",
        "9223372036854775808",
        "1e400",
        "true",
        "\"1\"",
        "null",
        "[]",
        "",
        " 7 ",
        "NaN",
        "1 2",
        "{",
        "\"\\ud800\"",
        "'a'",
    ];
    assert_eq!(
        extract("$", ValueType::Int, &values),
        "1 0 1 300 null 9223372036854775807 null null null null null null null 7 null null null null null null"
    );
    assert_eq!(
        extract("$", ValueType::Float, &values),
        "1.0 -0.0 1.0 300.0 1.5 9.223372036854775e18 9.223372036854775e18 null null null null null null 7.0 null null \
         null null null null"
            .replace("9.223372036854775e18", "9.223372036854776e18")
    );
    assert_eq!(
        extract("$", ValueType::Bool, &values),
        format!("{} true {}", ["null"; 8].join(" "), ["null"; 11].join(" "))
    );
    assert_eq!(
        extract("$", ValueType::String, &["\"\"", "\"a\\u00e9\\n🚕\"", "\"a", "a"]),
        "\"\" \"aé\\n🚕\" null null null"
    );
}

#[test]
fn the_whole_text_has_to_be_json() {
    assert_eq!(
        extract(
            "$.a",
            ValueType::Int,
            &[r#"{"a": 1}"#, r#"{"a": 1"#, r#"{"a": 1} x"#, r#"{"a": 1, b}"#, r#"{"a": 1,}"#]
        ),
        "1 null null null null null"
    );
    // The last of two fields with one name counts, also where it leads nowhere.
    assert_eq!(
        extract(
            "$.a.b",
            ValueType::Int,
            &[r#"{"a": {"b": 1}, "a": {"b": 2}}"#, r#"{"a": {"b": 1}, "a": 3}"#]
        ),
        "2 null null"
    );
}

#[test]
fn depth_and_size_do_no_harm() {
    let deep = format!(r#"{{"deep": {}{}, "a": 1}}"#, "[".repeat(500_000), "]".repeat(500_000));
    let open = "[".repeat(1_000_000);
    let wide = format!(r#"{{"wide": [{}0], "a": 1}}"#, "0,".repeat(500_000));
    assert_eq!(extract("$.a", ValueType::Int, &[&deep, &open, &wide]), "1 null 1 null");
    let path = format!("${}", "[0]".repeat(128));
    assert_eq!(
        extract(&path, ValueType::Int, &[&deep, &open, &"[".repeat(128)]),
        "null null null null"
    );
    let path = format!("${}", "[0]".repeat(100));
    let value = format!("{}7{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(extract(&path, ValueType::Int, &[&value]), "7 null");
}

#[test]
fn what_is_no_path_is_told_by_place() {
    let paths = [
        "",
        "a",
        "$a",
        "$.",
        "$..a",
        "$.a.*",
        "$[*]",
        "$[-1]",
        "$[1",
        "$['a",
        "$['a'",
        "$[99999999999999999999]",
        "$.a b",
    ];
    let told = paths.map(|path| format!("{path}    {}", JsonPath::new(path).unwrap_err()));
    assert_snapshot!(told.join("\n"), @"
        path, character 1: found the end, expected `$`
    a    path, character 1: found `a`, expected `$`
    $a    path, character 2: found `a`, expected `.` or `[`
    $.    path, character 3: found the end, expected a name, in `['…']` unless it is of letters, digits, `_` and `-`
    $..a    path, character 3: found `.`, expected a name, in `['…']` unless it is of letters, digits, `_` and `-`
    $.a.*    path, character 5: found `*`, expected a name, in `['…']` unless it is of letters, digits, `_` and `-`
    $[*]    path, character 3: found `*`, expected the place of an element, from 0, or a name in quotes
    $[-1]    path, character 3: found `-`, expected the place of an element, from 0, or a name in quotes
    $[1    path, character 4: found the end, expected `]`
    $['a    path, character 5: found the end, expected the quote that ends the name
    $['a'    path, character 6: found the end, expected `]`
    $[99999999999999999999]    path, character 3: found `9`, expected the place of an element, from 0, or a name in quotes
    $.a b    path, character 4: found ` `, expected `.` or `[`
    ");
    assert!(JsonPath::new(&format!("${}", "[0]".repeat(129))).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(path in "\\$[.a\\['\\]0\"\\\\]{0,8}", value in "[\\[\\]{}\":,a0-9.eE\\\\u -]{0,24}") {
        if let Ok(path) = JsonPath::new(&path) {
            for to in [ValueType::Int, ValueType::String] {
                text(&Op::Json { path: path.clone(), to }, &[&value]);
            }
        }
    }
}
