//! Typed expressions of all features together, as one graph without repeats.
//!
//! As in [`graph::Graph`], every operand comes before its user; but here analyzers are operations too, and types
//! may be unknown while the data was not read.

use std::collections::HashMap;

use graph::{Boundaries, Literal, NodeType, Op, Shape, ValueType};

/// A node, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(usize);

impl NodeId {
    pub(crate) fn index(self) -> usize {
        self.0
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) code: NodeCode,
    pub(crate) args: Vec<NodeId>,
    /// None where it depends on a column of unknown type.
    pub(crate) value_type: Option<ValueType>,
    pub(crate) shape: Shape,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NodeCode {
    /// A row-wise operation of the compiled graph.
    Op(Op),
    /// Several row-wise operations, which the graph's builder knows.
    Mapper(Mapper),
    /// A function that needs to have seen all values of its arguments.
    Analyzer(Analyzer),
    /// A raw column whose type is not known.
    Column(String),
    /// A missing value of no type yet.
    Null,
    /// An expression with a mistake, which was reported.
    Mistake,
}

/// A function of one example that is made of several operations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mapper {
    /// Where among some boundaries a number is, from 0 to 1.
    Interpolate(Boundaries),
}

/// What is done with what was learned of arguments. The first is the one that is transformed, where one is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Analyzer {
    /// Of one argument of numbers.
    Numbers(OfNumbers),
    /// Of numbers by the weights that are the second argument.
    WeightedBuckets { num_buckets: usize },
    /// Of numbers by the key that is the second argument.
    PerKey(PerKey),
    /// How often a text occurs.
    CountPerKey,
    /// Of texts, with labels, keys and weights as further arguments, in this order, where there are any.
    Vocabulary(VocabularyOptions),
    /// The tokens that words are made of; the argument is a list of words.
    BytePairs { vocab_size: usize },
    /// The pieces that words are made of; the argument is a list of words.
    WordPieces { vocab_size: usize },
    /// The weight of each term of a list of ids. The ids as texts and the lengths of the lists are further arguments.
    TermWeights { size: u32, is_smooth: bool },
    /// How dense numbers are in the bucket that is the first argument, of so many of equal width. The numbers are the
    /// second argument, where the width follows from them; else the buckets go from 0 to 1.
    Density { num_buckets: usize },
    /// How many numbers are in each bucket; the arguments are those of densities.
    Histogram { num_buckets: usize },
    /// How the numbers of vectors of some length go together.
    Covariance { length: u32 },
    /// A vector in terms of its principal components.
    PrincipalComponents { length: u32, output_dim: u32 },
}

/// How many values an analyzer has for a row.
enum Results {
    /// One for all examples.
    One,
    /// So many for all examples.
    Vector(usize),
    /// So many for each example.
    VectorOfEach(u32),
    /// One for each value of the arguments together.
    OfEach,
    /// One for each value of an argument.
    OfArgument(usize),
}

impl Analyzer {
    fn results(&self) -> Results {
        match self {
            Self::Numbers(OfNumbers::Statistic(_) | OfNumbers::Quantile { .. }) => Results::One,
            Self::Histogram { num_buckets } => Results::Vector(*num_buckets),
            Self::Covariance { length } => Results::Vector((*length as usize).pow(2)),
            Self::PrincipalComponents { output_dim, .. } => Results::VectorOfEach(*output_dim),
            Self::PerKey(PerKey::Statistic(_)) | Self::TermWeights { .. } => Results::OfArgument(1),
            Self::PerKey(_) => Results::OfEach,
            _ => Results::OfArgument(0),
        }
    }
}

/// What is done with what was learned of one argument of numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OfNumbers {
    ScaleToZScore,
    ScaleByMinMax(Range),
    ScaleToGaussian,
    Bucketize {
        num_buckets: usize,
    },
    /// Buckets of equal width between the least and the greatest number.
    EqualWidthBuckets {
        num_buckets: usize,
    },
    BucketizeWithInterpolation {
        num_buckets: usize,
    },
    Statistic(Statistic),
    /// The number at a fraction of all, a float.
    Quantile {
        fraction: Literal,
    },
}

/// What is done with what was learned of each key's numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PerKey {
    ScaleToZScore,
    ScaleByMinMax(Range),
    Bucketize { num_buckets: usize },
    Statistic(Statistic),
}

/// An output range, two floats.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Range {
    pub(crate) min: Literal,
    pub(crate) max: Literal,
}

/// One number about numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Statistic {
    Min,
    Max,
    Sum,
    Mean,
    Var,
    Size,
    TukeyLocation,
    TukeyScale,
    TukeyHLeft,
    TukeyHRight,
}

/// How the tokens of a vocabulary are chosen, and what becomes of others. Numbers are floats.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct VocabularyOptions {
    pub(crate) top_k: Option<usize>,
    /// Of the frequency, the weight, or the information about labels.
    pub(crate) frequency_threshold: Option<Literal>,
    pub(crate) num_oov_buckets: u64,
    pub(crate) default_value: i64,
    pub(crate) has_weights: bool,
    pub(crate) has_labels: bool,
    pub(crate) use_adjusted_mutual_info: bool,
    /// None where it depends on the number of examples.
    pub(crate) min_diff_from_avg: Option<Literal>,
    pub(crate) has_key: bool,
    pub(crate) coverage_top_k: Option<usize>,
    pub(crate) coverage_frequency_threshold: Option<Literal>,
    pub(crate) reserved_tokens: Vec<String>,
    pub(crate) fingerprint_shuffle: bool,
    /// Whether the file has frequencies, too.
    pub(crate) stores_frequency: bool,
    /// Whether the texts were integers.
    pub(crate) are_ints: bool,
    /// The vocabulary's name, which its file shows.
    pub(crate) name: Option<String>,
}

impl VocabularyOptions {
    pub(crate) fn threshold(&self) -> Option<f64> {
        self.frequency_threshold.as_ref().map(as_float)
    }

    pub(crate) fn coverage_threshold(&self) -> f64 {
        self.coverage_frequency_threshold.as_ref().map_or(0.0, as_float)
    }

    pub(crate) fn min_diff_from_avg(&self) -> Option<f64> {
        self.min_diff_from_avg.as_ref().map(as_float)
    }
}

impl Range {
    pub(crate) fn floats(&self) -> (f64, f64) {
        (as_float(&self.min), as_float(&self.max))
    }
}

/// Returns a constant that is known to be a float.
pub(crate) fn as_float(literal: &Literal) -> f64 {
    match *literal {
        Literal::Float(value) => value,
        _ => 0.0,
    }
}

/// All nodes so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arena {
    nodes: Vec<Node>,
    known: HashMap<Node, NodeId>,
}

impl Arena {
    /// Returns the node of an operation, which may be there already.
    pub(crate) fn add(
        &mut self,
        code: NodeCode,
        args: Vec<NodeId>,
        value_type: Option<ValueType>,
    ) -> NodeId {
        let shape = self.result_shape(&code, &args);
        self.add_shaped(code, args, value_type, shape)
    }

    /// Returns the node of something whose shape does not follow from its arguments.
    pub(crate) fn add_shaped(
        &mut self,
        code: NodeCode,
        args: Vec<NodeId>,
        value_type: Option<ValueType>,
        shape: Shape,
    ) -> NodeId {
        let node = Node { code, args, value_type, shape };
        if let Some(&id) = self.known.get(&node) {
            return id;
        }
        let id = NodeId(self.nodes.len());
        self.nodes.push(node.clone());
        self.known.insert(node, id);
        id
    }

    /// Returns how many values a row has; one where that would be a mistake, which calls report.
    fn result_shape(&self, code: &NodeCode, args: &[NodeId]) -> Shape {
        let lifted =
            || Shape::lifted(args.iter().map(|&arg| self.node(arg).shape)).unwrap_or_default();
        match code {
            NodeCode::Op(Op::OfList(op)) => {
                // Of unknown types, the shape is that of any type that will do.
                let types = [ValueType::Int, ValueType::Float, ValueType::String, ValueType::Bool];
                let with = |unknown: ValueType| {
                    let known = |&arg: &NodeId| {
                        let Node { value_type, shape, .. } = *self.node(arg);
                        NodeType { value_type: value_type.unwrap_or(unknown), shape }
                    };
                    let args: Vec<_> = args.iter().map(known).collect();
                    Op::OfList(op.clone()).node_type(&args).ok()
                };
                types.into_iter().find_map(with).map_or(Shape::One, |found| found.shape)
            }
            NodeCode::Op(Op::Input { shape, .. }) => *shape,
            NodeCode::Op(Op::IsNull) => Shape::One,
            NodeCode::Op(_) => lifted(),
            NodeCode::Mapper(_) => lifted(),
            NodeCode::Analyzer(analyzer) => match analyzer.results() {
                Results::One => Shape::One,
                Results::Vector(length) => Shape::Vector(u32::try_from(length).unwrap_or(u32::MAX)),
                Results::VectorOfEach(length) => Shape::Vector(length),
                Results::OfEach => lifted(),
                Results::OfArgument(place) => self.node(args[place]).shape,
            },
            _ => Shape::One,
        }
    }

    /// Returns the node of a row-wise operation.
    pub(crate) fn op(
        &mut self,
        op: Op,
        args: Vec<NodeId>,
        value_type: Option<ValueType>,
    ) -> NodeId {
        self.add(NodeCode::Op(op), args, value_type)
    }

    pub(crate) fn literal(&mut self, literal: Literal) -> NodeId {
        let value_type = Some(literal.value_type());
        self.op(Op::Literal(literal), Vec::new(), value_type)
    }

    /// Returns a node that stands for a mistake; its type saves later ones from being reported for it.
    pub(crate) fn mistake(&mut self, value_type: Option<ValueType>) -> NodeId {
        self.add(NodeCode::Mistake, Vec::new(), value_type)
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    pub(crate) fn shape(&self, id: NodeId) -> Shape {
        self.node(id).shape
    }

    pub(crate) fn value_type(&self, id: NodeId) -> Option<ValueType> {
        self.node(id).value_type
    }

    /// Returns the constant that a node is, if it is one.
    pub(crate) fn as_literal(&self, id: NodeId) -> Option<&Literal> {
        match &self.node(id).code {
            NodeCode::Op(Op::Literal(literal)) => Some(literal),
            _ => None,
        }
    }

    /// Returns all nodes with their places, operands first.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId(index), node))
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }
}
