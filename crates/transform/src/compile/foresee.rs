//! What an analysis would find kept, and what it would read. Reads no examples.

use std::collections::BTreeSet;

use dataflow::Source;

use super::{Compiler, Wanted, levels, needs};
use crate::analyze::{State, cache};
use crate::ir::NodeCode;
use crate::typecheck::Program;
use crate::{AnalyzeOptions, ForeseenAnalysis, ForeseenPass, Foresight, TransformError};

/// Tells what [`super::compile`] would find kept.
///
/// Where everything of a pass is kept it is merged, so that the passes behind it can be told of, too.
pub(crate) fn foresee(
    program: &Program,
    source: &dyn Source,
    options: &AnalyzeOptions<'_>,
) -> Result<Foresight, TransformError> {
    if !options.shards.is_empty() && !cache::are_all(options.shards, source) {
        return Err(TransformError::Shards);
    }
    let levels = levels(program);
    let num_passes = levels.iter().copied().flatten().max().unwrap_or(0);
    let mut compiler = Compiler::new(program, options);
    let mut foresight = Foresight::default();
    for pass in 1..=num_passes {
        compiler.lower(&levels, pass - 1)?;
        let wanted = compiler.wanted(&levels, pass);
        let kept = compiler.all_kept(&wanted)?;
        foresight.passes.push(ForeseenPass {
            analyses: wanted
                .iter()
                .enumerate()
                .map(|(place, wanted)| ForeseenAnalysis {
                    features: compiler.features_of(wanted),
                    is_kept: kept.iter().map(|states| states[place].is_some()).collect(),
                })
                .collect(),
        });
        let Some(states) = merged(kept)? else {
            foresight.num_unknown_passes = num_passes - pass;
            break;
        };
        compiler.learned.extend(wanted.into_iter().zip(states.into_iter().map(State::finish)));
    }
    Ok(foresight)
}

/// Returns the states of all shards together, if all are there, and there are shards.
fn merged(kept: Vec<Vec<Option<State>>>) -> Result<Option<Vec<State>>, TransformError> {
    let mut merged: Option<Vec<State>> = None;
    for states in kept {
        let Some(states) = states.into_iter().collect::<Option<Vec<State>>>() else {
            return Ok(None);
        };
        match &mut merged {
            None => merged = Some(states),
            Some(merged) => {
                for (one, other) in merged.iter_mut().zip(&states) {
                    one.merge(other)?;
                }
            }
        }
    }
    Ok(merged)
}

impl Compiler<'_> {
    /// Returns what is kept of each shard.
    fn all_kept(&self, wanted: &[Wanted]) -> Result<Vec<Vec<Option<State>>>, TransformError> {
        let shards = self.options.shards;
        let Some(store) = self.options.cache else {
            return Ok(shards.iter().map(|_| wanted.iter().map(|_| None).collect()).collect());
        };
        let graphs = wanted.iter().map(|wanted| self.arguments(wanted));
        let graphs = graphs.collect::<Result<Vec<_>, _>>()?;
        Ok(shards.iter().map(|shard| self.kept(wanted, &graphs, shard, store).1).collect())
    }

    /// Returns the features that need something to be learned.
    fn features_of(&self, wanted: &Wanted) -> Vec<String> {
        let mut users = BTreeSet::new();
        for (id, node) in self.program.arena.nodes() {
            let is_learned_from_it = match &node.code {
                NodeCode::Analyzer(analyzer) => needs(analyzer, node).contains(wanted),
                _ => false,
            };
            if is_learned_from_it || node.args.iter().any(|arg| users.contains(arg)) {
                users.insert(id);
            }
        }
        let outputs = self.program.outputs.iter();
        outputs.filter(|(_, node)| users.contains(node)).map(|(name, _)| name.clone()).collect()
    }
}
