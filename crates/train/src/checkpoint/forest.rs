//! Boosted trees as bytes.

use model::{Forest, Node, Tree};

use super::{Reader, number};

const LEAF: u32 = 0;
const NUMBER: u32 = 1;
const CATEGORY: u32 = 2;

pub(super) fn write(forest: &Forest, out: &mut Vec<u8>) {
    number(out, forest.base.len() as u64);
    out.extend(forest.base.iter().flat_map(|value| value.to_le_bytes()));
    number(out, forest.trees.len() as u64);
    for tree in &forest.trees {
        number(out, tree.nodes.len() as u64);
        for node in &tree.nodes {
            let words = match *node {
                Node::Leaf { value } => [LEAF, value.to_bits(), 0, 0, 0, 0],
                Node::Number { column, threshold, missing_left, left, right } => {
                    [NUMBER, threshold.to_bits(), column, u32::from(missing_left), left, right]
                }
                Node::Category { column, set, missing_left, left, right } => {
                    [CATEGORY, set, column, u32::from(missing_left), left, right]
                }
            };
            out.extend(words.into_iter().flat_map(u32::to_le_bytes));
        }
        number(out, tree.sets.len() as u64);
        out.extend(tree.sets.iter().flat_map(|set| set.to_le_bytes()));
    }
}

/// Reads trees, which may still be none of the network's.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Forest> {
    let mut forest = Forest::default();
    for _ in 0..reader.number()? {
        forest.base.push(f32::from_le_bytes(reader.take()?));
    }
    for _ in 0..reader.number()? {
        let mut tree = Tree::default();
        for _ in 0..reader.number()? {
            let mut word = || reader.take().map(u32::from_le_bytes);
            let [kind, value, column, missing, left, right] =
                [word()?, word()?, word()?, word()?, word()?, word()?];
            let missing_left = missing == 1;
            tree.nodes.push(match kind {
                LEAF => Node::Leaf { value: f32::from_bits(value) },
                NUMBER => {
                    let threshold = f32::from_bits(value);
                    Node::Number { column, threshold, missing_left, left, right }
                }
                CATEGORY => Node::Category { column, set: value, missing_left, left, right },
                _ => return None,
            });
        }
        for _ in 0..reader.number()? {
            tree.sets.push(u32::from_le_bytes(reader.take()?));
        }
        forest.trees.push(tree);
    }
    Some(forest)
}
