//! `KEY=VALUE`: values of the command line take the place of the file's.

use crate::document::{Entry, Item, Place, Table, Value, parse};

/// How many tables and lists an override may go down.
const MAX_STEPS: usize = 32;

/// Puts one override into a document.
///
/// The key is dotted, parts of it may be quoted; a number steps into a list. The value is TOML where it can
/// be read as TOML, and a string otherwise. Tables on the way are made.
///
/// # Errors
///
/// What is wrong with it, and what to do.
pub(crate) fn apply_override(
    document: &mut Table,
    text: &str,
    index: usize,
) -> Result<(), (String, Option<String>)> {
    let example = || Some("write it like `nodes.trainer.num_steps=100`".to_owned());
    let end = end_of_key(text).ok_or_else(|| ("expected KEY=VALUE".to_owned(), example()))?;
    let steps = split_key(&text[..end]);
    let steps = steps.filter(|steps| (2..=MAX_STEPS).contains(&steps.len()));
    let steps = steps.ok_or_else(|| {
        let message = format!("cannot read `{}` as the key of a value", text[..end].trim());
        (message, example())
    })?;
    let place = Place::Override(index);
    let item = Item { place, value: read_value(&text[end + 1..], index) };
    set(document, &steps, item, place)
}

/// Returns an override as messages show it, without its value.
pub(crate) fn override_label(text: &str) -> String {
    let end = end_of_key(text).unwrap_or(text.len());
    format!("--set {}", text[..end].trim())
}

/// Returns the first `=` outside of quotes.
fn end_of_key(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '=') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

fn split_key(text: &str) -> Option<Vec<String>> {
    let mut steps = vec![String::new()];
    let mut quote = None;
    for c in text.trim().chars() {
        match (quote, c) {
            (None, '.') => steps.push(String::new()),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => steps.last_mut()?.push(c),
        }
    }
    (quote.is_none() && steps.iter().all(|step| !step.is_empty())).then_some(steps)
}

fn read_value(text: &str, index: usize) -> Value {
    let as_string = Value::String(text.trim().to_owned());
    let (mut table, errors) = parse(&format!("value = {text}"));
    let value = table.take("value").filter(|_| errors.is_empty() && table.entries.is_empty());
    match value {
        // No key takes a date; a file may well be called like one.
        None | Some(Entry { item: Item { value: Value::Datetime(_), .. }, .. }) => as_string,
        Some(mut entry) => {
            move_to_override(&mut entry.item, index);
            entry.item.value
        }
    }
}

fn move_to_override(item: &mut Item, index: usize) {
    item.place = Place::Override(index);
    match &mut item.value {
        Value::Array(items) => items.iter_mut().for_each(|item| move_to_override(item, index)),
        Value::Table(table) => {
            for entry in &mut table.entries {
                entry.key_place = Place::Override(index);
                move_to_override(&mut entry.item, index);
            }
        }
        _ => {}
    }
}

fn set(
    table: &mut Table,
    steps: &[String],
    item: Item,
    place: Place,
) -> Result<(), (String, Option<String>)> {
    let Some((first, rest)) = steps.split_first() else { return Ok(()) };
    let empty = Item { place, value: Value::Table(Table::default()) };
    let index = match table.entries.iter().position(|entry| entry.key == *first) {
        Some(index) => index,
        None => {
            table.entries.push(Entry { key: first.clone(), key_place: place, item: empty });
            table.entries.len() - 1
        }
    };
    let slot = &mut table.entries[index].item;
    if rest.is_empty() {
        *slot = item;
        return Ok(());
    }
    set_in(slot, first, rest, item, place)
}

fn set_in(
    slot: &mut Item,
    name: &str,
    rest: &[String],
    item: Item,
    place: Place,
) -> Result<(), (String, Option<String>)> {
    match &mut slot.value {
        Value::Table(table) => set(table, rest, item, place),
        Value::Array(items) => {
            let count = items.len();
            let element = rest[0].parse::<usize>().ok().and_then(|index| items.get_mut(index));
            let Some(element) = element else {
                let message = match count {
                    0 => format!("`{name}` is an empty list, it has no element `{}`", rest[0]),
                    _ => format!(
                        "`{name}` is a list, expected a number from 0 to {} after it, found `{}`",
                        count - 1,
                        rest[0]
                    ),
                };
                return Err((message, None));
            };
            if rest.len() == 1 {
                *element = item;
                return Ok(());
            }
            set_in(element, &rest[0], &rest[1..], item, place)
        }
        other => {
            let message = format!("`{name}` is {}, it has no key `{}`", other.describe(), rest[0]);
            Err((message, None))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(text: &str) -> String {
        let (mut document, _) = parse("[nodes.a]\nlist = [{ x = 1 }]\nn = 1\n");
        match apply_override(&mut document, text, 0) {
            Ok(()) => document.to_json()["nodes"].to_string(),
            Err((message, _)) => format!("error: {message}"),
        }
    }

    #[test]
    fn values_are_toml_where_they_can_be() {
        for (set, expected) in [
            ("nodes.a.n=2", r#"{"a":{"list":[{"x":1}],"n":2}}"#),
            ("nodes.a.n = many words", r#"{"a":{"list":[{"x":1}],"n":"many words"}}"#),
            ("nodes.a.n=\"2\"", r#"{"a":{"list":[{"x":1}],"n":"2"}}"#),
            ("nodes.a.n=2024-01-01", r#"{"a":{"list":[{"x":1}],"n":"2024-01-01"}}"#),
            ("nodes.a.n=", r#"{"a":{"list":[{"x":1}],"n":""}}"#),
            ("nodes.a.n=1\nm = 2", r#"{"a":{"list":[{"x":1}],"n":"1\nm = 2"}}"#),
            ("nodes.a.list.0.x={y=[1]}", r#"{"a":{"list":[{"x":{"y":[1]}}],"n":1}}"#),
            ("nodes.b.c.\"d.e\"=true", r#"{"a":{"list":[{"x":1}],"n":1},"b":{"c":{"d.e":true}}}"#),
        ] {
            assert_eq!(apply(set), expected, "{set}");
        }
    }

    #[test]
    fn what_cannot_be_set_is_said() {
        for (set, expected) in [
            ("nodes.a.n", "error: expected KEY=VALUE"),
            ("=1", "error: cannot read `` as the key of a value"),
            ("nodes..n=1", "error: cannot read `nodes..n` as the key of a value"),
            ("nodes=1", "error: cannot read `nodes` as the key of a value"),
            ("nodes.a.n.m=1", "error: `n` is the whole number 1, it has no key `m`"),
            (
                "nodes.a.list.1.x=1",
                "error: `list` is a list, expected a number from 0 to 0 after it, found `1`",
            ),
        ] {
            assert_eq!(apply(set), expected, "{set}");
        }
        assert_eq!(override_label("nodes.a.n=1"), "--set nodes.a.n");
    }
}
