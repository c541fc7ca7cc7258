use serde_json::json;

use super::*;
use crate::document::parse;

/// Returns every fault of a table, as `line:message`, and what is left of the table.
fn check(schema: &Json, text: &str) -> String {
    let (table, errors) = parse(text);
    assert!(errors.is_empty(), "{text}");
    let validate =
        |table: &Table| validate(table, Place::File(0, 0), "nodes.x", schema, &["cache"]);
    let faults = validate(&table);
    let lines: Vec<_> = faults
        .iter()
        .map(|fault| match &fault.hint {
            Some(hint) => format!("{} ({hint})", fault.message),
            None => fault.message.clone(),
        })
        .collect();
    if lines.is_empty() { "fits".to_owned() } else { lines.join("\n") }
}

#[test]
fn a_key_that_says_which_table_it_is_picks_the_alternative() {
    let schema = json!({
        "type": "object",
        "properties": { "to": { "oneOf": [
            { "type": "object", "properties": { "type": { "const": "file" }, "path": { "type": "string" } },
              "required": ["type", "path"], "additionalProperties": false },
            { "type": "object", "properties": { "type": { "const": "web" }, "url": { "type": "string" } },
              "required": ["type", "url"], "additionalProperties": false },
        ] } },
    });
    for (text, expected) in [
        ("to = { type = 'web', url = 'x' }", "fits"),
        (
            "to = { type = 'web', url = 1 }",
            "`nodes.x.to.url`: expected a string, found the whole number 1",
        ),
        (
            "to = { type = 'fil' }",
            "`nodes.x.to.type`: expected one of `file`, `web`, found the string \"fil\" (did you mean `file`?)",
        ),
        ("to = { url = 'x' }", "missing key `nodes.x.to.type`: expected `file` or `web`"),
        ("ot = 1", "unknown key `nodes.x.ot` (expected one of `to`)"),
        ("cahce = false", "unknown key `nodes.x.cahce` (did you mean `cache`?)"),
    ] {
        assert_eq!(check(&schema, text), expected, "{text}");
    }
}

#[test]
fn integers_fit_their_type() {
    let schema = |format: &str| json!({ "properties": { "n": { "type": "integer", "format": format, "minimum": 0 } } });
    for (format, number, fits) in [
        ("uint8", "255", true),
        ("uint8", "256", false),
        ("uint32", "4294967295", true),
        ("uint32", "4294967296", false),
        ("uint64", "18446744073709551615", true),
        ("uint64", "18446744073709551616", false),
        ("uint64", "-1", false),
        ("int64", "9223372036854775808", false),
    ] {
        let said = check(&schema(format), &format!("n = {number}"));
        assert_eq!(said == "fits", fits, "{format} {number}: {said}");
    }
    let not_zero = json!({ "properties": { "n": { "type": "integer", "not": { "const": 0 } } } });
    assert_eq!(check(&not_zero, "n = -1"), "fits");
    assert_eq!(
        check(&not_zero, "n = 0"),
        "`nodes.x.n`: expected a whole number other than that, found the whole number 0"
    );
}

#[test]
fn a_schema_without_a_bottom_does_not_hang() {
    let schema = json!({
        "$ref": "#/$defs/a",
        "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a", "properties": { "n": { "$ref": "#/$defs/a" } } } },
    });
    assert_eq!(check(&schema, "n = 1"), "fits");
}

#[test]
fn what_does_not_fit_can_be_taken_out() {
    let schema = json!({
        "type": "object",
        "properties": {
            "n": { "type": "integer" },
            "list": { "type": "array", "items": {
                "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"], "additionalProperties": false,
            } },
            "map": { "type": "object", "additionalProperties": { "type": "string" } },
        },
        "required": [],
        "additionalProperties": false,
    });
    let left = |text: &str| {
        let (table, _) = parse(text);
        let validate = |table: &Table| validate(table, Place::File(0, 0), "", &schema, &[]);
        prune(&table, validate).map(|(table, unknown)| (table.to_json().to_string(), unknown))
    };
    assert_eq!(left("n = 1\nm = 2"), Some((r#"{"n":1}"#.to_owned(), true)));
    assert_eq!(left("n = 'a'"), Some(("{}".to_owned(), false)));
    assert_eq!(
        left("list = [{ a = 'x' }, { a = 1 }, {}]"),
        Some((r#"{"list":[{"a":"x"}]}"#.to_owned(), false))
    );
    // Without one of the user's own names, others may seem wrong that are not.
    assert_eq!(left("map = { a = 'x', b = 1 }"), None);
}
