//! Numbers as JSON.

use serde_json::Value;

/// Returns a number as it is; JSON has no infinities and no NaN, they become text.
pub(crate) fn exact(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or_else(|| Value::from(special(value)), Value::Number)
}

/// Returns a number with nine significant digits, which is more than a picture shows.
pub(crate) fn short(value: f64) -> Value {
    let rounded = format!("{value:.8e}").parse().unwrap_or(value);
    // A whole number is written without a point.
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and far below 2^53")]
    if f64::abs(rounded) < 1e15 && f64::fract(rounded) == 0.0 {
        return Value::from(rounded as i64);
    }
    exact(rounded)
}

fn special(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "inf",
        f64::NEG_INFINITY => "-inf",
        _ => "NaN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_null() {
        let check = |value: f64, expected: &str| assert_eq!(short(value).to_string(), expected);
        check(0.0, "0");
        check(15_002.0, "15002");
        check(-1.5, "-1.5");
        check(1.0 / 3.0, "0.333333333");
        check(1_400_269_500.5, "1400269500");
        check(f64::INFINITY, "\"inf\"");
        check(f64::NEG_INFINITY, "\"-inf\"");
        check(f64::NAN, "\"NaN\"");
        check(1e300, "1e+300");
        assert_eq!(exact(1.0 / 3.0).to_string(), "0.3333333333333333");
    }
}
