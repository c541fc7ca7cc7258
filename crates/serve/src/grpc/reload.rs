//! `HandleReloadConfigRequest`: a client says which models are served, where the server's owner lets it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Call, frame};
use crate::config::VersionPolicy;
use crate::failure::{Code, Failure};
use crate::proto::tensorflow::serving::model_server_config::Config;
use crate::proto::tensorflow::serving::servable_version_policy::PolicyChoice;
use crate::proto::tensorflow::serving::{
    ModelConfig, ReloadConfigRequest, ReloadConfigResponse, ServableVersionPolicy, StatusProto,
};
use crate::registry::WantedModel;

/// How long models may take to load where the client does not say it.
const PATIENCE: Duration = Duration::from_secs(600);

/// Serves the models of the request in place of those that are served, once all of them answer.
pub(super) async fn reload(call: &Call<'_>, timeout: Option<Duration>) -> Result<Bytes, Failure> {
    if !call.app.allow_reload {
        let message = "clients may not say which models are served; `allow_reload = true` in the server's file lets them";
        return Err(Failure::new(Code::PermissionDenied, message));
    }
    let request: ReloadConfigRequest = call.read()?;
    let list = match request.config.and_then(|config| config.config) {
        Some(Config::ModelConfigList(list)) => list.config,
        Some(Config::CustomModelConfig(_)) => {
            let message = "custom_model_config is not known here, expected model_config_list";
            return Err(Failure::new(Code::Unimplemented, message));
        }
        None => return Err(Failure::invalid("found no config, expected a model_config_list")),
    };
    let models = list.into_iter().map(wanted).collect::<Result<Vec<_>, _>>()?;
    let deadline = call.arrived + timeout.unwrap_or(PATIENCE).min(PATIENCE);
    let app = Arc::clone(call.app);
    let replace = move || app.models.replace(models, deadline, &|| app.is_draining());
    let replaced = tokio::task::spawn_blocking(replace).await;
    let failed =
        |_| Failure::new(Code::Internal, "the exchange of models panicked; please report it");
    replaced.map_err(failed)??;
    frame(&ReloadConfigResponse { status: Some(StatusProto::default()) })
}

fn wanted(config: ModelConfig) -> Result<WantedModel, Failure> {
    let name = config.name;
    if !matches!(config.model_platform.as_str(), "" | "tensorflow" | "cupola") {
        let platform = config.model_platform;
        return Err(Failure::invalid(format!(
            "model {name}: model_platform: found {platform:?}, expected \"tensorflow\" or nothing"
        )));
    }
    if config.logging_config.is_some() {
        let message = format!(
            "model {name}: logging_config: expected none; `request_log` in the server's file logs requests"
        );
        return Err(Failure::new(Code::Unimplemented, message));
    }
    let dir = PathBuf::from(config.base_path);
    if !dir.is_absolute() {
        return Err(Failure::invalid(format!(
            "model {name}: base_path: found {:?}, expected an absolute path",
            dir.display().to_string()
        )));
    }
    let number = |number: i64| {
        let negative = |_| Failure::invalid(format!("model {name}: version {number} is negative"));
        u64::try_from(number).map_err(negative)
    };
    let labels = config.version_labels.iter().map(|(label, of)| Ok((label.clone(), number(*of)?)));
    let labels = labels.collect::<Result<_, Failure>>()?;
    let choice = config
        .model_version_policy
        .and_then(|ServableVersionPolicy { policy_choice }| policy_choice);
    let policy = match choice {
        None => VersionPolicy::default(),
        // The default of the protocol is 1.
        Some(PolicyChoice::Latest(latest)) => {
            VersionPolicy::Latest(usize::try_from(latest.num_versions.max(1)).unwrap_or(usize::MAX))
        }
        Some(PolicyChoice::All(_)) => VersionPolicy::All,
        Some(PolicyChoice::Specific(specific)) => {
            let numbers = specific.versions.into_iter().map(number).collect::<Result<_, _>>()?;
            VersionPolicy::Specific(numbers)
        }
    };
    Ok(WantedModel { name, dir, policy, labels })
}
