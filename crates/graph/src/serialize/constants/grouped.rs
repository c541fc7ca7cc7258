//! The constants of operations that come in groups: text, regular expressions, time, JSON, places.

use std::num::{NonZeroI64, NonZeroU8, NonZeroU32};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{TypeV1, Wrong};
use crate::{
    JsonPath, NormalForm, Op, Pattern, Period, RegexpOp, Replacement, Side, TextOp, TextPairOp,
    TimeFormat, TimeOp, TimePart, TimeUnit, Zone,
};

/// Stores an enum of plain words, and reads it.
macro_rules! words {
    ($stored:ident, $domain:ident { $($word:ident),+ $(,)? }) => {
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum $stored { $($word),+ }

        impl From<$domain> for $stored {
            fn from(domain: $domain) -> Self {
                match domain { $($domain::$word => Self::$word),+ }
            }
        }

        impl From<$stored> for $domain {
            fn from(stored: $stored) -> Self {
                match stored { $($stored::$word => Self::$word),+ }
            }
        }
    };
}

words!(NormalFormV1, NormalForm { Nfc, Nfd, Nfkc, Nfkd });
words!(SideV1, Side { Left, Right });
words!(TimeUnitV1, TimeUnit { Second, Millisecond, Microsecond, Nanosecond });
words!(PeriodV1, Period { Year, Quarter, Month, Week, Day, Hour, Minute, Second });
words!(
    TimePartV1,
    TimePart {
        Year,
        IsoYear,
        Quarter,
        Month,
        Week,
        Day,
        DayOfWeek,
        IsoDayOfWeek,
        DayOfYear,
        Hour,
        Minute,
        Second,
    }
);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PadV1 {
    side: SideV1,
    length: u64,
    fill: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RightV1 {
    length: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SplitPartV1 {
    separator: String,
    place: NonZeroI64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RepeatV1 {
    count: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JaccardV1 {
    n: NonZeroU32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::serialize) struct PatternV1 {
    pattern: String,
    is_whole: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::serialize) struct ExtractV1 {
    pub(in crate::serialize) pattern: PatternV1,
    pub(in crate::serialize) group: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplaceV1 {
    pattern: PatternV1,
    replacement: String,
    is_global: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TextTimeV1 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    zone: String,
    unit: TimeUnitV1,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimePartOfV1 {
    part: TimePartV1,
    zone: String,
    unit: TimeUnitV1,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TruncateV1 {
    period: PeriodV1,
    zone: String,
    unit: TimeUnitV1,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonV1 {
    path: String,
    #[serde(rename = "type")]
    to: TypeV1,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GeohashV1 {
    precision: NonZeroU8,
}

impl From<&Pattern> for PatternV1 {
    fn from(pattern: &Pattern) -> Self {
        Self { pattern: pattern.source().to_owned(), is_whole: pattern.is_whole() }
    }
}

impl TryFrom<PatternV1> for Pattern {
    type Error = Wrong;

    fn try_from(stored: PatternV1) -> Result<Self, Wrong> {
        Ok(match stored.is_whole {
            true => Self::whole(&stored.pattern)?,
            false => Self::new(&stored.pattern)?,
        })
    }
}

/// Returns what is stored of an operation beside its name, if it is of a group and has constants.
pub(super) fn encode(op: &Op) -> Result<Option<Value>, serde_json::Error> {
    let value = match op {
        Op::Text(op) => match op {
            TextOp::Normalize(form) => serde_json::to_value(NormalFormV1::from(*form)),
            TextOp::Pad { side, length, fill } => serde_json::to_value(PadV1 {
                side: (*side).into(),
                length: *length,
                fill: fill.clone(),
            }),
            TextOp::Right { length } => serde_json::to_value(RightV1 { length: *length }),
            TextOp::SplitPart { separator, place } => {
                serde_json::to_value(SplitPartV1 { separator: separator.clone(), place: *place })
            }
            TextOp::Repeat { count } => serde_json::to_value(RepeatV1 { count: *count }),
            TextOp::StripAccents | TextOp::Reverse | TextOp::CodePoint => return Ok(None),
        },
        Op::TextPair(TextPairOp::Jaccard { n }) => serde_json::to_value(JaccardV1 { n: *n }),
        Op::Regexp(op) => match op {
            RegexpOp::Matches(pattern) => serde_json::to_value(PatternV1::from(pattern)),
            RegexpOp::Extract { pattern, group } => {
                serde_json::to_value(ExtractV1 { pattern: pattern.into(), group: *group })
            }
            RegexpOp::Replace { pattern, replacement, is_global } => {
                serde_json::to_value(ReplaceV1 {
                    pattern: pattern.into(),
                    replacement: replacement.source().to_owned(),
                    is_global: *is_global,
                })
            }
        },
        Op::Time(op) => match op {
            TimeOp::Parse { format, zone, unit } | TimeOp::Format { format, zone, unit } => {
                serde_json::to_value(TextTimeV1 {
                    format: format.source().map(str::to_owned),
                    zone: zone.name().to_owned(),
                    unit: (*unit).into(),
                })
            }
            TimeOp::Part { part, zone, unit } => serde_json::to_value(TimePartOfV1 {
                part: (*part).into(),
                zone: zone.name().to_owned(),
                unit: (*unit).into(),
            }),
            TimeOp::Truncate { period, zone, unit } => serde_json::to_value(TruncateV1 {
                period: (*period).into(),
                zone: zone.name().to_owned(),
                unit: (*unit).into(),
            }),
        },
        Op::Json { path, to } => {
            serde_json::to_value(JsonV1 { path: path.source().to_owned(), to: (*to).into() })
        }
        Op::Geohash { precision } => serde_json::to_value(GeohashV1 { precision: *precision }),
        _ => return Ok(None),
    };
    value.map(Some)
}

/// Returns the operation of a stored node, if it is of a group and has constants.
pub(super) fn decode(name: &str, constants: Value) -> Result<Op, Wrong> {
    Ok(match name {
        "normalize" => {
            let stored: NormalFormV1 = serde_json::from_value(constants)?;
            Op::Text(TextOp::Normalize(stored.into()))
        }
        "pad" => {
            let PadV1 { side, length, fill } = serde_json::from_value(constants)?;
            Op::Text(TextOp::Pad { side: side.into(), length, fill })
        }
        "right" => {
            let RightV1 { length } = serde_json::from_value(constants)?;
            Op::Text(TextOp::Right { length })
        }
        "split_part" => {
            let SplitPartV1 { separator, place } = serde_json::from_value(constants)?;
            Op::Text(TextOp::SplitPart { separator, place })
        }
        "repeat" => {
            let RepeatV1 { count } = serde_json::from_value(constants)?;
            Op::Text(TextOp::Repeat { count })
        }
        "jaccard" => {
            let JaccardV1 { n } = serde_json::from_value(constants)?;
            Op::TextPair(TextPairOp::Jaccard { n })
        }
        "regexp_matches" => {
            let stored: PatternV1 = serde_json::from_value(constants)?;
            Op::Regexp(RegexpOp::Matches(stored.try_into()?))
        }
        "regexp_extract" => {
            let ExtractV1 { pattern, group } = serde_json::from_value(constants)?;
            Op::Regexp(RegexpOp::Extract { pattern: pattern.try_into()?, group })
        }
        "regexp_replace" => {
            let ReplaceV1 { pattern, replacement, is_global } = serde_json::from_value(constants)?;
            let replacement = Replacement::new(&replacement)?;
            Op::Regexp(RegexpOp::Replace { pattern: pattern.try_into()?, replacement, is_global })
        }
        "parse_time" => {
            let TextTimeV1 { format, zone, unit } = serde_json::from_value(constants)?;
            let format = format.map_or(Ok(TimeFormat::ISO), |format| TimeFormat::to_read(&format));
            let (format, zone) = (format?, Zone::new(&zone)?);
            Op::Time(TimeOp::Parse { format, zone, unit: unit.into() })
        }
        "format_time" => {
            let TextTimeV1 { format, zone, unit } = serde_json::from_value(constants)?;
            let format = format.map_or(Ok(TimeFormat::ISO), |format| TimeFormat::to_write(&format));
            let (format, zone) = (format?, Zone::new(&zone)?);
            Op::Time(TimeOp::Format { format, zone, unit: unit.into() })
        }
        "time_part" => {
            let TimePartOfV1 { part, zone, unit } = serde_json::from_value(constants)?;
            let zone = Zone::new(&zone)?;
            Op::Time(TimeOp::Part { part: part.into(), zone, unit: unit.into() })
        }
        "truncate_time" => {
            let TruncateV1 { period, zone, unit } = serde_json::from_value(constants)?;
            let zone = Zone::new(&zone)?;
            Op::Time(TimeOp::Truncate { period: period.into(), zone, unit: unit.into() })
        }
        "json_extract" => {
            let JsonV1 { path, to } = serde_json::from_value(constants)?;
            Op::Json { path: JsonPath::new(&path)?, to: to.into() }
        }
        "geohash" => {
            let GeohashV1 { precision } = serde_json::from_value(constants)?;
            Op::Geohash { precision }
        }
        _ => return Err(Wrong::UnknownOp),
    })
}
