//! Boosted trees whose every decision asks for a number, for targets that know no sets of categories.

use std::collections::HashMap;

use model::network::Network;
use model::{Forest, Node, Tree};

/// The trees of a forest, and what a row has to hold for them.
///
/// A row begins with the numbers of the network, missing ones as NaN. Behind them stand, feature by feature, as many
/// numbers as there are sets of its categories: 0 where the row's category goes left, and 1 where it goes right.
pub(crate) struct FlatForest {
    /// The nodes of each tree: leaves, and questions about numbers.
    pub(crate) trees: Vec<Vec<Node>>,
    pub(crate) sets: Vec<Sets>,
}

/// The sets of categories of one feature that decisions ask for, each once.
pub(crate) struct Sets {
    /// The feature's place among [`Network::categorical`].
    pub(crate) feature: usize,
    pub(crate) num_sets: usize,
    /// Whether a category goes right, shape `[num_buckets + 1, num_sets]`; the last row is that of no category.
    pub(crate) goes_right: Vec<bool>,
}

impl FlatForest {
    /// Returns the trees of a forest that fits the network.
    pub(crate) fn new(network: &Network, forest: &Forest) -> Self {
        let categorical = network.categorical();
        let mut columns: Vec<Vec<Vec<bool>>> = vec![Vec::new(); categorical.len()];
        let mut known = HashMap::new();
        let mut trees: Vec<Vec<Node>> = Vec::with_capacity(forest.trees.len());
        for tree in &forest.trees {
            let mut nodes = tree.nodes.clone();
            for node in &mut nodes {
                let Node::Category { column, set, missing_left, .. } = node else { continue };
                let feature = *column as usize;
                let asked = goes_right(tree, *set, *missing_left, categorical[feature].num_buckets);
                let columns = &mut columns[feature];
                *set = *known.entry((feature, asked)).or_insert_with_key(|(_, asked)| {
                    columns.push(asked.clone());
                    as_u32(columns.len() - 1)
                });
            }
            trees.push(nodes);
        }
        let mut first = Vec::with_capacity(columns.len());
        let mut next = network.numeric_width();
        for columns in &columns {
            first.push(as_u32(next));
            next += columns.len();
        }
        for node in trees.iter_mut().flatten() {
            if let Node::Category { column, set, left, right, .. } = *node {
                let column = first[column as usize] + set;
                *node = Node::Number { column, threshold: 0.5, missing_left: false, left, right };
            }
        }
        let asked = columns.into_iter().enumerate().filter(|(_, columns)| !columns.is_empty());
        let sets = asked.map(|(feature, columns)| Sets::new(feature, &columns)).collect();
        Self { trees, sets }
    }
}

impl Sets {
    fn new(feature: usize, columns: &[Vec<bool>]) -> Self {
        let num_rows = columns.first().map_or(0, Vec::len);
        let row = |row: usize| columns.iter().map(move |column| column[row]);
        Self { feature, num_sets: columns.len(), goes_right: (0..num_rows).flat_map(row).collect() }
    }
}

/// Tells of each category, and at the end of none, whether it goes right.
fn goes_right(tree: &Tree, set: u32, missing_left: bool, num_buckets: usize) -> Vec<bool> {
    let categories = (0..as_u32(num_buckets)).map(|id| !tree.has_category(set, id));
    categories.chain([!missing_left]).collect()
}

fn as_u32(number: usize) -> u32 {
    u32::try_from(number).expect("trees number their nodes, columns and sets in 32 bits")
}

#[cfg(test)]
mod tests {
    use model::{Architecture, FeatureKind, FeatureSpec};

    use super::*;

    #[test]
    fn sets_become_numbers_behind_the_others_and_equal_ones_are_one() {
        let spec = |name: &str, kind| FeatureSpec { name: name.to_owned(), kind };
        let inputs = [
            spec("fare", FeatureKind::Numeric),
            spec("hour", FeatureKind::Categorical { num_buckets: 2 }),
            spec("company", FeatureKind::Categorical { num_buckets: 3 }),
        ];
        let network = Network::new(&inputs, &Architecture::BoostedTrees, 1).unwrap();
        let ask =
            |set, missing_left| Node::Category { column: 1, set, missing_left, left: 1, right: 2 };
        let leaf = |value| Node::Leaf { value };
        let tree = |set: u32, missing_left| Tree {
            nodes: vec![ask(0, missing_left), leaf(1.0), leaf(2.0)],
            sets: vec![set],
        };
        // Bits of categories that the feature does not have say nothing.
        let forest = Forest {
            base: vec![0.0],
            trees: vec![tree(0b101, false), tree(0b1101, false), tree(0b101, true)],
        };
        let flat = FlatForest::new(&network, &forest);
        let columns: Vec<u32> = flat
            .trees
            .iter()
            .map(|nodes| match nodes[0] {
                Node::Number { column, .. } => column,
                _ => panic!("{nodes:?}"),
            })
            .collect();
        assert_eq!(columns, [1, 1, 2]);
        let [sets] = flat.sets.as_slice() else { panic!("{}", flat.sets.len()) };
        assert_eq!((sets.feature, sets.num_sets), (1, 2));
        let rows: Vec<_> = sets.goes_right.chunks(2).map(<[bool]>::to_vec).collect();
        assert_eq!(rows, [[false, false], [true, true], [false, false], [true, false]]);
    }
}
