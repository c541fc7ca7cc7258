//! The value of one field, and what it holds data to.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::{Change, Effect};

/// The value of one field, by what it holds data to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Data has this much or more; without it, anything.
    AtLeast(Number),
    /// Data has this much or less; without it, anything.
    AtMost(Number),
    /// If true, data is held to something.
    Must(bool),
    /// Data has no other values than these; without it, any.
    OneOf(Vec<String>),
    /// Data is held to something that has no order.
    Limit(String),
    /// Whether data is held to anything at all, and why.
    Stage { name: String, is_validated: bool },
    /// Says something else than what is allowed.
    Note(String),
}

/// A number as schemas have them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Single(f32),
    Double(f64),
}

impl Number {
    fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(&b)),
            (Self::Single(a), Self::Single(b)) => a.partial_cmp(&b),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(&b),
            _ => None,
        }
    }
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::AtLeast(number) | Self::AtMost(number) => match number {
                Number::Int(number) => number.to_string(),
                Number::Single(number) => number.to_string(),
                Number::Double(number) => number.to_string(),
            },
            Self::Must(flag) => flag.to_string(),
            Self::OneOf(values) => format!("{} values", values.len()),
            Self::Limit(text) | Self::Note(text) => text.clone(),
            Self::Stage { name, .. } => name.clone(),
        }
    }
}

/// Returns what changed in a field, and what that does; None when nothing did.
pub(super) fn compare(
    field: &str,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Option<(Change, Effect)> {
    if before == after {
        return None;
    }
    let effect = match (before, after) {
        (Some(Value::OneOf(before)), Some(Value::OneOf(after))) => {
            return compare_values(field, before, after);
        }
        (Some(Value::AtLeast(a)), Some(Value::AtLeast(b))) => effect_of(a.compare(*b)),
        (Some(Value::AtMost(a)), Some(Value::AtMost(b))) => effect_of(b.compare(*a)),
        (Some(Value::Must(a)), Some(Value::Must(b))) => effect_of(Some(a.cmp(b))),
        (Some(Value::Must(flag)), None) => effect_of(Some(flag.cmp(&false))),
        (None, Some(Value::Must(flag))) => effect_of(Some(false.cmp(flag))),
        (before, after) if is_stage(before) || is_stage(after) => {
            effect_of(Some(is_validated(before).cmp(&is_validated(after))))
        }
        (Some(Value::Note(_)), _) | (_, Some(Value::Note(_))) | (Some(_), Some(_)) => {
            Effect::Changed
        }
        (None, _) => Effect::Tightened,
        (_, None) => Effect::Relaxed,
    };
    let change = Change::Field {
        field: field.to_owned(),
        before: before.map(Value::text),
        after: after.map(Value::text),
    };
    Some((change, effect))
}

/// The order of what data is held to before and after.
fn effect_of(order: Option<Ordering>) -> Effect {
    match order {
        Some(Ordering::Less) => Effect::Tightened,
        Some(Ordering::Greater) => Effect::Relaxed,
        Some(Ordering::Equal) | None => Effect::Changed,
    }
}

fn is_stage(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::Stage { .. }))
}

/// A feature that says nothing about its stage of life is validated.
fn is_validated(value: Option<&Value>) -> bool {
    !matches!(value, Some(Value::Stage { is_validated: false, .. }))
}

fn compare_values(field: &str, before: &[String], after: &[String]) -> Option<(Change, Effect)> {
    let missing = |from: &[String], to: &[String]| -> Vec<String> {
        let to: BTreeSet<&String> = to.iter().collect();
        from.iter().filter(|value| !to.contains(value)).cloned().collect()
    };
    let (added, removed) = (missing(after, before), missing(before, after));
    let effect = match (added.is_empty(), removed.is_empty()) {
        // Another order, or a value twice.
        (true, true) => return None,
        (false, true) => Effect::Relaxed,
        (true, false) => Effect::Tightened,
        (false, false) => Effect::Changed,
    };
    Some((Change::Values { field: field.to_owned(), added, removed }, effect))
}
