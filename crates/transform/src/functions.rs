//! The table of functions and operators: everything that an expression can call, as data.
//!
//! The type checker, the compiler and `docs/expressions.md` read this table; there is no other list.

mod analyzers;
mod geography;
mod json;
mod lists;
mod missing;
mod numbers;
mod operators;
mod regexp;
mod similarity;
mod text;
mod time;
mod tokens;

use graph::{Op, Side, ValueType};

#[cfg(test)]
pub(crate) use time::{PARTS, PERIODS};

use crate::ir::Statistic;

/// A function or operator.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// Another name for it.
    pub(crate) alias: Option<&'static str>,
    pub(crate) params: &'static [Param],
    pub(crate) returns: Returns,
    /// What it returns, as a sentence.
    pub(crate) summary: &'static str,
    /// What becomes of missing values, NaN and other edges.
    pub(crate) edges: &'static str,
    pub(crate) example: &'static str,
    pub(crate) code: Code,
}

/// An argument.
#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    pub(crate) arity: Arity,
    pub(crate) count: Count,
}

/// How many values of an example an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// One, or a list: the function is applied to each of its values.
    Each,
    /// One only.
    One,
    /// A list only.
    List,
    /// One or a list, which the function knows to tell apart.
    Both,
}

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Floats; integers become floats.
    Float,
    /// Text.
    String,
    /// Conditions.
    Bool,
    /// Whole numbers.
    Int,
    /// Integers or floats; floats for all such arguments if one of them is.
    Number,
    /// Any type, one for all such arguments; integers become floats if one of them is.
    Any,
    /// Any type whatever the others are.
    Each,
    /// Text or integers, which become text.
    Token,
    /// A number written as such.
    LiteralNumber,
    /// A number written as such, or a word.
    NumberOrWord(&'static str),
    /// A whole number written as such, in this range.
    LiteralInt { min: i64, max: i64 },
    /// A text written as such.
    LiteralString,
    /// One of some words, written as text.
    LiteralWord(&'static [&'static str]),
    /// `TRUE` or `FALSE`.
    LiteralBool,
}

/// How often an argument may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arity {
    Required,
    /// What it is where it is not given, as people read it.
    Optional {
        default: &'static str,
    },
    /// Once or more often; only the last one.
    Repeated,
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returns {
    Type(ValueType),
    /// The common type of the arguments that take [`Takes::Number`] or [`Takes::Any`].
    Common,
}

/// What a function means to the compiler.
#[derive(Debug)]
pub(crate) enum Code {
    Analyzer(AnalyzerCode),
    /// One operation over all arguments.
    Op(Op),
    /// An operation of two, over all arguments from the left.
    Fold(Op),
    Special(Special),
    Mapper(Mapper),
}

/// Functions that see all examples first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnalyzerCode {
    ScaleToZScore,
    ScaleByMinMax,
    ScaleTo01,
    ScaleToGaussian,
    Bucketize,
    BucketizeWithInterpolation,
    Density,
    Vocabulary,
    Quantile,
    Statistic(Statistic),
    ScaleToZScorePerKey,
    ScaleByMinMaxPerKey,
    ScaleTo01PerKey,
    BucketizePerKey,
    StatisticPerKey(Statistic),
    CountPerKey,
    TermWeights,
    TokenizeBpe,
    TokenizeWordPiece,
    Histogram,
    Covariance,
    PrincipalComponents,
}

/// Functions of one example that are more than one operation over their arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    In,
    Between,
    Like,
    NullIf,
    Substring,
    Replace,
    ApplyBuckets,
    ApplyBucketsWithInterpolation,
    HashStrings,
    Lists(ListCode),
}

/// Functions of whole lists, and those that make lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListCode {
    Get,
    Slice,
    Pad,
    Join,
    Split,
    NGrams,
    BagOfWords,
    Cross,
    OneHot,
    MultiHot,
    TermIds,
}

/// Functions of one example whose constants need a closer look, or that are made of several operations.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mapper {
    ILike,
    RegexpLike,
    RegexpFullMatch,
    RegexpExtract,
    RegexpReplace,
    RegexpSplit,
    RegexpExtractAll,
    Normalize,
    Pad(Side),
    Left,
    Right,
    SplitPart,
    Repeat,
    Jaccard,
    ParseTime,
    FormatTime,
    DatePart,
    DateTrunc,
    Json(ValueType),
    GeoDistance,
    Geohash,
    /// The argument, so many times.
    Times(f64),
    Number(f64),
    Clip,
    NanToMissing,
    WidthBucket,
    Tokenize,
}

/// A heading of the reference and what stands under it.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) functions: &'static [Function],
}

/// All functions, in the order of the reference.
pub(crate) const GROUPS: [Group; 12] = [
    Group { title: "Analyzers", functions: analyzers::FUNCTIONS },
    Group { title: "Missing values", functions: missing::FUNCTIONS },
    Group { title: "Numbers", functions: numbers::FUNCTIONS },
    Group { title: "Text", functions: text::FUNCTIONS },
    Group { title: "Lists", functions: lists::FUNCTIONS },
    Group { title: "Regular expressions", functions: regexp::FUNCTIONS },
    Group { title: "Similarity of text", functions: similarity::FUNCTIONS },
    Group { title: "Time", functions: time::FUNCTIONS },
    Group { title: "JSON", functions: json::FUNCTIONS },
    Group { title: "Places", functions: geography::FUNCTIONS },
    Group { title: "Tokens", functions: tokens::FUNCTIONS },
    Group { title: "Operators", functions: operators::FUNCTIONS },
];

/// Returns the function of a name, which is in lower case, or the operator.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name == name || function.alias == Some(name))
}

/// Returns the name of the function that was probably meant.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    let names = all().filter(|function| !function.is_operator());
    base::nearest(
        name,
        names.flat_map(|function| [function.name].into_iter().chain(function.alias)),
    )
}

fn all() -> impl Iterator<Item = &'static Function> {
    GROUPS.iter().flat_map(|group| group.functions)
}

impl Function {
    /// Returns whether it is written between or around its arguments.
    pub(crate) fn is_operator(&self) -> bool {
        !self.name.starts_with(|c: char| c.is_ascii_lowercase())
    }
}

impl Param {
    const fn required(name: &'static str, takes: Takes) -> Self {
        Self { name, takes, arity: Arity::Required, count: Count::Each }
    }

    const fn optional(name: &'static str, takes: Takes, default: &'static str) -> Self {
        Self { name, takes, arity: Arity::Optional { default }, count: Count::Each }
    }

    const fn repeated(name: &'static str, takes: Takes) -> Self {
        Self { name, takes, arity: Arity::Repeated, count: Count::Each }
    }

    /// Returns the argument where lists are not taken value by value.
    const fn of(self, count: Count) -> Self {
        Self { count, ..self }
    }
}

impl Param {
    /// Returns what people read where something else was found.
    pub(crate) fn describe(&self) -> String {
        let of = self.takes.describe();
        match self.count {
            Count::Each | Count::Both => of,
            Count::One if self.takes.is_any() => "one value".to_owned(),
            Count::One => format!("one {of}"),
            Count::List if self.takes.is_any() => "a list".to_owned(),
            Count::List => format!("a list of {of}"),
        }
    }
}

impl Takes {
    fn is_any(self) -> bool {
        matches!(self, Self::Any | Self::Each)
    }

    /// Returns whether the argument has to be written as a value, not computed.
    pub(crate) fn is_literal(self) -> bool {
        matches!(
            self,
            Self::LiteralNumber
                | Self::NumberOrWord(_)
                | Self::LiteralInt { .. }
                | Self::LiteralString
                | Self::LiteralWord(_)
                | Self::LiteralBool
        )
    }

    /// Returns what people read where something else was found.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Float | Self::Number => "int or float".to_owned(),
            Self::String => "string".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Int => "int".to_owned(),
            Self::Any | Self::Each => "any type".to_owned(),
            Self::Token => "string or int".to_owned(),
            Self::LiteralNumber => "a number such as 0.5".to_owned(),
            Self::NumberOrWord(word) => format!("a number such as 0.5, or '{word}'"),
            Self::LiteralInt { min: i64::MIN, max: i64::MAX } => "a whole number".to_owned(),
            Self::LiteralInt { min, max: i64::MAX } => format!("a whole number of at least {min}"),
            Self::LiteralInt { min, max } => format!("a whole number from {min} to {max}"),
            Self::LiteralString => "a text such as 'abc'".to_owned(),
            Self::LiteralWord(words) => one_of(words),
            Self::LiteralBool => "TRUE or FALSE".to_owned(),
        }
    }
}

/// Returns `'a', 'b' or 'c'`.
fn one_of(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    match quoted.split_last() {
        Some((last, [_, ..])) => format!("{} or {last}", quoted[..quoted.len() - 1].join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests;
