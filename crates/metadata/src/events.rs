//! Events: which execution read or wrote which artifact, under which key.
//!
//! The path of an event is the key and the index of the artifact in its list. An artifact that an execution
//! reads under several keys has one event, as ML Metadata allows no second one, whose path is one pair behind
//! the other; TFX does the same.

use std::collections::BTreeMap;

use artifact::ArtifactId;
use indexmap::IndexMap;
use rusqlite::{Connection, Statement, Transaction};

/// What happened to an artifact; the numbers are ML Metadata's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventType {
    Input = 3,
    Output = 4,
    /// What a resolver found: it comes out of the execution and was not made by it.
    InternalOutput = 6,
}

/// ML Metadata's numbers of events that read: declared, usual, internal.
pub(crate) const READS: &str = "(2, 3, 5)";
/// ML Metadata's numbers of events that write: declared and usual.
pub(crate) const WRITES: &str = "(1, 4)";

/// Artifacts by key, in order.
pub(crate) type Artifacts = BTreeMap<String, Vec<ArtifactId>>;

/// Writes the events of an execution.
pub(crate) fn put_events(
    transaction: &Transaction<'_>,
    execution: i64,
    event_type: EventType,
    artifacts: &Artifacts,
    now_ms: i64,
) -> Result<(), rusqlite::Error> {
    let mut places: IndexMap<ArtifactId, Vec<(&str, usize)>> = IndexMap::new();
    for (key, ids) in artifacts {
        for (index, id) in ids.iter().enumerate() {
            places.entry(*id).or_default().push((key, index));
        }
    }
    let mut event = transaction.prepare(
        "INSERT INTO Event (artifact_id, execution_id, type, milliseconds_since_epoch)
         VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut path = transaction.prepare(
        "INSERT INTO EventPath (event_id, is_index_step, step_index, step_key) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (artifact, places) in places {
        event.execute((artifact.0, execution, event_type as i64, now_ms))?;
        let id = transaction.last_insert_rowid();
        for (key, index) in places {
            path.execute((id, false, None::<i64>, key))?;
            path.execute((id, true, i64::try_from(index).unwrap_or(i64::MAX), None::<&str>))?;
        }
    }
    Ok(())
}

/// Reads what executions read and wrote.
pub(crate) struct EventReader<'a> {
    events: Statement<'a>,
    path: Statement<'a>,
}

impl<'a> EventReader<'a> {
    pub(crate) fn new(connection: &'a Connection) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            events: connection.prepare(
                "SELECT id, artifact_id, type FROM Event WHERE execution_id = ?1 ORDER BY id",
            )?,
            path: connection.prepare(
                "SELECT is_index_step, step_index, step_key FROM EventPath
                 WHERE event_id = ?1 ORDER BY rowid",
            )?,
        })
    }

    /// Returns what an execution read and what it wrote or found.
    ///
    /// Where a client left out the key it is empty, and where it left out the index the artifact comes last.
    pub(crate) fn read(
        &mut self,
        execution: i64,
    ) -> Result<(Artifacts, Artifacts), rusqlite::Error> {
        type Placed = BTreeMap<String, Vec<(i64, ArtifactId)>>;
        let (mut inputs, mut outputs) = (Placed::new(), Placed::new());
        let mut rows = self.events.query([execution])?;
        while let Some(row) = rows.next()? {
            let artifact = ArtifactId(row.get(1)?);
            let target = match row.get::<_, i64>(2)? {
                2 | 3 | 5 => &mut inputs,
                1 | 4 | 6 => &mut outputs,
                // Outputs that are only planned.
                _ => continue,
            };
            for (key, index) in places(&mut self.path, row.get(0)?)? {
                target.entry(key).or_default().push((index, artifact));
            }
        }
        let sorted = |placed: Placed| {
            let lists = placed.into_iter().map(|(key, mut list)| {
                list.sort_by_key(|(index, _)| *index);
                (key, list.into_iter().map(|(_, artifact)| artifact).collect())
            });
            lists.collect()
        };
        Ok((sorted(inputs), sorted(outputs)))
    }
}

/// Returns the keys and indices of an event's path.
fn places(path: &mut Statement<'_>, event: i64) -> Result<Vec<(String, i64)>, rusqlite::Error> {
    let mut places: Vec<(String, i64)> = Vec::new();
    let mut rows = path.query([event])?;
    while let Some(row) = rows.next()? {
        if row.get(0)? {
            let index = row.get::<_, Option<i64>>(1)?.unwrap_or(i64::MAX);
            match places.last_mut() {
                Some((_, last)) => *last = index,
                None => places.push((String::new(), index)),
            }
        } else {
            places.push((row.get::<_, Option<String>>(2)?.unwrap_or_default(), i64::MAX));
        }
    }
    if places.is_empty() {
        places.push((String::new(), i64::MAX));
    }
    Ok(places)
}
