//! `cupola run`: from raw data to a pushed model; what did not change is not done again.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use artifact::{Answer, Ledger, RunState};
use base::{BoxError, Classify, IoError};
use engine::LocalEngine;
use metadata::SqliteLedger;
use pipeline::{ExplainOptions, NodeResult, NodeState, Pipeline, RunOptions, RunReport, Verdict};
use serde_json::{Value, json};

use crate::args::{Global, RunArgs};
use crate::clock;
use crate::commands::check::load;
use crate::commands::runs::run_state;
use crate::error::{CliError, Outcome, print_error, style};
use crate::output::{duration, print, print_json, table};
use crate::progress::{Display, state_word};
use crate::root::{METADATA, base_dir, beside};

/// Runs a pipeline, or says what a run would do.
pub(crate) fn run(args: &RunArgs, global: &Global) -> Result<Outcome, BoxError> {
    let cancel = Arc::new(AtomicBool::new(false));
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let engine = LocalEngine::new(args.threads.unwrap_or(cores), Arc::clone(&cancel));
    let Some(pipeline) = load(&args.pipeline, &engine, global)? else { return Ok(Outcome::Wrong) };

    let base_dir = base_dir(&args.pipeline.pipeline)?;
    let root = beside(&args.pipeline.pipeline, args.root.as_deref());
    let root = std::path::absolute(&root).map_err(IoError::at("create", &root))?;
    if args.explain {
        return explain(&pipeline, &base_dir, &root, !args.no_cache, global);
    }

    stop_on_signals(&cancel)?;
    std::fs::create_dir_all(&root).map_err(IoError::at("create", &root))?;
    let ledger = SqliteLedger::open(&root.join(METADATA))?;
    let display = Display::new(global.quiet, pipeline.nodes().iter().map(pipeline::Node::id));
    let report = pipeline::run(
        &pipeline,
        &RunOptions {
            root: &root,
            base_dir: &base_dir,
            run: &clock::run_id(),
            ledger: &ledger,
            engine: &engine,
            observer: &display,
            cancel: &cancel,
            use_cache: !args.no_cache,
            max_parallel_nodes: cores,
            now_ms: &clock::now_ms,
        },
    )?;
    say(&report, global)?;
    Ok(match report.state {
        RunState::Complete => Outcome::Done,
        RunState::AnsweredNo => Outcome::No,
        RunState::Running | RunState::Failed | RunState::Canceled => Outcome::Failed,
    })
}

/// The first signal asks the nodes to stop; the second one does not wait for them. What was published stays.
fn stop_on_signals(cancel: &Arc<AtomicBool>) -> Result<(), CliError> {
    let cancel = Arc::clone(cancel);
    ctrlc::set_handler(move || {
        if cancel.swap(true, Ordering::Relaxed) {
            #[expect(
                clippy::exit,
                reason = "asked twice; every write so far can be cut off anywhere"
            )]
            std::process::exit(3);
        }
        anstream::eprintln!("stopping; once more to stop at once");
    })
    .map_err(CliError::Signals)
}

/// Says what went wrong and what was answered on standard error, and the result on standard output.
fn say(report: &RunReport, global: &Global) -> Result<(), BoxError> {
    for node in &report.nodes {
        if let Some(error) = &node.error {
            let hint = error.hint();
            print_error(
                &format!("node `{}`: {}", node.node, base::render_chain(error)),
                hint.as_deref(),
            );
        }
        if let Answer::No { reason, details, .. } = &node.answer {
            let (bad, reset) = (style::BAD.render(), style::BAD.render_reset());
            anstream::eprintln!("{bad}no:{reset} node `{}`: {reason}", node.node);
            if !details.is_empty() {
                anstream::eprintln!("{details}");
            }
        }
    }
    if global.json {
        return print_json("run", report_json(report));
    }
    if global.quiet {
        return Ok(());
    }
    let count = |state| report.nodes.iter().filter(|node| node.state == state).count();
    let counts = [
        NodeState::Executed,
        NodeState::Cached,
        NodeState::Skipped,
        NodeState::Failed,
        NodeState::Cancelled,
    ]
    .map(|state| (count(state), state_word(state)));
    let counts: Vec<_> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let took = i64::try_from(report.duration.as_millis()).unwrap_or(i64::MAX);
    print(&format!(
        "run {} of `{}`: {} in {} ({})",
        report.run,
        report.pipeline,
        run_state(report.state),
        duration(took),
        counts.join(", "),
    ))
}

fn report_json(report: &RunReport) -> Value {
    json!({
        "id": report.run,
        "pipeline": report.pipeline,
        "state": run_state(report.state),
        "took_ms": millis(report.duration),
        "nodes": report.nodes.iter().map(node_json).collect::<Vec<_>>(),
    })
}

fn node_json(node: &NodeResult) -> Value {
    let answer = match &node.answer {
        Answer::Yes => Value::Null,
        Answer::No { reason, details, stop } => {
            json!({ "reason": reason, "details": details, "stop": stop })
        }
    };
    json!({
        "node": node.node,
        "component": node.component,
        "state": state_word(node.state),
        "summary": node.summary,
        "reason": node.reason,
        "no": answer,
        "error": node.error.as_ref().map(|error| base::render_chain(error)),
        "hint": node.error.as_ref().and_then(Classify::hint),
        "took_ms": millis(node.duration),
        "execution": node.execution,
        "outputs": node.outputs,
    })
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn explain(
    pipeline: &Pipeline,
    base_dir: &Path,
    root: &Path,
    use_cache: bool,
    global: &Global,
) -> Result<Outcome, BoxError> {
    let path: PathBuf = root.join(METADATA);
    let ledger = if path.exists() { Some(SqliteLedger::open_existing(&path)?) } else { None };
    let ledger = ledger.as_ref().map(|ledger| ledger as &dyn Ledger);
    let explanations =
        pipeline::explain(pipeline, &ExplainOptions { root, base_dir, ledger, use_cache })?;
    if global.json {
        let list = explanations.iter().map(|explanation| {
            json!({
                "node": explanation.node,
                "component": explanation.component,
                "verdict": verdict(explanation.verdict),
                "reason": explanation.reason,
                "details": explanation.details,
            })
        });
        print_json("explain", list.collect())?;
    } else {
        let rows = explanations.iter().flat_map(|explanation| {
            let node = vec![
                explanation.node.clone(),
                verdict(explanation.verdict).to_owned(),
                explanation.reason.clone(),
            ];
            let details = explanation.details.iter();
            let details = details.map(|line| vec![String::new(), String::new(), line.clone()]);
            std::iter::once(node).chain(details)
        });
        print(&table(&["node", "would", "why"], rows.collect(), &[]))?;
    }
    Ok(Outcome::Done)
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Run => "run",
        Verdict::Cached => "be cached",
        Verdict::Depends => "depend",
        Verdict::LookUp => "look it up",
        Verdict::Skip => "not run",
    }
}
