//! gRPC's health checks: the server as a whole, and each model by its name.

use bytes::Bytes;

use super::{Call, frame};
use crate::failure::Failure;
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

/// Answers `Check`. There is no `Watch`; clients take that as the protocol says and go on checking.
pub(super) fn answer(call: &Call<'_>, method: &str) -> Option<Result<Bytes, Failure>> {
    (method == "Check").then(|| check(call))
}

fn check(call: &Call<'_>) -> Result<Bytes, Failure> {
    let HealthCheckRequest { service } = call.read()?;
    let app = call.app;
    let is_well = if SERVICES.contains(&service.as_str()) {
        app.is_ready()
    } else {
        let unknown = || Failure::not_found(format!("there is no service or model {service:?}"));
        let entry = app.models.get(&service).ok_or_else(unknown)?;
        !app.is_draining() && !entry.versions.load().serving.is_empty()
    };
    let status = if is_well { ServingStatus::Serving } else { ServingStatus::NotServing };
    frame(&HealthCheckResponse { status: status.into() })
}
