//! Answers, as OpenAI's clients read them.

use serde_json::{Map, Value, json};

use super::work::{TokenTold, Told, Usage};

/// What all parts of an answer begin with.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) model: String,
    pub(crate) version: u64,
}

impl Head {
    fn object(&self, choices: Vec<Value>) -> Map<String, Value> {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        put("id", self.id.clone().into());
        put("object", "text_completion".into());
        put("created", self.created.into());
        put("model", self.model.clone().into());
        put("system_fingerprint", format!("v{}", self.version).into());
        put("choices", choices.into());
        object
    }
}

/// Makes events of what is told.
pub(crate) struct EventWriter {
    head: Head,
    includes_usage: bool,
    /// How many characters each text has so far.
    num_chars: Vec<usize>,
}

impl EventWriter {
    pub(crate) fn new(head: Head, includes_usage: bool) -> Self {
        Self { head, includes_usage, num_chars: Vec::new() }
    }

    /// Returns the event that tells something; where usage is told in the end, all others say that it is not there.
    pub(crate) fn event(&mut self, told: Told) -> Value {
        let mut choices = Vec::new();
        if let Told::Text { choice, text, tokens, finish } = told {
            if self.num_chars.len() <= choice {
                self.num_chars.resize(choice + 1, 0);
            }
            let logprobs = tokens.map(|tokens| {
                let logprobs = Logprobs::of(&tokens, self.num_chars[choice]);
                self.num_chars[choice] = logprobs.num_chars;
                logprobs.json()
            });
            choices.push(json!({
                "text": text, "index": choice, "logprobs": logprobs, "finish_reason": finish,
            }));
        }
        let mut event = self.head.object(choices);
        if self.includes_usage {
            event.insert("usage".to_owned(), Value::Null);
        }
        Value::Object(event)
    }

    /// Returns the event that tells how much it was.
    pub(crate) fn usage(&self, usage: Usage) -> Value {
        let mut event = self.head.object(Vec::new());
        event.insert("usage".to_owned(), usage_json(usage));
        Value::Object(event)
    }
}

/// An answer that is told as a whole.
pub(crate) struct Answer {
    head: Head,
    choices: Vec<Choice>,
}

#[derive(Default)]
struct Choice {
    text: String,
    logprobs: Option<Logprobs>,
    finish: Option<&'static str>,
}

impl Answer {
    pub(crate) fn new(head: Head) -> Self {
        Self { head, choices: Vec::new() }
    }

    /// Takes what is told while a text is generated.
    pub(crate) fn take(&mut self, told: Told) {
        let Told::Text { choice, text, tokens, finish } = told else { return };
        if self.choices.len() <= choice {
            self.choices.resize_with(choice + 1, Choice::default);
        }
        let choice = &mut self.choices[choice];
        choice.text.push_str(&text);
        choice.finish = finish.or(choice.finish);
        if let Some(tokens) = tokens {
            let logprobs = choice.logprobs.get_or_insert_default();
            let more = Logprobs::of(&tokens, logprobs.num_chars);
            logprobs.extend(more);
        }
    }

    /// Returns the whole.
    pub(crate) fn finish(self, usage: Usage) -> Value {
        let choice = |(index, choice): (usize, Choice)| {
            json!({
                "text": choice.text,
                "index": index,
                "logprobs": choice.logprobs.map(Logprobs::json),
                "finish_reason": choice.finish,
            })
        };
        let choices = self.choices.into_iter().enumerate().map(choice).collect();
        let mut object = self.head.object(choices);
        object.insert("usage".to_owned(), usage_json(usage));
        Value::Object(object)
    }
}

fn usage_json(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.new,
        "total_tokens": usage.prompt + usage.new,
    })
}

/// Tokens with their probabilities, in lists as the API has them.
#[derive(Default)]
struct Logprobs {
    tokens: Vec<Value>,
    log_probabilities: Vec<Value>,
    top: Vec<Value>,
    offsets: Vec<Value>,
    /// How many characters of text there are before the next token.
    num_chars: usize,
}

impl Logprobs {
    fn of(told: &[TokenTold], before: usize) -> Self {
        let mut logprobs = Self { num_chars: before, ..Self::default() };
        for token in told {
            logprobs.tokens.push(token.text.clone().into());
            logprobs.log_probabilities.push(token.log_probability.map_or(Value::Null, number));
            let top = token.top.as_ref().map(|top| {
                let pairs = top.iter().map(|(text, log)| (text.clone(), number(*log)));
                Value::Object(pairs.collect())
            });
            logprobs.top.push(top.unwrap_or(Value::Null));
            logprobs.offsets.push(logprobs.num_chars.into());
            logprobs.num_chars += token.num_chars;
        }
        logprobs
    }

    fn extend(&mut self, more: Self) {
        self.tokens.extend(more.tokens);
        self.log_probabilities.extend(more.log_probabilities);
        self.top.extend(more.top);
        self.offsets.extend(more.offsets);
        self.num_chars = more.num_chars;
    }

    fn json(self) -> Value {
        let has_top = self.top.iter().any(|top| !top.is_null());
        json!({
            "tokens": self.tokens,
            "token_logprobs": self.log_probabilities,
            "top_logprobs": has_top.then_some(self.top),
            "text_offset": self.offsets,
        })
    }
}

/// Returns a number of 32 bits with the digits that it has, and not those of its neighbour of 64 bits.
fn number(value: f32) -> Value {
    let shortest: f64 = value.to_string().parse().unwrap_or(f64::from(value));
    // What is impossible has no number in JSON; the lowest is what others say.
    serde_json::Number::from_f64(shortest).map_or_else(|| (-9999.0).into(), Value::Number)
}
