//! Functions of text.

use graph::{Literal, Op};

use super::Refused;
use super::column::{Column, both};
use super::emit::Emitter;

/// A longer text is not searched for: regular expressions have a limit.
const MOST_SEARCHED: usize = 10_000;

/// Lowers a text with another behind it.
pub(super) fn concat(e: &mut Emitter, [a, b]: [&Column; 2]) -> Column {
    let present = both(e, a.present.as_ref(), b.present.as_ref());
    Column { values: e.op("StringConcat", &[&a.values, &b.values]), present }
}

/// Lowers the search for a constant text at the start, at the end, or anywhere.
pub(super) fn search(
    e: &mut Emitter,
    op: &Op,
    [a, b]: [&Column; 2],
    wanted: Option<&Literal>,
) -> Result<Column, Refused> {
    let wanted = match wanted {
        Some(Literal::String(wanted)) => wanted,
        Some(_) => return Ok(Column { values: e.bool(false), present: b.present.clone() }),
        None => return Err(Refused::new(NOT_CONSTANT)),
    };
    if wanted.len() > MOST_SEARCHED {
        return Err(Refused::new("it cannot search for a text of more than 10000 bytes"));
    }
    let wanted = quote(wanted);
    let pattern = match op {
        Op::StartsWith => format!("(?s){wanted}.*"),
        Op::EndsWith => format!("(?s).*{wanted}"),
        _ => format!("(?s).*{wanted}.*"),
    };
    Ok(Column::like(e.matches(&a.values, &pattern), a))
}

/// Why a text is not searched for another that is not constant.
pub(super) const NOT_CONSTANT: &str =
    "its regular expressions are constants, so the text that is searched for has to be one";

/// Returns the regular expression of one text.
fn quote(text: &str) -> String {
    let quote = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => c.to_string(),
        _ => format!("\\x{{{:x}}}", u32::from(c)),
    };
    text.chars().map(quote).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_of_a_searched_text_means_more_than_itself() {
        assert_eq!(quote("a.b\\E 🚕"), r"a\x{2e}b\x{5c}E\x{20}\x{1f695}");
    }
}
