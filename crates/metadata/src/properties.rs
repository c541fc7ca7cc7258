//! Properties of artifacts, executions and contexts: three tables of one shape.

use artifact::{Properties, PropertyValue};
use rusqlite::{Connection, Statement, Transaction};

/// Whose properties they are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Owner {
    Artifact,
    Execution,
    Context,
}

impl Owner {
    fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::Artifact => ("ArtifactProperty", "artifact_id"),
            Self::Execution => ("ExecutionProperty", "execution_id"),
            Self::Context => ("ContextProperty", "context_id"),
        }
    }
}

/// Writes properties; those of the same names are replaced.
pub(crate) fn put_properties(
    transaction: &Transaction<'_>,
    owner: Owner,
    id: i64,
    properties: &Properties,
    is_custom: bool,
) -> Result<(), rusqlite::Error> {
    let (table, column) = owner.table();
    let mut statement = transaction.prepare(&format!(
        "INSERT OR REPLACE INTO {table}
           ({column}, name, is_custom_property, int_value, double_value, string_value)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    ))?;
    for (name, value) in properties {
        let (int, double, string) = match value {
            PropertyValue::Int(number) => (Some(*number), None, None),
            PropertyValue::Double(number) => (None, Some(*number), None),
            PropertyValue::String(text) => (None, None, Some(text.as_str())),
        };
        statement.execute((id, name, is_custom, int, double, string))?;
    }
    Ok(())
}

/// Reads properties of one kind of owner.
pub(crate) struct PropertyReader<'a>(Statement<'a>);

impl<'a> PropertyReader<'a> {
    pub(crate) fn new(connection: &'a Connection, owner: Owner) -> Result<Self, rusqlite::Error> {
        let (table, column) = owner.table();
        let sql = format!(
            "SELECT name, is_custom_property, int_value, double_value, string_value, bool_value,
               byte_value IS NULL AND proto_value IS NULL
             FROM {table} WHERE {column} = ?1"
        );
        Ok(Self(connection.prepare(&sql)?))
    }

    /// Returns the declared properties and the others.
    ///
    /// What other clients write is read as far as we have a type for it: truth values as 0 and 1; bytes and
    /// messages are left out. SQLite has no NaN, it stores nothing instead.
    pub(crate) fn read(&mut self, id: i64) -> Result<(Properties, Properties), rusqlite::Error> {
        let (mut declared, mut custom) = (Properties::new(), Properties::new());
        let mut rows = self.0.query([id])?;
        while let Some(row) = rows.next()? {
            let (int, double): (Option<i64>, Option<f64>) = (row.get(2)?, row.get(3)?);
            let (string, boolean): (Option<String>, Option<i64>) = (row.get(4)?, row.get(5)?);
            let value = match (int.or(boolean), double, string) {
                (Some(number), _, _) => PropertyValue::Int(number),
                (None, Some(number), _) => PropertyValue::Double(number),
                (None, None, Some(text)) => PropertyValue::String(text),
                (None, None, None) if row.get(6)? => PropertyValue::Double(f64::NAN),
                (None, None, None) => continue,
            };
            let target = if row.get(1)? { &mut custom } else { &mut declared };
            target.insert(row.get(0)?, value);
        }
        Ok((declared, custom))
    }
}
