//! Schemas: inference from statistics, updates, and validation of statistics into anomalies.
