//! Boosted trees, out of plain operations.
//!
//! All trees of all rows go down together: each step takes every row's place in every tree to a child of it, and leaves
//! stay where they are. After as many steps as the longest path has, the values of the places are summed up, in 64 bits
//! as ours.

use formats::tensorflow::DataType;
use model::network::Network;
use model::{Forest, Node};

use super::network::beside;
use super::reading::Categories;
use super::tensor;
use super::writer::{GraphWriter, Tensor};
use crate::forest::FlatForest;

const FLOAT: DataType = DataType::DtFloat;
const DOUBLE: DataType = DataType::DtDouble;
const INT32: DataType = DataType::DtInt32;

/// Returns the logits, shape `[rows, outputs]`, of numbers of shape `[rows, width]` and of categories.
pub(super) fn logits(
    writer: &mut GraphWriter,
    network: &Network,
    forest: &Forest,
    mut columns: Vec<Tensor>,
    categories: &[Categories],
    shape: &Tensor,
) -> Tensor {
    let flat = FlatForest::new(network, forest);
    let num_outputs = tensor::len(&forest.base);
    let base: Vec<f64> = forest.base.iter().copied().map(f64::from).collect();
    let base = writer.constant(tensor::doubles(&[1, num_outputs], &base));
    if flat.trees.is_empty() {
        let base = writer.cast(&base, FLOAT);
        return once_per_row(writer, &base, num_outputs, shape);
    }
    for sets in &flat.sets {
        let width = tensor::len(&sets.goes_right) / as_int(sets.num_sets);
        let table = tensor::bools(&sets.goes_right);
        let table = writer.constant(table);
        let table_shape = writer.constant(tensor::ints(&[width, as_int(sets.num_sets)]));
        let table = writer.reshape(&table, &table_shape);
        let Categories::One(ids) = &categories[sets.feature] else {
            unreachable!("trees read at most one category of a feature")
        };
        let found = writer.gather(&table, ids);
        columns.push(writer.cast(&found, FLOAT));
    }
    let nodes = Nodes::new(&flat.trees);
    let roots = writer.constant(tensor::int32s(&nodes.roots));
    let mut places = once_per_row(writer, &roots, tensor::len(&nodes.roots), shape);
    if let Some(row) = beside(writer, columns) {
        places = nodes.descend(writer, &row, &places);
    }
    let values = writer.constant(tensor::floats(&[tensor::len(&nodes.values)], &nodes.values));
    let found = writer.gather(&values, &places);
    let found = writer.cast(&found, DOUBLE);
    // Tree `i` adds to output `i % num_outputs`.
    let num_rounds = tensor::len(&nodes.roots) / num_outputs;
    let by_output = writer.constant(tensor::ints(&[-1, num_rounds, num_outputs]));
    let found = writer.reshape(&found, &by_output);
    let axis = writer.constant(tensor::int32s(&[1]));
    let sum = writer.node("Sum").input(&found).input(&axis).data_type("T", DOUBLE);
    let sum = sum.data_type("Tidx", INT32).output(DOUBLE);
    let sum = writer.binary("AddV2", &base, &sum);
    writer.cast(&sum, FLOAT)
}

/// Returns a row of values for each row.
fn once_per_row(writer: &mut GraphWriter, values: &Tensor, width: i64, shape: &Tensor) -> Tensor {
    let width = i32::try_from(width).expect("models have fewer trees and outputs");
    let width = writer.constant(tensor::int32s(&[width]));
    let shape = writer.concat(&[shape, &width]);
    writer.broadcast(values, &shape)
}

/// The nodes of all trees behind each other.
#[derive(Default)]
struct Nodes {
    /// The place of each tree's first node.
    roots: Vec<i32>,
    columns: Vec<i32>,
    thresholds: Vec<f32>,
    missing_left: Vec<bool>,
    left: Vec<i32>,
    right: Vec<i32>,
    values: Vec<f32>,
    /// How many questions the longest path has.
    depth: usize,
}

impl Nodes {
    fn new(trees: &[Vec<Node>]) -> Self {
        let mut all = Self::default();
        for nodes in trees {
            let first = all.columns.len();
            all.roots.push(as_i32(first));
            // Children come behind their parent.
            let mut depths = vec![0; nodes.len()];
            for (place, node) in nodes.iter().enumerate() {
                let itself = first + place;
                let (column, threshold, missing_left, children, value) = match *node {
                    Node::Number { column, threshold, missing_left, left, right } => {
                        for child in [left, right] {
                            depths[child as usize] = depths[place] + 1;
                        }
                        let children = [left, right].map(|child| first + child as usize);
                        (column, threshold, missing_left, children, 0.0)
                    }
                    Node::Category { .. } => unreachable!("decisions are flat"),
                    Node::Leaf { value } => (0, 0.0, false, [itself; 2], value),
                };
                all.depth = all.depth.max(depths[place]);
                all.columns.push(as_i32(column as usize));
                all.thresholds.push(threshold);
                all.missing_left.push(missing_left);
                all.left.push(as_i32(children[0]));
                all.right.push(as_i32(children[1]));
                all.values.push(value);
            }
        }
        all
    }

    /// Returns the leaves below some places.
    fn descend(&self, writer: &mut GraphWriter, row: &Tensor, places: &Tensor) -> Tensor {
        let [columns, left, right] = [&self.columns, &self.left, &self.right]
            .map(|values| writer.constant(tensor::int32s(values)));
        let len = tensor::len(&self.thresholds);
        let thresholds = writer.constant(tensor::floats(&[len], &self.thresholds));
        let missing_left = writer.constant(tensor::bools(&self.missing_left));
        let mut places = places.clone();
        for _ in 0..self.depth {
            let column = writer.gather(&columns, &places);
            let value = writer.gather_by_row(row, &column);
            let threshold = writer.gather(&thresholds, &places);
            let is_most = writer.compare("LessEqual", &value, &threshold);
            let is_nan = writer.node("IsNan").input(&value).data_type("T", FLOAT);
            let is_nan = is_nan.output(DataType::DtBool);
            let goes_left = writer.gather(&missing_left, &places);
            let goes_left = writer.and(&is_nan, &goes_left);
            let goes_left = writer.or(&is_most, &goes_left);
            let [left, right] = [&left, &right].map(|child| writer.gather(child, &places));
            places = writer.select(&goes_left, &left, &right);
        }
        places
    }
}

fn as_int(number: usize) -> i64 {
    i64::try_from(number).expect("memory is smaller")
}

fn as_i32(number: usize) -> i32 {
    i32::try_from(number).expect("no forest has 2^31 nodes")
}
