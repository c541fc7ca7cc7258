//! Asks servers: HTTP, and gRPC one message for one, within limits of time and size.
//!
//! Entry types: [`Client`], whose connections are kept as long as it lives, and [`Channel`], one connection for gRPC.
//! Calls block. **Invariants:** no answer is waited for longer than the client's timeout, none is kept that is larger than
//! its limit, and no redirect is followed; no error shows what of a URL may be secret (its user and its query).
//! Not here: what is asked and how often (`infra_validation`, `push`).

mod error;
mod grpc;
mod http_client;

pub use error::ClientError;
pub use grpc::Channel;
pub use http_client::{Answer, Client, Proxies, origin};
