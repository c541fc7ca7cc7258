//! `cupola runs`: what ran, and how it went.

use artifact::{Execution, ExecutionState, Ledger, PropertyValue, Run, RunState};
use base::BoxError;
use serde_json::{Value, json};

use crate::args::{Global, RunsCommand};
use crate::error::{CliError, Outcome};
use crate::output::{duration, print, print_json, table, time};
use crate::root::open_ledger;

/// Runs one of the `runs` commands.
pub(crate) fn runs(command: &RunsCommand, global: &Global) -> Result<Outcome, BoxError> {
    match command {
        RunsCommand::List { root, pipeline, limit } => {
            let (_, ledger) = open_ledger(root.root.as_deref())?;
            let mut runs = ledger.runs(pipeline.as_deref())?;
            runs.truncate(*limit);
            list(&runs, global)?;
        }
        RunsCommand::Show { run, root } => {
            let (root, ledger) = open_ledger(root.root.as_deref())?;
            let runs = ledger.runs(None)?;
            let nothing = || CliError::Nothing {
                what: run.as_ref().map_or("a run".to_owned(), |id| format!("run `{id}`")),
                root: root.clone(),
            };
            let found = find(&runs, run.as_deref())?.ok_or_else(nothing)?;
            show(found, &ledger.executions_of_run(&found.id)?, global)?;
        }
    }
    Ok(Outcome::Done)
}

/// Returns the run with an id or the beginning of one; the newest where none is given.
fn find<'a>(runs: &'a [Run], wanted: Option<&str>) -> Result<Option<&'a Run>, CliError> {
    let Some(wanted) = wanted else { return Ok(runs.first()) };
    if let Some(run) = runs.iter().find(|run| run.id == wanted) {
        return Ok(Some(run));
    }
    let found: Vec<&Run> = runs.iter().filter(|run| run.id.starts_with(wanted)).collect();
    if found.len() > 1 {
        let candidates: Vec<_> = found.iter().map(|run| format!("`{}`", run.id)).collect();
        let candidates = candidates.join(", ");
        return Err(CliError::Ambiguous { run: wanted.to_owned(), candidates });
    }
    Ok(found.first().copied())
}

fn list(runs: &[Run], global: &Global) -> Result<(), BoxError> {
    if global.json {
        return print_json("runs", runs.iter().map(run_json).collect());
    }
    let rows = runs
        .iter()
        .map(|run| {
            vec![
                run.id.clone(),
                run.pipeline.clone(),
                run_state(run.state).to_owned(),
                time(run.create_time_ms),
                duration(run.last_update_time_ms - run.create_time_ms),
            ]
        })
        .collect();
    print(&table(&["run", "pipeline", "state", "began", "took"], rows, &[4]))
}

fn show(run: &Run, executions: &[Execution], global: &Global) -> Result<(), BoxError> {
    if global.json {
        let mut object = run_json(run);
        object["executions"] = executions.iter().map(execution_json).collect();
        return print_json("run", object);
    }
    let rows = executions
        .iter()
        .map(|execution| {
            vec![
                execution.node.clone(),
                execution_state(execution.state).to_owned(),
                duration(execution.last_update_time_ms - execution.create_time_ms),
                ids(execution),
                custom(execution, pipeline::SUMMARY)
                    .or_else(|| custom(execution, pipeline::ERROR))
                    .unwrap_or_default()
                    .to_owned(),
            ]
        })
        .collect();
    print(&format!(
        "run {} of `{}`: {}, began {}, took {}\n\n{}",
        run.id,
        run.pipeline,
        run_state(run.state),
        time(run.create_time_ms),
        duration(run.last_update_time_ms - run.create_time_ms),
        table(&["node", "state", "took", "artifacts", "result"], rows, &[2]),
    ))
}

fn ids(execution: &Execution) -> String {
    let ids: Vec<_> = execution.outputs.values().flatten().map(ToString::to_string).collect();
    ids.join(" ")
}

/// Returns a custom property that is text.
pub(crate) fn custom<'a>(execution: &'a Execution, name: &str) -> Option<&'a str> {
    execution.custom_properties.get(name).and_then(PropertyValue::as_str)
}

/// Returns an execution as `--json` shows it.
pub(crate) fn execution_json(execution: &Execution) -> Value {
    json!({
        "id": execution.id,
        "node": execution.node,
        "run": execution.run,
        "pipeline": execution.pipeline,
        "type": execution.type_name,
        "state": execution_state(execution.state),
        "summary": custom(execution, pipeline::SUMMARY),
        "error": custom(execution, pipeline::ERROR),
        "inputs": execution.inputs,
        "outputs": execution.outputs,
        "began_ms": execution.create_time_ms,
        "ended_ms": execution.last_update_time_ms,
    })
}

fn run_json(run: &Run) -> Value {
    json!({
        "id": run.id,
        "pipeline": run.pipeline,
        "state": run_state(run.state),
        "began_ms": run.create_time_ms,
        "ended_ms": run.last_update_time_ms,
    })
}

/// Returns the word for a run's state.
pub(crate) fn run_state(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Complete => "complete",
        RunState::AnsweredNo => "answered no",
        RunState::Failed => "failed",
        RunState::Canceled => "canceled",
    }
}

fn execution_state(state: ExecutionState) -> &'static str {
    match state {
        ExecutionState::Unknown => "unknown",
        ExecutionState::New => "new",
        ExecutionState::Running => "running",
        ExecutionState::Complete => "complete",
        ExecutionState::Failed => "failed",
        ExecutionState::Cached => "cached",
        ExecutionState::Canceled => "canceled",
    }
}
