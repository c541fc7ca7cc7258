//! Numbers as ZetaSQL writes them.

/// Returns the shortest of the texts with `few` or `many` digits that reads as the same number.
fn shortest(value: f64, few: usize, many: usize, reads_same: impl Fn(&str) -> bool) -> String {
    let text = with_digits(value, few);
    if reads_same(&text) { text } else { with_digits(value, many) }
}

/// Returns a double as text: 15 digits where they do, else 17.
#[expect(clippy::float_cmp, reason = "the text has to read as exactly the number")]
pub(super) fn double(value: f64) -> String {
    shortest(value, 15, 17, |text| text.parse::<f64>().is_ok_and(|read| read == value))
}

/// Returns a float as text: 6 digits where they do, else 8, or 9.
#[expect(clippy::float_cmp, reason = "the text has to read as exactly the number")]
pub(super) fn float(value: f32) -> String {
    let reads_same = |text: &str| text.parse::<f32>().is_ok_and(|read| read == value);
    let text = shortest(f64::from(value), 6, 8, reads_same);
    if reads_same(&text) { text } else { with_digits(f64::from(value), 9) }
}

/// Returns a number with so many digits, as C's `%g`.
fn with_digits(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{:.*e}", digits - 1, value);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    let behind_point = i32::try_from(digits).unwrap_or(i32::MAX) - 1 - exponent;
    if exponent < -4 || behind_point < 0 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trimmed(mantissa), exponent.unsigned_abs());
    }
    trimmed(&format!("{:.*}", usize::try_from(behind_point).unwrap_or(0), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_zetasql() {
        let doubles = [
            (1.5, "1.5"),
            (3.0, "3"),
            (-0.0, "-0"),
            (f64::from(0.1_f32) * 2.0, "0.20000000298023224"),
            (f64::from(1e20_f32) * 2.0, "2.0000000400817547e+20"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, expected) in doubles {
            assert_eq!(double(value), expected);
        }
        let floats = [(0.1, "0.1"), (1e20, "1e+20"), (16_777_216.0, "16777216"), (1.5, "1.5")];
        for (value, expected) in floats {
            assert_eq!(float(value), expected);
        }
    }
}
