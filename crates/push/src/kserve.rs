//! KServe: an `InferenceService` that runs this server with a version from a store.

use std::path::PathBuf;
use std::time::Duration;

use base::publish;
use kubernetes::{Kubectl, check_name, to_yaml};
use serde_json::{Map, Value, json};

use crate::PushError;

/// Where KServe puts the model in the container.
const MODEL_DIR: &str = "/mnt/models";

const PORT: u16 = 8080;

/// An `InferenceService`, and how it comes into a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Kserve {
    /// The file that the manifest is written to.
    pub manifest: PathBuf,
    /// The service's name, and the model's.
    pub name: String,
    /// Its namespace; that of the context where it is not said.
    pub namespace: Option<String>,
    /// The image that has this program as `cupola`.
    pub image: String,
    /// Where the version is, for KServe to fetch: with `{version}` for its number. Where it is not said: where the version
    /// was pushed to in a store right before.
    pub storage_uri: Option<String>,
    /// The service account whose credentials fetch the model.
    pub service_account: Option<String>,
    /// How many replicas there are at least and at most.
    pub min_replicas: Option<u32>,
    /// See `min_replicas`.
    pub max_replicas: Option<u32>,
    /// What the container may take: requests and limits, in Kubernetes' words.
    pub resources: Map<String, Value>,
    /// The cluster to apply it to; without one it is only written.
    pub kubectl: Option<Kubectl>,
    /// How long the service may take to be ready once it is applied.
    pub ready_timeout: Duration,
}

/// Writes the manifest, and applies it where there is a cluster. Returns what was done.
///
/// # Errors
///
/// [`PushError::Kubernetes`] and [`PushError::Io`].
pub(crate) fn push_to_kserve(
    service: &Kserve,
    version: u64,
    stored: Option<&str>,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<String, PushError> {
    let uri = match (&service.storage_uri, stored) {
        (Some(uri), _) => uri.replace("{version}", &version.to_string()),
        (None, Some(stored)) => stored.to_owned(),
        (None, None) => return Err(PushError::NoStorage { name: service.name.clone() }),
    };
    let manifest = inference_service(service, version, &uri)?;
    if let Some(parent) = service.manifest.parent() {
        std::fs::create_dir_all(parent).map_err(base::IoError::at("create", parent))?;
    }
    publish::write_file(&service.manifest, to_yaml(&manifest).as_bytes())?;
    if let Some(kubectl) = &service.kubectl {
        kubectl.apply(&service.manifest, is_cancelled)?;
        let object = format!("inferenceservice/{}", service.name);
        kubectl.wait(&object, "Ready", service.ready_timeout, is_cancelled)?;
    }
    Ok(uri)
}

/// Returns the manifest.
///
/// # Source
///
/// KServe's `serving.kserve.io/v1beta1`: a predictor with a container of one's own, whose variable `STORAGE_URI` makes
/// KServe fetch the model to `/mnt/models`.
fn inference_service(service: &Kserve, version: u64, uri: &str) -> Result<Value, PushError> {
    check_name(&service.name)?;
    let mut metadata = json!({
        "name": service.name,
        "labels": {
            "app.kubernetes.io/name": service.name,
            "app.kubernetes.io/version": version.to_string(),
            "app.kubernetes.io/managed-by": "cupola",
        },
    });
    if let Some(namespace) = &service.namespace {
        check_name(namespace)?;
        metadata["namespace"] = namespace.as_str().into();
    }
    let probe = |path: &str| json!({ "httpGet": { "path": path, "port": PORT } });
    let mut container = json!({
        "name": "kserve-container",
        "image": service.image,
        "command": ["cupola"],
        "args": [
            "serve",
            "--model",
            format!("{}={MODEL_DIR}", service.name),
            "--host",
            "0.0.0.0",
            "--port",
            PORT.to_string(),
        ],
        "env": [{ "name": "STORAGE_URI", "value": uri }],
        "ports": [{ "containerPort": PORT, "protocol": "TCP" }],
        "readinessProbe": probe("/health/ready"),
        "livenessProbe": probe("/health/live"),
    });
    if !service.resources.is_empty() {
        container["resources"] = Value::Object(service.resources.clone());
    }
    let mut predictor = Map::new();
    let replicas = [("minReplicas", service.min_replicas), ("maxReplicas", service.max_replicas)];
    for (key, count) in replicas {
        predictor.extend(count.map(|count| (key.to_owned(), count.into())));
    }
    if let Some(account) = &service.service_account {
        predictor.insert("serviceAccountName".to_owned(), account.as_str().into());
    }
    predictor.insert("containers".to_owned(), json!([container]));
    Ok(json!({
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": metadata,
        "spec": { "predictor": predictor },
    }))
}
