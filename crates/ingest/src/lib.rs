//! Reads raw data into examples: type inference, splits, shards.
