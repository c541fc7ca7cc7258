//! One push to several destinations.

use std::path::{Path, PathBuf};

use base::Classify;
use remote::{Environment, Folder};
use serde_json::{Value, json};

use crate::kserve::{Kserve, push_to_kserve};
use crate::server::{RunningServer, push_to_server};
use crate::webhook::{Webhook, tell};
use crate::{PushError, Pushed, Stored, push, push_to_store, replace};

/// Where a model is pushed to.
#[derive(Clone, PartialEq)]
pub enum Destination {
    /// A serving directory.
    Directory(PathBuf),
    /// A folder that holds one model in the place of the one before.
    Huggingface(PathBuf),
    /// A serving directory in an object store, by its URL.
    ObjectStore(String),
    /// A serving directory, and the server that watches it.
    Server(RunningServer),
    /// An `InferenceService` of KServe.
    Kserve(Box<Kserve>),
    /// Somebody who is told.
    Webhook(Webhook),
}

/// What a push needs besides the model and its destinations.
pub struct PushContext<'a> {
    /// The clock, in seconds since 1970: the number of the version.
    pub now_seconds: u64,
    /// Where stores are, and who asks.
    pub environment: &'a Environment,
    /// What web hooks are told besides where the model is: an object.
    pub facts: Value,
    /// Asked again and again.
    pub is_cancelled: &'a dyn Fn() -> bool,
}

/// What became of one destination.
#[derive(Debug)]
pub struct Delivery {
    /// Which kind it is, such as `directory`.
    pub kind: &'static str,
    /// Which one it is, for people.
    pub destination: String,
    /// What became of it.
    pub state: DeliveryState,
}

/// What became of a destination.
#[derive(Debug)]
pub enum DeliveryState {
    /// The version is there.
    Placed {
        /// The folder of the version, or its URL; of a service, where it takes the version from.
        place: String,
        /// Its number.
        version: u64,
        /// Whether this push made it.
        is_new: bool,
    },
    /// The model is in the folder.
    Replaced {
        /// The folder.
        place: String,
        /// Whether this push put it there.
        is_new: bool,
    },
    /// Somebody was told.
    Told,
    /// It did not work.
    Failed(PushError),
    /// It was not tried, because something that it depends on failed.
    Skipped,
}

impl Delivery {
    /// Returns what became of it as JSON: `{"kind", "destination", "state", ...}`.
    pub fn to_json(&self) -> Value {
        let mut told = json!({ "kind": self.kind, "destination": self.destination });
        match &self.state {
            DeliveryState::Placed { place, version, is_new } => {
                told["state"] = "placed".into();
                told["place"] = place.as_str().into();
                told["version"] = (*version).into();
                told["is_new"] = (*is_new).into();
            }
            DeliveryState::Replaced { place, is_new } => {
                told["state"] = "replaced".into();
                told["place"] = place.as_str().into();
                told["is_new"] = (*is_new).into();
            }
            DeliveryState::Told => told["state"] = "told".into(),
            DeliveryState::Failed(error) => {
                told["state"] = "failed".into();
                told["error"] = base::render_chain(error).into();
                told["hint"] = error.hint().into();
            }
            DeliveryState::Skipped => told["state"] = "skipped".into(),
        }
        told
    }

    /// Returns whether the destination has what it should.
    pub fn is_done(&self) -> bool {
        matches!(
            self.state,
            DeliveryState::Placed { .. } | DeliveryState::Replaced { .. } | DeliveryState::Told
        )
    }
}

/// Pushes a model to every destination: first to directories and stores, then to services that take it from there, then
/// whoever is to be told is told. Within these, in the order that is given.
///
/// A directory, a store or a server that fails stops none of the others; a service and a web hook are tried only when all
/// before worked. All versions of one push have the number of the first, unless a destination has a larger one already.
/// Pushing again what is there makes no other version, so a push that failed in part can be repeated.
///
/// # Errors
///
/// [`PushError::Cancelled`]; what goes wrong with a destination is in its delivery.
pub fn deliver(
    model_dir: &Path,
    destinations: &[Destination],
    context: &PushContext<'_>,
) -> Result<Vec<Delivery>, PushError> {
    let mut order: Vec<&Destination> = destinations.iter().collect();
    order.sort_by_key(|destination| destination.rank());
    let mut deliveries: Vec<Delivery> = Vec::with_capacity(order.len());
    let mut seconds = context.now_seconds;
    for destination in order {
        let is_good = deliveries.iter().all(Delivery::is_done);
        let state = match destination {
            Destination::Kserve(_) | Destination::Webhook(_) if !is_good => DeliveryState::Skipped,
            _ => match try_deliver(model_dir, destination, seconds, &deliveries, context) {
                Err(error) if error.is_cancelled() => return Err(PushError::Cancelled),
                Err(error) => DeliveryState::Failed(error),
                Ok(state) => state,
            },
        };
        if let (DeliveryState::Placed { version, .. }, []) = (&state, deliveries.as_slice()) {
            seconds = *version;
        }
        deliveries.push(Delivery {
            kind: destination.kind(),
            destination: destination.shown(),
            state,
        });
    }
    Ok(deliveries)
}

fn try_deliver(
    model_dir: &Path,
    destination: &Destination,
    seconds: u64,
    deliveries: &[Delivery],
    context: &PushContext<'_>,
) -> Result<DeliveryState, PushError> {
    let is_cancelled = context.is_cancelled;
    let placed = |Pushed { dir, version, is_new }: Pushed| DeliveryState::Placed {
        place: dir.display().to_string(),
        version,
        is_new,
    };
    match destination {
        Destination::Directory(directory) => push(model_dir, directory, seconds).map(placed),
        Destination::Huggingface(folder) => {
            let is_new = replace(model_dir, folder)?;
            Ok(DeliveryState::Replaced { place: folder.display().to_string(), is_new })
        }
        Destination::Server(server) => {
            push_to_server(model_dir, server, seconds, is_cancelled).map(placed)
        }
        Destination::ObjectStore(url) => {
            let folder = Folder::open(url, context.environment)?;
            let stored = push_to_store(model_dir, &folder, seconds, is_cancelled)?;
            let Stored { url: place, version, is_new } = stored;
            Ok(DeliveryState::Placed { place, version, is_new })
        }
        Destination::Kserve(service) => {
            let version = deliveries.iter().find_map(Delivery::version).unwrap_or(seconds);
            let stored = deliveries.iter().rev().find_map(|delivery| match &delivery.state {
                DeliveryState::Placed { place, version, .. } if delivery.kind == STORE => {
                    Some((place.as_str(), *version))
                }
                _ => None,
            });
            let version = stored.map_or(version, |(_, version)| version);
            let place = stored.map(|(place, _)| place);
            let place = push_to_kserve(service, version, place, is_cancelled)?;
            Ok(DeliveryState::Placed { place, version, is_new: true })
        }
        Destination::Webhook(hook) => {
            let mut body = json!({ "event": EVENT });
            if let (Some(body), Value::Object(facts)) = (body.as_object_mut(), &context.facts) {
                body.extend(facts.clone());
            }
            body["destinations"] = deliveries.iter().map(Delivery::to_json).collect();
            tell(hook, EVENT, &body, is_cancelled)?;
            Ok(DeliveryState::Told)
        }
    }
}

const STORE: &str = "object_store";

/// What a web hook is told of.
const EVENT: &str = "model.pushed";

impl Delivery {
    fn version(&self) -> Option<u64> {
        match &self.state {
            DeliveryState::Placed { version, .. } => Some(*version),
            _ => None,
        }
    }
}

impl Destination {
    fn rank(&self) -> u8 {
        match self {
            Self::Directory(_) | Self::Huggingface(_) | Self::ObjectStore(_) | Self::Server(_) => 0,
            Self::Kserve(_) => 1,
            Self::Webhook(_) => 2,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Directory(_) => "directory",
            Self::Huggingface(_) => "huggingface",
            Self::ObjectStore(_) => STORE,
            Self::Server(_) => "server",
            Self::Kserve(_) => "kserve",
            Self::Webhook(_) => "webhook",
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Directory(directory) | Self::Huggingface(directory) => {
                directory.display().to_string()
            }
            Self::ObjectStore(url) => url.clone(),
            Self::Server(server) => server.url.clone(),
            Self::Kserve(service) => service.name.clone(),
            // Behind the host there may be a secret.
            Self::Webhook(hook) => client::origin(&hook.url).unwrap_or_default(),
        }
    }
}

/// Returns one line for people, such as `object_store s3://b/taxi: cannot be written`.
pub fn failures(deliveries: &[Delivery]) -> Vec<String> {
    deliveries
        .iter()
        .filter_map(|delivery| match &delivery.state {
            DeliveryState::Failed(error) => {
                let (kind, destination) = (delivery.kind, &delivery.destination);
                Some(format!("{kind} {destination}: {}", base::render_chain(error)))
            }
            _ => None,
        })
        .collect()
}
