//! Full passes: what is learned of the arguments of analyzers.
//!
//! A pass evaluates the arguments of its analyzers with a graph, the same that makes features later, and takes the
//! values in. Analyzers over the same arguments share what is learned of them.

mod align;
mod byte_pairs;
pub(crate) mod cache;
mod counts;
pub(crate) mod covariance;
mod folder;
mod frequency;
mod information;
pub(crate) mod keyed;
pub(crate) mod numbers;
mod pass;
mod runs;
mod selection;
mod subject;
mod table;
pub(crate) mod tukey;
pub(crate) mod vocabulary;

pub(crate) use byte_pairs::{learn_byte_pairs, learn_word_pieces};
pub use cache::{Shard, StateStore};
pub(crate) use counts::Counts;
pub use folder::{FolderStore, FolderView};
pub(crate) use numbers::LearnedNumbers;
pub use pass::{AnalyzerPass, AnalyzerState, Learned};
pub(crate) use subject::{Analysis, Beside, Found, State, Subject};
