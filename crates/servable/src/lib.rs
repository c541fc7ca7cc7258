//! Graph and model as one: raw features in, predictions out.
//!
//! Entry type: [`Servable`], a [`model::Predictor`] over raw examples. On disk it is a folder: `signature.json`
//! (what has to be sent and what comes back), `graph/` and `model/`. **Invariants:** examples take the same
//! graph and the same forward pass as in training; only what the model reads is computed, so that a request
//! need not hold the label.
//! Not here: formats of requests, servers, transforms (`graph`), weights (`model`).

mod error;
mod serialize;
mod servable;
mod served;

pub use error::ServableError;
pub use servable::{RawInput, Servable};
pub use served::Served;
