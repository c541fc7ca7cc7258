//! Points in time: read, written, taken apart, and cut to the beginning of a period.

use arrow::array::{Int64Array, StringArray};
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::fmt::temporal::{DateTimeParser, DateTimePrinter};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use super::text::TextBuilder;
use super::{ints, texts};
use crate::evaluate::Values;
use crate::{GraphError, Period, TimeFormat, TimeOp, TimePart, TimeUnit};

/// Computes an operation of points in time.
pub(super) fn compute(op: &TimeOp, values: &Values, num_rows: usize) -> Result<Values, GraphError> {
    let per_row = |f: &dyn Fn(i64) -> Option<i64>| {
        let times = ints(values);
        Values::ints((0..num_rows).map(|row| f(times.at(row)?)).collect())
    };
    Ok(match op {
        TimeOp::Parse { format, zone, unit } => {
            let texts = texts(values);
            let read = |text: &str| unit.count(parse(text, format, zone.zone())?);
            let times: Int64Array = (0..num_rows).map(|row| read(texts.at(row)?)).collect();
            Values::ints(times)
        }
        TimeOp::Format { format, zone, unit } => {
            Values::texts(write(values, format, zone.zone(), *unit, num_rows)?)
        }
        TimeOp::Part { part, zone, unit } => per_row(&|time| {
            let shown = zone.zone().to_datetime(unit.point(time)?);
            Some(part.of(shown))
        }),
        TimeOp::Truncate { period, zone, unit } => per_row(&|time| {
            let start = truncate(unit.point(time)?, *period, zone.zone())?;
            unit.count(start)
        }),
    })
}

impl TimeUnit {
    /// Returns the point in time that a number stands for, if it is in range.
    fn point(self, count: i64) -> Option<Timestamp> {
        match self {
            Self::Second => Timestamp::from_second(count),
            Self::Millisecond => Timestamp::from_millisecond(count),
            Self::Microsecond => Timestamp::from_microsecond(count),
            Self::Nanosecond => Timestamp::from_nanosecond(i128::from(count)),
        }
        .ok()
    }

    /// Returns the number of whole units before a point in time, cut off towards the past, if 64 bits hold it.
    fn count(self, point: Timestamp) -> Option<i64> {
        let nanoseconds_per_unit = match self {
            Self::Second => 1_000_000_000,
            Self::Millisecond => 1_000_000,
            Self::Microsecond => 1_000,
            Self::Nanosecond => 1,
        };
        i64::try_from(point.as_nanosecond().div_euclid(nanoseconds_per_unit)).ok()
    }
}

impl TimePart {
    fn of(self, shown: DateTime) -> i64 {
        match self {
            Self::Year => i64::from(shown.year()),
            Self::IsoYear => i64::from(shown.date().iso_week_date().year()),
            Self::Quarter => (i64::from(shown.month()) + 2) / 3,
            Self::Month => i64::from(shown.month()),
            Self::Week => i64::from(shown.date().iso_week_date().week()),
            Self::Day => i64::from(shown.day()),
            Self::DayOfWeek => i64::from(shown.weekday().to_sunday_zero_offset()),
            Self::IsoDayOfWeek => i64::from(shown.weekday().to_monday_one_offset()),
            Self::DayOfYear => i64::from(shown.day_of_year()),
            Self::Hour => i64::from(shown.hour()),
            Self::Minute => i64::from(shown.minute()),
            Self::Second => i64::from(shown.second()),
        }
    }
}

fn parse(text: &str, format: &TimeFormat, zone: &TimeZone) -> Option<Timestamp> {
    let Some(format) = format.source() else {
        static ISO: DateTimeParser = DateTimeParser::new();
        return match ISO.parse_timestamp(text) {
            Ok(point) => Some(point),
            Err(_) => on_clocks(ISO.parse_datetime(text).ok()?, zone),
        };
    };
    let read = BrokenDownTime::parse(format, text).ok()?;
    if read.iana_time_zone().is_some() {
        // Not the machine's database, which is what jiff asks otherwise.
        return Some(read.to_zoned_with(&TimeZoneDatabase::bundled()).ok()?.timestamp());
    }
    match read.timestamp() {
        Some(point) => Some(point),
        None if read.offset().is_some() => read.to_timestamp().ok(),
        None => on_clocks(read.to_datetime().ok()?, zone),
    }
}

/// Returns when clocks showed something: the first time, if twice, and so much later, if never.
fn on_clocks(shown: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(shown).compatible().ok()
}

fn write(
    values: &Values,
    format: &TimeFormat,
    zone: &TimeZone,
    unit: TimeUnit,
    num_rows: usize,
) -> Result<StringArray, GraphError> {
    static PRINTER: DateTimePrinter = DateTimePrinter::new();
    let times = ints(values);
    let written = |row| {
        let shown = unit.point(times.at(row)?)?.to_zoned(zone.clone());
        match format.source() {
            Some(format) => strtime::format(format, &shown).ok(),
            None => {
                let (point, offset) = (shown.timestamp(), shown.offset());
                Some(PRINTER.timestamp_with_offset_to_string(&point, offset))
            }
        }
    };
    let mut builder = TextBuilder::with_rows(num_rows);
    for row in 0..num_rows {
        builder.push_row(written(row).as_deref())?;
    }
    Ok(builder.finish())
}

fn truncate(point: Timestamp, period: Period, zone: &TimeZone) -> Option<Timestamp> {
    let shown = zone.to_datetime(point);
    let date = shown.date();
    let first = |year: i16, month: i8| Date::new(year, month, 1).ok();
    let start = match period {
        Period::Year => first(date.year(), 1)?,
        Period::Quarter => first(date.year(), (date.month() - 1) / 3 * 3 + 1)?,
        Period::Month => first(date.year(), date.month())?,
        Period::Week => {
            let num_days = i64::from(date.weekday().to_monday_zero_offset());
            date.checked_sub(SignedDuration::from_hours(24 * num_days)).ok()?
        }
        Period::Day => date,
        // Within an hour clocks go on without a jump, so that what they show may be cut as it is.
        Period::Hour | Period::Minute | Period::Second => {
            let time = shown.time();
            let (minutes, seconds) = match period {
                Period::Hour => (i64::from(time.minute()), i64::from(time.second())),
                Period::Minute => (0, i64::from(time.second())),
                _ => (0, 0),
            };
            let beyond = SignedDuration::new(minutes * 60 + seconds, time.subsec_nanosecond());
            return point.checked_sub(beyond).ok();
        }
    };
    on_clocks(start.to_datetime(Time::midnight()), zone)
}
