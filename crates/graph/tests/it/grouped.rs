//! The operations that come in groups: a list of them with many constants, and what each does once more, one row at
//! a time and as plainly as can be.

#![expect(clippy::cast_possible_truncation, reason = "numbers are small, or are meant to be cut")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;

use graph::Literal::{Bool, Float, Int};
use graph::{
    FloatOp, IntOp, JsonPath, JsonStep, Literal, NormalForm, Op, Pattern, Period, RegexpOp,
    Replacement, Side, TextOp, TextPairOp, TimeFormat, TimeOp, TimePart, TimeUnit, ValueType, Zone,
};
use regex::Regex;

/// Every operation of a group that has a plain twin below, with constants of all kinds.
pub(crate) fn operations() -> Vec<Op> {
    let mut ops = vec![
        Op::Atan2,
        Op::IsFinite,
        Op::IsInfinite,
        Op::Text(TextOp::StripAccents),
        Op::Text(TextOp::Reverse),
        Op::Text(TextOp::CodePoint),
        Op::Text(TextOp::Normalize(NormalForm::Nfc)),
        Op::Text(TextOp::Normalize(NormalForm::Nfd)),
        Op::Text(TextOp::Normalize(NormalForm::Nfkc)),
        Op::Text(TextOp::Normalize(NormalForm::Nfkd)),
        Op::Text(TextOp::Right { length: 2 }),
        Op::Text(TextOp::Right { length: 0 }),
        Op::Text(TextOp::Repeat { count: 3 }),
        Op::Text(TextOp::Repeat { count: 0 }),
        Op::TextPair(TextPairOp::Position),
        Op::TextPair(TextPairOp::Levenshtein),
        Op::TextPair(TextPairOp::JaroWinkler),
        Op::TextPair(TextPairOp::Jaccard { n: NonZero::<u32>::MIN }),
        Op::TextPair(TextPairOp::Jaccard { n: 3.try_into().unwrap() }),
        Op::Geohash { precision: NonZero::<u8>::MIN },
        Op::Geohash { precision: 9.try_into().unwrap() },
    ];
    ops.extend(FloatOp::ALL.map(Op::Float));
    ops.extend(IntOp::ALL.map(Op::Int));
    for (side, length, fill) in
        [(Side::Left, 4, "ä-"), (Side::Right, 5, "🚕"), (Side::Right, 2, ""), (Side::Left, 0, "x")]
    {
        ops.push(Op::Text(TextOp::Pad { side, length, fill: fill.to_owned() }));
    }
    for (separator, place) in
        [("a", 1), ("a", 2), ("ab", -1), ("-", -2), ("", 1), ("", 2), ("ä", i64::MIN)]
    {
        let place = place.try_into().unwrap();
        ops.push(Op::Text(TextOp::SplitPart { separator: separator.to_owned(), place }));
    }
    for source in PATTERNS {
        let pattern = || Pattern::new(source).unwrap();
        ops.push(Op::Regexp(RegexpOp::Matches(pattern())));
        ops.push(Op::Regexp(RegexpOp::Matches(Pattern::whole(source).unwrap())));
        for group in 0..=pattern().num_groups() {
            ops.push(Op::Regexp(RegexpOp::Extract { pattern: pattern(), group }));
        }
        for (replacement, is_global) in [("", true), (r"<\0>$1", true), (r"\\", false)] {
            let replacement = Replacement::new(replacement).unwrap();
            ops.push(Op::Regexp(RegexpOp::Replace { pattern: pattern(), replacement, is_global }));
        }
        if pattern().num_groups() > 0 {
            let replacement = Replacement::new(r"\1-\1").unwrap();
            ops.push(Op::Regexp(RegexpOp::Replace {
                pattern: pattern(),
                replacement,
                is_global: true,
            }));
        }
    }
    for to in [ValueType::Int, ValueType::Float, ValueType::String, ValueType::Bool] {
        for path in ["$", "$.a", "$[1]", "$.a['b c'][0]"] {
            ops.push(Op::Json { path: JsonPath::new(path).unwrap(), to });
        }
    }
    for (zone, unit) in [
        ("UTC", TimeUnit::Second),
        ("+05:30", TimeUnit::Millisecond),
        ("-00:45", TimeUnit::Microsecond),
        ("UTC", TimeUnit::Nanosecond),
    ] {
        let zone = || Zone::new(zone).unwrap();
        ops.extend(PARTS.map(|part| Op::Time(TimeOp::Part { part, zone: zone(), unit })));
        ops.extend(PERIODS.map(|period| Op::Time(TimeOp::Truncate { period, zone: zone(), unit })));
    }
    ops
}

/// Operations that have no plain twin.
pub(crate) fn others() -> Vec<Op> {
    let (format, unit) = (TimeFormat::ISO, TimeUnit::Nanosecond);
    let zone = Zone::new("Europe/Berlin").unwrap();
    let written = TimeFormat::to_write("%A").unwrap();
    let read = TimeFormat::to_read("%d.%m.%y").unwrap();
    vec![
        Op::Time(TimeOp::Parse { format: format.clone(), zone: zone.clone(), unit }),
        Op::Time(TimeOp::Format { format, zone: zone.clone(), unit }),
        Op::Time(TimeOp::Parse { format: read, zone: zone.clone(), unit }),
        Op::Time(TimeOp::Format { format: written, zone, unit }),
    ]
}

/// Patterns that mean the same with and without Unicode's classes.
const PATTERNS: [&str; 9] = [
    "a+",
    "(a)|(b)",
    "^a?(.*?)b$",
    "",
    "x*",
    "(?i)ä|CASH",
    "[^a-z]{2}",
    "(?s)^.(.).*$",
    r"\p{L}(\p{N}*)",
];

const PARTS: [TimePart; 12] = [
    TimePart::Year,
    TimePart::IsoYear,
    TimePart::Quarter,
    TimePart::Month,
    TimePart::Week,
    TimePart::Day,
    TimePart::DayOfWeek,
    TimePart::IsoDayOfWeek,
    TimePart::DayOfYear,
    TimePart::Hour,
    TimePart::Minute,
    TimePart::Second,
];

const PERIODS: [Period; 8] = [
    Period::Year,
    Period::Quarter,
    Period::Month,
    Period::Week,
    Period::Day,
    Period::Hour,
    Period::Minute,
    Period::Second,
];

/// Computes an operation of a group; nothing where it is of none, and a missing value where it is `Some(None)`.
pub(crate) fn present(op: &Op, operands: &[Literal]) -> Option<Option<Literal>> {
    Some(match (op, operands) {
        (Op::Float(op), [Float(a)]) => Some(Float(float(*op, *a))),
        (Op::Atan2, [Float(a), Float(b)]) => Some(Float(a.atan2(*b))),
        (Op::IsFinite, [Float(a)]) => Some(Bool(!a.is_nan() && a.abs() != f64::INFINITY)),
        (Op::IsInfinite, [Float(a)]) => Some(Bool(a.abs() == f64::INFINITY)),
        (Op::Int(op), [Int(a), Int(b)]) => int(*op, *a, *b).map(Int),
        (Op::Text(op), [Literal::String(a)]) => Some(text(op, a)),
        (Op::TextPair(op), [Literal::String(a), Literal::String(b)]) => Some(pair(*op, a, b)),
        (Op::Regexp(op), [Literal::String(a)]) => regexp(op, a),
        (Op::Json { path, to }, [Literal::String(a)]) => json(path, *to, a),
        (Op::Time(op), [Int(a)]) => time(op, *a).map(Int),
        (Op::Geohash { precision }, [Float(a), Float(b)]) => geohash(*a, *b, precision.get()),
        _ => return None,
    })
}

fn float(op: FloatOp, a: f64) -> f64 {
    match op {
        FloatOp::Tan => a.tan(),
        FloatOp::Asin => a.asin(),
        FloatOp::Acos => a.acos(),
        FloatOp::Atan => a.atan(),
        FloatOp::Sinh => a.sinh(),
        FloatOp::Cosh => a.cosh(),
        FloatOp::Asinh => a.asinh(),
        FloatOp::Acosh => a.acosh(),
        FloatOp::Atanh => a.atanh(),
        FloatOp::Cbrt => a.cbrt(),
        FloatOp::Log1p => a.ln_1p(),
        FloatOp::Expm1 => a.exp_m1(),
        FloatOp::Trunc if a < 0.0 => -(-a).floor(),
        FloatOp::Trunc => a.floor(),
    }
}

fn int(op: IntOp, a: i64, b: i64) -> Option<i64> {
    let (wide_a, wide_b) = (i128::from(a), i128::from(b));
    let shift = || (0..64).contains(&b).then_some(b);
    let bits = |keep: &dyn Fn(bool, bool) -> bool| {
        (0..64)
            .filter(|place| keep(a >> place & 1 == 1, b >> place & 1 == 1))
            .fold(0, |bits, place| bits | 1 << place)
    };
    match op {
        IntOp::Quotient if b == 0 => None,
        IntOp::Quotient => Some((wide_a / wide_b) as i64),
        IntOp::BitAnd => Some(bits(&|a, b| a && b)),
        IntOp::BitOr => Some(bits(&|a, b| a || b)),
        IntOp::BitXor => Some(bits(&|a, b| a != b)),
        IntOp::ShiftLeft => shift().map(|by| (wide_a << by) as i64),
        IntOp::ShiftRight => shift().map(|by| wide_a.div_euclid(1 << by) as i64),
    }
}

fn text(op: &TextOp, a: &str) -> Literal {
    use unicode_normalization::UnicodeNormalization as _;
    let mut chars: Vec<char> = a.chars().collect();
    Literal::String(match op {
        TextOp::Normalize(NormalForm::Nfc) => a.nfc().to_string(),
        TextOp::Normalize(NormalForm::Nfd) => a.nfd().to_string(),
        TextOp::Normalize(NormalForm::Nfkc) => a.nfkc().to_string(),
        TextOp::Normalize(NormalForm::Nfkd) => a.nfkd().to_string(),
        TextOp::StripAccents => {
            regex(r"\p{M}").replace_all(&a.nfd().to_string(), "").nfc().to_string()
        }
        TextOp::Reverse => {
            chars.reverse();
            chars.into_iter().collect()
        }
        TextOp::Pad { side, length, fill } => {
            let length = *length as usize;
            chars.truncate(length);
            let fill: Vec<char> = fill.chars().collect();
            let mut filling = Vec::new();
            while !fill.is_empty() && chars.len() + filling.len() < length {
                filling.push(fill[filling.len() % fill.len()]);
            }
            match side {
                Side::Left => [filling, chars].concat().into_iter().collect(),
                Side::Right => [chars, filling].concat().into_iter().collect(),
            }
        }
        TextOp::Right { length } => {
            let start = chars.len().saturating_sub(*length as usize);
            chars[start..].iter().collect()
        }
        TextOp::SplitPart { separator, place } => {
            let parts: Vec<&str> =
                if separator.is_empty() { vec![a] } else { a.split(separator.as_str()).collect() };
            let place = match i128::from(place.get()) {
                place if place > 0 => place - 1,
                place => parts.len() as i128 + place,
            };
            let part = usize::try_from(place).ok().and_then(|place| parts.get(place));
            part.copied().unwrap_or_default().to_owned()
        }
        TextOp::Repeat { count } => vec![a; *count as usize].concat(),
        TextOp::CodePoint => return Int(chars.first().map_or(0, |c| i64::from(*c as u32))),
    })
}

fn pair(op: TextPairOp, a: &str, b: &str) -> Literal {
    let (chars_a, chars_b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    match op {
        TextPairOp::Position => {
            let place = (0..=chars_a.len()).find(|start| chars_a[*start..].starts_with(&chars_b));
            Int(place.map_or(0, |place| place as i64 + 1))
        }
        TextPairOp::Levenshtein => Int(strsim::generic_levenshtein(&chars_a, &chars_b) as i64),
        TextPairOp::JaroWinkler => Float(strsim::jaro_winkler(a, b)),
        TextPairOp::Jaccard { n } => {
            let runs = |chars: &[char]| -> BTreeSet<Vec<char>> {
                chars.windows(n.get() as usize).map(<[char]>::to_vec).collect()
            };
            let (a_runs, b_runs) = (runs(&chars_a), runs(&chars_b));
            let (both, either) =
                (a_runs.intersection(&b_runs).count(), a_runs.union(&b_runs).count());
            Float(match either {
                0 => f64::from(u8::from(a == b)),
                _ => both as f64 / either as f64,
            })
        }
    }
}

/// Compiles a pattern, once.
fn regex(source: &str) -> Regex {
    thread_local! {
        static KNOWN: RefCell<BTreeMap<String, Regex>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        let compile = || Regex::new(source).unwrap();
        known.entry(source.to_owned()).or_insert_with(compile).clone()
    })
}

fn regexp(op: &RegexpOp, a: &str) -> Option<Literal> {
    Some(match op {
        RegexpOp::Matches(pattern) if pattern.is_whole() => {
            Bool(regex(&format!("^(?:{})$", pattern.source())).is_match(a))
        }
        RegexpOp::Matches(pattern) => Bool(regex(pattern.source()).is_match(a)),
        RegexpOp::Extract { pattern, group } => {
            let groups = regex(pattern.source());
            let groups = groups.captures(a)?;
            Literal::String(groups.get(*group as usize)?.as_str().to_owned())
        }
        RegexpOp::Replace { pattern, replacement, is_global } => {
            let by = |groups: &regex::Captures<'_>| {
                let group = |number| groups.get(number).map_or("", |found| found.as_str());
                match replacement.source() {
                    r"\\" => r"\".to_owned(),
                    r"<\0>$1" => format!("<{}>$1", group(0)),
                    r"\1-\1" => format!("{0}-{0}", group(1)),
                    other => other.to_owned(),
                }
            };
            let limit = if *is_global { 0 } else { 1 };
            Literal::String(regex(pattern.source()).replacen(a, limit, by).into_owned())
        }
    })
}

fn json(path: &JsonPath, to: ValueType, a: &str) -> Option<Literal> {
    let whole: serde_json::Value = serde_json::from_str(a).ok()?;
    let mut value = &whole;
    for step in path.steps() {
        value = match step {
            JsonStep::Field(name) => value.as_object()?.get(name)?,
            JsonStep::Element(place) => value.as_array()?.get(*place)?,
        };
    }
    match to {
        ValueType::String => Some(Literal::String(value.as_str()?.to_owned())),
        ValueType::Bool => Some(Bool(value.as_bool()?)),
        ValueType::Float => Some(Float(value.as_f64()?)),
        ValueType::Int => match (value.as_i64(), value.as_f64()?) {
            (Some(value), _) => Some(Int(value)),
            (None, value) if value.fract() == 0.0 && value.abs() < 2f64.powi(63) => {
                Some(Int(value as i64))
            }
            _ => None,
        },
    }
}

/// A day of the calendar by counting, from the number of days since 1970: year, month, day, and day of the year.
fn calendar(days: i64) -> (i64, i64, i64, i64) {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut rest) = (1970 + days.div_euclid(146_097) * 400, days.rem_euclid(146_097));
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if rest < length {
            break;
        }
        (year, rest) = (year + 1, rest - length);
    }
    let day_of_year = rest + 1;
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if rest < length {
            break;
        }
        (month, rest) = (month + 1, rest - length);
    }
    (year, month, rest + 1, day_of_year)
}

fn time(op: &TimeOp, time: i64) -> Option<i64> {
    let (zone, unit) = match op {
        TimeOp::Part { zone, unit, .. } | TimeOp::Truncate { zone, unit, .. } => (zone, unit),
        _ => panic!("{op:?}"),
    };
    let per_second = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    };
    let offset = match zone.name() {
        "+05:30" => 19_800,
        "-00:45" => -2_700,
        _ => 0,
    };
    // Jiff's least and greatest point in time, which leave room for offsets.
    let seconds = time.div_euclid(per_second);
    if !(-377_705_023_201..=253_402_207_200).contains(&seconds) {
        return None;
    }
    let shown = seconds + offset;
    let (days, second) = (shown.div_euclid(86_400), shown.rem_euclid(86_400));
    let (year, month, day, day_of_year) = calendar(days);
    let weekday = (days + 3).rem_euclid(7); // 1970 began on a Thursday; Monday is 0.
    let (iso_year, _, _, thursday) = calendar(days - weekday + 3);
    match op {
        TimeOp::Part { part, .. } => Some(match part {
            TimePart::Year => year,
            TimePart::IsoYear => iso_year,
            TimePart::Quarter => (month - 1) / 3 + 1,
            TimePart::Month => month,
            TimePart::Week => (thursday - 1) / 7 + 1,
            TimePart::Day => day,
            TimePart::DayOfWeek => (weekday + 1) % 7,
            TimePart::IsoDayOfWeek => weekday + 1,
            TimePart::DayOfYear => day_of_year,
            TimePart::Hour => second / 3600,
            TimePart::Minute => second / 60 % 60,
            TimePart::Second => second % 60,
        }),
        TimeOp::Truncate { period, .. } => {
            let back = |is_start: &dyn Fn(i64, i64) -> bool| {
                let mut start = days;
                while !matches!(calendar(start), (_, month, day, _) if is_start(month, day)) {
                    start -= 1;
                }
                start * 86_400
            };
            let start = match period {
                Period::Year => back(&|month, day| month == 1 && day == 1),
                Period::Quarter => back(&|month, day| month % 3 == 1 && day == 1),
                Period::Month => back(&|_, day| day == 1),
                Period::Week => (days - weekday) * 86_400,
                Period::Day => days * 86_400,
                Period::Hour => shown - second % 3600,
                Period::Minute => shown - second % 60,
                Period::Second => shown,
            };
            (start - offset).checked_mul(per_second)
        }
        _ => None,
    }
}

fn geohash(latitude: f64, longitude: f64, precision: u8) -> Option<Literal> {
    if latitude.is_nan() || longitude.is_nan() || latitude.abs() > 90.0 || longitude.abs() > 180.0 {
        return None;
    }
    let halves = |value: f64, end: f64| {
        let (mut low, mut width) = (-end, 2.0 * end);
        let mut bits = Vec::new();
        for _ in 0..32 {
            width /= 2.0;
            bits.push(value >= low + width);
            low += if value >= low + width { width } else { 0.0 };
        }
        bits
    };
    let (longitudes, latitudes) = (halves(longitude, 180.0), halves(latitude, 90.0));
    let bits: Vec<bool> = longitudes.into_iter().zip(latitudes).flat_map(|(a, b)| [a, b]).collect();
    let digit = |bits: &[bool]| bits.iter().fold(0, |digit, bit| digit * 2 + usize::from(*bit));
    let digits = bits.chunks(5).take(precision.into()).map(digit);
    let letters: Vec<char> = "0123456789bcdefghjkmnpqrstuvwxyz".chars().collect();
    Some(Literal::String(digits.map(|digit| letters[digit]).collect()))
}
