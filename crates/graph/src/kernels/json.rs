//! Values within JSON, found without keeping anything else of it.

use std::fmt;

use arrow::array::{BooleanArray, Float64Array, Int64Array, StringArray};
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Texts;
use super::text::TextBuilder;
use crate::evaluate::Values;
use crate::{GraphError, JsonPath, JsonStep, ValueType};

/// Extracts a value of a type from each text.
pub(super) fn extract(
    path: &JsonPath,
    to: ValueType,
    texts: Texts<'_>,
    num_rows: usize,
) -> Result<Values, GraphError> {
    let found = |row| find(texts.at(row)?, path.steps());
    Ok(match to {
        ValueType::Int => {
            let ints: Int64Array = (0..num_rows)
                .map(|row| match found(row)? {
                    Found::Int(value) => Some(value),
                    Found::Float(value) => whole(value),
                    _ => None,
                })
                .collect();
            Values::ints(ints)
        }
        ValueType::Float => {
            let floats: Float64Array = (0..num_rows)
                .map(|row| match found(row)? {
                    #[expect(clippy::cast_precision_loss, reason = "the nearest float")]
                    Found::Int(value) => Some(value as f64),
                    Found::Float(value) => Some(value),
                    _ => None,
                })
                .collect();
            Values::floats(floats)
        }
        ValueType::Bool => {
            let bools: BooleanArray = (0..num_rows)
                .map(|row| match found(row)? {
                    Found::Bool(value) => Some(value),
                    _ => None,
                })
                .collect();
            Values::bools(bools)
        }
        ValueType::String => Values::texts(strings(found, num_rows)?),
    })
}

fn strings(
    found: impl Fn(usize) -> Option<Found>,
    num_rows: usize,
) -> Result<StringArray, GraphError> {
    let mut builder = TextBuilder::with_rows(num_rows);
    for row in 0..num_rows {
        match found(row) {
            Some(Found::String(text)) => builder.push_row(Some(&text))?,
            _ => builder.push_row(None)?,
        }
    }
    Ok(builder.finish())
}

/// Returns a float as an integer where it is one that 64 bits hold.
fn whole(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0; // 2^63
    let is_whole = value.fract() == 0.0 && (-LIMIT..LIMIT).contains(&value);
    #[expect(clippy::cast_possible_truncation, reason = "tested just before")]
    is_whole.then_some(value as i64)
}

/// What a path leads to, where that is not an object, an array or `null`.
enum Found {
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
}

/// Follows a path through a text that is JSON from its first to its last character.
fn find(text: &str, steps: &[JsonStep]) -> Option<Found> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let found = Follow(steps).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    found
}

/// Reads a value of which only what is behind some steps is wanted. As deep as there are steps; what is beside them
/// is skipped without recursion.
struct Follow<'a>(&'a [JsonStep]);

impl<'de> DeserializeSeed<'de> for Follow<'_> {
    type Value = Option<Found>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl Follow<'_> {
    /// Returns a value if it is the one that is wanted.
    fn here<E>(&self, value: impl FnOnce() -> Found) -> Result<Option<Found>, E> {
        Ok(self.0.is_empty().then(value))
    }
}

impl<'de> Visitor<'de> for Follow<'_> {
    type Value = Option<Found>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        self.here(|| Found::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        self.here(|| Found::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "more than 64 bits with a sign hold")]
        self.here(|| i64::try_from(value).map_or(Found::Float(value as f64), Found::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        self.here(|| Found::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        self.here(|| Found::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        if let Some((JsonStep::Element(place), rest)) = self.0.split_first() {
            for _ in 0..*place {
                if elements.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(None);
                }
            }
            found = elements.next_element_seed(Follow(rest))?.flatten();
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let wanted = match self.0.split_first() {
            Some((JsonStep::Field(name), rest)) => Some((name.as_str(), rest)),
            _ => None,
        };
        while let Some(is_wanted) = fields.next_key_seed(Is(wanted.map(|(name, _)| name)))? {
            match wanted {
                // Of two fields with one name the last counts, as for most that read JSON.
                Some((_, rest)) if is_wanted => found = fields.next_value_seed(Follow(rest))?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

/// Reads the name of a field and tells whether it is one.
struct Is<'a>(Option<&'a str>);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<bool, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<bool, E> {
        Ok(self.0 == Some(name))
    }
}
