//! What columns one file has and another has not.

use std::collections::HashMap;
use std::fmt;

/// The columns in which a file differs from another; their order does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDifference {
    /// What the other has besides.
    pub missing: Vec<String>,
    /// What the file has besides.
    pub added: Vec<String>,
}

/// How many names a message lists.
const LISTED: usize = 5;

impl ColumnDifference {
    /// Returns the difference of two lists of names, or `None` where they have the same, each as often.
    pub(crate) fn between<'n>(
        found: impl Iterator<Item = &'n str> + Clone,
        expected: impl Iterator<Item = &'n str> + Clone,
    ) -> Option<Self> {
        let missing = besides(expected.clone(), found.clone());
        let added = besides(found, expected);
        (!missing.is_empty() || !added.is_empty()).then_some(Self { missing, added })
    }
}

/// Returns the names of one list that another has not, or not so often.
fn besides<'n>(
    names: impl Iterator<Item = &'n str>,
    others: impl Iterator<Item = &'n str>,
) -> Vec<String> {
    let mut left: HashMap<&str, usize> = HashMap::new();
    others.for_each(|name| *left.entry(name).or_default() += 1);
    let is_besides = |name: &&'n str| match left.get_mut(name) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    names.filter(is_besides).map(ToOwned::to_owned).collect()
}

impl fmt::Display for ColumnDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |names: &[String]| {
            let mut shown: Vec<_> =
                names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
            if names.len() > LISTED {
                shown.push(format!("{} more", names.len() - LISTED));
            }
            shown.join(", ")
        };
        match (self.missing.as_slice(), self.added.as_slice()) {
            (missing, []) => write!(f, "{} missing", listed(missing)),
            ([], added) => write!(f, "{} besides", listed(added)),
            (missing, added) => write!(f, "{} missing, {} besides", listed(missing), listed(added)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(found: &[&str], expected: &[&str]) -> Option<String> {
        let difference =
            ColumnDifference::between(found.iter().copied(), expected.iter().copied())?;
        Some(difference.to_string())
    }

    #[test]
    fn order_is_no_difference() {
        assert_eq!(said(&["a", "b"], &["b", "a"]), None);
        assert_eq!(said(&[], &[]), None);
        assert_eq!(said(&["a"], &["b", "a"]).unwrap(), "`b` missing");
        assert_eq!(said(&["c", "a"], &["b", "a"]).unwrap(), "`b` missing, `c` besides");
        assert_eq!(said(&["a", "a"], &["a"]).unwrap(), "`a` besides");
        let names = ["1", "2", "3", "4", "5", "6", "7"];
        assert_eq!(said(&[], &names).unwrap(), "`1`, `2`, `3`, `4`, `5`, 2 more missing");
    }
}
