//! What the values of a feature look like: truth values, integers, numbers, something with a meaning.

use formats::metadata::custom_statistic::Val;
use formats::metadata::feature::DomainInfo;
use formats::metadata::feature_name_statistics::Type;
use formats::metadata::{BoolDomain, Feature};

use crate::view::FeatureView;

/// The texts that are taken for true. The empty text is one, as in the reference implementation.
const TRUE_TEXTS: [&str; 6] = ["TRUE", "true", "SET", "set", "1", ""];
/// The texts that are taken for false.
const FALSE_TEXTS: [&str; 5] = ["FALSE", "false", "CLEAR", "clear", "0"];

/// Returns the domain of truth values, if the values look like that.
///
/// Integers do when the largest is 1 and none is negative; texts do when there are at most two, one from
/// either list. Floating-point numbers never do, nor does a column of zeros.
pub(crate) fn bool_domain(view: &FeatureView<'_>) -> Option<BoolDomain> {
    match view.data_type() {
        Type::Int => {
            let (min, max) = view.numeric().map_or((0.0, 0.0), |stats| (stats.min, stats.max));
            let is_bool = min >= 0.0 && (1.0..=1.0).contains(&max);
            is_bool.then(BoolDomain::default)
        }
        Type::String => {
            let values = view.values();
            let find = |texts: &[&str]| values.keys().find(|value| texts.contains(value)).copied();
            let (true_value, false_value) = (find(&TRUE_TEXTS), find(&FALSE_TEXTS));
            let num_known = usize::from(true_value.is_some()) + usize::from(false_value.is_some());
            (num_known > 0 && num_known == values.len()).then(|| BoolDomain {
                true_value: true_value.map(str::to_owned),
                false_value: false_value.map(str::to_owned),
                ..BoolDomain::default()
            })
        }
        Type::Float | Type::Bytes | Type::Struct => None,
    }
}

/// Returns whether a feature of texts holds nothing but integers.
pub(crate) fn holds_integers(view: &FeatureView<'_>) -> bool {
    view.data_type() == Type::String
        && !view.has_invalid_utf8()
        && matches!(integers(view), Some(Ok(_)))
}

/// Returns the smallest and largest integer of a feature, or the first value that is not a 64-bit one.
///
/// None when the feature holds neither integers nor texts, or no values.
pub(crate) fn integers(view: &FeatureView<'_>) -> Option<Result<(i64, i64), String>> {
    let values = view.values();
    if view.data_type() == Type::Int && values.is_empty() {
        let stats = view.numeric()?;
        return Some(match (integer(stats.min), integer(stats.max)) {
            (Some(min), Some(max)) => Ok((min, max)),
            (None, _) => Err(format!("{:.6}", stats.min)),
            (_, None) => Err(format!("{:.6}", stats.max)),
        });
    }
    if matches!(view.data_type(), Type::Float | Type::Struct) {
        return None;
    }
    range(values.into_keys(), parse_integer)
}

/// Returns the smallest and largest number of a feature, or the first text that is not a number.
///
/// None when the feature holds neither floating-point numbers nor texts, or no values.
pub(crate) fn floats(view: &FeatureView<'_>) -> Option<Result<(f32, f32), String>> {
    match view.data_type() {
        // Numbers that are categories are counted as texts.
        Type::Float if view.numeric().is_none() => range(view.values().into_keys(), parse_float),
        Type::Float => {
            let stats = view.numeric()?;
            Some(Ok((single(stats.min), single(stats.max))))
        }
        Type::String | Type::Bytes => range(view.values().into_keys(), parse_float),
        Type::Int | Type::Struct => None,
    }
}

/// Returns the 64-bit integer that a text holds.
pub(crate) fn parse_integer(text: &str) -> Option<i64> {
    trim(text).parse().ok()
}

/// Returns the floating-point number that a text holds.
pub(crate) fn parse_float(text: &str) -> Option<f32> {
    trim(text).parse().ok()
}

/// Returns the domain with a meaning that the statistics recorded, if it is a valid one.
pub(crate) fn semantic_domain(view: &FeatureView<'_>) -> Option<DomainInfo> {
    let mut recorded = view.custom_stats().iter().filter(|stat| stat.name == "domain_info");
    let (Some(stat), None) = (recorded.next(), recorded.next()) else { return None };
    let Some(Val::Str(text)) = &stat.val else { return None };
    let mut parsed: Feature = formats::text::parse(text).ok()?;
    let domain = parsed.domain_info.take();
    if parsed == Feature::default() { domain } else { None }
}

/// Returns a number as single precision holds it, which is what domains are written in.
#[expect(clippy::cast_possible_truncation, reason = "the loss is the purpose")]
pub(crate) fn single(number: f64) -> f32 {
    number as f32
}

fn integer(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "checked, and the limit itself saturates")]
    (-LIMIT..=LIMIT).contains(&number).then_some(number as i64)
}

fn range<'a, T: Copy + PartialOrd>(
    values: impl Iterator<Item = &'a str>,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<Result<(T, T), String>> {
    let mut range: Option<(T, T)> = None;
    for text in values {
        let Some(value) = parse(text) else { return Some(Err(text.to_owned())) };
        let (min, max) = range.get_or_insert((value, value));
        if *min > value {
            *min = value;
        }
        if *max < value {
            *max = value;
        }
    }
    range.map(Ok)
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}')
}
