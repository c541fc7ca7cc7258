//! The text form of messages, as in `schema.pbtxt` and `anomalies.pbtxt`.

use std::fmt::Write as _;
use std::sync::LazyLock;

use base::{Classify, ErrorKind};
use prost::{Message, Name};
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value,
};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let bytes = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));
    DescriptorPool::decode(bytes.as_slice()).expect("the build script wrote valid descriptors")
});

/// Why a text is not a message.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The text does not parse, or names a field that the message does not have.
    #[error("not a {message} in text form: {reason}")]
    Parse {
        /// The message's name.
        message: String,
        /// What the parser found, and where.
        reason: String,
    },
}

impl Classify for TextError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }
}

/// Returns the text form of a message, one field to a line, nested messages indented by two spaces.
pub fn print<M: Message + Name>(message: &M) -> String {
    let mut text = String::new();
    print_fields(&crate::reflect::fields(message), 0, &mut text);
    text
}

/// Reads a message from its text form.
///
/// # Errors
///
/// [`TextError::Parse`] when the text is not such a message.
pub fn parse<M: Message + Name + Default>(text: &str) -> Result<M, TextError> {
    let dynamic = DynamicMessage::parse_text_format(descriptor::<M>(), text).map_err(|error| {
        TextError::Parse { message: M::NAME.to_owned(), reason: error.to_string() }
    })?;
    Ok(M::decode(dynamic.encode_to_vec().as_slice()).expect("both are of one definition"))
}

fn print_fields(message: &DynamicMessage, depth: usize, text: &mut String) {
    for (field, value) in message.fields() {
        match value {
            Value::List(values) => {
                values.iter().for_each(|value| print_field(&field, value, depth, text));
            }
            Value::Map(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries
                    .sort_by(|a, b| a.0.partial_cmp(b.0).expect("keys of one map have one type"));
                for (key, value) in entries {
                    print_entry(&field, key, value, depth, text);
                }
            }
            value => print_field(&field, value, depth, text),
        }
    }
}

fn print_field(field: &FieldDescriptor, value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Message(message) => {
            let _ = writeln!(text, "{indent}{} {{", field.name());
            print_fields(message, depth + 1, text);
            let _ = writeln!(text, "{indent}}}");
        }
        value => {
            let _ = writeln!(text, "{indent}{}: {}", field.name(), scalar(&field.kind(), value));
        }
    }
}

fn print_entry(
    field: &FieldDescriptor,
    key: &MapKey,
    value: &Value,
    depth: usize,
    text: &mut String,
) {
    let Kind::Message(entry) = field.kind() else { return };
    let indent = "  ".repeat(depth);
    let _ = writeln!(text, "{indent}{} {{", field.name());
    print_field(&entry.map_entry_key_field(), &Value::from(key.clone()), depth + 1, text);
    print_field(&entry.map_entry_value_field(), value, depth + 1, text);
    let _ = writeln!(text, "{indent}}}");
}

fn scalar(kind: &Kind, value: &Value) -> String {
    match (kind, value) {
        (Kind::Enum(kind), Value::EnumNumber(number)) => kind
            .get_value(*number)
            .map_or_else(|| number.to_string(), |value| value.name().to_owned()),
        (_, Value::F32(number)) => float(f64::from(*number), format!("{number:?}")),
        (_, Value::F64(number)) => float(*number, format!("{number:?}")),
        (_, Value::String(string)) => quote(string.as_bytes()),
        (_, Value::Bytes(bytes)) => quote(bytes),
        (_, Value::I32(number)) => number.to_string(),
        (_, Value::I64(number)) => number.to_string(),
        (_, Value::U32(number)) => number.to_string(),
        (_, Value::U64(number)) => number.to_string(),
        (_, Value::Bool(flag)) => flag.to_string(),
        (_, value) => value.to_string(),
    }
}

fn float(number: f64, digits: String) -> String {
    if number.is_nan() {
        "nan".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "inf".to_owned() } else { "-inf".to_owned() }
    } else {
        digits
    }
}

/// Quotes bytes: valid UTF-8 stays readable, control characters and other bytes are escaped.
fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => quoted.push_str("\\\""),
                '\\' => quoted.push_str("\\\\"),
                '\n' => quoted.push_str("\\n"),
                '\r' => quoted.push_str("\\r"),
                '\t' => quoted.push_str("\\t"),
                c if c.is_control() => escape(c.encode_utf8(&mut [0; 4]).as_bytes(), &mut quoted),
                c => quoted.push(c),
            }
        }
        escape(chunk.invalid(), &mut quoted);
    }
    quoted.push('"');
    quoted
}

fn escape(bytes: &[u8], quoted: &mut String) {
    for byte in bytes {
        let _ = write!(quoted, "\\{byte:03o}");
    }
}

pub(crate) fn descriptor<M: Name>() -> MessageDescriptor {
    POOL.get_message_by_name(&M::full_name()).expect("every generated message has a descriptor")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{FeatureType, Schema};

    const TEXT: &str = "feature {\n  name: \"fare\"\n  type: FLOAT\n  presence {\n    min_fraction: 1.0\n    min_count: 1\n  }\n  shape {\n    dim {\n      size: 1\n    }\n  }\n}\n";

    #[test]
    fn print_then_parse_is_the_same_message() {
        let schema: Schema = parse(TEXT).unwrap();
        assert_eq!(schema.feature[0].r#type(), FeatureType::Float);
        assert_eq!(parse::<Schema>(&print(&schema)).unwrap(), schema);
        assert_eq!(print(&schema), TEXT);
    }

    #[test]
    fn quotes_controls_and_foreign_bytes_survive() {
        let name = "a\"b\\c\n\u{1}ä'".to_owned();
        let schema = Schema {
            feature: vec![crate::metadata::Feature { name: Some(name), ..Default::default() }],
            ..Default::default()
        };
        assert_eq!(parse::<Schema>(&print(&schema)).unwrap(), schema);
    }

    #[test]
    fn an_unknown_field_is_named() {
        let error = parse::<Schema>("feature { nam: \"x\" }").unwrap_err();
        assert!(error.to_string().contains("nam"), "{error}");
    }
}
