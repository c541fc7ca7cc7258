//! Whether memory grows: looked at while nobody asks, when all connections are closed, a version was just unloaded, and
//! what the allocator keeps free has gone back. What is left then is what the server holds on to.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::PREDICT;
use crate::Failure;
use crate::load::{ask, request};
use crate::served::{Served, push_again};

/// How long the server may take to close connections whose clients have gone, and to change versions.
const PATIENCE: Duration = Duration::from_secs(30);

/// Growth that is none: what cannot be told from pages that are a little fuller.
const LEAST_MB_A_MINUTE: f64 = 0.1;

/// By so many standard errors growth has to stand out.
const STANDARD_ERRORS: f64 = 4.0;

/// Waits until the server rests, and returns how much memory it has, in bytes.
pub(super) fn resident(served: &Served, dir: &Path) -> Result<u64, Failure> {
    let until = Instant::now() + PATIENCE;
    let wait_for = |what: &str, path: &str, part: &str| -> Result<(), Failure> {
        loop {
            let (_, text) = ask(served.address, &request("GET", path, ""))?;
            if String::from_utf8_lossy(&text).contains(part) {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(format!("{what} after {} seconds", PATIENCE.as_secs()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // The one that asks is one.
    wait_for("connections are open", "/metrics", "\ncupola_open_connections 1\n")?;
    let number = push_again(dir)?;
    let status = PREDICT.trim_end_matches(":predict");
    let state = |state| format!("\"state\": \"{state}\"");
    let available = format!("\"version\": \"{number}\",\n      {}", state("AVAILABLE"));
    wait_for("the version is not available", status, &available)?;
    let two_before = format!("\"version\": \"{}\",\n      {}", number - 2, state("END"));
    wait_for("an old version is still there", status, &two_before)?;
    // Its memory goes back, and the log of requests writes what it has.
    std::thread::sleep(Duration::from_secs(1));
    served.resident()
}

/// A line through what the server had while it rested.
pub(super) struct Trend {
    first_mb: f64,
    last_mb: f64,
    num_rests: usize,
    mb_a_minute: f64,
    standard_error: f64,
}

impl Trend {
    /// Fits the line by least squares, to the later half, when all that is made once is there.
    pub(super) fn of(rests: &[(Duration, u64)]) -> Self {
        let later = &rests[rests.len() / 2..];
        let points: Vec<(f64, f64)> = later
            .iter()
            .map(|(time, bytes)| (time.as_secs_f64() / 60.0, *bytes as f64 / 1e6))
            .collect();
        let num = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / num;
        let (time, mb) = (mean(|point| point.0), mean(|point| point.1));
        let spread: f64 = points.iter().map(|(t, _)| (t - time).powi(2)).sum();
        let slope = points.iter().map(|(t, m)| (t - time) * (m - mb)).sum::<f64>() / spread;
        let off = |(t, m): &(f64, f64)| (m - mb - slope * (t - time)).powi(2);
        let variance = points.iter().map(off).sum::<f64>() / (num - 2.0);
        Self {
            first_mb: points.first().map_or(0.0, |point| point.1),
            last_mb: points.last().map_or(0.0, |point| point.1),
            num_rests: points.len(),
            mb_a_minute: slope,
            standard_error: (variance / spread).sqrt(),
        }
    }

    /// Returns whether memory grew; of fewer than four rests nothing can be said.
    pub(super) fn is_growth(&self) -> bool {
        self.num_rests >= 4
            && self.mb_a_minute > LEAST_MB_A_MINUTE
            && self.mb_a_minute > STANDARD_ERRORS * self.standard_error
    }
}

impl fmt::Display for Trend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first_mb, last_mb, num_rests, mb_a_minute, standard_error } = self;
        if *num_rests < 4 {
            return write!(f, "at rest {last_mb:.1} MB, too short a time to tell a trend");
        }
        write!(
            f,
            "at rest {first_mb:.1} MB halfway and {last_mb:.1} MB at the end: {mb_a_minute:+.3} MB a minute, \
             standard error {standard_error:.3}, {num_rests} rests (growth is more than {LEAST_MB_A_MINUTE} and than \
             {STANDARD_ERRORS} standard errors)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rests every 30 seconds for 10 minutes: 40 MB, what comes and goes, and what leaks each minute.
    fn trend(bytes_a_minute: u64) -> Trend {
        let rests = (1..=20u64).map(|number| {
            let bytes = 40_000_000 + number * 7 % 5 * 500_000 + number * bytes_a_minute / 2;
            (Duration::from_secs(30 * number), bytes)
        });
        Trend::of(&rests.collect::<Vec<_>>())
    }

    #[test]
    fn what_comes_and_goes_is_no_growth_and_a_leak_is() {
        assert!(!trend(0).is_growth(), "{}", trend(0));
        // Five bytes an answer, ninety a hostile connection, or eighty thousand a version.
        assert!(trend(1_000_000).is_growth(), "{}", trend(1_000_000));
        // What grows only at first is made once.
        let rests: Vec<_> =
            (1..=20u64).map(|n| (Duration::from_secs(30 * n), n.min(10) << 20)).collect();
        assert!(!Trend::of(&rests).is_growth());
        assert!(!Trend::of(&rests[..2]).is_growth());
    }
}
