//! One question over one protocol, and the answer held against what was predicted offline.

use client::{Channel, Client, ClientError};
use program::json::{float, parse};
use prost::Message;
use serde_json::Value;

use crate::flaw::{Api, Flaw};
use crate::messages::{DT_FLOAT, PredictResponse, Tensor, predict_request};
use crate::question::Question;

/// How much of an answer that is none is shown, in characters.
const SHOWN: usize = 200;

/// The outputs of an answer with their values.
pub(crate) type Outputs = Vec<(String, Vec<f32>)>;

/// A model in a server that can be asked.
pub(crate) struct Target<'a> {
    pub(crate) client: &'a Client,
    pub(crate) channel: Channel<'a>,
    /// Such as `http://127.0.0.1:8501`.
    pub(crate) url: &'a str,
    pub(crate) model: &'a str,
}

impl Target<'_> {
    /// Asks; an `Err` says why there are no predictions.
    pub(crate) fn ask(&self, api: Api, question: &Question) -> Result<Outputs, String> {
        match api {
            Api::Rest => self.ask_rest(question),
            Api::Grpc => self.ask_grpc(question),
        }
    }

    fn ask_rest(&self, question: &Question) -> Result<Outputs, String> {
        let url = format!("{}/v1/models/{}:predict", self.url, self.model);
        let body = format!("{{\"instances\": [{}]}}", question.row);
        let headers = [("content-type", "application/json")];
        let answer = self.client.post(&url, &headers, body.into_bytes()).map_err(said)?;
        let text = answer.text();
        if answer.status != 200 {
            return Err(format!("status {}: {}", answer.status, shortened(&text)));
        }
        let body = parse(&text).map_err(|error| format!("{error}: {}", shortened(&text)))?;
        let rows = body["predictions"].as_array().map_or(&[][..], Vec::as_slice);
        let [row] = rows else {
            return Err(format!("{} predictions for one example", rows.len()));
        };
        let values = |value: &Value| -> Option<Vec<f32>> {
            let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            // What stands there is the shortest text of a float of 32 bits.
            #[expect(clippy::cast_possible_truncation, reason = "outputs are floats of 32 bits")]
            items.iter().map(|item| float(item).map(|value| value as f32)).collect()
        };
        let outputs: Option<Outputs> = match row {
            Value::Object(outputs) => {
                outputs.iter().map(|(name, value)| Some((name.clone(), values(value)?))).collect()
            }
            // A single output has no name here.
            bare => values(bare).map(|values| {
                let name = question.expected.first().map(|(name, _)| name.clone());
                vec![(name.unwrap_or_default(), values)]
            }),
        };
        outputs.ok_or_else(|| format!("a prediction is no number: {}", shortened(&text)))
    }

    fn ask_grpc(&self, question: &Question) -> Result<Outputs, String> {
        const METHOD: &str = "/tensorflow.serving.PredictionService/Predict";
        let request = predict_request(self.model, &question.example).encode_to_vec();
        let answer = self.channel.call(METHOD, &request).map_err(said)?;
        let answer = PredictResponse::decode(answer);
        let answer = answer.map_err(|error| format!("no PredictResponse: {error}"))?;
        let named = |(name, tensor): (String, Tensor)| {
            let values = values(&name, &tensor)?;
            Ok((name, values))
        };
        answer.outputs.into_iter().map(named).collect()
    }
}

/// Returns the floats of a tensor.
fn values(name: &str, tensor: &Tensor) -> Result<Vec<f32>, String> {
    if tensor.dtype != DT_FLOAT {
        return Err(format!("output `{name}` has dtype {}, expected DT_FLOAT", tensor.dtype));
    }
    if tensor.tensor_content.is_empty() {
        return Ok(tensor.float_val.clone());
    }
    let (chunks, rest) = tensor.tensor_content.as_chunks::<4>();
    match rest {
        [] => Ok(chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
        _ => Err(format!("output `{name}` has {} bytes of floats", tensor.tensor_content.len())),
    }
}

/// Returns the first difference from what was predicted offline, if there is one; beside it the largest that was found.
pub(crate) fn compare(
    api: Api,
    example: usize,
    question: &Question,
    found: &Outputs,
    tolerance: f64,
) -> (Option<Flaw>, f64) {
    let mut largest = 0.0;
    let unanswered = |reason: String| Some(Flaw::Unanswered { api, example, reason });
    for (output, expected) in &question.expected {
        let Some((_, values)) = found.iter().find(|(name, _)| name == output) else {
            return (unanswered(format!("there is no output `{output}`")), largest);
        };
        if values.len() != expected.len() {
            let (found, expected) = (values.len(), expected.len());
            let reason = format!("output `{output}` has {found} values, expected {expected}");
            return (unanswered(reason), largest);
        }
        for (&found, &expected) in values.iter().zip(expected) {
            let distance = distance(found, expected);
            if distance > tolerance {
                let output = output.clone();
                let flaw = Flaw::Different { api, example, output, found, expected, tolerance };
                return (Some(flaw), largest);
            }
            largest = f64::max(largest, distance);
        }
    }
    if let Some((extra, _)) =
        found.iter().find(|(name, _)| question.expected.iter().all(|(output, _)| output != name))
    {
        return (
            unanswered(format!("there is an output `{extra}` that was not there offline")),
            largest,
        );
    }
    (None, largest)
}

/// Returns how far apart two predictions are, as a share of the larger of 1 and the expected one; NaN and NaN are the
/// same, and so are equal infinities.
fn distance(found: f32, expected: f32) -> f64 {
    if found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()) {
        return 0.0;
    }
    let (found, expected) = (f64::from(found), f64::from(expected));
    let distance = (found - expected).abs() / expected.abs().max(1.0);
    // An infinity and anything else, NaN and a number.
    if distance.is_nan() { f64::INFINITY } else { distance }
}

fn said(error: ClientError) -> String {
    error.to_string()
}

pub(crate) fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(values: &[f32]) -> Question {
        let expected = vec![("prediction".to_owned(), values.to_vec())];
        Question { row: String::new(), example: Vec::new(), expected }
    }

    fn said(expected: &[f32], found: &[(&str, &[f32])], tolerance: f64) -> String {
        let found: Outputs =
            found.iter().map(|(name, values)| ((*name).to_owned(), values.to_vec())).collect();
        let (flaw, largest) = compare(Api::Rest, 7, &question(expected), &found, tolerance);
        flaw.map_or_else(|| format!("{largest:.1e}"), |flaw| flaw.to_string())
    }

    #[test]
    fn predictions_are_held_against_the_tolerance() {
        assert_eq!(said(&[0.25], &[("prediction", &[0.25])], 0.0), "0.0e0");
        assert_eq!(said(&[0.25, f32::NAN], &[("prediction", &[0.25, f32::NAN])], 0.0), "0.0e0");
        assert_eq!(said(&[f32::INFINITY], &[("prediction", &[f32::INFINITY])], 0.0), "0.0e0");
        assert_eq!(said(&[1000.0], &[("prediction", &[1000.5])], 1e-3), "5.0e-4");
        assert_eq!(
            said(&[0.5], &[("prediction", &[0.501])], 1e-6),
            "REST, example 7: `prediction` is 0.501, offline it is 0.5; the tolerance is 0.000001 times the larger of 1 and that"
        );
        for (expected, found) in [
            (0.0, f32::NAN),
            (f32::NAN, 0.0),
            (f32::INFINITY, 1.0),
            (f32::INFINITY, f32::NEG_INFINITY),
        ] {
            assert!(said(&[expected], &[("prediction", &[found])], 1e9).contains("offline it is"));
        }
        // The two zeros are one number.
        assert_eq!(said(&[0.0], &[("prediction", &[-0.0])], 0.0), "0.0e0");
    }

    #[test]
    fn outputs_have_to_be_the_same() {
        assert!(said(&[0.5], &[], 1.0).ends_with("there is no output `prediction`"));
        assert!(
            said(&[0.5], &[("prediction", &[0.5, 0.5])], 1.0).ends_with("2 values, expected 1")
        );
        assert!(
            said(&[0.5], &[("prediction", &[0.5]), ("logit", &[0.0])], 1.0).contains("`logit`")
        );
    }
}
