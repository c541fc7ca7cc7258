//! Artifacts, executions, contexts and events in ML Metadata's own tables.
