//! Tries: the server started, asked, measured, and started again where that can help.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use client::{Channel, Client, Proxies};

use crate::InfraError;
use crate::ask::{Target, compare};
use crate::flaw::{Api, Flaw};
use crate::question::Question;
use crate::server::{Running, Server};

/// The largest answer that is taken.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// How long is waited before another try.
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// Within what a candidate has to load and answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// From the start of the server until the model is available.
    pub loading: Duration,
    /// Until a request is answered.
    pub request: Duration,
    /// How often the server is started at the most; a model that does not load or answers something else is not tried
    /// again.
    pub num_tries: u32,
    /// How far a prediction may be from the offline one: so many times the larger of 1 and that one's size.
    pub tolerance: f64,
    /// How long requests may take.
    pub latency: LatencyLimits,
}

/// How long requests of one example may take, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyLimits {
    /// How many requests are measured for each protocol, after those that are compared; 0 for none.
    pub num_requests: usize,
    /// What half of them may take.
    pub p50: Option<Duration>,
    /// What 99% of them may take.
    pub p99: Option<Duration>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Every try, in order; the last one decides.
    pub tries: Vec<Try>,
    /// How many examples were asked for, over each protocol.
    pub num_examples: usize,
    /// The largest distance from an offline prediction, as the tolerance has it.
    pub largest_difference: f64,
    /// What requests took, for each protocol, in the last try; none where there are no examples, or nothing was measured.
    pub latencies: Vec<Latency>,
}

impl Report {
    /// Returns what is wrong with the candidate; nothing where it loads and answers.
    pub fn flaw(&self) -> Option<&Flaw> {
        self.tries.last().and_then(|last| last.flaw.as_ref())
    }
}

/// One start of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Try {
    /// From the start of the server until the model was available, if it was.
    pub loading: Option<Duration>,
    /// What went wrong.
    pub flaw: Option<Flaw>,
}

/// What requests over one protocol took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The protocol.
    pub api: Api,
    /// How many requests.
    pub num_requests: usize,
    /// What half of them took at the most.
    pub p50: Duration,
    /// What 99% of them took at the most.
    pub p99: Duration,
}

/// Starts the server with the candidate, and asks every question over REST and gRPC. Without questions it is enough that
/// the model becomes available.
///
/// # Errors
///
/// [`InfraError`], when it could not be tried: no program, no disk, cancelled. What is wrong with the candidate is in the
/// report.
///
/// # Source
///
/// TFX's InfraValidator: LOAD_ONLY and LOAD_AND_QUERY, `max_loading_time_seconds`, `num_tries`; it does not compare, and
/// measures nothing.
pub fn validate(
    server: &Server,
    questions: &[Question],
    limits: &Limits,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Report, InfraError> {
    let client = Client::new(limits.request, MAX_ANSWER_BYTES, Proxies::None)?;
    let mut report = Report {
        tries: Vec::new(),
        num_examples: questions.len(),
        largest_difference: 0.0,
        latencies: Vec::new(),
    };
    for number in 1..=limits.num_tries.max(1) {
        if number > 1 {
            std::thread::sleep(BETWEEN_TRIES);
        }
        let once = once(server, &client, questions, limits, is_cancelled, &mut report)?;
        let goes_on = once.flaw.as_ref().is_some_and(|flaw| !flaw.is_final());
        report.tries.push(once);
        if !goes_on {
            break;
        }
    }
    Ok(report)
}

fn once(
    server: &Server,
    client: &Client,
    questions: &[Question],
    limits: &Limits,
    is_cancelled: &dyn Fn() -> bool,
    report: &mut Report,
) -> Result<Try, InfraError> {
    let mut running = Running::start(server)?;
    let (url, loading) = match running.wait(client, limits.loading, is_cancelled)? {
        Ok(found) => found,
        Err(flaw) => return Ok(Try { loading: None, flaw: Some(flaw) }),
    };
    let flaw = match questions {
        [] => None,
        questions => {
            let asked =
                ask_all(client, &url, &server.model, questions, limits, is_cancelled, report)?;
            // A server that is gone is worse than the request that it did not answer.
            match (asked, running.died()?) {
                (Some(_), Some(died)) => Some(died),
                (asked, _) => asked,
            }
        }
    };
    running.end()?;
    Ok(Try { loading: Some(loading), flaw })
}

fn ask_all(
    client: &Client,
    url: &str,
    model: &str,
    questions: &[Question],
    limits: &Limits,
    is_cancelled: &dyn Fn() -> bool,
    report: &mut Report,
) -> Result<Option<Flaw>, InfraError> {
    let unreachable = |reason: String| Flaw::Unanswered { api: Api::Grpc, example: 0, reason };
    let Some(address) = url.strip_prefix("http://").and_then(|at| at.parse::<SocketAddr>().ok())
    else {
        return Ok(Some(unreachable(format!("{url:?} is no address of this machine"))));
    };
    let channel = match Channel::connect(client, address) {
        Ok(channel) => channel,
        Err(error) => return Ok(Some(unreachable(error.to_string()))),
    };
    let target = Target { client, channel, url, model };
    report.latencies.clear();
    report.largest_difference = 0.0;
    for api in [Api::Rest, Api::Grpc] {
        for (example, question) in questions.iter().enumerate() {
            if is_cancelled() {
                return Err(InfraError::Cancelled);
            }
            let found = match target.ask(api, question) {
                Ok(found) => found,
                Err(reason) => return Ok(Some(Flaw::Unanswered { api, example, reason })),
            };
            let (flaw, distance) = compare(api, example, question, &found, limits.tolerance);
            report.largest_difference = report.largest_difference.max(distance);
            if flaw.is_some() {
                return Ok(flaw);
            }
        }
    }
    for api in [Api::Rest, Api::Grpc] {
        if limits.latency.num_requests == 0 {
            break;
        }
        match measure(&target, api, questions, limits.latency.num_requests, is_cancelled)? {
            Ok(latency) => report.latencies.push(latency),
            Err(flaw) => return Ok(Some(flaw)),
        }
    }
    let too_slow = |latency: &Latency| {
        let checks = [(50, latency.p50, limits.latency.p50), (99, latency.p99, limits.latency.p99)];
        checks.into_iter().find_map(|(percentile, found, limit)| {
            let limit = limit.filter(|limit| found > *limit)?;
            let Latency { api, num_requests, .. } = *latency;
            Some(Flaw::Slow { api, percentile, num_requests, found, limit })
        })
    };
    Ok(report.latencies.iter().find_map(too_slow))
}

/// Asks one question after the other, around and around, and returns what that took.
fn measure(
    target: &Target<'_>,
    api: Api,
    questions: &[Question],
    num_requests: usize,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Result<Latency, Flaw>, InfraError> {
    let mut took = Vec::with_capacity(num_requests);
    for (example, question) in questions.iter().enumerate().cycle().take(num_requests) {
        if is_cancelled() {
            return Err(InfraError::Cancelled);
        }
        let began = Instant::now();
        if let Err(reason) = target.ask(api, question) {
            return Ok(Err(Flaw::Unanswered { api, example, reason }));
        }
        took.push(began.elapsed());
    }
    took.sort_unstable();
    let (p50, p99) = (percentile(&took, 50), percentile(&took, 99));
    Ok(Ok(Latency { api, num_requests, p50, p99 }))
}

/// Returns the smallest value that so many percent are not above; `values` ascend and are not empty.
fn percentile(values: &[Duration], percent: usize) -> Duration {
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values[rank - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        let of = |count: usize, percent| percentile(&values[..count], percent).as_millis();
        assert_eq!((of(200, 50), of(200, 99), of(1, 50), of(1, 99)), (100, 198, 1, 1));
        assert_eq!((of(3, 50), of(3, 99), of(100, 99)), (2, 3, 99));
    }
}
