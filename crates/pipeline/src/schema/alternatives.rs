//! `oneOf` and `anyOf`: which of several was meant.

use serde_json::Value as Json;

use crate::document::{Item, Segment, Table, Value, shown_path};
use crate::schema::expected::expected;
use crate::schema::validate::{Cursor, Validator, accepts, constants_of, quoted};
use crate::schema::{Fault, FaultKind};

impl Validator<'_> {
    pub(super) fn check_alternatives(
        &self,
        options: &[Json],
        item: &Item,
        at: &Cursor,
        faults: &mut Vec<Fault>,
    ) {
        let mut flat = Vec::new();
        self.flatten(options, 0, &mut flat);
        let mut tried = Vec::new();
        for option in &flat {
            let mut found = Vec::new();
            self.check(option, item, at, &mut found);
            if found.is_empty() {
                return;
            }
            tried.push((*option, found));
        }
        let constants: Vec<Json> =
            flat.iter().filter_map(|option| constants_of(option.as_object()?)).flatten().collect();
        let takes =
            |option: &Json| option.as_object().is_none_or(|keys| accepts(keys, &item.value));
        tried.retain(|(option, _)| takes(option));
        match &item.value {
            Value::String(text) if tried.len() != 1 || !constants.is_empty() => {
                faults.push(self.no_such_word(text, &constants, &flat, item, at));
            }
            Value::Table(table) if tried.len() > 1 => {
                faults.extend(self.pick_table(tried, table, at));
            }
            _ => match tried.len() {
                0 => {
                    let all = Json::from_iter([("anyOf", Json::from(options))]);
                    faults.push(self.fault(at, &expected(self, &all), &item.value));
                }
                _ => faults.extend(fewest(tried)),
            },
        }
    }

    /// Follows references and alternatives within alternatives; leaves null out, which TOML does not have.
    fn flatten<'s>(&'s self, options: &'s [Json], depth: usize, flat: &mut Vec<&'s Json>) {
        for option in options {
            let option = self.resolve(option);
            let nested = ["oneOf", "anyOf"].iter().find_map(|key| option.get(key)?.as_array());
            match nested {
                Some(nested) if depth < 8 => self.flatten(nested, depth + 1, flat),
                _ if option.get("type").is_some_and(|name| name == "null") => {}
                _ => flat.push(option),
            }
        }
    }

    fn no_such_word(
        &self,
        text: &str,
        constants: &[Json],
        options: &[&Json],
        item: &Item,
        at: &Cursor,
    ) -> Fault {
        let all = Json::from_iter([(
            "anyOf",
            options.iter().map(|option| (*option).clone()).collect::<Json>(),
        )]);
        let mut fault = self.fault(at, &expected(self, &all), &item.value);
        let tags: Vec<&str> = options.iter().filter_map(|option| tag(option)).collect();
        let words = constants.iter().filter_map(Json::as_str).chain(tags.iter().copied());
        fault.hint = if tags.contains(&text) {
            let key = shown_path("", &at.path[at.path.len().saturating_sub(1)..]);
            Some(format!("write it as a table: `{key} = {{ {text} = ... }}`"))
        } else {
            base::nearest(text, words).map(|near| format!("did you mean `{near}`?"))
        };
        fault
    }

    /// Of several tables, takes the one that the keys ask for.
    fn pick_table(
        &self,
        tried: Vec<(&Json, Vec<Fault>)>,
        table: &Table,
        at: &Cursor,
    ) -> Vec<Fault> {
        let tags: Option<Vec<&str>> = tried.iter().map(|(option, _)| tag(option)).collect();
        if let Some(tags) = tags {
            return self.by_tag(&tags, tried, table, at);
        }
        // Several tables with one key that says which: `type = "..."`.
        let first = tried.first().and_then(|(option, _)| option.get("properties")?.as_object());
        let key = first
            .into_iter()
            .flat_map(|properties| properties.keys())
            .find(|key| tried.iter().all(|(option, _)| constant_of(option, key).is_some()));
        let Some(key) = key else { return fewest(tried) };
        let constants: Vec<Json> =
            tried.iter().filter_map(|(option, _)| constant_of(option, key).cloned()).collect();
        let Some(entry) = table.get(key) else {
            let schema = Json::from_iter([("enum", Json::from(constants))]);
            return vec![self.missing_key(key, Some(&schema), at)];
        };
        let found = entry.item.value.to_json();
        match constants.iter().position(|constant| *constant == found) {
            Some(index) => tried.into_iter().nth(index).map_or(Vec::new(), |(_, faults)| faults),
            None => {
                let below = at.down(Segment::Key(key.clone()), entry.place(), false);
                vec![self.not_one_of(&constants, &entry.item.value, &below)]
            }
        }
    }

    /// Tables of which each has one key: `{ csv = ... }` or `{ parquet = ... }`.
    fn by_tag(
        &self,
        tags: &[&str],
        tried: Vec<(&Json, Vec<Fault>)>,
        table: &Table,
        at: &Cursor,
    ) -> Vec<Fault> {
        let wanted = format!("a table with one of {}", quoted(tags));
        let chosen: Vec<&str> = table.keys().filter(|key| tags.contains(key)).collect();
        let mut faults = Vec::new();
        for entry in table.entries.iter().filter(|entry| !tags.contains(&entry.key.as_str())) {
            let below = at.down(Segment::Key(entry.key.clone()), entry.key_place, false);
            faults.push(self.unknown_key(&entry.key, tags.iter().copied(), &below));
        }
        match chosen.as_slice() {
            [] if faults.is_empty() => {
                let path = shown_path(self.prefix, &at.path);
                let message = format!("`{path}`: expected {wanted}, found an empty table");
                faults.push(self.new_fault(at, message, None, FaultKind::Value));
            }
            [] => {}
            [one] => {
                let inner = tried.into_iter().find(|(option, _)| tag(option) == Some(*one));
                let inner = inner.map_or(Vec::new(), |(_, faults)| faults);
                // The keys beside it were reported above, against all that could be there.
                let beside = |fault: &Fault| {
                    fault.kind == FaultKind::UnknownKey && fault.path.len() == at.path.len() + 1
                };
                faults.extend(inner.into_iter().filter(|fault| !beside(fault)));
            }
            several => {
                let path = shown_path(self.prefix, &at.path);
                let found = quoted(several);
                let message = format!("`{path}`: expected {wanted}, found {found} together");
                faults.push(self.new_fault(at, message, None, FaultKind::Value));
            }
        }
        faults
    }
}

/// Returns the one key of a table that a variant of an enum is: `{ csv = ... }`.
pub(super) fn tag(option: &Json) -> Option<&str> {
    let properties = option.get("properties")?.as_object()?;
    let required = option.get("required")?.as_array()?;
    let is_closed = option.get("additionalProperties") == Some(&Json::Bool(false));
    let (key, schema) = properties.iter().next()?;
    let is_constant = schema.get("const").is_some();
    (properties.len() == 1 && required.len() == 1 && is_closed && !is_constant)
        .then_some(key.as_str())
}

fn constant_of<'s>(option: &'s Json, key: &str) -> Option<&'s Json> {
    option.get("properties")?.get(key)?.get("const")
}

/// Returns the faults of the alternative that has the fewest.
fn fewest(tried: Vec<(&Json, Vec<Fault>)>) -> Vec<Fault> {
    tried.into_iter().map(|(_, faults)| faults).min_by_key(Vec::len).unwrap_or_default()
}
