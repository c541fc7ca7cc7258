//! Checked expressions to a graph, in as few passes over the examples as their analyzers allow.
//!
//! An analyzer whose argument depends on no other analyzer is in the first pass; every other one is in the pass
//! behind the last that its argument depends on. What no feature needs is neither learned nor compiled.

mod analyzers;
mod foresee;
mod keyed;
mod passes;

use std::collections::BTreeMap;

use dataflow::{Engine, Source};
use graph::{GraphBuilder, Literal, ValueType};

use crate::analyze::{Analysis, Beside, Learned, State, cache};
use crate::ir::{Analyzer, Mapper, Node, NodeCode, NodeId};
use crate::typecheck::Program;
use crate::{AnalyzeOptions, Analyzed, PassReport, TransformError};
use keyed::Keys;

pub(crate) use foresee::foresee;

/// Learns what the analyzers need and returns the graph with it frozen in.
pub(crate) fn compile(
    program: &Program,
    source: &dyn Source,
    engine: &dyn Engine,
    options: &AnalyzeOptions<'_>,
) -> Result<Analyzed, TransformError> {
    if !options.shards.is_empty() && !cache::are_all(options.shards, source) {
        return Err(TransformError::Shards);
    }
    let levels = levels(program);
    let num_passes = levels.iter().copied().flatten().max().unwrap_or(0);
    let mut compiler = Compiler::new(program, options);
    for pass in 1..=num_passes {
        compiler.lower(&levels, pass - 1)?;
        compiler.learn(&levels, pass, source, engine)?;
    }
    compiler.lower(&levels, num_passes)?;
    for (name, node) in &program.outputs {
        let node = compiler.operand(*node)?;
        compiler.builder.output(name, node)?;
    }
    Ok(Analyzed { graph: compiler.builder.build(), passes: compiler.passes })
}

/// Returns how many passes have to come before each node, none for those that no feature needs.
fn levels(program: &Program) -> Vec<Option<usize>> {
    let arena = &program.arena;
    let mut needed = vec![false; arena.len()];
    program.outputs.iter().for_each(|(_, node)| needed[node.index()] = true);
    let nodes: Vec<_> = arena.nodes().collect();
    for (id, node) in nodes.iter().rev() {
        if needed[id.index()] {
            node.args.iter().for_each(|arg| needed[arg.index()] = true);
        }
    }
    let mut levels: Vec<Option<usize>> = vec![None; arena.len()];
    for (id, node) in nodes {
        if needed[id.index()] {
            let before = node.args.iter().filter_map(|arg| levels[arg.index()]).max().unwrap_or(0);
            let own = usize::from(matches!(node.code, NodeCode::Analyzer(_)));
            levels[id.index()] = Some(before + own);
        }
    }
    levels
}

/// What is learned of which nodes together.
type Wanted = (Vec<NodeId>, Analysis);

struct Compiler<'a> {
    program: &'a Program,
    builder: GraphBuilder,
    lowered: Vec<Option<graph::NodeId>>,
    learned: BTreeMap<Wanted, Learned>,
    /// The keys that were seen, where functions of keys need them.
    keys: BTreeMap<Wanted, Keys>,
    /// How many vocabularies have a name, behind which a number goes then.
    vocabulary_names: BTreeMap<String, usize>,
    options: &'a AnalyzeOptions<'a>,
    passes: Vec<PassReport>,
}

impl<'a> Compiler<'a> {
    fn new(program: &'a Program, options: &'a AnalyzeOptions<'a>) -> Self {
        Self {
            program,
            builder: GraphBuilder::new(),
            lowered: vec![None; program.arena.len()],
            learned: BTreeMap::new(),
            keys: BTreeMap::new(),
            vocabulary_names: BTreeMap::new(),
            options,
            passes: Vec::new(),
        }
    }
}

impl Compiler<'_> {
    /// Lowers all nodes of a level, which need just what was learned so far.
    fn lower(&mut self, levels: &[Option<usize>], level: usize) -> Result<(), TransformError> {
        let program = self.program;
        for (id, node) in program.arena.nodes() {
            if levels[id.index()] != Some(level) {
                continue;
            }
            let args =
                node.args.iter().map(|&arg| self.operand(arg)).collect::<Result<Vec<_>, _>>()?;
            let lowered = match &node.code {
                NodeCode::Op(op) => self.builder.node(op.clone(), &args)?,
                NodeCode::Mapper(Mapper::Interpolate(boundaries)) => {
                    self.builder.apply_buckets_with_interpolation(args[0], boundaries)?
                }
                NodeCode::Analyzer(analyzer) => self.analyzer(analyzer, node, &args)?,
                // All types are known here, so what has none is always missing.
                NodeCode::Null | NodeCode::Column(_) | NodeCode::Mistake => {
                    self.builder.literal(Literal::Null(ValueType::Float))?
                }
            };
            self.lowered[id.index()] = Some(lowered);
        }
        Ok(())
    }

    /// Returns a node that was lowered before, as arguments are.
    fn operand(&self, node: NodeId) -> Result<graph::NodeId, TransformError> {
        Ok(self.lowered[node.index()].expect("levels put arguments before what uses them"))
    }

    /// Reads the examples once for all analyzers of a level.
    fn learn(
        &mut self,
        levels: &[Option<usize>],
        level: usize,
        source: &dyn Source,
        engine: &dyn Engine,
    ) -> Result<(), TransformError> {
        let wanted = self.wanted(levels, level);
        let states = self.states(&wanted, source, engine)?;
        self.learned.extend(wanted.into_iter().zip(states.into_iter().map(State::finish)));
        Ok(())
    }

    /// Returns what the analyzers of a level need that was not learned yet, each once.
    fn wanted(&self, levels: &[Option<usize>], level: usize) -> Vec<Wanted> {
        let mut wanted: Vec<Wanted> = Vec::new();
        for (id, node) in self.program.arena.nodes() {
            if let (NodeCode::Analyzer(analyzer), Some(found)) = (&node.code, levels[id.index()])
                && found == level
            {
                for needed in needs(analyzer, node) {
                    if !wanted.contains(&needed) && !self.learned.contains_key(&needed) {
                        wanted.push(needed);
                    }
                }
            }
        }
        wanted
    }

    /// Returns what was learned for an analyzer, by place.
    fn found(&self, wanted: &Wanted) -> Learned {
        self.learned.get(wanted).expect("a pass comes before what needs it").clone()
    }

    /// Names a vocabulary for the column that it is about.
    fn vocabulary_name(&mut self, argument: NodeId) -> String {
        let mut node = argument;
        let column = loop {
            let found = self.program.arena.node(node);
            match (&found.code, found.args.first()) {
                (NodeCode::Op(graph::Op::Input { name, .. }), _) => break name.as_str(),
                (_, Some(&first)) => node = first,
                _ => break "vocabulary",
            }
        };
        self.free_name(column)
    }

    /// Returns a name that no vocabulary has, and none is to have.
    fn free_name(&mut self, stem: &str) -> String {
        loop {
            let used = self.vocabulary_names.entry(stem.to_owned()).or_insert(0);
            *used += 1;
            let name = if *used == 1 { stem.to_owned() } else { format!("{stem}_{used}") };
            let is_taken = self.program.arena.nodes().any(|(_, node)| match &node.code {
                NodeCode::Analyzer(Analyzer::Vocabulary(options)) => {
                    options.name.as_ref() == Some(&name)
                }
                _ => false,
            });
            if !is_taken {
                return name;
            }
        }
    }
}

/// Returns what has to be learned for an analyzer. The first is what tells most of it.
fn needs(analyzer: &Analyzer, node: &Node) -> Vec<Wanted> {
    let all = |analysis| vec![(node.args.clone(), analysis)];
    match analyzer {
        Analyzer::Numbers(_) => all(Analysis::Numbers),
        Analyzer::WeightedBuckets { .. } => all(Analysis::WeightedNumbers),
        Analyzer::PerKey(_) => all(Analysis::KeyedNumbers),
        Analyzer::CountPerKey | Analyzer::BytePairs { .. } | Analyzer::WordPieces { .. } => {
            all(Analysis::Texts { beside: Beside::Nothing, is_weighted: false })
        }
        Analyzer::Vocabulary(options) => {
            let is_weighted = options.has_weights;
            let of = |beside| Analysis::Texts { beside, is_weighted };
            match (options.has_labels, options.has_key) {
                (true, true) => {
                    let without = |place: usize| {
                        let args = node.args.iter().enumerate();
                        args.filter(|(at, _)| *at != place).map(|(_, arg)| *arg).collect()
                    };
                    vec![(without(2), of(Beside::Labels)), (without(1), of(Beside::Keys))]
                }
                (true, false) => all(of(Beside::Labels)),
                (false, true) => all(of(Beside::Keys)),
                (false, false) => all(of(Beside::Nothing)),
            }
        }
        Analyzer::TermWeights { .. } => {
            let texts = Analysis::Texts { beside: Beside::Nothing, is_weighted: false };
            vec![(vec![node.args[1]], texts), (vec![node.args[2]], Analysis::Numbers)]
        }
        Analyzer::Covariance { length } | Analyzer::PrincipalComponents { length, .. } => {
            all(Analysis::Covariance { length: *length })
        }
        Analyzer::Histogram { .. } => vec![(vec![node.args[0]], Analysis::Numbers)],
        Analyzer::Density { .. } => {
            node.args.iter().map(|&arg| (vec![arg], Analysis::Numbers)).collect()
        }
    }
}
