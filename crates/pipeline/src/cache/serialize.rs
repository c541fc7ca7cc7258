//! How parts and answers are written down with an execution: JSON with a version.

use std::collections::BTreeMap;

use artifact::Answer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cache::Parts;

#[derive(Serialize, Deserialize)]
#[serde(tag = "v")]
enum StoredParts {
    #[serde(rename = "1")]
    V1(PartsV1),
}

#[derive(Serialize, Deserialize)]
struct PartsV1 {
    component: String,
    version: u32,
    parameters: BTreeMap<String, Value>,
    inputs: BTreeMap<String, Vec<String>>,
    files: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "v")]
enum StoredAnswer {
    #[serde(rename = "1")]
    V1(AnswerV1),
}

#[derive(Serialize, Deserialize)]
struct AnswerV1 {
    reason: String,
    details: String,
    stop: bool,
}

/// Returns parts as text.
pub(crate) fn parts_to_text(parts: &Parts) -> String {
    let Parts { component, version, parameters, inputs, files } = parts.clone();
    let stored = StoredParts::V1(PartsV1 { component, version, parameters, inputs, files });
    serde_json::to_string(&stored).expect("maps with text keys are JSON")
}

/// Reads parts; `None` when they are not of a known version.
pub(crate) fn parts_from_text(text: &str) -> Option<Parts> {
    let StoredParts::V1(PartsV1 { component, version, parameters, inputs, files }) =
        serde_json::from_str(text).ok()?;
    Some(Parts { component, version, parameters, inputs, files })
}

/// Returns an answer as text; none where it is yes.
pub(crate) fn answer_to_text(answer: &Answer) -> Option<String> {
    let Answer::No { reason, details, stop } = answer else { return None };
    let stored = StoredAnswer::V1(AnswerV1 {
        reason: reason.clone(),
        details: details.clone(),
        stop: *stop,
    });
    Some(serde_json::to_string(&stored).expect("text and a flag are JSON"))
}

/// Reads an answer; `None` when it is not of a known version.
pub(crate) fn answer_from_text(text: &str) -> Option<Answer> {
    let StoredAnswer::V1(AnswerV1 { reason, details, stop }) = serde_json::from_str(text).ok()?;
    Some(Answer::No { reason, details, stop })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS_V1: &str = r#"{"v":"1","component":"Trainer","version":2,"parameters":{"model":{"b":1.5,"a":[true]},"seed":18446744073709551615},"inputs":{"examples":["d1","d2"]},"files":{"a.csv":"d3"}}"#;
    const ANSWER_V1: &str = r#"{"v":"1","reason":"not blessed","details":"auc\nlow","stop":true}"#;

    #[test]
    fn what_was_written_in_version_1_is_read_and_written_the_same() {
        let parts = parts_from_text(PARTS_V1).unwrap();
        assert_eq!(parts.version, 2);
        assert_eq!(parts_to_text(&parts), PARTS_V1);
        let answer = answer_from_text(ANSWER_V1).unwrap();
        assert_eq!(answer_to_text(&answer).unwrap(), ANSWER_V1);
        assert_eq!(answer_to_text(&Answer::Yes), None);
    }

    #[test]
    fn what_a_later_version_wrote_is_not_misread() {
        assert!(parts_from_text(&PARTS_V1.replace(r#""v":"1""#, r#""v":"2""#)).is_none());
        assert!(answer_from_text("{}").is_none());
        assert!(answer_from_text("not JSON").is_none());
    }
}
