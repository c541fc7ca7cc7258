//! The bytes of a pass's state: its version, and JSON.

use base::BoxError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::IngestError;

/// Returns the bytes of a state, whose paths are text where states travel.
pub(crate) fn to_bytes(version: u8, state: &impl Serialize) -> Vec<u8> {
    let mut bytes = vec![version];
    serde_json::to_writer(&mut bytes, state).expect("paths, names and numbers are JSON");
    bytes
}

/// Returns the state of some bytes.
///
/// # Errors
///
/// [`IngestError::BadState`].
pub(crate) fn from_bytes<S: DeserializeOwned>(version: u8, bytes: &[u8]) -> Result<S, BoxError> {
    let bad = |reason| BoxError::from(IngestError::BadState { reason });
    match bytes {
        [found, rest @ ..] if *found == version => {
            serde_json::from_slice(rest).map_err(|_| bad("no state"))
        }
        _ => Err(bad("of another version")),
    }
}
