//! What is wrong with a request, as OpenAI's clients are told.

use std::borrow::Cow;

use serde_json::{Value, json};
use text_model::TextModelError;

use crate::failure::{Code, Failure};
use crate::http::Reply;

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    failure: Failure,
    /// The key of the request that it is about.
    param: Option<&'static str>,
    /// What programs know it by.
    name: Option<&'static str>,
    status: Option<u16>,
}

impl Problem {
    /// A value that makes no sense, or is not supported.
    pub(crate) fn of(param: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { param: Some(param), ..Failure::invalid(message).into() }
    }

    pub(crate) fn body_is(message: impl Into<Cow<'static, str>>) -> Self {
        Failure::invalid(message).into()
    }

    pub(crate) fn no_model(name: &str) -> Self {
        let message = format!("The model `{name}` does not exist");
        let name = Some("model_not_found");
        Self { param: Some("model"), name, ..Failure::not_found(message).into() }
    }

    pub(crate) fn no_language_model(name: &str) -> Self {
        Self::of(
            "model",
            format!("`{name}` is no language model; ask it with /v1/models/{name}:predict"),
        )
    }

    pub(crate) fn method() -> Self {
        Self { status: Some(405), ..Self::body_is("expected POST") }
    }

    pub(crate) fn no_such_api(path: &str) -> Self {
        let message = format!("{path} is not supported, expected /v1/completions");
        Self { name: Some("unknown_url"), ..Failure::not_found(message).into() }
    }

    /// The text and what is asked for behind it are longer than the model's positions.
    pub(crate) fn too_long(positions: usize, prompt: usize, new: usize) -> Self {
        let message = format!(
            "This model's maximum context length is {positions} tokens, however you requested {} tokens \
             ({prompt} in your prompt; {new} for the completion). Please reduce your prompt; or completion length.",
            prompt.saturating_add(new)
        );
        Self { name: Some("context_length_exceeded"), ..Self::of("max_tokens", message) }
    }

    pub(crate) fn bug(message: &'static str) -> Self {
        Failure::new(Code::Internal, message).into()
    }

    pub(crate) fn cancelled() -> Self {
        Failure::new(Code::Cancelled, "nobody waits for the answer any more").into()
    }

    pub(crate) fn late() -> Self {
        Failure::new(Code::DeadlineExceeded, "the request took longer than it may").into()
    }

    pub(crate) fn code(&self) -> Code {
        self.failure.code
    }

    /// Returns the object that says it.
    pub(crate) fn body(&self) -> Value {
        let kind = match self.failure.code {
            Code::ResourceExhausted => "rate_limit_error",
            Code::Unauthenticated => "authentication_error",
            Code::Internal | Code::Unavailable | Code::DeadlineExceeded => "server_error",
            _ => "invalid_request_error",
        };
        json!({ "error": {
            "message": self.failure.message, "type": kind, "param": self.param, "code": self.name,
        } })
    }

    /// Returns the answer that says it.
    pub(crate) fn reply(&self) -> Reply {
        let status = self.status.unwrap_or(self.failure.code.status());
        Reply { status, ..Reply::json(self.body().to_string().into()) }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self { failure, param: None, name: None, status: None }
    }
}

impl From<TextModelError> for Problem {
    fn from(error: TextModelError) -> Self {
        Failure::from(base::BoxError::from(error)).into()
    }
}

/// Returns the answer for requests without a valid token.
pub(crate) fn unauthorized() -> Reply {
    let message = "expected the header `authorization: Bearer TOKEN` with a valid token";
    let failure = Failure::new(Code::Unauthenticated, message);
    Problem { name: Some("invalid_api_key"), ..failure.into() }.reply()
}
