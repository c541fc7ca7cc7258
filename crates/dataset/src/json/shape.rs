//! What is known of a value's type.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::JsonError;

/// A line: the number of its file, and its own from 1.
pub type JsonPlace = (usize, u64);

/// The kinds of values seen in one place, each with the first line that has it. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonType {
    boolean: Option<JsonPlace>,
    int: Option<JsonPlace>,
    float: Option<JsonPlace>,
    text: Option<JsonPlace>,
    list: Option<(JsonPlace, Box<JsonType>)>,
    object: Option<(JsonPlace, IndexMap<String, JsonType>)>,
}

/// Returns a number as an INT, if it is one.
pub(super) fn as_int(number: &serde_json::Number) -> Option<i64> {
    number.as_i64()
}

impl JsonType {
    /// Takes in a value.
    pub fn widen(&mut self, value: &Value, place: JsonPlace) {
        match value {
            Value::Null => {}
            Value::Bool(_) => _ = self.boolean.get_or_insert(place),
            Value::Number(number) if as_int(number).is_some() => {
                self.int.get_or_insert(place);
            }
            Value::Number(_) => _ = self.float.get_or_insert(place),
            Value::String(_) => _ = self.text.get_or_insert(place),
            Value::Array(items) => {
                let (_, item) = self.list.get_or_insert_with(|| (place, Box::default()));
                items.iter().for_each(|value| item.widen(value, place));
            }
            Value::Object(object) => self.widen_fields(object, place),
        }
    }

    /// Takes in an object's fields.
    pub fn widen_fields(&mut self, object: &Map<String, Value>, place: JsonPlace) {
        let (_, fields) = self.object.get_or_insert_with(|| (place, IndexMap::new()));
        for (name, value) in object {
            if let Some(field) = fields.get_mut(name) {
                field.widen(value, place);
            } else {
                let mut field = Self::default();
                field.widen(value, place);
                fields.insert(name.clone(), field);
            }
        }
    }

    /// Takes in what was seen in the lines behind those seen so far.
    pub fn merge(&mut self, later: Self) {
        self.boolean = self.boolean.or(later.boolean);
        self.int = self.int.or(later.int);
        self.float = self.float.or(later.float);
        self.text = self.text.or(later.text);
        if let Some((place, item)) = later.list {
            match &mut self.list {
                Some((_, ours)) => ours.merge(*item),
                None => self.list = Some((place, item)),
            }
        }
        if let Some((place, fields)) = later.object {
            match &mut self.object {
                Some((_, ours)) => {
                    for (name, theirs) in fields {
                        ours.entry(name).or_default().merge(theirs);
                    }
                }
                None => self.object = Some((place, fields)),
            }
        }
    }

    /// Returns the fields of objects, in the order in which they were first seen.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Self)> {
        let fields = self.object.iter().flat_map(|(_, fields)| fields);
        fields.map(|(name, field)| (name.as_str(), field))
    }

    /// Returns the Arrow type that holds all values; `Null` where there are none. Fields and items may be missing.
    ///
    /// # Errors
    ///
    /// [`JsonError::Conflict`] where kinds do not go together, the later of the two lines first; `name` is that of
    /// the feature, `paths` the files.
    pub fn data_type(&self, name: &str, paths: &[PathBuf]) -> Result<DataType, JsonError> {
        let number = match (self.int, self.float) {
            (Some(int), Some(float)) => Some(int.min(float)),
            (int, float) => int.or(float),
        };
        let mut kinds: Vec<(JsonPlace, &'static str)> = [
            (self.boolean, "a boolean"),
            (number, "a number"),
            (self.text, "text"),
            (self.list.as_ref().map(|(place, _)| *place), "a list"),
            (self.object.as_ref().map(|(place, _)| *place), "an object"),
        ]
        .into_iter()
        .filter_map(|(place, kind)| Some((place?, kind)))
        .collect();
        kinds.sort_unstable();
        if let [first, second, ..] = kinds[..] {
            let path = |(file, _): JsonPlace| paths.get(file).cloned().unwrap_or_default();
            return Err(JsonError::Conflict {
                feature: name.to_owned(),
                path: path(second.0),
                line: second.0.1,
                found: second.1,
                other_path: path(first.0),
                other_line: first.0.1,
                other: first.1,
            });
        }
        if let Some((_, item)) = &self.list {
            let item = item.data_type(&format!("{name}[]"), paths)?;
            return Ok(DataType::List(Arc::new(Field::new_list_field(item, true))));
        }
        if let Some((_, fields)) = &self.object {
            let fields = fields.iter().map(|(field, seen)| -> Result<FieldRef, JsonError> {
                let data_type = seen.data_type(&format!("{name}.{field}"), paths)?;
                Ok(Arc::new(Field::new(field, data_type, true)))
            });
            let fields: Vec<_> = fields.collect::<Result<_, _>>()?;
            // A struct without fields is nothing that can be stored.
            return Ok(if fields.is_empty() {
                DataType::Null
            } else {
                DataType::Struct(fields.into())
            });
        }
        Ok(if self.boolean.is_some() {
            DataType::Boolean
        } else if self.text.is_some() {
            DataType::Utf8
        } else if self.float.is_some() {
            DataType::Float32
        } else if self.int.is_some() {
            DataType::Int64
        } else {
            DataType::Null
        })
    }
}
