//! `cupola generate`: what follows a prompt, shown as it comes.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use base::{BoxError, IoError};
use language::Finish;
use serde_json::json;
use text_model::TextModel;

use crate::args::{GenerateArgs, Global};
use crate::clock;
use crate::error::{CliError, Outcome};
use crate::output::print_json;

/// Generates.
pub(crate) fn generate(args: &GenerateArgs, global: &Global) -> Result<Outcome, BoxError> {
    let dir = language_model(&args.model)?;
    let model = TextModel::load(&dir)?;
    let options = args.sampling.options(clock::now_ms().cast_unsigned());
    let seed = options.sampling.seed;
    let tokens = model.encode(&prompt(args.prompt.as_deref())?)?;
    let never = || false;
    let prompt =
        model.prompt(&tokens, &never)?.ok_or(CliError::NotLanguage { path: dir.clone() })?;
    let mut completion = model.complete(prompt, options)?;

    let mut text = String::new();
    let mut out = io::stdout().lock();
    let is_terminal = out.is_terminal();
    for piece in completion.by_ref() {
        let piece = piece?.text;
        if global.json {
            text.push_str(&piece);
        } else if !piece.is_empty() {
            let shown = if is_terminal { harmless(&piece) } else { Cow::Borrowed(piece.as_str()) };
            out.write_all(shown.as_bytes()).and_then(|()| out.flush()).map_err(CliError::Write)?;
        }
    }
    if !global.json {
        writeln!(out).and_then(|()| out.flush()).map_err(CliError::Write)?;
        return Ok(Outcome::Done);
    }
    drop(out);
    let reason = match completion.finish() {
        Some(Finish::Stop) => "stop",
        _ => "length",
    };
    let content = json!({
        "model": dir,
        "text": text,
        "finish_reason": reason,
        "seed": seed,
        "prompt_tokens": tokens.len(),
        "completion_tokens": completion.num_tokens(),
    });
    print_json("completion", content)?;
    Ok(Outcome::Done)
}

/// Returns the folder of a language model: the one given, or the newest version in it.
fn language_model(path: &Path) -> Result<PathBuf, BoxError> {
    if TextModel::is_in(path) {
        return Ok(path.to_path_buf());
    }
    let newest = push::newest(path)?.filter(|version| TextModel::is_in(version));
    newest.ok_or_else(|| CliError::NotLanguage { path: path.to_path_buf() }.into())
}

fn prompt(given: Option<&str>) -> Result<String, BoxError> {
    let mut input = io::stdin();
    match given {
        Some(prompt) => Ok(prompt.to_owned()),
        None if input.is_terminal() => Ok(String::new()),
        None => {
            let mut text = String::new();
            let read = input.read_to_string(&mut text);
            read.map_err(IoError::at("read", Path::new("standard input")))?;
            Ok(text)
        }
    }
}

/// Returns text without characters that a terminal takes for commands.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_harmful = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    match text.contains(is_harmful) {
        false => Cow::Borrowed(text),
        true => Cow::Owned(text.replace(is_harmful, "\u{fffd}")),
    }
}
