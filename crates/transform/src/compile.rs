//! Checked expressions to a graph, in as few passes over the examples as their analyzers allow.
//!
//! An analyzer whose argument depends on no other analyzer is in the first pass; every other one is in the pass
//! behind the last that its argument depends on. What no feature needs is neither learned nor compiled.

use std::collections::BTreeMap;

use dataflow::{Accumulator as _, Engine, EngineError, Source};
use graph::{Graph, GraphBuilder, ListOp, Literal, Op, ValueType, Vocabulary};

use crate::TransformError;
use crate::analyze::{Analysis, AnalyzerPass, Learned, LearnedNumbers, learn_byte_pairs};
use crate::ir::{Analyzer, NodeCode, NodeId, VocabularyOptions};
use crate::typecheck::Program;

/// A vocabulary without tokens holds this one, as tf.Transform's does, so that there is an id.
const NO_TOKENS: &str = "49d0cd50-04bb-48c0-bc6f-5b575dce351a";

/// Learns what the analyzers need and returns the graph with it frozen in.
pub(crate) fn compile(
    program: &Program,
    source: &dyn Source,
    engine: &dyn Engine,
) -> Result<Graph, TransformError> {
    let levels = levels(program);
    let num_passes = levels.iter().copied().flatten().max().unwrap_or(0);
    let mut compiler = Compiler {
        program,
        builder: GraphBuilder::new(),
        lowered: vec![None; program.arena.len()],
        learned: BTreeMap::new(),
        vocabulary_names: BTreeMap::new(),
    };
    for pass in 1..=num_passes {
        compiler.lower(&levels, pass - 1)?;
        compiler.learn(&levels, pass, source, engine)?;
    }
    compiler.lower(&levels, num_passes)?;
    for (name, node) in &program.outputs {
        let node = compiler.operand(*node)?;
        compiler.builder.output(name, node)?;
    }
    Ok(compiler.builder.build())
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

struct Compiler<'a> {
    program: &'a Program,
    builder: GraphBuilder,
    lowered: Vec<Option<graph::NodeId>>,
    learned: BTreeMap<(NodeId, Analysis), Learned>,
    /// How many vocabularies have a name, behind which a number goes then.
    vocabulary_names: BTreeMap<String, usize>,
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
                NodeCode::Analyzer(analyzer) => {
                    self.analyzer(analyzer, node.args[0], args[0], node.value_type)?
                }
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
        let mut wanted: Vec<(NodeId, Analysis)> = Vec::new();
        for (id, node) in self.program.arena.nodes() {
            if let (NodeCode::Analyzer(analyzer), Some(found)) = (&node.code, levels[id.index()])
                && found == level
            {
                let key = (node.args[0], analyzer.needs());
                if !wanted.contains(&key) && !self.learned.contains_key(&key) {
                    wanted.push(key);
                }
            }
        }
        let mut builder = self.builder.clone();
        for (place, (node, _)) in wanted.iter().enumerate() {
            builder.output(&place.to_string(), self.operand(*node)?)?;
        }
        let analyses = wanted.iter().map(|(_, analysis)| *analysis).collect();
        let pass = AnalyzerPass::new(builder.build(), analyses);
        let state = dataflow::fold(engine, source, &pass).map_err(TransformError::Engine)?;
        let learned = state.finish();
        let learned = learned.map_err(|error| TransformError::Engine(EngineError::Work(error)))?;
        self.learned.extend(wanted.into_iter().zip(learned));
        Ok(())
    }

    fn analyzer(
        &mut self,
        analyzer: &Analyzer,
        argument: NodeId,
        x: graph::NodeId,
        value_type: Option<ValueType>,
    ) -> Result<graph::NodeId, TransformError> {
        let learned = self.learned.get(&(argument, analyzer.needs()));
        let learned = learned.expect("a pass comes before what needs it").clone();
        let numbers = match learned {
            Learned::Tokens(tokens) => {
                return match analyzer {
                    Analyzer::Vocabulary(options) => self.vocabulary(options, argument, x, tokens),
                    Analyzer::BytePairs { vocab_size } => {
                        let tokens = learn_byte_pairs(&tokens, *vocab_size);
                        let name = self.vocabulary_name(argument);
                        let vocabulary =
                            self.builder.vocabulary(&name, Vocabulary::new(tokens)?)?;
                        let op = Op::OfList(ListOp::BytePairs { vocabulary });
                        Ok(self.builder.node(op, &[x])?)
                    }
                    _ => unreachable!("only vocabularies need tokens"),
                };
            }
            Learned::Numbers(numbers) => numbers,
        };
        let moments = &numbers.distributed.moments;
        let value_type = value_type.unwrap_or(ValueType::Float);
        Ok(match analyzer {
            Analyzer::ScaleToZScore => {
                let (mean, variance) = (moments.finite_mean(), moments.finite_variance());
                self.builder.scale_to_z_score(x, mean, variance)?
            }
            Analyzer::ScaleByMinMax { output_min, output_max } => {
                let range = numbers.range().unwrap_or((0.0, 0.0));
                let output = (as_float(output_min), as_float(output_max));
                self.builder.scale_by_min_max(x, range, output)?
            }
            Analyzer::Bucketize { num_buckets } => {
                let boundaries = graph::Boundaries::new(numbers.boundaries(*num_buckets))?;
                self.builder.node(Op::Bucketize(boundaries), &[x])?
            }
            Analyzer::Min => self.builder.literal(extreme(
                &numbers,
                value_type,
                |(min, _)| min,
                |(min, _)| min,
            ))?,
            Analyzer::Max => self.builder.literal(extreme(
                &numbers,
                value_type,
                |(_, max)| max,
                |(_, max)| max,
            ))?,
            Analyzer::Mean => self.builder.literal(moments.finite_mean())?,
            Analyzer::Var => self.builder.literal(moments.finite_variance())?,
            Analyzer::Size => {
                self.builder.literal(i64::try_from(numbers.size()).unwrap_or(i64::MAX))?
            }
            Analyzer::Vocabulary(_) | Analyzer::BytePairs { .. } => {
                unreachable!("vocabularies need tokens")
            }
        })
    }

    fn vocabulary(
        &mut self,
        options: &VocabularyOptions,
        argument: NodeId,
        x: graph::NodeId,
        tokens: Vec<(String, u64)>,
    ) -> Result<graph::NodeId, TransformError> {
        let frequent =
            tokens.into_iter().take_while(|(_, count)| *count >= options.frequency_threshold);
        let mut tokens: Vec<String> =
            frequent.take(options.top_k.unwrap_or(usize::MAX)).map(|(token, _)| token).collect();
        if tokens.is_empty() {
            tokens.push(NO_TOKENS.to_owned());
        }
        let name = self.vocabulary_name(argument);
        let vocabulary = self.builder.vocabulary(&name, Vocabulary::new(tokens)?)?;
        let op = Op::Lookup {
            vocabulary,
            num_oov_buckets: options.num_oov_buckets,
            default_value: options.default_value,
        };
        Ok(self.builder.node(op, &[x])?)
    }

    /// Names a vocabulary for the column that it is about.
    fn vocabulary_name(&mut self, argument: NodeId) -> String {
        let mut node = argument;
        let column = loop {
            let found = self.program.arena.node(node);
            match (&found.code, found.args.first()) {
                (NodeCode::Op(Op::Input { name, .. }), _) => break name.as_str(),
                (_, Some(&first)) => node = first,
                _ => break "vocabulary",
            }
        };
        let used = self.vocabulary_names.entry(column.to_owned()).or_insert(0);
        *used += 1;
        if *used == 1 { column.to_owned() } else { format!("{column}_{used}") }
    }
}

impl Analyzer {
    /// Returns what has to be learned of the argument.
    fn needs(&self) -> Analysis {
        match self {
            Self::Vocabulary(_) | Self::BytePairs { .. } => Analysis::Tokens,
            _ => Analysis::Numbers,
        }
    }
}

/// Returns the least or greatest value as a constant, missing when there is none.
fn extreme(
    numbers: &LearnedNumbers,
    value_type: ValueType,
    of_ints: impl Fn((i64, i64)) -> i64,
    of_floats: impl Fn((f64, f64)) -> f64,
) -> Literal {
    let found = match value_type {
        ValueType::Int => numbers.ints.map(|range| Literal::Int(of_ints(range))),
        _ => numbers.range().map(|range| Literal::Float(of_floats(range))),
    };
    found.unwrap_or(Literal::Null(value_type))
}

fn as_float(literal: &Literal) -> f64 {
    match *literal {
        Literal::Float(value) => value,
        _ => 0.0,
    }
}
