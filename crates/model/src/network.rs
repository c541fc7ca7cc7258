//! The seam for trainers: the shape of a network, the rows that it reads, its weights and its forward pass.
//!
//! A network has a *wide* part, one weight for each category of each categorical feature, and one or two *towers*,
//! dense layers over the numbers and the embeddings of the categories. The logits are the sum of the wide part and the
//! tower, or the product of two towers. A linear model is the one without hidden layers and embeddings. Boosted trees
//! read the same rows.
//!
//! Tables are looked up, and their gradient is the gradient of what was looked up, scattered back: a step costs what
//! its batch touches, not what the vocabularies hold.

mod dense;
mod matrix;
mod rows;
mod shape;
mod weights;

pub use dense::{Activations, forward, logits};
pub use matrix::{Matrix, multiply};
pub use rows::{Encoder, Inputs, Lists, NO_CATEGORY, Rows, numeric_column, scale};
pub use shape::{Architecture, Categorical, Network, Numeric, Tower, default_embedding_dimension};
pub use weights::{Layer, Weights};
