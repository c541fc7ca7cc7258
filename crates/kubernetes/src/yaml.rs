//! Values as YAML, in block style.
//!
//! Texts stand bare only where no reader of YAML 1.1 or 1.2 could take them for something else; all others are in double
//! quotes as JSON writes them, which YAML reads alike.

use std::fmt::Write;

use serde_json::{Map, Value};

/// Returns a value as one YAML document.
pub fn to_yaml(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(table) if !table.is_empty() => put_table(table, 0, &mut text),
        Value::Array(items) if !items.is_empty() => put_list(items, 0, &mut text),
        other => {
            put_scalar(other, &mut text);
            text.push('\n');
        }
    }
    text
}

/// Returns values as YAML documents, one behind the other.
pub fn to_yaml_documents(values: &[Value]) -> String {
    values.iter().map(to_yaml).collect::<Vec<_>>().join("---\n")
}

fn put_table(table: &Map<String, Value>, depth: usize, text: &mut String) {
    for (place, (key, value)) in table.iter().enumerate() {
        // The first key of a table in a list stands behind the list's dash.
        if place > 0 || text.is_empty() || text.ends_with('\n') {
            indent(depth, text);
        }
        put_text(key, text);
        text.push(':');
        put_value(value, depth, depth + 1, text);
    }
}

fn put_list(items: &[Value], depth: usize, text: &mut String) {
    for item in items {
        indent(depth, text);
        text.push('-');
        match item {
            Value::Object(table) if !table.is_empty() => {
                text.push(' ');
                put_table(table, depth + 1, text);
            }
            other => put_value(other, depth + 1, depth + 1, text),
        }
    }
}

/// Puts what stands behind a colon or a dash.
fn put_value(value: &Value, list_depth: usize, table_depth: usize, text: &mut String) {
    match value {
        Value::Object(table) if !table.is_empty() => {
            text.push('\n');
            put_table(table, table_depth, text);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            put_list(items, list_depth, text);
        }
        other => {
            text.push(' ');
            put_scalar(other, text);
            text.push('\n');
        }
    }
}

fn put_scalar(value: &Value, text: &mut String) {
    match value {
        Value::String(value) => put_text(value, text),
        Value::Number(number) => text.push_str(&number_text(&number.to_string())),
        // Empty lists and tables, truth values and null are written as in JSON.
        other => {
            let _ = write!(text, "{other}");
        }
    }
}

/// Returns a number as YAML 1.1 takes it, too: with a point before an exponent, and a sign in it.
fn number_text(json: &str) -> String {
    let Some((mantissa, exponent)) = json.split_once(['e', 'E']) else { return json.to_owned() };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

fn put_text(value: &str, text: &mut String) {
    if is_plain(value) {
        text.push_str(value);
    } else {
        let quoted = Value::from(value).to_string();
        // JSON leaves these as they are; YAML does not take them, or takes them for ends of lines.
        for c in quoted.chars() {
            match c {
                '\u{7f}'..='\u{9f}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{feff}'
                | '\u{fffe}'
                | '\u{ffff}' => {
                    let _ = write!(text, "\\u{:04x}", u32::from(c));
                }
                c => text.push(c),
            }
        }
    }
}

/// Returns whether a text is read as itself without quotes, whatever the version of YAML.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    starts && text.chars().all(is_safe) && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

fn indent(depth: usize, text: &mut String) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_blocks() {
        let value = json!({
            "apiVersion": "v1",
            "metadata": { "name": "taxi", "labels": {}, "annotations": { "a/b": "1767225600" } },
            "spec": { "containers": [
                { "name": "a", "args": ["serve", "--port", "8080"], "env": [] },
                { "name": "b", "nested": [["x"], [[]], { "deep": { "er": null } }] },
            ] },
        });
        assert_eq!(
            to_yaml(&value),
            "\
apiVersion: v1
metadata:
  name: taxi
  labels: {}
  annotations:
    a/b: \"1767225600\"
spec:
  containers:
  - name: a
    args:
    - serve
    - \"--port\"
    - \"8080\"
    env: []
  - name: b
    nested:
    -
      - x
    -
      - []
    - deep:
        er: null
"
        );
        assert_eq!(to_yaml_documents(&[json!({"a": 1}), json!([])]), "a: 1\n---\n[]\n");
    }

    #[test]
    fn what_could_be_something_else_is_quoted() {
        let written = |text: &str| to_yaml(&json!({ "k": text }));
        for plain in ["taxi", "s3", "a.b/c-d_e", "/mnt/models", "nullable"] {
            assert_eq!(written(plain), format!("k: {plain}\n"));
        }
        for quoted in [
            "",
            "1",
            "1e3",
            "0x1",
            "~",
            "null",
            "Yes",
            "ON",
            "n",
            "true",
            "a: b",
            "a #b",
            "- a",
            "s3://b/k",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "{a",
            "2001-01-01",
            "1:30",
            ".inf",
            "=",
            "a b",
        ] {
            assert_eq!(written(quoted), format!("k: {}\n", json!(quoted)), "{quoted}");
        }
        assert_eq!(to_yaml(&json!([1e30, 1.5e-9, 2, -0.5])), "- 1.0e+30\n- 1.5e-9\n- 2\n- -0.5\n");
        assert_eq!(written("a\n\"b\"\u{85}\u{2028}"), "k: \"a\\n\\\"b\\\"\\u0085\\u2028\"\n");
    }
}
