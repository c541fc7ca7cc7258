//! Which spans are read.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Spans of a range, each in its latest version.
///
/// # Source
///
/// `RangeConfig` of TFX's `range_config.proto`, and `SpanRangeStrategy` for what a rolling range is
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RangeConfig {
    /// The spans from one number to another.
    StaticRange(StaticRange),
    /// So many spans, up to the latest that there is.
    RollingRange(RollingRange),
}

/// The spans from one number to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaticRange {
    /// The first span; a date is the number of days since 1970-01-01.
    pub start_span_number: i64,
    /// The last span, which is read too.
    pub end_span_number: i64,
}

/// So many spans, up to the latest that there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollingRange {
    /// How many numbers of spans the range has, those without files among them: of days, 7 are a week, whether or
    /// not something arrived on each.
    pub num_spans: NonZeroU32,
    /// No earlier span than this is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_span_number: Option<i64>,
    /// How far before the latest span the range ends: with 1, at the span whose number is one less.
    #[serde(default)]
    pub skip_num_recent_spans: u32,
}

impl RangeConfig {
    /// Returns the spans to read where `latest` is the latest that there is.
    pub(crate) fn spans(&self, latest: i64) -> RangeInclusive<i64> {
        match self {
            Self::StaticRange(range) => range.start_span_number..=range.end_span_number,
            Self::RollingRange(range) => {
                let end = latest.saturating_sub(range.skip_num_recent_spans.into());
                let start = end.saturating_sub(i64::from(range.num_spans.get()) - 1);
                start.max(range.start_span_number.unwrap_or(i64::MIN))..=end
            }
        }
    }
}

/// Returns spans, which ascend, for people: `3, 5 to 9`.
pub fn list_spans(spans: &[i64]) -> String {
    let runs = spans.chunk_by(|span, next| span.checked_add(1) == Some(*next));
    let runs = runs.flat_map(|run| match run {
        [first, _, .., last] => vec![format!("{first} to {last}")],
        few => few.iter().map(ToString::to_string).collect(),
    });
    runs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_of_numbers() {
        let fixed = StaticRange { start_span_number: -2, end_span_number: 5 };
        assert_eq!(RangeConfig::StaticRange(fixed).spans(9), -2..=5);
        let rolling = |num_spans, start_span_number, skip_num_recent_spans| {
            let num_spans = NonZeroU32::new(num_spans).unwrap();
            RangeConfig::RollingRange(RollingRange {
                num_spans,
                start_span_number,
                skip_num_recent_spans,
            })
        };
        assert_eq!(rolling(1, None, 0).spans(9), 9..=9);
        assert_eq!(rolling(7, None, 0).spans(9), 3..=9);
        assert_eq!(rolling(7, Some(5), 2).spans(9), 5..=7);
        assert!(rolling(7, Some(8), 2).spans(9).is_empty());
        assert_eq!(rolling(u32::MAX, None, 3).spans(i64::MIN + 1), i64::MIN..=i64::MIN);
    }

    #[test]
    fn spans_are_listed_shortly() {
        assert_eq!(list_spans(&[]), "");
        assert_eq!(list_spans(&[-1, 0]), "-1, 0");
        assert_eq!(list_spans(&[1, 2, 3, 7, 9, 10, 11, 12]), "1 to 3, 7, 9 to 12");
        assert_eq!(list_spans(&[i64::MAX]), i64::MAX.to_string());
    }
}
