//! Types in the store: what they are named, what they declare, what they are a kind of.

use artifact::{PropertyType, PropertyValue};
use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::error::{Failure, Refusal};

/// What a type is a type of; the numbers are ML Metadata's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeKind {
    Execution = 0,
    Artifact = 1,
    Context = 2,
}

/// ML Metadata's own types, in the order in which its client makes them.
const SYSTEM_TYPES: [(&str, TypeKind); 9] = [
    ("mlmd.Dataset", TypeKind::Artifact),
    ("mlmd.Model", TypeKind::Artifact),
    ("mlmd.Metrics", TypeKind::Artifact),
    ("mlmd.Statistics", TypeKind::Artifact),
    ("mlmd.Train", TypeKind::Execution),
    ("mlmd.Transform", TypeKind::Execution),
    ("mlmd.Process", TypeKind::Execution),
    ("mlmd.Evaluate", TypeKind::Execution),
    ("mlmd.Deploy", TypeKind::Execution),
];

/// The system types that TFX's components are kinds of (their specs' `TYPE_ANNOTATION`). ML Metadata refuses to
/// change it later, so that it has to be right from the start; components not named here have none.
const EXECUTION_BASES: [(&str, &str); 7] = [
    ("tfx.components.example_gen.component.QueryBasedExampleGen", "mlmd.Process"),
    ("tfx.components.statistics_gen.component.StatisticsGen", "mlmd.Process"),
    ("tfx.components.schema_gen.component.SchemaGen", "mlmd.Process"),
    ("tfx.components.transform.component.Transform", "mlmd.Transform"),
    ("tfx.components.trainer.component.Trainer", "mlmd.Train"),
    ("tfx.components.evaluator.component.Evaluator", "mlmd.Evaluate"),
    ("tfx.components.pusher.component.Pusher", "mlmd.Deploy"),
];

/// Returns ML Metadata's number for a property's type.
fn number_of(data_type: PropertyType) -> i64 {
    match data_type {
        PropertyType::Int => 1,
        PropertyType::Double => 2,
        PropertyType::String => 3,
    }
}

fn name_of(number: Option<i64>) -> String {
    match number {
        Some(1) => "INT".to_owned(),
        Some(2) => "DOUBLE".to_owned(),
        Some(3) => "STRING".to_owned(),
        Some(4) => "STRUCT".to_owned(),
        Some(5) => "PROTO".to_owned(),
        Some(6) => "BOOLEAN".to_owned(),
        other => format!("type number {}", other.unwrap_or_default()),
    }
}

/// Returns the type of a value.
pub(crate) fn type_of(value: &PropertyValue) -> PropertyType {
    match value {
        PropertyValue::Int(_) => PropertyType::Int,
        PropertyValue::Double(_) => PropertyType::Double,
        PropertyValue::String(_) => PropertyType::String,
    }
}

/// Writes ML Metadata's own types into new tables.
pub(crate) fn put_system_types(connection: &Connection) -> Result<(), rusqlite::Error> {
    SYSTEM_TYPES.into_iter().try_for_each(|(name, kind)| insert(connection, kind, name).map(drop))
}

/// Returns the number of an execution type, made if need be; it declares at least these properties.
pub(crate) fn put_execution_type<'a>(
    transaction: &Transaction<'_>,
    name: &str,
    properties: impl IntoIterator<Item = (&'a str, PropertyType)>,
) -> Result<i64, Failure> {
    let base = EXECUTION_BASES.into_iter().find(|(execution, _)| *execution == name);
    put_type(transaction, TypeKind::Execution, name, properties, base.map(|(_, base)| base))
}

/// Returns the number of a type, made if need be; it declares at least these properties.
///
/// # Errors
///
/// [`Refusal::PropertyType`] when a property is declared with another type.
pub(crate) fn put_type<'a>(
    transaction: &Transaction<'_>,
    kind: TypeKind,
    name: &str,
    properties: impl IntoIterator<Item = (&'a str, PropertyType)>,
    base: Option<&str>,
) -> Result<i64, Failure> {
    let found = find_type(transaction, kind, name)?;
    let id = match found {
        Some(id) => id,
        None => insert(transaction, kind, name)?,
    };
    if let (None, Some(base)) = (found, base) {
        let base_id = match find_type(transaction, kind, base)? {
            Some(base_id) => base_id,
            None => insert(transaction, kind, base)?,
        };
        let sql = "INSERT INTO ParentType (type_id, parent_type_id) VALUES (?1, ?2)";
        transaction.execute(sql, [id, base_id])?;
    }
    for (property, data_type) in properties {
        declare(transaction, id, name, property, data_type)?;
    }
    Ok(id)
}

fn declare(
    transaction: &Transaction<'_>,
    type_id: i64,
    type_name: &str,
    property: &str,
    data_type: PropertyType,
) -> Result<(), Failure> {
    let wanted = number_of(data_type);
    let sql = "SELECT data_type FROM TypeProperty WHERE type_id = ?1 AND name = ?2";
    let declared: Option<Option<i64>> =
        transaction.query_row(sql, (type_id, property), |row| row.get(0)).optional()?;
    match declared {
        Some(Some(declared)) if declared == wanted => {}
        Some(declared) => {
            return Err(Failure::Refused(Refusal::PropertyType {
                type_name: type_name.to_owned(),
                property: property.to_owned(),
                declared: name_of(declared),
                found: match data_type {
                    PropertyType::Int => "INT",
                    PropertyType::Double => "DOUBLE",
                    PropertyType::String => "STRING",
                },
            }));
        }
        None => {
            let sql = "INSERT INTO TypeProperty (type_id, name, data_type) VALUES (?1, ?2, ?3)";
            transaction.execute(sql, (type_id, property, wanted))?;
        }
    }
    Ok(())
}

fn find_type(
    connection: &Connection,
    kind: TypeKind,
    name: &str,
) -> Result<Option<i64>, rusqlite::Error> {
    let sql = "SELECT id FROM Type WHERE name = ?1 AND version IS NULL AND type_kind = ?2";
    connection.query_row(sql, (name, kind as i64), |row| row.get(0)).optional()
}

fn insert(connection: &Connection, kind: TypeKind, name: &str) -> Result<i64, rusqlite::Error> {
    let sql = "INSERT INTO Type (name, type_kind) VALUES (?1, ?2)";
    connection.execute(sql, (name, kind as i64))?;
    Ok(connection.last_insert_rowid())
}
