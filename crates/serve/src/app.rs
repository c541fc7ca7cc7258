//! What every request needs: the models, the limits, and the one way from a question to an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use arrow::array::RecordBatch;

use crate::batcher::Predicted;
use crate::challenger::Comparison;
use crate::completions;
use crate::config::Limits;
use crate::entry::{Entry, Wanted};
use crate::failure::{Code, Failure};
use crate::http::Headers;
use crate::inputs::RowLimits;
use crate::log::Log;
use crate::metrics::{self, Api, ModelView, ServerMetrics};
use crate::registry::Registry;
use crate::trace::{Ended, Trace, Tracing};
use crate::version::Version;

/// From this size on, a request is decoded where it keeps no other connection waiting.
pub(crate) const LARGE_BODY: usize = 64 << 10;

/// The server, as requests see it.
pub(crate) struct App {
    pub(crate) models: Registry,
    pub(crate) limits: Limits,
    /// The digests of valid tokens; all requests are taken where there are none.
    pub(crate) tokens: Vec<blake3::Hash>,
    pub(crate) metrics: ServerMetrics,
    pub(crate) log: Arc<Log>,
    pub(crate) log_requests: bool,
    pub(crate) allow_reload: bool,
    pub(crate) tracing: Option<Tracing>,
    pub(crate) is_draining: AtomicBool,
    /// The value of the header `date`.
    pub(crate) date: ArcSwap<String>,
    /// From which the numbers of requests go on.
    pub(crate) first_request: u64,
    pub(crate) num_requests: AtomicU64,
}

/// What is asked, of whom, and until when.
pub(crate) struct Question<'a> {
    pub(crate) model: &'a str,
    pub(crate) wanted: Wanted<'a>,
    pub(crate) api: Api,
    pub(crate) entry: metrics::Entry,
    pub(crate) arrived: Instant,
    pub(crate) deadline: Instant,
    /// How large the request is that has to be decoded.
    pub(crate) num_bytes: usize,
    pub(crate) trace: Option<&'a Trace>,
}

/// An answer, and who gave it.
pub(crate) struct Answer {
    pub(crate) version: Arc<Version>,
    pub(crate) batch: RecordBatch,
}

impl Question<'_> {
    /// Returns the predictions; the steps towards them are parts of the trace, if there is one.
    fn noted(&self, predicted: Predicted) -> RecordBatch {
        let Predicted { batch, steps } = predicted;
        if let Some(trace) = self.trace {
            if let Some(queued) = steps.queued {
                trace.part("queue", queued, steps.begun);
            }
            if let Some(transformed) = steps.transformed {
                trace.part("graph", steps.begun, transformed);
            }
            trace.part("model", steps.transformed.unwrap_or(steps.begun), steps.done);
        }
        batch
    }
}

/// Makes the request a batch for one version; the function tells which features other versions know.
pub(crate) type Decode<'a> =
    dyn Fn(&Version, &dyn Fn(&str) -> bool) -> Result<RecordBatch, Failure> + Sync + 'a;

impl App {
    /// Returns the model of a name.
    pub(crate) fn model(&self, name: &str) -> Result<Arc<Entry>, Failure> {
        self.models.get(name).ok_or_else(|| {
            Failure::not_found(format!("Servable not found for request: Latest({name})"))
        })
    }

    /// Returns whether every model answers, and the server takes requests.
    pub(crate) fn is_ready(&self) -> bool {
        let answers = |entry: &Arc<Entry>| !entry.versions.load().serving.is_empty();
        !self.is_draining() && self.models.load().values().all(answers)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// Returns a number for a request that no other one has.
    pub(crate) fn next_request(&self) -> u64 {
        self.first_request.wrapping_add(self.num_requests.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns a name for a request that no other one has.
    pub(crate) fn next_request_id(&self) -> String {
        format!("{:016x}", self.next_request())
    }

    /// Begins to trace a request, if it is one of those.
    pub(crate) fn trace(&self, headers: &Headers, arrived: Instant) -> Option<Arc<Trace>> {
        self.tracing.as_ref()?.begin(headers.traceparent.as_deref(), arrived)
    }

    /// Ends the trace of a request, if it has one.
    pub(crate) fn end_trace<'e>(
        &self,
        trace: Option<Arc<Trace>>,
        ended: impl FnOnce() -> Ended<'e>,
    ) {
        if let (Some(tracing), Some(trace)) = (&self.tracing, trace) {
            tracing.end(trace, ended());
        }
    }

    pub(crate) fn row_limits(&self) -> RowLimits {
        RowLimits { max_rows: self.limits.max_rows }
    }

    /// Returns until when a request may take.
    pub(crate) fn deadline(&self, arrived: Instant, asked: Option<Duration>) -> Instant {
        let timeout = self.limits.request_timeout;
        arrived + asked.map_or(timeout, |asked| asked.min(timeout))
    }

    /// Returns whether a token is one of those that are valid; which byte is wrong does not show in the time it takes.
    pub(crate) fn is_authorized(&self, authorization: Option<&[u8]>) -> bool {
        if self.tokens.is_empty() {
            return true;
        }
        let token = authorization.and_then(|value| {
            let (scheme, token) = value.split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
        });
        let Some(token) = token else { return false };
        let digest = blake3::hash(token);
        // Digests are compared in constant time, all of them whatever the first says.
        self.tokens.iter().fold(false, |is_valid, token| is_valid | (*token == digest))
    }

    /// Answers a question: chooses the version, decodes the request for it, predicts, and lets log and challenger know.
    pub(crate) async fn ask(
        &self,
        question: &Question<'_>,
        decode: &Decode<'_>,
    ) -> Result<Answer, Failure> {
        let model = self.model(question.model)?;
        let answer = self.try_ask(&model, question, decode).await;
        let code = answer.as_ref().map_or_else(|failure| failure.code, |_| Code::Ok);
        let took = question.arrived.elapsed();
        model.metrics.request(question.api, question.entry, code, took);
        answer
    }

    async fn try_ask(
        &self,
        model: &Entry,
        question: &Question<'_>,
        decode: &Decode<'_>,
    ) -> Result<Answer, Failure> {
        let chosen = model.choose(question.wanted)?;
        let version = chosen.version;
        let decoded = |version: &Version| {
            decode(version, &|name| model.versions.load().features.contains(name))
        };
        let request = if question.num_bytes >= LARGE_BODY {
            tokio::task::block_in_place(|| decoded(&version))?
        } else {
            decoded(&version)?
        };
        model.metrics.rows.fetch_add(request.num_rows() as u64, Ordering::Relaxed);
        let (log, challenger) = (model.request_log.as_ref(), model.challenger.as_ref());
        if let Some(trace) = question.trace {
            trace.asked(question.model, version.number, request.num_rows());
        }
        if log.is_none() && chosen.beside.is_none() {
            let predicted = version.predict(request, question.deadline).await?;
            return Ok(Answer { batch: question.noted(predicted), version });
        }
        let predicted = version.predict(request.clone(), question.deadline).await?;
        let batch = question.noted(predicted);
        if let Some(log) = log {
            log.offer(&request, &batch);
        }
        if let (Some(challenger), Some(beside)) = (challenger, chosen.beside) {
            let request = match beside.inputs.schema() == version.inputs.schema() {
                true => Ok(request),
                false => decoded(&beside),
            };
            let (answered, answer) = (Arc::clone(&version), batch.clone());
            challenger.compare(Comparison { answered, answer, beside, request });
        }
        Ok(Answer { version, batch })
    }

    /// Returns all metrics as text.
    pub(crate) fn metrics(&self) -> String {
        let all = self.models.load();
        let mut models: Vec<_> = all.values().collect();
        models.sort_by(|a, b| a.name.cmp(&b.name));
        let view = |entry: &&Arc<Entry>| {
            let versions = entry.versions.load();
            (Arc::clone(entry), versions.serving.iter().map(|version| version.number).collect())
        };
        let views: Vec<(Arc<Entry>, Vec<u64>)> = models.iter().map(view).collect();
        let views: Vec<_> = views
            .iter()
            .map(|(entry, available)| ModelView {
                metrics: &entry.metrics,
                available: available.clone(),
            })
            .collect();
        let mut text = metrics::write(&self.metrics, &views, self.is_ready());
        let slots: Vec<_> =
            models.iter().map(|entry| (entry.name.as_str(), &entry.slots)).collect();
        completions::write_metrics(&mut text, &slots);
        text
    }
}
