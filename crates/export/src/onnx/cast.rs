//! Conversions between types.

use formats::onnx::tensor_proto::DataType;
use graph::ValueType;
use graph::ValueType::{Bool, Float, Int, String as Text};

use super::Refused;
use super::column::{Column, both};
use super::emit::{Emitter, Tensor};

/// ASCII whitespace, as C's `isspace` has it.
pub(super) const SPACE: &str = r"[ \t\n\x0b\x0c\r]";

/// Why a FLOAT cannot become a STRING.
pub(super) const FLOAT_TO_TEXT: &str = "its `Cast` writes floats with 17 digits, and the shortest decimal that reads \
                                        back as the same float cannot be made of its operators";

/// What of a STRING cannot become a FLOAT.
pub(super) const TEXT_TO_FLOAT: &str = "a text whose number is beyond the range of floats, or below 2.3e-308, is an \
                                        error there unless its exponent shows that, behind at most 20 digits";

/// So many digits in front of the point, or zeros behind it, are counted.
const MOST_DIGITS: u32 = 20;

/// Lowers a conversion.
pub(super) fn cast(
    e: &mut Emitter,
    from: ValueType,
    to: ValueType,
    operand: &Column,
) -> Result<Column, Refused> {
    let x = &operand.values;
    let values = match (from, to) {
        (Int, Int) | (Float, Float) | (Text, Text) | (Bool, Bool) => x.clone(),
        (Int | Bool, Float) => e.cast(x, DataType::Double),
        (Bool, Int) => e.cast(x, DataType::Int64),
        (Int, Text) => e.cast(x, DataType::String),
        (Float, Text) => return Err(Refused::new(FLOAT_TO_TEXT)),
        (Int, Bool) => {
            let zero = e.int(0);
            is_not(e, x, &zero)
        }
        (Float, Bool) => {
            let zero = e.float(0.0);
            is_not(e, x, &zero)
        }
        (Bool, Text) => {
            let (yes, no) = (e.text("true"), e.text("false"));
            e.choose(x, &yes, &no)
        }
        (Float, Int) => return Ok(float_to_int(e, operand)),
        (Text, Int) => return Ok(parse(e, operand, &int_pattern(), DataType::Int64)),
        (Text, Float) => return Ok(text_to_float(e, operand)),
        (Text, Bool) => return Ok(text_to_bool(e, operand)),
    };
    Ok(Column::like(values, operand))
}

fn is_not(e: &mut Emitter, x: &Tensor, value: &Tensor) -> Tensor {
    let equal = e.op("Equal", &[x, value]);
    e.op("Not", &[&equal])
}

/// Cuts towards 0; missing for NaN and what 64 bits do not hold.
fn float_to_int(e: &mut Emitter, operand: &Column) -> Column {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0; // 2^63
    let (least, limit, zero) = (e.float(-LIMIT), e.float(LIMIT), e.float(0.0));
    let is_enough = e.op("GreaterOrEqual", &[&operand.values, &least]);
    let is_less = e.op("Less", &[&operand.values, &limit]);
    let fits = e.op("And", &[&is_enough, &is_less]);
    let safe = e.op("Where", &[&fits, &operand.values, &zero]);
    let values = e.cast(&safe, DataType::Int64);
    Column { values, present: both(e, operand.present.as_ref(), Some(&fits)) }
}

/// Reads the texts that match a pattern as a whole; the others are missing.
fn parse(e: &mut Emitter, operand: &Column, pattern: &str, to: DataType) -> Column {
    let fits = e.matches(&operand.values, pattern);
    // What is no number would be an error.
    let zero = e.text("0");
    let safe = e.choose(&fits, &operand.values, &zero);
    let values = e.cast(&safe, to);
    Column { values, present: both(e, operand.present.as_ref(), Some(&fits)) }
}

/// Returns the pattern of the texts that are an INT.
fn int_pattern() -> String {
    let most = at_most("9223372036854775807");
    let least = at_most("9223372036854775808");
    format!(r"{SPACE}*(?:\+?0*(?:[0-9]{{1,18}}|{most})|-0*(?:[0-9]{{1,18}}|{least})){SPACE}*")
}

/// Returns the pattern of the numbers with as many digits as a limit that are at most this limit.
fn at_most(limit: &str) -> String {
    let less =
        limit.bytes().enumerate().filter(|(_, digit)| *digit > b'0').map(|(place, digit)| {
            let (before, rest) = (&limit[..place], limit.len() - place - 1);
            format!("{before}[0-{}][0-9]{{{rest}}}", char::from(digit - 1))
        });
    less.chain([limit.to_owned()]).collect::<Vec<_>>().join("|")
}

/// Reads decimal numbers.
///
/// ONNX Runtime refuses what is beyond the floats' range on either side instead of rounding it. Where that shows from
/// the exponent it is rounded here; where not it still refuses ([`TEXT_TO_FLOAT`]).
fn text_to_float(e: &mut Emitter, operand: &Column) -> Column {
    let number = format!(
        "{SPACE}*[+-]?(?:(?:[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?\
         |[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN]){SPACE}*"
    );
    let fits = e.matches(&operand.values, &number);
    let [huge, tiny] = [beyond("\\+?", 309, 1), beyond("-", 325, -1)];
    let (is_huge, is_tiny) = (e.matches(&operand.values, &huge), e.matches(&operand.values, &tiny));
    let is_negative = e.matches(&operand.values, &format!("{SPACE}*-(?s:.*)"));
    let (text_zero, text_inf) = (e.text("0"), e.text("inf"));
    let (minus_zero, minus_inf) = (e.text("-0"), e.text("-inf"));
    let inf = e.choose(&is_negative, &minus_inf, &text_inf);
    let zero = e.choose(&is_negative, &minus_zero, &text_zero);
    let safe = e.choose(&fits, &operand.values, &text_zero);
    let safe = e.choose(&is_huge, &inf, &safe);
    let safe = e.choose(&is_tiny, &zero, &safe);
    let values = e.cast(&safe, DataType::Double);
    Column { values, present: both(e, operand.present.as_ref(), Some(&fits)) }
}

/// Returns the pattern of numbers whose exponent, of a sign, is at least a limit: if they have one digit in front of the
/// point. With each digit more the limit changes by one, against the sign.
fn beyond(sign: &str, limit: i64, step: i64) -> String {
    let mut forms = Vec::new();
    for count in 0..MOST_DIGITS {
        let shift = step * i64::from(count);
        let long = format!("[1-9][0-9]{{{count}}}(?:\\.[0-9]*)?");
        let small = format!("\\.0{{{count}}}[1-9][0-9]*");
        for (digits, limit) in [(long, limit - shift), (small, limit + step + shift)] {
            forms.push(format!("0*{digits}[eE]{sign}0*(?:{})", at_least(limit)));
        }
    }
    format!("{SPACE}*[+-]?(?:{}){SPACE}*", forms.join("|"))
}

/// Returns the pattern of the numbers that are at least a limit of three digits.
fn at_least(limit: i64) -> String {
    let limit = limit.to_string();
    let more =
        limit.bytes().enumerate().filter(|(_, digit)| *digit < b'9').map(|(place, digit)| {
            let (before, rest) = (&limit[..place], limit.len() - place - 1);
            format!("{before}[{}-9][0-9]{{{rest}}}", char::from(digit + 1))
        });
    more.chain([limit.clone(), "[1-9][0-9]{3,}".to_owned()]).collect::<Vec<_>>().join("|")
}

fn text_to_bool(e: &mut Emitter, operand: &Column) -> Column {
    // Cases one by one: without regard to case, a regular expression takes ſ for an s, too.
    let yes = format!("{SPACE}*(?:[tT][rR][uU][eE]|[tT]|[yY][eE][sS]|[yY]|1){SPACE}*");
    let no = format!("{SPACE}*(?:[fF][aA][lL][sS][eE]|[fF]|[nN][oO]|[nN]|0){SPACE}*");
    let values = e.matches(&operand.values, &yes);
    let is_no = e.matches(&operand.values, &no);
    let fits = e.op("Or", &[&values, &is_no]);
    Column { values, present: both(e, operand.present.as_ref(), Some(&fits)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_up_to_a_limit_are_its_prefixes_with_less_behind_them() {
        assert_eq!(at_most("205"), "[0-1][0-9]{2}|20[0-4][0-9]{0}|205");
    }

    #[test]
    fn what_no_float_holds_shows_from_digits_and_exponent() {
        let [huge, tiny] = [beyond("\\+?", 309, 1), beyond("-", 325, -1)]
            .map(|pattern| regex::Regex::new(&format!("^(?:{pattern})$")).unwrap());
        for text in ["1e308", "0.1e309", ".001e311", "12e307", "1e-400", "0e999", "1e30", "x", "1e"]
        {
            assert!(!huge.is_match(text), "{text}");
        }
        for text in ["1e309", " -12e308 ", "+0.1e310", ".001e+312", "00345.5E400", "1e99999"] {
            assert!(huge.is_match(text), "{text}");
            assert!(text.trim().parse::<f64>().unwrap().is_infinite(), "{text}");
        }
        for text in ["1e-324", "12e-325", "0.1e-323", ".001e-321", "1e400", "1e-30"] {
            assert!(!tiny.is_match(text), "{text}");
        }
        for text in ["1e-325", "12e-326", "-0.1e-324", ".001e-322", "1e-0400", "123456e-1000"] {
            assert!(tiny.is_match(text), "{text}");
            assert!(text.parse::<f64>().unwrap().abs() <= 0.0, "{text}");
        }
    }
}
