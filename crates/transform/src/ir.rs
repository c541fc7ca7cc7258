//! Typed expressions of all features together, as one graph without repeats.
//!
//! As in [`graph::Graph`], every operand comes before its user; but here analyzers are operations too, and types
//! may be unknown while the data was not read.

use std::collections::HashMap;

use graph::{Literal, NodeType, Op, Shape, ValueType};

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
    /// A function of one argument that needs to have seen all of its values.
    Analyzer(Analyzer),
    /// A raw column whose type is not known.
    Column(String),
    /// A missing value of no type yet.
    Null,
    /// An expression with a mistake, which was reported.
    Mistake,
}

/// What is done with what was learned of an argument.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Analyzer {
    ScaleToZScore,
    /// The output range, two floats.
    ScaleByMinMax {
        output_min: Literal,
        output_max: Literal,
    },
    Bucketize {
        num_buckets: usize,
    },
    Vocabulary(VocabularyOptions),
    /// Tokens of words; the argument is a list of words.
    BytePairs {
        vocab_size: usize,
    },
    Min,
    Max,
    Mean,
    Var,
    Size,
}

impl Analyzer {
    /// Returns whether there is a result for each value, and not one for all.
    fn is_by_value(&self) -> bool {
        match self {
            Self::ScaleToZScore
            | Self::ScaleByMinMax { .. }
            | Self::Bucketize { .. }
            | Self::Vocabulary(_)
            | Self::BytePairs { .. } => true,
            Self::Min | Self::Max | Self::Mean | Self::Var | Self::Size => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct VocabularyOptions {
    pub(crate) top_k: Option<usize>,
    pub(crate) frequency_threshold: u64,
    pub(crate) num_oov_buckets: u64,
    pub(crate) default_value: i64,
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
            NodeCode::Analyzer(analyzer) if analyzer.is_by_value() => lifted(),
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
