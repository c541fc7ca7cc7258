//! Distances between the values of a feature in two datasets.

mod categories;
mod divergence;

pub(crate) use categories::{l_infinity_distance, normalized_abs_difference};
pub(crate) use divergence::jensen_shannon_divergence;
