//! Where Pusher pushes to, as a user says it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use artifact::Problem;
use kubernetes::{Kubectl, check_name};
use launch::Span;
use push::{Destination, Kserve, RunningServer, Webhook};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ComponentError;

/// How long a call of `kubectl` may take.
const KUBECTL_TIMEOUT: Duration = Duration::from_secs(60);

/// Where models are pushed to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where models are pushed to.
    #[serde(default)]
    destination: Option<To>,
    /// More places that models are pushed to, all in one push.
    #[serde(default)]
    destinations: Vec<To>,
}

/// Where a model is pushed to.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum To {
    /// A folder with one numbered folder per version, relative to the pipeline file.
    Directory(PathBuf),
    /// A folder of one language model in the HuggingFace layout, relative to the pipeline file: the model takes the place
    /// of the one that was pushed there before, for programs that load a folder by its name.
    Huggingface(PathBuf),
    /// A folder of versions in an object store, such as `s3://bucket/models/taxi`; `gs://`, `az://` and `abfs://` likewise. Credentials
    /// come from the environment.
    ObjectStore(String),
    /// A server that runs: the version goes to the folder that it watches, and is taken away again if it does not answer.
    Server(ServerTo),
    /// An `InferenceService` of KServe: a manifest, which is applied where a `context` is given.
    Kserve(Box<KserveTo>),
    /// A URL that is told once everything else worked.
    Webhook(WebhookTo),
}

/// A server that runs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServerTo {
    /// The folder that it watches, relative to the pipeline file.
    directory: PathBuf,
    /// Where it answers REST requests, such as `http://127.0.0.1:8501`.
    url: String,
    /// The model's name there; the folder's where not given.
    #[serde(default)]
    model: Option<String>,
    /// The variable of the environment that has the bearer token for it.
    #[serde(default)]
    token_variable: Option<String>,
    /// How long it may take until the version answers.
    #[serde(default = "minutes::<2>")]
    timeout: Span,
}

/// A service of KServe.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct KserveTo {
    /// The file that the manifest is written to, relative to the pipeline file.
    manifest: PathBuf,
    /// The service's name, and the model's.
    name: String,
    /// Its namespace; that of the context where not given.
    #[serde(default)]
    namespace: Option<String>,
    /// The image that has this program as `cupola`.
    image: String,
    /// Where the version is, with `{version}` for its number; where it was pushed to in an object store where not given.
    #[serde(default)]
    storage_uri: Option<String>,
    /// The service account whose credentials fetch the model.
    #[serde(default)]
    service_account: Option<String>,
    /// How many replicas there are at least.
    #[serde(default)]
    min_replicas: Option<u32>,
    /// How many replicas there are at the most.
    #[serde(default)]
    #[schemars(range(min = 1))]
    max_replicas: Option<u32>,
    /// What the container may take, in Kubernetes' words: `{ limits = { cpu = "2" } }`.
    #[serde(default)]
    resources: Map<String, Value>,
    /// The context of `kubectl` to apply the manifest under; it is only written where not given.
    #[serde(default)]
    context: Option<String>,
    /// The program that applies it.
    #[serde(default = "kubectl")]
    kubectl: String,
    /// How long the service may take to be ready.
    #[serde(default = "minutes::<5>")]
    ready_timeout: Span,
}

/// A URL that is told.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WebhookTo {
    /// The URL that a JSON object is posted to.
    url: String,
    /// The variable of the environment that has the secret to sign with.
    #[serde(default)]
    secret_variable: Option<String>,
    /// How long an answer may take.
    #[serde(default = "seconds::<10>")]
    timeout: Span,
    /// How often it is tried at the most.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 20))]
    max_tries: u32,
}

fn minutes<const N: u64>() -> Span {
    Span(Duration::from_secs(60 * N))
}

fn seconds<const N: u64>() -> Span {
    Span(Duration::from_secs(N))
}

fn five() -> u32 {
    5
}

fn kubectl() -> String {
    "kubectl".to_owned()
}

impl Config {
    /// Returns every mistake that shows before anything runs.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |key: String, message: String, hint: Option<String>| {
            problems.push(Problem { key, offset: None, message, hint });
        };
        if self.destination.is_none() && self.destinations.is_empty() {
            let hint = "such as `destination = { directory = \"serving\" }`".to_owned();
            add(String::new(), ComponentError::NoDestination.to_string(), Some(hint));
        }
        let named = self.destination.iter().map(|to| ("destination".to_owned(), to));
        let listed = self.destinations.iter().enumerate();
        let listed = listed.map(|(place, to)| (format!("destinations.{place}"), to));
        let has_store = self.all().any(|to| matches!(to, To::ObjectStore(_)));
        for (key, to) in named.chain(listed) {
            match to {
                To::Directory(_) | To::Huggingface(_) => {}
                To::ObjectStore(url) => {
                    if let Err(error) = remote::check_folder(url) {
                        let hint = base::Classify::hint(&error);
                        add(format!("{key}.object_store"), error.to_string(), hint);
                    }
                }
                To::Server(server) => {
                    check_url(&server.url, &format!("{key}.server.url"), &mut add)
                }
                To::Webhook(hook) => check_url(&hook.url, &format!("{key}.webhook.url"), &mut add),
                To::Kserve(service) => {
                    let names =
                        [("name", Some(&service.name)), ("namespace", service.namespace.as_ref())];
                    for (part, name) in names {
                        if let Some(Err(error)) = name.map(|name| check_name(name)) {
                            add(format!("{key}.kserve.{part}"), error.to_string(), None);
                        }
                    }
                    if service.storage_uri.is_none() && !has_store {
                        let message =
                            "no `storage_uri`, and no `object_store` among the destinations";
                        add(format!("{key}.kserve"), message.to_owned(), None);
                    }
                }
            }
        }
        problems
    }

    fn all(&self) -> impl Iterator<Item = &To> {
        self.destination.iter().chain(&self.destinations)
    }

    /// Returns the destinations, with the secrets that the environment has.
    pub(crate) fn destinations(&self, base_dir: &Path) -> Result<Vec<Destination>, ComponentError> {
        let all: Vec<_> =
            self.all().map(|to| to.destination(base_dir)).collect::<Result<_, _>>()?;
        if all.is_empty() { Err(ComponentError::NoDestination) } else { Ok(all) }
    }
}

impl To {
    fn destination(&self, base_dir: &Path) -> Result<Destination, ComponentError> {
        Ok(match self {
            Self::Directory(directory) => Destination::Directory(base_dir.join(directory)),
            Self::Huggingface(folder) => Destination::Huggingface(base_dir.join(folder)),
            Self::ObjectStore(url) => Destination::ObjectStore(url.clone()),
            Self::Server(to) => {
                let name = || {
                    let name = to.directory.file_name();
                    name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
                };
                Destination::Server(RunningServer {
                    directory: base_dir.join(&to.directory),
                    url: to.url.clone(),
                    model: to.model.clone().unwrap_or_else(name),
                    token: secret("token_variable", to.token_variable.as_deref())?,
                    timeout: to.timeout.0,
                })
            }
            Self::Kserve(to) => Destination::Kserve(Box::new(Kserve {
                manifest: base_dir.join(&to.manifest),
                name: to.name.clone(),
                namespace: to.namespace.clone(),
                image: to.image.clone(),
                storage_uri: to.storage_uri.clone(),
                service_account: to.service_account.clone(),
                min_replicas: to.min_replicas,
                max_replicas: to.max_replicas,
                resources: to.resources.clone(),
                kubectl: to.context.as_ref().map(|context| Kubectl {
                    program: to.kubectl.clone(),
                    context: context.clone(),
                    namespace: to.namespace.clone(),
                    timeout: KUBECTL_TIMEOUT,
                }),
                ready_timeout: to.ready_timeout.0,
            })),
            Self::Webhook(to) => Destination::Webhook(Webhook {
                url: to.url.clone(),
                secret: secret("secret_variable", to.secret_variable.as_deref())?,
                timeout: to.timeout.0,
                max_tries: to.max_tries,
            }),
        })
    }
}

/// Returns what a variable of the environment holds: the only place that secrets come from.
fn secret(key: &str, variable: Option<&str>) -> Result<Option<String>, ComponentError> {
    let Some(variable) = variable else { return Ok(None) };
    let value = std::env::var_os(variable).and_then(|value| value.into_string().ok());
    let value = value.filter(|value| !value.is_empty());
    let (key, variable) = (key.to_owned(), variable.to_owned());
    value.map(Some).ok_or(ComponentError::NoVariable { key, variable })
}

fn check_url(url: &str, key: &str, add: &mut dyn FnMut(String, String, Option<String>)) {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let authority = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    match authority {
        None | Some("") => {
            let message = "expected a URL such as `https://host/path`".to_owned();
            add(key.to_owned(), message, None);
        }
        Some(authority) if authority.contains('@') => {
            let message =
                "a user or a password, which would be written down with the run".to_owned();
            let hint = "secrets come from variables of the environment".to_owned();
            add(key.to_owned(), message, Some(hint));
        }
        Some(_) => {}
    }
}
