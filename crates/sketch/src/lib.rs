//! Mergeable summaries of numbers: distinct values with their counts or weights, moments, ranks.
//!
//! Entry types: [`Distribution`] for all that is known of one feature's numbers, [`Summary`] for ranks alone,
//! [`bytes`] for the byte form of states. **Invariants:** memory is bounded; results are exact, and the same
//! to the last bit however the numbers were partitioned, up to a bound of distinct numbers that the caller
//! chooses, and within the error stated in `distribution.rs` beyond; bytes are never trusted. Statistics and
//! analyzers share this crate, so that a quantile is the same number in both.
//!
//! Not here: Arrow, strings, what the numbers mean.

pub mod bytes;
mod count;
mod distribution;
mod error;
mod numbers;
mod quantiles;

pub use count::{Count, Weight};
pub use distribution::{Distributed, Distribution, Moments, as_f64};
pub use error::StateError;
pub use quantiles::{Entry, Summary};
