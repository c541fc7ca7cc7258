//! The built-in trainer: streamed, shuffled mini-batches, Adam, early stopping.
