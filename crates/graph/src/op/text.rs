//! Operations of one text, and of two texts compared.

use std::num::{NonZeroI64, NonZeroU32};

use crate::ValueType;

/// What is done with one STRING. A character is a Unicode scalar value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TextOp {
    /// The text in one of Unicode's normal forms.
    Normalize(NormalForm),
    /// The text without the combining marks that its characters decompose into (NFD), composed again (NFC).
    StripAccents,
    /// The characters in reverse order.
    Reverse,
    /// The text brought to a length in characters: filled up, or cut off at its end.
    Pad {
        /// Where it is filled up.
        side: Side,
        /// The length.
        length: u64,
        /// What it is filled up with, again and again; with nothing it is only cut.
        fill: String,
    },
    /// The last characters.
    Right {
        /// How many, at most.
        length: u64,
    },
    /// What stands between two separators; the empty text where there are not so many.
    SplitPart {
        /// The separator; when it is empty the whole text is the one part.
        separator: String,
        /// Which part: from 1, or, when negative, from the end.
        place: NonZeroI64,
    },
    /// The text, again and again.
    Repeat {
        /// How often.
        count: u64,
    },
    /// The Unicode scalar value of the first character, as INT; 0 for the empty text.
    CodePoint,
}

/// Unicode's normal forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NormalForm {
    /// Composed.
    Nfc,
    /// Decomposed.
    Nfd,
    /// Composed, with compatibility characters replaced.
    Nfkc,
    /// Decomposed, with compatibility characters replaced.
    Nfkd,
}

/// An end of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The front.
    Left,
    /// The back.
    Right,
}

impl TextOp {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Normalize(_) => "normalize",
            Self::StripAccents => "strip_accents",
            Self::Reverse => "reverse",
            Self::Pad { .. } => "pad",
            Self::Right { .. } => "right",
            Self::SplitPart { .. } => "split_part",
            Self::Repeat { .. } => "repeat",
            Self::CodePoint => "code_point",
        }
    }

    pub(crate) fn result(&self) -> ValueType {
        match self {
            Self::CodePoint => ValueType::Int,
            _ => ValueType::String,
        }
    }
}

/// How one STRING relates to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextPairOp {
    /// The place of the first `b` in `a` in characters from 1, as INT; 0 where there is none.
    Position,
    /// The least number of characters inserted, deleted or replaced that makes `b` of `a`, as INT.
    ///
    /// Missing where it would take too long: where `a` and `b`, equal beginnings and ends cut off, have lengths
    /// whose product is more than 2^28 (as two texts of 16,384 characters have).
    Levenshtein,
    /// The Jaro-Winkler similarity, from 0 to 1, as FLOAT; two empty texts have 1.
    ///
    /// Jaro's similarity, and where that is above 0.7, a tenth of what it lacks more for each of up to four equal
    /// characters at the beginning.
    JaroWinkler,
    /// The share of those distinct runs of `n` characters in one of the texts that are in both, as FLOAT.
    ///
    /// Where no text has so many characters it is 1 for equal texts and 0 for others.
    Jaccard {
        /// The length of a run.
        n: NonZeroU32,
    },
}

impl TextPairOp {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::Levenshtein => "levenshtein",
            Self::JaroWinkler => "jaro_winkler",
            Self::Jaccard { .. } => "jaccard",
        }
    }

    pub(crate) fn result(self) -> ValueType {
        match self {
            Self::Position | Self::Levenshtein => ValueType::Int,
            Self::JaroWinkler | Self::Jaccard { .. } => ValueType::Float,
        }
    }
}
