//! The tables: making them in an empty file, and knowing them in a file that is there.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::error::MetadataError;
use crate::types::put_system_types;

/// The version of ML Metadata's tables that is read and written.
pub const SCHEMA_VERSION: i64 = 10;

/// ML Metadata's tables and indices as its client 1.17 makes them.
const TABLES: &str = include_str!("schema.sql");

/// The one thing that is ours: without it, the contexts of an execution are found by reading all associations.
/// ML Metadata's clients take no notice of it.
const OUR_INDEX: &str =
    "CREATE INDEX `cupola_association_execution_id` ON `Association`(`execution_id`);";

/// The tables without which nothing can be read.
const TABLE_NAMES: [&str; 15] = [
    "Type",
    "ParentType",
    "TypeProperty",
    "Artifact",
    "ArtifactProperty",
    "Execution",
    "ExecutionProperty",
    "Context",
    "ContextProperty",
    "ParentContext",
    "Event",
    "EventPath",
    "Association",
    "Attribution",
    "MLMDEnv",
];

/// Makes the tables where there are none at all, in one transaction: after a crash they are all there, or the
/// file is as empty as before.
pub(crate) fn create_if_empty(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    if !table_names(connection)?.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Somebody else may have made them while we waited for the lock.
    if table_names(&transaction)?.is_empty() {
        transaction.execute_batch(TABLES)?;
        transaction.execute_batch(OUR_INDEX)?;
        transaction
            .execute("INSERT INTO MLMDEnv (schema_version) VALUES (?1)", [SCHEMA_VERSION])?;
        put_system_types(&transaction)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Makes sure that a file holds the tables of this version; changes nothing.
///
/// # Errors
///
/// [`MetadataError::SchemaVersion`] or [`MetadataError::OtherTables`].
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<(), MetadataError> {
    let sqlite = |error| MetadataError::from_sqlite(path, error);
    let names = table_names(connection).map_err(sqlite)?;
    let is_there = |name: &str| names.iter().any(|found| found == name);
    // The very first versions had types and no table for the version.
    let version = match (is_there("MLMDEnv"), is_there("Type")) {
        (true, _) => connection
            .query_row("SELECT MAX(schema_version) FROM MLMDEnv", [], |row| row.get(0))
            .optional()
            .map(Option::flatten)
            .map_err(sqlite)?,
        (false, true) => Some(0),
        (false, false) => None,
    };
    if let Some(found) = version
        && found != SCHEMA_VERSION
    {
        return Err(MetadataError::SchemaVersion { path: path.to_path_buf(), found });
    }
    match TABLE_NAMES.into_iter().find(|name| !is_there(name)) {
        Some(missing) => Err(MetadataError::OtherTables { path: path.to_path_buf(), missing }),
        None if version.is_none() => {
            Err(MetadataError::SchemaVersion { path: path.to_path_buf(), found: 0 })
        }
        None => Ok(()),
    }
}

fn table_names(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every statement of a schema without its white space, by what it makes.
    fn statements(connection: &Connection) -> Vec<String> {
        let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|sql| sql.unwrap().split_whitespace().collect()).collect()
    }

    #[test]
    fn the_tables_are_those_that_the_real_client_makes() {
        let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
        let Ok(golden) = std::fs::read_to_string(shared.join("golden/mlmd/schema.sql")) else {
            println!("SKIPPED: there is no folder `shared` beside the checkout");
            return;
        };
        let theirs = Connection::open_in_memory().unwrap();
        let golden: String =
            golden.lines().filter(|line| !line.contains("sqlite_sequence")).collect();
        theirs.execute_batch(&golden).unwrap();

        let mut ours = Connection::open_in_memory().unwrap();
        create_if_empty(&mut ours).unwrap();
        ours.execute("DROP INDEX cupola_association_execution_id", []).unwrap();
        assert_eq!(statements(&ours), statements(&theirs));
        // All tables, 24 indices, and SQLite's own table of sequences.
        assert_eq!(statements(&ours).len(), TABLE_NAMES.len() + 24 + 1);
    }

    #[test]
    fn tables_are_made_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        create_if_empty(&mut connection).unwrap();
        create_if_empty(&mut connection).unwrap();
        check(&connection, Path::new("store")).unwrap();
        let types: i64 =
            connection.query_row("SELECT COUNT(*) FROM Type", [], |row| row.get(0)).unwrap();
        assert_eq!(types, 9);
    }
}
