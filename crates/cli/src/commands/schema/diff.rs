//! `cupola schema diff`: what is different between two schemas.

use std::path::Path;

use base::BoxError;
use schema::{Change, SchemaChange, diff_schemas, read_schema};
use serde_json::{Value, json};

use crate::args::Global;
use crate::error::Outcome;
use crate::output::{print, print_json, table};

/// Shows the differences.
pub(super) fn diff(before: &Path, after: &Path, global: &Global) -> Result<Outcome, BoxError> {
    let changes = diff_schemas(&read_schema(before)?, &read_schema(after)?);
    let outcome = if changes.is_empty() { Outcome::Done } else { Outcome::No };
    if global.json {
        let content = json!({
            "before": before,
            "after": after,
            "changes": changes.iter().map(change_json).collect::<Vec<_>>(),
        });
        print_json("schema_diff", content)?;
        return Ok(outcome);
    }
    if changes.is_empty() {
        print("no differences")?;
        return Ok(outcome);
    }
    let rows = changes.iter().map(|change| {
        vec![change.effect.to_string(), change.location.clone(), described(&change.change)]
    });
    print(&table(&["effect", "where", "change"], rows.collect(), &[]))?;
    Ok(outcome)
}

fn described(change: &Change) -> String {
    match change {
        Change::Added => "added".to_owned(),
        Change::Removed => "removed".to_owned(),
        Change::Field { field, before, after } => {
            let shown = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".to_owned());
            format!("{field}: {} -> {}", shown(before), shown(after))
        }
        Change::Values { field, added, removed } => {
            let signed = |sign: char, values: &[String]| {
                values.iter().map(|value| format!(" {sign}{value:?}")).collect::<String>()
            };
            format!("{field}:{}{}", signed('-', removed), signed('+', added))
        }
    }
}

fn change_json(change: &SchemaChange) -> Value {
    let mut object = json!({
        "location": change.location,
        "effect": change.effect.to_string(),
    });
    match &change.change {
        Change::Added => object["change"] = json!("added"),
        Change::Removed => object["change"] = json!("removed"),
        Change::Field { field, before, after } => {
            object["change"] = json!("field");
            object["field"] = json!(field);
            object["before"] = json!(before);
            object["after"] = json!(after);
        }
        Change::Values { field, added, removed } => {
            object["change"] = json!("values");
            object["field"] = json!(field);
            object["added"] = json!(added);
            object["removed"] = json!(removed);
        }
    }
    object
}
