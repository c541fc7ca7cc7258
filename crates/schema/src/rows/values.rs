//! What each value of a column has to be, and the loops that find those that are not.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::{Array, ArrayAccessor, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use formats::metadata::anomaly_info::Type;
use formats::metadata::feature::DomainInfo;
use formats::metadata::{BoolDomain, Feature, FloatDomain, IntDomain, StringDomain};

use crate::domain::{parse_float, parse_integer, single};
use crate::text::six_digits;

/// What is wrong with one value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) kind: Type,
    pub(super) short_description: &'static str,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(kind: Type, short_description: &'static str, message: String) -> Self {
        Self { kind, short_description, message }
    }
}

const OUT_OF_RANGE: &str = "Out-of-range values";
const INVALID: &str = "Invalid values";
const NOT_BOOL: &str = "Non-boolean values";

/// What each value of a feature has to be.
#[derive(Debug)]
pub(super) enum Rule {
    Anything,
    Int { min: i128, max: i128 },
    Float { min: f32, max: f32, allows_nan: bool, allows_inf: bool },
    Bool(BTreeSet<String>),
    OneOf(HashSet<String>),
    Bytes { max: usize },
}

impl Rule {
    /// Returns the rule that a feature's domain makes; `domain` is the one of texts that it names.
    pub(super) fn new(feature: &Feature, domain: Option<&StringDomain>) -> Self {
        match &feature.domain_info {
            Some(DomainInfo::Domain(_)) => domain.map_or(Self::Anything, one_of),
            Some(DomainInfo::StringDomain(domain)) => one_of(domain),
            Some(DomainInfo::IntDomain(IntDomain { min, max, .. })) => Self::Int {
                min: min.map_or(i128::MIN, i128::from),
                max: max.map_or(i128::MAX, i128::from),
            },
            Some(DomainInfo::FloatDomain(domain)) => {
                let &FloatDomain { min, max, disallow_nan, disallow_inf, .. } = domain;
                Self::Float {
                    min: min.unwrap_or(f32::NEG_INFINITY),
                    max: max.unwrap_or(f32::INFINITY),
                    allows_nan: disallow_nan != Some(true),
                    allows_inf: disallow_inf != Some(true),
                }
            }
            Some(DomainInfo::BoolDomain(BoolDomain { true_value, false_value, .. })) => {
                Self::Bool(true_value.iter().chain(false_value).cloned().collect())
            }
            Some(DomainInfo::ImageDomain(domain)) => {
                domain.max_image_byte_size.map_or(Self::Anything, |max| Self::Bytes {
                    max: usize::try_from(max).unwrap_or(0),
                })
            }
            _ => Self::Anything,
        }
    }

    /// Reports the elements of an array that are not as they have to be, in order. Nulls are no values.
    pub(super) fn check(&self, array: &dyn Array, report: &mut dyn FnMut(usize, Problem)) {
        if matches!(self, Self::Anything) || array.null_count() == array.len() {
            return;
        }
        match array.data_type() {
            DataType::Boolean => {
                let array = array.as_boolean();
                each(array, |value: bool| self.integer(i128::from(value)), report);
            }
            DataType::Int8 => self.integers(array.as_primitive::<Int8Type>(), report),
            DataType::Int16 => self.integers(array.as_primitive::<Int16Type>(), report),
            DataType::Int32 => self.integers(array.as_primitive::<Int32Type>(), report),
            DataType::Int64 => self.integers(array.as_primitive::<Int64Type>(), report),
            DataType::UInt8 => self.integers(array.as_primitive::<UInt8Type>(), report),
            DataType::UInt16 => self.integers(array.as_primitive::<UInt16Type>(), report),
            DataType::UInt32 => self.integers(array.as_primitive::<UInt32Type>(), report),
            DataType::UInt64 => self.integers(array.as_primitive::<UInt64Type>(), report),
            DataType::Float16 => {
                let array = array.as_primitive::<Float16Type>();
                each(array, |value| self.float(value.to_f64()), report);
            }
            DataType::Float32 => {
                let array = array.as_primitive::<Float32Type>();
                each(array, |value| self.float(f64::from(value)), report);
            }
            DataType::Float64 => {
                each(array.as_primitive::<Float64Type>(), |value| self.float(value), report);
            }
            DataType::Utf8 => each(array.as_string::<i32>(), |text| self.text(text), report),
            DataType::LargeUtf8 => each(array.as_string::<i64>(), |text| self.text(text), report),
            DataType::Utf8View => each(array.as_string_view(), |text| self.text(text), report),
            DataType::Binary => each(array.as_binary::<i32>(), |it| self.bytes(it), report),
            DataType::LargeBinary => each(array.as_binary::<i64>(), |it| self.bytes(it), report),
            DataType::BinaryView => each(array.as_binary_view(), |it| self.bytes(it), report),
            DataType::Dictionary(..) => self.dictionary(array, report),
            _ => {}
        }
    }

    /// Every distinct value is looked at once, however often it occurs.
    fn dictionary(&self, array: &dyn Array, report: &mut dyn FnMut(usize, Problem)) {
        let dictionary = array.as_any_dictionary();
        let mut problems = BTreeMap::new();
        self.check(dictionary.values().as_ref(), &mut |key, problem| {
            problems.insert(key, problem);
        });
        if problems.is_empty() || dictionary.values().is_empty() {
            return;
        }
        let keys = dictionary.normalized_keys();
        for (element, key) in keys.into_iter().enumerate() {
            if let Some(problem) = problems.get(&key)
                && dictionary.keys().is_valid(element)
            {
                report(element, problem.clone());
            }
        }
    }

    fn integers<T: ArrowPrimitiveType>(
        &self,
        array: &PrimitiveArray<T>,
        report: &mut dyn FnMut(usize, Problem),
    ) where
        i128: From<T::Native>,
    {
        each(array, |value| self.integer(i128::from(value)), report);
    }

    fn integer(&self, value: i128) -> Option<Problem> {
        match self {
            Self::Int { min, max } => {
                if value < *min {
                    let message = format!("unexpectedly low value: {value} < {min}");
                    return Some(Problem::new(Type::IntTypeSmallInt, OUT_OF_RANGE, message));
                }
                (value > *max).then(|| {
                    let message = format!("unexpectedly high value: {value} > {max}");
                    Problem::new(Type::IntTypeBigInt, OUT_OF_RANGE, message)
                })
            }
            Self::Bool(_) => {
                let kind = match value {
                    0 | 1 => return None,
                    2.. => Type::BoolTypeBigInt,
                    _ => Type::BoolTypeSmallInt,
                };
                Some(Problem::new(kind, NOT_BOOL, format!("{value} is neither 0 nor 1")))
            }
            _ => None,
        }
    }

    fn float(&self, value: f64) -> Option<Problem> {
        match self {
            Self::Float { min, max, allows_nan, allows_inf } => {
                if value.is_nan() {
                    return (!allows_nan).then(|| {
                        let message = "NaN is not allowed".to_owned();
                        Problem::new(Type::FloatTypeHasNan, INVALID, message)
                    });
                }
                if value.is_infinite() && !allows_inf {
                    let message = "an infinite value is not allowed".to_owned();
                    return Some(Problem::new(Type::FloatTypeHasInf, INVALID, message));
                }
                let value = single(value);
                let compared = |side, sign, limit: f32| {
                    let (value, limit) = (six_digits(value.into()), six_digits(limit.into()));
                    format!("unexpectedly {side} value: {value} {sign} {limit}")
                };
                if value < *min {
                    let message = compared("low", '<', *min);
                    return Some(Problem::new(Type::FloatTypeSmallFloat, OUT_OF_RANGE, message));
                }
                (value > *max).then(|| {
                    let message = compared("high", '>', *max);
                    Problem::new(Type::FloatTypeBigFloat, OUT_OF_RANGE, message)
                })
            }
            Self::Bool(_) => {
                #[expect(clippy::float_cmp, reason = "truth values are exact")]
                let is_truth = value == 0.0 || value == 1.0;
                (!is_truth).then(|| {
                    let message = format!("{} is neither 0 nor 1", six_digits(value));
                    Problem::new(Type::BoolTypeUnexpectedFloat, NOT_BOOL, message)
                })
            }
            _ => None,
        }
    }

    fn text(&self, text: &str) -> Option<Problem> {
        match self {
            Self::Anything => None,
            Self::Int { .. } => match parse_integer(text) {
                Some(value) => self.integer(i128::from(value)),
                None => {
                    let message = format!("{text:?} is not an integer");
                    Some(Problem::new(Type::IntTypeNotIntString, INVALID, message))
                }
            },
            Self::Float { .. } => match parse_float(text) {
                Some(value) => self.float(f64::from(value)),
                None => {
                    let message = format!("{text:?} is not a number");
                    Some(Problem::new(Type::FloatTypeStringNotFloat, INVALID, message))
                }
            },
            Self::Bool(expected) => (!expected.contains(text)).then(|| {
                let expected: Vec<String> = expected.iter().map(|it| format!("{it:?}")).collect();
                let message = match expected.as_slice() {
                    [] => format!("{text:?}, but the schema names no text for true or false"),
                    [only] => format!("{text:?} is not {only}"),
                    several => format!("{text:?} is neither {}", several.join(" nor ")),
                };
                Problem::new(Type::BoolTypeUnexpectedString, NOT_BOOL, message)
            }),
            Self::OneOf(expected) => (!expected.contains(text)).then(|| {
                let short = "Unexpected string values";
                let message = format!("{text:?} is not in the domain");
                Problem::new(Type::EnumTypeUnexpectedStringValues, short, message)
            }),
            Self::Bytes { .. } => self.bytes(text.as_bytes()),
        }
    }

    fn bytes(&self, bytes: &[u8]) -> Option<Problem> {
        if let Self::Bytes { max } = self {
            return (bytes.len() > *max).then(|| {
                let short = "Num bytes exceeds the max byte size.";
                let message = format!("{} bytes, expected at most {max}", bytes.len());
                Problem::new(Type::MaxImageByteSizeExceeded, short, message)
            });
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(text),
            Err(_) => {
                let message = "not valid UTF-8".to_owned();
                Some(Problem::new(Type::EnumTypeInvalidUtf8, "Invalid UTF8 strings", message))
            }
        }
    }
}

fn one_of(domain: &StringDomain) -> Rule {
    Rule::OneOf(domain.value.iter().cloned().collect())
}

fn each<T>(
    array: impl ArrayAccessor<Item = T>,
    judge: impl Fn(T) -> Option<Problem>,
    report: &mut dyn FnMut(usize, Problem),
) {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
    for element in 0..array.len() {
        if nulls.is_some_and(|nulls| nulls.is_null(element)) {
            continue;
        }
        if let Some(problem) = judge(array.value(element)) {
            report(element, problem);
        }
    }
}
