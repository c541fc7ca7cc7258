//! A web hook: somebody is told of a push.

use std::time::Duration;

use base::Digest;
use client::{Client, ClientError, Proxies};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::PushError;

/// The largest answer that is read; it is only shown when it says no.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// How long is waited before the second try; twice as long before each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How often it is looked whether the run was cancelled while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How much of an answer is shown, in characters.
const SHOWN: usize = 200;

/// Where somebody is told.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The URL that is posted to.
    pub url: String,
    /// The secret that the body is signed with.
    pub secret: Option<String>,
    /// Until when an answer has to come.
    pub timeout: Duration,
    /// How often it is tried at the most.
    pub max_tries: u32,
}

/// Posts a JSON body until somebody takes it.
///
/// Headers: `x-cupola-event`; `x-cupola-delivery`, which is the same whenever the same body is sent; and with a secret
/// `x-cupola-signature: sha256=` with the HMAC-SHA256 of the body in hexadecimal. Tried again are failures of the network,
/// answers that come too late, and the statuses 408, 425, 429 and from 500 on.
///
/// # Errors
///
/// [`PushError::Webhook`].
pub(crate) fn tell(
    hook: &Webhook,
    event: &str,
    body: &Value,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<(), PushError> {
    let body = body.to_string().into_bytes();
    let client = Client::new(hook.timeout, MAX_ANSWER_BYTES, Proxies::for_url(&hook.url))?;
    let delivery = Digest::of(&body).short();
    let signature = hook.secret.as_ref().map(|secret| sign(secret.as_bytes(), &body));
    let mut headers = vec![
        ("content-type", "application/json"),
        ("x-cupola-event", event),
        ("x-cupola-delivery", delivery.as_str()),
    ];
    headers.extend(signature.as_ref().map(|signature| ("x-cupola-signature", signature.as_str())));
    let mut wait = FIRST_WAIT;
    let mut tries = 1;
    loop {
        let (reason, goes_on) = match client.post(&hook.url, &headers, body.clone()) {
            Ok(answer) if answer.is_success() => return Ok(()),
            Ok(answer) => {
                let goes_on = matches!(answer.status, 408 | 425 | 429 | 500..);
                (format!("status {}: {}", answer.status, shortened(&answer.text())), goes_on)
            }
            Err(error @ (ClientError::Unreachable { .. } | ClientError::Slow { .. })) => {
                (error.to_string(), true)
            }
            Err(error) => (error.to_string(), false),
        };
        if !goes_on || tries >= hook.max_tries {
            return Err(PushError::Webhook { tries, reason });
        }
        pause(wait, is_cancelled)?;
        wait = (wait * 2).min(LONGEST_WAIT);
        tries += 1;
    }
}

pub(crate) fn pause(time: Duration, is_cancelled: &dyn Fn() -> bool) -> Result<(), PushError> {
    let mut left = time;
    while !left.is_zero() {
        if is_cancelled() {
            return Err(PushError::Cancelled);
        }
        let step = left.min(LOOK_EVERY);
        std::thread::sleep(step);
        left -= step;
    }
    Ok(())
}

/// Returns `sha256=` and the HMAC-SHA256 in hexadecimal.
fn sign(secret: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(body);
    let digits =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("sha256={digits}")
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_the_standard_has_it() {
        // RFC 4231, test case 2.
        assert_eq!(
            sign(b"Jefe", b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
