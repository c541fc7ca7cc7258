//! Runs: `pipeline_run` contexts, with how they ended as a custom property.

use artifact::{ExecutionState, Properties, Run, RunState};
use rusqlite::{OptionalExtension, Transaction};

use crate::contexts::{PIPELINE_RUN, find_context, put_run, touch};
use crate::error::{Failure, Refusal};
use crate::properties::{Owner, put_properties};
use crate::read::state_of;
use crate::types::TypeKind;

/// The custom property of a run's context that says how the run ended.
const STATE: &str = "state";

/// The name of the pipeline of a run's context `c`: its parent, or that of one of its executions where TFX wrote it
/// down; empty where there is neither. 2 is the kind of context types.
const PIPELINE_OF_RUN: &str = "COALESCE(
  (SELECT p.name FROM ParentContext k
   JOIN Context p ON p.id = k.parent_context_id JOIN Type t ON t.id = p.type_id
   WHERE k.context_id = c.id AND t.name = 'pipeline' AND t.type_kind = 2),
  (SELECT p.name FROM Association mine
   JOIN Association other ON other.execution_id = mine.execution_id
   JOIN Context p ON p.id = other.context_id JOIN Type t ON t.id = p.type_id
   WHERE mine.context_id = c.id AND t.name = 'pipeline' AND t.type_kind = 2 LIMIT 1),
  '')";

fn word_of(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Complete => "complete",
        RunState::AnsweredNo => "answered_no",
        RunState::Failed => "failed",
        RunState::Canceled => "canceled",
    }
}

fn state_of_word(word: &str) -> Option<RunState> {
    let states = [
        RunState::Running,
        RunState::Complete,
        RunState::AnsweredNo,
        RunState::Failed,
        RunState::Canceled,
    ];
    states.into_iter().find(|state| word_of(*state) == word)
}

/// Writes down that a run began.
pub(crate) fn begin_run(
    transaction: &Transaction<'_>,
    pipeline: &str,
    run: &str,
    now_ms: i64,
) -> Result<(), Failure> {
    if find_context(transaction, PIPELINE_RUN, run)?.is_some() {
        return Err(Refusal::RunExists { run: run.to_owned() }.into());
    }
    let (_, context) = put_run(transaction, pipeline, run, now_ms)?;
    put_state(transaction, context, RunState::Running)?;
    Ok(())
}

/// Writes down how a run ended.
pub(crate) fn finish_run(
    transaction: &Transaction<'_>,
    pipeline: &str,
    run: &str,
    state: RunState,
    now_ms: i64,
) -> Result<(), Failure> {
    let sql = format!("SELECT c.id FROM Context c WHERE c.id = ?1 AND {PIPELINE_OF_RUN} = ?2");
    let context: Option<i64> = match find_context(transaction, PIPELINE_RUN, run)? {
        Some(id) => transaction.query_row(&sql, (id, pipeline), |row| row.get(0)).optional()?,
        None => None,
    };
    let Some(context) = context else {
        return Err(Failure::NotFound { what: "run", id: run.to_owned() });
    };
    put_state(transaction, context, state)?;
    touch(transaction, context, now_ms)?;
    Ok(())
}

fn put_state(
    transaction: &Transaction<'_>,
    context: i64,
    state: RunState,
) -> Result<(), rusqlite::Error> {
    let state = Properties::from([(STATE.to_owned(), word_of(state).into())]);
    put_properties(transaction, Owner::Context, context, &state, true)
}

/// Returns runs, newest first; of one pipeline, or of all.
///
/// Runs that TFX wrote down are among them: their pipeline, state and end are those of their executions.
pub(crate) fn runs(
    transaction: &Transaction<'_>,
    pipeline: Option<&str>,
) -> Result<Vec<Run>, Failure> {
    let sql = format!(
        "SELECT * FROM (
           SELECT c.id, c.name, c.create_time_since_epoch AS began, c.last_update_time_since_epoch,
             (SELECT s.string_value FROM ContextProperty s
              WHERE s.context_id = c.id AND s.name = ?1 AND s.is_custom_property),
             {PIPELINE_OF_RUN} AS pipeline
           FROM Context c JOIN Type t ON t.id = c.type_id WHERE t.name = ?2 AND t.type_kind = ?3)
         WHERE ?4 IS NULL OR pipeline = ?4
         ORDER BY began DESC, id DESC"
    );
    let parameters = (STATE, PIPELINE_RUN, TypeKind::Context as i64, pipeline);
    let mut statement = transaction.prepare(&sql)?;
    let mut rows = statement.query(parameters)?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        let word: Option<String> = row.get(4)?;
        let mut run = Run {
            id: row.get(1)?,
            create_time_ms: row.get(2)?,
            last_update_time_ms: row.get(3)?,
            pipeline: row.get(5)?,
            state: RunState::Running,
        };
        match word.as_deref().and_then(state_of_word) {
            Some(state) => run.state = state,
            None => ask_executions(transaction, row.get(0)?, &mut run)?,
        }
        runs.push(run);
    }
    Ok(runs)
}

/// Fills in the state and the end of a run that does not say them itself.
fn ask_executions(
    transaction: &Transaction<'_>,
    context: i64,
    run: &mut Run,
) -> Result<(), rusqlite::Error> {
    let sql = "SELECT e.last_known_state, MAX(e.last_update_time_since_epoch)
               FROM Association a JOIN Execution e ON e.id = a.execution_id
               WHERE a.context_id = ?1 GROUP BY e.last_known_state";
    let mut statement = transaction.prepare(sql)?;
    let mut rows = statement.query([context])?;
    let mut states = Vec::new();
    while let Some(row) = rows.next()? {
        states.push(state_of(row.get(0)?));
        run.last_update_time_ms = run.last_update_time_ms.max(row.get(1)?);
    }
    let any = |state| states.contains(&state);
    run.state = if any(ExecutionState::Running) || any(ExecutionState::New) {
        RunState::Running
    } else if any(ExecutionState::Failed) {
        RunState::Failed
    } else if any(ExecutionState::Canceled) {
        RunState::Canceled
    } else {
        RunState::Complete
    };
    Ok(())
}

/// Says in its run's context that an execution wrote something down.
pub(crate) fn touch_run_of(
    transaction: &Transaction<'_>,
    execution: i64,
    now_ms: i64,
) -> Result<(), Failure> {
    let sql = "SELECT c.id FROM Association a JOIN Context c ON c.id = a.context_id
               JOIN Type t ON t.id = c.type_id WHERE a.execution_id = ?1 AND t.name = ?2 LIMIT 1";
    let run: Option<i64> =
        transaction.query_row(sql, (execution, PIPELINE_RUN), |row| row.get(0)).optional()?;
    if let Some(run) = run {
        touch(transaction, run, now_ms)?;
    }
    Ok(())
}
