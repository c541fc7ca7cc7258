//! From bytes to lines and columns, and from characters of a string's value to bytes of the file.

/// Where the lines of a text begin.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Looks for the lines of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// Returns the line and the column of a byte, both from 1; columns count characters.
    pub(crate) fn position(&self, byte: usize) -> (usize, usize) {
        let byte = byte.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= byte).max(1);
        let start = self.starts[line - 1];
        let before = self.text.get(start..byte).map_or(byte - start, |text| text.chars().count());
        (line, before + 1)
    }
}

/// Returns where each character of a TOML string's value begins in its literal, and where the last one ends.
///
/// `literal` is the string as the file has it, quotes included: basic or literal, on one line or on many.
/// `None` when it is none of these.
pub(crate) fn char_offsets(literal: &str) -> Option<Vec<usize>> {
    let (quotes, has_escapes) = match literal {
        text if text.starts_with("\"\"\"") => (3, true),
        text if text.starts_with("'''") => (3, false),
        text if text.starts_with('"') => (1, true),
        text if text.starts_with('\'') => (1, false),
        _ => return None,
    };
    let end = literal.len().checked_sub(quotes).filter(|end| *end >= quotes)?;
    let mut at = quotes;
    if quotes == 3 {
        // A line break right after the opening quotes is not part of the value.
        let body = literal.get(at..end)?;
        at += if body.starts_with("\r\n") { 2 } else { usize::from(body.starts_with('\n')) };
    }
    let mut offsets = Vec::new();
    while at < end {
        let rest = literal.get(at..end)?;
        let first = rest.chars().next()?;
        if first != '\\' || !has_escapes {
            offsets.push(at);
            at += first.len_utf8();
            continue;
        }
        let escape = rest[1..].chars().next()?;
        match escape {
            'x' => offsets.push(at),
            'u' | 'U' => offsets.push(at),
            ' ' | '\t' | '\r' | '\n' => {
                // The line goes on: the backslash and all white space after it are not part of the value.
                let after = rest[1..].trim_start_matches([' ', '\t', '\r', '\n']);
                at = end - after.len();
                continue;
            }
            _ => offsets.push(at),
        }
        at += match escape {
            'x' => 4,
            'u' => 6,
            'U' => 10,
            other => 1 + other.len_utf8(),
        };
    }
    offsets.push(end);
    Some(offsets)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn characters_of_any_string_are_found(value in "[a-z\\\\\"'\t\n\ré\u{1F600} ]{0,40}|\\PC{0,20}") {
            let literal = toml::Value::from(value.as_str()).to_string();
            let offsets = char_offsets(&literal).unwrap();
            prop_assert_eq!(offsets.len(), value.chars().count() + 1, "{}", literal);
            for (c, at) in value.chars().zip(&offsets) {
                let found = literal[*at..].chars().next().unwrap();
                prop_assert!(found == c || found == '\\', "{}: {:?} is not at {}", literal, c, at);
            }
        }
    }

    #[test]
    fn columns_count_characters() {
        let lines = Lines::new("a\nüü = 1\n");
        assert_eq!(lines.position(0), (1, 1));
        assert_eq!(lines.position(2), (2, 1));
        assert_eq!(lines.position(6), (2, 3));
        assert_eq!(lines.position(11), (3, 1));
        assert_eq!(lines.position(999), (3, 1));
    }

    #[test]
    fn characters_are_found_through_escapes_and_line_breaks() {
        let parse = |literal: &str| {
            let table: toml::Table = toml::from_str(&format!("v = {literal}")).unwrap();
            table["v"].as_str().unwrap().to_owned()
        };
        for literal in [
            r#""plain""#,
            r#"'C:\temp'"#,
            r#""ü\t\"x\" \u00fc \U0001F600 \\ end""#,
            "\"\"\"\nfirst\nsecond \\\n   third \"quoted\" \"\"\"",
            "'''\r\none\r\ntwo'''",
            "\"\"",
            "''''''",
            "\"\"\"\"\"\"",
        ] {
            let value: Vec<char> = parse(literal).chars().collect();
            let offsets = char_offsets(literal).unwrap();
            assert_eq!(offsets.len(), value.len() + 1, "{literal}");
            for (c, at) in value.iter().zip(&offsets) {
                let found = literal[*at..].chars().next().unwrap();
                assert!(found == *c || found == '\\', "{literal}: {c:?} is not at {at}");
            }
        }
        assert_eq!(char_offsets("12"), None);
        assert_eq!(char_offsets("\"\"\""), None);
    }
}
