//! The same models and data in Keras, PyTorch and `tf.data`: each prints a rate, and what shows that it did the work.

/// The taxi model in Keras, with its data in memory as a `tf.data.Dataset`.
pub(super) const KERAS: &str =
    concat!("STEPS_PER_EXECUTION, JIT = 1, False\n", include_str!("keras_wide_and_deep.py"));

/// The same, many steps in one call and compiled.
pub(super) const KERAS_FAST: &str =
    concat!("STEPS_PER_EXECUTION, JIT = 100, True\n", include_str!("keras_wide_and_deep.py"));

/// The taxi model in PyTorch, with its data in memory as tensors.
pub(super) const TORCH: &str = include_str!("torch_wide_and_deep.py");

/// The small transformer: the network of the PyTorch program that is part of the binary.
pub(super) const LANGUAGE: &str = include_str!("torch_language.py");

/// Batches of TFRecord files by `tf.data`.
pub(super) const TF_DATA: &str = include_str!("tf_data.py");

/// Batches of Parquet files by PyTorch's `DataLoader`.
pub(super) const DATA_LOADER: &str = include_str!("torch_data_loader.py");
