//! The compiled transform: typed row-wise operations with frozen analyzer results, and their one evaluator.
