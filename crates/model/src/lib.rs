//! Models: loading, prediction and saving of trained weights with their signature.
