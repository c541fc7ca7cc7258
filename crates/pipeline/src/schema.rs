//! A node's table held against the JSON Schema of its component.
//!
//! The part of JSON Schema that `schemars` writes for configurations: types, properties, alternatives, lists,
//! ranges, references. What is not understood (such as `pattern`) is not checked here; the component's own
//! check sees it.

mod alternatives;
mod expected;
mod validate;

use serde_json::Value as Json;

use crate::document::{Place, Segment, Table};

/// A value that does not fit the schema.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// Where, within the table.
    pub(crate) path: Vec<Segment>,
    pub(crate) place: Place,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) kind: FaultKind,
    /// Whether it lies in a table whose keys are the user's own, such as features by name.
    pub(crate) in_map: bool,
}

/// What sort of fault it is; in each case the path is what has to go to be rid of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// A key that the schema does not have.
    UnknownKey,
    /// A value that is not what it should be.
    Value,
    /// A table without a key that it needs.
    MissingKey,
}

/// Returns every fault of a table.
///
/// `prefix` is the table's own path in the file, `place` where it begins, `common` keys that the caller has
/// taken out, for suggestions.
pub(crate) fn validate(
    table: &Table,
    place: Place,
    prefix: &str,
    schema: &Json,
    common: &[&str],
) -> Vec<Fault> {
    validate::Validator { root: schema, prefix, common }.run(table, place)
}

/// Returns the table without what does not fit, so that the rest can be checked further, and whether only
/// unknown keys had to go. `None` when what is left would not say what was meant.
pub(crate) fn prune(
    table: &Table,
    validate: impl Fn(&Table) -> Vec<Fault>,
) -> Option<(Table, bool)> {
    const MAX_REMOVED: usize = 50;
    let mut table = table.clone();
    let mut only_unknown = true;
    for _ in 0..MAX_REMOVED {
        let faults = validate(&table);
        let Some(fault) = faults.first() else { return Some((table, only_unknown)) };
        if fault.path.is_empty() || faults.iter().any(|fault| fault.in_map) {
            return None;
        }
        only_unknown &= fault.kind == FaultKind::UnknownKey;
        table.remove(&fault.path);
    }
    None
}

#[cfg(test)]
mod tests;
