//! Calls of functions whose constants need a closer look, or that are made of several operations.

use std::num::{NonZeroI64, NonZeroU8, NonZeroU32};

use graph::{
    Boundaries, FloatOp, JsonPath, ListOp, Literal, NormalForm, Op, Period, RegexpOp, Replacement,
    TextOp, TextPairOp, TimeFormat, TimeOp, TimePart, TimeUnit, ValueType, Zone,
};

use super::Checker;
use super::call::Given;
use super::emit::{all_values, count};
use crate::functions::Mapper;
use crate::ir::NodeId;

const FLOAT: Option<ValueType> = Some(ValueType::Float);
const BOOL: Option<ValueType> = Some(ValueType::Bool);

/// The mean radius of the earth by the International Union of Geodesy and Geophysics, in km.
const EARTH_RADIUS_KM: f64 = 6371.0088;
const RADIANS_PER_DEGREE: f64 = std::f64::consts::PI / 180.0;

impl Checker<'_> {
    pub(super) fn mapper(
        &mut self,
        code: Mapper,
        given: &[Given<'_>],
        value_type: Option<ValueType>,
    ) -> NodeId {
        let args = all_values(given);
        match code {
            Mapper::ILike => return self.ilike(args[0], &given[1], &given[2]),
            Mapper::Times(factor) => return self.times(args[0], factor),
            Mapper::Number(value) => return self.arena.literal(value.into()),
            Mapper::Clip => {
                let below = self.arena.op(Op::Least, vec![args[0], args[2]], value_type);
                return self.arena.op(Op::Greatest, vec![below, args[1]], value_type);
            }
            Mapper::NanToMissing => {
                let is_nan = self.arena.op(Op::IsNan, args.clone(), BOOL);
                let null = self.null(FLOAT);
                return self.arena.op(Op::Select, vec![is_nan, null, args[0]], FLOAT);
            }
            Mapper::GeoDistance => return self.geo_distance(&args),
            _ => {}
        }
        match self.mapper_op(code, given) {
            Some(op) => self.arena.op(op, args, value_type),
            None => self.arena.mistake(value_type),
        }
    }

    /// Returns the one operation that a function is, with its constants, or reports what is wrong with these.
    fn mapper_op(&mut self, code: Mapper, given: &[Given<'_>]) -> Option<Op> {
        let text = |place: usize| given[place].text();
        let size = |place: usize| count(given[place].int());
        Some(match code {
            Mapper::RegexpLike => Op::Regexp(RegexpOp::Matches(self.pattern(&given[1], false)?)),
            Mapper::RegexpFullMatch => {
                Op::Regexp(RegexpOp::Matches(self.pattern(&given[1], true)?))
            }
            Mapper::RegexpExtract => {
                let pattern = self.pattern(&given[1], false)?;
                let group = given[2].int().and_then(|group| u32::try_from(group).ok()).unwrap_or(0);
                self.has_group(&given[2], group, pattern.num_groups())?;
                Op::Regexp(RegexpOp::Extract { pattern, group })
            }
            Mapper::RegexpReplace => {
                let pattern = self.pattern(&given[1], false)?;
                let replacement = Replacement::new(text(2).unwrap_or_default());
                let replacement = self.constant(&given[2], replacement)?;
                self.has_group(&given[2], replacement.highest_group(), pattern.num_groups())?;
                let is_global = given[3].bool().unwrap_or(true);
                Op::Regexp(RegexpOp::Replace { pattern, replacement, is_global })
            }
            Mapper::RegexpSplit => Op::OfList(ListOp::RegexpSplit(self.pattern(&given[1], false)?)),
            Mapper::RegexpExtractAll => {
                let pattern = self.pattern(&given[1], false)?;
                let group = given[2].int().and_then(|group| u32::try_from(group).ok()).unwrap_or(0);
                self.has_group(&given[2], group, pattern.num_groups())?;
                Op::OfList(ListOp::RegexpExtractAll { pattern, group })
            }
            Mapper::Normalize => Op::Text(TextOp::Normalize(match text(1) {
                Some("nfd") => NormalForm::Nfd,
                Some("nfkc") => NormalForm::Nfkc,
                Some("nfkd") => NormalForm::Nfkd,
                _ => NormalForm::Nfc,
            })),
            Mapper::Pad(side) => {
                let fill = text(2).unwrap_or(" ").to_owned();
                Op::Text(TextOp::Pad { side, length: size(1).unwrap_or(0), fill })
            }
            Mapper::Left => Op::Substring { start: 1, length: size(1) },
            Mapper::Right => Op::Text(TextOp::Right { length: size(1).unwrap_or(0) }),
            Mapper::Repeat => Op::Text(TextOp::Repeat { count: size(1).unwrap_or(0) }),
            Mapper::SplitPart => {
                let Some(place) = NonZeroI64::new(given[2].int().unwrap_or(1)) else {
                    let message = "argument `place` of `split_part`: found 0, expected 1 for the first part or -1 \
                                   for the last"
                        .to_owned();
                    self.report(given[2].at().unwrap_or(0), message, None);
                    return None;
                };
                let separator = text(1).unwrap_or_default().to_owned();
                Op::Text(TextOp::SplitPart { separator, place })
            }
            Mapper::Jaccard => {
                let n = given[2].int().and_then(|n| u32::try_from(n).ok()).unwrap_or(2);
                Op::TextPair(TextPairOp::Jaccard { n: NonZeroU32::new(n)? })
            }
            Mapper::ParseTime => {
                let format = text(1).map_or(Ok(TimeFormat::ISO), TimeFormat::to_read);
                let format = self.constant(&given[1], format)?;
                Op::Time(TimeOp::Parse {
                    format,
                    zone: self.zone(&given[2])?,
                    unit: unit(&given[3]),
                })
            }
            Mapper::FormatTime => {
                let format = text(1).map_or(Ok(TimeFormat::ISO), TimeFormat::to_write);
                let format = self.constant(&given[1], format)?;
                Op::Time(TimeOp::Format {
                    format,
                    zone: self.zone(&given[2])?,
                    unit: unit(&given[3]),
                })
            }
            Mapper::DatePart => {
                let (part, zone) = (part(text(0)?)?, self.zone(&given[2])?);
                Op::Time(TimeOp::Part { part, zone, unit: unit(&given[3]) })
            }
            Mapper::DateTrunc => {
                let (period, zone) = (period(text(0)?)?, self.zone(&given[2])?);
                Op::Time(TimeOp::Truncate { period, zone, unit: unit(&given[3]) })
            }
            Mapper::Json(to) => {
                let path = JsonPath::new(text(1).unwrap_or_default());
                Op::Json { path: self.constant(&given[1], path)?, to }
            }
            Mapper::Geohash => {
                let precision = given[2].int().and_then(|n| u8::try_from(n).ok()).unwrap_or(6);
                Op::Geohash { precision: NonZeroU8::new(precision)? }
            }
            Mapper::WidthBucket => Op::Bucketize(self.equal_widths(given)?),
            Mapper::Tokenize => {
                let tokenizer = self.tokenizer(&given[1])?;
                let add_special_tokens = given[2].bool().unwrap_or(true);
                Op::OfList(ListOp::Tokenize { tokenizer, add_special_tokens })
            }
            Mapper::ILike
            | Mapper::Times(_)
            | Mapper::Number(_)
            | Mapper::Clip
            | Mapper::NanToMissing
            | Mapper::GeoDistance => unreachable!("these are no one operation"),
        })
    }

    fn has_group(&mut self, given: &Given<'_>, group: u32, num_groups: u32) -> Option<()> {
        if group <= num_groups {
            return Some(());
        }
        let message = format!(
            "found group {group}, expected one that the pattern has, which has {num_groups}"
        );
        let hint = "parentheses make a group; `(?:…)` does not".to_owned();
        self.report(given.at().unwrap_or(0), message, Some(hint));
        None
    }

    fn zone(&mut self, given: &Given<'_>) -> Option<Zone> {
        let zone = Zone::new(given.text().unwrap_or(Zone::UTC));
        self.constant(given, zone)
    }

    fn equal_widths(&mut self, given: &[Given<'_>]) -> Option<Boundaries> {
        let (low, high) = (given[1].float()?, given[2].float()?);
        if low >= high {
            let at = given[1].at().unwrap_or(0);
            let message = format!("`low` is {low:?}, expected less than `high`, which is {high:?}");
            self.report(at, message, None);
            return None;
        }
        let num_buckets = u32::try_from(given[3].int()?).ok()?;
        let boundary = |place: u32| {
            // The ends are what was written, whatever rounding makes of the way there.
            if place == num_buckets {
                high
            } else {
                low + (high - low) * (f64::from(place) / f64::from(num_buckets))
            }
        };
        Boundaries::new((0..=num_buckets).map(boundary).collect()).ok()
    }

    fn times(&mut self, x: NodeId, factor: f64) -> NodeId {
        let factor = self.arena.literal(factor.into());
        self.arena.op(Op::Multiply, vec![x, factor], FLOAT)
    }

    /// The haversine formula: `2 r asin(sqrt(sin²(Δlat/2) + cos(lat1) cos(lat2) sin²(Δlon/2)))`.
    fn geo_distance(&mut self, args: &[NodeId]) -> NodeId {
        let &[lat1, lon1, lat2, lon2] = args else { return self.arena.mistake(FLOAT) };
        let mut squared_half_sine = |from: NodeId, to: NodeId| {
            let difference = self.arena.op(Op::Subtract, vec![to, from], FLOAT);
            let half = self.times(difference, RADIANS_PER_DEGREE / 2.0);
            let sine = self.arena.op(Op::Sin, vec![half], FLOAT);
            self.arena.op(Op::Multiply, vec![sine, sine], FLOAT)
        };
        let (latitudes, longitudes) =
            (squared_half_sine(lat1, lat2), squared_half_sine(lon1, lon2));
        let mut cosine = |latitude: NodeId| {
            let radians = self.times(latitude, RADIANS_PER_DEGREE);
            self.arena.op(Op::Cos, vec![radians], FLOAT)
        };
        let (first, second) = (cosine(lat1), cosine(lat2));
        let cosines = self.arena.op(Op::Multiply, vec![first, second], FLOAT);
        let weighted = self.arena.op(Op::Multiply, vec![cosines, longitudes], FLOAT);
        let sum = self.arena.op(Op::Add, vec![latitudes, weighted], FLOAT);
        // At the other end of the earth rounding may lead beyond what has an arcsine.
        let one = self.arena.literal(Literal::Float(1.0));
        let sum = self.arena.op(Op::Least, vec![sum, one], FLOAT);
        let root = self.arena.op(Op::Sqrt, vec![sum], FLOAT);
        let angle = self.arena.op(Op::Float(FloatOp::Asin), vec![root], FLOAT);
        self.times(angle, 2.0 * EARTH_RADIUS_KM)
    }
}

/// Returns the unit that a word stands for.
fn unit(given: &Given<'_>) -> TimeUnit {
    match given.text() {
        Some("ms") => TimeUnit::Millisecond,
        Some("us") => TimeUnit::Microsecond,
        Some("ns") => TimeUnit::Nanosecond,
        _ => TimeUnit::Second,
    }
}

fn part(word: &str) -> Option<TimePart> {
    Some(match word {
        "year" => TimePart::Year,
        "isoyear" => TimePart::IsoYear,
        "quarter" => TimePart::Quarter,
        "month" => TimePart::Month,
        "week" => TimePart::Week,
        "day" => TimePart::Day,
        "dayofweek" | "dow" => TimePart::DayOfWeek,
        "isodow" => TimePart::IsoDayOfWeek,
        "dayofyear" | "doy" => TimePart::DayOfYear,
        "hour" => TimePart::Hour,
        "minute" => TimePart::Minute,
        "second" => TimePart::Second,
        _ => return None,
    })
}

fn period(word: &str) -> Option<Period> {
    Some(match word {
        "year" => Period::Year,
        "quarter" => Period::Quarter,
        "month" => Period::Month,
        "week" => Period::Week,
        "day" => Period::Day,
        "hour" => Period::Hour,
        "minute" => Period::Minute,
        "second" => Period::Second,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::{PARTS, PERIODS};

    #[test]
    fn every_word_stands_for_something() {
        assert!(PARTS.iter().all(|word| part(word).is_some()));
        assert!(PERIODS.iter().all(|word| period(word).is_some()));
    }
}
