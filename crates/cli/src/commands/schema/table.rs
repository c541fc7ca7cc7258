//! A schema as a table for a terminal, and as `--json` shows it.

use formats::metadata::feature::{DomainInfo, PresenceConstraints, ShapeType};
use formats::metadata::{Feature, Schema};
use serde_json::{Value, json};

use crate::output::{number, table};

/// Returns a table of the features.
pub(super) fn features(schema: &Schema) -> String {
    let rows = schema.feature.iter().map(|feature| {
        vec![
            feature.name().to_owned(),
            feature.r#type().as_str_name().to_owned(),
            presence(feature),
            values(feature),
            domain(feature, schema),
        ]
    });
    table(&["feature", "type", "presence", "values", "domain"], rows.collect(), &[])
}

/// Returns the schema as one object.
pub(super) fn json(schema: &Schema) -> Value {
    let features = schema.feature.iter().map(|feature| {
        json!({
            "name": feature.name(),
            "type": feature.r#type().as_str_name(),
            "presence": presence(feature),
            "values": values(feature),
            "domain": domain(feature, schema),
        })
    });
    json!({ "pbtxt": formats::text::print(schema), "features": features.collect::<Vec<_>>() })
}

fn presence(feature: &Feature) -> String {
    match &feature.presence_constraints {
        Some(PresenceConstraints::Presence(presence)) if presence.min_fraction() >= 1.0 => {
            "required".to_owned()
        }
        Some(PresenceConstraints::Presence(presence)) if presence.min_fraction() > 0.0 => {
            format!("in {} %", number(presence.min_fraction() * 100.0))
        }
        _ => "optional".to_owned(),
    }
}

fn values(feature: &Feature) -> String {
    match &feature.shape_type {
        Some(ShapeType::Shape(shape)) => {
            let sizes: Vec<_> = shape.dim.iter().map(|dim| dim.size().to_string()).collect();
            if sizes.is_empty() { "one".to_owned() } else { sizes.join(" x ") }
        }
        Some(ShapeType::ValueCount(count)) => match (count.min(), count.max()) {
            (min, 0) => format!("at least {min}"),
            (min, max) if min == max => min.to_string(),
            (min, max) => format!("{min} to {max}"),
        },
        Some(ShapeType::ValueCounts(_)) => "nested".to_owned(),
        None => "any number".to_owned(),
    }
}

fn domain(feature: &Feature, schema: &Schema) -> String {
    match &feature.domain_info {
        Some(DomainInfo::Domain(name)) => {
            let found = schema.string_domain.iter().find(|domain| domain.name() == name);
            strings(found.map_or(&[], |domain| &domain.value))
        }
        Some(DomainInfo::StringDomain(domain)) => strings(&domain.value),
        Some(DomainInfo::IntDomain(domain)) => range(domain.min, domain.max),
        Some(DomainInfo::FloatDomain(domain)) => range(domain.min, domain.max),
        Some(DomainInfo::BoolDomain(_)) => "true or false".to_owned(),
        _ => String::new(),
    }
}

fn range<T: ToString>(min: Option<T>, max: Option<T>) -> String {
    let say = |bound: Option<T>| bound.map_or("..".to_owned(), |bound| bound.to_string());
    if min.is_none() && max.is_none() {
        String::new()
    } else {
        format!("{} to {}", say(min), say(max))
    }
}

/// Returns the first values that fit on a screen, and how many there are.
fn strings(values: &[String]) -> String {
    const SHOWN: usize = 4;
    let first: Vec<_> = values.iter().take(SHOWN).map(|value| format!("{value:?}")).collect();
    let more = values.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{}{more}", first.join(", "))
}
