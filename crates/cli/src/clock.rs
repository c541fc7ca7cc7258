//! The clock: read here and handed down as an argument, so that everything below can be replayed.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Returns the time in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Returns a name for a run that begins now: sorted by time, and no other process's.
pub(crate) fn run_id() -> String {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    format!("{}-{}", now.strftime("%Y%m%d-%H%M%S-%3f"), std::process::id())
}
