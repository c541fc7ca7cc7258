//! Operations of whole lists, where [`crate::Op`]s go from value to value.

use std::hash::{Hash, Hasher};

use crate::{BuildError, Literal, NodeType, Pattern, Shape, Tokenizer, ValueType, VocabularyId};

/// An operation that needs all values of a row at once, or makes many of one.
///
/// *List* is any number of values or a fixed one. A missing list makes the result missing. Values within a list may
/// be missing; they keep their places unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListOp {
    /// The number of values of a list, missing ones included, as INT.
    Length,
    /// One value of a list by its place: from 1 at the front, from -1 at the back; missing where there is none.
    Get {
        /// The place; not 0.
        place: i64,
    },
    /// The values of a list from a place on: from 1 at the front, from -1 at the back.
    ///
    /// Places before the first are left out and count towards `length`, as in [`crate::Op::Substring`].
    Slice {
        /// The first place; not 0.
        start: i64,
        /// How many values at most; to the end when not given.
        length: Option<u64>,
    },
    /// The first `length` values of a list, with a constant behind them where there are fewer.
    Pad {
        /// How many values come out.
        length: u32,
        /// What is put behind them.
        value: Literal,
    },
    /// The sum of a list of numbers, 0 of none. Missing values are left out; integers wrap around at 64 bits.
    Sum,
    /// The mean of a list of FLOATs, missing of none. Missing values are left out.
    Mean,
    /// The least of a list of numbers, NaN when one is, missing of none. Missing values are left out.
    Least,
    /// The greatest of a list of numbers, NaN when one is, missing of none. Missing values are left out.
    Greatest,
    /// Whether the list `a` has a value that equals the value `b`, by the rules of [`crate::Op::Equal`].
    Contains,
    /// Each value of a list once, where it came first; NaNs are one value, and so are missing ones.
    Distinct,
    /// The values of a list in ascending order: text by its bytes, NaN behind all numbers, missing ones last.
    Sort,
    /// The list `a` with the list `b` of the same type behind it.
    Append,
    /// The texts of a list as one text, with a separator between them. Missing texts are left out.
    Join {
        /// What goes between two texts.
        separator: String,
    },
    /// A text cut at every separator. Without a separator it is cut at runs of ASCII whitespace, and there are no
    /// empty texts; with one, two in a row have an empty text between them.
    Split {
        /// Where to cut; whitespace when empty.
        separator: String,
    },
    /// A text cut at every match of a pattern that is not empty.
    RegexpSplit(Pattern),
    /// What every match of a pattern in a text holds, or a group of it, group 0 being the whole match. Missing items
    /// stand for groups that took no part in a match.
    RegexpExtractAll {
        /// What is looked for.
        pattern: Pattern,
        /// Which group; the pattern has so many.
        group: u32,
    },
    /// A text cut before words, numbers and punctuation, one space in front staying with what follows, each byte
    /// written as the character that stands for it: GPT-2's `ByteLevel` pre-tokenizer.
    ByteWords,
    /// Ids of the tokens that the words of a list, as [`ListOp::ByteWords`] gives them, are made of.
    ///
    /// Byte pair encoding: of two neighbouring tokens that are one in the vocabulary, those that make the one with
    /// the lowest id go together first, and of equal ones the leftmost, again and again. Missing words are left out,
    /// and so is what is no token.
    BytePairs {
        /// The tokens; all that stand for one byte are among them.
        vocabulary: VocabularyId,
    },
    /// A text cut at whitespace, each punctuation mark and each ideograph by itself: BERT's words, in their own case.
    BertWords,
    /// Ids of the pieces that the words of a list are made of, as BERT's WordPiece has them.
    ///
    /// Again and again the longest piece of the vocabulary that a word begins with is taken, behind the first of a
    /// word those that begin with `##`. Words of which that leaves something, and those of more than 100 characters,
    /// are `[UNK]`. Missing words are left out.
    WordPieces {
        /// The pieces, `[UNK]` among them.
        vocabulary: VocabularyId,
    },
    /// Ids of the tokens that a HuggingFace tokenizer file makes of a text, its truncation and padding included.
    Tokenize {
        /// The file.
        tokenizer: Tokenizer,
        /// Whether the ids that its post-processor puts around every text are among them.
        add_special_tokens: bool,
    },
    /// Texts of a list that follow each other, joined: `least` to `most` of them, those that start first first, the
    /// shorter before the longer. Missing texts are left out.
    NGrams {
        /// The fewest texts that are joined, at least 1.
        least: u32,
        /// The most texts that are joined.
        most: u32,
        /// What goes between two texts.
        separator: String,
    },
    /// Every text of `a` with every text of `b`, joined; those of the first of `a` first. One text is a list of one.
    Cross {
        /// What goes between two texts.
        separator: String,
    },
    /// All operands, each one value of the same type, as a list of fixed length.
    Make,
    /// 1.0 at the place that an INT says, from 0, and 0.0 everywhere else; nowhere 1.0 where there is no such place.
    OneHot {
        /// How many values come out.
        depth: u32,
    },
    /// 1.0 at each place that a list of INTs says, from 0, and 0.0 everywhere else. Missing values say none.
    MultiHot {
        /// How many values come out.
        depth: u32,
    },
    /// The ids from 0 to below `size` that are in a list of INTs, each once, ascending.
    TermIds {
        /// The size of the vocabulary.
        size: u32,
    },
    /// For each id that [`ListOp::TermIds`] gives, how often it occurs among all such ids, times its weight.
    TermWeights {
        /// The weight of each id; there are as many as the vocabulary has terms.
        weights: Floats,
    },
    /// A vector of FLOATs times a matrix. A missing value makes the result missing.
    Multiply(Matrix),
}

/// Constants that are numbers of any kind, NaN included.
#[derive(Clone, Debug)]
pub struct Floats(pub Vec<f64>);

impl PartialEq for Floats {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().map(|v| v.to_bits()).eq(other.0.iter().map(|v| v.to_bits()))
    }
}

impl Eq for Floats {}

impl Hash for Floats {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|value| value.to_bits().hash(state));
    }
}

/// Constants in rows and columns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Matrix {
    num_columns: u32,
    /// One row behind the other.
    values: Floats,
}

impl Matrix {
    /// Takes numbers, one row behind the other.
    ///
    /// # Errors
    ///
    /// [`BuildError::Matrix`] when they are not full rows, or there are none.
    pub fn new(num_columns: u32, values: Vec<f64>) -> Result<Self, BuildError> {
        let num_values = values.len();
        let is_full = num_columns > 0 && num_values > 0;
        if !is_full || !num_values.is_multiple_of(num_columns as usize) {
            return Err(BuildError::Matrix { num_values, num_columns });
        }
        Ok(Self { num_columns, values: Floats(values) })
    }

    /// Returns how many numbers a row has.
    pub fn num_columns(&self) -> u32 {
        self.num_columns
    }

    /// Returns how many rows there are.
    pub fn num_rows(&self) -> u32 {
        u32::try_from(self.values.0.len() / self.num_columns as usize).unwrap_or(u32::MAX)
    }

    /// Returns the numbers, one row behind the other.
    pub fn values(&self) -> &[f64] {
        &self.values.0
    }
}

impl ListOp {
    /// Returns the operation's name, as messages and files have it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Length => "list_length",
            Self::Get { .. } => "list_get",
            Self::Slice { .. } => "list_slice",
            Self::Pad { .. } => "list_pad",
            Self::Sum => "list_sum",
            Self::Mean => "list_mean",
            Self::Least => "list_least",
            Self::Greatest => "list_greatest",
            Self::Contains => "list_contains",
            Self::Distinct => "list_distinct",
            Self::Sort => "list_sort",
            Self::Append => "list_append",
            Self::Join { .. } => "list_join",
            Self::Split { .. } => "split",
            Self::RegexpSplit(_) => "regexp_split",
            Self::RegexpExtractAll { .. } => "regexp_extract_all",
            Self::ByteWords => "byte_words",
            Self::BytePairs { .. } => "byte_pairs",
            Self::BertWords => "bert_words",
            Self::WordPieces { .. } => "word_pieces",
            Self::Tokenize { .. } => "tokenize",
            Self::NGrams { .. } => "ngrams",
            Self::Cross { .. } => "cross",
            Self::Make => "list_make",
            Self::OneHot { .. } => "one_hot",
            Self::MultiHot { .. } => "multi_hot",
            Self::TermIds { .. } => "term_ids",
            Self::TermWeights { .. } => "term_weights",
            Self::Multiply(_) => "matrix_multiply",
        }
    }

    /// Returns the operation without constants that has a name, if there is one.
    pub(crate) fn without_constants(name: &str) -> Option<Self> {
        const ALL: [ListOp; 12] = [
            ListOp::BertWords,
            ListOp::ByteWords,
            ListOp::Length,
            ListOp::Sum,
            ListOp::Mean,
            ListOp::Least,
            ListOp::Greatest,
            ListOp::Contains,
            ListOp::Distinct,
            ListOp::Sort,
            ListOp::Append,
            ListOp::Make,
        ];
        ALL.into_iter().find(|op| op.name() == name)
    }

    /// Returns whether INTs become FLOATs here.
    pub(crate) fn takes_floats(&self) -> bool {
        let pads_float =
            matches!(self, Self::Pad { value, .. } if value.value_type() == ValueType::Float);
        pads_float || matches!(self, Self::Mean | Self::Multiply(_))
    }

    /// Returns whether the operands have to be of one type.
    pub(crate) fn takes_alike(&self) -> bool {
        matches!(self, Self::Make | Self::Append | Self::Contains)
    }

    /// Returns whether all values of the result are among those of the first operand, and no others.
    pub(crate) fn keeps_values(&self) -> bool {
        matches!(self, Self::Get { .. } | Self::Slice { .. } | Self::Distinct | Self::Sort)
    }

    /// Returns the type of the result, none when it does not take such operands.
    pub(crate) fn result(&self, operands: &[NodeType]) -> Option<NodeType> {
        use ValueType::{Bool, Float, Int, String};
        let one = |value_type: ValueType| Some(NodeType::from(value_type));
        match (self, operands) {
            (Self::Make, [first, ..]) => {
                let is_alike = operands.iter().all(|a| a == first) && !first.shape.is_many();
                let length = u32::try_from(operands.len()).ok()?;
                is_alike.then_some(NodeType::vector(first.value_type, length))
            }
            (Self::OneHot { depth }, [a]) => {
                (*a == Int.into()).then_some(NodeType::vector(Float, *depth))
            }
            (
                Self::Split { .. }
                | Self::RegexpSplit(_)
                | Self::RegexpExtractAll { .. }
                | Self::ByteWords
                | Self::BertWords,
                [a],
            ) => (*a == String.into()).then_some(NodeType::list(String)),
            (Self::Tokenize { .. }, [a]) => (*a == String.into()).then_some(NodeType::list(Int)),
            (Self::Cross { .. }, [a, b]) => {
                let is_text = a.value_type == String && b.value_type == String;
                is_text.then_some(NodeType::list(String))
            }
            (Self::Append, [a, b]) => {
                let is_alike = a.value_type == b.value_type;
                let shape = match (a.shape, b.shape) {
                    (Shape::One, _) | (_, Shape::One) => return None,
                    (Shape::Vector(a), Shape::Vector(b)) => Shape::Vector(a.checked_add(b)?),
                    _ => Shape::List,
                };
                is_alike.then_some(NodeType { value_type: a.value_type, shape })
            }
            (Self::Contains, [a, b]) => {
                let is_alike = a.value_type == b.value_type && !b.shape.is_many();
                (is_alike && a.shape.is_many()).then_some(Bool.into())
            }
            (_, [a]) if a.shape.is_many() => match (self, a.value_type) {
                (Self::Length, _) => one(Int),
                (Self::Get { .. }, value_type) => one(value_type),
                (Self::Slice { .. } | Self::Distinct, value_type) => {
                    Some(NodeType::list(value_type))
                }
                (Self::Sort, _) => Some(*a),
                (Self::Pad { length, value }, value_type) => (value.value_type() == value_type)
                    .then_some(NodeType::vector(value_type, *length)),
                (Self::Sum | Self::Least | Self::Greatest, Int | Float) => one(a.value_type),
                (Self::Mean, Float) => one(Float),
                (Self::Join { .. }, String) => one(String),
                (Self::NGrams { .. }, String) => Some(NodeType::list(String)),
                (Self::BytePairs { .. } | Self::WordPieces { .. }, String) => {
                    Some(NodeType::list(Int))
                }
                (Self::MultiHot { depth }, Int) => Some(NodeType::vector(Float, *depth)),
                (Self::TermIds { .. }, Int) => Some(NodeType::list(Int)),
                (Self::TermWeights { .. }, Int) => Some(NodeType::list(Float)),
                (Self::Multiply(matrix), Float) => (a.shape == Shape::Vector(matrix.num_rows()))
                    .then_some(NodeType::vector(Float, matrix.num_columns())),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns what the operation takes, as people read it.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Length | Self::Get { .. } | Self::Slice { .. } | Self::Distinct | Self::Sort => {
                "one list"
            }
            Self::Pad { .. } => "one list of the type of its constant",
            Self::Sum | Self::Least | Self::Greatest => "one list of INT or FLOAT",
            Self::Mean => "one list of FLOAT",
            Self::Contains => "a list and a value of its type",
            Self::Append => "two lists of one type",
            Self::Join { .. }
            | Self::NGrams { .. }
            | Self::BytePairs { .. }
            | Self::WordPieces { .. } => "one list of STRING",
            Self::Split { .. }
            | Self::RegexpSplit(_)
            | Self::RegexpExtractAll { .. }
            | Self::ByteWords
            | Self::BertWords
            | Self::Tokenize { .. } => "one STRING",
            Self::Cross { .. } => "two STRINGs or lists of them",
            Self::Make => "single values of one type",
            Self::OneHot { .. } => "one INT",
            Self::MultiHot { .. } | Self::TermIds { .. } | Self::TermWeights { .. } => {
                "one list of INT"
            }
            Self::Multiply(_) => "as many FLOATs as its matrix has rows",
        }
    }

    /// Returns what is wrong with the constants, if anything is.
    pub(crate) fn mistake(&self) -> Option<&'static str> {
        const LONGEST: u32 = 1 << 20;
        match self {
            Self::Get { place: 0 } | Self::Slice { start: 0, .. } => {
                Some("places count from 1, or from -1 at the back")
            }
            Self::Pad { length, .. } if *length > LONGEST => Some("a length beyond 2^20"),
            Self::OneHot { depth } | Self::MultiHot { depth } if *depth > LONGEST => {
                Some("a depth beyond 2^20")
            }
            Self::Pad { value: Literal::String(text), .. } if text.len() > LONGEST as usize => {
                Some("a text beyond 1 MiB")
            }
            Self::NGrams { least, most, .. } if *least == 0 || least > most => {
                Some("the fewest texts have to be at least 1 and not more than the most")
            }
            _ => None,
        }
    }
}
