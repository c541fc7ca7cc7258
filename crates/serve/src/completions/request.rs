//! What is asked for, as OpenAI's clients say it.

use language::Sampling;
use serde_json::{Map, Value};
use text_model::CompletionOptions;

use crate::completions::Problem;

/// The most texts of one request.
const MAX_CHOICES: usize = 128;
/// The most texts that end one.
const MAX_STOPS: usize = 16;
/// The most of the likeliest tokens that are told.
const MAX_LOGPROBS: u64 = 20;
/// How many new tokens there are where it is not said.
const DEFAULT_MAX_TOKENS: usize = 16;

/// A prompt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Prompt {
    Text(String),
    Tokens(Vec<u32>),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) prompts: Vec<Prompt>,
    /// How many texts of each prompt.
    pub(crate) n: usize,
    /// At most so many new tokens, and whether it was said.
    pub(crate) max_tokens: usize,
    pub(crate) is_max_said: bool,
    pub(crate) sampling: Sampling,
    pub(crate) seed: Option<u64>,
    pub(crate) stop: Vec<String>,
    pub(crate) logprobs: Option<usize>,
    pub(crate) echo: bool,
    pub(crate) stream: bool,
    pub(crate) includes_usage: bool,
}

impl Asked {
    /// Reads the body of a request; what is not supported is refused, but where it asks for nothing.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Problem> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|error| Problem::body_is(format!("the body is not JSON: {error}")))?;
        let Value::Object(mut body) = body else {
            return Err(Problem::body_is("the body is no JSON object"));
        };
        // Null is what clients say for nothing.
        body.retain(|_, value| !value.is_null());
        let mut keys = Keys(body);
        let model = match keys.take("model") {
            Some(Value::String(model)) => model,
            Some(_) => return Err(Problem::of("model", "`model` is no text")),
            None => return Err(Problem::of("model", "you must provide a model parameter")),
        };
        let prompts = prompts(keys.take("prompt"))?;
        let n = keys.whole("n", 1, 1, MAX_CHOICES as u64)?;
        let n = usize::try_from(n).unwrap_or(MAX_CHOICES);
        if prompts.len().saturating_mul(n) > MAX_CHOICES {
            let message = format!(
                "{} prompts with `n` {n}, expected at most {MAX_CHOICES} texts",
                prompts.len()
            );
            return Err(Problem::of("n", message));
        }
        let is_max_said = keys.0.contains_key("max_tokens");
        let max_tokens = keys.whole("max_tokens", DEFAULT_MAX_TOKENS as u64, 0, 1 << 24)?;
        let sampling = Sampling {
            temperature: keys.number("temperature", 1.0, 0.0, 2.0)?,
            top_p: keys.number("top_p", 1.0, 0.0, 1.0)?,
            top_k: match keys.whole_signed("top_k", -1)? {
                -1 | 0 => None,
                k => Some(usize::try_from(k).map_err(|_| {
                    Problem::of("top_k", format!("`top_k` is {k}, expected 1 or more, or -1"))
                })?),
            },
            presence_penalty: keys.number("presence_penalty", 0.0, -2.0, 2.0)?,
            frequency_penalty: keys.number("frequency_penalty", 0.0, -2.0, 2.0)?,
            seed: 0,
        };
        if sampling.top_p <= 0.0 {
            return Err(Problem::of("top_p", "`top_p` is 0, expected above 0, at most 1"));
        }
        let has_seed = keys.0.contains_key("seed");
        let seed = keys.whole_signed("seed", 0)?;
        let stop = stops(keys.take("stop"))?;
        let logprobs = match keys.0.contains_key("logprobs") {
            true => {
                let count = keys.whole("logprobs", 0, 0, MAX_LOGPROBS)?;
                Some(usize::try_from(count).unwrap_or(0))
            }
            false => None,
        };
        let (echo, stream) = (keys.flag("echo")?, keys.flag("stream")?);
        let includes_usage = stream_options(keys.take("stream_options"), stream)?;
        keys.refuse_the_rest(n)?;
        Ok(Self {
            model,
            prompts,
            n,
            max_tokens: usize::try_from(max_tokens).unwrap_or(usize::MAX),
            is_max_said,
            sampling,
            seed: has_seed.then(|| seed.cast_unsigned()),
            stop,
            logprobs,
            echo,
            stream,
            includes_usage,
        })
    }

    /// Returns the options of one text: each text of a request has a seed of its own.
    pub(crate) fn options(&self, seed: u64, choice: u64, max_tokens: usize) -> CompletionOptions {
        CompletionOptions {
            sampling: Sampling { seed: seed.wrapping_add(choice), ..self.sampling },
            max_tokens: Some(max_tokens),
            stop: self.stop.clone(),
            num_top: self.logprobs,
        }
    }
}

/// The keys that were not looked at yet.
struct Keys(Map<String, Value>);

impl Keys {
    fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key)
    }

    fn flag(&mut self, key: &'static str) -> Result<bool, Problem> {
        match self.take(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(other) => Err(wrong(key, &other, "true or false")),
        }
    }

    fn whole(
        &mut self,
        key: &'static str,
        default: u64,
        least: u64,
        most: u64,
    ) -> Result<u64, Problem> {
        let Some(value) = self.take(key) else { return Ok(default) };
        let found = value.as_u64().filter(|number| (least..=most).contains(number));
        found.ok_or_else(|| wrong(key, &value, &format!("a whole number from {least} to {most}")))
    }

    fn whole_signed(&mut self, key: &'static str, default: i64) -> Result<i64, Problem> {
        let Some(value) = self.take(key) else { return Ok(default) };
        value.as_i64().ok_or_else(|| wrong(key, &value, "a whole number of 64 bits"))
    }

    fn number(
        &mut self,
        key: &'static str,
        default: f32,
        least: f64,
        most: f64,
    ) -> Result<f32, Problem> {
        let Some(value) = self.take(key) else { return Ok(default) };
        let found = value.as_f64().filter(|number| (least..=most).contains(number));
        #[expect(clippy::cast_possible_truncation, reason = "options are floats of 32 bits")]
        let found = found.map(|number| number as f32);
        found.ok_or_else(|| wrong(key, &value, &format!("a number from {least} to {most}")))
    }

    /// Refuses what is left, where it asks for something.
    fn refuse_the_rest(mut self, n: usize) -> Result<(), Problem> {
        self.take("user");
        let best_of = self.whole("best_of", n as u64, 1, MAX_CHOICES as u64)?;
        if best_of != n as u64 {
            return Err(Problem::of("best_of", "`best_of` is not supported, but where it is `n`"));
        }
        match self.take("suffix") {
            None => {}
            Some(Value::String(suffix)) if suffix.is_empty() => {}
            Some(_) => return Err(Problem::of("suffix", "`suffix` is not supported")),
        }
        match self.take("logit_bias") {
            None => {}
            Some(Value::Object(bias)) if bias.is_empty() => {}
            Some(_) => return Err(Problem::of("logit_bias", "`logit_bias` is not supported")),
        }
        match self.0.keys().next() {
            None => Ok(()),
            Some(key) => Err(Problem::body_is(format!("unrecognized request argument: `{key}`"))),
        }
    }
}

fn wrong(key: &'static str, found: &Value, expected: &str) -> Problem {
    let mut found = found.to_string();
    if found.len() > 60 {
        let end = (0..=57).rev().find(|end| found.is_char_boundary(*end)).unwrap_or(0);
        found.truncate(end);
        found.push_str("...");
    }
    Problem::of(key, format!("`{key}` is {found}, expected {expected}"))
}

fn prompts(value: Option<Value>) -> Result<Vec<Prompt>, Problem> {
    let expected = "a text, a list of texts, token ids, or a list of lists of token ids";
    let found = match value {
        None => vec![Prompt::Text(String::new())],
        Some(Value::String(text)) => vec![Prompt::Text(text)],
        Some(Value::Array(items)) if items.iter().any(Value::is_number) => vec![tokens(&items)?],
        Some(Value::Array(items)) => items
            .into_iter()
            .map(|item| match item {
                Value::String(text) => Ok(Prompt::Text(text)),
                Value::Array(ids) => tokens(&ids),
                other => Err(wrong("prompt", &other, expected)),
            })
            .collect::<Result<_, _>>()?,
        Some(other) => return Err(wrong("prompt", &other, expected)),
    };
    match found.len() {
        0 => Err(Problem::of("prompt", "`prompt` is an empty list, expected at least one prompt")),
        1..=MAX_CHOICES => Ok(found),
        count => {
            Err(Problem::of("prompt", format!("{count} prompts, expected at most {MAX_CHOICES}")))
        }
    }
}

fn tokens(ids: &[Value]) -> Result<Prompt, Problem> {
    if ids.is_empty() {
        return Err(Problem::of("prompt", "`prompt` has a list without token ids"));
    }
    let id = |id: &Value| {
        let number = id.as_u64().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| wrong("prompt", id, "a token id"))
    };
    Ok(Prompt::Tokens(ids.iter().map(id).collect::<Result<_, _>>()?))
}

fn stops(value: Option<Value>) -> Result<Vec<String>, Problem> {
    let expected = "a text or a list of texts, none of them empty";
    let found = match value {
        None => Vec::new(),
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items
            .into_iter()
            .map(|item| match item {
                Value::String(text) => Ok(text),
                other => Err(wrong("stop", &other, expected)),
            })
            .collect::<Result<_, _>>()?,
        Some(other) => return Err(wrong("stop", &other, expected)),
    };
    if found.iter().any(String::is_empty) {
        return Err(Problem::of("stop", format!("`stop` has an empty text, expected {expected}")));
    }
    if found.len() > MAX_STOPS {
        let message = format!("{} texts in `stop`, expected at most {MAX_STOPS}", found.len());
        return Err(Problem::of("stop", message));
    }
    Ok(found)
}

fn stream_options(value: Option<Value>, stream: bool) -> Result<bool, Problem> {
    let key = "stream_options";
    let Some(value) = value else { return Ok(false) };
    if !stream {
        return Err(Problem::of(key, "`stream_options` is only allowed where `stream` is true"));
    }
    let Value::Object(mut options) = value else { return Err(wrong(key, &value, "an object")) };
    let includes_usage = match options.remove("include_usage") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(flag)) => flag,
        Some(other) => return Err(wrong(key, &other, "true or false for `include_usage`")),
    };
    match options.iter().find(|(_, value)| !matches!(value, Value::Null | Value::Bool(false))) {
        None => Ok(includes_usage),
        Some((name, _)) => {
            Err(Problem::of(key, format!("`stream_options.{name}` is not supported")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Asked, String> {
        let problem = |problem: Problem| problem.body()["error"]["message"].to_string();
        Asked::read(body.as_bytes()).map_err(problem)
    }

    #[test]
    fn what_is_not_said_is_as_openai_has_it() {
        let asked =
            read(r#"{"model": "lm", "prompt": null, "best_of": 1, "logit_bias": {}}"#).unwrap();
        assert_eq!(asked.prompts, [Prompt::Text(String::new())]);
        assert_eq!((asked.n, asked.max_tokens, asked.is_max_said), (1, 16, false));
        assert_eq!(asked.sampling, Sampling::default());
        assert_eq!((asked.seed, asked.logprobs, asked.echo), (None, None, false));
    }

    #[test]
    fn prompts_are_texts_or_tokens_one_or_several() {
        let prompts = |prompt: &str| {
            read(&format!("{{\"model\": \"lm\", \"prompt\": {prompt}}}")).map(|asked| asked.prompts)
        };
        let text = |text: &str| Prompt::Text(text.to_owned());
        assert_eq!(prompts("\"a\"").unwrap(), [text("a")]);
        assert_eq!(prompts("[\"a\", \"b\"]").unwrap(), [text("a"), text("b")]);
        assert_eq!(prompts("[1, 2]").unwrap(), [Prompt::Tokens(vec![1, 2])]);
        assert_eq!(
            prompts("[[1], [2]]").unwrap(),
            [Prompt::Tokens(vec![1]), Prompt::Tokens(vec![2])]
        );
        for wrong in ["[]", "[[]]", "7", "[1, \"a\"]", "[-1]", "[1.5]", "[4294967296]", "[{}]"] {
            assert!(prompts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_or_not_supported_is_said() {
        let said =
            |more: &str| read(&format!("{{\"model\": \"lm\", {more}}}")).map(drop).unwrap_err();
        let cases = [
            (r#""temperature": 3"#, "`temperature` is 3, expected a number from 0 to 2"),
            (r#""top_p": 0"#, "`top_p` is 0, expected above 0, at most 1"),
            (r#""n": 0"#, "`n` is 0, expected a whole number from 1 to 128"),
            (
                r#""n": 100, "prompt": ["a", "b"]"#,
                "2 prompts with `n` 100, expected at most 128 texts",
            ),
            (
                r#""max_tokens": -1"#,
                "`max_tokens` is -1, expected a whole number from 0 to 16777216",
            ),
            (
                r#""stop": [1]"#,
                "`stop` is 1, expected a text or a list of texts, none of them empty",
            ),
            (r#""logprobs": 21"#, "`logprobs` is 21, expected a whole number from 0 to 20"),
            (r#""best_of": 3"#, "`best_of` is not supported, but where it is `n`"),
            (r#""suffix": "x""#, "`suffix` is not supported"),
            (r#""logit_bias": {"1": 2}"#, "`logit_bias` is not supported"),
            (r#""stream_options": {}"#, "`stream_options` is only allowed where `stream` is true"),
            (r#""messages": []"#, "unrecognized request argument: `messages`"),
        ];
        for (more, expected) in cases {
            assert!(said(more).contains(expected), "{more}: {}", said(more));
        }
        for body in ["", "[]", "{", "{}", r#"{"model": 1}"#, "\"x\"", "nul"] {
            assert!(read(body).is_err(), "{body}");
        }
        let deep = format!("{{\"model\": \"lm\", \"prompt\": {}", "[".repeat(100_000));
        assert!(read(&deep).is_err());
    }
}
