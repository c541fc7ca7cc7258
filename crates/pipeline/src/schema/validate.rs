//! The walk through value and schema.

use serde_json::{Map, Value as Json};

use base::nearest;

use crate::document::{Entry, Item, Place, Segment, Table, Value, quote_key, shown_path};
use crate::schema::expected::{Bounds, expected};
use crate::schema::{Fault, FaultKind};

/// How many references may follow one another; a schema that refers to itself has no bottom.
const MAX_REFS: usize = 32;

/// How many known keys are listed where none is near to the one found.
const LISTED_KEYS: usize = 12;

pub(super) struct Validator<'a> {
    pub(super) root: &'a Json,
    pub(super) prefix: &'a str,
    pub(super) common: &'a [&'a str],
}

/// Where the walk is.
#[derive(Clone)]
pub(super) struct Cursor {
    pub(super) path: Vec<Segment>,
    pub(super) place: Place,
    pub(super) in_map: bool,
    refs: usize,
}

impl Cursor {
    pub(super) fn down(&self, segment: Segment, place: Place, in_map: bool) -> Self {
        let mut path = self.path.clone();
        path.push(segment);
        Self { path, place, in_map: self.in_map || in_map, refs: 0 }
    }
}

impl<'a> Validator<'a> {
    pub(super) fn run(&self, table: &Table, place: Place) -> Vec<Fault> {
        let mut faults = Vec::new();
        let cursor = Cursor { path: Vec::new(), place, in_map: false, refs: 0 };
        let item = Item { place, value: Value::Table(table.clone()) };
        self.check(self.root, &item, &cursor, &mut faults);
        faults
    }

    pub(super) fn check(&self, schema: &Json, item: &Item, at: &Cursor, faults: &mut Vec<Fault>) {
        let Json::Object(keywords) = schema else {
            if *schema == Json::Bool(false) {
                faults.push(self.fault(at, "nothing", &item.value));
            }
            return;
        };
        if let Some(target) = self.target(keywords)
            && at.refs < MAX_REFS
        {
            self.check(target, item, &Cursor { refs: at.refs + 1, ..at.clone() }, faults);
        }
        for part in keywords.get("allOf").and_then(Json::as_array).into_iter().flatten() {
            self.check(part, item, at, faults);
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(Json::Array(options)) = keywords.get(key) {
                self.check_alternatives(options, item, at, faults);
            }
        }
        if !self.check_value(schema, keywords, item, at, faults) {
            return;
        }
        match &item.value {
            Value::Table(table) => self.check_table(keywords, table, at, faults),
            Value::Array(items) => self.check_list(keywords, items, at, faults),
            _ => {}
        }
    }

    /// Returns what a `$ref` refers to.
    pub(super) fn target(&self, keywords: &Map<String, Json>) -> Option<&'a Json> {
        let reference = keywords.get("$ref")?.as_str()?;
        self.root.pointer(reference.strip_prefix('#')?)
    }

    /// Follows references until there is something else beside or behind them.
    pub(super) fn resolve<'s>(&self, mut schema: &'s Json) -> &'s Json
    where
        'a: 's,
    {
        for _ in 0..MAX_REFS {
            match schema.as_object().and_then(|keywords| self.target(keywords)) {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    /// Checks type, constants and ranges. Returns whether it makes sense to look inside.
    fn check_value(
        &self,
        schema: &Json,
        keywords: &Map<String, Json>,
        item: &Item,
        at: &Cursor,
        faults: &mut Vec<Fault>,
    ) -> bool {
        if !accepts(keywords, &item.value) {
            let mut fault = self.fault(at, &expected(self, schema), &item.value);
            let wants_string = keywords.get("type").is_some_and(|name| name == "string");
            if wants_string
                && let (Place::Override(_), Some(text)) = (item.place, plain(&item.value))
            {
                let key = shown_path(self.prefix, &at.path);
                fault.hint = Some(format!("quote it: `--set '{key}=\"{text}\"'`"));
            }
            faults.push(fault);
            return false;
        }
        if let Some(constants) = &constants_of(keywords)
            && !constants.contains(&item.value.to_json())
        {
            faults.push(self.not_one_of(constants, &item.value, at));
            return false;
        }
        let fits = match &item.value {
            Value::Integer(number) => Bounds::of(keywords).hold_integer(*number),
            Value::Float(number) => number.is_finite() && Bounds::of(keywords).hold(*number),
            Value::String(text) => {
                let length = text.chars().count();
                let limit = |key: &str| keywords.get(key).and_then(Json::as_u64);
                limit("minLength").is_none_or(|min| length as u64 >= min)
                    && limit("maxLength").is_none_or(|max| length as u64 <= max)
            }
            Value::Array(items) => {
                let limit = |key: &str| keywords.get(key).and_then(Json::as_u64);
                limit("minItems").is_none_or(|min| items.len() as u64 >= min)
                    && limit("maxItems").is_none_or(|max| items.len() as u64 <= max)
            }
            Value::Bool(_) | Value::Datetime(_) | Value::Table(_) => true,
        };
        let not = keywords.get("not").and_then(Json::as_object).and_then(constants_of);
        let is_forbidden = not.is_some_and(|not| not.contains(&item.value.to_json()));
        if !fits || is_forbidden {
            let mut wanted = expected(self, schema);
            if is_forbidden {
                wanted.push_str(" other than that");
            }
            faults.push(self.fault(at, &wanted, &item.value));
        }
        true
    }

    fn check_table(
        &self,
        keywords: &Map<String, Json>,
        table: &Table,
        at: &Cursor,
        faults: &mut Vec<Fault>,
    ) {
        let no_properties = Map::new();
        let properties =
            keywords.get("properties").and_then(Json::as_object).unwrap_or(&no_properties);
        // At the top a typing error must not pass, even where a component forgot to say so.
        let is_open = keywords.get("additionalProperties");
        let is_top = at.path.is_empty() && keywords.contains_key("properties");
        let others = is_open.unwrap_or(if is_top { &Json::Bool(false) } else { &Json::Bool(true) });
        for entry in &table.entries {
            let segment = Segment::Key(entry.key.clone());
            if let Some(schema) = properties.get(&entry.key) {
                let below = at.down(segment, entry.place(), false);
                self.check(schema, &entry.item, &below, faults);
            } else if *others == Json::Bool(false) {
                let below = at.down(segment, entry.key_place, false);
                faults.push(self.unknown_key(
                    &entry.key,
                    properties.keys().map(String::as_str),
                    &below,
                ));
            } else {
                let below = at.down(segment, entry.place(), true);
                self.check(others, &entry.item, &below, faults);
            }
        }
        let required = keywords.get("required").and_then(Json::as_array).into_iter().flatten();
        for key in required.filter_map(Json::as_str) {
            // A key that is there with a slip in it is one mistake, not two.
            let is_meant = |entry: &Entry| {
                *others == Json::Bool(false)
                    && !properties.contains_key(&entry.key)
                    && nearest(&entry.key, properties.keys().map(String::as_str)) == Some(key)
            };
            if table.get(key).is_none() && !table.entries.iter().any(is_meant) {
                faults.push(self.missing_key(key, properties.get(key), at));
            }
        }
    }

    fn check_list(
        &self,
        keywords: &Map<String, Json>,
        items: &[Item],
        at: &Cursor,
        faults: &mut Vec<Fault>,
    ) {
        let first =
            keywords.get("prefixItems").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(index).or_else(|| keywords.get("items")) {
                let below = at.down(Segment::Index(index), item.place, false);
                self.check(schema, item, &below, faults);
            }
        }
    }

    pub(super) fn fault(&self, at: &Cursor, expected: &str, found: &Value) -> Fault {
        let message = format!(
            "`{}`: expected {expected}, found {}",
            shown_path(self.prefix, &at.path),
            found.describe()
        );
        self.new_fault(at, message, None, FaultKind::Value)
    }

    /// Says which of some constants were expected.
    pub(super) fn not_one_of(&self, constants: &[Json], found: &Value, at: &Cursor) -> Fault {
        let names: Vec<String> = constants.iter().map(shown_constant).collect();
        let wanted = match names.as_slice() {
            [only] => only.clone(),
            names if names.len() <= LISTED_KEYS => format!("one of {}", names.join(", ")),
            names => {
                let more = names.len() - LISTED_KEYS / 2;
                format!("one of {} or {more} others", names[..LISTED_KEYS / 2].join(", "))
            }
        };
        let mut fault = self.fault(at, &wanted, found);
        if let Value::String(text) = found {
            let near = nearest(text, constants.iter().filter_map(Json::as_str));
            fault.hint = near.map(|near| format!("did you mean `{near}`?"));
        }
        fault
    }

    pub(super) fn unknown_key<'k>(
        &self,
        key: &str,
        known: impl Iterator<Item = &'k str>,
        at: &Cursor,
    ) -> Fault {
        let common = if at.path.len() == 1 { self.common } else { &[] };
        let mut known: Vec<&str> = known.collect();
        let near = nearest(key, known.iter().chain(common).copied());
        let hint = match near {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if known.is_empty() => Some(match common {
                [] => "there are no keys here".to_owned(),
                common => format!("expected one of {}", quoted(common)),
            }),
            None if known.len() <= LISTED_KEYS => {
                known.sort_unstable();
                Some(format!("expected one of {}", quoted(&known)))
            }
            None => None,
        };
        let message = format!("unknown key `{}`", shown_path(self.prefix, &at.path));
        self.new_fault(at, message, hint, FaultKind::UnknownKey)
    }

    pub(super) fn missing_key(&self, key: &str, schema: Option<&Json>, at: &Cursor) -> Fault {
        let wanted = schema.map_or("something".to_owned(), |schema| expected(self, schema));
        let path = shown_path(self.prefix, &at.path);
        let key = quote_key(key);
        let message = if path.is_empty() {
            format!("missing key `{key}`: expected {wanted}")
        } else {
            format!("missing key `{path}.{key}`: expected {wanted}")
        };
        self.new_fault(at, message, None, FaultKind::MissingKey)
    }

    pub(super) fn new_fault(
        &self,
        at: &Cursor,
        message: String,
        hint: Option<String>,
        kind: FaultKind,
    ) -> Fault {
        Fault { path: at.path.clone(), place: at.place, message, hint, kind, in_map: at.in_map }
    }
}

pub(super) fn quoted(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Returns whether a schema's `type` takes a value; without a `type` anything goes but a date.
pub(super) fn accepts(keywords: &Map<String, Json>, value: &Value) -> bool {
    let takes = |name: &str| match value {
        Value::String(_) => name == "string",
        Value::Integer(_) => name == "integer" || name == "number",
        Value::Float(_) => name == "number",
        Value::Bool(_) => name == "boolean",
        Value::Array(_) => name == "array",
        Value::Table(_) => name == "object",
        Value::Datetime(_) => false,
    };
    match keywords.get("type") {
        Some(Json::String(name)) => takes(name),
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).any(takes),
        _ => {
            // A date only has a chance where something else, such as a reference, decides.
            let decided = ["$ref", "allOf", "oneOf", "anyOf"];
            !matches!(value, Value::Datetime(_))
                || decided.iter().any(|key| keywords.contains_key(*key))
        }
    }
}

/// Returns the constants that a schema names with `const` or `enum`.
pub(super) fn constants_of(keywords: &Map<String, Json>) -> Option<Vec<Json>> {
    match (keywords.get("const"), keywords.get("enum")) {
        (Some(constant), _) => Some(vec![constant.clone()]),
        (None, Some(Json::Array(constants))) => {
            Some(constants.iter().filter(|constant| !constant.is_null()).cloned().collect())
        }
        _ => None,
    }
}

fn shown_constant(constant: &Json) -> String {
    constant.as_str().map_or_else(|| format!("`{constant}`"), |text| format!("`{text}`"))
}

/// Returns a plain value that is no string as it was written.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Integer(_) | Value::Bool(_) | Value::Float(_) => Some(value.to_json().to_string()),
        _ => None,
    }
}
