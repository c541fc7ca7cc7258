//! Tokenizer files that expressions name.

use std::path::PathBuf;

use base::Classify as _;
use graph::Tokenizer;

use super::Checker;
use super::call::Given;
use crate::Config;
use crate::ast::{Expr, ExprKind, Literal};
use crate::parse::parse;

/// Why a file is no tokenizer, for people.
#[derive(Clone, Debug)]
pub(super) struct Unreadable {
    message: String,
    hint: Option<String>,
}

impl Checker<'_> {
    /// Reads the tokenizer file given, once, or reports why it cannot be used.
    pub(super) fn tokenizer(&mut self, given: &Given<'_>) -> Option<Tokenizer> {
        let name = given.text().unwrap_or_default();
        let path = self.base_dir.join(name);
        let read = self.tokenizers.entry(path.clone()).or_insert_with(|| read(&path));
        match read.clone() {
            Ok(tokenizer) => Some(tokenizer),
            Err(Unreadable { message, hint }) => {
                self.report(given.at().unwrap_or(0), message, hint);
                None
            }
        }
    }
}

fn read(path: &PathBuf) -> Result<Tokenizer, Unreadable> {
    let bytes = std::fs::read(path).map_err(|error| Unreadable {
        message: format!("cannot read {}: {error}", path.display()),
        hint: Some("paths are relative to the folder of the pipeline file".to_owned()),
    })?;
    Tokenizer::from_bytes(bytes).map_err(|error| Unreadable {
        message: format!("{}: {}", path.display(), base::render_chain(&error)),
        hint: error.hint(),
    })
}

/// Returns the tokenizer files that the expressions of a configuration name, each once.
///
/// Expressions that cannot be read name none; [`crate::check`] reports them.
pub fn files(config: &Config) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for text in config.helpers.values().chain(config.features.values()) {
        if let Ok(expr) = parse(text, &|_| false) {
            expr.calls(&mut |call| {
                if let Some(name) = file_of(call) {
                    let path = config.base_dir.join(name);
                    if !files.contains(&path) {
                        files.push(path);
                    }
                }
            });
        }
    }
    files
}

/// Returns the file that a call names, if it does.
fn file_of(call: &Expr) -> Option<&str> {
    let ExprKind::Call { name, args } = &call.kind else { return None };
    let is_file = |(place, arg): (usize, &crate::ast::Arg)| match &arg.name {
        Some(name) => name.text.eq_ignore_ascii_case("file"),
        None => place == 1,
    };
    let place = args.iter().enumerate().position(is_file).filter(|_| name == "tokenize")?;
    match &args[place].value.kind {
        ExprKind::Literal(Literal::String(file)) => Some(file),
        _ => None,
    }
}
