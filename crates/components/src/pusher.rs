//! Pusher: a blessed model becomes a version of a serving directory.

use std::collections::BTreeMap;
use std::path::Path;

use artifact::{
    Answer, Artifact, CheckContext, Checked, Component, Executor, Input, Kind, Outcome, Output,
    OutputProperties, PropertyValue, RunContext, types,
};
use base::BoxError;
use push::{Delivery, DeliveryState, Destination, PushContext, PushError, deliver, failures};
use remote::Environment;
use serde_json::{Value, json};
use text_model::TextModel;

use crate::ComponentError;
use crate::config::{read, schema_of, unreadable};
use crate::infra_validator::{HAS_MODEL, STAMPED_MODEL};
use crate::ports::required;
use crate::pusher_config::Config;
use crate::view::write;

/// The custom property with all destinations, as JSON.
const DESTINATIONS: &str = "pushed_destinations";
/// What was pushed where.
const RECORD_FILE: &str = "pushed.json";

/// Pushes a model, if it is blessed where a blessing is wired.
pub struct Pusher;

impl Component for Pusher {
    fn name(&self) -> &'static str {
        "Pusher"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.pusher.component.Pusher"
    }

    fn version(&self) -> u32 {
        2
    }

    fn description(&self) -> &'static str {
        "Pushes a blessed model to where it is served from."
    }

    fn inputs(&self) -> &'static [Input] {
        const {
            &[
                Input::required("model", types::MODEL),
                Input::optional("blessing", types::MODEL_BLESSING),
                Input::optional("infra_blessing", types::INFRA_BLESSING),
            ]
        }
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "pushed_model", artifact_type: types::PUSHED_MODEL }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_of::<Config>()
    }

    fn check(&self, config: &Value, _context: &CheckContext<'_>) -> Checked {
        match read::<Config>(config) {
            Ok(config) => Checked { problems: config.problems(), ..Checked::default() },
            Err(error) => unreadable(&error),
        }
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }

    fn verify_hit(
        &self,
        _config: &Value,
        _base_dir: &Path,
        outputs: &BTreeMap<String, Vec<Artifact>>,
    ) -> Result<(), String> {
        let pushed = outputs.get("pushed_model").and_then(|artifacts| artifacts.first());
        let text = |name: &str| {
            pushed?.custom_properties.get(name).and_then(PropertyValue::as_str).map(str::to_owned)
        };
        let said = |error: PushError| BoxError::from(error).to_string();
        let Some(destinations) = text(DESTINATIONS) else {
            let Some(destination) = text("pushed_destination") else { return Ok(()) };
            return push::verify(Path::new(&destination)).map_err(said);
        };
        let destinations: Vec<Value> = serde_json::from_str(&destinations).unwrap_or_default();
        for destination in &destinations {
            let of = |key: &str| destination[key].as_str().unwrap_or_default();
            match (of("state"), of("kind")) {
                ("placed", "directory" | "server") => {
                    push::verify(Path::new(of("place"))).map_err(said)?;
                }
                ("placed", "object_store") => {
                    push::verify_stored(of("place"), &Environment::of_process()).map_err(said)?;
                }
                ("replaced", _) => push::verify(Path::new(of("place"))).map_err(said)?,
                ("placed" | "told", _) => {}
                _ => return Err(format!("{} {} failed", of("kind"), of("destination"))),
            }
        }
        Ok(())
    }
}

impl Executor for Pusher {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let config: Config = read(context.config)?;
        let model = required(context, "model")?;
        let infra = context.input("infra_blessing");
        let refused = [
            (context.input("blessing"), "the model is not blessed"),
            (infra, "the model does not answer in a server as it should"),
        ];
        let refused = refused
            .into_iter()
            .find(|(blessing, _)| blessing.is_some_and(|blessing| !is_blessed(blessing)));
        if let Some((_, reason)) = refused {
            return not_pushed(context, reason);
        }
        let stamped = infra.filter(|infra| {
            infra.custom_properties.get(HAS_MODEL).and_then(PropertyValue::as_int) == Some(1)
        });
        let model_dir = stamped.map_or(model.uri.clone(), |infra| infra.uri.join(STAMPED_MODEL));

        let destinations = config.destinations(context.base_dir)?;
        let has_folder = destinations.iter().any(|to| matches!(to, Destination::Huggingface(_)));
        if has_folder && !TextModel::is_in(&model.uri) {
            return Err(ComponentError::NotLanguage.into());
        }
        let is_cancelled = || context.progress.is_cancelled();
        let pushed = deliver(
            &model_dir,
            &destinations,
            &PushContext {
                now_seconds: u64::try_from(context.now_ms / 1000).unwrap_or(0),
                environment: &Environment::of_process(),
                facts: json!({
                    "node": context.node,
                    "model": model.uri,
                    "model_id": model.id,
                    "model_digest": model.digest(),
                    "pushed_ms": context.now_ms,
                }),
                is_cancelled: &is_cancelled,
            },
        );
        let deliveries = match pushed {
            Err(PushError::Cancelled) => return Err(ComponentError::Cancelled.into()),
            deliveries => deliveries?,
        };
        outcome(context, deliveries)
    }
}

/// Says where the model is; where one destination alone failed, that is the node's own error.
fn outcome(context: &RunContext<'_>, deliveries: Vec<Delivery>) -> Result<Outcome, BoxError> {
    let is_one = deliveries.len() == 1;
    let is_pushed = deliveries.iter().all(Delivery::is_done);
    let told: Value = deliveries.iter().map(Delivery::to_json).collect();
    let failed = failures(&deliveries);
    let places: Vec<String> = deliveries.iter().filter_map(place).collect();
    let first = deliveries.iter().find_map(|delivery| match &delivery.state {
        DeliveryState::Placed { place, version, .. } => Some((place.clone(), Some(*version))),
        DeliveryState::Replaced { place, .. } => Some((place.clone(), None)),
        _ => None,
    });
    if is_one
        && let Some(Delivery { state: DeliveryState::Failed(error), .. }) =
            deliveries.into_iter().next()
    {
        return Err(error.into());
    }
    let mut output = OutputProperties::default();
    let custom = &mut output.custom_properties;
    custom.insert("pushed".to_owned(), i64::from(is_pushed).into());
    custom.insert(DESTINATIONS.to_owned(), told.to_string().into());
    let mut record = json!({ "pushed": is_pushed, "destinations": told });
    if let Some((place, version)) = first {
        record["destination"] = place.as_str().into();
        custom.insert("pushed_destination".to_owned(), place.into());
        if let Some(version) = version {
            record["version"] = version.into();
            custom.insert("pushed_version".to_owned(), version.to_string().into());
        }
    }
    write(&context.outputs["pushed_model"].join(RECORD_FILE), record.to_string())?;
    let mut summary = places.join("; ");
    let mut answer = Answer::Yes;
    if let Some(reason) = failed.first() {
        let more = failed.len() - 1;
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        summary = format!("failed: {reason}{more}; {summary}");
        answer = Answer::No {
            reason: format!("not pushed everywhere: {reason}{more}"),
            details: failed.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"),
            stop: true,
        };
    }
    Ok(Outcome { properties: [("pushed_model", output)].into(), summary, answer })
}

fn place(delivery: &Delivery) -> Option<String> {
    match &delivery.state {
        DeliveryState::Placed { place, version, .. } => {
            Some(format!("version {version} in {place}"))
        }
        DeliveryState::Replaced { place, .. } => Some(place.clone()),
        DeliveryState::Told => Some(format!("told {}", delivery.destination)),
        DeliveryState::Failed(_) | DeliveryState::Skipped => None,
    }
}

fn not_pushed(context: &RunContext<'_>, reason: &str) -> Result<Outcome, BoxError> {
    let mut output = OutputProperties::default();
    output.custom_properties.insert("pushed".to_owned(), 0.into());
    let record = json!({ "pushed": false, "reason": reason });
    write(&context.outputs["pushed_model"].join(RECORD_FILE), record.to_string())?;
    Ok(Outcome {
        properties: [("pushed_model", output)].into(),
        summary: format!("not pushed: {reason}"),
        ..Outcome::default()
    })
}

/// Returns whether a blessing says yes.
pub(crate) fn is_blessed(blessing: &Artifact) -> bool {
    blessing.custom_properties.get("blessed").and_then(PropertyValue::as_int) == Some(1)
}
