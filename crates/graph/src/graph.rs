//! A compiled graph: its parts, its outputs, and pieces of it.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::input::Places;
use crate::{
    GraphError, ListOp, Literal, NodeId, NodeType, Op, Shape, ValueType, Vocabulary, VocabularyId,
    evaluate, outputs, serialize,
};

/// A compiled transform: raw features in, transformed features out.
///
/// Cheap to clone; clones share everything. On disk it is a folder ([`Graph::save`]); it also serializes as one
/// value with its vocabularies inside, for stages that travel to workers.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    parts: Arc<Parts>,
}

/// What a graph is made of, checked.
#[derive(Debug, PartialEq)]
pub(crate) struct Parts {
    /// Every node's operands come before it, and every node is needed for some output.
    pub(crate) nodes: Vec<Node>,
    /// The last node that needs each node's values; `usize::MAX` where an output does.
    pub(crate) last_uses: Vec<usize>,
    /// Whether a row has other than one value anywhere.
    pub(crate) has_lists: bool,
    pub(crate) vocabularies: Vec<(String, Arc<Vocabulary>)>,
    pub(crate) inputs: Vec<GraphInput>,
    pub(crate) places: Places,
    pub(crate) outputs: Vec<GraphOutput>,
    /// The node of each output.
    pub(crate) output_nodes: Vec<NodeId>,
    schema: SchemaRef,
}

/// An operation with its operands, and the type of what comes out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// What is done.
    pub op: Op,
    /// To what, in order; all come before this node.
    pub operands: Vec<NodeId>,
    /// The type of the result's values.
    pub value_type: ValueType,
    /// How many of them a row has.
    pub shape: Shape,
}

impl Node {
    /// Returns the type of the result.
    pub fn node_type(&self) -> NodeType {
        NodeType { value_type: self.value_type, shape: self.shape }
    }

    /// Returns what is constant in the operation, as [`Graph::save`] writes it; none where nothing is.
    pub fn constants(&self) -> Option<serde_json::Value> {
        serialize::constants(&self.op)
    }
}

/// A raw feature that a graph reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphInput {
    /// The feature's name, which is the name of its column.
    pub name: String,
    /// The type of its values.
    pub value_type: ValueType,
    /// How many of them an example has.
    pub shape: Shape,
}

/// A transformed feature that a graph makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphOutput {
    /// The feature's name, which will be the name of its column.
    pub name: String,
    /// The type of its values.
    pub value_type: ValueType,
    /// How many of them an example has.
    pub shape: Shape,
    /// For ids: all that are valid are below this.
    ///
    /// Known for buckets, hashes and places in a vocabulary (its buckets for unknown tokens included), and where
    /// one of these is chosen by [`Op::Select`] or [`Op::Coalesce`] beside others or constants. What is negative,
    /// as the default for unknown tokens, is not an id.
    pub num_buckets: Option<u64>,
    /// For ids: the least that comes out, which is below 0 where unknown tokens or keys have such a default.
    pub least_id: Option<i64>,
}

impl GraphInput {
    /// Returns the type of the column.
    pub fn node_type(&self) -> NodeType {
        NodeType { value_type: self.value_type, shape: self.shape }
    }
}

impl GraphOutput {
    /// Returns the type of the column.
    pub fn node_type(&self) -> NodeType {
        NodeType { value_type: self.value_type, shape: self.shape }
    }
}

impl Graph {
    pub(crate) fn of(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// Returns the raw features that the graph reads, in the order in which they were first used.
    pub fn inputs(&self) -> &[GraphInput] {
        &self.parts.inputs
    }

    /// Returns the features that the graph makes, in order.
    pub fn outputs(&self) -> &[GraphOutput] {
        &self.parts.outputs
    }

    /// Returns all nodes; operands come before their users, and [`NodeId::index`] counts from 0.
    pub fn nodes(&self) -> &[Node] {
        &self.parts.nodes
    }

    /// Returns the node of each output, in the order of [`Graph::outputs`].
    pub fn output_nodes(&self) -> &[NodeId] {
        &self.parts.output_nodes
    }

    /// Returns the vocabularies with their names; [`VocabularyId::index`] counts from 0.
    pub fn vocabularies(&self) -> impl Iterator<Item = (&str, &Vocabulary)> {
        self.parts.vocabularies.iter().map(|(name, vocabulary)| (name.as_str(), &**vocabulary))
    }

    /// Returns the schema of what [`Graph::apply`] gives: one nullable column per output, FLOAT as `Float32`.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.parts.schema)
    }

    /// Returns the graph that makes only some outputs, in the order given, and reads only what they need.
    ///
    /// # Errors
    ///
    /// [`GraphError::UnknownOutput`].
    pub fn project(&self, outputs: &[&str]) -> Result<Self, GraphError> {
        let names = || self.parts.outputs.iter().map(|output| output.name.as_str());
        let outputs = outputs.iter().map(|wanted| match names().position(|name| name == *wanted) {
            Some(place) => Ok(((*wanted).to_owned(), self.parts.output_nodes[place])),
            None => Err(GraphError::UnknownOutput {
                output: (*wanted).to_owned(),
                nearest: base::nearest(wanted, names()).map(str::to_owned),
            }),
        });
        let outputs = outputs.collect::<Result<Vec<_>, _>>()?;
        Ok(Self::of(Parts::new(&self.parts.nodes, &self.parts.vocabularies, outputs)))
    }

    /// Transforms examples: one row in is one row out, in order.
    ///
    /// Raw features are found by name; more columns and another order do not matter. An integer column will do
    /// where FLOAT is expected, a boolean one where INT or FLOAT is, any integer, float or text type for its kind,
    /// bytes where they are UTF-8, and a column of Arrow's `Null` type anywhere. FLOATs come out in 32 bits; what
    /// is too large for them is infinite. Where a list is expected, a column with one value per example will do.
    ///
    /// # Errors
    ///
    /// [`GraphError::MissingInput`], [`GraphError::InputType`], [`GraphError::ListInput`], [`GraphError::NotText`],
    /// [`GraphError::InputValue`], [`GraphError::InputLength`], [`GraphError::Lengths`], [`GraphError::TooManyItems`],
    /// and [`GraphError::TooMuchText`].
    pub fn apply(&self, examples: &RecordBatch) -> Result<RecordBatch, GraphError> {
        let num_rows = examples.num_rows();
        let values = evaluate::evaluate(&self.parts, examples)?;
        let columns = outputs::features(values, num_rows)?;
        let options = RecordBatchOptions::new().with_row_count(Some(num_rows));
        Ok(RecordBatch::try_new_with_options(self.schema(), columns, &options)
            .expect("columns have the types of the outputs and one value per example"))
    }

    /// Returns the outputs' values as they are computed, in the order of the outputs: `Int64`, `Float64`, `Utf8` and
    /// `Boolean`, or lists of these. For analyzers; [`Graph::apply`] rounds floats to 32 bits, as features are stored.
    ///
    /// # Errors
    ///
    /// As [`Graph::apply`].
    pub fn evaluate(&self, examples: &RecordBatch) -> Result<Vec<ArrayRef>, GraphError> {
        let outputs = evaluate::evaluate(&self.parts, examples)?.into_iter();
        outputs.map(|(values, shape)| values.into_column(examples.num_rows(), shape)).collect()
    }

    /// Reads a graph that [`Graph::save`] wrote. Everything is checked again.
    ///
    /// # Errors
    ///
    /// [`GraphError`], naming the file and what is wrong with it.
    pub fn load(dir: &Path) -> Result<Self, GraphError> {
        serialize::load(dir)
    }

    /// Writes `graph.json`, last, and the vocabularies in `assets/`, below a folder, which is made if need be.
    ///
    /// # Errors
    ///
    /// [`GraphError::Io`] when the disk refuses.
    pub fn save(&self, dir: &Path) -> Result<(), GraphError> {
        serialize::save(self, dir)
    }
}

impl Parts {
    /// Takes the nodes and vocabularies that some outputs need; all are known to be right.
    pub(crate) fn new(
        all_nodes: &[Node],
        all_vocabularies: &[(String, Arc<Vocabulary>)],
        outputs: Vec<(String, NodeId)>,
    ) -> Self {
        let mut is_needed = vec![false; all_nodes.len()];
        outputs.iter().for_each(|(_, node)| is_needed[node.index()] = true);
        for (place, node) in all_nodes.iter().enumerate().rev() {
            if is_needed[place] {
                node.operands.iter().for_each(|operand| is_needed[operand.index()] = true);
            }
        }

        let mut new_ids = vec![NodeId(0); all_nodes.len()];
        let mut new_vocabularies = vec![None; all_vocabularies.len()];
        let mut parts = Self {
            nodes: Vec::new(),
            last_uses: Vec::new(),
            has_lists: false,
            vocabularies: Vec::new(),
            inputs: Vec::new(),
            places: Places::default(),
            outputs: Vec::new(),
            output_nodes: Vec::new(),
            schema: SchemaRef::new(Schema::empty()),
        };
        for (place, node) in all_nodes.iter().enumerate().filter(|(place, _)| is_needed[*place]) {
            let mut node = node.clone();
            let here = parts.nodes.len();
            for operand in &mut node.operands {
                *operand = new_ids[operand.index()];
                parts.last_uses[operand.index()] = here;
            }
            match &mut node.op {
                Op::Lookup { vocabulary, .. }
                | Op::OfList(
                    ListOp::BytePairs { vocabulary } | ListOp::WordPieces { vocabulary },
                ) => {
                    let next = place_id(parts.vocabularies.len());
                    let old = vocabulary.index();
                    let new = *new_vocabularies[old].get_or_insert(VocabularyId(next));
                    if new.0 == next {
                        parts.vocabularies.push(all_vocabularies[old].clone());
                    }
                    *vocabulary = new;
                }
                Op::Input { name, value_type, shape } => parts.inputs.push(GraphInput {
                    name: name.clone(),
                    value_type: *value_type,
                    shape: *shape,
                }),
                _ => {}
            }
            new_ids[place] = NodeId(place_id(here));
            parts.last_uses.push(here);
            parts.has_lists |= node.shape.is_many() || matches!(node.op, Op::OfList(_));
            parts.nodes.push(node);
        }

        let bounds = parts.bounds();
        for (name, node) in outputs {
            let node = new_ids[node.index()];
            parts.last_uses[node.index()] = usize::MAX;
            let NodeType { value_type, shape } = parts.nodes[node.index()].node_type();
            let ids = bounds[node.index()].filter(|bound| bound.is_ids);
            let (num_buckets, least_id) = (ids.map(|b| b.below), ids.map(|b| b.least));
            parts.outputs.push(GraphOutput { name, value_type, shape, num_buckets, least_id });
            parts.output_nodes.push(node);
        }
        let field = |output: &GraphOutput| {
            Field::new(&output.name, output.node_type().feature_type(), true)
        };
        parts.schema =
            SchemaRef::new(Schema::new(parts.outputs.iter().map(field).collect::<Vec<_>>()));
        parts
    }

    /// Returns the bound of each node's ids, where they are ids or constants that could be.
    fn bounds(&self) -> Vec<Option<Bound>> {
        let mut bounds: Vec<Option<Bound>> = Vec::with_capacity(self.nodes.len());
        let ids = |below| Some(Bound { below, least: 0, is_ids: true });
        let constant =
            |id: i64| Some(Bound { below: bound_of(id), least: id.min(0), is_ids: false });
        for node in &self.nodes {
            bounds.push(match (&node.op, node.operands.as_slice()) {
                (Op::Bucketize(boundaries), _) => ids(boundaries.values().len() as u64 + 1),
                (Op::BucketizePerKey(boundaries), _) => {
                    ids(boundaries.most() as u64 + 1).map(|bound| Bound { least: -1, ..bound })
                }
                (Op::Hash { num_buckets } | Op::KeyedHash { num_buckets, .. }, _) => {
                    ids(*num_buckets)
                }
                (
                    Op::OfList(
                        ListOp::BytePairs { vocabulary } | ListOp::WordPieces { vocabulary },
                    ),
                    _,
                ) => ids(self.vocabularies[vocabulary.index()].1.len() as u64),
                (Op::Lookup { vocabulary, num_oov_buckets, default_value }, _) => {
                    let len = self.vocabularies[vocabulary.index()].1.len() as u64;
                    let default = if *num_oov_buckets == 0 { *default_value } else { 0 };
                    let below = (len + num_oov_buckets).max(bound_of(default)).max(1);
                    Some(Bound { below, least: default.min(0), is_ids: true })
                }
                (Op::Literal(Literal::Int(value)), _) => constant(*value),
                (Op::Literal(Literal::Null(ValueType::Int)), _) => {
                    Some(Bound { below: 0, least: 0, is_ids: false })
                }
                (Op::Select, [_, a, b]) | (Op::Coalesce, [a, b]) => {
                    bounds[a.index()].zip(bounds[b.index()]).map(|(a, b)| Bound {
                        below: a.below.max(b.below),
                        least: a.least.min(b.least),
                        is_ids: a.is_ids || b.is_ids,
                    })
                }
                (Op::OfList(ListOp::TermIds { size }), _) => ids(u64::from(*size)),
                (Op::OfList(ListOp::Tokenize { tokenizer, .. }), _) => ids(tokenizer.num_ids()),
                (Op::OfList(ListOp::Pad { value: Literal::Int(value), .. }), [a]) => {
                    let below = |a: Bound| a.below.max(bound_of(*value));
                    let least = |a: Bound| a.least.min(*value);
                    bounds[a.index()].map(|a| Bound { below: below(a), least: least(a), ..a })
                }
                (Op::OfList(op), [a, ..]) if op.keeps_values() => bounds[a.index()],
                _ => None,
            });
        }
        bounds
    }
}

/// What a node's values are below, when they are ids, or constants that could be.
#[derive(Clone, Copy)]
struct Bound {
    below: u64,
    /// At most 0.
    least: i64,
    is_ids: bool,
}

/// Returns the bound of one id; what is negative is none.
fn bound_of(id: i64) -> u64 {
    u64::try_from(id).map_or(0, |id| id + 1)
}

fn place_id(place: usize) -> u32 {
    u32::try_from(place).expect("no more than there were, which had numbers of 32 bits")
}
