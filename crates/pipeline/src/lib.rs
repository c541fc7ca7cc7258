//! Pipeline definition, checking, the graph of nodes, the cache and the runner.
