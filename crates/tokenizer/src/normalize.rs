//! What is done to a text before it is cut.

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use crate::TokenizerError;
use crate::file::NormalizerFile;
use crate::pattern::Pattern;

#[derive(Debug)]
pub(crate) enum Normalize {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
    Lowercase,
    /// Without marks of any kind.
    NoMarks,
    /// Without marks that take no room.
    NoAccents,
    StripLeft,
    StripRight,
    Prepend(String),
    Replace(Pattern, String),
    /// Without control characters, and with plain spaces only.
    Clean,
    /// With spaces around ideographs.
    SpacedIdeographs,
}

static MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\p{M}").expect("a constant pattern, which tests compile"));
static ACCENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\p{Mn}").expect("a constant pattern, which tests compile"));
static CONTROL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\p{Cc}\p{Cf}\p{Co}&&[^\t\n\r]]").expect("a constant pattern, which tests compile")
});

/// Returns the steps of a normalizer, in order.
pub(crate) fn of_file(file: Option<NormalizerFile>) -> Result<Vec<Normalize>, TokenizerError> {
    let mut steps = Vec::new();
    if let Some(file) = file {
        push(file, &mut steps)?;
    }
    Ok(steps)
}

fn push(file: NormalizerFile, steps: &mut Vec<Normalize>) -> Result<(), TokenizerError> {
    match file {
        NormalizerFile::Sequence { normalizers } => {
            return normalizers.into_iter().try_for_each(|normalizer| push(normalizer, steps));
        }
        NormalizerFile::Nfc {} => steps.push(Normalize::Nfc),
        NormalizerFile::Nfd {} => steps.push(Normalize::Nfd),
        NormalizerFile::Nfkc {} => steps.push(Normalize::Nfkc),
        NormalizerFile::Nfkd {} => steps.push(Normalize::Nfkd),
        NormalizerFile::Lowercase {} => steps.push(Normalize::Lowercase),
        NormalizerFile::StripAccents {} => steps.push(Normalize::NoMarks),
        NormalizerFile::Strip { strip_left, strip_right } => {
            steps.extend(strip_left.then_some(Normalize::StripLeft));
            steps.extend(strip_right.then_some(Normalize::StripRight));
        }
        NormalizerFile::Prepend { prepend } => steps.push(Normalize::Prepend(prepend)),
        NormalizerFile::Replace { pattern, content } => {
            steps.push(Normalize::Replace(Pattern::of_file(&pattern)?, content));
        }
        NormalizerFile::BertNormalizer {
            clean_text,
            handle_chinese_chars,
            strip_accents,
            lowercase,
        } => {
            steps.extend(clean_text.then_some(Normalize::Clean));
            steps.extend(handle_chinese_chars.then_some(Normalize::SpacedIdeographs));
            if strip_accents.unwrap_or(lowercase) {
                steps.extend([Normalize::Nfd, Normalize::NoAccents]);
            }
            steps.extend(lowercase.then_some(Normalize::Lowercase));
        }
    }
    Ok(())
}

impl Normalize {
    pub(crate) fn apply(&self, text: &mut String) {
        *text = match self {
            Self::Nfc => text.nfc().collect(),
            Self::Nfd => text.nfd().collect(),
            Self::Nfkc => text.nfkc().collect(),
            Self::Nfkd => text.nfkd().collect(),
            // Character by character: a sigma at the end of a word is as any other.
            Self::Lowercase => text.chars().flat_map(char::to_lowercase).collect(),
            Self::NoMarks => MARK.replace_all(text, "").into_owned(),
            Self::NoAccents => ACCENT.replace_all(text, "").into_owned(),
            Self::StripLeft => text.trim_start().to_owned(),
            Self::StripRight => text.trim_end().to_owned(),
            Self::Prepend(prefix) if !text.is_empty() => format!("{prefix}{text}"),
            Self::Prepend(_) => return,
            Self::Replace(pattern, by) => pattern.replace(text, by),
            Self::Clean => {
                let kept = CONTROL.replace_all(text, "");
                let kept = kept.chars().filter(|c| !matches!(c, '\0' | '\u{fffd}'));
                kept.map(|c| if c.is_whitespace() { ' ' } else { c }).collect()
            }
            Self::SpacedIdeographs => {
                let mut spaced = String::with_capacity(text.len());
                for c in text.chars() {
                    if is_ideograph(c) {
                        spaced.extend([' ', c, ' ']);
                    } else {
                        spaced.push(c);
                    }
                }
                spaced
            }
        };
    }
}

fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{2A6DF}' | '\u{2A700}'..='\u{2B73F}'
        | '\u{2B740}'..='\u{2B81F}' | '\u{2B920}'..='\u{2CEAF}' | '\u{F900}'..='\u{FAFF}' | '\u{2F800}'..='\u{2FA1F}')
}
