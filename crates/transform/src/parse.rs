//! Text to [`Expr`]: SQL scalar expressions, read by `sqlparser`.
//!
//! Columns, helpers and features are named in the case in which they were written, in double quotes where they
//! are no plain words; functions and keywords in any case. Arguments go by place or, `top_k => 10`, by name.

mod convert;

use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use crate::ast::Expr;

/// How deep parentheses and calls may be nested, and how many operators an expression may have. Chains of
/// operators are trees as deep as they are long, and nobody reads longer ones.
const MAX_DEPTH: usize = 64;
const MAX_OPERATORS: usize = 256;

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    pub(crate) at: usize,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Reads one expression; `is_name` knows the columns, so that a keyword among them can be explained.
pub(crate) fn parse(text: &str, is_name: &dyn Fn(&str) -> bool) -> Result<Expr, ParseError> {
    let places = Places::new(text);
    let error = |at: usize, message: String| ParseError { at, message, hint: None };
    let tokens = Tokenizer::new(&Expressions, text)
        .tokenize_with_location()
        .map_err(|failure| error(places.of(failure.location), lower_first(&failure.message)))?;
    let tokens: Vec<TokenWithSpan> =
        tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    if tokens.iter().all(|token| token.token == Token::EOF) {
        return Err(error(0, "found nothing, expected an expression".to_owned()));
    }
    if let Some(token) = tokens.iter().filter(|token| is_operator(&token.token)).nth(MAX_OPERATORS)
    {
        let message = format!("found more than {MAX_OPERATORS} operators in one expression");
        let hint = Some("give parts of it names in `let`".to_owned());
        return Err(ParseError { at: places.of(token.span.start), message, hint });
    }

    let mut parser = Parser::new(&Expressions)
        .with_recursion_limit(MAX_DEPTH)
        .with_tokens_with_locations(tokens.clone());
    let parsed = parser.parse_expr();
    let found = parser.peek_token();
    let parsed = parsed.map_err(|failure| explain(failure, &tokens, &places, is_name))?;
    if found.token != Token::EOF {
        let at = places.of(found.span.start);
        return Err(ParseError {
            at,
            message: format!("found `{found}`, expected an operator or the end of the expression"),
            hint: keyword_hint(&found.token, is_name),
        });
    }
    convert::convert(&parsed, &places)
}

fn explain(
    failure: ParserError,
    tokens: &[TokenWithSpan],
    places: &Places,
    is_name: &dyn Fn(&str) -> bool,
) -> ParseError {
    let text = match failure {
        ParserError::RecursionLimitExceeded => {
            return ParseError {
                at: 0,
                message: format!("parentheses and calls are nested more than {MAX_DEPTH} deep"),
                hint: Some("give parts of it names in `let`".to_owned()),
            };
        }
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
    };
    let (text, location) = split_location(&text);
    let at = location.map_or(places.len, |location| places.of(location));
    let before = tokens
        .iter()
        .take_while(|token| token.token != Token::EOF && places.of(token.span.start) <= at);
    let hint = before.filter_map(|token| keyword_hint(&token.token, is_name)).last();
    let message =
        match text.strip_prefix("Expected: ").and_then(|rest| rest.split_once(", found: ")) {
            Some((expected, "EOF")) => format!("found the end, expected {expected}"),
            Some((expected, found)) => format!("found `{found}`, expected {expected}"),
            None if text.starts_with("No infix parser") => {
                let found = tokens.iter().find(|token| places.of(token.span.start) >= at);
                let found = found.map_or_else(String::new, |token| token.token.to_string());
                format!("found `{found}`, expected an operator of expressions")
            }
            None => lower_first(text),
        };
    ParseError { at, message, hint }
}

/// A column whose name is a keyword has to be in quotes.
fn keyword_hint(token: &Token, is_name: &dyn Fn(&str) -> bool) -> Option<String> {
    let Token::Word(word) = token else { return None };
    let is_keyword = word.keyword != Keyword::NoKeyword && word.quote_style.is_none();
    (is_keyword && is_name(&word.value))
        .then(|| format!("write \"{}\", in double quotes, for the column of that name", word.value))
}

/// Takes ` at Line: 1, Column: 5` off the end of a message.
fn split_location(text: &str) -> (&str, Option<Location>) {
    let split = || {
        let (message, place) = text.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        Some((message, Location::new(line.parse().ok()?, column.parse().ok()?)))
    };
    split().map_or((text, None), |(message, location)| (message, Some(location)))
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::BETWEEN
                | Keyword::WHEN
        ),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Comma
        | Token::LParen
        | Token::RParen
        | Token::RArrow
        | Token::EOF => false,
        _ => true,
    }
}

/// Where the lines of a text start, to count characters from its beginning.
pub(crate) struct Places {
    /// Characters before each line.
    lines: Vec<usize>,
    len: usize,
}

impl Places {
    fn new(text: &str) -> Self {
        let mut lines = vec![0];
        let mut len = 0;
        for c in text.chars() {
            len += 1;
            if c == '\n' {
                lines.push(len);
            }
        }
        Self { lines, len }
    }

    /// Returns how many characters come before a place; unknown places are at the start.
    fn of(&self, location: Location) -> usize {
        let index = |n: u64| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
        let line = self.lines.get(index(location.line)).copied().unwrap_or(0);
        line.saturating_add(index(location.column)).min(self.len)
    }

    fn start(&self, span: Span) -> usize {
        self.of(span.start)
    }
}

/// SQL with nothing but scalar expressions in mind: `=>` for named arguments, no escapes in text.
#[derive(Debug)]
struct Expressions;

impl Dialect for Expressions {
    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_alphanumeric() || c == '_'
    }
}

#[cfg(test)]
mod tests;
