//! The greatest of many texts, in order: by their scores, then by their bytes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Keeps the `top_k` greatest of what is pushed, or all.
#[derive(Clone, Debug)]
pub(crate) struct Selection<S: Ord> {
    top_k: usize,
    kept: BinaryHeap<Reverse<(S, Box<str>)>>,
}

impl<S: Ord> Selection<S> {
    pub(crate) fn new(top_k: Option<usize>) -> Self {
        Self { top_k: top_k.unwrap_or(usize::MAX), kept: BinaryHeap::new() }
    }

    /// Takes in a text, if it is among the greatest so far.
    pub(crate) fn push(&mut self, score: S, text: &str) {
        if self.kept.len() == self.top_k {
            let is_less = self
                .kept
                .peek()
                .is_none_or(|Reverse((least, last))| (&score, text) <= (least, &**last));
            if is_less {
                return;
            }
            self.kept.pop();
        }
        self.kept.push(Reverse((score, text.into())));
    }

    /// Returns what was kept, the greatest first.
    pub(crate) fn finish(self) -> Vec<(S, Box<str>)> {
        let mut kept: Vec<_> = self.kept.into_iter().map(|Reverse(kept)| kept).collect();
        kept.sort_unstable_by(|one, other| other.cmp(one));
        kept
    }
}

/// A float in the order of `total_cmp`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ordered(pub(crate) f64);

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_in_descending_order_and_the_last_are_dropped() {
        let texts = [(1, "a"), (3, "b"), (1, "c"), (3, "ab"), (2, "z"), (1, "b")];
        let select = |top_k| {
            let mut selection = Selection::new(top_k);
            texts.iter().for_each(|&(score, text)| selection.push(score, text));
            let kept: Vec<_> = selection.finish().into_iter().map(|(_, text)| text).collect();
            kept.join(" ")
        };
        assert_eq!(select(None), "b ab z c b a");
        assert_eq!(select(Some(4)), "b ab z c");
        assert_eq!((select(Some(1)), select(Some(0))), ("b".to_owned(), String::new()));
    }
}
