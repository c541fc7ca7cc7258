//! Clients of stores, and what their errors say.

use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::ClientOptions;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{ObjectStore, RetryConfig};

use crate::location::{Kind, Location};
use crate::{Environment, RemoteError};

/// How long is tried again what a store cannot do for now.
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest text of a server that is shown, in characters.
const SHOWN: usize = 200;

/// Returns a client of the store that a location is in.
pub(crate) fn open(
    location: &Location,
    environment: &Environment,
) -> Result<Arc<dyn ObjectStore>, RemoteError> {
    let retry = RetryConfig {
        max_retries: 5,
        retry_timeout: RETRY_TIMEOUT,
        // Where credentials have to come from the machine's own service, it is there at once or not at all.
        ..RetryConfig::default()
    };
    let retry = match has_credentials(location.kind, environment) {
        true => retry,
        false => RetryConfig { max_retries: 1, retry_timeout: Duration::from_secs(5), ..retry },
    };
    let bucket = location.authority.as_str();
    let store: Result<Arc<dyn ObjectStore>, object_store::Error> = match location.kind {
        Kind::S3 => {
            let builder = AmazonS3Builder::new().with_bucket_name(bucket).with_retry(retry);
            let builder = configured(builder, "AWS_", environment, AmazonS3Builder::with_config);
            builder.build().map(|store| Arc::new(store) as _)
        }
        Kind::Gcs => {
            let builder = GoogleCloudStorageBuilder::new().with_retry(retry);
            let set = GoogleCloudStorageBuilder::with_config;
            let builder = configured(builder, "GOOGLE_", environment, set);
            builder.with_bucket_name(bucket).build().map(|store| Arc::new(store) as _)
        }
        Kind::Azure => {
            let builder = MicrosoftAzureBuilder::new().with_retry(retry);
            let set = MicrosoftAzureBuilder::with_config;
            let builder = configured(builder, "AZURE_", environment, set);
            let builder = match bucket.contains('@') {
                true => builder.with_url(&location.base),
                false => builder.with_container_name(bucket),
            };
            builder.build().map(|store| Arc::new(store) as _)
        }
        Kind::Http => {
            let options = ClientOptions::new().with_allow_http(location.base.starts_with("http:"));
            let builder = HttpBuilder::new().with_url(format!("{}/", location.base));
            let builder = builder.with_client_options(options).with_retry(retry);
            builder.build().map(|store| Arc::new(store) as _)
        }
    };
    store.map_err(|error| {
        let reason = environment.cover(&root_of(&error));
        RemoteError::Settings { url: location.url(), reason }
    })
}

/// Sets what the environment says and the store knows.
fn configured<B, K: FromStr>(
    builder: B,
    prefix: &str,
    environment: &Environment,
    set: impl Fn(B, K, String) -> B,
) -> B {
    environment.settings(prefix).fold(builder, |builder, (name, value)| match name.parse() {
        Ok(key) => set(builder, key, value.to_owned()),
        Err(_) => builder,
    })
}

/// Returns whether the environment says who asks, or that nobody in particular does.
fn has_credentials(kind: Kind, environment: &Environment) -> bool {
    match kind {
        Kind::S3 => environment.has_any(&[
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_SKIP_SIGNATURE",
        ]),
        Kind::Gcs => environment.has_any(&[
            "GOOGLE_SERVICE_ACCOUNT",
            "GOOGLE_SERVICE_ACCOUNT_PATH",
            "GOOGLE_SERVICE_ACCOUNT_KEY",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "GOOGLE_SKIP_SIGNATURE",
        ]),
        Kind::Azure => environment.has_any(&[
            "AZURE_STORAGE_ACCOUNT_KEY",
            "AZURE_STORAGE_ACCESS_KEY",
            "AZURE_STORAGE_MASTER_KEY",
            "AZURE_STORAGE_SAS_KEY",
            "AZURE_STORAGE_SAS_TOKEN",
            "AZURE_STORAGE_TOKEN",
            "AZURE_STORAGE_CLIENT_ID",
            "AZURE_CLIENT_ID",
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_USE_AZURE_CLI",
            "AZURE_SKIP_SIGNATURE",
            "AZURE_STORAGE_USE_EMULATOR",
        ]),
        Kind::Http => true,
    }
}

fn variables_of(kind: Kind) -> &'static str {
    match kind {
        Kind::S3 => {
            "`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or `AWS_SKIP_SIGNATURE=true` for a bucket that is open to all"
        }
        Kind::Gcs => {
            "`GOOGLE_APPLICATION_CREDENTIALS`, or `GOOGLE_SKIP_SIGNATURE=true` for a bucket that is open to all"
        }
        Kind::Azure | Kind::Http => {
            "`AZURE_STORAGE_ACCOUNT_NAME` and `AZURE_STORAGE_ACCOUNT_KEY`, or `AZURE_SKIP_SIGNATURE=true` for a container that is open to all"
        }
    }
}

/// Turns an error of a store into one of ours.
pub(crate) fn translate(
    error: &object_store::Error,
    url: &str,
    location: &Location,
    environment: &Environment,
) -> RemoteError {
    use object_store::Error as Theirs;
    let url = url.to_owned();
    let all = base::render_chain(error);
    if all.contains("NoSuchBucket") || all.contains("ContainerNotFound") {
        return RemoteError::NoBucket { url: location.base.clone() };
    }
    let reason = environment.cover(&reason_of(error, &all));
    let is_refusal =
        matches!(error, Theirs::PermissionDenied { .. } | Theirs::Unauthenticated { .. })
            || [" 401 ", " 403 "].iter().any(|status| all.contains(status));
    match error {
        Theirs::NotFound { .. } => RemoteError::NoFiles { url, hint: None },
        Theirs::Precondition { .. } | Theirs::NotModified { .. } => RemoteError::Changed { url },
        _ if all.contains("169.254.169.254") || all.contains("metadata.google.internal") => {
            // The machine's own service was asked, as the last resort.
            RemoteError::NoCredentials { url, variables: variables_of(location.kind) }
        }
        _ if is_refusal => RemoteError::Refused { url, reason },
        _ if !has_credentials(location.kind, environment) => {
            RemoteError::NoCredentials { url, variables: variables_of(location.kind) }
        }
        _ => RemoteError::Unavailable { url, reason },
    }
}

/// Returns what a store says in its answer, or else what is at the bottom of an error.
fn reason_of(error: &object_store::Error, all: &str) -> String {
    let element = |name: &str| {
        let (_, behind) = all.split_once(&format!("<{name}>"))?;
        let (text, _) = behind.split_once("</")?;
        Some(shortened(text))
    };
    match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code,
        _ => root_of(error),
    }
}

fn root_of(error: &object_store::Error) -> String {
    let mut root: &dyn Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    shortened(&root.to_string())
}

/// Returns the first line, and of a long one the beginning.
fn shortened(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
