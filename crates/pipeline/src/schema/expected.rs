//! What a schema expects, in words.

use serde_json::{Map, Value as Json};

use crate::schema::alternatives::tag;
use crate::schema::validate::{Validator, constants_of, quoted};

/// How deep alternatives are described.
const MAX_DEPTH: usize = 4;

/// Returns what a schema expects, such as `a whole number of at least 1` or `a table with one of ...`.
pub(super) fn expected(validator: &Validator<'_>, schema: &Json) -> String {
    let words = words(validator, schema, 0);
    if words.is_empty() { "another value".to_owned() } else { join(words) }
}

fn words(validator: &Validator<'_>, schema: &Json, depth: usize) -> Vec<String> {
    let schema = validator.resolve(schema);
    let Json::Object(keywords) = schema else { return Vec::new() };
    if depth >= MAX_DEPTH {
        return Vec::new();
    }
    if let Some(constants) = constants_of(keywords) {
        return constants.iter().map(|constant| format!("`{}`", text_of(constant))).collect();
    }
    let options = ["oneOf", "anyOf"].iter().find_map(|key| keywords.get(*key)?.as_array());
    if let Some(options) = options {
        let tags: Vec<&str> =
            options.iter().filter_map(|option| tag(validator.resolve(option))).collect();
        let mut found = Vec::new();
        for option in options.iter().filter(|option| tag(validator.resolve(option)).is_none()) {
            for word in words(validator, option, depth + 1) {
                if !found.contains(&word) {
                    found.push(word);
                }
            }
        }
        match tags.as_slice() {
            [] => {}
            [only] => found.push(format!("a table with `{only}`")),
            tags => found.push(format!("a table with one of {}", quoted(tags))),
        }
        return found;
    }
    if let Some(tag) = tag(schema) {
        return vec![format!("a table with `{tag}`")];
    }
    let name = |name: &str| -> Option<String> {
        Some(match name {
            "string" => text_with_length(keywords),
            "integer" => format!("a whole number{}", Bounds::of(keywords)),
            "number" => format!("a number{}", Bounds::of(keywords)),
            "boolean" => "true or false".to_owned(),
            "array" => list(validator, keywords, depth),
            "object" => "a table".to_owned(),
            _ => return None,
        })
    };
    match keywords.get("type") {
        Some(Json::String(only)) => name(only).into_iter().collect(),
        Some(Json::Array(names)) => {
            names.iter().filter_map(Json::as_str).filter_map(name).collect()
        }
        _ => Vec::new(),
    }
}

fn text_with_length(keywords: &Map<String, Json>) -> String {
    match keywords.get("minLength").and_then(Json::as_u64) {
        Some(1) => "a string that is not empty".to_owned(),
        _ => "a string".to_owned(),
    }
}

fn list(validator: &Validator<'_>, keywords: &Map<String, Json>, depth: usize) -> String {
    let items = keywords.get("items").map(|items| words(validator, items, depth + 1));
    let of = match items.as_deref() {
        Some([one]) => match one.as_str() {
            "a string" => " of strings",
            "a whole number" => " of whole numbers",
            "a number" => " of numbers",
            "a table" => " of tables",
            _ => "",
        },
        _ => "",
    };
    match keywords.get("minItems").and_then(Json::as_u64) {
        Some(min) if min > 0 => format!("a list{of} of at least {min}"),
        _ => format!("a list{of}"),
    }
}

fn join(words: Vec<String>) -> String {
    let is_constant = |word: &String| word.starts_with('`');
    if words.len() > 2 && words.iter().all(is_constant) {
        return format!("one of {}", words.join(", "));
    }
    words.join(" or ")
}

fn text_of(constant: &Json) -> String {
    constant.as_str().map_or_else(|| constant.to_string(), str::to_owned)
}

/// The range of a number.
pub(super) struct Bounds {
    min: Option<f64>,
    min_is_excluded: bool,
    max: Option<f64>,
    max_is_excluded: bool,
    integers: Option<(i128, i128)>,
}

impl Bounds {
    /// Returns the range that a schema gives, by its keywords and by the size of the integer's type.
    pub(super) fn of(keywords: &Map<String, Json>) -> Self {
        let number = |key: &str| keywords.get(key).and_then(Json::as_f64);
        let (min, above) = (number("minimum"), number("exclusiveMinimum"));
        let (max, below) = (number("maximum"), number("exclusiveMaximum"));
        let integers = keywords.get("format").and_then(Json::as_str).and_then(|format| {
            Some(match format {
                "int8" => (i8::MIN.into(), i8::MAX.into()),
                "int16" => (i16::MIN.into(), i16::MAX.into()),
                "int32" => (i32::MIN.into(), i32::MAX.into()),
                "int64" | "int" => (i64::MIN.into(), i64::MAX.into()),
                "uint8" => (0, u8::MAX.into()),
                "uint16" => (0, u16::MAX.into()),
                "uint32" => (0, u32::MAX.into()),
                "uint64" | "uint" => (0, u64::MAX.into()),
                _ => return None,
            })
        });
        Self {
            min: above.or(min),
            min_is_excluded: above.is_some(),
            max: below.or(max),
            max_is_excluded: below.is_some(),
            integers,
        }
    }

    /// Returns whether a float is in the range.
    pub(super) fn hold(&self, number: f64) -> bool {
        self.min.is_none_or(|min| number > min || (!self.min_is_excluded && number >= min))
            && self.max.is_none_or(|max| number < max || (!self.max_is_excluded && number <= max))
    }

    /// Returns whether an integer is in the range and can be held at all.
    pub(super) fn hold_integer(&self, number: i128) -> bool {
        let (min, max) = self.integers.unwrap_or((i64::MIN.into(), u64::MAX.into()));
        #[expect(
            clippy::cast_precision_loss,
            reason = "bounds are small, and far numbers stay far"
        )]
        let as_float = number as f64;
        (min..=max).contains(&number) && self.hold(as_float)
    }
}

impl std::fmt::Display for Bounds {
    /// Writes what follows `a number`: nothing, ` from 0 to 1`, ` of at least 1`, ` greater than 0`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let type_max = self.integers.map(|(_, max)| max).filter(|max| *max <= u32::MAX.into());
        #[expect(clippy::cast_precision_loss, reason = "at most 2^32")]
        let max = self.max.or(type_max.map(|max| max as f64));
        match (self.min, max) {
            (Some(min), Some(max)) if !self.min_is_excluded && !self.max_is_excluded => {
                write!(f, " from {min} to {max}")
            }
            (min, max) => {
                let mut and = "";
                if let Some(min) = min {
                    let word = if self.min_is_excluded { "greater than" } else { "of at least" };
                    write!(f, " {word} {min}")?;
                    and = " and";
                }
                if let Some(max) = max {
                    let word = if self.max_is_excluded { "less than" } else { "at most" };
                    write!(f, "{and} {word} {max}")?;
                }
                Ok(())
            }
        }
    }
}
