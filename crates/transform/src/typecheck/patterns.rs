//! Patterns of `LIKE`, and regular expressions as they are written in a call.

use graph::{BuildError, Op, Pattern, RegexpOp, ValueType};

use super::Checker;
use super::call::Given;
use crate::ir::NodeId;

const BOOL: Option<ValueType> = Some(ValueType::Bool);

/// A piece of a pattern of `LIKE`.
#[derive(PartialEq)]
enum Piece {
    Text(String),
    /// `_`
    One,
    /// `%`
    Any,
}

impl Checker<'_> {
    /// `x LIKE pattern`: a comparison where the pattern is a text with `%` at its ends at most, else a regular
    /// expression.
    pub(super) fn like(&mut self, text: NodeId, given: &Given<'_>, escape: &Given<'_>) -> NodeId {
        let Some(pieces) = self.pieces(given, escape) else { return self.arena.mistake(BOOL) };
        let (op, part) = match &pieces[..] {
            [] => (Op::Equal, ""),
            [Piece::Any] => (Op::Contains, ""),
            [Piece::Text(part)] => (Op::Equal, part.as_str()),
            [Piece::Text(part), Piece::Any] => (Op::StartsWith, part.as_str()),
            [Piece::Any, Piece::Text(part)] => (Op::EndsWith, part.as_str()),
            [Piece::Any, Piece::Text(part), Piece::Any] => (Op::Contains, part.as_str()),
            pieces => return self.like_regexp(text, given, "(?s)", pieces),
        };
        let part = self.arena.literal(part.into());
        self.arena.op(op, vec![text, part], BOOL)
    }

    /// `x ILIKE pattern`.
    pub(super) fn ilike(&mut self, text: NodeId, given: &Given<'_>, escape: &Given<'_>) -> NodeId {
        match self.pieces(given, escape) {
            Some(pieces) => self.like_regexp(text, given, "(?is)", &pieces),
            None => self.arena.mistake(BOOL),
        }
    }

    fn like_regexp(
        &mut self,
        text: NodeId,
        given: &Given<'_>,
        flags: &str,
        pieces: &[Piece],
    ) -> NodeId {
        let mut regexp = flags.to_owned();
        for piece in pieces {
            match piece {
                Piece::Text(text) => text.chars().for_each(|c| push_literal(&mut regexp, c)),
                Piece::One => regexp.push('.'),
                Piece::Any => regexp.push_str(".*"),
            }
        }
        match Pattern::whole(&regexp) {
            Ok(pattern) => self.arena.op(Op::Regexp(RegexpOp::Matches(pattern)), vec![text], BOOL),
            Err(_) => {
                let message = "a pattern that is too long for `LIKE`".to_owned();
                self.report(given.at().unwrap_or(0), message, None);
                self.arena.mistake(BOOL)
            }
        }
    }

    /// Takes a pattern of `LIKE` apart; neighbouring `%` are one.
    fn pieces(&mut self, given: &Given<'_>, escape: &Given<'_>) -> Option<Vec<Piece>> {
        let mut escapes = escape.text().map(str::chars);
        let escape_char = escapes.as_mut().and_then(Iterator::next);
        if escapes.is_some_and(|mut rest| escape_char.is_none() || rest.next().is_some()) {
            let found = escape.text().unwrap_or_default();
            let message = format!("the escape of `LIKE`: found '{found}', expected one character");
            self.report(escape.at().unwrap_or(0), message, None);
            return None;
        }
        let pattern = given.text().unwrap_or_default();
        let mut pieces = Vec::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            let literal = match c {
                _ if Some(c) == escape_char => match chars.next() {
                    Some(next) if Some(next) == escape_char || matches!(next, '%' | '_') => next,
                    _ => {
                        let message = format!(
                            "pattern '{pattern}': `{c}` stands before something else than `%`, `_` or itself"
                        );
                        self.report(given.at().unwrap_or(0), message, None);
                        return None;
                    }
                },
                '%' => {
                    if pieces.last() != Some(&Piece::Any) {
                        pieces.push(Piece::Any);
                    }
                    continue;
                }
                '_' => {
                    pieces.push(Piece::One);
                    continue;
                }
                c => c,
            };
            match pieces.last_mut() {
                Some(Piece::Text(text)) => text.push(literal),
                _ => pieces.push(Piece::Text(literal.to_string())),
            }
        }
        Some(pieces)
    }

    /// Reads the regular expression given, or reports what is wrong at the character where it is.
    pub(super) fn pattern(&mut self, given: &Given<'_>, is_whole: bool) -> Option<Pattern> {
        let source = given.text().unwrap_or_default();
        let pattern = if is_whole { Pattern::whole(source) } else { Pattern::new(source) };
        self.constant(given, pattern)
    }

    /// Returns a constant that was made of the text given, or reports why there is none.
    pub(super) fn constant<T>(
        &mut self,
        given: &Given<'_>,
        made: Result<T, BuildError>,
    ) -> Option<T> {
        use base::Classify as _;
        let error = match made {
            Ok(made) => return Some(made),
            Err(error) => error,
        };
        let text = given.text().unwrap_or_default();
        let start = given.at().unwrap_or(0);
        // Behind the quote, and each quote within was written twice.
        let within =
            |at: usize| start + 1 + at + text.chars().take(at).filter(|c| *c == '\'').count();
        let (at, message) = match &error {
            BuildError::Pattern { at, reason } => {
                (within(*at), format!("pattern '{text}': {reason}"))
            }
            BuildError::Replacement { at, .. } | BuildError::JsonPath { at, .. } => {
                (within(*at), error.to_string())
            }
            _ => (start, error.to_string()),
        };
        self.report(at, message, error.hint());
        None
    }
}

/// Writes a character that stands for itself in a regular expression.
fn push_literal(regexp: &mut String, c: char) {
    if r"\.+*?()|[]{}^$#&-~".contains(c) {
        regexp.push('\\');
    }
    regexp.push(c);
}
