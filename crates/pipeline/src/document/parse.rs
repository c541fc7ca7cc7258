//! TOML text to the tree.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::document::{Entry, Item, Place, Table, Value};

/// The largest pipeline file.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// How deep tables and lists may lie in one another.
const MAX_DEPTH: usize = 64;

/// Enough for the deepest file that the parser lets through, dotted keys in inline tables included.
const STACK_BYTES: usize = 64 << 20;

/// A mistake in the syntax: bytes from, to, and what is wrong.
pub(crate) struct SyntaxError {
    pub(crate) place: Place,
    pub(crate) message: String,
}

/// Parses a text; what can be read comes back with every mistake in the rest.
pub(crate) fn parse(text: &str) -> (Table, Vec<SyntaxError>) {
    if text.len() > MAX_BYTES {
        let message = format!("the file has more than {MAX_BYTES} bytes, which is the limit");
        return (Table::default(), vec![SyntaxError { place: Place::File(0, 0), message }]);
    }
    // Deeply nested input recurses deeply, here and where the parser drops its tree.
    let parse = || parse_here(text);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, parse);
        match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => parse_here(text),
        }
    })
}

fn parse_here(text: &str) -> (Table, Vec<SyntaxError>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut errors: Vec<SyntaxError> = errors
        .into_iter()
        .map(|error| {
            let span = error.span().unwrap_or_default();
            let place = Place::File(span.start, span.end);
            SyntaxError {
                place,
                message: message(error.message(), text.get(span).unwrap_or_default()),
            }
        })
        .collect();
    let table = read_table(table.get_ref(), 1, &mut errors);
    (table, errors)
}

/// Says what was found, where the parser says only what it expected.
fn message(parser: &str, found: &str) -> String {
    let mut chars = parser.chars();
    let parser: String =
        chars.next().into_iter().flat_map(char::to_lowercase).chain(chars).collect();
    let found = found.trim();
    if found.is_empty() || found.contains('\n') || found.chars().count() > 40 {
        return format!("not TOML: {parser}");
    }
    format!("not TOML: {parser}, found `{found}`")
}

fn read_table(table: &DeTable<'_>, depth: usize, errors: &mut Vec<SyntaxError>) -> Table {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, item)| {
            let span = key.span();
            let key_place = Place::File(span.start, span.end);
            let key = key.get_ref().clone().into_owned();
            Entry { key, key_place, item: read_item(item, key_place, depth, errors) }
        })
        .collect();
    entries.sort_by_key(|entry| match entry.key_place {
        Place::File(start, _) => start,
        Place::Override(_) => usize::MAX,
    });
    Table { entries }
}

fn read_item(
    item: &Spanned<DeValue<'_>>,
    key_place: Place,
    depth: usize,
    errors: &mut Vec<SyntaxError>,
) -> Item {
    let span = item.span();
    let place = Place::File(span.start, span.end);
    let is_nested = matches!(item.get_ref(), DeValue::Array(_) | DeValue::Table(_));
    if is_nested && depth >= MAX_DEPTH {
        let message = format!("more than {MAX_DEPTH} tables and lists in one another");
        errors.push(SyntaxError { place: key_place, message });
        return Item { place, value: Value::Bool(false) };
    }
    let value = match item.get_ref() {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Integer(number) => {
            let read = i128::from_str_radix(number.as_str(), number.radix());
            Value::Integer(read.unwrap_or_else(|_| {
                let message = format!("the whole number {number} is too large");
                errors.push(SyntaxError { place, message });
                0
            }))
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::Datetime(time.to_string()),
        DeValue::Array(items) => {
            let read = |item| read_item(item, key_place, depth + 1, errors);
            Value::Array(items.iter().map(read).collect())
        }
        DeValue::Table(table) => Value::Table(read_table(table, depth + 1, errors)),
    };
    Item { place, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_nesting_is_refused_and_does_not_overflow() {
        let dotted = vec!["a"; 79].join(".");
        let mut deep = String::from("1");
        for _ in 0..78 {
            deep = format!("{{ {dotted} = {deep} }}");
        }
        let (_, errors) = parse(&format!("[{dotted}]\n{dotted} = {deep}\n"));
        assert!(!errors.is_empty());
        let (_, errors) = parse(&format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000)));
        assert!(!errors.is_empty());
        let (_, errors) = parse(&format!("a = {}", "{a=".repeat(100_000)));
        assert!(!errors.is_empty());
    }

    #[test]
    fn all_syntax_errors_come_at_once() {
        let (_, errors) = parse("a = \nb = 1 2\nc = 'ok'\n");
        assert_eq!(errors.len(), 2, "{:?}", errors.iter().map(|e| &e.message).collect::<Vec<_>>());
    }

    #[test]
    fn entries_keep_the_order_of_the_file() {
        let (table, errors) = parse("[z]\nb = 1\na = 2\n[y]\n[z.c]\n");
        assert!(errors.is_empty());
        assert_eq!(table.keys().collect::<Vec<_>>(), ["z", "y"]);
        let Value::Table(z) = &table.get("z").unwrap().item.value else { panic!() };
        assert_eq!(z.keys().collect::<Vec<_>>(), ["b", "a", "c"]);
    }
}
