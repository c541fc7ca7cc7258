//! Regular expressions: patterns, what takes the place of a match, and the operations that they are constants of.

use std::hash::{Hash, Hasher};
use std::ops::Range;

use regex::{Regex, RegexBuilder};
use regex_syntax::ast::{self, Ast, Visitor};
use regex_syntax::hir::translate::Translator;

use crate::{BuildError, ValueType};

/// The longest pattern, in bytes, and the most memory that a compiled one may take.
const LONGEST: usize = 10_000;
const SIZE_LIMIT: usize = 4 << 20;

/// RE2 repeats nothing more often.
const MOST_REPEATS: u32 = 1000;

/// What a regular expression does with one STRING. Takes time in proportion to the text, whatever the pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RegexpOp {
    /// Whether the pattern matches, as BOOL.
    Matches(Pattern),
    /// What a group of the first match holds, group 0 being the whole match. Missing when nothing matches, or when
    /// the group took no part in the match.
    Extract {
        /// What is looked for.
        pattern: Pattern,
        /// Which group; the pattern has so many.
        group: u32,
    },
    /// The STRING with its first match, or all of them, replaced. After a match the next one is looked for behind
    /// it, and an empty match directly behind another is none.
    Replace {
        /// What is looked for.
        pattern: Pattern,
        /// What comes in its place; the pattern has the groups that it names.
        replacement: Replacement,
        /// Whether every match is replaced, or only the first.
        is_global: bool,
    },
}

impl RegexpOp {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Matches(_) => "regexp_matches",
            Self::Extract { .. } => "regexp_extract",
            Self::Replace { .. } => "regexp_replace",
        }
    }

    pub(crate) fn result(&self) -> ValueType {
        match self {
            Self::Matches(_) => ValueType::Bool,
            Self::Extract { .. } | Self::Replace { .. } => ValueType::String,
        }
    }

    /// Checks that the pattern has the groups that are asked for.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        let (pattern, group) = match self {
            Self::Matches(_) => return Ok(()),
            Self::Extract { pattern, group } => (pattern, *group),
            Self::Replace { pattern, replacement, .. } => (pattern, replacement.highest_group()),
        };
        pattern.check_group(group)
    }
}

/// A regular expression.
///
/// The syntax is that of the crate `regex`, and means what RE2 means by it: the leftmost match, and of those the
/// first that the alternatives and repetitions name; `.` is any character but the line feed; `\d`, `\s`, `\w` and
/// `\b` know ASCII only; `(?i)` folds case by Unicode's simple rules. There are no references to groups within a
/// pattern and no assertions about what is around it. [`Pattern::beyond_re2`] names what RE2 has not.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    is_whole: bool,
    beyond_re2: Option<&'static str>,
    regex: Regex,
}

impl Pattern {
    /// Takes a pattern that may match anywhere in a text.
    ///
    /// # Errors
    ///
    /// [`BuildError::Pattern`] when it is none, or is too large.
    pub fn new(source: &str) -> Result<Self, BuildError> {
        Self::compile(source, false)
    }

    /// Takes a pattern that has to match a text from its first to its last character.
    ///
    /// # Errors
    ///
    /// As [`Pattern::new`].
    pub fn whole(source: &str) -> Result<Self, BuildError> {
        Self::compile(source, true)
    }

    fn compile(source: &str, is_whole: bool) -> Result<Self, BuildError> {
        let wrong = |at: usize, reason: String| {
            let at = source.get(..at).map_or(0, |before| before.chars().count());
            BuildError::Pattern { at, reason }
        };
        if source.len() > LONGEST {
            return Err(wrong(0, format!("more than {LONGEST} bytes")));
        }
        let tree = ast::parse::Parser::new()
            .parse(source)
            .map_err(|error| wrong(error.span().start.offset, error.kind().to_string()))?;
        Translator::new()
            .translate(source, &tree)
            .map_err(|error| wrong(error.span().start.offset, error.kind().to_string()))?;
        let Ok(Reading { edits, beyond_re2 }) = ast::visit(&tree, Reading::default());
        let ascii = edited(source, edits);
        let build = |text: &str| {
            RegexBuilder::new(text).size_limit(SIZE_LIMIT).dfa_size_limit(SIZE_LIMIT).build()
        };
        let built = match is_whole {
            false => build(&ascii),
            // The second form ends a comment that the pattern may end with.
            true => build(&format!(r"\A(?:{ascii})\z"))
                .or_else(|_| build(&format!("\\A(?:{ascii}\n)\\z"))),
        };
        let regex = built.map_err(|error| match error {
            regex::Error::CompiledTooBig(limit) => {
                wrong(0, format!("compiled it takes more than {} MiB", limit >> 20))
            }
            other => wrong(0, other.to_string()),
        })?;
        Ok(Self { source: source.to_owned(), is_whole, beyond_re2, regex })
    }

    /// Returns the pattern as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns whether it has to match a text from end to end.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Returns what the pattern uses that RE2, the engine of TensorFlow, does not read or reads otherwise.
    ///
    /// Without any such thing both find the same matches, but for what `(?i)` and `\p` make of characters that the
    /// Unicode version of one of them does not have.
    pub fn beyond_re2(&self) -> Option<&'static str> {
        self.beyond_re2
    }

    /// Returns the number of groups, the whole match not counted.
    pub fn num_groups(&self) -> u32 {
        u32::try_from(self.regex.captures_len() - 1).unwrap_or(u32::MAX)
    }

    /// Checks that there is a group of a number.
    pub(crate) fn check_group(&self, group: u32) -> Result<(), BuildError> {
        match self.num_groups() {
            num_groups if group > num_groups => Err(BuildError::Group { group, num_groups }),
            _ => Ok(()),
        }
    }

    pub(crate) fn regex(&self) -> &Regex {
        &self.regex
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.source, self.is_whole) == (&other.source, other.is_whole)
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.source, self.is_whole).hash(state);
    }
}

/// Puts other text in some places, which ascend.
fn edited(source: &str, edits: Vec<(Range<usize>, &str)>) -> String {
    let mut text = String::with_capacity(source.len());
    let mut end = 0;
    for (range, by) in edits {
        text.push_str(&source[end..range.start]);
        text.push_str(by);
        end = range.end;
    }
    text.push_str(&source[end..]);
    text
}

/// What has to be written otherwise to mean what RE2 means, and the first thing that RE2 does not know.
#[derive(Default)]
struct Reading {
    edits: Vec<(Range<usize>, &'static str)>,
    beyond_re2: Option<&'static str>,
}

impl Reading {
    fn edit(&mut self, span: &ast::Span, by: &'static str) {
        self.edits.push((span.start.offset..span.end.offset, by));
    }

    fn beyond(&mut self, what: &'static str) {
        self.beyond_re2.get_or_insert(what);
    }

    fn perl(&mut self, class: &ast::ClassPerl) {
        use ast::ClassPerlKind::{Digit, Space, Word};
        let by = match (&class.kind, class.negated) {
            (Digit, false) => "[0-9]",
            (Digit, true) => "[^0-9]",
            (Space, false) => r"[\t\n\f\r\x20]",
            (Space, true) => r"[^\t\n\f\r\x20]",
            (Word, false) => "[0-9A-Za-z_]",
            (Word, true) => "[^0-9A-Za-z_]",
        };
        self.edit(&class.span, by);
    }

    fn unicode(&mut self, class: &ast::ClassUnicode) {
        let is_short = match &class.kind {
            ast::ClassUnicodeKind::OneLetter(_) => true,
            ast::ClassUnicodeKind::Named(name) => name.len() <= 2,
            ast::ClassUnicodeKind::NamedValue { .. } => false,
        };
        if !is_short {
            self.beyond("a Unicode property by its long name");
        }
    }

    fn literal(&mut self, literal: &ast::Literal) {
        use ast::{HexLiteralKind, LiteralKind};
        if let LiteralKind::HexFixed(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong)
        | LiteralKind::HexBrace(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong) =
            literal.kind
        {
            self.beyond(r"`\u` or `\U`");
        }
    }

    fn flags(&mut self, flags: &ast::Flags) {
        for item in &flags.items {
            if let ast::FlagsItemKind::Flag(
                ast::Flag::Unicode | ast::Flag::CRLF | ast::Flag::IgnoreWhitespace,
            ) = item.kind
            {
                self.beyond("one of the flags `u`, `R` and `x`");
            }
        }
    }

    fn repetition(&mut self, kind: &ast::RepetitionKind) {
        use ast::RepetitionRange::{AtLeast, Bounded, Exactly};
        if let ast::RepetitionKind::Range(Exactly(most) | AtLeast(most) | Bounded(_, most)) = kind
            && *most > MOST_REPEATS
        {
            self.beyond("a repetition of more than 1000");
        }
    }
}

impl Visitor for Reading {
    type Output = Self;
    type Err = std::convert::Infallible;

    fn finish(self) -> Result<Self, Self::Err> {
        Ok(self)
    }

    fn visit_pre(&mut self, tree: &Ast) -> Result<(), Self::Err> {
        use ast::AssertionKind::{
            EndLine, EndText, NotWordBoundary, StartLine, StartText, WordBoundary,
        };
        match tree {
            Ast::ClassPerl(class) => self.perl(class),
            Ast::ClassUnicode(class) => self.unicode(class),
            Ast::Literal(literal) => self.literal(literal),
            Ast::Flags(flags) => self.flags(&flags.flags),
            Ast::Repetition(repetition) => self.repetition(&repetition.op.kind),
            Ast::Group(group) => match &group.kind {
                ast::GroupKind::NonCapturing(flags) => self.flags(flags),
                ast::GroupKind::CaptureName { starts_with_p: false, .. } => {
                    self.beyond("a group named without `P`");
                }
                _ => {}
            },
            Ast::Assertion(assertion) => match assertion.kind {
                WordBoundary => self.edit(&assertion.span, r"(?-u:\b)"),
                NotWordBoundary => {
                    self.edit(&assertion.span, r"(?-u:\B)");
                    // RE2 finds it between the bytes of one character, too.
                    self.beyond(r"`\B`");
                }
                StartLine | EndLine | StartText | EndText => {}
                _ => self.beyond("an assertion about one side of a word"),
            },
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), Self::Err> {
        match item {
            ast::ClassSetItem::Perl(class) => self.perl(class),
            ast::ClassSetItem::Unicode(class) => self.unicode(class),
            ast::ClassSetItem::Literal(literal) => self.literal(literal),
            ast::ClassSetItem::Bracketed(_) => self.beyond("a class within a class"),
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_binary_op_pre(
        &mut self,
        _: &ast::ClassSetBinaryOp,
    ) -> Result<(), Self::Err> {
        self.beyond("an operation of classes");
        Ok(())
    }
}

/// What takes the place of a match: text in which `\0` is the match, `\1` to `\9` are its groups, and `\\` is `\`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replacement {
    source: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Piece {
    Text(String),
    Group(u32),
}

impl Replacement {
    /// Takes a replacement as it was written.
    ///
    /// # Errors
    ///
    /// [`BuildError::Replacement`] when a `\` stands before anything else.
    pub fn new(source: &str) -> Result<Self, BuildError> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut chars = source.chars().enumerate();
        while let Some((at, c)) = chars.next() {
            if c != '\\' {
                text.push(c);
                continue;
            }
            match chars.next() {
                Some((_, '\\')) => text.push('\\'),
                Some((_, digit @ '0'..='9')) => {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                    pieces.push(Piece::Group(digit.to_digit(10).unwrap_or(0)));
                }
                found => return Err(BuildError::Replacement { at, found: found.map(|(_, c)| c) }),
            }
        }
        pieces.push(Piece::Text(text));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Self { source: source.to_owned(), pieces })
    }

    /// Returns the replacement as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the highest group that it names.
    pub fn highest_group(&self) -> u32 {
        let groups = self.pieces.iter().map(|piece| match piece {
            Piece::Group(group) => *group,
            Piece::Text(_) => 0,
        });
        groups.max().unwrap_or(0)
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }
}
