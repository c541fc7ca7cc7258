//! Artifact types, the component contract and the ledger trait: what runners, stores and components agree on.
