//! Patterns with numbers in them: `{SPAN}`, `{VERSION}` and the three parts of a date.

use glob::Pattern;

use crate::IngestError;

/// What numbers a pattern has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Specs {
    pub(super) span: SpanSpec,
    pub(super) has_version: bool,
}

/// How a pattern tells the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpanSpec {
    /// Not at all.
    None,
    /// By its number.
    Number,
    /// By a date.
    Date,
}

/// The numbers that a file's name has in a pattern's places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Numbers {
    pub(super) span: i64,
    pub(super) version: Option<i64>,
}

/// A date that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadDate {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
}

/// A pattern with numbers in it.
#[derive(Clone, Debug)]
pub(super) struct SpanPattern {
    tokens: Vec<Token>,
    pub(super) specs: Specs,
}

#[derive(Clone, Debug)]
enum Token {
    Char(char),
    /// `?`: any character of a name.
    Any,
    /// `*`: any characters of a name.
    Star,
    /// `**/`: any folders.
    Folders,
    /// `[...]`: one of some characters.
    Class(Pattern),
    /// Digits: as many as there are, or just so many.
    Number(Place, Option<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Span,
    Version,
    Year,
    Month,
    Day,
}

const PLACES: [(&str, Place, Option<usize>); 5] = [
    ("SPAN", Place::Span, None),
    ("VERSION", Place::Version, None),
    ("YYYY", Place::Year, Some(4)),
    ("MM", Place::Month, Some(2)),
    ("DD", Place::Day, Some(2)),
];

/// Numbers of so many digits fit in 64 bits.
const MAX_DIGITS: usize = 18;

impl SpanPattern {
    /// Reads a pattern, relative to a folder or absolute.
    ///
    /// # Source
    ///
    /// `verify_split_pattern_specs` of TFX's `example_gen/utils.py`
    pub(super) fn parse(pattern: &str) -> Result<Self, IngestError> {
        let mut tokens = Vec::new();
        let mut found: Vec<Place> = Vec::new();
        let mut rest = pattern;
        while let Some(character) = rest.chars().next() {
            let position = pattern[..pattern.len() - rest.len()].chars().count() + 1;
            let bad =
                |reason| IngestError::BadPattern { pattern: pattern.to_owned(), position, reason };
            let (token, length) = match character {
                '{' => match read_spec(rest).map_err(bad)? {
                    None => (Token::Char('{'), 1),
                    Some(Spec { place, width, length }) => {
                        if found.contains(&place) {
                            return Err(bad("stands twice"));
                        }
                        found.push(place);
                        (Token::Number(place, width), length)
                    }
                },
                '?' => (Token::Any, 1),
                '*' if rest.starts_with("**/") => (Token::Folders, 3),
                '*' => (Token::Star, 1),
                '[' => match class_length(rest) {
                    None => (Token::Char('['), 1),
                    Some(length) => {
                        let class =
                            Pattern::new(&rest[..length]).map_err(|error| bad(error.msg))?;
                        (Token::Class(class), length)
                    }
                },
                other => (Token::Char(other), other.len_utf8()),
            };
            tokens.push(token);
            rest = &rest[length..];
        }
        let specs = specs_of(pattern, &found)?;
        Ok(Self { tokens, specs })
    }

    /// Returns a pattern for all files whose names may have the numbers.
    pub(super) fn to_glob(&self) -> String {
        let mut glob = String::new();
        for token in &self.tokens {
            match token {
                // A brace means nothing to patterns of files, and a bracket that opens nothing is none of them.
                Token::Char('[') => glob.push_str("[[]"),
                Token::Char(character) => glob.push(*character),
                Token::Any => glob.push('?'),
                Token::Star | Token::Number(_, None) => glob.push('*'),
                Token::Folders => glob.push_str("**/"),
                Token::Class(class) => glob.push_str(class.as_str()),
                Token::Number(_, Some(width)) => glob.push_str(&"?".repeat(*width)),
            }
        }
        glob
    }

    /// Returns the numbers in a file's name, or `None` where it is not one of the pattern's.
    ///
    /// Of several ways to take the name apart, it is the one where each part, from the left, is as long as can be.
    pub(super) fn numbers_in(&self, name: &str) -> Option<Result<Numbers, BadDate>> {
        let name: Vec<char> = name.chars().collect();
        let mut values = [None; PLACES.len()];
        take_apart(&self.tokens, &name, &mut values).then_some(())?;
        let [span, version, year, month, day] = values;
        if let (Some(year), Some(month), Some(day)) = (year, month, day) {
            let date = days_since_1970(year, month, day).ok_or(BadDate { year, month, day });
            return Some(date.map(|span| Numbers { span, version }));
        }
        Some(Ok(Numbers { span: span?, version }))
    }
}

/// A place for a number.
struct Spec {
    place: Place,
    width: Option<usize>,
    /// How many bytes of the pattern it takes.
    length: usize,
}

/// Reads a place for a number; `None` for another brace.
fn read_spec(rest: &str) -> Result<Option<Spec>, &'static str> {
    let Some(end) = rest.find('}') else { return Ok(None) };
    let (name, width) = match rest[1..end].split_once(':') {
        None => (&rest[1..end], None),
        Some((name, width)) => (name, Some(width)),
    };
    let is_word = !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase());
    let Some((_, place, fixed)) = PLACES.iter().find(|(word, ..)| *word == name) else {
        if is_word {
            return Err("no such number, expected {SPAN}, {VERSION}, {YYYY}, {MM} or {DD}");
        }
        return Ok(None);
    };
    let width = match (width, fixed) {
        (None, fixed) => *fixed,
        (Some(_), Some(_)) => return Err("parts of a date have no width"),
        (Some(width), None) => match width.parse() {
            Ok(width @ 1..=MAX_DIGITS) => Some(width),
            _ => return Err("expected a width from 1 to 18, such as {SPAN:3}"),
        },
    };
    Ok(Some(Spec { place: *place, width, length: end + 1 }))
}

/// Returns the length of a class of characters, or `None` for a bracket that opens none.
fn class_length(rest: &str) -> Option<usize> {
    let inner = rest[1..].strip_prefix('!').unwrap_or(&rest[1..]);
    let start = rest.len() - inner.len();
    // A closing bracket that comes first is one of the characters.
    let first = inner.chars().next()?.len_utf8();
    inner[first..].find(']').map(|end| start + first + end + 1)
}

fn specs_of(pattern: &str, found: &[Place]) -> Result<Specs, IngestError> {
    let has = |place| found.contains(&place);
    let parts = [Place::Year, Place::Month, Place::Day];
    let num_parts = parts.into_iter().filter(|&part| has(part)).count();
    let bad = |reason| Err(IngestError::BadSpecs { pattern: pattern.to_owned(), reason });
    let span = match (has(Place::Span), num_parts) {
        (false, 0) => SpanSpec::None,
        (true, 0) => SpanSpec::Number,
        (false, 3) => SpanSpec::Date,
        (true, _) => return bad("found {SPAN} and a date, expected one of them"),
        (false, _) => return bad("found a part of a date, expected {YYYY}, {MM} and {DD}"),
    };
    let has_version = has(Place::Version);
    if has_version && span == SpanSpec::None {
        return bad("found {VERSION} alone, expected {SPAN} or a date with it");
    }
    Ok(Specs { span, has_version })
}

/// Takes a name apart, each part as long as can be, and notes the numbers.
fn take_apart(tokens: &[Token], name: &[char], values: &mut [Option<i64>; 5]) -> bool {
    let Some((token, tokens)) = tokens.split_first() else { return name.is_empty() };
    // How many characters the token may take, from the most to the least.
    let name_length = name.iter().take_while(|c| **c != '/').count();
    match token {
        Token::Char(wanted) => {
            name.first() == Some(wanted) && take_apart(tokens, &name[1..], values)
        }
        Token::Any => name_length > 0 && take_apart(tokens, &name[1..], values),
        Token::Class(class) => {
            let fits = |c: &&char| **c != '/' && class.matches(&c.to_string());
            name.first().filter(fits).is_some() && take_apart(tokens, &name[1..], values)
        }
        Token::Star => {
            (0..=name_length).rev().any(|length| take_apart(tokens, &name[length..], values))
        }
        Token::Folders => {
            let starts = (0..name.len()).filter(|&at| name[at] == '/').map(|at| at + 1);
            let starts: Vec<usize> = std::iter::once(0).chain(starts).collect();
            starts.into_iter().rev().any(|start| take_apart(tokens, &name[start..], values))
        }
        Token::Number(place, width) => {
            let digits = name.iter().take_while(|c| c.is_ascii_digit()).count().min(MAX_DIGITS);
            let (least, most) = width.map_or((1, digits), |width| (width, width.min(digits)));
            (least..=most).rev().any(|length| {
                let fits = take_apart(tokens, &name[length..], values);
                if fits {
                    let digits = name[..length].iter().filter_map(|c| c.to_digit(10));
                    let number = digits.fold(0, |number, digit| number * 10 + i64::from(digit));
                    values[*place as usize] = Some(number);
                }
                fits
            })
        }
    }
}

/// Returns how many days a date comes after the first of January 1970, or `None` where there is no such date.
///
/// # Source
///
/// `days_from_civil` of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"
pub(super) fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=last).contains(&day) || year < 1 {
        return None;
    }
    // Years begin in March, so that the odd day is a year's last.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(pattern: &str, name: &str) -> Option<(i64, Option<i64>)> {
        let pattern = SpanPattern::parse(pattern).unwrap();
        pattern.numbers_in(name).map(|found| {
            let found = found.unwrap();
            (found.span, found.version)
        })
    }

    #[test]
    fn numbers_are_found_where_they_stand() {
        assert_eq!(numbers("day-{SPAN}/*.csv", "day-17/a.csv"), Some((17, None)));
        assert_eq!(numbers("day-{SPAN}/*.csv", "day-x/a.csv"), None);
        assert_eq!(numbers("s{SPAN}/v{VERSION}/*", "s007/v12/a"), Some((7, Some(12))));
        assert_eq!(numbers("{SPAN:3}{VERSION:2}", "01205"), Some((12, Some(5))));
        assert_eq!(numbers("{SPAN:3}", "12"), None);
        assert_eq!(numbers("**/s{SPAN}?[ab].csv", "x/y/s1_a.csv"), Some((1, None)));
        assert_eq!(numbers("**/s{SPAN}.csv", "s1.csv"), Some((1, None)));
        // The part on the left is as long as can be, as in the reference.
        assert_eq!(numbers("*{SPAN}.csv", "part12.csv"), Some((2, None)));
        assert_eq!(numbers("{SPAN}*.csv", "12-3.csv"), Some((12, None)));
        let days = days_since_1970(2024, 2, 29);
        assert_eq!(numbers("{YYYY}-{MM}-{DD}.csv", "2024-02-29.csv").map(|n| n.0), days);
        assert_eq!(numbers("{YYYY}{MM}{DD}/v{VERSION}", "19700102/v3"), Some((1, Some(3))));
        let bad = SpanPattern::parse("{YYYY}{MM}{DD}").unwrap().numbers_in("20230229");
        assert_eq!(bad, Some(Err(BadDate { year: 2023, month: 2, day: 29 })));
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let check = |year, month, day, expected| {
            assert_eq!(days_since_1970(year, month, day), expected, "{year}-{month}-{day}");
        };
        check(1970, 1, 1, Some(0));
        check(1969, 12, 31, Some(-1));
        check(2000, 2, 29, Some(11_016));
        check(2026, 11, 26, Some(20_783));
        for (year, month, day) in [(1900, 2, 29), (2023, 4, 31), (2023, 13, 1), (2023, 1, 0)] {
            check(year, month, day, None);
        }
        // One day after another, over more than four centuries.
        let mut expected = days_since_1970(1600, 1, 1).unwrap();
        for year in 1600..2101 {
            for (month, day) in (1..=12).flat_map(|month| (1..=31).map(move |day| (month, day))) {
                if let Some(found) = days_since_1970(year, month, day) {
                    assert_eq!(found, expected, "{year}-{month}-{day}");
                    expected += 1;
                }
            }
        }
    }

    #[test]
    fn patterns_that_make_no_sense_are_refused() {
        let said = |pattern: &str| SpanPattern::parse(pattern).unwrap_err().to_string();
        let number = "no such number, expected {SPAN}, {VERSION}, {YYYY}, {MM} or {DD}";
        assert_eq!(said("a/{SPAM}"), format!("pattern `a/{{SPAM}}`, character 3: {number}"));
        assert!(said("{SPAN}/{SPAN}").ends_with("character 8: stands twice"));
        assert!(said("{SPAN:x}").contains("expected a width from 1 to 18"));
        assert!(said("{SPAN:0}").contains("expected a width from 1 to 18"));
        assert!(said("{YYYY:4}").ends_with("parts of a date have no width"));
        assert!(said("{YYYY}{MM}").contains("expected {YYYY}, {MM} and {DD}"));
        assert!(said("{SPAN}{YYYY}{MM}{DD}").contains("expected one of them"));
        assert!(said("v{VERSION}").contains("expected {SPAN} or a date with it"));
        // Other braces are characters like all others.
        let plain = SpanPattern::parse("{a,b}{}").unwrap();
        assert_eq!((plain.specs.span, plain.to_glob().as_str()), (SpanSpec::None, "{a,b}{}"));
        let glob = SpanPattern::parse("s{SPAN}[[]/{YYYY").unwrap().to_glob();
        assert_eq!(glob, "s*[[]/{YYYY");
    }
}
