//! What runners, stores and components agree on: artifact types, the component contract, the ledger.
//!
//! Entry types: [`ArtifactType`] and [`types`], [`Artifact`], [`Component`] and [`Registry`], [`Ledger`].
//! The standard components implement `Component`, the metadata store implements `Ledger`, and the runner
//! knows only these traits; so a new component, store or runner changes none of the others.
//! **Invariants:** names of types and their properties are TFX's; a component never sees the ledger's
//! tables, and never a path outside its inputs, its staged outputs and its declared files.
//! Not here: running anything (`pipeline`), storing anything (`metadata`).

mod aliases;
mod artifact;
mod component;
mod ledger;
pub mod types;

pub use aliases::{Alias, AliasChange, AliasOutcome, ExpectedAlias, ModelAliases, NewAlias};
pub use artifact::{Artifact, ArtifactId, ArtifactState, ExecutionId, Properties, PropertyValue};
pub use component::{
    Answer, CheckContext, Checked, Component, Executor, FeatureInfo, FeatureKind, Input, Kind,
    Outcome, Output, OutputProperties, Problem, Progress, Registry, RemoteFile, Resolver,
    RunContext,
};
pub use ledger::{
    Execution, ExecutionState, Ledger, LedgerError, NewArtifact, NewExecution, Run, RunState,
};
pub use types::{ArtifactType, PropertyType};
