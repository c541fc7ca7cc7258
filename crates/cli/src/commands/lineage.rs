//! `cupola lineage`: what an artifact was made from, and what was made from it.

use std::collections::BTreeSet;

use artifact::{Artifact, ArtifactId, Execution, ExecutionState};
use base::BoxError;
use metadata::{EventKind, Lineage};
use serde_json::{Value, json};

use crate::args::{Direction, Global, LineageArgs};
use crate::commands::artifacts::artifact_json;
use crate::commands::runs::execution_json;
use crate::error::Outcome;
use crate::output::{print, print_json, shown};
use crate::root::open_ledger;

/// Runs `lineage`.
pub(crate) fn lineage(args: &LineageArgs, global: &Global) -> Result<Outcome, BoxError> {
    let (_, ledger) = open_ledger(args.root.root.as_deref())?;
    let direction = match args.direction {
        Direction::Up => metadata::Direction::Up,
        Direction::Down => metadata::Direction::Down,
        Direction::Both => metadata::Direction::Both,
    };
    let lineage = metadata::lineage(&ledger, ArtifactId(args.artifact), direction, args.hops)?;
    if global.json {
        print_json("lineage", lineage_json(&lineage))?;
    } else {
        print(&tree(&lineage, args))?;
    }
    Ok(Outcome::Done)
}

fn lineage_json(lineage: &Lineage) -> Value {
    let events = lineage.events.iter().map(|event| {
        json!({
            "execution": event.execution,
            "artifact": event.artifact,
            "type": match event.kind {
                EventKind::Input => "input",
                EventKind::Output => "output",
            },
            "key": event.key,
            "index": event.index,
        })
    });
    json!({
        "artifact": lineage.start,
        "artifacts": lineage.artifacts.values().map(artifact_json).collect::<Value>(),
        "executions": lineage.executions.values().map(execution_json).collect::<Value>(),
        "events": events.collect::<Value>(),
        "truncated": lineage.is_truncated,
    })
}

/// Returns the lineage as indented lines, each artifact with its own lineage below where it comes first.
fn tree(lineage: &Lineage, args: &LineageArgs) -> String {
    let start = &lineage.artifacts[&lineage.start];
    let mut tree = Tree { lineage, lines: vec![label(start)], seen: BTreeSet::new() };
    if args.direction != Direction::Down {
        tree.lines.push("\nhow it was made".to_owned());
        let before = tree.lines.len();
        tree.up(start, 1);
        if tree.lines.len() == before {
            tree.lines.push("  nothing that is known".to_owned());
        }
    }
    if args.direction != Direction::Up {
        tree.seen.clear();
        tree.lines.push("\nwhat was made from it".to_owned());
        let before = tree.lines.len();
        tree.down(start, 1);
        if tree.lines.len() == before {
            tree.lines.push("  nothing so far".to_owned());
        }
    }
    if lineage.is_truncated {
        tree.lines.push(format!("\nthere is more beyond `--hops {}`", args.hops));
    }
    tree.lines.join("\n")
}

struct Tree<'a> {
    lineage: &'a Lineage,
    lines: Vec<String>,
    /// Artifacts whose own lineage is shown already, or being shown.
    seen: BTreeSet<ArtifactId>,
}

impl Tree<'_> {
    fn up(&mut self, artifact: &Artifact, depth: usize) {
        self.seen.insert(artifact.id);
        // What took it from the cache did not make it.
        let wrote = |execution: &&Execution| execution.state != ExecutionState::Cached;
        for execution in self.lineage.writers(artifact.id).filter(wrote) {
            self.execution(execution, depth);
            for (key, input) in self.lineage.inputs(execution.id) {
                if self.artifact(key, input, depth + 1) {
                    self.up(input, depth + 2);
                }
            }
        }
    }

    fn down(&mut self, artifact: &Artifact, depth: usize) {
        self.seen.insert(artifact.id);
        for execution in self.lineage.readers(artifact.id) {
            self.execution(execution, depth);
            for (key, output) in self.lineage.outputs(execution.id) {
                if self.artifact(key, output, depth + 1) {
                    self.down(output, depth + 2);
                }
            }
        }
    }

    fn execution(&mut self, execution: &Execution, depth: usize) {
        let indent = "  ".repeat(depth);
        self.lines.push(format!("{indent}by `{}` in run {}", execution.node, execution.run));
    }

    /// Adds an artifact's line; returns whether its own lineage is to follow.
    fn artifact(&mut self, key: &str, artifact: &Artifact, depth: usize) -> bool {
        let is_new = !self.seen.contains(&artifact.id);
        let above = if is_new { "" } else { " (see above)" };
        let indent = "  ".repeat(depth);
        self.lines.push(format!("{indent}{key}: {}{above}", label(artifact)));
        is_new
    }
}

fn label(artifact: &Artifact) -> String {
    format!("{} {}, {}", artifact.type_name, artifact.id, shown(&artifact.uri).display())
}
