//! KServe's Open Inference Protocol, version 2, over REST, with its extension for tensors as bytes.

use bytes::Bytes;
use serde_json::json;

use super::{PathVersion, Segments, number};
use crate::app::{Answer, App, Question};
use crate::failure::Failure;
use crate::http::{Reply, Request};
use crate::inputs::{Tensor, TensorValues};
use crate::json::{Kind, Number, Reader, put_f32, put_string};
use crate::metrics::{Api, Entry};
use crate::open_inference::{metadata, server_metadata};
use crate::outputs::{Output, outputs};
use crate::raw::{self, Elements};

/// Answers a request below `/v2`; nothing where it is none.
pub(super) async fn answer(
    app: &App,
    request: &Request,
    is_read: bool,
    mut segments: Segments<'_>,
) -> Option<Reply> {
    if segments.is_end() {
        return is_read.then(|| Reply::json(server_metadata().to_string().into_bytes()));
    }
    if segments.next()? != "models" {
        return None;
    }
    let name = segments.next()?;
    let mut version = PathVersion::Any;
    let mut verb = segments.next();
    if verb.as_deref() == Some("versions") {
        let asked = segments.next()?;
        version = match number(&asked) {
            Some(number) => PathVersion::Number(number),
            None => {
                let message = format!("model version {asked:?} is not a number");
                return Some(Reply::failure(&Failure::invalid(message)));
            }
        };
        verb = segments.next();
    }
    if !segments.is_end() {
        return None;
    }
    match verb.as_deref() {
        None if is_read => {
            let described = app.model(&name).and_then(|entry| metadata(&entry, version.wanted()));
            Some(described.map(|value| value.to_string().into_bytes()).into())
        }
        Some("ready") if is_read => {
            let found = app.model(&name).and_then(|entry| entry.version(version.wanted()));
            let ready = |is_ready: bool| json!({ "name": name, "ready": is_ready }).to_string();
            Some(match found {
                Ok(_) => Reply::json(ready(true).into_bytes()),
                Err(failure) if app.models.get(&name).is_none() => Reply::failure(&failure),
                Err(_) => Reply { status: 503, ..Reply::json(ready(false).into_bytes()) },
            })
        }
        Some("infer") if request.method == http::Method::POST => {
            let reply = infer(app, request, &name, &version).await;
            Some(reply.unwrap_or_else(|failure| Reply::failure(&failure)))
        }
        _ => None,
    }
}

/// A tensor as it was announced.
#[derive(Default)]
struct Announced<'a> {
    name: String,
    datatype: Option<String>,
    shape: Option<Vec<i64>>,
    data: Option<Reader<'a>>,
    num_bytes: Option<usize>,
}

/// What is asked for.
#[derive(Default)]
struct Body<'a> {
    id: Option<String>,
    inputs: Vec<Announced<'a>>,
    outputs: Vec<Wanted>,
    all_binary: bool,
}

/// An output that is asked for.
struct Wanted {
    name: String,
    is_binary: Option<bool>,
}

async fn infer(
    app: &App,
    request: &Request,
    name: &str,
    version: &PathVersion<'_>,
) -> Result<Reply, Failure> {
    let json_length = match &request.headers.json_length {
        None => request.body.len(),
        Some(value) => std::str::from_utf8(value)
            .ok()
            .and_then(|value| value.trim().parse().ok())
            .filter(|length| *length <= request.body.len())
            .ok_or_else(|| Failure::invalid("Inference-Header-Content-Length is not one"))?,
    };
    let binary = request.body.slice(json_length..);
    let body = Body::read(&request.body[..json_length])?;
    let question = Question {
        model: name,
        wanted: version.wanted(),
        api: Api::Infer,
        entry: Entry::Rest,
        arrived: request.arrived,
        deadline: app.deadline(request.arrived, None),
        num_bytes: request.body.len(),
        trace: request.trace.as_deref(),
    };
    let Answer { version, batch } = app
        .ask(&question, &|version, is_known| {
            let tensors = body.tensors(&binary)?;
            version.inputs.decode_tensors(tensors, is_known, &app.row_limits())
        })
        .await?;
    let outputs = outputs(&batch)?;
    let mut chosen: Vec<(&Output<'_>, bool)> = Vec::new();
    if body.outputs.is_empty() {
        chosen.extend(outputs.iter().map(|output| (output, body.all_binary)));
    }
    for wanted in &body.outputs {
        let found = outputs.iter().find(|output| output.name == wanted.name);
        let missing = || Failure::invalid(format!("the model has no output {:?}", wanted.name));
        chosen.push((found.ok_or_else(missing)?, wanted.is_binary.unwrap_or(body.all_binary)));
    }

    let mut out =
        Vec::with_capacity(128 + outputs.iter().map(|o| o.values.len() * 12).sum::<usize>());
    out.extend_from_slice(b"{\"model_name\": ");
    put_string(&mut out, name);
    out.extend_from_slice(format!(", \"model_version\": \"{}\"", version.number).as_bytes());
    if let Some(id) = &body.id {
        out.extend_from_slice(b", \"id\": ");
        put_string(&mut out, id);
    }
    out.extend_from_slice(b", \"outputs\": [");
    let mut binary = Vec::new();
    for (place, (output, is_binary)) in chosen.iter().enumerate() {
        out.extend_from_slice(if place == 0 { b"{\"name\": " } else { b", {\"name\": " });
        put_string(&mut out, output.name);
        let shape = format!(
            ", \"datatype\": \"FP32\", \"shape\": [{}, {}], ",
            batch.num_rows(),
            output.width
        );
        out.extend_from_slice(shape.as_bytes());
        if *is_binary {
            let size =
                format!("\"parameters\": {{\"binary_data_size\": {}}}}}", output.values.len() * 4);
            out.extend_from_slice(size.as_bytes());
            output.values.iter().for_each(|value| binary.extend_from_slice(&value.to_le_bytes()));
            continue;
        }
        out.extend_from_slice(b"\"data\": [");
        for (place, value) in output.values.iter().enumerate() {
            if place > 0 {
                out.extend_from_slice(b", ");
            }
            put_f32(&mut out, *value);
        }
        out.extend_from_slice(b"]}");
    }
    out.extend_from_slice(b"]}");
    if binary.is_empty() {
        return Ok(Reply::json(out));
    }
    let json_length = Some(out.len());
    out.extend_from_slice(&binary);
    Ok(Reply { content_type: "application/octet-stream", json_length, ..Reply::json(out) })
}

impl<'a> Body<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Failure> {
        let mut reader = Reader::new(bytes)?;
        let mut body = Self::default();
        let mut has_inputs = false;
        each_key(&mut reader, &mut |reader, key| {
            match key {
                "id" => body.id = Some(text(reader)?),
                "inputs" => {
                    has_inputs = true;
                    each_item(reader, &mut |reader| {
                        body.inputs.push(Announced::read(reader)?);
                        Ok(())
                    })?;
                }
                "outputs" => each_item(reader, &mut |reader| {
                    let (mut name, mut is_binary) = (None, None);
                    each_key(reader, &mut |reader, key| match key {
                        "name" => {
                            name = Some(text(reader)?);
                            Ok(())
                        }
                        "parameters" => flag(reader, "binary_data", &mut is_binary),
                        _ => Ok(reader.skip_value()?),
                    })?;
                    let missing = || Failure::invalid("an output has no name");
                    body.outputs.push(Wanted { name: name.ok_or_else(missing)?, is_binary });
                    Ok(())
                })?,
                "parameters" => {
                    let mut all = None;
                    flag(reader, "binary_data_output", &mut all)?;
                    body.all_binary = all.unwrap_or(false);
                }
                _ => reader.skip_value()?,
            }
            Ok(())
        })?;
        reader.end()?;
        if !has_inputs {
            return Err(Failure::invalid("found no \"inputs\", expected a list of tensors"));
        }
        Ok(body)
    }

    /// Returns the tensors, those of bytes in the order in which they were announced.
    fn tensors(&self, binary: &Bytes) -> Result<Vec<Tensor<'_>>, Failure> {
        let mut rest = binary.clone();
        let mut tensors = Vec::with_capacity(self.inputs.len());
        for announced in &self.inputs {
            tensors.push(announced.tensor(&mut rest)?);
        }
        if !rest.is_empty() {
            let message = format!("found {} bytes that no tensor announced", rest.len());
            return Err(Failure::invalid(message));
        }
        Ok(tensors)
    }
}

impl<'a> Announced<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Failure> {
        let mut announced = Self::default();
        let mut has_name = false;
        each_key(reader, &mut |reader, key| {
            match key {
                "name" => {
                    announced.name = text(reader)?;
                    has_name = true;
                }
                "datatype" => announced.datatype = Some(text(reader)?),
                "shape" => {
                    let mut shape = Vec::new();
                    each_item(reader, &mut |reader| {
                        shape.push(int(reader)?);
                        Ok(())
                    })?;
                    announced.shape = Some(shape);
                }
                "data" => {
                    announced.data = Some(reader.clone());
                    reader.skip_value()?;
                }
                "parameters" => each_key(reader, &mut |reader, key| {
                    if key != "binary_data_size" {
                        return Ok(reader.skip_value()?);
                    }
                    let size = usize::try_from(int(reader)?);
                    let size =
                        size.map_err(|_| Failure::invalid("binary_data_size is negative"))?;
                    announced.num_bytes = Some(size);
                    Ok(())
                })?,
                _ => reader.skip_value()?,
            }
            Ok(())
        })?;
        if has_name { Ok(announced) } else { Err(Failure::invalid("a tensor has no name")) }
    }

    fn tensor(&self, rest: &mut Bytes) -> Result<Tensor<'_>, Failure> {
        let name = self.name.as_str();
        let missing = |what: &str| Failure::invalid(format!("tensor `{name}` has no \"{what}\""));
        let datatype = self.datatype.as_deref().ok_or_else(|| missing("datatype"))?;
        let elements = Elements::of_kserve(datatype)?;
        let (shape, count) =
            raw::shape(name, self.shape.as_ref().ok_or_else(|| missing("shape"))?)?;
        let values = match (self.num_bytes, &self.data) {
            (Some(size), None) => {
                if size > rest.len() {
                    let found = rest.len();
                    return Err(Failure::invalid(format!(
                        "tensor `{name}`: found {found} bytes, expected {size}"
                    )));
                }
                elements.read(&rest.split_to(size))?
            }
            (None, Some(data)) => values(elements, &mut data.clone(), name)?,
            _ => return Err(missing("data")),
        };
        raw::check_count(name, values.len(), count)?;
        Ok(Tensor { name, shape, values })
    }
}

/// Reads values in JSON, flat or nested, in the order in which they stand.
fn values(
    elements: Elements,
    reader: &mut Reader<'_>,
    name: &str,
) -> Result<TensorValues, Failure> {
    let mut values = match elements {
        Elements::Bool => TensorValues::Bools(Vec::new()),
        Elements::F32 | Elements::F64 => TensorValues::Floats(Vec::new()),
        Elements::Texts => TensorValues::Texts(Vec::new()),
        _ => TensorValues::Ints(Vec::new()),
    };
    let wrong = |kind: Kind| {
        Failure::invalid(format!(
            "tensor `{name}`: found {} among values of its datatype",
            kind.name()
        ))
    };
    if reader.kind()? != Kind::Array {
        return Err(wrong(reader.kind()?));
    }
    // Of each open list, whether its next value is the first.
    let mut open = vec![true];
    reader.begin_array()?;
    while let Some(is_first) = open.last_mut() {
        if !reader.next_item(is_first)? {
            open.pop();
            continue;
        }
        match (&mut values, reader.kind()?) {
            (_, Kind::Array) => {
                reader.begin_array()?;
                open.push(true);
            }
            (TensorValues::Bools(values), Kind::Bool) => values.push(reader.bool()?),
            (TensorValues::Floats(values), Kind::Number) => values.push(reader.number()?.as_f32()),
            (TensorValues::Ints(values), Kind::Number) => match reader.number()? {
                Number::Int(int) => values.push(int),
                Number::Other(_) => return Err(wrong(Kind::Number)),
            },
            (TensorValues::Texts(values), Kind::String) => {
                values.push(Bytes::copy_from_slice(reader.string()?.as_bytes()));
            }
            (_, kind) => return Err(wrong(kind)),
        }
    }
    Ok(values)
}

type EachKey<'f, 'a> = dyn FnMut(&mut Reader<'a>, &str) -> Result<(), Failure> + 'f;
type EachItem<'f, 'a> = dyn FnMut(&mut Reader<'a>) -> Result<(), Failure> + 'f;

fn each_key<'a>(reader: &mut Reader<'a>, take: &mut EachKey<'_, 'a>) -> Result<(), Failure> {
    if reader.kind()? != Kind::Object {
        return Err(reader.expected("an object").into());
    }
    reader.begin_object()?;
    let mut is_first = true;
    while let Some(key) = reader.next_key(&mut is_first)? {
        take(reader, &key)?;
    }
    Ok(())
}

fn each_item<'a>(reader: &mut Reader<'a>, take: &mut EachItem<'_, 'a>) -> Result<(), Failure> {
    reader.begin_array()?;
    let mut is_first = true;
    while reader.next_item(&mut is_first)? {
        take(reader)?;
    }
    Ok(())
}

fn flag(reader: &mut Reader<'_>, name: &str, value: &mut Option<bool>) -> Result<(), Failure> {
    each_key(reader, &mut |reader, key| {
        if key == name {
            *value = Some(reader.bool()?);
            return Ok(());
        }
        Ok(reader.skip_value()?)
    })
}

fn text(reader: &mut Reader<'_>) -> Result<String, Failure> {
    if reader.kind()? != Kind::String {
        return Err(reader.expected("a string").into());
    }
    Ok(reader.string()?.into_owned())
}

fn int(reader: &mut Reader<'_>) -> Result<i64, Failure> {
    match reader.number()? {
        Number::Int(int) => Ok(int),
        Number::Other(_) => Err(reader.expected("a whole number").into()),
    }
}
