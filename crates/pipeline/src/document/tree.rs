//! The tree: tables, lists and plain values, with places.

use std::fmt::Write as _;

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the file: bytes from, to.
    File(usize, usize),
    /// In an override: its index.
    Override(usize),
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    String(String),
    /// Wide enough for both `i64` and `u64`, and for saying what was too large.
    Integer(i128),
    Float(f64),
    Bool(bool),
    /// A date or a time, as it was written. No key takes one.
    Datetime(String),
    Array(Vec<Item>),
    Table(Table),
}

/// A table, its entries in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) entries: Vec<Entry>,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) item: Item,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Key(String),
    Index(usize),
}

impl Table {
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Entry> {
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(index))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }

    /// Returns the table as JSON, in the order of the file. Values that JSON cannot hold become null; the
    /// check against the schema has complained about them.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let entries = self.entries.iter();
        entries.map(|entry| (entry.key.clone(), entry.item.value.to_json())).collect()
    }

    /// Finds what a dotted path such as `thresholds.0.metric` names; as deep as there is something.
    ///
    /// Keys may hold dots themselves, so that the longest key that fits is taken. Returns the place of the
    /// value (of the key, for tables, whose value has no place of its own) and the value; `None` when not
    /// even the first step is there. The last is whether the whole path was found.
    pub(crate) fn find(&self, dotted: &str) -> Option<(Place, &Item, bool)> {
        let (entry, rest) = self.step(dotted)?;
        let here = entry.place();
        let Some(rest) = rest else { return Some((here, &entry.item, true)) };
        Some(entry.item.find(rest).unwrap_or((here, &entry.item, false)))
    }

    fn step<'p>(&self, dotted: &'p str) -> Option<(&Entry, Option<&'p str>)> {
        if let Some(entry) = self.get(dotted) {
            return Some((entry, None));
        }
        let mut ends: Vec<usize> = dotted.match_indices('.').map(|(at, _)| at).collect();
        ends.reverse();
        ends.into_iter().find_map(|end| Some((self.get(&dotted[..end])?, Some(&dotted[end + 1..]))))
    }

    /// Removes what a path names.
    pub(crate) fn remove(&mut self, path: &[Segment]) {
        let Some((Segment::Key(key), rest)) = path.split_first() else { return };
        if rest.is_empty() {
            self.take(key);
        } else if let Some(entry) = self.get_mut(key) {
            entry.item.remove(rest);
        }
    }
}

impl Entry {
    /// Returns where to point when the value is meant.
    pub(crate) fn place(&self) -> Place {
        if matches!(self.item.value, Value::Table(_)) { self.key_place } else { self.item.place }
    }
}

impl Item {
    fn find(&self, dotted: &str) -> Option<(Place, &Item, bool)> {
        match &self.value {
            Value::Table(table) => table.find(dotted),
            Value::Array(items) => {
                let (index, rest) = match dotted.split_once('.') {
                    Some((index, rest)) => (index, Some(rest)),
                    None => (dotted, None),
                };
                let item = items.get(index.parse::<usize>().ok()?)?;
                let Some(rest) = rest else { return Some((item.place, item, true)) };
                Some(item.find(rest).unwrap_or((item.place, item, false)))
            }
            _ => None,
        }
    }

    fn remove(&mut self, path: &[Segment]) {
        match (&mut self.value, path.split_first()) {
            (Value::Table(table), _) => table.remove(path),
            (Value::Array(items), Some((Segment::Index(index), rest))) if *index < items.len() => {
                if rest.is_empty() {
                    items.remove(*index);
                } else {
                    items[*index].remove(rest);
                }
            }
            _ => {}
        }
    }
}

impl Value {
    /// Returns the value as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::String(text) | Self::Datetime(text) => text.as_str().into(),
            Self::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => number.into(),
                (_, Ok(number)) => number.into(),
                _ => serde_json::Value::Null,
            },
            Self::Float(number) => (*number).into(),
            Self::Bool(flag) => (*flag).into(),
            Self::Array(items) => items.iter().map(|item| item.value.to_json()).collect(),
            Self::Table(table) => table.to_json(),
        }
    }

    /// Returns what the value is, in words: `the string "many"`, `a list`.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::String(text) => format!("the string {}", shorten(text)),
            Self::Integer(number) => format!("the whole number {number}"),
            Self::Float(number) => format!("the number {number:?}"),
            Self::Bool(flag) => format!("{flag}"),
            Self::Datetime(text) => format!("the date or time {text}"),
            Self::Array(items) if items.is_empty() => "an empty list".to_owned(),
            Self::Array(_) => "a list".to_owned(),
            Self::Table(_) => "a table".to_owned(),
        }
    }
}

/// Returns a string in quotes, at most 40 characters of it.
pub(crate) fn shorten(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(SHOWN).collect();
    if chars.next().is_some() { format!("{start:?}..") } else { format!("{start:?}") }
}

/// Returns a key as TOML writes it: in quotes where it is not a bare word.
pub(crate) fn quote_key(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(is_bare) { key.to_owned() } else { shorten(key) }
}

/// Returns a path as `--set` takes it: `nodes.evaluator.thresholds.0.metric`.
pub(crate) fn shown_path(prefix: &str, path: &[Segment]) -> String {
    let mut text = prefix.to_owned();
    for segment in path {
        if !text.is_empty() {
            text.push('.');
        }
        match segment {
            Segment::Key(key) => text.push_str(&quote_key(key)),
            Segment::Index(index) => {
                let _ = write!(text, "{index}");
            }
        }
    }
    text
}
