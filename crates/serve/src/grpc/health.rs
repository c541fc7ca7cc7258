//! gRPC's health checks: the server as a whole, and each model by its name.

use bytes::Bytes;
use tokio::sync::watch;

use super::{Call, frame, message, read};
use crate::app::App;
use crate::failure::Failure;
use crate::http::Headers;
use crate::proto::health::health_check_response::ServingStatus;
use crate::proto::health::{HealthCheckRequest, HealthCheckResponse};

pub(super) const SERVICE: &str = "grpc.health.v1.Health";

/// Services that are the server itself.
const SERVICES: [&str; 4] = [
    "",
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
    "inference.GRPCInferenceService",
];

/// The path of `Watch`, whose answer has no end.
pub(crate) const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// Answers `Check`.
pub(super) fn answer(call: &Call<'_>, method: &str) -> Option<Result<Bytes, Failure>> {
    (method == "Check").then(|| check(call))
}

fn check(call: &Call<'_>) -> Result<Bytes, Failure> {
    let HealthCheckRequest { service } = call.read()?;
    let unknown = || Failure::not_found(format!("there is no service or model {service:?}"));
    let status = status(call.app, &service).ok_or_else(unknown)?;
    frame(&HealthCheckResponse { status: status.into() })
}

/// Returns how a service or a model is; nothing where there is none of that name.
fn status(app: &App, service: &str) -> Option<ServingStatus> {
    let is_well = if SERVICES.contains(&service) {
        app.is_ready()
    } else {
        let entry = app.models.get(service)?;
        !app.is_draining() && !entry.versions.load().serving.is_empty()
    };
    Some(if is_well { ServingStatus::Serving } else { ServingStatus::NotServing })
}

/// What a client that watches gets: how a service is, whenever that is not as it was.
pub(crate) struct Watch {
    service: String,
    changes: watch::Receiver<u64>,
    last: Option<ServingStatus>,
}

impl Watch {
    /// Begins to watch what a request asks for.
    pub(crate) fn begin(app: &App, headers: &Headers, body: Bytes) -> Result<Self, Failure> {
        let message = message(app, headers, body)?;
        let HealthCheckRequest { service } = read(message)?;
        // A name longer than any model's has no status to remember.
        let service = if service.len() > 1024 { String::from("?") } else { service };
        let mut changes = app.models.changes();
        changes.mark_changed();
        Ok(Self { service, changes, last: None })
    }

    /// Waits for the next message; there is none any more once the server ends and that was said.
    pub(crate) async fn next(&mut self, app: &App) -> Option<Bytes> {
        loop {
            if app.is_draining() && self.last == Some(ServingStatus::NotServing) {
                return None;
            }
            self.changes.changed().await.ok()?;
            let status = status(app, &self.service).unwrap_or(ServingStatus::ServiceUnknown);
            if app.is_draining() && status == ServingStatus::ServiceUnknown {
                return None;
            }
            if self.last != Some(status) {
                self.last = Some(status);
                return frame(&HealthCheckResponse { status: status.into() }).ok();
            }
        }
    }
}
