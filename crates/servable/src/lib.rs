//! Graph and model as one: raw features in, predictions out.
