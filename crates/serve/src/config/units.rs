//! Sizes and durations as people write them.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// A number of bytes: `"16MiB"`, `"512kB"`, `"1000"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) usize);

/// A time: `"30s"`, `"250ms"`, `"2m"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time(pub(super) Duration);

impl Bytes {
    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split(text)?;
        let unit: usize = match unit {
            "" | "B" => 1,
            "kB" => 1000,
            "KiB" => 1 << 10,
            "MB" => 1_000_000,
            "MiB" => 1 << 20,
            "GB" => 1_000_000_000,
            "GiB" => 1 << 30,
            _ => return None,
        };
        Some(Self(usize::try_from(number).ok()?.checked_mul(unit)?))
    }
}

impl Time {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split(text)?;
        Some(Self(match unit {
            "us" | "µs" => Duration::from_micros(number),
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" | "min" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            _ => return None,
        }))
    }
}

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim_start()))
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!("found {text:?}, expected a size such as \"16MiB\""))
        })
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!("found {text:?}, expected a time such as \"30s\""))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read() {
        assert_eq!(Bytes::parse("16MiB"), Some(Bytes(16 << 20)));
        assert_eq!(Bytes::parse("10 kB"), Some(Bytes(10_000)));
        assert_eq!(Bytes::parse("7"), Some(Bytes(7)));
        assert_eq!(Time::parse("250ms"), Some(Time(Duration::from_millis(250))));
        assert_eq!(Time::parse("2m"), Some(Time(Duration::from_secs(120))));
        for wrong in ["", "MiB", "1.5MiB", "-1", "1 mib", "99999999999999999999B"] {
            assert_eq!(Bytes::parse(wrong), None, "{wrong}");
        }
        for wrong in ["", "30", "s", "1d", "-1s"] {
            assert_eq!(Time::parse(wrong), None, "{wrong}");
        }
    }
}
