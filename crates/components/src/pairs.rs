//! Pairs of splits: one of the data, one of the baseline.

use artifact::Artifact;

use crate::ComponentError;

/// A split, and the one of the baseline that it is compared with.
pub(crate) type Pair = [String; 2];

/// Which pairs are compared where the configuration does not say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Default {
    /// Splits of one name.
    SameName,
    /// Each with each.
    All,
}

/// Returns the pairs to compare, in the order of the splits of both artifacts.
pub(crate) fn split_pairs(
    test: &Artifact,
    base: &Artifact,
    include: &[Pair],
    default: Default,
) -> Result<Vec<Pair>, ComponentError> {
    let (test_splits, base_splits) = (test.split_names(), base.split_names());
    let all = test_splits
        .iter()
        .flat_map(|test| base_splits.iter().map(|base| [test.clone(), base.clone()]));
    let is_included = |pair: &Pair| match (include, default) {
        ([], Default::All) => true,
        ([], Default::SameName) => pair[0] == pair[1],
        (include, _) => include.contains(pair),
    };
    let pairs: Vec<Pair> = all.filter(is_included).collect();
    if let Some([test, base]) = include.iter().find(|pair| !pairs.contains(pair)) {
        let (test, base) = (test.clone(), base.clone());
        return Err(ComponentError::NoSplitPair { test, base, test_splits, base_splits });
    }
    if pairs.is_empty() {
        return Err(ComponentError::NoCommonSplit { test_splits, base_splits });
    }
    Ok(pairs)
}

/// Returns the name of a pair, as TFX writes it.
pub(crate) fn name([test, base]: &Pair) -> String {
    format!("{test}_{base}")
}
