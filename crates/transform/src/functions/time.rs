//! Functions of points in time.

use graph::ValueType::{Int, String};

use super::{Code, Function, Mapper, Param, Returns, Takes};

/// What an integer may count.
const UNITS: &[&str] = &["s", "ms", "us", "ns"];

/// What clocks and calendars show.
pub(crate) const PARTS: &[&str] = &[
    "year",
    "isoyear",
    "quarter",
    "month",
    "week",
    "day",
    "dayofweek",
    "dow",
    "isodow",
    "dayofyear",
    "doy",
    "hour",
    "minute",
    "second",
];

/// What a point in time can be cut to.
pub(crate) const PERIODS: &[&str] =
    &["year", "quarter", "month", "week", "day", "hour", "minute", "second"];

const TIME: Param = Param::required("t", Takes::Int);
const ZONE: Param = Param::optional("tz", Takes::LiteralString, "'UTC'");
const UNIT: Param = Param::optional("unit", Takes::LiteralWord(UNITS), "'s'");

const RANGE: &str =
    "Missing stays missing, and what is beyond the years -9999 and 9999 is missing.";

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "parse_time",
        alias: None,
        params: &[
            Param::required("x", Takes::String),
            Param::optional("format", Takes::LiteralString, "ISO 8601"),
            ZONE,
            UNIT,
        ],
        returns: Returns::Type(Int),
        summary: "The point in time that a text tells: the seconds since 1970 in UTC, without leap seconds, or \
                  thousandths (`'ms'`), millionths (`'us'`) or billionths (`'ns'`) of them. `format` is that of C's \
                  `strptime` (`'%d/%m/%Y %H:%M'`; `%.f` is a fraction of a second, `%z` an offset from UTC, `%s` \
                  seconds since 1970); without it texts such as `2024-03-10`, `2024-03-10 09:30` and \
                  `2024-03-10T09:30:00.5+01:00` are read. Where a text has no offset it is told by the clocks of the \
                  time zone `tz`: a name as `'Europe/Berlin'`, from the time zone database that cupola brings along, \
                  or an offset as `'+05:30'`.",
        edges: "Missing where a text does not fit the format from end to end, or is no date. A time that clocks showed \
                twice is the first of them, and one that they left out is taken as if they had not been set yet. \
                Missing stays missing.",
        example: "parse_time('31/10/2024 ' || cast(trip_start_hour AS text), '%d/%m/%Y %H', tz => 'America/Chicago')",
        code: Code::Mapper(Mapper::ParseTime),
    },
    Function {
        name: "date_part",
        alias: Some("time_part"),
        params: &[Param::required("part", Takes::LiteralWord(PARTS)), TIME, ZONE, UNIT],
        returns: Returns::Type(Int),
        summary: "What clock and calendar show at a point in time; `extract(hour FROM t)` is the same. `dow`, or \
                  `dayofweek`, is 0 on Sundays and 6 on Saturdays, `isodow` 1 on Mondays and 7 on Sundays; `week` and \
                  `isoyear` are those of ISO 8601; `doy` is `dayofyear`. For models that know no circle, \
                  `sin(2 * pi() * date_part('hour', t) / 24)` and its cosine lead from 23 to 0.",
        edges: RANGE,
        example: "date_part('dow', 1730419200 + trip_start_hour * 3600, tz => 'America/Chicago')",
        code: Code::Mapper(Mapper::DatePart),
    },
    Function {
        name: "date_trunc",
        alias: None,
        params: &[Param::required("period", Takes::LiteralWord(PERIODS)), TIME, ZONE, UNIT],
        returns: Returns::Type(Int),
        summary: "When the year, quarter, month, week (from Monday on), day, hour, minute or second began that a point \
                  in time is in, in the same unit.",
        edges: RANGE,
        example: "date_trunc('day', 1730419200 + trip_start_hour * 3600)",
        code: Code::Mapper(Mapper::DateTrunc),
    },
    Function {
        name: "format_time",
        alias: None,
        params: &[TIME, Param::optional("format", Takes::LiteralString, "ISO 8601"), ZONE, UNIT],
        returns: Returns::Type(String),
        summary: "A point in time as text, in a format of C's `strftime`.",
        edges: RANGE,
        example: "format_time(1730419200 + trip_start_hour * 3600, '%A %H:%M')",
        code: Code::Mapper(Mapper::FormatTime),
    },
];
