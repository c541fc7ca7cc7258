//! The language that a text is written in.

use whatlang::detect;

/// How much of a text is looked at; more changes little, and a long text shall not cost more than a short one.
const MAX_BYTES: usize = 8 << 10;

/// Returns the language of a text, told by its letters and how they follow each other: the code of ISO 639-3, such as
/// `eng`. None where too little of the first 8 KiB is written in one language to be sure, as of an empty text, a short one
/// and a table of numbers.
///
/// A guess: of the languages that the crate `whatlang` knows, about 70, the likeliest. The same for the same text.
pub(crate) fn language_of(text: &str) -> Option<&'static str> {
    let beginning = &text[..text.floor_char_boundary(MAX_BYTES)];
    let found = detect(beginning).filter(whatlang::Info::is_reliable)?;
    Some(found.lang().code())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn languages_are_told_and_what_is_no_language_is_none() {
        let cases = [
            ("The order of the rows does not depend on how many threads there are.", Some("eng")),
            (
                "Die Reihenfolge der Zeilen hängt nicht davon ab, wie viele Threads es gibt.",
                Some("deu"),
            ),
            (
                "L'ordre des lignes ne dépend pas du nombre de fils d'exécution utilisés.",
                Some("fra"),
            ),
            (
                "Каждый из узлов выполняется, когда готовы все его входные данные, и никогда раньше.",
                Some("rus"),
            ),
            ("行の順序は、スレッドの数には依存しません。", Some("jpn")),
            ("Η σειρά των γραμμών δεν εξαρτάται από τον αριθμό των νημάτων.", Some("ell")),
            ("", None),
            (" \n\t", None),
            ("ok", None),
            ("42; 17.5 | 3 -> 9", None),
        ];
        for (text, expected) in cases {
            assert_eq!(language_of(text), expected, "{text}");
        }
    }

    #[test]
    fn what_comes_after_the_beginning_does_not_count() {
        let english = "each of the nodes is run when all of its inputs are there; ";
        let german = "jeder Knoten läuft, sobald alle seine Eingaben da sind, und nicht früher. ";
        let mut text = english.repeat(MAX_BYTES / english.len() + 1);
        let expected = language_of(&text);
        assert_eq!(expected, Some("eng"));
        text.push_str(&german.repeat(10_000));
        assert_eq!(language_of(&text), expected);
        // A letter of two bytes across the end of the beginning.
        for indent in ["", " "] {
            language_of(&format!("{indent}{}", "ä".repeat(MAX_BYTES)));
        }
    }

    proptest! {
        #[test]
        fn any_text_has_one_code_or_none(text in "\\PC{0,40}|[a-zäöüß а-яё]{0,60}|(?s).{0,400}") {
            let found = language_of(&text);
            prop_assert!(found.is_none_or(|code| code.len() == 3));
            prop_assert_eq!(language_of(&text), found);
        }
    }
}
