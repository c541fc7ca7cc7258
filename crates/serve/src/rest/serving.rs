//! TensorFlow Serving's REST API: `/v1/models/NAME[/versions/N|/labels/L]` with `:predict`, `:classify`, `:regress`,
//! `/metadata`, or nothing for the state.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{PathVersion, Segments, decode, number};
use crate::app::{Answer, App, Question};
use crate::completions;
use crate::entry::VersionState;
use crate::failure::{Code, Failure};
use crate::http::{Reply, Request};
use crate::inputs::{Layout, read_rows};
use crate::json::{Kind, Reader, put_f32, put_string};
use crate::metrics::{Api, Entry};
use crate::outputs::{classes, outputs, regressions};
use crate::proto::tensorflow::{DataType, TensorInfo};
use crate::signature;

/// Answers a request below `/v1`; nothing where it is none.
pub(super) async fn answer(
    app: &App,
    request: &Request,
    is_read: bool,
    mut segments: Segments<'_>,
) -> Option<Reply> {
    if !segments.next()?.eq_ignore_ascii_case("models") {
        return None;
    }
    let Some(first) = segments.next_raw() else {
        return Some(Reply::failure(&Failure::invalid("Missing model name in request.")));
    };
    let (mut name, mut verb) = split_verb(first);
    let mut version = PathVersion::Any;
    let mut is_metadata = false;
    while verb.is_none() && !segments.is_end() {
        let part = segments.next_raw()?;
        if part.eq_ignore_ascii_case("metadata") && segments.is_end() {
            is_metadata = true;
        } else if matches!(version, PathVersion::Any) && !is_metadata {
            let value = segments.next_raw()?;
            let (value, its_verb) = split_verb(value);
            verb = its_verb;
            version = if part.eq_ignore_ascii_case("versions") {
                PathVersion::Number(number(value)?)
            } else if part.eq_ignore_ascii_case("labels") {
                PathVersion::Label(decode(value)?)
            } else {
                return None;
            };
        } else {
            return None;
        }
    }
    if name.is_empty() || !segments.is_end() {
        return None;
    }
    let decoded = decode(name)?;
    name = decoded.as_ref();

    let api = match verb {
        None if is_read && is_metadata => return Some(metadata(app, name, &version).into()),
        None if is_read => return Some(status(app, name, &version).into()),
        None => return None,
        Some(verb) if verb.eq_ignore_ascii_case("predict") => Api::Predict,
        Some(verb) if verb.eq_ignore_ascii_case("classify") => Api::Classify,
        Some(verb) if verb.eq_ignore_ascii_case("regress") => Api::Regress,
        Some(_) => return None,
    };
    if request.method != http::Method::POST {
        return None;
    }
    let question = Question {
        model: name,
        wanted: version.wanted(),
        api,
        entry: Entry::Rest,
        arrived: request.arrived,
        deadline: app.deadline(request.arrived, None),
        num_bytes: request.body.len(),
        trace: request.trace.as_deref(),
    };
    let reply = match api {
        Api::Predict => predict(app, &question, &request.body).await,
        _ => classify_or_regress(app, &question, &request.body).await,
    };
    Some(reply.into())
}

/// Takes `name:verb` apart.
fn split_verb(part: &str) -> (&str, Option<&str>) {
    match part.rsplit_once(':') {
        Some((name, verb)) => (name, Some(verb)),
        None => (part, None),
    }
}

/// A request to predict, before its rows are read.
struct PredictBody<'a> {
    rows: (Layout, Reader<'a>),
}

impl<'a> PredictBody<'a> {
    fn read(body: &'a [u8]) -> Result<Self, Failure> {
        let mut reader = Reader::new(body)?;
        if reader.kind()? != Kind::Object {
            return Err(Failure::invalid(
                "JSON Value: found no object, expected one with \"instances\" or \"inputs\"",
            ));
        }
        reader.begin_object()?;
        let (mut rows, mut is_first) = (None, true);
        while let Some(key) = reader.next_key(&mut is_first)? {
            let layout = match key.as_ref() {
                "instances" => Layout::Instances,
                "inputs" => Layout::Inputs,
                "signature_name" => {
                    signature::check(&string(&mut reader, "signature_name")?)?;
                    continue;
                }
                _ => {
                    reader.skip_value()?;
                    continue;
                }
            };
            if rows.is_some() {
                return Err(Failure::invalid(
                    "Not formatted correctly: expected one of the keys \"instances\" and \"inputs\"",
                ));
            }
            rows = Some((layout, reader.clone()));
            reader.skip_value()?;
        }
        reader.end()?;
        let missing = || Failure::invalid("Missing 'inputs' or 'instances' key");
        Ok(Self { rows: rows.ok_or_else(missing)? })
    }
}

fn string<'a>(reader: &mut Reader<'a>, key: &str) -> Result<Cow<'a, str>, Failure> {
    if reader.kind()? != Kind::String {
        return Err(Failure::invalid(format!("'{key}' key must be a string value.")));
    }
    Ok(reader.string()?)
}

async fn predict(app: &App, question: &Question<'_>, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let body = PredictBody::read(body).map_err(|failure| unanswered(app, question, failure))?;
    let (layout, rows) = body.rows;
    let Answer { batch, .. } = app
        .ask(question, &|version, is_known| {
            let limits = app.row_limits();
            read_rows(&version.inputs, layout, &mut rows.clone(), None, is_known, &limits)
        })
        .await?;
    let outputs = outputs(&batch)?;
    let num_rows = batch.num_rows();
    let num_values: usize = outputs.iter().map(|output| output.width).sum();
    let mut out = Vec::with_capacity(64 + num_rows * (num_values * 14 + 32));
    let put_row = |out: &mut Vec<u8>, values: &[f32]| {
        out.push(b'[');
        for (place, value) in values.iter().enumerate() {
            if place > 0 {
                out.extend_from_slice(b", ");
            }
            put_f32(out, *value);
        }
        out.push(b']');
    };
    if layout == Layout::Instances {
        out.extend_from_slice(b"{\"predictions\": [");
        for row in 0..num_rows {
            if row > 0 {
                out.extend_from_slice(b", ");
            }
            if let [only] = outputs.as_slice() {
                put_row(&mut out, only.row(row));
                continue;
            }
            for (place, output) in outputs.iter().enumerate() {
                out.extend_from_slice(if place == 0 { b"{" } else { b", " });
                put_string(&mut out, output.name);
                out.extend_from_slice(b": ");
                put_row(&mut out, output.row(row));
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
        return Ok(out);
    }
    out.extend_from_slice(b"{\"outputs\": ");
    let is_only = outputs.len() == 1;
    for (place, output) in outputs.iter().enumerate() {
        if !is_only {
            out.extend_from_slice(if place == 0 { b"{" } else { b", " });
            put_string(&mut out, output.name);
            out.extend_from_slice(b": ");
        }
        out.push(b'[');
        for row in 0..num_rows {
            if row > 0 {
                out.extend_from_slice(b", ");
            }
            put_row(&mut out, output.row(row));
        }
        out.push(b']');
    }
    out.extend_from_slice(if is_only { b"}" } else { b"}}" });
    Ok(out)
}

/// A request to classify or regress, before its examples are read.
struct ExamplesBody<'a> {
    examples: Reader<'a>,
    context: Option<Reader<'a>>,
}

impl<'a> ExamplesBody<'a> {
    fn read(body: &'a [u8], method: &str) -> Result<Self, Failure> {
        let mut reader = Reader::new(body)?;
        if reader.kind()? != Kind::Object {
            return Err(Failure::invalid(
                "JSON Value: found no object, expected one with \"examples\"",
            ));
        }
        reader.begin_object()?;
        let (mut examples, mut context, mut is_first) = (None, None, true);
        while let Some(key) = reader.next_key(&mut is_first)? {
            match key.as_ref() {
                "examples" => examples = Some(reader.clone()),
                "context" => context = Some(reader.clone()),
                "signature_name" => {
                    signature::check_method(&string(&mut reader, "signature_name")?, method)?;
                    continue;
                }
                _ => {}
            }
            reader.skip_value()?;
        }
        reader.end()?;
        let missing = || {
            Failure::invalid(
                "When method is classify or regress, key 'examples' is expected and was not found.",
            )
        };
        Ok(Self { examples: examples.ok_or_else(missing)?, context })
    }
}

async fn classify_or_regress(
    app: &App,
    question: &Question<'_>,
    body: &[u8],
) -> Result<Vec<u8>, Failure> {
    let method = if question.api == Api::Classify { "classify" } else { "regress" };
    let body = ExamplesBody::read(body, method);
    let body = body.map_err(|failure| unanswered(app, question, failure))?;
    let Answer { version, batch } = app
        .ask(question, &|version, is_known| {
            let limits = app.row_limits();
            let (mut rows, mut context) = (body.examples.clone(), body.context.clone());
            let context = context.as_mut();
            read_rows(&version.inputs, Layout::Examples, &mut rows, context, is_known, &limits)
        })
        .await?;
    let mut out = Vec::with_capacity(64 + batch.num_rows() * 32);
    out.extend_from_slice(b"{\"results\": [");
    if question.api == Api::Regress {
        for (row, value) in regressions(&batch)?.iter().enumerate() {
            if row > 0 {
                out.extend_from_slice(b", ");
            }
            put_f32(&mut out, *value);
        }
        out.extend_from_slice(b"]}");
        return Ok(out);
    }
    let mut last = None;
    classes(version.task, &batch, &mut |row, label, score| {
        match last {
            Some(last) if last == row => out.extend_from_slice(b", "),
            Some(_) => out.extend_from_slice(b"], ["),
            None => out.push(b'['),
        }
        last = Some(row);
        out.push(b'[');
        put_string(&mut out, label);
        out.extend_from_slice(b", ");
        put_f32(&mut out, score);
        out.push(b']');
    })?;
    out.extend_from_slice(b"]]}");
    Ok(out)
}

/// Counts a request that did not get as far as its model.
fn unanswered(app: &App, question: &Question<'_>, failure: Failure) -> Failure {
    match app.model(question.model) {
        Ok(model) => {
            let took = question.arrived.elapsed();
            model.metrics.request(question.api, question.entry, failure.code, took);
            failure
        }
        Err(unknown) => unknown,
    }
}

fn status(app: &App, name: &str, version: &PathVersion<'_>) -> Result<Vec<u8>, Failure> {
    let entry = app.models.get(name).ok_or_else(|| {
        Failure::not_found(format!("Could not find any versions of model {name}"))
    })?;
    let states = entry.states(version.wanted())?;
    if states.is_empty() {
        return Err(Failure::not_found(format!("Could not find any versions of model {name}")));
    }
    let state = |state: &VersionState| {
        let (code, message) = match &state.failure {
            None => (Code::Ok, ""),
            Some(failure) => (failure.code, failure.message.as_ref()),
        };
        json!({
            "version": state.number.to_string(),
            "state": state.stage.name(),
            "status": { "error_code": code.name(), "error_message": message },
        })
    };
    let states: Vec<Value> = states.iter().map(state).collect();
    // Clients of OpenAI's ask at the same place what a language model is.
    let mut about = completions::model(app, name).unwrap_or_else(|| json!({}));
    about["model_version_status"] = states.into();
    Ok(pretty(&about))
}

fn metadata(app: &App, name: &str, version: &PathVersion<'_>) -> Result<Vec<u8>, Failure> {
    let version = app.model(name)?.version(version.wanted())?;
    let tensor = |(name, info): (&String, &TensorInfo)| {
        let dims = info.tensor_shape.iter().flat_map(|shape| &shape.dim);
        let dims = dims.map(|dim| json!({ "size": dim.size.to_string(), "name": dim.name }));
        let dtype = DataType::try_from(info.dtype).unwrap_or_default();
        let shape = json!({ "dim": dims.collect::<Vec<_>>(), "unknown_rank": false });
        let info = json!({
            "dtype": dtype.as_str_name(),
            "tensor_shape": shape,
            "name": info.name,
        });
        (name.clone(), info)
    };
    let signatures = signature::signatures(&version).into_iter().map(|(name, signature)| {
        let inputs: serde_json::Map<_, _> = signature.inputs.iter().map(tensor).collect();
        let outputs: serde_json::Map<_, _> = signature.outputs.iter().map(tensor).collect();
        let method = signature.method_name;
        (name, json!({ "inputs": inputs, "outputs": outputs, "method_name": method }))
    });
    let signatures: serde_json::Map<_, _> = signatures.collect();
    Ok(pretty(&json!({
        "model_spec": {
            "name": name,
            "signature_name": "",
            "version": version.number.to_string(),
        },
        "metadata": { "signature_def": { "signature_def": signatures } },
    })))
}

fn pretty(value: &Value) -> Vec<u8> {
    let mut out = serde_json::to_vec_pretty(value).unwrap_or_default();
    out.push(b'\n');
    out
}
