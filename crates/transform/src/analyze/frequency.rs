//! How often a token of a vocabulary was seen, as its file has it.

use std::fmt;

/// What a token was chosen for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Frequency {
    /// How often it occurs.
    Count(i64),
    /// What it weighs, or how much it says about labels.
    Float(f64),
}

impl Frequency {
    /// That of tokens which are reserved.
    pub(crate) const NONE: Self = Self::Count(-1);
}

impl fmt::Display for Frequency {
    /// Writes floats as Python does, with the fewest digits: `2.0`, `1e-05`, `1e+16`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match *self {
            Self::Count(count) => return write!(f, "{count}"),
            Self::Float(value) => value,
        };
        let size = value.abs();
        if value.is_finite() && (size == 0.0 || (1e-4..1e16).contains(&size)) {
            let plain = value.to_string();
            let point = if plain.contains('.') { "" } else { ".0" };
            return write!(f, "{plain}{point}");
        }
        let scientific = format!("{value:e}");
        match scientific.split_once('e') {
            Some((digits, exponent)) => {
                let (sign, exponent) = match exponent.strip_prefix('-') {
                    Some(exponent) => ('-', exponent),
                    None => ('+', exponent),
                };
                write!(f, "{digits}e{sign}{exponent:0>2}")
            }
            None => f.write_str(&scientific.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        let values = [0.0, 2.0, 0.1, 1.848_326_741_1, 1e-4, 1e-5, 1.5e-7, 1e15, 1e16, -2.5e300];
        let written = values.map(|value| Frequency::Float(value).to_string());
        assert_eq!(
            written.join(" "),
            "0.0 2.0 0.1 1.8483267411 0.0001 1e-05 1.5e-07 1000000000000000.0 1e+16 -2.5e+300"
        );
        assert_eq!(Frequency::Count(-1).to_string(), "-1");
    }
}
