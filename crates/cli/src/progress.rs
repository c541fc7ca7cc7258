//! Shows a run while it goes: bars on a terminal, plain lines elsewhere, nothing with `--quiet`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use pipeline::{NodeResult, NodeState, Observer};

use crate::error::style;
use crate::output::duration;

/// Shows a run on standard error.
pub(crate) struct Display {
    quiet: bool,
    bars: Option<MultiProgress>,
    running: Mutex<BTreeMap<String, ProgressBar>>,
    /// The width of the longest node id, so that lines stand below one another.
    width: usize,
}

impl Display {
    /// Returns a display for nodes with these ids.
    pub(crate) fn new<'a>(quiet: bool, nodes: impl Iterator<Item = &'a str>) -> Self {
        let bars = (!quiet && std::io::stderr().is_terminal()).then(MultiProgress::new);
        Self {
            quiet,
            bars,
            running: Mutex::default(),
            width: nodes.map(str::len).max().unwrap_or(0),
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => drop(bars.println(text)),
            None => anstream::eprintln!("{text}"),
        }
    }
}

impl Observer for Display {
    fn node_started(&self, node: &str) {
        let Some(bars) = &self.bars else { return };
        let style = ProgressStyle::with_template(&format!(
            "  {{spinner}} {{prefix:{}}} {{wide_bar:.dim}} {{msg}}",
            self.width
        ))
        .expect("the template is valid");
        let bar = bars.add(ProgressBar::new(1).with_style(style).with_prefix(node.to_owned()));
        bar.enable_steady_tick(Duration::from_millis(100));
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(node.to_owned(), bar);
    }

    fn node_progress(&self, node: &str, done: u64, total: u64, message: &str) {
        if let Some(bar) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(node) {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(message.to_owned());
        }
    }

    fn node_finished(&self, result: &NodeResult) {
        let bar = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&result.node);
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        if self.quiet {
            return;
        }
        let (mark, style) = match result.state {
            NodeState::Executed | NodeState::Cached => ("+", style::GOOD),
            NodeState::Skipped => ("-", style::DIM),
            NodeState::Failed | NodeState::Cancelled => ("x", style::BAD),
        };
        let took = i64::try_from(result.duration.as_millis()).unwrap_or(i64::MAX);
        let text = format!(
            "{}{mark}{} {:width$} {:9} {:>9}  {}",
            style.render(),
            style.render_reset(),
            result.node,
            state_word(result.state),
            duration(took),
            result.summary,
            width = self.width,
        );
        self.line(text.trim_end());
    }
}

/// Returns the word for a node's state.
pub(crate) fn state_word(state: NodeState) -> &'static str {
    match state {
        NodeState::Executed => "done",
        NodeState::Cached => "cached",
        NodeState::Skipped => "not run",
        NodeState::Failed => "failed",
        NodeState::Cancelled => "cancelled",
    }
}
