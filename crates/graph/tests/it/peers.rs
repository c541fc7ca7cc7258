//! What RE2 and DuckDB say to the same questions; `testdata/peers/make.py` asked them.

use std::collections::BTreeMap;
use std::fs;

use graph::Literal::Int;
use graph::ValueType::String as Text;
use graph::{
    BuildError, Literal, NormalForm, Op, Pattern, Period, RegexpOp, Replacement, Side, TextOp,
    TextPairOp, TimeFormat, TimeOp, TimePart, TimeUnit, ValueType, Zone,
};
use serde::Deserialize;
use serde_json::Value;

use crate::compute;

fn read<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    let text = fs::read_to_string(format!("testdata/peers/{name}")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn one(op: &Op, value_type: ValueType, value: Literal) -> String {
    compute(op, &[value_type], &[&[value]]).concat()
}

fn text(op: Op, value: &str) -> String {
    one(&op, Text, value.into())
}

fn shown(value: Option<&str>) -> String {
    value.map_or("null".to_owned(), |value| format!("{value:?}"))
}

#[derive(Deserialize)]
struct Regexp {
    pattern: String,
    rows: Vec<RegexpRow>,
}

#[derive(Deserialize)]
struct RegexpRow {
    text: String,
    full: bool,
    groups: Option<Vec<Option<String>>>,
    replaced: String,
}

#[test]
fn patterns_mean_what_re2_means() {
    let cases: Vec<Regexp> = read("re2.json");
    assert!(cases.len() > 150);
    for Regexp { pattern: source, rows } in cases {
        let pattern = || Pattern::new(&source).unwrap();
        assert_eq!(pattern().beyond_re2(), None, "{source}");
        let whole = Pattern::whole(&source).unwrap();
        for RegexpRow { text: value, full, groups, replaced } in rows {
            let about = format!("{source:?} {value:?}");
            let matches = text(Op::Regexp(RegexpOp::Matches(pattern())), &value);
            assert_eq!(matches, groups.is_some().to_string(), "{about}");
            let matches = text(Op::Regexp(RegexpOp::Matches(whole.clone())), &value);
            assert_eq!(matches, full.to_string(), "{about}, whole");
            for group in 0..=pattern().num_groups() {
                let expected = groups.as_ref().and_then(|found| found[group as usize].as_deref());
                let op = Op::Regexp(RegexpOp::Extract { pattern: pattern(), group });
                assert_eq!(text(op, &value), shown(expected), "{about}, group {group}");
            }
            let (replacement, is_global) = (Replacement::new(r"<\0>").unwrap(), true);
            let op = RegexpOp::Replace { pattern: pattern(), replacement, is_global };
            assert_eq!(text(Op::Regexp(op), &value), shown(Some(&replaced)), "{about}, replaced");
        }
    }
}

#[derive(Deserialize)]
struct Time {
    zone: String,
    time: i64,
    parts: Vec<i64>,
    periods: Vec<i64>,
}

#[test]
fn clocks_and_calendars_are_duckdbs() {
    use TimePart::{
        Day, DayOfWeek, DayOfYear, Hour, IsoDayOfWeek, IsoYear, Minute, Month, Quarter, Second,
        Week, Year,
    };
    let parts = [
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
    ];
    let periods = [
        Period::Year,
        Period::Quarter,
        Period::Month,
        Period::Week,
        Period::Day,
        Period::Hour,
        Period::Minute,
        Period::Second,
    ];
    let mut by_zone: BTreeMap<String, Vec<Time>> = BTreeMap::new();
    for time in read::<Vec<Time>>("duckdb_times.json") {
        by_zone.entry(time.zone.clone()).or_default().push(time);
    }
    assert!(by_zone.len() > 4);
    for (name, times) in by_zone {
        let (zone, unit) = (|| Zone::new(&name).unwrap(), TimeUnit::Second);
        let rows: Vec<[Literal; 1]> = times.iter().map(|time| [Int(time.time)]).collect();
        let rows: Vec<&[Literal]> = rows.iter().map(|row| row.as_slice()).collect();
        let found = |op: TimeOp| compute(&Op::Time(op), &[ValueType::Int], &rows);
        for (place, part) in parts.into_iter().enumerate() {
            let expected: Vec<_> = times.iter().map(|time| time.parts[place].to_string()).collect();
            assert_eq!(
                found(TimeOp::Part { part, zone: zone(), unit }),
                expected,
                "{name} {part:?}"
            );
        }
        for (place, period) in periods.into_iter().enumerate() {
            let found = found(TimeOp::Truncate { period, zone: zone(), unit });
            for (time, found) in times.iter().zip(found) {
                let Some(expected) = time.periods.get(place) else { continue };
                let expected = expected.to_string();
                assert_eq!(found, expected, "{name} {period:?} of {}", time.time);
            }
        }
    }
}

#[derive(Deserialize)]
struct Format {
    format: String,
    text: String,
    time: Option<i64>,
}

#[test]
fn formats_are_read_as_duckdb_reads_them() {
    let cases: Vec<Format> = read("duckdb_formats.json");
    assert!(cases.len() > 50);
    for Format { format, text: value, time } in cases {
        let zone = Zone::new("UTC").unwrap();
        let read = TimeFormat::to_read(&format).unwrap();
        let op = TimeOp::Parse { format: read, zone, unit: TimeUnit::Second };
        let expected = time.map_or("null".to_owned(), |time| time.to_string());
        assert_eq!(text(Op::Time(op), &value), expected, "{format} {value:?}");
    }
}

#[derive(Deserialize)]
struct Texts {
    a: String,
    b: String,
    results: BTreeMap<String, Value>,
}

#[test]
fn texts_are_what_duckdb_makes_of_them() -> Result<(), BuildError> {
    let cases: Vec<Texts> = read("duckdb_texts.json");
    assert!(cases.len() > 100);
    let split = |separator: &str, place: i64| TextOp::SplitPart {
        separator: separator.to_owned(),
        place: place.try_into().unwrap(),
    };
    let pad = |side, fill: &str| TextOp::Pad { side, length: 5, fill: fill.to_owned() };
    let pair = |op, a: &str, b: &str| {
        compute(&Op::TextPair(op), &[Text; 2], &[&[a.into(), b.into()]]).concat()
    };
    for Texts { a, b, results } in cases {
        for (name, expected) in results {
            let found = match name.as_str() {
                "strip_accents" => text(Op::Text(TextOp::StripAccents), &a),
                "nfc" => text(Op::Text(TextOp::Normalize(NormalForm::Nfc)), &a),
                "levenshtein" => pair(TextPairOp::Levenshtein, &a, &b),
                "jaro_winkler" => pair(TextPairOp::JaroWinkler, &a, &b),
                "strpos" => pair(TextPairOp::Position, &a, "a"),
                "split_part" => text(Op::Text(split(" ", 2)), &a),
                "split_part_last" => text(Op::Text(split("a", -1)), &a),
                "lpad" => text(Op::Text(pad(Side::Left, "xy")), &a),
                "rpad" => text(Op::Text(pad(Side::Right, "ä")), &a),
                "like" => text(Op::Regexp(RegexpOp::Matches(Pattern::whole("(?s).*a.b.*")?)), &a),
                "ilike" => text(Op::Regexp(RegexpOp::Matches(Pattern::whole("(?is)a.*Ä.*")?)), &a),
                other => panic!("{other}"),
            };
            let expected = match &expected {
                Value::String(text) => format!("{text:?}"),
                Value::Number(number) if number.is_f64() => {
                    format!("{:?}", number.as_f64().unwrap())
                }
                other => other.to_string(),
            };
            let is_near = name == "jaro_winkler"
                && (found.parse::<f64>().unwrap() - expected.parse::<f64>().unwrap()).abs() < 1e-9;
            assert!(
                found == expected || is_near,
                "{name} {a:?} {b:?}: {found}, expected {expected}"
            );
        }
    }
    Ok(())
}
