//! An answer that comes piece by piece: server-sent events.

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The type of such an answer.
pub(crate) const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// What ends one, for clients of OpenAI's.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// The pieces of an answer, as they come. Whoever sends them notices when this is dropped.
#[derive(Debug)]
pub(crate) struct Events(UnboundedReceiver<Bytes>);

/// Where the pieces come from. What waits is bounded by what one answer may have.
#[derive(Clone, Debug)]
pub(crate) struct EventSender(UnboundedSender<Bytes>);

/// Returns both ends of an answer.
pub(crate) fn events() -> (EventSender, Events) {
    let (sender, receiver) = unbounded_channel();
    (EventSender(sender), Events(receiver))
}

impl Events {
    /// Waits for the next piece; nothing at the end.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        self.0.recv().await
    }
}

// No two answers that are still to come are the same.
impl PartialEq for Events {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Events {}

impl EventSender {
    /// Sends an object as an event; returns whether somebody still listens.
    pub(crate) fn send(&self, data: &serde_json::Value) -> bool {
        self.0.send(format!("data: {data}\n\n").into()).is_ok()
    }

    /// Sends the last event.
    pub(crate) fn done(&self) -> bool {
        self.0.send(Bytes::from_static(DONE)).is_ok()
    }

    /// Returns whether nobody listens any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}
