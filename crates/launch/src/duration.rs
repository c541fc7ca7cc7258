//! Durations as people write them.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A length of time: a whole number and its unit, such as `500ms`, `30s`, `10m` or `2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Duration);

const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let unit = UNITS.iter().find(|(unit, _)| *unit == &text[digits..]);
        let millis = text[..digits].parse::<u64>().ok();
        millis
            .zip(unit)
            .and_then(|(number, (_, millis))| number.checked_mul(*millis))
            .map(|millis| Self(Duration::from_millis(millis)))
            .ok_or_else(|| format!("{text:?}, expected a length of time such as \"30s\" or \"2h\""))
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let fits = UNITS.iter().rev().find(|(_, unit)| millis >= *unit && millis % unit == 0);
        let (unit, size) = fits.unwrap_or(&UNITS[1]);
        write!(f, "{}{unit}", millis / size)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_and_written() {
        let read = |text: &str| Span::try_from(text.to_owned()).map(|span| span.to_string());
        for text in ["500ms", "30s", "10m", "2h", "3d", "0s"] {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
        assert_eq!(read("90s").as_deref(), Ok("90s"));
        assert_eq!(read("120s").as_deref(), Ok("2m"));
        for text in
            ["", "5", "s", "-1s", "1.5h", "1 s", "99999999999999999999s", "18446744073709551615d"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
