//! The server's log: one JSON object a line, written by a thread of its own.
//!
//! Nobody waits for the log: lines that its reader does not take in time are dropped and counted.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

use serde_json::{Map, Value, json};

/// How many lines may wait to be written.
const WAITING_LINES: usize = 4096;

/// Where lines go. The clock is the caller's, in milliseconds since 1970.
pub(crate) struct Log {
    sender: SyncSender<Line>,
    dropped: Arc<AtomicU64>,
    clock: fn() -> i64,
}

/// What the writer is told.
enum Line {
    Text(Vec<u8>),
    /// All before this is to be written now.
    Flush(std::sync::mpsc::Sender<()>),
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Info,
    Warning,
    Error,
}

impl Log {
    /// Starts to write lines.
    pub(crate) fn new(
        out: Box<dyn Write + Send>,
        clock: fn() -> i64,
        dropped: Arc<AtomicU64>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING_LINES);
        thread::Builder::new().name("log".to_owned()).spawn(move || write(&receiver, out))?;
        Ok(Self { sender, dropped, clock })
    }

    /// Writes a line: what happened, and an object of what there is to say about it.
    pub(crate) fn say(&self, level: Level, event: &str, about: Value) {
        let mut line = Map::new();
        line.insert("time".to_owned(), rfc3339((self.clock)()).into());
        let level = match level {
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        line.insert("level".to_owned(), level.into());
        line.insert("event".to_owned(), event.into());
        if let Value::Object(about) = about {
            line.extend(about);
        }
        let mut line = Value::Object(line).to_string().into_bytes();
        line.push(b'\n');
        if self.sender.try_send(Line::Text(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all lines so far are written, or for a second.
    pub(crate) fn flush(&self) {
        let (done, is_done) = channel();
        if self.sender.try_send(Line::Flush(done)).is_ok() {
            let _ = is_done.recv_timeout(std::time::Duration::from_secs(1));
        }
    }

    /// Writes a line about an error.
    pub(crate) fn failed(&self, event: &str, model: &str, error: &dyn std::fmt::Display) {
        self.say(Level::Error, event, json!({ "model": model, "error": error.to_string() }));
    }

    /// Returns the time in milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        (self.clock)()
    }
}

fn write(lines: &Receiver<Line>, mut out: Box<dyn Write + Send>) {
    // Ends when nobody can say anything any more.
    while let Ok(line) = lines.recv() {
        let (mut together, mut flushed) = (Vec::new(), Vec::new());
        let mut next = Some(line);
        while let Some(line) = next {
            match line {
                Line::Text(text) => together.extend_from_slice(&text),
                Line::Flush(done) => flushed.push(done),
            }
            next = if together.len() < 64 << 10 { lines.try_recv().ok() } else { None };
        }
        // A log that cannot be written has nobody to be told so.
        let _ = out.write_all(&together).and_then(|()| out.flush());
        for done in flushed {
            // Who no longer waits need not know.
            let _ = done.send(());
        }
    }
}

fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}
