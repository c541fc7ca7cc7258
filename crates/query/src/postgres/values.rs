//! The binary form of PostgreSQL's values. What does not have the form is an error, whatever its lengths say.

use std::borrow::Cow;
use std::fmt::Write;

/// How a value is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    Bool,
    Text,
    Jsonb,
    Uuid,
    Bytes,
    Date,
    Time,
    Timestamp,
    TimestampTz,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Int(i64),
    Float(f32),
    Double(f64),
    Bool(bool),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    /// Since 1970-01-01.
    Days(i32),
    /// Since midnight, or since 1970.
    Micros(i64),
}

/// Days and microseconds from 1970 to 2000, where PostgreSQL begins.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * DAY_MICROS;
const DAY_MICROS: i64 = 86_400_000_000;

/// The first and the last day that ISO 8601 writes without further agreement: 0001-01-01 and 9999-12-31.
const FIRST_DAY: i32 = -719_162;
const LAST_DAY: i32 = 2_932_896;

/// Decodes a value.
pub(super) fn value(kind: Kind, raw: &[u8]) -> Result<Value<'_>, String> {
    Ok(match kind {
        Kind::Int2 => Value::Int(i16::from_be_bytes(fixed(raw)?).into()),
        Kind::Int4 => Value::Int(i32::from_be_bytes(fixed(raw)?).into()),
        Kind::Int8 => Value::Int(i64::from_be_bytes(fixed(raw)?)),
        Kind::Oid => Value::Int(u32::from_be_bytes(fixed(raw)?).into()),
        Kind::Float4 => Value::Float(f32::from_be_bytes(fixed(raw)?)),
        Kind::Float8 => Value::Double(f64::from_be_bytes(fixed(raw)?)),
        Kind::Numeric => Value::Double(numeric(raw)?),
        Kind::Bool => Value::Bool(fixed::<1>(raw)?[0] != 0),
        Kind::Text => Value::Text(text(raw)?),
        Kind::Jsonb => match raw.split_first() {
            Some((1, raw)) => Value::Text(text(raw)?),
            _ => return Err("a jsonb value of a version that is not known".to_owned()),
        },
        Kind::Uuid => Value::Text(Cow::Owned(uuid(fixed(raw)?))),
        Kind::Bytes => Value::Bytes(raw),
        Kind::Date => Value::Days(date(i32::from_be_bytes(fixed(raw)?))?),
        Kind::Time => Value::Micros(time(i64::from_be_bytes(fixed(raw)?))?),
        Kind::Timestamp | Kind::TimestampTz => {
            Value::Micros(timestamp(i64::from_be_bytes(fixed(raw)?))?)
        }
    })
}

fn fixed<const N: usize>(raw: &[u8]) -> Result<[u8; N], String> {
    raw.try_into().map_err(|_| format!("found {} bytes, expected {N}", raw.len()))
}

fn text(raw: &[u8]) -> Result<Cow<'_, str>, String> {
    let text = std::str::from_utf8(raw).map_err(|_| "the text is not UTF-8".to_owned())?;
    Ok(Cow::Borrowed(text))
}

fn uuid(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn date(days: i32) -> Result<i32, String> {
    let days = match days {
        i32::MAX => return Err(never("infinity")),
        i32::MIN => return Err(never("-infinity")),
        days => days.checked_add(EPOCH_DAYS),
    };
    days.filter(|days| (FIRST_DAY..=LAST_DAY).contains(days)).ok_or_else(far)
}

fn timestamp(micros: i64) -> Result<i64, String> {
    let micros = match micros {
        i64::MAX => return Err(never("infinity")),
        i64::MIN => return Err(never("-infinity")),
        micros => micros.checked_add(EPOCH_MICROS),
    };
    let is_near = |micros: &i64| {
        let day = micros.div_euclid(DAY_MICROS);
        (i64::from(FIRST_DAY)..=i64::from(LAST_DAY)).contains(&day)
    };
    micros.filter(is_near).ok_or_else(far)
}

fn time(micros: i64) -> Result<i64, String> {
    // 24:00:00 is a time in PostgreSQL.
    if (0..DAY_MICROS).contains(&micros) {
        return Ok(micros);
    }
    Err("a time of day after 23:59:59.999999, which features do not have; cast it to text in the query".to_owned())
}

fn never(found: &str) -> String {
    format!("found {found}, which is no date; cast it to text in the query, or leave it out")
}

fn far() -> String {
    "a date before the year 1 or after 9999; cast it to text in the query".to_owned()
}

/// Decodes digits of base 10,000, a weight and a sign; the nearest 64-bit float.
fn numeric(raw: &[u8]) -> Result<f64, String> {
    let bad = || "not a numeric value".to_owned();
    let (head, digits) = raw.split_at_checked(8).ok_or_else(bad)?;
    let word = |at: usize| i16::from_be_bytes([head[at], head[at + 1]]);
    let (num_digits, weight, sign) = (word(0), word(2), word(4).cast_unsigned());
    match sign {
        0xC000 => return Ok(f64::NAN),
        0xD000 => return Ok(f64::INFINITY),
        0xF000 => return Ok(f64::NEG_INFINITY),
        0x0000 | 0x4000 => {}
        _ => return Err(bad()),
    }
    if usize::try_from(num_digits).map(|n| n * 2) != Ok(digits.len()) {
        return Err(bad());
    }
    let mut decimal = String::with_capacity(digits.len() * 2 + 10);
    decimal.push_str(if sign == 0x4000 { "-0" } else { "0" });
    for digit in digits.chunks_exact(2) {
        let digit = u16::from_be_bytes([digit[0], digit[1]]);
        if digit > 9999 {
            return Err(bad());
        }
        let _ = write!(decimal, "{digit:04}");
    }
    let exponent = 4 * (i32::from(weight) - i32::from(num_digits) + 1);
    let _ = write!(decimal, "e{exponent}");
    decimal.parse().map_err(|_| bad())
}

/// An element of an array, which may be missing.
type Element<'a> = Result<Option<&'a [u8]>, String>;

/// Takes an array of one dimension apart.
pub(super) fn elements(raw: &[u8]) -> Result<impl Iterator<Item = Element<'_>>, String> {
    let mut rest = raw;
    let num_dimensions = take_i32(&mut rest)?;
    let _has_nulls = take_i32(&mut rest)?;
    let _item_type = take_i32(&mut rest)?;
    let length = match num_dimensions {
        0 => 0,
        1 => {
            let length = take_i32(&mut rest)?;
            let _from = take_i32(&mut rest)?;
            length
        }
        n => {
            return Err(format!(
                "an array of {n} dimensions, expected one; cast it to text or unnest it in the query"
            ));
        }
    };
    // Each element takes four bytes at least, so that no length makes more of them than there are bytes.
    let is_possible = usize::try_from(length).is_ok_and(|length| length <= rest.len() / 4);
    if !is_possible {
        return Err("not an array".to_owned());
    }
    Ok((0..length).map(move |_| {
        let Ok(length) = usize::try_from(take_i32(&mut rest)?) else { return Ok(None) };
        let (element, behind) = rest.split_at_checked(length).ok_or("not an array")?;
        rest = behind;
        Ok(Some(element))
    }))
}

fn take_i32(rest: &mut &[u8]) -> Result<i32, String> {
    let (head, behind) = rest.split_first_chunk::<4>().ok_or("not an array")?;
    *rest = behind;
    Ok(i32::from_be_bytes(*head))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numeric_of(words: &[i16]) -> Result<f64, String> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        numeric(&bytes)
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "the nearest float is one float")]
    fn a_numeric_is_the_nearest_float() {
        assert_eq!(numeric_of(&[0, 0, 0, 0]).unwrap(), 0.0);
        assert_eq!(numeric_of(&[2, 0, 0, 2, 12, 3400]).unwrap(), 12.34);
        assert_eq!(numeric_of(&[1, -1, 0x4000, 1, 1000]).unwrap(), -0.1);
        assert_eq!(numeric_of(&[3, 2, 0, 0, 1, 0, 1]).unwrap(), 100_000_001.0);
        assert_eq!(numeric_of(&[1, 1, 0, 0, 12]).unwrap(), 120_000.0);
        assert!(numeric_of(&[0, 0, 0xC000_u16.cast_signed(), 0]).unwrap().is_nan());
        assert_eq!(numeric_of(&[0, 0, 0xF000_u16.cast_signed(), 0]).unwrap(), f64::NEG_INFINITY);
        for bad in
            [&[1, 0, 0, 0][..], &[0, 0, 0], &[1, 0, 0, 0, 10_000], &[-1, 0, 0, 0], &[0, 0, 7, 0]]
        {
            assert!(numeric_of(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn dates_that_are_none_are_named() {
        let date = |days: i32| value(Kind::Date, &days.to_be_bytes()).map(|v| format!("{v:?}"));
        assert_eq!(date(0).unwrap(), "Days(10957)");
        assert!(date(i32::MAX).unwrap_err().contains("found infinity"));
        assert!(date(i32::MAX - 1).unwrap_err().contains("after 9999"));
        let stamp =
            |micros: i64| value(Kind::Timestamp, &micros.to_be_bytes()).map(|v| format!("{v:?}"));
        assert_eq!(stamp(-EPOCH_MICROS).unwrap(), "Micros(0)");
        assert!(stamp(i64::MIN).unwrap_err().contains("found -infinity"));
        assert!(stamp(i64::MAX - 1).unwrap_err().contains("after 9999"));
        assert!(value(Kind::Time, &DAY_MICROS.to_be_bytes()).is_err());
    }

    #[test]
    fn lengths_are_not_believed() {
        let array = |words: &[i32]| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            elements(&bytes).and_then(|all| {
                all.map(|one| Ok(one?.map(<[u8]>::to_vec))).collect::<Result<Vec<_>, String>>()
            })
        };
        assert_eq!(array(&[0, 0, 23]).unwrap(), Vec::<Option<Vec<u8>>>::new());
        assert_eq!(array(&[1, 1, 23, 2, 1, 4, 7, -1]).unwrap(), [Some(vec![0, 0, 0, 7]), None]);
        assert!(array(&[2, 0, 23, 1, 1, 1, 1, 4, 7]).unwrap_err().contains("2 dimensions"));
        for bad in
            [&[1, 0, 23, i32::MAX, 1][..], &[1, 0, 23, 1, 1, 9, 0], &[1, 0], &[1, 0, 23, -1, 1]]
        {
            assert!(array(bad).is_err(), "{bad:?}");
        }
        assert!(value(Kind::Int4, &[1, 2]).unwrap_err().contains("found 2 bytes, expected 4"));
        assert!(value(Kind::Text, &[0xff]).is_err() && value(Kind::Jsonb, b"").is_err());
        let id = value(Kind::Uuid, &[0x12; 16]).unwrap();
        assert_eq!(id, Value::Text("12121212-1212-1212-1212-121212121212".into()));
    }

    const KINDS: [Kind; 16] = [
        Kind::Int2,
        Kind::Int4,
        Kind::Int8,
        Kind::Oid,
        Kind::Float4,
        Kind::Float8,
        Kind::Numeric,
        Kind::Bool,
        Kind::Text,
        Kind::Jsonb,
        Kind::Uuid,
        Kind::Bytes,
        Kind::Date,
        Kind::Time,
        Kind::Timestamp,
        Kind::TimestampTz,
    ];

    proptest! {
        #[test]
        fn any_bytes_are_a_value_or_an_error(
            kind in prop::sample::select(&KINDS[..]),
            raw in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let _ = value(kind, &raw);
            if let Ok(all) = elements(&raw) {
                let ends = all.take_while(Result::is_ok).count();
                prop_assert!(ends <= raw.len() / 4);
            }
        }

        #[test]
        fn a_numeric_is_read_as_its_digits_are(value in -999_999_999_999_i64..1_000_000_000_000, scale in 0_i16..3) {
            // Digits of base 10,000, as many of them behind the point as `scale` says.
            let mut digits = Vec::new();
            let mut rest = value.unsigned_abs();
            while rest > 0 {
                digits.insert(0, i16::try_from(rest % 10_000).unwrap());
                rest /= 10_000;
            }
            let num_digits = i16::try_from(digits.len()).unwrap();
            let sign = if value < 0 { 0x4000 } else { 0 };
            let mut words = vec![num_digits, num_digits - scale - 1, sign, 0];
            words.extend(digits);
            let expected: f64 = format!("{value}e-{}", 4 * scale).parse().unwrap();
            prop_assert_eq!(numeric_of(&words).unwrap().to_bits(), expected.to_bits());
        }
    }
}
