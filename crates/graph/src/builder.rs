//! Building a graph, node by node.

use std::collections::HashMap;
use std::sync::Arc;

use crate::graph::Parts;
use crate::kernels::byte_pairs::byte_char;
use crate::{BuildError, Graph, ListOp, Literal, Node, NodeType, Op, ValueType, Vocabulary};

/// A node of a graph, by its place from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Returns the node's place in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A vocabulary of a graph, by its place from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VocabularyId(pub(crate) u32);

impl VocabularyId {
    /// Returns the vocabulary's place in [`Graph::vocabularies`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Builds a [`Graph`], node by node. Asked twice for the same node, it gives the same one.
///
/// A builder can be cloned, given other outputs and built in between, which is how analyzers whose input depends
/// on other analyzers get theirs.
///
/// # Examples
///
/// ```
/// # use graph::{GraphBuilder, Op, ValueType};
/// let mut builder = GraphBuilder::new();
/// let fare = builder.input("fare", ValueType::Float)?;
/// let one = builder.literal(1.0)?;
/// let sum = builder.node(Op::Add, &[fare, one])?;
/// let log_fare = builder.node(Op::Ln, &[sum])?;
/// builder.output("log_fare", log_fare)?;
/// let graph = builder.build();
/// assert_eq!(graph.outputs()[0].name, "log_fare");
/// # Ok::<(), graph::BuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct GraphBuilder {
    nodes: Vec<Node>,
    known: HashMap<(Op, Vec<NodeId>), NodeId>,
    vocabularies: Vec<(String, Arc<Vocabulary>)>,
    inputs: HashMap<String, NodeType>,
    outputs: Vec<(String, NodeId)>,
}

impl GraphBuilder {
    /// Returns a builder of an empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a raw feature.
    ///
    /// # Errors
    ///
    /// [`BuildError::InputTypes`] when it was added before with another type.
    pub fn input(
        &mut self,
        name: &str,
        node_type: impl Into<NodeType>,
    ) -> Result<NodeId, BuildError> {
        let NodeType { value_type, shape } = node_type.into();
        self.node(Op::Input { name: name.to_owned(), value_type, shape }, &[])
    }

    /// Adds a constant.
    ///
    /// # Errors
    ///
    /// [`BuildError::TooLarge`].
    pub fn literal(&mut self, value: impl Into<Literal>) -> Result<NodeId, BuildError> {
        self.node(Op::Literal(value.into()), &[])
    }

    /// Adds a conversion, unless the node is of that type already.
    ///
    /// # Errors
    ///
    /// [`BuildError::UnknownNode`], [`BuildError::TooLarge`].
    pub fn cast(&mut self, node: NodeId, to: ValueType) -> Result<NodeId, BuildError> {
        if self.value_type(node)? == to {
            return Ok(node);
        }
        self.node(Op::Cast { to }, &[node])
    }

    /// Adds a vocabulary, which [`Op::Lookup`] names. Its name shows in the name of its file.
    ///
    /// # Errors
    ///
    /// [`BuildError::DuplicateVocabulary`], [`BuildError::TooLarge`].
    pub fn vocabulary(
        &mut self,
        name: &str,
        vocabulary: impl Into<Arc<Vocabulary>>,
    ) -> Result<VocabularyId, BuildError> {
        if self.vocabularies.iter().any(|(known, _)| known == name) {
            return Err(BuildError::DuplicateVocabulary { vocabulary: name.to_owned() });
        }
        let id = u32::try_from(self.vocabularies.len())
            .map_err(|_| BuildError::TooLarge { what: "vocabularies" })?;
        self.vocabularies.push((name.to_owned(), vocabulary.into()));
        Ok(VocabularyId(id))
    }

    /// Adds an operation.
    ///
    /// INT operands are widened where the operation takes FLOATs only, or two operands of one type of which the
    /// other is FLOAT; [`Op::Lookup`], [`Op::Hash`] and [`Op::KeyedHash`] take INT as decimal text.
    ///
    /// # Errors
    ///
    /// [`BuildError::Operands`] when the operation does not take these operands, [`BuildError::UnknownNode`],
    /// [`BuildError::UnknownVocabulary`], [`BuildError::NumBuckets`], [`BuildError::Constants`], [`BuildError::Group`],
    /// [`BuildError::InputTypes`], and [`BuildError::TooLarge`].
    pub fn node(&mut self, op: Op, operands: &[NodeId]) -> Result<NodeId, BuildError> {
        let found = self.types(operands)?;
        let types: Vec<ValueType> = found.iter().map(|found| found.value_type).collect();
        let op = op.with_constants_for(&types);
        let widened = op.widened(&types);
        if widened == types {
            return self.typed_node(op, operands);
        }
        // A mistake is told in the types that the caller knows.
        let wide = found.iter().zip(&widened);
        let wide: Vec<_> =
            wide.map(|(found, &value_type)| NodeType { value_type, ..*found }).collect();
        op.node_type(&wide).map_err(|error| match error {
            BuildError::Operands { op, expected, .. } => {
                BuildError::Operands { op, found, expected }
            }
            other => other,
        })?;
        let operands = operands
            .iter()
            .zip(widened)
            .map(|(operand, to)| self.cast(*operand, to))
            .collect::<Result<Vec<_>, _>>()?;
        self.typed_node(op, &operands)
    }

    /// Adds an operation whose operands have the right types already.
    pub(crate) fn typed_node(&mut self, op: Op, operands: &[NodeId]) -> Result<NodeId, BuildError> {
        let NodeType { value_type, shape } = op.node_type(&self.types(operands)?)?;
        let key = (op, operands.to_vec());
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        self.check_constants(&key.0)?;
        let id =
            u32::try_from(self.nodes.len()).map_err(|_| BuildError::TooLarge { what: "nodes" })?;
        if let Op::Input { name, value_type, shape } = &key.0 {
            let node_type = NodeType { value_type: *value_type, shape: *shape };
            self.inputs.insert(name.clone(), node_type);
        }
        self.nodes.push(Node { op: key.0.clone(), operands: key.1.clone(), value_type, shape });
        self.known.insert(key, NodeId(id));
        Ok(NodeId(id))
    }

    /// Checks what is constant in an operation, apart from types.
    fn check_constants(&self, op: &Op) -> Result<(), BuildError> {
        let most = i64::MAX.unsigned_abs();
        match op {
            Op::Input { name, value_type, shape } => match self.inputs.get(name) {
                Some(first) => Err(BuildError::InputTypes {
                    feature: name.clone(),
                    first: *first,
                    second: NodeType { value_type: *value_type, shape: *shape },
                }),
                None => Ok(()),
            },
            Op::OfList(ListOp::BytePairs { vocabulary }) => self.check_bytes(*vocabulary),
            Op::OfList(ListOp::RegexpExtractAll { pattern, group }) => pattern.check_group(*group),
            Op::OfList(op) => match op.mistake() {
                Some(reason) => Err(BuildError::Constants { op: op.name(), reason }),
                None => Ok(()),
            },
            Op::Hash { num_buckets } | Op::KeyedHash { num_buckets, .. }
                if *num_buckets == 0 || *num_buckets > most =>
            {
                let (op, found) = (op.name(), *num_buckets);
                Err(BuildError::NumBuckets { op, found, least: 1, most })
            }
            Op::Regexp(op) => op.check(),
            Op::Lookup { vocabulary, num_oov_buckets, .. } => {
                match self.vocabularies.get(vocabulary.index()) {
                    None => Err(BuildError::UnknownVocabulary {
                        vocabulary: vocabulary.0,
                        num_vocabularies: self.vocabularies.len(),
                    }),
                    Some((_, tokens)) if *num_oov_buckets > most - tokens.len() as u64 => {
                        let (op, found) = (op.name(), *num_oov_buckets);
                        let most = most - tokens.len() as u64;
                        Err(BuildError::NumBuckets { op, found, least: 0, most })
                    }
                    Some(_) => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Checks that a vocabulary has a token for each byte, so that nothing is lost.
    fn check_bytes(&self, vocabulary: VocabularyId) -> Result<(), BuildError> {
        let Some((_, tokens)) = self.vocabularies.get(vocabulary.index()) else {
            return Err(BuildError::UnknownVocabulary {
                vocabulary: vocabulary.0,
                num_vocabularies: self.vocabularies.len(),
            });
        };
        let is_there = |byte| tokens.id(byte_char(byte).encode_utf8(&mut [0; 4])).is_some();
        if (0..=u8::MAX).all(is_there) {
            return Ok(());
        }
        let reason = "its vocabulary has no token for some byte";
        Err(BuildError::Constants { op: "byte_pairs", reason })
    }

    /// Returns the type of a node's values.
    ///
    /// # Errors
    ///
    /// [`BuildError::UnknownNode`].
    pub fn value_type(&self, node: NodeId) -> Result<ValueType, BuildError> {
        Ok(self.node_type(node)?.value_type)
    }

    /// Returns the type of a node: of what its values are, and how many a row has.
    ///
    /// # Errors
    ///
    /// [`BuildError::UnknownNode`].
    pub fn node_type(&self, node: NodeId) -> Result<NodeType, BuildError> {
        match self.nodes.get(node.index()) {
            Some(node) => Ok(node.node_type()),
            None => Err(BuildError::UnknownNode { node: node.0, num_nodes: self.nodes.len() }),
        }
    }

    fn types(&self, nodes: &[NodeId]) -> Result<Vec<NodeType>, BuildError> {
        nodes.iter().map(|node| self.node_type(*node)).collect()
    }

    /// Names a node as a transformed feature. One node may have many names.
    ///
    /// # Errors
    ///
    /// [`BuildError::DuplicateOutput`], [`BuildError::UnknownNode`].
    pub fn output(&mut self, name: &str, node: NodeId) -> Result<(), BuildError> {
        self.value_type(node)?;
        if self.outputs.iter().any(|(known, _)| known == name) {
            return Err(BuildError::DuplicateOutput { output: name.to_owned() });
        }
        self.outputs.push((name.to_owned(), node));
        Ok(())
    }

    /// Takes back the names of all outputs; the nodes stay.
    pub fn clear_outputs(&mut self) {
        self.outputs.clear();
    }

    /// Returns the graph of the outputs named so far.
    ///
    /// What none of them needs is left out, and nodes and vocabularies are numbered anew.
    pub fn build(&self) -> Graph {
        Graph::of(Parts::new(&self.nodes, &self.vocabularies, self.outputs.clone()))
    }
}
