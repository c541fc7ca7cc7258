//! One tree, grown at the leaf where a decision lowers the loss the most.

use model::{Node, Tree};

use crate::config::BoostedTreesConfig;

use super::bins::{Binned, Bins, Feature};
use super::split::{Decision, Left, Sums, best};

/// Fewer examples than this are not worth a second thread.
const MIN_ROWS_PER_THREAD: usize = 4096;

/// What a tree is grown from.
pub(super) struct Grower<'a> {
    pub(super) config: &'a BoostedTreesConfig,
    pub(super) bins: &'a Bins,
    pub(super) binned: &'a Binned,
    /// The features to ask for.
    pub(super) features: &'a [usize],
    pub(super) num_threads: usize,
}

/// A tree over bins.
pub(super) struct Grown {
    nodes: Vec<GrownNode>,
}

enum GrownNode {
    Leaf(f32),
    Inner { decision: Decision, missing_bin: u8, left: usize, right: usize },
}

/// A leaf that may be decided about.
struct Leaf {
    node: usize,
    rows: Vec<u32>,
    depth: usize,
    sums: Sums,
    histograms: Vec<Vec<Sums>>,
    decision: Option<Decision>,
}

impl Grower<'_> {
    /// Grows a tree on some rows; `slopes` are the derivatives by the logits, shape `[rows, outputs]`.
    pub(super) fn grow(
        &self,
        rows: Vec<u32>,
        slopes: &[(f32, f32)],
        output: usize,
        outputs: usize,
    ) -> Grown {
        let slope = |row: u32| slopes[row as usize * outputs + output];
        let mut sums = Sums::default();
        for &row in &rows {
            let (gradient, hessian) = slope(row);
            sums.add(Sums { gradient: gradient.into(), hessian: hessian.into(), count: 1 });
        }
        let histograms = self.histograms(&rows, &slope);
        let mut root = Leaf { node: 0, rows, depth: 0, sums, histograms, decision: None };
        root.decision = self.decide(&root);
        let mut nodes = vec![GrownNode::Leaf(0.0)];
        let mut leaves = vec![root];
        while leaves.len() < self.config.max_leaves {
            let gain = |leaf: &Leaf| leaf.decision.as_ref().map_or(0.0, |decision| decision.gain);
            // The first of equals.
            let place = (0..leaves.len())
                .rev()
                .max_by(|&a, &b| gain(&leaves[a]).total_cmp(&gain(&leaves[b])))
                .expect("there is the root");
            let Some(decision) = leaves[place].decision.take() else { break };
            let leaf = leaves.swap_remove(place);
            let node = leaf.node;
            let (left, right) = self.divide(leaf, &decision, &slope, nodes.len());
            let missing_bin = self.bins.feature(decision.feature).missing_bin();
            nodes[node] =
                GrownNode::Inner { decision, missing_bin, left: left.node, right: right.node };
            nodes.extend([GrownNode::Leaf(0.0), GrownNode::Leaf(0.0)]);
            leaves.extend([left, right]);
        }
        for leaf in leaves {
            let value = self.config.shrinkage * leaf.sums.value(self.config.l2);
            #[expect(clippy::cast_possible_truncation, reason = "leaves are single precision")]
            let value = value as f32;
            nodes[leaf.node] = GrownNode::Leaf(value);
        }
        Grown { nodes }
    }

    fn divide(
        &self,
        leaf: Leaf,
        decision: &Decision,
        slope: &(impl Fn(u32) -> (f32, f32) + Sync),
        next_node: usize,
    ) -> (Leaf, Leaf) {
        let column = self.binned.column(decision.feature);
        let missing = self.bins.feature(decision.feature).missing_bin();
        let goes_left = |row: &u32| goes_left(decision, column[*row as usize], missing);
        let (left_rows, right_rows): (Vec<u32>, Vec<u32>) =
            leaf.rows.iter().partition(|row| goes_left(row));
        let right_sums = leaf.sums.minus(decision.left_sums);
        let is_left_smaller = left_rows.len() <= right_rows.len();
        let smaller = if is_left_smaller { &left_rows } else { &right_rows };
        let is_deep = leaf.depth + 1 >= self.config.max_depth;
        let (small, large) = if is_deep {
            (Vec::new(), Vec::new())
        } else {
            let small = self.histograms(smaller, slope);
            // What is left of the parent's is the other's.
            let mut large = leaf.histograms;
            for (large, small) in large.iter_mut().zip(&small) {
                large.iter_mut().zip(small).for_each(|(a, b)| *a = a.minus(*b));
            }
            (small, large)
        };
        let (left, right) = if is_left_smaller { (small, large) } else { (large, small) };
        let make = |node, rows, sums, histograms| {
            let depth = leaf.depth + 1;
            let mut leaf = Leaf { node, rows, depth, sums, histograms, decision: None };
            if !is_deep {
                leaf.decision = self.decide(&leaf);
            }
            leaf
        };
        (
            make(next_node, left_rows, decision.left_sums, left),
            make(next_node + 1, right_rows, right_sums, right),
        )
    }

    fn histograms(
        &self,
        rows: &[u32],
        slope: &(impl Fn(u32) -> (f32, f32) + Sync),
    ) -> Vec<Vec<Sums>> {
        // Read by each feature: once in order is better than each time at random.
        let slopes: Vec<(f32, f32)> = rows.iter().map(|&row| slope(row)).collect();
        let mut histograms: Vec<(usize, Vec<Sums>)> =
            self.features.iter().map(|&feature| (feature, Vec::new())).collect();
        let fill = |(feature, histogram): &mut (usize, Vec<Sums>)| {
            histogram.resize(self.bins.feature(*feature).num_bins(), Sums::default());
            let column = self.binned.column(*feature);
            for (&row, &(gradient, hessian)) in rows.iter().zip(&slopes) {
                let sums = &mut histogram[usize::from(column[row as usize])];
                sums.gradient += f64::from(gradient);
                sums.hessian += f64::from(hessian);
                sums.count += 1;
            }
        };
        let num_threads =
            self.num_threads.min(rows.len() / MIN_ROWS_PER_THREAD).min(histograms.len()).max(1);
        let share = histograms.len().div_ceil(num_threads);
        let own_share = share.min(histograms.len());
        std::thread::scope(|scope| {
            let (own, others) = histograms.split_at_mut(own_share);
            for part in others.chunks_mut(share) {
                scope.spawn(move || part.iter_mut().for_each(fill));
            }
            own.iter_mut().for_each(fill);
        });
        histograms.into_iter().map(|(_, histogram)| histogram).collect()
    }

    fn decide(&self, leaf: &Leaf) -> Option<Decision> {
        let least = self.config.min_examples_per_leaf.saturating_mul(2);
        if leaf.rows.len() < least {
            return None;
        }
        let mut found: Option<Decision> = None;
        for (&feature, histogram) in self.features.iter().zip(&leaf.histograms) {
            let of = self.bins.feature(feature);
            let Some(decision) = best(self.config, feature, of, histogram, leaf.sums) else {
                continue;
            };
            if found.as_ref().is_none_or(|found| decision.gain > found.gain) {
                found = Some(decision);
            }
        }
        found
    }
}

fn goes_left(decision: &Decision, bin: u8, missing: u8) -> bool {
    if bin == missing { decision.missing_left } else { decision.left.has(bin) }
}

impl Grown {
    pub(super) fn num_leaves(&self) -> usize {
        self.nodes.iter().filter(|node| matches!(node, GrownNode::Leaf(_))).count()
    }

    /// Returns what the tree gives for an example.
    pub(super) fn value(&self, binned: &Binned, row: usize) -> f32 {
        let mut place = 0;
        loop {
            match &self.nodes[place] {
                GrownNode::Leaf(value) => return *value,
                GrownNode::Inner { decision, missing_bin, left, right } => {
                    let bin = binned.column(decision.feature)[row];
                    place = if goes_left(decision, bin, *missing_bin) { *left } else { *right };
                }
            }
        }
    }

    /// Returns the tree over values.
    pub(super) fn into_tree(self, bins: &Bins) -> Tree {
        let mut tree = Tree::default();
        let small = |number: usize| u32::try_from(number).expect("trees and features are small");
        for node in self.nodes {
            let (decision, left, right) = match node {
                GrownNode::Leaf(value) => {
                    tree.nodes.push(Node::Leaf { value });
                    continue;
                }
                GrownNode::Inner { decision, left, right, .. } => {
                    (decision, small(left), small(right))
                }
            };
            let missing_left = decision.missing_left;
            tree.nodes.push(match bins.feature(decision.feature) {
                Feature::Number { column, edges } => {
                    let last = match decision.left {
                        Left::UpTo(bin) => usize::from(bin),
                        Left::Set(_) => unreachable!("numbers are compared"),
                    };
                    // Beyond the last edge is every number.
                    let threshold = edges.get(last).copied().unwrap_or(f32::MAX);
                    Node::Number { column: small(*column), threshold, missing_left, left, right }
                }
                Feature::Category { column, num_buckets, categories, .. } => {
                    let set = small(tree.sets.len());
                    let start = tree.sets.len();
                    tree.sets.resize(start + num_buckets.div_ceil(32), 0);
                    for (bin, &id) in categories.iter().enumerate() {
                        if decision.left.has(u8::try_from(bin).expect("at most 255 bins")) {
                            tree.sets[start + id as usize / 32] |= 1 << (id % 32);
                        }
                    }
                    Node::Category { column: small(*column), set, missing_left, left, right }
                }
            });
        }
        tree
    }
}
