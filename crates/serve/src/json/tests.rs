//! Documents, beside a parser that others wrote.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Reads a whole document into a tree, so that it can be compared.
fn tree(reader: &mut Reader<'_>) -> Result<Value> {
    Ok(match reader.kind()? {
        Kind::Object => {
            let mut object = serde_json::Map::new();
            reader.begin_object()?;
            let mut is_first = true;
            while let Some(key) = reader.next_key(&mut is_first)? {
                let value = tree(reader)?;
                object.insert(key.into_owned(), value);
            }
            Value::Object(object)
        }
        Kind::Array => {
            let mut list = Vec::new();
            reader.begin_array()?;
            let mut is_first = true;
            while reader.next_item(&mut is_first)? {
                list.push(tree(reader)?);
            }
            Value::Array(list)
        }
        Kind::String => Value::String(reader.string()?.into_owned()),
        Kind::Number => match reader.number()? {
            Number::Int(int) => int.into(),
            other => other.as_f64().into(),
        },
        Kind::Bool => reader.bool()?.into(),
        Kind::Null => {
            reader.null()?;
            Value::Null
        }
    })
}

fn read(text: &str) -> Result<Value> {
    let mut reader = Reader::new(text.as_bytes())?;
    let value = tree(&mut reader)?;
    reader.end()?;
    Ok(value)
}

fn skip(text: &str) -> Result<()> {
    let mut reader = Reader::new(text.as_bytes())?;
    reader.skip_value()?;
    reader.end()
}

/// What another parser makes of it, numbers as we tell them apart.
fn others(text: &str) -> Option<Value> {
    fn plain(value: Value) -> Value {
        match value {
            Value::Number(number) if number.as_i64().is_none() => {
                number.as_f64().map_or(Value::Null, Value::from)
            }
            Value::Array(list) => list.into_iter().map(plain).collect(),
            Value::Object(object) => {
                object.into_iter().map(|(key, value)| (key, plain(value))).collect()
            }
            other => other,
        }
    }
    serde_json::from_str(text).ok().map(plain)
}

#[track_caller]
fn check(text: &str) {
    let ours = read(text);
    assert_eq!(ours.clone().ok(), others(text), "{text:?}: {ours:?}");
    assert_eq!(ours.is_ok(), skip(text).is_ok(), "{text:?}");
}

#[test]
fn documents_mean_what_others_say() {
    for text in [
        r#"{"instances": [{"a": 1, "b": [1.5, -2e3, "x"]}, {}]}"#,
        r#"{"a":{"a":[[[]]],"b":{}},"c":null,"d":true,"e":false}"#,
        "[0, -0, -0.0, 1e400, 9223372036854775807, 9223372036854775808, -9223372036854775808]",
        r#""\u00e9\ud83d\ude00\n\"\\\/\b\f\r\t é😀""#,
        " [ ] ",
        "1",
    ] {
        if text.contains("1e400") {
            continue; // Theirs refuses it, ours is infinite.
        }
        check(text);
    }
    assert_eq!(read("[1e400]").unwrap()[0], Value::Null);
}

#[test]
fn what_is_no_document_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{1:2}",
        "[1 2]",
        "01",
        "1.",
        ".5",
        "1e",
        "+1",
        "--1",
        "tru",
        "nul",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\u{1}\"",
        "1 2",
        "[1]]",
        "{}}",
        "'a'",
        "-",
        "[\"a]",
    ] {
        check(text);
        assert!(read(text).is_err(), "{text:?}");
    }
    assert_eq!(
        Reader::new(b"[\xff]").unwrap_err().to_string(),
        "JSON parse error at byte 1: expected UTF-8"
    );
}

#[test]
fn words_are_numbers_here() {
    let numbers = |text: &str| {
        let mut reader = Reader::new(text.as_bytes()).unwrap();
        reader.number().map(Number::as_f64)
    };
    assert!(numbers("NaN").unwrap().is_nan());
    assert_eq!(numbers("Infinity"), Ok(f64::INFINITY));
    assert_eq!(numbers("-Infinity"), Ok(f64::NEG_INFINITY));
    assert_eq!(numbers("-0").unwrap().to_bits(), (-0.0f64).to_bits());
    for wrong in ["-NaN", "Inf", "nan", "NaNs"] {
        assert!(skip(wrong).is_err(), "{wrong}");
    }
    let mut out = Vec::new();
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.3, 1.0, -0.0, 1e-30] {
        put_f32(&mut out, value);
        out.push(b' ');
    }
    assert_eq!(String::from_utf8(out).unwrap(), "NaN Infinity -Infinity 0.3 1.0 -0.0 1e-30 ");
}

#[test]
fn depth_does_not_overflow() {
    let deep = "[".repeat(1_000_000);
    assert!(skip(&deep).is_err());
    let deep = format!("{deep}{}", "]".repeat(1_000_000));
    assert!(skip(&deep).is_ok());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_as_by_others(text in r#"[\[\]{},:"\\/a0-9.eE+\- untrfls]{0,24}"#) {
        // Theirs refuses numbers beyond all floats.
        prop_assume!(!text.contains(['e', 'E']));
        check(&text);
    }

    #[test]
    fn texts_are_written_as_others_read_them(text in any::<String>()) {
        let mut out = Vec::new();
        put_string(&mut out, &text);
        prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }

    #[test]
    fn floats_read_back(bits in any::<u32>()) {
        let value = f32::from_bits(bits);
        let mut out = Vec::new();
        put_f32(&mut out, value);
        let back = Reader::new(&out).unwrap().number().unwrap().as_f32();
        prop_assert!(back.to_bits() == bits || (back.is_nan() && value.is_nan()));
    }
}
