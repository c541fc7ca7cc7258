//! The model server: pushed models behind TensorFlow Serving's and KServe's protocols, REST and gRPC, and language models
//! behind OpenAI's completions.
//!
//! Entry types: [`Server`], [`ServeConfig`], and [`Loader`], through which a version's folder becomes a model. A request
//! goes: connection (`net`) -> question (`rest`, `grpc`) -> batch of raw features (`inputs`) -> version (`entry`) ->
//! prediction (`batcher`) -> answer; what language models complete goes its own way (`completions`). **Invariants:** a request takes no lock and waits for no other thread, as long as
//! its model is cheap and not busy; a version answers only after it was loaded and asked for predictions, and all
//! requests change to it at once; whatever is wrong with a new version or its folder, the one before goes on; nothing
//! that comes over the network panics, is waited for without an end, or is given memory that it only claims to need; no
//! request waits for a log or a collector of traces.
//! Not here: the model and its features (`servable`, `text_model`), pushing (`push`).

mod app;
mod batcher;
mod challenger;
mod completions;
pub mod config;
mod entry;
mod events;
mod failure;
mod grpc;
mod gzip;
mod http;
mod inputs;
mod json;
mod loader;
mod log;
mod memory;
mod metrics;
mod net;
mod open_inference;
mod outputs;
mod proto;
mod raw;
mod registry;
mod request_log;
mod rest;
mod sample;
mod server;
mod signature;
mod trace;
mod version;
mod warm_up;
mod watcher;

pub use config::{ModelConfig, ServeConfig};
pub use loader::{Loaded, Loader, ServableLoader};
pub use net::TlsError;
pub use server::{ServeError, Server};
