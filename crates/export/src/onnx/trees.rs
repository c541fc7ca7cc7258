//! Boosted trees, as an operator for them.
//!
//! It sums up in 64 bits, as ours. Sets of categories are looked up before, because it asks for numbers alone.

use formats::onnx::tensor_proto::DataType;
use model::network::Network;
use model::{Forest, Node};

use super::emit::{Attribute, Emitter, ML, Tensor, raw};
use super::numbers::as_int;
use crate::forest::FlatForest;

/// Returns the logits, shape `[N, outputs]`, of numbers of shape `[N, width]` and categories of shape `[N]`.
pub(super) fn logits(
    e: &mut Emitter,
    network: &Network,
    forest: &Forest,
    numbers: &[Tensor],
    ids: &[Tensor],
) -> Tensor {
    let flat = FlatForest::new(network, forest);
    let num_outputs = forest.base.len();
    if flat.trees.is_empty() {
        return e.singles(&forest.base, &[1, num_outputs]);
    }
    let mut columns: Vec<Tensor> =
        numbers.iter().map(|numbers| e.cast(numbers, DataType::Double)).collect();
    for sets in &flat.sets {
        let num_rows = sets.goes_right.len() / sets.num_sets;
        let bytes = sets.goes_right.iter().map(|goes_right| u8::from(*goes_right));
        let table = e.constant(raw(DataType::Bool, &[num_rows, sets.num_sets], bytes));
        let axis = vec![("axis", Attribute::Int(0))];
        let found = e.with("Gather", &[&table, &ids[sets.feature]], axis);
        columns.push(e.cast(&found, DataType::Double));
    }
    if columns.is_empty() {
        // Nothing is asked for, but there is one result per row.
        let nothing = e.doubles(&[0.0], &[1, 1]);
        columns.push(e.expand(&nothing));
    }
    let columns: Vec<&Tensor> = columns.iter().collect();
    let row = match columns.as_slice() {
        [one] => (*one).clone(),
        several => e.with("Concat", several, vec![("axis", Attribute::Int(1))]),
    };
    let output = e.fresh();
    let attributes = Nodes::new(&flat.trees, num_outputs).attributes(&forest.base);
    e.node(ML, "TreeEnsembleRegressor", &[&row], &[&output], attributes);
    output
}

/// All nodes, attribute by attribute.
#[derive(Default)]
struct Nodes {
    trees: Vec<i64>,
    places: Vec<i64>,
    columns: Vec<i64>,
    modes: Vec<&'static str>,
    thresholds: Vec<f64>,
    left: Vec<i64>,
    right: Vec<i64>,
    missing_left: Vec<i64>,
    leaf_trees: Vec<i64>,
    leaf_places: Vec<i64>,
    leaf_outputs: Vec<i64>,
    leaf_values: Vec<f64>,
}

impl Nodes {
    fn new(trees: &[Vec<Node>], num_outputs: usize) -> Self {
        let mut all = Self::default();
        for (tree, nodes) in trees.iter().enumerate() {
            for (place, node) in nodes.iter().enumerate() {
                all.add(as_int(tree), as_int(place), node, as_int(tree % num_outputs));
            }
        }
        all
    }

    fn add(&mut self, tree: i64, place: i64, node: &Node, output: i64) {
        self.trees.push(tree);
        self.places.push(place);
        let (column, mode, threshold, left, right, missing_left) = match *node {
            Node::Number { column, threshold, missing_left, left, right } => {
                (column, "BRANCH_LEQ", threshold, left, right, missing_left)
            }
            Node::Category { .. } => unreachable!("decisions are flat"),
            Node::Leaf { value } => {
                self.leaf_trees.push(tree);
                self.leaf_places.push(place);
                self.leaf_outputs.push(output);
                self.leaf_values.push(value.into());
                (0, "LEAF", 0.0, 0, 0, false)
            }
        };
        self.columns.push(column.into());
        self.modes.push(mode);
        self.thresholds.push(threshold.into());
        self.left.push(left.into());
        self.right.push(right.into());
        self.missing_left.push(missing_left.into());
    }

    fn attributes(self, base: &[f32]) -> Vec<(&'static str, Attribute<'static>)> {
        let doubles = |values: &[f64]| {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes());
            Attribute::Tensor(raw(DataType::Double, &[values.len()], bytes))
        };
        let base: Vec<f64> = base.iter().copied().map(f64::from).collect();
        vec![
            ("n_targets", Attribute::Int(as_int(base.len()))),
            ("base_values_as_tensor", doubles(&base)),
            ("nodes_treeids", Attribute::Ints(self.trees)),
            ("nodes_nodeids", Attribute::Ints(self.places)),
            ("nodes_featureids", Attribute::Ints(self.columns)),
            ("nodes_modes", Attribute::Texts(self.modes)),
            ("nodes_values_as_tensor", doubles(&self.thresholds)),
            ("nodes_truenodeids", Attribute::Ints(self.left)),
            ("nodes_falsenodeids", Attribute::Ints(self.right)),
            ("nodes_missing_value_tracks_true", Attribute::Ints(self.missing_left)),
            ("target_treeids", Attribute::Ints(self.leaf_trees)),
            ("target_nodeids", Attribute::Ints(self.leaf_places)),
            ("target_ids", Attribute::Ints(self.leaf_outputs)),
            ("target_weights_as_tensor", doubles(&self.leaf_values)),
        ]
    }
}
