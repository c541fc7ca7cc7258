//! Boosted trees: decisions one below the other, and a value at the end of each path.

use crate::ModelError;
use crate::network::{NO_CATEGORY, Network, Rows};

/// Boosted trees: the logits are `base` plus what every tree gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forest {
    /// Where the sums begin, one per output.
    pub base: Vec<f32>,
    /// Tree `i` adds to output `i % base.len()`.
    pub trees: Vec<Tree>,
}

/// One tree; its first node is the root.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// The nodes; children come behind their parent.
    pub nodes: Vec<Node>,
    /// The sets of categories that decisions ask for, one bit for each category.
    pub sets: Vec<u32>,
}

/// One node of a tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Node {
    /// The end of a path.
    Leaf {
        /// What is added.
        value: f32,
    },
    /// A question about a number.
    Number {
        /// The column in [`Rows::numeric`].
        column: u32,
        /// Numbers up to this one go left.
        threshold: f32,
        /// Where a missing number goes.
        missing_left: bool,
        /// The left child; the right one is the one that is asked for otherwise.
        left: u32,
        /// The right child.
        right: u32,
    },
    /// A question about a category.
    Category {
        /// The column in [`Rows::ids`].
        column: u32,
        /// Where the set of categories that go left begins in [`Tree::sets`].
        set: u32,
        /// Where a missing category goes.
        missing_left: bool,
        /// The left child.
        left: u32,
        /// The right child.
        right: u32,
    },
}

impl Tree {
    /// Returns what the tree gives for an example.
    pub fn value(&self, numeric: &[f32], ids: &[u32]) -> f32 {
        let mut place = 0;
        loop {
            let goes = match self.nodes[place] {
                Node::Leaf { value } => return value,
                Node::Number { column, threshold, missing_left, left, right } => {
                    let value = numeric[column as usize];
                    let is_left = if value.is_nan() { missing_left } else { value <= threshold };
                    if is_left { left } else { right }
                }
                Node::Category { column, set, missing_left, left, right } => {
                    let id = ids[column as usize];
                    let is_left = match id {
                        NO_CATEGORY => missing_left,
                        _ => self.has_category(set, id),
                    };
                    if is_left { left } else { right }
                }
            };
            place = goes as usize;
        }
    }

    /// Returns whether a set of categories has one of them.
    pub fn has_category(&self, set: u32, id: u32) -> bool {
        self.sets[(set + id / 32) as usize] >> (id % 32) & 1 == 1
    }
}

impl Forest {
    /// Returns the logits of examples, shape `[rows, outputs]`.
    pub fn logits(&self, network: &Network, rows: &Rows) -> Vec<f32> {
        let (num_numeric, num_ids) = (network.numeric_width(), network.num_single());
        let outputs = self.base.len();
        let mut logits = Vec::with_capacity(rows.num_rows() * outputs);
        for row in 0..rows.num_rows() {
            let numeric = &rows.numeric()[row * num_numeric..(row + 1) * num_numeric];
            let ids = &rows.ids()[row * num_ids..(row + 1) * num_ids];
            let start = logits.len();
            // Sums of many small numbers; in double precision their order hardly shows.
            for output in 0..outputs {
                let trees = self.trees.iter().skip(output).step_by(outputs);
                let sum: f64 = trees.map(|tree| f64::from(tree.value(numeric, ids))).sum();
                #[expect(clippy::cast_possible_truncation, reason = "logits are single precision")]
                logits.push((f64::from(self.base[output]) + sum) as f32);
            }
            debug_assert_eq!(logits.len(), start + outputs);
        }
        logits
    }

    /// Tells whether every path of every tree ends, and asks only for what the network has.
    ///
    /// # Errors
    ///
    /// [`ModelError::Inconsistent`].
    pub fn check(&self, network: &Network) -> Result<(), ModelError> {
        let inconsistent = |reason| Err(ModelError::Inconsistent { reason });
        if self.base.len() != network.num_outputs() {
            return inconsistent("the trees have not one sum per output");
        }
        if network.num_multiple() > 0 {
            return inconsistent("trees read at most one category of a feature");
        }
        if !self.trees.len().is_multiple_of(self.base.len()) {
            return inconsistent("not every output has as many trees");
        }
        let is_finite = |node: &Node| match node {
            Node::Leaf { value } => value.is_finite(),
            Node::Number { threshold, .. } => threshold.is_finite(),
            Node::Category { .. } => true,
        };
        for tree in &self.trees {
            if tree.nodes.is_empty() {
                return inconsistent("a tree has no nodes");
            }
            if !tree.nodes.iter().all(is_finite) {
                return inconsistent("a number of a tree is not finite");
            }
            for (place, node) in tree.nodes.iter().enumerate() {
                let (left, right) = match *node {
                    Node::Leaf { .. } => continue,
                    Node::Number { column, left, right, .. } => {
                        if column as usize >= network.numeric_width() {
                            return inconsistent(
                                "a tree asks for a feature that the model does not read",
                            );
                        }
                        (left, right)
                    }
                    Node::Category { column, set, left, right, .. } => {
                        let Some(feature) = network.categorical().get(column as usize) else {
                            return inconsistent(
                                "a tree asks for a feature that the model does not read",
                            );
                        };
                        let end = (set as usize).saturating_add(feature.num_buckets.div_ceil(32));
                        if end > tree.sets.len() {
                            return inconsistent("a tree asks for a set that it does not have");
                        }
                        (left, right)
                    }
                };
                let is_child =
                    |child: u32| place < child as usize && (child as usize) < tree.nodes.len();
                if !is_child(left) || !is_child(right) {
                    return inconsistent("a tree's nodes are not in order");
                }
            }
        }
        Ok(())
    }
}
