//! Feature expressions: parsing, type checking, analyzers, compilation to a graph.
