//! OpenAI's completions for language models: `/v1/completions`, and `/v1/models`.
//!
//! A request goes: body (`request`) -> a place in the model's queue and one of its slots (`slots`) -> a thread that
//! generates (`work`) -> one answer, or events as text comes (`answer`). Whoever goes away is not generated for any longer:
//! what the thread sends to is dropped with the request, and the thread looks before each token.
//!
//! # Source
//!
//! OpenAI's API reference (legacy completions); what is not there is refused, never ignored.

mod answer;
mod problem;
mod request;
mod slots;
mod work;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

use crate::app::App;
use crate::entry::{Entry, Wanted};
use crate::events::{EVENT_STREAM, events};
use crate::failure::Code;
use crate::http::{Reply, Request};
use crate::metrics::{Api, Entry as How};
use crate::version::Version;

pub(crate) use problem::{Problem, unauthorized};
pub(crate) use slots::{Slots, write_metrics};

use answer::{Answer, EventWriter, Head};
use request::Asked;
use work::{Told, Work};

/// Where completions are asked for.
pub(crate) const PATH: &str = "/v1/completions";

/// Answers a request for completions, or about models; nothing where it is none.
pub(crate) async fn answer(app: &App, request: &Request, is_read: bool) -> Option<Reply> {
    let reply = match request.path.as_str() {
        PATH if request.method == ::http::Method::POST => complete(app, request).await,
        PATH => Err(Problem::method()),
        "/v1/models" | "/v1/models/" if is_read => Ok(models(app)?),
        "/v1/chat/completions" | "/v1/embeddings" | "/v1/responses" => {
            Err(Problem::no_such_api(&request.path))
        }
        _ => return None,
    };
    Some(reply.unwrap_or_else(|problem| problem.reply()))
}

async fn complete(app: &App, request: &Request) -> Result<Reply, Problem> {
    let asked = Asked::read(&request.body)?;
    let Some(entry) = app.models.get(&asked.model) else {
        return Err(Problem::no_model(&asked.model));
    };
    let answered = try_complete(app, &entry, asked, request).await;
    if let Err(problem) = &answered {
        let took = request.arrived.elapsed();
        entry.metrics.request(Api::Completions, How::Rest, problem.code(), took);
    }
    answered
}

async fn try_complete(
    app: &App,
    entry: &Arc<Entry>,
    asked: Asked,
    request: &Request,
) -> Result<Reply, Problem> {
    let version = entry.version(Wanted::Any).map_err(Problem::from)?;
    if version.text.is_none() {
        return Err(Problem::no_language_model(&entry.name));
    }
    let deadline = app.deadline(request.arrived, None);
    let slot = entry.slots.take(deadline).await?;
    let head = Head {
        id: format!("cmpl-{:016x}", app.next_request()),
        created: app.log.now_ms() / 1000,
        model: entry.name.clone(),
        version: version.number,
    };
    let work = Work {
        seed: asked.seed.unwrap_or_else(|| app.next_request()),
        max_tokens: entry.slots.max_tokens(),
        asked,
        version,
        entry: Arc::clone(entry),
        arrived: request.arrived,
        deadline,
        _slot: slot,
    };
    let (is_stream, includes_usage) = (work.asked.stream, work.asked.includes_usage);
    // What is wrong with the request itself is told with a status, before the first event.
    let work = tokio::task::block_in_place(|| work.prepare())?;
    if is_stream {
        let (sender, events) = events();
        tokio::task::spawn_blocking(move || {
            let mut writer = EventWriter::new(head, includes_usage);
            let mut tell = |told: Told| sender.send(&writer.event(told));
            match work.run(&mut tell, &|| sender.is_closed()) {
                Ok(usage) => {
                    if includes_usage {
                        sender.send(&writer.usage(usage));
                    }
                    sender.done();
                }
                Err(problem) => {
                    sender.send(&problem.body());
                }
            }
        });
        return Ok(Reply {
            content_type: EVENT_STREAM,
            events: Some(events),
            ..Reply::json(vec![])
        });
    }
    let (sender, mut receiver) = unbounded_channel();
    tokio::task::spawn_blocking(move || {
        let result = work.run(&mut |told| sender.send(Ok(told)).is_ok(), &|| sender.is_closed());
        // Who went away is not told.
        let _ = sender.send(result.map(Told::Usage));
    });
    let mut answer = Answer::new(head);
    while let Some(told) = receiver.recv().await {
        match told? {
            Told::Usage(usage) => return Ok(Reply::json(answer.finish(usage).to_string().into())),
            told => answer.take(told),
        }
    }
    Err(Problem::bug("the generation ended without an answer"))
}

/// Lists the models that answer completions; nothing where there are none, and it is TensorFlow Serving's to answer.
fn models(app: &App) -> Option<Reply> {
    let all = app.models.load();
    let mut names: Vec<(&String, Arc<Version>)> = all
        .iter()
        .filter_map(|(name, entry)| Some((name, entry.version(Wanted::Any).ok()?)))
        .filter(|(_, version)| version.text.is_some())
        .collect();
    names.sort_by(|a, b| a.0.cmp(b.0));
    let data: Vec<Value> = names.iter().map(|(name, version)| about(name, version)).collect();
    let list = json!({ "object": "list", "data": data });
    (!names.is_empty()).then(|| Reply::json(list.to_string().into()))
}

/// Returns what OpenAI's clients are told about a language model; nothing about another.
pub(crate) fn model(app: &App, name: &str) -> Option<Value> {
    let version = app.models.get(name)?.version(Wanted::Any).ok()?;
    version.text.is_some().then(|| about(name, &version))
}

fn about(name: &str, version: &Version) -> Value {
    let positions = version.text.as_ref().map(|text| text.model().shape().max_positions);
    json!({
        "id": name,
        "object": "model",
        // Versions are the seconds that they were pushed at, mostly.
        "created": version.number,
        "owned_by": "cupola",
        "max_model_len": positions,
    })
}

/// Counts what became of a request.
fn count(work: &Work, code: Code) {
    let took = work.arrived.elapsed();
    work.entry.metrics.request(Api::Completions, How::Rest, code, took);
    if code == Code::Cancelled {
        work.entry.slots.metrics.cancelled.fetch_add(1, Ordering::Relaxed);
    }
}
