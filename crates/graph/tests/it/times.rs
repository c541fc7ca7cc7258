//! Points in time at the edges.

use graph::{BuildError, Op, Period, TimeFormat, TimeOp, TimePart, TimeUnit, ValueType, Zone};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::edges::{each, text};

fn zone(name: &str) -> Zone {
    Zone::new(name).unwrap()
}

fn parse(format: &str, zone_name: &str, unit: TimeUnit, values: &[&str]) -> String {
    let format = match format {
        "" => TimeFormat::ISO,
        format => TimeFormat::to_read(format).unwrap(),
    };
    text(&Op::Time(TimeOp::Parse { format, zone: zone(zone_name), unit }), values)
}

fn write(format: &str, zone_name: &str, unit: TimeUnit, values: Vec<i64>) -> String {
    let format = match format {
        "" => TimeFormat::ISO,
        format => TimeFormat::to_write(format).unwrap(),
    };
    each(&Op::Time(TimeOp::Format { format, zone: zone(zone_name), unit }), ValueType::Int, values)
}

fn part(part: TimePart, zone_name: &str, values: Vec<i64>) -> String {
    let op = TimeOp::Part { part, zone: zone(zone_name), unit: TimeUnit::Second };
    each(&Op::Time(op), ValueType::Int, values)
}

/// Cuts times in seconds, and shows them by the clocks of the zone.
fn truncate(period: Period, zone_name: &str, values: &[&str]) -> String {
    let unit = TimeUnit::Second;
    let seconds = parse("", zone_name, unit, values);
    let seconds = seconds.split(' ').filter_map(|second| second.parse::<i64>().ok()).collect();
    let op = TimeOp::Truncate { period, zone: zone(zone_name), unit };
    let cut = each(&Op::Time(op), ValueType::Int, seconds);
    write(
        "%FT%T%:z",
        zone_name,
        unit,
        cut.split(' ').filter_map(|cut| cut.parse::<i64>().ok()).collect(),
    )
}

#[test]
fn iso_8601_is_read() {
    let values = [
        "2024-03-10",
        "2024-03-10 09:30",
        "2024-03-10T09:30:00.9+01:00",
        "2024-03-10T09:30:00Z",
        "1969-12-31T23:59:59.5Z",
        "20240310T0930",
        "",
        "2024-02-30",
        " 2024-03-10",
        "2024-03-10x",
        "10.03.2024",
        "2024-03-10T09:30+01:00[America/Chicago]",
    ];
    assert_eq!(
        parse("", "UTC", TimeUnit::Second, &values),
        "1710028800 1710063000 1710059400 1710063000 -1 1710063000 null null null null null 1710059400 null"
    );
    assert_eq!(
        parse("", "Europe/Berlin", TimeUnit::Millisecond, &values[..4]),
        "1710025200000 1710059400000 1710059400900 1710063000000 null"
    );
    assert_eq!(
        parse("", "UTC", TimeUnit::Nanosecond, &["2262-04-11T23:47:16.854775807Z", "2262-04-12"]),
        "9223372036854775807 null null"
    );
}

#[test]
fn formats_are_read_from_end_to_end() {
    let german = "%d.%m.%Y %H:%M";
    let values = [
        "10.03.2024 09:30",
        "1.3.2024 9:05",
        "10.03.2024",
        "10.03.2024 09:30 ",
        "31.02.2024 00:00",
    ];
    assert_eq!(
        parse(german, "UTC", TimeUnit::Second, &values),
        "1710063000 1709283900 null null null null"
    );
    assert_eq!(
        parse("%Y-%m-%d %z", "Asia/Tokyo", TimeUnit::Second, &["2024-03-10 +0100"]),
        "1710025200 null"
    );
    assert_eq!(
        parse("%s", "Asia/Tokyo", TimeUnit::Millisecond, &["12", "-1", "x"]),
        "12000 -1000 null null"
    );
    assert_eq!(
        parse("%b %d, %y", "UTC", TimeUnit::Second, &["Mar 10, 24", "mar 10, 24"]),
        "1710028800 1710028800 null"
    );
    assert_eq!(
        parse("%F %T%.f", "UTC", TimeUnit::Microsecond, &["2024-03-10 00:00:00.25"]),
        "1710028800250000 null"
    );
    // Zones by name are those of the program, too.
    assert_eq!(
        parse(
            "%F %R %Q",
            "UTC",
            TimeUnit::Second,
            &["2024-03-10 09:30 Europe/Berlin", "2024-03-10 09:30 Nowhere"]
        ),
        "1710059400 null null"
    );
}

#[test]
fn clocks_that_are_set_leave_out_an_hour_or_tell_it_twice() {
    let berlin = |values: &[&str]| {
        let seconds = parse("", "Europe/Berlin", TimeUnit::Second, values);
        let seconds = seconds.split(' ').filter_map(|second| second.parse::<i64>().ok()).collect();
        write("%T%:z", "Europe/Berlin", TimeUnit::Second, seconds)
    };
    assert_eq!(
        berlin(&["2024-03-31T02:30", "2024-10-27T02:30", "2024-10-27T02:30+01:00"]),
        r#""03:30:00+02:00" "02:30:00+02:00" "02:30:00+01:00" null"#
    );
    // An hour that is told twice is two hours.
    assert_eq!(
        truncate(
            Period::Hour,
            "Europe/Berlin",
            &["2024-10-27T02:30+02:00", "2024-10-27T02:30+01:00"]
        ),
        r#""2024-10-27T02:00:00+02:00" "2024-10-27T02:00:00+01:00" null"#
    );
    // In Beirut a day began at one o'clock.
    assert_eq!(
        truncate(Period::Day, "Asia/Beirut", &["2024-03-31T12:00"]),
        r#""2024-03-31T01:00:00+03:00" null"#
    );
}

#[test]
fn parts_are_those_of_the_zone() {
    // A Sunday, which is Saturday still in Chicago, in the first week of the next ISO year: 2024-12-29T23:30Z is not.
    let times = || vec![1_735_515_000, 1_735_689_599, 0, -1, i64::MAX];
    assert_eq!(part(TimePart::Hour, "UTC", times()), "23 23 0 23 null null");
    assert_eq!(part(TimePart::Hour, "America/Chicago", times()), "17 17 18 17 null null");
    assert_eq!(part(TimePart::Day, "America/Chicago", times()), "29 31 31 31 null null");
    assert_eq!(part(TimePart::DayOfWeek, "UTC", times()), "0 2 4 3 null null");
    assert_eq!(part(TimePart::IsoDayOfWeek, "UTC", times()), "7 2 4 3 null null");
    assert_eq!(part(TimePart::Week, "UTC", times()), "52 1 1 1 null null");
    assert_eq!(part(TimePart::IsoYear, "UTC", times()), "2024 2025 1970 1970 null null");
    assert_eq!(part(TimePart::DayOfYear, "UTC", times()), "364 366 1 365 null null");
    assert_eq!(part(TimePart::Minute, "Asia/Kolkata", vec![0]), "30 null");
}

#[test]
fn periods_begin_when_clocks_say_so() {
    let at = ["2024-08-15T13:45:56.7"];
    let all = [
        Period::Year,
        Period::Quarter,
        Period::Month,
        Period::Week,
        Period::Day,
        Period::Hour,
        Period::Minute,
        Period::Second,
    ];
    let cut = all.map(|period| truncate(period, "Europe/Berlin", &at));
    assert_snapshot!(cut.join("\n"), @r#"
    "2024-01-01T00:00:00+01:00" null
    "2024-07-01T00:00:00+02:00" null
    "2024-08-01T00:00:00+02:00" null
    "2024-08-12T00:00:00+02:00" null
    "2024-08-15T00:00:00+02:00" null
    "2024-08-15T13:00:00+02:00" null
    "2024-08-15T13:45:00+02:00" null
    "2024-08-15T13:45:56+02:00" null
    "#);
}

#[test]
fn zones_and_formats_are_checked() {
    let told = ["Europe/Berln", "Nowhere", "", "+25:00", "+1", "utc", "EUROPE/berlin", "-00:30"]
        .map(|name| match Zone::new(name) {
            Ok(zone) => format!("{name}    {}", zone.name()),
            Err(BuildError::Zone { nearest, .. }) => format!("{name}    none, {nearest:?}"),
            Err(other) => format!("{name}    {other}"),
        });
    assert_snapshot!(told.join("\n"), @r#"
    Europe/Berln    none, Some("Europe/Berlin")
    Nowhere    none, None
        none, None
    +25:00    +25:00
    +1    none, None
    utc    UTC
    EUROPE/berlin    Europe/Berlin
    -00:30    -00:30
    "#);
    let told = ["%Y", "%H:%M", "%d.%m.%Y %K", "%", "%d.%m.", "", "%Z %F"].map(|format| {
        match TimeFormat::to_read(format) {
            Ok(_) => format!("{format}    taken"),
            Err(error) => error.to_string(),
        }
    });
    assert_snapshot!(told.join("\n"), @r#"
    time format "%Y": date required to parse datetime: a month/day, day-of-year or week date must be present to create a date, but none were found
    time format "%H:%M": date required to parse datetime: year required to parse date
    time format "%d.%m.%Y %K": strftime formatting failed: found unrecognized specifier directive `K`
    time format "%": strftime formatting failed: invalid format string, expected byte after `%`, but found end of format string
    time format "%d.%m.": date required to parse datetime: year required to parse date
    time format "": date required to parse datetime: year required to parse date
    time format "%Z %F": strptime parsing failed: parsing time zone abbreviation is not allowed
    "#);
    assert!(TimeFormat::to_write("%Z %H").is_ok());
    assert_snapshot!(TimeFormat::to_write("%!").unwrap_err(), @r#"time format "%!": strftime formatting failed: found unrecognized specifier directive `!`"#);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(time in -377_705_023_201i64..253_402_207_200) {
        // Years of four digits, and offsets of whole minutes.
        let recent = time.clamp(-1_500_000_000, 200_000_000_000);
        for (format, zone, time) in [
            ("", "UTC", time),
            ("%s", "Asia/Kolkata", time),
            ("", "America/New_York", recent),
            ("%F %T %z", "Asia/Kolkata", recent),
        ] {
            let written = write(format, zone, TimeUnit::Second, vec![time]);
            let written = written.trim_end_matches(" null").trim_matches('"');
            let read = parse(format, "UTC", TimeUnit::Second, &[written]);
            prop_assert_eq!(read, format!("{time} null"), "{}", written);
        }
    }

    #[test]
    fn no_format_makes_the_reader_panic(
        format in "[%a-zA-Z0-9:.-]{0,12}|\\PC{0,8}",
        value in "\\PC{0,12}",
    ) {
        if let Ok(format) = TimeFormat::to_read(&format) {
            let unit = TimeUnit::Second;
            text(&Op::Time(TimeOp::Parse { format, zone: zone("UTC"), unit }), &[&value]);
        }
    }
}
