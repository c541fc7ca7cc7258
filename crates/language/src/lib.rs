//! Language models: the decoder-only transformer of the Llama architecture, its forward pass, cached generation,
//! sampling, and weights in the HuggingFace layout.
//!
//! Entry types: [`LanguageModel`] (a folder with `config.json` and `model.safetensors`), [`Generation`] (an iterator
//! over new tokens, for whoever streams them), [`Sampling`]. [`Network`] is the seam for trainers: one block of the
//! network, forward, that keeps what a backward pass needs. **Invariants:** there is one forward pass, used for
//! training, scoring and generation alike; results do not depend on the number of threads (work is cut into pieces of
//! fixed size), and are the same bits on machines with the same vector instructions; nothing is allocated by a size
//! that a file claims and does not have.
//! Not here: how weights come about (`train_language`), text and tokenizers, artifacts.

mod attention;
mod config;
mod error;
mod generate;
mod layout;
mod likelihood;
pub mod matrix;
mod model;
mod network;
mod normalize;
mod rotation;
mod sampling;
mod serialize;
pub mod vector;

pub use attention::{Heads, attend};
pub use config::{Shape, WeightType};
pub use error::LanguageError;
pub use generate::{Finish, Generation, Limits, Prompt};
pub use layout::{Layout, Part, Tensor};
pub use likelihood::Likelihood;
pub use model::{KvCache, LanguageModel, TokenLoss};
pub use network::{Activations, Attend, BlockWeights, Network};
pub use normalize::rms_norm;
pub use rotation::Rotation;
pub use sampling::{Sampler, Sampling};
