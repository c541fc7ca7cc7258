//! Clocks and calendars of UTC, and of zones that are always as far from it.
//!
//! # Source
//!
//! The days of the proleptic Gregorian calendar by Howard Hinnant's `civil_from_days` and `days_from_civil`.

use graph::{Period, TimeOp, TimePart, TimeUnit, Zone};

use super::Refused;
use super::column::{Column, both};
use super::emit::{Emitter, Tensor};

/// Why other times are refused.
pub(super) const OTHER_TIMES: &str = "its operators know neither texts of times nor the rules of time zones; take parts \
                                      of times in UTC or at a fixed offset from it";

/// The seconds that a point in time can have, from the first on (in the year -9999) to the last.
const SECONDS: [i64; 2] = [-377_705_023_201, 253_402_207_200];

const SECONDS_PER_DAY: i64 = 86_400;

/// Returns the seconds that the clocks of a zone are always ahead of UTC, if there is such a number.
pub(super) fn offset(zone: &Zone) -> Option<i64> {
    let name = zone.name();
    if name == Zone::UTC {
        return Some(0);
    }
    let (sign, digits) = match name.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    Some(sign * (hours * 3600 + minutes * 60))
}

/// Lowers what clocks and calendars show, or when the period began that a point in time is in.
pub(super) fn lower(e: &mut Emitter, op: &TimeOp, operand: &Column) -> Result<Column, Refused> {
    let (TimeOp::Part { zone, unit, .. } | TimeOp::Truncate { zone, unit, .. }) = op else {
        return Err(Refused::new(OTHER_TIMES));
    };
    let offset = offset(zone).ok_or(Refused::new(OTHER_TIMES))?;
    let per_second = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    };
    // What is out of range is missing.
    let [first, last] = SECONDS.map(|seconds| seconds.saturating_mul(per_second));
    let (least, most, zero) = (e.int(first), e.int(last), e.int(0));
    let is_enough = e.op("GreaterOrEqual", &[&operand.values, &least]);
    let is_within = e.op("LessOrEqual", &[&operand.values, &most]);
    let is_time = e.op("And", &[&is_enough, &is_within]);
    let time = e.choose(&is_time, &operand.values, &zero);
    let present = both(e, operand.present.as_ref(), Some(&is_time));

    let seconds = floor_div(e, &time, per_second);
    let shown = plus(e, &seconds, offset);
    let days = floor_div(e, &shown, SECONDS_PER_DAY);
    let midnight = times(e, &days, SECONDS_PER_DAY);
    let clock = e.op("Sub", &[&shown, &midnight]);
    match op {
        TimeOp::Part { part, .. } => {
            let values = part_of(e, *part, &days, &clock);
            Ok(Column { values, present })
        }
        TimeOp::Truncate { period, .. } => {
            let start = start_of(e, *period, &shown, &days, &clock);
            let start = plus(e, &start, -offset);
            // Before the first point in time, or the first that the unit has a number for, there is none.
            let least = SECONDS[0].max(i64::MIN / per_second);
            let least = e.int(least);
            let is_start = e.op("GreaterOrEqual", &[&start, &least]);
            let values = times(e, &start, per_second);
            let present = both(e, present.as_ref(), Some(&is_start));
            Ok(Column { values, present })
        }
        _ => Err(Refused::new(OTHER_TIMES)),
    }
}

fn part_of(e: &mut Emitter, part: TimePart, days: &Tensor, clock: &Tensor) -> Tensor {
    match part {
        TimePart::Hour => div(e, clock, 3600),
        TimePart::Minute => {
            let minutes = div(e, clock, 60);
            rest(e, &minutes, 60)
        }
        TimePart::Second => rest(e, clock, 60),
        // The first day was a Thursday.
        TimePart::DayOfWeek => {
            let from_sunday = plus(e, days, 4);
            rest(e, &from_sunday, 7)
        }
        TimePart::IsoDayOfWeek => {
            let from_monday = monday_offset(e, days);
            plus(e, &from_monday, 1)
        }
        TimePart::Year => date(e, days).year,
        TimePart::Month => date(e, days).month,
        TimePart::Day => date(e, days).day,
        TimePart::Quarter => {
            let month = date(e, days).month;
            let month = plus(e, &month, 2);
            div(e, &month, 3)
        }
        TimePart::DayOfYear => {
            let year = date(e, days).year;
            day_of_year(e, days, &year)
        }
        // An ISO week is in the year that its Thursday is in.
        TimePart::IsoYear => {
            let thursday = thursday(e, days);
            date(e, &thursday).year
        }
        TimePart::Week => {
            let thursday = thursday(e, days);
            let year = date(e, &thursday).year;
            let day = day_of_year(e, &thursday, &year);
            let day = plus(e, &day, 6);
            div(e, &day, 7)
        }
    }
}

/// Returns the second at which a period began, as the clocks showed it.
fn start_of(
    e: &mut Emitter,
    period: Period,
    shown: &Tensor,
    days: &Tensor,
    clock: &Tensor,
) -> Tensor {
    let within = |e: &mut Emitter, length: i64| {
        let beyond = rest(e, clock, length);
        e.op("Sub", &[shown, &beyond])
    };
    let day = match period {
        Period::Hour => return within(e, 3600),
        Period::Minute => return within(e, 60),
        Period::Second => return shown.clone(),
        Period::Day => days.clone(),
        Period::Week => {
            let offset = monday_offset(e, days);
            e.op("Sub", &[days, &offset])
        }
        Period::Month => {
            let day = date(e, days).day;
            let first = e.op("Sub", &[days, &day]);
            plus(e, &first, 1)
        }
        Period::Quarter => {
            let date = date(e, days);
            let before = plus(e, &date.month, -1);
            let quarter = div(e, &before, 3);
            let month = times(e, &quarter, 3);
            let month = plus(e, &month, 1);
            first_day(e, &date.year, &month)
        }
        Period::Year => {
            let (year, january) = (date(e, days).year, e.int(1));
            first_day(e, &year, &january)
        }
    };
    times(e, &day, SECONDS_PER_DAY)
}

/// A day of the calendar.
struct Date {
    year: Tensor,
    month: Tensor,
    day: Tensor,
}

/// Returns the date of days since the beginning of 1970. Years begin in March here, so that leap days end them.
fn date(e: &mut Emitter, days: &Tensor) -> Date {
    let days = plus(e, days, 719_468);
    let era = floor_div(e, &days, 146_097);
    let of_era = rest(e, &days, 146_097);
    let (a, b, c) = (div(e, &of_era, 1_460), div(e, &of_era, 36_524), div(e, &of_era, 146_096));
    let year = e.op("Sub", &[&of_era, &a]);
    let year = e.op("Add", &[&year, &b]);
    let year = e.op("Sub", &[&year, &c]);
    let year_of_era = div(e, &year, 365);
    let before = days_before(e, &year_of_era);
    let day_of_year = e.op("Sub", &[&of_era, &before]);
    let month = times(e, &day_of_year, 5);
    let month = plus(e, &month, 2);
    let month = div(e, &month, 153);
    let before = days_before_month(e, &month);
    let day = e.op("Sub", &[&day_of_year, &before]);
    let day = plus(e, &day, 1);
    let ten = e.int(10);
    let is_early = e.op("Less", &[&month, &ten]);
    let (early, late) = (plus(e, &month, 3), plus(e, &month, -9));
    let month = e.choose(&is_early, &early, &late);
    let years = times(e, &era, 400);
    let year = e.op("Add", &[&year_of_era, &years]);
    let next = plus(e, &year, 1);
    let year = e.choose(&is_early, &year, &next);
    Date { year, month, day }
}

/// Returns the first day of a month in days since the beginning of 1970.
fn first_day(e: &mut Emitter, year: &Tensor, month: &Tensor) -> Tensor {
    let two = e.int(2);
    let is_late = e.op("LessOrEqual", &[month, &two]);
    let last_year = plus(e, year, -1);
    let year = e.choose(&is_late, &last_year, year);
    let (late, early) = (plus(e, month, 9), plus(e, month, -3));
    let month = e.choose(&is_late, &late, &early);
    let era = floor_div(e, &year, 400);
    let year_of_era = rest(e, &year, 400);
    let days = days_before(e, &year_of_era);
    let of_year = days_before_month(e, &month);
    let days = e.op("Add", &[&days, &of_year]);
    let of_eras = times(e, &era, 146_097);
    let days = e.op("Add", &[&days, &of_eras]);
    plus(e, &days, -719_468)
}

/// Returns the days of an era before a year of it.
fn days_before(e: &mut Emitter, year: &Tensor) -> Tensor {
    let (days, leap, no_leap) = (times(e, year, 365), div(e, year, 4), div(e, year, 100));
    let days = e.op("Add", &[&days, &leap]);
    e.op("Sub", &[&days, &no_leap])
}

/// Returns the days of a year before a month, counted from 0 for March.
fn days_before_month(e: &mut Emitter, month: &Tensor) -> Tensor {
    let days = times(e, month, 153);
    let days = plus(e, &days, 2);
    div(e, &days, 5)
}

fn day_of_year(e: &mut Emitter, days: &Tensor, year: &Tensor) -> Tensor {
    let january = e.int(1);
    let first = first_day(e, year, &january);
    let day = e.op("Sub", &[days, &first]);
    plus(e, &day, 1)
}

fn monday_offset(e: &mut Emitter, days: &Tensor) -> Tensor {
    let from_monday = plus(e, days, 3);
    rest(e, &from_monday, 7)
}

fn thursday(e: &mut Emitter, days: &Tensor) -> Tensor {
    let offset = monday_offset(e, days);
    let monday = e.op("Sub", &[days, &offset]);
    plus(e, &monday, 3)
}

fn plus(e: &mut Emitter, a: &Tensor, b: i64) -> Tensor {
    if b == 0 {
        return a.clone();
    }
    let b = e.int(b);
    e.op("Add", &[a, &b])
}

fn times(e: &mut Emitter, a: &Tensor, b: i64) -> Tensor {
    let b = e.int(b);
    e.op("Mul", &[a, &b])
}

/// Divides, cutting towards 0.
fn div(e: &mut Emitter, a: &Tensor, b: i64) -> Tensor {
    let b = e.int(b);
    e.op("Div", &[a, &b])
}

/// Returns the rest, from 0 to below `b`, whatever the sign of `a`.
fn rest(e: &mut Emitter, a: &Tensor, b: i64) -> Tensor {
    let b = e.int(b);
    e.op("Mod", &[a, &b])
}

/// Divides, cutting off towards the past.
fn floor_div(e: &mut Emitter, a: &Tensor, b: i64) -> Tensor {
    if b == 1 {
        return a.clone();
    }
    let quotient = div(e, a, b);
    let product = times(e, &quotient, b);
    let is_below = e.op("Less", &[a, &product]);
    let less = plus(e, &quotient, -1);
    e.choose(&is_below, &less, &quotient)
}
