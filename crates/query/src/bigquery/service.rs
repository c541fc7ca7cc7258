//! Requests to BigQuery: who asks, how long to wait, and when to ask again.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use gcp_auth::TokenProvider;
use reqwest::{Client, RequestBuilder, Url};
use serde_json::Value;

use super::Request;
use super::answer::{Answer, refusal};
use crate::QueryError;

/// Where Google has it.
const GOOGLE: &str = "https://bigquery.googleapis.com/bigquery/v2";

/// What a token is to be good for.
const SCOPES: &[&str] = &["https://www.googleapis.com/auth/bigquery"];

/// How often a request is tried, and how long is waited in between, each time twice as long.
const TRIES: u32 = 7;
const FIRST_DELAY: Duration = Duration::from_secs(1);

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The largest answer that is read. The service promises some 10 MB.
const ANSWER_BYTES: usize = 64 << 20;

/// BigQuery, or something that answers as it does.
#[derive(Clone, Debug)]
pub struct Service {
    base_url: String,
    has_login: bool,
    first_delay: Duration,
}

impl Service {
    /// Returns Google's own, where application default credentials say who asks; or the emulator that
    /// `BIGQUERY_EMULATOR_HOST` names, which asks nobody.
    pub fn of_environment() -> Self {
        let emulator = std::env::vars_os().find(|(name, _)| name == "BIGQUERY_EMULATOR_HOST");
        match emulator.and_then(|(_, host)| host.into_string().ok()) {
            Some(host) if !host.is_empty() => {
                let host = host.trim_end_matches('/');
                let base =
                    if host.contains("://") { host.to_owned() } else { format!("http://{host}") };
                Self::without_login(&format!("{base}/bigquery/v2"))
            }
            _ => Self { base_url: GOOGLE.to_owned(), has_login: true, first_delay: FIRST_DELAY },
        }
    }

    /// Returns a service at a URL that lets everybody ask.
    pub fn without_login(base_url: &str) -> Self {
        Self { base_url: base_url.to_owned(), has_login: false, first_delay: FIRST_DELAY }
    }

    /// Returns the service with another time to wait before a request is tried for the second time.
    #[must_use]
    pub fn with_first_delay(self, first_delay: Duration) -> Self {
        Self { first_delay, ..self }
    }

    /// Logs in and does what is to be done, on this thread.
    pub(super) fn talk<T, F: Future<Output = Result<T, QueryError>>>(
        &self,
        work: impl FnOnce(Session) -> F,
    ) -> Result<T, QueryError> {
        let unavailable = |action, message: String| QueryError::Unavailable { action, message };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime
            .map_err(|error| unavailable("start what talks to servers", error.to_string()))?;
        runtime.block_on(async {
            let client = Client::builder().timeout(TIMEOUT).build();
            let client =
                client.map_err(|error| unavailable("set up HTTP", base::render_chain(&error)))?;
            let login = match self.has_login {
                false => None,
                true => Some(gcp_auth::provider().await.map_err(|error| no_login(&error))?),
            };
            work(Session { service: self.clone(), client, login }).await
        })
    }
}

fn no_login(error: &gcp_auth::Error) -> QueryError {
    QueryError::NoServer {
        server: "BigQuery".to_owned(),
        reason: format!("there are no credentials: {}", base::render_chain(error)),
        hint: Some(
            "set `GOOGLE_APPLICATION_CREDENTIALS`, or run `gcloud auth application-default login`"
                .to_owned(),
        ),
    }
}

/// A service that one is logged in to.
pub(super) struct Session {
    service: Service,
    client: Client,
    login: Option<Arc<dyn TokenProvider>>,
}

impl Session {
    pub(super) async fn post(
        &self,
        request: &Request,
        body: &Value,
        query: &str,
    ) -> Result<Answer, QueryError> {
        let url = self.url(request)?;
        self.ask(|| self.client.post(url.clone()).json(body), query).await
    }

    pub(super) async fn get(&self, request: &Request, query: &str) -> Result<Answer, QueryError> {
        let url = self.url(request)?;
        self.ask(|| self.client.get(url.clone()), query).await
    }

    fn url(&self, (path, parameters): &Request) -> Result<Url, QueryError> {
        let bad =
            || QueryError::Connection { reason: format!("`{}` is no URL", self.service.base_url) };
        let mut url = Url::parse(&self.service.base_url).map_err(|_| bad())?;
        url.path_segments_mut().map_err(|()| bad())?.pop_if_empty().extend(path);
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        Ok(url)
    }

    /// Asks until there is an answer that stays.
    async fn ask(
        &self,
        request: impl Fn() -> RequestBuilder,
        query: &str,
    ) -> Result<Answer, QueryError> {
        let mut delay = self.service.first_delay;
        let mut tries = 1;
        loop {
            let (error, is_passing, after) = match self.ask_once(request(), query).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if !is_passing || tries == TRIES {
                return Err(error);
            }
            tokio::time::sleep(after.unwrap_or(delay)).await;
            delay *= 2;
            tries += 1;
        }
    }

    async fn ask_once(
        &self,
        request: RequestBuilder,
        query: &str,
    ) -> Result<Answer, (QueryError, bool, Option<Duration>)> {
        let request = match &self.login {
            None => request,
            Some(login) => {
                let token = login.token(SCOPES).await;
                let token = token.map_err(|error| (no_login(&error), false, None))?;
                request.bearer_auth(token.as_str())
            }
        };
        let lost = |error: reqwest::Error| {
            let reason = base::render_chain(&error.without_url());
            let server = "BigQuery".to_owned();
            (QueryError::NoServer { server, reason, hint: None }, true, None)
        };
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let after = response.headers().get("retry-after");
        let after = after.and_then(|value| value.to_str().ok()?.parse().ok());
        let after = after.map(|seconds: u64| Duration::from_secs(seconds).min(TIMEOUT));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > ANSWER_BYTES {
                let reason = format!("it is larger than {} MiB", ANSWER_BYTES >> 20);
                return Err((QueryError::BadAnswer { reason }, false, None));
            }
            body.extend_from_slice(&chunk);
        }
        if status != 200 {
            let (error, is_passing) = refusal(status, &body, query);
            return Err((error, is_passing, after));
        }
        serde_json::from_slice(&body)
            .map_err(|error| (QueryError::BadAnswer { reason: error.to_string() }, false, None))
    }
}

/// Returns a text that nobody else has.
pub(super) fn request_id() -> String {
    let random = || RandomState::new().hash_one(0);
    format!("cupola-{:016x}{:016x}", random(), random())
}
