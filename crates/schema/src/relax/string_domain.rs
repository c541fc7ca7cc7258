//! Lists of texts.

use std::collections::{BTreeMap, BTreeSet};

use formats::metadata::StringDomain;
use formats::metadata::anomaly_info::{Reason, Type};

use super::reason;
use crate::text::{c_escape, percentage};
use crate::view::FeatureView;

/// Adds the values that a domain lacks, if they make up more than `max_off_domain` of all; returns whether
/// the domain still makes sense.
pub(super) fn relax(
    domain: &mut StringDomain,
    max_off_domain: f64,
    view: &FeatureView<'_>,
    reasons: &mut Vec<Reason>,
) -> bool {
    if view.has_invalid_utf8() {
        reasons.push(reason(
            Type::EnumTypeInvalidUtf8,
            "Invalid UTF8 strings",
            "Found strings that were not valid UTF8 strings.",
        ));
        return false;
    }
    let known: BTreeSet<&str> = domain.value.iter().map(String::as_str).collect();
    let missing: BTreeMap<&str, f64> =
        view.values().into_iter().filter(|(value, _)| !known.contains(value)).collect();
    if missing.is_empty() {
        return true;
    }
    let total = view.num_values();
    let num_missing: f64 = missing.values().sum();
    if max_off_domain <= 0.0 || num_missing / total > max_off_domain {
        let shown: Vec<String> = missing
            .iter()
            .map(|(value, count)| {
                format!("{} ({})", c_escape(value), percentage(count.trunc(), total))
            })
            .collect();
        reasons.push(reason(
            Type::EnumTypeUnexpectedStringValues,
            "Unexpected string values",
            // The trailing space is part of the text that tools compare.
            format!("Examples contain values missing from the schema: {}. ", shown.join(", ")),
        ));
        domain.value.extend(missing.into_keys().map(str::to_owned));
    }
    true
}
