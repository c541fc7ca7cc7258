//! Numbers, values and paths as they appear in descriptions.

use formats::metadata::Feature;

/// Returns a path as one string, the way anomalies are keyed: steps joined by dots, a step with dots,
/// quotes or lone parentheses in single quotes.
pub(crate) fn serialize_path(path: &[&str]) -> String {
    path.iter().map(|step| serialize_step(step)).collect::<Vec<_>>().join(".")
}

fn serialize_step(step: &str) -> String {
    let interior = step.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let is_plain = match interior {
        Some(interior) => !interior.contains(['(', ')']),
        None => !step.is_empty() && !step.contains(['(', ')', '.', '\'']),
    };
    if is_plain { step.to_owned() } else { format!("'{}'", step.replace('\'', "''")) }
}

/// Returns a feature as C++ prints it for people: as in a file, but whole numbers without a fraction.
pub(crate) fn debug_string(feature: &Feature) -> String {
    let text = formats::text::print(feature);
    let lines = text.lines().map(|line| match line.strip_suffix(".0") {
        Some(whole) if whole.ends_with(|c: char| c.is_ascii_digit()) => whole,
        _ => line,
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Returns a number with at most six significant digits, as C prints it with `%g`.
pub(crate) fn six_digits(number: f64) -> String {
    if !number.is_finite() {
        return if number.is_nan() {
            "nan".to_owned()
        } else if number > 0.0 {
            "inf".to_owned()
        } else {
            "-inf".to_owned()
        };
    }
    let scientific = format!("{number:.5e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let decimals = usize::try_from(5 - exponent).unwrap_or(0);
        return trim_zeros(&format!("{number:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim_zeros(digits), exponent.abs())
}

fn trim_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// Returns how much of a total a count is: `<1%`, `~2%`, rounded down, or `?` of nothing.
pub(crate) fn percentage(count: f64, total: f64) -> String {
    if total == 0.0 {
        return "?".to_owned();
    }
    let percent = 100.0 * count / total;
    if percent < 1.0 { "<1%".to_owned() } else { format!("~{}%", percent.floor()) }
}

/// Returns a value with its quotes, backslashes and control characters escaped as in C.
pub(crate) fn c_escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '"' | '\'' | '\\' => escaped.extend(['\\', c]),
            c if c.is_ascii_control() => escaped.push_str(&format!("\\{:03o}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_those_of_c() {
        for (number, text) in [
            (0.0, "0"),
            (0.104, "0.104"),
            (50.25, "50.25"),
            (-50.0, "-50"),
            (0.279_905_129_937, "0.279905"),
            (123_456.0, "123456"),
            (999_999.5, "1e+06"),
            (1_234_567.0, "1.23457e+06"),
            (0.000_123_456_7, "0.000123457"),
            (0.000_012_345, "1.2345e-05"),
            (1e300, "1e+300"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(six_digits(number), text);
        }
    }

    #[test]
    fn steps_are_quoted_when_they_would_be_misread() {
        for (path, text) in [
            (vec!["fare"], "fare"),
            (vec!["trip", "fare"], "trip.fare"),
            (vec!["trip.fare"], "'trip.fare'"),
            (vec!["driver's"], "'driver''s'"),
            (vec!["(ext.field)"], "(ext.field)"),
            (vec!["(a)(b)"], "'(a)(b)'"),
            (vec![""], "''"),
        ] {
            assert_eq!(serialize_path(&path), text);
        }
    }

    #[test]
    fn values_are_escaped_and_percentages_rounded_down() {
        assert_eq!(c_escape("a\"b\\c\n\u{1}é'"), "a\\\"b\\\\c\\n\\001é\\'");
        let shown = [(1.0, 200.0), (2.0, 200.0), (3.9, 100.0), (1.0, 0.0)]
            .map(|(count, total)| percentage(count, total));
        assert_eq!(shown, ["<1%", "~1%", "~3%", "?"]);
    }
}
