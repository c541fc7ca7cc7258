//! Dates and times: in 123 formats of text, or as whole numbers since 1970.
//!
//! A format is written with the directives of `strptime`. All formats are followed at once: the places in a text that
//! a part of a format may end at are the bits of a word, so that nothing is read twice.

/// The parts of formats. Numbers may lack a leading zero, as for `strptime`.
const DATES: [&str; 17] = [
    "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%y-%m-%d", "%y/%m/%d", "%m-%d-%Y", "%m/%d/%Y", "%m%d%Y",
    "%m-%d-%y", "%m/%d/%y", "%d-%m-%Y", "%d/%m/%Y", "%d%m%Y", "%d-%B-%Y", "%d-%m-%y", "%d/%m/%y",
    "%d-%B-%y",
];
const TIMES: [&str; 3] = ["%H:%M", "%H:%M:%S", "%H:%M:%S.%f"];
const OTHERS: [&str; 1] = ["%a %b %d %H:%M:%S %Y"];
const DELIMITERS: [&str; 2] = ["T", " "];

/// How many formats there are: dates, times, others, then dates with times.
pub(super) const NUM_STRING_FORMATS: usize =
    DATES.len() + TIMES.len() + OTHERS.len() + DATES.len() * TIMES.len() * DELIMITERS.len();

/// No text in any format is longer.
const MAX_BYTES: usize = 63;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Returns a format by its number.
pub(super) fn string_format(index: usize) -> String {
    let singles = DATES.iter().chain(&TIMES).chain(&OTHERS);
    if let Some(single) = singles.clone().nth(index) {
        return (*single).to_owned();
    }
    let index = index - singles.count();
    let (date, rest) =
        (index / (TIMES.len() * DELIMITERS.len()), index % (TIMES.len() * DELIMITERS.len()));
    let (time, delimiter) = (rest / DELIMITERS.len(), rest % DELIMITERS.len());
    format!("{}{}{}", DATES[date], DELIMITERS[delimiter], TIMES[time])
}

/// Counts a text in every format that it has; `counts` has one for each.
pub(super) fn count_formats(text: &str, counts: &mut [u64]) {
    let bytes = text.as_bytes();
    let begins = bytes.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b' ');
    if bytes.len() > MAX_BYTES || !begins {
        return;
    }
    let start = Places(1);
    if bytes[0].is_ascii_alphabetic() {
        // Only the formats with the name of a day begin like that, and most texts do.
        let others = counts.iter_mut().skip(DATES.len() + TIMES.len());
        for (format, count) in OTHERS.iter().zip(others) {
            *count += u64::from(start.through(format, bytes).has(bytes.len()));
        }
        return;
    }
    let mut next = 0;
    let mut count = |ends: Places| {
        counts[next] += u64::from(ends.has(bytes.len()));
        next += 1;
    };
    let dates = DATES.map(|date| start.through(date, bytes));
    dates.iter().for_each(|&ends| count(ends));
    TIMES.iter().chain(&OTHERS).for_each(|time| count(start.through(time, bytes)));
    for ends in dates {
        let after = DELIMITERS.map(|delimiter| ends.through(delimiter, bytes));
        for time in TIMES {
            after.iter().for_each(|ends| count(ends.through(time, bytes)));
        }
    }
}

/// Places between the bytes of a text, one for each bit.
#[derive(Clone, Copy)]
struct Places(u64);

impl Places {
    fn has(self, place: usize) -> bool {
        self.0 >> place & 1 == 1
    }

    /// Returns the places that a format which begins at these may end at.
    fn through(self, format: &str, text: &[u8]) -> Self {
        let mut places = self;
        let mut rest = format.bytes();
        while let Some(byte) = rest.next() {
            if places.0 == 0 {
                break;
            }
            let directive = if byte == b'%' { rest.next() } else { None };
            let mut ends = 0;
            for place in (0..text.len()).filter(|&place| places.has(place)) {
                ends |= match directive {
                    None => u64::from(text[place] == byte) << (place + 1),
                    Some(directive) => lengths(directive, &text[place..]) << place,
                };
            }
            places = Self(ends);
        }
        places
    }
}

/// Returns how long a directive may be at the start of a text, one bit for each length.
fn lengths(directive: u8, text: &[u8]) -> u64 {
    let digit =
        |at: usize| text.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0');
    let word = |words: &[&str], chars: usize| {
        let cut = |word: &&str| word.len().min(chars);
        let found = words.iter().filter(|word| text.starts_with(&word.as_bytes()[..cut(word)]));
        found.fold(0, |lengths, word| lengths | 1 << cut(word))
    };
    // A number of one digit or two, within its range.
    let number = |least: u8, most: u8| {
        let Some(first) = digit(0) else { return 0 };
        let one = u64::from(first >= least) << 1;
        let two = digit(1).map(|second| first * 10 + second);
        one | u64::from(two.is_some_and(|number| (least..=most).contains(&number))) << 2
    };
    let digits = |count: usize| u64::from((0..count).all(|at| digit(at).is_some())) << count;
    match directive {
        b'a' => word(&DAYS, 3),
        b'b' => word(&MONTHS, 3),
        b'B' => word(&MONTHS, usize::MAX),
        // The day of a month may have a blank in the place of a zero.
        b'd' => {
            let blank = text.first() == Some(&b' ') && digit(1).is_some_and(|day| day > 0);
            number(1, 31) | u64::from(blank) << 2
        }
        b'f' => (1..=6).fold(0, |lengths, count| lengths | digits(count)),
        b'H' => number(0, 23),
        b'm' => number(1, 12),
        b'M' => number(0, 59),
        // With leap seconds.
        b'S' => number(0, 61),
        b'y' => digits(2),
        b'Y' => digits(4),
        _ => 0,
    }
}

/// A unit in which time since 1970 is counted.
pub(super) struct UnixTime {
    /// The number of `TimeDomain.IntegerTimeFormat`.
    pub(super) format: u32,
    /// The first of January 1990 in that unit.
    begin: f64,
    /// The first of January 2030.
    end: f64,
}

impl UnixTime {
    const fn new(format: u32, per_day: f64) -> Self {
        Self { format, begin: 7305.0 * per_day, end: 21_915.0 * per_day }
    }

    /// Returns whether a number is a time from 1990 to 2030.
    pub(super) fn holds(&self, value: f64) -> bool {
        (self.begin..self.end).contains(&value)
    }
}

/// Days, seconds, milliseconds, microseconds and nanoseconds.
pub(super) const UNIX_TIMES: [UnixTime; 5] = [
    UnixTime::new(5, 1.0),
    UnixTime::new(1, 86_400.0),
    UnixTime::new(2, 86_400e3),
    UnixTime::new(3, 86_400e6),
    UnixTime::new(4, 86_400e9),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn formats(text: &str) -> Vec<String> {
        let mut counts = vec![0; NUM_STRING_FORMATS];
        count_formats(text, &mut counts);
        (0..counts.len()).filter(|&index| counts[index] > 0).map(string_format).collect()
    }

    #[test]
    fn a_text_has_every_format_that_it_can_be_read_in() {
        assert_eq!(NUM_STRING_FORMATS, 123);
        let check = |text: &str, expected: &[&str]| assert_eq!(formats(text), expected, "{text}");
        check("2018-11-30", &["%Y-%m-%d"]);
        check("18-11-30", &["%y-%m-%d", "%d-%m-%y"]);
        check("11-12-10", &["%y-%m-%d", "%m-%d-%y", "%d-%m-%y"]);
        check("2018-1-2", &["%Y-%m-%d"]);
        check("20181130", &["%Y%m%d"]);
        check("10112012", &["%m%d%Y", "%d%m%Y"]);
        check("30-November-2018", &["%d-%B-%Y"]);
        check("30-May-18", &["%d-%B-%y"]);
        check("30-Mayo-18", &[]);
        check("23:59", &["%H:%M"]);
        check("9:5:61", &["%H:%M:%S"]);
        check("24:00", &[]);
        check("23:59:58.123456", &["%H:%M:%S.%f"]);
        check("23:59:58.1234567", &[]);
        check("23:59:58,1", &[]);
        check("Fri Nov 30 10:47:02 2018", &["%a %b %d %H:%M:%S %Y"]);
        check("Fri Nov  3 10:47:02 2018", &["%a %b %d %H:%M:%S %Y"]);
        check("2018-11-30T23:59:58", &["%Y-%m-%dT%H:%M:%S"]);
        check("11/30/2018 3:04", &["%m/%d/%Y %H:%M"]);
        check("2018-11-30  23:59", &[]);
        for text in ["", "x", "2018-13-30", "2018-11-30 ", "-11-30", "Cash", &"1".repeat(64)] {
            check(text, &[]);
        }
    }

    #[test]
    fn whole_numbers_are_times_from_1990_to_2030() {
        let units = |value: f64| -> Vec<u32> {
            UNIX_TIMES.iter().filter(|unit| unit.holds(value)).map(|unit| unit.format).collect()
        };
        assert_eq!(units(7305.0), [5]);
        assert_eq!(units(7304.0), [0_u32; 0]);
        assert_eq!(units(631_152_000.0), [1]);
        assert_eq!(units(1_893_455_999.0), [1]);
        assert_eq!(units(1_893_456_000.0), [0_u32; 0]);
        assert_eq!(units(1.6e12), [2]);
        assert_eq!(units(1.6e18), [4]);
    }
}
