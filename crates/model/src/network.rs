//! The seam for trainers: the shape of a network, the rows that it reads, its weights and its forward pass.
//!
//! Every architecture is one network: a *wide* part, one weight for each category of each categorical
//! feature, and a *deep* part, dense layers over the numeric features and the embeddings of the categorical
//! ones. The logit is the sum of both. A linear model is the one without hidden layers and embeddings.
//!
//! Tables are looked up on the host, and their gradient is the gradient of what was looked up, scattered back:
//! a step costs what its batch touches, not what the vocabularies hold. The dense layers run on tensors.

mod dense;
mod rows;
mod shape;
mod weights;

pub use dense::{DenseLayer, dense, logits};
pub use rows::{Encoder, NO_CATEGORY, Rows, numeric_column};
pub use shape::{Architecture, Categorical, Network, default_embedding_dimension};
pub use weights::{Layer, Weights};
