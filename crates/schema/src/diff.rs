//! What is different between two schemas, and whether data is held to more or to less.

mod fields;
mod value;

use std::collections::BTreeSet;
use std::fmt;

use formats::metadata::feature::DomainInfo;
use formats::metadata::{Feature, Schema};

use crate::relax::{is_deprecated, is_required};
use crate::text::serialize_path;
use fields::{Fields, feature_fields, named_parts, schema_fields};

/// Whether a change holds data to more or to less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Data that was fine may not be any longer.
    Tightened,
    /// Data that was fine still is, and other data may be.
    Relaxed,
    /// Neither of them, or both.
    Changed,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tightened => "tightened",
            Self::Relaxed => "relaxed",
            Self::Changed => "changed",
        })
    }
}

/// What changed at one place of a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// One of its fields is another; a side that lacks the field has none.
    Field {
        /// The field, for example `int_domain.max`.
        field: String,
        /// What it was.
        before: Option<String>,
        /// What it is.
        after: Option<String>,
    },
    /// A list of values has some more, and some less.
    Values {
        /// The field that lists them.
        field: String,
        /// The values that only the second schema has, in its order.
        added: Vec<String>,
        /// The values that only the first schema has, in its order.
        removed: Vec<String>,
    },
}

/// One difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaChange {
    /// Where it is, for example ``feature `fare` ``.
    pub location: String,
    /// What it is.
    pub change: Change,
    /// Whether data is held to more or to less.
    pub effect: Effect,
}

impl fmt::Display for SchemaChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { location, change, effect } = self;
        match change {
            Change::Added => write!(f, "{location}: added")?,
            Change::Removed => write!(f, "{location}: removed")?,
            Change::Field { field, before, after } => {
                let shown = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".into());
                write!(f, "{location}: {field}: {} -> {}", shown(before), shown(after))?;
            }
            Change::Values { field, added, removed } => {
                write!(f, "{location}: {field}:")?;
                for (sign, values) in [('-', removed), ('+', added)] {
                    values.iter().try_for_each(|value| write!(f, " {sign}{value:?}"))?;
                }
            }
        }
        write!(f, " ({effect})")
    }
}

/// Returns the differences between two schemas: of the features in the order of the first schema, those
/// that are new after them, then of everything else.
///
/// Features, domains and environments are told apart by their names; their order makes no difference. A
/// feature's own changes come field by field, with those of the features below it after them. An empty list
/// means that both schemas say the same.
///
/// # Examples
///
/// ```
/// # use schema::diff_schemas;
/// let before = formats::text::parse("feature { name: 'fare' type: INT int_domain { max: 500 } }")?;
/// let after = formats::text::parse("feature { name: 'fare' type: INT int_domain { max: 900 } }")?;
/// let changes: Vec<String> = diff_schemas(&before, &after).iter().map(ToString::to_string).collect();
/// assert_eq!(changes, ["feature `fare`: int_domain.max: 500 -> 900 (relaxed)"]);
/// # Ok::<(), formats::text::TextError>(())
/// ```
pub fn diff_schemas(before: &Schema, after: &Schema) -> Vec<SchemaChange> {
    let mut changes = Vec::new();
    diff_features(&before.feature, &after.feature, &mut Vec::new(), &mut changes);
    let (parts_before, parts_after) = (named_parts(before), named_parts(after));
    for (location, fields) in &parts_before {
        match parts_after.iter().find(|(other, _)| other == location) {
            Some((_, others)) => diff_fields(location, fields, others, &mut changes),
            None => push(location, Change::Removed, Effect::Changed, &mut changes),
        }
    }
    for (location, _) in parts_after {
        if !parts_before.iter().any(|(other, _)| *other == location) {
            push(&location, Change::Added, Effect::Changed, &mut changes);
        }
    }
    diff_fields("schema", &schema_fields(before), &schema_fields(after), &mut changes);
    changes
}

fn diff_features<'a>(
    before: &'a [Feature],
    after: &'a [Feature],
    parents: &mut Vec<&'a str>,
    changes: &mut Vec<SchemaChange>,
) {
    let find = |features: &'a [Feature], name: &str| {
        features.iter().find(|feature| feature.name() == name)
    };
    for feature in before {
        parents.push(feature.name());
        let location = format!("feature `{}`", serialize_path(parents));
        match find(after, feature.name()) {
            Some(other) => {
                let (fields, others) = (feature_fields(feature), feature_fields(other));
                diff_fields(&location, &fields, &others, changes);
                diff_features(below(feature), below(other), parents, changes);
            }
            // Its column is now one that the schema does not know, but need not be there.
            None => {
                let effect = match (is_deprecated(feature), is_demanded(feature)) {
                    (true, _) | (false, false) => Effect::Tightened,
                    (false, true) => Effect::Changed,
                };
                push(&location, Change::Removed, effect, changes);
            }
        }
        parents.pop();
    }
    for feature in after.iter().filter(|feature| find(before, feature.name()).is_none()) {
        parents.push(feature.name());
        let location = format!("feature `{}`", serialize_path(parents));
        let effect = if is_demanded(feature) { Effect::Changed } else { Effect::Relaxed };
        push(&location, Change::Added, effect, changes);
        parents.pop();
    }
}

/// Whether data has to have a feature in some environment.
fn is_demanded(feature: &Feature) -> bool {
    is_required(feature, &crate::relax::Context::NONE)
}

fn below(feature: &Feature) -> &[Feature] {
    match &feature.domain_info {
        Some(DomainInfo::StructDomain(domain)) => &domain.feature,
        _ => &[],
    }
}

fn diff_fields(location: &str, before: &Fields, after: &Fields, changes: &mut Vec<SchemaChange>) {
    let mut seen = BTreeSet::new();
    for (field, _) in before.iter().chain(after) {
        if !seen.insert(field) {
            continue;
        }
        let find = |fields: &'_ Fields| fields.iter().position(|(other, _)| other == field);
        let value = find(before).map(|index| &before[index].1);
        let other = find(after).map(|index| &after[index].1);
        if let Some((change, effect)) = value::compare(field, value, other) {
            push(location, change, effect, changes);
        }
    }
}

fn push(location: &str, change: Change, effect: Effect, changes: &mut Vec<SchemaChange>) {
    changes.push(SchemaChange { location: location.to_owned(), change, effect });
}
