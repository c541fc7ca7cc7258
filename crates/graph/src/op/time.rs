//! Operations of points in time, which are INTs: so many seconds, or smaller units, since the epoch.

use std::hash::{Hash, Hasher};

use jiff::Zoned;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use crate::{BuildError, ValueType};

/// What is done with points in time between the years -9999 and 9999; others give a missing value.
///
/// Time zones are those of the IANA database that is part of this program, so that a machine's own do not matter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TimeOp {
    /// The point in time that a STRING tells, as INT; missing when it does not fit.
    ///
    /// A text that tells its own offset from UTC goes by that, others by the clocks of `zone`: the earlier point in
    /// time where these told the same time twice, and where they skipped it, the one so much later. What is smaller
    /// than a unit is cut off, towards the past.
    Parse {
        /// How it is written.
        format: TimeFormat,
        /// Where the clocks are.
        zone: Zone,
        /// What the result counts.
        unit: TimeUnit,
    },
    /// A STRING that tells a point in time; missing when that is out of range.
    Format {
        /// How it is written.
        format: TimeFormat,
        /// Where the clocks are.
        zone: Zone,
        /// What the operand counts.
        unit: TimeUnit,
    },
    /// What the clocks and calendars of `zone` show at an INT, as INT.
    Part {
        /// What of it.
        part: TimePart,
        /// Where the clocks are.
        zone: Zone,
        /// What the operand counts.
        unit: TimeUnit,
    },
    /// When the period began, by the clocks of `zone`, that an INT is in; in the same unit.
    Truncate {
        /// How long the period is.
        period: Period,
        /// Where the clocks are.
        zone: Zone,
        /// What the operand and the result count.
        unit: TimeUnit,
    },
}

impl TimeOp {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Parse { .. } => "parse_time",
            Self::Format { .. } => "format_time",
            Self::Part { .. } => "time_part",
            Self::Truncate { .. } => "truncate_time",
        }
    }

    pub(crate) fn result(&self) -> ValueType {
        match self {
            Self::Format { .. } => ValueType::String,
            _ => ValueType::Int,
        }
    }
}

/// What an INT counts since the beginning of 1970 in UTC, leap seconds left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// Seconds.
    Second,
    /// Thousandths of a second.
    Millisecond,
    /// Millionths of a second.
    Microsecond,
    /// Billionths of a second.
    Nanosecond,
}

/// What clocks and calendars show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimePart {
    /// The year.
    Year,
    /// The year that the ISO week belongs to.
    IsoYear,
    /// The quarter, 1 to 4.
    Quarter,
    /// The month, 1 to 12.
    Month,
    /// The ISO week, 1 to 53: from Monday on, and in the year that its Thursday is in.
    Week,
    /// The day of the month, 1 to 31.
    Day,
    /// The day of the week, from 0 for Sunday to 6 for Saturday.
    DayOfWeek,
    /// The day of the week, from 1 for Monday to 7 for Sunday.
    IsoDayOfWeek,
    /// The day of the year, 1 to 366.
    DayOfYear,
    /// The hour, 0 to 23.
    Hour,
    /// The minute, 0 to 59.
    Minute,
    /// The second, 0 to 59.
    Second,
}

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Period {
    /// From January on.
    Year,
    /// From January, April, July or October on.
    Quarter,
    /// From the first on.
    Month,
    /// From Monday on.
    Week,
    /// From midnight on.
    Day,
    /// An hour.
    Hour,
    /// A minute.
    Minute,
    /// A second.
    Second,
}

/// How a text tells a point in time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimeFormat(Option<String>);

impl TimeFormat {
    /// ISO 8601, as RFC 3339 and RFC 9557 have it: `2024-03-10`, `2024-03-10T09:30`, `2024-03-10 09:30:00.5+01:00`.
    pub const ISO: Self = Self(None);

    /// Takes a format in which texts can be read, as C's `strptime` has it.
    ///
    /// # Errors
    ///
    /// [`BuildError::TimeFormat`] when it is none, or tells no day.
    pub fn to_read(format: &str) -> Result<Self, BuildError> {
        Self::tried(format, true)
    }

    /// Takes a format in which texts can be written, as C's `strftime` has it.
    ///
    /// # Errors
    ///
    /// [`BuildError::TimeFormat`] when it is none.
    pub fn to_write(format: &str) -> Result<Self, BuildError> {
        Self::tried(format, false)
    }

    /// Writes some time in the format, and reads it again.
    fn tried(format: &str, is_read: bool) -> Result<Self, BuildError> {
        let wrong = |error: jiff::Error| {
            let (format, reason) = (format.to_owned(), error.to_string());
            BuildError::TimeFormat { format, reason }
        };
        let some_time = jiff::civil::date(2005, 11, 24).at(13, 45, 56, 789_000_000);
        let zone = TimeZone::fixed(Offset::constant(1));
        let some_time: Zoned = zone.to_zoned(some_time).map_err(wrong)?;
        let written = strtime::format(format, &some_time).map_err(wrong)?;
        if is_read {
            let read = BrokenDownTime::parse(format, &written).map_err(wrong)?;
            let told = match read.timestamp() {
                Some(_) => Ok(()),
                None => read.to_datetime().map(|_| ()),
            };
            told.map_err(wrong)?;
        }
        Ok(Self(Some(format.to_owned())))
    }

    /// Returns the format as it was written, or nothing for ISO 8601.
    pub fn source(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// A time zone.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The one that all others are told by.
    pub const UTC: &str = "UTC";

    /// Finds a time zone by its name in the IANA database, or by its offset from UTC: `Europe/Berlin`, `+05:30`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Zone`] when there is no such time zone.
    pub fn new(name: &str) -> Result<Self, BuildError> {
        let database = TimeZoneDatabase::bundled();
        if name.starts_with(['+', '-']) {
            let offset = BrokenDownTime::parse("%:z", name).ok().and_then(|read| read.offset());
            if let Some(offset) = offset {
                return Ok(Self { name: name.to_owned(), zone: TimeZone::fixed(offset) });
            }
        } else if let Ok(zone) = database.get(name) {
            let name = zone.iana_name().unwrap_or(name).to_owned();
            return Ok(Self { name, zone });
        }
        let known: Vec<String> = database.available().map(|name| name.to_string()).collect();
        let nearest = base::nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
        Err(BuildError::Zone { zone: name.to_owned(), nearest })
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
