//! Starts the real server with a candidate, asks it, and compares: does it load and answer as it did offline?
//!
//! Entry types: [`questions`], raw examples with what was predicted for them offline; [`validate`], which starts a
//! [`Server`] and gives a [`Report`]; [`write_warmup`], the same requests for servers to replay before they answer.
//! **Invariants:** the server is a process of its own and gone when the call returns; whatever it does (dies, never gets
//! ready, answers something else, or too late) is a [`Flaw`] with its log, not an error; the same examples go over REST as
//! JSON values and over gRPC as serialized `tf.Example`s.
//! Not here: artifacts and blessings (`components`), the server itself.

mod ask;
mod error;
mod flaw;
mod messages;
mod question;
mod server;
mod validate;
mod warmup;

pub use error::InfraError;
pub use flaw::{Api, Flaw};
pub use question::{Question, questions};
pub use server::Server;
pub use validate::{Latency, LatencyLimits, Limits, Report, Try, validate};
pub use warmup::{WARMUP_FILE, write_warmup};
