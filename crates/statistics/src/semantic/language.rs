//! Natural language: several words of a usual length.

/// How much of a text is looked at.
const MAX_CHARS: usize = 100;
/// How many words it has to have.
const MIN_WORDS: usize = 3;

/// Returns whether a text looks like natural language: of its first 100 characters, at least three words with 2.5 to
/// 8 characters on average.
pub(super) fn is_language(text: &str) -> bool {
    let end = text.char_indices().nth(MAX_CHARS).map_or(text.len(), |(end, _)| end);
    let (mut num_words, mut num_chars) = (0, 0);
    for word in text[..end].split_whitespace() {
        num_words += 1;
        num_chars += word.chars().count();
    }
    num_words >= MIN_WORDS && 2 * num_chars >= 5 * num_words && num_chars <= 8 * num_words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_to_be_several_and_of_a_usual_length() {
        let check = |text: &str, expected: bool| assert_eq!(is_language(text), expected, "{text}");
        check("the cat sat", true);
        check("  the\tcat \n sat ", true);
        check("the cat", false);
        check("", false);
        check("a b c d e", false);
        // 2.5 and 8 are within.
        check("aa bbb aa bbb", true);
        check("aa bb aa bbb", false);
        check("aaaaaaaa bbbbbbbb cccccccc", true);
        check("aaaaaaaa bbbbbbbb ccccccccc", false);
        // Characters count, not bytes: five on average, ten bytes.
        check("слово слово слово", true);
        // What follows the hundredth character does not count.
        check(&format!("{}{}", "word ".repeat(20), "x".repeat(1000)), true);
        check(&format!("{} two three", "x".repeat(100)), false);
    }
}
