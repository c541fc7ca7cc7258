//! Metrics, slices, thresholds and the blessing of a model.
